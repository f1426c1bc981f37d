/* gcloud's INI files, and the order in which a property is looked for. */
#include "base/fake_dir.h"

#include "auth/gcloud_config.h"

static const char *const bad[] = {
	"x",
	"[core",
	"core]",
	"[core]\naccount",
	"[core]\n= a@b",
	"[core]\n: a@b",
	"account\n[core]\naccount = a@b\n",
	"\xef\xbb\xbf[core]\naccount = a@b\n",
	"[core]\naccount = a\x01@b\n",
	"[core]\naccount = a\x7f@b\n",
	"[core]\naccount = a\tb\n",
	"{\"core\":1}extra\n[core\n",
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		char *value = NULL;

		if (gcloud_ini_get(bad[i], strlen(bad[i]), "core", "account", &value, &err))
			fail_msg("taken for a configuration: '%s'", bad[i]);
		assert_null(value);
		assert_err(&err, ERR_NO_CREDENTIAL, "");
	}
}

static const struct {
	const char *text, *value;
} good[] = {
	{ "", NULL },
	{ "\n\n", NULL },
	{ "[core]\n", NULL },
	{ "[core]\naccount =\n", NULL },
	{ "[auth]\naccount = a@b\n", NULL },
	{ "[Core]\naccount = a@b\n", NULL },
	{ "account = a@b\n[core]\n", NULL },
	{ "[core]\naccounts = a@b\n", NULL },
	{ "[core]\n# account = a@b\n; account = a@b\n", NULL },
	{ "[core]\nproject = p\n account = a@b\n", NULL }, /* it goes on with the project */
	{ "[core]\naccount = a@b\n", "a@b" },
	{ "[core]\naccount=a@b", "a@b" },
	{ "[core]\naccount: a@b\n", "a@b" },
	{ "[core]\r\naccount = a@b\r\n", "a@b" },
	{ "[core]\nACCOUNT = a@b\n", "a@b" },
	{ "[core]\n\taccount = a@b\n", "a@b" },
	{ "[core]\naccount = a=b:c \t\n", "a=b:c" },
	{ "[core]\naccount = a@b ; c\n", "a@b ; c" },
	{ "[auth]\naccount = x\n[core]\nproject = p\naccount = a@b\n[auth]\naccount = y\n", "a@b" },
	{ "[core]\naccount = a@b\n[core]\naccount = c@d\n", "c@d" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CLEANUP(mem_freep) char *value = NULL;
		struct err err = ERR_INIT;

		if (!gcloud_ini_get(good[i].text, strlen(good[i].text), "core", "account", &value,
				    &err))
			fail_msg("'%s': %s", good[i].text, err.message);
		if (!value != !good[i].value || (value && strcmp(value, good[i].value) != 0))
			fail_msg("'%s': '%s'", good[i].text, value);
	}
}

static void test_reads_no_byte_beyond_the_length(void **state)
{
	static const char text[] = "[core]\naccount = abc";

	(void)state;
	for (size_t len = 1; len < sizeof(text); len++) {
		CLEANUP(mem_freep) char *exact = mem_alloc(len);
		CLEANUP(mem_freep) char *value = NULL;
		struct err err = ERR_INIT;

		memcpy(exact, text, len);
		if (gcloud_ini_get(exact, len, "core", "account", &value, &err) && value)
			assert_int_equal(strlen(value), len - strlen("[core]\naccount = "));
		err_clear(&err);
	}
}

/* Which configuration */

struct house {
	struct fake_dir dir;
	struct err err;
};

static int setup(void **state)
{
	struct house *h = NEW(struct house);

	fake_dir_init(&h->dir);
	setenv("CLOUDSDK_CONFIG", h->dir.path, 1);
	unsetenv("CLOUDSDK_ACTIVE_CONFIG_NAME");
	unsetenv("CLOUDSDK_CORE_ACCOUNT");
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	fake_dir_clear(&h->dir);
	err_clear(&h->err);
	free(h);
	return 0;
}

