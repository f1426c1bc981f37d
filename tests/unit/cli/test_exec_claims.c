/* What a command claims: its words, its output, its files. */
#include "cli/fixture.h"

#include "cli/exec_claims.h"
#include "cli/exec_script.h"

#define WORDS_MAX 16
#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

/* "REF[=DIGEST][ <- ENGINE... IMAGE][?]", one a line. */
static char *described(const struct claims *c)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < c->count; i++) {
		const struct claim *claim = &c->at[i];
		CLEANUP(mem_freep) char *name = reference_text(&claim->ref);

		buf_printf(&text, "%s%s", i ? "\n" : "", name);
		if (*claim->digest.text && !*claim->ref.digest.text)
			buf_printf(&text, "=%.8s", claim->digest.text);
		if (claim->image)
			buf_puts(&text, " <-");
		for (size_t k = 0; k < claim->engine.count; k++)
			buf_printf(&text, " %s", claim->engine.at[k]);
		if (claim->image)
			buf_printf(&text, " %s", claim->image);
		if (claim->is_guess)
			buf_puts(&text, " ?");
	}
	return text.len ? buf_take(&text) : mem_strdup("");
}

static size_t count_of(const char *const words[WORDS_MAX])
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

struct line_case {
	const char *words[WORDS_MAX];
	const char *claims;
};

static void check_lines(const struct line_case *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct claims c = { 0 };
		char *text;

		claims_of_line(&c, (char *const *)table[i].words, count_of(table[i].words));
		text = described(&c);
		if (strcmp(text, table[i].claims) != 0)
			fail_msg("row %zu (%s ...): '%s' is not '%s'", i, table[i].words[0], text,
				 table[i].claims);
		free(text);
		claims_clear(&c);
	}
}

static void test_lines_without_a_claim(void **state)
{
	static const struct line_case table[] = {
		{ { "true" }, "" },
		{ { "docker" }, "" },
		{ { "docker", "push" }, "" },
		{ { "docker", "push", "--platform", "linux/amd64" }, "" },
		{ { "docker", "push", "UPPER" }, "" },
		{ { "docker", "push", "" }, "" },
		{ { "docker", "push", "-" }, "" },
		{ { "docker", "pull", "r.example/a" }, "" },
		{ { "docker", "compose", "push", "web" }, "" },
		{ { "docker", "build", "-t", "team/app:1", "." }, "" },
		{ { "docker", "build", "--push", "-t" }, "" },
		{ { "skopeo", "copy", "oci:dir" }, "" },
		{ { "skopeo", "copy", "oci:dir", "oci:other" }, "" },
		{ { "skopeo", "copy", "docker://r.example/a:1", "dir:x", "y" },
		  "r.example/a:1 <- docker r.example/a:1 ?" },
		{ { "podman", "push", "--authfile" }, "" },
		{ { "sh", "-c" }, "" },
		{ { "sh", "-c", "" }, "" },
		{ { "sh", "-c", "docker push \"$IMAGE\"" }, "" },
		{ { "sh", "-c", "docker push '" }, "" },
		{ { "sh", "-c", "# docker push r.example/a:1" }, "" },
		{ { "make", "push" }, "" },
		/* paths and addresses, not images */
		{ { "curl", "https://r.example/a:1" }, "" },
		{ { "cat", "./dir.d/file:1", "../x.y/z:1", "/a.b/c:1" }, "" },
		{ { "go", "install", "github.com/acme/tool" }, "" },
		{ { "scp", "a", "host.example:dir/file" }, "" },
	};

	(void)state;
	check_lines(table, ARRAY_SIZE(table));
}

