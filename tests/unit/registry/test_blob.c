/* Is a blob there, can it be had from a neighbour, are its bytes right? */
#include "registry/fixture.h"

#include "registry/blob.h"

#include <string.h>

/* blob_exists */

static void no_head(struct sim_options *o)
{
	o->head_is_unknown = true;
}

static void no_head_and_redirects(struct sim_options *o)
{
	o->head_is_unknown = true;
	o->redirects_blobs = true;
}

static void no_length(struct sim_options *o)
{
	o->head_without_length = true;
}

static void no_auth(struct sim_options *o)
{
	o->auth = SIM_AUTH_NONE;
}

#define SIZE_NOT_SAID (-1)
#define ANY_SIZE (-2)

static const struct {
	const char *name;
	void (*ways)(struct sim_options *o);
	size_t layer_bytes;
	bool is_stored;
	int64_t lie; /* added to the descriptor's size */
	enum sim_fault fault;
	enum blob_state state;
	int64_t size;
	size_t requests;
} existence[] = {
	{ "absent", NULL, 10, false, 0, FAULT_NONE, BLOB_ABSENT, SIZE_NOT_SAID, 1 },
	{ "present", NULL, 10, true, 0, FAULT_NONE, BLOB_PRESENT, 10, 1 },
	{ "present, without authentication", no_auth, 10, true, 0, FAULT_NONE, BLOB_PRESENT, 10,
	  1 },
	{ "smaller than it should be", NULL, 10, true, 1, FAULT_NONE, BLOB_OTHER_SIZE, 10, 2 },
	{ "larger than it should be", NULL, 10, true, -1, FAULT_NONE, BLOB_OTHER_SIZE, 10, 2 },
	{ "empty", NULL, 0, true, 0, FAULT_NONE, BLOB_PRESENT, 0, 1 },
	{ "HEAD with a wrong length", NULL, 10, true, 0, FAULT_HEAD_LENGTH, BLOB_PRESENT, 10, 2 },
	{ "HEAD without a length", no_length, 10, true, 0, FAULT_NONE, BLOB_PRESENT, 10, 2 },
	{ "HEAD without a length, absent", no_length, 10, false, 0, FAULT_NONE, BLOB_ABSENT,
	  SIZE_NOT_SAID, 1 },
	{ "HEAD not known, present", no_head, 10, true, 0, FAULT_NONE, BLOB_PRESENT, 10, 2 },
	{ "HEAD not known, absent", no_head, 10, false, 0, FAULT_NONE, BLOB_ABSENT, SIZE_NOT_SAID,
	  2 },
	{ "HEAD not known, other size", no_head, 10, true, 5, FAULT_NONE, BLOB_OTHER_SIZE, 10, 2 },
	{ "HEAD not known, empty", no_head, 0, true, 0, FAULT_NONE, BLOB_PRESENT, ANY_SIZE, 2 },
	{ "empty, but should not be", NULL, 0, true, 5, FAULT_NONE, BLOB_OTHER_SIZE, 0, 2 },
	{ "GET redirected", no_head_and_redirects, 10, true, 0, FAULT_NONE, BLOB_PRESENT, 10, 3 },
	{ "500 once", NULL, 10, true, 0, FAULT_500, BLOB_PRESENT, 10, 2 },
	{ "reset once", NULL, 10, true, 0, FAULT_RESET_BEFORE, BLOB_PRESENT, 10, 2 },
	{ "429 once", NULL, 10, true, 0, FAULT_429, BLOB_PRESENT, 10, 2 },
	{ "401 once", NULL, 10, true, 0, FAULT_401_BARE, BLOB_PRESENT, 10, 2 },
	{ "403 once", NULL, 10, true, 0, FAULT_403_DENIED, BLOB_PRESENT, 10, 2 },
	{ "a dead token", NULL, 10, true, 0, FAULT_TOKEN_DIES, BLOB_PRESENT, 10, 2 },
};

