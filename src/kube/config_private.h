/*
 * What the parts of kubeconfig reading share: config.c looks at files and the environment, config_parse.c chooses among
 * the entries of several files, config_entry.c reads one entry.
 */
#ifndef KUBE_CONFIG_PRIVATE_H
#define KUBE_CONFIG_PRIVATE_H

#include "kube/config.h"

/* One entry's body, {} or NULL for none, and where relative paths in it begin. */
struct kube_entry {
	const char *name;
	const struct js *body;
	const char *file;
};

struct kube_context {
	const char *cluster;
	const char *user;
	const char *namespace;
};

/* Values: NULL for what is absent or empty, which is the same to kubectl. */
char *kube_text(const char *text);
struct secret *kube_secret(const char *text);

/* A relative path begins where the file is that says it. */
char *kube_file_path(const char *path, const char *file);

/* Base64 that may be broken into lines; nothing leaves *ret as it is. ERR_USAGE. */
MUST_USE bool kube_data(const char *text, const char *field, struct secret **ret, struct err *err);

/* Text, all of it, a null being none. ERR_USAGE. */
MUST_USE bool kube_strings(const struct js *array, const char *field, struct strings *ret,
			   struct err *err);

/* js_dispatch of an entry that may be absent; KIND is for people. */
MUST_USE bool kube_dispatch(const struct kube_entry *e, const char *kind,
			    const struct js_field *fields, size_t count, void *target,
			    struct err *err);

/* Whether all fields have the type that they should, which is asked of entries that are not used as well. */
MUST_USE bool kube_cluster_shape(const struct kube_entry *e, struct err *err);
MUST_USE bool kube_user_shape(const struct kube_entry *e, struct err *err);

/* RET's name and what stands in the entry; ERR_USAGE names the entry and the field. */
MUST_USE bool kube_cluster_read(const struct kube_entry *e, struct kube_cluster *ret,
				struct err *err);
MUST_USE bool kube_user_read(const struct kube_entry *e, struct kube_user *ret, struct err *err);
MUST_USE bool kube_context_read(const struct kube_entry *e, struct kube_context *ret,
				struct err *err);

/* Whether what was read can be used together, by the rules that kubectl refuses by. Completes the server's URL. */
MUST_USE bool kube_cluster_check(struct kube_cluster *c, struct err *err);
MUST_USE bool kube_user_check(const struct kube_user *u, struct err *err);

/* What the entries name by a path. ERR_USAGE. */
MUST_USE bool kube_config_read_files(struct kube_config *c, struct err *err);

void kube_cluster_clear(struct kube_cluster *c);
void kube_user_clear(struct kube_user *u);
void kube_exec_free(struct kube_exec *x);

#endif
