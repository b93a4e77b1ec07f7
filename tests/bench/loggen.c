/* loggen.c - writes nginx access log that looks like a day's traffic, the same bytes for the same seed; or the same traffic as JSON.
 *
 *	loggen [--bytes 512MiB | --lines N] [--seed N] [--stream K] [--crlf | --json] [FILE]
 *	loggen [--bytes 512MiB | --lines N] [--seed N] --files N DIRECTORY      access-000.log, access-001.log, ...
 *
 * Whole lines only, so a file ends up to one line short of --bytes. Each line ends in `req=KKK-NNNNNNNNNN`: its stream
 * (one for each file) and its number in it, from 0, so that a reader can tell whether each came once and in order.
 * About 190 bytes a line, 5 % of status 5xx, 10 % POST; as JSON about 280, whose `debug` is what one would drop.
 *
 * A line is put together from pieces that are prepared once, so that generating is as fast as copying.
 *
 * Threads: one. Memory: libc's. Layer: tests. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_BYTES_MAX = 1024,
	BLOCK_BYTES = 1 << 20,
	ADDRESSES = 1024,
	PATHS = 512,
	PIECE_BYTES = 96,
	WEIGHTED = 256, /* a table of this many draws gives each choice its share */
};

/* Copied whole, PIECE_BYTES at a time: a copy of fixed length costs less than one of the right length. */
struct piece {
	char bytes[PIECE_BYTES];
	size_t length;
};

struct generator {
	uint64_t random;
	struct piece addresses[ADDRESSES], paths[PATHS];
	struct piece methods[WEIGHTED], statuses[WEIGHTED], referers[WEIGHTED], agents[WEIGHTED];
	struct piece users[WEIGHTED], debug[WEIGHTED];
	struct piece stamp; /* " - - [21/Nov/2026:10:20:15 +0000] \"", or as JSON has it */
	time_t stamp_s;
	unsigned lines_this_second;
	uint64_t number;
	unsigned stream;
	bool crlf, json;
};

struct output {
	int fd;
	char *block;
	size_t used;
};

struct choice {
	unsigned weight;
	const char *text;
};

static const struct choice methods[] = {
    {220, "GET "}, {26, "POST "}, {4, "HEAD "}, {3, "PUT "}, {3, "DELETE "},
};
static const struct choice statuses[] = {
    {196, " HTTP/1.1\" 200 "}, {14, " HTTP/1.1\" 304 "}, {8, " HTTP/1.1\" 301 "},
    {5, " HTTP/1.1\" 302 "},   {14, " HTTP/1.1\" 404 "}, {3, " HTTP/1.1\" 403 "},
    {3, " HTTP/1.1\" 401 "},   {6, " HTTP/1.1\" 500 "},  {4, " HTTP/1.1\" 502 "},
    {2, " HTTP/1.1\" 503 "},   {1, " HTTP/1.1\" 504 "},
};
static const struct choice referers[] = {
    {130, " \"-\" \""},
    {50, " \"https://shop.example.com/\" \""},
    {30, " \"https://shop.example.com/search?q=winter+boots\" \""},
    {26, " \"https://www.example.org/news/today\" \""},
    {20, " \"https://search.example.net/\" \""},
};
static const struct choice agents[] = {
    {86, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/128.0\" req="},
    {62, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1\" req="},
    {44, "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36\" req="},
    {26, "Mozilla/5.0 (compatible; examplebot/2.1; +http://bot.example.com)\" req="},
    {22, "okhttp/4.12.0\" req="},
    {16, "curl/8.5.0\" req="},
};
static const char *const names[] = {"ann", "bob", "zo\xc3\xab", "christopher"};
static const char *const places[] = {
    "api/v1/orders", "api/v1/users",    "api/v2/search", "static/js",
    "static/css",    "images/products", "blog",          "account",
    "cart",          "checkout",        "health",        "downloads/releases",
};
static const char *const endings[] = {
    "", "/", ".html", ".json", ".png", "?page=2", "?utm_source=newsletter&id=7"};

/* xorshift64*, S. Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016. */
static uint64_t draw(struct generator *g)
{
	g->random ^= g->random >> 12;
	g->random ^= g->random << 25;
	g->random ^= g->random >> 27;
	return g->random * 2685821657736338717u;
}

