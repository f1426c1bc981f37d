/* An image with pending layers: what is believed of a blob that is offered, and of a config. */
#include "image/fixture.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static bool packs_none(struct pending *p, const struct world *w, size_t *ret_layer, bool *ret_end,
		       struct err *err)
{
	(void)w;
	(void)err;
	*ret_layer = p->layer_count;
	*ret_end = true;
	return true;
}

static bool opens_none(struct pending *p, const struct digest *d, struct stream **ret,
		       struct err *err)
{
	(void)p;
	(void)ret;
	return err_set(err, ERR_CORRUPT, "'%s' is missing", d->text);
}

static bool has_none(struct pending *p, const struct digest *d, int64_t *ret, struct err *err)
{
	(void)p;
	(void)d;
	(void)err;
	*ret = CONTENT_ABSENT;
	return true;
}

static void clears_nothing(struct pending *p)
{
	(void)p;
}

static const struct pending_ops ops = {
	.pack_next = packs_none,
	.open = opens_none,
	.size = has_none,
	.clear = clears_nothing,
};

/* Of the layers A and B. */
static struct image *image_of(struct fixture *f, enum compress_algorithm algorithm, const char *id)
{
	const struct image_options options = { .tmp_dir = f->dir,
					       .compression = { .algorithm = algorithm } };
	const struct digest layers[] = { { A }, { B } };
	struct pending *p = NEW(struct pending);
	struct image *i = NEW(struct image);

	pending_init(p, &ops, &f->world, &options, layers, 2);
	p->id = digest_of(id, strlen(id));
	i->pending = p;
	i->content = &p->content;
	return i;
}

/* Blobs */

static void test_accepts(void **state)
{
	static const struct {
		const char *media_type;
		bool gzip;
		bool zstd;
	} table[] = {
		{ "", false, false },
		{ "application/octet-stream", false, false },
		{ "application/vnd.in-toto+json", false, false },
		{ "application/vnd.oci.image.layer.v1.tar", false, false },
		{ "application/vnd.docker.image.rootfs.diff.tar", false, false },
		{ "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", false, false },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", false, false },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", false, false },
		{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", false, false },
		{ "application/vnd.oci.image.layer.v1.tar+gzip", true, false },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", true, false },
		{ "application/vnd.oci.image.layer.v1.tar+zstd", false, true },
		{ "application/vnd.docker.image.rootfs.diff.tar.zstd", false, true },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(table); i++) {
		bool zstd = i >= ARRAY_SIZE(table);
		size_t k = i % ARRAY_SIZE(table);
		struct image *image = image_of(f, zstd ? COMPRESS_ZSTD : COMPRESS_GZIP, "");
		const struct descriptor blob = { .media_type = (char *)table[k].media_type };

		if (pending_accepts(image_pending(image), &blob) !=
		    (zstd ? table[k].zstd : table[k].gzip))
			fail_msg("%s for %s", table[k].media_type, zstd ? "zstd" : "gzip");
		image_free(image);
	}
}

/* The config */

#define CONFIG(diff_ids) "{\"rootfs\":{\"diff_ids\":[" diff_ids "]}}"

static const struct {
	const char *bytes;
	bool is_config;
} configs[] = {
	{ "", false },
	{ "{}", false },
	{ "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", false },
	{ "{\"schemaVersion\":2,\"manifests\":[]}", false },
	{ CONFIG(""), false },
	{ CONFIG("\"" A "\""), false },
	{ CONFIG("\"" B "\",\"" A "\""), false },
	{ CONFIG("\"" A "\",\"" B "\",\"" B "\""), false },
	{ CONFIG("\"" A "\",\"" B "\""), true },
};

static void test_offered_configs(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		const char *bytes = configs[i].bytes;
		struct image *image = image_of(f, COMPRESS_GZIP, bytes);
		struct image *other = image_of(f, COMPRESS_GZIP, "another");

		if (pending_offer_config(image, bytes, strlen(bytes)) != configs[i].is_config)
			fail_msg("'%s'", bytes);
		assert_true(pending_has_config(image) == configs[i].is_config);
		assert_false(pending_offer_config(other, bytes, strlen(bytes)));
		image_free(image);
		image_free(other);
	}
}

/* What the source itself calls the config. */
static void test_configs_to_settle_with(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		struct image *image = image_of(f, COMPRESS_GZIP, configs[i].bytes);
		const struct descriptor blob = { .media_type = (char *)MEDIA_DOCKER_LAYER,
						 .digest = { A },
						 .size_bytes = 1 };

		pending_adopt(image, 0, &blob);
		pending_adopt(image, 1, &blob);
		pending_set_config(image_pending(image), configs[i].bytes,
				   strlen(configs[i].bytes));
		if (pending_settle(&f->world, image, &f->err) != configs[i].is_config)
			fail_msg("'%s': %s", configs[i].bytes,
				 f->err.message ? f->err.message : "settled");
		assert_true(image_is_settled(image) == configs[i].is_config);
		assert_true(configs[i].is_config || f->err.code == ERR_CORRUPT);
		err_clear(&f->err);
		image_free(image);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_accepts),
		TEST(test_offered_configs),
		TEST(test_configs_to_settle_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