static void test_existence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(existence); i++) {
		struct descriptor asked = { 0 };
		struct fixture f;
		enum blob_state found;
		int64_t size;
		size_t before;

		fixture_init(&f, 1, existence[i].layer_bytes);
		if (existence[i].ways)
			existence[i].ways(&f.sim.registry.options);
		if (existence[i].is_stored)
			store_layer(&f, SIM_REPO);
		descriptor_copy(&asked, layer_of(&f));
		asked.size_bytes += existence[i].lie;
		plan_fault(&f, 1, existence[i].fault);
		before = f.sim.net.requests;
		assert_that(blob_exists(&f.sim.world, f.s, &asked, &found, &size, &f.err), "%s: %s",
			    existence[i].name, f.err.message);
		assert_that(found == existence[i].state, "%s: state %d", existence[i].name,
			    (int)found);
		assert_that(existence[i].size == ANY_SIZE || size == existence[i].size,
			    "%s: size %lld", existence[i].name, (long long)size);
		assert_that(f.sim.net.requests - before == existence[i].requests,
			    "%s: %zu requests", existence[i].name, f.sim.net.requests - before);
		assert_that(f.sim.registry.foreign_tokens == 0, "%s: a token left",
			    existence[i].name);
		descriptor_clear(&asked);
		fixture_clear(&f);
	}
}

static const struct {
	enum sim_fault fault; /* of every request */
	enum err_code code;
} refusals[] = {
	{ FAULT_401_CHALLENGE, ERR_REFUSED },
	{ FAULT_403_UNAUTHENTICATED, ERR_REFUSED },
	{ FAULT_400_UNAUTHORIZED, ERR_REFUSED },
	{ FAULT_403_DENIED, ERR_DENIED },
	{ FAULT_500, ERR_NET },
	{ FAULT_RESET_BEFORE, ERR_NET },
	{ FAULT_STALL_BEFORE, ERR_NET },
	{ FAULT_503, ERR_TIMEOUT },
	{ FAULT_429, ERR_TIMEOUT },
	{ FAULT_CONNECT, ERR_TIMEOUT },
};

static void test_what_never_passes_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct fixture f;
		enum blob_state found;
		int64_t size;
		const char *name = sim_fault_looks[refusals[i].fault].name;

		fixture_init(&f, 1, 10);
		store_layer(&f, SIM_REPO);
		f.sim.plan.outages[0] = (struct sim_outage){ 0, NEVER_MS, refusals[i].fault };
		f.sim.plan.outage_count = 1;
		sim_sched_limit(f.sim.sched, f.sim.world.deadline_ms + 1);
		assert_that(!blob_exists(&f.sim.world, f.s, layer_of(&f), &found, &size, &f.err),
			    "%s", name);
		assert_that(f.err.code == refusals[i].code, "%s: %d: %s", name, (int)f.err.code,
			    f.err.message);
		assert_that(f.err.evidence || f.err.code == ERR_NET, "%s: no evidence", name);
		fixture_clear(&f);
	}
}

/* blob_mount */

static const struct {
	const char *name;
	bool neighbour_has_it;
	enum sim_fault first;  /* of the POST */
	enum sim_fault second; /* of the HEAD that follows a 201 */
	bool mounted;
} mounts[] = {
	{ "the neighbour has it", true, FAULT_NONE, FAULT_NONE, true },
	{ "the neighbour has it not", false, FAULT_NONE, FAULT_NONE, false },
	{ "201, but it is not shown", true, FAULT_NONE, FAULT_HEAD_ABSENT, false },
	{ "403 once", true, FAULT_403_DENIED, FAULT_NONE, true },
	{ "404 once", true, FAULT_404, FAULT_NONE, false },
	{ "500 once", true, FAULT_500, FAULT_NONE, true },
	{ "the answer is lost", true, FAULT_RESET_AFTER, FAULT_NONE, true },
	{ "a page", true, FAULT_PAGE, FAULT_NONE, false },
};

static void test_mount(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		struct fixture f;
		bool mounted;

		fixture_init(&f, 1, 10);
		if (mounts[i].neighbour_has_it)
			store_layer(&f, "team/base");
		plan_fault(&f, 1, mounts[i].first);
		plan_fault(&f, 2, mounts[i].second);
		assert_that(blob_mount(&f.sim.world, f.s, layer_of(&f), "team/base", &mounted,
				       &f.err),
			    "%s: %s", mounts[i].name, f.err.message);
		assert_that(mounted == mounts[i].mounted, "%s: %d", mounts[i].name, mounted);
		assert_that(!mounted || stored(&f, layer_of(&f)->digest.text), "%s",
			    mounts[i].name);
		fixture_clear(&f);
	}
}

