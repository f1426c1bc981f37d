#include "report/look.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define COLUMNS_LEAST 20
#define ROWS_DEFAULT 24

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

struct look look_of(FILE *out)
{
	const char *term = getenv("TERM");
	bool dumb = !term || !*term || !strcmp(term, "dumb");
	struct look l = { .columns = COLUMNS_DEFAULT, .rows = ROWS_DEFAULT, .fd = fileno(out) };

	l.terminal = isatty(l.fd) && !dumb;
	l.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	l.colour = !is_set("NO_COLOR") && !dumb && (l.terminal || is_set("FORCE_COLOR"));
	if (!l.terminal)
		l.fd = -1;
	if (is_set("COLUMNS") && atoi(getenv("COLUMNS")) >= COLUMNS_LEAST)
		l.columns = atoi(getenv("COLUMNS"));
	return l;
}

void look_size(const struct look *l, int *ret_columns, int *ret_rows)
{
	struct winsize size;

	*ret_columns = l->columns;
	*ret_rows = l->rows;
	if (l->fd < 0 || ioctl(l->fd, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_col >= COLUMNS_LEAST)
		*ret_columns = size.ws_col;
	if (size.ws_row)
		*ret_rows = size.ws_row;
}
