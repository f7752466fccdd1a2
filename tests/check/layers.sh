#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Includes go downwards only, and each foreign header has one owner. Prints every line that breaks it.
cd "$(dirname "$0")/../.." || exit 1
bad=0
# upward FOLDER PATTERN: files of FOLDER must not include what matches.
upward() { git grep -nE "#include \"($2)" -- "$1/*.[ch]" && bad=1; }
upward cache/base 'cache/store/|cache/[a-z_]+\.h|index/|query/|fs/|tools/'
upward cache/store 'cache/[a-z_]+\.h|index/|query/|fs/|tools/'
upward cache 'index/|query/|fs/|tools/'
upward index 'query/|fs/|tools/'
# the rooms of index: commit, house -> dataset -> catalog, roots, pages -> base <- containers
upward index/base 'index/(containers|pages|catalog|roots|dataset|commit|house)/'
upward index/containers 'index/(pages|catalog|roots|dataset|commit|house)/'
upward index/pages 'index/(containers|catalog|roots|dataset|commit|house)/'
upward index/catalog 'index/(containers|roots|dataset|commit|house)/'
upward index/roots 'index/(containers|pages|catalog|dataset|commit|house)/'
upward index/dataset 'index/(containers|commit|house)/'
upward index/commit 'index/house/'
upward index/house 'index/(containers|commit)/'
upward ':(glob)query' 'cache/store/|cache/[a-z_]+\.h|fs/|tools/'
for room in op order stage say report; do upward query/$room 'cache/store/|cache/[a-z_]+\.h|fs/|tools/'; done
upward query/view 'cache/store/|fs/|tools/|query/(say|report)/'
# the rooms of query: what speaks with people, and what is told of a set, stand above what finds it
upward ':(glob)query' 'query/(say|report|view)/'
upward query/op 'query/(bind|clause|plan|query|say/.*|report/.*)\.h'
upward query/stage 'query/(bind|clause|plan|query|say/.*|report/.*)\.h'
upward query/say 'query/(report|view)/'
upward query/report 'query/(say|view)/'
upward fs 'cache/store/|tools/'
# public FOLDER LOWER HEADERS: of the folder LOWER, FOLDER includes these only: the rest is private to it.
public() { git grep -nE "#include \"$2/" -- "$1/*.[ch]" | grep -vE "\"$2/($3)\"" && bad=1; }
public index cache 'base/.*|cache\.h|extent\.h|store/(store|evidence|places)\.h'
public query cache 'base/.*|cache\.h|extent\.h'
public fs cache 'base/.*|cache\.h'
public tools cache 'base/.*|cache\.h|extent\.h|store/store\.h'
public query index 'base/.*|catalog/catalog(_known)?\.h|dataset/dataset\.h|containers/parquet/(join|writer)\.h'
public fs index 'base/.*|catalog/catalog(_known)?\.h|dataset/dataset\.h|roots/learnt\.h'
public tools index 'base/.*|catalog/(catalog(_known)?|plain)\.h|dataset/dataset\.h|roots/(learnt|root_record)\.h|house/gc\.h|commit/(commit|purge|changeset|changeset_(labels|sources))\.h|commit/apply/apply\.h|containers/[a-z]+\.h|containers/(mp4/mp4|parquet/(parquet|writer))\.h'
# only HEADER FOLDERS: nobody else includes it.
only() { git grep -nE "#include [<\"]$1" -- '*.c' '*.h' | grep -vE "^($2|tests)/" && bad=1; }
only 'openssl/' cache/base
only 'jansson' cache/base
only 'curl/' cache/store
only 'expat' cache/store
only 'liburing' cache
only 'sqlite3' index
only 'roaring' index
only '((zstd|snappy-c|zlib|lz4)\.h|brotli/)' index
only 'fuse' fs
exit $bad
