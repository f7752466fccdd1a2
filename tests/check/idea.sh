#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each .c file opens with its idea: a comment, before anything else but the licence.
cd "$(dirname "$0")/../.." || exit 1
git ls-files -- '*.c' | while read -r file; do
    awk '!/^\/\/ SPDX/ && NF {exit $1 !~ /^\/[*\/]/}' "$file" || echo "$file: does not open with its idea"
done | grep . && exit 1
exit 0
