#include "cli/push.h"

#include "auth/google_cache.h"
#include "base/mem.h"
#include "cli/exit.h"
#include "cli/outcomes.h"
#include "image/pending.h"
#include "report/receipt.h"

#include <string.h>

#define AT(member) offsetof(struct push_settings, member)

static const struct opt platform_table[] = {
	{ .name = "platform",
	  .kind = OPT_STRINGS,
	  .offset = AT(platforms),
	  .argument = "OS/ARCH",
	  .help = "of an index push only what serves this platform (os/arch or os/arch/variant); "
		  "may be repeated" },
};
const struct opt_group push_platforms = { "Push", platform_table, ARRAY_SIZE(platform_table) };

static const struct opt option_table[] = {
	{ .name = "additional-tag",
	  .kind = OPT_STRINGS,
	  .offset = AT(additional_tags),
	  .argument = "TAG",
	  .help = "put the image under this tag as well; may be repeated" },
	{ .name = "compression",
	  .kind = OPT_STRING,
	  .offset = AT(compression),
	  .argument = "gzip|zstd[:LEVEL]",
	  .help = "how layers that come plain are compressed: gzip (levels 1 to 12, usually 5), which "
		  "everybody reads, or zstd (1 to 19, usually 3), which makes an OCI image that "
		  "Docker 20.10 does not read; what is compressed already stays as it is" },
	{ .name = "cache-from",
	  .kind = OPT_STRINGS,
	  .offset = AT(cache_from),
	  .argument = "REF",
	  .help = "do not compress layers that this image of the same registry has; the image "
		  "that the tag is on is looked at anyway; may be repeated" },
	COMMON_SETTLE(AT(settle_ms)),
	{ .name = "digest-file",
	  .kind = OPT_STRING,
	  .offset = AT(digest_file),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "write the digest to FILE once all is proven" },
	{ .name = "metadata-file",
	  .kind = OPT_STRING,
	  .offset = AT(metadata_file),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "write JSON with the keys of docker buildx to FILE once all is proven" },
};
const struct opt_group push_options = { "Push", option_table, ARRAY_SIZE(option_table) };

static const struct opt mount_table[] = {
	{ .name = "mount-from",
	  .kind = OPT_STRINGS,
	  .offset = offsetof(struct common_settings, connect.mount_from),
	  .argument = "REPOSITORY",
	  .help = "take blobs from this repository of the same registry rather than send them; may "
		  "be repeated" },
};
const struct opt_group push_mounts = { "Push", mount_table, ARRAY_SIZE(mount_table) };

/* One push: OUTCOMES first, so that who is handed them knows the rest. */
struct push_work {
	struct outcomes outcomes;
	const struct push_settings *settings;
	const struct common_settings *common;
	const char *source;
};

static void push_work_clear(struct push_work *p)
{
	outcomes_clear(&p->outcomes);
}

/* What comes of the words for platforms, as image_open wants it. */
struct platforms {
	struct platform *at;
	size_t count;
};

static void platforms_clear(struct platforms *p)
{
	for (size_t i = 0; i < p->count; i++)
		platform_clear(&p->at[i]);
	free(p->at);
}

static bool platforms_parse(const struct strings *words, struct platforms *ret, struct err *err)
{
	ret->at = mem_alloc(words->count * sizeof(*ret->at));
	for (size_t i = 0; i < words->count; i++) {
		if (!platform_parse(words->at[i], &ret->at[ret->count++], err))
			return err_wrap(err, "--platform");
	}
	return true;
}

/* What the word for it says, and nothing when there is none. */
static bool parse_compression(const struct push_settings *settings, struct compression *ret,
			      struct err *err)
{
	*ret = (struct compression){ 0 };
	return !settings->compression || compression_parse(settings->compression, ret, err) ||
	       err_wrap(err, "--compression");
}

static bool check_words(const struct push_settings *settings, const struct common_settings *common,
			struct err *err)
{
	const struct strings *tags = &settings->additional_tags;
	const struct strings *repositories = &common->connect.mount_from;
	struct compression compression;

	for (size_t i = 0; i < tags->count; i++) {
		if (!reference_tag_is_valid(tags->at[i])) {
			return err_set(err, ERR_USAGE, "--additional-tag: '%s' is not a tag",
				       tags->at[i]);
		}
	}
	for (size_t i = 0; i < repositories->count; i++) {
		if (!reference_repository_is_valid(repositories->at[i])) {
			return err_set(err, ERR_USAGE, "--mount-from: '%s' is not a repository",
				       repositories->at[i]);
		}
	}
	return parse_compression(settings, &compression, err);
}

/* Nothing switches the proof off: less than the tree would be a success that is none. */
static bool check_depth(const struct common_settings *common, struct err *err)
{
	if (common->depth >= VERIFY_TREE)
		return true;
	err_set(err, ERR_USAGE, "--depth manifest proves too little for a push");
	err_hint(err, "--depth tree or bytes");
	return false;
}

static bool open_image(const struct push_work *p, const struct platforms *platforms,
		       struct image **ret, struct err *err)
{
	const struct run *run = p->outcomes.run;
	const char *tmp_dir = getenv("TMPDIR");
	struct image_options options = {
		.platforms = platforms->at,
		.platform_count = platforms->count,
		.tmp_dir = tmp_dir && *tmp_dir ? tmp_dir : "/tmp",
	};

	talk_title(run->talk, run->operands[0]);
	return parse_compression(p->settings, &options.compression, err) &&
	       image_open(run->world, p->source, &options, ret, err);
}

