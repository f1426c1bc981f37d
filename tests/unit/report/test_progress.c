#include "report/fixture.h"

#include "report/progress.h"
#include "report/tee.h"
#include "wire/js.h"

/* What a progress display wrote into memory. */
struct screen {
	struct still still;
	struct progress *progress;
	char *text;
	size_t len;
	FILE *out;
};

static void screen_init(struct screen *s, enum progress_mode mode, int verbose)
{
	struct progress_options options = {
		.mode = mode,
		.verbose = verbose,
		.look = { .columns = 60, .rows = 20, .fd = -1, .utf8 = true },
	};

	still_init(&s->still);
	s->out = open_memstream(&s->text, &s->len);
	options.out = s->out;
	s->progress = progress_new(&options, &s->still.world);
	s->still.world.observer = progress_observer(s->progress);
	progress_title(s->progress, "app:1.4");
}

static void screen_clear(struct screen *s)
{
	progress_free(s->progress);
	fclose(s->out);
	free(s->text);
}

/* One push in events: a blob that is there, one that is sent with a renewal on the way, a refusal and a wait. */
static void tell_push(struct still *s)
{
	struct event refused = token_event("registry token", "aaaa1111", 4000);
	struct event wait = { .kind = EVENT_WAIT, .text = "503 of the registry", .wait.ms = 2000 };

	refused.kind = EVENT_REFUSED;
	refused.text = "Unauthenticated \033[2Jrequest";
	tell_at(s, 0, token_event("credential", "aaaa1111", 4000));
	tell_at(s, 1, (struct event){ .kind = EVENT_PHASE, .text = "looking what is there" });
	tell_at(s, 2, blob_event('a', BLOB_STAGE_PLANNED, 0, 1000));
	tell_at(s, 2, blob_event('b', BLOB_STAGE_PLANNED, 0, 10000000));
	tell_at(s, 10, request_event("HEAD", "blob", 200, 3, 10));
	tell_at(s, 11, blob_event('a', BLOB_STAGE_EXISTS, 1000, 1000));
	for (int64_t i = 0; i <= 60; i++)
		tell_at(s, 100 + i * 100,
			blob_event('b', BLOB_STAGE_SENDING, i * 100000, 10000000));
	tell_at(s, 6200, refused);
	tell_at(s, 6300, token_event("credential", "bbbb2222", 9000));
	tell_at(s, 6400, wait);
	tell_at(s, 6400, (struct event){ .kind = EVENT_WAIT, .text = "short", .wait.ms = 10 });
	tell_at(s, 6500, blob_event('b', BLOB_STAGE_AGAIN, 0, 10000000));
	tell_at(s, 6600, blob_event('b', BLOB_STAGE_SENDING, 9000000, 10000000));
	tell_at(s, 6900, blob_event('b', BLOB_STAGE_SENT, 10000000, 10000000));
	tell_at(s, 7000, (struct event){ .kind = EVENT_PROOF, .text = "tag, digest, 2/2 blobs" });
}

static void test_plain(void **state)
{
	static const char expected[] =
		"  token: exec:mint, 4.0 s left\n"
		"  app:1.4: looking what is there\n"
		"  sha256:aaaaaaaaaaaa  already there  1 kB\n"
		"  sha256:bbbbbbbbbbbb  sending  5/10 MB  1 MB/s\n"
		"  registry token aaaa1111 was refused: Unauthenticated ?[2Jrequest\n"
		"  credential renewed at 14:00:06 (was due 14:00:04), exec:mint, 2.7 s left\n"
		"  waiting 2.0 s: 503 of the registry\n"
		"  sha256:bbbbbbbbbbbb  starting anew  10 MB\n"
		"  sha256:bbbbbbbbbbbb  sent  10 MB\n"
		"  tag, digest, 2/2 blobs\n";
	struct screen s;

	(void)state;
	screen_init(&s, PROGRESS_PLAIN, 0);
	tell_push(&s.still);
	progress_finish(s.progress);
	tell_push(&s.still); /* after the end nothing is shown */
	assert_string_equal(s.text, expected);
	screen_clear(&s);
}

