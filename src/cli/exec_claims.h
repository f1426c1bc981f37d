/*
 * What a command claims to push: read out of its words, of what it prints and of the files that it writes. Bytes in,
 * claims out; no registry, engine or disk is asked in here, and nothing that it says is believed before the proof.
 *
 * A claim comes from
 *	the words	`docker push REF`, `skopeo copy SRC docker://REF`, also inside `sh -c '...'` or behind env and
 *			sudo; where no pusher is known, from each word that is a name with host and tag (a guess)
 *	the output	docker's "The push refers to repository [REPO]" and "TAG: digest: sha256:... size: N", also
 *			inside the JSON of the engine's API; of crane a line that is nothing but REPO@sha256:..., which
 *			a script might print of what was there before
 *	a file		--metadata-file (buildx), --digestfile (skopeo, podman, buildah)
 */
#ifndef CLI_EXEC_CLAIMS_H
#define CLI_EXEC_CLAIMS_H

#include "base/buf.h"
#include "base/strings.h"
#include "image/reference.h"

#define CLAIMS_MAX 256

struct claim {
	struct reference ref;
	struct digest digest; /* that was claimed; "" when none was */
	char *image;	      /* the same image on this machine, or NULL */
	struct strings
		engine; /* words that begin a question to the engine that has IMAGE; none: it is a SOURCE */
	bool is_guess;
};

struct claims {
	struct claim *at;
	size_t count;
	struct strings hosts; /* every registry that was named, also without a claim */
	struct strings
		unfinished; /* repositories that a push began to and never said a digest of */
	bool says_name; /* the command itself prints what it pushed as REPO@DIGEST, and nothing like it */
	char *metadata_file; /* NULL when none was named */
	char *digest_file;
};

/* WORDS is a whole command line. */
void claims_of_line(struct claims *c, char *const *words, size_t count);
void claims_clear(struct claims *c);

/* Somebody said it outright. ERR_USAGE. */
MUST_USE bool claims_add_ref(struct claims *c, const char *text, struct err *err);

/* What a file says; what is no such file says nothing. False when nothing was learnt. */
bool claims_of_metadata(struct claims *c, const char *bytes, size_t len);
bool claims_of_digest_file(struct claims *c, const char *bytes, size_t len);

/* Output as it comes, in any pieces. */
#define CLAIMS_LINE_MAX 8192
struct claims_output {
	struct claims *claims;
	struct buf line;  /* what is longer is not looked at beyond */
	char *repository; /* that the push refers to */
	bool is_open;	  /* its digest was not said yet */
};

void claims_output_init(struct claims_output *o, struct claims *c);
void claims_output_add(struct claims_output *o, const char *bytes, size_t len);
void claims_output_finish(struct claims_output *o); /* a last line without its end; frees */

/* What was said of REPOSITORY's digests no longer counts: a later push to it did not come to its end. */
void claims_reopen(struct claims *c, const char *repository);

/* For exec_line.c and exec_output.c: a claim of that name, made if need be; NULL when the name is none. */
struct claim *claims_name(struct claims *c, const char *text);
void claims_host(struct claims *c, const char *host);

/* Whether TEXT begins with a registry written out: "host.example/", "127.0.0.1:5000/", "localhost/". */
bool claims_names_host(const char *text);

/* Guesses that nothing has confirmed are given up once something is known. */
void claims_drop_guesses(struct claims *c);

#endif
