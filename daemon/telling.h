/* telling.h - the two ways in which `sluice state` prints: lines for people, JSON for programs.
 * Threads: main. Layer: daemon. */
#pragma once

#include "conf/json_writer.h"
#include "daemon/foresight.h"
#include "stages/teller.h"
#include "stages/undo_acts.h"

#include <stdio.h>

struct telling {
	struct teller teller; /* must stand first */
	FILE *to;
	struct json_writer *json; /* NULL: lines */
	int64_t now_ns;           /* since 1970: what ages are counted from */
	size_t items;             /* in this stage */
	size_t facts;             /* in this item */
	bool verify;              /* look at the files, too */
	struct told_output {
		const struct foresight
		    *foresight; /* what undoing comes to; set while one is verified */
		bool is_orphan; /* its sink is no more */
		/* What its journal says: of a file that others have moved, deleted or cut, too. NULL: nothing is known. */
		const struct undo_acts *acts;
	} output;
	size_t refusals; /* in all: what the next start would refuse */
};

void telling_begin(struct telling *t, FILE *to, struct json_writer *json, int64_t now_ns,
		   bool verify);

/* Around what one stage tells. kind: "source". */
void telling_stage(struct telling *t, const char *id, const char *type, const char *kind);
void telling_stage_end(struct telling *t);

/* What comes next is about that thing. */
void telling_item(struct telling *t, const char *what, const char *name);

/* Of that thing: that the next start refuses it. */
void telling_refuse_item(struct telling *t, const char *why);

/* Instead of what it cannot tell. */
void telling_refuse(struct telling *t, const char *why);

/* "2026-11-21T16:00:00.123Z" and "2.3 s" / "5 min" / "3 h" / "12 days". Into `text`, which is returned. */
enum { TELLING_TEXT_ROOM = 40 };
const char *moment_text(char text[static TELLING_TEXT_ROOM], int64_t wall_ns);
const char *age_text(char text[static TELLING_TEXT_ROOM], int64_t age_ns);
