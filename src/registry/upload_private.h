/*
 * What the two halves of sending a blob share: upload.c opens an upload and knows the forms in which a body travels,
 * upload_send.c makes the requests at its place and reads what is answered.
 */
#ifndef REGISTRY_UPLOAD_PRIVATE_H
#define REGISTRY_UPLOAD_PRIVATE_H

#include "registry/blob.h"

/* Answers that neither the body nor the token explain are tried again this often. */
#define ODD_ANSWERS_MAX 4

/* What becomes of an attempt. */
enum step {
	STEP_DONE,  /* the next request may follow, or the blob is there */
	STEP_ANEW,  /* from the beginning, with a new upload */
	STEP_OTHER, /* the registry refuses this form: try another */
	STEP_OVER,  /* ERR says why */
};

struct upload {
	const struct world *w;
	struct session *s;
	struct image *image;
	const struct descriptor *d;
	bool replaces;	/* that it is there settles nothing: it was there before */
	char *location; /* of the open upload, NULL when there is none */
	enum upload_form form;
	bool tried[UPLOAD_FORMS];
	bool wants_chunks; /* the registry: as one body it is too large, or lacks a range */
	int64_t chunk_bytes;
	int64_t chunk_least; /* the registry's own floor */
	size_t bare_refusals;
	size_t odd_beginnings;
	size_t odd_answers; /* to bodies and commits */
	struct http_history body_history;
};

/* upload_send.c */
void upload_tell_stage(const struct upload *u, enum blob_stage stage, int64_t done_bytes);
struct http_call upload_call(const struct upload *u, const char *method, const char *url);
void upload_go_to(struct upload *u, const char *location);

/* Whether the registry shows the blob. ERR is only set when it could not be asked. */
bool upload_is_there(struct upload *u, struct err *err);

/* CALL with LEN bytes of BODY; PROGRESS: they are the whole blob. */
enum step upload_send_body(struct upload *u, struct http_call *call, struct stream *body,
			   int64_t len, bool progress, struct err *err);

/* PUT <location>?digest=<digest>, empty. An answer that was lost, or is odd, is settled by asking for the blob. */
enum step upload_commit(struct upload *u, struct err *err);

#endif
