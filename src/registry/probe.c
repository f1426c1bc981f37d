#include "registry/probe.h"

#include "base/mem.h"
#include "http/url.h"

#define CANCEL_MS 3000

static struct http_call probe_call(const struct session *s, const char *method, const char *url)
{
	return (struct http_call){
		.what = "upload",
		.method = method,
		.url = url,
		.scope = session_scope(s),
	};
}

/* What is begun is given up also when the work was cancelled meanwhile. */
static bool cancel_upload(const struct world *w, struct session *s, const char *location)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(mem_freep) char *url = url_keep_https(s->base_url, location);
	struct http_call call = probe_call(s, "DELETE", url);
	struct err ignored = ERR_INIT;
	struct world grace = *w;
	bool taken;

	grace.cancel = NULL;
	grace.deadline_ms = clock_after(world_now_ms(w), CANCEL_MS);
	call.answer_ms = CANCEL_MS;
	taken = http_call(s->client, &grace, &call, &answer, &ignored) && answer.status >= 200 &&
		answer.status < 300;
	err_clear(&ignored);
	return taken;
}

/* A missing repository is NAME_UNKNOWN with 404, or 405 at Artifact Registry. */
static bool not_begun(const struct session *s, const struct http_call *call,
		      const struct http_answer *answer, struct err *err)
{
	http_answer_err(call, answer, err);
	if (answer->status == 404 || answer->status == 405)
		err->code = ERR_DENIED;
	else if (answer->status < 400)
		err->code = ERR_NO_REGISTRY;
	if (err->code == ERR_DENIED)
		err_hint(err, "does the repository '%s' exist, and may this identity write to it?",
			 s->repository);
	return false;
}

bool session_may_upload(const struct world *w, struct session *s, bool *ret_cancelled,
			struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(mem_freep) char *url = session_url(s, "blobs/uploads/");
	struct http_call call = probe_call(s, "POST", url);

	*ret_cancelled = false;
	call.empty_body = true;
	if (!http_call(s->client, w, &call, &answer, err))
		return false;
	if (answer.status != 202 || !answer.location)
		return not_begun(s, &call, &answer, err);
	*ret_cancelled = cancel_upload(w, s, answer.location);
	return true;
}
