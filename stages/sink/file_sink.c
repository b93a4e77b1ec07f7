/* file_sink.c - records to files: plain or compressed, one after another as time and size will have it.
 *
 * Here is what may be written under it in a topology; what is done with it is stages/file_output.h. */
#include "conf/excerpt.h"
#include "stages/builtin.h"
#include "stages/cure.h"
#include "stages/encoding.h"
#include "stages/file_output.h"
#include "stages/rotated_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COMPRESSION_AUTO, COMPRESSION_NONE, COMPRESSION_ZSTD };

struct file_sink_options {
	struct text path;
	struct encoding_options encoding;
	struct {
		uint64_t type, level, workers;
	} compression;
	struct {
		uint64_t size, interval, idle, keep;
	} rotate;
	uint64_t max_open; /* 0: not said */
};

#define AT(member) offsetof(struct file_sink_options, member)
/* A member of a nested struct; macro arguments of offsetof() can't be put in parentheses. */
#define IN(group, member) (AT(group.member) - AT(group)) /* NOLINT(bugprone-macro-parentheses) */

static const char *const compressions[] = {"auto", "none", "zstd", NULL};

static const struct option compression_table[] = {
    {"type", OPTION_CHOICE, IN(compression, type), .preset = "auto", .choices = compressions,
     .doc = "auto: zstd if the path ends in .zst, else none"},
    {"level", OPTION_COUNT, IN(compression, level), .preset = "3", .min = 1, .max = 19,
     .doc = "How hard zstd tries"},
    {"workers", OPTION_COUNT, IN(compression, workers), .preset = "1", .min = 1, .max = 64,
     .doc = "How many frames of a file are compressed at the same time"},
    {0},
};

static const struct option rotate_table[] = {
    {"size", OPTION_SIZE, IN(rotate, size), .min = 1,
     .doc = "Start a new file before this one would grow past it"},
    {"interval", OPTION_DURATION, IN(rotate, interval), .min = 1000000000,
     .doc = "Start a new file at each multiple of it, in UTC"},
    {"idle", OPTION_DURATION, IN(rotate, idle), .min = 1000000,
     .doc = "Close a file that nothing has been written to for so long"},
    {"keep", OPTION_DURATION, IN(rotate, keep), .min = 1000000000,
     .doc = "Delete a finished file so long after it was written to last: what was renamed, or has "
	    "another date in its path; not before an epoch that holds it is committed. Directories "
	    "stay"},
    {0},
};

static const struct option file_sink_table[] = {
    {"path", OPTION_TEXT, AT(path), .required = true, .min = 1,
     .doc = "Where to, with strftime's conversions in UTC, of the time that a record says or else "
	    "was read at, and {fields} of it; directories after the first of these are made"},
    {"encoding", OPTION_GROUP, AT(encoding), .group = encoding_table,
     .doc = "How records are written"},
    {"compression", OPTION_GROUP, AT(compression), .group = compression_table,
     .doc = "How files are compressed"},
    {"rotate", OPTION_GROUP, AT(rotate), .group = rotate_table,
     .doc = "When a file is renamed, with the time in its name, and a new one begun"},
    {"max_open", OPTION_COUNT, AT(max_open), .min = 1, .max = OUTPUT_LANES_MAX,
     .doc =
	 "How many files are open at a time where records name them; 64, or 16 compressed ones, if "
	 "the "
	 "path has a {field} in it, else 1. Then the one is finished that nothing has been written "
	 "to for longest. Counts for the memory budget"},
    {0},
};

struct file_sink {
	struct path_template template;
	struct path_groups *groups; /* NULL: none are needed */
	struct file_output output;
};

static bool ends_in(const struct text *path, const char *suffix)
{
	size_t length = strlen(suffix);
	return path->length > length &&
	       memcmp(path->bytes + path->length - length, suffix, length) == 0;
}

static bool is_compressed(const struct file_sink_options *o)
{
	if (o->compression.type != COMPRESSION_AUTO)
		return o->compression.type == COMPRESSION_ZSTD;
	return ends_in(&o->path, ".zst");
}

