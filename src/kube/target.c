#include "kube/target.h"

#include "base/mem.h"
#include "kube/client.h"

#include <string.h>
#include <strings.h>

/* RFC 1123 as the API server has it: a subdomain for objects, a label for containers */
#define NAME_MAX_LEN 253
#define CONTAINER_MAX_LEN 63
#define SHOWN 100

static const struct {
	const char *plural;
	const char *letters; /* the short name */
	const char *group;
} kinds[] = {
	[WORKLOAD_DEPLOYMENT] = { "deployments", "deploy", "apps" },
	[WORKLOAD_STATEFULSET] = { "statefulsets", "sts", "apps" },
	[WORKLOAD_DAEMONSET] = { "daemonsets", "ds", "apps" },
	[WORKLOAD_CRONJOB] = { "cronjobs", "cj", "batch" },
};

static bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* Behind the kind's word: nothing, ".GROUP" or ".v1.GROUP". */
static bool is_group(const char *text, size_t len, const char *group)
{
	if (len == 0)
		return true;
	if (len > 4 && strncasecmp(text, ".v1.", 4) == 0)
		return is_word(text + 4, len - 4, group);
	return *text == '.' && is_word(text + 1, len - 1, group);
}

static bool is_kind(const char *text, size_t len, enum workload_kind kind)
{
	const char *dot = memchr(text, '.', len);
	size_t word = dot ? (size_t)(dot - text) : len;

	return (is_word(text, word, workload_kind_name(kind)) ||
		is_word(text, word, kinds[kind].plural) ||
		is_word(text, word, kinds[kind].letters)) &&
	       is_group(text + word, len - word, kinds[kind].group);
}

static bool is_inner(char c, bool with_dots)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       (with_dots && c == '.');
}

static bool is_name(const char *text, size_t len, size_t most, bool with_dots)
{
	if (len == 0 || len > most || text[0] == '-' || text[0] == '.' || text[len - 1] == '-' ||
	    text[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_inner(text[i], with_dots))
			return false;
	return true;
}

static bool not_a_target(const char *text, struct err *err)
{
	err_set(err, ERR_USAGE, "'%.*s' is not KIND/NAME", SHOWN, text);
	err_hint(err, "deployment/NAME, statefulset/NAME, daemonset/NAME or cronjob/NAME");
	return false;
}

bool target_parse_kind(const char *text, size_t len, enum workload_kind *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (is_kind(text, len, (enum workload_kind)i)) {
			*ret = (enum workload_kind)i;
			return true;
		}
	}
	err_set(err, ERR_USAGE, "'%.*s' is no kind that images are deployed to",
		(int)(len < SHOWN ? len : SHOWN), text);
	err_hint(err, "deployment, statefulset, daemonset or cronjob");
	return false;
}

bool target_parse(const char *text, struct target *ret, struct err *err)
{
	const char *slash = strchr(text, '/');

	*ret = (struct target){ 0 };
	if (!slash || slash == text || !slash[1])
		return not_a_target(text, err);
	if (!target_parse_kind(text, (size_t)(slash - text), &ret->kind, err))
		return false;
	if (!is_name(slash + 1, strlen(slash + 1), NAME_MAX_LEN, true))
		return err_set(err, ERR_USAGE, "'%.*s' is not the name of a %s", SHOWN, slash + 1,
			       workload_kind_name(ret->kind));
	ret->name = mem_strdup(slash + 1);
	return true;
}

void target_clear(struct target *t)
{
	free(t->name);
	*t = (struct target){ 0 };
}

char *target_path(const struct target *t, const char *namespace)
{
	CLEANUP(mem_freep) char *version = mem_printf("%s/v1", kinds[t->kind].group);

	return kube_path(version, namespace, kinds[t->kind].plural, t->name);
}

bool assignment_parse(const char *text, struct assignment *ret, struct err *err)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;

	*ret = (struct assignment){ 0 };
	if (!equals || !len || !equals[1]) {
		err_set(err, ERR_USAGE, "'%.*s' is not CONTAINER=REF", SHOWN, text);
		err_hint(err, "app=registry.example/team/app:1.4, or '*'=REF for all containers");
		return false;
	}
	if (!(len == 1 && *text == '*') && !is_name(text, len, CONTAINER_MAX_LEN, false))
		return err_set(err, ERR_USAGE, "'%.*s' is not the name of a container",
			       (int)(len < SHOWN ? len : SHOWN), text);
	ret->container = mem_strndup(text, len);
	ret->image = mem_strdup(equals + 1);
	return true;
}

void assignment_clear(struct assignment *a)
{
	free(a->container);
	free(a->image);
	*a = (struct assignment){ 0 };
}

bool assignment_is_all(const struct assignment *a)
{
	return a->container && strcmp(a->container, "*") == 0;
}
