/* Tokens that are kept between runs: what of a file is believed, whose file, and who mints. */
#include "auth/google_fixture.h"

#include "auth/google_cache.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define OTHER "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define FILE_OF(version, key, boot, minted, expires, apart, token)         \
	"{\"version\":" version ",\"key\":\"" key "\",\"boot_id\":\"" boot \
	"\",\"minted_boot_ms\":" minted ",\"expires_boot_ms\":" expires    \
	",\"wall_minus_boot_ms\":" apart ",\"token\":\"" token "\"}"
#define GOOD FILE_OF("1", KEY, "here", "1000", "3601000", "50000", "ya29.SECRET")

static const struct {
	const char *text, *words;
} files[] = {
	{ "", "JSON" },
	{ "{}", "version" },
	{ "[]", "object" },
	{ "{\"version\":1,\"key\":\"" KEY "\"", "JSON" },
	{ FILE_OF("2", KEY, "here", "1000", "3601000", "50000", "t"), "another login" },
	{ FILE_OF("1", OTHER, "here", "1000", "3601000", "50000", "t"), "another login" },
	{ FILE_OF("1", KEY, "there", "1000", "3601000", "50000", "t"), "machine was started" },
	{ FILE_OF("1", KEY, "", "1000", "3601000", "50000", "t"), "machine was started" },
	{ FILE_OF("1", KEY, "here", "1000", "3601000", "80001", "t"), "clock was set" },
	{ FILE_OF("1", KEY, "here", "1000", "3601000", "19999", "t"), "clock was set" },
	{ FILE_OF("1", KEY, "here", "1000", "3601000", "-9223372036854775808", "t"), "clock" },
	{ FILE_OF("1", KEY, "here", "5001", "3601000", "50000", "t"), "makes no sense" },
	{ FILE_OF("1", KEY, "here", "-1", "3601000", "50000", "t"), "makes no sense" },
	{ FILE_OF("1", KEY, "here", "0", "9223372036854775807", "50000", "t"), "makes no sense" },
	{ FILE_OF("1", KEY, "here", "1000", "5000", "50000", "t"), "over" },
	{ FILE_OF("1", KEY, "here", "1000", "3601000", "50000", ""), "no token" },
	{ FILE_OF("1", KEY, "here", "1000", "3601000", "50000", "a b"), "no token" },
	{ GOOD "x", "JSON" },
	{ GOOD, NULL },
};

static void test_files(void **state)
{
	const struct google_now now = { .boot_ms = 5000, .wall_ms = 55000, .boot_id = "here" };
	const struct digest key = { KEY };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(google_token_clear) struct google_token t = { 0 };
		struct err err = ERR_INIT;
		bool ok = google_cache_parse(files[i].text, strlen(files[i].text), &key, &now, &t,
					     &err);

		if (ok == (files[i].words != NULL) || (t.secret != NULL) != ok)
			fail_msg("%s", files[i].text);
		if (ok)
			assert_int_equal(t.life.expires_ms, 3601000);
		else
			assert_err(&err, ERR_LOCAL, files[i].words);
	}
}

/* Over a directory */

static char *cache_path(struct desk *d)
{
	return fake_dir_path(&d->home, "cache");
}

