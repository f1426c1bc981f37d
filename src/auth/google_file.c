/* Credential files: which kind of minter one describes (AIP-4110), by its "type". */
#include "auth/google.h"

#include "base/mem.h"
#include "base/stream.h"
#include "wire/digest.h"

#include <string.h>

static const struct kind {
	const char *type;
	bool (*make)(const struct js *file, const struct google_options *options,
		     struct google_minter **ret, struct err *err);
	bool is_identity; /* the file alone decides whose token comes; a subject may be anybody's */
} kinds[] = {
	{ "service_account", google_service_account_new, true },
	{ "authorized_user", google_user_new, true },
	{ "external_account", google_external_new, false },
	{ "external_account_authorized_user", google_user_new, true },
	{ "impersonated_service_account", google_impersonated_new, false },
};

static const struct kind *kind_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return &kinds[i];
	return NULL;
}

static bool no_such_kind(const char *type, struct err *err)
{
	err_set(err, ERR_NO_CREDENTIAL, "a Google credential of type '%.80s' is not supported",
		type);
	err_hint(err, "service_account, authorized_user, external_account, "
		      "external_account_authorized_user and impersonated_service_account are; for "
		      "others --cred exec:COMMAND can bring a token");
	return false;
}

static bool no_type(const struct js *file, struct err *err)
{
	err_set(err, ERR_NO_CREDENTIAL, "no Google credential: field 'type' is missing");
	if (js_get(file, "installed") || js_get(file, "web"))
		err_cause(err, "it is the description of an OAuth client, not a login of one");
	return false;
}

/* The caller frees. */
static char *identity_of(const struct js *file)
{
	CLEANUP(mem_freep) char *text = js_text(file, JS_COMPACT);
	struct digest digest = digest_of(text, strlen(text));

	secret_wipe(text, strlen(text));
	return mem_strdup(digest.text);
}

static bool make(const struct js *file, const struct google_options *options,
		 struct google_minter **ret, struct err *err)
{
	const char *type = js_string(js_get(file, "type"));
	const struct kind *kind = type ? kind_of(type) : NULL;

	if (!type || !*type)
		return no_type(file, err);
	if (!kind)
		return no_such_kind(type, err);
	if (!kind->make(file, options, ret, err))
		return err_wrap(err, "%s", kind->type);
	(*ret)->kind = kind->type;
	if (kind->is_identity)
		(*ret)->identity = identity_of(file);
	return true;
}

bool google_minter_from_json(const struct js *file, const char *origin,
			     const struct google_options *options, struct google_minter **ret,
			     struct err *err)
{
	if (!make(file, options, ret, err))
		return err_wrap(err, "%s", origin);
	mem_replace(&(*ret)->origin, origin);
	return true;
}

bool google_minter_from_file(const char *path, const char *how,
			     const struct google_options *options, struct google_minter **ret,
			     struct err *err)
{
	CLEANUP(mem_freep)
	char *origin = mem_printf("'%s'%s%s", path, how ? ", " : "", how ? how : "");
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(GOOGLE_FILE_CEILING);
	CLEANUP(js_freep) struct js *file = NULL;

	if (!file_read_all(path, &text, err)) {
		err->code = ERR_NO_CREDENTIAL;
		return how ? err_wrap(err, "the credential file, %s", how) : false;
	}
	if (!js_parse(buf_str(&text), text.len, GOOGLE_FILE_CEILING, ERR_NO_CREDENTIAL, &file, err))
		return err_wrap(err, "%s", origin);
	return google_minter_from_json(file, origin, options, ret, err);
}
