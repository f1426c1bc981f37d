/*
 * Any bytes as a command line. Its words are not longer than it, and each of them quoted is a command line of that
 * one word.
 */
#include "auth/google_subject.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_word(const char *word)
{
	CLEANUP(mem_freep) char *line = mem_printf("x '%s'", word);
	CLEANUP(strings_clear) struct strings again = { 0 };
	struct err err = ERR_INIT;

	if (strchr(word, '\''))
		return;
	if (!google_subject_words(line, &again, &err) || again.count != 2 ||
	    strcmp(again.at[1], word) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *line = mem_strndup((const char *)bytes, len);
	CLEANUP(strings_clear) struct strings words = { 0 };
	struct err err = ERR_INIT;
	bool parsed = google_subject_words(line, &words, &err);
	size_t sum = 0;

	if (parsed != (err.code == ERR_NONE) || (!parsed && err.code != ERR_NO_CREDENTIAL))
		__builtin_trap();
	for (size_t i = 0; i < words.count; i++)
		sum += strlen(words.at[i]);
	if (sum > len || (parsed && words.count == 0))
		__builtin_trap();
	for (size_t i = 0; parsed && i < words.count && i < 8; i++)
		check_word(words.at[i]);
	err_clear(&err);
	return 0;
}
