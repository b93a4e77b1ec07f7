/* file_source.c - reads the files that patterns match: once, each to its end, in the order of their paths
 * (where some are remembered: these first, then by age, since what is new may have come through a rotation); or for ever,
 * as they grow, are renamed, replaced, truncated and deleted.
 *
 *      file_finder            file_set                file_reader
 *   which files there are --> by name, identity, --> one at a time, a fair --> batches
 *   (walks, inotify)          whose turn it is       share each
 *
 *   once:    FINDING -- all found --> READING -- nothing left --> DONE
 *                  \--- nothing matched: failed, -ENOENT
 *   follow:  FINDING and reading side by side
 *   stopped: DRAINING -- what the open streams hold is out --> DONE
 *
 *   from      event                        to
 *   FINDING   the walk has ended           READING: all files ready, in the order of their paths, or by age
 *   FINDING   ... and found no file        failed, unless it passed some over
 *   READING   the reader is idle           DONE
 *   any       stopping                     DRAINING
 *
 * What is remembered from run to run, in file_positions: how far each file was read. While some of it waits for its
 * file, following also reads nothing before all that is there has been found: an older file comes before its successor.
 *
 * Where `read_from: end` has files begin at their ends, nothing is read before these places are committed: after a crash
 * they would be elsewhere, and what came in between lost.
 *
 *   UNKNOWN --all found, an epoch is asked for--> FOUND --snapshot--> SAID --committed--> COMMITTED: reading
 *
 * Each part's own states and transitions: glob_walk.h, file_finder.h, file_lost.h, file_set.h,
 * file_positions.h, file_reader.h. */
#include "stages/source/file_telling.h"
#include "stages/source/file_source.h"
#include "stages/builtin.h"
#include "stages/source/file_finder.h"
#include "stages/source/file_overlap.h"
#include "stages/source/file_positions.h"
#include "stages/source/file_reader.h"
#include "stages/source/file_removal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const read_from_choices[] = {"beginning", "end", NULL};
static const char *const compression_choices[] = {"auto", "none", "zstd", "gzip", NULL};

static const struct option file_source_table[] = {
    {"paths", OPTION_TEXTS, offsetof(struct file_source_options, paths), .required = true, .min = 1,
     .doc = "Files to read: paths with * ? [a-z] {a,b} and ** for any number of directories"},
    {"exclude", OPTION_TEXTS, offsetof(struct file_source_options, exclude), .min = 1,
     .doc = "Files to leave out: patterns for the whole path, or, without a slash, for the last "
	    "name"},
    {"read_from", OPTION_CHOICE, offsetof(struct file_source_options, read_from),
     .preset = "beginning", .choices = read_from_choices,
     .doc = "Where to begin in files that are there at the start and of which no position is "
	    "remembered; those that appear later, also while nothing runs, are read whole"},
    {"compression", OPTION_CHOICE, offsetof(struct file_source_options, compression),
     .preset = "auto", .choices = compression_choices,
     .doc = "How the files are compressed; `auto` goes by the name's ending .zst or .gz, or by "
	    "the first bytes"},
    {"ignore_older", OPTION_DURATION, offsetof(struct file_source_options, ignore_older_ns),
     .preset = "off", .word = "off",
     .doc =
	 "Leave files alone that were last modified before so long and of which nothing was read "
	 "yet; what is remembered of files that are gone is forgotten after that time, or 7d"},
    {"remove_after", OPTION_DURATION, offsetof(struct file_source_options, remove_after_ns),
     .preset = "off", .word = "off", .min = 1000000,
     .doc = "Delete a file so long after an epoch was committed with all of it, if nothing has "
	    "come to "
	    "it since; needs epochs. With --once what is due at the end is deleted after the last "
	    "epoch, the rest by a later run"},
    FRAMING_OPTION_ROWS(offsetof(struct file_source_options, framing)),
    {"multiline", OPTION_GROUP, offsetof(struct file_source_options, multiline),
     .group = multiline_table, .given_offset = offsetof(struct file_source_options, joins),
     .doc = "Lines of a file that belong together are one record, as they stand"},
    {0},
};

#define LEAVE_NS                                                                                   \
	UINT64_C(1000000000) /* at the end, files that are due within that are waited for */
#define KEEP_NS (7 * 24 * 3600 * INT64_C(1000000000)) /* as `ignore_older`, where that is off */

enum beginnings {
	BEGINNINGS_UNKNOWN,
	BEGINNINGS_FOUND,
	BEGINNINGS_SAID,
	BEGINNINGS_COMMITTED,
};

