/* A cluster of GKE by its name. */
#include "base/fake_world.h"

#include "kube/gke.h"

#define NAME "projects/p/locations/europe-west1/clusters/c"
#define CA "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="

static void names(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "", false },
		{ "c", false },
		{ "projects/p", false },
		{ "projects/p/locations/l/clusters/", false },
		{ "projects//locations/l/clusters/c", false },
		{ "projects/p/locations/l/clusters/c/", false },
		{ "projects/p/locations/l/clusters/c/nodePools/n", false },
		{ "projects/p/zones/l/clusters/c", false },
		{ "projects/p/locations/l/clusters/..%2fx", false },
		{ "projects/p/locations/l/clusters/c?alt=media", false },
		{ "/projects/p/locations/l/clusters/c", false },
		{ "projects/p q/locations/l/clusters/c", false },
		{ NAME, true },
		{ "projects/example.com:p-1/locations/us-central1-a/clusters/c-2", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		if (kube_gke_check(cases[i].name, &err) != cases[i].ok)
			fail_msg("'%s'", cases[i].name);
		if (!cases[i].ok)
			assert_err(&err, ERR_USAGE, "is not projects/PROJECT");
	}
}

#define ADDRESS(more)                                                                             \
	"{\"endpoint\":\"203.0.113.7\",\"masterAuth\":{\"clusterCaCertificate\":\"" CA "\"}" more \
	"}"
#define DNS(more)                                                                \
	",\"controlPlaneEndpointsConfig\":{\"dnsEndpointConfig\":{\"endpoint\":" \
	"\"gke-1.europe-west1.gke.goog\"" more "}}"

static const struct kube_config_wanted wanted = { .namespace = NULL };

static void answers(void **state)
{
	static const struct {
		const char *text;
		const char *server; /* NULL: refused */
		bool has_ca;
		const char *words;
	} cases[] = {
		{ "", NULL, false, "not valid JSON" },
		{ "{}", NULL, false, "has no endpoint" },
		{ "{\"endpoint\":\"evil.example/x?\"}", NULL, false, "has no endpoint" },
		{ "{\"endpoint\":\"203.0.113.7\"}", NULL, false, "no certificate of its own" },
		{ "{\"endpoint\":\"203.0.113.7\",\"masterAuth\":{\"clusterCaCertificate\":\"aGk=\"}}",
		  NULL, false, "no certificate of its own" },
		{ ADDRESS(""), "https://203.0.113.7", true, NULL },
		{ ADDRESS(DNS("")), "https://203.0.113.7", true, NULL },
		{ ADDRESS(DNS(",\"allowExternalTraffic\":false")), "https://203.0.113.7", true,
		  NULL },
		{ ADDRESS(DNS(",\"allowExternalTraffic\":true")),
		  "https://gke-1.europe-west1.gke.goog", false, NULL },
		{ "{\"endpoint\":\"2001:db8::7\",\"masterAuth\":{\"clusterCaCertificate\":\"" CA
		  "\"}}",
		  "https://[2001:db8::7]", true, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(kube_config_freep) struct kube_config *c = NULL;
		struct err err = ERR_INIT;
		bool ok = kube_gke_parse(cases[i].text, strlen(cases[i].text), NAME, &wanted, &c,
					 &err);

		assert_int_equal(ok, cases[i].server != NULL);
		if (!ok) {
			assert_err(&err, err.code, cases[i].words);
			continue;
		}
		assert_string_equal(c->cluster.server, cases[i].server);
		assert_int_equal(c->cluster.ca != NULL, cases[i].has_ca);
		assert_string_equal(c->namespace, "default");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
