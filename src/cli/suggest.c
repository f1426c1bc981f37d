#include "cli/suggest.h"

#include "base/macros.h"

#include <stdbool.h>
#include <string.h>

/* Longer words are not compared: no name of ours comes near. */
#define WORD_MAX 32

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits between A and B: insert, delete, replace, swap of neighbours (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
	size_t rows[WORD_MAX + 1][WORD_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t i = 0; i <= a_len; i++)
		rows[i][0] = i;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			size_t d = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			d = least(d, least(rows[i - 1][j], rows[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = least(d, rows[i - 2][j - 2] + 1);
			rows[i][j] = d;
		}
	}
	return rows[a_len][b_len];
}

void suggest_consider(struct suggest *s, const char *candidate)
{
	size_t len = strlen(s->word), d;
	bool begins = len >= 2 && !strncmp(s->word, candidate, len);

	if (len > WORD_MAX || strlen(candidate) > WORD_MAX)
		return;
	/* An abbreviation is refused, but it is plain what it was short for. */
	d = begins ? 1 : distance(s->word, candidate);
	if (d > (len < 4 ? 1 : 1 + len / 4) || (s->best && d >= s->distance))
		return;
	s->best = candidate;
	s->distance = d;
}
