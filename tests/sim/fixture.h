/*
 * What tests in the simulated world share: cmocka, and words for what failed.
 */
#ifndef SIM_TEST_FIXTURE_H
#define SIM_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Fails naming what was expected, and of what. */
#define assert_that(condition, ...)                                     \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
			fprintf(stderr, __VA_ARGS__);                   \
			fprintf(stderr, "\n");                          \
			fail_msg("%s", #condition);                     \
		}                                                       \
	} while (0)

#endif
