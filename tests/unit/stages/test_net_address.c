#include "stages/net/net_address.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

static int parse(const char *text, struct net_address *a)
{
	const char *why;
	return net_address_parse(text, strlen(text), a, &why);
}

static void expect(const char *text, const char *printed)
{
	struct net_address a;
	char shown[NET_ADDRESS_ROOM];
	cr_assert_eq(parse(text, &a), 0, "%s", text);
	net_address_print(&a.address, shown);
	cr_assert_str_eq(shown, printed);
}

Test(net_address, addresses_are_printed_as_they_are_written)
{
	expect("127.0.0.1:514", "127.0.0.1:514");
	expect("0.0.0.0:0", "0.0.0.0:0");
	expect("[::1]:6514", "[::1]:6514");
	expect("unix:/run/x.sock", "unix:/run/x.sock");
	expect("/run/x.sock", "unix:/run/x.sock");
	expect("unix:@name", "unix:@name");
}

Test(net_address, a_port_alone_is_the_loopbacks)
{
	expect(":514", "127.0.0.1:514");
}

Test(net_address, a_name_is_to_be_looked_up)
{
	struct net_address a;
	cr_assert_eq(parse("logs.example.org:514", &a), 0);
	cr_assert_eq(a.place, NET_HOST);
	cr_assert_str_eq(a.host, "logs.example.org");
	cr_assert_str_eq(a.port, "514");
}

Test(net_address, an_address_without_a_name_is_called_by_its_numbers)
{
	static const char *const hosts[][2] = {
	    {"127.0.0.1:514", "127.0.0.1"}, {"[::1]:514", "::1"}, {":514", "127.0.0.1"}};
	struct net_address a;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		cr_assert_eq(parse(hosts[i][0], &a), 0);
		cr_expect_eq(a.place, NET_NUMBERS);
		cr_expect_str_eq(a.host, hosts[i][1]);
	}
}

Test(net_address, what_is_no_address_is_refused)
{
	static const char *const wrong[] = {
	    "",
	    "514",
	    "127.0.0.1",
	    "127.0.0.1:",
	    "127.0.0.1:65536",
	    "127.0.0.1:5a",
	    "[::1]",
	    "[::1:514",
	    "::1:514",
	    "256.1.1.1:514",
	    "ho st:514",
	    "-a:514",
	    "unix:",
	    "[x]:514",
	    "a:b:514",
	    ":",
	    "host:000000514",
	};
	struct net_address a;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert_lt(parse(wrong[i], &a), 0, "%s", wrong[i]);
}

Test(net_address, a_path_that_does_not_fit_into_a_sockets_name_is_refused)
{
	char path[200];
	struct net_address a;
	memset(path, 'x', sizeof path);
	memcpy(path, "unix:/", 6);
	path[5 + 107] = 0;
	cr_assert_eq(parse(path, &a), 0);
	path[5 + 107] = 'x';
	path[5 + 108] = 0;
	cr_assert_lt(parse(path, &a), 0);
}

Test(net_address, a_peer_without_a_name_is_called_unix)
{
	char shown[NET_ADDRESS_ROOM];
	struct io_address none = {.length = 0};
	net_address_print(&none, shown);
	cr_assert_str_eq(shown, "unix");
	sa_family_t family = AF_UNIX;
	struct io_address unnamed = {.length = sizeof family};
	memcpy(unnamed.bytes, &family, sizeof family);
	net_address_print(&unnamed, shown);
	cr_assert_str_eq(shown, "unix");
}