static void test_a_mount_that_is_forbidden_is_no_error(void **state)
{
	struct fixture f;
	bool mounted = true;

	(void)state;
	fixture_init(&f, 1, 10);
	f.sim.plan.outages[0] = (struct sim_outage){ 0, NEVER_MS, FAULT_403_DENIED };
	f.sim.plan.outage_count = 1;
	assert_true(blob_mount(&f.sim.world, f.s, layer_of(&f), "team/base", &mounted, &f.err));
	assert_false(mounted);
	fixture_clear(&f);
}

/* An upload that a refused mount opened is the registry's to purge, but a cancel ends the wait. */
static void test_a_mount_is_cancelled(void **state)
{
	struct fixture f;
	bool mounted;

	(void)state;
	fixture_init(&f, 1, 10);
	cancel_fire(f.sim.cancel, 2);
	assert_false(blob_mount(&f.sim.world, f.s, layer_of(&f), "team/base", &mounted, &f.err));
	assert_int_equal(f.err.code, ERR_CANCELLED);
	fixture_clear(&f);
}

/* blob_check_bytes */

enum kept { KEPT_NOT, KEPT_WHOLE, KEPT_FLIPPED, KEPT_SHORT, KEPT_LONG };

static const struct {
	const char *name;
	enum kept kept;
	bool redirects;
	enum sim_fault fault;
	enum blob_state state;
} downloads[] = {
	{ "whole", KEPT_WHOLE, false, FAULT_NONE, BLOB_PRESENT },
	{ "whole, elsewhere", KEPT_WHOLE, true, FAULT_NONE, BLOB_PRESENT },
	{ "not there", KEPT_NOT, false, FAULT_NONE, BLOB_ABSENT },
	{ "not there, elsewhere", KEPT_NOT, true, FAULT_NONE, BLOB_ABSENT },
	{ "one bit is wrong", KEPT_FLIPPED, false, FAULT_NONE, BLOB_OTHER_SIZE },
	{ "too short", KEPT_SHORT, false, FAULT_NONE, BLOB_OTHER_SIZE },
	{ "too long", KEPT_LONG, false, FAULT_NONE, BLOB_OTHER_SIZE },
	{ "breaks off once", KEPT_WHOLE, false, FAULT_TRUNCATED, BLOB_PRESENT },
	{ "401 once", KEPT_WHOLE, true, FAULT_401_BARE, BLOB_PRESENT },
	{ "503 once", KEPT_WHOLE, true, FAULT_503, BLOB_PRESENT },
};

static void keep(struct fixture *f, enum kept kept)
{
	struct sim_thing *t;

	if (kept == KEPT_NOT)
		return;
	store_layer(f, SIM_REPO);
	t = stored(f, layer_of(f)->digest.text);
	if (kept == KEPT_FLIPPED)
		t->bytes[t->len / 2] ^= 1;
	else if (kept == KEPT_SHORT)
		t->len--;
	else if (kept == KEPT_LONG)
		t->len++;
}

static void test_download(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(downloads); i++) {
		struct fixture f;
		enum blob_state found;

		fixture_init(&f, 1, 200000);
		f.sim.registry.options.redirects_blobs = downloads[i].redirects;
		keep(&f, downloads[i].kept);
		plan_fault(&f, 1, downloads[i].fault);
		assert_that(blob_check_bytes(&f.sim.world, f.s, layer_of(&f), NULL, &found, &f.err),
			    "%s: %s", downloads[i].name, f.err.message);
		assert_that(found == downloads[i].state, "%s: %d", downloads[i].name, (int)found);
		assert_that(f.sim.registry.foreign_tokens == 0, "%s: a token left",
			    downloads[i].name);
		fixture_clear(&f);
	}
}

/* A download that takes longer than any patience breaks off once at its end. */
static void test_a_long_download_begins_again(void **state)
{
	enum blob_state found;
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 2000000);
	store_layer(&f, SIM_REPO);
	f.sim.net.bytes_per_ms = 10;
	plan_fault(&f, 1, FAULT_TRUNCATED);
	assert_that(blob_check_bytes(&f.sim.world, f.s, layer_of(&f), NULL, &found, &f.err), "%s",
		    f.err.message);
	assert_int_equal(found, BLOB_PRESENT);
	fixture_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_existence),
		cmocka_unit_test(test_what_never_passes_ends),
		cmocka_unit_test(test_mount),
		cmocka_unit_test(test_a_mount_that_is_forbidden_is_no_error),
		cmocka_unit_test(test_a_mount_is_cancelled),
		cmocka_unit_test(test_download),
		cmocka_unit_test(test_a_long_download_begins_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
