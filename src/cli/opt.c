#include "cli/opt.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stream.h"
#include "cli/suggest.h"

#include <ctype.h>
#include <getopt.h>
#include <string.h>

#define CONFIG_CEILING (64 * KIB)

/* getopt's names for the long options: beyond every letter. */
enum { LONG_HELP = 256, LONG_BASE };

/* Where a value came from, weakest first. */
enum origin { FROM_NOWHERE, FROM_FALLBACK, FROM_CONFIG, FROM_ENVIRONMENT, FROM_LINE };

/* An option of this command and the field that it fills. */
struct slot {
	const struct opt *opt;
	void *place;
	enum origin origin;
};

/* What the command line says about it; applied when the weaker places have had their turn. */
struct given {
	size_t slot;
	const char *text; /* NULL for a flag or a count */
};

struct parse {
	const struct opt_places *places;
	struct slot *slots;
	size_t slot_count;
	struct given *given;
	size_t given_count;
	enum opt_wish wish;
};

static void parse_clear(struct parse *p)
{
	free(p->slots);
	free(p->given);
}

char *opt_environment_name(const struct opt *o)
{
	char *name = mem_printf("LANDED_%s", o->name);

	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return name;
}

const struct opt *opt_find(const struct opt_uses *uses, const char *name)
{
	for (size_t u = 0; u < uses->count; u++) {
		const struct opt_group *g = uses->at[u].group;

		for (size_t i = 0; i < g->count; i++) {
			if (!strcmp(g->options[i].name, name))
				return &g->options[i];
		}
	}
	return NULL;
}

static void collect_slots(struct parse *p, const struct opt_uses *uses, void *settings)
{
	for (size_t u = 0; u < uses->count; u++) {
		const struct opt_group *g = uses->at[u].group;
		char *base = (char *)settings + uses->at[u].offset;

		p->slots = mem_realloc(p->slots, p->slot_count + g->count, sizeof(*p->slots));
		for (size_t i = 0; i < g->count; i++) {
			p->slots[p->slot_count++] = (struct slot){
				.opt = &g->options[i],
				.place = base + g->options[i].offset,
			};
		}
	}
}

void opt_clear(const struct opt_uses *uses, void *settings)
{
	struct parse p = { 0 };

	collect_slots(&p, uses, settings);
	for (size_t i = 0; i < p.slot_count; i++)
		opt_unset(p.slots[i].opt, p.slots[i].place);
	parse_clear(&p);
}

/* A stronger place has something to say: what weaker ones said is gone. */
static void prevail(struct slot *slot, enum origin origin)
{
	if (slot->origin == origin)
		return;
	opt_unset(slot->opt, slot->place);
	slot->origin = origin;
}

static bool apply_fallbacks(struct parse *p, struct err *err)
{
	for (size_t i = 0; i < p->slot_count; i++) {
		struct slot *slot = &p->slots[i];

		if (!slot->opt->fallback)
			continue;
		prevail(slot, FROM_FALLBACK);
		if (!opt_store_list(slot->opt, slot->place, slot->opt->fallback, err))
			return err_wrap(err, "default of --%s", slot->opt->name);
	}
	return true;
}

static bool known_anywhere(const struct opt_places *places, const char *name, struct suggest *s)
{
	for (size_t k = 0; k < places->known_count; k++) {
		const struct opt_uses *uses = &places->known[k];

		if (opt_find(uses, name))
			return true;
		for (size_t u = 0; u < uses->count; u++) {
			const struct opt_group *g = uses->at[u].group;

			for (size_t i = 0; i < g->count; i++)
				suggest_consider(s, g->options[i].name);
		}
	}
	return false;
}

static bool apply_config_line(void *arg, const char *name, const char *value, int line,
			      struct err *err)
{
	struct parse *p = arg;
	struct suggest s = SUGGEST_INIT(name);
	const char *path = p->places->config_path;

	for (size_t i = 0; i < p->slot_count; i++) {
		struct slot *slot = &p->slots[i];

		if (strcmp(slot->opt->name, name) != 0)
			continue;
		prevail(slot, FROM_CONFIG);
		return opt_store(slot->opt, slot->place, value, err) ||
		       err_wrap(err, "%s:%d: %s", path, line, name);
	}
	if (p->places->others_read_it || known_anywhere(p->places, name, &s))
		return true; /* an option of another command */
	err_set(err, ERR_USAGE, "%s:%d: there is no option '%s'", path, line, name);
	if (s.best)
		err_cause(err, "'%s' may be meant", s.best);
	return false;
}

static bool apply_config(struct parse *p, struct err *err)
{
	CLEANUP(buf_clear) struct buf text = BUF_INIT(CONFIG_CEILING);
	const char *path = p->places->config_path;

	if (!path)
		return true;
	if (file_read_all(path, &text, err))
		return opt_config_parse(buf_str(&text), path, apply_config_line, p, err);
	if (err->code != ERR_NO_SOURCE)
		return false;
	err_clear(err); /* most people have none */
	return true;
}

static bool apply_environment(struct parse *p, struct err *err)
{
	for (size_t i = 0; i < p->slot_count; i++) {
		struct slot *slot = &p->slots[i];
		CLEANUP(mem_freep) char *name = opt_environment_name(slot->opt);
		const char *text = p->places->environment ? p->places->environment(name) : NULL;

		if (!text || !*text)
			continue;
		prevail(slot, FROM_ENVIRONMENT);
		if (!opt_store_list(slot->opt, slot->place, text, err))
			return err_wrap(err, "%s", name);
	}
	return true;
}