static void put(struct house *h, const char *name, const char *text)
{
	CLEANUP(mem_freep) char *configurations = fake_dir_path(&h->dir, "configurations");

	mkdir(configurations, 0700);
	free(fake_dir_write(&h->dir, name, text, 0600));
}

static void assert_account(struct house *h, const char *account)
{
	CLEANUP(gcloud_config_clear) struct gcloud_config c = { 0 };
	CLEANUP(mem_freep) char *value = NULL;

	if (!gcloud_config_read(&c, &h->err) ||
	    !gcloud_property(&c, "core", "account", &value, &h->err))
		fail_msg("%s", h->err.message);
	if (!value != !account || (value && strcmp(value, account) != 0))
		fail_msg("'%s' instead of '%s'", value, account);
}

static void test_which_configuration(void **state)
{
	struct house *h = *state;

	assert_account(h, NULL);
	put(h, "configurations/config_default", "[core]\naccount = default@x\n");
	put(h, "configurations/config_work", "[core]\naccount = work@x\n");
	put(h, "configurations/config_ci", "[core]\naccount = ci@x\n");
	assert_account(h, "default@x");
	put(h, "active_config", "work\n");
	assert_account(h, "work@x");
	setenv("CLOUDSDK_ACTIVE_CONFIG_NAME", "ci", 1);
	assert_account(h, "ci@x");
	setenv("CLOUDSDK_ACTIVE_CONFIG_NAME", "NONE", 1);
	assert_account(h, NULL);
	setenv("CLOUDSDK_CORE_ACCOUNT", "variable@x", 1);
	assert_account(h, "variable@x");
	setenv("CLOUDSDK_ACTIVE_CONFIG_NAME", "ci", 1);
	assert_account(h, "variable@x");
}

static void assert_no_configuration(struct house *h, const char *words)
{
	CLEANUP(gcloud_config_clear) struct gcloud_config c = { 0 };

	assert_false(gcloud_config_read(&c, &h->err));
	assert_err(&h->err, ERR_NO_CREDENTIAL, words);
}

static void test_a_chosen_configuration_must_be_there(void **state)
{
	struct house *h = *state;

	put(h, "configurations/config_default", "[core]\naccount = default@x\n");
	put(h, "active_config", "work\n");
	assert_no_configuration(h, "gcloud's configuration 'work'");
	put(h, "active_config", "../../x");
	assert_no_configuration(h, "no name of a gcloud configuration");
	put(h, "active_config", "");
	assert_no_configuration(h, "no name of a gcloud configuration");
	setenv("CLOUDSDK_ACTIVE_CONFIG_NAME", "a/b", 1);
	assert_no_configuration(h, "no name of a gcloud configuration");
}

static void test_a_broken_configuration_names_its_file(void **state)
{
	struct house *h = *state;
	CLEANUP(gcloud_config_clear) struct gcloud_config c = { 0 };
	char *value = NULL;

	put(h, "configurations/config_default", "[core]\n\noops\n");
	assert_true(gcloud_config_read(&c, &h->err));
	assert_false(gcloud_property(&c, "core", "account", &value, &h->err));
	assert_err(&h->err, ERR_NO_CREDENTIAL, "config_default': line 3: neither");
}

static void test_config_dir(void **state)
{
	CLEANUP(mem_freep) char *named = NULL;
	CLEANUP(mem_freep) char *usual = NULL;

	(void)state;
	setenv("HOME", "/h", 1);
	setenv("CLOUDSDK_CONFIG", "/c", 1);
	named = gcloud_config_dir();
	assert_string_equal(named, "/c");
	setenv("CLOUDSDK_CONFIG", "", 1);
	usual = gcloud_config_dir();
	assert_string_equal(usual, "/h/.config/gcloud");
	unsetenv("HOME");
	assert_null(gcloud_config_dir());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_reads_no_byte_beyond_the_length),
		TEST(test_which_configuration),
		TEST(test_a_chosen_configuration_must_be_there),
		TEST(test_a_broken_configuration_names_its_file),
		TEST(test_config_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
