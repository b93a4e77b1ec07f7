#!/bin/bash
# powercut.sh BUILD CUTS [SEED]: the power goes, CUTS times: what is then on the disk is recovered, and holds all that was
# committed, every line once and in order. As root.
#
#   outer.img, xfs    a file of it can be copied as of one moment, without its bytes (reflink)
#     inner.img, ext4   what sluice writes to: state directory and outputs; the copy is what a power cut leaves of it
#
# sluice goes on meanwhile. In each copy it is started again with --once, its inputs being elsewhere.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=$(cd "$1" && pwd)
cuts=$2
export SEED=${3:-$RANDOM} SLUICE=$build/sluice TOOLS=$build/tests
root=$PWD
folder=$build/powercut
[ "$(id -u)" -eq 0 ] || { echo "powercut: needs root, for loop devices and mounts"; exit 2; }
.ci/install-packages powercut || exit 2

clean_up() {
	kill -KILL "${sluice_pid:-}" "${writer_pid:-}" 2>/dev/null
	wait 2>/dev/null
	cd "$root" || exit 1
	for mounted in cut inner outer; do
		! mountpoint -q "$folder/$mounted" || umount "$folder/$mounted"
	done
}

make_disks() {
	truncate -s 4G outer.img
	mkfs.xfs -q -m reflink=1 outer.img && mount -o loop outer.img outer || fail "no xfs"
	truncate -s 2G outer/inner.img
	mkfs.ext4 -q outer/inner.img && mount -o loop outer/inner.img inner || fail "no ext4"
}

write_topology() {
	cat >t.yaml <<-YAML
		name: powercut
		memory: 128MiB
		state_dir: state
		epoch: {interval: 30ms}
		sources: {in: {type: file, paths: ["$folder/in/*.log"]}}
		transforms: {fifth: {type: filter, inputs: [in], regex: '^\d+ \d*[05] ', workers: 2}}
		sinks:
		  plain: {type: file, inputs: [in], path: out.plain/plain.log, rotate: {size: 256KiB}}
		  packed: {type: file, inputs: [in], path: out.packed/packed.log.zst, compression: {type: zstd, level: 1}}
		  some: {type: file, inputs: [fifth], path: out.some/some.log}
	YAML
	mkdir out.plain out.packed out.some
	sync -f .
}

# Of the newest record that can be read. It may be on its way to the disk still; the one before is there.
epoch() {
	"$SLUICE" state --json -c t.yaml 2>/dev/null | jq .epoch
}

# "stream lines", of what is in the inputs.
written_so_far() {
	local f
	for f in "$folder"/in/*.log; do
		echo "$(basename "$f" .log) $(wc -l <"$f")"
	done
}

# Of what was there at that moment, while nobody writes to the inputs.
judge_cut() { # COMMITTED
	local found
	found=$(epoch)
	[ "${found:-0}" -ge $(($1 - 1)) ] || fail "epoch $(($1 - 1)) had been committed, and $found is there"
	kill -STOP "$writer_pid" 2>/dev/null
	"$SLUICE" run --once -c t.yaml >>../out 2>>../err || fail "exit $? in the copy"
	written_so_far >../written
	kill -CONT "$writer_pid" 2>/dev/null
	zstd -tq out.packed/packed.log.zst || fail "no whole zstd file"
	judge plain 1 ../written && judge packed 1 ../written && judge some 5 ../written
}

cut() {
	local committed
	hold_ms "$(some_time_ms)"
	is_running || fail "it ended by itself"
	committed=$(epoch)
	cp --reflink=always ../outer/inner.img ../outer/cut.img || fail "no copy"
	mount -o loop ../outer/cut.img ../cut || fail "the copy cannot be mounted"
	(cd ../cut && judge_cut "${committed:-0}") >../verdict || { cat ../verdict; return 1; }
	umount ../cut
	rm ../outer/cut.img
}

cut_the_power() {
	local i
	"$TOOLS/crash/writer" in --seed "$SEED" --whole --lines $((cuts * 4000)) --rate 20000 >/dev/null &
	writer_pid=$!
	cd inner || exit 1
	write_topology
	start_sluice
	hold_ms 300
	for ((i = 0; i < cuts; i++)); do
		cut || return 1
	done
	kill -KILL "$writer_pid" 2>/dev/null
	end_sluice
	judge plain 1 /dev/null && judge packed 1 /dev/null && judge some 5 /dev/null
}

rm -rf "$folder"
mkdir -p "$folder"/{in,outer,inner,cut}
trap clean_up EXIT
cd "$folder" || exit 1
# shellcheck source=tests/crash/lib.sh
. "$root/tests/crash/lib.sh"
make_disks
if cut_the_power; then
	echo "powercut: $cuts passed, 0 failed, seed $SEED"
else
	echo "powercut: failed, seed $SEED"
	exit 1
fi