static void test_lines(void **state)
{
	static const struct line_case table[] = {
		{ { "docker", "push", "app" }, "docker.io/library/app:latest <- docker app" },
		{ { "/usr/bin/docker", "push", "-q", "r.example/a:1" },
		  "r.example/a:1 <- /usr/bin/docker r.example/a:1" },
		{ { "docker", "-H", "tcp://x:1", "image", "push", "r.example/a:1" },
		  "r.example/a:1 <- docker -H tcp://x:1 r.example/a:1" },
		{ { "docker", "push", "--platform", "linux/amd64", "r.example/a" },
		  "r.example/a:latest <- docker r.example/a" },
		{ { "docker", "push", "-a", "r.example/a" },
		  "r.example/a:latest <- docker r.example/a ?" },
		{ { "env", "X=y", "sudo", "docker", "push", "r.example/a:1" },
		  "r.example/a:1 <- docker r.example/a:1" },
		{ { "docker", "manifest", "push", "r.example/a:1" }, "r.example/a:1" },
		{ { "podman", "push", "--authfile", "f", "app", "docker://r.example/a:1" },
		  "r.example/a:1 <- podman app" },
		{ { "podman", "push", "--", "app", "r.example/a:1" },
		  "r.example/a:1 <- podman app" },
		{ { "podman", "push", "containers-storage:[x]app", "r.example/a:1" },
		  "r.example/a:1" },
		{ { "buildah", "push", "app", "r.example/a:1" }, "r.example/a:1 <- buildah app" },
		{ { "skopeo", "--debug", "copy", "--all", "oci:dir:x", "docker://r.example/a:1" },
		  "r.example/a:1 <- oci:dir:x" },
		{ { "skopeo", "copy", "docker-daemon:app:1", "docker://r.example/a:1" },
		  "r.example/a:1 <- docker app:1" },
		{ { "skopeo", "copy", "docker://x.example/a:1", "docker://r.example/a:1" },
		  "r.example/a:1 <- docker://x.example/a:1" },
		{ { "crane", "push", "a.tar", "r.example/a:1" }, "r.example/a:1 <- a.tar" },
		{ { "crane", "cp", "x.example/a:1", "r.example/a:1" },
		  "r.example/a:1 <- docker://x.example/a:1" },
		{ { "docker", "buildx", "build", "--push", "-t", "r.example/a:1",
		    "--tag=r.example/a:2", "." },
		  "r.example/a:1\nr.example/a:2" },
		{ { "docker", "build", "-o", "type=registry", "-t", "r.example/a:1", "." },
		  "r.example/a:1" },
		{ { "sh", "-ec", "cd x && docker push 'r.example/a:1' >log 2>&1 || true" },
		  "r.example/a:1 <- docker r.example/a:1" },
		{ { "bash", "-c", "docker push r.example/a:1; (docker push \"r.example/b:2\")" },
		  "r.example/a:1 <- docker r.example/a:1\nr.example/b:2 <- docker r.example/b:2" },
		{ { "python3", "push.py", "127.0.0.1:5000/a/b:1" },
		  "127.0.0.1:5000/a/b:1 <- docker 127.0.0.1:5000/a/b:1 ?" },
		{ { "tool", "--to=localhost/a:1" }, "localhost/a:1 <- docker localhost/a:1 ?" },
	};

	(void)state;
	check_lines(table, ARRAY_SIZE(table));
}

static void test_hosts_and_files(void **state)
{
	static const char *const words[WORDS_MAX] = { "podman", "push", "--digestfile=d", "a",
						      "r.example:5000/a" };
	static const char *const guess[WORDS_MAX] = { "push.py", "r.example:5000/a", "1.4" };
	struct claims c = { 0 };

	(void)state;
	claims_of_line(&c, (char *const *)words, count_of(words));
	assert_string_equal(c.digest_file, "d");
	assert_true(strings_have(&c.hosts, "r.example:5000"));
	claims_clear(&c);
	claims_of_line(&c, (char *const *)guess, count_of(guess));
	assert_int_equal(c.count, 0); /* without a tag it says where to, not what */
	assert_true(strings_have(&c.hosts, "r.example:5000"));
	claims_clear(&c);
}

static void check_output(const char *line, const char *text, size_t step, const char *expected)
{
	const char *words[WORDS_MAX] = { "docker", "push", line };
	struct claims c = { 0 };
	struct claims_output o;
	char *is;

	if (line)
		claims_of_line(&c, (char *const *)words, count_of(words));
	claims_output_init(&o, &c);
	for (size_t at = 0, len = strlen(text); at < len; at += step)
		claims_output_add(&o, text + at, len - at < step ? len - at : step);
	claims_output_finish(&o);
	is = described(&c);
	if (strcmp(is, expected) != 0)
		fail_msg("'%s' is not '%s', of '%s'", is, expected, text);
	free(is);
	claims_clear(&c);
}

#define REFERS(name) "The push refers to repository [" name "]\n"

