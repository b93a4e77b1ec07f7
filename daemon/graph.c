/* graph.c - `sluice graph`: the plan, for people, Graphviz, Mermaid and programs.
 *
 * A box is a group: what runs in one worker, the fused stages behind their head; an arrow is a queue. Layer: daemon. */
#include "conf/json_writer.h"
#include "daemon/commands.h"
#include "daemon/load.h"
#include "daemon/output.h"

#include <stdio.h>

static const char *id_of(const struct plan *p, size_t stage)
{
	return p->topology->stages[stage].id.bytes;
}

static const char *head_id(const struct plan *p, size_t group)
{
	return id_of(p, p->groups[group].head);
}

static bool fused_into(const struct plan *p, size_t group, size_t stage)
{
	return stage != p->groups[group].head && plan_hosts(p, group, stage);
}

static const char *thread_note(const struct plan *p, size_t group)
{
	return p->groups[group].thread_of == group ? NULL : head_id(p, p->groups[group].thread_of);
}

static const char *const when_full_notes[] = {
    [WHEN_FULL_BLOCK] = "",
    [WHEN_FULL_DROP_NEWEST] = "; when it is full, what comes is dropped",
    [WHEN_FULL_DROP_OLDEST] = "; when it is full, the oldest in it is dropped",
    [WHEN_FULL_SPILL] = "; when it is full, what comes goes to disk"};

/* Text */

static void text_group(const struct plan *p, size_t group)
{
	const struct plan_group *g = &p->groups[group];
	const struct stage_schema *schema = p->topology->stages[g->head].schema;
	printf("%s %s (%s)", stage_kind_names[schema->kind], head_id(p, group), schema->name);
	for (size_t i = 0; i < p->topology->stage_count; i++)
		if (fused_into(p, group, i))
			printf(" + %s (%s)", id_of(p, i), p->topology->stages[i].schema->name);
	if (g->workers > 1)
		printf(", %u workers, %s", g->workers, g->ordered ? "ordered" : "unordered");
	if (thread_note(p, group))
		printf(", on the thread of %s", thread_note(p, group));
	char capacity[UNITS_TEXT_ROOM];
	if (g->buffers)
		printf(", %zu buffers of %s", g->buffers, size_text(capacity, g->buffer_capacity));
	printf(", %s\n", size_text(capacity, plan_group_memory(p, group)));
}

static void text_edges_from(const struct plan *p, size_t group)
{
	for (size_t e = 0; e < p->edge_count; e++)
		if (p->edges[e].from == group)
			printf("  -> %s: queue of %zu batches, %s%s\n", head_id(p, p->edges[e].to),
			       p->edges[e].capacity,
			       p->edges[e].mode == QUEUE_SPSC ? "one producer, one consumer"
							      : "several producers or consumers",
			       when_full_notes[p->edges[e].when_full]);
}

static void graph_text(const struct plan *p)
{
	for (size_t g = 0; g < p->group_count; g++) {
		text_group(p, g);
		text_edges_from(p, g);
	}
	char used[UNITS_TEXT_ROOM], budget[UNITS_TEXT_ROOM], needed[UNITS_TEXT_ROOM];
	printf("memory: at most %s, of %s; at least %s is needed\n",
	       size_text(used, p->memory_total), size_text(budget, p->topology->memory),
	       size_text(needed, p->memory_needed));
}

/* Graphviz and Mermaid; ids hold letters, digits, _ and - only */

static void box_label(const struct plan *p, size_t group, const char *line_break)
{
	printf("%s", head_id(p, group));
	for (size_t i = 0; i < p->topology->stage_count; i++)
		if (fused_into(p, group, i))
			printf("%s%s", line_break, id_of(p, i));
	if (p->groups[group].workers > 1)
		printf("%sx %u", line_break, p->groups[group].workers);
}

