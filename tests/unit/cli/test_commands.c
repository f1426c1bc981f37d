/* What push and verify say before any registry is asked. */
#include "cli/fixture.h"

#include "cli/command.h"
#include "wire/js.h"

#include <sys/stat.h>

#define WORDS_MAX 10
#define NO_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

/* A command's whole run, but for main. */
struct stage {
	char directory[32];
	char *out;
	char *talk_text;
	struct err err;
	bool ok;
};

static void run_words(struct stage *s, const struct command *c, const char *const words[WORDS_MAX])
{
	struct clock clock = clock_system();
	struct sched sched = sched_threads();
	struct world world = { .clock = &clock, .sched = &sched, .deadline_ms = NEVER_MS };
	struct opt_places places = { 0 };
	void *settings = mem_alloc(c->settings_size);
	char *argv[WORDS_MAX + 2] = { mem_strdup(c->name) };
	struct run run = { .world = &world, .settings = settings };
	size_t out_len, talk_len;
	FILE *talk_out = open_memstream(&s->talk_text, &talk_len);
	enum opt_wish wish;
	int argc = 1, operand;

	while (words[argc - 1]) {
		argv[argc] = mem_strdup(words[argc - 1]);
		argc++;
	}
	run.out = open_memstream(&s->out, &out_len);
	assert_true(opt_parse(&c->options, &places, false, argc, argv, settings, &operand, &wish,
			      &s->err));
	run.talk = talk_new(&world, settings, talk_out);
	world.observer = talk_observer(run.talk);
	run.operands = argv + operand;
	run.operand_count = (size_t)(argc - operand);
	s->ok = c->run(&run, &s->err);
	talk_free(run.talk);
	fclose(talk_out);
	fclose(run.out);
	opt_clear(&c->options, settings);
	free(settings);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}

static void stage_init(struct stage *s)
{
	*s = (struct stage){ .directory = "/tmp/landed-test-cmd-XXXXXX" };
	assert_non_null(mkdtemp(s->directory));
}

static void stage_clear(struct stage *s)
{
	CLEANUP(mem_freep) char *remove = mem_printf("rm -rf '%s'", s->directory);

	assert_int_equal(system(remove), 0);
	free(s->out);
	free(s->talk_text);
	err_clear(&s->err);
}

