#include "daemon/telling.h"
#include "daemon/status.h"
#include "stages/output_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

const char *moment_text(char text[static TELLING_TEXT_ROOM], int64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	size_t n = strftime(text, TELLING_TEXT_ROOM, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, TELLING_TEXT_ROOM - n, ".%03dZ", (int)(wall_ns % 1000000000 / 1000000));
	return text;
}

const char *age_text(char text[static TELLING_TEXT_ROOM], int64_t age_ns)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = {{86400, "days"}, {3600, "h"}, {60, "min"}};
	double seconds = age_ns > 0 ? (double)age_ns / 1e9 : 0;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (seconds >= 2 * units[i].seconds) {
			snprintf(text, TELLING_TEXT_ROOM, "%.0f %s", seconds / units[i].seconds,
				 units[i].name);
			return text;
		}
	snprintf(text, TELLING_TEXT_ROOM, "%.1f s", seconds);
	return text;
}

static struct telling *telling_of(struct teller *t)
{
	return (struct telling *)(void *)t; /* teller stands first */
}

/* Lines */

static void put_shown(FILE *to, const char *bytes)
{
	for (const unsigned char *c = (const unsigned char *)bytes; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			fprintf(to, "\\x%02x", *c);
		else
			fputc(*c, to);
}

static void line_item(struct telling *t, const char *what, const char *name)
{
	fprintf(t->to, "%s    %s ", t->items++ ? "\n" : "", what);
	put_shown(t->to, name);
	t->facts = 0;
}

static FILE *line_fact(struct teller *teller, const char *name)
{
	struct telling *t = telling_of(teller);
	fprintf(t->to, "%s%s ", t->facts++ ? ", " : ": ", name);
	return t->to;
}

static void line_text(struct teller *t, const char *name, const char *value)
{
	put_shown(line_fact(t, name), value);
}

static void line_number(struct teller *t, const char *name, uint64_t value)
{
	fprintf(line_fact(t, name), "%" PRIu64, value);
}

/* Exact, as it is what people compare with ls. */
static void line_moment(struct teller *t, const char *name, int64_t wall_ns)
{
	char age[TELLING_TEXT_ROOM];
	fprintf(line_fact(t, name), "%s ago", age_text(age, telling_of(t)->now_ns - wall_ns));
}

/* JSON */

static void json_item(struct telling *t, const char *what, const char *name)
{
	if (t->items++)
		json_close(t->json, '}');
	json_open(t->json, '{');
	json_text_of(t->json, what, name);
}

static void json_fact_text(struct teller *t, const char *name, const char *value)
{
	json_text_of(telling_of(t)->json, name, value);
}

static void json_fact_number(struct teller *t, const char *name, uint64_t value)
{
	json_name(telling_of(t)->json, name);
	json_number(telling_of(t)->json, value);
}

static void json_fact_moment(struct teller *t, const char *name, int64_t wall_ns)
{
	char text[TELLING_TEXT_ROOM];
	json_text_of(telling_of(t)->json, name, moment_text(text, wall_ns));
}

/* Files */

void telling_item(struct telling *t, const char *what, const char *name)
{
	(t->json ? json_item : line_item)(t, what, name);
}

void telling_refuse_item(struct telling *t, const char *why)
{
	t->refusals++;
	teller_text(&t->teller, "refused", why);
}

static bool is_it(const struct told_file *f, const struct io_status *s)
{
	return s->inode == f->inode && output_births_agree(s->birth_ns, f->birth_ns);
}

/* How the next start would go on with what is there. */
static void verify_input(struct telling *t, const struct told_file *f)
{
	struct io_status s;
	int64_t r = status_read(AT_FDCWD, f->path, &s);
	if (r < 0)
		teller_text(&t->teller, "now", strerror((int)-r));
	else if (!is_it(f, &s))
		teller_text(&t->teller, "now", "another file has its name; this one is looked for");
	else if (s.size < f->at)
		teller_text(&t->teller, "now",
			    "shorter; it is read from its beginning, or on at its end if the "
			    "machine was started again and it begins as it did");
	else
		teller_number(&t->teller, "left", s.size - f->at);
}

/* As was noted, others have moved, deleted or cut it. */
static bool was_left(const struct telling *t, const struct told_file *f)
{
	return t->output.acts && undo_acts_left(t->output.acts, f->inode);
}

static void verify_missing_output(struct telling *t, const struct told_file *f, enum sight sight)
{
	bool is_gone = sight == SIGHT_GONE;
	if (was_left(t, f))
		teller_text(&t->teller, "now", "left to who moved or deleted it");
	else if (f->role == TOLD_CLOSED)
		teller_text(&t->teller, "now",
			    is_gone ? strerror(ENOENT)
				    : "another file has its name, and is taken as it is");
	else if (t->output.is_orphan && is_gone)
		teller_text(&t->teller, "now", "moved away or deleted, which is told");
	else
		telling_refuse_item(t, is_gone ? strerror(ENOENT) : "another file has its name");
}

static void verify_short_output(struct telling *t, const struct told_file *f, uint64_t missing)
{
	if (was_left(t, f))
		teller_text(&t->teller, "then",
			    "cut by somebody else, going on behind what is left");
	else
		telling_refuse_item(t, "it is shorter than what was committed");
	teller_number(&t->teller, "missing", missing);
}

static void verify_found_output(struct telling *t, const struct told_file *f,
				const struct io_status *s)
{
	if (s->size < f->at) {
		verify_short_output(t, f, f->at - s->size);
		return;
	}
	if (s->size > f->at)
		teller_number(&t->teller, f->role == TOLD_CLOSED ? "appended" : "to_be_cut",
			      s->size - f->at);
	if (f->open_frame)
		teller_text(&t->teller, "frame", "to be closed");
}

/* As it will be when what its journal says is undone. To the end of a run there is nothing to go back, and nobody looks at
 * the file then, unless it is its sink. */
static void verify_output(struct telling *t, const struct told_file *f)
{
	struct sought file = {f->path, f->inode, f->birth_ns,
			      .is_looked_for = f->role == TOLD_OUTPUT};
	struct io_status s;
	int64_t error;
	if (t->output.is_orphan && f->role == TOLD_CLOSED)
		return;
	enum sight sight = foresight_find(t->output.foresight, &file, &s, &error);
	if (sight == SIGHT_MOVED)
		teller_text(&t->teller, "now", "moved within its directory, where it is found");
	if (sight == SIGHT_FAILED)
		telling_refuse_item(t, strerror((int)-error));
	else if (sight == SIGHT_GONE || sight == SIGHT_ANOTHER)
		verify_missing_output(t, f, sight);
	else
		verify_found_output(t, f, &s);
}

static void tell_file(struct teller *teller, const struct told_file *f)
{
	struct telling *t = telling_of(teller);
	telling_item(t, "file", f->shown);
	teller_number(teller, f->role == TOLD_INPUT ? "position" : "committed", f->at);
	if (t->verify)
		(f->role == TOLD_INPUT ? verify_input : verify_output)(t, f);
}

void telling_refuse(struct telling *t, const char *why)
{
	telling_item(t, "state", "?");
	telling_refuse_item(t, why);
}

static void tell_thing(struct teller *teller, const char *what, const char *name)
{
	telling_item(telling_of(teller), what, name);
}

static const struct teller_ops lines = {.thing = tell_thing,
					.file = tell_file,
					.text = line_text,
					.number = line_number,
					.moment = line_moment};

static const struct teller_ops objects = {.thing = tell_thing,
					  .file = tell_file,
					  .text = json_fact_text,
					  .number = json_fact_number,
					  .moment = json_fact_moment};

void telling_begin(struct telling *t, FILE *to, struct json_writer *json, int64_t now_ns,
		   bool verify)
{
	*t = (struct telling){.teller = {.ops = json ? &objects : &lines},
			      .to = to,
			      .json = json,
			      .now_ns = now_ns,
			      .verify = verify};
}

void telling_stage(struct telling *t, const char *id, const char *type, const char *kind)
{
	t->items = 0;
	if (!t->json) {
		fprintf(t->to, "  %s %s (%s)\n", kind, id, type);
		return;
	}
	json_open(t->json, '{');
	json_text_of(t->json, "id", id);
	json_text_of(t->json, "type", type);
	json_text_of(t->json, "kind", kind);
	json_name(t->json, "items");
	json_open(t->json, '[');
}

void telling_stage_end(struct telling *t)
{
	if (!t->json) {
		fputs(t->items ? "\n" : "    nothing\n", t->to);
		return;
	}
	if (t->items)
		json_close(t->json, '}');
	json_close(t->json, ']');
	json_close(t->json, '}');
}
