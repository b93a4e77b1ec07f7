#!/bin/bash
# mistakes.sh [--edits] [NAME]: plants one mistake after the other in a copy of the source, and has the simulator find it.
#
# Each is an edit of one file; one that no longer changes anything is an error, as what it was about is gone: --edits says no more than
# that, in a moment. Prints the first seed that fails, and why. SEEDS: how many are tried for each (20000).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seeds=${SEEDS:-20000}
copy=build/mistakes
missed=0
found=0
edits_only=
if [ "${1:-}" = --edits ]; then
	edits_only=yes
	shift
fi

# The simulator's own exit code says that some seed failed: that is what is wanted.
first_failure() {
	"$copy/build/tests/sim/sim" --seeds "$seeds" --failures 1 2>&1 | grep -m 1 '^seed ' || true
}

plant() { # NAME FILE PERL
	local name=$1 file=$copy/$2 before first
	[[ $name == *"$only"* ]] || return 0
	cp "$2" "$file"
	before=$(cksum <"$file")
	perl -0pi -e "$3" "$file"
	[ "$before" != "$(cksum <"$file")" ] || { echo "FAILED  $name: nothing to edit in $2"; missed=$((missed + 1)); return; }
	if [ "$edits_only" ]; then
		found=$((found + 1))
	elif ! make -s -C "$copy" -j2 build/tests/sim/sim >"$copy/log" 2>&1; then
		echo "FAILED  $name: it does not build: $(grep -m 1 error "$copy/log")"
		missed=$((missed + 1))
	elif first=$(first_failure) && [ -n "$first" ]; then
		echo "ok      $name: $first"
		found=$((found + 1))
	else
		echo "FAILED  $name: not found by $seeds seeds"
		missed=$((missed + 1))
	fi
	cp "$2" "$file"
}

only=${1:-}
# From nothing: an object of an earlier run may have a mistake in it, and be newer than the source.
rm -rf "$copy"
mkdir -p "$copy"
cp -a Makefile ringbuf conf stages daemon tests "$copy"

# An operation on a descriptor that does nothing: asking for a lock that is ours.
nothing=IO_LOCK

plant 'an output is not synced at a cut' stages/output_epochs.c \
	's/\.code = code, \.fd = file->fd/.code = '$nothing', .fd = file->fd/; s/enum io_code code = [^\n]*\n//'
plant 'the name of a new output is not synced' stages/output_epochs.c 's/data && s->holder >= 0 \? OUTPUT_SYNC_NAME/data \&\& false ? OUTPUT_SYNC_NAME/'
plant 'a finished output is not synced' stages/output_settling.c 's/\.code = IO_DATASYNC, \.fd = f->fd/.code = '$nothing', .fd = f->fd/'
plant 'an output that could not be synced counts as synced' stages/output_epochs.c 's/if \(s->op\.result < 0\)\n(\s+return fail\(e, lane,\n)/if (false)\n$1/'
plant 'an output is not cut back' stages/output_restore.c 's/go\(r, RESTORE_TRUNCATE\)/mend_or_sync(r)/'
plant 'an open frame is not closed' stages/open_frame.c 's/\.iov_len = length\}/.iov_len = 0 * length}/'
plant 'the undo journal is not synced before the act' stages/undo_journal.c 's/\.code = IO_DATASYNC, \.fd = j->current->fd/.code = '$nothing', .fd = j->current->fd/'
plant 'the epoch log is not synced' daemon/epoch_log.c 's/\.code = IO_DATASYNC, \.fd = l->fd/.code = '$nothing', .fd = l->fd/'
plant 'the name of a new epoch log is not synced' daemon/epoch_log.c 's/\.code = IO_SYNC, \.fd = l->directory/.code = '$nothing', .fd = l->directory/'
plant 'a record is committed before all have reported' daemon/epochs.c 's/return all_in\(e\) \? begin_record/return all_in(e) || e->held_count > 0 ? begin_record/'
plant 'one barrier is taken for all where inputs flow together' daemon/inputs.c \
	's/if \(!is_through\(&w->in_edges\[i\]\)\)\n\s+return false;\n\s+return true;/if (is_through(&w->in_edges[i]))\n\t\t\treturn true;\n\treturn w->in_edge_count == 0;/'
