/*
 * The forms in which an image is kept, each read into an image. One word of a source, one function.
 */
#ifndef IMAGE_FORMS_H
#define IMAGE_FORMS_H

#include "image/container.h"
#include "image/image.h"

/* REF may be NULL; INTO is empty and freed by the caller also after a failure. */
MUST_USE bool form_oci(const struct world *w, const char *path, const char *ref,
		       const struct image_options *options, struct image *into, struct err *err);
MUST_USE bool form_oci_archive(const struct world *w, const char *path, const char *ref,
			       const struct image_options *options, struct image *into,
			       struct err *err);
MUST_USE bool form_docker_archive(const struct world *w, const char *path, const char *ref,
				  const struct image_options *options, struct image *into,
				  struct err *err);

/* NAME is what the engine calls the image; there is no REF. */
MUST_USE bool form_docker_daemon(const struct world *w, const char *name, const char *ref,
				 const struct image_options *options, struct image *into,
				 struct err *err);

/* The same on a container that is open; C is taken, also when this fails. */
MUST_USE bool read_oci(const struct world *w, struct container *c, const char *ref,
		       const struct image_options *options, struct image *into, struct err *err);
MUST_USE bool read_docker(const struct world *w, struct container *c, const char *ref,
			  const struct image_options *options, struct image *into, struct err *err);

#endif
