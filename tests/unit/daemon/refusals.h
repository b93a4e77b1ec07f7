/* refusals.h - makes the kernel itself refuse system calls (seccomp(2)), from here to the end of the test's process.
 *
 * A filter binds the thread that asked for it and those that it starts; helpers started before go on as they were.
 * Layer: tests. */
#pragma once

/* Every call with that number (SYS_*) fails with that errno. */
void refuse_call(int number, int error);

/* io_uring_enter(2) fails with that errno, save when it is also to wait for completions. */
void refuse_to_enter_without_wait(int error);
