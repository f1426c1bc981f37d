#include "sim/sim_registry.h"

#include "base/mem.h"
#include "sim/sim_tokens.h"

#include <stdio.h>
#include <string.h>

static void upload_free(struct sim_upload *u)
{
	free(u->repo);
	buf_clear(&u->bytes);
	free(u);
}

void sim_registry_clear(struct sim_registry *r)
{
	sim_store_clear(&r->store);
	sim_tokens_clear(r);
	while (r->uploads) {
		struct sim_upload *u = r->uploads;

		r->uploads = u->next;
		upload_free(u);
	}
	for (size_t i = 0; i < r->record_count; i++) {
		free(r->records[i].method);
		free(r->records[i].target);
	}
	free(r->records);
}

/* Blobs */

static struct sim_thing *visible(struct sim_thing *list, const char *digest, int64_t now_ms)
{
	struct sim_thing *t = sim_thing_find(list, digest);

	return t && now_ms >= t->visible_ms ? t : NULL;
}

static void put_thing(struct sim_answer *a, const struct sim_thing *t, const char *type,
		      bool with_body)
{
	a->status = 200;
	sim_answer_header(a, "Content-Type", "%s", type);
	sim_answer_header(a, "Docker-Content-Digest", "%s", t->digest.text);
	sim_answer_header(a, "Content-Length", "%zu", t->len);
	if (with_body && !buf_add(&a->body, t->bytes, t->len))
		abort();
}

static void put_first_byte(struct sim_answer *a, const struct sim_thing *t)
{
	if (t->len == 0) {
		a->status = 416;
		return;
	}
	a->status = 206;
	sim_answer_header(a, "Content-Range", "bytes 0-0/%zu", t->len);
	sim_answer_header(a, "Content-Length", "1");
	if (!buf_add(&a->body, t->bytes, 1))
		abort();
}

static void answer_blob_head(struct sim_registry *r, const struct sim_thing *t,
			     struct sim_answer *a)
{
	if (r->options.head_is_unknown) {
		a->status = 405;
	} else if (!t) {
		a->status = 404;
	} else if (r->options.head_without_length) {
		a->status = 200;
		sim_answer_header(a, "Docker-Content-Digest", "%s", t->digest.text);
	} else {
		put_thing(a, t, "application/octet-stream", false);
	}
}

static void answer_blob_get(struct sim_registry *r, const struct sim_request *q,
			    const struct sim_thing *t, struct sim_answer *a)
{
	if (!t) {
		sim_answer_error(a, 404, "BLOB_UNKNOWN", "blob unknown to registry");
	} else if (r->options.redirects_blobs && q->what == SIM_BLOB_GET) {
		a->status = 307;
		sim_answer_header(a, "Location",
				  "https://" SIM_STORAGE_HOST "/storage/%s/%s?signature=s3cr3t",
				  q->repo, t->digest.text);
	} else if (q->range) {
		put_first_byte(a, t);
	} else {
		put_thing(a, t, "application/octet-stream", true);
	}
}

/* Uploads */

static struct sim_upload *upload_open(struct sim_registry *r, const char *repo)
{
	struct sim_upload *u = NEW(struct sim_upload);

	u->id = ++r->last_id;
	u->repo = mem_strdup(repo);
	u->bytes = (struct buf)BUF_INIT(SIM_BODY_CEILING);
	u->next = r->uploads;
	r->uploads = u;
	return u;
}

static void upload_close(struct sim_registry *r, struct sim_upload *u)
{
	struct sim_upload **p = &r->uploads;

	while (*p != u)
		p = &(*p)->next;
	*p = u->next;
	upload_free(u);
}

/* The one that the URL names, if it is the URL that was given last. */
static struct sim_upload *upload_find(struct sim_registry *r, const struct sim_request *q)
{
	const char *state = strstr(q->query, "_state=");

