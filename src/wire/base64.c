#include "wire/base64.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <string.h>

char *base64_encode(const void *bytes, size_t len)
{
	char *text = mem_alloc(4 * ((len + 2) / 3) + 1);

	EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	return text;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_decode(const char *text, struct secret **ret)
{
	size_t len, padding = 0;
	unsigned char *bytes;
	int decoded;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	if (len % 4 || len > 1 * MIB || strspn(text, alphabet) != len - padding)
		return false;
	bytes = mem_alloc(len + 1);
	decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len);
	if (decoded >= (int)padding)
		*ret = secret_new((char *)bytes, (size_t)decoded - padding);
	secret_wipe(bytes, len + 1);
	free(bytes);
	return decoded >= (int)padding;
}

char *base64url_encode(const void *bytes, size_t len)
{
	char *text = base64_encode(bytes, len);

	for (char *c = text; *c; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
	}
	text[strcspn(text, "=")] = '\0';
	return text;
}

bool base64url_decode(const char *text, size_t len, struct secret **ret)
{
	char *padded;
	bool ok = len <= 1 * MIB && len % 4 != 1;

	for (size_t i = 0; ok && i < len; i++)
		ok = text[i] && text[i] != '+' && text[i] != '/' &&
		     (text[i] == '-' || text[i] == '_' || strchr(alphabet, text[i]));
	if (!ok)
		return false;
	padded = mem_printf("%.*s%.*s", (int)len, text, (int)((4 - len % 4) % 4), "==");
	for (char *c = padded; *c; c++) {
		if (*c == '-')
			*c = '+';
		else if (*c == '_')
			*c = '/';
	}
	ok = base64_decode(padded, ret);
	secret_wipe(padded, strlen(padded));
	free(padded);
	return ok;
}
