/*
 * A content descriptor (OCI image 1.1, descriptor.md): type, digest and size of something in a
 * registry or layout. And the platform that an index may say of it.
 */
#ifndef IMAGE_DESCRIPTOR_H
#define IMAGE_DESCRIPTOR_H

#include "wire/digest.h"
#include "wire/js.h"

#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"

struct platform {
	char *os;
	char *architecture;
	char *variant; /* NULL when there is none */
};

struct descriptor {
	char *media_type;
	struct digest digest;
	int64_t size_bytes;
	bool has_urls;		  /* may live elsewhere */
	char *ref_name;		  /* annotation org.opencontainers.image.ref.name, or NULL */
	char *image_name;	  /* annotation io.containerd.image.name, or NULL */
	struct platform platform; /* all NULL when not said */
};

/* Fails with CODE. RET must be cleared by the caller also after a failure. */
MUST_USE bool descriptor_parse(const struct js *j, enum err_code code, struct descriptor *ret,
			       struct err *err);
void descriptor_copy(struct descriptor *to, const struct descriptor *from);
void descriptor_clear(struct descriptor *d);

/* What the media type says of a layer. */
enum layer_form {
	LAYER_FORM_OTHER, /* no tar, or one that need not be in a registry */
	LAYER_FORM_PLAIN,
	LAYER_FORM_GZIP,
	LAYER_FORM_ZSTD,
};

enum layer_form descriptor_layer_form(const struct descriptor *d);

/* A layer that a registry need not hold: one of the non-distributable or foreign media types. */
bool descriptor_is_nondistributable(const struct descriptor *d);

/* "os/architecture[/variant]"; ERR_USAGE. */
MUST_USE bool platform_parse(const char *text, struct platform *ret, struct err *err);
void platform_clear(struct platform *p);

/* FROM is empty afterwards. */
void platform_move(struct platform *to, struct platform *from);

/* Whether what is OFFERED serves who WANTED it: a variant left out in WANTED takes any. */
bool platform_serves(const struct platform *offered, const struct platform *wanted);

/* "linux/arm64/v8" or "unknown"; the caller frees. */
char *platform_text(const struct platform *p);

#endif