static void piece_set(struct piece *p, const char *text)
{
	p->length = strlen(text);
	assert(p->length < PIECE_BYTES);
	memcpy(p->bytes, text, p->length);
}

static void fill_weighted(struct piece *table, const struct choice *choices, size_t count)
{
	size_t filled = 0;
	for (size_t i = 0; i < count; i++)
		for (unsigned n = 0; n < choices[i].weight; n++)
			piece_set(&table[filled++], choices[i].text);
	assert(filled == WEIGHTED);
}

static void fill_paths(struct generator *g)
{
	char text[PIECE_BYTES];
	for (size_t i = 0; i < PATHS; i++) {
		const char *place = places[draw(g) % (sizeof(places) / sizeof(places[0]))];
		const char *ending = endings[draw(g) % (sizeof(endings) / sizeof(endings[0]))];
		snprintf(text, sizeof(text), "/%s/%x%s", place, (unsigned)(draw(g) % 1000000),
			 ending);
		piece_set(&g->paths[i], text);
	}
}

static void fill_addresses(struct generator *g)
{
	char text[PIECE_BYTES];
	for (size_t i = 0; i < ADDRESSES; i++) {
		uint64_t r = draw(g);
		snprintf(text, sizeof(text), "%u.%u.%u.%u", (unsigned)(11 + r % 200),
			 (unsigned)(r >> 8 & 255), (unsigned)(r >> 16 & 255),
			 (unsigned)(r >> 24 & 255));
		piece_set(&g->addresses[i], text);
	}
}

/* Without what the log's lines have around the word. */
static void fill_json_words(struct piece *table, size_t strip_before, size_t strip_after)
{
	for (size_t i = 0; i < WEIGHTED; i++) {
		struct piece *p = &table[i];
		p->length -= strip_before + strip_after;
		memmove(p->bytes, p->bytes + strip_before, p->length);
	}
}

static void fill_json(struct generator *g)
{
	char text[PIECE_BYTES];
	for (size_t i = 0; i < WEIGHTED; i++) {
		snprintf(text, sizeof(text), ",\"user\":{\"id\":%u,\"name\":\"%s\"}",
			 (unsigned)(draw(g) % 1000000),
			 names[draw(g) % (sizeof(names) / sizeof(names[0]))]);
		piece_set(&g->users[i], text);
		snprintf(text, sizeof(text), ",\"debug\":\"%.*s\"", (int)(draw(g) % 40),
			 "cache miss, upstream 10.0.3.17 answered in time");
		piece_set(&g->debug[i], text);
	}
	fill_json_words(g->methods, 0, 1);
	fill_json_words(g->statuses, strlen(" HTTP/1.1\" "), 1);
	fill_json_words(g->referers, strlen(" \""), strlen("\" \""));
	fill_json_words(g->agents, 0, strlen("\" req="));
}

static void generator_init(struct generator *g, uint64_t seed, unsigned stream, bool crlf,
			   bool json)
{
	memset(g, 0, sizeof(*g));
	g->random = seed * 0x9e3779b97f4a7c15u + stream + 1;
	if (g->random == 0)
		g->random = 1;
	g->stream = stream;
	g->crlf = crlf;
	g->json = json;
	g->stamp_s = 1780000000;
	fill_weighted(g->methods, methods, sizeof(methods) / sizeof(methods[0]));
	fill_weighted(g->statuses, statuses, sizeof(statuses) / sizeof(statuses[0]));
	fill_weighted(g->referers, referers, sizeof(referers) / sizeof(referers[0]));
	fill_weighted(g->agents, agents, sizeof(agents) / sizeof(agents[0]));
	fill_addresses(g);
	fill_paths(g);
	if (json)
		fill_json(g);
}

static char *append(char *to, const struct piece *p)
{
	memcpy(to, p->bytes, PIECE_BYTES);
	return to + p->length;
}

static char *append_number(char *to, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(to, digits + at, sizeof(digits) - at);
	return to + (sizeof(digits) - at);
}

