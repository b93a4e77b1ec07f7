# The house around the program: the demo, the examples, the library, the installation.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

test_the_demo_works_twice() {
	mkdir -p conf
	cp -r "$repository/conf/examples" conf/examples
	conf/examples/demo.sh "$SLUICE" >first 2>&1 </dev/null || fail "$(cat first)"
	conf/examples/demo.sh "$SLUICE" >second 2>&1 </dev/null || fail "$(cat second)"
	grep -hE '" 5[0-9][0-9] | ERROR ' conf/examples/logs/*.log | sort >expected
	sort demo-out/errors.log | cmp - expected || fail "the demo's output is not what grep finds"
	zstd -qdc demo-out/errors.log.zst | sort | cmp - expected
}

# An example is fine that has a stage which this build is without, and says so.
lacks_a_stage() {
	grep -q ' in this build, which was made without ' "$1"
}

test_every_example_checks() {
	local example said=$PWD/said
	cd "$repository" || fail "no repository"
	for example in conf/examples/*.yaml; do
		"$SLUICE" check -c "$example" 2>"$said" || {
			lacks_a_stage "$said" && continue
			fail "$example: $(cat "$said")"
		}
		"$SLUICE" test -c "$example" || fail "the tests of $example"
	done
}

test_the_queue_is_a_library_of_its_own() {
	need_unsanitized
	command -v gcc >/dev/null || skip "no gcc"
	local build
	build=$(dirname "$TOOLS")
	[ -e "$build/libringbuf.a" ] || skip "no libringbuf.a; make ringbuf makes it"
	cat >user.c <<-'C'
		#include <ringbuf/queue.h>
		#include <stdio.h>
		int main(void)
		{
			struct queue q;
			int x = 42;
			void *item;
			if (queue_init(&q, 1, QUEUE_SPSC) || queue_put(&q, &x) || queue_get(&q, &item))
				return 1;
			queue_release(&q);
			return item != &x;
		}
	C
	gcc -Wall -Wextra -Werror -I"$build/include" user.c "$build/libringbuf.a" -pthread -o user
	./user || fail "the item did not come back"
}

test_installing_puts_everything_in_place() {
	need_unsanitized
	make -s -C "$repository" install DESTDIR="$PWD/root" PREFIX=/usr BUILD="$(dirname "$TOOLS")" >log 2>&1 || fail "$(cat log)"
	[ -x root/usr/bin/sluice ] || fail "no binary"
	grep -q '^ExecStart=/usr/bin/sluice ' root/usr/lib/systemd/system/sluice.service || fail "the unit starts something else"
	grep -q 'paths: \[/usr/share/doc/sluice/examples/logs/app.log\]' root/usr/share/doc/sluice/examples/quickstart.yaml ||
		fail "the quickstart reads something else"
	local link
	grep -oE '\]\([^):]+\)' root/usr/share/doc/sluice/README.md | tr -d ']()' >links
	[ "$(wc -l <links)" -ge 3 ] || fail "no links in the README: $(cat links)"
	while read -r link; do
		[ -e "root/usr/share/doc/sluice/$link" ] || fail "the README links to $link, which is not installed"
	done <links
	! grep -E '(^|[^/])make ' root/usr/share/doc/sluice/README.md || fail "the README speaks of building"
	make -s -C "$repository" uninstall DESTDIR="$PWD/root" PREFIX=/usr
	[ -z "$(find root -type f)" ] || fail "left behind: $(find root -type f)"
}

test_installed_examples_run_from_anywhere() {
	need_unsanitized
	make -s -C "$repository" install PREFIX="$PWD/usr" BUILD="$(dirname "$TOOLS")" >log 2>&1 || fail "$(cat log)"
	local examples=$PWD/usr/share/doc/sluice/examples example
	mkdir elsewhere logs archive
	cd elsewhere || fail "no folder"
	for example in "$repository"/conf/examples/*.yaml; do
		example=$examples/$(basename "$example")
		LOGS=$examples/logs ARCHIVE=. ../usr/bin/sluice check -c "$example" >out 2>err || {
			lacks_a_stage err && continue
			fail "$example: $(cat err)"
		}
		[ ! -s err ] || fail "a warning: $(cat err)"
		! grep -nE 'repository|conf/|build/|demo' "$example" || fail "$example speaks of the repository"
	done
	../usr/bin/sluice run --once -c "$examples/quickstart.yaml" >out 2>err || fail "it does not run: $(cat err)"
	grep -hE '" 5[0-9][0-9] | ERROR ' "$examples"/logs/*.log | sort >expected
	sort errors.log | cmp - expected || fail "the output is not what grep finds"
	zstd -qdc errors.log.zst | sort | cmp - expected
}

unit_says() { # SECTION LINE: a key that stands in the wrong section is ignored
	sed -n "/^\[$1\]/,/^\[/p" unit | grep -qx -- "$2" || fail "not in [$1]: $2"
}

test_the_unit_tries_a_failure_again_without_end_but_no_mistake() {
	sed -e 's|/usr/local/bin/sluice .*|/bin/true|' "$repository/systemd/sluice.service" >unit
	unit_says Unit 'StartLimitIntervalSec=0'
	unit_says Service 'Restart=on-failure'
	unit_says Service 'RestartSec=5s'
	unit_says Service 'RestartPreventExitStatus=2 78'
	! command -v systemd-analyze >/dev/null && return
	cp unit sluice.service
	systemd-analyze verify ./sluice.service >said 2>&1 || true
	! grep sluice.service said || fail "systemd does not take it"
}
