/* framer.h - cuts the bytes of one stream into records, whatever the bytes.
 *
 *   bytes[from, to)      "alpha\nbeta\ngam"
 *                         ^^^^^  ^^^^  ^^^ stays: the caller reads more behind it, or moves it in front of what comes
 *                         records of one batch
 *
 *   IN LINE  --- longer than max_line: truncate, drop ---> SKIPPING (up to the delimiter; nothing is held)
 *      ^ |       longer than max_line: split ------------> IN LINE, in_split (the line's next piece)
 *      | |       the input ends: a record -------------> IN LINE, in_split, should it go on after all
 *      | +------ delimiter: a record; in_split with nothing before it: none
 *      +-------- delimiter ------------------------------- SKIPPING
 *
 * With `multiline`, lines that belong together are one record: its bytes as they stand, delimiters between them included. All of it
 * stays, from the first line's beginning on, until it is complete; a line longer than max_line is joined with none.
 *
 * So a line is never held whole unless it fits max_line: at most max_line plus a delimiter less one byte stay behind,
 * and, with `multiline`, multiline_record_max() before it.
 * A record cut short is the last of its batch, which says so (`unterminated`), since what follows it in memory is not
 * the delimiter.
 *
 * Threads: the owner's. Memory: none but its own 28 bytes, one for each stream. Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/multiline.h"
#include "stages/stage.h"

enum long_line { LONG_LINE_TRUNCATE, LONG_LINE_DROP, LONG_LINE_SPLIT };

/* For OPTION_CHOICE, in the order above; ends with NULL. */
extern const char *const long_line_choices[];

/* The same for all streams of a stage. */
struct framing {
	struct delimiter delimiter;
	size_t max_line; /* bytes, the delimiter not counted; at least 1 */
	enum long_line on_long_line;
	struct stage_counters *counters; /* records_in, bytes_in, lost */
	struct env *env;                 /* is told of the first long line; NULL: nobody is */
	struct multiline *multiline;     /* which lines are one record; NULL: each is */
};

struct framer {
	uint32_t searched; /* of the bytes that stayed: known to hold no beginning of a delimiter */
	uint16_t room;     /* records worth looking for at once; few while many lines are long */
	bool skipping;
	bool in_split; /* the line's beginning has been a record */
	/* Of a record of several lines: those that are known, and how many bytes from its beginning on they are, each with its
	 * delimiter. None of that is consumed. */
	uint32_t joined;
	struct multiline_open open;
};

/* Where the bytes come from, for who is told of a long line. */
struct framer_place {
	const char *path;
	uint64_t origin; /* offset in there of bytes[0], modulo 2^64 */
	bool known;      /* if not, origin means nothing: the bytes were unpacked */
};

/* At the beginning of a line. */
void framer_init(struct framer *f);

/* The bytes that stayed will be read anew, maybe different ones. */
void framer_forget(struct framer *f);

/* Fills the batch b from b->bytes[from, to) and returns where the bytes not consumed begin. To be called again
 * from there until it adds nothing to b: then it can do nothing without more bytes. b is empty; without `multiline` it may have
 * records of what lies before `from`, if it is neither full nor `unterminated`. `ended`: no more will come for now,
 * what has no delimiter is a record too; in the end all is consumed. place: needed if rules->env is. */
size_t framer_fill(struct framer *f, const struct framing *rules, struct batch *b, size_t from,
		   size_t to, bool ended, const struct framer_place *place);

/* The same of the record of several lines that is open, if one is: whatever comes, it is complete with the lines that are known. b
 * stays empty if none is. */
size_t framer_close(struct framer *f, const struct framing *rules, struct batch *b, size_t from);

static inline bool framer_is_open(const struct framer *f)
{
	return f->open.lines > 0;
}

/* True if framer_fill() could do nothing with `length` bytes that stayed; saves a batch. */
bool framer_is_starved(const struct framer *f, const struct framing *rules, size_t length);
