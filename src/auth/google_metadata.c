/*
 * The metadata server of GCE, GKE, Cloud Run and Cloud Build: tokens of the service account that the machine or pod
 * runs as. It is asked over plain http at an address of its own, so it must say in each answer that it is Google's,
 * and no proxy ever sees it. It copes badly with many questions at once: they go one after another. It keeps its tokens:
 * asked again it gives the same one, until that is nearly over.
 */
#include "auth/google_metadata.h"

#include "base/mem.h"
#include "base/stream.h"
#include "http/url.h"

#include <string.h>

#define ADDRESS "169.254.169.254"
#define ACCOUNT "/computeMetadata/v1/instance/service-accounts/default"
#define UNIVERSE "/computeMetadata/v1/universe/universe-domain"

/* Slower answers than clients of 2 s take have been seen on busy nodes. */
#define ANSWER_MS 10000

/* The server of a pod is not there for its first seconds. */
#define PATIENCE_MS 30000

#define TURN_MS 20

struct metadata {
	struct google_minter minter;
	char *host;
	char *base; /* "http://169.254.169.254" */
	struct retry_policy policy;
	struct http_client *client;
	atomic_bool busy; /* whoever set it asks, the others wait */
	bool universe_known;
};

/* Where it is: for people's own servers, then an old name of the same variable, then what clients probe */
static const char *const host_variables[] = { "GCE_METADATA_HOST", "GCE_METADATA_ROOT",
					      "GCE_METADATA_IP" };
#define VARIABLES_THAT_SAY_IT_IS_HERE 2

static const char *named_host(size_t variables, const char **ret_variable)
{
	for (size_t i = 0; i < variables; i++) {
		const char *host = getenv(host_variables[i]);

		if (host && *host) {
			*ret_variable = host_variables[i];
			return host;
		}
	}
	return NULL;
}

/* Asking */

static struct retry_policy patient_policy(const struct google_options *options)
{
	struct retry_policy p = *options->policy;

	p.retries = -1;
	if (p.stranger_ms < PATIENCE_MS)
		p.stranger_ms = PATIENCE_MS;
	if (p.fault_ms < PATIENCE_MS)
		p.fault_ms = PATIENCE_MS;
	return p;
}

static struct http_call metadata_call(const char *what, const char *url)
{
	return (struct http_call){
		.what = what,
		.method = "GET",
		.url = url,
		.headers = { { "Metadata-Flavor", "Google" } },
		.anonymous = true,
		.keep_redirect = true,
		.wanted_header = "Metadata-Flavor",
		.answer_ms = ANSWER_MS,
	};
}

static bool is_from_google(const struct http_answer *a)
{
	return a->wanted_header && strcmp(a->wanted_header, "Google") == 0;
}

static bool check_environment(const struct metadata *m, struct err *err)
{
	const char *mode = getenv("GCE_METADATA_MTLS_MODE");
	CLEANUP(mem_freep) char *authority = url_authority(m->base);

	if (mode && strcasecmp(mode, "strict") == 0) {
		err_set(err, ERR_NO_CREDENTIAL,
			"the metadata server is to be asked by mTLS, which is not supported");
		err_hint(err, "unset GCE_METADATA_MTLS_MODE");
		return false;
	}
	if (!authority || m->host[strspn(m->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
						  "WXYZ0123456789.-_:[]")])
		return err_set(err, ERR_NO_CREDENTIAL, "'%.200s' is no host with a metadata server",
			       m->host);
	return true;
}

static bool refused(const struct metadata *m, const struct http_call *call,
		    const struct http_answer *a, struct err *err)
{
	CLEANUP(mem_freep) char *words = http_answer_words(a);

	switch (a->status) {
	case 404:
		err_set(err, ERR_NO_CREDENTIAL,
			"there is no service account here, or it may have no such token");
		err_cause(err, "the metadata server '%s' knows none", m->host);
		break;
	case 403:
		err_set(err, ERR_NO_CREDENTIAL, "the metadata server '%s' hides its tokens",
			m->host);
		break;
	default:
		http_answer_err(call, a, err);
		err->code = ERR_NO_CREDENTIAL;
	}
	err_evidence(err, "%s", words);
	return false;
}

/* A 200 of another server than Google's is worth nothing: a router's, a captive portal's. */
static bool check_flavor(const struct metadata *m, const struct http_answer *a, struct err *err)
{
	if (is_from_google(a))
		return true;
	err_set(err, ERR_NO_CREDENTIAL, "what answers at '%s' is no metadata server of Google's",
		m->host);
	err_cause(err, "its answer has no 'Metadata-Flavor: Google'");
	return false;
}

