/*
 * docker's config.json, told which credential helper to ask for a registry, and told no more: pure functions over the
 * file's text. What is there stays byte for byte, but for the members of "credHelpers" that are about the hosts.
 */
#ifndef AUTH_DOCKER_SETUP_H
#define AUTH_DOCKER_SETUP_H

#include "base/err.h"
#include "base/strings.h"
#include "wire/js.h"

#define DOCKER_SETUP_HELPER "landed"

/*
 * TEXT with HELPER for HOST; HELPER NULL: without a helper for it. *ret_before is the helper that was there, or NULL.
 * The caller frees both. ERR_LOCAL for what is no such file.
 */
MUST_USE bool docker_setup_edit(const char *text, const char *host, const char *helper,
				char **ret_text, char **ret_before, struct err *err);

/*
 * What has to be known to take an edit back: written beside the file. It holds no more of the file than what the edit
 * has replaced.
 */
struct docker_setup_record {
	struct js *j;
};
void docker_setup_record_clear(struct docker_setup_record *r);

/* BEFORE NULL: there was no file. HELPERS: {host: helper that was there, or null}; taken over. */
void docker_setup_record_make(const char *before, const char *after, struct js *helpers,
			      struct docker_setup_record *ret);
MUST_USE bool docker_setup_record_parse(const char *bytes, size_t len,
					struct docker_setup_record *ret, struct err *err);
char *docker_setup_record_text(const struct docker_setup_record *r);

/* Whether TEXT is as the edit has left it; then *ret_before is what it was, NULL for no file. The caller frees. */
bool docker_setup_record_undo(const struct docker_setup_record *r, const char *text,
			      char **ret_before);

/* {host: helper or null}, or NULL; belongs to R. */
const struct js *docker_setup_record_helpers(const struct docker_setup_record *r);

#endif
