#include "registry/manifest_io.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"

#include <string.h>

/* A short list makes docker-registry answer 404 for what it has. */
#define ACCEPT_ALL                                                                                \
	MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_LIST ", " MEDIA_DOCKER_MANIFEST \
			", */*;q=0.1"

#define ODD_ANSWERS_MAX 3

static struct http_call manifest_call(const struct session *s, const char *method, const char *url)
{
	return (struct http_call){
		.what = "manifest",
		.method = method,
		.url = url,
		.scope = session_scope(s),
	};
}

static bool is_some_page(const struct http_answer *a)
{
	return a->content_type && strncmp(a->content_type, "text/", 5) == 0;
}

static bool parse_answer(const struct session *s, const struct http_answer *answer,
			 const struct digest *like, struct manifest **ret, struct err *err)
{
	CLEANUP(mem_freep) char *shown = url_shown(answer->url);
	const char *type = media_type_is_manifest(answer->content_type ? answer->content_type : "")
				   ? answer->content_type
				   : NULL;

	if (!is_some_page(answer) &&
	    manifest_parse(answer->body, answer->body_len, type, like, ERR_NO_REGISTRY, ret, err))
		return true;
	if (is_some_page(answer))
		err_set(err, ERR_NO_REGISTRY, "an answer of type '%s'", answer->content_type);
	err_wrap(err, "'%s' answers with something that is no manifest", s->base_url);
	err_evidence(err, "GET %s: %d, %zu bytes of '%s'", shown, answer->status, answer->body_len,
		     answer->content_type ? answer->content_type : "no type");
	return false;
}

/* A proxy's page may come once in a while, and a registry's answer the next time. */
bool manifest_get(const struct world *w, struct session *s, const char *reference,
		  const struct digest *like, struct manifest **ret, struct err *err)
{
	CLEANUP(mem_freep) char *url = session_url(s, "manifests/%s", reference);
	struct http_call call = manifest_call(s, "GET", url);
	struct http_history history = { 0 };

	*ret = NULL;
	call.headers[0] = (struct http_header){ "Accept", ACCEPT_ALL };
	call.headers[1] = (struct http_header){ "Cache-Control", "no-cache" };
	call.answer_ceiling = MANIFEST_CEILING;
	for (size_t odd = 1;; odd++) {
		CLEANUP(http_answer_clear) struct http_answer answer = { 0 };

		if (!http_call(s->client, w, &call, &answer, err))
			return false;
		if (answer.status == 404)
			return true;
		if (answer.status != 200)
			return http_answer_err(&call, &answer, err);
		if (parse_answer(s, &answer, like, ret, err))
			return true;
		if (odd > ODD_ANSWERS_MAX ||
		    http_again(s->client, w, &call, &history, &answer, err) == HTTP_OVER)
			return false;
	}
}

/* OCI distribution 1.1, "Error Codes": 1 and 5, and what docker-registry makes of them. */
static bool names_missing_blobs(const char *words)
{
	return strstr(words, "BLOB_UNKNOWN") || strstr(words, "MANIFEST_UNKNOWN") ||
	       strstr(words, "blob unknown") || strstr(words, "MANIFEST_INVALID");
}

static bool names_immutability(const char *words)
{
	return strcasestr(words, "immutab") || strcasestr(words, "cannot overwrite") ||
	       strcasestr(words, "TAG_INVALID");
}

/* What the tag is on now decides when the registry will not say: ours, the one before, or somebody's. */
enum present { PRESENT_OURS, PRESENT_OTHER, PRESENT_NOT_OURS, PRESENT_NOT_KNOWN };

static enum present look(const struct world *w, struct session *s, const struct manifest *m,
			 const char *reference, const struct digest *before,
			 struct digest *ret_there)
{
	CLEANUP(manifest_freep) struct manifest *there = NULL;
	struct err ignored = ERR_INIT;
	bool known = manifest_get(w, s, reference, &m->digest, &there, &ignored);

	err_clear(&ignored);
	if (!known)
		return PRESENT_NOT_KNOWN;
	if (!there)
		return PRESENT_NOT_OURS;
	*ret_there = there->digest;
	if (digest_same(&there->digest, &m->digest))
		return PRESENT_OURS;
	return before && !digest_same(&there->digest, before) ? PRESENT_OTHER : PRESENT_NOT_OURS;
}

static enum manifest_outcome other_was_faster(const char *reference, const struct digest *there,
					      const struct manifest *m, struct err *err)
{
	err_set(err, ERR_OTHER_DIGEST, "'%s' is on '%s' now, not on '%s'", reference, there->text,
		m->digest.text);
	err_cause(err, "somebody else pushed to that tag meanwhile");
	return MANIFEST_REFUSED;
}

