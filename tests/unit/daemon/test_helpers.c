#include "daemon/helpers.h"
#include "tests/unit/daemon/refusals.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/syscall.h>

Test(helpers, threads_that_are_refused_are_the_kernels_error)
{
	struct helpers h;
	refuse_call(SYS_clone3, EAGAIN);
	cr_assert_eq(helpers_init(&h, 2), -EAGAIN);
	cr_assert_eq(h.count, 0);
}
