/*
 * An image into one or more places of registries, each proven, as one piece that several commands share.
 */
#ifndef CLI_PUSH_H
#define CLI_PUSH_H

#include "cli/command.h"

struct push_settings {
	struct strings platforms;
	struct strings additional_tags;
	struct strings cache_from;
	char *compression; /* NULL: what is usual */
	int64_t settle_ms;
	char *digest_file;
	char *metadata_file;
};

/* Offsets in a struct push_settings; those of push_mounts in the common_settings. */
extern const struct opt_group push_platforms;
extern const struct opt_group push_options;
extern const struct opt_group push_mounts;

/*
 * SOURCE is as image_open takes it, the references are RUN's operands from FIRST_REF on, one at least. Results are printed.
 * True when all are proven; *ret_digest, if wanted, is then what landed under the first of them.
 */
MUST_USE bool push_run(const struct run *run, const struct push_settings *settings,
		       const char *source, size_t first_ref, struct digest *ret_digest,
		       struct err *err);

#endif
