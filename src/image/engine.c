#include "image/engine.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/transport_curl.h"
#include "http/url.h"
#include "image/engine_private.h"

#include <string.h>

/* The newest version of the API whose answers we know. */
#define API_MINOR_OURS 48
#define API_MINOR_OLDEST 24
#define WORDS_CEILING (64 * KIB)
#define NAME_LEN_MAX 512

/* An engine whose disk is busy takes its time, podman's list of images too. */
static const struct engine_patience patience = { .first_byte_ms = 60000, .stall_ms = 30000 };

void engine_free(struct engine *e)
{
	if (!e)
		return;
	transport_free(e->transport);
	free(e->shown);
	free(e->url);
	free(e->product);
	free(e);
}

const char *engine_product(const struct engine *e)
{
	return e->product;
}

int engine_api_minor(const struct engine *e)
{
	return e->api_minor;
}

bool engine_is_podman(const struct engine *e)
{
	return e->is_podman;
}

/* -- what went wrong */

static void hint_another(const struct engine *e, struct err *err)
{
	switch (e->way) {
	case ENGINE_BY_HOST:
		err_hint(err, "start that engine, or unset DOCKER_HOST");
		break;
	case ENGINE_BY_CONTEXT:
		err_hint(err, "start that engine, or: docker context use default");
		break;
	case ENGINE_BY_DEFAULT:
		err_hint(err, "start the engine (sudo systemctl start docker), or name another in "
			      "DOCKER_HOST");
		break;
	}
}

static bool not_reached(const struct engine *e, struct err *err)
{
	if (err->code == ERR_LOCAL) {
		err_hint(err, "sudo usermod -aG docker \"$USER\", and a new login");
		return err_wrap(err, "the engine at %s does not let us in", e->shown);
	}
	if (err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT)
		return err_wrap(err, "waiting for the engine at %s", e->shown);
	err->code = ERR_NO_SOURCE;
	hint_another(e, err);
	return err_wrap(err, "the engine at %s does not answer", e->shown);
}

/* An error's own words are worth what there is of them. */
static char *words_of(struct http_exchange *x, const struct world *w)
{
	CLEANUP(buf_clear) struct buf body = BUF_INIT(WORDS_CEILING);
	struct err ignored = ERR_INIT;
	char chunk[4 * KIB];
	size_t len = 1;

	while (len && http_read(x, w, chunk, sizeof(chunk), &len, &ignored) &&
	       buf_add(&body, chunk, len))
		;
	err_clear(&ignored);
	return refusal_words(buf_str(&body), body.len);
}

static void no_such_image(const struct engine *e, const char *name, const char *words,
			  struct err *err)
{
	const char *program = e->is_podman ? "podman" : "docker";

	err_set(err, ERR_NO_SOURCE, "the engine at %s has no image '%s'", e->shown, name);
	err_evidence(err, "%s", words);
	err_hint(err, "%s images shows what there is; %s pull %s, or %s build -t %s .", program,
		 program, name, program, name);
}

bool engine_refused(struct engine *e, const struct world *w, struct http_exchange *x,
		    const char *name, struct err *err)
{
	int status = http_status(x);
	CLEANUP(mem_freep) char *words = words_of(x, w);

	if (!world_check(w, err))
		return false;
	if (status == 404 && name) {
		no_such_image(e, name, words, err);
		return false;
	}
	err_set(err, ERR_NO_SOURCE, "the engine at %s answered with %d", e->shown, status);
	err_evidence(err, "%s", words);
	return false;
}

/* -- asking */

bool engine_get(struct engine *e, const struct world *w, const char *path,
		const struct engine_patience *p, struct http_exchange **ret, struct err *err)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s%s", e->url, path);
	const struct http_request r = {
		.method = "GET",
		.url = url,
		.large = true, /* HTTP/1.1: the API knows nothing else */
		.first_byte_ms = p->first_byte_ms,
		.stall_ms = p->stall_ms,
	};
	enum http_failure failure;

	return http_open(e->transport, w, &r, ret, &failure, err) || not_reached(e, err);
}

bool engine_name_check(const char *name, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-/:@+";
	CLEANUP(mem_freep) char *framed = mem_printf("/%.*s/", NAME_LEN_MAX, name);

	if (*name && strlen(name) <= NAME_LEN_MAX && name[strspn(name, allowed)] == '\0' &&
	    !strstr(framed, "//") && !strstr(framed, "/./") && !strstr(framed, "/../"))
		return true;
	err_set(err, ERR_USAGE, "'%.80s' is neither an image's name nor its ID", name);
	err_hint(err, "write NAME[:TAG], NAME@sha256:DIGEST, or an ID");
	return false;
}

/* The whole answer as text under the ceiling of OUT. */
static bool get_text(struct engine *e, const struct world *w, const char *path, const char *name,
		     struct buf *out, struct err *err)
{
	CLEANUP(http_closep) struct http_exchange *x = NULL;
	char chunk[16 * KIB];
	size_t len = 1;

