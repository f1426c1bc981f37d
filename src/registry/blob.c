#include "registry/blob.h"

#include "base/mem.h"
#include "wire/digest.h"

#include <string.h>

static enum blob_state state_of_size(const struct descriptor *d, int64_t size)
{
	return size == d->size_bytes ? BLOB_PRESENT : BLOB_OTHER_SIZE;
}

static struct http_call blob_call(const struct session *s, const char *method, const char *url)
{
	return (struct http_call){
		.what = "blob",
		.method = method,
		.url = url,
		.scope = session_scope(s),
		.headers = { { "Cache-Control", "no-cache" } },
	};
}

/* HEAD may be forbidden to storage behind a redirect, or unknown to a proxy: the first byte tells as well. */
static bool ask_with_get(const struct world *w, struct session *s, const struct descriptor *d,
			 const char *url, enum blob_state *ret_state, int64_t *ret_size,
			 struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(http_closep) struct http_exchange *x = NULL;
	struct http_call call = blob_call(s, "GET", url);

	call.headers[1] = (struct http_header){ "Range", "bytes=0-0" };
	if (!http_call_open(s->client, w, &call, &x, &answer, err))
		return false;
	*ret_size = answer.range_total >= 0 ? answer.range_total : -1;
	if (answer.status == 200)
		*ret_size = answer.content_length;
	if (answer.status == 200 || answer.status == 206)
		*ret_state = state_of_size(d, *ret_size);
	else if (answer.status == 416) /* there is no first byte */
		*ret_state = state_of_size(d, *ret_size = 0);
	else if (answer.status == 404 || answer.status == 410)
		*ret_state = BLOB_ABSENT;
	else
		return http_answer_err(&call, &answer, err);
	return true;
}

bool blob_exists(const struct world *w, struct session *s, const struct descriptor *d,
		 enum blob_state *ret_state, int64_t *ret_size, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(mem_freep) char *url = session_url(s, "blobs/%s", d->digest.text);
	const struct http_call call = blob_call(s, "HEAD", url);

	*ret_size = -1;
	if (!http_call(s->client, w, &call, &answer, err)) {
		if (err->code != ERR_DENIED)
			return false;
		/* Artifactory says 403 to a HEAD of what is not there (RTFACT-13797) */
		err_clear(err);
		return ask_with_get(w, s, d, url, ret_state, ret_size, err);
	}
	if (answer.status == 404) {
		*ret_state = BLOB_ABSENT;
		return true;
	}
	if (answer.status != 200 || answer.content_length != d->size_bytes)
		return ask_with_get(w, s, d, url, ret_state, ret_size, err);
	*ret_size = answer.content_length;
	*ret_state = BLOB_PRESENT;
	return true;
}

/* One passing fault or refusal; more is dearer than the upload. */
#define MOUNT_ATTEMPTS_MAX 3

/* A failed mount costs an upload, nothing more; only what ends the work ends it here. */
static bool mount_failed(struct err *failed, struct err *err)
{
	if (failed->code == ERR_CANCELLED || failed->code == ERR_TIMEOUT) {
		err_move(err, failed);
		return false;
	}
	err_clear(failed);
	return true;
}

static bool is_shown(const struct world *w, struct session *s, const struct descriptor *d,
		     bool *ret_shown, struct err *err)
{
	enum blob_state state;
	int64_t size;

	if (!blob_exists(w, s, d, &state, &size, err))
		return false;
	*ret_shown = state == BLOB_PRESENT;
	return true;
}

