#include "stages/multiline.h"
#include "stages/env.h"
#include "stages/framing_options.h"
#include "stages/multiline_presets.h"
#include "stages/stage.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { LINES_MIN = 2, LINES_MAX = 1000000, CODE_PER_PATTERN_BYTE = 512, CODE_BYTES = 16 * 1024 };

static const char *const presets[] = {"none", "java", "python", "go", "csv", NULL};

const struct option multiline_table[] = {
    {"start", OPTION_TEXT, offsetof(struct multiline_options, start), .min = 1,
     .doc = "PCRE2 pattern: a line in which it matches begins a record"},
    {"continue", OPTION_TEXT, offsetof(struct multiline_options, goes_on), .min = 1,
     .doc = "PCRE2 pattern: a line in which it matches belongs to the record before; others do "
	    "not, unless `end` matches in them"},
    {"end", OPTION_TEXT, offsetof(struct multiline_options, end), .min = 1,
     .doc = "PCRE2 pattern: a line in which it matches is the last one of its record"},
    {"preset", OPTION_CHOICE, offsetof(struct multiline_options, preset), .preset = "none",
     .choices = presets,
     .doc =
	 "Instead of patterns: stack traces of java, tracebacks of python, panics and goroutines "
	 "of go; csv: values in quotes that hold newlines"},
    {"max_lines", OPTION_COUNT, offsetof(struct multiline_options, max_lines), .preset = "1000",
     .min = LINES_MIN, .max = LINES_MAX,
     .doc = "Most lines of one record; with the next one another begins, which is counted"},
    {"max_bytes", OPTION_SIZE, offsetof(struct multiline_options, max_bytes), .preset = "1MiB",
     .min = 1, .max = FRAMING_LINE_MAX,
     .doc = "Longest record of several lines, likewise; a line that is longer stays whole"},
    {"timeout", OPTION_DURATION, offsetof(struct multiline_options, timeout_ns), .preset = "1s",
     .min = 1000000,
     .doc = "How long a record waits for another line; at the end of the input it does not"},
    {0},
};

static void check_pattern(const struct text *pattern, const char *name, struct problems *problems)
{
	struct regex_error error;
	if (!pattern->bytes)
		return;
	int r = regex_check(pattern->bytes, pattern->length, &error);
	if (r == -ENOMEM)
		problem_add(problems, pattern->at, "out of memory while compiling `%s`", name);
	else if (r < 0)
		problem_add(problems, text_place(pattern, error.offset),
			    "`%s` does not compile: %s", name, error.message);
}

static void refuse_beside_preset(const struct text *pattern, const char *name,
				 const struct multiline_options *o, struct problems *problems)
{
	if (pattern->bytes)
		problem_add(problems, pattern->at,
			    "`%s` beside `preset: %s`, which says it all; leave one of them out",
			    name, presets[o->preset]);
}

/* `multiline: java` alone says `start: java`. */
static void refuse_preset_as_pattern(const struct multiline_options *o, struct problems *problems)
{
	for (size_t i = 1; o->start.bytes && presets[i]; i++)
		if (strcmp(o->start.bytes, presets[i]) == 0)
			problem_add(problems, o->start.at,
				    "`%s` would be a pattern that lines are searched for; write "
				    "`{preset: %s}`",
				    presets[i], presets[i]);
}

void multiline_check(const struct multiline_options *o, struct place at, struct problems *problems)
{
	const struct {
		const struct text *pattern;
		const char *name;
	} patterns[] = {{&o->start, "start"}, {&o->goes_on, "continue"}, {&o->end, "end"}};
	bool any = false;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		any |= patterns[i].pattern->bytes != NULL;
		check_pattern(patterns[i].pattern, patterns[i].name, problems);
		if (o->preset != MULTILINE_PATTERNS)
			refuse_beside_preset(patterns[i].pattern, patterns[i].name, o, problems);
	}
	refuse_preset_as_pattern(o, problems);
	if (!any && o->preset == MULTILINE_PATTERNS)
		problem_add(problems, at, "multiline needs `start`, `continue`, `end` or `preset`");
}

/* ---- ready to be used ---- */

static int compile(struct regex *r, const struct text *pattern, bool *ret_has)
{
	struct regex_error error;
	if (!pattern->bytes)
		return 0;
	int result = regex_init(r, pattern->bytes, pattern->length, &error);
	*ret_has = result == 0;
	return result;
}

