#include "image/image.h"

#include "base/mem.h"
#include "image/content.h"
#include "image/forms.h"
#include "image/source.h"
#include "image/tree.h"

#include <stdlib.h>
#include <string.h>

static const struct form {
	const char *word;
	bool is_name; /* what follows is no path */
	bool (*open)(const struct world *w, const char *path, const char *ref,
		     const struct image_options *options, struct image *into, struct err *err);
} forms[] = {
	{ "docker-archive:", false, form_docker_archive },
	{ "docker-daemon:", true, form_docker_daemon },
	{ "oci-archive:", false, form_oci_archive },
	{ "oci:", false, form_oci },
};

static const struct form *form_find(const char *source)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strncmp(source, forms[i].word, strlen(forms[i].word)) == 0)
			return &forms[i];
	return NULL;
}

bool image_is_source(const char *text)
{
	return form_find(text) != NULL;
}

bool image_open(const struct world *w, const char *source, const struct image_options *options,
		struct image **ret, struct err *err)
{
	const struct form *form = form_find(source);
	struct image_options complete = *options;
	CLEANUP(image_freep) struct image *i = NEW(struct image);
	CLEANUP(mem_freep) char *path = NULL, *ref = NULL;

	if (!form)
		return err_set(err, ERR_USAGE, "'%s' is no source of an image", source);
	if (form->is_name)
		path = mem_strdup(source + strlen(form->word));
	else if (!source_split(source + strlen(form->word), &path, &ref, err))
		return false;
	if (!complete.tmp_dir)
		complete.tmp_dir = "/tmp";
	if (!form->open(w, path, ref, &complete, i, err))
		return err_wrap(err, "%s", source);
	*ret = TAKE(i);
	return true;
}

void image_free(struct image *i)
{
	if (!i)
		return;
	tree_clear(i);
	content_free(i->content);
	free(i);
}

bool image_open_blob(struct image *i, const struct descriptor *d, struct stream **ret,
		     struct err *err)
{
	return content_open(i->content, &d->digest, ret, err);
}
