#!/bin/bash
# seeds.sh SIM: the seeds that found a mistake once, one after the other. What a seed means changes with the simulator, so
# they are worth less with time; new ones are added at the end.
set -uo pipefail
sim=$1
failed=0
held=0

#   1625   2362  no room for a record was waited for after a worker had failed
#   6305         a crash kept a new output's name and lost that of the one renamed before
#   6318         a state directory in which nothing can be written was taken
#  33487         a file renamed after it was seen and before it was opened was never read again
#  27046         a sink that waited for room in a cut did so without sleeping
#  39188         batches that a failed sink held were missing elsewhere
#  22476         a walk that had waited for a disk put the next one off for a quarter of an hour
#  80690         a crew whose sink had failed waited for ever at a barrier, as one of it had let the rest go
#  30021         a file renamed while it was being opened, and another one has its name: taken for that one, it was forgotten
#  42528         who reported for the last time while the epoch log was compacted waited for ever
#  22989         what a tcp sink wrote while it was asked what its peer had was lost with a reset
#    635         what a tcp source had framed of a connection that timed out was written over by the next read
#  11916         what a journal took up after a sync that had failed was in the cache only, and lost with a crash
# 303633         a transform that held records back waited for ever when the sink behind it had failed
#  58444  60842  a process without a free descriptor could not open what a spill had left on disk
#  83743         who waited for room for an epoch at a start did not take up what the log was still doing, and turned round
for seed in 1625 2362 6305 6318 33487 27046 39188 22476 80690 30021 42528 22989 635 11916 303633 58444 60842 83743; do
	if "$sim" --seed "$seed" | tail -n 1 | grep ': holds'; then
		held=$((held + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "seeds that failed once: $held passed, $failed failed"
[ $failed -eq 0 ]
