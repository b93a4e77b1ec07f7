#!/bin/sh
# known.sh SLUICE FILE: succeeds when a record tells of the file that has this name now. In the folder of t.yaml.
"$1" state --verify --json -c t.yaml 2>/dev/null |
	jq -e --arg file "$2" '[.stages[] | select(.kind == "source") | .items[] | select(.file == $file and .left != null)] | length > 0' >/dev/null
