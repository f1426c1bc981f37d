#include "http/url.h"

#include "base/mem.h"
#include "base/secret.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

static void url_cleanupp(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_freep(char **p)
{
	curl_free(*p);
}

static bool parse(CURLU *u, const char *text)
{
	return curl_url_set(u, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK;
}

static bool get(CURLU *u, CURLUPart part, unsigned int flags, char **ret)
{
	CLEANUP(curl_freep) char *value = NULL;

	if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
		return false;
	*ret = mem_strdup(value);
	return true;
}

static bool is_http(CURLU *u)
{
	CLEANUP(mem_freep) char *scheme = NULL;

	return get(u, CURLUPART_SCHEME, 0, &scheme) &&
	       (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
}

/* The library would make something of them. */
static bool has_space_or_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= 0x20 || *text == 0x7f)
			return true;
	return false;
}

bool url_resolve(const char *base, const char *target, char **ret, struct err *err)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();

	if (has_space_or_control(target) || !parse(u, base) || !parse(u, target) || !is_http(u) ||
	    !get(u, CURLUPART_URL, 0, ret))
		return err_set(err, ERR_NET, "'%.200s' is no URL that can be followed", target);
	return true;
}

bool url_add_query(const char *url, const char *key, const char *value, char **ret, struct err *err)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();
	CLEANUP(mem_freep) char *pair = mem_printf("%s=%s", key, value);

	if (!parse(u, url) ||
	    curl_url_set(u, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) !=
		    CURLUE_OK ||
	    !get(u, CURLUPART_URL, 0, ret))
		return err_set(err, ERR_NET, "'%.200s' is no URL that can be used", url);
	return true;
}

char *url_encode(const char *text)
{
	CLEANUP(curl_freep) char *encoded = curl_easy_escape(NULL, text, 0);
	char *copy = mem_strdup(encoded ? encoded : "");

	if (encoded)
		secret_wipe(encoded, strlen(encoded));
	return copy;
}

char *url_decode(const char *text)
{
	CLEANUP(curl_freep) char *decoded = curl_easy_unescape(NULL, text, 0, NULL);
	char *copy = mem_strdup(decoded ? decoded : "");

	if (decoded)
		secret_wipe(decoded, strlen(decoded));
	return copy;
}

static bool get_origin(const char *url, char **ret_scheme, char **ret_host, char **ret_port)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();

	return parse(u, url) && get(u, CURLUPART_SCHEME, 0, ret_scheme) &&
	       get(u, CURLUPART_HOST, 0, ret_host) &&
	       get(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, ret_port);
}

/* URL is ORIGIN, a scheme and an authority alone, with a path behind it: no need to take both apart. */
static bool begins_with_origin(const char *url, const char *origin)
{
	size_t len = strlen(origin);
	const char *authority = strstr(origin, "://");

	return authority && !strpbrk(authority + 3, "/?#\\") && strncmp(url, origin, len) == 0 &&
	       url[len] == '/';
}

bool url_same_origin(const char *a, const char *b)
{
	CLEANUP(mem_freep) char *scheme_a = NULL, *host_a = NULL, *port_a = NULL;
	CLEANUP(mem_freep) char *scheme_b = NULL, *host_b = NULL, *port_b = NULL;

	if (begins_with_origin(a, b))
		return true;
	return get_origin(a, &scheme_a, &host_a, &port_a) &&
	       get_origin(b, &scheme_b, &host_b, &port_b) && strcmp(scheme_a, scheme_b) == 0 &&
	       strcasecmp(host_a, host_b) == 0 && strcmp(port_a, port_b) == 0;
}

bool url_is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

static bool only_lacks_https(const char *base, const char *url)
{
	CLEANUP(mem_freep) char *ours = url_authority(base);
	CLEANUP(mem_freep) char *theirs = url_authority(url);

	return url_is_https(base) && !url_is_https(url) && ours && theirs &&
	       strcasecmp(ours, theirs) == 0;
}

char *url_keep_https(const char *base, const char *url)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();
	CLEANUP(mem_freep) char *port = NULL;
	char *kept = NULL;

	if (!only_lacks_https(base, url) || !parse(u, url))
		return mem_strdup(url);
	if (!get(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &port))
		curl_url_set(u, CURLUPART_PORT, NULL, 0); /* an explicit :80 goes with http */
	curl_url_set(u, CURLUPART_SCHEME, "https", 0);
	return get(u, CURLUPART_URL, 0, &kept) ? kept : mem_strdup(url);
}

char *url_authority(const char *url)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();
	CLEANUP(mem_freep) char *host = NULL;
	CLEANUP(mem_freep) char *port = NULL;

	if (!parse(u, url) || !get(u, CURLUPART_HOST, 0, &host))
		return NULL;
	if (!get(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &port))
		return TAKE(host);
	return mem_printf("%s:%s", host, port);
}

