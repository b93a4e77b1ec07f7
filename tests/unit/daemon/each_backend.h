/* each_backend.h - tests that run once for each real backend. Layer: tests. */
#pragma once

#include "daemon/backend.h"
#include "daemon/uring_io.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Body follows; it finds the backend's kind in *kind, and first says need_backend(*kind). */
#define EACH_BACKEND_TEST(suite, name)                                                             \
	ParameterizedTestParameters(suite, name)                                                   \
	{                                                                                          \
		static int kinds[] = {BACKEND_URING, BACKEND_PLAIN};                               \
		return cr_make_param_array(int, kinds, sizeof kinds / sizeof kinds[0]);            \
	}                                                                                          \
	ParameterizedTest(int *kind, suite, name, .timeout = 60)

/* Skips the test, and says why, where the kernel refuses io_uring. */
static inline void need_backend(int kind)
{
	int r = kind == BACKEND_URING ? uring_io_probe() : 0;
	if (r < 0)
		cr_skip_test("io_uring is refused here: %s", strerror(-r));
}

/* Of this process's ring, the lowest; -1: it has none, and that is how a plain backend can be told from the other. */
static inline int ring_descriptor(void)
{
	for (int fd = 0; fd < 256; fd++) {
		char link[64], target[64] = "";
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		if (readlink(link, target, sizeof target - 1) > 0 && strstr(target, "io_uring"))
			return fd;
	}
	return -1;
}