static void test_output(void **state)
{
	static const struct {
		const char *line; /* what docker push is given; NULL: another command */
		const char *text;
		const char *claims;
	} table[] = {
		{ NULL, "", "" },
		{ NULL, "\n\r\n\n", "" },
		{ NULL, "1: digest: " D1 " size: 5\n", "" },
		{ NULL, REFERS("r.example/a") "1: digest: sha256:11 size: 5\n", "" },
		{ NULL, REFERS("r.example/a") "1: digest: " D1 "1 size: 5\n", "" },
		{ NULL, REFERS("r.example/a") "1: digest: " D1 "\n", "" },
		{ NULL, REFERS("r.example/a") ": digest: " D1 " size: 5\n", "" },
		{ NULL, REFERS("NO NAME") "1: digest: " D1 " size: 5\n", "" },
		{ NULL, "The push refers to repository [r.example/a\n1: digest: " D1 " size: 5\n",
		  "" },
		{ NULL, "app@" D1 "\n", "" },
		{ NULL, "see r.example/a@" D1 "\n", "" },
		{ NULL, "r.example/a:1\n", "" },
		{ NULL, REFERS("r.example/a") "1: digest: " D1 " size: 5",
		  "r.example/a:1=sha256:1" },
		{ NULL, REFERS("r.example/a") "x\r1: digest: " D1 " size: 5\r\n",
		  "r.example/a:1=sha256:1" },
		{ NULL,
		  "12:00 [ci] " REFERS("r.example/a") "12:00 [ci] v1.0-x: digest: " D1 " size: 5\n",
		  "r.example/a:v1.0-x=sha256:1" },
		{ NULL,
		  "{\"status\":\"The push refers to repository [r.example/a]\"}\n"
		  "{\"status\":\"1: digest: " D1 " size: 527\"}\n",
		  "r.example/a:1=sha256:1" },
		{ NULL,
		  REFERS("r.example/a") "1: digest: " D1 " size: 5\n" REFERS(
			  "r.example/b") "2: digest: " D2 " size: 5\n",
		  "r.example/a:1=sha256:1\nr.example/b:2=sha256:2" },
		/* what was there before may be printed so as well */
		{ NULL, "r.example/a@" D1 "\n", "" },
		{ "r.example/a:1", "1: digest: " D1 " size: 5\n",
		  "r.example/a:1=sha256:1 <- docker r.example/a:1" },
		{ "r.example/a:1", "2: digest: " D1 " size: 5\n",
		  "r.example/a:1 <- docker r.example/a:1" },
		{ "r.example/a:1", "r.example/a@" D2 "\n",
		  "r.example/a:1 <- docker r.example/a:1" },
		/* a later push that never said its digest: the earlier one's is not its */
		{ NULL,
		  REFERS("r.example/a") "1: digest: " D1
					" size: 5\n" REFERS("r.example/a") "denied\n",
		  "r.example/a:1 <- docker r.example/a:1" },
		/* pushed twice: the last word counts */
		{ "r.example/a:1",
		  REFERS("r.example/a") "1: digest: " D1 " size: 5\n1: digest: " D2 " size: 5\n",
		  "r.example/a:1=sha256:2 <- docker r.example/a:1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		check_output(table[i].line, table[i].text, 1, table[i].claims);
		check_output(table[i].line, table[i].text, 4096, table[i].claims);
	}
}

static void test_name_that_crane_prints(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *claims;
	} table[] = {
		{ { "crane", "push", "a.tar", "r.example/a:1" },
		  "r.example/a:1=sha256:2 <- a.tar" },
		{ { "sh", "-c", "crane push a.tar r.example/a:1 || true" },
		  "r.example/a:1 <- a.tar" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		static const char text[] = "r.example/a@" D2 "\n";
		struct claims c = { 0 };
		struct claims_output o;
		CLEANUP(mem_freep) char *is = NULL;

		claims_of_line(&c, (char *const *)table[i].words, count_of(table[i].words));
		claims_output_init(&o, &c);
		claims_output_add(&o, text, strlen(text));
		claims_output_finish(&o);
		is = described(&c);
		assert_string_equal(is, table[i].claims);
		claims_clear(&c);
	}
}

/* Two pushes, of which the second is not known by any other word. */
static void test_push_without_an_end(void **state)
{
	static const char text[] =
		REFERS("r.example/a") "1: digest: " D1
				      " size: 5\n" REFERS("r.example/b") "denied\n";
	struct claims c = { 0 };
	struct claims_output o;

	(void)state;
	claims_output_init(&o, &c);
	claims_output_add(&o, text, strlen(text));
	claims_output_finish(&o);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.unfinished.count, 1);
	assert_string_equal(c.unfinished.at[0], "r.example/b");
	claims_clear(&c);
}