/* Who opens it by its name would take it for something else. */
static void check_name(const struct file_sink_options *o, struct problems *problems)
{
	static const char *const others[] = {".gz", ".bz2", ".xz", ".lz4"};
	const char *holds = is_compressed(o) ? "zstd" : "plain text";
	struct excerpt shown = excerpt_of(o->path.bytes, o->path.length, o->path.secret);
	if (ends_in(&o->path, ".zst") && !is_compressed(o))
		problem_warn(problems, o->path.at,
			     "`%s` will hold plain text in spite of its name; take "
			     "`compression: zstd`, or another name",
			     shown.text);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (ends_in(&o->path, others[i]))
			problem_warn(problems, o->path.at,
				     "`%s` will hold %s in spite of its name: %s is not written; "
				     "name it `.zst`, for zstd, or without",
				     shown.text, holds, i == 0 ? "gzip" : others[i] + 1);
}

static void check_keep(const struct file_sink_options *o, const struct path_template *template,
		       struct place at, struct problems *problems)
{
	if (o->rotate.keep > 0 && template->field_count > 0)
		problem_add(
		    problems, at,
		    "`rotate.keep` cannot delete where the path has a field in it, as nobody "
		    "knows which of those files are finished; leave it out");
	bool finishes = o->rotate.size > 0 || o->rotate.interval > 0 || template->varies;
	if (o->rotate.keep > 0 && !finishes)
		problem_warn(
		    problems, at,
		    "`rotate.keep` finds nothing to delete, as no file is ever finished; give "
		    "`rotate` a `size` or an `interval`, or the path a date");
}

static void check_max_open(const struct file_sink_options *o, const struct path_template *template,
			   struct place at, struct problems *problems)
{
	if (o->max_open > 1 && !template->varies)
		problem_warn(
		    problems, at,
		    "`max_open` means nothing here, as all records go into one file; leave "
		    "it out, or give the path a {field} or a date");
}

static void file_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct file_sink_options *o = options;
	struct path_template template;
	const char *why;
	size_t offset;
	encoding_check(&o->encoding, at, problems);
	if (!o->path.bytes)
		return;
	check_name(o, problems);
	if (path_template_parse(&template, o->path.bytes, o->path.length, &why, &offset) == 0) {
		check_keep(o, &template, at, problems);
		check_max_open(o, &template, at, problems);
		return;
	}
	struct place mistake = o->path.at;
	mistake.column += (unsigned)offset;
	problem_add(problems, mistake, "%s", why);
}

static const struct stage_schema *file_sink_companion(const void *options, const void **ret_options)
{
	return encoding_companion(&((const struct file_sink_options *)options)->encoding,
				  ret_options);
}

/* It has been checked. */
static int parse_path(const struct file_sink_options *o, struct path_template *ret_template)
{
	const char *why;
	size_t at;
	return path_template_parse(ret_template, o->path.bytes, o->path.length, &why, &at);
}

static void mention(const struct text *path, const struct path_field *field,
		    struct field_uses *uses)
{
	int column = fields_find(uses->fields, field->name, field->length);
	if (!path->secret)
		fields_mention(uses, column, text_place(path, (size_t)(field->name - path->bytes)));
}

static void file_sink_fields(const void *options, struct field_uses *uses)
{
	const struct file_sink_options *o = options;
	struct path_template template;
	if (parse_path(o, &template) < 0)
		return;
	path_groups_declare(&template, uses);
	for (size_t i = 0; i < template.field_count; i++)
		mention(&o->path, &template.fields[i], uses);
}

static int format_path(const struct file_sink_options *o, int64_t wall_ns, char *out, size_t room)
{
	struct path_template template;
	int r = parse_path(o, &template);
	return r < 0 ? r : path_template_format(&template, wall_ns, out, room);
}

