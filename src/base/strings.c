#include "base/strings.h"

#include "base/mem.h"

#include <string.h>

void strings_add(struct strings *list, const char *s)
{
	list->at = mem_realloc(list->at, list->count + 1, sizeof(*list->at));
	list->at[list->count++] = mem_strdup(s);
}

bool strings_have(const struct strings *list, const char *s)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->at[i], s) == 0)
			return true;
	return false;
}

void strings_clear(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
	*list = (struct strings){ 0 };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t text_trim(const char **text, size_t len)
{
	while (len && is_blank((*text)[len - 1]))
		len--;
	while (len && is_blank(**text)) {
		(*text)++;
		len--;
	}
	return len;
}

bool text_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}
