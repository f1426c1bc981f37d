#include "cli/doctor.h"

#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool doctor_asks_docker_files(const struct doctor *d)
{
	return d->connect.cred.count ? strings_have(&d->connect.cred, "docker-config")
				     : !d->connect.impersonate;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *doctor_find_program(const char *program)
{
	const char *path = getenv("PATH");
	CLEANUP(mem_freep) char *list = mem_strdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *rest = NULL;

	for (char *dir = strtok_r(list, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
		CLEANUP(mem_freep) char *full = mem_printf("%s/%s", dir, program);

		if (is_program(full))
			return TAKE(full);
	}
	return NULL;
}

struct world doctor_within(const struct world *w, int64_t ms)
{
	struct world near = *w;

	near.deadline_ms = clock_after(world_now_ms(w), ms);
	if (near.deadline_ms > w->deadline_ms)
		near.deadline_ms = w->deadline_ms;
	return near;
}
