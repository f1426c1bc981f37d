#include "cli/tell.h"

#include "report/format.h"

static void detail(FILE *out, const char *label, const char *text)
{
	if (!text)
		return;
	fprintf(out, "  %s: ", label);
	print_clean(out, text);
	fputc('\n', out);
}

void tell_error(FILE *out, bool colour, const struct err *err)
{
	fputs(colour ? "\033[1;31mlanded:\033[0m " : "landed: ", out);
	print_clean(out, err->message ? err->message : "failed");
	fputc('\n', out);
	detail(out, "evidence", err->evidence);
	detail(out, "cause", err->cause);
	detail(out, "try", err->hint);
	fflush(out);
}
