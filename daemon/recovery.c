#include "daemon/recovery.h"
#include "daemon/arguments.h"
#include "daemon/from_scratch.h"
#include "daemon/log.h"
#include "daemon/orphans.h"
#include "daemon/stray_journals.h"
#include "stages/cure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_dir[] = "./.sluice/";

/* A topology's name may hold anything; it leads nowhere else. */
static void make_one_name(char *name)
{
	for (char *c = name; *c; c++)
		if (*c == '/' || (c == name && *c == '.'))
			*c = '_';
}

/* systemd's is one topology's alone; a folder in which somebody tries things out is not. */
int recovery_state_dir(const struct topology *t, char path[static PATH_MAX])
{
	const char *given = getenv("STATE_DIRECTORY");
	int length;
	if (t->state_dir.bytes) {
		length = snprintf(path, PATH_MAX, "%s", t->state_dir.bytes);
	} else if (given && *given) {
		length = snprintf(path, PATH_MAX, "%s", given);
	} else {
		length = snprintf(path, PATH_MAX, "%s%s", default_dir,
				  t->name.secret ? "secret" : t->name.bytes);
		make_one_name(path + strlen(default_dir));
	}
	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int step_dir(void *dir)
{
	return state_dir_step(dir);
}

static int step_log(void *log)
{
	return epoch_log_step(log);
}

static int open_dir(struct recovery *r, const char *path)
{
	int result = state_dir_open(&r->dir, &r->backend->io, path, getpid());
	return result < 0 ? result : backend_carry(r->backend, step_dir, &r->dir);
}

static int open_log(struct recovery *r, const char *name)
{
	int result = epoch_log_open(&r->log, &r->backend->io, r->dir.fd, name);
	return result < 0 ? result : backend_carry(r->backend, step_log, &r->log);
}

static void say_unusable(const struct recovery *r, const char *path, int error)
{
	if (error == -EBUSY)
		log_line(LOG_LEVEL_ERROR, NULL, "state directory is in use",
			 "state_dir=%s process=%ld cure=%s", path, r->dir.holder,
			 "give each running sluice a `state_dir` of its own");
	else
		log_line(LOG_LEVEL_ERROR, NULL, "state directory cannot be used",
			 "state_dir=%s error=%s cure=%s", path, strerror(-error),
			 "set `state_dir`, or `epoch: off` if nothing is to be remembered");
}

static void say_refused(const struct recovery *r, const struct topology *t, int error)
{
	const struct epoch_report *found = &r->log.report;
	const char *dir = r->path;
	if (error == -EBADMSG)
		log_line(LOG_LEVEL_ERROR, NULL, "state is damaged",
			 "state_dir=%s offset=%ju reason=%s cure=%s", dir, (uintmax_t)found->bad_at,
			 found->reason, cure_state);
	else if (error == -EXDEV)
		log_line(LOG_LEVEL_ERROR, NULL, "state is another topology's",
			 "state_dir=%s topology=%s its=%s cure=%s", dir, topology_shown_name(t),
			 text_shown(&t->name, found->name),
			 "give this topology a `state_dir` of its own, or the same `name`");
	else if (error == -ENOTSUP)
		log_line(LOG_LEVEL_ERROR, NULL, "state was written by a newer sluice",
			 "state_dir=%s format=%ju", dir, (uintmax_t)found->version);
	else
		log_line(LOG_LEVEL_ERROR, NULL, "state cannot be read", "state_dir=%s error=%s",
			 dir, strerror(-error));
}

static void say_found(const struct recovery *r, const char *path)
{
	const struct epoch_report *found = &r->log.report;
	if (found->torn)
		log_line(LOG_LEVEL_WARN, NULL,
			 "newest epoch was torn, going on from the one before",
			 "state_dir=%s epoch=%ju", path, (uintmax_t)r->log.epoch);
	else if (r->log.epoch > 0)
		log_line(LOG_LEVEL_INFO, NULL, "going on where the last run ended",
			 "state_dir=%s epoch=%ju", path, (uintmax_t)r->log.epoch);
}

static int forget_all(struct recovery *r, const char *path)
{
	size_t count;
	int error = from_scratch(r->dir.fd, &count);
	if (error == 0 && count > 0)
		log_line(LOG_LEVEL_WARN, NULL, "beginning from scratch",
			 "state_dir=%s files=%zu set_aside=%s", path, count, "*.old");
	return error;
}

/* The directory, ours alone. */
static int take_dir(struct recovery *r, const struct topology *t, bool from_scratch)
{
	memset(r, 0, sizeof *r);
	r->dir.fd = -1;
	int error = recovery_state_dir(t, r->path);
	if (error == 0)
		error = backend_open(&r->backend, BACKEND_PLAIN, NULL);
	r->on = error == 0;
	if (error == 0)
		error = open_dir(r, r->path);
	if (error == 0)
		error = epoch_guard_init(&r->guard, r->path, r->dir.lock);
	if (error == 0 && from_scratch)
		error = forget_all(r, r->path);
	return error;
}

/* 0 or -errno, having said why, save that it is another topology's (-EXDEV). */
static int read_log(struct recovery *r, const struct topology *t)
{
	r->log_begun = true;
	int error = open_log(r, t->name.bytes);
	if (error < 0 && error != -EXDEV)
		say_refused(r, t, error);
	if (error == 0)
		recovery_follow(r, t);
	return error;
}

int recovery_open(struct recovery *r, const struct topology *t, bool from_scratch)
{
	memset(r, 0, sizeof *r);
	if (t->epoch.interval_ns == 0)
		return 0;
	int error = take_dir(r, t, from_scratch);
	if (error < 0) {
		say_unusable(r, r->path, error);
		return EXIT_IO;
	}
	error = read_log(r, t);
	if (error == -EXDEV)
		say_refused(r, t, error);
	if (error == 0)
		say_found(r, r->path);
	return error < 0 ? EXIT_IO : 0;
}

/* The file is there when the directory was made, and stays. */
static bool has_lock(const char *path)
{
	char lock[PATH_MAX + sizeof "/lock"];
	struct stat s;
	snprintf(lock, sizeof lock, "%s/lock", path);
	return stat(lock, &s) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static void say_left_alone(const struct recovery *r, int error)
{
	log_line(LOG_LEVEL_WARN, NULL, "state directory is left alone",
		 "state_dir=%s error=%s reason=%s", r->path, strerror(-error),
		 "epochs are off; what runs with epochs left in outputs stays there");
}

int recovery_open_found(struct recovery *r, const struct topology *t, bool from_scratch)
{
	memset(r, 0, sizeof *r);
	if (recovery_state_dir(t, r->path) < 0 || !has_lock(r->path))
		return 0;
	int error = take_dir(r, t, from_scratch);
	if (error == 0) {
		error = read_log(r, t);
		if (error != -EXDEV)
			return error < 0 ? EXIT_IO : 0;
	} else {
		say_left_alone(r, error);
	}
	recovery_release(r);
	r->on = false;
	return 0;
}

void recovery_follow(struct recovery *r, const struct topology *t)
{
	r->memory = (struct pipeline_memory){
	    .log = &r->log,
	    .guard = &r->guard,
	    .state_dir = r->path,
	    .options = {.interval_ns = t->epoch.interval_ns, .bytes = t->epoch.bytes},
	};
	if (!r->on)
		return;
	/* without memory for it nothing is said */
	orphans_warn(t, &r->log.map);
	stray_journals_warn(t, &r->log.map, r->dir.fd, r->path);
}

const struct pipeline_memory *recovery_memory(const struct recovery *r)
{
	return r->on ? &r->memory : NULL;
}

static void drain(struct backend *b)
{
	while (b->busy > 0)
		if (backend_poll(b) == 0)
			backend_wait(b, UINT64_MAX);
}

void recovery_release(struct recovery *r)
{
	if (!r->on)
		return;
	if (r->log_begun)
		epoch_log_release(&r->log);
	state_dir_release(&r->dir);
	drain(r->backend);
	backend_close(r->backend);
}
