/* secret_iban.c - numbers of bank accounts (ISO 13616): a country, as many letters and digits as an account has there, and the
 * remainder of it all by 97 is 1. In one piece, or in groups with one space or `-` between. */
#include "stages/secrets/secret.h"
#include "stages/secrets/secret_bytes.h"

#include <string.h>

enum { IBAN_MAX = 34 };

/* Country and length, from SWIFT's registry. */
static const char countries[][5] = {
    "AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BI27", "BR29", "BY28",
    "CH21", "CR22", "CY28", "CZ24", "DE22", "DJ27", "DK18", "DO28", "EE20", "EG29", "ES24", "FI18",
    "FK18", "FO18", "FR27", "GB22", "GE22", "GI23", "GL18", "GR27", "GT28", "HN28", "HR21", "HU28",
    "IE22", "IL23", "IQ23", "IS26", "IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21", "LT20",
    "LU20", "LV21", "LY25", "MC27", "MD24", "ME22", "MK19", "MN20", "MR27", "MT31", "MU30", "NI28",
    "NL18", "NO15", "OM23", "PK24", "PL28", "PS29", "PT25", "QA29", "RO24", "RS22", "RU33", "SA24",
    "SC31", "SD18", "SE24", "SI19", "SK24", "SM27", "SO23", "ST25", "SV28", "TL23", "TN24", "TR26",
    "UA29", "VA22", "VG24", "XK20", "YE30",
};

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c & ~0x20) : c;
}

/* How long one of that country is; 0: it has none. */
static size_t iban_length(const uint8_t *text)
{
	for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
		if (upper(text[0]) == (uint8_t)countries[i][0] &&
		    upper(text[1]) == (uint8_t)countries[i][1])
			return (size_t)(countries[i][2] - '0') * 10 +
			       (size_t)(countries[i][3] - '0');
	return 0;
}

/* So many letters and digits from at on, without what stands between. Where they end; at: there are not as many. */
static size_t gather(const uint8_t *text, size_t length, size_t at, size_t count, uint8_t *to)
{
	size_t end = at, got = 0;
	while (got < count && end < length) {
		if (is_alnum(text[end]))
			to[got++] = upper(text[end++]);
		else if ((text[end] == ' ' || text[end] == '-') && end > at &&
			 is_alnum(text[end - 1]))
			end++;
		else
			break;
	}
	return got == count ? end : at;
}

/* Country and check digits count as if they stood at the end; a letter counts as two digits. */
static bool passes_97(const uint8_t *iban, size_t count)
{
	unsigned rest = 0;
	for (size_t i = 0; i < count; i++) {
		uint8_t c = iban[(i + 4) % count];
		rest = is_digit(c) ? rest * 10 + c - '0' : rest * 100 + c - 'A' + 10;
		rest %= 97;
	}
	return rest == 1;
}

static size_t iban_end(const uint8_t *text, size_t length, size_t at)
{
	uint8_t iban[IBAN_MAX];
	size_t count = iban_length(text + at);
	size_t end = count ? gather(text, length, at, count, iban) : at;
	return end > at && passes_97(iban, count) ? end : at;
}

bool secret_find_iban(const uint8_t *text, size_t length, size_t from, struct secret_span *ret)
{
	for (size_t at = from; at + 4 < length; at++) {
		if (!is_digit(text[at + 2]) || !is_digit(text[at + 3]) || !is_letter(text[at]) ||
		    !is_letter(text[at + 1]) || (at > 0 && is_alnum(text[at - 1])))
			continue;
		size_t end = iban_end(text, length, at);
		if (end > at) {
			*ret = (struct secret_span){at, end};
			return true;
		}
	}
	return false;
}
