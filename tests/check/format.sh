#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every C file is formatted as .clang-format says (version 14: others differ in details).
cd "$(dirname "$0")/../.." || exit 1
clang-format --version | grep -q 'version 14\.' || { echo "clang-format 14 is not on PATH (pip install clang-format==14.0.6)"; exit 1; }
git ls-files -z -- '*.c' '*.h' | xargs -0 clang-format --dry-run --Werror
