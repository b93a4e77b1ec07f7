/* What each kind of secret is, what is none, and that hostile text takes no longer than any other. */
#include "stages/secrets/secret_search.h"
#include "stages/secrets/secret_sketch.h"
#include "stages/secrets/siphash.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is found stands in <>. */
struct row {
	const char *text, *marked;
};

/* The caller's. */
static char *mark(enum secret_kind_number kind, const char *text, size_t length)
{
	struct secret_span s;
	char *marked;
	size_t at = 0, size;
	FILE *to = open_memstream(&marked, &size);
	while (secret_kinds[kind].find((const uint8_t *)text, length, at, &s)) {
		cr_assert(at <= s.from && s.from < s.to && s.to <= length);
		fprintf(to, "%.*s<%.*s>", (int)(s.from - at), text + at, (int)(s.to - s.from),
			text + s.from);
		at = s.to;
	}
	fprintf(to, "%.*s", (int)(length - at), text + at);
	fclose(to);
	return marked;
}

/* Also where the text ends with the memory, and with the sketch that says beforehand whether it is worth looking. */
static void check_text(enum secret_kind_number kind, const char *text, const char *marked)
{
	size_t length = strlen(text);
	char *exact = malloc(length ? length : 1);
	struct secret_sketch sketch;
	memcpy(exact, text, length);
	char *got = mark(kind, exact, length);
	cr_expect_str_eq(got, marked ? marked : text, "%s: %s\n got %s", secret_kinds[kind].name,
			 text, got);
	secret_sketch(&sketch, (const uint8_t *)exact, length);
	if (marked)
		cr_expect(secret_may_be(&sketch, &secret_kinds[kind].needs),
			  "%s is not seen in: %s", secret_kinds[kind].name, text);
	free(got);
	free(exact);
}

static void check(enum secret_kind_number kind, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_text(kind, rows[i].text, rows[i].marked);
}

static void check_none(enum secret_kind_number kind, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_text(kind, texts[i], NULL);
}

#define CHECK(kind, ...)                                                                           \
	do {                                                                                       \
		static const struct row rows[] = {__VA_ARGS__};                                    \
		check(kind, rows, sizeof rows / sizeof *rows);                                     \
	} while (0)

#define NONE(kind, ...)                                                                            \
	do {                                                                                       \
		static const char *const texts[] = {__VA_ARGS__};                                  \
		check_none(kind, texts, sizeof texts / sizeof *texts);                             \
	} while (0)

Test(secrets, addresses_of_email_end_where_logs_put_things_side_by_side)
{
	CHECK(SECRET_EMAIL, {"ann@example.com", "<ann@example.com>"},
	      {"to <ann@example.com>, bob@b.org.", "to <<ann@example.com>>, <bob@b.org>."},
	      {"user=ann.b+c@mail.example.co.uk&x", "user=<ann.b+c@mail.example.co.uk>&x"},
	      {"mailto:o'brien@example.ie'", "mailto:<o'brien@example.ie>'"},
	      {"\"ann b\"@example.com", "<\"ann b\"@example.com>"},
	      {"x=ann%40example.com&", "x=<ann%40example.com>&"},
	      {"ann@[192.0.2.1] ", "<ann@[192.0.2.1]> "},
	      {"ann@[IPv6:2001:db8::1]", "<ann@[IPv6:2001:db8::1]>"},
	      {"ann@b\xc3\xbc"
	       "cher.example",
	       "<ann@b\xc3\xbc"
	       "cher.example>"},
	      {"j\xc3\xbcrgen@example.de", "<j\xc3\xbcrgen@example.de>"}, {"a@b.co", "<a@b.co>"},
	      {"..ann@example.com..", "..<ann@example.com>.."},
	      {"ann@example.com.5", "<ann@example.com>.5"},
	      {"ann@example.com-", "<ann@example.com>-"},
	      {"/home/ann@example.com", "/home/<ann@example.com>"},
	      {"bounce+ann=example.com@lists.example", "bounce+ann=<example.com@lists.example>"},
	      {"ann@xn--bcher-kva.example", "<ann@xn--bcher-kva.example>"});
}

Test(secrets, signs_alone_are_no_addresses)
{
	NONE(SECRET_EMAIL, "@", "@@@@", "a@", "@b.com", "root@localhost", "pkg@1.2.3",
	     "pkg@1.2.3-beta", "a@b", "a@.com", "a@b.c", "a @b.com", "a@b..c", "%40", "100% of",
	     "%4", "a@[]", "a@[1.2.3.4", "\"@x.com");
}

