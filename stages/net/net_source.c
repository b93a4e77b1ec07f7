#include "stages/net/net_source.h"

#include <stdlib.h>

void net_source_close(struct stage *s)
{
	if (!s->state)
		return;
	net_server_close(s->state);
	free(s->state);
	s->state = NULL;
}

int net_source_step(struct stage *s, struct outlet *out)
{
	return net_server_step(s->state, out);
}

int net_source_attend(struct stage *s)
{
	return net_server_attend(s->state);
}

int net_source_snapshot(struct stage *s, struct delta *d)
{
	struct net_server *n = s->state;
	return journal_snapshot(&n->journal, d);
}

void net_source_committed(struct stage *s, uint64_t epoch)
{
	struct net_server *n = s->state;
	(void)epoch;
	journal_note_committed(&n->journal);
}

int net_source_tell(const void *options, const struct delta *saved, struct teller *t)
{
	(void)options;
	return journal_tell(saved, t);
}

int net_source_settle(struct stage *s)
{
	return net_server_settle(s->state);
}

const char *net_source_restart(const struct net_server_options *o, bool remembers)
{
	const char *journal = journal_restart(&o->journal, remembers);
	return journal ? journal
		       : "can't be read again: what a crash finds on its way is lost, save what a "
			 "sender repeats for want of a reply with `ack: committed`";
}
