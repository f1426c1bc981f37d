/* Claims out of what a command prints. */
#include "cli/exec_claims.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

#define REFERS "The push refers to repository ["
#define DIGEST ": digest: "
#define TAG_MAX 128
#define SHA256_LEN (strlen("sha256:") + 64)

void claims_output_init(struct claims_output *o, struct claims *c)
{
	*o = (struct claims_output){ .claims = c, .line = BUF_INIT(CLAIMS_LINE_MAX) };
}

/* One that said no digest has failed, whatever was made of that. */
static void end_push(struct claims_output *o)
{
	if (o->is_open)
		claims_reopen(o->claims, o->repository);
	o->is_open = false;
}

static void take_repository(struct claims_output *o, const char *line)
{
	const char *begin = strstr(line, REFERS);
	size_t len;

	if (!begin)
		return;
	begin += strlen(REFERS);
	len = strcspn(begin, "]");
	if (begin[len] != ']')
		return;
	end_push(o);
	free(o->repository);
	o->repository = mem_strndup(begin, len);
	o->is_open = true;
}

static bool is_tag_char(char c)
{
	return isalnum((unsigned char)c) || strchr("_.-", c);
}

/* "TAG: digest: sha256:... size: N": TAG is what stands right before, whatever a log put in front of it. */
static bool split_digest_line(const char *line, char **ret_tag, struct digest *ret)
{
	const char *mark = strstr(line, DIGEST), *begin = mark, *text;
	CLEANUP(mem_freep) char *digest = NULL;
	struct err err = ERR_INIT;
	bool ok;

	if (!mark)
		return false;
	while (begin > line && mark - begin < TAG_MAX && is_tag_char(begin[-1]))
		begin--;
	text = mark + strlen(DIGEST);
	if (begin == mark || strlen(text) < SHA256_LEN)
		return false;
	digest = mem_strndup(text, SHA256_LEN);
	ok = strncmp(text + SHA256_LEN, " size: ", 7) == 0 &&
	     digest_parse(digest, ERR_USAGE, ret, &err);
	err_clear(&err);
	if (ok)
		*ret_tag = mem_strndup(begin, (size_t)(mark - begin));
	return ok;
}

/* The only one with that tag; NULL when there is none or several. */
static struct claim *find_tag(struct claims *c, const char *tag)
{
	struct claim *found = NULL;

	for (size_t i = 0; i < c->count; i++) {
		const char *has = c->at[i].ref.tag;

		if (!has || strcmp(has, tag) != 0)
			continue;
		if (found)
			return NULL;
		found = &c->at[i];
	}
	return found;
}

static bool take_digest_line(struct claims_output *o, const char *line)
{
	CLEANUP(mem_freep) char *tag = NULL, *name = NULL;
	struct claim *claim;
	struct digest d;

	if (!split_digest_line(line, &tag, &d))
		return false;
	if (o->repository) {
		name = mem_printf("%s:%s", o->repository, tag);
		claim = claims_name(o->claims, name);
	} else {
		claim = find_tag(o->claims, tag);
	}
	if (claim) {
		claim->digest = d;
		claim->is_guess = false;
		o->is_open = false;
	}
	return true;
}

/* Claims of that repository, whatever their tag: it was pushed as this. */
static bool digest_for_repository(struct claims *c, const struct reference *ref)
{
	bool found = false;

	for (size_t i = 0; i < c->count; i++) {
		struct claim *claim = &c->at[i];

		if (!claim->ref.tag || strcmp(claim->ref.host, ref->host) != 0 ||
		    strcmp(claim->ref.repository, ref->repository) != 0)
			continue;
		claim->digest = ref->digest;
		claim->is_guess = false;
		found = true;
	}
	return found;
}

static void take_bare_name(struct claims_output *o, const char *line)
{
	CLEANUP(reference_clear) struct reference ref = { 0 };
	struct err err = ERR_INIT;

	if (!claims_names_host(line) || !strchr(line, '@') || !reference_parse(line, &ref, &err)) {
		err_clear(&err);
		return;
	}
	if (!digest_for_repository(o->claims, &ref))
		claims_name(o->claims, line);
}

static void end_line(struct claims_output *o)
{
	CLEANUP(mem_freep) char *line = mem_strdup(buf_str(&o->line));

	buf_clear(&o->line);
	if (!*line)
		return;
	take_repository(o, line);
	if (!take_digest_line(o, line) && o->claims->says_name)
		take_bare_name(o, line);
}

void claims_output_add(struct claims_output *o, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool kept;

		if (bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\0') {
			end_line(o);
			continue;
		}
		kept = buf_add(&o->line, &bytes[i], 1);
		(void)kept; /* a line that long says nothing to us beyond its beginning */
	}
}

void claims_output_finish(struct claims_output *o)
{
	end_line(o);
	end_push(o);
	buf_clear(&o->line);
	free(o->repository);
	o->repository = NULL;
}
