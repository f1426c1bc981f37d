/*
 * A service account's token by somebody who may impersonate it (IAM Credentials, generateAccessToken). It lives as
 * long as it was asked for, however short the life of the token that bought it.
 */
#include "auth/google.h"

#include "auth/token_endpoint.h"
#include "base/mem.h"
#include "wire/digest.h"

#include <string.h>

#define ACCOUNTS "projects/-/serviceAccounts/"
#define VERB ":generateAccessToken"

struct impersonation {
	struct google_minter minter;
	struct google_minter *source;
	char *url; /* NULL: its universe's own, which a metadata server may tell only when asked */
	struct strings delegates;
	int64_t lifetime_ms; /* as the credential file says; 0: not said */
};

static int64_t lifetime_of(const struct impersonation *i, const struct google_want *want)
{
	const int64_t said[] = { want->lifetime_ms, i->minter.options->lifetime_ms,
				 i->lifetime_ms };

	for (size_t n = 0; n < ARRAY_SIZE(said); n++)
		if (said[n] > 0)
			return said[n];
	return GOOGLE_LIFETIME_DEFAULT_MS;
}

/* The caller frees. */
static char *compose(const struct impersonation *i, const struct google_want *want)
{
	CLEANUP(mem_freep)
	char *lifetime = mem_printf("%llds", (long long)lifetime_of(i, want) / 1000);
	const char *const *scopes = want->scopes ? want->scopes : google_scopes_default;
	CLEANUP(js_freep) struct js *body = js_object();
	struct js *scope = js_array(), *delegates = js_array();

	for (; *scopes; scopes++)
		js_append_string(scope, *scopes);
	for (size_t n = 0; n < i->delegates.count; n++)
		js_append_string(delegates, i->delegates.at[n]);
	js_put(body, "scope", scope);
	js_put_string(body, "lifetime", lifetime);
	js_put(body, "delegates", delegates);
	return js_text(body, JS_COMPACT);
}

static const char *name_of(const struct impersonation *i)
{
	return i->minter.principal ? i->minter.principal : i->url;
}

static void explain(const struct impersonation *i, struct err *err)
{
	const char *who = i->minter.principal ? i->minter.principal : "that service account";

	if (err->code != ERR_NO_CREDENTIAL || !err->evidence)
		return;
	if (strcasestr(err->evidence, "lifetime"))
		err_hint(err, "--token-lifetime 1h; longer needs the organisation policy "
			      "iam.allowServiceAccountCredentialLifetimeExtension");
	else if (strncmp(err->evidence, "403", 3) == 0 || strncmp(err->evidence, "404", 3) == 0)
		err_hint(err, "grant roles/iam.serviceAccountTokenCreator on %s", who);
}

/* gcloud's own way to say that the service is elsewhere. */
static char *default_url(const char *universe, const char *email)
{
	const char *named = getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS");
	size_t len = named ? strlen(named) : 0;

	while (len && named[len - 1] == '/')
		len--;
	if (len)
		return mem_printf("%.*s/v1/" ACCOUNTS "%s" VERB, (int)len, named, email);
	return mem_printf("https://iamcredentials.%s/v1/" ACCOUNTS "%s" VERB, universe, email);
}

/* What the source comes to know by being asked is true of what it is the source of. */
static void learn_from_source(struct impersonation *i)
{
	mem_replace(&i->minter.universe, i->source->universe);
	if (atomic_load(&i->source->has_grown))
		atomic_store(&i->minter.has_grown, true);
}

/* One token of the source, and what the service says to it. */
static bool ask_by_source(struct impersonation *i, const struct world *w, const char *body,
			  struct http_answer *ret, struct err *err)
{
	static const char *const platform[] = { GOOGLE_SCOPE_PLATFORM, NULL };
	const struct google_want source_want = { .scopes = platform };
	CLEANUP(google_token_clear) struct google_token own = { 0 };
	CLEANUP(secret_freep) struct secret *bearer = NULL;
	CLEANUP(mem_freep) char *url = NULL;
	struct http_call call = { .what = "token of a service account",
				  .method = "POST",
				  .headers = { { "Content-Type", "application/json" },
					       { "Accept", "application/json" } },
				  .bytes = body,
				  .size = strlen(body) };

	if (!google_mint(i->source, w, &source_want, &own, err))
		return err_wrap(err, "the token that is to impersonate '%s'", name_of(i));
	learn_from_source(i);
	url = i->url ? mem_strdup(i->url) : default_url(i->minter.universe, i->minter.principal);
	bearer = bearer_header(own.secret);
	call.url = url;
	call.authorization = bearer;
	if (google_ask(i->minter.options, w, &call, ret, err))
		return true;
	explain(i, err);
	return err_wrap(err, "impersonating '%s'", name_of(i));
}

/* The source's token may have ended on its way: that it is refused counts when a second one is, too. */
static bool impersonation_mint(struct google_minter *m, const struct world *w,
			       const struct google_want *want, struct google_token *ret,
			       struct err *err)
{
	struct impersonation *i = (struct impersonation *)m;
	CLEANUP(mem_freep) char *body = compose(i, want);
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	bool ok = ask_by_source(i, w, body, &answer, err);

	if (!ok && answer.status == 401 && i->source->renewable) {
		http_answer_clear(&answer);
		err_clear(err);
		ok = ask_by_source(i, w, body, &answer, err);
	}
	return ok && google_iam_answer(&answer, w, ret, err);
}

