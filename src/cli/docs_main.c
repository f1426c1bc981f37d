/*
 * landed-docs man|bash|zsh|fish: run by the build, not installed.
 */
#include "cli/docs.h"

#include <string.h>

static const struct page {
	const char *word;
	void (*print)(FILE *out);
} pages[] = {
	{ "bash", docs_bash },
	{ "fish", docs_fish },
	{ "man", docs_man },
	{ "zsh", docs_zsh },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(pages); i++) {
		if (!strcmp(argv[1], pages[i].word)) {
			pages[i].print(stdout);
			return fclose(stdout) == 0 ? 0 : 1;
		}
	}
	fputs("usage: landed-docs man|bash|zsh|fish\n", stderr);
	return 2;
}
