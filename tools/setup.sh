# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/demo and tools/test: installs what they need, asks nothing. Debian 12 or newer, Ubuntu 24.04 or newer.

packages_build="gcc meson ninja-build pkg-config libfuse3-dev fuse3 libsqlite3-dev libzstd-dev libcurl4-openssl-dev
    liburing-dev libroaring-dev libjansson-dev libssl-dev libexpat1-dev libsnappy-dev zlib1g-dev liblz4-dev libbrotli-dev
    scdoc ca-certificates"
packages_demo="ffmpeg"
packages_test="g++ clang clang-tidy libcriterion-dev git rsync attr strace procps tar python3-venv python3-numpy python3-av
    python3-opencv python3-torch ceph-mon ceph-osd radosgw nginx-light openssl faketime iproute2"
# Only where the distribution has them: the tests that use them say what they skip, and why.
packages_optional="libclang-rt-14-dev libclang-rt-dev zsh fish chromium xfsprogs libglib2.0-bin python3-torchvision"

say() { printf '== %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# install_packages PACKAGE...: those that are missing; without root or sudo it prints the command to type.
install_packages() {
    local missing=() package
    for package in "$@"; do installed "$package" || missing+=("$package"); done
    [ "${#missing[@]}" = 0 ] && return 0
    if ! command -v apt-get >/dev/null; then
        echo "this needs apt-get (Debian or Ubuntu); the packages are: ${missing[*]}" >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        echo "packages are missing; type: sudo apt-get install ${missing[*]}" >&2
        return 1
    fi
    say "installing ${missing[*]}"
    as_root apt-get update -q >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}

# available PACKAGE...: those the distribution has.
available() {
    local package
    for package in "$@"; do
        [ -n "$(apt-cache madison "$package" 2>/dev/null)" ] && echo "$package"
    done
    return 0
}

# python_environment FOLDER: the system's python3 with its packages, and pinned readers from PyPI on top.
# pyarrow 19 is the last that takes the numpy 1.x that Debian's torch, av and opencv are built for.
python_environment() {
    if ! "$1/bin/python" -c 'import pytest, xdist, pyarrow, duckdb, boto3, webdataset' 2>/dev/null; then
        say "making the Python environment of the tests"
        rm -rf "$1"
        /usr/bin/python3 -m venv --system-site-packages "$1"
        "$1/bin/pip" install -q --disable-pip-version-check \
            pytest==8.3.5 pytest-xdist==3.6.1 pyarrow==19.0.1 duckdb==1.4.1 boto3==1.40.0 clang-format==14.0.6 \
            webdataset==1.0.2
    fi
}

# lerobot_environment FOLDER: LeRobot 0.4.4 and what its loader imports, for tools/dev/test-lerobot alone. 450 MB are fetched,
# 1.5 GB lie on the disk, most of it torch: for the CPU, never the gigabytes of PyPI's for CUDA. LeRobot asks for an older torch
# than there may be wheels for, so it goes in by itself; its pyav reader needs a torchvision that still has VideoReader.
lerobot_environment() {
    if "$1/bin/python" -c 'import torch, datasets, accelerate, pytest, sys, importlib.util as u
sys.exit(not all(map(u.find_spec, ("lerobot", "torchvision"))))' 2>/dev/null; then
        return 0
    fi
    say "making the Python environment of LeRobot"
    rm -rf "$1"
    python3 -m venv "$1"
    local install=("$1/bin/pip" install -q --disable-pip-version-check --no-compile)
    "${install[@]}" torch==2.13.0+cpu ||
        "${install[@]}" torch==2.13.0+cpu --index-url https://download.pytorch.org/whl/cpu
    "${install[@]}" datasets==4.8.5 huggingface-hub==0.35.3 av==15.1.0 jsonlines==4.0.0 draccus==0.10.0 deepdiff==8.6.1 \
        einops==0.8.2 termcolor==3.3.0 packaging==25.0 pillow numpy==2.2.6 pandas==3.0.1 pyarrow==23.0.1 pytest==8.3.5 \
        gymnasium==1.4.0 opencv-python-headless==4.12.0.88 psutil safetensors
    "${install[@]}" --no-deps lerobot==0.4.4 torchvision==0.25.0 accelerate==1.15.0
}
