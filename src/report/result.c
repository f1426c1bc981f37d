#include "report/result.h"

#include "base/mem.h"
#include "report/format.h"
#include "wire/time.h"

#include <string.h>

const struct digest *outcome_digest(const struct outcome *o)
{
	if (!o->err && o->proof && *o->proof->digest.text)
		return &o->proof->digest;
	if (o->meant)
		return &o->meant->digest;
	return *o->ref->digest.text ? &o->ref->digest : NULL;
}

char *result_line(const struct outcome *o, enum result_form form)
{
	CLEANUP(js_freep) struct js *object = NULL;
	const struct digest *digest = outcome_digest(o);

	if (form == RESULT_JSON) {
		object = result_json(o);
		return js_text(object, JS_COMPACT);
	}
	if (o->err || !digest)
		return NULL;
	if (form == RESULT_DIGEST)
		return mem_strdup(digest->text);
	return reference_with_digest(o->ref, digest);
}

static const char *depth_text(enum verify_depth depth)
{
	static const char *const texts[] = {
		[VERIFY_MANIFEST] = "manifest",
		[VERIFY_TREE] = "tree",
		[VERIFY_BYTES] = "bytes",
	};

	return texts[depth];
}

struct js *strings_json(const struct strings *list)
{
	struct js *array = js_array();

	for (size_t i = 0; i < list->count; i++)
		js_append_string(array, list->at[i]);
	return array;
}

static struct js *proof_json(const struct outcome *o)
{
	const struct proof *p = o->proof;
	struct js *object = js_object(), *blobs = js_array();
	char at[TIME_TEXT_SIZE];

	js_put_bool(object, "tag", !o->err && o->ref->tag);
	js_put_bool(object, "digest", !o->err);
	js_put_string(object, "depth", depth_text(p->depth));
	js_put_integer(object, "manifests", (int64_t)p->manifest_count);
	js_append_integer(blobs, (int64_t)p->blob_count);
	js_append_integer(blobs, (int64_t)(p->blob_count + p->missing.count));
	js_put(object, "blobs", blobs);
	js_put_integer(object, "elsewhere", (int64_t)p->elsewhere_count);
	js_put_integer(object, "bytes", p->blob_bytes);
	if (p->depth >= VERIFY_BYTES)
		js_put_integer(object, "diffIds", (int64_t)p->diff_id_count);
	if (p->missing.count)
		js_put(object, "missing", strings_json(&p->missing));
	if (p->proven_wall_ms) {
		time_format_rfc3339(p->proven_wall_ms, at);
		js_put_string(object, "at", at);
	}
	js_put_integer(object, "ms", p->took_ms);
	return object;
}

static void put_push(struct js *object, const struct push_result *r)
{
	struct js *bytes = js_object(), *blobs = js_object();

	js_put_integer(bytes, "sent", r->bytes_sent);
	js_put_integer(bytes, "existing", r->bytes_existing);
	js_put(object, "bytes", bytes);
	js_put_integer(blobs, "sent", (int64_t)r->blobs_sent);
	js_put_integer(blobs, "existing", (int64_t)r->blobs_existing);
	js_put_integer(blobs, "mounted", (int64_t)r->blobs_mounted);
	js_put_integer(blobs, "elsewhere", (int64_t)r->blobs_elsewhere);
	js_put(object, "blobs", blobs);
	js_put_integer(object, "layersAdopted", (int64_t)r->layers_adopted);
	js_put_bool(object, "manifestSent", r->manifest_sent);
	if (*r->before.text)
		js_put_string(object, "before", r->before.text);
}

struct js *error_json(const struct err *err)
{
	struct js *object = js_object();

	js_put_string(object, "message", err->message);
	js_put_string(object, "evidence", err->evidence);
	js_put_string(object, "cause", err->cause);
	js_put_string(object, "hint", err->hint);
	return object;
}

static void put_what(struct js *object, const struct outcome *o)
{
	const struct digest *digest = outcome_digest(o);

	js_put_string(object, "digest", digest ? digest->text : NULL);
	if (!o->err && o->proof) {
		js_put_string(object, "mediaType", o->proof->media_type);
		js_put_integer(object, "size", o->proof->size_bytes);
	} else if (o->meant) {
		js_put_string(object, "mediaType", o->meant->media_type);
		js_put_integer(object, "size", (int64_t)o->meant->size_bytes);
	}
}

struct js *result_json(const struct outcome *o)
{
	CLEANUP(mem_freep) char *ref = reference_text(o->ref);
	struct js *object = js_object(), *token = js_object();

	js_put_string(object, "schema", "landed/1");
	js_put_string(object, "command", o->command);
	js_put_string(object, "ref", ref);
	put_what(object, o);
	js_put_string(object, "verdict", o->verdict);
	js_put_integer(object, "exit", o->exit_code);
	if (o->proof)
		js_put(object, "proof", proof_json(o));
	if (o->push)
		put_push(object, o->push);
	if (*o->count.token_source)
		js_put_string(token, "source", o->count.token_source);
	js_put_integer(token, "renewals", (int64_t)o->count.renewals);
	js_put(object, "token", token);
	js_put_integer(object, "retries", (int64_t)o->count.retries);
	js_put_integer(object, "requests", (int64_t)o->count.requests);
	js_put_real(object, "seconds", (double)o->took_ms / 1000);
	if (o->err)
		js_put(object, "error", error_json(o->err));
	return object;
}

static void add_count(struct buf *out, const char *before, size_t count, const char *what)
{
	if (count)
		buf_printf(out, "%s%zu %s%s", before, count, what, count == 1 ? "" : "s");
}

static void add_bytes(struct buf *out, const char *before, int64_t bytes, const char *what)
{
	char text[FORMAT_TEXT_SIZE];

	format_bytes(bytes, text);
	buf_printf(out, "%s%s%s", before, text, what);
}

static void add_push(struct buf *out, const struct push_result *r)
{
	if (r->landed_earlier) {
		buf_puts(out, ", all there before");
		return;
	}
	add_bytes(out, ": ", r->bytes_sent, " sent");
	if (r->bytes_existing)
		add_bytes(out, ", ", r->bytes_existing, " already there");
	add_count(out, ", ", r->layers_adopted, "layer");
	if (r->layers_adopted)
		buf_puts(out, " not packed anew");
}

char *result_sentence(const struct outcome *o)
{
	struct buf out = BUF_INIT(BUF_TEXT_CEILING);
	const struct proof *p = o->proof;
	char took[FORMAT_TEXT_SIZE];

	format_duration(p->took_ms, took);
	buf_puts(&out, o->push ? "Landed. " : "Proven. ");
	if (p->manifest_count > 1)
		buf_printf(&out, "%zu manifests, ", p->manifest_count);
	if (p->depth == VERIFY_MANIFEST) {
		buf_puts(&out, "the manifest alone");
	} else {
		buf_printf(&out, "%zu blob%s", p->blob_count, p->blob_count == 1 ? "" : "s");
		add_bytes(&out, ", ", p->blob_bytes, "");
	}
	if (o->push)
		add_push(&out, o->push);
	add_count(&out, ", ", o->count.renewals, "renewal");
	add_count(&out, ", ", p->elsewhere_count, "layer");
	if (p->elsewhere_count)
		buf_puts(&out, " that may live elsewhere");
	buf_printf(&out, "%s in %s", o->push ? "; proven" : "; read back", took);
	return buf_take(&out);
}
