#!/bin/bash
# test_layers.sh: shows each rule of layers.sh a breach that it must find, and code that it must let pass.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0
failed=0

write() { # FILE CODE
	rm -rf "${root:?}"/*
	mkdir -p "$root/$(dirname "$1")"
	printf '%b\n' "$2" >"$root/$1"
}

verdict() { # OK NAME OUTPUT
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED %s; layers.sh said:\n%s\n' "$2" "$3"
	fi
}

finds() { # FILE CODE EXPECTED
	write "$1" "$2"
	local output
	output=$("$here/layers.sh" "$root") && output="nothing"
	grep -qF -- "$3" <<<"$output"
	verdict $? "in $1 '$2' is a breach" "$output"
}

lets_pass() { # FILE CODE
	write "$1" "$2"
	local output
	output=$("$here/layers.sh" "$root")
	verdict $? "in $1 '$2' is fine" "$output"
}

finds ringbuf/a.c '#include "conf/option.h"' 'a.c:1: ringbuf/ includes only'
finds ringbuf/a.c '#include <liburing.h>' 'ringbuf/ includes only'
finds conf/a.c '#include "stages/stage.h"' 'conf/ includes only'
finds conf/a.c '#include <zstd.h>' 'conf/ includes only'
finds stages/a.c '\n#include "daemon/runner.h"' 'a.c:2: stages/ includes'
finds stages/a.c '#include <liburing.h>' 'through stages/io.h'
finds stages/a.c '#include <pthread.h>' 'starts no threads'
finds stages/sink/a.c '#include "stages/source/tail.h"' 'never includes another stage'
finds daemon/a.c '#include "tests/unit/help.h"' 'nothing includes tests/'
finds daemon/a.c '#include "runner.h"' 'names its folder'
finds daemon/a.c '#include <stdatomic.h>' 'atomics live in ringbuf/'
finds daemon/a.c 'static _Atomic int n;' 'atomics live in ringbuf/: _Atomic'
finds stages/a.c 'int f(int *n)\n{\n\treturn __atomic_load_n(n, 0);\n}' 'a.c:3: atomics'
finds stages/a.c '\tatomic_store_explicit(&n, 1, memory_order_relaxed);' 'atomics live in ringbuf/'
finds ringbuf/a.c '\tatomic_store(&n, 1);' 'without an order'
finds stages/source/a.c '\tclock_gettime(CLOCK_MONOTONIC, &t);' 'clock_gettime() below daemon/'
finds stages/source/a.c '\tif ((n = read(fd, b, 1)) < 0)' 'read() below daemon/'
finds stages/source/a.c '\tint fd = open (path, 0); /* a comment' 'open() below daemon/'
finds stages/a.c '\tusleep(1);' 'usleep() below daemon/'
finds stages/a.c '\tx = rand();' 'rand() below daemon/'
finds stages/a.c '\tpthread_create(&t, NULL, f, NULL);' 'pthread_create() below daemon/'
finds stages/a.c '\tprintf("hello");' 'printf() below daemon/'
finds stages/a.c '\tchar *s = "a \\" b"; write(1, s, 1);' 'write() below daemon/'
finds stages/a.c '/* one */ time(NULL); /* two' 'time() below daemon/'
finds conf/a.c '\ttime(NULL);' 'time() in conf/'
finds ringbuf/a.c '\tpthread_create(&t, NULL, f, NULL);' 'threads are the caller'
finds daemon/a.c '\tstrcpy(a, b);' 'strcpy() is banned'
finds daemon/a.c '\tsprintf(a, "%d", 1);' 'sprintf() is banned'
finds daemon/a.c '\tn = atoi(text);' 'atoi() is banned'
finds conf/a.c '\tstrtok(a, b);' 'strtok() is banned'
finds daemon/a.h 'typedef struct { int x; } thing;' 'no typedef'
# The word is put together here so that this file does not hold it.
finds daemon/a.c "/* TO""DO: later */" 'do it or leave it'

write stages/source/tail.h '#include "stages/stage.h"'
printf 'const struct stage_type tail_stage = {\n};\n' >"$root/stages/source/tail.c"
printf '#include "stages/source/tail.h"\n' >"$root/stages/source/pipe.c"
output=$("$here/layers.sh" "$root")
grep -qF 'stages/source/pipe.c:1: a stage never includes another stage' <<<"$output"
verdict $? 'a stage that includes its neighbour is a breach' "$output"

write stages/source/same.c 'int x;'
mkdir "$root/daemon" && cp "$root/stages/source/same.c" "$root/daemon"
output=$("$here/layers.sh" "$root")
grep -qF 'same.c: more than one file' <<<"$output"
verdict $? 'two files of one name are a breach' "$output"

lets_pass ringbuf/a.c '#include "ringbuf/queue.h"\n#include <stdatomic.h>\n#include <sys/syscall.h>\n#include <pthread.h>'
lets_pass conf/a.c '#include <yaml.h>\n#include <stdio.h>\n#include "conf/option.h"\n\tf = fopen(path, "r");'
lets_pass stages/sink/a.c '#include "ringbuf/counter.h"\n#include "stages/codec/codec.h"\n#include <zstd.h>'
lets_pass stages/source/a.c '#include "stages/source/tail_list.h"'
lets_pass stages/a.c '\top->read(x); op.write(y); env->ops->open(z); file_open(); /* read(x) */ // write(x)'
lets_pass stages/a.c '\tchar c = \x27"\x27, *s = "read(x) /* ", *t = "\\"write(x)";'
lets_pass stages/a.c '/*\n time(NULL) is not called;\n don\x27t\n*/ int x; /* open(a) */'
lets_pass daemon/a.c '#include <liburing.h>\n#include "stages/io.h"\n\tclock_gettime(0, &t); read(0, b, 1);'
lets_pass tests/unit/a.c '#include "daemon/runner.h"\n#include <criterion/criterion.h>\n#include <stdatomic.h>'

echo "layers' own tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
