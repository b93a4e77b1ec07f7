/* fuzz_syslog.c - any bytes as a message of syslog: its parts lie in it, in order; what is RFC 5424 is the same when it is put
 * together again, and its structured data is what it was found to be.
 *
 *   byte 0: the format
 *
 * Layer: tests, libFuzzer. */
#include "stages/text/syslog_data.h"
#include "stages/text/syslog_scan.h"
#include "tests/fuzz/fuzz_text.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 16, HEAD_MAX = 64 };

static void check_stamp(const struct syslog_parts *p)
{
	const struct syslog_stamp *s = &p->stamp;
	if (!p->timestamp.bytes)
		return;
	assert(s->year >= SYSLOG_STAMP_NO_YEAR && s->month >= 1 && s->month <= 12);
	assert(s->day >= 1 && s->day <= 31 && s->hour <= 23 && s->minute <= 59 && s->second <= 60);
	assert(s->fraction_ns >= 0 && s->fraction_ns < 1000000000);
	assert(s->offset_s > -86400 && s->offset_s < 86400 && (s->has_offset || !s->offset_s));
}

static void check_parts(const struct syslog_parts *p, const uint8_t *bytes, size_t length)
{
	const uint8_t *at = bytes, *end = bytes + length;
	assert(p->priority >= SYSLOG_NO_PRIORITY && p->priority <= SYSLOG_PRIORITY_MAX);
	if (p->priority >= 0)
		assert(syslog_facility(p->priority) && syslog_severity(p->priority));
	const struct text_span *parts[] = {&p->timestamp, &p->hostname, &p->appname, &p->procid,
					   &p->msgid};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		fuzzed_follows(parts[i], &at, end);
		assert(!parts[i]->bytes || parts[i]->length > 0);
	}
	fuzzed_follows(&p->structured_data, &at, end);
	fuzzed_follows(&p->message, &at, end);
	assert(!p->message.bytes || at == end);
	check_stamp(p);
}

/* It is there. */
static void check_data(const struct text_span *data)
{
	struct syslog_data d = syslog_data_from(data->bytes, data->length);
	struct syslog_piece piece;
	const uint8_t *at = data->bytes, *end = at + data->length;
	bool first = true;
	int r;
	while ((r = syslog_data_next(&d, &piece)) != 0) {
		assert(r > 0 && piece.name.length > 0 && piece.is_element >= first);
		fuzzed_follows(&piece.name, &at, end);
		fuzzed_follows(&piece.value, &at, end);
		if (!piece.is_element) {
			uint8_t *plain = malloc(piece.value.length + 1);
			assert(plain);
			size_t n = syslog_data_unescape(plain, piece.value);
			assert(piece.escaped ? n <= piece.value.length : n == piece.value.length);
			free(plain);
		}
		first = false;
	}
	assert(d.at == end);
}

static void put_word(struct fuzzed_text *t, const struct text_span *word)
{
	fuzzed_put_text(t, " ");
	if (word->bytes)
		fuzzed_put(t, word->bytes, word->length);
	else
		fuzzed_put_text(t, "-");
}

static void check_again(const struct syslog_parts *p, size_t length)
{
	struct fuzzed_text t = {.room = length + HEAD_MAX};
	struct syslog_parts again;
	const char *why;
	char head[16];
	t.bytes = malloc(t.room);
	assert(t.bytes);
	snprintf(head, sizeof head, "<%d>1", p->priority);
	fuzzed_put_text(&t, head);
	const struct text_span *words[] = {&p->timestamp, &p->hostname, &p->appname,
					   &p->procid,    &p->msgid,    &p->structured_data};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		put_word(&t, words[i]);
	if (p->message.bytes) {
		fuzzed_put_text(&t, " \xef\xbb\xbf");
		fuzzed_put(&t, p->message.bytes, p->message.length);
	}
	int r = syslog_scan(SYSLOG_AUTO, t.bytes, (uint32_t)t.length, &again, &why);
	assert(r == 0 && again.priority == p->priority);
	const struct text_span *same[] = {&again.timestamp, &again.hostname,
					  &again.appname,   &again.procid,
					  &again.msgid,     &again.structured_data};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		assert(fuzzed_same(words[i], same[i]));
	assert(fuzzed_same(&p->message, &again.message));
	free(t.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct syslog_parts p;
	const char *why = NULL;
	if (length < 1 || length > INPUT_MAX)
		return 0;
	const enum syslog_format format = (enum syslog_format)(bytes[0] % 3);
	uint8_t *copy = fuzzed_copy(bytes + 1, --length);
	if (syslog_scan(format, copy, (uint32_t)length, &p, &why) < 0) {
		assert(why && *why);
	} else {
		check_parts(&p, copy, length);
		if (p.structured_data.bytes)
			check_data(&p.structured_data);
		if (format == SYSLOG_RFC5424)
			check_again(&p, length);
	}
	free(copy);
	return 0;
}
