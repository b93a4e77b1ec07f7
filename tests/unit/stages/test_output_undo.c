/* What an entry of an undo journal takes back, and what it leaves alone. */
#include "stages/output_undo.h"
#include "tests/unit/stages/faulty_env.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct one {
	struct faulty_env world;
	struct space_wait space;
	char directory[64], path[96], to[96];
	struct io_status status;
};

static void keep_status(struct faulty_env *e, const struct io_op *op)
{
	struct one *o = e->owner;
	if (op->code == IO_STAT && op->result == 0)
		o->status = *op->stat.into;
}

static void write_file(const char *path, const char *bytes)
{
	FILE *f = fopen(path, "we");
	cr_assert(f && fputs(bytes, f) >= 0 && fclose(f) == 0);
}

static void begin(struct one *o)
{
	*o = (struct one){.directory = "/tmp/undo.XXXXXX"};
	cr_assert(mkdtemp(o->directory));
	snprintf(o->path, sizeof o->path, "%s/a", o->directory);
	snprintf(o->to, sizeof o->to, "%s/b", o->directory);
	faulty_env_init(&o->world, 1);
	space_wait_init(&o->space, &o->world.env, &o->world.counters);
	o->world.owner = o;
	o->world.seen = keep_status;
}

static void end(struct one *o)
{
	unlink(o->path);
	unlink(o->to);
	cr_assert_eq(rmdir(o->directory), 0);
}

static void undo(struct one *o, const struct undo_entry *entry)
{
	static struct output_undo u;
	int r;
	output_undo_begin(&u, &o->world.env, &o->space, entry, false);
	while ((r = output_undo_step(&u)) == STEP_MORE || r == STEP_WAIT)
		if (r == STEP_WAIT)
			cr_assert(faulty_env_go_on(&o->world));
	cr_assert_eq(r, STEP_DONE);
	output_undo_release(&u);
}

/* As the undoing of that entry sees the file; skipped where nobody can tell when it was born. */
static struct undo_entry entry_of(struct one *o, enum undo_kind kind, const char *file)
{
	struct undo_entry e = {.kind = kind, .epoch = 1, .path = o->path, .to = "", .inode = 1};
	if (kind == UNDO_RENAMED)
		e.to = o->to;
	write_file(file, "bytes");
	undo(o, &e); /* another inode: nothing happens */
	if (o->status.birth_ns == 0)
		cr_skip_test("the file system does not tell when files were born");
	e.inode = o->status.inode;
	e.birth_ns = o->status.birth_ns;
	return e;
}

static bool is_there(const char *path)
{
	struct stat s;
	return stat(path, &s) == 0;
}

Test(output_undo, created_file_goes_and_one_of_another_birth_stays)
{
	struct one o;
	begin(&o);
	struct undo_entry e = entry_of(&o, UNDO_CREATED, o.path);
	e.birth_ns++;
	undo(&o, &e);
	cr_assert(is_there(o.path));
	e.birth_ns--;
	undo(&o, &e);
	cr_assert_not(is_there(o.path));
	end(&o);
}

Test(output_undo, renamed_file_gets_its_name_back_and_one_of_another_birth_keeps_its_own)
{
	struct one o;
	begin(&o);
	struct undo_entry e = entry_of(&o, UNDO_RENAMED, o.to);
	e.birth_ns++;
	undo(&o, &e);
	cr_assert(is_there(o.to));
	e.birth_ns--;
	undo(&o, &e);
	cr_assert(is_there(o.path) && !is_there(o.to));
	end(&o);
}

Test(output_undo, file_of_another_birth_is_not_cut)
{
	struct one o;
	begin(&o);
	struct undo_entry e = entry_of(&o, UNDO_CREATED, o.path);
	struct stat s;
	e.kind = UNDO_APPENDED;
	e.length = 2;
	e.birth_ns++;
	undo(&o, &e);
	cr_assert(stat(o.path, &s) == 0 && s.st_size == 5);
	e.birth_ns--;
	undo(&o, &e);
	cr_assert(stat(o.path, &s) == 0 && s.st_size == 2);
	end(&o);
}
