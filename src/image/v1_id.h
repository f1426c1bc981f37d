/*
 * Which layer is in the directory of a classic `docker save`, before its bytes have passed. Until Docker 25 a layer is
 * DIR/layer.tar behind DIR/json, and DIR is the SHA-256 of that JSON with the layer's chain ID and parent put into it
 * (moby image/v1, "CreateID"). So each diff ID can be tried out.
 *
 * A guess that saves work: what it finds is believed only after the bytes were hashed.
 */
#ifndef IMAGE_V1_ID_H
#define IMAGE_V1_ID_H

#include "image/pending.h"

struct v1_id;

/* P is borrowed. */
struct v1_id *v1_id_new(const struct pending *p);
void v1_id_free(struct v1_id *v);
DEFINE_FREEP(struct v1_id, v1_id_free)

/* Whether NAME is a DIR/json; then BYTES are remembered until the next. */
bool v1_id_take(struct v1_id *v, const char *name, const char *bytes, size_t len);

/* The layer in NAME, which is DIR/layer.tar; P's layer_count when that is not known. */
size_t v1_id_layer(const struct v1_id *v, const char *name);

#endif
