#!/bin/bash
# http_run.sh SLUICE TOPOLOGY CLIENT...: runs the topology, has the client send what it sends to the port that it listens at, and stops it. Ends
# well if both do.
set -euo pipefail
sluice=$1 topology=$2
shift 2
said=$(mktemp)
"$sluice" run -c "$topology" 2>"$said" &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -f "$said"' EXIT
exec {never_readable}<> <(:)
until port=$(sed -n 's/.*listening .*address=127.0.0.1:\([0-9]*\) .*/\1/p' "$said") && [ -n "$port" ]; do
	kill -0 $pid || { cat "$said"; exit 1; }
	read -rt 0.01 -u "$never_readable" || true
done
"$@" --port "$port"
kill $pid
wait $pid
