/* Several kubeconfigs as one: which entries there are, and which of them are meant. */
#include "kube/config_private.h"

#include "base/mem.h"
#include "kube/yaml.h"

#include <string.h>

#define ENTRIES_MAX 1000

struct document {
	const char *path;
	struct js *root; /* NULL: empty */
};

struct documents {
	struct document at[KUBE_CONFIG_FILES_MAX];
	size_t count;
};

static void documents_clear(struct documents *d)
{
	for (size_t i = 0; i < d->count; i++)
		js_free(d->at[i].root);
}

/* The three lists, and what the body of an item is called. */
struct list {
	const char *name;
	const char *body;
	bool (*shape)(const struct kube_entry *e, struct err *err);
};

static bool context_shape(const struct kube_entry *e, struct err *err)
{
	struct kube_context c = { 0 };

	return kube_context_read(e, &c, err);
}

static const struct list list_clusters = { "clusters", "cluster", kube_cluster_shape };
static const struct list list_users = { "users", "user", kube_user_shape };
static const struct list list_contexts = { "contexts", "context", context_shape };

static bool refuse(const struct document *d, struct err *err, const char *why)
{
	return err_set(err, ERR_USAGE, "kubeconfig '%s': %s", d->path, why);
}

static struct kube_entry entry_at(const struct document *d, const struct list *l, size_t index)
{
	const struct js *item = js_at(js_get(d->root, l->name), index);
	const char *name = js_string(js_get(item, "name"));

	return (struct kube_entry){
		.name = name ? name : "",
		.body = js_get(item, l->body),
		.file = d->path,
	};
}

static bool find_in(const struct document *d, const struct list *l, const char *name, size_t before,
		    struct kube_entry *ret)
{
	for (size_t i = 0; i < before; i++) {
		*ret = entry_at(d, l, i);
		if (strcmp(ret->name, name) == 0)
			return true;
	}
	return false;
}

/* The first file that has it counts. */
static bool find(const struct documents *all, const struct list *l, const char *name,
		 struct kube_entry *ret)
{
	for (size_t i = 0; i < all->count; i++)
		if (find_in(&all->at[i], l, name, js_count(js_get(all->at[i].root, l->name)), ret))
			return true;
	return false;
}

/* Checking a document */

static bool check_list(const struct document *d, const struct list *l, struct err *err)
{
	const struct js *list = js_get(d->root, l->name);

	if (list && !js_is_array(list) && !js_is_null(list))
		return err_set(err, ERR_USAGE, "kubeconfig '%s': '%s' is no list", d->path,
			       l->name);
	if (js_count(list) > ENTRIES_MAX)
		return refuse(d, err, "it has too many entries");
	for (size_t i = 0; i < js_count(list); i++) {
		struct kube_entry e = entry_at(d, l, i), other;

		if (!js_is_object(js_at(list, i)) || (js_get(js_at(list, i), "name") && !*e.name &&
						      !js_string(js_get(js_at(list, i), "name"))))
			return err_set(err, ERR_USAGE, "kubeconfig '%s': '%s' has something else",
				       d->path, l->name);
		if (find_in(d, l, e.name, i, &other))
			return err_set(err, ERR_USAGE, "kubeconfig '%s': %s '%s' stands twice",
				       d->path, l->body, e.name);
		if (!l->shape(&e, err))
			return err_wrap(err, "kubeconfig");
	}
	return true;
}

static bool is_text_or_nothing(const struct js *root, const char *key, const char *only)
{
	const struct js *said = js_get(root, key);
	const char *text = js_string(said);

	if (!said || js_is_null(said))
		return true;
	return text && (!only || !*text || strcmp(text, only) == 0);
}

static bool check_document(const struct document *d, struct err *err)
{
	if (!d->root)
		return true;
	if (!js_is_object(d->root))
		return refuse(d, err, "this is no mapping of names to values");
	if (!is_text_or_nothing(d->root, "kind", "Config") ||
	    !is_text_or_nothing(d->root, "apiVersion", "v1"))
		return refuse(d, err, "its kind is not 'Config' of 'v1'");
	if (!is_text_or_nothing(d->root, "current-context", NULL))
		return refuse(d, err, "'current-context' is no text");
	return check_list(d, &list_clusters, err) && check_list(d, &list_users, err) &&
	       check_list(d, &list_contexts, err);
}

