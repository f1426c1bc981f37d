#include "cli/exec_script.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/strings.h"

#include <string.h>

struct reader {
	const char *at;
	struct strings words;
	struct buf word;
	bool in_word;
	bool drop_next; /* it names a file of a redirection */
	void (*each)(void *arg, char *const *words, size_t count);
	void *arg;
};

static void add(struct reader *r, char c)
{
	bool kept = buf_add(&r->word, &c, 1);

	(void)kept;
	r->in_word = true;
}

static void end_word(struct reader *r)
{
	if (r->in_word && !r->drop_next)
		strings_add(&r->words, buf_str(&r->word));
	if (r->in_word)
		r->drop_next = false;
	r->in_word = false;
	buf_clear(&r->word);
}

static void end_command(struct reader *r)
{
	end_word(r);
	if (r->words.count)
		r->each(r->arg, r->words.at, r->words.count);
	strings_clear(&r->words);
	r->drop_next = false;
}

static void read_quoted(struct reader *r, char quote)
{
	r->in_word = true; /* also when nothing is between them */
	for (; *r->at && *r->at != quote; r->at++) {
		if (quote == '"' && *r->at == '\\' && r->at[1] && strchr("\"\\$`", r->at[1]))
			r->at++;
		add(r, *r->at);
	}
	if (*r->at)
		r->at++;
}

/* "2>&1", "> file", "<file": neither the number nor the file is a word of the command. */
static void read_redirection(struct reader *r)
{
	const char *word = buf_str(&r->word);

	if (r->in_word && strspn(word, "0123456789") == r->word.len) {
		r->in_word = false;
		buf_clear(&r->word);
	}
	end_word(r);
	r->at += strspn(r->at, "<>&|");
	r->drop_next = true;
}

static void read_one(struct reader *r)
{
	char c = *r->at++;

	if (c == '\\' && *r->at == '\n')
		r->at++;
	else if (c == '\\' && *r->at)
		add(r, *r->at++);
	else if (c == '\'' || c == '"')
		read_quoted(r, c);
	else if (c == ' ' || c == '\t')
		end_word(r);
	else if (c == '<' || c == '>')
		read_redirection(r);
	else if (strchr("\n;|&()`", c))
		end_command(r);
	else if (c == '#' && !r->in_word)
		r->at += strcspn(r->at, "\n");
	else
		add(r, c);
}

void script_commands(const char *script, void (*each)(void *arg, char *const *words, size_t count),
		     void *arg)
{
	struct reader r = { .at = script, .word = BUF_INIT(SCRIPT_MAX), .each = each, .arg = arg };

	while (*r.at && (size_t)(r.at - script) < SCRIPT_MAX)
		read_one(&r);
	end_command(&r);
}
