/*
 * Which of the images that an index holds.
 */
#ifndef IMAGE_CHOICE_H
#define IMAGE_CHOICE_H

#include "image/content.h"
#include "image/image.h"

/* An image manifest somewhere below a root. */
struct leaf {
	struct descriptor descriptor;
	struct platform
		platform; /* by its descriptor or else by its config; empty when neither says */
	struct js *js;	  /* its descriptor as it stands in the index; NULL for a root */
};

struct leaves {
	struct leaf *at;
	size_t count;
	size_t room;
	size_t indexes; /* that were read */
};

/*
 * ROOT itself, or all images of an index and the indexes in it that are there; an absent child is a
 * leaf too.
 */
MUST_USE bool leaves_collect(struct content *c, const struct descriptor *root, struct leaves *ret,
			     struct err *err);
void leaves_clear(struct leaves *l);

/* Keeps the first COUNT. */
void leaves_truncate(struct leaves *l, size_t count);

/* Says what something is about another image, not an image to run. */
bool leaf_is_attestation(const struct leaf *l);

/* "linux/amd64, linux/arm64/v8"; the caller frees. */
char *leaves_platforms(const struct leaves *l);

/* What a config with these BYTES says; RET must be cleared by the caller. ERR_CORRUPT. */
MUST_USE bool config_platform(const char *bytes, size_t len, struct platform *ret, struct err *err);

/* Whether the image of a config with these BYTES is what OPTIONS ask for; ERR_NO_SOURCE. */
MUST_USE bool choose_config(const char *bytes, size_t len, const struct image_options *options,
			    struct err *err);

/*
 * The manifest at ROOT, or what OPTIONS' platforms leave of it: for each wanted platform the child
 * that serves it best. If they are several, a new index of them with the attestations that are
 * about them. ERR_NO_SOURCE when a platform is not served, with the platforms that there are.
 */
MUST_USE bool choose_platforms(struct content *c, const struct descriptor *root,
			       const struct image_options *options, struct manifest **ret,
			       struct err *err);

#endif
