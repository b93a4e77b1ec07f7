#include "stages/output_keep.h"
#include "stages/descriptor.h"
#include "stages/lock_wait.h"
#include "stages/path_match.h"
#include "stages/rotated_name.h"
#include "stages/path_above.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_NS UINT64_C(1000000000) /* between two looks at least */
#define FAILED_NS (60 * PAUSE_NS)     /* after one that failed */
#define LONGEST_NS (3600 * PAUSE_NS)  /* clocks are set, files come from elsewhere */

/* One to be listed. */
struct keep_directory {
	struct keep_directory *next;
	char path[];
};

void output_keep_init(struct output_keep *k, struct env *env, struct stage_counters *counters,
		      const struct path_template *template)
{
	memset(k, 0, sizeof *k);
	k->env = env;
	k->counters = counters;
	k->template = template;
	k->above = k->directory = k->fd = -1;
}

static void forget_listing(struct output_keep *k)
{
	io_listing_release(&k->listing);
	k->listing = (struct io_listing){.entries = NULL};
	free(k->current);
	k->current = NULL;
}

void output_keep_release(struct output_keep *k)
{
	if (!k->env)
		return;
	assert(!k->op.busy);
	int unseen = -1; /* it was opened, and nobody has looked since */
	if (k->state == KEEP_BASE || k->state == KEEP_ENTER || k->state == KEEP_OPEN)
		unseen = (int)k->op.result;
	descriptor_close(k->env->io, &unseen);
	descriptor_close(k->env->io, &k->fd);
	descriptor_close(k->env->io, &k->directory);
	descriptor_close(k->env->io, &k->above);
	forget_listing(k);
	for (struct keep_directory *d; (d = k->waiting) != NULL; free(d))
		k->waiting = d->next;
}

static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct output_keep *k, enum output_keep_state state, struct io_op op)
{
	k->state = state;
	k->op = op;
	k->op.done = on_done;
	k->op.owner = k;
	io_submit(k->env->io, &k->op);
}

/* ---- what goes wrong ---- */

static void say_failure(struct output_keep *k, const char *what, const char *path, int64_t error)
{
	k->failed = true;
	if (!k->said_failure)
		env_say(k->env, SAY_WARN, what, "path=%s error=%s",
			path_template_shown(k->template, path), strerror((int)-error));
	k->said_failure = true;
}

/* ---- when ---- */

static void be_due_in(struct output_keep *k, uint64_t ns)
{
	if (ns < k->due_ns)
		k->due_ns = ns;
}

void output_keep_note(struct output_keep *k)
{
	uint64_t then = env_now_ns(k->env) + (k->keep_ns > PAUSE_NS ? k->keep_ns : PAUSE_NS);
	be_due_in(k, k->keep_ns);
	if (k->state == KEEP_IDLE && then < k->next_ns)
		k->next_ns = then;
}

static int rest(struct output_keep *k)
{
	uint64_t in = k->due_ns < LONGEST_NS ? k->due_ns : LONGEST_NS;
	if (k->failed && in > FAILED_NS)
		in = FAILED_NS;
	if (in < PAUSE_NS)
		in = PAUSE_NS;
	k->said_failure &= k->failed;
	k->next_ns = env_now_ns(k->env) + in;
	k->state = KEEP_IDLE;
	return STEP_MORE;
}

/* How old what was written then is, by the clock as it is now. */
static uint64_t age(struct output_keep *k, int64_t then_ns)
{
	int64_t now = env_wall_ns(k->env);
	return now > then_ns ? (uint64_t)(now - then_ns) : 0;
}

/* If not, it is noted when it will be. */
static bool is_old(struct output_keep *k, int64_t then_ns)
{
	uint64_t ns = age(k, then_ns);
	if (ns < k->keep_ns)
		be_due_in(k, k->keep_ns - ns);
	return ns >= k->keep_ns;
}

/* ---- directories ---- */

static void add_directory(struct output_keep *k, const char *path)
{
	size_t length = strlen(path);
	struct keep_directory *d = malloc(sizeof *d + length + 1);
	if (!d) {
		say_failure(k, "finished outputs cannot be looked for", path, -ENOMEM);
		return;
	}
	memcpy(d->path, path, length + 1);
	d->next = k->waiting;
	k->waiting = d;
}

static int list_next(struct output_keep *k)
{
	forget_listing(k);
	struct keep_directory *d = k->waiting;
	if (!d) {
		submit(k, KEEP_LEAVE_BASE, descriptor_closing(&k->above));
		return STEP_MORE;
	}
	k->waiting = d->next;
	k->current = d;
	k->entry = 0;
	submit(k, KEEP_LIST,
	       (struct io_op){.code = IO_LIST,
			      .fd = AT_FDCWD,
			      .list = {.path = *d->path ? d->path : ".", .into = &k->listing}});
	return STEP_MORE;
}

