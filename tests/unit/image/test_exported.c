/* The image of an engine, over a socket where the test is the engine. */
#include "http/loopback.h"
#include "image/fixture.h"

#include "image/exported.h"

#define LAYERS_MAX 6

/* What the engine has and says. */
struct engine_side {
	struct loopback server;
	struct file *layers[LAYERS_MAX]; /* bytes; name is the hex of the diff ID */
	size_t layer_count;
	char *config;
	char *inspect;
	const char *images; /* what there is besides */
	struct buf tar;
	size_t cut; /* bytes of the tar that are sent; 0: all */
	const char *behind;
	atomic_int exports;
};

static struct engine_side side; /* a handler gets nothing else of ours */

static struct files layers; /* owns what side.layers point to */

static const char *form_name;

static void answer_text(struct loopback *l, int fd, const char *text)
{
	char *head = mem_printf("HTTP/1.1 200 OK\r\nServer: Test/1 (linux)\r\nAPI-Version: 1.41\r\n"
				"Content-Length: %zu\r\nConnection: close\r\n\r\n",
				strlen(text));

	loopback_say(l, fd, head);
	loopback_say(l, fd, text);
	free(head);
}

static void answer_export(struct loopback *l, int fd)
{
	atomic_fetch_add(&side.exports, 1);
	loopback_say(l, fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	loopback_send(l, fd, side.tar.data, side.cut ? side.cut : side.tar.len);
	if (side.behind)
		loopback_say(l, fd, side.behind);
}

static void serve(struct loopback *l, int fd)
{
	if (!loopback_read_head(l, fd))
		return;
	if (loopback_saw(l, "GET /_ping "))
		answer_text(l, fd, "OK");
	else if (loopback_saw(l, "/v1.41/images/json "))
		answer_text(l, fd, side.images ? side.images : "[]");
	else if (loopback_saw(l, "/images/app/json "))
		answer_text(l, fd, side.inspect);
	else if (loopback_saw(l, "/images/app/get "))
		answer_export(l, fd);
	else
		loopback_say(l, fd,
			     "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
			     "Connection: close\r\n\r\n");
	shutdown(fd, SHUT_WR);
	loopback_wait(l, fd);
}

/* The image: COUNT layers of SIZE bytes, which no two have in common */

static void add_layer(uint64_t seed, size_t size)
{
	CLEANUP(mem_freep) char *bytes = mem_alloc(size);
	struct digest d;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		bytes[i] = (char)('a' + (seed >> 60));
	}
	d = digest_of(bytes, size);
	side.layers[side.layer_count++] = files_add(&layers, digest_hex(&d), bytes, size);
}