static int file_sink_writes(const void *options, int64_t wall_ns, unsigned i,
			    struct file_claim *claim)
{
	enum { FIRST_ROTATED = 1, MORE_ROTATED = 2 }; /* in one second */
	const struct file_sink_options *o = options;
	bool renames = o->rotate.size > 0 || o->rotate.interval > 0;
	char path[PATH_MAX];
	claim->option = &o->path;
	if (i == 0)
		return format_path(o, wall_ns, claim->path, sizeof claim->path);
	if (!renames || i > MORE_ROTATED)
		return -ENOENT;
	int r = format_path(o, wall_ns, path, sizeof path);
	return r < 0 ? r
		     : rotated_name(path, wall_ns, i - FIRST_ROTATED, claim->path,
				    sizeof claim->path);
}

/* Files open at a time. A zstd file takes a hundred times what a plain one does. */
static size_t count_lanes(const struct file_sink_options *o, const struct path_template *t)
{
	enum { PLAIN = 64, PACKED = 16 };
	if (!t->varies)
		return 1;
	if (o->max_open > 0)
		return o->max_open;
	if (t->field_count == 0)
		return 1;
	return is_compressed(o) ? PACKED : PLAIN;
}

static struct file_output_options output_options(const struct stage *s,
						 const struct file_sink *sink)
{
	const struct file_sink_options *o = s->options;
	struct file_output_options out = {
	    .template = &sink->template,
	    .groups = sink->groups,
	    .lanes = sink->groups ? count_lanes(o, &sink->template) : 1,
	    .zstd = is_compressed(o),
	    .level = (int)o->compression.level,
	    .workers = (unsigned)o->compression.workers,
	    .rotate_size = o->rotate.size,
	    .rotate_interval_ns = o->rotate.interval,
	    .rotate_idle_ns = o->rotate.idle,
	    .keep_ns = o->rotate.keep,
	    .memory = {.state_dir = s->state_dir,
		       .sink = s->id,
		       .epoch = s->epoch,
		       .saved = s->saved},
	};
	out.delimiter = encoding_delimiter(&o->encoding);
	return out;
}

static int make_groups(struct file_sink *sink, const struct stage *s)
{
	if (!path_groups_are_needed(&sink->template, s))
		return 0;
	sink->groups = calloc(1, sizeof *sink->groups);
	if (!sink->groups)
		return -ENOMEM;
	path_groups_init(sink->groups, &sink->template, s);
	return 0;
}

static int file_sink_open(struct stage *s)
{
	const struct file_sink_options *o = s->options;
	struct file_sink *sink = calloc(1, sizeof *sink);
	s->state = sink;
	int r = -ENOMEM;
	if (sink)
		r = parse_path(o, &sink->template);
	if (r == 0) {
		sink->template.secret = o->path.secret;
		r = make_groups(sink, s);
	}
	if (r == 0) {
		struct file_output_options options = output_options(s, sink);
		r = file_output_init(&sink->output, &options, s->env, s->counters);
	}
	if (r == -EBADMSG)
		env_say(s->env, SAY_ERROR, "state of the output is damaged",
			"path=%s state_dir=%s cure=%s", text_shown(&o->path, o->path.bytes),
			s->state_dir, cure_state);
	else if (r < 0)
		env_say(s->env, SAY_ERROR, "output cannot be set up", "path=%s error=%s",
			text_shown(&o->path, o->path.bytes), strerror(-r));
	return r;
}

static void file_sink_close(struct stage *s)
{
	struct file_sink *sink = s->state;
	if (!sink)
		return;
	file_output_release(&sink->output);
	free(sink->groups);
	free(sink);
	s->state = NULL;
}

static int file_sink_step(struct stage *s, struct inlet *in)
{
	struct file_output *f = &((struct file_sink *)s->state)->output;
	struct batch *b;
	while (file_output_has_room(f) && (b = inlet_take(in)) != NULL)
		file_output_put(f, &b);
	int r = file_output_step(f, file_output_has_room(f) ? FEED_DRY : FEED_MORE);
	inlet_done(in, file_output_take_done(f));
	return r;
}

static int file_sink_finish(struct stage *s, struct inlet *in)
{
	struct file_output *f = &((struct file_sink *)s->state)->output;
	int r = file_output_finish(f);
	inlet_done(in, file_output_take_done(f));
	return r;
}