static bool read_documents(const struct kube_config_text *files, size_t count,
			   struct documents *ret, struct err *err)
{
	if (count > KUBE_CONFIG_FILES_MAX)
		return err_set(err, ERR_USAGE, "more than %d kubeconfigs", KUBE_CONFIG_FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct document *d = &ret->at[ret->count++];

		d->path = files[i].path;
		if (!yaml_parse(files[i].text, files[i].len, KUBE_CONFIG_CEILING, ERR_USAGE,
				&d->root, err))
			return err_wrap(err, "kubeconfig '%s'", d->path);
		if (!check_document(d, err))
			return false;
	}
	return true;
}

/* Choosing */

static bool is_empty(const struct documents *all)
{
	static const char *const keys[] = { "clusters", "users", "contexts" };

	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			if (js_count(js_get(all->at[i].root, keys[k])))
				return false;
	return true;
}

static const char *current_context(const struct documents *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const char *said = js_string(js_get(all->at[i].root, "current-context"));

		if (said && *said)
			return said;
	}
	return NULL;
}

static bool find_context(const struct documents *all, const struct kube_config_wanted *wanted,
			 struct kube_entry *ret, struct err *err)
{
	const char *name = wanted->context ? wanted->context : current_context(all);

	if (!name) {
		err_set(err, ERR_USAGE, "the kubeconfig has no current-context");
		err_hint(err, "kubectl config use-context NAME, or --context NAME");
		return false;
	}
	if (find(all, &list_contexts, name, ret))
		return true;
	err_set(err, ERR_USAGE, "the kubeconfig has no context '%s'", name);
	err_hint(err, "kubectl config get-contexts");
	return false;
}

static bool find_parts(const struct documents *all, const struct kube_entry *where,
		       const struct kube_context *context, struct kube_entry *ret_cluster,
		       struct kube_entry *ret_user, struct err *err)
{
	if (!context->cluster || !*context->cluster)
		return err_set(err, ERR_USAGE, "context '%s' names no cluster", where->name);
	if (!find(all, &list_clusters, context->cluster, ret_cluster))
		return err_set(err, ERR_USAGE,
			       "context '%s' names a cluster '%s' that is not there", where->name,
			       context->cluster);
	*ret_user = (struct kube_entry){ .name = "", .file = where->file };
	if (context->user && *context->user && !find(all, &list_users, context->user, ret_user))
		return err_set(err, ERR_USAGE, "context '%s' names a user '%s' that is not there",
			       where->name, context->user);
	return true;
}

static bool fill(struct kube_config *c, const struct documents *all,
		 const struct kube_config_wanted *wanted, struct err *err)
{
	struct kube_entry where, cluster, user;
	struct kube_context context = { 0 };
	const char *said;

	if (!find_context(all, wanted, &where, err) || !kube_context_read(&where, &context, err) ||
	    !find_parts(all, &where, &context, &cluster, &user, err))
		return false;
	said = wanted->namespace ? wanted->namespace : context.namespace;
	c->context = mem_strdup(where.name);
	c->namespace = mem_strdup(said && *said ? said : "default");
	c->origin = mem_printf("context '%s' of '%s'", where.name, where.file);
	return kube_cluster_read(&cluster, &c->cluster, err) &&
	       kube_user_read(&user, &c->user, err) && kube_user_check(&c->user, err) &&
	       kube_cluster_check(&c->cluster, err);
}

bool kube_config_parse(const struct kube_config_text *files, size_t count,
		       const struct kube_config_wanted *wanted, struct kube_config **ret,
		       struct err *err)
{
	CLEANUP(documents_clear) struct documents all = { 0 };
	CLEANUP(kube_config_freep) struct kube_config *c = NULL;

	*ret = NULL;
	if (!read_documents(files, count, &all, err))
		return false;
	if (is_empty(&all))
		return true;
	c = NEW(struct kube_config);
	if (!fill(c, &all, wanted, err))
		return err_wrap(err, "kubeconfig");
	*ret = TAKE(c);
	return true;
}
