#include "stages/net/net_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { PORT_MAX = 65535 };

static const char wanted[] =
    "is no address; write 127.0.0.1:514, [::1]:514, host:514, :514 for the loopback, or unix:/path";

static int parse_port(const char *text, size_t length, struct net_address *a)
{
	unsigned port = 0;
	if (length == 0 || length >= NET_PORT_ROOM)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port > PORT_MAX)
		return -EINVAL;
	snprintf(a->port, sizeof a->port, "%u", port);
	return (int)port;
}

static int parse_unix(const char *path, size_t length, struct net_address *a, const char **ret_why)
{
	struct sockaddr_un *un = (struct sockaddr_un *)(void *)a->address.bytes;
	if (length == 0 || length >= sizeof un->sun_path || memchr(path, 0, length)) {
		*ret_why = "is no path of a socket; it has 1 to 107 bytes, none of them NUL";
		return -EINVAL;
	}
	a->place = NET_UNIX;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length);
	bool is_abstract = path[0] == '@';
	if (is_abstract)
		un->sun_path[0] = 0;
	a->address.length =
	    (unsigned)(offsetof(struct sockaddr_un, sun_path) + length + (is_abstract ? 0 : 1));
	return 0;
}

static bool take_ipv4(const char *host, unsigned port, struct net_address *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)a->address.bytes;
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return false;
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	a->address.length = sizeof *in;
	return true;
}

static bool take_ipv6(const char *host, unsigned port, struct net_address *a)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)a->address.bytes;
	if (inet_pton(AF_INET6, host, &in->sin6_addr) != 1)
		return false;
	in->sin6_family = AF_INET6;
	in->sin6_port = htons((uint16_t)port);
	a->address.length = sizeof *in;
	return true;
}

/* Letters, digits, dots, dashes and underscores, as names in the DNS and in /etc/hosts have them; numbers alone are none. */
static bool is_host(const char *host)
{
	bool named = false;
	for (const char *at = host; *at; at++) {
		bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
		bool digit = *at >= '0' && *at <= '9';
		if (!letter && !digit && *at != '.' && *at != '-' && *at != '_')
			return false;
		named |= letter;
	}
	return named && host[0] != '-' && host[0] != '.';
}

static int parse_host(const char *text, size_t length, unsigned port, struct net_address *a)
{
	static const char loopback[] = "127.0.0.1";
	bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
	if (bracketed) {
		text++;
		length -= 2;
	} else if (length == 0) {
		text = loopback;
		length = sizeof loopback - 1;
	}
	if (length >= sizeof a->host || memchr(text, 0, length))
		return -EINVAL;
	memcpy(a->host, text, length);
	if (bracketed)
		return take_ipv6(a->host, port, a) ? 0 : -EINVAL;
	if (take_ipv4(a->host, port, a))
		return 0;
	a->place = NET_HOST;
	return is_host(a->host) ? 0 : -EINVAL;
}

int net_address_parse(const char *text, size_t length, struct net_address *ret,
		      const char **ret_why)
{
	static const char scheme[] = "unix:";
	*ret = (struct net_address){.place = NET_NUMBERS};
	*ret_why = wanted;
	if (length >= sizeof scheme - 1 && memcmp(text, scheme, sizeof scheme - 1) == 0)
		return parse_unix(text + sizeof scheme - 1, length - (sizeof scheme - 1), ret,
				  ret_why);
	if (memchr(text, '/', length))
		return parse_unix(text, length, ret, ret_why);
	const char *colon = memrchr(text, ':', length);
	if (!colon)
		return -EINVAL;
	size_t before = (size_t)(colon - text);
	int port = parse_port(colon + 1, length - before - 1, ret);
	return port < 0 ? -EINVAL : parse_host(text, before, (unsigned)port, ret);
}

int net_address_family(const struct io_address *a)
{
	const struct sockaddr *s = (const struct sockaddr *)(const void *)a->bytes;
	return a->length >= sizeof s->sa_family ? s->sa_family : AF_UNSPEC;
}

const char *net_address_path(const struct io_address *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)a->bytes;
	bool is_path = net_address_family(a) == AF_UNIX &&
		       a->length > offsetof(struct sockaddr_un, sun_path) && un->sun_path[0];
	return is_path ? un->sun_path : NULL;
}

static int print_unix(const struct io_address *a, char *text)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)a->bytes;
	size_t head = offsetof(struct sockaddr_un, sun_path);
	if (a->length <= head)
		return snprintf(text, NET_ADDRESS_ROOM, "unix");
	int length = (int)(a->length - head);
	if (un->sun_path[0])
		return snprintf(text, NET_ADDRESS_ROOM, "unix:%.*s", length, un->sun_path);
	return snprintf(text, NET_ADDRESS_ROOM, "unix:@%.*s", length - 1, un->sun_path + 1);
}

size_t net_address_print(const struct io_address *a, char text[static NET_ADDRESS_ROOM])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a->bytes;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)a->bytes;
	char host[INET6_ADDRSTRLEN];
	int n;
	switch (net_address_family(a)) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		n = snprintf(text, NET_ADDRESS_ROOM, "%s:%u", host, ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		n = snprintf(text, NET_ADDRESS_ROOM, "[%s]:%u", host, ntohs(in6->sin6_port));
		break;
	case AF_UNIX:
		n = print_unix(a, text);
		break;
	default:
		n = snprintf(text, NET_ADDRESS_ROOM, "unix"); /* who has no name */
		break;
	}
	return n < NET_ADDRESS_ROOM ? (size_t)n : NET_ADDRESS_ROOM - 1;
}
