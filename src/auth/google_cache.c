#include "auth/google_cache.h"

#include "base/mem.h"
#include "base/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1
#define PREFIX "token-"
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* Slewing moves the two clocks less than this against each other within the longest life of a token. */
#define LEAP_MS 30000

#define LOCK_POLL_MS 20

struct google_now google_now(const struct world *w)
{
	struct google_now now = { .boot_ms = world_now_ms(w), .wall_ms = clock_wall_ms(w->clock) };
	struct buf id = BUF_INIT(sizeof(now.boot_id) - 1);
	struct err ignored = ERR_INIT;

	if (file_read_all(BOOT_ID_PATH, &id, &ignored))
		memcpy(now.boot_id, buf_str(&id), strcspn(buf_str(&id), "\n"));
	err_clear(&ignored);
	buf_clear(&id);
	return now;
}

/* XDG base directories: a relative one is no answer. */
char *google_cache_dir(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return mem_printf("%s/landed", xdg);
	return home && *home == '/' ? mem_printf("%s/.cache/landed", home) : NULL;
}

static void add_part(struct hasher *h, const char *text)
{
	hasher_add(h, text ? text : "", (text ? strlen(text) : 0) + 1);
}

struct digest google_cache_key(const struct google_minter *m, const struct google_want *want)
{
	const struct google_options *o = m->options;
	const char *const *scopes = want->scopes ? want->scopes : google_scopes_default;
	CLEANUP(mem_freep)
	char *wishes = mem_printf("%d %lld %lld %d", VERSION, (long long)want->lifetime_ms,
				  (long long)o->lifetime_ms, o->self_signed_jwt);
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(NULL);

	add_part(h, wishes);
	add_part(h, m->kind);
	add_part(h, m->identity);
	add_part(h, m->principal);
	add_part(h, m->universe);
	for (; *scopes; scopes++)
		add_part(h, *scopes);
	return hasher_finish(h);
}

/* The text of one */

struct kept {
	const char *key, *boot_id, *token;
	int64_t version, minted_boot_ms, expires_boot_ms, wall_minus_boot_ms;
};

static const struct js_field fields[] = {
	{ "version", JS_INTEGER, offsetof(struct kept, version), JS_REQUIRED },
	{ "key", JS_STRING, offsetof(struct kept, key), JS_REQUIRED },
	{ "boot_id", JS_STRING, offsetof(struct kept, boot_id), JS_REQUIRED },
	{ "minted_boot_ms", JS_INTEGER, offsetof(struct kept, minted_boot_ms), JS_REQUIRED },
	{ "expires_boot_ms", JS_INTEGER, offsetof(struct kept, expires_boot_ms), JS_REQUIRED },
	{ "wall_minus_boot_ms", JS_INTEGER, offsetof(struct kept, wall_minus_boot_ms),
	  JS_REQUIRED },
	{ "token", JS_STRING, offsetof(struct kept, token), JS_REQUIRED },
};

static bool has_leapt(const struct kept *k, const struct google_now *now)
{
	int64_t apart_ms;

	return __builtin_sub_overflow(now->wall_ms - now->boot_ms, k->wall_minus_boot_ms,
				      &apart_ms) ||
	       apart_ms > LEAP_MS || apart_ms < -LEAP_MS;
}

static bool life_makes_sense(const struct kept *k, const struct google_now *now)
{
	int64_t life_ms;

	return k->minted_boot_ms >= 0 && k->minted_boot_ms <= now->boot_ms &&
	       !__builtin_sub_overflow(k->expires_boot_ms, k->minted_boot_ms, &life_ms) &&
	       life_ms <= TOKEN_LONGEST_LIFE_MS;
}

static bool check(const struct kept *k, const struct digest *key, const struct google_now *now,
		  struct err *err)
{
	if (k->version != VERSION || strcmp(k->key, key->text) != 0)
		return err_set(err, ERR_LOCAL, "it is kept for another login");
	if (!*now->boot_id || strcmp(k->boot_id, now->boot_id) != 0)
		return err_set(err, ERR_LOCAL, "it is from before the machine was started");
	if (has_leapt(k, now))
		return err_set(err, ERR_LOCAL, "the clock was set since");
	if (!life_makes_sense(k, now))
		return err_set(err, ERR_LOCAL, "its life makes no sense");
	if (k->expires_boot_ms <= now->boot_ms)
		return err_set(err, ERR_LOCAL, "it is over");
	return true;
}

bool google_cache_parse(const char *bytes, size_t len, const struct digest *key,
			const struct google_now *now, struct google_token *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct kept k = { 0 };

	*ret = (struct google_token){ 0 };
	if (!js_parse(bytes, len, GOOGLE_CACHE_CEILING, ERR_LOCAL, &j, err) ||
	    !js_dispatch(j, fields, ARRAY_SIZE(fields), ERR_LOCAL, &k, err) ||
	    !check(&k, key, now, err))
		return false;
	ret->secret = token_of_json(js_get(j, "token"));
	if (!ret->secret)
		return err_set(err, ERR_LOCAL, "there is no token in it");
	ret->life = (struct token_life){ k.minted_boot_ms, k.expires_boot_ms };
	ret->expiry_known = true;
	return true;
}