static bool apply_line(struct parse *p, struct err *err)
{
	for (size_t i = 0; i < p->given_count; i++) {
		struct slot *slot = &p->slots[p->given[i].slot];
		const char *text = p->given[i].text;

		prevail(slot, FROM_LINE);
		if (slot->opt->kind == OPT_COUNT && !text)
			++*(int *)slot->place;
		else if (!opt_store(slot->opt, slot->place, text ? text : "yes", err))
			return err_wrap(err, "--%s", slot->opt->name);
	}
	return true;
}

static bool takes_argument(const struct opt *o)
{
	return o->kind != OPT_FLAG && o->kind != OPT_COUNT;
}

static bool unknown_long(const struct parse *p, const char *typed, struct err *err)
{
	CLEANUP(mem_freep) char *name = mem_strndup(typed, strcspn(typed, "="));
	struct suggest s = SUGGEST_INIT(name);

	for (size_t i = 0; i < p->slot_count; i++)
		suggest_consider(&s, p->slots[i].opt->name);
	suggest_consider(&s, "help");
	if (s.best) {
		return err_set(err, ERR_USAGE, "unknown option '--%s', did you mean '--%s'?", name,
			       s.best);
	}
	return err_set(err, ERR_USAGE, "unknown option '--%s'", name);
}

/* The arguments of getopt_long, made of the slots. */
struct getopt_words {
	struct option *options;
	struct buf letters;
};

static struct getopt_words getopt_words_make(const struct parse *p, bool stop_at_operand)
{
	struct getopt_words words = { .letters = BUF_INIT(BUF_TEXT_CEILING) };

	words.options = mem_realloc(NULL, p->slot_count + 2, sizeof(*words.options));
	buf_puts(&words.letters, stop_at_operand ? "+:h" : ":h");
	for (size_t i = 0; i < p->slot_count; i++) {
		const struct opt *o = p->slots[i].opt;

		words.options[i] = (struct option){
			.name = o->name,
			.has_arg = takes_argument(o) ? required_argument : optional_argument,
			.val = LONG_BASE + (int)i,
		};
		if (o->letter)
			buf_printf(&words.letters, "%c%s", o->letter, takes_argument(o) ? ":" : "");
	}
	words.options[p->slot_count] = (struct option){ .name = "help", .val = LONG_HELP };
	words.options[p->slot_count + 1] = (struct option){ 0 };
	return words;
}

static size_t slot_of_letter(const struct parse *p, int letter)
{
	size_t i = 0;

	while (p->slots[i].opt->letter != letter)
		i++;
	return i;
}

static void give(struct parse *p, size_t slot, const char *text)
{
	p->given = mem_realloc(p->given, p->given_count + 1, sizeof(*p->given));
	p->given[p->given_count++] = (struct given){ .slot = slot, .text = text };
}

/*
 * The word that getopt_long has just taken for a long option, behind its dashes. It stands right before optind,
 * or before its argument.
 */
static const char *typed_option(char **argv)
{
	const char *last = argv[optind - 1];

	if (optarg == last)
		last = argv[optind - 2];
	return last + 2;
}

/* One answer of getopt_long. */
static bool take_option(struct parse *p, int answer, char **argv, struct err *err)
{
	const char *typed;

	switch (answer) {
	case ':':
		if (optopt < LONG_HELP)
			return err_set(err, ERR_USAGE, "option '-%c' needs a value", optopt);
		typed = argv[optind - 1] + 2;
		if (strcmp(typed, p->slots[optopt - LONG_BASE].opt->name) != 0)
			return unknown_long(p, typed, err);
		return err_set(err, ERR_USAGE, "option '--%s' needs a value", typed);
	case '?':
		if (optopt > 0 && optopt < LONG_HELP)
			return err_set(err, ERR_USAGE, "unknown option '-%c'", optopt);
		return unknown_long(p, argv[optind - 1] + 2, err);
	case LONG_HELP:
		if (strcmp(argv[optind - 1], "--help") != 0)
			return unknown_long(p, argv[optind - 1] + 2, err);
		p->wish = OPT_WISH_HELP;
		return true;
	case 'h':
		p->wish = OPT_WISH_HELP;
		return true;
	}
	if (answer < LONG_BASE) {
		give(p, slot_of_letter(p, answer), optarg);
		return true;
	}
	typed = typed_option(argv);
	if (strlen(p->slots[answer - LONG_BASE].opt->name) != strcspn(typed, "="))
		return unknown_long(p, typed, err); /* getopt_long took an abbreviation */
	give(p, (size_t)answer - LONG_BASE, optarg);
	return true;
}

static bool read_line(struct parse *p, bool stop_at_operand, int argc, char **argv, struct err *err)
{
	struct getopt_words words = getopt_words_make(p, stop_at_operand);
	bool ok = true;

	optind = 0; /* glibc: start anew */
	while (ok && p->wish == OPT_WISH_RUN) {
		int answer = getopt_long(argc, argv, buf_str(&words.letters), words.options, NULL);

		if (answer < 0)
			break;
		ok = take_option(p, answer, argv, err);
	}
	free(words.options);
	buf_clear(&words.letters);
	return ok;
}

bool opt_parse(const struct opt_uses *uses, const struct opt_places *places, bool stop_at_operand,
	       int argc, char **argv, void *settings, int *ret_operand, enum opt_wish *ret_wish,
	       struct err *err)
{
	CLEANUP(parse_clear) struct parse p = { .places = places };

	collect_slots(&p, uses, settings);
	if (!read_line(&p, stop_at_operand, argc, argv, err))
		return false;
	*ret_operand = optind;
	*ret_wish = p.wish;
	if (p.wish != OPT_WISH_RUN)
		return true;
	return apply_fallbacks(&p, err) && apply_config(&p, err) && apply_environment(&p, err) &&
	       apply_line(&p, err);
}