Test(secrets, cards_pass_luhn_in_one_piece_or_in_groups)
{
	CHECK(SECRET_CARD, {"4111111111111111", "<4111111111111111>"},
	      {"4111 1111 1111 1111,", "<4111 1111 1111 1111>,"},
	      {"4111-1111-1111-1111", "<4111-1111-1111-1111>"},
	      {"4111.1111.1111.1111", "<4111.1111.1111.1111>"},
	      {"n=4111+1111+1111+1111&", "n=<4111+1111+1111+1111>&"},
	      {"(5500000000000004)", "(<5500000000000004>)"},
	      {"3400 000000 00009", "<3400 000000 00009>"}, {"30000000000004", "<30000000000004>"},
	      {"6011000000000004", "<6011000000000004>"}, {"4222222222222", "<4222222222222>"},
	      {"3530111333300000", "<3530111333300000>"},
	      {"6304000000000000000", "<6304000000000000000>"},
	      {"2223003122003222", "<2223003122003222>"},
	      {"cc4111111111111111x", "cc<4111111111111111>x"},
	      {"order 2024 4111 1111 1111 1111", "order 2024 <4111 1111 1111 1111>"},
	      {"4111111111111111 5500000000000004", "<4111111111111111> <5500000000000004>"},
	      {"4111111111111111.07", "<4111111111111111>.07"});
}

Test(secrets, other_long_numbers_are_no_cards)
{
	NONE(SECRET_CARD, "4111111111111112", "1700000000000", "1700000000000000000",
	     "0000000000000000", "0.4111111111111111", "41111111111111111111", "411111111111",
	     "4111  1111 1111 1111", "4111_1111_1111_1111", "41 11 11 11 11 11 11 11",
	     "2024-01-02 10:20:30", "7000000000000005", "192.168.100.100 10.20.30.40", "123", "");
}

/* Which of the two the digits belong to nobody can tell: none of them stays. */
Test(secrets, cards_that_lie_across_each_other_are_one)
{
	static const char text[] = "4111 1111 1111 1111 5500 0000 0000 0004";
	struct secret_span s;
	size_t at = 0;
	char left[64] = "";
	while (secret_find_card((const uint8_t *)text, strlen(text), at, &s)) {
		strncat(left, text + at, s.from - at);
		at = s.to;
	}
	strcat(left, text + at);
	cr_assert(strlen(left) <= 1, "left: %s", left);
}

Test(secrets, addresses_of_version_4_are_four_octets)
{
	CHECK(SECRET_IPV4, {"192.0.2.1", "<192.0.2.1>"}, {"10.0.0.1:8080", "<10.0.0.1>:8080"},
	      {"(255.255.255.255)", "(<255.255.255.255>)"}, {"0.0.0.0/0", "<0.0.0.0>/0"},
	      {"at 10.1.2.3.", "at <10.1.2.3>."}, {"ip10.1.2.3", "ip<10.1.2.3>"},
	      {"1.2.3.4,5.6.7.8", "<1.2.3.4>,<5.6.7.8>"}, {"10.1.2.3-4", "<10.1.2.3>-4"});
	NONE(SECRET_IPV4, "256.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04",
	     "1..2.3", "1.3.6.1.4.1.311", "1234.1.1.1", "1.2.3.4567", "1.2.3.", "....", "1", "");
}

Test(secrets, addresses_of_version_6_have_eight_groups_or_a_gap)
{
	CHECK(SECRET_IPV6, {"2001:db8::1", "<2001:db8::1>"},
	      {"[2001:db8::1]:8080", "[<2001:db8::1>]:8080"}, {"::1", "<::1>"},
	      {"fe80::1%eth0", "<fe80::1>%eth0"}, {"::ffff:192.0.2.1", "<::ffff:192.0.2.1>"},
	      {"64:ff9b::192.0.2.33/96", "<64:ff9b::192.0.2.33>/96"},
	      {"2001:0db8:85a3:0000:0000:8a2e:0370:7334",
	       "<2001:0db8:85a3:0000:0000:8a2e:0370:7334>"},
	      {"1:2:3:4:5:6:7:8", "<1:2:3:4:5:6:7:8>"}, {"2001:DB8::A:B", "<2001:DB8::A:B>"},
	      {"from:2001:db8::1: refused", "from:<2001:db8::1>: refused"},
	      {"1:2:3:4:5:6:192.0.2.1", "<1:2:3:4:5:6:192.0.2.1>"}, {"1::", "<1::>"},
	      {"a=fd00::a,b=fd00::b", "a=<fd00::a>,b=<fd00::b>"});
	NONE(SECRET_IPV6, "12:30:59", "std::vector", "Foo::Bar", "::", "aa:bb:cc:dd:ee:ff",
	     "1:2:3:4:5:6:7", "12345::1", "x::y", ":", ":::", "2001:db8:1", "10:20:30.456", "g::1x",
	     "");
}

