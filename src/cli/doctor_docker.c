/* docker's and podman's files, wherever one of them or a push from here looks. */
#include "cli/doctor.h"

#include "auth/docker_config.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/stream.h"
#include "cli/doctor_judge.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order in which a push from here looks. */
enum place { PLACE_NAMED, PLACE_DOCKER, PLACE_RUNTIME, PLACE_HOME, PLACES };

struct places {
	char *at[PLACES];  /* NULL: that one is not looked at */
	bool ours[PLACES]; /* a push from here looks there */
	bool has[PLACES];
};

static void places_clear(struct places *p)
{
	for (size_t i = 0; i < PLACES; i++)
		free(p->at[i]);
}

static char *below(const char *variable, const char *rest)
{
	const char *dir = getenv(variable);

	return dir && *dir ? mem_printf("%s%s", dir, rest) : NULL;
}

static struct places find_places(const char *authfile)
{
	struct places p = { 0 };

	p.at[PLACE_NAMED] = authfile ? mem_strdup(authfile) : below("REGISTRY_AUTH_FILE", "");
	p.at[PLACE_DOCKER] = below("DOCKER_CONFIG", "/config.json");
	if (!p.at[PLACE_DOCKER])
		p.at[PLACE_DOCKER] = below("HOME", "/.docker/config.json");
	p.at[PLACE_RUNTIME] = below("XDG_RUNTIME_DIR", "/containers/auth.json");
	if (!p.at[PLACE_RUNTIME])
		p.at[PLACE_RUNTIME] =
			mem_printf("/run/containers/%u/auth.json", (unsigned int)getuid());
	p.at[PLACE_HOME] = below("HOME", "/.config/containers/auth.json");
	for (size_t i = 0; i < PLACES; i++)
		p.ours[i] = i == PLACE_NAMED || !authfile;
	p.ours[PLACE_RUNTIME] &= getenv("XDG_RUNTIME_DIR") != NULL;
	return p;
}

static bool has_program(const char *program)
{
	CLEANUP(mem_freep) char *path = doctor_find_program(program);

	return path != NULL;
}

static int64_t age_of(const char *path, const struct world *w)
{
	struct stat st;
	int64_t age_ms;

	if (stat(path, &st) != 0)
		return -1;
	age_ms = clock_wall_ms(w->clock) - (int64_t)st.st_mtime * 1000;
	return age_ms < 0 ? 0 : age_ms;
}

static void judge_text(const struct doctor *d, const struct world *w, struct findings *f,
		       struct docker_file *file, bool *ret_has)
{
	const struct docker_judgement how = {
		.host = d->ref ? d->host : NULL,
		.is_asked = doctor_asks_docker_files(d),
		.now_wall_ms = clock_wall_ms(w->clock),
		.has_program = has_program,
	};

	doctor_judge_docker_file(f, file, &how, ret_has);
}

/* What is not there has nothing in it; that is worth a word for docker's own alone. */
static void judge_file(const struct doctor *d, const struct world *w, struct findings *f,
		       struct places *p, enum place place)
{
	const char *path = p->at[place];
	bool *ret_has = &p->has[place];
	struct docker_file file = {
		.path = path,
		.docker = place == PLACE_DOCKER,
		.podman = true,
		.landed = p->ours[place],
	};
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(DOCKER_CONFIG_CEILING);
	struct err err = ERR_INIT;

	if (access(path, F_OK) != 0) {
		file.text = "{}";
		file.len = 2;
		file.age_ms = -1;
		if (place == PLACE_DOCKER && d->ref)
			judge_text(d, w, f, &file, ret_has);
		else if (place == PLACE_DOCKER || place == PLACE_NAMED)
			finding_note(f, "'%s' is not there", path);
		return;
	}
	if (!file_read_all(path, &text, &err)) {
		finding_fix(finding_of_err(f, FINDING_WARNING, &err), "chmod u+r '%s'", path);
		err_clear(&err);
		return;
	}
	file.text = buf_str(&text);
	file.len = text.len;
	file.age_ms = age_of(path, w);
	judge_text(d, w, f, &file, ret_has);
}

/* Several files may have something for one registry: who takes which? */
static void tell_winners(const struct doctor *d, struct findings *f, const struct places *p)
{
	static const enum place podmans[] = { PLACE_NAMED, PLACE_RUNTIME, PLACE_HOME,
					      PLACE_DOCKER };
	const char *of_docker = p->has[PLACE_DOCKER] ? p->at[PLACE_DOCKER] : NULL;
	const char *of_us = NULL, *of_podman = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		if (!of_us && p->ours[i] && p->has[i])
			of_us = p->at[i];
		if (!of_podman && p->has[podmans[i]])
			of_podman = p->at[podmans[i]];
	}
	if (of_us == of_podman && of_us == of_docker)
		return;
	finding_note(f, "for '%s' docker reads '%s', podman and skopeo '%s', landed '%s'", d->host,
		     of_docker ? of_docker : "nothing", of_podman ? of_podman : "nothing",
		     of_us ? of_us : "nothing");
}

/* Since docker 28.3 it goes before every file; nobody else reads it. */
static void judge_variable(const struct doctor *d, const struct world *w, struct findings *f)
{
	const char *text = getenv("DOCKER_AUTH_CONFIG");
	struct docker_file file = { .path = "DOCKER_AUTH_CONFIG", .docker = false };
	struct finding *n;
	bool has = false;

	if (!text || !*text)
		return;
	file.text = text;
	file.len = strlen(text);
	file.age_ms = -1;
	n = finding_note(f, "DOCKER_AUTH_CONFIG is set: docker 28.3 and later take it before their "
			    "files, podman and landed do not read it");
	finding_fix(n, "unset DOCKER_AUTH_CONFIG, unless it is meant");
	judge_text(d, w, f, &file, &has);
}

void doctor_docker_files(struct doctor *d, const struct world *w, struct findings *f)
{
	CLEANUP(places_clear) struct places p = find_places(d->connect.authfile);

	for (int i = 0; i < PLACES; i++)
		if (p.at[i])
			judge_file(d, w, f, &p, (enum place)i);
	judge_variable(d, w, f);
	if (d->ref)
		tell_winners(d, f, &p);
}