struct file_source {
	struct framing framing;
	struct multiline multiline;
	struct file_set set;
	struct file_positions positions;
	struct file_finder finder;
	struct file_reader reader;
	struct file_removal removal;
	struct file_aside aside;
	bool set_up;  /* what is to be released */
	bool goes_on; /* something was remembered */
	bool all_found;
	enum beginnings beginnings;
};

static void check_patterns(const struct text_list *list, const char *option, unsigned flags,
			   struct problems *problems)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct text *t = &list->items[i];
		struct glob_set set;
		const char *why = NULL;
		glob_set_init(&set);
		int r = glob_set_add(&set, t->bytes, t->length, flags, &why);
		if (r == -EINVAL)
			problem_add(problems, t->at, "`%s`: pattern \"%s\": %s", option,
				    text_shown(t, t->bytes), why);
		else if (r < 0)
			problem_add(problems, t->at, "`%s`: out of memory", option);
		glob_set_release(&set);
	}
}

static void file_source_check(const void *options, struct place at, struct problems *problems)
{
	const struct file_source_options *o = options;
	if (o->paths.count == 0)
		problem_add(problems, at, "`paths` is empty; name at least one file");
	check_patterns(&o->paths, "paths", 0, problems);
	check_patterns(&o->exclude, "exclude", GLOB_DOTS, problems);
	if (o->joins)
		multiline_check(&o->multiline, at, problems);
}

static int file_source_reads(const void *options, file_resolve *resolve,
			     struct file_question *questions, size_t count)
{
	const struct file_source_options *o = options;
	return file_overlap_answer(&o->paths, &o->exclude, resolve, questions, count);
}

static int add_patterns(struct stage *s, struct glob_set *set, const struct text_list *list,
			unsigned flags)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct text *t = &list->items[i];
		const char *why = "out of memory";
		int r = glob_set_add(set, t->bytes, t->length, flags, &why);
		if (r < 0) {
			env_say(s->env, SAY_ERROR, "bad pattern", "pattern=%s error=%s",
				text_shown(t, t->bytes), why);
			return r;
		}
	}
	return 0;
}

/* What is being deleted, maybe by another source. */
static int leave_out_aside(struct stage *s, struct glob_set *exclude)
{
	static const char pattern[] = FILE_ASIDE_PREFIX "[.-]*";
	const char *why;
	int r = glob_set_add(exclude, pattern, sizeof pattern - 1, GLOB_DOTS, &why);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
	return r;
}

/* 0 or -errno, having said why. */
static int prepare_joining(struct stage *s, struct file_source *source)
{
	const struct file_source_options *o = s->options;
	if (!o->joins)
		return 0;
	source->framing.multiline = &source->multiline;
	source->reader.quiet_ns = o->multiline.timeout_ns;
	return multiline_init(&source->multiline, &o->multiline, s->env, s->counters);
}

/* 0 or -errno, having said why. */
static int remember(struct stage *s, struct file_source *source)
{
	const struct file_source_options *o = s->options;
	if (!s->state_dir)
		return 0;
	int64_t keep_ns = o->ignore_older_ns > 0 ? (int64_t)o->ignore_older_ns : KEEP_NS;
	int r = file_positions_init(&source->positions, &s->counters->changes, keep_ns);
	source->positions.boot = env_boot(s->env);
	source->positions.notes_time = source->finder.from_end;
	source->positions.notes_stored = o->remove_after_ns > 0;
	file_removal_init(&source->removal, s, &source->finder, &source->positions,
			  o->remove_after_ns);
	if (r == 0 && s->saved)
		r = file_positions_load(&source->positions, s->saved);
	if (r == 0 && o->remove_after_ns > 0)
		file_aside_begin(&source->aside, s, &source->positions);
	if (r < 0)
		env_say(s->env, SAY_ERROR, r == -EBADMSG ? "state is damaged" : "out of memory",
			"stage=%s", s->id);
	source->set.positions = &source->positions;
	source->goes_on = source->positions.by_inode.count > 0;
	source->finder.holding = !s->once && (source->finder.from_end || source->goes_on);
	return r;
}