Test(secrets, credentials_go_and_schemes_stay)
{
	CHECK(
	    SECRET_BEARER, {"Authorization: Bearer abc123", "Authorization: Bearer <abc123>"},
	    {"authorization:Bearer a.b-c_d~e+f/g==", "authorization:Bearer <a.b-c_d~e+f/g==>"},
	    {"BEARER abcdef0123", "BEARER <abcdef0123>"},
	    {"-H 'Authorization: Basic dXNlcjpwYXNz'", "-H 'Authorization: Basic <dXNlcjpwYXNz>'"},
	    {"Basic dXNlcjpwYXNz", "Basic <dXNlcjpwYXNz>"},
	    {"Proxy-Authorization: Basic dXNlcjpwYXNz x",
	     "Proxy-Authorization: Basic <dXNlcjpwYXNz> x"},
	    {"\"Authorization\":\"hunter2\",", "\"Authorization\":\"<hunter2>\","},
	    {"Authorization: Digest username=\"ann\", response=\"1\"\nHost: x",
	     "Authorization: Digest <username=\"ann\", response=\"1\">\nHost: x"},
	    {"\"Authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature=c\" 200",
	     "\"Authorization: AWS4-HMAC-SHA256 <Credential=a/b, Signature=c\" 200>"},
	    {"authorization=Token+s3cr3t&", "authorization=Token+<s3cr3t&>"},
	    {"Authorization: hunter2 ", "Authorization: <hunter2> "},
	    {"bearer abcdefghijklmnopqrst", "bearer <abcdefghijklmnopqrst>"});
	NONE(SECRET_BEARER, "the bearer of bad news", "Bearer", "bearer ", "Bearer token",
	     "basic tutorial", "Basic training for all",
	     "Authorization:", "Authorization: ", "authorization failed", "b", "a", "");
}