static bool ask(struct metadata *m, const struct world *w, const struct http_call *call,
		struct http_answer *ret, struct err *err)
{
	if (http_call(m->client, w, call, ret, err))
		return true;
	if (err->code == ERR_NO_REGISTRY || err->code == ERR_REFUSED || err->code == ERR_DENIED)
		err->code = ERR_NO_CREDENTIAL;
	return err_wrap(err, "the metadata server '%s'", m->host);
}

/* One word of text: a domain, an e-mail address. NULL for anything else. */
static char *word_of(const struct http_answer *a)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"@._-+:";
	const char *text = a->body + strspn(a->body, " \t\r\n");
	size_t len = strspn(text, allowed);

	if (!len || len > 320 || text[len + strspn(text + len, " \t\r\n")])
		return NULL;
	return mem_strndup(text, len);
}

/* Older servers do not know the question: there is one universe for them. */
static bool learn_universe(struct metadata *m, const struct world *w, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer a = { 0 };
	CLEANUP(mem_freep) char *url = mem_printf("%s" UNIVERSE, m->base);
	CLEANUP(mem_freep) char *universe = NULL;
	struct http_call call = metadata_call("universe", url);

	if (m->universe_known)
		return true;
	if (!ask(m, w, &call, &a, err))
		return false;
	if (a.status == 200 && !check_flavor(m, &a, err))
		return false;
	universe = a.status == 200 ? word_of(&a) : NULL;
	if (universe)
		mem_replace(&m->minter.universe, universe);
	m->universe_known = true;
	return true;
}

/* Nice to know: one attempt, and whatever comes of it the token stands. */
static void learn_email(struct metadata *m, const struct world *w)
{
	CLEANUP(http_answer_clear) struct http_answer a = { 0 };
	CLEANUP(mem_freep) char *url = mem_printf("%s" ACCOUNT "/email", m->base);
	struct http_call call = metadata_call("service account", url);
	struct http_history history = { 0 };
	struct err ignored = ERR_INIT;

	if (m->minter.principal)
		return;
	if (http_attempt(m->client, w, &call, &history, &a, &ignored) == HTTP_ANSWERED &&
	    a.status == 200 && is_from_google(&a))
		m->minter.principal = word_of(&a);
	err_clear(&ignored);
}

static char *token_url(const struct metadata *m, const struct google_want *want)
{
	struct buf scopes = BUF_INIT(64 * KIB);
	CLEANUP(mem_freep) char *joined = NULL;
	CLEANUP(mem_freep) char *encoded = NULL;

	for (const char *const *s = want->scopes ? want->scopes : google_scopes_default; *s; s++)
		buf_printf(&scopes, "%s%s", scopes.len ? "," : "", *s);
	joined = buf_take(&scopes);
	encoded = url_encode(joined);
	return mem_printf("%s" ACCOUNT "/token%s%s", m->base, *encoded ? "?scopes=" : "", encoded);
}

static bool ask_token(struct metadata *m, const struct world *w, const struct google_want *want,
		      struct google_token *ret, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer a = { 0 };
	CLEANUP(mem_freep) char *url = token_url(m, want);
	struct http_call call = metadata_call("token", url);

	if (!ask(m, w, &call, &a, err))
		return false;
	if (a.status != 200)
		return refused(m, &call, &a, err);
	if (!check_flavor(m, &a, err))
		return false;
	if (!google_oauth_answer(&a, ret, err))
		return err_wrap(err, "the metadata server '%s'", m->host);
	if (!ret->expiry_known || ret->life.expires_ms <= ret->life.minted_ms)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "the metadata server '%s' gave a token without a life", m->host);
	return true;
}

static bool take_turn(struct metadata *m, const struct world *w, struct err *err)
{
	while (atomic_exchange(&m->busy, true))
		if (!world_sleep(w, TURN_MS, err))
			return false;
	return true;
}

static bool metadata_mint(struct google_minter *minter, const struct world *w,
			  const struct google_want *want, struct google_token *ret, struct err *err)
{
	struct metadata *m = (struct metadata *)minter;
	bool ok;

	*ret = (struct google_token){ 0 };
	if (!check_environment(m, err) || !take_turn(m, w, err))
		return false;
	ok = learn_universe(m, w, err) && ask_token(m, w, want, ret, err);
	if (ok)
		learn_email(m, w);
	else
		google_token_clear(ret);
	atomic_store(&m->busy, false);
	return ok;
}