static void test_bad_words(void **state)
{
	static const struct {
		const struct command *command;
		const char *words[WORDS_MAX];
		const char *says;
		const char *hint; /* begins so */
	} table[] = {
		{ &command_push,
		  { NULL },
		  "push needs an IMAGE, or a SOURCE and a REF",
		  "landed push --help" },
		{ &command_push, { "Alpine" }, "Alpine", NULL },
		{ &command_push,
		  { "alpine", "r.example/a:1" },
		  "'alpine' is not a source",
		  "landed push docker-daemon:alpine r.example/a:1" },
		{ &command_push, { "oci:dir" }, "push needs a REF", "landed push oci:dir " },
		{ &command_push, { "oci:dir", "r.example/A" }, "r.example/A", NULL },
		{ &command_push,
		  { "oci:dir", "a/b", "--platform", "linux" },
		  "--platform: ",
		  NULL },
		{ &command_push,
		  { "oci:dir", "a/b", "--additional-tag", "a:b" },
		  "--additional-tag: 'a:b' is not a tag",
		  NULL },
		{ &command_push,
		  { "oci:dir", "a/b", "--mount-from", "UP" },
		  "--mount-from: 'UP' is not a repository",
		  NULL },
		{ &command_verify, { NULL }, "verify needs a REF", "landed verify --help" },
		{ &command_verify, { "a//b" }, "a//b", NULL },
		{ &command_verify, { "a/b", "--expect", "latest" }, "--expect: ", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *hint = table[i].hint;
		struct stage s;

		stage_init(&s);
		run_words(&s, table[i].command, table[i].words);
		assert_false(s.ok);
		assert_int_equal(s.err.code, ERR_USAGE);
		assert_string_equal(s.out, "");
		if (!strstr(s.err.message, table[i].says))
			fail_msg("'%s' is not '%s'", s.err.message, table[i].says);
		if (hint && (!s.err.hint || strncmp(s.err.hint, hint, strlen(hint)) != 0))
			fail_msg("'%s' is not '%s'", s.err.hint ? s.err.hint : "", hint);
		stage_clear(&s);
	}
}

static struct js *parsed_file(const char *path)
{
	struct buf text = BUF_INIT(MIB);
	struct err err = ERR_INIT;
	struct js *j = NULL;

	assert_true(file_read_all(path, &text, &err));
	assert_true(js_parse(text.data, text.len, MIB, ERR_UNEXPECTED, &j, &err));
	buf_clear(&text);
	return j;
}

/* A run that failed leaves evidence: a receipt without properties, and JSON for each reference. */
static void test_source_is_not_there(void **state)
{
	CLEANUP(mem_freep) char *receipt = NULL, *source = NULL, *digest_file = NULL;
	const struct js *predicate;
	struct stage s;
	struct js *j;

	(void)state;
	stage_init(&s);
	receipt = mem_printf("%s/receipt", s.directory);
	source = mem_printf("oci:%s/nothing", s.directory);
	digest_file = mem_printf("%s/digest", s.directory);
	run_words(&s, &command_push,
		  (const char *[WORDS_MAX]){ source, "r.example/a:1", "r.example/b:2", "-o", "json",
					     "--receipt", receipt, "--digest-file", digest_file });
	assert_false(s.ok);
	assert_int_equal(s.err.code, ERR_NO_SOURCE);
	j = parsed_file(receipt);
	predicate = js_get(j, "predicate");
	assert_int_equal(js_count(js_get(j, "subject")), 2);
	assert_true(js_is_array(js_get(predicate, "properties")));
	assert_int_equal(js_count(js_get(predicate, "properties")), 0);
	js_free(j);
	assert_int_not_equal(access(digest_file, F_OK), 0);
	assert_non_null(strstr(s.out, "\"verdict\":\"no-source\",\"exit\":40"));
	assert_non_null(strchr(s.out, '\n'));
	stage_clear(&s);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	CLEANUP(mem_freep) char *path = mem_printf("%s/%s", directory, name);
	struct err err = ERR_INIT;

	assert_true(file_write_all(path, text, strlen(text), 0644, &err));
}

static void make_directory(const char *directory, const char *name)
{
	CLEANUP(mem_freep) char *path = mem_printf("%s/%s", directory, name);

	assert_int_equal(mkdir(path, 0755), 0);
}

/* The smallest OCI layout: a config of "{}" and no layers. */
static void write_layout(const char *directory)
{
	static const char manifest[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\","
		"\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"size\":2,\"digest\":\"sha256:"
		"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"},\"layers\":[]}";
	struct digest d = digest_of(manifest, strlen(manifest));
	CLEANUP(mem_freep) char *blob = mem_printf("blobs/sha256/%s", digest_hex(&d));
	CLEANUP(mem_freep)
	char *index = mem_printf(
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\","
		"\"digest\":\"%s\",\"size\":%zu}]}",
		d.text, strlen(manifest));

	make_directory(directory, "blobs");
	make_directory(directory, "blobs/sha256");
	write_file(directory, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	write_file(directory, "index.json", index);
	write_file(directory, blob, manifest);
	write_file(directory,
		   "blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
		   "{}");
}

/* Nothing is sent to the first when the second wants another image. */
static void test_another_digest_is_wanted(void **state)
{
	CLEANUP(mem_freep) char *source = NULL;
	struct stage s;

	(void)state;
	stage_init(&s);
	write_layout(s.directory);
	source = mem_printf("oci:%s", s.directory);
	run_words(&s, &command_push,
		  (const char *[WORDS_MAX]){ source, "127.0.0.1:1/a:1",
					     "127.0.0.1:1/b:2@" NO_DIGEST, "--plain-http" });
	assert_false(s.ok);
	assert_int_equal(s.err.code, ERR_OTHER_DIGEST);
	assert_non_null(strstr(s.err.message, NO_DIGEST));
	assert_string_equal(s.out, "");
	stage_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_words),
		cmocka_unit_test(test_source_is_not_there),
		cmocka_unit_test(test_another_digest_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