static void make_config(void)
{
	struct buf json = BUF_INIT(64 * KIB);

	buf_puts(&json, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
			"\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < side.layer_count; i++)
		buf_printf(&json, "%s\"sha256:%s\"", i ? "," : "", side.layers[i]->name);
	buf_puts(&json, "]}}");
	side.config = buf_take(&json);
}

static void make_inspect(const char *id)
{
	struct buf json = BUF_INIT(64 * KIB);

	buf_printf(&json,
		   "{\"Id\":\"%s\",\"Os\":\"linux\",\"Architecture\":\"amd64\",\"RepoDigests\":["
		   "\"base.test/app@%s\"],\"RootFS\":{\"Type\":\"layers\",\"Layers\":[",
		   id, id);
	for (size_t i = 0; i < side.layer_count; i++)
		buf_printf(&json, "%s\"sha256:%s\"", i ? "," : "", side.layers[i]->name);
	buf_puts(&json, "]}}");
	side.inspect = buf_take(&json);
}

static void make_image(size_t count, size_t size)
{
	struct digest d;

	for (size_t i = 0; i < count; i++)
		add_layer(i + 1, size);
	make_config();
	d = digest_of(side.config, strlen(side.config));
	make_inspect(d.text);
}

/* The forms of an export. Each adds layer I, or the config. */

static void drop_name(struct files *files)
{
	files->count--;
	free(files->at[files->count].name);
	free(files->at[files->count].bytes);
}

/* Where a file is: the first DIGITS of its hex stand between the two. */
struct place {
	const char *before;
	int digits;
	const char *after;
};

static void add_named(struct buf *tar, const struct place *at, const char *hex, const void *bytes,
		      size_t len)
{
	struct files one = { .count = 0 };
	CLEANUP(mem_freep)
	char *full = mem_printf("%s%.*s%s", at->before, at->digits, hex, at->after);

	tar_add(tar, files_add(&one, full, bytes, len));
	drop_name(&one);
}

struct form {
	const char *name;
	struct place layer;
	struct place config;
};

static const struct form forms[] = {
	{ "Docker 25", { "blobs/sha256/", 64, "" }, { "blobs/sha256/", 64, "" } },
	{ "podman", { "", 64, ".tar" }, { "", 64, ".json" } },
	{ "names that say nothing", { "", 4, "/layer.tar" }, { "", 64, ".json" } },
};

static void add_form_layer(const struct form *f, size_t i)
{
	add_named(&side.tar, &f->layer, side.layers[i]->name, side.layers[i]->bytes,
		  side.layers[i]->len);
}

static void add_form_config(const struct form *f)
{
	struct digest d = digest_of(side.config, strlen(side.config));

	add_named(&side.tar, &f->config, digest_hex(&d), side.config, strlen(side.config));
}

static void add_manifest_json(void)
{
	static const struct place at = { "manifest", 0, ".json" };

	add_named(&side.tar, &at, "", "[]", 2);
}

static void make_tar(const struct form *f)
{
	add_form_config(f);
	for (size_t i = 0; i < side.layer_count; i++)
		add_form_layer(f, i);
	add_manifest_json();
	tar_end(&side.tar);
}

/* Opening */

static int setup(void **state)
{
	side = (struct engine_side){ .tar = BUF_INIT(64 * MIB) };
	return fixture_setup(state);
}

static int teardown(void **state)
{
	free(side.config);
	free(side.inspect);
	buf_clear(&side.tar);
	files_clear(&layers);
	return fixture_teardown(state);
}

static void start(struct fixture *f)
{
	CLEANUP(mem_freep) char *path = fixture_path(f, "engine.sock");

	loopback_start_at(&side.server, path, serve);
}

static struct image *open_image_of(struct fixture *f, const char *name)
{
	const struct image_options options = { .tmp_dir = f->dir };
	CLEANUP(engine_place_clear) struct engine_place place = { .why = mem_strdup("a test") };
	CLEANUP(mem_freep) char *host = mem_printf("unix://%s/engine.sock", f->dir);
	struct image *i = NEW(struct image);
	struct engine *e = NULL;

	place.host = mem_strdup(host);
	assert_true(engine_place_parse(host, false, &place, &f->err));
	assert_true(engine_open(&f->world, &place, &e, &f->err));
	if (exported_open(&f->world, e, name, &options, i, &f->err))
		return i;
	image_free(i);
	return NULL;
}

static struct image *opens(struct fixture *f)
{
	struct image *i = open_image_of(f, "app");

	if (!i)
		fail_msg("%s: %s", form_name, f->err.message);
	return i;
}

/* All that is open. */
static bool settles(struct fixture *f, struct image *i, size_t jobs)
{
	return pool_run(&f->world, jobs, pending_open_count(i) + 1, fixture_pack_one, i, &f->err) &&
	       pending_settle(&f->world, i, &f->err);
}

static void assert_settles(struct fixture *f, struct image *i, size_t jobs)
{
	if (!settles(f, i, jobs))
		fail_msg("%s, %zu jobs: %s", form_name, jobs, f->err.message);
	assert_blobs_good(i);
}

static void assert_fails(struct fixture *f, struct image *i, size_t jobs, enum err_code code,
			 const char *words)
{
	assert_false(settles(f, i, jobs));
	if (f->err.code != code || !strstr(f->err.message, words))
		fail_msg("%s: expected code %d and '%s', got %d and '%s'", form_name, code, words,
			 f->err.code, f->err.message);
	err_clear(&f->err);
}

/* Bad exports */

static void test_no_such_image(void **state)
{
	struct fixture *f = *state;

	make_image(1, 100);
	start(f);
	assert_null(open_image_of(f, "other"));
	assert_int_equal(f->err.code, ERR_NO_SOURCE);
	loopback_stop(&side.server);
}

enum harm { HARM_LAYER_CHANGED, HARM_LAYER_GONE, HARM_CONFIG_GONE, HARM_CONFIG_CHANGED };

static void make_harmed_tar(const struct form *f, enum harm harm)
{
	if (harm == HARM_CONFIG_CHANGED)
		side.config[strlen(side.config) - 1] = ' ';
	if (harm != HARM_CONFIG_GONE)
		add_form_config(f);
	if (harm == HARM_LAYER_CHANGED)
		side.layers[1]->bytes[50] ^= 1;
	for (size_t i = 0; i < side.layer_count; i++)
		if (i != 1 || harm != HARM_LAYER_GONE)
			add_form_layer(f, i);
	add_manifest_json();
	tar_end(&side.tar);
}

static void test_what_is_not_there_or_not_itself(void **state)
{
	static const struct {
		size_t form;
		enum harm harm;
		const char *words;
	} table[] = {
		{ 0, HARM_LAYER_CHANGED, "is damaged in the engine's export" },
		{ 1, HARM_LAYER_CHANGED, "is damaged in the engine's export" },
		{ 2, HARM_LAYER_CHANGED, "does not hold the layer sha256:" },
		{ 0, HARM_LAYER_GONE, "does not hold the layer sha256:" },
		{ 2, HARM_LAYER_GONE, "does not hold the layer sha256:" },
		{ 0, HARM_CONFIG_GONE, "does not hold the config sha256:" },
		{ 2, HARM_CONFIG_GONE, "does not hold the config sha256:" },
		{ 1, HARM_CONFIG_CHANGED, "does not hold the config sha256:" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < 3 * ARRAY_SIZE(table); i++) {
		size_t k = i / 3;
		struct image *image;

		teardown(state);
		setup(state);
		f = *state;
		form_name = forms[table[k].form].name;
		make_image(3, 3000);
		make_harmed_tar(&forms[table[k].form], table[k].harm);
		start(f);
		image = opens(f);
		assert_fails(f, image, 1 + i % 3, ERR_CORRUPT, table[k].words);
		image_free(image);
		loopback_stop(&side.server);
	}
}

/* What the engine has told of the layers is not what the config says, whose hash is the image's ID. */
static void test_layers_that_the_config_does_not_name(void **state)
{
	static const size_t told[] = { 0, 1, 2, 4 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(told) * ARRAY_SIZE(forms); i++) {
		const struct form *form = &forms[i / ARRAY_SIZE(told)];
		struct image *image;
		struct digest id;

		teardown(state);
		setup(state);
		f = *state;
		form_name = form->name;
		side.layer_count = 0;
		for (size_t k = 0; k < 4; k++)
			add_layer(k + 1, 3000);
		side.layer_count = 3;
		make_config();
		side.layer_count = told[i % ARRAY_SIZE(told)];
		id = digest_of(side.config, strlen(side.config));
		make_inspect(id.text);
		side.layer_count = 4;
		make_tar(form);
		start(f);
		image = opens(f);
		assert_fails(f, image, 2, ERR_CORRUPT, "names other layers");
		image_free(image);
		loopback_stop(&side.server);
	}
}

static void test_cut_streams(void **state)
{
	static const char said[] = "{\"errorDetail\":{\"message\":\"no space left on device\"}}\n";
	struct fixture *f = *state;

	make_image(3, 30000);
	make_tar(&forms[0]);
	start(f);
	for (size_t cut = 1; cut < side.tar.len - 2048; cut += 9973) {
		struct image *image = opens(f);

		side.cut = cut;
		side.behind = cut % 2 ? NULL : said;
		assert_false(settles(f, image, 2));
		assert_int_equal(f->err.code, ERR_CORRUPT);
		err_clear(&f->err);
		image_free(image);
	}
	loopback_stop(&side.server);
}

/* What one push could not have the next one can. */
static void test_a_failure_is_no_end(void **state)
{
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_SIZE(forms); k++) {
		struct image *image;

		teardown(state);
		setup(state);
		f = *state;
		form_name = forms[k].name;
		make_image(3, 30000);
		make_tar(&forms[k]);
		start(f);
		image = opens(f);
		side.cut = 50000;
		assert_fails(f, image, 1 + k % 2, ERR_CORRUPT, "");
		side.cut = 0;
		assert_settles(f, image, 2);
		assert_int_equal(atomic_load(&side.exports), 2);
		image_free(image);
		loopback_stop(&side.server);
	}
}

/* A cancelled pool's pass is not another pool's. */
static void test_a_cancel_is_no_end(void **state)
{
	struct fixture *f = *state;
	struct cancel *cancel = NULL;
	struct image *image;

	form_name = "a cancel";
	make_image(3, 3 * MIB);
	make_tar(&forms[2]);
	start(f);
	image = opens(f);
	assert_true(cancel_new(NULL, &cancel, &f->err));
	f->world.cancel = cancel;
	assert_true(fixture_pack_one(&f->world, image, 0, &f->err));
	cancel_fire(cancel, CANCEL_SIBLING_FAILED);
	assert_fails(f, image, 2, ERR_CANCELLED, "");
	f->world.cancel = NULL;
	cancel_free(cancel);
	assert_settles(f, image, 2);
	image_free(image);
	loopback_stop(&side.server);
}

/* Good ones */

/* Every form, in every order of three layers, by one to four workers, yields one and the same image. */
static void test_forms_and_orders(void **state)
{
	static const size_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					    { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct fixture *f = *state;
	struct digest first = { "" };

	make_image(3, 20000);
	start(f);
	for (size_t k = 0; k < ARRAY_SIZE(forms) * ARRAY_SIZE(orders) * 2; k++) {
		const struct form *form = &forms[k % ARRAY_SIZE(forms)];
		const size_t *order = orders[k / ARRAY_SIZE(forms) % ARRAY_SIZE(orders)];
		bool config_last = k >= ARRAY_SIZE(forms) * ARRAY_SIZE(orders);
		struct image *image = opens(f);

		form_name = form->name;
		buf_clear(&side.tar);
		if (!config_last)
			add_form_config(form);
		for (size_t i = 0; i < 3; i++)
			add_form_layer(form, order[i]);
		if (config_last)
			add_form_config(form);
		tar_end(&side.tar);
		assert_settles(f, image, 1 + k % 4);
		assert_int_equal(image->blob_count, 4);
		if (!*first.text)
			first = image_root(image)->digest;
		assert_string_equal(image_root(image)->digest.text, first.text);
		assert_int_equal(atomic_load(&side.exports), k + 1);
		image_free(image);
	}
	loopback_stop(&side.server);
}

/* One is packed for long, and its name does not say that it is the one that seems to be missing. */
static void test_the_last_layer_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct image *image;

	form_name = forms[2].name;
	add_layer(1, 100);
	add_layer(2, 8 * MIB);
	make_config();
	{
		struct digest d = digest_of(side.config, strlen(side.config));

		make_inspect(d.text);
	}
	make_tar(&forms[2]);
	start(f);
	image = opens(f);
	assert_settles(f, image, 4);
	image_free(image);
	loopback_stop(&side.server);
}

/* The same bytes twice in the image, and twice in the export. */
static void test_repeated_layers(void **state)
{
	struct fixture *f = *state;

	for (size_t k = 0; k < 2 * ARRAY_SIZE(forms); k++) {
		const struct form *form = &forms[k / 2];
		struct image *image;
		struct digest d;

		teardown(state);
		setup(state);
		f = *state;
		form_name = form->name;
		add_layer(1, 3000);
		add_layer(2, 3000);
		side.layers[side.layer_count++] = side.layers[0];
		make_config();
		d = digest_of(side.config, strlen(side.config));
		make_inspect(d.text);
		make_tar(form);
		start(f);
		image = opens(f);
		assert_settles(f, image, 1 + 2 * (k % 2));
		assert_int_equal(image->blob_count, 3);
		assert_int_equal(image_root(image)->entry_count, 4);
		image_free(image);
		loopback_stop(&side.server);
	}
}

static struct descriptor blob_of(const char *text)
{
	return (struct descriptor){ .media_type = (char *)LAYER_GZIP,
				    .digest = digest_of(text, strlen(text)),
				    .size_bytes = (int64_t)strlen(text) };
}

static void test_adopted_layers_are_not_packed(void **state)
{
	struct descriptor blob = blob_of("what the registry has");
	struct fixture *f = *state;
	struct image *image;

	form_name = forms[0].name;
	make_image(3, 3000);
	make_tar(&forms[0]);
	start(f);
	image = opens(f);
	pending_adopt(image, 1, &blob);
	assert_int_equal(pending_open_count(image), 2);
	assert_settles(f, image, 2);
	assert_string_equal(image_root(image)->entries[2].digest.text, blob.digest.text);
	for (size_t k = 0; k < image->blob_count; k++)
		assert_int_equal(image->blobs[k].in_source,
				 !digest_same(&image->blobs[k].descriptor.digest, &blob.digest));

	/* it was not there after all */
	pending_reopen(image);
	assert_false(image_is_settled(image));
	assert_int_equal(pending_open_count(image), 1);
	assert_settles(f, image, 2);
	assert_int_equal(atomic_load(&side.exports), 2);
	assert_string_not_equal(image_root(image)->entries[2].digest.text, blob.digest.text);
	image_free(image);
	loopback_stop(&side.server);
}

static void test_nothing_is_exported_when_all_is_known(void **state)
{
	struct descriptor blobs[] = { blob_of("one"), blob_of("two") };
	struct fixture *f = *state;
	struct image *image;

	form_name = forms[0].name;
	make_image(2, 3000);
	make_tar(&forms[0]);
	start(f);
	image = opens(f);
	pending_adopt(image, 0, &blobs[0]);
	pending_adopt(image, 1, &blobs[1]);
	assert_false(pending_has_config(image));
	assert_false(pending_offer_config(image, "{}", 2));
	assert_false(pending_has_config(image));
	assert_true(pending_offer_config(image, side.config, strlen(side.config)));
	assert_settles(f, image, 2);
	assert_int_equal(atomic_load(&side.exports), 0);
	image_free(image);

	/* and without the config no more than the config */
	image = opens(f);
	pending_adopt(image, 0, &blobs[0]);
	pending_adopt(image, 1, &blobs[1]);
	side.cut = 8192;
	assert_settles(f, image, 2);
	assert_int_equal(f->packing_told, 0);
	image_free(image);
	loopback_stop(&side.server);
}

/* containerd's store: an image of its own, whose blobs travel as they are */

static void make_containerd(bool root_is_first)
{
	struct files files = { .count = 0 };
	char *json =
		files_add_image(&files, "linux", "amd64", LAYER_GZIP, "compressed already", "");
	struct digest root = json_digest(json), diff_id = digest_of("compressed already", 18);

	files_add(&layers, digest_hex(&diff_id), "", 0);
	side.layers[side.layer_count++] = &layers.at[layers.count - 1];
	make_inspect(root.text);
	for (size_t i = 0; i < files.count; i++)
		tar_add(&side.tar, &files.at[root_is_first ? files.count - 1 - i : i]);
	tar_end(&side.tar);
	files_clear(&files);
	free(json);
}

static void test_containerds_own_image(void **state)
{
	struct descriptor blob = blob_of("what the registry has");
	struct fixture *f = *state;

	for (size_t k = 0; k < 4; k++) {
		struct image *image;

		teardown(state);
		setup(state);
		f = *state;
		form_name = "containerd";
		make_containerd(k % 2);
		/* its diff ID is of other bytes than the blob's, as with real compression */
		side.inspect[strlen(side.inspect) - 6] ^= 1;
		start(f);
		image = opens(f);
		if (k > 1)
			pending_adopt(image, 0, &blob);
		assert_settles(f, image, 2);
		assert_string_equal(image_root(image)->digest.text, image->pending->id.text);
		assert_int_equal(image->blob_count, 2);
		image_free(image);
		loopback_stop(&side.server);
	}
}

/* Where it comes from */

static void test_origins(void **state)
{
	struct fixture *f = *state;
	struct strings origins = { 0 };
	struct image *image;

	form_name = "origins";
	make_image(2, 100);
	start(f);
	image = opens(f);
	side.images = "{}";
	assert_false(pending_origins(&f->world, image, &origins, &f->err));
	err_clear(&f->err);
	side.images = "[]";
	strings_clear(&origins);
	assert_true(pending_origins(&f->world, image, &origins, &f->err));
	assert_int_equal(origins.count, 1);
	strings_clear(&origins);
	image_free(image);
	loopback_stop(&side.server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_such_image),
		TEST(test_what_is_not_there_or_not_itself),
		TEST(test_layers_that_the_config_does_not_name),
		TEST(test_cut_streams),
		TEST(test_a_failure_is_no_end),
		TEST(test_a_cancel_is_no_end),
		TEST(test_forms_and_orders),
		TEST(test_the_last_layer_is_under_way),
		TEST(test_repeated_layers),
		TEST(test_adopted_layers_are_not_packed),
		TEST(test_nothing_is_exported_when_all_is_known),
		TEST(test_containerds_own_image),
		TEST(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
