#!/bin/bash
# layers.sh [ROOT]: holds the table of who may include and call what, and that file names are unique in the tree.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 1

mapfile -t files < <(find ringbuf conf stages daemon tests -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
if [ ${#files[@]} -eq 0 ]; then
	echo "layers: no source found in $PWD" >&2
	exit 1
fi

result=0
stage_headers=$(grep -ls '^const struct stage_type [a-z_]* = {' stages/*/*.c | sed 's/[.]c$/.h/' | tr '\n' ' ')
awk -v stage_headers="$stage_headers" -f "$here/layers.awk" "${files[@]}" || result=1

twins=$(printf '%s\n' "${files[@]##*/}" | LC_ALL=C sort | uniq -d)
if [ -n "$twins" ]; then
	while read -r twin; do
		echo "$twin: more than one file has this name"
	done <<<"$twins"
	result=1
fi

late=$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${files[@]}")
if [ -n "$late" ]; then
	printf '%s   <- do it or leave it\n' "$late"
	result=1
fi
[ $result -ne 0 ] || echo "layers: ${#files[@]} files keep to the table"
exit $result
