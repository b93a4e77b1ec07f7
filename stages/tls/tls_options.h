/* tls_options.h - what a topology says of TLS: the option group `tls` of who listens and of who connects.
 * Threads: any. Memory: the topology's. Layer: stages. */
#pragma once

#include "conf/option.h"

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

struct tls_options {
	struct file_of_text cert, key, ca;
	uint64_t min_version; /* enum tls_version */
	bool require_client_certificate;
	bool verify;
	struct text server_name;
	uint64_t handshake_timeout_ns;
};

extern const struct option tls_server_table[], tls_client_table[];
