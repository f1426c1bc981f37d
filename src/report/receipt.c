#include "report/receipt.h"

#include "base/mem.h"
#include "report/result.h"
#include "wire/time.h"

#include <string.h>

static bool tag_resolves(const struct outcome *o)
{
	return o->ref->tag != NULL;
}

/* Only who knows what was meant can say that it is the same. */
static bool digest_matches(const struct outcome *o)
{
	const struct digest *meant = o->meant ? &o->meant->digest : &o->ref->digest;

	return *meant->text && digest_same(meant, &o->proof->digest);
}

static bool blobs_present(const struct outcome *o)
{
	return o->proof->depth >= VERIFY_TREE;
}

static bool bytes_rehashed(const struct outcome *o)
{
	return o->proof->depth >= VERIFY_BYTES;
}

static const struct property {
	const char *name;
	bool (*holds)(const struct outcome *o);
} properties[] = {
	{ "LANDED_TAG_RESOLVES", tag_resolves },
	{ "LANDED_DIGEST_MATCHES_SOURCE", digest_matches },
	{ "LANDED_ALL_BLOBS_PRESENT", blobs_present },
	{ "LANDED_BYTES_REHASHED", bytes_rehashed },
};

static bool holds_for_all(const struct property *p, const struct outcome *outcomes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (outcomes[i].err || !outcomes[i].proof || !p->holds(&outcomes[i]))
			return false;
	}
	return count > 0;
}

static struct js *subject_json(const struct outcome *o)
{
	CLEANUP(mem_freep) char *name = reference_text(o->ref);
	const struct digest *digest = outcome_digest(o);
	struct js *subject = js_object(), *digests = js_object();

	js_put_string(subject, "name", name);
	if (digest) {
		CLEANUP(mem_freep)
		char *algorithm = mem_strndup(digest->text, (size_t)digest_algorithm_len(digest));

		js_put_string(digests, algorithm, digest_hex(digest));
	}
	js_put(subject, "digest", digests);
	return subject;
}

/* A receipt is read later, by somebody who wants to know which blobs were seen. */
static struct js *result_with_blobs(const struct outcome *o)
{
	struct js *result = result_json(o);

	if (o->proof)
		js_put(result, "present", strings_json(&o->proof->present));
	return result;
}

static struct js *results_json(const struct outcome *outcomes, size_t count)
{
	struct js *results = js_array();

	for (size_t i = 0; i < count; i++)
		js_append(results, result_with_blobs(&outcomes[i]));
	return results;
}

static struct js *predicate_json(const struct outcome *outcomes, size_t count, int64_t wall_ms)
{
	struct js *predicate = js_object(), *verifier = js_object(), *held = js_array();
	struct js *details = js_object();
	char at[TIME_TEXT_SIZE];

	time_format_rfc3339(wall_ms, at);
	js_put_string(verifier, "id", RECEIPT_VERIFIER);
	js_put(verifier, "policies", js_array());
	js_put(predicate, "verifier", verifier);
	js_put_string(predicate, "timeCreated", at);
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
		if (holds_for_all(&properties[i], outcomes, count))
			js_append_string(held, properties[i].name);
	}
	js_put(predicate, "properties", held);
	js_put_string(details, "version", LANDED_VERSION);
	js_put(details, "results", results_json(outcomes, count));
	js_put(predicate, RECEIPT_DETAILS, details);
	return predicate;
}

char *receipt_text(const struct outcome *outcomes, size_t count, int64_t wall_ms)
{
	CLEANUP(js_freep) struct js *statement = js_object();
	struct js *subjects = js_array();

	js_put_string(statement, "_type", "https://in-toto.io/Statement/v1");
	for (size_t i = 0; i < count; i++)
		js_append(subjects, subject_json(&outcomes[i]));
	js_put(statement, "subject", subjects);
	js_put_string(statement, "predicateType", "https://in-toto.io/attestation/svr/v0.2");
	js_put(statement, "predicate", predicate_json(outcomes, count, wall_ms));
	return js_text(statement, JS_INDENTED);
}

/* buildx joins the names with commas. */
static char *names_of(const struct outcome *outcomes, size_t count)
{
	struct buf names = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < count; i++) {
		CLEANUP(mem_freep) char *name = reference_text(outcomes[i].ref);

		buf_printf(&names, "%s%s", i ? "," : "", name);
	}
	return buf_take(&names);
}

static struct js *descriptor_json(const struct proof *p)
{
	struct js *descriptor = js_object();

	js_put_string(descriptor, "mediaType", p->media_type);
	js_put_string(descriptor, "digest", p->digest.text);
	js_put_integer(descriptor, "size", p->size_bytes);
	return descriptor;
}

char *metadata_text(const struct outcome *outcomes, size_t count)
{
	CLEANUP(js_freep) struct js *object = js_object();
	CLEANUP(mem_freep) char *names = names_of(outcomes, count);
	const struct manifest *meant = outcomes[0].meant;
	const struct proof *proof = outcomes[0].proof;

	js_put_string(object, "containerimage.digest", proof->digest.text);
	js_put(object, "containerimage.descriptor", descriptor_json(proof));
	if (meant && meant->kind == MANIFEST_IMAGE && meant->entry_count)
		js_put_string(object, "containerimage.config.digest",
			      meant->entries[0].digest.text);
	js_put_string(object, "image.name", names);
	js_put(object, "landed.results", results_json(outcomes, count));
	return js_text(object, JS_INDENTED);
}
