/* state.c - `sluice state`: what the newest epoch remembers, and with --verify whether the next start would agree.
 *
 * It changes nothing, takes no lock, and may look while a sluice runs: then it sees that one's newest epoch.
 * Layer: daemon. */
#include "conf/excerpt.h"
#include "daemon/commands.h"
#include "daemon/epoch_reader.h"
#include "daemon/load.h"
#include "daemon/orphans.h"
#include "daemon/output.h"
#include "daemon/pipeline.h"
#include "daemon/recovery.h"
#include "daemon/remembered.h"
#include "daemon/telling.h"
#include "daemon/undo_telling.h"
#include "stages/cure.h"
#include "stages/delta.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct state {
	const struct arguments *arguments;
	const struct topology *topology;
	char directory[PATH_MAX];
	int fd; /* its; -1: there is none */
	struct backend *backend;
	struct epoch_map map;
	struct epoch_reader reader;
	struct remembered known;
	int found; /* what the reader found */
	struct json_writer json;
	struct telling telling;
};

enum { FINDING_ROOM = EPOCH_NAME_MAX + 200 };

/* Reading */

static int step_reader(void *reader)
{
	return epoch_reader_step(reader);
}

static int read_log(struct state *s)
{
	int r = epoch_map_init(&s->map);
	if (r < 0 || s->fd < 0)
		return r;
	epoch_reader_begin(&s->reader, &s->backend->io, s->fd, O_RDONLY, s->topology->name.bytes,
			   &s->map);
	return backend_carry(s->backend, step_reader, &s->reader);
}

/* A directory that is not there is one in which nothing is remembered. */
static int open_state(struct state *s)
{
	int r = recovery_state_dir(s->topology, s->directory);
	if (r < 0)
		return r;
	s->fd = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0 && errno != ENOENT) {
		fprintf(stderr, "sluice state: %s: %s\n", s->directory, strerror(errno));
		return -errno;
	}
	r = backend_open(&s->backend, BACKEND_PLAIN, NULL);
	if (r == 0)
		s->found = read_log(s);
	return r;
}

static void close_state(struct state *s)
{
	epoch_reader_release(&s->reader);
	while (s->backend && s->backend->busy > 0)
		if (backend_poll(s->backend) == 0)
			backend_wait(s->backend, UINT64_MAX);
	backend_close(s->backend);
	remembered_release(&s->known);
	epoch_map_release(&s->map);
	if (s->fd >= 0)
		close(s->fd);
}

/* What was found, in a phrase; static or in `text`. */
static const char *finding(const struct state *s, char text[static FINDING_ROOM])
{
	const size_t size = FINDING_ROOM;
	const struct epoch_report *found = &s->reader.report;
	switch (s->found) {
	case 0:
		return NULL;
	case -EBADMSG:
		snprintf(text, size, "damaged at offset %" PRIu64 " (%s): %s", found->bad_at,
			 found->reason, cure_state);
		return text;
	case -EXDEV:
		snprintf(text, size, "another topology's, `%s`",
			 text_shown(&s->topology->name, found->name));
		return text;
	case -ENOTSUP:
		snprintf(text, size, "written by a newer sluice (format %" PRIu64 ")",
			 found->version);
		return text;
	default:
		return strerror(-s->found);
	}
}

/* Telling */

static int copy_saved(const struct state *s, const struct topology_stage *stage, struct delta *d)
{
	char *name = pipeline_remembered_as(stage);
	int r = name ? epoch_map_copy(&s->map, name, d) : -ENOMEM;
	free(name);
	return r;
}

/* What is remembered of it is told first, then what would be undone of it. */
static int tell_verified(struct state *s, struct remembered_output *o,
			 int (*tell)(struct state *s, const void *what), const void *what)
{
	struct undo_telling u;
	if (!o || !s->arguments->verify)
		return tell(s, what);
	int r = undo_telling_begin(&u, &s->telling, o, s->fd, s->reader.report.epoch);
	if (r == 0)
		r = tell(s, what);
	undo_telling_end(&u);
	return r;
}

