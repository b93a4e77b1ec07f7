/* parking.pml - the parking protocol of ringbuf/waiter.h and queue.c, for spin to try in every order.
 *
 * One producer, two getters, and with CLOSING one who shuts the queue down. Each step is one access to memory, but
 * what is done under a list's lock is one step. The producer's stores go through a store buffer, which memory()
 * empties whenever it likes: so its look at `armed` may come before its item is there for others to see, as on any
 * real machine. Only a barrier, its own or the sleeper's membarrier, or a lock empties the buffer for certain.
 *
 * Wrong is: a getter that sleeps for ever (spin: invalid end state), and an item lost or got twice (assert).
 *
 *   (nothing)        membarrier by the sleeper, no fence at all on the running side
 *   FENCE            the fallback: no membarrier, the running side orders its look by itself
 *   CLOSING          a shutdown as well, which may come while a put is under way
 * These leave out what the protocol needs, and must be found wrong:
 *   NO_BARRIER       neither side orders anything
 *   NO_LOOK          the sleeper does not look once more after arming
 *   NO_NEXT          who takes an item and leaves another behind wakes nobody
 *   KEEP_WAKE        who gives up waiting keeps the wake it was given, and does not look again
 *   SILENT_END       (with CLOSING) who takes the last item after the shutdown tells nobody
 *
 * The queue is the MPMC ring's: a put draws its ticket, and its item can be got some time later. */

#define ITEMS 2
#define GETTERS 2
#ifdef CLOSING
#define PROCESSES (GETTERS + 2)
#else
#define PROCESSES (GETTERS + 1)
#endif

byte tickets;	/* drawn by puts */
byte buffered;	/* items put that are still in the producer's store buffer */
byte published; /* items that all can see */
byte taken;
bool closed;
byte through; /* processes that have come to their end */

/* The waitlist `getters`: FIFO, and its length, which is what the running side looks at. */
chan waiting = [GETTERS] of { byte };
#define armed len(waiting)
bool in_list[GETTERS];
bool woken[GETTERS];

byte got; /* by all getters */
byte gone; /* getters that gave up */

inline drain() { atomic { published = published + buffered; buffered = 0 } }

inline wake_one(who)
{
	atomic {
		if
		:: armed > 0 -> waiting?who; in_list[who] = false; woken[who] = true
		:: else
		fi
	}
}

inline wake_all(who)
{
	atomic {
		do
		:: armed > 0 -> waiting?who; in_list[who] = false; woken[who] = true
		:: else -> break
		od
	}
}

/* What the running side does after publishing. */
inline look_and_wake(who)
{
#ifdef FENCE
	drain();
#endif
	if
	:: armed > 0 -> drain(); wake_one(who) /* a lock is a barrier */
	:: else
	fi
}

active proctype memory()
{
end:	do
	:: atomic { buffered > 0 -> buffered--; published++ }
	od
}

active proctype producer()
{
	byte who;
	byte n;

	do
	:: tickets == ITEMS || closed -> break
	:: else ->
		/* one at a time, or the rest as one batch */
		atomic {
			if
			:: closed -> n = 0
			:: !closed -> n = 1
			:: !closed -> n = ITEMS - tickets
			fi;
			tickets = tickets + n
		}
		if
		:: n == 0 -> break
		:: else
		fi;
		buffered = buffered + n;
		look_and_wake(who)
	od;
	through++
}

#ifdef CLOSING
active proctype closer()
{
	byte who;
	closed = true; /* a read-modify-write of the index the tickets are drawn from */
#ifndef FENCE
	drain(); /* membarrier */
#endif
	wake_all(who);
	through++
}
#endif

/* One try to get: took, or over, or neither. */
inline look()
{
	atomic {
		took = false;
		over = false;
		if
		:: taken < published -> taken++; got++; took = true
		:: else -> over = closed && taken == tickets
		fi
	}
}

/* What who took an item does for the others. */
inline after_get(who)
{
	if
	:: armed > 0 ->
		if
#ifndef SILENT_END
		:: closed -> wake_all(who)
#endif
#ifndef NO_NEXT
		:: !closed && taken < published -> wake_one(who)
#endif
		:: else
		fi
	:: else
	fi
}

inline disarm()
{
	atomic {
		if
		:: in_list[me] -> waiting??eval(me); in_list[me] = false
		:: else
		fi;
		was_woken = woken[me];
		woken[me] = false
	}
}

proctype getter(byte me)
{
	byte who;
	bool took, over, was_woken, late;

again:	look();
	if
	:: took -> after_get(who); goto more
	:: over -> goto done
	:: else
	fi;

	atomic { waiting!me; in_list[me] = true }
#if !defined(FENCE) && !defined(NO_BARRIER)
	drain(); /* membarrier: every running thread passes a barrier */
#endif
#ifndef NO_LOOK
	look();
	if
	:: took || over ->
		if
		:: took -> after_get(who)
		:: else
		fi;
		disarm();
		if
		:: was_woken -> wake_one(who)
		:: else
		fi;
		if
		:: over -> goto done
		:: else -> goto more
		fi
	:: else
	fi;
#endif

	/* asleep; only one of the two ever gives up, so that somebody stays to be forgotten */
	late = false;
	if
	:: woken[me]
	:: me == 0 -> late = true
	fi;
	disarm();
	if
	:: !late -> goto again
	:: else
	fi;
#ifndef KEEP_WAKE
	look();
	if
	:: took -> after_get(who); goto more
	:: over -> goto done
	:: else
	fi;
	if
	:: was_woken -> wake_one(who)
	:: else
	fi;
#endif
	gone++;
	goto done;

more:
#ifdef CLOSING
	goto again; /* to the end */
#else
	skip; /* one each */
#endif
done:	through++
}

init
{
	atomic { run getter(0); run getter(1) }

	(through == PROCESSES);
	assert(taken == got && got <= published);
#ifdef CLOSING
	assert(gone > 0 || got == tickets)
#else
	assert(got + gone == GETTERS)
#endif
}
