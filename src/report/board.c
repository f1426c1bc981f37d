#include "report/board.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

/* A rate is the mean over at least this long. */
#define RATE_WINDOW_MS 1000

static void forget_blobs(struct board *b)
{
	for (size_t i = 0; i < b->blob_count; i++)
		free(b->blobs[i].digest);
	free(b->blobs);
	b->blobs = NULL;
	b->blob_count = 0;
}

void board_clear(struct board *b)
{
	forget_blobs(b);
	free(b->title);
	free(b->phase);
	tokens_clear(&b->tokens);
	*b = (struct board){ 0 };
}

void board_begin(struct board *b, const char *title)
{
	forget_blobs(b);
	mem_replace(&b->title, title);
	mem_replace(&b->phase, NULL);
}

static uint64_t key_of(const char *digest)
{
	const char *colon = strchr(digest, ':');
	char head[17] = "";

	strncat(head, colon ? colon + 1 : digest, sizeof(head) - 1);
	return strtoull(head, NULL, 16);
}

static struct board_blob *blob_of(struct board *b, const char *digest)
{
	uint64_t key = key_of(digest);
	struct board_blob *blob;

	for (size_t i = b->blob_count; i-- > 0;) {
		blob = &b->blobs[i];
		if (blob->key == key && !strcmp(blob->digest, digest))
			return blob;
	}
	if (b->blob_count == BOARD_BLOBS_MAX)
		return NULL;
	/* doubled, so that a large image does not copy the table for each blob */
	if (!(b->blob_count & (b->blob_count - 1)))
		b->blobs = mem_realloc(b->blobs, b->blob_count ? 2 * b->blob_count : 1,
				       sizeof(*b->blobs));
	blob = &b->blobs[b->blob_count++];
	*blob = (struct board_blob){ .digest = mem_strdup(digest), .key = key };
	return blob;
}

static void measure(struct board_blob *blob, const struct event *e)
{
	int64_t span_ms = e->at_ms - blob->mark_ms;

	if (!blob->mark_ms || e->blob.done_bytes < blob->mark_bytes) {
		blob->mark_ms = e->at_ms;
		blob->mark_bytes = e->blob.done_bytes;
		blob->rate = 0;
	} else if (span_ms >= RATE_WINDOW_MS) {
		blob->rate = (e->blob.done_bytes - blob->mark_bytes) * 1000 / span_ms;
		blob->mark_ms = e->at_ms;
		blob->mark_bytes = e->blob.done_bytes;
	}
}

static struct board_blob *note_blob(struct board *b, const struct event *e)
{
	struct board_blob *blob = e->blob.digest ? blob_of(b, e->blob.digest) : NULL;

	if (!blob)
		return NULL;
	if (blob->stage != e->blob.stage) {
		blob->mark_ms = 0;
		blob->rate = 0;
	}
	blob->stage = e->blob.stage;
	blob->done_bytes = e->blob.done_bytes;
	if (e->blob.size_bytes > 0)
		blob->size_bytes = e->blob.size_bytes;
	if (board_blob_is_active(blob))
		measure(blob, e);
	return blob;
}

static void note_token(struct board *b, const struct event *e)
{
	const struct token *before;

	b->token_news = tokens_note(&b->tokens, e, &before);
	b->was_due_ms = before ? before->expires_ms : NEVER_MS;
}

struct board_blob *board_note(struct board *b, const struct event *e)
{
	switch (e->kind) {
	case EVENT_PHASE:
		mem_replace(&b->phase, e->text);
		break;
	case EVENT_TOKEN:
		note_token(b, e);
		break;
	case EVENT_REFUSED:
		tokens_refused(&b->tokens, e);
		break;
	case EVENT_BLOB:
		return note_blob(b, e);
	case EVENT_NOTE:
	case EVENT_REQUEST:
	case EVENT_WAIT:
	case EVENT_PROOF:
		break;
	}
	return NULL;
}

bool board_blob_is_active(const struct board_blob *blob)
{
	if (blob->stage == BLOB_STAGE_PACKING)
		return blob->done_bytes < blob->size_bytes;
	return blob->stage == BLOB_STAGE_SENDING || blob->stage == BLOB_STAGE_AGAIN;
}

struct board_sum board_sum(const struct board *b)
{
	struct board_sum sum = { 0 };

	for (size_t i = 0; i < b->blob_count; i++) {
		const struct board_blob *blob = &b->blobs[i];

		/* a layer that is packed goes by another digest, with another size, from there on */
		if (blob->stage == BLOB_STAGE_PACKING)
			continue;
		sum.blobs++;
		sum.size_bytes += blob->size_bytes;
		switch (blob->stage) {
		case BLOB_STAGE_EXISTS:
		case BLOB_STAGE_MOUNTED:
		case BLOB_STAGE_SKIPPED:
			sum.there++;
			break;
		case BLOB_STAGE_SENT:
			sum.sent++;
			break;
		case BLOB_STAGE_PACKING:
		case BLOB_STAGE_PLANNED:
		case BLOB_STAGE_SENDING:
		case BLOB_STAGE_AGAIN:
			sum.open++;
			sum.open_bytes += blob->size_bytes;
			break;
		}
	}
	return sum;
}
