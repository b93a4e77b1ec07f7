#!/bin/bash
# tidy.sh FILE FLAG...: clang-tidy over one source, unless nothing it depends on has changed since it had nothing to say.
#
# What it depends on: the source, every header it includes, those of the system too, .clang-tidy, the flags, clang-tidy
# itself and this script. Their checksum is kept in build/lint, only once there was nothing to say.
set -euo pipefail
file=$1
shift
stamp=build/lint/$file.tidy
inputs=$(clang "$@" -M -MT sources "$file" | sed -e 's/^sources://' -e 's/\\$//')
mapfile -t inputs < <(tr -s ' ' '\n' <<<"$inputs" | sed '/^$/d')
sum=$({
	clang-tidy --version
	printf '%s\n' "$@"
	sha256sum .clang-tidy tests/lint/tidy.sh "${inputs[@]}"
} | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then exit 0; fi
rm -f "$stamp"
clang-tidy --quiet "$file" -- "$@"
mkdir -p "${stamp%/*}"
echo "$sum" >"$stamp"
