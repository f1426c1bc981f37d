/*
 * JSON that streams by, cut into the objects that are to be looked at one at a time: those of a watch, which follow each
 * other, and the items of a list, of which the rest is kept. Holds one object, however long the stream is. What it cuts
 * out is not yet known to be JSON.
 */
#ifndef KUBE_SPLITTER_H
#define KUBE_SPLITTER_H

#include "base/buf.h"

enum splitter_form {
	SPLITTER_STREAM, /* {...} {...} ... */
	SPLITTER_LIST,	 /* {..., "items": [{...}, {...}], ...} */
};

#define SPLITTER_REST_CEILING (64 * KIB)

struct splitter {
	enum splitter_form form;
	struct buf value; /* an object, when split says so */
	struct buf rest;  /* of a list: all but its items, whole once it is complete */
	bool complete;	  /* the list has ended */
	/* private */
	size_t depth;
	bool in_string, escaped, in_items, in_value, ready, broken;
	char key[8];
	size_t key_len;
};

void splitter_init(struct splitter *s, enum splitter_form form, size_t object_ceiling);
void splitter_clear(struct splitter *s);

enum split {
	SPLIT_MORE,   /* all was taken, and it needs more */
	SPLIT_OBJECT, /* there is one in value, until the next call */
	SPLIT_BROKEN, /* no JSON of that form, or an object beyond the ceiling */
};

/* Takes *ret_used of LEN bytes, at most up to the end of an object. */
enum split splitter_feed(struct splitter *s, const char *bytes, size_t len, size_t *ret_used);

#endif
