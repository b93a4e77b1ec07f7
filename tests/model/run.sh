#!/bin/bash
# run.sh: checks tests/model/parking.pml with spin: that the protocol holds, and that each variant which leaves out
# something it needs is found wrong (else the model could not fail). About 15 s, at most 58.
set -euo pipefail
[[ ${MODEL_BOUNDED:-} ]] || MODEL_BOUNDED=1 exec timeout 58 "$0"
model=$(cd "$(dirname "$0")" && pwd)/parking.pml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# right|wrong, then what is defined
check() {
	local expected=$1 found
	shift
	(
		cd "$folder"
		spin -a "${@/#/-D}" "$model" >spin.log
		cc -O2 -w -DSAFETY -o pan pan.c
		./pan -m100000 >pan.log
	) || { cat "$folder"/*.log >&2; return 1; }
	if grep -q 'errors: 0' "$folder/pan.log" && ! grep -q 'max search depth too small' "$folder/pan.log"; then
		found=right
	elif grep -Eq 'invalid end state|assertion violated' "$folder/pan.log"; then
		found=wrong
	else
		found=undecided
	fi
	printf '%-24s %-9s (wanted: %s)  %s\n' "${*:-as it is}" "$found" "$expected" \
		"$(grep -o '[0-9]* states, stored' "$folder/pan.log")"
	[[ $found == "$expected" ]] || { cat "$folder/pan.log" >&2; return 1; }
}

check right
check right FENCE
check right CLOSING
check right CLOSING FENCE
check wrong NO_BARRIER
check wrong NO_LOOK
check wrong NO_NEXT
check wrong KEEP_WAKE
check wrong CLOSING SILENT_END
echo "model: the parking protocol holds"
