/*
 * Tokens kept between runs: one file for each credential, principal, universe, scopes and lifetime, in a directory
 * that only its owner may enter. A file is believed if it is ours alone and says itself what it was made for; when
 * it ends is said on boot time, so it is of no use after a reboot, nor once wall time has leapt against it.
 *
 * Whatever is wrong with what is kept, the caller mints: an error here is a note for whoever asks why.
 */
#ifndef AUTH_GOOGLE_CACHE_H
#define AUTH_GOOGLE_CACHE_H

#include "auth/google.h"
#include "wire/digest.h"

#define GOOGLE_CACHE_CEILING (64 * KIB)

/* docker hands a token to its engine once, for the whole push: so nearly all of its hour should be left. */
#define GOOGLE_USUAL_LIFE_MS (55 * 60 * 1000LL)

/* What clocks and machine say: a kept token's own moment is compared with it. */
struct google_now {
	int64_t boot_ms, wall_ms;
	char boot_id[48]; /* "" where the machine does not tell: then nothing is kept */
};
struct google_now google_now(const struct world *w);

/* $XDG_CACHE_HOME/landed, else ~/.cache/landed; NULL where neither is set. The caller frees. */
char *google_cache_dir(void);

/* M must have an identity. */
struct digest google_cache_key(const struct google_minter *m, const struct google_want *want);

/* A file's bytes. False for what is cut short, another key's, over, or of another boot or time. */
MUST_USE bool google_cache_parse(const char *bytes, size_t len, const struct digest *key,
				 const struct google_now *now, struct google_token *ret,
				 struct err *err);

/* One directory that is open; it is made if it is missing. ERR_LOCAL if others may enter it. */
struct google_cache {
	int fd;
};
MUST_USE bool google_cache_open(const char *dir, struct google_cache *ret, struct err *err);
void google_cache_close(struct google_cache *c);

/* ERR_NO_SOURCE when it is not there. */
MUST_USE bool google_cache_read(const struct google_cache *c, const struct digest *key,
				const struct google_now *now, struct google_token *ret,
				struct err *err);
MUST_USE bool google_cache_write(const struct google_cache *c, const struct digest *key,
				 const struct google_now *now, const struct google_token *t,
				 struct err *err);

/* Forgets all of them. */
void google_cache_erase(const struct google_cache *c);

/*
 * Waits at most LIMIT_MS for whoever mints this one now. *ret_fd is -1 when it is not had in that time; closing it
 * lets go. False when cancelled or out of time.
 */
MUST_USE bool google_cache_lock(const struct google_cache *c, const struct digest *key,
				const struct world *w, int64_t limit_ms, int *ret_fd,
				struct err *err);

#endif