int multiline_init(struct multiline *m, const struct multiline_options *o, struct env *env,
		   struct stage_counters *counters)
{
	*m = (struct multiline){.options = o, .env = env, .counters = counters};
	int r = compile(&m->start, &o->start, &m->has_start);
	if (r == 0)
		r = compile(&m->goes_on, &o->goes_on, &m->has_continue);
	if (r == 0)
		r = compile(&m->end, &o->end, &m->has_end);
	/* they compiled when the topology was checked, so it can only be memory */
	if (r < 0)
		env_say(env, SAY_ERROR, "multiline not prepared", "error=%s", strerror(-r));
	return r;
}

void multiline_release(struct multiline *m)
{
	if (m->has_start)
		regex_release(&m->start);
	if (m->has_continue)
		regex_release(&m->goes_on);
	if (m->has_end)
		regex_release(&m->end);
	*m = (struct multiline){.options = NULL};
}

static size_t pattern_memory(const struct text *pattern)
{
	return pattern->bytes
		   ? REGEX_STACK_BYTES + CODE_BYTES + pattern->length * CODE_PER_PATTERN_BYTE
		   : 0;
}

size_t multiline_memory(const struct multiline_options *o)
{
	return pattern_memory(&o->start) + pattern_memory(&o->goes_on) + pattern_memory(&o->end);
}

size_t multiline_record_max(const struct multiline_options *o, size_t max_line)
{
	return o->max_bytes > max_line ? (size_t)o->max_bytes : max_line;
}

/* ---- lines ---- */

static bool matches(struct multiline *m, bool has, const struct regex *r, const uint8_t *line,
		    size_t length)
{
	int found = has ? regex_matches(r, line, length) : 0;
	if (found >= 0)
		return found == 1;
	counter_add(&m->counters->errors, 1);
	if (!m->said)
		env_say(m->env, SAY_WARN, "regex gave up", "steps_max=%d action=%s",
			REGEX_STEPS_MAX, "such lines count as not matching");
	m->said = true;
	return false;
}

/* What is open, when there is `start` beside others, is only what they say something of. */
static unsigned by_patterns(struct multiline *m, bool is_open, const uint8_t *line, size_t length)
{
	bool is_strict = m->has_start && (m->has_continue || m->has_end);
	if (matches(m, m->has_start, &m->start, line, length)) {
		bool ends = matches(m, m->has_end, &m->end, line, length);
		return LINE_BEGINS | (ends ? LINE_ENDS : 0u);
	}
	if (matches(m, m->has_end, &m->end, line, length))
		return LINE_ENDS | (is_open ? 0u : LINE_BEGINS);
	if (m->has_continue) {
		bool goes_on = matches(m, true, &m->goes_on, line, length);
		if (goes_on)
			return is_open ? 0 : LINE_BEGINS;
		return LINE_BEGINS | (is_strict ? LINE_ENDS : 0u);
	}
	if (is_open)
		return 0;
	return LINE_BEGINS | (is_strict ? LINE_ENDS : 0u);
}

static unsigned look_at(struct multiline *m, struct multiline_open *open, const uint8_t *line,
			size_t length)
{
	enum multiline_preset preset = (enum multiline_preset)m->options->preset;
	if (preset == MULTILINE_PATTERNS)
		return by_patterns(m, open->lines > 0, line, length);
	return multiline_preset_next(preset, &open->phase, line, length);
}

static bool is_too_much(const struct multiline *m, const struct multiline_open *open, size_t joined)
{
	return open->lines >= m->options->max_lines || joined > m->options->max_bytes;
}

/* Once for each record that there would have been. */
static void note_cut(struct multiline *m)
{
	if (counter_get(&m->counters->lost[LOSS_MULTILINE_CUT]) == 0)
		env_say(m->env, SAY_WARN, "record of too many lines or bytes cut",
			"max_lines=%ju max_bytes=%ju", (uintmax_t)m->options->max_lines,
			(uintmax_t)m->options->max_bytes);
	counter_add(&m->counters->lost[LOSS_MULTILINE_CUT], 1);
}

unsigned multiline_next(struct multiline *m, struct multiline_open *open, const uint8_t *line,
			size_t length, size_t joined)
{
	unsigned does = look_at(m, open, line, length);
	if (open->lines > 0 && !(does & LINE_BEGINS) && is_too_much(m, open, joined)) {
		note_cut(m);
		*open = (struct multiline_open){0};
		does = look_at(m, open, line, length) | LINE_BEGINS;
	}
	open->lines = does & LINE_BEGINS ? 1 : open->lines + 1;
	if (does & LINE_ENDS)
		*open = (struct multiline_open){0};
	return does;
}