static void metadata_free(struct google_minter *minter)
{
	struct metadata *m = (struct metadata *)minter;

	http_client_free(m->client);
	free(m->host);
	free(m->base);
	google_minter_clear(minter);
	free(m);
}

static const struct google_minter_ops metadata_ops = { .mint = metadata_mint,
						       .free = metadata_free };

struct google_minter *google_metadata_new(const struct google_options *options)
{
	struct metadata *m = NEW(struct metadata);
	const char *universe = getenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN"), *variable = NULL;
	const char *host = named_host(ARRAY_SIZE(host_variables), &variable);

	m->host = mem_strdup(host ? host : ADDRESS);
	m->base = mem_printf("http://%s", m->host);
	m->policy = patient_policy(options);
	m->client = http_client_new_borrowing(options->bare, &m->policy);
	m->universe_known = universe && *universe;
	m->minter = (struct google_minter){
		.ops = &metadata_ops,
		.options = options,
		.kind = "metadata server",
		.origin = variable ? mem_printf("metadata server '%s', named by %s", m->host,
						variable)
				   : mem_printf("metadata server '%s'", m->host),
		.universe = google_universe_of(NULL),
		.renewable = true,
		.repeats = true,
	};
	return &m->minter;
}

/* Whether there is one */

#define PROBE_ANSWER_MS 1000
#define PROBE_RETRIES 2

static bool is_googles_machine(const char *dmi_path)
{
	struct buf name = BUF_INIT(4 * KIB);
	struct err ignored = ERR_INIT;
	bool is = file_read_all(dmi_path, &name, &ignored) &&
		  strncmp(buf_str(&name), "Google", strlen("Google")) == 0;

	err_clear(&ignored);
	buf_clear(&name);
	return is;
}

/* Elsewhere nobody listens at that address, and often nobody says so either. */
static void probe_policy(const struct google_options *options, bool is_googles,
			 struct retry_policy *ret)
{
	*ret = patient_policy(options);
	ret->patience_ms = PROBE_ANSWER_MS;
	if (!is_googles)
		ret->retries = PROBE_RETRIES;
}

static bool probe(const struct google_options *options, const struct world *w, bool is_googles)
{
	const char *variable = NULL, *host = named_host(ARRAY_SIZE(host_variables), &variable);
	CLEANUP(mem_freep) char *url = mem_printf("http://%s/", host ? host : ADDRESS);
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	struct http_call call = metadata_call("metadata server", url);
	struct http_history history = { 0 };
	struct err ignored = ERR_INIT;
	struct retry_policy policy;
	enum http_outcome outcome;
	bool here;

	probe_policy(options, is_googles, &policy);
	c = http_client_new_borrowing(options->bare, &policy);
	call.answer_ms = is_googles ? ANSWER_MS : PROBE_ANSWER_MS;
	do {
		CLEANUP(http_answer_clear) struct http_answer a = { 0 };

		outcome = http_attempt(c, w, &call, &history, &a, &ignored);
		here = is_from_google(&a);
	} while (outcome == HTTP_AGAIN && !here);
	err_clear(&ignored);
	return here;
}

static bool says_no(const char *variable)
{
	const char *value = getenv(variable);

	return value && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

bool google_metadata_is_here_by(const struct google_options *options, const struct world *w,
				const char *dmi_path, bool *ret, struct err *err)
{
	struct world near = *w;
	const char *variable;
	bool is_googles;

	*ret = false;
	if (says_no("NO_GCE_CHECK"))
		return true;
	*ret = named_host(VARIABLES_THAT_SAY_IT_IS_HERE, &variable) != NULL;
	if (*ret)
		return true;
	is_googles = is_googles_machine(dmi_path);
	near.deadline_ms = clock_after(world_now_ms(w), PATIENCE_MS + ANSWER_MS);
	if (near.deadline_ms > w->deadline_ms)
		near.deadline_ms = w->deadline_ms;
	*ret = probe(options, &near, is_googles);
	return *ret || world_check(w, err);
}

bool google_metadata_is_here(const struct google_options *options, const struct world *w, bool *ret,
			     struct err *err)
{
	return google_metadata_is_here_by(options, w, GOOGLE_DMI_PATH, ret, err);
}
