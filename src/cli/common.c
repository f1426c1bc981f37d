#include "cli/common.h"

#define AT(member) offsetof(struct common_settings, member)

#define HOUR_MS ((int64_t)3600000)

static const char *const output_words[] = {
	[RESULT_TEXT] = "text",
	[RESULT_JSON] = "json",
	[RESULT_REF] = "ref",
	[RESULT_DIGEST] = "digest",
	NULL,
};

static const char *const progress_words[] = {
	[PROGRESS_AUTO] = "auto", [PROGRESS_TTY] = "tty",   [PROGRESS_PLAIN] = "plain",
	[PROGRESS_JSON] = "json", [PROGRESS_NONE] = "none", NULL,
};

static const char *const depth_words[] = {
	[VERIFY_MANIFEST] = "manifest",
	[VERIFY_TREE] = "tree",
	[VERIFY_BYTES] = "bytes",
	NULL,
};

static const struct opt proof_options[] = {
	{ .name = "depth",
	  .kind = OPT_CHOICE,
	  .offset = AT(depth),
	  .argument = "DEPTH",
	  .fallback = "tree",
	  .words = depth_words,
	  .help = "how deep the proof goes: the manifest alone; every child and blob is there with "
		  "its size; every blob downloaded and hashed, and every layer unpacked to the diff ID "
		  "that the image's config says" },
	{ .name = "receipt",
	  .kind = OPT_STRING,
	  .offset = AT(receipt),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "write what was proven, or what failed, as an in-toto statement to FILE" },
};
const struct opt_group common_proof = { "Proof", proof_options, ARRAY_SIZE(proof_options) };

static const struct opt output_options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPT_CHOICE,
	  .offset = AT(output),
	  .argument = "FORM",
	  .fallback = "text",
	  .words = output_words,
	  .help = "what stdout gets for each image: its reference with the digest (text, ref), the "
		  "digest, or a JSON object" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  .offset = AT(quiet),
	  .help = "say nothing but the result and errors" },
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = OPT_COUNT,
	  .offset = AT(verbose),
	  .help = "tell every request and every token; twice: also each blob's steps" },
	{ .name = "progress",
	  .kind = OPT_CHOICE,
	  .offset = AT(progress),
	  .argument = "MODE",
	  .fallback = "auto",
	  .words = progress_words,
	  .help = "how progress is shown on stderr; auto is tty on a terminal, else plain" },
	{ .name = "timeline",
	  .kind = OPT_FLAG,
	  .offset = AT(timeline),
	  .help = "draw at the end which requests lived under which token" },
};
const struct opt_group common_output = { "Output", output_options, ARRAY_SIZE(output_options) };

static const struct opt limits_options[] = {
	COMMON_LIMITS("15m", "all of it must be over by then", "15s", "-1", "30s"),
	COMMON_JOBS("blobs at once"),
};
const struct opt_group common_limits = { "Limits", limits_options, ARRAY_SIZE(limits_options) };

static const struct opt credentials_options[] = {
	{ .name = "cred",
	  .kind = OPT_STRINGS,
	  .offset = AT(connect.cred),
	  .argument = "SOURCE",
	  .help = "where credentials come from: file:PATH, exec:COMMAND, env:VARIABLE, "
		  "docker-config, anon, or Google's: adc (Application Default Credentials), "
		  "adc:FILE, metadata, gcloud, gcloud:ACCOUNT; repeat it for what to try next; "
		  "without it docker-config, for Google's registries then adc and gcloud, then "
		  "anon" },
	{ .name = "cred-user",
	  .kind = OPT_STRING,
	  .offset = AT(connect.cred_user),
	  .argument = "USER",
	  .help = "user name that goes with a bare token; without it oauth2accesstoken" },
	{ .name = "authfile",
	  .kind = OPT_STRING,
	  .offset = AT(connect.authfile),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "read docker-config from FILE instead of the usual places" },
	{ .name = "impersonate",
	  .kind = OPT_STRING,
	  .offset = AT(connect.impersonate),
	  .argument = "EMAIL",
	  .help = "be this Google service account, by the token of adc, metadata or gcloud; "
		  "DELEGATE,...,EMAIL goes there step by step" },
	{ .name = "token-lifetime",
	  .kind = OPT_DURATION,
	  .offset = AT(connect.token_lifetime_ms),
	  .argument = "TIME",
	  .least = 1000,
	  .most = 12 * HOUR_MS,
	  .help = "how long the token of an impersonated service account should live; without it "
		  "1h, beyond that an organisation policy must allow it" },
	{ .name = "min-token-life",
	  .kind = OPT_DURATION,
	  .offset = AT(connect.min_token_life_ms),
	  .argument = "TIME",
	  .most = 24 * HOUR_MS,
	  .help = "do not begin a push with a token that cannot be renewed and is known to end "
		  "sooner, and hand out none that is" },
};
const struct opt_group common_credentials = { "Credentials", credentials_options,
					      ARRAY_SIZE(credentials_options) };

static const struct opt connection_options[] = {
	{ .name = "cacert",
	  .kind = OPT_STRING,
	  .offset = AT(connect.cacert),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "trust the certificate authorities in FILE (PEM)" },
	{ .name = "cert",
	  .kind = OPT_STRING,
	  .offset = AT(connect.cert),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "show this client certificate (PEM)" },
	{ .name = "key",
	  .kind = OPT_STRING,
	  .offset = AT(connect.key),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "its private key (PEM)" },
	{ .name = "insecure",
	  .kind = OPT_FLAG,
	  .offset = AT(connect.insecure),
	  .help = "do not verify the registry's certificate" },
	{ .name = "plain-http",
	  .kind = OPT_FLAG,
	  .offset = AT(connect.plain_http),
	  .help = "speak HTTP without TLS" },
};
const struct opt_group common_connection = { "Connection", connection_options,
					     ARRAY_SIZE(connection_options) };

static const struct opt handout_options[] = {
	{ .name = "credential-hosts",
	  .kind = OPT_STRINGS,
	  .offset = AT(credential_hosts),
	  .argument = "HOST",
	  .help = "a registry beside *.pkg.dev, gcr.io and *.gcr.io that the token may be handed out "
		  "for, or *.DOMAIN for all below; may be repeated" },
};
const struct opt_group common_handout = { "Handing out", handout_options,
					  ARRAY_SIZE(handout_options) };
