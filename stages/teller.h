/* teller.h - how a stage says what it remembers, once, for people and for programs alike (`sluice state`).
 *
 *	teller_file(t, &(struct told_file){.path = "in/a.log", .at = 8893, ...});
 *	teller_text(t, "form", "zstd");
 *
 *	file in/a.log: position 8893, form zstd              {"file": "in/a.log", "position": 8893, "form": "zstd"}
 *
 * Who prints looks at the disk, if anybody does.
 *
 * Threads: the owner's. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct delta; /* stages/delta.h */
struct teller;

enum told_role {
	TOLD_INPUT, /* read up to `at`; what is shorter or another file now is read from its beginning */
	TOLD_OUTPUT, /* committed up to `at`; what is longer is cut, what is shorter or another file refused,
			unless it is found under another name in its directory */
	TOLD_CLOSED, /* the same, but others may have had it since: longer is kept, another file is none of ours */
};

struct told_file {
	enum told_role role;
	const char *path;
	const char *shown; /* for people: not the path where that is a secret */
	uint64_t inode;
	int64_t birth_ns; /* 0: not known */
	uint64_t at;
	bool open_frame; /* TOLD_OUTPUT: a zstd frame is to be closed there */
};

struct teller_ops {
	void (*thing)(struct teller *t, const char *what, const char *name);
	void (*file)(struct teller *t, const struct told_file *f);
	/* Of that file. */
	void (*text)(struct teller *t, const char *name, const char *value);
	void (*number)(struct teller *t, const char *name, uint64_t value);
	void (*moment)(struct teller *t, const char *name, int64_t wall_ns);
};

struct teller {
	const struct teller_ops *ops;
};

/* A new thing; what follows is about it. */
static inline void teller_file(struct teller *t, const struct told_file *f)
{
	t->ops->file(t, f);
}

/* One that is no file: `window 2026-01-01T00:00:00Z`. */
static inline void teller_thing(struct teller *t, const char *what, const char *name)
{
	t->ops->thing(t, what, name);
}

static inline void teller_text(struct teller *t, const char *name, const char *value)
{
	t->ops->text(t, name, value);
}

static inline void teller_number(struct teller *t, const char *name, uint64_t value)
{
	t->ops->number(t, name, value);
}

/* Nanoseconds since 1970. */
static inline void teller_moment(struct teller *t, const char *name, int64_t wall_ns)
{
	t->ops->moment(t, name, wall_ns);
}