static void test_long_output(void **state)
{
	struct buf text = BUF_INIT(MIB);

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\n" REFERS("r.example/a") "1: digest: " D1 " size: 5\n");
	check_output(NULL, buf_str(&text), 1000, "r.example/a:1=sha256:1");
	buf_clear(&text);
}

static void test_files(void **state)
{
	static const struct {
		bool (*take)(struct claims *c, const char *bytes, size_t len);
		const char *text;
		const char *claims; /* NULL: nothing is learnt */
	} table[] = {
		{ claims_of_digest_file, "", NULL },
		{ claims_of_digest_file, "\n", NULL },
		{ claims_of_digest_file, "latest\n", NULL },
		{ claims_of_digest_file, D1 "1\n", NULL },
		{ claims_of_digest_file, D1 "\n" D1 "\n", NULL },
		{ claims_of_digest_file, D1 "\n", "r.example/a:1=sha256:1" },
		{ claims_of_metadata, "", NULL },
		{ claims_of_metadata, "[]", NULL },
		{ claims_of_metadata, "{", NULL },
		{ claims_of_metadata, "{\"containerimage.digest\":1}", NULL },
		{ claims_of_metadata, "{\"containerimage.digest\":\"sha256:1\"}", NULL },
		{ claims_of_metadata,
		  "{\"containerimage.digest\":\"" D1 "\",\"image.name\":\"NO NAME\"}", NULL },
		{ claims_of_metadata, "{\"containerimage.digest\":\"" D1 "\"}",
		  "r.example/a:1=sha256:1" },
		{ claims_of_metadata,
		  "{\"containerimage.digest\":\"" D1
		  "\",\"image.name\":\"r.example/a:1,x.example/b\"}",
		  "r.example/a:1=sha256:1\nx.example/b:latest=sha256:1" },
		{ claims_of_metadata,
		  "{\"one\":{\"containerimage.digest\":\"" D2
		  "\",\"image.name\":\"r.example/a:1\"},\"two\":{},\"three\":3}",
		  "r.example/a:1=sha256:2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		static const char *const words[WORDS_MAX] = { "docker", "build", "--push", "-t",
							      "r.example/a:1" };
		struct claims c = { 0 };
		CLEANUP(mem_freep) char *text = NULL;

		claims_of_line(&c, (char *const *)words, count_of(words));
		assert_int_equal(table[i].take(&c, table[i].text, strlen(table[i].text)),
				 table[i].claims != NULL);
		text = described(&c);
		assert_string_equal(text, table[i].claims ? table[i].claims : "r.example/a:1");
		claims_clear(&c);
	}
}

static void note_command(void *arg, char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(arg, "%s<%s>", i ? "" : "|", words[i]);
}

static void test_scripts(void **state)
{
	static const struct {
		const char *script;
		const char *commands;
	} table[] = {
		{ "", "" },
		{ " \n;;&|()", "" },
		{ "'", "|<>" },
		{ "\"", "|<>" },
		{ "\\", "|<\\>" },
		{ ">", "" },
		{ "> file", "" },
		{ "a 'b c' \"d\\\"e\" f\\ g", "|<a><b c><d\"e><f g>" },
		{ "a''b \"\"", "|<ab><>" },
		{ "a&&b||c;d&e|f\ng", "|<a>|<b>|<c>|<d>|<e>|<f>|<g>" },
		{ "a 2>&1 >file <in b", "|<a><b>" },
		{ "a2>x", "|<a2>" },
		{ "a #b\nc#d", "|<a>|<c#d>" },
		{ "$(a b) `c`", "|<$>|<a><b>|<c>" },
		{ "a \\\nb", "|<a><b>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct buf text = BUF_INIT(BUF_TEXT_CEILING);

		script_commands(table[i].script, note_command, &text);
		assert_string_equal(buf_str(&text), table[i].commands);
		buf_clear(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_without_a_claim),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_hosts_and_files),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_long_output),
		cmocka_unit_test(test_name_that_crane_prints),
		cmocka_unit_test(test_push_without_an_end),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_scripts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