Test(secrets, web_tokens_have_three_parts_or_five)
{
	CHECK(SECRET_JWT,
	      {"t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl;",
	       "t=<eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl>;"},
	      {"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "<eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.>"},
	      {"eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn", "<eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn>"});
	NONE(SECRET_JWT, "eyJ", "eyJ..", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.x",
	     "abc.def.ghi", "EYJhbGciOiJIUzI1NiJ9.a.b", "eyJeyJeyJeyJ", "");
}

Test(secrets, keys_of_aws_are_known_by_how_they_begin_or_are_called)
{
	CHECK(SECRET_AWS, {"AKIAIOSFODNN7EXAMPLE", "<AKIAIOSFODNN7EXAMPLE>"},
	      {"id=ASIAIOSFODNN7EXAMPLE&", "id=<ASIAIOSFODNN7EXAMPLE>&"},
	      {"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	       "aws_secret_access_key = <wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>"},
	      {"\"SecretAccessKey\": \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"",
	       "\"SecretAccessKey\": \"<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>\""});
	NONE(SECRET_AWS, "AKIA", "AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMPLES",
	     "XAKIAIOSFODNN7EXAMPLE", "akiaiosfodnn7example", "AKIA-IOSFODNN7EXAMPLE",
	     "secret_access_key = short", "secret access", "AAAAAAAAAAAAAAAAAAAAAAAA", "");
}

Test(secrets, accounts_pass_97_at_their_countrys_length)
{
	CHECK(SECRET_IBAN, {"DE89370400440532013000", "<DE89370400440532013000>"},
	      {"DE89 3704 0044 0532 0130 00.", "<DE89 3704 0044 0532 0130 00>."},
	      {"(GB82WEST12345698765432)", "(<GB82WEST12345698765432>)"},
	      {"gb82 west 1234 5698 7654 32", "<gb82 west 1234 5698 7654 32>"},
	      {"FR1420041010050500013M02606", "<FR1420041010050500013M02606>"},
	      {"MT84MALT011000012345MTLCAST001S", "<MT84MALT011000012345MTLCAST001S>"},
	      {"NO9386011117947", "<NO9386011117947>"},
	      {"iban=CH93-0076-2011-6238-5295-7;", "iban=<CH93-0076-2011-6238-5295-7>;"});
	NONE(SECRET_IBAN, "DE89370400440532013001", "DE8937040044053201300",
	     "XX89370400440532013000", "XDE89370400440532013000", "DE89  3704 0044 0532 0130 00",
	     "DE893704/0440532013000", "DE89", "DE", "");
}

Test(secrets, uuids_stand_alone)
{
	CHECK(
	    SECRET_UUID,
	    {"id 123e4567-e89b-12d3-a456-426614174000.",
	     "id <123e4567-e89b-12d3-a456-426614174000>."},
	    {"{123E4567-E89B-12D3-A456-426614174000}", "{<123E4567-E89B-12D3-A456-426614174000>}"});
	NONE(SECRET_UUID, "123e4567-e89b-12d3-a456-42661417400", "123e4567e89b12d3a456426614174000",
	     "123e4567-e89b-12d3-a456-4266141740000", "g23e4567-e89b-12d3-a456-426614174000",
	     "----", "");
}

/* If any of them were tried again and again, this would take years. */
Test(secrets, megabytes_of_what_secrets_are_made_of_take_no_longer_than_any_text, .timeout = 120)
{
	static const char *const pieces[] = {
	    "4",
	    "@",
	    "a@",
	    "a@b.",
	    "1.",
	    ":",
	    "::",
	    "1:",
	    "eyJ",
	    "eyJaaaaaaaa.",
	    "bearer ",
	    "authorization:",
	    "AKIA",
	    "secret",
	    "DE89 ",
	    "4111 ",
	    "41111",
	    "a-",
	    "%40",
	    "\"",
	    "basic aaaa",
	    "1.1.1.1.",
	    "1:2:3:4:5:6:7",
	    "aaaa@",
	    "secret_access_key=",
	    "basic ",
	    ".",
	    "a.",
	    "a%40",
	    "-",
	};
	enum { BYTES = 4 << 20 };
	char *text = malloc(BYTES);
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
		size_t piece = strlen(pieces[p]);
		for (size_t i = 0; i < BYTES; i++)
			text[i] = pieces[p][i % piece];
		for (int k = 0; k < SECRET_KINDS; k++) {
			struct secret_span s = {0, 0};
			size_t before = 0;
			while (secret_kinds[k].find((uint8_t *)text, BYTES, s.to, &s)) {
				cr_assert(s.from >= before && s.to > s.from && s.to <= BYTES);
				before = s.to;
			}
		}
	}
	free(text);
}

Test(secrets, a_sketch_counts_what_there_is_however_long_the_text)
{
	for (size_t length = 0; length < 9000; length += length < 100 ? 1 : 911) {
		char *text = malloc(length + 1);
		memset(text, '7', length);
		if (length > 30)
			memcpy(text + length - 8, "@eyJ.:--", 8);
		struct secret_sketch s;
		secret_sketch(&s, (uint8_t *)text, length);
		cr_assert_eq(s.digits, length > 30 ? length - 8 : length);
		cr_assert_eq(s.hints, length > 30 ? HINT_AT | HINT_OBJECT : 0);
		cr_assert_eq(s.dots, length > 30);
		cr_assert_eq(s.colons, length > 30);
		cr_assert_eq(s.dashes, length > 30 ? 2 : 0);
		free(text);
	}
}

/* As OpenSSL's SIPHASH with size:16 has them. */
Test(secrets, hashes_are_siphash_2_4_of_128_bits)
{
	static const struct {
		size_t length;
		const char *hash;
	} known[] = {
	    {0, "A3817F04BA25A8E66DF67214C7550293"},  {1, "DA87C1D86B99AF44347659119B22FC45"},
	    {7, "A1F1EBBED8DBC153C0B84AA61FF08239"},  {8, "3B62A9BA6258F5610F83E264F31497B4"},
	    {15, "5493E99933B0A8117E08EC0F97CFC3D9"}, {63, "5150D1772F50834A503E069A973FBD7C"}};
	uint8_t key[SIPHASH_KEY_BYTES], bytes[64], hash[SIPHASH_BYTES];
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	memcpy(key, bytes, sizeof key);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		char hex[2 * SIPHASH_BYTES + 1];
		siphash(key, bytes, known[i].length, hash);
		for (unsigned k = 0; k < sizeof hash; k++)
			snprintf(hex + 2 * (size_t)k, 3, "%02X", hash[k]);
		cr_expect_str_eq(hex, known[i].hash);
	}
}
