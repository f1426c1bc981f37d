/* What the doctor thinks of what was seen: tables, the worst first. */
#include "cli/fixture.h"

#include "cli/doctor_judge.h"
#include "wire/base64.h"

#define NOW_MS (1800000000LL * 1000)
#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)

#define assert_that(condition, ...)                   \
	do {                                          \
		if (!(condition)) {                   \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr);          \
			fail_msg("%s", #condition);   \
		}                                     \
	} while (0)

/* The worst of F has SEVERITY and says WORDS (in what was found, seen, or to be done). */
static void expect(const char *name, const struct findings *f, enum severity severity,
		   const char *words)
{
	enum severity worst = FINDING_OK;
	bool said = false;

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *n = &f->at[i];

		if (n->severity > worst)
			worst = n->severity;
		said |= strstr(n->found, words) || (n->evidence && strstr(n->evidence, words)) ||
			(n->fix && strstr(n->fix, words));
		assert_that(n->severity < FINDING_WARNING || n->fix, "%s: no fix for '%s'", name,
			    n->found);
		assert_that((n->severity == FINDING_ERROR) == (n->cause != ERR_NONE),
			    "%s: cause of '%s'", name, n->found);
	}
	assert_that(f->count && worst == severity, "%s: %s, %zu findings, '%s'", name,
		    severity_word(worst), f->count, f->count ? f->at[0].found : "");
	assert_that(said, "%s: nobody says '%s' but '%s'", name, words, f->at[0].found);
}

