#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# down.sh FOLDER: ends the cluster that up.sh FOLDER started, and removes FOLDER.
set -u
folder=${1:?folder}
runs() { grep -qz -- "$folder/ceph.conf" "/proc/$1/cmdline" 2>/dev/null; } # the pid may be another process's by now
for name in client.rgw osd.0 mon.a; do
    pid=$(cat "$folder/run/$name.pid" 2>/dev/null) || continue
    runs "$pid" && kill -9 "$pid"
    while runs "$pid"; do sleep 0.05; done # else it could still write where we remove
done
rm -rf "$folder"
