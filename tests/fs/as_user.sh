#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program as an ordinary user to whom /dev/fuse is open, in a mount namespace of its own. Root starts it.
skip() {
    echo "skipped: $1"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "root starts this"
[ -c /dev/fuse ] || skip "there is no /dev/fuse"
command -v fusermount3 >/dev/null || skip "there is no fusermount3"
command -v setpriv >/dev/null || skip "there is no setpriv"
setpriv --reuid 65534 --regid 65534 --clear-groups test -r "$2" || skip "an ordinary user cannot read $2"
unshare -m true 2>/dev/null || skip "no mount namespace can be made"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/run.sh" <<'END'
mknod -m 666 "$folder/fuse" c 10 229 && mount --bind "$folder/fuse" /dev/fuse || exit 77
exec setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$folder" TMPDIR=/tmp PYTHONDONTWRITEBYTECODE=1 "$@"
END
folder=$folder unshare -m sh "$folder/run.sh" "$@"