static void test_clock(void **state)
{
	static const struct {
		int64_t ahead_ms;
		enum severity severity;
		const char *words;
	} table[] = {
		{ 48 * HOUR_MS, FINDING_ERROR, "ahead of the registry's" },
		{ -DOCTOR_SKEW_ERROR_MS, FINDING_ERROR, "behind the registry's" },
		{ DOCTOR_SKEW_ERROR_MS - 1, FINDING_WARNING, "ahead of" },
		{ -DOCTOR_SKEW_WARNING_MS, FINDING_WARNING, "30 s behind" },
		{ DOCTOR_SKEW_WARNING_MS - 1, FINDING_OK, "agree" },
		{ -1000, FINDING_OK, "agree" },
		{ 0, FINDING_OK, "agree" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(findings_clear) struct findings f = { .check = "clock" };

		doctor_judge_clock(&f, NOW_MS + table[i].ahead_ms, NOW_MS);
		expect("clock", &f, table[i].severity, table[i].words);
	}
}

static void test_docker_version(void **state)
{
	static const struct {
		const char *text;
		enum severity severity;
		const char *words;
	} table[] = {
		{ "", FINDING_NOTE, "says ''" },
		{ "what?\nmore", FINDING_NOTE, "says 'what?'" },
		{ "Docker version x", FINDING_NOTE, "says" },
		{ "podman version 4.3.1\n", FINDING_NOTE, "podman version 4.3.1)" },
		{ "Docker version 20.10.24+dfsg1, build 297e128\n", FINDING_WARNING, "CLI 20" },
		{ "Docker version 28.2.2, build e6534b4\n", FINDING_WARNING, "CLI 28 hides" },
		{ "Docker version 29.0.0, build 1\n", FINDING_OK, "29" },
		{ "Docker version 30.1.0-rc.1", FINDING_OK, "30" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(findings_clear) struct findings f = { .check = "docker-cli" };

		doctor_judge_docker_version(&f, table[i].text);
		expect(table[i].text, &f, table[i].severity, table[i].words);
	}
}

/* docker's files */

#define GAR "europe-docker.pkg.dev"

static bool has_program(const char *program)
{
	return strcmp(program, "docker-credential-there") == 0;
}

/* base64("oauth2accesstoken:ya29.secret"), base64("_json_key:{}") */
#define OPAQUE "b2F1dGgyYWNjZXNzdG9rZW46eWEyOS5zZWNyZXQ="
#define KEY "X2pzb25fa2V5Ont9"

enum reader { DOCKERS = 1, OURS = 2, ASKED = 4, PODMANS = 8 };

static const struct {
	const char *name;
	const char *host;
	const char *text;
	unsigned int readers;
	enum severity severity;
	const char *words;
} files[] = {
	{ "no JSON", GAR, "{", DOCKERS | OURS | ASKED, FINDING_ERROR, "cannot be read" },
	{ "no JSON, not asked", GAR, "{", DOCKERS | OURS, FINDING_WARNING, "cannot be read" },
	{ "auth is broken", GAR, "{\"auths\":{\"" GAR "\":{\"auth\":\"*\"}}}", OURS | ASKED,
	  FINDING_ERROR, "not base64" },
	{ "helper is not there", GAR, "{\"credHelpers\":{\"" GAR "\":\"gone\"}}",
	  DOCKERS | OURS | ASKED, FINDING_ERROR, "'docker-credential-gone'" },
	{ "helper is not there, docker's alone", GAR, "{\"credHelpers\":{\"" GAR "\":\"gone\"}}",
	  DOCKERS | ASKED, FINDING_WARNING, "not on PATH" },
	{ "store is not there", GAR, "{\"credsStore\":\"desktop\"}", DOCKERS | OURS | ASKED,
	  FINDING_ERROR, "credsStore" },
	{ "store is not there, no REF", NULL, "{\"credsStore\":\"desktop\"}",
	  DOCKERS | OURS | ASKED, FINDING_WARNING, "any registry" },
	{ "a helper of that name is a path", GAR, "{\"credsStore\":\"../x\"}", OURS | ASKED,
	  FINDING_ERROR, "no name of a credential helper" },
	{ "key is a URL", GAR, "{\"credHelpers\":{\"https://" GAR "\":\"there\"}}", DOCKERS,
	  FINDING_WARNING, "matches no registry" },
	{ "key is a pattern", NULL, "{\"credHelpers\":{\"*.pkg.dev\":\"there\"}}", DOCKERS,
	  FINDING_WARNING, "matches no registry" },
	{ "nothing for Google's", GAR, "{}", DOCKERS | OURS | ASKED, FINDING_WARNING,
	  "anonymously" },
	{ "empty entry", GAR, "{\"auths\":{\"" GAR "\":{}}}", DOCKERS | OURS, FINDING_WARNING,
	  "anonymously" },
	{ "nothing for another", "r.example", "{}", DOCKERS, FINDING_NOTE, "no login" },
	{ "nothing, podman's", "r.example", "{\"auths\":{\"" GAR "\":{}}}", PODMANS, FINDING_OK,
	  "" },
	{ "access token", GAR, "{\"auths\":{\"" GAR "\":{\"auth\":\"" OPAQUE "\"}}}",
	  DOCKERS | OURS | ASKED, FINDING_WARNING, "lives for an hour" },
	{ "access token, as a URL", GAR,
	  "{\"auths\":{\"https://" GAR "/v2/\":{\"auth\":\"" OPAQUE "\"}}}", DOCKERS,
	  FINDING_WARNING, "docker logout " GAR },
	{ "access token, no REF", NULL, "{\"auths\":{\"" GAR "\":{\"auth\":\"" OPAQUE "\"}}}",
	  DOCKERS, FINDING_WARNING, GAR },
	{ "shadowed", GAR,
	  "{\"credHelpers\":{\"" GAR "\":\"there\"},\"auths\":{\"" GAR "\":{\"auth\":\"" KEY
	  "\"}}}",
	  DOCKERS | OURS | ASKED, FINDING_NOTE, "never shown" },
	{ "store, for podman", GAR, "{\"credsStore\":\"there\"}", DOCKERS | PODMANS, FINDING_NOTE,
	  "podman and skopeo do not know" },
	{ "helper", GAR, "{\"credHelpers\":{\"" GAR "\":\"there\"}}", DOCKERS | PODMANS | OURS,
	  FINDING_OK, "'docker-credential-there' is asked" },
	{ "a key of a service account", GAR, "{\"auths\":{\"" GAR "\":{\"auth\":\"" KEY "\"}}}",
	  DOCKERS | OURS, FINDING_OK, "'_json_key'" },
	{ "identity token", GAR, "{\"auths\":{\"" GAR "\":{\"identitytoken\":\"t\"}}}", DOCKERS,
	  FINDING_OK, "identity token" },
	{ "none of Google's", NULL, "{\"auths\":{\"r.example\":{\"auth\":\"" KEY "\"}}}", DOCKERS,
	  FINDING_OK, "no registry of Google's" },
};

static void judge_file(struct findings *f, const char *host, const char *text, unsigned int readers)
{
	const struct docker_file file = {
		.path = "/config.json",
		.text = text,
		.len = strlen(text),
		.age_ms = 3 * HOUR_MS,
		.docker = readers & DOCKERS,
		.podman = readers & PODMANS,
		.landed = readers & OURS,
	};
	const struct docker_judgement how = {
		.host = host,
		.is_asked = readers & ASKED,
		.now_wall_ms = NOW_MS,
		.has_program = has_program,
	};

	doctor_judge_docker_file(f, &file, &how, NULL);
}

static void test_docker_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(findings_clear) struct findings f = { .check = "docker-config" };

		judge_file(&f, files[i].host, files[i].text, files[i].readers);
		if (!*files[i].words) {
			assert_that(!f.count, "%s: '%s'", files[i].name, f.at[0].found);
			continue;
		}
		expect(files[i].name, &f, files[i].severity, files[i].words);
		for (size_t k = 0; k < f.count; k++)
			assert_null(strstr(f.at[k].found, "ya29"));
	}
}

