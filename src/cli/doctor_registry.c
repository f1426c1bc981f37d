/* The way to the registry, step by step, as far as it leads. */
#include "cli/doctor.h"

#include "base/mem.h"
#include "cli/doctor_judge.h"
#include "http/url.h"
#include "registry/manifest_io.h"
#include "registry/probe.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define NAME_MS 5000
#define HELLO_MS 12000
#define CREDENTIAL_MS 15000
#define UPLOAD_MS 20000
#define TAG_MS 10000

/* Its name */

/* What a resolver thread holds: it may outlive us when it hangs, and is left behind then. */
struct lookup {
	struct gaicb request;
	char host[256];
};

/* EAI_AGAIN stands for no answer in time. */
static int look_up(const char *host)
{
	const struct timespec longest = { NAME_MS / 1000, 0 };
	struct lookup *l = NEW(struct lookup);
	struct gaicb *list[] = { &l->request };
	int code;

	snprintf(l->host, sizeof(l->host), "%s", host);
	l->request.ar_name = l->host;
	code = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	if (code == 0) {
		gai_suspend((const struct gaicb *const *)list, 1, &longest);
		code = gai_error(&l->request);
	}
	if (code == EAI_INPROGRESS) {
		if (gai_cancel(&l->request) == EAI_CANCELED)
			free(l);
		return EAI_AGAIN;
	}
	if (l->request.ar_result)
		freeaddrinfo(l->request.ar_result);
	free(l);
	return code;
}

/* The caller frees. */
static char *name_of(const char *authority)
{
	const char *end = *authority == '[' ? strchr(authority, ']') : NULL;

	if (end)
		return mem_strndup(authority + 1, (size_t)(end - authority - 1));
	return mem_strndup(authority, strcspn(authority, ":"));
}

static bool has_proxy(void)
{
	static const char *const variables[] = { "HTTPS_PROXY", "https_proxy", "ALL_PROXY",
						 "all_proxy" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *proxy = getenv(variables[i]);

		if (proxy && *proxy)
			return true;
	}
	return false;
}

void doctor_dns(struct doctor *d, const struct world *w, struct findings *f)
{
	CLEANUP(mem_freep) char *name = name_of(connect_registry(d->ref->host));
	int code = look_up(name);
	struct finding *n;

	(void)w;
	if (code == 0) {
		finding_ok(f, "'%s' has an address", name);
		return;
	}
	if (has_proxy()) {
		n = finding_note(f, "'%s' has no address here; a proxy is set, which may know it",
				 name);
	} else {
		n = finding_warning(f, "'%s' has no address", name);
		finding_fix(n, "is the name right? getent ahosts %s; cat /etc/resolv.conf", name);
	}
	finding_evidence(n, "%s", gai_strerror(code));
}

/* Its answer */

/* What is to be done where the failure itself does not know. */
static const char *usual_fix(enum err_code code)
{
	switch (code) {
	case ERR_DENIED:
		return "does the repository exist, and may this identity write to it?";
	case ERR_REFUSED:
	case ERR_NO_CREDENTIAL:
		return "log in again, or name another source with --cred";
	case ERR_USAGE:
		return "landed doctor --help";
	case ERR_LOCAL:
		return "can the files named by --cacert, --cert and --key be read?";
	default:
		return "is it up, and is a proxy (HTTPS_PROXY) or a firewall between?";
	}
}

/* The end of a check's own time is an answer that did not come; --timeout is another matter. */
static void failed(struct findings *f, const struct world *w, struct err *err)
{
	struct finding *n;

	if (err->code == ERR_TIMEOUT && world_left_ms(w) > 0) {
		err->code = ERR_NET;
		err_wrap(err, "no answer");
	}
	n = finding_of_err(f, FINDING_ERROR, err);
	if (!n->fix)
		finding_fix(n, "%s", usual_fix(err->code));
	err_clear(err);
}

static struct session_maker *new_maker(struct doctor *d, const struct world *w, struct findings *f)
{
	struct session_maker *sessions = NULL;
	struct err err = ERR_INIT;

	if (!connect_new(&d->connect, w, &sessions, &err))
		failed(f, w, &err);
	return sessions;
}

