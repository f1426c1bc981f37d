#include "image/descriptor.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6838 §4.2 allows 127 for each half. */
#define MEDIA_TYPE_LEN_MAX 255

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"
#define ANNOTATION_IMAGE_NAME "io.containerd.image.name"

struct fields {
	const char *media_type;
	const char *digest;
	int64_t size;
	const struct js *urls;
	const struct js *annotations;
	const struct js *platform;
};

static const struct js_field descriptor_fields[] = {
	{ "mediaType", JS_STRING, offsetof(struct fields, media_type), JS_REQUIRED },
	{ "digest", JS_STRING, offsetof(struct fields, digest), JS_REQUIRED },
	{ "size", JS_INTEGER, offsetof(struct fields, size), JS_REQUIRED },
	{ "urls", JS_ARRAY, offsetof(struct fields, urls), JS_OPTIONAL },
	{ "annotations", JS_OBJECT, offsetof(struct fields, annotations), JS_OPTIONAL },
	{ "platform", JS_OBJECT, offsetof(struct fields, platform), JS_OPTIONAL },
};

/* Both structs hold the same strings: first borrowed from the document, then copied. */
static const struct js_field annotation_fields[] = {
	{ ANNOTATION_REF_NAME, JS_STRING, offsetof(struct descriptor, ref_name), JS_OPTIONAL },
	{ ANNOTATION_IMAGE_NAME, JS_STRING, offsetof(struct descriptor, image_name), JS_OPTIONAL },
};

static const struct js_field platform_fields[] = {
	{ "os", JS_STRING, offsetof(struct platform, os), JS_OPTIONAL },
	{ "architecture", JS_STRING, offsetof(struct platform, architecture), JS_OPTIONAL },
	{ "variant", JS_STRING, offsetof(struct platform, variant), JS_OPTIONAL },
};

static void platform_copy(struct platform *to, const struct platform *from)
{
	to->os = mem_strdup_or_null(from->os);
	to->architecture = mem_strdup_or_null(from->architecture);
	to->variant = mem_strdup_or_null(from->variant);
}

void platform_move(struct platform *to, struct platform *from)
{
	platform_clear(to);
	*to = *from;
	*from = (struct platform){ .os = NULL };
}

void platform_clear(struct platform *p)
{
	free(p->os);
	free(p->architecture);
	free(p->variant);
	*p = (struct platform){ .os = NULL };
}

/* It becomes the value of a Content-Type header: no control characters. */
static bool media_type_is_clean(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return len > 0 && len <= MEDIA_TYPE_LEN_MAX;
}

static bool take_annotations(const struct js *j, enum err_code code, struct descriptor *ret,
			     struct err *err)
{
	struct descriptor borrowed = { .media_type = NULL };

	if (j &&
	    !js_dispatch(j, annotation_fields, ARRAY_SIZE(annotation_fields), code, &borrowed, err))
		return err_wrap(err, "annotations");
	ret->ref_name = mem_strdup_or_null(borrowed.ref_name);
	ret->image_name = mem_strdup_or_null(borrowed.image_name);
	return true;
}

static bool take_platform(const struct js *j, enum err_code code, struct platform *ret,
			  struct err *err)
{
	struct platform borrowed = { .os = NULL };

	if (j &&
	    !js_dispatch(j, platform_fields, ARRAY_SIZE(platform_fields), code, &borrowed, err))
		return err_wrap(err, "platform");
	platform_copy(ret, &borrowed);
	if (ret->variant && *ret->variant == '\0')
		mem_replace(&ret->variant, NULL);
	return true;
}

bool descriptor_parse(const struct js *j, enum err_code code, struct descriptor *ret,
		      struct err *err)
{
	struct fields f = { .media_type = NULL };

	*ret = (struct descriptor){ .media_type = NULL };
	if (!js_dispatch(j, descriptor_fields, ARRAY_SIZE(descriptor_fields), code, &f, err))
		return false;
	if (!media_type_is_clean(f.media_type))
		return err_set(err, code, "mediaType is empty, too long or not plain text");
	if (!digest_parse(f.digest, code, &ret->digest, err))
		return false;
	if (f.size < 0)
		return err_set(err, code, "size of %s is negative", ret->digest.text);
	ret->media_type = mem_strdup(f.media_type);
	ret->size_bytes = f.size;
	ret->has_urls = js_count(f.urls) > 0;
	return take_annotations(f.annotations, code, ret, err) &&
	       take_platform(f.platform, code, &ret->platform, err);
}

void descriptor_copy(struct descriptor *to, const struct descriptor *from)
{
	*to = *from;
	to->media_type = mem_strdup_or_null(from->media_type);
	to->ref_name = mem_strdup_or_null(from->ref_name);
	to->image_name = mem_strdup_or_null(from->image_name);
	platform_copy(&to->platform, &from->platform);
}