/* A stored token that says itself when it ends. */
static void test_stored_jwt(void **state)
{
	static const struct {
		int64_t left_s;
		enum severity severity;
		const char *words;
	} table[] = {
		{ -7200, FINDING_ERROR, "expired 2 h 0 min ago" },
		{ 0, FINDING_ERROR, "expired" },
		{ 300, FINDING_WARNING, "ends in 5 min" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(findings_clear) struct findings f = { .check = "docker-config" };
		CLEANUP(mem_freep)
		char *claims =
			mem_printf("{\"exp\":%lld}", (long long)(NOW_MS / 1000 + table[i].left_s));
		CLEANUP(mem_freep) char *middle = base64url_encode(claims, strlen(claims));
		CLEANUP(mem_freep)
		char *pair = mem_printf("oauth2accesstoken:e30.%s.c2ln", middle);
		CLEANUP(mem_freep) char *auth = base64_encode(pair, strlen(pair));
		CLEANUP(mem_freep)
		char *text = mem_printf("{\"auths\":{\"" GAR "\":{\"auth\":\"%s\"}}}", auth);

		judge_file(&f, GAR, text, DOCKERS | OURS | ASKED);
		expect("jwt", &f, table[i].severity, table[i].words);
	}
}

/* Google's logins */

static void test_accounts(void **state)
{
	static const struct {
		const char *gcloud, *principal, *origin;
		enum severity severity;
		const char *words;
	} table[] = {
		{ "me@acme.example", "sa@p.iam.gserviceaccount.com", "'k.json'", FINDING_WARNING,
		  "gcloud is 'me@acme.example', Application Default Credentials are "
		  "'sa@p.iam.gserviceaccount.com'" },
		{ "me@acme.example", NULL, "'adc.json'", FINDING_NOTE, "does not stand in them" },
		{ NULL, NULL, NULL, FINDING_NOTE, "neither" },
		{ "me@acme.example", "Me@acme.example", "'adc.json'", FINDING_OK, "both" },
		{ "me@acme.example", NULL, NULL, FINDING_OK, "gcloud's account: me@" },
		{ NULL, "sa@p", "'k.json'", FINDING_OK, "Default Credentials: sa@p" },
		{ NULL, NULL, "'k.json'", FINDING_OK, "'k.json'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(findings_clear) struct findings f = { .check = "gcloud" };

		doctor_judge_accounts(&f, table[i].gcloud, table[i].principal, table[i].origin);
		expect(table[i].words, &f, table[i].severity, table[i].words);
	}
}

#define SCOPE "https://www.googleapis.com/auth/"

static void test_scopes(void **state)
{
	static const struct {
		const char *scopes;
		enum severity severity;
	} table[] = {
		{ "", FINDING_ERROR },
		{ SCOPE "devstorage.read_only\n" SCOPE "logging.write\n", FINDING_ERROR },
		{ SCOPE "cloud-platform.read-only\n", FINDING_ERROR },
		{ "cloud-platform\n", FINDING_ERROR },
		{ SCOPE "devstorage.read_write\n", FINDING_NOTE },
		{ SCOPE "devstorage.full_control", FINDING_NOTE },
		{ SCOPE "logging.write\n" SCOPE "cloud-platform\n", FINDING_OK },
		{ SCOPE "cloud-platform", FINDING_OK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(findings_clear) struct findings f = { .check = "metadata" };

		doctor_judge_scopes(&f, table[i].scopes);
		expect(table[i].scopes, &f, table[i].severity, "");
	}
}

static void test_credential(void **state)
{
	static const struct {
		int64_t left_ms;
		bool known, renewable;
		enum severity severity;
		const char *words;
	} table[] = {
		{ -1, true, false, FINDING_ERROR, "has expired" },
		{ 5 * MINUTE_MS, true, false, FINDING_WARNING, "cannot be renewed" },
		{ 5 * MINUTE_MS, true, true, FINDING_OK, "renewable" },
		{ HOUR_MS, true, false, FINDING_OK, "good for 60 min" },
		{ 0, false, false, FINDING_OK, "is not known" },
		{ NEVER_MS, true, false, FINDING_OK, "is shown the credential of file:/t" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(findings_clear) struct findings f = { .check = "credential" };
		const struct credential c = {
			.source = (char[]){ "file:/t" },
			.expiry_known = table[i].known,
			.renewable = table[i].renewable,
			.life = { .expires_ms = clock_after(1000, table[i].left_ms) },
		};

		doctor_judge_credential(&f, &c, GAR, 1000);
		expect(table[i].words, &f, table[i].severity, table[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),	     cmocka_unit_test(test_docker_version),
		cmocka_unit_test(test_docker_files), cmocka_unit_test(test_stored_jwt),
		cmocka_unit_test(test_accounts),     cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_credential),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
