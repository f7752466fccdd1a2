#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The top level is fixed, so that nothing a command left in the current folder is taken in with the rest.
cd "$(dirname "$0")/../.." || exit 1
known='^(\..*|LICENSE|README\.md|meson\.build|meson_options\.txt|fs|index|query|cache|tools|tests)$'
git ls-files | cut -d/ -f1 | sort -u | grep -vE "$known" | sed 's/$/: does not belong into the top folder/' | grep . && exit 1
exit 0