plant 'what lies behind a barrier is taken before it' daemon/inputs.c 's/return position >= barrier_at\(&in->edge->barrier\);/return (void)in, (void)position, false;/'
plant 'the undo journal of the epoch that goes on is emptied with that of the committed one' stages/undo_journal.c 's/ \|\| f->epoch > epoch / /'
plant 'a file that was written anew is read on' stages/source/file_checking.c 's/if \(!p \|\| !p->doubted\)/if (p || !p)/'
plant 'a position is not noted when its file has grown' stages/source/file_positions.c 's/(void file_positions_changed\([^)]*\)\n\{\n)/$1\tif (n->is_known)\n\t\treturn;\n/'
plant 'what a crash left in the undo journal is not undone' stages/output_recovery.c 's/r->left = r->acts\.count;/r->left = 0;/'
plant 'the output of a sink that is no more is not brought back' daemon/leftovers.c 's/return remembered_is_live\(o\) \|\| o->remembered_as;/return false;/'
plant 'a sink that has another path by now brings back only what is there' daemon/leftovers.c 's/return remembered_is_live\(o\) && \(o->is_elsewhere \|\| all\);/return remembered_is_live(o) && all;/'
plant 'acts that no mark tells of count for no other path' daemon/remembered.c 's/take_path\(o, acts->entries\[i\]\.path, [^)]*\);/(void)o;/'
plant 'marks that were brought back are not closed' daemon/leftovers.c 's/m->closed = true;/m->closed = false;/'
plant 'what was brought back is not told of in a record' daemon/leftovers.c 's/return r == 0 \? commit\(l\) : r;/return r == 0 \&\& false ? commit(l) : r;/'
plant 'only outputs that are elsewhere are brought back before the record' daemon/leftovers.c 's/if \(remembered_is_live\(o\)\)\n/if (is_to_be_seen_to(o, false))\n/'
plant 'an output fails when it cannot be written back' stages/write_queue.c \
	's/(on_brought\([^)]*\)\n\{\n)\t\(void\)op;/$1\tif (op->result < 0)\n\t\t((struct write_queue *)(void *)((char *)op - offsetof(struct write_queue, bringing)))->error = -EIO;/'
plant 'a journal answers for what is not on disk yet' stages/journal.c 's/return j->durable;/return j->appended;/'
plant 'the name of a new segment of a journal is not synced' stages/segments/segment_writing.c 's/SYNCING_DATA && !l->is_named/SYNCING_DATA \&\& false/'
plant 'what a failed sync has left of a journal is taken up as it is' stages/segments/segment_opening.c 's/l->renewed < segment_last\(l\)->length \? SEGMENTS_RENEW_READ : SEGMENTS_SYNC_LAST/SEGMENTS_SYNC_LAST/'
# It is compacted often, as no log there grows so long: by itself that does no harm.
plant 'final reports that come while the epoch log is compacted are forgotten' daemon/epochs.c \
	's/all_final\(e\) && e->held_count == 0/all_final(e)/; s/!epoch_log_is_large\(e->log\)/e->epoch % 4 != 0/'
plant 'what a spill had taken since the last epoch is not cut off' stages/segments/spill.c 's/\.cuts = true/.cuts = false/'
plant 'what a reader has stored is given to it again' daemon/spilling.c 's/p->cut_first = first_needed\(/p->cut_first = 0 * first_needed(/'
plant 'a circuit breaker that is half-open lets everybody through' stages/policy/breaker.c 's/b->probing = b->state == BREAKER_HALF_OPEN;/b->probing = false;/'
plant 'a circuit breaker that has opened does not rest' stages/policy/breaker.c 's/now_ns < rested_ns\(b\)/now_ns <= b->changed_ns/'
plant 'a place is given back twice when a call fails' stages/policy/calls.c 's/(void put_off\([^)]*\)\n\{\n)/$1\tif (c->places.held > 1)\n\t\tsemaphore_give(&c->places);\n/'
plant 'only the first attempt of a call pays' stages/policy/calls.c 's/if \(c->options->rate_limit_given\)\n(\t\tcall->until_ns = rate_limit_take)/if (c->options->rate_limit_given && call->attempts == 0)\n$1/'
plant 'a call that has failed is not woken for its next attempt' stages/policy/calls.c 's/call->until_ns = later\(now_of\(c\), delay\);/call->until_ns = UINT64_MAX;/'
plant 'who waits for a call that has ended is not woken' stages/policy/calls.c 's/if \(c->standing > 0\)\n/if (false)\n/'
plant 'what came from one connection is written over by what comes from the next' stages/net/net_reading.c 's/net_intake_keep\(&n->intake, next, n->at\.large\);/(void)next;/'
plant 'replies go out before their epoch is committed' stages/journal.c 's/return j->committed;/return j->received;/'
plant 'what is written while it is asked what the peer has counts as his' stages/net/net_stream_sink.c 's/unread < k->look_written \? k->look_written - unread/unread < k->written ? k->written - unread/'
plant 'what a broken connection had not taken is not sent again' stages/net/net_outbox.c 's/o->next = o->kept;/o->kept = o->next;/'

echo "mistakes: $found passed, $missed failed"
[ "$missed" -eq 0 ] && [ "$found" -gt 0 ]