static void impersonation_free(struct google_minter *m)
{
	struct impersonation *i = (struct impersonation *)m;

	google_minter_free(i->source);
	free(i->url);
	strings_clear(&i->delegates);
	google_minter_clear(m);
	free(i);
}

static const struct google_minter_ops impersonation_ops = {
	.mint = impersonation_mint,
	.free = impersonation_free,
};

static char *identity_of(const struct impersonation *i)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);
	struct digest digest;

	buf_printf(&text, "%s\n%s\n%lld", i->source->identity,
		   i->url ? i->url : i->minter.principal, (long long)i->lifetime_ms);
	for (size_t n = 0; n < i->delegates.count; n++)
		buf_printf(&text, "\n%s", i->delegates.at[n]);
	digest = digest_of(buf_str(&text), text.len);
	buf_clear(&text);
	return mem_strdup(digest.text);
}

struct google_minter *google_impersonate(struct google_minter *source, const char *email,
					 const char *url, const struct strings *delegates,
					 int64_t lifetime_ms)
{
	struct impersonation *i = NEW(struct impersonation);

	i->minter = (struct google_minter){ .ops = &impersonation_ops,
					    .options = source->options,
					    .kind = "impersonated_service_account" };
	i->minter.principal = mem_strdup_or_null(email);
	i->minter.origin = mem_strdup_or_null(source->origin);
	i->minter.universe = mem_strdup(source->universe);
	i->minter.renewable = source->renewable;
	i->source = source;
	i->url = mem_strdup_or_null(url);
	i->lifetime_ms = lifetime_ms;
	for (size_t n = 0; delegates && n < delegates->count; n++) {
		const char *whole = delegates->at[n];
		CLEANUP(mem_freep)
		char *name = mem_printf("%s%s", strchr(whole, '/') ? "" : ACCOUNTS, whole);

		strings_add(&i->delegates, name);
	}
	if (source->identity)
		i->minter.identity = identity_of(i);
	return &i->minter;
}

/* "[DELEGATE,...]EMAIL" */

static bool is_account(const char *text)
{
	const char *at = strchr(text, '@');

	return at && at != text && at[1] && !strchr(at + 1, '@') &&
	       strspn(text,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@:") ==
		       strlen(text);
}

static bool split_chain(const char *chain, struct strings *ret, struct err *err)
{
	for (const char *from = chain;; from++) {
		size_t len = strcspn(from, ",");
		CLEANUP(mem_freep) char *one = mem_strndup(from, len);

		if (!is_account(one))
			return err_set(err, ERR_USAGE, "'%.200s' is no service account's address",
				       one);
		strings_add(ret, one);
		from += len;
		if (!*from)
			return true;
	}
}

bool google_impersonation_check(const char *chain, struct err *err)
{
	CLEANUP(strings_clear) struct strings list = { 0 };

	return split_chain(chain, &list, err);
}

bool google_impersonate_chain(struct google_minter *source, const char *chain,
			      struct google_minter **ret, struct err *err)
{
	CLEANUP(strings_clear) struct strings list = { 0 };
	CLEANUP(mem_freep) char *target = NULL;

	if (!split_chain(chain, &list, err))
		return false;
	target = list.at[--list.count];
	*ret = google_impersonate(source, target, NULL, &list, 0);
	return true;
}

/* impersonated_service_account */

struct impersonated_file {
	const char *url;
	const struct js *source, *delegates;
};

static const struct js_field fields[] = {
	{ "service_account_impersonation_url", JS_STRING, offsetof(struct impersonated_file, url),
	  JS_REQUIRED },
	{ "source_credentials", JS_OBJECT, offsetof(struct impersonated_file, source),
	  JS_REQUIRED },
	{ "delegates", JS_ARRAY, offsetof(struct impersonated_file, delegates), JS_OPTIONAL },
};

char *google_email_of(const char *url)
{
	const char *from = strstr(url, "/serviceAccounts/");
	const char *to = from ? strrchr(from, ':') : NULL;

	if (!from || !to)
		return NULL;
	from += strlen("/serviceAccounts/");
	return mem_strndup(from, to > from ? (size_t)(to - from) : 0);
}

static bool read_delegates(const struct js *array, struct strings *ret, struct err *err)
{
	for (size_t n = 0; n < js_count(array); n++) {
		const char *one = js_string(js_at(array, n));

		if (!one || !*one)
			return err_set(err, ERR_NO_CREDENTIAL,
				       "field 'delegates' is no list of service accounts");
		strings_add(ret, one);
	}
	return true;
}

bool google_impersonated_new(const struct js *file, const struct google_options *options,
			     struct google_minter **ret, struct err *err)
{
	CLEANUP(strings_clear) struct strings delegates = { 0 };
	CLEANUP(mem_freep) char *email = NULL;
	struct impersonated_file f = { 0 };
	struct google_minter *source;

	if (!js_dispatch(file, fields, ARRAY_SIZE(fields), ERR_NO_CREDENTIAL, &f, err) ||
	    !read_delegates(f.delegates, &delegates, err))
		return false;
	if (!*f.url)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "field 'service_account_impersonation_url' is empty");
	if (!google_minter_from_json(f.source, "source_credentials", options, &source, err))
		return false;
	email = google_email_of(f.url);
	*ret = google_impersonate(source, email, f.url, &delegates, 0);
	return true;
}
