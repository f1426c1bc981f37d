#include "cli/outcomes.h"

#include "base/mem.h"
#include "cli/exit.h"
#include "report/receipt.h"

#include <string.h>

#define FILE_MODE 0644

bool outcomes_init(struct outcomes *o, const struct run *run, size_t first, struct err *err)
{
	*o = (struct outcomes){ .run = run };
	o->at = mem_alloc((run->operand_count - first) * sizeof(*o->at));
	for (size_t i = first; i < run->operand_count; i++) {
		struct settled *s = &o->at[o->count++];

		s->outcome.ref = &s->ref;
		if (!reference_parse(run->operands[i], &s->ref, err))
			return false;
	}
	return true;
}

void outcomes_clear(struct outcomes *o)
{
	for (size_t i = 0; i < o->count; i++) {
		struct settled *s = &o->at[i];

		reference_clear(&s->ref);
		push_result_clear(&s->push);
		proof_clear(&s->proof);
		err_clear(&s->err);
	}
	free(o->at);
}

/* "app:1.4": what tells it from its neighbours in the little room of a headline. */
static char *title_of(const struct reference *ref)
{
	const char *slash = strrchr(ref->repository, '/');
	const char *name = slash ? slash + 1 : ref->repository;

	if (ref->tag)
		return mem_printf("%s:%s", name, ref->tag);
	return mem_printf("%s@%.19s", name, ref->digest.text);
}

void outcomes_begin(struct outcomes *o, size_t index, const char *verb)
{
	struct settled *s = &o->at[index];
	CLEANUP(mem_freep) char *title = title_of(&s->ref);

	s->outcome.command = verb;
	s->outcome.took_ms = -world_now_ms(o->run->world);
	talk_title(o->run->talk, title);
}

static void judge(struct outcomes *o, struct settled *s)
{
	int reason = cancel_reason(o->run->world->cancel);

	s->outcome.err = s->err.code == ERR_NONE ? NULL : &s->err;
	s->outcome.verdict = exit_of(s->err.code)->name;
	s->outcome.exit_code = exit_code(s->err.code, reason);
}

static void print_result(const struct outcomes *o, const struct settled *s)
{
	const struct common_settings *common = o->run->settings;
	CLEANUP(mem_freep) char *line = result_line(&s->outcome, common->output);
	CLEANUP(mem_freep) char *sentence = NULL;

	if (!s->outcome.err && common->output == RESULT_TEXT) {
		sentence = result_sentence(&s->outcome);
		talk_say(o->run->talk, sentence);
	}
	if (line && o->run->out) {
		fprintf(o->run->out, "%s\n", line);
		fflush(o->run->out); /* main looks whether it arrived */
	}
}

void outcomes_settle(struct outcomes *o, size_t index, bool pushed)
{
	struct settled *s = &o->at[index];

	s->outcome.took_ms += world_now_ms(o->run->world);
	s->outcome.count = talk_count(o->run->talk);
	s->outcome.push = pushed ? &s->push : NULL;
	s->outcome.proof = pushed ? &s->push.proof : &s->proof;
	judge(o, s);
	if (s->outcome.err && o->count > 1)
		talk_error(o->run->talk, &s->err);
}

void outcomes_settle_all(struct outcomes *o, const char *verb, const struct err *why)
{
	for (size_t i = 0; i < o->count; i++) {
		struct settled *s = &o->at[i];

		err_copy(&s->err, why);
		s->outcome.command = verb;
		judge(o, s);
	}
}

bool outcomes_write(const char *path, const char *text, struct err *err)
{
	struct err why = ERR_INIT;

	if (file_write_all(path, text, strlen(text), FILE_MODE, &why))
		return true;
	err_set(err, ERR_UNPROVEN, "landed, but not reported: %s", why.message);
	err_hint(err, "the same command again, when '%s' can be written", path);
	err_clear(&why);
	return false;
}

static bool write_receipt(struct outcomes *o, const char *path, struct err *err)
{
	CLEANUP(mem_freep) struct outcome *outcomes = mem_alloc(o->count * sizeof(*outcomes));
	CLEANUP(mem_freep) char *text = NULL;

	for (size_t i = 0; i < o->count; i++)
		outcomes[i] = o->at[i].outcome;
	text = receipt_text(outcomes, o->count, clock_wall_ms(o->run->world->clock));
	return outcomes_write(path, text, err);
}

/* The error of the only reference, or the sum of several. */
static bool sum_up(struct outcomes *o, struct err *err)
{
	size_t failed = 0;
	struct settled *first = NULL;

	for (size_t i = 0; i < o->count; i++) {
		if (!o->at[i].outcome.err)
			continue;
		if (!failed++)
			first = &o->at[i];
	}
	if (!failed)
		return true;
	if (err->code != ERR_NONE)
		return false;
	if (o->count == 1) {
		err_copy(err, &first->err);
		return false;
	}
	return err_set(err, first->err.code, "%zu of %zu references failed", failed, o->count);
}

/* What a result says of itself must agree with the exit code, also when only the report failed. */
static void mark_unreported(struct outcomes *o)
{
	for (size_t i = 0; i < o->count; i++) {
		o->at[i].outcome.verdict = exit_of(ERR_UNPROVEN)->name;
		o->at[i].outcome.exit_code = exit_code(ERR_UNPROVEN, 0);
	}
}

static bool write_reports(struct outcomes *o, const char *receipt, bool landed,
			  bool (*write_more)(struct outcomes *o, struct err *err), struct err *err)
{
	if (landed && write_more && !write_more(o, err))
		return false;
	return !receipt || write_receipt(o, receipt, err);
}

bool outcomes_finish(struct outcomes *o, const char *receipt,
		     bool (*write_more)(struct outcomes *o, struct err *err), struct err *err)
{
	struct err not_written = ERR_INIT;
	bool landed = sum_up(o, err);
	bool reported = write_reports(o, receipt, landed, write_more, &not_written);

	if (landed && !reported) {
		mark_unreported(o);
		err_move(err, &not_written);
	} else if (!reported) {
		talk_say(o->run->talk, "the receipt could not be written either");
	}
	for (size_t i = 0; i < o->count; i++)
		print_result(o, &o->at[i]);
	err_clear(&not_written);
	return landed && reported;
}
