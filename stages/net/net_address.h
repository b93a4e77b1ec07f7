/* net_address.h - where a socket is, as it stands in a topology and as people are told.
 *
 *   127.0.0.1:514   [::1]:514   :514             the last: on the loopback, for nobody else is meant unless it is said
 *   logs.example.org:514                         a host, to be looked up
 *   unix:/run/x.sock   /run/x.sock   ./x.sock    a path; unix:@name is a name in Linux's abstract namespace
 *
 * Threads: any. Memory: the caller's. Layer: stages, libc only. */
#pragma once

#include "stages/io.h"

enum {
	NET_HOST_ROOM = 256,
	NET_PORT_ROOM = 6,
	NET_ADDRESS_ROOM = 128, /* of a printed one, with the NUL */
};

enum net_place {
	NET_NUMBERS, /* an IP address and port */
	NET_HOST,    /* a host's name and port */
	NET_UNIX,
};

struct net_address {
	enum net_place place;
	struct io_address address; /* NET_HOST: none yet */
	char host[NET_HOST_ROOM];  /* its name, or the IP address in words; "" of NET_UNIX */
	char port[NET_PORT_ROOM];  /* likewise */
};

/* 0; or -EINVAL, and *ret_why says what it should be (static). */
int net_address_parse(const char *text, size_t length, struct net_address *ret,
		      const char **ret_why);

/* As it would be written: 127.0.0.1:514, [::1]:514, unix:/run/x.sock; `unix` where it has no name. Returns the length. */
size_t net_address_print(const struct io_address *a, char text[static NET_ADDRESS_ROOM]);

/* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: there is none. */
int net_address_family(const struct io_address *a);

/* The path of a unix socket that is in the file system, which ends with a NUL; NULL: it has none. */
const char *net_address_path(const struct io_address *a);