/* A tag that may not be moved is no failure when it is where we want it. */
static enum manifest_outcome read_immutability(const struct world *w, struct session *s,
					       const struct manifest *m, const char *reference,
					       struct err *err)
{
	struct digest there = { "" };

	switch (look(w, s, m, reference, NULL, &there)) {
	case PRESENT_OURS:
		err_clear(err);
		return MANIFEST_TAKEN;
	case PRESENT_NOT_OURS:
		if (there.text[0]) {
			err->code = ERR_OTHER_DIGEST;
			err_wrap(err, "'%s' may not be moved from '%s' to '%s'", reference,
				 there.text, m->digest.text);
			err_cause(err, "the registry does not allow tags to be overwritten");
		}
		return MANIFEST_REFUSED;
	case PRESENT_OTHER:
	case PRESENT_NOT_KNOWN:
		break;
	}
	return MANIFEST_REFUSED;
}

struct put {
	const struct world *w;
	struct session *s;
	const struct manifest *m;
	const char *reference;
	const struct digest *before;
	struct http_call call;
	struct http_history history;
	size_t odd_answers;
	bool may_have_landed;
};

static bool is_success(int status)
{
	return status == 200 || status == 201 || status == 202 || status == 204;
}

/* True when RET is the outcome; false when another attempt is due. */
static bool read_put_answer(struct put *p, const struct http_answer *answer,
			    enum manifest_outcome *ret, struct err *err)
{
	CLEANUP(mem_freep) char *words = refusal_words(answer->body, answer->body_len);

	*ret = MANIFEST_REFUSED;
	if (is_success(answer->status)) {
		*ret = MANIFEST_TAKEN;
		return true;
	}
	http_answer_err(&p->call, answer, err);
	if (answer->status < 400)
		err->code = ERR_NO_REGISTRY;
	if (names_immutability(words)) {
		*ret = read_immutability(p->w, p->s, p->m, p->reference, err);
		return true;
	}
	if ((answer->status == 400 || answer->status == 404) && names_missing_blobs(words)) {
		*ret = MANIFEST_BLOBS_MISSING;
		return true;
	}
	if (answer->status == 413)
		err_cause(err, "the manifest is larger than the registry takes (%zu bytes)",
			  p->m->size_bytes);
	return p->odd_answers++ >= ODD_ANSWERS_MAX ||
	       http_again(p->s->client, p->w, &p->call, &p->history, answer, err) == HTTP_OVER;
}

/* After a lost answer; true when RET is the outcome. */
static bool settle_by_looking(struct put *p, enum manifest_outcome *ret, struct err *err)
{
	struct digest there = { "" };

	switch (look(p->w, p->s, p->m, p->reference, p->before, &there)) {
	case PRESENT_OURS:
		*ret = MANIFEST_TAKEN;
		return true;
	case PRESENT_OTHER:
		*ret = other_was_faster(p->reference, &there, p->m, err);
		return true;
	case PRESENT_NOT_OURS:
	case PRESENT_NOT_KNOWN:
		break;
	}
	return false;
}

static bool put_once(struct put *p, enum manifest_outcome *ret, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	size_t faults = p->history.faults, attempts = p->history.attempts;
	enum http_outcome outcome =
		http_attempt(p->s->client, p->w, &p->call, &p->history, &answer, err);

	/* no answer, or a server's own failure: it may have been taken all the same */
	if (p->history.attempts > attempts &&
	    (answer.status >= 500 ||
	     (answer.status == 0 && p->history.failure != HTTP_FAILED_BEFORE_SENDING)))
		p->may_have_landed = true;
	switch (outcome) {
	case HTTP_ANSWERED:
		return read_put_answer(p, &answer, ret, err);
	case HTTP_AGAIN:
		if (p->history.faults == faults)
			return false; /* a refusal: it was not taken */
		return settle_by_looking(p, ret, err);
	case HTTP_OVER:
		break;
	}
	if (err->code == ERR_DENIED && err->evidence && names_immutability(err->evidence)) {
		*ret = read_immutability(p->w, p->s, p->m, p->reference, err);
		return true;
	}
	*ret = p->may_have_landed ? MANIFEST_UNKNOWN : MANIFEST_REFUSED;
	return true;
}

enum manifest_outcome manifest_put(const struct world *w, struct session *s,
				   const struct manifest *m, const char *reference,
				   const struct digest *before, struct err *err)
{
	CLEANUP(mem_freep) char *url = session_url(s, "manifests/%s", reference);
	struct put p = { .w = w, .s = s, .m = m, .reference = reference, .before = before };
	enum manifest_outcome outcome;

	p.call = manifest_call(s, "PUT", url);
	p.call.headers[0] = (struct http_header){ "Content-Type", m->media_type };
	p.call.patient = true;
	p.call.bytes = m->bytes;
	p.call.size = m->size_bytes;
	while (!put_once(&p, &outcome, err))
		;
	return outcome;
}
