#include "daemon/progress.h"
#include "daemon/log.h"
#include "daemon/summary.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

static struct {
	const struct pipeline *pipeline;
	pthread_mutex_t lock; /* a bar and a log line never mix */
	char line[192];
} bar = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void put(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
	(void)ignored;
}

static void step_aside(void)
{
	pthread_mutex_lock(&bar.lock);
	put("\r\033[K");
}

static void come_back(void)
{
	put(bar.line);
	pthread_mutex_unlock(&bar.lock);
}

/* A bar would stand in the middle of the records. */
static bool shows_records(const struct plan *p)
{
	for (size_t i = 0; i < p->topology->stage_count; i++)
		if (plan_type(p, i)->standard_output)
			return isatty(STDOUT_FILENO);
	return false;
}

void progress_begin(const struct pipeline *p)
{
	if (!isatty(STDERR_FILENO) || shows_records(p->plan))
		return;
	bar.pipeline = p;
	bar.line[0] = 0;
	log_set_frame(step_aside, come_back);
}

bool progress_shown(void)
{
	return bar.pipeline != NULL;
}

static void format_left(char *text, size_t size, const struct totals *t, double seconds)
{
	if (t->work_done == 0 || t->work_total < t->work_done) {
		text[0] = 0;
		return;
	}
	double left = seconds * (double)(t->work_total - t->work_done) / (double)t->work_done;
	snprintf(text, size, ", %.0f s left", left);
}

static void format_bar(char *text, size_t size, const struct totals *t)
{
	double share = (double)t->work_done / (double)t->work_total;
	if (share > 1)
		share = 1;
	int full = (int)(share * BAR_WIDTH);
	snprintf(text, size, "[%.*s%.*s] %3u %%  ", full, "##############################",
		 BAR_WIDTH - full, "..............................", (unsigned)(share * 100));
}

/* Of an input whose size nobody knows (a pipe): how much has come and how fast, and no share of it. */
static void format_line(char *line, size_t size, const struct totals *t, double seconds)
{
	char done[16], rate[16], share[96] = "", left[32] = "";
	if (t->work_known) {
		format_bar(share, sizeof share, t);
		format_left(left, sizeof left, t, seconds);
	}
	snprintf(line, size, "\r%s%s, %s/s%s\033[K", share, human_bytes((double)t->bytes_in, done),
		 human_bytes(seconds > 0 ? (double)t->bytes_in / seconds : 0, rate), left);
}

void progress_draw(double seconds)
{
	struct totals t = summary_totals(bar.pipeline);
	pthread_mutex_lock(&bar.lock);
	format_line(bar.line, sizeof bar.line, &t, seconds);
	put(bar.line);
	pthread_mutex_unlock(&bar.lock);
}

void progress_end(void)
{
	if (!bar.pipeline)
		return;
	log_set_frame(NULL, NULL);
	put("\r\033[K");
	bar.pipeline = NULL;
}
