/* net_framing.h - the bytes of one connection cut into records, as its sender has framed them.
 *
 *   newline           alpha\nbeta\n                 any delimiter; the same with NUL
 *   octet_counting    5 alpha4 beta                 RFC 6587: a decimal length and a blank before each; a newline at the end of
 *                                                   what is counted is left out, as rsyslog does
 *   auto              5 <1>ab4 <1>c\n<1>d\n         for each frame: a length where a message of syslog follows it, else a line
 *   length_prefixed   0 0 0 5 alpha 0 0 0 4 beta    1, 2 or 4 bytes, big or little endian
 *
 * Lines longer than max_line are handled as `on_long_line` says (stages/framer.h). A frame that says it is longer is refused before
 * anything is taken for it, and so is a length that is none: nothing behind it can be made sense of, so the connection is of no
 * more use.
 *
 * Threads: the owner's. Memory: none but its own few bytes, one for each connection. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/framer.h"
#include "stages/framing_options.h"

enum net_method {
	NET_NEWLINE, /* `delimiter`, in fact */
	NET_NUL,
	NET_OCTET_COUNTING,
	NET_AUTO,
	NET_LENGTH_PREFIXED,
};

enum { NET_OCTET_HEAD_MAX = 11 }; /* the digits of 2^32 and a blank */

struct net_framing_options {
	struct framing_options lines;
	struct net_method_options {
		uint64_t method; /* enum net_method */
		uint64_t length_bytes;
		uint64_t endian; /* 0: big */
	} framing;
};

extern const struct option net_method_table[];
/* Of a source of syslog: `auto` unless it is said otherwise. */
extern const struct option net_syslog_method_table[];
/* Of a sink of syslog: `octet_counting`. */
extern const struct option net_octet_method_table[];

/* Rows for the option table of a struct that has a struct net_framing_options at offset `base`. */
/* clang-format off */
#define NET_FRAMING_OPTION_ROWS(base, methods)                                                     \
	FRAMING_OPTION_ROWS((base) + offsetof(struct net_framing_options, lines)),                 \
	{"framing", OPTION_GROUP, (base) + offsetof(struct net_framing_options, framing),          \
	 .group = (methods),                                                                       \
	 .doc = "How records are told apart in the stream of bytes"}
/* clang-format on */

/* The same for all connections of a stage. */
struct net_framing {
	struct framing lines; /* max_line is for all frames */
	enum net_method method;
	unsigned length_bytes; /* 1, 2 or 4 */
	bool little_endian;
};

struct net_framer {
	struct framer lines;
	bool in_line; /* NET_AUTO: the frame at hand is a line of which a part was consumed */
};

/* What options do not go together; at: of the stage. */
void net_method_check(const struct net_method_options *o, struct place at,
		      struct problems *problems);
void net_framing_check(const struct net_framing_options *o, struct place at,
		       struct problems *problems);
struct net_framing net_framing_from_options(const struct net_framing_options *o,
					    const struct stage *s);

/* At the beginning of a frame. */
void net_framer_init(struct net_framer *f);

/* Adds the records of b->bytes[from, to) to b, which is neither full nor `unterminated`, until it is one of these or nothing more
 * can be done without more bytes, and returns where those not consumed begin; these bytes are written to: what stood between records
 * begins with a delimiter then. Behind the last one none may stand yet: net_framing_part(). `ended`: no more will come; a line
 * without an end is a record then, what else is left is not consumed. *ret_why: NULL, or why what begins there is refused (static). */
size_t net_framer_fill(struct net_framer *f, const struct net_framing *r, struct batch *b,
		       size_t from, size_t to, bool ended, const struct framer_place *place,
		       const char **ret_why);

/* What lies from `from` on, which is where net_framer_fill() stopped, is not needed any more: if the last record ends there a delimiter
 * is put behind it. Returns where others' bytes may begin. */
size_t net_framing_part(const struct net_framing *r, const struct batch *b, size_t from);

/* True if net_framer_fill() could do nothing with these bytes, of which the first `held` were there before, in vain, and lie
 * apart from the others: so a frame that comes in many pieces is looked through once. */
bool net_framer_is_starved(const struct net_framer *f, const struct net_framing *r,
			   const uint8_t *held, size_t held_length, const uint8_t *fresh,
			   size_t fresh_length);

/* The most that is ever left unconsumed, when there was room in b. */
size_t net_framing_left_max(size_t max_line);