static void tell_hello(struct findings *f, const char *base, const struct http_answer *hello)
{
	const char *challenge = hello->challenges[0];
	int word = challenge ? (int)strcspn(challenge, " ") : 0;

	if (!url_is_https(base))
		finding_note(f, "'%s' answers, without TLS", base);
	if (challenge)
		finding_ok(f, "'%s' answers, and asks for %.*s", base, word, challenge);
	else
		finding_ok(f, "'%s' answers, and asks for no credential", base);
}

static void judge_clock(struct findings *f, const struct world *w, const struct http_answer *hello)
{
	int64_t here_ms = clock_wall_ms(w->clock) - (world_now_ms(w) - hello->sent_ms);

	f->check = "clock";
	if (hello->date_wall_ms < 0)
		finding_note(f, "the registry does not say what time it is");
	else
		doctor_judge_clock(f, here_ms, hello->date_wall_ms);
}

void doctor_registry(struct doctor *d, const struct world *w, struct findings *f)
{
	const struct world near = doctor_within(w, HELLO_MS);
	CLEANUP(connect_freep) struct session_maker *sessions = new_maker(d, w, f);
	CLEANUP(http_answer_clear) struct http_answer hello = { 0 };
	CLEANUP(mem_freep) char *base = NULL;
	struct err err = ERR_INIT;

	if (!sessions)
		return;
	if (!connect_hello(sessions, &near, d->ref, &base, &hello, &err)) {
		failed(f, w, &err);
		return;
	}
	d->known.reached = true;
	tell_hello(f, base, &hello);
	judge_clock(f, &near, &hello);
}

/* What it is shown */

void doctor_credential(struct doctor *d, const struct world *w, struct findings *f)
{
	const struct world near = doctor_within(w, CREDENTIAL_MS);
	const struct credential_target target = { d->host, d->ref ? d->ref->repository : "" };
	CLEANUP(connect_freep) struct session_maker *sessions = new_maker(d, w, f);
	CLEANUP(credential_freep) struct credential *c = NULL;
	struct err err = ERR_INIT;

	if (!sessions)
		return;
	if (!connect_credential(sessions, &near, &target, &c, &err)) {
		failed(f, w, &err);
	} else if (!c && !connect_may_be_anonymous(sessions)) {
		finding_fix(finding_error(f, ERR_NO_CREDENTIAL,
					  "no source named by --cred has a credential for '%s'",
					  d->host),
			    "name another source with --cred");
	} else {
		d->known.credential = true;
		doctor_judge_credential(f, c, d->host, world_now_ms(w));
	}
}

/* Whether it may upload */

void doctor_upload(struct doctor *d, const struct world *w, struct findings *f)
{
	const struct world near = doctor_within(w, UPLOAD_MS);
	CLEANUP(connect_freep) struct session_maker *sessions = new_maker(d, w, f);
	CLEANUP(session_freep) struct session *session = NULL;
	struct err err = ERR_INIT;
	bool cancelled;

	if (!sessions)
		return;
	if (!session_make(sessions, &near, d->ref, SESSION_PUSH, &session, &err) ||
	    !session_may_upload(&near, session, &cancelled, &err)) {
		/* who may not write may still read */
		d->known.credential = err.code == ERR_DENIED;
		failed(f, w, &err);
		return;
	}
	finding_ok(f, "this identity may upload to '%s/%s' (an upload was begun and %s)",
		   d->ref->host, d->ref->repository,
		   cancelled ? "cancelled" : "left for the registry to purge");
}

void doctor_tag(struct doctor *d, const struct world *w, struct findings *f)
{
	const struct world near = doctor_within(w, TAG_MS);
	const char *wanted = d->ref->tag ? d->ref->tag : d->ref->digest.text;
	CLEANUP(connect_freep) struct session_maker *sessions = new_maker(d, w, f);
	CLEANUP(session_freep) struct session *session = NULL;
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	struct err err = ERR_INIT;

	if (!sessions)
		return;
	if (!session_make(sessions, &near, d->ref, SESSION_PULL, &session, &err) ||
	    !manifest_get(&near, session, wanted, NULL, &m, &err)) {
		failed(f, w, &err);
		return;
	}
	if (m)
		finding_ok(f, "'%s' is there: %s", wanted, m->digest.text);
	else
		finding_ok(f, "'%s' is not there yet", wanted);
}