static char *part_of(const char *url, CURLUPart part, const char *otherwise)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();
	char *value = NULL;

	if (!parse(u, url))
		return NULL;
	return get(u, part, 0, &value) ? value : mem_strdup(otherwise);
}

char *url_path(const char *url)
{
	return part_of(url, CURLUPART_PATH, "/");
}

char *url_query(const char *url)
{
	return part_of(url, CURLUPART_QUERY, "");
}

/* "/uploads/" with nothing behind it is where uploads begin: that is no secret. */
static void hide_upload(char *url)
{
	char *place = strstr(url, "/uploads/");

	if (place && strlen(place) > strlen("/uploads/..."))
		memcpy(place + strlen("/uploads/"), "...", sizeof("..."));
}

char *url_shown(const char *url)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();
	char *shown = NULL;

	if (!parse(u, url))
		return mem_strdup("(no URL)");
	curl_url_set(u, CURLUPART_QUERY, NULL, 0);
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	curl_url_set(u, CURLUPART_USER, NULL, 0);
	curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	if (!get(u, CURLUPART_URL, 0, &shown))
		return mem_strdup("(no URL)");
	hide_upload(shown);
	return shown;
}

static char *bare_host(const char *authority_or_url)
{
	CLEANUP(mem_freep)
	char *url = strstr(authority_or_url, "://") ? mem_strdup(authority_or_url)
						    : mem_printf("https://%s/", authority_or_url);
	CLEANUP(url_cleanupp) CURLU *u = curl_url();
	CLEANUP(mem_freep)
	char *without_zone = mem_strndup(authority_or_url, strcspn(authority_or_url, "%"));
	struct in6_addr bare;
	char *host = NULL;

	if (inet_pton(AF_INET6, without_zone, &bare) == 1)
		return TAKE(without_zone);
	if (!parse(u, url) || !get(u, CURLUPART_HOST, 0, &host))
		return mem_strdup("");
	if (host[0] == '[') {
		memmove(host, host + 1, strlen(host));
		host[strcspn(host, "]%")] = '\0';
	}
	return host;
}

static enum host_kind kind_of_ipv4(const unsigned char b[4])
{
	if (b[0] == 127)
		return HOST_LOOPBACK;
	return b[0] == 0 || (b[0] == 169 && b[1] == 254) ? HOST_LINK_LOCAL : HOST_ELSEWHERE;
}

static bool is_aws_metadata(const struct in6_addr *a)
{
	static const struct in6_addr fd00_ec2_254 = { { { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02,
							  0x54 } } };

	return IN6_ARE_ADDR_EQUAL(a, &fd00_ec2_254);
}

static enum host_kind kind_of_ipv6(const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		return kind_of_ipv4(a->s6_addr + 12);
	if (IN6_IS_ADDR_LOOPBACK(a))
		return HOST_LOOPBACK;
	return IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_UNSPECIFIED(a) || is_aws_metadata(a)
		       ? HOST_LINK_LOCAL
		       : HOST_ELSEWHERE;
}

enum host_kind host_kind_of(const char *authority_or_url)
{
	CLEANUP(mem_freep) char *host = bare_host(authority_or_url);
	struct in6_addr v6;
	struct in_addr v4;
	size_t len = strlen(host);

	while (len && host[len - 1] == '.')
		host[--len] = '\0';
	if (inet_aton(host, &v4)) /* also the short and octal forms that a resolver accepts */
		return kind_of_ipv4((const unsigned char *)&v4.s_addr);
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return kind_of_ipv6(&v6);
	if (strcasecmp(host, "localhost") == 0 ||
	    (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0))
		return HOST_LOOPBACK;
	if (strcasecmp(host, "metadata.google.internal") == 0 || strcasecmp(host, "metadata") == 0)
		return HOST_LINK_LOCAL;
	return HOST_ELSEWHERE;
}

bool host_may_lead_to(const char *from, const char *to)
{
	enum host_kind kind = host_kind_of(to);

	return kind == HOST_ELSEWHERE ||
	       (kind == HOST_LOOPBACK && host_kind_of(from) == HOST_LOOPBACK);
}

char *url_renamed(const char *url, const char *host, char **ret_place)
{
	CLEANUP(url_cleanupp) CURLU *u = curl_url();
	CLEANUP(mem_freep) char *own = NULL;
	CLEANUP(mem_freep) char *port = NULL;
	char *renamed = NULL;

	if (!parse(u, url) || !get(u, CURLUPART_HOST, 0, &own) ||
	    !get(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, &port) ||
	    curl_url_set(u, CURLUPART_HOST, host, 0) != CURLUE_OK ||
	    !get(u, CURLUPART_URL, 0, &renamed))
		return NULL;
	*ret_place = mem_printf("::%s:%s", own, port);
	return renamed;
}
