/*
 * What pushes from this machine have learnt: which blob a layer became with which compression, and under which
 * manifest a repository has which image. Lines in a file, the newest last; a line that is not understood is passed
 * over. Nothing in it is believed without asking the registry, and losing it costs nothing but time.
 */
#ifndef REGISTRY_RECORD_H
#define REGISTRY_RECORD_H

#include "registry/known.h"

/* The older half of a larger file is dropped. */
#define RECORD_CEILING (2 * MIB)

struct record;

/* A file that is not there or cannot be read is an empty record. */
struct record *record_open(const char *path);
void record_free(struct record *r);
DEFINE_FREEP(struct record, record_free)

/* Adds to K what a layer became with the compression of that name. */
void record_find_layer(const struct record *r, const char *compression,
		       const struct digest *diff_id, struct known *k);

/* The manifest under which PLACE ("host/repository") had the image ID last; false when that is not known. */
bool record_find_image(const struct record *r, const struct digest *id, const char *place,
		       struct digest *ret);

/* Noted in memory, if it is new. */
void record_note_layer(struct record *r, const char *compression, const struct digest *diff_id,
		       const struct descriptor *blob);
void record_note_image(struct record *r, const struct digest *id, const char *place,
		       const struct digest *manifest);

/* Adds what was noted to the file, making it and its directory where they are missing. ERR_LOCAL. */
MUST_USE bool record_save(struct record *r, struct err *err);

#endif
