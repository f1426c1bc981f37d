/*
 * Subject tokens from a command that a credential file names (AIP-4117, "executable-sourced"): run without a shell, and
 * only where the user allows it, because such a file may have come from somebody else.
 */
#include "auth/google_subject.h"

#include "auth/subprocess.h"
#include "base/mem.h"
#include "base/stream.h"

#include <string.h>
#include <unistd.h>

#define ALLOW "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
#define SHORTEST_MS 5000
#define LONGEST_MS 120000
#define DEFAULT_MS 30000

/* A kept token must last for the exchange that it is kept for. */
#define KEPT_MARGIN_MS 30000

struct command_subject {
	struct google_subject subject;
	struct strings words;
	int64_t longest_ms;
	char *output_file; /* NULL: none */
};

/* Words */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* From an opening quote to behind the closing one. */
static const char *add_quoted(const char *at, struct buf *word)
{
	char quote = *at++;

	while (*at && *at != quote) {
		if (quote == '"' && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		buf_putc(word, *at++);
	}
	return *at ? at + 1 : NULL;
}

/* NULL where a quote or a backslash has nothing behind it. */
static const char *add_word(const char *at, struct buf *word)
{
	while (at && *at && !is_blank(*at)) {
		if (*at == '"' || *at == '\'') {
			at = add_quoted(at, word);
			continue;
		}
		if (*at == '\\' && !*++at)
			return NULL;
		buf_putc(word, *at++);
	}
	return at;
}

bool google_subject_words(const char *line, struct strings *ret, struct err *err)
{
	const char *at = line;

	for (;;) {
		struct buf word = BUF_INIT(GOOGLE_SUBJECT_CEILING);

		while (is_blank(*at))
			at++;
		if (!*at)
			break;
		at = add_word(at, &word);
		if (at)
			strings_add(ret, buf_str(&word));
		buf_clear(&word);
		if (!at)
			return err_set(err, ERR_NO_CREDENTIAL,
				       "a quote in 'command' is not closed");
	}
	if (!ret->count || !*ret->at[0])
		return err_set(err, ERR_NO_CREDENTIAL, "'command' is no command");
	return true;
}

/* What it writes */

struct answer {
	int64_t version;
	bool success;
	const char *token_type, *id_token, *saml_response, *message;
	int64_t expiration_time;
};

static bool says_no(const struct js *j, const struct answer *a, struct err *err)
{
	const char *code = js_string(js_get(j, "code"));
	int64_t number;

	err_set(err, ERR_NO_CREDENTIAL, "it says that it has no subject token");
	if (code)
		err_evidence(err, "%s: %s", code, a->message ? a->message : "");
	else if (js_integer(js_get(j, "code"), &number))
		err_evidence(err, "%lld: %s", (long long)number, a->message ? a->message : "");
	else if (a->message)
		err_evidence(err, "%s", a->message);
	return false;
}

static bool take_token(const struct answer *a, struct secret **ret, struct err *err)
{
	static const char oidc[] = "urn:ietf:params:oauth:token-type:jwt";
	static const char id[] = "urn:ietf:params:oauth:token-type:id_token";
	static const char saml[] = "urn:ietf:params:oauth:token-type:saml2";
	const char *type = a->token_type ? a->token_type : "";
	bool is_saml = strcmp(type, saml) == 0;
	const char *token = is_saml ? a->saml_response : a->id_token;

	if (!is_saml && strcmp(type, oidc) != 0 && strcmp(type, id) != 0)
		return err_set(err, ERR_NO_CREDENTIAL, "its token_type is '%.80s'", type);
	if (!token || !*token)
		return err_set(err, ERR_NO_CREDENTIAL, "it has no %s",
			       is_saml ? "saml_response" : "id_token");
	*ret = secret_new(token, strlen(token));
	return true;
}

/* Seconds since 1970; what makes no sense is over. */
static int64_t wall_ms_of(int64_t expiration_time)
{
	if (expiration_time == NEVER_MS)
		return -1;
	return expiration_time > 0 && expiration_time < NEVER_MS / 1000 ? expiration_time * 1000
									: 0;
}

bool google_subject_answer_parse(const char *text, size_t len, struct secret **ret,
				 int64_t *ret_expires_wall_ms, struct err *err)
{
	static const struct js_field fields[] = {
		{ "version", JS_INTEGER, offsetof(struct answer, version), JS_REQUIRED },
		{ "success", JS_BOOL, offsetof(struct answer, success), JS_REQUIRED },
		{ "token_type", JS_STRING, offsetof(struct answer, token_type), JS_OPTIONAL },
		{ "id_token", JS_STRING, offsetof(struct answer, id_token), JS_OPTIONAL },
		{ "saml_response", JS_STRING, offsetof(struct answer, saml_response), JS_OPTIONAL },
		{ "message", JS_STRING, offsetof(struct answer, message), JS_OPTIONAL },
		{ "expiration_time", JS_INTEGER, offsetof(struct answer, expiration_time),
		  JS_OPTIONAL },
	};
	CLEANUP(js_freep) struct js *j = NULL;
	struct answer a = { .expiration_time = NEVER_MS };

	if (!js_parse(text, len, GOOGLE_SUBJECT_CEILING, ERR_NO_CREDENTIAL, &j, err) ||
	    !js_dispatch(j, fields, ARRAY_SIZE(fields), ERR_NO_CREDENTIAL, &a, err))
		return false;
	if (a.version != 1)
		return err_set(err, ERR_NO_CREDENTIAL, "its version is %lld, not 1",
			       (long long)a.version);
	if (!a.success)
		return says_no(j, &a, err);
	*ret_expires_wall_ms = wall_ms_of(a.expiration_time);
	return take_token(&a, ret, err);
}

/* Running it */

/* What an earlier run has left; whatever is wrong with it, the command is asked. */
static struct secret *kept_token(const struct command_subject *s, const struct world *w)
{
	struct buf text = BUF_INIT(GOOGLE_SUBJECT_CEILING);
	struct secret *token = NULL;
	struct err ignored = ERR_INIT;
	int64_t expires_wall_ms = -1;

	if (s->output_file && access(s->output_file, F_OK) == 0 &&
	    file_read_all(s->output_file, &text, &ignored) &&
	    google_subject_answer_parse(buf_str(&text), text.len, &token, &expires_wall_ms,
					&ignored) &&
	    expires_wall_ms < clock_wall_ms(w->clock) + KEPT_MARGIN_MS) {
		secret_free(token);
		token = NULL;
	}
	buf_wipe(&text);
	err_clear(&ignored);
	return token;
}

static char *variable(const char *name, const char *value)
{
	return value ? mem_printf("%s=%s", name, value) : mem_strdup(name);
}

static bool run(const struct command_subject *s, const struct world *w, struct buf *out,
		struct buf *errout, int *ret_code, struct err *err)
{
	const struct google_subject_use *use = s->subject.use;
	CLEANUP(mem_freep)
	char *audience = variable("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", use->audience);
	CLEANUP(mem_freep)
	char *type = variable("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", use->token_type);
	CLEANUP(mem_freep)
	char *email = variable("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", use->email);
	CLEANUP(mem_freep)
	char *output = variable("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", s->output_file);
	const char *const environment[] = {
		audience, type, "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0", email, output, NULL
	};
	CLEANUP(mem_freep)
	const char **argv = mem_alloc((s->words.count + 1) * sizeof(*argv));
	const struct subprocess p = { .argv = argv,
				      .environment = environment,
				      .longest_ms = s->longest_ms };

	for (size_t i = 0; i < s->words.count; i++)
		argv[i] = s->words.at[i];
	return subprocess_run_as(w, &p, out, errout, ret_code, err);
}

/* A command that fails may say why where it would have said the token; else its first line to people does. */
static bool failed(const struct command_subject *s, int code, const struct buf *out,
		   const struct buf *errout, struct err *err)
{
	struct secret *token = NULL;
	struct err words = ERR_INIT;
	int64_t expires_wall_ms;

	err_set(err, ERR_NO_CREDENTIAL, "'%s' failed with exit code %d", s->words.at[0], code);
	if (google_subject_answer_parse(buf_str(out), out->len, &token, &expires_wall_ms, &words))
		secret_free(token);
	else if (words.evidence)
		err_evidence(err, "%s", words.evidence);
	if (errout->len)
		err_evidence(err, "%.*s", (int)strcspn(errout->data, "\r\n"), errout->data);
	err_clear(&words);
	return false;
}

static bool read_answer(const struct command_subject *s, const struct world *w,
			const struct buf *out, struct secret **ret, struct err *err)
{
	CLEANUP(secret_freep) struct secret *token = NULL;
	int64_t expires_wall_ms = -1;

	if (!google_subject_answer_parse(buf_str(out), out->len, &token, &expires_wall_ms, err))
		return err_wrap(err, "the answer of '%s'", s->words.at[0]);
	if (expires_wall_ms >= 0 && expires_wall_ms <= clock_wall_ms(w->clock))
		return err_set(err, ERR_NO_CREDENTIAL,
			       "the subject token that '%s' gave has expired", s->words.at[0]);
	*ret = TAKE(token);
	return true;
}

static bool is_allowed(const struct command_subject *s, struct err *err)
{
	const char *allow = getenv(ALLOW);

	if (allow && strcmp(allow, "1") == 0)
		return true;
	err_set(err, ERR_NO_CREDENTIAL,
		"the credential file wants to run '%s', which nobody allowed", s->words.at[0]);
	err_hint(err, "if you trust that file: export %s=1", ALLOW);
	return false;
}

static bool command_get(struct google_subject *subject, const struct world *w, struct secret **ret,
			struct err *err)
{
	struct command_subject *s = (struct command_subject *)subject;
	struct buf out = BUF_INIT(GOOGLE_SUBJECT_CEILING), errout = BUF_INIT(4 * KIB);
	int code = 0;
	bool ok;

	if (!is_allowed(s, err))
		return false;
	*ret = kept_token(s, w);
	if (*ret)
		return true;
	ok = run(s, w, &out, &errout, &code, err);
	if (ok)
		ok = code ? failed(s, code, &out, &errout, err) : read_answer(s, w, &out, ret, err);
	buf_wipe(&out);
	buf_clear(&errout);
	return ok;
}

static void command_free(struct google_subject *subject)
{
	struct command_subject *s = (struct command_subject *)subject;

	strings_clear(&s->words);
	free(s->output_file);
	free(s);
}

static const struct google_subject_ops command_ops = { .get = command_get, .free = command_free };

static bool take_time(const struct js *j, int64_t *ret_ms, struct err *err)
{
	*ret_ms = DEFAULT_MS;
	if (!j)
		return true;
	if (!js_integer(j, ret_ms) || *ret_ms < SHORTEST_MS || *ret_ms > LONGEST_MS)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "'timeout_millis' is no number between %d and %d", SHORTEST_MS,
			       LONGEST_MS);
	return true;
}

bool google_subject_command_new(const struct js *executable, struct google_subject **ret,
				struct err *err)
{
	CLEANUP(google_subject_freep) struct google_subject *subject = NULL;
	struct command_subject *s = NEW(struct command_subject);
	const char *line = js_string(js_get(executable, "command"));
	const char *output_file = js_string(js_get(executable, "output_file"));

	subject = &s->subject;
	subject->ops = &command_ops;
	if (!google_subject_words(line ? line : "", &s->words, err) ||
	    !take_time(js_get(executable, "timeout_millis"), &s->longest_ms, err))
		return false;
	if (output_file && *output_file)
		s->output_file = mem_strdup(output_file);
	*ret = TAKE(subject);
	return true;
}