/* Before anything is sent, where it is known by then. */
static bool check_digests(const struct outcomes *o, const struct image *image, struct err *err)
{
	for (size_t i = 0; i < o->count && image_is_settled(image); i++)
		if (!push_is_wanted(image, &o->at[i].ref, err))
			return false;
	return true;
}

/* What shall be looked at before layers are compressed. */
struct cache {
	struct reference *refs;
	size_t count;
	struct record *record;
};

static void cache_clear(struct cache *c)
{
	for (size_t i = 0; i < c->count; i++)
		reference_clear(&c->refs[i]);
	free(c->refs);
	record_free(c->record);
}

static bool cache_open(const struct strings *names, struct cache *ret, struct err *err)
{
	CLEANUP(mem_freep) char *dir = google_cache_dir();
	CLEANUP(mem_freep) char *path = dir ? mem_printf("%s/layers", dir) : NULL;

	ret->refs = mem_alloc((names->count + 1) * sizeof(*ret->refs));
	for (size_t i = 0; i < names->count; i++)
		if (!reference_parse(names->at[i], &ret->refs[ret->count++], err))
			return err_wrap(err, "--cache-from");
	if (path)
		ret->record = record_open(path);
	return true;
}

/* Several repositories get one image, with one digest: what one of them has of it the others may not. */
static bool is_one_repository(const struct outcomes *o)
{
	for (size_t i = 1; i < o->count; i++)
		if (strcmp(o->at[i].ref.host, o->at[0].ref.host) != 0 ||
		    strcmp(o->at[i].ref.repository, o->at[0].ref.repository) != 0)
			return false;
	return true;
}

static void explain(struct err *err, const char *ref)
{
	err_wrap(err, "pushing '%s'", ref);
	if (exit_of(err->code)->again == EXIT_AGAIN_YES)
		err_hint(err, "the same command again: it sends only what is missing");
}

static size_t first_ref(const struct outcomes *o)
{
	return o->run->operand_count - o->count;
}

/* All are tried: one registry's trouble is no reason to leave the next one without. */
static void push_each(struct push_work *p, struct session_maker *sessions, struct image *image,
		      const struct cache *cache)
{
	struct outcomes *o = &p->outcomes;
	const struct push_options options = {
		.jobs = (size_t)p->common->jobs,
		.additional_tags = &p->settings->additional_tags,
		.mount_from = &p->common->connect.mount_from,
		.cache_from = cache->refs,
		.cache_from_count = cache->count,
		.record = cache->record,
		.adopts = is_one_repository(o),
		.depth = p->common->depth,
		.settle_ms = p->settings->settle_ms,
	};

	for (size_t i = 0; i < o->count; i++) {
		struct settled *s = &o->at[i];

		outcomes_begin(o, i, "push");
		if (!world_check(o->run->world, &s->err) ||
		    !image_push(o->run->world, sessions, image, &s->ref, &options, &s->push,
				&s->err))
			explain(&s->err, o->run->operands[first_ref(o) + i]);
		if (image_is_settled(image))
			s->outcome.meant = image_root(image);
		outcomes_settle(o, i, true);
	}
}

/* Nothing is written before all has landed: a file of this run never speaks of half of it. */
static bool write_files(struct outcomes *o, struct err *err)
{
	const struct push_settings *settings = ((const struct push_work *)o)->settings;
	CLEANUP(mem_freep) struct outcome *outcomes = mem_alloc(o->count * sizeof(*outcomes));
	CLEANUP(mem_freep) char *metadata = NULL;

	for (size_t i = 0; i < o->count; i++)
		outcomes[i] = o->at[i].outcome;
	if (settings->digest_file &&
	    !outcomes_write(settings->digest_file, outcomes[0].proof->digest.text, err))
		return false;
	if (!settings->metadata_file)
		return true;
	metadata = metadata_text(outcomes, o->count);
	return outcomes_write(settings->metadata_file, metadata, err);
}

static bool push_all(struct push_work *p, const struct platforms *platforms, struct err *err)
{
	struct outcomes *o = &p->outcomes;
	CLEANUP(connect_freep) struct session_maker *sessions = NULL;
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(cache_clear) struct cache cache = { .refs = NULL };

	if (!cache_open(&p->settings->cache_from, &cache, err) ||
	    !connect_new(&p->common->connect, o->run->world, &sessions, err) ||
	    !open_image(p, platforms, &image, err) || !check_digests(o, image, err)) {
		outcomes_settle_all(o, "push", err);
		return outcomes_finish(o, p->common->receipt, NULL, err);
	}
	push_each(p, sessions, image, &cache);
	return outcomes_finish(o, p->common->receipt, write_files, err);
}

bool push_run(const struct run *run, const struct push_settings *settings, const char *source,
	      size_t first_ref, struct digest *ret_digest, struct err *err)
{
	CLEANUP(platforms_clear) struct platforms platforms = { 0 };
	CLEANUP(push_work_clear)
	struct push_work p = { .settings = settings, .common = run->settings, .source = source };

	if (!check_words(settings, p.common, err) || !check_depth(p.common, err) ||
	    !platforms_parse(&settings->platforms, &platforms, err) ||
	    !outcomes_init(&p.outcomes, run, first_ref, err) || !push_all(&p, &platforms, err))
		return false;
	if (ret_digest)
		*ret_digest = p.outcomes.at[0].outcome.proof->digest;
	return true;
}
