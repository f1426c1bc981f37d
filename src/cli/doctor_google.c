/* Google's logins on this machine: gcloud's, ADC's, the metadata server's. */
#include "cli/doctor.h"

#include "auth/gcloud_config.h"
#include "auth/google_metadata.h"
#include "base/mem.h"
#include "cli/doctor_judge.h"
#include "http/transport_curl.h"

#include <string.h>
#include <unistd.h>

#define METADATA_MS 4000
#define METADATA_SCOPES "/computeMetadata/v1/instance/service-accounts/default/scopes"
#define METADATA_ADDRESS "169.254.169.254"
#define SET_ACCOUNT "gcloud compute instances set-service-account INSTANCE"

/* The file that ADC takes, NULL when it takes none; the caller frees. */
static char *adc_path(const char **ret_how)
{
	const char *named = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	CLEANUP(mem_freep) char *dir = NULL;
	CLEANUP(mem_freep) char *path = NULL;

	*ret_how = "named by GOOGLE_APPLICATION_CREDENTIALS";
	if (named && *named)
		return mem_strdup(named);
	*ret_how = NULL;
	dir = gcloud_config_dir();
	if (!dir)
		return NULL;
	path = mem_printf("%s/application_default_credentials.json", dir);
	return access(path, F_OK) == 0 ? TAKE(path) : NULL;
}

/* A minter that is looked at and never asked. False when the file is broken, which is said. */
static bool read_adc(struct findings *f, const struct google_options *options,
		     struct google_minter **ret)
{
	const char *how;
	CLEANUP(mem_freep) char *path = adc_path(&how);
	struct err err = ERR_INIT;
	struct finding *n;

	if (!path || google_minter_from_file(path, how, options, ret, &err))
		return true;
	n = finding_of_err(f, FINDING_WARNING, &err);
	if (!n->fix)
		finding_fix(n, "gcloud auth application-default login, or unset "
			       "GOOGLE_APPLICATION_CREDENTIALS");
	err_clear(&err);
	return false;
}

static bool read_gcloud(struct findings *f, struct gcloud_config *config, char **ret_account,
			char **ret_impersonated)
{
	struct err err = ERR_INIT;
	struct finding *n;

	if (gcloud_config_read(config, &err) &&
	    gcloud_property(config, "core", "account", ret_account, &err) &&
	    gcloud_property(config, "auth", "impersonate_service_account", ret_impersonated, &err))
		return true;
	n = finding_of_err(f, FINDING_WARNING, &err);
	if (!n->fix)
		finding_fix(n, "gcloud config configurations list");
	err_clear(&err);
	return false;
}

void doctor_gcloud(struct doctor *d, const struct world *w, struct findings *f)
{
	const struct google_options options = { 0 };
	CLEANUP(google_minter_freep) struct google_minter *adc = NULL;
	CLEANUP(gcloud_config_clear) struct gcloud_config config = { 0 };
	CLEANUP(mem_freep) char *account = NULL;
	CLEANUP(mem_freep) char *impersonated = NULL;

	(void)d;
	(void)w;
	if (!read_gcloud(f, &config, &account, &impersonated) || !read_adc(f, &options, &adc))
		return;
	doctor_judge_accounts(f, account, adc ? adc->principal : NULL, adc ? adc->origin : NULL);
	if (impersonated)
		finding_note(f, "gcloud runs as '%s' (auth/impersonate_service_account)",
			     impersonated);
}

/* The metadata server */

/* Only where a push would come to ask it. */
static bool would_be_asked(const struct doctor *d)
{
	const char *how;
	CLEANUP(mem_freep) char *path = NULL;

	if (strings_have(&d->connect.cred, "metadata"))
		return true;
	if (d->connect.cred.count ? !strings_have(&d->connect.cred, "adc")
				  : !google_is_registry(d->host))
		return false;
	path = adc_path(&how);
	return !path;
}

static const char *metadata_host(void)
{
	static const char *const variables[] = { "GCE_METADATA_HOST", "GCE_METADATA_ROOT",
						 "GCE_METADATA_IP" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *host = getenv(variables[i]);

		if (host && *host)
			return host;
	}
	return METADATA_ADDRESS;
}

static void ask_scopes(const struct google_options *options, const struct world *w,
		       struct findings *f)
{
	CLEANUP(mem_freep) char *url = mem_printf("http://%s" METADATA_SCOPES, metadata_host());
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(http_client_freep)
	struct http_client *c = http_client_new_borrowing(options->bare, options->policy);
	const struct http_call call = {
		.what = "metadata server",
		.method = "GET",
		.url = url,
		.headers = { { "Metadata-Flavor", "Google" } },
		.anonymous = true,
		.keep_redirect = true,
		.answer_ms = METADATA_MS,
	};
	struct err err = ERR_INIT;
	struct finding *n;

	if (!http_call(c, w, &call, &answer, &err)) {
		n = finding_of_err(f, FINDING_WARNING, &err);
		finding_fix(n, "curl -H Metadata-Flavor:Google http://%s/", metadata_host());
		err_clear(&err);
	} else if (answer.status == 200) {
		doctor_judge_scopes(f, answer.body);
	} else if (answer.status == 404) {
		n = finding_warning(f,
				    "the metadata server '%s' knows no service account of this "
				    "machine",
				    metadata_host());
		finding_fix(n, SET_ACCOUNT);
	} else {
		finding_note(f, "the metadata server '%s' does not tell its scopes (%d)",
			     metadata_host(), answer.status);
	}
}

void doctor_metadata(struct doctor *d, const struct world *w, struct findings *f)
{
	const struct transport_options bare = { .sched = w->sched,
						.connect_ms = METADATA_MS,
						.stall_ms = METADATA_MS,
						.no_proxy = true };
	const struct world near = doctor_within(w, 2 * METADATA_MS);
	struct retry_policy policy = RETRY_POLICY_DEFAULT;
	struct google_options options = { .policy = &policy };
	struct err err = ERR_INIT;
	bool is_here = false;

	policy.retries = 1;
	if (!would_be_asked(d)) {
		finding_ok(f, "not needed: a push from here would not ask a metadata server");
		return;
	}
	if (!transport_curl_new(&bare, &options.bare, &err) ||
	    !google_metadata_is_here(&options, &near, &is_here, &err)) {
		finding_of_err(f, FINDING_NOTE, &err);
		err_clear(&err);
	} else if (is_here) {
		ask_scopes(&options, &near, f);
	} else {
		finding_note(f, "no metadata server answers: this is no machine of Google's");
	}
	transport_free(options.bare);
}
