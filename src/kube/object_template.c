/*
 * Pod templates. Two are the same when a controller would call them so (FindNewReplicaSet: equal but for the label
 * pod-template-hash), which here is a number over their JSON that does not depend on the order of keys.
 */
#include "kube/object_private.h"

#include "base/mem.h"

#include <string.h>

/* FNV-1a, 64 bit */
static uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		seed = (seed ^ at[i]) * 0x100000001b3u;
	return seed;
}

static uint64_t hash_word(char type, const void *bytes, size_t len)
{
	return hash_bytes(hash_bytes(0xcbf29ce484222325u, &type, 1), bytes, len);
}

static uint64_t hash_value(const struct js *j);

/* $patch stands in controller revisions; the hash label is the controller's own. */
static bool is_no_part(const char *key)
{
	return strcmp(key, "pod-template-hash") == 0 || strcmp(key, "$patch") == 0;
}

static bool add_member(void *arg, const char *key, const struct js *value)
{
	uint64_t *sum = arg, hash = is_no_part(key) ? 0 : hash_value(value);

	if (hash)
		*sum += hash_bytes(hash_word('k', key, strlen(key)), &hash, sizeof(hash));
	return true;
}

static uint64_t hash_object(const struct js *j)
{
	uint64_t sum = 0;

	js_each(j, add_member, &sum);
	return sum;
}

static uint64_t hash_array(const struct js *j)
{
	size_t count = js_count(j);
	uint64_t hash = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t entry = hash_value(js_at(j, i));

		hash = hash_bytes(hash_word('a', &hash, sizeof(hash)), &entry, sizeof(entry));
	}
	return hash;
}

/* 0 for what could as well be left out: null, false, an empty object or list. */
static uint64_t hash_value(const struct js *j)
{
	const char *text = js_string(j);
	int64_t integer;
	double number;

	if (text)
		return hash_word('s', text, strlen(text));
	if (js_integer(j, &integer))
		return hash_word('i', &integer, sizeof(integer));
	if (js_number(j, &number))
		return hash_word('n', &number, sizeof(number));
	if (js_is_object(j))
		return hash_object(j);
	return js_is_array(j) ? hash_array(j) : js_true(j);
}

/* The fields that count */

struct template_fields {
	const struct js *spec;
};

static const struct js_field template_fields[] = {
	{ "spec", JS_OBJECT, offsetof(struct template_fields, spec), JS_REQUIRED },
};

struct spec_fields {
	const struct js *containers;
	const struct js *init_containers;
	const struct js *pull_secrets;
	const char *service_account;
	const struct js *node_selector;
	const struct js *affinity;
	const struct js *tolerations;
};

static const struct js_field spec_fields[] = {
	{ "containers", JS_ARRAY, offsetof(struct spec_fields, containers), JS_REQUIRED },
	{ "initContainers", JS_ARRAY, offsetof(struct spec_fields, init_containers), JS_OPTIONAL },
	{ "imagePullSecrets", JS_ARRAY, offsetof(struct spec_fields, pull_secrets), JS_OPTIONAL },
	{ "serviceAccountName", JS_STRING, offsetof(struct spec_fields, service_account),
	  JS_OPTIONAL },
	{ "nodeSelector", JS_OBJECT, offsetof(struct spec_fields, node_selector), JS_OPTIONAL },
	{ "affinity", JS_OBJECT, offsetof(struct spec_fields, affinity), JS_OPTIONAL },
	{ "tolerations", JS_ARRAY, offsetof(struct spec_fields, tolerations), JS_OPTIONAL },
};

static const struct js_field container_fields[] = {
	{ "name", JS_STRING, offsetof(struct template_container, name), JS_REQUIRED },
	{ "image", JS_STRING, offsetof(struct template_container, image), JS_OPTIONAL },
};

static bool read_container(const struct js *j, void *entry, struct err *err)
{
	return js_dispatch(j, container_fields, ARRAY_SIZE(container_fields), ERR_UNEXPECTED, entry,
			   err);
}

static bool add_containers(const struct js *list, const char *name, bool is_init,
			   struct pod_template *t, struct err *err)
{
	void *at = NULL;
	size_t count = 0;
	struct template_container *grown;

	if (!object_list(list, name, sizeof(*grown), read_container, &at, &count, err)) {
		free(at);
		return false;
	}
	grown = mem_realloc(t->containers, t->container_count + count + 1, sizeof(*grown));
	for (size_t i = 0; i < count; i++) {
		grown[t->container_count + i] = ((struct template_container *)at)[i];
		grown[t->container_count + i].is_init = is_init;
	}
	t->containers = grown;
	t->container_count += count;
	free(at);
	return true;
}

static const struct js *required_terms(const struct js *affinity)
{
	const struct js *node = js_get(affinity, "nodeAffinity");
	const struct js *required = js_get(node, "requiredDuringSchedulingIgnoredDuringExecution");
	const struct js *terms = js_get(required, "nodeSelectorTerms");

	return js_is_array(terms) ? terms : NULL;
}

bool object_template_read(const struct js *template, struct pod_template *ret, struct err *err)
{
	struct template_fields t = { 0 };
	struct spec_fields f = { 0 };

	if (!js_dispatch(template, template_fields, ARRAY_SIZE(template_fields), ERR_UNEXPECTED, &t,
			 err))
		return err_wrap(err, "template");
	if (!object_part(t.spec, "spec", spec_fields, ARRAY_SIZE(spec_fields), &f, err) ||
	    !add_containers(f.init_containers, "initContainers", true, ret, err) ||
	    !add_containers(f.containers, "containers", false, ret, err))
		return err_wrap(err, "template");
	ret->pull_secrets = f.pull_secrets;
	ret->service_account = f.service_account;
	ret->node_selector = f.node_selector;
	ret->node_terms = required_terms(f.affinity);
	ret->tolerations = f.tolerations;
	ret->sameness = hash_value(template);
	if (ret->sameness == 0)
		ret->sameness = 1;
	return true;
}

void object_template_clear(struct pod_template *t)
{
	free(t->containers);
	t->containers = NULL;
	t->container_count = 0;
}

const struct template_container *template_container(const struct pod_template *t, const char *name)
{
	for (size_t i = 0; i < t->container_count; i++)
		if (strcmp(t->containers[i].name, name) == 0)
			return &t->containers[i];
	return NULL;
}
