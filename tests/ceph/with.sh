#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# with.sh COMMAND ARGUMENT...: runs COMMAND with the environment of an S3 server that lives as long as it does.
# ELIDEFS_TEST_PORT chooses the first of 64 ports.
set -u
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d /tmp/elidefs-ceph.XXXXXX)
trap '"$here/down.sh" "$folder"; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM HUP
busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=${ELIDEFS_TEST_PORT:-$((21100 + RANDOM % 100 * 64))}
while [ -z "${ELIDEFS_TEST_PORT:-}" ] && { busy "$port" || busy $((port + 1)) || busy $((port + 3)); }; do
    port=$((21100 + RANDOM % 100 * 64))
done
"$here/up.sh" "$folder" "$port" || exit
# shellcheck disable=SC1091
. "$folder/env"
"$@"
