/*
 * Any bytes as what EC2's metadata server answers for a role: keys that are taken are whole, and can be signed with
 * and sent as headers.
 */
#include "auth/google_subject.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const char *text)
{
	if (!*text)
		__builtin_trap();
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f)
			__builtin_trap();
}

static void sign(const struct aws_credentials *c)
{
	const struct aws_request r = { .method = "POST",
				       .host = "sts.example",
				       .path = "/",
				       .query = "Action=GetCallerIdentity",
				       .region = "eu-west-1",
				       .service = "sts",
				       .now_wall_ms = 1795528800000 };
	struct aws_signature s;

	aws_sigv4_sign(c, &r, &s);
	if (!strstr(secret_reveal(s.authorization), ", Signature="))
		__builtin_trap();
	aws_signature_clear(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(aws_credentials_clear) struct aws_credentials c = { 0 };
	struct err err = ERR_INIT;
	bool parsed = aws_credentials_parse((const char *)bytes, len, &c, &err);

	if (parsed != (err.code == ERR_NONE) || (!parsed && err.code != ERR_NO_CREDENTIAL))
		__builtin_trap();
	if (parsed) {
		check(c.key_id);
		check(secret_reveal(c.secret_key));
		check(secret_reveal(c.session_token));
		sign(&c);
	}
	err_clear(&err);
	return 0;
}
