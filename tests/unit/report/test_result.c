/* Results, receipts and metadata, parsed back. */
#include "report/fixture.h"

#include "report/receipt.h"
#include "report/result.h"

static const char manifest_bytes[] =
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\","
	"\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"size\":2,\"digest\":"
	"\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"},\"layers\":[]}";

/* An outcome with what it borrows. */
struct sample {
	struct reference ref;
	struct manifest *manifest;
	struct push_result push;
	struct err err;
	struct outcome outcome;
};

static void sample_init(struct sample *s, const char *ref)
{
	struct err err = ERR_INIT;

	*s = (struct sample){ .err = ERR_INIT };
	assert_true(reference_parse(ref, &s->ref, &err));
	assert_true(manifest_parse(manifest_bytes, strlen(manifest_bytes), NULL, NULL, ERR_CORRUPT,
				   &s->manifest, &err));
	s->push = (struct push_result){
		.proof = { .digest = s->manifest->digest,
			   .media_type = mem_strdup(MEDIA_OCI_MANIFEST),
			   .size_bytes = (int64_t)s->manifest->size_bytes,
			   .depth = VERIFY_TREE,
			   .manifest_count = 1,
			   .blob_count = 6,
			   .blob_bytes = 412000000,
			   .proven_wall_ms = WALL_START_MS,
			   .took_ms = 180 },
		.manifest_sent = true,
		.blobs_sent = 1,
		.blobs_existing = 5,
		.bytes_sent = 288000000,
		.bytes_existing = 124000000,
	};
	s->outcome = (struct outcome){
		.command = "push",
		.ref = &s->ref,
		.meant = s->manifest,
		.push = &s->push,
		.proof = &s->push.proof,
		.verdict = "landed",
		.count = { .renewals = 3,
			   .retries = 2,
			   .requests = 40,
			   .token_source = "metadata" },
		.took_ms = 9400,
	};
}

static void sample_fail(struct sample *s)
{
	err_set(&s->err, ERR_DENIED, "pushing: not allowed");
	err_evidence(&s->err, "403 DENIED \"quoted\"");
	s->outcome.err = &s->err;
	s->outcome.verdict = "denied";
	s->outcome.exit_code = 21;
	s->outcome.proof = NULL;
}

/* The clear functions of the registry room belong to others; what they own here is one string. */
static void sample_clear(struct sample *s)
{
	reference_clear(&s->ref);
	manifest_free(s->manifest);
	free(s->push.proof.media_type);
	strings_clear(&s->push.proof.missing);
	err_clear(&s->err);
}

static struct js *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct js *j = NULL;

	assert_non_null(text);
	assert_true(js_parse(text, strlen(text), MIB, ERR_UNEXPECTED, &j, &err));
	return j;
}

/* "a.b" below OBJECT; keys that hold dots have a '/' between them instead. */
static const struct js *below(const struct js *object, const char *path)
{
	const char *separator = strchr(path, '/') ? "/" : ".";
	CLEANUP(mem_freep) char *copy = mem_strdup(path);

	for (char *key = strtok(copy, separator); key; key = strtok(NULL, separator))
		object = js_get(object, key);
	return object;
}

static void assert_text(const struct js *object, const char *path, const char *expected)
{
	const char *text = js_string(below(object, path));

	if (!text || strcmp(text, expected) != 0)
		fail_msg("%s is '%s', not '%s'", path, text ? text : "(no string)", expected);
}

static void assert_number(const struct js *object, const char *path, double expected)
{
	double number = -1;

	if (!js_number(below(object, path), &number) || number != expected)
		fail_msg("%s is %f, not %f", path, number, expected);
}

static void test_lines(void **state)
{
	static const enum result_form forms[] = { RESULT_TEXT, RESULT_REF, RESULT_DIGEST };
	struct sample s;

	(void)state;
	sample_init(&s, "r.example/a/b:1");
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		CLEANUP(mem_freep) char *line = result_line(&s.outcome, forms[i]);
		CLEANUP(mem_freep)
		char *expected =
			mem_printf("%s%s", forms[i] == RESULT_DIGEST ? "" : "r.example/a/b@",
				   s.manifest->digest.text);

		assert_string_equal(line, expected);
	}
	sample_fail(&s);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		assert_null(result_line(&s.outcome, forms[i]));
	sample_clear(&s);
}

