#include "base/secret.h"

#include "base/mem.h"

#include <string.h>

struct secret {
	size_t len;
	char bytes[];
};

struct secret *secret_new(const char *bytes, size_t len)
{
	struct secret *s = mem_alloc(sizeof(*s) + len + 1);

	s->len = len;
	memcpy(s->bytes, bytes, len);
	return s;
}

struct secret *secret_dup(const struct secret *s)
{
	return s ? secret_new(s->bytes, s->len) : NULL;
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	secret_wipe(s->bytes, s->len);
	free(s);
}

const char *secret_reveal(const struct secret *s)
{
	return s->bytes;
}

size_t secret_len(const struct secret *s)
{
	return s->len;
}

bool secret_same(const struct secret *a, const struct secret *b)
{
	unsigned char difference = 0;

	if (!a || !b)
		return a == b;
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		difference |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
	return difference == 0;
}

void secret_wipe(void *bytes, size_t len)
{
	explicit_bzero(bytes, len);
}
