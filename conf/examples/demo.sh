#!/bin/bash
# demo.sh SLUICE: the quickstart, run where conf/examples/ lies under the working directory; what `make demo` shows.
set -euo pipefail
sluice=$1
topology=conf/examples/quickstart.yaml

say() {
	printf '\n== %s\n' "$*"
}

rm -rf demo-out
mkdir demo-out

say "the topology: $topology"
grep -v '^#' "$topology"

say "$sluice run --once -c $topology"
"$sluice" run --once -c "$topology"

say "the first lines of demo-out/errors.log"
head -n 5 demo-out/errors.log | cut -c 1-150

say "how much went in, and what came out"
wc -lc conf/examples/logs/*.log
wc -lc demo-out/errors.log
wc -c demo-out/errors.log.zst

say "what to try next"
cat <<TRY
  $sluice graph -c $topology          stages, queues, memory
  $sluice check -c $topology          is it sound, and what does each sink promise?
  $sluice list file                                     a stage's options
  $sluice run --once -c $topology --set transforms.errors.regex=POST --set sinks.plain.path=demo-out/posts.log --set sinks.archive.path=demo-out/posts.log.zst
  grep -h checkout conf/examples/logs/*.log | $sluice run --once -c conf/examples/pipe.yaml
  $sluice run -c conf/examples/follow.yaml              follows the sample logs; Ctrl-C drains and ends it
TRY