static int tell_saved(struct state *s, const void *what)
{
	const struct topology_stage *stage = what;
	const struct stage_type *type = (const struct stage_type *)(const void *)stage->schema;
	struct delta saved = {.count = 0};
	int r = copy_saved(s, stage, &saved);
	if (r == 0)
		r = type->tell(stage->options, &saved, &s->telling.teller);
	if (r == -EBADMSG) {
		telling_refuse(&s->telling, "it cannot be understood");
		r = 0;
	}
	delta_release(&saved);
	return r;
}

static int tell_stage(struct state *s, const struct topology_stage *stage)
{
	const struct stage_type *type = (const struct stage_type *)(const void *)stage->schema;
	if (!type->tell)
		return 0;
	struct remembered_output *o =
	    stage->schema->kind == STAGE_SINK ? remembered_find(&s->known, stage->id.bytes) : NULL;
	telling_stage(&s->telling, stage->id.bytes, stage->schema->name,
		      stage_kind_names[stage->schema->kind]);
	int r = tell_verified(s, o, tell_saved, stage);
	telling_stage_end(&s->telling);
	return r;
}

/* Of which the topology does not know any more. */
static void tell_kept(struct state *s, const char *now)
{
	telling_item(&s->telling, "state", "kept");
	teller_text(&s->telling.teller, "now", now);
}

static int tell_former_mark(struct state *s, const void *what)
{
	const struct remembered_output *o = what;
	tell_kept(s, remembered_is_live(o)
			 ? "not in the topology: its output is brought back and forgotten"
			 : "not in the topology: its output stays as it is and is forgotten");
	if (o->is_damaged)
		telling_refuse(&s->telling, "it cannot be understood");
	for (size_t i = 0; i < o->marks.count; i++) {
		const struct output_mark *m = &o->marks.list[i];
		output_mark_tell(m, o->is_secret ? SECRET_SHOWN : m->path, &s->telling.teller);
	}
	return 0;
}

static int tell_former_sink(struct state *s, struct remembered_output *o)
{
	if (!o->is_orphan)
		return 0;
	telling_stage(&s->telling, o->id, o->type, "former sink");
	int r = tell_verified(s, o, tell_former_mark, o);
	telling_stage_end(&s->telling);
	return r;
}

static int tell_former_stage(struct state *s, const struct epoch_stage *e)
{
	const char *id = strchr(e->id, ':');
	int there = e->count == 0 ? 1 : orphans_has_stage(s->topology, e->id);
	if (there != 0 || !id)
		return there < 0 ? there : 0;
	char *type = strndup(e->id, (size_t)(id - e->id));
	if (!type)
		return -ENOMEM;
	telling_stage(&s->telling, id + 1, type, "former stage");
	tell_kept(s, "not in the topology: it stays, for a stage of that name");
	telling_stage_end(&s->telling);
	free(type);
	return 0;
}

/* As a run does before it begins: what has that name now may be a source. */
static int forget_former_mark(struct state *s, const struct remembered_output *o)
{
	struct delta change = {.count = 0};
	if (!o->is_orphan || !o->remembered_as)
		return 0;
	int r = 0;
	for (size_t i = 0; i < o->marks.count && r == 0; i++)
		r = output_mark_forget(&change, (unsigned)i);
	if (r == 0)
		r = epoch_map_prepare(&s->map, o->remembered_as, strlen(o->remembered_as),
				      delta_changes(&change));
	if (r == 0)
		epoch_map_apply(&s->map);
	delta_release(&change);
	return r;
}

static int collect(struct state *s)
{
	int r = remembered_collect(&s->known, s->topology, &s->map);
	struct undo_place place = {.performer = &performer_on_the_spot, .directory = s->fd};
	if (r == 0 && s->arguments->verify && s->fd >= 0)
		r = undo_reading_list(&s->known, &place);
	for (const struct remembered_output *o = s->known.first; o && r == 0; o = o->next)
		r = forget_former_mark(s, o);
	return r;
}

static int tell_stages(struct state *s)
{
	int r = collect(s);
	for (size_t i = 0; i < s->topology->stage_count && r == 0; i++)
		r = tell_stage(s, &s->topology->stages[i]);
	for (struct remembered_output *o = s->known.first; o && r == 0; o = o->next)
		r = tell_former_sink(s, o);
	for (const struct epoch_stage *e = s->map.stages; e && r == 0; e = e->next)
		r = tell_former_stage(s, e);
	return r;
}

