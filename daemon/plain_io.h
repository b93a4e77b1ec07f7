/* plain_io.h - the backend for hosts where io_uring is forbidden: the ordinary system calls, carried out on the spot;
 * those that may take long (streams, sockets, processes) wait in one epoll(7) set (waiting.h).
 * Threads: as backend.h. Layer: daemon. */
#pragma once

#include "daemon/backend.h"

int plain_io_open(struct backend **ret_backend, struct helpers *helpers);