	for (struct sim_upload *u = r->uploads; u; u = u->next) {
		if (u->id != atoll(q->name) || strcmp(u->repo, q->repo) != 0)
			continue;
		if (r->options.location == SIM_BARE || r->options.any_location)
			return u;
		return state && atoll(state + strlen("_state=")) == u->state ? u : NULL;
	}
	return NULL;
}

static void put_location(const struct sim_registry *r, struct sim_upload *u, struct sim_answer *a)
{
	static const char *const bases[SIM_LOCATIONS] = {
		[SIM_RELATIVE] = "",
		[SIM_ABSOLUTE] = SIM_BASE,
		[SIM_BARE] = "",
		[SIM_OTHER_HOST] = "https://" SIM_STORAGE_HOST,
		[SIM_CAPABILITY] = SIM_CAPABILITY_PATH,
	};
	CLEANUP(mem_freep)
	char *state = r->options.location == SIM_BARE
			      ? mem_strdup("")
			      : mem_printf("?_state=%lld", (long long)++u->state);

	sim_answer_header(a, "Location", "%s/v2/%s/blobs/uploads/%lld%s",
			  bases[r->options.location], u->repo, (long long)u->id, state);
}

static void answer_opened(struct sim_registry *r, const char *repo, struct sim_answer *a)
{
	a->status = 202;
	put_location(r, upload_open(r, repo), a);
	if (r->options.chunk_min)
		sim_answer_header(a, "OCI-Chunk-Min-Length", "%zu", r->options.chunk_min);
}

static bool query_value(const char *query, const char *key, char *ret, size_t size)
{
	const char *at = strstr(query, key);
	size_t len = 0;

	if (!at)
		return false;
	for (at += strlen(key); *at && *at != '&' && len + 1 < size; at++) {
		if (strncasecmp(at, "%3A", 3) == 0 || strncasecmp(at, "%2F", 3) == 0) {
			ret[len++] = at[2] == 'A' || at[2] == 'a' ? ':' : '/';
			at += 2;
		} else {
			ret[len++] = *at;
		}
	}
	ret[len] = '\0';
	return true;
}

static void answer_mount(struct sim_registry *r, const struct sim_request *q,
			 const struct sim_taking *how, struct sim_answer *a)
{
	char digest[DIGEST_TEXT_SIZE] = "", from[256] = "";
	struct sim_thing *t = NULL;

	if (query_value(q->query, "mount=", digest, sizeof(digest)) &&
	    query_value(q->query, "from=", from, sizeof(from)))
		t = visible(sim_store_repo(&r->store, from)->blobs, digest, how->now_ms);
	if (!t) {
		answer_opened(r, q->repo, a);
		return;
	}
	if (!how->drop)
		sim_blob_put(sim_store_repo(&r->store, q->repo), &t->digest, t->bytes, t->len,
			     how->now_ms);
	a->status = 201;
	sim_answer_header(a, "Location", "/v2/%s/blobs/%s", q->repo, digest);
}

static bool range_fits(const struct sim_registry *r, const struct sim_request *q,
		       const struct sim_upload *u, size_t len)
{
	long long first, last;

	if (!q->content_range)
		return !r->options.wants_ranges;
	if (sscanf(q->content_range, "%lld-%lld", &first, &last) != 2)
		return false;
	return first == (long long)u->bytes.len && last == first + (long long)len - 1;
}

static void take_patch(struct sim_registry *r, const struct sim_request *q, const struct buf *body,
		       struct sim_answer *a)
{
	struct sim_upload *u = upload_find(r, q);