static int file_source_open(struct stage *s)
{
	const struct file_source_options *o = s->options;
	struct file_source *source = calloc(1, sizeof *source);
	s->state = source;
	if (!source || file_set_init(&source->set) < 0) {
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
		return -ENOMEM;
	}
	source->framing = framing_from_options(&o->framing, s);
	source->finder = (struct file_finder){
	    .stage = s,
	    .set = &source->set,
	    .from_end = o->read_from == 1,
	    .follow = !s->once,
	    .ignore_older_ns = o->ignore_older_ns,
	    .may_be_removed = o->remove_after_ns > 0,
	};
	source->reader = (struct file_reader){.stage = s,
					      .set = &source->set,
					      .framing = &source->framing,
					      .compression = (enum compression)o->compression,
					      .follow = !s->once};
	source->set_up = true;
	file_reader_start(&source->reader);
	int r = prepare_joining(s, source);
	if (r == 0)
		r = remember(s, source);
	if (r == 0)
		r = add_patterns(s, &source->finder.include, &o->paths, 0);
	if (r == 0)
		r = add_patterns(s, &source->finder.exclude, &o->exclude, GLOB_DOTS);
	if (r == 0)
		r = leave_out_aside(s, &source->finder.exclude);
	return r < 0 ? r : file_finder_start(&source->finder);
}

static void file_source_close(struct stage *s)
{
	struct file_source *source = s->state;
	if (!source)
		return;
	if (source->set_up) {
		file_removal_release(&source->removal);
		file_aside_release(&source->aside);
		file_finder_release(&source->finder);
		file_reader_release(&source->reader);
	}
	file_set_release(&source->set);
	file_positions_release(&source->positions);
	multiline_release(&source->multiline);
	free(source);
	s->state = NULL;
}

/* What is written without wildcards and not there has been said to be unreadable. */
static bool has_wildcards(const struct glob_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (!set->globs[i].literal)
			return true;
	return false;
}

static void say_nothing_matched(struct stage *s)
{
	const struct file_source_options *o = s->options;
	char patterns[1024] = "";
	size_t length = 0;
	for (size_t i = 0; i < o->paths.count && length < sizeof patterns; i++)
		length += (size_t)snprintf(patterns + length, sizeof patterns - length, "%s%s",
					   i > 0 ? " " : "",
					   text_shown(&o->paths.items[i], o->paths.items[i].bytes));
	env_say(s->env, SAY_ERROR, "nothing matched", "paths=%s", patterns);
}

static int find(struct stage *s, struct file_source *source)
{
	int r = file_finder_step(&source->finder);
	if (r == -ENOMEM)
		env_say(s->env, SAY_ERROR, "out of memory", "files=%zu", source->set.count);
	if (r != STEP_DONE)
		return r;
	source->all_found = true;
	const struct file_source_options *o = s->options;
	bool may_be_empty = source->finder.ignored || o->remove_after_ns > 0;
	if (source->set.count == 0 && !may_be_empty) {
		if (has_wildcards(&source->finder.include) ||
		    counter_get(&s->counters->errors) == 0)
			say_nothing_matched(s);
		return -ENOENT;
	}
	r = file_set_ready_in_order(&source->set, source->goes_on ? FILES_BY_AGE : FILES_BY_PATH);
	return r < 0 ? r : STEP_MORE;
}

/* 0 or -ENOMEM. */
static int let_go(struct file_source *source)
{
	source->finder.holding = false;
	return file_set_ready_in_order(&source->set, FILES_BY_AGE);
}

static void say_when(struct stage *s, const struct file_source *source)
{
	uint64_t when = file_reader_next_ns(&source->reader);
	uint64_t finder = file_finder_next_ns(&source->finder);
	uint64_t removal = file_removal_next_ns(&source->removal);
	if (finder < when && !s->stopping)
		when = finder;
	if (removal < when && !s->stopping)
		when = removal;
	if (when != UINT64_MAX)
		env_wake_at(s->env, when);
}

/* Regular files are not read on, so that without a stream it is over at once. */
static int drain(struct stage *s, struct file_source *source, struct batch **ret_batch)
{
	file_reader_drain(&source->reader);
	if (file_reader_is_drained(&source->reader))
		return STEP_DONE;
	int read = file_reader_step(&source->reader, ret_batch);
	if (read != STEP_WAIT)
		return read;
	if (file_reader_is_drained(&source->reader))
		return STEP_DONE;
	say_when(s, source);
	return STEP_WAIT;
}

static bool waits_for_commit(struct stage *s, struct file_source *source)
{
	if (!s->state_dir || !source->finder.began_at_end)
		return false;
	if (source->beginnings == BEGINNINGS_UNKNOWN) {
		source->beginnings = BEGINNINGS_FOUND;
		counter_add(&s->counters->awaited, 1);
	}
	return source->beginnings != BEGINNINGS_COMMITTED;
}

static int only_find(struct stage *s, const struct file_source *source, int found)
{
	uint64_t when = file_finder_next_ns(&source->finder);
	if (found == STEP_WAIT && when != UINT64_MAX)
		env_wake_at(s->env, when);
	return found;
}

