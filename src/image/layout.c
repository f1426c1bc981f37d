#include "image/layout.h"

#include "base/mem.h"
#include "image/reference.h"

#include <stdlib.h>
#include <string.h>

#define MARKER_CEILING (4 * KIB)
#define LISTED_MAX 20

struct layout {
	struct content content;
	struct container *container;
};

char *layout_file(const struct digest *d)
{
	return mem_printf("blobs/%.*s/%s", digest_algorithm_len(d), d->text, digest_hex(d));
}

static bool layout_size(struct content *c, const struct digest *d, int64_t *ret_size_bytes,
			struct err *err)
{
	CLEANUP(mem_freep) char *name = layout_file(d);

	return container_size(((struct layout *)c)->container, name, ret_size_bytes, err);
}

static bool layout_open(struct content *c, const struct digest *d, struct stream **ret,
			struct err *err)
{
	CLEANUP(mem_freep) char *name = layout_file(d);

	return container_open(((struct layout *)c)->container, name, ret, err);
}

struct container *layout_release(struct content *c)
{
	struct container *container = ((struct layout *)c)->container;

	free(c);
	return container;
}

static void layout_free(struct content *c)
{
	container_free(layout_release(c));
}

static const struct content_ops layout_ops = {
	.size = layout_size,
	.open = layout_open,
	.free = layout_free,
};

struct content *layout_content(struct container *c)
{
	struct layout *l = NEW(struct layout);

	l->content.ops = &layout_ops;
	l->container = c;
	return &l->content;
}

bool layout_is_there(struct container *c, bool *ret, struct err *err)
{
	return container_has(c, "oci-layout", ret, err) &&
	       (!*ret || container_has(c, "index.json", ret, err));
}

static bool check_marker(struct container *c, struct err *err)
{
	static const struct js_field fields[] = {
		{ "imageLayoutVersion", JS_STRING, 0, JS_REQUIRED },
	};
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MARKER_CEILING);
	CLEANUP(js_freep) struct js *j = NULL;
	const char *version = NULL;

	if (!container_read(c, "oci-layout", &bytes, err))
		return false;
	if (!js_parse(buf_str(&bytes), bytes.len, MARKER_CEILING, ERR_CORRUPT, &j, err) ||
	    !js_dispatch(j, fields, ARRAY_SIZE(fields), ERR_CORRUPT, &version, err))
		return err_wrap(err, "oci-layout");
	if (strncmp(version, "1.", 2) != 0)
		return err_set(err, ERR_CORRUPT, "image layout version '%.20s' is not known",
			       version);
	return true;
}

bool layout_index(struct container *c, struct manifest **ret, struct err *err)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MANIFEST_CEILING);
	bool there;

	if (!layout_is_there(c, &there, err))
		return false;
	if (!there)
		return err_set(err, ERR_NO_SOURCE,
			       "no OCI image layout: 'oci-layout' or 'index.json' is missing");
	if (!check_marker(c, err) || !container_read(c, "index.json", &bytes, err))
		return false;
	return manifest_parse(buf_str(&bytes), bytes.len, MEDIA_OCI_INDEX, NULL, ERR_CORRUPT, ret,
			      err) ||
	       err_wrap(err, "index.json");
}

static bool same_image_name(const char *a, const char *b)
{
	CLEANUP(reference_clear) struct reference x = { .host = NULL }, y = { .host = NULL };
	CLEANUP(mem_freep) char *text_a = NULL, *text_b = NULL;
	struct err ignored = ERR_INIT;
	bool parsed = reference_parse(a, &x, &ignored) && reference_parse(b, &y, &ignored);

	err_clear(&ignored);
	if (!parsed)
		return false;
	text_a = reference_text(&x);
	text_b = reference_text(&y);
	return strcmp(text_a, text_b) == 0;
}

bool ref_matches(const char *name, const char *ref)
{
	return name && (strcmp(name, ref) == 0 || same_image_name(name, ref));
}

static bool entry_matches(const struct descriptor *d, const char *ref)
{
	return !ref || ref_matches(d->ref_name, ref) || ref_matches(d->image_name, ref);
}

char *layout_names(const struct manifest *index)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < index->entry_count && i < LISTED_MAX; i++) {
		const struct descriptor *d = &index->entries[i];
		const char *name = d->image_name ? d->image_name : d->ref_name;

		buf_printf(&text, "%s%.200s", i ? ", " : "", name ? name : d->digest.text);
	}
	if (index->entry_count > LISTED_MAX)
		buf_printf(&text, " and %zu more", index->entry_count - LISTED_MAX);
	return buf_take(&text);
}

static bool refuse_choice(const struct manifest *index, const char *ref, bool found,
			  struct err *err)
{
	CLEANUP(mem_freep) char *names = layout_names(index);

	if (index->entry_count == 0)
		return err_set(err, ERR_NO_SOURCE, "there is no image in it");
	if (!found)
		return err_set(err, ERR_NO_SOURCE, "there is no image '%s', only: %s", ref, names);
	if (ref)
		return err_set(err, ERR_NO_SOURCE, "there is more than one image '%s': %s", ref,
			       names);
	err_set(err, ERR_NO_SOURCE, "there is more than one image: %s", names);
	err_hint(err, "add the name of one of them to the source, behind a colon");
	return false;
}

bool layout_choose(const struct manifest *index, const char *ref, struct descriptor *ret,
		   struct err *err)
{
	const struct descriptor *found = NULL;

	for (size_t i = 0; i < index->entry_count; i++) {
		const struct descriptor *d = &index->entries[i];

		if (!entry_matches(d, ref))
			continue;
		if (found && !digest_same(&found->digest, &d->digest))
			return refuse_choice(index, ref, true, err);
		found = found ? found : d;
	}
	if (!found)
		return refuse_choice(index, ref, false, err);
	descriptor_copy(ret, found);
	return true;
}
