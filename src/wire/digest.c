#include "wire/digest.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <string.h>

static const struct algorithm {
	const char *name;
	size_t hex_len;
	const EVP_MD *(*md)(void);
} algorithms[] = {
	{ "sha256", 64, EVP_sha256 },
	{ "sha512", 128, EVP_sha512 },
};

struct hasher {
	const struct algorithm *algorithm;
	EVP_MD_CTX *ctx;
	int64_t bytes;
};

static const struct algorithm *algorithm_of(const char *text)
{
	const char *colon = strchr(text, ':');

	for (size_t i = 0; colon && i < ARRAY_SIZE(algorithms); i++) {
		size_t len = strlen(algorithms[i].name);

		if ((size_t)(colon - text) == len && memcmp(text, algorithms[i].name, len) == 0)
			return &algorithms[i];
	}
	return NULL;
}

bool digest_is_valid(const char *text)
{
	const struct algorithm *a = algorithm_of(text);
	const char *hex;

	if (!a)
		return false;
	hex = text + strlen(a->name) + 1;
	return strlen(hex) == a->hex_len && strspn(hex, "0123456789abcdef") == a->hex_len;
}

bool digest_parse(const char *text, enum err_code code, struct digest *ret, struct err *err)
{
	if (!digest_is_valid(text))
		return err_set(err, code, "'%.150s' is not a sha256 or sha512 digest", text);
	memset(ret->text, 0, sizeof(ret->text));
	memcpy(ret->text, text, strlen(text));
	return true;
}

bool digest_same(const struct digest *a, const struct digest *b)
{
	return strcmp(a->text, b->text) == 0;
}

const char *digest_hex(const struct digest *d)
{
	const char *colon = strchr(d->text, ':');

	return colon ? colon + 1 : d->text;
}

int digest_algorithm_len(const struct digest *d)
{
	const char *colon = strchr(d->text, ':');

	return colon ? (int)(colon - d->text) : 0;
}

struct hasher *hasher_new(const struct digest *like)
{
	const struct algorithm *a = like ? algorithm_of(like->text) : NULL;
	struct hasher *h = NEW(struct hasher);

	h->algorithm = a ? a : &algorithms[0];
	h->ctx = EVP_MD_CTX_new();
	hasher_reset(h);
	return h;
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hasher_reset(struct hasher *h)
{
	EVP_DigestInit_ex(h->ctx, h->algorithm->md(), NULL);
	h->bytes = 0;
}

void hasher_add(struct hasher *h, const void *bytes, size_t len)
{
	EVP_DigestUpdate(h->ctx, bytes, len);
	h->bytes += (int64_t)len;
}

int64_t hasher_bytes(const struct hasher *h)
{
	return h->bytes;
}

static void put_hex(char *out, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
}

struct digest hasher_finish(struct hasher *h)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct digest d = { "" };
	size_t name_len = strlen(h->algorithm->name);
	unsigned int len = 0;

	EVP_DigestFinal_ex(h->ctx, md, &len);
	memcpy(d.text, h->algorithm->name, name_len);
	d.text[name_len] = ':';
	put_hex(d.text + name_len + 1, md, len);
	return d;
}

struct digest digest_of(const void *bytes, size_t len)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(NULL);

	hasher_add(h, bytes, len);
	return hasher_finish(h);
}

void secret_fingerprint(const struct secret *s, char ret[FINGERPRINT_SIZE])
{
	struct digest d = digest_of(secret_reveal(s), secret_len(s));
	const char *hex = digest_hex(&d);

	memcpy(ret, hex + strlen(hex) - (FINGERPRINT_SIZE - 1), FINGERPRINT_SIZE);
}