static int begin(struct output_keep *k)
{
	int r =
	    path_template_format(k->template, env_wall_ns(k->env), k->original, sizeof k->original);
	k->due_ns = UINT64_MAX;
	k->failed = false;
	if (r < 0)
		return rest(k); /* opening it will say so */
	size_t length =
	    k->template->varies ? path_template_base(k->template) : path_above_length(k->original);
	memcpy(k->base, k->original, length);
	k->base[length] = '\0';
	submit(k, KEEP_BASE,
	       (struct io_op){
		   .code = IO_OPEN,
		   .fd = AT_FDCWD,
		   .open = {.path = *k->base ? k->base : ".", .flags = O_DIRECTORY | O_CLOEXEC}});
	return STEP_MORE;
}

static int after_base(struct output_keep *k, int64_t result)
{
	if (result < 0 && result != -ENOENT)
		say_failure(k, "finished outputs cannot be looked for", k->base, result);
	if (result < 0)
		return rest(k);
	k->above = (int)result;
	add_directory(k, k->base);
	return list_next(k);
}

static int after_list(struct output_keep *k, int64_t result)
{
	bool is_there = result != -ENOENT && result != -ENOTDIR && result != -ELOOP;
	if (result < 0 && is_there)
		say_failure(k, "finished outputs cannot be looked for", k->current->path, result);
	if (result < 0)
		return list_next(k);
	k->state = KEEP_PICK;
	return STEP_MORE;
}

/* Beneath the base, through no link. */
static int enter(struct output_keep *k)
{
	const char *path = k->current->path + strlen(k->base);
	path += *path == '/';
	submit(k, KEEP_ENTER,
	       (struct io_op){.code = IO_OPEN,
			      .fd = k->above,
			      .open = {.path = *path ? path : ".",
				       .flags = O_DIRECTORY | O_CLOEXEC,
				       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS}});
	return STEP_MORE;
}

/* ---- one file ---- */

/* True if the path at hand is one of a finished file. */
static bool is_ours(struct output_keep *k)
{
	char original[PATH_MAX];
	k->named_ns = INT64_MIN;
	if (k->template->varies && path_matches(k->template, k->path))
		return true;
	if (!rotated_name_original(k->path, original, sizeof original, &k->named_ns))
		return false;
	return k->template->varies ? path_matches(k->template, original)
				   : strcmp(original, k->original) == 0;
}

static bool set_path(struct output_keep *k, const char *name)
{
	const char *directory = k->current->path;
	size_t length = strlen(directory);
	const char *slash = length == 0 || directory[length - 1] == '/' ? "" : "/";
	int n = snprintf(k->path, sizeof k->path, "%s%s%s", directory, slash, name);
	return n > 0 && (size_t)n < sizeof k->path;
}

static const char *name_at_hand(const struct output_keep *k)
{
	return k->listing.entries[k->entry - 1].name;
}

/* True if it may be one that is old enough: its name does not say that it is younger. */
static bool is_worth_a_look(struct output_keep *k, const struct io_entry *e)
{
	bool may_be_file = e->type == DT_REG || e->type == DT_UNKNOWN;
	if (!may_be_file || !is_ours(k))
		return false;
	return k->named_ns == INT64_MIN || is_old(k, k->named_ns);
}

static int look(struct output_keep *k)
{
	submit(k, KEEP_LOOK,
	       (struct io_op){.code = IO_STAT,
			      .fd = k->directory,
			      .stat = {.path = name_at_hand(k), .into = &k->status}});
	return STEP_MORE;
}

/* The directory's files that are ours, and the directories that lead to more of them. */
static int pick(struct output_keep *k)
{
	while (k->entry < k->listing.count) {
		const struct io_entry *e = &k->listing.entries[k->entry];
		bool is_set = set_path(k, e->name);
		if (is_set && is_worth_a_look(k, e)) {
			if (k->directory < 0)
				return enter(k);
			k->entry++;
			return look(k);
		}
		bool may_be_directory = e->type == DT_DIR || e->type == DT_UNKNOWN;
		if (is_set && may_be_directory && k->template->varies &&
		    path_leads_to_match(k->template, k->path))
			add_directory(k, k->path);
		k->entry++;
	}
	if (k->directory < 0)
		return list_next(k);
	submit(k, KEEP_LEAVE, descriptor_closing(&k->directory));
	return STEP_MORE;
}

static int next_file(struct output_keep *k)
{
	if (k->fd >= 0)
		submit(k, KEEP_CLOSE, descriptor_closing(&k->fd));
	else
		k->state = KEEP_PICK;
	return STEP_MORE;
}

/* Who has it now may be through with it in a while. */
static int come_back(struct output_keep *k)
{
	be_due_in(k, k->keep_ns < FAILED_NS ? PAUSE_NS : FAILED_NS);
	return next_file(k);
}

static int after_enter(struct output_keep *k, int64_t result)
{
	if (result < 0)
		k->entry = k->listing.count; /* a link, or gone meanwhile */
	else
		k->directory = (int)result;
	k->state = KEEP_PICK;
	return STEP_MORE;
}

static bool is_due(struct output_keep *k)
{
	int64_t then = k->status.modified_ns > k->named_ns ? k->status.modified_ns : k->named_ns;
	return S_ISREG(k->status.mode) && is_old(k, then);
}