	if (!engine_get(e, w, path, &patience, &x, err))
		return false;
	if (http_status(x) != 200)
		return engine_refused(e, w, x, name, err);
	while (len) {
		if (!http_read(x, w, chunk, sizeof(chunk), &len, err))
			return not_reached(e, err);
		if (!buf_add(out, chunk, len))
			return err_set(err, ERR_CORRUPT,
				       "the engine at %s answers with more than %zu bytes",
				       e->shown, out->ceiling);
	}
	return true;
}

bool engine_inspect(struct engine *e, const struct world *w, const char *name,
		    struct engine_image *ret, struct err *err)
{
	CLEANUP(buf_clear) struct buf text = BUF_INIT(ENGINE_IMAGE_CEILING);
	CLEANUP(mem_freep) char *path = mem_printf("/images/%s/json", name);

	*ret = (struct engine_image){ .size_bytes = -1 };
	if (!engine_name_check(name, err) || !get_text(e, w, path, name, &text, err))
		return false;
	return engine_image_parse(buf_str(&text), text.len, ret, err) ||
	       err_wrap(err, "what the engine at %s says of '%s'", e->shown, name);
}

bool engine_images(struct engine *e, const struct world *w, struct engine_list *ret,
		   struct err *err)
{
	CLEANUP(buf_clear) struct buf text = BUF_INIT(ENGINE_LIST_CEILING);

	*ret = (struct engine_list){ 0 };
	/* not with digests=1: every engine lists them without, and podman 4.3 then answers with nothing */
	if (!get_text(e, w, "/images/json", NULL, &text, err))
		return false;
	return engine_list_parse(buf_str(&text), text.len, ret, err) ||
	       err_wrap(err, "the images of the engine at %s", e->shown);
}

/* -- who is there */

/* "1.41": the number behind the point; -1 for what is no version of this API. */
static int api_minor_of(const char *version)
{
	int minor = 0;

	if (!version || strncmp(version, "1.", 2) != 0 || !version[2] || strlen(version) > 5)
		return -1;
	for (const char *c = version + 2; *c; c++) {
		if (*c < '0' || *c > '9')
			return -1;
		minor = minor * 10 + (*c - '0');
	}
	return minor;
}

static bool no_engine(struct engine *e, const struct world *w, struct http_exchange *x,
		      struct err *err)
{
	CLEANUP(mem_freep) char *words = words_of(x, w);

	err_set(err, ERR_NO_SOURCE, "what answers at %s is no container engine", e->shown);
	err_evidence(err, "%d %s", http_status(x), words);
	if (!e->is_tls && strstr(words, "HTTPS"))
		err_hint(err, "export DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH");
	hint_another(e, err);
	return false;
}

/* _ping stands outside all versions and says which one the engine speaks (Engine API, "Ping"). */
static bool greet(struct engine *e, const struct world *w, struct err *err)
{
	CLEANUP(http_closep) struct http_exchange *x = NULL;
	const char *server;
	int minor;

	if (!engine_get(e, w, "/_ping", &patience, &x, err))
		return false;
	minor = api_minor_of(http_header(x, "API-Version", 0));
	if (minor < 0)
		return no_engine(e, w, x, err);
	if (http_status(x) != 200)
		return engine_refused(e, w, x, NULL, err);
	server = http_header(x, "Server", 0);
	e->product = mem_strdup(server ? server : "an engine");
	e->is_podman = http_header(x, "Libpod-API-Version", 0) != NULL;
	e->api_minor = minor < API_MINOR_OURS ? minor : API_MINOR_OURS;
	if (minor >= API_MINOR_OLDEST)
		return true;
	return err_set(err, ERR_NO_SOURCE,
		       "the engine at %s is too old: its API is 1.%d, 1.%d is needed", e->shown,
		       minor, API_MINOR_OLDEST);
}

static bool make_transport(struct engine *e, const struct world *w,
			   const struct engine_place *place, struct err *err)
{
	CLEANUP(mem_freep) char *authority = url_authority(place->url);
	const struct transport_options options = {
		.sched = w->sched,
		.connect_ms = TRANSPORT_CONNECT_MS,
		.stall_ms = TRANSPORT_STALL_MS,
		.insecure = place->insecure,
		.cacert = place->cacert,
		.only_cacert = true,
		.unix_socket = place->socket,
		.cert = place->cert,
		.key = place->key,
		.own_authority = authority,
	};

	return transport_curl_new(&options, &e->transport, err) ||
	       err_wrap(err, "the engine at %s", e->shown);
}

bool engine_open(const struct world *w, const struct engine_place *place, struct engine **ret,
		 struct err *err)
{
	CLEANUP(engine_freep) struct engine *e = NEW(struct engine);
	char *url;

	e->way = place->way;
	e->shown = mem_printf("'%s' (%s)", place->host, place->why);
	e->url = mem_strdup(place->url);
	e->is_tls = url_is_https(place->url);
	if (!make_transport(e, w, place, err) || !greet(e, w, err))
		return false;
	url = mem_printf("%s/v1.%d", e->url, e->api_minor);
	free(e->url);
	e->url = url;
	*ret = TAKE(e);
	return true;
}
