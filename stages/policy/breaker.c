#include "stages/policy/breaker.h"

#include <assert.h>

const char *const breaker_state_names[BREAKER_STATES] = {
    [BREAKER_CLOSED] = "closed", [BREAKER_OPEN] = "open", [BREAKER_HALF_OPEN] = "half-open"};

void breaker_init(struct breaker *b, const struct breaker_options *o, uint64_t now_ns)
{
	assert(o->failure_threshold > 0);
	*b = (struct breaker){
	    .options = o, .state = BREAKER_CLOSED, .changed_ns = now_ns, .opened_ns = now_ns};
}

static void change(struct breaker *b, enum breaker_state state, uint64_t now_ns)
{
	if (b->state == BREAKER_CLOSED)
		b->opened_ns = now_ns;
	b->state = state;
	b->changed_ns = now_ns;
	b->failures = 0;
	b->probing = false;
	b->era++;
}

/* Until then nobody is let through. */
static uint64_t rested_ns(const struct breaker *b)
{
	uint64_t rest = b->options->reset_timeout_ns;
	return b->changed_ns < UINT64_MAX - rest ? b->changed_ns + rest : UINT64_MAX;
}

bool breaker_is_shut(const struct breaker *b, uint64_t now_ns)
{
	return (b->state == BREAKER_OPEN && now_ns < rested_ns(b)) ||
	       (b->state == BREAKER_HALF_OPEN && b->probing);
}

enum breaker_answer breaker_ask(struct breaker *b, uint64_t now_ns, uint64_t *ret_pass,
				uint64_t *ret_when_ns)
{
	if (breaker_is_shut(b, now_ns)) {
		*ret_when_ns = b->state == BREAKER_OPEN ? rested_ns(b) : UINT64_MAX;
		return BREAKER_WAIT;
	}
	if (b->state == BREAKER_OPEN)
		change(b, BREAKER_HALF_OPEN, now_ns);
	b->probing = b->state == BREAKER_HALF_OPEN;
	*ret_pass = b->era;
	return BREAKER_GO;
}

bool breaker_succeeded(struct breaker *b, uint64_t pass, uint64_t now_ns)
{
	assert(pass <= b->era);
	if (pass != b->era)
		return false;
	assert(b->state != BREAKER_OPEN && "nobody gets a pass from an open one");
	b->failures = 0;
	if (b->state == BREAKER_CLOSED)
		return false;
	change(b, BREAKER_CLOSED, now_ns);
	return true;
}

bool breaker_failed(struct breaker *b, uint64_t pass, uint64_t now_ns)
{
	assert(pass <= b->era);
	if (pass != b->era)
		return false;
	assert(b->state != BREAKER_OPEN && "nobody gets a pass from an open one");
	if (b->state == BREAKER_CLOSED && ++b->failures < b->options->failure_threshold)
		return false;
	change(b, BREAKER_OPEN, now_ns);
	return true;
}

void breaker_cancelled(struct breaker *b, uint64_t pass)
{
	assert(pass <= b->era);
	if (pass == b->era)
		b->probing = false;
}
