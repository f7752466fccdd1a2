#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# down.sh FOLDER: ends the cluster that up.sh FOLDER started, and removes FOLDER.
set -u
folder=${1:?folder}
[ -f "$folder/ceph.conf" ] || exit 0
for name in client.rgw osd.0 mon.a; do
    pid=$(cat "$folder/run/$name.pid" 2>/dev/null) || continue
    # The pid may be another process's by now.
    grep -qz -- "$folder/ceph.conf" "/proc/$pid/cmdline" 2>/dev/null && kill -9 "$pid"
done
rm -rf "$folder"