static void test_json_of_success(void **state)
{
	CLEANUP(mem_freep) char *line = NULL;
	struct sample s;
	struct js *j;

	(void)state;
	sample_init(&s, "r.example/a/b:1");
	line = result_line(&s.outcome, RESULT_JSON);
	assert_null(strchr(line, '\n'));
	j = parsed(line);
	assert_text(j, "schema", "landed/1");
	assert_text(j, "command", "push");
	assert_text(j, "ref", "r.example/a/b:1");
	assert_text(j, "digest", s.manifest->digest.text);
	assert_text(j, "mediaType", MEDIA_OCI_MANIFEST);
	assert_text(j, "verdict", "landed");
	assert_number(j, "exit", 0);
	assert_text(j, "proof.depth", "tree");
	assert_text(j, "proof.at", "2026-11-24T14:00:00Z");
	assert_true(js_true(below(j, "proof.tag")));
	assert_int_equal(js_count(below(j, "proof.blobs")), 2);
	assert_number(j, "bytes.sent", 288000000);
	assert_number(j, "blobs.existing", 5);
	assert_text(j, "token.source", "metadata");
	assert_number(j, "token.renewals", 3);
	assert_number(j, "retries", 2);
	assert_number(j, "seconds", 9.4);
	assert_non_null(strstr(line, "\"seconds\":9.4"));
	assert_null(js_get(j, "error"));
	js_free(j);
	sample_clear(&s);
}

static void test_json_of_failure(void **state)
{
	CLEANUP(mem_freep) char *line = NULL;
	struct sample s;
	struct js *j;

	(void)state;
	sample_init(&s, "r.example/a/b:1");
	sample_fail(&s);
	line = result_line(&s.outcome, RESULT_JSON);
	j = parsed(line);
	assert_text(j, "verdict", "denied");
	assert_number(j, "exit", 21);
	assert_text(j, "error.message", "pushing: not allowed");
	assert_text(j, "error.evidence", "403 DENIED \"quoted\"");
	assert_null(js_get(j, "proof"));
	assert_text(j, "digest", s.manifest->digest.text);
	js_free(j);
	sample_clear(&s);
}

static void test_json_of_nothing_known(void **state)
{
	struct err why = { .code = ERR_NO_SOURCE, .message = NULL };
	CLEANUP(mem_freep) char *line = NULL;
	struct outcome o = { .command = "push", .verdict = "no-source", .err = &why };
	struct sample s;
	struct js *j;

	(void)state;
	sample_init(&s, "alpine");
	o.ref = &s.ref;
	line = result_line(&o, RESULT_JSON);
	j = parsed(line);
	assert_text(j, "ref", "docker.io/library/alpine:latest");
	assert_null(js_get(j, "digest"));
	js_free(j);
	sample_clear(&s);
}

static void test_sentence(void **state)
{
	struct sample s;
	char *text;

	(void)state;
	sample_init(&s, "r.example/a/b:1");
	text = result_sentence(&s.outcome);
	assert_string_equal(text, "Landed. 6 blobs, 412 MB: 288 MB sent, 124 MB already there, "
				  "3 renewals; proven in 180 ms");
	free(text);
	s.push.landed_earlier = true;
	s.outcome.count.renewals = 1;
	text = result_sentence(&s.outcome);
	assert_string_equal(text, "Landed. 6 blobs, 412 MB, all there before, 1 renewal; proven in "
				  "180 ms");
	free(text);
	s.outcome.push = NULL;
	s.outcome.count.renewals = 0;
	s.push.proof.manifest_count = 3;
	text = result_sentence(&s.outcome);
	assert_string_equal(text, "Proven. 3 manifests, 6 blobs, 412 MB; read back in 180 ms");
	free(text);
	sample_clear(&s);
}