static void open_cache(struct desk *d, struct google_cache *ret)
{
	CLEANUP(mem_freep) char *path = cache_path(d);

	if (!google_cache_open(path, ret, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
}

static void keep(struct desk *d, const struct google_cache *c, const char *token, int64_t life_ms)
{
	const struct google_now now = google_now(&d->fake.world);
	const struct digest key = { KEY };
	CLEANUP(google_token_clear)
	struct google_token t = { .secret = secret_new(token, strlen(token)),
				  .life = { now.boot_ms, now.boot_ms + life_ms },
				  .expiry_known = true };

	assert_true(google_cache_write(c, &key, &now, &t, &d->fake.err));
}

static bool recall(struct desk *d, const struct google_cache *c, struct google_token *ret)
{
	const struct google_now now = google_now(&d->fake.world);
	const struct digest key = { KEY };

	google_token_clear(ret);
	return google_cache_read(c, &key, &now, ret, &d->fake.err);
}

static char *kept_path(struct desk *d)
{
	return fake_dir_path(&d->home, "cache/token-00000000000000000000000000000000.json");
}

static void test_round(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_token_clear) struct google_token t = { 0 };
	CLEANUP(google_cache_close) struct google_cache c = { .fd = -1 };
	CLEANUP(mem_freep) char *path = kept_path(d);
	struct stat st;

	open_cache(d, &c);
	assert_false(recall(d, &c, &t));
	assert_err(&d->fake.err, ERR_NO_SOURCE, "token-");
	keep(d, &c, "ya29.SECRET", 3600000);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(recall(d, &c, &t));
	assert_string_equal(secret_reveal(t.secret), "ya29.SECRET");
	fake_advance(&d->fake, 3600000);
	assert_false(recall(d, &c, &t));
	assert_err(&d->fake.err, ERR_LOCAL, "over");
	google_cache_erase(&c);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_leap(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_token_clear) struct google_token t = { 0 };
	CLEANUP(google_cache_close) struct google_cache c = { .fd = -1 };

	open_cache(d, &c);
	keep(d, &c, "ya29.SECRET", 3600000);
	atomic_fetch_sub(&d->fake.wall_ms, 7200000);
	assert_false(recall(d, &c, &t));
	assert_err(&d->fake.err, ERR_LOCAL, "clock was set");
}

/* What somebody else could have written or can read is not believed. */
static void spoil_mode(const char *path)
{
	assert_int_equal(chmod(path, 0640), 0);
}

static void spoil_owner(const char *path)
{
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
}

static void spoil_link(const char *path)
{
	CLEANUP(mem_freep) char *other = mem_printf("%s.real", path);

	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
}

static void spoil_names(const char *path)
{
	CLEANUP(mem_freep) char *other = mem_printf("%s.too", path);

	assert_int_equal(link(path, other), 0);
}

static void spoil_length(const char *path)
{
	assert_int_equal(truncate(path, 40), 0);
}

static void spoil_kind(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static const struct {
	void (*spoil)(const char *path);
	const char *words;
	bool needs_root;
} spoils[] = {
	{ spoil_mode, "ours alone", false }, { spoil_owner, "ours alone", true },
	{ spoil_link, "opening", false },    { spoil_names, "ours alone", false },
	{ spoil_length, "JSON", false },     { spoil_kind, "ours alone", false },
};

static void test_spoilt(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = kept_path(d);

	for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
		CLEANUP(google_token_clear) struct google_token t = { 0 };
		CLEANUP(google_cache_close) struct google_cache c = { .fd = -1 };

		if (spoils[i].needs_root && geteuid() != 0)
			continue;
		unlink(path);
		open_cache(d, &c);
		keep(d, &c, "ya29.SECRET", 3600000);
		spoils[i].spoil(path);
		if (recall(d, &c, &t))
			fail_msg("case %zu", i);
		assert_err(&d->fake.err, ERR_LOCAL, spoils[i].words);
	}
}

static void test_directory_of_others(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = cache_path(d);
	struct google_cache c = { .fd = -1 };

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0750), 0);
	assert_false(google_cache_open(path, &c, &d->fake.err));
	assert_err(&d->fake.err, ERR_LOCAL, "not ours alone");
	assert_int_equal(c.fd, -1);
}

/* Whose tokens are kept, and under which name */

#define SUBJECT_FILE                                                                     \
	"{\"type\":\"external_account\",\"audience\":\"//iam.googleapis.com/x\","        \
	"\"subject_token_type\":\"urn:ietf:params:oauth:token-type:jwt\",\"token_url\":" \
	"\"https://sts.example/token\",\"credential_source\":{\"file\":\"/nowhere/subject\"}}"
#define USER_FILE_OF_ANOTHER                                                                     \
	"{\"type\":\"authorized_user\",\"client_id\":\"cid\",\"client_secret\":\"csec-SECRET\"," \
	"\"refresh_token\":\"2//SECRET\",\"token_uri\":\"https://user.example/token\"}"

static struct digest key_of(struct desk *d, const char *text, const struct google_want *want)
{
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, text);

	assert_non_null(m->identity);
	return google_cache_key(m, want);
}

static void test_keys(void **state)
{
	static const char *const one[] = { "a b", NULL }, *const two[] = { "a", "b", NULL };
	const struct google_want usual = { 0 }, joined = { .scopes = one },
				 apart = { .scopes = two }, longer = { .lifetime_ms = 7200000 };
	struct desk *d = *state;
	struct digest keys[6];

	keys[0] = key_of(d, USER_FILE, &usual);
	keys[1] = key_of(d, USER_FILE_OF_ANOTHER, &usual);
	keys[2] = key_of(d, USER_FILE, &joined);
	keys[3] = key_of(d, USER_FILE, &apart);
	keys[4] = key_of(d, USER_FILE, &longer);
	d->options.lifetime_ms = 7200000;
	keys[5] = key_of(d, USER_FILE, &usual);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		for (size_t k = 0; k < i; k++)
			assert_false(digest_same(&keys[i], &keys[k]));
	d->options.lifetime_ms = 0;
	keys[1] = key_of(d, USER_FILE, &usual);
	assert_true(digest_same(&keys[0], &keys[1]));
}