/* The caller wipes and frees. */
static char *text_of(const struct digest *key, const struct google_now *now,
		     const struct google_token *t)
{
	CLEANUP(js_freep) struct js *j = js_object();

	js_put_integer(j, "version", VERSION);
	js_put_string(j, "key", key->text);
	js_put_string(j, "boot_id", now->boot_id);
	js_put_integer(j, "minted_boot_ms", t->life.minted_ms);
	js_put_integer(j, "expires_boot_ms", t->life.expires_ms);
	js_put_integer(j, "wall_minus_boot_ms", now->wall_ms - now->boot_ms);
	js_put_string(j, "token", secret_reveal(t->secret));
	return js_text(j, JS_COMPACT);
}

/* Its file */

static char *file_name(const struct digest *key, const char *end)
{
	return mem_printf(PREFIX "%.32s%s", digest_hex(key), end);
}

static bool failed(const char *what, const char *name, struct err *err)
{
	return err_set(err, ERR_LOCAL, "%s '%s': %s", what, name, strerror(errno));
}

static void make_dir(const char *dir)
{
	CLEANUP(mem_freep) char *parent = mem_strdup(dir);
	char *slash = strrchr(parent, '/');

	if (slash && slash != parent) {
		*slash = '\0';
		mkdir(parent, 0700);
	}
	mkdir(dir, 0700);
}

bool google_cache_open(const char *dir, struct google_cache *ret, struct err *err)
{
	struct stat st;

	make_dir(dir);
	ret->fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->fd < 0)
		return failed("opening", dir, err);
	if (fstat(ret->fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0077) == 0)
		return true;
	google_cache_close(ret);
	return err_set(err, ERR_LOCAL, "'%s' is not ours alone (owner, mode 0700)", dir);
}

void google_cache_close(struct google_cache *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static bool is_ours_alone(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 07777) == 0600 && st.st_nlink == 1;
}

static bool read_bytes(const struct google_cache *c, const char *name, struct buf *ret,
		       struct err *err)
{
	int fd = openat(c->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(stream_freep) struct stream *s = NULL;

	if (fd < 0)
		return err_set_errno(err, errno, "opening '%s'", name);
	s = stream_of_fd(fd, -1, name);
	if (!is_ours_alone(fd))
		return err_set(err, ERR_LOCAL, "it is not ours alone (owner, mode 0600, one name)");
	return stream_read_all(s, ret, ERR_LOCAL, err);
}

bool google_cache_read(const struct google_cache *c, const struct digest *key,
		       const struct google_now *now, struct google_token *ret, struct err *err)
{
	CLEANUP(mem_freep) char *name = file_name(key, ".json");
	CLEANUP(buf_wipe) struct buf bytes = BUF_INIT(GOOGLE_CACHE_CEILING);

	*ret = (struct google_token){ 0 };
	if (read_bytes(c, name, &bytes, err) &&
	    google_cache_parse(buf_str(&bytes), bytes.len, key, now, ret, err))
		return true;
	return err_wrap(err, "the kept token '%s'", name);
}

static bool write_file(const struct google_cache *c, const char *name, const char *text)
{
	int fd = openat(c->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	bool ok;

	if (fd < 0)
		return false;
	ok = fchmod(fd, 0600) == 0 && write(fd, text, len) == (ssize_t)len;
	return close(fd) == 0 && ok;
}

bool google_cache_write(const struct google_cache *c, const struct digest *key,
			const struct google_now *now, const struct google_token *t, struct err *err)
{
	CLEANUP(mem_freep) char *name = file_name(key, ".json");
	CLEANUP(mem_freep) char *temporary = mem_printf("%s.%d", name, (int)getpid());
	CLEANUP(mem_freep) char *text = NULL;
	bool ok;

	if (!t->expiry_known || !*now->boot_id)
		return true;
	text = text_of(key, now, t);
	unlinkat(c->fd, temporary, 0); /* of a process that had our number */
	ok = write_file(c, temporary, text) && renameat(c->fd, temporary, c->fd, name) == 0;
	secret_wipe(text, strlen(text));
	if (ok)
		return true;
	failed("writing", name, err);
	unlinkat(c->fd, temporary, 0);
	return false;
}

void google_cache_erase(const struct google_cache *c)
{
	int fd = openat(c->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
		    strstr(entry->d_name, ".json"))
			unlinkat(c->fd, entry->d_name, 0);
	closedir(dir);
}

bool google_cache_lock(const struct google_cache *c, const struct digest *key,
		       const struct world *w, int64_t limit_ms, int *ret_fd, struct err *err)
{
	CLEANUP(mem_freep) char *name = file_name(key, ".lock");
	int64_t until_ms = clock_after(world_now_ms(w), limit_ms);
	int fd = openat(c->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	*ret_fd = -1;
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		bool goes_on = world_sleep(w, LOCK_POLL_MS, err);

		if (goes_on && world_now_ms(w) < until_ms)
			continue;
		close(fd);
		return goes_on;
	}
	*ret_fd = fd;
	return true;
}
