/*
 * An image's name: [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST], in the grammar of OCI distribution 1.1
 * ("Pulling manifests") with docker's rules for what is left out: docker.io, library/, :latest. A
 * first component is a host when it has a dot or a colon or is `localhost`. Names are the same
 * again when their text is parsed.
 */
#ifndef IMAGE_REFERENCE_H
#define IMAGE_REFERENCE_H

#include "wire/digest.h"

struct reference {
	char *host; /* "HOST[:PORT]" as people write it, lower case; "docker.io" when left out */
	char *repository;     /* "library/alpine" */
	char *tag;	      /* NULL only when a digest is there and no tag was written */
	struct digest digest; /* text "" when none was written */
};

/* ERR_USAGE, naming the place where it goes wrong. RET must be cleared by the caller. */
MUST_USE bool reference_parse(const char *text, struct reference *ret, struct err *err);
void reference_clear(struct reference *r);

bool reference_tag_is_valid(const char *tag);
bool reference_repository_is_valid(const char *repository);

/* "host/repository", "host/repository:tag[@digest]", "host/repository@digest"; the caller frees. */
char *reference_name(const struct reference *r);
char *reference_text(const struct reference *r);
char *reference_with_digest(const struct reference *r, const struct digest *d);

#endif
