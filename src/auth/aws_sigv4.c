#include "auth/aws_sigv4.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/url.h"
#include "wire/digest.h"
#include "wire/hmac.h"

#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define CANONICAL_CEILING (64 * KIB)
#define SIGNED_HEADERS_MAX (AWS_HEADERS_MAX + 3)
#define DAY_LEN 8 /* of "20150830T123600Z" */

void aws_credentials_clear(struct aws_credentials *c)
{
	free(c->key_id);
	secret_free(c->secret_key);
	secret_free(c->session_token);
	*c = (struct aws_credentials){ 0 };
}

void aws_signature_clear(struct aws_signature *s)
{
	secret_free(s->authorization);
	*s = (struct aws_signature){ .date = "" };
}

/* Canonical request: each part has one spelling, so that both sides hash the same bytes */

static void add_path(struct buf *out, const char *path)
{
	if (*path != '/')
		buf_putc(out, '/');
	while (*path) {
		size_t len = strcspn(path, "/");
		CLEANUP(mem_freep) char *segment = mem_strndup(path, len);
		CLEANUP(mem_freep) char *encoded = url_encode(segment);

		buf_puts(out, encoded);
		path += len;
		if (*path == '/')
			buf_putc(out, *path++);
	}
}

struct parameter {
	char *name;
	char *value;
};

struct parameters {
	struct parameter *at;
	size_t count;
};

static void parameters_clear(struct parameters *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->at[i].name);
		free(p->at[i].value);
	}
	free(p->at);
}

static char *encode_again(const char *encoded)
{
	CLEANUP(mem_freep) char *plain = url_decode(encoded);

	return url_encode(plain);
}

static void parameters_add(struct parameters *p, const char *text, size_t len)
{
	CLEANUP(mem_freep) char *name = mem_strndup(text, len);
	char *value = strchr(name, '=');

	if (value)
		*value++ = '\0';
	p->at = mem_realloc(p->at, p->count + 1, sizeof(*p->at));
	p->at[p->count++] = (struct parameter){ .name = encode_again(name),
						.value = encode_again(value ? value : "") };
}

static int by_name_and_value(const void *a, const void *b)
{
	const struct parameter *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : strcmp(left->value, right->value);
}

static void add_query(struct buf *out, const char *query)
{
	CLEANUP(parameters_clear) struct parameters list = { 0 };

	while (*query) {
		size_t len = strcspn(query, "&");

		if (len)
			parameters_add(&list, query, len);
		query += len + (query[len] == '&');
	}
	if (list.count)
		qsort(list.at, list.count, sizeof(*list.at), by_name_and_value);
	for (size_t i = 0; i < list.count; i++)
		buf_printf(out, "%s%s=%s", i ? "&" : "", list.at[i].name, list.at[i].value);
}

/* Spaces around a value go, those within it become one. */
static void add_value(struct buf *out, const char *value)
{
	bool space = false;

	for (value += strspn(value, " \t"); *value; value++) {
		bool is_space = *value == ' ' || *value == '\t';

		if (!is_space && space)
			buf_putc(out, ' ');
		if (!is_space)
			buf_putc(out, *value);
		space = is_space;
	}
}

struct signed_headers {
	struct http_header at[SIGNED_HEADERS_MAX];
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct http_header *)a)->name, ((const struct http_header *)b)->name);
}

static struct signed_headers headers_of(const struct aws_credentials *credentials,
					const struct aws_request *r, const char *date)
{
	struct signed_headers h = { .at = { { "host", r->host }, { "x-amz-date", date } },
				    .count = 2 };

	if (credentials->session_token)
		h.at[h.count++] = (struct http_header){ "x-amz-security-token",
							secret_reveal(credentials->session_token) };
	for (size_t i = 0; i < AWS_HEADERS_MAX && r->headers[i].name; i++)
		h.at[h.count++] = r->headers[i];
	qsort(h.at, h.count, sizeof(h.at[0]), by_name);
	return h;
}

static void add_names(struct buf *out, const struct signed_headers *h)
{
	for (size_t i = 0; i < h->count; i++)
		buf_printf(out, "%s%s", i ? ";" : "", h->at[i].name);
}

static struct digest canonical_digest(const struct aws_request *r, const struct signed_headers *h)
{
	struct buf text = BUF_INIT(CANONICAL_CEILING);
	struct digest nothing = digest_of("", 0), d;

	buf_printf(&text, "%s\n", r->method);
	add_path(&text, r->path);
	buf_putc(&text, '\n');
	add_query(&text, r->query);
	buf_putc(&text, '\n');
	for (size_t i = 0; i < h->count; i++) {
		buf_printf(&text, "%s:", h->at[i].name);
		add_value(&text, h->at[i].value);
		buf_putc(&text, '\n');
	}
	buf_putc(&text, '\n');
	add_names(&text, h);
	buf_printf(&text, "\n%s", digest_hex(&nothing));
	d = digest_of(buf_str(&text), text.len);
	buf_wipe(&text); /* the session token is in it */
	return d;
}

/* A key for one day, region and service, so that the secret itself need not be where signatures are checked. */
static struct hmac signing_key(const struct secret *secret_key, const struct aws_request *r,
			       const char *date)
{
	const char *const steps[] = { r->region, r->service, "aws4_request" };
	CLEANUP(mem_freep) char *first = mem_printf("AWS4%s", secret_reveal(secret_key));
	struct hmac key = hmac_sha256(first, strlen(first), date, DAY_LEN);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		key = hmac_sha256(key.bytes, sizeof(key.bytes), steps[i], strlen(steps[i]));
	secret_wipe(first, strlen(first));
	return key;
}

static void put_date(int64_t wall_ms, char ret[AWS_DATE_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(ret, AWS_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm))
		ret[0] = '\0'; /* the year 10000: nobody takes that signature */
}

void aws_sigv4_sign(const struct aws_credentials *credentials, const struct aws_request *request,
		    struct aws_signature *ret)
{
	struct buf header = BUF_INIT(CANONICAL_CEILING);
	CLEANUP(mem_freep) char *scope = NULL;
	CLEANUP(mem_freep) char *to_sign = NULL;
	struct signed_headers headers;
	struct digest canonical;
	struct hmac key, signature;
	char hex[HMAC_HEX_SIZE];

	put_date(request->now_wall_ms, ret->date);
	headers = headers_of(credentials, request, ret->date);
	canonical = canonical_digest(request, &headers);
	scope = mem_printf("%.*s/%s/%s/aws4_request", DAY_LEN, ret->date, request->region,
			   request->service);
	to_sign = mem_printf("%s\n%s\n%s\n%s", ALGORITHM, ret->date, scope, digest_hex(&canonical));
	key = signing_key(credentials->secret_key, request, ret->date);
	signature = hmac_sha256(key.bytes, sizeof(key.bytes), to_sign, strlen(to_sign));
	secret_wipe(&key, sizeof(key));
	hmac_hex(&signature, hex);
	buf_printf(&header, "%s Credential=%s/%s, SignedHeaders=", ALGORITHM, credentials->key_id,
		   scope);
	add_names(&header, &headers);
	buf_printf(&header, ", Signature=%s", hex);
	ret->authorization = secret_new(buf_str(&header), header.len);
	buf_wipe(&header);
}