	if (!u) {
		sim_answer_error(a, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
		return;
	}
	if (!range_fits(r, q, u, body->len)) {
		sim_answer_error(a, 416, "BLOB_UPLOAD_INVALID", "range does not fit");
		return;
	}
	if (!buf_add(&u->bytes, buf_str(body), body->len))
		abort();
	a->status = r->options.patch_status ? r->options.patch_status : 202;
	put_location(r, u, a);
	sim_answer_header(a, "Range", "0-%zu", u->bytes.len ? u->bytes.len - 1 : 0);
}

static void keep_blob(struct sim_registry *r, const char *repo, const struct digest *d,
		      const struct buf *bytes, const struct sim_taking *how)
{
	struct sim_repo *in = sim_store_repo(&r->store, repo);
	struct sim_thing *t;

	if (visible(in->blobs, d->text, how->now_ms))
		r->stored_again++;
	if (how->drop)
		return;
	sim_blob_drop_damaged(in, d->text);
	t = sim_blob_put(in, d, buf_str(bytes), bytes->len, how->now_ms + how->late_ms);
	if (how->damage && t->len) {
		t->bytes[t->len - 1] ^= 1;
		t->is_damaged = true;
	}
}

static void take_put(struct sim_registry *r, const struct sim_request *q, const struct buf *body,
		     const struct sim_taking *how, struct sim_answer *a)
{
	struct sim_upload *u = upload_find(r, q);
	char named[DIGEST_TEXT_SIZE] = "";
	struct digest found;

	if (!u || !query_value(q->query, "digest=", named, sizeof(named))) {
		sim_answer_error(a, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
		return;
	}
	if (!buf_add(&u->bytes, buf_str(body), body->len))
		abort();
	found = digest_of(buf_str(&u->bytes), u->bytes.len);
	if (strcmp(found.text, named) != 0) {
		sim_answer_error(a, 400, "DIGEST_INVALID",
				 "provided digest did not match uploaded content");
	} else {
		keep_blob(r, q->repo, &found, &u->bytes, how);
		a->status = r->options.put_status ? r->options.put_status : 201;
		sim_answer_header(a, "Location", "/v2/%s/blobs/%s", q->repo, named);
		sim_answer_header(a, "Docker-Content-Digest", "%s", named);
	}
	upload_close(r, u);
}

static void delete_upload(struct sim_registry *r, const struct sim_request *q, struct sim_answer *a)
{
	struct sim_upload *u = upload_find(r, q);

	a->status = u ? 204 : 404;
	if (u)
		upload_close(r, u);
}

void sim_registry_cut(struct sim_registry *r, const struct sim_request *q, const struct buf *body)
{
	struct sim_upload *u = q->what == SIM_UPLOAD_PATCH ? upload_find(r, q) : NULL;

	r->body_bytes += (int64_t)body->len;
	if (u && r->options.keeps_what_came && !buf_add(&u->bytes, buf_str(body), body->len))
		abort();
}

/* Manifests */

static const struct digest *digest_of_reference(const struct sim_repo *repo, const char *reference,
						int64_t now_ms)
{
	const struct sim_tag *tag = sim_tag_find(repo, reference);

	if (!tag)
		return NULL;
	return now_ms >= tag->visible_ms ? &tag->digest : &tag->before;
}

static void answer_manifest(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
			    struct sim_answer *a)
{
	const struct sim_repo *repo = sim_store_repo(&r->store, q->repo);
	const struct digest *d = digest_of_reference(repo, q->name, now_ms);
	const char *digest = strchr(q->name, ':') ? q->name : d ? d->text : "";
	const struct sim_thing *t = visible(repo->manifests, digest, now_ms);

	if (!t)
		sim_answer_error(a, 404, "MANIFEST_UNKNOWN", "manifest unknown");
	else
		put_thing(a, t, t->media_type, true);
}

static bool refuses_move(const struct sim_registry *r, const struct sim_repo *repo,
			 const char *reference, const struct digest *d)
{
	const struct sim_tag *tag = sim_tag_find(repo, reference);

	if (!tag || strchr(reference, ':'))
		return false;
	return r->options.immutable_even_same ||
	       (r->options.immutable && !digest_same(&tag->digest, d));
}

static void keep_manifest(struct sim_repo *repo, const struct sim_request *q,
			  const struct digest *d, const struct buf *body,
			  const struct sim_taking *how)
{
	sim_manifest_put(repo, d, q->content_type, buf_str(body), body->len,
			 how->now_ms + how->late_ms);
	if (!strchr(q->name, ':'))
		sim_tag_put(repo, q->name, d, how->now_ms, how->now_ms + how->late_ms);
}

static void take_manifest(struct sim_registry *r, const struct sim_request *q,
			  const struct buf *body, const struct sim_taking *how,
			  struct sim_answer *a)
{
	struct sim_repo *repo = sim_store_repo(&r->store, q->repo);
	struct digest d = digest_of(buf_str(body), body->len), missing;
	const char *misses = sim_store_misses(repo, buf_str(body), body->len, &missing);

	if (strchr(q->name, ':') && strcmp(q->name, d.text) != 0) {
		sim_answer_error(a, 400, "DIGEST_INVALID", "provided digest did not match");
		return;
	}
	if (refuses_move(r, repo, q->name, &d)) {
		sim_answer_error(a, 400, "TAG_INVALID", "the tag already exists and is immutable");
		return;
	}
	if (misses) {
		r->unfounded++;
		if (!r->options.blobs_unchecked) {
			sim_answer_error(a, 404, "MANIFEST_BLOB_UNKNOWN", misses);
			return;
		}
	}
	if (!how->drop)
		keep_manifest(repo, q, &d, body, how);
	a->status = r->options.manifest_status ? r->options.manifest_status : 201;
	sim_answer_header(a, "Docker-Content-Digest", "%s", d.text);
}

/* The two steps */

static bool is_upload(enum sim_what what)
{
	return what == SIM_UPLOAD_PATCH || what == SIM_UPLOAD_PUT || what == SIM_UPLOAD_DELETE;
}

/* The storage host takes whoever has its URL; a token of ours is not for its eyes. */
static bool is_elsewhere(struct sim_registry *r, const struct sim_request *q)
{
	if (strcmp(q->host, SIM_HOST) == 0)
		return false;
	if (q->authorization)
		r->foreign_tokens++;
	return true;
}

static bool hear_upload(struct sim_registry *r, const struct sim_request *q, struct sim_answer *ret)
{
	if (!upload_find(r, q) && q->what != SIM_UPLOAD_DELETE)
		sim_answer_error(ret, 404, "BLOB_UPLOAD_UNKNOWN",
				 "blob upload unknown to registry");
	else if (q->what == SIM_UPLOAD_PATCH && r->options.refuses_patch)
		sim_answer_error(ret, 405, "UNSUPPORTED", "the operation is unsupported");
	else if (q->what == SIM_UPLOAD_PATCH && q->content_range && r->options.refuses_ranges)
		sim_answer_error(ret, 400, "UNSUPPORTED", "chunked uploads are not supported");
	else if (q->what == SIM_UPLOAD_PATCH && r->options.early_status)
		ret->status = r->options.early_status;
	return ret->status != 0;
}

static bool is_let_in(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
		      struct sim_answer *ret)
{
	enum sim_capability wants = r->options.capability;
	bool let_in;

	if (!q->at_capability || wants == SIM_LETS_ALL_IN ||
	    (wants == SIM_LETS_BARE_IN && !q->authorization))
		return q->at_capability || sim_tokens_let_in(r, q, now_ms, ret);
	if (wants != SIM_LETS_ONLY_BARE_IN) {
		let_in = sim_tokens_let_in(r, q, now_ms, ret);
	} else {
		let_in = !q->authorization;
		if (!let_in)
			sim_answer_error(ret, 401, "UNAUTHORIZED", "no token is taken here");
	}
	r->refused_at_capability += !let_in;
	return let_in;
}

bool sim_registry_hear(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
		       struct sim_answer *ret)
{
	if (q->what == SIM_TOKEN)
		return false;
	if (!is_elsewhere(r, q)) {
		if (q->what == SIM_PING && r->options.auth == SIM_AUTH_NONE)
			ret->status = 200;
		else if (!is_let_in(r, q, now_ms, ret))
			return true;
		if (q->what == SIM_PING)
			ret->status = 200;
	}
	return is_upload(q->what) && hear_upload(r, q, ret);
}

/* A body that is refused for its size or because this form of upload is not known. */
static bool body_is_refused(const struct sim_registry *r, const struct sim_request *q,
			    const struct buf *body, struct sim_answer *ret)
{
	if (!is_upload(q->what) || body->len == 0)
		return false;
	if (r->options.body_max && body->len > r->options.body_max)
		sim_answer_error(ret, 413, NULL, NULL);
	else if (q->what == SIM_UPLOAD_PUT && r->options.refuses_put)
		sim_answer_error(ret, 405, "UNSUPPORTED", "the operation is unsupported");
	return ret->status != 0;
}

static const struct sim_thing *asked_blob(struct sim_registry *r, const struct sim_request *q,
					  int64_t now_ms)
{
	return visible(sim_store_repo(&r->store, q->repo)->blobs, q->name, now_ms);
}

/* Of one repository, as docker-registry lists them: without a time. */
static void answer_tags(struct sim_registry *r, const struct sim_request *q, struct sim_answer *a)
{
	const struct sim_repo *repo = sim_store_repo(&r->store, q->repo);

	a->status = 200;
	buf_printf(&a->body, "{\"name\":\"%s\",\"tags\":[", q->repo);
	for (const struct sim_tag *t = repo->tags; t; t = t->next)
		buf_printf(&a->body, "\"%s\"%s", t->name, t->next ? "," : "");
	buf_puts(&a->body, "]}");
	sim_answer_header(a, "Content-Length", "%zu", a->body.len);
}

void sim_registry_take(struct sim_registry *r, const struct sim_request *q, const struct buf *body,
		       const struct sim_taking *how, struct sim_answer *ret)
{
	if (is_upload(q->what))
		r->body_bytes += (int64_t)body->len;
	if (ret->status || body_is_refused(r, q, body, ret))
		return;
	switch (q->what) {
	case SIM_TOKEN:
		sim_tokens_answer(r, q, how->now_ms, ret);
		break;
	case SIM_BLOB_HEAD:
		answer_blob_head(r, asked_blob(r, q, how->now_ms), ret);
		break;
	case SIM_BLOB_GET:
	case SIM_STORAGE_GET:
		answer_blob_get(r, q, asked_blob(r, q, how->now_ms), ret);
		break;
	case SIM_MOUNT:
		answer_mount(r, q, how, ret);
		break;
	case SIM_UPLOAD_POST:
		answer_opened(r, q->repo, ret);
		break;
	case SIM_UPLOAD_PATCH:
		take_patch(r, q, body, ret);
		break;
	case SIM_UPLOAD_PUT:
		take_put(r, q, body, how, ret);
		break;
	case SIM_UPLOAD_DELETE:
		delete_upload(r, q, ret);
		break;
	case SIM_MANIFEST_GET:
		answer_manifest(r, q, how->now_ms, ret);
		break;
	case SIM_MANIFEST_PUT:
		take_manifest(r, q, body, how, ret);
		break;
	default:
		if (q->repo)
			answer_tags(r, q, ret);
		else
			sim_answer_error(ret, 404, "UNSUPPORTED", "no such route");
	}
}

/* Records */

void sim_registry_record(struct sim_registry *r, const struct sim_request *q, int status,
			 enum sim_fault fault)
{
	struct sim_record *record;

	r->records = mem_realloc(r->records, r->record_count + 1, sizeof(*r->records));
	record = &r->records[r->record_count++];
	*record = (struct sim_record){
		.what = q->what,
		.method = mem_strdup(q->method),
		.target = mem_printf("%s%s%s", q->path, *q->query ? "?" : "", q->query),
		.status = status,
		.fault = fault,
		.authorized = q->authorization != NULL,
	};
}

size_t sim_registry_count(const struct sim_registry *r, enum sim_what what)
{
	size_t count = 0;

	for (size_t i = 0; i < r->record_count; i++)
		count += r->records[i].what == what;
	return count;
}
