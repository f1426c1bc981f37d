/*
 * gcloud's own login without running gcloud: which account is active, and the credential file that a login leaves
 * beside it. That layout is nobody's contract, so where the file is missing gcloud itself is asked, for a token with
 * nearly its whole life left.
 */
#include "auth/google.h"

#include "auth/gcloud_config.h"
#include "auth/subprocess.h"
#include "base/mem.h"
#include "wire/time.h"

#include <string.h>
#include <unistd.h>

#define HELPER_CEILING (64 * KIB)

/* The fallback: `gcloud config config-helper` */

struct helper {
	struct google_minter minter; /* its principal is the account */
};

static bool parse_helper(const char *bytes, size_t len, const struct world *w, int64_t asked_ms,
			 struct google_token *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *credential;
	const char *moment;
	int64_t wall_ms;

	if (!js_parse(bytes, len, HELPER_CEILING, ERR_NO_CREDENTIAL, &j, err))
		return err_wrap(err, "the answer of 'gcloud config config-helper'");
	credential = js_get(j, "credential");
	ret->secret = token_of_json(js_get(credential, "access_token"));
	if (!ret->secret)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "the answer of 'gcloud config config-helper' has no token in it");
	ret->life = (struct token_life){ asked_ms, NEVER_MS };
	moment = js_string(js_get(credential, "token_expiry"));
	ret->expiry_known = moment && time_parse_rfc3339(moment, &wall_ms);
	if (ret->expiry_known)
		ret->life.expires_ms =
			clock_after(world_now_ms(w), wall_ms - clock_wall_ms(w->clock));
	return true;
}

static bool helper_failed(int code, const struct buf *errout, struct err *err)
{
	const char *words = buf_str(errout);

	err_set(err, ERR_NO_CREDENTIAL, "'gcloud config config-helper' failed with exit code %d",
		code);
	if (*words)
		err_evidence(err, "%.*s", (int)strcspn(words, "\r\n"), words);
	err_hint(err, "gcloud auth login");
	return false;
}

static bool helper_mint(struct google_minter *m, const struct world *w,
			const struct google_want *want, struct google_token *ret, struct err *err)
{
	CLEANUP(mem_freep) char *account = mem_printf("--account=%s", m->principal);
	const char *const argv[] = { "gcloud",
				     "config",
				     "config-helper",
				     "--min-expiry=55m",
				     "--format=json(credential)",
				     account,
				     NULL };
	CLEANUP(buf_wipe) struct buf out = BUF_INIT(HELPER_CEILING);
	CLEANUP(buf_wipe) struct buf errout = BUF_INIT(4 * KIB);
	int64_t asked_ms = world_now_ms(w);
	int code = 0;

	(void)want;
	*ret = (struct google_token){ 0 };
	if (!subprocess_run(w, argv, NULL, &out, &errout, &code, err)) {
		err_cause(err, "gcloud's files have no login of '%s' that can be read without it",
			  m->principal);
		return false;
	}
	if (code != 0)
		return helper_failed(code, &errout, err);
	return parse_helper(buf_str(&out), out.len, w, asked_ms, ret, err);
}

static void helper_free(struct google_minter *m)
{
	google_minter_clear(m);
	free(m);
}

static const struct google_minter_ops helper_ops = { .mint = helper_mint, .free = helper_free };

static struct google_minter *helper_new(const char *account, const struct google_options *options)
{
	struct helper *h = NEW(struct helper);

	h->minter = (struct google_minter){ .ops = &helper_ops, .options = options };
	h->minter.kind = "gcloud";
	h->minter.principal = mem_strdup(account);
	h->minter.origin = mem_strdup("gcloud config config-helper");
	h->minter.universe = google_universe_of(NULL);
	h->minter.renewable = true;
	return &h->minter;
}

/* Its files */

/* An account may also be a principal's whole name, which is no name of a directory. */
static char *adc_path(const struct gcloud_config *c, const char *account)
{
	if (!c->dir || strchr(account, '/') || *account == '.')
		return NULL;
	return mem_printf("%s/legacy_credentials/%s/adc.json", c->dir, account);
}

static bool of_account(const struct gcloud_config *c, const char *account,
		       const struct google_options *options, struct google_minter **ret,
		       struct err *err)
{
	CLEANUP(mem_freep) char *path = adc_path(c, account);

	if (!path || access(path, F_OK) != 0) {
		*ret = helper_new(account, options);
		return true;
	}
	if (!google_minter_from_file(path, "gcloud's login", options, ret, err))
		return false;
	if (!(*ret)->principal)
		(*ret)->principal = mem_strdup(account);
	return true;
}

/* What gcloud takes before any account (its store.Load has them in this order); *ret stays NULL where nothing is set. */
static bool of_settings(const struct gcloud_config *c, const struct google_options *options,
			struct google_minter **ret, struct err *err)
{
	const char *token = getenv("CLOUDSDK_AUTH_ACCESS_TOKEN");
	CLEANUP(mem_freep) char *token_file = NULL;
	CLEANUP(mem_freep) char *credential_file = NULL;

	if (token && *token) {
		*ret = google_static_new(secret_new(token, strlen(token)),
					 "CLOUDSDK_AUTH_ACCESS_TOKEN", options);
		return true;
	}
	if (!gcloud_property(c, "auth", "access_token_file", &token_file, err) ||
	    !gcloud_property(c, "auth", "credential_file_override", &credential_file, err))
		return false;
	if (token_file)
		*ret = google_token_file_new(token_file, "gcloud's auth/access_token_file",
					     options);
	else if (credential_file)
		return google_minter_from_file(credential_file,
					       "gcloud's auth/credential_file_override", options,
					       ret, err);
	return true;
}

static bool find(const struct gcloud_config *c, const char *account,
		 const struct google_options *options, struct google_minter **ret, struct err *err)
{
	CLEANUP(mem_freep) char *active = NULL;

	if (!account) {
		if (!of_settings(c, options, ret, err))
			return false;
		if (*ret)
			return true;
		if (!gcloud_property(c, "core", "account", &active, err))
			return false;
		account = active;
	}
	return !account || of_account(c, account, options, ret, err);
}

/* gcloud runs as somebody else when it is set so; asked by us it does that by itself. */
static bool impersonate_as_set(const struct gcloud_config *c, struct google_minter **minter,
			       struct err *err)
{
	CLEANUP(mem_freep) char *chain = NULL;

	if ((*minter)->options->impersonate || (*minter)->ops == &helper_ops)
		return true;
	if (!gcloud_property(c, "auth", "impersonate_service_account", &chain, err))
		return false;
	if (!chain || google_impersonate_chain(*minter, chain, minter, err))
		return true;
	err->code = ERR_NO_CREDENTIAL;
	return err_wrap(err, "gcloud's auth/impersonate_service_account");
}

bool google_gcloud_new(const struct google_options *options, const char *account,
		       struct google_minter **ret, struct err *err)
{
	CLEANUP(gcloud_config_clear) struct gcloud_config config = { 0 };
	CLEANUP(google_minter_freep) struct google_minter *minter = NULL;

	*ret = NULL;
	if (!gcloud_config_read(&config, err) || !find(&config, account, options, &minter, err) ||
	    (minter && !impersonate_as_set(&config, &minter, err)))
		return false;
	*ret = TAKE(minter);
	return true;
}
