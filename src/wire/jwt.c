#include "wire/jwt.h"

#include "base/mem.h"
#include "wire/base64.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

/* Year 9999: a moment beyond it is none. */
#define EXPIRES_LAST_S 253402300799.0

/* struct jwt_key is the library's EVP_PKEY under a name of ours. */
static EVP_PKEY *theirs(const struct jwt_key *k)
{
	return (EVP_PKEY *)k;
}

/* Signing */

static char *with_line_ends(const struct secret *pem)
{
	const char *from = secret_reveal(pem);
	char *text = mem_alloc(secret_len(pem) + 1), *to = text;

	while (*from) {
		bool escaped = from[0] == '\\' && (from[1] == 'n' || from[1] == 'r');

		*to++ = escaped ? '\n' : *from;
		from += escaped ? 2 : 1;
	}
	return text;
}

/* Without one the library would ask the terminal for a passphrase. */
static int no_passphrase(char *buf, int size, int for_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)for_writing;
	(void)arg;
	return -1;
}

bool jwt_key_parse(const struct secret *pem, struct jwt_key **ret, struct err *err)
{
	char *text = with_line_ends(pem);
	size_t len = strlen(text);
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	secret_wipe(text, secret_len(pem));
	free(text);
	ERR_clear_error();
	if (!key)
		return err_set(err, ERR_NO_CREDENTIAL, "not a private key in PEM form");
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		return err_set(err, ERR_NO_CREDENTIAL, "a private key, but not an RSA one");
	}
	*ret = (struct jwt_key *)key;
	return true;
}

void jwt_key_free(struct jwt_key *k)
{
	EVP_PKEY_free(theirs(k)); /* which wipes it */
}

static void md_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3). The caller frees. */
static char *signature_of(const struct jwt_key *key, const char *text)
{
	CLEANUP(md_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP(mem_freep) unsigned char *bytes = NULL;
	size_t len = 0;
	bool signed_it;

	signed_it = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, theirs(key)) == 1 &&
		    EVP_DigestSign(ctx, NULL, &len, (const unsigned char *)text, strlen(text)) == 1;
	if (signed_it) {
		bytes = mem_alloc(len);
		signed_it = EVP_DigestSign(ctx, bytes, &len, (const unsigned char *)text,
					   strlen(text)) == 1;
	}
	ERR_clear_error();
	return signed_it ? base64url_encode(bytes, len) : NULL;
}

static char *encoded_json(const struct js *j)
{
	CLEANUP(mem_freep) char *text = js_text(j, JS_COMPACT);

	return base64url_encode(text, strlen(text));
}

bool jwt_sign(const struct jwt_key *key, const struct js *header, const struct js *claims,
	      struct secret **ret, struct err *err)
{
	CLEANUP(mem_freep) char *head = encoded_json(header);
	CLEANUP(mem_freep) char *body = encoded_json(claims);
	CLEANUP(mem_freep) char *signed_text = mem_printf("%s.%s", head, body);
	CLEANUP(mem_freep) char *signature = signature_of(key, signed_text);
	CLEANUP(mem_freep) char *whole = NULL;

	if (!signature)
		return err_set(err, ERR_NO_CREDENTIAL, "the private key cannot sign");
	whole = mem_printf("%s.%s", signed_text, signature);
	*ret = secret_new(whole, strlen(whole));
	secret_wipe(whole, strlen(whole));
	return true;
}

/* Reading */

/* The JSON object of one part; the caller frees. */
static struct js *object_of(const char *part, size_t len)
{
	CLEANUP(secret_freep) struct secret *clear = NULL;
	CLEANUP(js_freep) struct js *j = NULL;
	struct err ignored = ERR_INIT;

	if (!base64url_decode(part, len, &clear))
		return NULL;
	if (!js_parse(secret_reveal(clear), secret_len(clear), JWT_CEILING, ERR_NO_CREDENTIAL, &j,
		      &ignored))
		err_clear(&ignored);
	return js_is_object(j) ? TAKE(j) : NULL;
}

/* RFC 7519 §2, NumericDate: seconds, which may have a fraction. */
static int64_t moment_of(const struct js *j)
{
	double seconds;

	if (!js_number(j, &seconds) || !(seconds >= 0 && seconds <= EXPIRES_LAST_S))
		return -1;
	return (int64_t)(seconds * 1000);
}

bool jwt_read(const char *text, size_t len, struct jwt_claims *ret)
{
	const char *first = memchr(text, '.', len);
	const char *second =
		first ? memchr(first + 1, '.', len - (size_t)(first + 1 - text)) : NULL;
	CLEANUP(js_freep) struct js *header = NULL;
	CLEANUP(js_freep) struct js *claims = NULL;

	*ret = (struct jwt_claims){ .expires_wall_ms = -1 };
	if (len > JWT_CEILING || !second ||
	    memchr(second + 1, '.', len - (size_t)(second + 1 - text)))
		return false;
	header = object_of(text, (size_t)(first - text));
	claims = object_of(first + 1, (size_t)(second - first - 1));
	if (!header || !claims)
		return false;
	ret->expires_wall_ms = moment_of(js_get(claims, "exp"));
	ret->subject = mem_strdup_or_null(js_string(js_get(claims, "sub")));
	ret->email = mem_strdup_or_null(js_string(js_get(claims, "email")));
	return true;
}

void jwt_claims_clear(struct jwt_claims *c)
{
	free(c->subject);
	free(c->email);
	*c = (struct jwt_claims){ .expires_wall_ms = -1 };
}
