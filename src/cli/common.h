/*
 * What every command that talks to a registry can be told, and the option groups that say it. A command's own
 * settings begin with these.
 */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "cli/connect.h"
#include "cli/opt.h"
#include "registry/verify.h"
#include "report/progress.h"
#include "report/result.h"

struct common_settings {
	enum result_form output;
	bool quiet;
	int verbose;
	enum progress_mode progress;
	bool timeline;
	int64_t timeout_ms; /* 0: none */
	int64_t jobs;
	enum verify_depth depth;
	char *receipt;
	struct connect_options connect;
	struct strings credential_hosts; /* whom tokens are handed out for, beside Google's */
};

extern const struct opt_group common_output;
extern const struct opt_group common_proof;
extern const struct opt_group common_limits;
extern const struct opt_group common_credentials;
extern const struct opt_group common_connection;

/* For those that hand tokens out. */
extern const struct opt_group common_handout;

/* The entries of a command's table of uses for all of these, in a struct that begins with common_settings. */
#define COMMON_USES                                                         \
	{ &common_proof, 0 }, { &common_output, 0 }, { &common_limits, 0 }, \
		{ &common_credentials, 0 },                                 \
	{                                                                   \
		&common_connection, 0                                       \
	}

/*
 * How long and how often, for a group "Limits" in a struct that begins with common_settings. The five texts are what
 * differs between commands: the defaults, and what is over by --timeout.
 */
#define COMMON_LIMITS(timeout, timeout_help, stall_timeout, retries_, renew_wait)                    \
	{ .name = "timeout",                                                                         \
	  .kind = OPT_DURATION,                                                                      \
	  .offset = offsetof(struct common_settings, timeout_ms),                                    \
	  .argument = "TIME",                                                                        \
	  .fallback = (timeout),                                                                     \
	  .least = 1000,                                                                             \
	  .most = 7 * 24 * 3600000,                                                                  \
	  .help = timeout_help },                                                                    \
		{ .name = "stall-timeout",                                                           \
		  .kind = OPT_DURATION,                                                              \
		  .offset = offsetof(struct common_settings, connect.stall_timeout_ms),              \
		  .argument = "TIME",                                                                \
		  .fallback = (stall_timeout),                                                       \
		  .least = 1000,                                                                     \
		  .most = 3600000,                                                                   \
		  .help = "give a transfer up when nothing moves for so long" },                     \
		{ .name = "retries",                                                                 \
		  .kind = OPT_INTEGER,                                                               \
		  .offset = offsetof(struct common_settings, connect.retries),                       \
		  .argument = "N",                                                                   \
		  .fallback = (retries_),                                                            \
		  .least = -1,                                                                       \
		  .most = 100,                                                                       \
		  .help = "how often one request is tried again after a passing fault; -1: as long " \
			  "as --timeout and the kind of fault allow" },                              \
	{                                                                                            \
		.name = "renew-wait", .kind = OPT_DURATION,                                          \
		.offset = offsetof(struct common_settings, connect.renew_wait_ms),                   \
		.argument = "TIME", .fallback = (renew_wait), .least = 0, .most = 3600000,           \
		.help = "how long to wait for a new token while the source repeats a dying one"      \
	}

#define COMMON_JOBS(what)                                                          \
	{                                                                          \
		.name = "jobs", .kind = OPT_INTEGER,                               \
		.offset = offsetof(struct common_settings, jobs), .argument = "N", \
		.fallback = "4", .least = 1, .most = 64, .help = what              \
	}

/* The option of commands that wait for a write to become visible; AT is the offset of an int64_t, milliseconds. */
#define COMMON_SETTLE(at)                                                                   \
	{                                                                                   \
		.name = "settle", .kind = OPT_DURATION, .offset = (at), .argument = "TIME", \
		.fallback = "30s", .least = 0, .most = 3600000,                             \
		.help = "how long the registry may take to show what it has accepted"       \
	}

#endif