static void test_none(void **state)
{
	struct screen s;

	(void)state;
	screen_init(&s, PROGRESS_NONE, 0);
	tell_push(&s.still);
	fflush(s.out);
	assert_string_equal(s.text, "");
	screen_clear(&s);
}

static void test_verbose(void **state)
{
	struct screen s;
	struct event failed = request_event("PUT", "manifest", 0, 100, 200);

	(void)state;
	failed.request.failure = "connection reset";
	failed.request.sent_bytes = 1234;
	failed.request.attempt = 2;
	screen_init(&s, PROGRESS_NONE, 1);
	tell_at(&s.still, 0, token_event("credential", "aaaa1111", 4000));
	tell_at(&s.still, 10, request_event("HEAD", "blob", 404, 3, 10));
	tell_at(&s.still, 200, failed);
	assert_string_equal(s.text,
			    "  credential obtained, exec:mint, 4.0 s left, fingerprint aaaa1111\n"
			    "  HEAD https://r.example/v2/a/b  404  7 ms  token aaaa1111\n"
			    "  PUT https://r.example/v2/a/b  no answer (connection reset)  100 ms  "
			    "1.23 kB sent  token aaaa1111  attempt 2\n");
	screen_clear(&s);
}

static void test_json(void **state)
{
	struct screen s;
	size_t lines = 0, sending = 0;

	(void)state;
	screen_init(&s, PROGRESS_JSON, 0);
	tell_push(&s.still);
	progress_finish(s.progress);
	for (char *line = strtok(s.text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		CLEANUP(js_freep) struct js *j = NULL;
		struct err err = ERR_INIT;
		const char *stage;
		int64_t ms;

		assert_true(js_parse(line, strlen(line), MIB, ERR_UNEXPECTED, &j, &err));
		assert_non_null(js_string(js_get(j, "event")));
		assert_non_null(js_string(js_get(j, "at")));
		assert_true(js_integer(js_get(j, "ms"), &ms));
		stage = js_string(js_get(j, "stage"));
		sending += stage && !strcmp(stage, "sending");
		if (lines == 0) {
			assert_string_equal(js_string(js_get(j, "at")), "2026-11-24T14:00:00Z");
			assert_string_equal(js_string(js_get(j, "expires")),
					    "2026-11-24T14:00:04Z");
			assert_false(js_true(js_get(j, "renewal")));
		}
	}
	assert_int_equal(sending, 14); /* of 62: at most two a second */
	assert_int_equal(lines, 13 + sending);
	screen_clear(&s);
}

/* Plays what was written on a terminal of 60 columns that knows the few commands we use. */
struct terminal {
	char lines[64][256];
	int row;
	bool cursor_hidden;
};

static void terminal_play(struct terminal *t, const char *text)
{
	size_t used = 0;

	for (; *text; text++) {
		int up;

		if (!strncmp(text, "\033[?25l", 6) || !strncmp(text, "\033[?25h", 6)) {
			t->cursor_hidden = text[5] == 'l';
			text += 5;
		} else if (!strncmp(text, "\033[J", 3)) {
			for (int i = t->row; i < 64; i++)
				t->lines[i][0] = '\0';
			text += 2;
		} else if (sscanf(text, "\033[%dA", &up) == 1) {
			t->row -= up;
			assert_true(t->row >= 0);
			text = strchr(text, 'A');
		} else if (*text == '\n') {
			t->row++;
			assert_true(t->row < 64);
			used = 0;
		} else if (*text == '\r') {
			used = 0;
		} else {
			assert_true(used < 255);
			t->lines[t->row][used++] = *text;
			t->lines[t->row][used] = '\0';
		}
	}
}

static void test_tty(void **state)
{
	static const char *const expected[] = {
		"  registry token aaaa1111 was refused: Unauthenticated ?[2Jrequest",
		"  credential renewed at 14:00:06 (was due 14:00:04), exec:mint, 2.7 s left",
		"  waiting 2.0 s: 503 of the registry",
		"  tag, digest, 2/2 blobs",
		"app:1.4  2 blobs, 10 MB     token: exec:mint, 2.0 s left",
		"  1 already there  ·  1 sent  ·  looking what is there",
		"next:1     token: exec:mint, 1.9 s left",
		"  pushing",
		"",
	};
	struct terminal t = { .row = 0 };
	struct screen s;

	(void)state;
	screen_init(&s, PROGRESS_TTY, 0);
	assert_true(progress_holds_terminal(s.progress));
	tell_push(&s.still);
	progress_title(s.progress, "next:1");
	tell_at(&s.still, 7100, (struct event){ .kind = EVENT_PHASE, .text = "pushing" });
	progress_finish(s.progress);
	assert_false(progress_holds_terminal(s.progress));
	terminal_play(&t, s.text);
	assert_false(t.cursor_hidden);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(t.lines[i], expected[i]);
	screen_clear(&s);
}

static void test_tty_block(void **state)
{
	struct terminal t = { .row = 0 };
	struct screen s;

	(void)state;
	screen_init(&s, PROGRESS_TTY, 0);
	tell_at(&s.still, 0, token_event("credential", "aaaa1111", 4000));
	tell_at(&s.still, 1, blob_event('b', BLOB_STAGE_PLANNED, 0, 10000000));
	for (int64_t i = 0; i <= 20; i++)
		tell_at(&s.still, 100 + i * 100,
			blob_event('b', BLOB_STAGE_SENDING, i * 100000, 10000000));
	fflush(s.out);
	terminal_play(&t, s.text);
	assert_true(t.cursor_hidden);
	assert_string_equal(t.lines[0], "app:1.4  1 blob, 10 MB     token: exec:mint, 1.9 s left");
	assert_string_equal(t.lines[1], "  1 to go, 10 MB");
	/* cut at the terminal's edge: 59 columns */
	assert_string_equal(t.lines[2],
			    "  sha256:bbbbbbbbbbbb  ████▊                          2/10 ");
	assert_string_equal(t.lines[3], "");
	screen_clear(&s);
}

static void test_tty_is_not_redrawn_too_often(void **state)
{
	size_t frames = 0;
	struct screen s;

	(void)state;
	screen_init(&s, PROGRESS_TTY, 0);
	for (int64_t i = 0; i < 1000; i++)
		tell_at(&s.still, i, blob_event('b', BLOB_STAGE_SENDING, i, 1000));
	fflush(s.out);
	for (const char *p = s.text; (p = strstr(p, "app:1.4")); p++)
		frames++;
	assert_true(frames <= 10);
	screen_clear(&s);
}

struct teller {
	struct still *still;
	char digit;
};

static void tell_many(void *arg)
{
	const struct teller *t = arg;

	for (int64_t i = 0; i < 500; i++) {
		struct event e = blob_event(t->digit, BLOB_STAGE_SENDING, i, 500);

		e.at_ms = BOOT_START_MS + i;
		t->still->world.observer->tell(t->still->world.observer, &e);
	}
}

/* For ThreadSanitizer: events come from any thread. */
static void test_threads(void **state)
{
	static const enum progress_mode modes[] = { PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct teller tellers[4];
		struct task *tasks[4];
		struct screen s;

		screen_init(&s, modes[m], 2);
		for (size_t i = 0; i < 4; i++) {
			tellers[i] = (struct teller){ &s.still, (char)('a' + i) };
			tasks[i] = sched_spawn(&s.still.sched, tell_many, &tellers[i]);
		}
		for (size_t i = 0; i < 4; i++)
			sched_join(&s.still.sched, tasks[i]);
		screen_clear(&s);
	}
}

struct counter {
	struct observer observer;
	int count;
};

static void counter_tell(struct observer *o, const struct event *e)
{
	(void)e;
	((struct counter *)o)->count++;
}

static void test_tee(void **state)
{
	struct counter a = { .observer.tell = counter_tell }, b = a;
	struct tee t;

	(void)state;
	tee_init(&t);
	t.observer.tell(&t.observer, &(struct event){ 0 });
	tee_add(&t, &a.observer);
	tee_add(&t, NULL);
	tee_add(&t, &b.observer);
	t.observer.tell(&t.observer, &(struct event){ 0 });
	assert_int_equal(a.count, 1);
	assert_int_equal(b.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_verbose),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_tty),
		cmocka_unit_test(test_tty_block),
		cmocka_unit_test(test_tty_is_not_redrawn_too_often),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_tee),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