void descriptor_clear(struct descriptor *d)
{
	free(d->media_type);
	free(d->ref_name);
	free(d->image_name);
	platform_clear(&d->platform);
	*d = (struct descriptor){ .media_type = NULL };
}

/* "tar.gzip" is Docker's way, "tar+gzip" OCI's; "tar.zstd" is containerd's (images/mediatypes.go). */
static const struct {
	const char *media_type;
	enum layer_form form;
} layer_forms[] = {
	{ "application/vnd.docker.image.rootfs.diff.tar", LAYER_FORM_PLAIN },
	{ "application/vnd.docker.image.rootfs.diff.tar.gzip", LAYER_FORM_GZIP },
	{ "application/vnd.docker.image.rootfs.diff.tar.zstd", LAYER_FORM_ZSTD },
	{ "application/vnd.oci.image.layer.v1.tar", LAYER_FORM_PLAIN },
	{ "application/vnd.oci.image.layer.v1.tar+gzip", LAYER_FORM_GZIP },
	{ "application/vnd.oci.image.layer.v1.tar+zstd", LAYER_FORM_ZSTD },
};

enum layer_form descriptor_layer_form(const struct descriptor *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer_forms); i++)
		if (strcmp(d->media_type, layer_forms[i].media_type) == 0)
			return layer_forms[i].form;
	return LAYER_FORM_OTHER;
}

bool descriptor_is_nondistributable(const struct descriptor *d)
{
	static const char *const prefixes[] = {
		"application/vnd.docker.image.rootfs.foreign.diff.tar",
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(d->media_type, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* What people write, and what Go's GOARCH calls it (containerd platforms/database.go). */
static const struct alias {
	const char *written;
	const char *architecture;
	const char *variant;
} aliases[] = {
	{ "x86_64", "amd64", NULL }, { "x86-64", "amd64", NULL },  { "i386", "386", NULL },
	{ "i686", "386", NULL },     { "aarch64", "arm64", NULL }, { "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" },
};

static void resolve_alias(struct platform *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (strcmp(p->architecture, aliases[i].written) != 0)
			continue;
		mem_replace(&p->architecture, aliases[i].architecture);
		if (!p->variant)
			p->variant = mem_strdup_or_null(aliases[i].variant);
		return;
	}
}

static char *take_word(const char **rest)
{
	size_t len = strcspn(*rest, "/");
	char *word = mem_strndup(*rest, len);

	for (char *s = word; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	*rest += len;
	if (**rest == '/')
		(*rest)++;
	return word;
}

bool platform_parse(const char *text, struct platform *ret, struct err *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
	const char *slash = strchr(text, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
	const char *rest = text;
	bool empty_word = strstr(text, "//") || *text == '/' || *text == '\0' ||
			  text[strlen(text) - 1] == '/';

	*ret = (struct platform){ .os = NULL };
	if (!slash || (second && strchr(second + 1, '/')) || empty_word ||
	    text[strspn(text, letters)] != '\0' || strlen(text) > MEDIA_TYPE_LEN_MAX) {
		err_set(err, ERR_USAGE, "'%.80s' is not a platform", text);
		err_hint(err, "write os/architecture[/variant], as in linux/amd64 or linux/arm/v7");
		return false;
	}
	ret->os = take_word(&rest);
	ret->architecture = take_word(&rest);
	if (*rest)
		ret->variant = take_word(&rest);
	resolve_alias(ret);
	return true;
}

/* An architecture's first variant may be written or left out (containerd platforms/database.go). */
static const char *variant_of(const struct platform *p)
{
	if (p->variant)
		return p->variant;
	if (strcmp(p->architecture, "arm64") == 0)
		return "v8";
	if (strcmp(p->architecture, "arm") == 0)
		return "v7";
	return strcmp(p->architecture, "amd64") == 0 ? "v1" : "";
}

bool platform_serves(const struct platform *offered, const struct platform *wanted)
{
	if (!offered->os || !offered->architecture || !wanted->os || !wanted->architecture)
		return false;
	return strcmp(offered->os, wanted->os) == 0 &&
	       strcmp(offered->architecture, wanted->architecture) == 0 &&
	       (!wanted->variant || strcmp(variant_of(offered), variant_of(wanted)) == 0);
}

char *platform_text(const struct platform *p)
{
	if (!p->os || !p->architecture)
		return mem_strdup("unknown");
	return mem_printf("%s/%s%s%s", p->os, p->architecture, p->variant ? "/" : "",
			  p->variant ? p->variant : "");
}
