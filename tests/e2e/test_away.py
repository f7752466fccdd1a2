# SPDX-License-Identifier: Apache-2.0
"""A mount that begins while its store is away shows what is cached, and finds the store when it is back."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import BUILD, ELIDEFS, LABELS, SAMPLE, elidefs, mounted, unmount, wait_until
from test_http import free_port, web  # noqa: F401: a fixture


@contextlib.contextmanager
def line(web, port, *options):
    """Between a mount and the server; without it, nobody is there."""
    words = [BUILD / "tests/proxy/proxy", *options, port, f"127.0.0.1:{web.port}"]
    proxy = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)
    try:
        assert proxy.stdout.readline().strip() == str(port)
        yield
    finally:
        proxy.kill()
        proxy.wait()
        proxy.stdout.close()


@pytest.fixture
def growing(web, tmp_path):
    folder = web.www / tmp_path.name
    folder.mkdir()
    shutil.copytree(SAMPLE, folder / "in")
    elidefs("init", folder)
    elidefs("import", folder, folder / "in", "--table", LABELS)
    elidefs("tag", folder, "first", "v1")
    elidefs("annotate", folder, "-", "--by", "anna", input="key,grade\nep000000,good\n")
    return folder


def test_what_is_cached_is_mounted_while_the_store_is_away(web, growing, tmp_path):
    port, cache = free_port(), tmp_path / "cache"
    url = f"http://127.0.0.1:{port}/{growing.name}"
    with line(web, port):
        with mounted(url, tmp_path / "mnt", cache) as point:
            names = sorted(os.listdir(point / "latest/arm=left"))
            data = (point / "v2/ep000000.json").read_bytes()
            clip = (point / "v2/ep000000.top.mp4").read_bytes()
    point.mkdir(exist_ok=True)
    done = elidefs("mount", url, point, "--cache", cache, "--poll", "1")
    try:
        assert "what is cached of" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
        assert os.readlink(point / "latest") == "v2" and os.readlink(point / "first") == "v1"
        assert sorted(os.listdir(point / "latest/arm=left")) == names
        assert (point / "v2/ep000000.json").read_bytes() == data
        assert (point / "v2/ep000000.top.mp4").read_bytes() == clip
        elidefs("annotate", growing, "-", "--by", "anna", input="key,grade\nep000001,bad\n")
        with line(web, port):
            wait_until(lambda: os.readlink(point / "latest") == "v3")
            assert os.listdir(point / "v3/grade=bad") != []
            assert (point / "v3/ep000005.top.mp4").stat().st_size == len((point / "v3/ep000005.top.mp4").read_bytes())
    finally:
        unmount(point)


def test_a_history_that_is_another_when_the_store_is_back_is_said(web, growing, tmp_path):
    port, cache = free_port(), tmp_path / "cache"
    url = f"http://127.0.0.1:{port}/{growing.name}"
    with line(web, port), mounted(url, tmp_path / "mnt", cache) as point:
        os.listdir(point / "v2")
    point.mkdir(exist_ok=True)
    for path in (growing / "elidefs/versions/00000002.json", growing / "elidefs/head"):
        path.write_text(path.read_text().replace('"message": "', '"message": "other '))
    with open(tmp_path / "said", "w") as said, subprocess.Popen(
            [ELIDEFS, "mount", url, point, "--cache", cache, "--poll", "1", "--foreground"], stderr=said) as daemon:
        try:
            wait_until(lambda: os.path.ismount(point))
            with line(web, port):
                wait_until(lambda: "v2 is not the one that is cached" in (tmp_path / "said").read_text())
                assert os.readlink(point / "latest") == "v2" and len(os.listdir(point / "v2")) == 64
        finally:
            daemon.terminate()


def test_who_asks_for_a_version_that_is_not_cached_can_be_interrupted(web, growing, tmp_path):
    port, cache = free_port(), tmp_path / "cache"
    url = f"http://127.0.0.1:{port}/{growing.name}"
    with line(web, port), mounted(url, tmp_path / "mnt", cache) as point:
        os.listdir(point / "v2")
    point.mkdir(exist_ok=True)
    with mounted(url, point, cache, "--poll", "3600"), line(web, port, "--fault", "stall@1+:0"):
        asking = subprocess.Popen(["stat", point / "v99"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        assert asking.poll() is None
        assert os.listdir(point / "v2/arm=left") != []
        asking.send_signal(signal.SIGTERM)  # SIGINT is ignored below `command &` in a script
        asking.wait(20)


def test_who_has_nothing_cached_is_told_that_the_store_is_away(tmp_path):
    url = f"http://127.0.0.1:{free_port()}/nothing"
    start = time.monotonic()
    (tmp_path / "mnt").mkdir()
    done = elidefs("mount", url, tmp_path / "mnt", "--cache", tmp_path / "cache", check=False)
    assert done.returncode == 1 and "127.0.0.1" in done.stderr and time.monotonic() - start < 300