static char *append_padded(char *to, uint64_t n, size_t width)
{
	for (size_t i = width; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	return to + width;
}

/* Some thousand requests share a second, more or fewer. */
static void advance_clock(struct generator *g)
{
	if (g->lines_this_second > 0) {
		g->lines_this_second--;
		return;
	}
	g->lines_this_second = (unsigned)(500 + draw(g) % 2000);
	g->stamp_s++;
	struct tm when;
	gmtime_r(&g->stamp_s, &when);
	g->stamp.length = strftime(g->stamp.bytes, sizeof(g->stamp.bytes),
				   g->json ? "{\"time\":\"%Y-%m-%dT%H:%M:%SZ\",\"remote_addr\":\""
					   : " - - [%d/%b/%Y:%H:%M:%S +0000] \"",
				   &when);
}

/* req=KKK-NNNNNNNNNN without the name. */
static char *append_request(struct generator *g, char *to)
{
	to = append_padded(to, g->stream, 3);
	*to++ = '-';
	return append_padded(to, g->number++, 10);
}

#define APPEND_TEXT(to, text) mempcpy(to, text, sizeof(text) - 1)

static char *append_json_line(struct generator *g, char *to)
{
	advance_clock(g);
	uint64_t r = draw(g), s = draw(g);
	to = append(to, &g->stamp);
	to = append(to, &g->addresses[r % ADDRESSES]);
	to = APPEND_TEXT(to, "\",\"method\":\"");
	to = append(to, &g->methods[r >> 16 & (WEIGHTED - 1)]);
	to = APPEND_TEXT(to, "\",\"path\":\"");
	to = append(to, &g->paths[(r >> 24) % PATHS]);
	to = APPEND_TEXT(to, "\",\"status\":");
	to = append(to, &g->statuses[s & (WEIGHTED - 1)]);
	to = APPEND_TEXT(to, ",\"bytes\":");
	to = append_number(to, (s >> 32 & 0xfff) * (s >> 44 & 0x3f));
	to = APPEND_TEXT(to, ",\"duration\":0.");
	to = append_padded(to, r >> 48 & 0x1ff, 3);
	to = APPEND_TEXT(to, ",\"referer\":\"");
	to = append(to, &g->referers[s >> 8 & (WEIGHTED - 1)]);
	to = APPEND_TEXT(to, "\",\"agent\":\"");
	to = append(to, &g->agents[s >> 16 & (WEIGHTED - 1)]);
	to = APPEND_TEXT(to, "\"");
	to = append(to, &g->users[s >> 24 & (WEIGHTED - 1)]);
	to = append(to, &g->debug[s >> 50 & (WEIGHTED - 1)]);
	to = APPEND_TEXT(to, ",\"req\":\"");
	to = append_request(g, to);
	return APPEND_TEXT(to, "\"}\n");
}

/* One line at `to`, which has room for LINE_BYTES_MAX; returns its end. */
static char *append_line(struct generator *g, char *to)
{
	advance_clock(g);
	uint64_t r = draw(g), s = draw(g);
	to = append(to, &g->addresses[r % ADDRESSES]);
	to = append(to, &g->stamp);
	to = append(to, &g->methods[r >> 16 & (WEIGHTED - 1)]);
	to = append(to, &g->paths[(r >> 24) % PATHS]);
	to = append(to, &g->statuses[s & (WEIGHTED - 1)]);
	to = append_number(to, (s >> 32 & 0xfff) * (s >> 44 & 0x3f));
	to = append(to, &g->referers[s >> 8 & (WEIGHTED - 1)]);
	to = append(to, &g->agents[s >> 16 & (WEIGHTED - 1)]);
	to = append_request(g, to);
	if (g->crlf)
		*to++ = '\r';
	*to++ = '\n';
	return to;
}

static int output_flush(struct output *o)
{
	for (size_t done = 0; done < o->used;) {
		ssize_t n = write(o->fd, o->block + done, o->used - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	o->used = 0;
	return 0;
}

struct amount {
	uint64_t bytes, lines; /* whichever is reached first */
};

static int generate(struct generator *g, struct output *o, struct amount amount)
{
	uint64_t bytes = 0;
	while (g->number < amount.lines) {
		char *start = o->block + o->used;
		const char *end = g->json ? append_json_line(g, start) : append_line(g, start);
		size_t length = (size_t)(end - start);
		if (bytes + length > amount.bytes)
			break;
		bytes += length;
		o->used += length;
		if (o->used + LINE_BYTES_MAX > BLOCK_BYTES) {
			int r = output_flush(o);
			if (r < 0)
				return r;
		}
	}
	return output_flush(o);
}

/* 64KiB 1MiB 10MB 1GiB 100; 0 when it is none of these. */
static uint64_t parse_size(const char *text)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = {{"", 1},      {"KiB", 1 << 10}, {"MiB", 1 << 20},  {"GiB", 1 << 30},
		     {"kB", 1000}, {"MB", 1000000},  {"GB", 1000000000}};
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0)
			return n * units[i].bytes;
	return 0;
}

struct request {
	struct amount amount;
	uint64_t seed;
	unsigned stream, files;
	bool crlf, json;
	const char *target;
};

static _Noreturn void usage(void)
{
	fputs("usage: loggen [--bytes SIZE] [--lines N] [--seed N] [--stream K] [--crlf | --json] "
	      "[FILE]\n"
	      "       loggen [--bytes SIZE] [--lines N] [--seed N] [--crlf] --files N DIRECTORY\n",
	      stderr);
	exit(2);
}

static struct request parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
	    {"bytes", required_argument, NULL, 'b'}, {"lines", required_argument, NULL, 'l'},
	    {"seed", required_argument, NULL, 's'},  {"stream", required_argument, NULL, 'k'},
	    {"files", required_argument, NULL, 'f'}, {"crlf", no_argument, NULL, 'c'},
	    {"json", no_argument, NULL, 'j'},        {0},
	};
	struct request r = {.amount = {UINT64_MAX, UINT64_MAX}, .seed = 1};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'c')
			r.crlf = true;
		else if (c == 'j')
			r.json = true;
		else if (c == '?')
			usage();
		else if (c == 'b')
			r.amount.bytes = parse_size(optarg);
		else if (c == 'l')
			r.amount.lines = parse_size(optarg);
		else if (c == 's')
			r.seed = parse_size(optarg);
		else if (c == 'k')
			r.stream = (unsigned)parse_size(optarg);
		else
			r.files = (unsigned)parse_size(optarg);
	}
	r.target = optind < argc ? argv[optind] : NULL;
	bool nothing = r.amount.bytes == 0 || r.amount.lines == 0;
	if (nothing || optind + 1 < argc || r.stream > 999 || r.files > 1000 ||
	    (r.files && !r.target))
		usage();
	return r;
}