/* Before the first epoch there may be something to undo. */
static bool has_stages(const struct state *s)
{
	return s->reader.report.epoch > 0 || (s->arguments->verify && s->fd >= 0);
}

static int64_t wall_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void print_head(const struct state *s)
{
	const struct epoch_report *found = &s->reader.report;
	char moment[TELLING_TEXT_ROOM], age[TELLING_TEXT_ROOM], size[UNITS_TEXT_ROOM];
	printf("%s: ", topology_shown_name(s->topology));
	if (found->epoch == 0) {
		printf("nothing is remembered in %s yet\n", s->directory);
		return;
	}
	printf("epoch %" PRIu64 ", committed %s, %s ago\n", found->epoch,
	       moment_text(moment, found->wall_ns),
	       age_text(age, s->telling.now_ns - found->wall_ns));
	printf("  in %s: %zu records, %s%s\n", s->directory, found->records,
	       size_text(size, found->length), found->torn ? ", one more was torn" : "");
}

static int print_text(struct state *s)
{
	char text[FINDING_ROOM];
	const char *finding_text = finding(s, text);
	if (finding_text) {
		printf("%s: the state in %s is %s\n", topology_shown_name(s->topology),
		       s->directory, finding_text);
		return 0;
	}
	print_head(s);
	return has_stages(s) ? tell_stages(s) : 0;
}

static void print_json_head(struct state *s)
{
	const struct epoch_report *found = &s->reader.report;
	char text[TELLING_TEXT_ROOM];
	json_text_of(&s->json, "topology", topology_shown_name(s->topology));
	json_text_of(&s->json, "state_dir", s->directory);
	json_name(&s->json, "epoch");
	json_number(&s->json, found->epoch);
	if (found->epoch == 0)
		return;
	json_text_of(&s->json, "committed", moment_text(text, found->wall_ns));
	json_name(&s->json, "age_ms");
	int64_t age_ms = (s->telling.now_ns - found->wall_ns) / 1000000;
	json_number(&s->json, age_ms > 0 ? (uint64_t)age_ms : 0);
	json_name(&s->json, "log_bytes");
	json_number(&s->json, found->length);
	json_bool_of(&s->json, "torn", found->torn);
}

static int print_json(struct state *s)
{
	char text[FINDING_ROOM];
	const char *finding_text = finding(s, text);
	json_open(&s->json, '{');
	print_json_head(s);
	if (finding_text)
		json_text_of(&s->json, "error", finding_text);
	json_name(&s->json, "stages");
	json_open(&s->json, '[');
	int r = finding_text || !has_stages(s) ? 0 : tell_stages(s);
	json_close(&s->json, ']');
	json_close(&s->json, '}');
	json_end(&s->json);
	return r;
}

static int tell_state(struct state *s)
{
	bool json = s->arguments->json;
	if (json)
		json_begin(&s->json, stdout);
	telling_begin(&s->telling, stdout, json ? &s->json : NULL, wall_ns(), s->arguments->verify);
	int r = json ? print_json(s) : print_text(s);
	if (r < 0)
		fprintf(stderr, "sluice state: %s\n", strerror(-r));
	int code = output_end();
	return code != 0 ? code : r < 0 || s->found < 0 || s->telling.refusals > 0 ? EXIT_IO : 0;
}

static int state(const struct arguments *a, const struct topology *t)
{
	struct state s = {.arguments = a, .topology = t, .fd = -1, .reader = {.fd = -1}};
	int code = EXIT_IO;
	if (t->epoch.interval_ns == 0) {
		fprintf(stderr, "sluice state: with `epoch: off` nothing is remembered\n");
		return EXIT_CONFIGURATION;
	}
	if (open_state(&s) == 0)
		code = tell_state(&s);
	close_state(&s);
	return code;
}

int command_state(int argc, char **argv)
{
	struct arguments a;
	struct loaded l = {.topology = {.stage_count = 0}};
	int code = EXIT_USAGE;
	if (arguments_read(&a, "state", TAKES_CONFIG | TAKES_STATE, argc, argv) == 0) {
		code = load(&l, &a, false);
		if (code == 0)
			code = state(&a, &l.topology);
		loaded_release(&l);
	}
	arguments_release(&a);
	return code;
}
