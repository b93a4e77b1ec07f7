/* fake_table.h - a sink with transactions, and the database that it writes to, which outlives pipelines and crashes.
 *
 *   rows come --> pending --cut--> cut --PREPARE n--> prepared --record N is durable--> COMMIT n: rows, and held = n
 *                                        `saved` will say n          committed(N)
 *   start     ASK --> prepared, and n <= saved: COMMIT; n > saved: ROLLBACK --> held is what `saved` says, or refused
 *
 * As a client of PostgreSQL (PREPARE TRANSACTION) would do it: each transaction carries a number of the sink's own, kept
 * in one row beside the others, and that number is what it has the epoch log remember. Every request takes a while to
 * reach the server and a while to be answered; who crashes meanwhile does not know whether it was carried out.
 *
 * Threads: one. Memory: until fake_tables_forget(). Layer: tests. */
#pragma once

#include "stages/stage.h"

enum { FAKE_PREPARED_MAX = 4 };

struct fake_rows {
	uint64_t *numbers;
	size_t count, room;
};

struct fake_prepared {
	uint64_t number;
	struct fake_rows rows;
};

/* What the server has on its disk. */
struct fake_table {
	char id[32]; /* the sink's */
	struct fake_rows rows;
	uint64_t held; /* of the transaction that was committed last */
	struct fake_prepared prepared[FAKE_PREPARED_MAX];
	size_t prepared_count;

	/* What its clients have done. */
	size_t asked, committed_late, rolled_back; /* late: at a start */
	bool refused;
	bool gone; /* the server answers no more, once all is prepared */
};

extern const struct stage_type fake_table_type;

/* The sink's table; made when it is first asked for. */
struct fake_table *fake_table(const char *id);
void fake_tables_forget(void);
