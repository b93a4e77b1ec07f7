#include "conf/problems.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char no_memory_text[] = "a problem that there was no memory left to describe";

void problems_init(struct problems *p)
{
	*p = (struct problems){0};
}

void problems_release(struct problems *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].text != no_memory_text)
			free(p->list[i].text);
	free(p->list);
	problems_init(p);
}

static struct problem *next_problem(struct problems *p)
{
	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 16;
		struct problem *list = reallocarray(p->list, room, sizeof(*list));
		if (!list)
			return NULL;
		p->list = list;
		p->room = room;
	}
	return &p->list[p->count++];
}

/* One allocation, so that one free ends both: "the text\0the file\0". */
static char *text_and_file(struct place *at, const char *format, va_list args)
{
	size_t file_room = at->file ? strlen(at->file) + 1 : 0;
	va_list measured;
	char *text;
	int length;

	va_copy(measured, args);
	length = vsnprintf(NULL, 0, format, measured);
	va_end(measured);
	assert(length >= 0);
	text = malloc((size_t)length + 1 + file_room);
	if (!text)
		return NULL;
	vsnprintf(text, (size_t)length + 1, format, args);
	if (at->file)
		at->file = memcpy(text + length + 1, at->file, file_room);
	return text;
}

static void add(struct problems *p, bool warning, struct place at, const char *format, va_list args)
{
	struct problem *problem = next_problem(p);

	if (!problem) {
		p->unlisted++;
		return;
	}
	problem->text = text_and_file(&at, format, args);
	problem->at = at;
	problem->warning = warning;
	p->warnings += warning;
	if (!problem->text)
		*problem = (struct problem){.text = no_memory_text, .warning = warning};
}

void problem_add(struct problems *p, struct place at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(p, false, at, format, args);
	va_end(args);
}

void problem_warn(struct problems *p, struct place at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(p, true, at, format, args);
	va_end(args);
}

size_t problems_total(const struct problems *p)
{
	return p->count - p->warnings + p->unlisted;
}

static int compare_numbers(unsigned a, unsigned b)
{
	return (a > b) - (a < b);
}

static int compare_problems(const void *left, const void *right)
{
	const struct problem *a = left, *b = right;
	int order = strcmp(a->at.file ? a->at.file : "", b->at.file ? b->at.file : "");

	if (!order)
		order = compare_numbers(a->at.line, b->at.line);
	if (!order)
		order = compare_numbers(a->at.column, b->at.column);
	return order ? order : strcmp(a->text, b->text);
}

void problems_sort(struct problems *p)
{
	size_t kept = 0;

	if (p->count)
		qsort(p->list, p->count, sizeof(*p->list), compare_problems);
	for (size_t i = 0; i < p->count; i++) {
		if (kept && p->list[i].text != no_memory_text &&
		    !compare_problems(&p->list[kept - 1], &p->list[i])) {
			p->warnings -= p->list[i].warning;
			free(p->list[i].text);
		} else {
			p->list[kept++] = p->list[i];
		}
	}
	p->count = kept;
}

static void print_escaped(const char *text, FILE *to)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		/* U+0080 to U+009F are C2 80 to C2 9F: terminals take these for control characters too. */
		bool c1 = *c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
		if (*c < 0x20 || *c == 0x7f || c1)
			fprintf(to, "\\x%02x", c1 ? *++c : *c);
		else
			putc(*c, to);
	}
}

static void print_problem(const struct problem *problem, FILE *to)
{
	if (problem->at.file) {
		print_escaped(problem->at.file, to);
		if (problem->at.line)
			fprintf(to, ":%u:%u", problem->at.line, problem->at.column);
		fputs(": ", to);
	}
	if (problem->warning)
		fputs("warning: ", to);
	print_escaped(problem->text, to);
	putc('\n', to);
}

void problems_print(struct problems *p, FILE *to)
{
	problems_sort(p);
	for (size_t i = 0; i < p->count; i++)
		print_problem(&p->list[i], to);
	if (p->unlisted)
		fprintf(to, "%zu more that there was no memory left to note\n", p->unlisted);
}

int result_worse(int a, int b)
{
	return a == -ENOMEM || !b ? a : b;
}