static void test_a_subject_may_be_anybody(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, SUBJECT_FILE);
	struct google_minter *user = minter_of(d, USER_FILE);
	CLEANUP(google_minter_freep)
	struct google_minter *as = google_impersonate(user, "a@p.example", NULL, NULL, 0);
	CLEANUP(google_minter_freep)
	struct google_minter *metadata = google_metadata_new(&d->options);

	assert_null(m->identity);
	assert_null(metadata->identity);
	assert_non_null(as->identity);
	assert_string_not_equal(as->identity, user->identity);
}

/* The decision */

static void assert_kept(struct desk *d, const char *token)
{
	const struct google_want want = { 0 };
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, USER_FILE);
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	if (!google_kept(m, &d->fake.world, &want, &t, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	assert_string_equal(secret_reveal(t.secret), token);
}

#define URL "https://user.example/token"

static void test_decision(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *dir = cache_path(d);

	d->options.cache_dir = dir;
	expect_grant(d, URL, GRANT("ya29.1.SECRET"));
	assert_kept(d, "ya29.1.SECRET");
	assert_kept(d, "ya29.1.SECRET");
	fake_advance(&d->fake, 298000); /* it lives 3599 s: 55 min and one second are left */
	assert_kept(d, "ya29.1.SECRET");
	fake_advance(&d->fake, 2000);
	expect_grant(d, URL, GRANT("ya29.2.SECRET"));
	assert_kept(d, "ya29.2.SECRET");
	d->options.wanted_life_ms = 60000;
	fake_advance(&d->fake, 3500000);
	assert_kept(d, "ya29.2.SECRET");
	fake_advance(&d->fake, 60000);
	expect_grant(d, URL, GRANT("ya29.3.SECRET"));
	assert_kept(d, "ya29.3.SECRET");
}

/* A source that can do no better is asked each time: the newest has most of its life left. */
static void test_short_lives(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *dir = cache_path(d);

	d->options.cache_dir = dir;
	for (size_t i = 0; i < 2; i++) {
		expect_grant(d, URL, "{\"access_token\":\"ya29.SECRET\",\"expires_in\":1200}");
		assert_kept(d, "ya29.SECRET");
	}
}

static void expect_outage(struct desk *d, size_t times)
{
	for (size_t i = 0; i < times; i++)
		fake_expect(d->t,
			    (struct fake_answer){
				    .method = "POST", .url = URL, .status = 503, .body = "" });
}

/* Nobody can be reached: what was kept must do, unless a life was asked for. */
static void test_outage(void **state)
{
	const struct google_want want = { 0 };
	struct desk *d = *state;
	CLEANUP(mem_freep) char *dir = cache_path(d);
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, USER_FILE);
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	d->options.cache_dir = dir;
	d->policy.retries = 1;
	expect_grant(d, URL, GRANT("ya29.1.SECRET"));
	assert_kept(d, "ya29.1.SECRET");
	fake_advance(&d->fake, 1800000);
	expect_outage(d, 2);
	assert_kept(d, "ya29.1.SECRET");
	d->options.wanted_life_ms = 2400000;
	expect_outage(d, 2);
	assert_false(google_kept(m, &d->fake.world, &want, &t, &d->fake.err));
	assert_int_equal(d->fake.err.code, ERR_NET);
	assert_null(t.secret);
	err_clear(&d->fake.err);
}

static void test_a_stuck_neighbour(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *dir = cache_path(d);
	const struct google_want want = { 0 };
	struct digest key = key_of(d, USER_FILE, &want);
	CLEANUP(google_cache_close) struct google_cache c = { .fd = -1 };
	int held;

	open_cache(d, &c);
	assert_true(google_cache_lock(&c, &key, &d->fake.world, 0, &held, &d->fake.err));
	assert_true(held >= 0);
	d->options.cache_dir = dir;
	expect_grant(d, URL, GRANT("ya29.1.SECRET"));
	assert_kept(d, "ya29.1.SECRET"); /* after a while, without the lock */
	assert_in_range(fake_since_start(&d->fake), 1000, 60000);
	close(held);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		TEST(test_round),
		TEST(test_leap),
		TEST(test_spoilt),
		TEST(test_directory_of_others),
		TEST(test_keys),
		TEST(test_a_subject_may_be_anybody),
		TEST(test_decision),
		TEST(test_short_lives),
		TEST(test_outage),
		TEST(test_a_stuck_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
