#include "image/reference.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_LEN_MAX 1024
#define HOST_LEN_MAX 255
#define REPOSITORY_LEN_MAX 255
#define TAG_LEN_MAX 128
#define IMAGE_ID_LEN 64

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define DEFAULT_HOST "docker.io"
#define DEFAULT_NAMESPACE "library/"
#define DEFAULT_TAG "latest"

static void lower_case(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

bool reference_tag_is_valid(const char *tag)
{
	size_t len = strspn(tag, LOWER UPPER DIGITS "_.-");

	return len > 0 && len <= TAG_LEN_MAX && tag[len] == '\0' && *tag != '.' && *tag != '-';
}

/*
 * What may stand between two runs of letters and digits: one dot, one or two underscores, any
 * dashes.
 */
static size_t separator_len(const char *s)
{
	size_t len;

	if (*s == '.')
		return 1;
	len = strspn(s, "_");
	if (len)
		return len <= 2 ? len : 0;
	return strspn(s, "-");
}

bool reference_repository_is_valid(const char *repository)
{
	const char *s = repository;

	if (strlen(repository) > REPOSITORY_LEN_MAX)
		return false;
	for (;;) {
		size_t len = strspn(s, LOWER DIGITS);

		if (len == 0)
			return false;
		s += len;
		if (*s == '\0')
			return true;
		len = *s == '/' ? 1 : separator_len(s);
		if (len == 0)
			return false;
		s += len;
	}
}

/* "" or ":PORT" */
static bool port_is_valid(const char *s)
{
	size_t len;
	long port;

	if (*s == '\0')
		return true;
	if (*s++ != ':')
		return false;
	len = strspn(s, DIGITS);
	port = len <= 5 ? strtol(s, NULL, 10) : 0;
	return len > 0 && s[len] == '\0' && port > 0 && port <= 65535;
}

static bool ipv6_host_is_valid(const char *host)
{
	CLEANUP(mem_freep) char *address = mem_strndup(host + 1, strcspn(host + 1, "]"));
	const char *end = strchr(host, ']');
	struct in6_addr ignored;

	return end && inet_pton(AF_INET6, address, &ignored) == 1 && port_is_valid(end + 1);
}

static bool host_is_valid(const char *host)
{
	const char *s = host;

	if (*s == '[')
		return ipv6_host_is_valid(s);
	for (;;) {
		size_t len = strspn(s, LOWER DIGITS "-");

		if (len == 0 || s[0] == '-' || s[len - 1] == '-')
			return false;
		s += len;
		if (*s != '.')
			return port_is_valid(s);
		s++;
	}
}

/*
 * What stands before the first slash is a host if it cannot be a part of a repository. docker also
 * takes capitals for the sign of a host, so that 'MyOrg/app' fails as an unknown host; here it
 * fails for its capitals.
 */
static bool is_host(const char *first, size_t len)
{
	if (len == strlen("localhost") && memcmp(first, "localhost", len) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (strchr(".:[", first[i]))
			return true;
	return false;
}

/* Takes the host, if one is there, off the front of *rest. */
static bool split_host(const char **rest, struct reference *ret, struct err *err)
{
	const char *slash = strchr(*rest, '/');

	if (!slash || !is_host(*rest, (size_t)(slash - *rest))) {
		ret->host = mem_strdup(DEFAULT_HOST);
		return true;
	}
	ret->host = mem_strndup(*rest, (size_t)(slash - *rest));
	*rest = slash + 1;
	lower_case(ret->host);
	if (strlen(ret->host) > HOST_LEN_MAX)
		return err_set(err, ERR_USAGE, "host is longer than %d characters", HOST_LEN_MAX);
	if (!host_is_valid(ret->host))
		return err_set(err, ERR_USAGE, "'%s' is not a valid host", ret->host);
	if (strcmp(ret->host, "index.docker.io") == 0)
		mem_replace(&ret->host, DEFAULT_HOST);
	return true;
}

static bool refuse_repository(const char *repository, struct err *err)
{
	CLEANUP(mem_freep) char *lower = mem_strdup(repository);

	lower_case(lower);
	if (*repository == '\0')
		return err_set(err, ERR_USAGE, "repository is missing");
	if (strlen(repository) > REPOSITORY_LEN_MAX)
		return err_set(err, ERR_USAGE, "repository is longer than %d characters",
			       REPOSITORY_LEN_MAX);
	if (reference_repository_is_valid(lower)) {
		err_set(err, ERR_USAGE, "repository '%s' must be lower case", repository);
		err_hint(err, "write '%s'", lower);
		return false;
	}
	return err_set(err, ERR_USAGE, "'%s' is not a valid repository", repository);
}

/* docker keeps 64 hex digits for the IDs of local images. */
static bool is_image_id(const char *repository)
{
	return strlen(repository) == IMAGE_ID_LEN &&
	       strspn(repository, DIGITS "abcdef") == IMAGE_ID_LEN;
}

static bool take_repository(const char *text, size_t len, struct reference *ret, struct err *err)
{
	CLEANUP(mem_freep) char *repository = mem_strndup(text, len);

	if (!reference_repository_is_valid(repository))
		return refuse_repository(repository, err);
	if (strcmp(ret->host, DEFAULT_HOST) == 0 && is_image_id(repository))
		return err_set(err, ERR_USAGE, "'%s' is the ID of an image, not a name",
			       repository);
	if (strcmp(ret->host, DEFAULT_HOST) == 0 && !strchr(repository, '/'))
		ret->repository = mem_printf(DEFAULT_NAMESPACE "%s", repository);
	else
		ret->repository = TAKE(repository);
	return reference_repository_is_valid(ret->repository) ||
	       refuse_repository(ret->repository, err);
}

static bool take_tag(const char *text, size_t len, struct reference *ret, struct err *err)
{
	ret->tag = mem_strndup(text, len);
	if (len > TAG_LEN_MAX)
		return err_set(err, ERR_USAGE, "tag is longer than %d characters", TAG_LEN_MAX);
	if (len == 0)
		return err_set(err, ERR_USAGE, "tag is empty");
	if (!reference_tag_is_valid(ret->tag))
		return err_set(err, ERR_USAGE, "'%s' is not a valid tag", ret->tag);
	return true;
}

static bool parse_parts(const char *text, struct reference *ret, struct err *err)
{
	const char *rest = text, *at, *colon;
	size_t len;

	if (strstr(text, "://"))
		return err_set(err, ERR_USAGE, "a name has no scheme, leave out '%.*s'",
			       (int)(strstr(text, "://") + 3 - text), text);
	if (!split_host(&rest, ret, err))
		return false;
	at = strchr(rest, '@');
	len = at ? (size_t)(at - rest) : strlen(rest);
	colon = memchr(rest, ':', len);
	if (!take_repository(rest, colon ? (size_t)(colon - rest) : len, ret, err))
		return false;
	if (colon && !take_tag(colon + 1, len - (size_t)(colon + 1 - rest), ret, err))
		return false;
	if (at)
		return digest_parse(at + 1, ERR_USAGE, &ret->digest, err);
	if (!colon)
		ret->tag = mem_strdup(DEFAULT_TAG);
	return true;
}

bool reference_parse(const char *text, struct reference *ret, struct err *err)
{
	*ret = (struct reference){ .host = NULL };
	if (*text == '\0')
		return err_set(err, ERR_USAGE, "the name of an image is empty");
	if (strlen(text) > REFERENCE_LEN_MAX)
		return err_set(err, ERR_USAGE, "'%.40s...' is too long for the name of an image",
			       text);
	return parse_parts(text, ret, err) || err_wrap(err, "bad image name '%s'", text);
}

void reference_clear(struct reference *r)
{
	free(r->host);
	free(r->repository);
	free(r->tag);
	*r = (struct reference){ .host = NULL };
}

char *reference_name(const struct reference *r)
{
	return mem_printf("%s/%s", r->host, r->repository);
}

char *reference_text(const struct reference *r)
{
	const char *digest = r->digest.text;

	return mem_printf("%s/%s%s%s%s%s", r->host, r->repository, r->tag ? ":" : "",
			  r->tag ? r->tag : "", *digest ? "@" : "", digest);
}

char *reference_with_digest(const struct reference *r, const struct digest *d)
{
	return mem_printf("%s/%s@%s", r->host, r->repository, d->text);
}
