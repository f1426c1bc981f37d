/*
 * What the doctor thinks of what was seen. Pure: no file, no clock, no network, no environment.
 */
#ifndef CLI_DOCTOR_JUDGE_H
#define CLI_DOCTOR_JUDGE_H

#include "auth/source.h"
#include "cli/finding.h"

/* Against the Date of an answer: half a minute confuses, five minutes break what is signed. */
#define DOCTOR_SKEW_WARNING_MS 30000
#define DOCTOR_SKEW_ERROR_MS 300000
void doctor_judge_clock(struct findings *f, int64_t here_wall_ms, int64_t there_wall_ms);

/* What `docker --version` says. */
void doctor_judge_docker_version(struct findings *f, const char *text);

/* A file of docker's or podman's, as bytes. */
struct docker_file {
	const char *path;
	const char *text;
	size_t len;
	int64_t age_ms; /* since it was written; negative: not known */
	bool docker;	/* the docker CLI reads it */
	bool podman;
	bool landed;
};

struct docker_judgement {
	const char *host; /* NULL: every registry of Google's that the file names */
	bool is_asked;	  /* a push from here asks these files */
	int64_t now_wall_ms;
	bool (*has_program)(const char *program);
};

/*
 * Helpers that are not there, logins that are stale or shadowed, keys that match nothing. *ret_has, if not NULL: it
 * has something for the host.
 */
void doctor_judge_docker_file(struct findings *f, const struct docker_file *file,
			      const struct docker_judgement *how, bool *ret_has);

/* gcloud's account and the identity of ADC; either may be NULL. ORIGIN says where the second is from. */
void doctor_judge_accounts(struct findings *f, const char *gcloud_account, const char *principal,
			   const char *origin);

/* The scopes of a machine, one a line, as its metadata server has them. */
void doctor_judge_scopes(struct findings *f, const char *scopes);

/* What would be shown to HOST. C NULL: nobody's. Its life is on the clock of NOW_MS. */
void doctor_judge_credential(struct findings *f, const struct credential *c, const char *host,
			     int64_t now_ms);

#endif