int file_source_next(struct stage *s, struct batch **ret_batch)
{
	struct file_source *source = s->state;
	*ret_batch = NULL;
	if (s->stopping)
		return drain(s, source, ret_batch);
	int put_back = file_aside_step(&source->aside);
	if (put_back != STEP_DONE)
		return put_back;
	int found = source->all_found ? STEP_WAIT : find(s, source);
	if (found >= 0 && source->finder.holding && source->finder.first_done)
		found = let_go(source) < 0 ? -ENOMEM : STEP_MORE;
	if (found < 0 || source->finder.holding || (s->once && !source->all_found))
		return found;
	if (waits_for_commit(s, source))
		return only_find(s, source, found);
	int removed = file_removal_step(&source->removal);
	if (removed < 0)
		return removed;
	int read = file_reader_step(&source->reader, ret_batch);
	if (read != STEP_WAIT)
		return read;
	if (found == STEP_MORE || removed == STEP_MORE)
		return STEP_MORE;
	if (s->once && file_reader_is_idle(&source->reader))
		return STEP_DONE;
	say_when(s, source);
	return STEP_WAIT;
}

static int file_source_step(struct stage *s, struct outlet *out)
{
	struct batch *b;
	int r = file_source_next(s, &b);
	if (b)
		emit(out, &b);
	return r;
}

static int file_source_snapshot(struct stage *s, struct delta *d)
{
	struct file_source *source = s->state;
	if (source->beginnings == BEGINNINGS_FOUND)
		source->beginnings = BEGINNINGS_SAID;
	return file_positions_snapshot(&source->positions, d, env_wall_ns(s->env));
}

static void file_source_committed(struct stage *s, uint64_t epoch)
{
	struct file_source *source = s->state;
	(void)epoch;
	if (source->beginnings == BEGINNINGS_SAID)
		source->beginnings = BEGINNINGS_COMMITTED;
	file_positions_committed(&source->positions);
	file_removal_note(&source->removal);
}

/* Read to the end of its input, it removes what is due; who stops it early wants it to end. */
static int file_source_settle(struct stage *s)
{
	struct file_source *source = s->state;
	struct file_removal *r = &source->removal;
	bool ends = s->stopping || !s->once || file_removal_is_idle(r, LEAVE_NS);
	if (ends && r->at == REMOVAL_IDLE)
		return STEP_DONE;
	int removed = file_removal_step(r);
	if (removed == STEP_WAIT && r->at == REMOVAL_IDLE)
		env_wake_at(s->env, file_removal_next_ns(r));
	return removed < 0 ? STEP_DONE : removed; /* the next run will */
}

static const char *file_source_needs_epochs(const void *options)
{
	const struct file_source_options *o = options;
	return o->remove_after_ns > 0 ? "remove_after" : NULL;
}

static size_t file_source_memory(const void *options)
{
	const struct file_source_options *o = options;
	size_t bytes = sizeof(struct file_source) + sizeof(struct file_watch);
	if (o->joins)
		bytes += multiline_memory(&o->multiline);
	return o->compression == COMPRESSION_NONE ? bytes : bytes + unpacker_memory();
}

static size_t file_source_buffer_capacity(const void *options)
{
	const struct file_source_options *o = options;
	return framing_buffer_capacity(&o->framing, o->joins ? &o->multiline : NULL);
}

static const char *file_source_restart(const void *options, bool remembers)
{
	const struct file_source_options *o = options;
	if (remembers)
		return "read on from where each file was read up to, also where it was renamed";
	return o->read_from == 1
		   ? "read on from the end of its files: what was on its way at a crash, "
		     "and what comes while nothing runs, is left out"
		   : "read again from the beginning: all of it comes once more";
}

static const struct text_list *file_source_patterns(const void *options,
						    const struct text_list **ret_exclude)
{
	const struct file_source_options *o = options;
	*ret_exclude = &o->exclude;
	return &o->paths;
}

const struct stage_type file_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "file",
	       .summary = "reads files, plain or compressed, and follows them as they grow",
	       .options = file_source_table,
	       .options_size = sizeof(struct file_source_options),
	       .check = file_source_check},
    .open = file_source_open,
    .close = file_source_close,
    .source_step = file_source_step,
    .snapshot = file_source_snapshot,
    .committed = file_source_committed,
    .settle = file_source_settle,
    .needs_epochs = file_source_needs_epochs,
    .tell = file_source_tell,
    .drains = true,
    .memory = file_source_memory,
    .buffer_capacity = file_source_buffer_capacity,
    .restart = file_source_restart,
    .patterns = file_source_patterns,
    .reads = file_source_reads,
};