static void test_receipt_of_success(void **state)
{
	static const char *const held[] = { "LANDED_TAG_RESOLVES", "LANDED_DIGEST_MATCHES_SOURCE",
					    "LANDED_ALL_BLOBS_PRESENT" };
	CLEANUP(mem_freep) char *text = NULL;
	const struct js *subject, *properties;
	struct sample s;
	struct js *j;

	(void)state;
	sample_init(&s, "r.example/a/b:1");
	text = receipt_text(&s.outcome, 1, WALL_START_MS);
	j = parsed(text);
	assert_text(j, "_type", "https://in-toto.io/Statement/v1");
	assert_text(j, "predicateType", "https://in-toto.io/attestation/svr/v0.2");
	subject = js_at(js_get(j, "subject"), 0);
	assert_text(subject, "name", "r.example/a/b:1");
	assert_text(subject, "digest.sha256", digest_hex(&s.manifest->digest));
	assert_text(j, "predicate.verifier.id", "urn:landed:verifier:v1");
	assert_true(js_is_array(below(j, "predicate.verifier.policies")));
	assert_text(j, "predicate.timeCreated", "2026-11-24T14:00:00Z");
	properties = below(j, "predicate.properties");
	assert_int_equal(js_count(properties), ARRAY_SIZE(held));
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		assert_string_equal(js_string(js_at(properties, i)), held[i]);
	assert_text(js_at(below(j, "predicate/" RECEIPT_DETAILS "/results"), 0), "verdict",
		    "landed");
	js_free(j);
	sample_clear(&s);
}

/* Two references, one of which failed: no property holds for both. */
static void test_receipt_of_failure(void **state)
{
	CLEANUP(mem_freep) char *text = NULL;
	struct outcome outcomes[2];
	struct sample a, b;
	struct js *j;

	(void)state;
	sample_init(&a, "r.example/a/b:1");
	sample_init(&b, "r.example/a/b:2");
	sample_fail(&b);
	outcomes[0] = a.outcome;
	outcomes[1] = b.outcome;
	text = receipt_text(outcomes, 2, WALL_START_MS);
	j = parsed(text);
	assert_int_equal(js_count(js_get(j, "subject")), 2);
	assert_true(js_is_array(below(j, "predicate.properties")));
	assert_int_equal(js_count(below(j, "predicate.properties")), 0);
	assert_text(js_at(below(j, "predicate/" RECEIPT_DETAILS "/results"), 1), "error.message",
		    "pushing: not allowed");
	js_free(j);
	sample_clear(&a);
	sample_clear(&b);
}

static void test_properties_by_depth(void **state)
{
	static const struct {
		enum verify_depth depth;
		size_t count;
	} table[] = { { VERIFY_MANIFEST, 2 }, { VERIFY_TREE, 3 }, { VERIFY_BYTES, 4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(mem_freep) char *text = NULL;
		struct sample s;
		struct js *j;

		sample_init(&s, "r.example/a/b:1");
		s.push.proof.depth = table[i].depth;
		text = receipt_text(&s.outcome, 1, WALL_START_MS);
		j = parsed(text);
		assert_int_equal(js_count(below(j, "predicate.properties")), table[i].count);
		js_free(j);
		sample_clear(&s);
	}
}

static void test_metadata(void **state)
{
	CLEANUP(mem_freep) char *text = NULL;
	struct outcome outcomes[2];
	struct sample a, b;
	struct js *j;

	(void)state;
	sample_init(&a, "r.example/a/b:1");
	sample_init(&b, "r.example/c:2");
	outcomes[0] = a.outcome;
	outcomes[1] = b.outcome;
	text = metadata_text(outcomes, 2);
	j = parsed(text);
	assert_string_equal(js_string(js_get(j, "containerimage.digest")), a.manifest->digest.text);
	assert_string_equal(
		js_string(js_get(j, "containerimage.config.digest")),
		"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	assert_text(j, "containerimage.descriptor/mediaType", MEDIA_OCI_MANIFEST);
	assert_number(j, "containerimage.descriptor/size", (double)a.manifest->size_bytes);
	assert_string_equal(js_string(js_get(j, "image.name")), "r.example/a/b:1,r.example/c:2");
	assert_int_equal(js_count(js_get(j, "landed.results")), 2);
	js_free(j);
	sample_clear(&a);
	sample_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_of_failure),
		cmocka_unit_test(test_json_of_nothing_known),
		cmocka_unit_test(test_json_of_success),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_sentence),
		cmocka_unit_test(test_receipt_of_failure),
		cmocka_unit_test(test_receipt_of_success),
		cmocka_unit_test(test_properties_by_depth),
		cmocka_unit_test(test_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