static int file_sink_let_go(struct stage *s)
{
	struct file_sink *sink = s->state;
	return sink ? file_output_let_go(&sink->output) : STEP_DONE;
}

static int file_sink_cut(struct stage *s, struct inlet *in, uint64_t epoch)
{
	struct file_output *f = &((struct file_sink *)s->state)->output;
	int r = file_output_cut(f, epoch);
	inlet_done(in, file_output_take_done(f));
	return r;
}

static int file_sink_sync(struct stage *s, struct delta *d)
{
	return file_output_sync(&((struct file_sink *)s->state)->output, d);
}

static void file_sink_committed(struct stage *s, uint64_t epoch)
{
	file_output_committed(&((struct file_sink *)s->state)->output, epoch);
}

/* Whether there will be groups is not known here where only a time is in the path. */
static size_t output_footprint(const struct file_sink_options *o, const struct path_template *t)
{
	struct file_output_options out = {.zstd = is_compressed(o),
					  .level = (int)o->compression.level,
					  .workers = (unsigned)o->compression.workers,
					  .lanes = 1};
	size_t one = file_output_footprint(&out);
	out.lanes = count_lanes(o, t);
	size_t many = file_output_footprint(&out);
	return many > one ? many : one;
}

static size_t file_sink_memory(const void *options)
{
	const struct file_sink_options *o = options;
	struct path_template template;
	if (parse_path(o, &template) < 0)
		return 0;
	size_t groups = template.varies ? sizeof(struct path_groups) : 0;
	return sizeof(struct file_sink) + groups + output_footprint(o, &template);
}

/* Each file with its directory; those that are finished, on their way to the disk. */
static size_t file_sink_descriptors(const void *options)
{
	const struct file_sink_options *o = options;
	struct path_template template;
	if (parse_path(o, &template) < 0)
		return 0;
	return 2 * (count_lanes(o, &template) + SETTLING_FILES);
}

static unsigned file_sink_helpers(const void *options)
{
	const struct file_sink_options *o = options;
	return is_compressed(o) ? (unsigned)o->compression.workers : 0;
}

static const char *file_sink_guarantee(const void *options, bool stream, bool epochs)
{
	(void)options;
	if (stream)
		return "handed to a pipe or device, all of it after a drained stop; what its "
		       "reader does not read is lost";
	if (epochs)
		return "in files as of the last epoch after any crash or power failure: what came "
		       "after it is taken back at the next start";
	return "appended to files, all of it after a drained stop; not synced: a power failure "
	       "may take the last of it";
}

static int file_sink_tell(const void *options, const struct delta *saved, struct teller *t)
{
	const struct file_sink_options *o = options;
	struct output_marks marks;
	int r = output_marks_get(saved, 0, &marks);
	for (size_t i = 0; r == 0 && i < marks.count; i++) {
		const struct output_mark *m = &marks.list[i];
		output_mark_tell(m, m->is_public ? text_shown(&o->path, m->path) : SECRET_SHOWN, t);
	}
	output_marks_release(&marks);
	return r;
}

static const struct text *file_sink_path(const void *options)
{
	return &((const struct file_sink_options *)options)->path;
}

const struct stage_type file_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "file",
	       .summary = "writes records to files, plain or compressed, and rotates them",
	       .options = file_sink_table,
	       .options_size = sizeof(struct file_sink_options),
	       .check = file_sink_check,
	       .companion = file_sink_companion},
    .open = file_sink_open,
    .close = file_sink_close,
    .sink_step = file_sink_step,
    .sink_finish = file_sink_finish,
    .sink_let_go = file_sink_let_go,
    .sink_cut = file_sink_cut,
    .sink_sync = file_sink_sync,
    .committed = file_sink_committed,
    .tell = file_sink_tell,
    .fields = file_sink_fields,
    .memory = file_sink_memory,
    .descriptors = file_sink_descriptors,
    .helpers = file_sink_helpers,
    .guarantee = file_sink_guarantee,
    .path = file_sink_path,
    .writes = file_sink_writes,
};
