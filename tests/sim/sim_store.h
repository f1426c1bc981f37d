/*
 * What the simulated registry holds, and the truth about an image: whether all of it is there, by hash. It reads
 * manifests with its own few lines over wire/js.h, so that a mistake of the program's reader is not repeated here.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "base/buf.h"
#include "wire/digest.h"

/* A blob or a manifest. */
struct sim_thing {
	struct sim_thing *next;
	struct digest digest;
	char *media_type; /* of a manifest */
	char *bytes;
	size_t len;
	int64_t visible_ms; /* boot clock: shown from then on */
	bool is_damaged;    /* the bytes are not the digest's */
};

struct sim_move {
	struct digest digest;
	int64_t at_ms;
};

struct sim_tag {
	struct sim_tag *next;
	char *name;
	struct digest digest;
	struct digest before; /* shown until visible_ms */
	int64_t visible_ms;
	struct sim_move *moves; /* all of them, in order */
	size_t move_count;
};

struct sim_repo {
	struct sim_repo *next;
	char *name;
	struct sim_thing *blobs;
	struct sim_thing *manifests;
	struct sim_tag *tags;
};

struct sim_store {
	struct sim_repo *repos;
};

void sim_store_clear(struct sim_store *s);

/* Made when it is not there. */
struct sim_repo *sim_store_repo(struct sim_store *s, const char *name);

struct sim_thing *sim_thing_find(struct sim_thing *list, const char *digest);
struct sim_tag *sim_tag_find(const struct sim_repo *r, const char *name);

/* BYTES are copied. What is there already only becomes visible earlier. */
struct sim_thing *sim_blob_put(struct sim_repo *r, const struct digest *d, const void *bytes,
			       size_t len, int64_t visible_ms);
struct sim_thing *sim_manifest_put(struct sim_repo *r, const struct digest *d,
				   const char *media_type, const void *bytes, size_t len,
				   int64_t visible_ms);
void sim_tag_put(struct sim_repo *r, const char *name, const struct digest *d, int64_t now_ms,
		 int64_t visible_ms);

/* Whether the tag was on D at some moment between the two. */
bool sim_tag_was_on(const struct sim_repo *r, const char *name, const struct digest *d,
		    int64_t from_ms, int64_t to_ms);

/* What comes again replaces what was damaged. */
void sim_blob_drop_damaged(struct sim_repo *r, const char *digest);
void sim_blob_drop(struct sim_repo *r, const char *digest);
void sim_manifest_drop(struct sim_repo *r, const char *digest);

/*
 * What MANIFEST names and REPO has not; layers of a non-distributable type are not asked for. NULL when all is
 * there. Children are looked for, not into.
 */
const char *sim_store_misses(const struct sim_repo *r, const char *bytes, size_t len,
			     struct digest *ret);

/* Whether REFERENCE is on D and all of it is there, hash by hash, visible or not yet. WHY gets what is wrong. */
bool sim_store_holds(struct sim_store *s, const char *repo, const char *reference,
		     const struct digest *d, struct buf *why);

#endif
