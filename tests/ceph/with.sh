#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# with.sh COMMAND ARGUMENT...: runs COMMAND with the environment of an S3 server that lives as long as it does.
# ELIDEFS_TEST_PORT chooses the first of 64 ports.
set -u
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d /tmp/elidefs-ceph.XXXXXX)
trap '"$here/down.sh" "$folder"; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM HUP
"$here/up.sh" "$folder" "${ELIDEFS_TEST_PORT:-}" || exit
# shellcheck disable=SC1091
. "$folder/env"
"$@"