/* One stream into one file, or to stdout when path is NULL. */
static int write_stream(const struct request *r, unsigned stream, struct amount amount,
			const char *path)
{
	static struct generator g;
	static char block[BLOCK_BYTES + LINE_BYTES_MAX];
	struct output o = {.fd = STDOUT_FILENO, .block = block};
	if (path)
		o.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (o.fd < 0)
		return -errno;
	generator_init(&g, r->seed, stream, r->crlf, r->json);
	int result = generate(&g, &o, amount);
	if (path && close(o.fd) < 0 && result == 0)
		result = -errno;
	return result;
}

static int write_files(const struct request *r)
{
	if (mkdir(r->target, 0777) < 0 && errno != EEXIST)
		return -errno;
	struct amount each = r->amount;
	if (each.bytes != UINT64_MAX)
		each.bytes /= r->files;
	if (each.lines != UINT64_MAX)
		each.lines /= r->files;
	for (unsigned i = 0; i < r->files; i++) {
		char path[4096];
		if (snprintf(path, sizeof(path), "%s/access-%03u.log", r->target, i) >=
		    (int)sizeof(path))
			return -ENAMETOOLONG;
		int result = write_stream(r, i, each, path);
		if (result < 0)
			return result;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct request r = parse_arguments(argc, argv);
	int result = r.files ? write_files(&r) : write_stream(&r, r.stream, r.amount, r.target);
	if (result == -EPIPE)
		return 0;
	if (result < 0) {
		fprintf(stderr, "loggen: %s: %s\n", r.target ? r.target : "stdout",
			strerror(-result));
		return 1;
	}
	return 0;
}
