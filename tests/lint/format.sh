#!/bin/bash
# format.sh [--check]: brings the C source into the form that .clang-format describes, or names the files it is not in.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
mapfile -t files < <(find ringbuf conf stages daemon tests -name '*.[ch]' | LC_ALL=C sort)
if [ "${1:-}" != --check ]; then
	exec clang-format -i "${files[@]}"
fi
unformed=0
for file in "${files[@]}"; do
	if ! clang-format "$file" | cmp -s - "$file"; then
		echo "$file: not formatted; make fmt does it"
		unformed=$((unformed + 1))
	fi
done
echo "format: $((${#files[@]} - unformed)) of ${#files[@]} files as they should be"
[ $unformed -eq 0 ]
