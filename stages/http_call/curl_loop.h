/* curl_loop.h - libcurl's transfers, driven by a stage's own operations: readiness is IO_POLL, its timer is env_wake_at().
 *
 *   curl_loop_add(easy)    curl_loop_step()                          curl_loop_take(): easy, how it ended
 *         |                   ready descriptors -> libcurl                 ^
 *         v                   due timer         -> libcurl                 |
 *       libcurl ---- "watch 7 for reading" ----> watch { IO_POLL of 7 } ---+
 *               ---- "forget 7" ---------------> its IO_POLL is cancelled, and the watch goes when that is over
 *
 * libcurl closes descriptors itself, right after it had them forgotten, and the number may be another connection's before the
 * cancelled operation comes back: that one belongs to the old watch, and what it says is thrown away.
 *
 * Nothing blocks: names are looked up by a thread of libcurl's for each, whose end nobody waits for (CURLOPT_QUICK_EXIT, which
 * curl_loop_add() sees to).
 *
 * Connections are kept for the next transfer. One that was idle for too long is not used again, and when there has been no transfer for
 * so long all are closed.
 *
 * Threads: the owner's. Memory: malloc, a watch for each descriptor; so many connections as the options say. Layer: stages. */
#pragma once

#include "stages/env.h"
#include "stages/policy/call_options.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct curl_watch;

struct curl_loop {
	struct env *env;
	const struct pool_options *pool;
	CURLM *multi; /* NULL: there is nothing to release */
	size_t transfers;
	uint64_t idle_since_ns; /* while there are none */
	bool has_connections;
	struct curl_watch *watches;
	bool is_due;     /* libcurl wants to be called at due_ns */
	uint64_t due_ns; /* monotonic */
	int error;       /* -ENOMEM: a watch could not be made */
};

/* pool outlives it; of 0 connections, all in all or to a host, there are as many as transfers, and with an idle timeout of 0 they are kept
 * as libcurl likes. 0; -ENOMEM; -ENOSYS: this libcurl would block while it looks up names. curl_loop_release() in any case. */
int curl_loop_init(struct curl_loop *l, struct env *env, const struct pool_options *pool);

/* No transfer is in it any more, and no operation in flight. Closes the connections that are kept. */
void curl_loop_release(struct curl_loop *l);

/* Begins the transfer with the next step. The handle stays the caller's, who takes it out again. 0 or -ENOMEM. */
int curl_loop_add(struct curl_loop *l, CURL *easy);

/* Whether it has ended or not: then its connection is closed. */
void curl_loop_remove(struct curl_loop *l, CURL *easy);

/* Goes on with what can go on, and tells its env what it waits for. Returns STEP_MORE if there was anything, STEP_WAIT, or -ENOMEM:
 * nothing can be relied on. */
int curl_loop_step(struct curl_loop *l);

/* A transfer that has ended; NULL: there is none. To be removed next. */
CURL *curl_loop_take(struct curl_loop *l, CURLcode *ret_code);

/* No operation is in flight. */
bool curl_loop_is_quiet(const struct curl_loop *l);
