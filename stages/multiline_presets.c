/* multiline_presets.c - the presets of multiline.h, each a machine of a few phases over whole lines.
 *
 *   java     any line is followed by its frames:  at ..., ... 12 more, Caused by:, Suppressed:
 *
 *   python   Traceback ──► FRAMES (indented) ──► EXCEPTION ──blank──► BLANK ──During handling, The above──► LINK ──► Traceback
 *
 *   go       panic:, fatal error:, goroutine 1 [running]: ──► TRACE (frames) ──blank──► GAP ──goroutine, registers──► TRACE
 *
 *   csv      a line with an odd number of quotes leaves a value open, another one closes it
 *
 * A carriage return at the end of a line is no part of it. */
#include "stages/multiline_presets.h"

#include <string.h>

struct line {
	const char *at, *end;
};

static size_t left(const struct line *l)
{
	return (size_t)(l->end - l->at);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* How many there were. */
static size_t skip_blanks(struct line *l)
{
	const char *from = l->at;
	while (l->at < l->end && is_blank(*l->at))
		l->at++;
	return (size_t)(l->at - from);
}

static bool begins(const struct line *l, const char *with)
{
	size_t n = strlen(with);
	return left(l) >= n && memcmp(l->at, with, n) == 0;
}

static bool holds(const struct line *l, const char *what)
{
	return memmem(l->at, left(l), what, strlen(what)) != NULL;
}

static bool ends(const struct line *l, const char *with)
{
	size_t n = strlen(with);
	return left(l) >= n && memcmp(l->end - n, with, n) == 0;
}

static size_t skip_digits(struct line *l)
{
	const char *from = l->at;
	while (l->at < l->end && *l->at >= '0' && *l->at <= '9')
		l->at++;
	return (size_t)(l->at - from);
}

static bool skip_text(struct line *l, const char *text)
{
	if (!begins(l, text))
		return false;
	l->at += strlen(text);
	return true;
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || (unsigned char)c >= 0x80;
}

static size_t skip_name(struct line *l)
{
	const char *from = l->at;
	while (l->at < l->end && is_name_byte(*l->at))
		l->at++;
	return (size_t)(l->at - from);
}

/* ---- java ---- */

/* ... 12 more, ... 12 common frames omitted */
static bool is_java_count(struct line l)
{
	return skip_text(&l, "... ") && skip_digits(&l) > 0 &&
	       (begins(&l, " more") || begins(&l, " common frames omitted"));
}

static bool is_java_frame(struct line l)
{
	size_t blanks = skip_blanks(&l);
	if (begins(&l, "Caused by: ") || begins(&l, "Suppressed: ") || is_java_count(l))
		return true;
	return blanks > 0 && (begins(&l, "at ") || begins(&l, "- locked ") ||
			      begins(&l, "- waiting ") || begins(&l, "[CIRCULAR REFERENCE"));
}

static unsigned java_next(uint8_t *phase, const struct line *l)
{
	bool is_first = *phase == 0;
	*phase = 1;
	return !is_first && is_java_frame(*l) ? 0 : LINE_BEGINS;
}

/* ---- python ---- */

enum { PYTHON_NONE, PYTHON_FRAMES, PYTHON_EXCEPTION, PYTHON_BLANK, PYTHON_LINK };

static bool is_traceback(const struct line *l)
{
	return ends(l, "Traceback (most recent call last):");
}

static bool is_python_link(const struct line *l)
{
	return begins(l, "During handling of the above exception, another exception occurred:") ||
	       begins(l, "The above exception was the direct cause of the following exception:");
}

/* KeyError: 'x', builtins.StopIteration */
static bool is_python_exception(struct line l)
{
	return skip_name(&l) > 0 && (l.at == l.end || *l.at == ':');
}

/* The phase that the line leads to; NONE: it does not belong there. */
static uint8_t python_phase(uint8_t phase, const struct line *l)
{
	bool empty = left(l) == 0;
	switch (phase) {
	case PYTHON_FRAMES:
		if (!empty && is_blank(*l->at))
			return PYTHON_FRAMES;
		return !is_traceback(l) && is_python_exception(*l) ? PYTHON_EXCEPTION : PYTHON_NONE;
	case PYTHON_EXCEPTION:
		return empty ? PYTHON_BLANK : PYTHON_NONE;
	case PYTHON_BLANK:
		return is_python_link(l) ? PYTHON_LINK : PYTHON_NONE;
	case PYTHON_LINK:
		return empty ? PYTHON_LINK : is_traceback(l) ? PYTHON_FRAMES : PYTHON_NONE;
	default:
		return PYTHON_NONE;
	}
}

static unsigned python_next(uint8_t *phase, const struct line *l)
{
	*phase = python_phase(*phase, l);
	if (*phase != PYTHON_NONE)
		return 0;
	if (!is_traceback(l))
		return LINE_BEGINS | LINE_ENDS;
	*phase = PYTHON_FRAMES;
	return LINE_BEGINS;
}

/* ---- go ---- */

enum { GO_NONE, GO_TRACE, GO_GAP };

/* goroutine 18 [chan receive, 2 minutes]: */
static bool is_goroutine(struct line l)
{
	return skip_text(&l, "goroutine ") && skip_digits(&l) > 0 && holds(&l, " [") &&
	       ends(&l, "]:");
}

static bool begins_go_trace(const struct line *l)
{
	return begins(l, "panic: ") || holds(l, ": panic serving ") || begins(l, "fatal error: ") ||
	       begins(l, "SIGQUIT: quit") || begins(l, "unexpected fault address ") ||
	       is_goroutine(*l);
}

/* main.(*Server).serve(0xc000012345, {0x1, 0x2}) */
static bool is_go_call(const struct line *l)
{
	const char *arguments = memchr(l->at, '(', left(l));
	return arguments && is_name_byte(*l->at) && ends(l, ")") &&
	       !memchr(l->at, ' ', (size_t)(arguments - l->at));
}

/* rax    0xca */
static bool is_go_register(struct line l)
{
	size_t name = skip_name(&l);
	return name > 0 && name <= 6 && skip_blanks(&l) > 0 && begins(&l, "0x");
}

static bool is_go_trace(const struct line *l)
{
	if (is_blank(*l->at))
		return true;
	return begins(l, "[signal ") || begins(l, "created by ") || begins(l, "...") ||
	       begins(l, "PC=") || begins(l, "runtime: ") || begins(l, "runtime stack:") ||
	       begins(l, "fatal error: ") || is_goroutine(*l) || is_go_call(l) ||
	       is_go_register(*l);
}

static bool follows_go_gap(const struct line *l)
{
	return is_goroutine(*l) || is_go_register(*l) || begins(l, "runtime stack:");
}

static uint8_t go_phase(uint8_t phase, const struct line *l)
{
	bool empty = left(l) == 0;
	switch (phase) {
	case GO_TRACE:
		return empty ? GO_GAP : is_go_trace(l) ? GO_TRACE : GO_NONE;
	case GO_GAP:
		return !empty && follows_go_gap(l) ? GO_TRACE : GO_NONE;
	default:
		return GO_NONE;
	}
}

static unsigned go_next(uint8_t *phase, const struct line *l)
{
	*phase = go_phase(*phase, l);
	if (*phase != GO_NONE)
		return 0;
	if (left(l) == 0 || !begins_go_trace(l))
		return LINE_BEGINS | LINE_ENDS;
	*phase = GO_TRACE;
	return LINE_BEGINS;
}

/* ---- csv ---- */

enum { CSV_COMPLETE, CSV_QUOTED };

static bool has_odd_quotes(const struct line *l)
{
	const char *at = l->at;
	bool odd = false;
	while ((at = memchr(at, '"', (size_t)(l->end - at)))) {
		odd = !odd;
		at++;
	}
	return odd;
}

static unsigned csv_next(uint8_t *phase, const struct line *l)
{
	bool was_quoted = *phase == CSV_QUOTED;
	bool is_quoted = was_quoted != has_odd_quotes(l);
	*phase = is_quoted ? CSV_QUOTED : CSV_COMPLETE;
	return (was_quoted ? 0 : LINE_BEGINS) | (is_quoted ? 0 : LINE_ENDS);
}

unsigned multiline_preset_next(enum multiline_preset preset, uint8_t *phase, const uint8_t *line,
			       size_t length)
{
	struct line l = {(const char *)line, (const char *)line + length};
	if (length > 0 && line[length - 1] == '\r')
		l.end--;
	switch (preset) {
	case MULTILINE_JAVA:
		return java_next(phase, &l);
	case MULTILINE_PYTHON:
		return python_next(phase, &l);
	case MULTILINE_GO:
		return go_next(phase, &l);
	default:
		return csv_next(phase, &l);
	}
}