bool blob_mount(const struct world *w, struct session *s, const struct descriptor *d,
		const char *from_repository, bool *ret_mounted, struct err *err)
{
	CLEANUP(mem_freep) char *from_scope = mem_printf("repository:%s:pull", from_repository);
	CLEANUP(mem_freep)
	char *url =
		session_url(s, "blobs/uploads/?mount=%s&from=%s", d->digest.text, from_repository);
	struct http_call call = blob_call(s, "POST", url);
	struct http_history history = { 0 };

	*ret_mounted = false;
	call.what = "mount";
	call.empty_body = true;
	call.scope.resources[1] = from_scope;
	while (history.attempts < MOUNT_ATTEMPTS_MAX) {
		CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
		struct err failed = ERR_INIT;
		size_t faults = history.faults;

		switch (http_attempt(s->client, w, &call, &history, &answer, &failed)) {
		case HTTP_ANSWERED:
			return answer.status != 201 || is_shown(w, s, d, ret_mounted, err);
		case HTTP_OVER:
			return mount_failed(&failed, err);
		case HTTP_AGAIN:
			break;
		}
		/* an answer that was lost may have been a yes */
		if (history.faults > faults && !is_shown(w, s, d, ret_mounted, err))
			return false;
		if (*ret_mounted)
			return true;
	}
	return true;
}

static bool hash_body(const struct world *w, struct http_exchange *x, struct hasher *h,
		      int64_t at_most, const struct blob_reader *r, struct err *err)
{
	char chunk[32 * KIB];
	size_t len = 1;

	hasher_reset(h);
	if (r)
		r->begin(r->arg);
	while (len && hasher_bytes(h) <= at_most) {
		if (!http_read(x, w, chunk, sizeof(chunk), &len, err))
			return false;
		hasher_add(h, chunk, len);
		if (r)
			r->add(r->arg, chunk, len);
	}
	return true;
}

/* Other bytes than the digest's are looked at twice: a proxy may have put its page in their place. */
#define WRONG_BYTES_MAX 2

/* A download that breaks off begins again, as often as the policy allows. */
bool blob_check_bytes(const struct world *w, struct session *s, const struct descriptor *d,
		      const struct blob_reader *r, enum blob_state *ret_state, struct err *err)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(&d->digest);
	CLEANUP(mem_freep) char *url = session_url(s, "blobs/%s", d->digest.text);
	const struct http_call call = blob_call(s, "GET", url);
	struct http_history history = { 0 };
	size_t wrong = 0;

	for (;;) {
		CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
		CLEANUP(http_closep) struct http_exchange *x = NULL;
		struct digest read = { "" };

		if (!http_call_open(s->client, w, &call, &x, &answer, err))
			return false;
		*ret_state = BLOB_ABSENT;
		if (answer.status == 404)
			return true;
		if (!x)
			return http_answer_err(&call, &answer, err);
		if (hash_body(w, x, h, d->size_bytes, r, err)) {
			read = hasher_finish(h);
			*ret_state =
				digest_same(&read, &d->digest) ? BLOB_PRESENT : BLOB_OTHER_SIZE;
			if (*ret_state == BLOB_PRESENT || ++wrong == WRONG_BYTES_MAX)
				return true;
		} else if (err->code != ERR_NET) {
			return false;
		}
		if (http_again(s->client, w, &call, &history, &answer, err) == HTTP_OVER)
			return false;
	}
}

static bool read_body(const struct world *w, struct http_exchange *x, struct buf *out,
		      struct err *err)
{
	char chunk[32 * KIB];
	size_t len = 1;

	while (len) {
		if (!http_read(x, w, chunk, sizeof(chunk), &len, err))
			return false;
		if (!buf_add(out, chunk, len))
			return err_set(err, ERR_CORRUPT, "blob of more than %zu bytes",
				       out->ceiling);
	}
	return true;
}

bool blob_read(const struct world *w, struct session *s, const struct digest *d, struct buf *out,
	       bool *ret_found, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(http_closep) struct http_exchange *x = NULL;
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(d);
	CLEANUP(mem_freep) char *url = session_url(s, "blobs/%s", d->text);
	const struct http_call call = blob_call(s, "GET", url);
	struct digest found;

	*ret_found = false;
	if (!http_call_open(s->client, w, &call, &x, &answer, err))
		return false;
	if (!x)
		return answer.status == 404 || http_answer_err(&call, &answer, err);
	if (!read_body(w, x, out, err))
		return false;
	hasher_add(h, buf_str(out), out->len);
	found = hasher_finish(h);
	*ret_found = digest_same(&found, d);
	return *ret_found ||
	       err_set(err, ERR_CORRUPT, "the registry gave %s for blob %s", found.text, d->text);
}