static int after_look(struct output_keep *k, int64_t result)
{
	if (result < 0 || !is_due(k))
		return next_file(k);
	enum keep_answer answer = k->may_delete(k->owner, k->status.inode);
	if (answer == KEEP_ASK_AGAIN)
		return STEP_WAIT;
	if (answer == KEEP_IT)
		return come_back(k);
	submit(k, KEEP_OPEN,
	       (struct io_op){
		   .code = IO_OPEN,
		   .fd = k->directory,
		   .open = {.path = name_at_hand(k),
			    .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
			    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS}});
	return STEP_MORE;
}

static int after_open(struct output_keep *k, int64_t result)
{
	bool is_gone = result == -ENOENT || result == -ELOOP;
	if (result < 0 && !is_gone)
		say_failure(k, "finished output cannot be opened, it is kept", k->path, result);
	if (result < 0)
		return next_file(k);
	k->fd = (int)result;
	submit(k, KEEP_LOCK, (struct io_op){.code = IO_LOCK, .fd = k->fd});
	return STEP_MORE;
}

static int after_lock(struct output_keep *k, int64_t result)
{
	if (result < 0 && !lock_is_unknown(result))
		return come_back(k);
	submit(k, KEEP_COMPARE,
	       (struct io_op){.code = IO_STAT, .fd = k->fd, .stat = {.into = &k->status}});
	return STEP_MORE;
}

static int after_compare(struct output_keep *k, int64_t result)
{
	if (result < 0 || !is_due(k))
		return next_file(k);
	submit(k, KEEP_NAMED,
	       (struct io_op){.code = IO_STAT,
			      .fd = k->directory,
			      .stat = {.path = name_at_hand(k), .into = &k->named}});
	return STEP_MORE;
}

static int after_named(struct output_keep *k, int64_t result)
{
	bool is_another = k->named.inode != k->status.inode || k->named.device != k->status.device;
	if (result < 0 || is_another)
		return next_file(k);
	enum keep_answer answer = k->may_delete(k->owner, k->status.inode);
	if (answer ==
	    KEEP_ASK_AGAIN) { /* who is asked may be waiting for the lock that is held here */
		k->entry--;
		return next_file(k);
	}
	if (answer == KEEP_IT)
		return come_back(k);
	submit(k, KEEP_UNLINK,
	       (struct io_op){
		   .code = IO_UNLINK, .fd = k->directory, .unlink = {.path = name_at_hand(k)}});
	return STEP_MORE;
}

static int after_unlink(struct output_keep *k, int64_t result)
{
	if (result < 0 && result != -ENOENT) {
		say_failure(k, "finished output cannot be deleted, it is kept", k->path, result);
	} else if (result == 0) {
		counter_add(&k->counters->removals, 1);
		env_say(k->env, SAY_INFO, "finished output deleted, it is older than `keep`",
			"path=%s bytes=%" PRIu64, path_template_shown(k->template, k->path),
			k->status.size);
	}
	return next_file(k);
}

static int after_close(struct output_keep *k, int64_t result)
{
	(void)result; /* nothing was written to it */
	k->fd = -1;
	k->state = KEEP_PICK;
	return STEP_MORE;
}

static int after_leave(struct output_keep *k, int64_t result)
{
	(void)result; /* nothing was written to it */
	k->directory = -1;
	return list_next(k);
}

static int after_leave_base(struct output_keep *k, int64_t result)
{
	(void)result; /* nothing was written to it */
	k->above = -1;
	return rest(k);
}

/* ---- all of it ---- */

static int (*const after[KEEP_STATES])(struct output_keep *k, int64_t result) = {
    [KEEP_BASE] = after_base,   [KEEP_LEAVE_BASE] = after_leave_base,
    [KEEP_LIST] = after_list,   [KEEP_ENTER] = after_enter,
    [KEEP_LOOK] = after_look,   [KEEP_OPEN] = after_open,
    [KEEP_LOCK] = after_lock,   [KEEP_COMPARE] = after_compare,
    [KEEP_NAMED] = after_named, [KEEP_UNLINK] = after_unlink,
    [KEEP_CLOSE] = after_close, [KEEP_LEAVE] = after_leave,
};

static bool is_to_be_repeated(const struct io_op *op)
{
	return op->code != IO_CLOSE && (op->result == -EINTR || op->result == -EAGAIN);
}

int output_keep_step(struct output_keep *k)
{
	if (k->keep_ns == 0 || k->op.busy)
		return STEP_WAIT;
	if (k->state == KEEP_PICK)
		return pick(k);
	if (k->state != KEEP_IDLE && is_to_be_repeated(&k->op)) {
		submit(k, k->state, k->op);
		return STEP_MORE;
	}
	if (k->state != KEEP_IDLE)
		return after[k->state](k, k->op.result);
	if (env_now_ns(k->env) >= k->next_ns)
		return begin(k);
	env_wake_at(k->env, k->next_ns);
	return STEP_WAIT;
}
