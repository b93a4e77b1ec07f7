#include "stages/transform/watermark.h"

/* The earliest time there is, if it lies before that. */
static int64_t earlier(int64_t time_ns, uint64_t span_ns)
{
	int64_t ns;
	return __builtin_sub_overflow(time_ns, span_ns, &ns) ? INT64_MIN : ns;
}

void watermark_advance(struct watermark *w, int64_t time_ns, int64_t read_ns)
{
	if (time_ns > read_ns)
		time_ns = read_ns;
	if (!w->has_seen || time_ns > w->seen_ns)
		w->seen_ns = time_ns;
	w->has_seen = true;
}

int64_t watermark_ns(const struct watermark *w)
{
	return earlier(w->seen_ns, w->grace_ns);
}

int64_t watermark_closed_ns(const struct watermark *w)
{
	if (!w->has_seen)
		return INT64_MIN;
	return earlier(watermark_ns(w), w->window_ns);
}

bool watermark_window(const struct watermark *w, int64_t time_ns, int64_t *ret_start_ns)
{
	int64_t window = (int64_t)w->window_ns, into = time_ns % window;
	if (into < 0)
		into += window;
	if (time_ns < INT64_MIN + 1 + into || time_ns - into > INT64_MAX - window)
		return false;
	*ret_start_ns = time_ns - into;
	return true;
}
