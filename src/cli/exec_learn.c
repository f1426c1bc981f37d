#include "cli/exec_learn.h"

#include "base/mem.h"
#include "base/stream.h"
#include "cli/exec_config.h"
#include "cli/exec_helper.h"

#include <sys/stat.h>

#define CLAIM_FILE_CEILING (4 * MIB)

/* What a file was before. */
struct stamp {
	bool is_there;
	struct stat stat;
};

static struct stamp stamp_of(const char *path)
{
	struct stamp s = { 0 };

	s.is_there = path && stat(path, &s.stat) == 0;
	return s;
}

static bool is_newer(const struct stamp *before, const char *path)
{
	struct stamp now = stamp_of(path);

	if (!now.is_there || !before->is_there)
		return now.is_there;
	return now.stat.st_ino != before->stat.st_ino || now.stat.st_size != before->stat.st_size ||
	       now.stat.st_mtim.tv_sec != before->stat.st_mtim.tv_sec ||
	       now.stat.st_mtim.tv_nsec != before->stat.st_mtim.tv_nsec;
}

static void learn_file(struct claims *c, const char *path, const struct stamp *before,
		       bool (*take)(struct claims *c, const char *bytes, size_t len))
{
	CLEANUP(buf_clear) struct buf text = BUF_INIT(CLAIM_FILE_CEILING);
	struct err err = ERR_INIT;

	/* one that cannot be read claims nothing: then it needs another proof */
	if (path && is_newer(before, path) && file_read_all(path, &text, &err))
		take(c, buf_str(&text), text.len);
	err_clear(&err);
}

static void hear(void *arg, const char *bytes, size_t len)
{
	claims_output_add(arg, bytes, len);
}

static void settle_guesses(struct claims *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (*c->at[i].digest.text && !c->at[i].is_guess) {
			claims_drop_guesses(c);
			return;
		}
	}
}

static bool run_child(const struct exec_run *x, struct claims *c, struct child_end *ret,
		      struct err *err)
{
	CLEANUP(private_config_freep) struct private_config *config = NULL;
	struct claims_output output;
	struct child child = {
		.argv = x->argv, .cancel = x->cancel, .heard = hear, .arg = &output
	};
	bool ok;

	if (!private_config_new(&c->hosts, &config, err))
		return false;
	exec_helper_environment(x->settings, &c->hosts, config->directory, &config->environment);
	child.environment = &config->environment;
	claims_output_init(&output, c);
	ok = child_run(&child, ret, err);
	claims_output_finish(&output);
	return ok;
}

static bool claim_beforehand(const struct exec_run *x, struct claims *c, struct err *err)
{
	claims_of_line(c, x->argv, x->argc);
	if (x->refs->count)
		claims_drop_guesses(c);
	for (size_t i = 0; i < x->refs->count; i++)
		if (!claims_add_ref(c, x->refs->at[i], err))
			return err_wrap(err, "--ref");
	for (size_t i = 0; i < x->registries->count; i++)
		claims_host(c, x->registries->at[i]);
	return true;
}

bool exec_run(const struct exec_run *x, struct claims *c, struct child_end *ret, struct err *err)
{
	struct stamp metadata, digest;

	if (!claim_beforehand(x, c, err)) {
		err->code = ERR_WRAPPER;
		return false;
	}
	metadata = stamp_of(c->metadata_file);
	digest = stamp_of(c->digest_file);
	if (!run_child(x, c, ret, err))
		return false;
	learn_file(c, c->metadata_file, &metadata, claims_of_metadata);
	learn_file(c, c->digest_file, &digest, claims_of_digest_file);
	settle_guesses(c);
	if (x->refs->count) /* what is pushed was said outright */
		strings_clear(&c->unfinished);
	return true;
}
