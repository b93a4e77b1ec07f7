/* path_template.h - an output's path with the time and fields of records in it: "/srv/archive/%Y-%m-%d/{host}.log".
 *
 *   /srv/archive / %Y-%m-%d/{host}.log
 *   ^ the base     ^ the rest: opened beneath the base, never above it
 *
 * Conversions are strftime's, those that are the same in every locale, in UTC: %Y %m %d %H %M %S %j %y %F %T %G %V
 * %u and %%. A field is a path of names, {user.id}; what it becomes is stages/path_name.h. No name in a path may become longer than a
 * file system allows, with what a rotated file gets.
 *
 * Threads: any once parsed. Memory: points to the text it was parsed from. Layer: stages. */
#pragma once

#include "stages/path_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATH_FIELDS_MAX = 8 };

struct path_field {
	const char *name; /* in the template's text */
	size_t length;
};

struct path_template {
	const char *text;
	size_t length;
	size_t rest;   /* where the rest begins; 0: the base is the working directory */
	bool varies;   /* holds a conversion other than %%, or a field; if not, there is no rest */
	bool has_time; /* a conversion other than %% */
	size_t field_count;
	struct path_field fields[PATH_FIELDS_MAX]; /* one that is there twice, twice */
	bool secret; /* set by who knows: neither it nor a path made of it may be shown */
};

/* 0, or -EINVAL: text cannot be a path. *ret_why says so in words, *ret_at is the offset of the mistake. */
int path_template_parse(struct path_template *t, const char *text, size_t length,
			const char **ret_why, size_t *ret_at);

/* Writes the path at that moment (since 1970, UTC) and a NUL to out; 0 or -ENAMETOOLONG. names: of each field. */
int path_template_fill(const struct path_template *t, int64_t wall_ns,
		       const struct path_name *names, char *out, size_t room);

/* The same with all fields missing. */
int path_template_format(const struct path_template *t, int64_t wall_ns, char *out, size_t room);

/* A path made of it, as it may be shown. */
const char *path_template_shown(const struct path_template *t, const char *path);

/* The base's length in a formatted path ("/srv/archive"; 1 for "/", 0 for the working directory); only if varies. */
size_t path_template_base(const struct path_template *t);
