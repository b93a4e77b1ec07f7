/* bench_scan.c - how fast lines are found and filtered in cache, without queues, files or threads.
 *
 *	bench_scan [kernels]        avx512, avx2, ssse3, sse2, portable; default: what this machine would choose
 *
 * Each row is the best of several rounds over one 256 KiB batch of generated log, so it is the ceiling of what the
 * pipeline can reach with the data in cache. */
#include "stages/blocks.h"
#include "stages/json/json_blocks.h"
#include "stages/json/json_shapes.h"
#include "stages/lines.h"
#include "stages/literal.h"
#include "stages/selector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REGION_BYTES = 256 * 1024, ROUNDS = 15, ROUND_NS = 4000000 };

static uint8_t region[REGION_BYTES];
static size_t region_length;
static struct record records[REGION_BYTES];
static struct batch batch, sieved;
static uint64_t seed = 1;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned pick(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((seed >> 33) % below);
}

/* About 190 bytes, as nginx writes them; 3 % say 500, 6 % anything from 500 on, 20 % are POSTs. */
static int access_line(char *to, size_t room)
{
	static const char *const methods[] = {"GET", "GET", "GET", "GET", "POST"};
	static const char *const paths[] = {"/api/v1/orders", "/static/app.js", "/login",
					    "/logout",        "/index.html",    "/search",
					    "/img/logo.png",  "/cart"};
	static const char *const agents[] = {
	    "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0", "curl/7.88.1",
	    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari"};
	unsigned dice = pick(100);
	unsigned status = dice < 3 ? 500 : dice < 6 ? 502 + pick(3) : dice < 20 ? 404 : 200;
	return snprintf(
	    to, room,
	    "%u.%u.%u.%u - - [21/Nov/2025:%02u:%02u:%02u +0000] \"%s %s?id=%u HTTP/1.1\" "
	    "%u %u \"https://www.example.com/page/%u\" \"%s\"\n",
	    pick(256), pick(256), pick(256), pick(256), pick(24), pick(60), pick(60),
	    methods[pick(5)], paths[pick(8)], pick(1000000), status, pick(50000), pick(10000),
	    agents[pick(3)]);
}

static int short_line(char *to, size_t room)
{
	return snprintf(to, room, "%06u user=%u ok\n", pick(1000000), pick(10000));
}

/* The same as JSON, about 260 bytes. */
static int json_line(char *to, size_t room)
{
	static const char *const methods[] = {"GET", "GET", "GET", "GET", "POST"};
	static const char *const paths[] = {"/api/v1/orders", "/static/app.js", "/login", "/cart"};
	static const char *const agents[] = {
	    "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0", "curl/7.88.1",
	    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari"};
	return snprintf(
	    to, room,
	    "{\"time\":\"2025-11-21T%02u:%02u:%02u+00:00\",\"remote_addr\":\"%u.%u.%u.%u\","
	    "\"method\":\"%s\",\"path\":\"%s?id=%u\",\"status\":%u,\"bytes\":%u,"
	    "\"request_time\":%u.%03u,\"referer\":\"https://www.example.com/page/%u\","
	    "\"agent\":\"%s\"}\n",
	    pick(24), pick(60), pick(60), pick(256), pick(256), pick(256), pick(256),
	    methods[pick(5)], paths[pick(4)], pick(1000000), pick(10) < 8 ? 200u : 500u,
	    pick(50000), pick(3), pick(1000), pick(10000), agents[pick(3)]);
}

static void fill(int (*line)(char *, size_t))
{
	region_length = 0;
	for (;;) {
		char text[1024];
		size_t length = (size_t)line(text, sizeof(text));
		if (region_length + length > REGION_BYTES)
			return;
		memcpy(region + region_length, text, length);
		region_length += length;
	}
}

static size_t run_lines(const void *context)
{
	(void)context;
	size_t next, count = 0;
	for (size_t from = 0; from < region_length; from = next)
		count += lines_find(region, from, region_length, '\n', records, BATCH_RECORDS_MAX,
				    &next);
	return count;
}

static size_t run_delimited(const void *context)
{
	size_t next, count = 0;
	for (size_t from = 0; from < region_length; from = next) {
		size_t found = lines_find_delimited(region, from, region_length, context, records,
						    BATCH_RECORDS_MAX, &next);
		if (found == 0)
			break;
		count += found;
	}
	return count;
}

static size_t run_literal(const void *context)
{
	const struct literal *l = context;
	const uint8_t *at = region, *end = region + region_length;
	size_t count = 0;
	for (; (at = literal_find(l, at, end)); at++)
		count++;
	return count;
}

static size_t run_selector(const void *context)
{
	memcpy(&sieved, &batch,
	       offsetof(struct batch, records) + batch.count * sizeof(struct record));
	selector_apply(context, &sieved);
	return sieved.count;
}

static size_t run_json(const void *context)
{
	struct json_mistake mistake;
	struct value status;
	size_t count = 0;
	for (uint32_t i = 0; i < batch.count; i++) {
		const struct record *r = &batch.records[i];
		if (json_scan(context, batch.bytes + r->offset, r->length, &status, NULL,
			      &mistake) < 0)
			abort();
		count += status.bytes[0] == '5';
	}
	return count;
}

/* The same, of lines that are all of one shape. */
static size_t run_shapes(const void *context)
{
	struct json_shapes *shapes = (struct json_shapes *)(uintptr_t)context;
	struct json_mistake mistake;
	struct value status;
	size_t count = 0;
	for (uint32_t i = 0; i < batch.count; i++) {
		const struct record *r = &batch.records[i];
		if (json_shapes_scan(shapes, batch.bytes + r->offset, r->length, &status, NULL,
				     &mistake) < 0)
			abort();
		count += status.bytes[0] == '5';
	}
	return count;
}

static void measure(const char *name, size_t (*run)(const void *context), const void *context)
{
	double best = 0;
	size_t found = 0;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns(), taken;
		size_t times = 0;
		do {
			found = run(context);
			times++;
			taken = now_ns() - start;
		} while (taken < ROUND_NS);
		double rate = (double)(times * region_length) / (double)taken;
		best = rate > best ? rate : best;
	}
	printf("%-44s %8.2f GB/s %8zu found\n", name, best, found);
}

static void measure_literal(const char *needle)
{
	struct literal l;
	char name[80];
	literal_prepare(&l, needle, strlen(needle));
	snprintf(name, sizeof(name), "literal %s", needle);
	measure(name, run_literal, &l);
}

static void measure_selector(const char *name, const char *const *contains, const char *regex,
			     bool invert)
{
	struct literal_bytes strings[512], pattern = {regex, regex ? strlen(regex) : 0};
	struct selector_wish wish = {.contains = strings,
				     .regexes = &pattern,
				     .regex_count = regex != NULL,
				     .invert = invert};
	for (; contains && contains[wish.contains_count]; wish.contains_count++)
		strings[wish.contains_count] = (struct literal_bytes){
		    contains[wish.contains_count], strlen(contains[wish.contains_count])};
	struct selector s;
	struct regex_error error;
	if (selector_init(&s, &wish, &error) < 0)
		abort();
	measure(name, run_selector, &s);
	selector_release(&s);
}

static void fill_batch(void)
{
	size_t next;
	batch.bytes = region;
	batch.count = (uint32_t)lines_find(region, 0, region_length, '\n', batch.records,
					   BATCH_RECORDS_MAX, &next);
	for (uint32_t i = 0; i < batch.count; i++)
		batch.bytes_total += batch.records[i].length;
}

static void measure_many(size_t count)
{
	static char words[512][16];
	static const char *list[513];
	char name[80];
	for (size_t i = 0; i < count; i++) {
		snprintf(words[i], sizeof(words[i]), "user-%05u", pick(100000));
		list[i] = words[i];
	}
	list[count] = NULL;
	snprintf(name, sizeof(name), "filter contains %zu strings, none there", count);
	measure_selector(name, list, NULL, false);
}

static void measure_json(void)
{
	const struct json_name name = {(const uint8_t *)"status", strlen("status")};
	struct json_plan plan;
	struct json_shapes shapes;
	if (json_plan_init(&plan, 64) < 0 || json_plan_want(&plan, &name, 1, 0) < 0 ||
	    json_shapes_init(&shapes, &plan) < 0)
		abort();
	measure("JSON checked, one field found", run_json, &plan);
	measure("the same, by shape", run_shapes, &shapes);
	json_shapes_release(&shapes);
	json_plan_release(&plan);
}

static void choose(const char *name)
{
	for (const struct json_kernels *k = json_kernels_all; k->name; k++)
		if (strcmp(k->name, name) == 0 && k->supported())
			json_kernels = k;
	for (const struct block_kernels *k = block_kernels_all; k->name; k++)
		if (strcmp(k->name, name) == 0 && k->supported())
			block_kernels = k;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		choose(argv[1]);
	printf("kernels: %s\n", block_kernels->name);

	fill(short_line);
	measure("lines of 20 bytes", run_lines, NULL);
	fill(access_line);
	measure("lines of 190 bytes", run_lines, NULL);
	measure("lines delimited by \"\\n\" and a digit", run_delimited,
		&(struct delimiter){.bytes = "\n1", .length = 2});

	measure_literal("Segmentation fault");
	measure_literal(" 500 ");
	measure_literal("e");

	fill_batch();
	measure_selector("filter contains ' 500 '", (const char *const[]){" 500 ", NULL}, NULL,
			 false);
	measure_selector("the same inverted", (const char *const[]){" 500 ", NULL}, NULL, true);
	measure_selector("filter contains login, logout, cart",
			 (const char *const[]){"/login?", "/logout?", "/cart?", NULL}, NULL, false);
	measure_many(8);
	measure_many(64);
	measure_many(512);
	measure_selector("filter regex ' 500 '", NULL, " 500 ", false);
	measure_selector("filter regex '\" 5\\d\\d '", NULL, "\" 5\\d\\d ", false);
	measure_selector("filter regex 'POST .*(login|logout)'", NULL, "POST .*(login|logout)",
			 false);
	measure_selector("filter regex '(?i)firefox', nothing required", NULL, "(?i)firefox",
			 false);

	fill(json_line);
	batch.bytes_total = 0;
	fill_batch();
	measure_json();
	return 0;
}
