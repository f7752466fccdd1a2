#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# up.sh FOLDER [PORT]: starts a Ceph cluster of one monitor, one in-memory disk and one S3 gateway, all on 127.0.0.1
# from PORT on (default: some that are free, below those the kernel gives to clients), with everything it writes in
# FOLDER. FOLDER/env then holds what an S3 client needs. Ends with 77 and the reason where Ceph is not installed
# (Debian: ceph-mon ceph-osd radosgw). down.sh FOLDER stops it. ELIDEFS_TEST_ADDRESS: another address of this machine on
# which the gateway answers, too.
set -eu
folder=${1:?folder} port=${2:-}
for program in ceph-mon ceph-osd radosgw radosgw-admin monmaptool; do
    command -v $program >/dev/null || { echo "skipped: $program is not installed (packages ceph-mon ceph-osd radosgw)"; exit 77; }
done
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
busy() { answers "$1" || answers $(($1 + 1)) || answers $(($1 + 2)) || answers $(($1 + 3)); }
if [ -z "$port" ]; then
    port=$((21100 + RANDOM % 100 * 64))
    while busy "$port"; do port=$((21100 + RANDOM % 100 * 64)); done
fi
if busy "$port"; then echo "port $port or one of the next three is in use" >&2; exit 1; fi

access_key=ELIDEFSTESTACCESSKEY secret_key=elidefs/test+secret/key/of/no/worth00001
other_access_key=ELIDEFSTESTOTHERUSER other_secret_key=elidefs/test+secret/key/of/no/worth00002
mkdir -p "$folder"
folder=$(realpath "$folder")
[ ${#folder} -lt 80 ] || { echo "$folder: too long a name for Ceph's sockets" >&2; exit 1; }
mkdir -p "$folder"/{run,log,mon,osd,rgw}
fsid=$(cat /proc/sys/kernel/random/uuid)
conf=$folder/ceph.conf

also=
[ -z "${ELIDEFS_TEST_ADDRESS:-}" ] || also=" endpoint=$ELIDEFS_TEST_ADDRESS:$port"

# TLS with a certificate of its own, where openssl(1) is at hand.
tls=
if command -v openssl >/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=elidefs-test \
    -addext 'subjectAltName = IP:127.0.0.1' -keyout "$folder/tls.key" -out "$folder/tls.pem" 2>"$folder/log/tls.log"; then
    tls=" ssl_endpoint=127.0.0.1:$((port + 3)) ssl_certificate=$folder/tls.pem ssl_private_key=$folder/tls.key"
fi

# Debian 13's own default is relative to the current folder.
for classes in /usr/lib/*/rados-classes /usr/lib/rados-classes; do [ -d "$classes" ] && break; done

cat >"$conf" <<EOF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind port min = $((port + 10))
ms bind port max = $((port + 60))
auth cluster required = none
auth service required = none
auth client required = none
ms mon cluster mode = crc
ms mon service mode = crc
ms mon client mode = crc
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
run dir = $folder/run
pid file = $folder/run/\$name.pid
admin socket = $folder/run/\$name.asok
log file = $folder/log/\$name.log
mon cluster log file = $folder/log/cluster.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 2
osd pool default pgp num = 2
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
[mon]
mon data = $folder/mon
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon warn on insecure global id reclaim allowed = false
paxos propose interval = 0.05
[osd]
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd max object name len = 1024
osd max object namespace len = 64
osd class dir = $classes
osd class load list = *
osd class default list = *
[client.rgw]
rgw data = $folder/rgw
rgw frontends = beast endpoint=127.0.0.1:$port$also tcp_nodelay=1$tls
rgw dns name = s3.localhost
rgw enable apis = s3
rgw enable ops log = false
rgw enable usage log = false
rgw enable lc threads = false
rgw run sync thread = false
rgw thread pool size = 64
rgw gc obj min wait = 1
rgw gc processor period = 1
rgw gc processor max time = 1
EOF

monmaptool --create --clobber --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" --fsid "$fsid" \
    "$folder/monmap" >"$folder/log/make.log"
ceph-mon --mkfs -i a --monmap "$folder/monmap" -c "$conf" >>"$folder/log/make.log" 2>&1
ceph-mon -i a -c "$conf" >>"$folder/log/make.log" 2>&1
osd_uuid=$(cat /proc/sys/kernel/random/uuid)
ceph -c "$conf" osd new "$osd_uuid" >>"$folder/log/make.log" 2>&1
ceph-osd -i 0 -c "$conf" --mkfs --osd-uuid "$osd_uuid" >>"$folder/log/make.log" 2>&1
ceph-osd -i 0 -c "$conf" >>"$folder/log/make.log" 2>&1
add_user() { radosgw-admin -c "$conf" -n client.rgw user create --uid="$1" --display-name="$1" --access-key="$2" \
    --secret-key="$3" >>"$folder/log/make.log" 2>&1; }
add_user elidefs $access_key $secret_key
add_user other $other_access_key $other_secret_key
timeout 240 radosgw -c "$conf" -n client.rgw >>"$folder/log/make.log" 2>&1
for ((i = 0; i < 1200; i++)); do
    answers "$port" && break
    sleep 0.1
done
[ $i -lt 1200 ] || { echo "the gateway does not answer on port $port; see $folder/log" >&2; exit 1; }
cat >"$folder/env" <<EOF
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
export AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=$access_key
export AWS_SECRET_ACCESS_KEY=$secret_key
export TEST_OTHER_ACCESS_KEY_ID=$other_access_key
export TEST_OTHER_SECRET_ACCESS_KEY=$other_secret_key
export TEST_VIRTUAL_HOST_ENDPOINT=http://s3.localhost:$port
EOF
[ -z "$tls" ] || cat >>"$folder/env" <<EOF
export TEST_TLS_ENDPOINT=https://127.0.0.1:$((port + 3))
export TEST_TLS_CA=$folder/tls.pem
EOF
