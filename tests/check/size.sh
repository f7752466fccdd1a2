#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No file over 600 lines, no left-over marks, no commented-out code, a licence line in every file.
cd "$(dirname "$0")/../.." || exit 1
bad=0
git ls-files -- '*.c' '*.h' | xargs wc -l | awk '$2 != "total" && $1 > 600 {print $2 ": " $1 " lines"; bad = 1} END {exit bad}' || bad=1
git grep -nE '\b(TODO|FIXME|XXX|HACK)\b' -- '*.c' '*.h' && bad=1
git ls-files -- '*.c' '*.h' '*.py' | while read -r file; do
    head -2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file: no SPDX line"
done | grep . && bad=1
exit $bad