static void graph_dot(const struct plan *p)
{
	puts("digraph sluice {\n  rankdir=LR;\n  node [shape=box];");
	for (size_t g = 0; g < p->group_count; g++) {
		printf("  g%zu [label=\"", g);
		box_label(p, g, "\\n");
		puts("\"];");
	}
	for (size_t e = 0; e < p->edge_count; e++)
		printf("  g%zu -> g%zu [label=\"%zu\"];\n", p->edges[e].from, p->edges[e].to,
		       p->edges[e].capacity);
	puts("}");
}

static void graph_mermaid(const struct plan *p)
{
	puts("flowchart LR");
	for (size_t g = 0; g < p->group_count; g++) {
		printf("  g%zu[\"", g);
		box_label(p, g, "<br/>");
		puts("\"]");
	}
	for (size_t e = 0; e < p->edge_count; e++)
		printf("  g%zu -->|%zu| g%zu\n", p->edges[e].from, p->edges[e].capacity,
		       p->edges[e].to);
}

/* JSON */

static void number_of(struct json_writer *w, const char *name, uint64_t value)
{
	json_name(w, name);
	json_number(w, value);
}

static void json_group(struct json_writer *w, const struct plan *p, size_t group)
{
	const struct plan_group *g = &p->groups[group];
	json_open(w, '{');
	json_text_of(w, "id", head_id(p, group));
	json_text_of(w, "kind", stage_kind_names[p->topology->stages[g->head].schema->kind]);
	json_text_of(w, "type", p->topology->stages[g->head].schema->name);
	json_name(w, "fused");
	json_open(w, '[');
	for (size_t i = 0; i < p->topology->stage_count; i++)
		if (fused_into(p, group, i))
			json_text(w, id_of(p, i), p->topology->stages[i].id.length);
	json_close(w, ']');
	number_of(w, "workers", g->workers);
	json_bool_of(w, "ordered", g->ordered || g->workers == 1);
	json_text_of(w, "thread", head_id(p, g->thread_of));
	number_of(w, "memory_bytes", plan_group_memory(p, group));
	json_close(w, '}');
}

static void json_edge(struct json_writer *w, const struct plan *p, const struct plan_edge *e)
{
	json_open(w, '{');
	json_text_of(w, "from", head_id(p, e->from));
	json_text_of(w, "to", head_id(p, e->to));
	number_of(w, "capacity", e->capacity);
	json_text_of(w, "mode", e->mode == QUEUE_SPSC ? "spsc" : "mpmc");
	json_text_of(w, "when_full", when_full_names[e->when_full]);
	json_close(w, '}');
}

static void graph_json(const struct plan *p)
{
	struct json_writer w;
	json_begin(&w, stdout);
	json_open(&w, '{');
	json_text_of(&w, "name", topology_shown_name(p->topology));
	json_name(&w, "groups");
	json_open(&w, '[');
	for (size_t g = 0; g < p->group_count; g++)
		json_group(&w, p, g);
	json_close(&w, ']');
	json_name(&w, "queues");
	json_open(&w, '[');
	for (size_t e = 0; e < p->edge_count; e++)
		json_edge(&w, p, &p->edges[e]);
	json_close(&w, ']');
	number_of(&w, "memory_bytes", p->memory_total);
	number_of(&w, "memory_budget_bytes", p->topology->memory);
	number_of(&w, "memory_needed_bytes", p->memory_needed);
	json_close(&w, '}');
	json_end(&w);
}

static int graph(const struct arguments *a)
{
	static void (*const writers[])(const struct plan *p) = {[GRAPH_TEXT] = graph_text,
								[GRAPH_DOT] = graph_dot,
								[GRAPH_MERMAID] = graph_mermaid,
								[GRAPH_JSON] = graph_json};
	struct loaded l;
	int code = load(&l, a, false);
	if (code == 0) {
		writers[a->format](&l.plan);
		code = output_end();
	}
	loaded_release(&l);
	return code;
}

int command_graph(int argc, char **argv)
{
	struct arguments a;
	int code = EXIT_USAGE;
	if (arguments_read(&a, "graph", TAKES_CONFIG | TAKES_FORMAT, argc, argv) == 0)
		code = graph(&a);
	arguments_release(&a);
	return code;
}
