# lib.sh: what the end-to-end tests are written with. Sourced by run.sh, once for each test, in a folder of its own.
# shellcheck shell=bash
#
#   SLUICE     the program          BYTES   size of the big log, in bytes
#   TOOLS      our test programs    FULL    1: at the size the release is held to
#   INPUT      generated logs       SLOW    how many times slower things may be (sanitizers)
#
#   $INPUT/one.log              the big log
#   $INPUT/many/*.log           as much again, in a hundred files
#   $INPUT/small.log            4,000 lines
#   $INPUT/crlf.log             lines that end with CRLF, the last one with nothing

export LC_ALL=C # so that grep and sort see bytes, as sluice does

fail() {
	echo "$*"
	if [ -s err ]; then
		echo "stderr was:"
		tail -n 20 err
	fi
	exit 1
}

skip() {
	echo "skipped: $*"
	exit 77
}

# needs_stage sources|sinks TYPE LIBRARY: a build without that stage is not tested for it.
needs_stage() {
	"$SLUICE" list | awk -v kind="$1:" -v type="$2" '/:$/ { at = $1 } at == kind && $1 == type { found = 1 } END { exit !found }' ||
		skip "this build is without $3"
}

# Where what a run remembers is kept: for each run a place of its own, unless the test says with STATE that one is to go
# on where the last one ended.
use_state() {
	export STATE_DIRECTORY=${STATE:-$(mktemp -d "$PWD/.state.XXXXXX")}
}

# Runs to the end. Leaves `status`; stdout in out, stderr in err, most memory used (KiB) in peak.
run_sluice() {
	use_state
	status=0
	timeout -k 5 $((120 * SLOW)) /usr/bin/time -q -f %M -o peak "$SLUICE" run "$@" >out 2>err || status=$?
}

# Whatever becomes of the test, nothing that it has started is left running: to be trapped.
end_jobs() {
	jobs -pr | xargs -r kill -KILL 2>/dev/null || true
}

# With SIGINT as a terminal leaves it: a shell has its background jobs ignore it.
start_sluice() {
	: >err # now: what the one before said must not be taken for this one's words
	use_state
	env --default-signal=INT "$SLUICE" run "$@" >out 2>err &
	sluice_pid=$!
	trap end_jobs EXIT
}

# What it has used at most so far, in KiB.
peak_of_running() {
	awk '/^VmHWM/ { print $2 }' "/proc/$sluice_pid/status"
}

is_running() {
	kill -0 "$sluice_pid" 2>/dev/null
}

has_ended() {
	! is_running
}

# True once it sees to SIGTERM itself; one that has only just begun would be ended by it.
sees_to_signals() {
	local blocked caught
	has_ended && return
	blocked=$(awk '/^SigBlk/ { print $2 }' "/proc/$sluice_pid/status")
	caught=$(awk '/^SigCgt/ { print $2 }' "/proc/$sluice_pid/status")
	(((0x${blocked:-0} | 0x${caught:-0}) >> 14 & 1))
}

# stop_sluice [SIGNAL]: leaves `status`.
stop_sluice() {
	wait_until 20 sees_to_signals
	kill -"${1:-TERM}" "$sluice_pid"
	await_end 60
}

await_end() { # SECONDS
	wait_until "$1" has_ended
	status=0
	wait "$sluice_pid" || status=$?
}

exec {never_readable}<> <(:)

# For holding something back that long, and between two looks; never in the hope that something will have happened.
hold() { # SECONDS
	read -rt "$1" -u "$never_readable" || true
}

# wait_until SECONDS COMMAND...: looks until it succeeds; in vain, too, when a sluice that was started has ended.
wait_until() {
	local deadline=$((SECONDS + $1 * SLOW))
	shift
	until "$@"; do
		[ $SECONDS -le $deadline ] || fail "waited in vain until: $*"
		[ -z "${sluice_pid:-}" ] || is_running || "$@" || fail "sluice has ended before: $*"
		hold 0.02
	done
}

assert_status() {
	[ "$status" -eq "$1" ] || fail "exit code $status where $1 was expected"
}

assert_same() { # EXPECTED GOT
	cmp "$1" "$2" || fail "$2 is not the same as $1"
}

assert_said() { # EXTENDED-REGEX
	grep -qE -- "$1" err || fail "nothing on stderr like: $1"
}

assert_never_said() {
	! grep -qE -- "$1" err || fail "this should not be on stderr: $1"
}

assert_said_times() { # N EXTENDED-REGEX
	local n
	n=$(grep -cE -- "$2" err)
	[ "$n" -eq "$1" ] || fail "$n times on stderr where $1 was expected: $2"
}

# Of a run with `log: {format: json}`, whose last line it is.
assert_summary() { # JQ-CONDITION
	jq -es 'last | select(.event == "done") | '"$1" err >/dev/null || fail "the summary does not hold: $1"
}

assert_under_kib() { # LIMIT GOT
	[ "$2" -le "$1" ] || fail "$2 KiB of memory where at most $1 may be used"
}

has_lines() { # FILE N
	[ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

# The budget that a refusal names.
enough_memory() { # [FILE]
	sed -n 's/.*`memory: \([0-9]*[KM]iB\)` would do.*/\1/p' "${1:-err}"
}

says() { # EXTENDED-REGEX
	grep -qE -- "$1" err
}

need_unsanitized() {
	[ "$SLOW" -eq 1 ] || skip "memory and time are not to be measured under a sanitizer"
}

# as_nobody COMMAND...: root may read and write everything; nobody may not.
as_nobody() {
	timeout -k 5 $((20 * SLOW)) setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

need_nobody() {
	chmod 755 .
	[ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody who may do less"
	as_nobody test -x "$SLUICE" 2>/dev/null || skip "nobody cannot reach $SLUICE"
}

# Splits an output that many files went into by the file each line says it is from, for comparing.
split_by_stream() { # FILE DIRECTORY
	mkdir -p "$2"
	awk -v folder="$2" '{ n = index($0, " req="); print > (folder "/access-" substr($0, n + 5, 3) ".log") }' "$1"
}

# Leaves NAME.pem and NAME.key, signed by itself.
make_certificate() { # NAME [ANOTHER-NAME]: as in IP:127.0.0.1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
		-addext "subjectAltName=DNS:$1${2:+,$2}" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# The same, but it was so for one day in 2020.
make_expired_certificate() { # NAME
	mkdir -p ca
	: >ca/index
	echo 01 >ca/serial
	cat >ca/config <<-END
		[ca]
		default_ca = own
		[own]
		database = $PWD/ca/index
		serial = $PWD/ca/serial
		new_certs_dir = $PWD/ca
		default_md = sha256
		policy = any
		copy_extensions = copy
		[any]
		commonName = supplied
	END
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" \
		-addext "subjectAltName=DNS:$1" 2>/dev/null
	openssl ca -batch -selfsign -config ca/config -keyfile "$1.key" -in "$1.csr" -out "$1.pem" -notext \
		-startdate 20200101000000Z -enddate 20200102000000Z 2>/dev/null
}
