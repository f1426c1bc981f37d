/*
 * House words. Everything here is about who owns what and who must look at what.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))

/* A local owns its value until the end of its scope, or until TAKE. */
#define CLEANUP(f) __attribute__((cleanup(f)))

#define TAKE(p)                         \
	({                              \
		typeof(p) taken_ = (p); \
		(p) = NULL;             \
		taken_;                 \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* For `CLEANUP(x_freep) struct x *x = NULL;` out of `void x_free(struct x *)`. */
#define DEFINE_FREEP(type, free_fn)                    \
	static inline UNUSED void free_fn##p(type **p) \
	{                                              \
		free_fn(*p);                           \
	}

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

#endif
