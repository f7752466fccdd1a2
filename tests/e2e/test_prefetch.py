# SPDX-License-Identifier: Apache-2.0
"""`elidefs prefetch`: the clips of a path are in the cache before anybody reads them."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from conftest import ELIDEFS, LABELS, SAMPLE, elidefs, mounted, stats, unmount, wait_until
from test_away import line
from test_http import free_port, web  # noqa: F401: a fixture

SAID = re.compile(r"(\d+) of (\d+) clips? whole in the cache: (\d+) bytes? fetched in (\d+) requests?, (\d+) bytes? here before\n")


def said(done):
    """Clips whole, clips asked for, bytes fetched, requests, bytes that were here."""
    return tuple(map(int, SAID.fullmatch(done.stdout).groups()))


def sizes(point):
    """Bytes of the streams of the folder `point`."""
    return sum((point / name).stat().st_size for name in os.listdir(point) if not name.endswith(".json"))


@pytest.fixture
def remote(web, tmp_path):
    """The sample on a web server."""
    folder = web.www / tmp_path.name
    folder.mkdir()
    shutil.copytree(SAMPLE, folder / "in")
    elidefs("init", folder)
    elidefs("import", folder, folder / "in", "--table", LABELS)
    return folder


def test_what_is_prefetched_reads_without_the_store(web, remote, tmp_path):
    port, cache = free_port(), tmp_path / "cache"
    url = f"http://127.0.0.1:{port}/{remote.name}"
    with line(web, port):
        done = elidefs("prefetch", url, "v1/arm=left", "--cache", cache)
        whole, asked, fetched, requests, here = said(done)
        assert (whole, asked, here) == (8, 8, 0) and requests >= 24
        with mounted(url, tmp_path / "mnt", cache) as point:
            folder = point / "v1/arm=left"
            assert sizes(folder) == fetched
            names = os.listdir(folder)
            before = stats(point)
            for name in names:
                assert len((folder / name).read_bytes()) == (folder / name).stat().st_size
            assert stats(point)["cache_bytes_ahead"] == 0
    point.mkdir(exist_ok=True)
    elidefs("mount", url, point, "--cache", cache)  # nobody is there
    try:
        for name in names:
            assert len((folder / name).read_bytes()) == (folder / name).stat().st_size
        assert stats(point)["cache_bytes_fetched"] == 0 and before["cache_bytes_fetched"] >= 0
    finally:
        unmount(point)


def test_reads_of_what_was_prefetched_fetch_nothing(sample, tmp_path):
    cache = tmp_path / "cache"
    assert said(elidefs("prefetch", sample, "v1", "--cache", cache))[:2] == (16, 16)
    with mounted(sample, tmp_path / "mnt", cache) as point:
        names = [name for name in os.listdir(point / "v1") if not name.endswith(".json")]
        before = stats(point)["cache_bytes_fetched"]
        for name in names:
            (point / "v1" / name).read_bytes()
        assert stats(point)["cache_bytes_fetched"] == before


def test_a_path_on_a_mount_fills_the_cache_of_the_mount(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as point:
        folder = point / "v1/arm=right/object=ball"
        expected = sizes(folder)
        whole, asked, fetched, _, here = said(elidefs("prefetch", folder))
        assert whole == asked > 0 and (fetched, here) == (expected, 0)
        before = stats(point)["cache_bytes_fetched"]
        for name in os.listdir(folder):
            if not name.endswith(".json"):
                (folder / name).read_bytes()
        assert stats(point)["cache_bytes_fetched"] - before < expected // 4, "pages of the catalog alone"


def test_one_file_is_a_set_too_and_one_of_labels_needs_nothing(sample, tmp_path):
    whole, asked, fetched, _, here = said(elidefs("prefetch", sample, "v1/ep000000.top.mp4", "--cache", tmp_path / "cache"))
    assert (whole, asked, here) == (1, 1, 0) and fetched > 0
    done = elidefs("prefetch", sample, "v1/ep000000.json", "--cache", tmp_path / "cache")
    assert said(done) == (1, 1, 0, 0, 0)


def test_what_is_cached_is_not_fetched_again(sample, tmp_path):
    cache = tmp_path / "cache"
    left = said(elidefs("prefetch", sample, "v1/arm=left", "--cache", cache))
    both = said(elidefs("prefetch", sample, "v1", "--cache", cache))
    assert both[:2] == (16, 16) and both[4] == left[2]
    assert said(elidefs("prefetch", sample, "v1", "--cache", cache)) == (16, 16, 0, 0, left[2] + both[2])


def on_disk(folder):
    """Bytes that the files take."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_who_is_ended_goes_on_from_there(web, remote, tmp_path, how):
    cache, port = tmp_path / "cache", free_port()
    url = f"http://127.0.0.1:{port}/{remote.name}"
    with line(web, port):
        first = said(elidefs("prefetch", url, "v1/@head=4", "--cache", cache))
    full = on_disk(cache)
    with line(web, port, "--fault", "stall@30+:0"):
        process = subprocess.Popen([ELIDEFS, "prefetch", url, "v1", "--cache", cache], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        wait_until(lambda: on_disk(cache) > full + 50000)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(how)
        out, err = process.communicate(timeout=60)
    assert process.returncode == (-how if how == signal.SIGKILL else 128 + how), err
    before = first[2]
    if how != signal.SIGKILL:
        came = int(SAID.fullmatch(out)[3])
        assert came > 0 and "interrupted" in err
        before += came
    with line(web, port):
        whole, asked, fetched, _, here = said(elidefs("prefetch", url, "v1", "--cache", cache))
    assert (whole, asked) == (16, 16) and fetched > 0
    assert here > before if how == signal.SIGKILL else here == before, (here, before, fetched)


def test_no_more_than_bytes_is_fetched(sample, tmp_path):
    everything = said(elidefs("prefetch", sample, "v1", "--cache", tmp_path / "all"))[2]
    some = everything // 3
    done = elidefs("prefetch", sample, "v1", "--cache", tmp_path / "cache", "--bytes", some, check=False)
    whole, asked, fetched, _, _ = said(done)
    assert done.returncode == 3 and "--bytes" in done.stderr and 0 < whole < asked and 0 < fetched <= some
    assert said(elidefs("prefetch", sample, "v1", "--cache", tmp_path / "cache"))[2] == everything - fetched
    assert elidefs("prefetch", sample, "v1", "--cache", tmp_path / "cache", "--bytes", "0").returncode == 0, "all is here"


def test_a_cache_that_is_too_small_keeps_what_was_fetched_and_it_is_said(sample, tmp_path):
    everything = said(elidefs("prefetch", sample, "v1", "--cache", tmp_path / "all"))[2]
    limit = everything // 2
    done = elidefs("prefetch", sample, "v1", "--cache", tmp_path / "cache", "--cache-size", limit, "--jobs", "1", check=False)
    whole, asked, fetched, _, _ = said(done)
    assert done.returncode == 3 and "--cache-size" in done.stderr and 0 < whole < asked and fetched <= limit * 4 // 5
    again = said(elidefs("prefetch", sample, f"v1/@head={whole}", "--cache", tmp_path / "cache", "--cache-size", limit))
    assert again[:4] == (whole, whole, 0, 0)


def test_a_recording_that_is_gone_fails_and_the_others_come(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "in")
    (tmp_path / "set").mkdir()
    elidefs("init", tmp_path / "set")
    elidefs("import", tmp_path / "set", tmp_path / "in", "--table", LABELS)
    next((tmp_path / "in/videos/observation.images.top").rglob("*.mp4")).unlink()
    done = elidefs("prefetch", tmp_path / "set", "v1", "--cache", tmp_path / "cache", check=False)
    assert done.returncode == 1 and "could not be fetched" in done.stderr and said(done)[2] > 0


@pytest.mark.parametrize("words, says", [
    (["v1", "--jobs", "0"], "--jobs '0'"), (["v1", "--jobs", "x"], "--jobs 'x'"), (["v1", "--jobs", "-3"], "--jobs '-3'"),
    (["v1", "--jobs", "99999999999999999999"], "1 to 64"), (["v1", "--bytes", "much"], "--bytes 'much'"),
    (["v1/outcoem=fail"], "outcome"), (["v9"], "no v9"),
])
def test_nonsense_is_refused_and_nothing_is_fetched(sample, tmp_path, words, says):
    done = elidefs("prefetch", sample, *words, "--cache", tmp_path / "cache", check=False)
    assert done.returncode == 1 and says in done.stderr and done.stdout == ""


def test_a_mount_tells_what_was_fetched_ahead_and_how_much_of_it_was_read(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache", "--fill", "whole", "--no-passthrough") as point:
        path = point / "v1/ep000000.top.mp4"
        with open(path, "rb", buffering=0) as file:
            file.read(100)
        size = path.stat().st_size
        wait_until(lambda: stats(point)["cache_bytes_ahead"] > 0)
        ahead = stats(point)["cache_bytes_ahead"]
        assert ahead < size and stats(point)["cache_bytes_ahead_read"] < ahead
        path.read_bytes()
        wait_until(lambda: stats(point)["cache_bytes_ahead_read"] == stats(point)["cache_bytes_ahead"])
        assert re.search(r" fetched, of them .* ahead of any read \(.* were read later\)", elidefs("status", point).stdout)


def test_streams_of_the_same_bytes_are_counted_once_and_never_below_nothing(web, tmp_path):
    folder = web.www / tmp_path.name
    folder.mkdir()
    (folder / "one.bin").write_bytes(os.urandom(3 << 20))
    (folder / "clips.jsonl").write_text("".join(
        '{"key":"%s","streams":{"one":{"url":"%s"}}}\n' % (key, folder / "one.bin") for key in "abcd"))
    elidefs("init", folder)
    elidefs("import", folder, folder / "clips.jsonl")
    done = elidefs("prefetch", folder, "v1", "--cache", tmp_path / "cache")
    assert said(done)[:3] == (4, 4, 3 << 20), done.stdout
    assert said(done)[4] <= 3 * (3 << 20), done.stdout


def test_what_is_damaged_in_the_cache_is_fetched_again(remote, tmp_path):
    cache = tmp_path / "cache"
    first = said(elidefs("prefetch", remote, "v1", "--cache", cache))
    video = next(path for path in cache.rglob("*") if path.is_file() and path.read_bytes()[4:8] == b"ftyp")
    with open(video, "r+b") as file:
        file.seek(8192)
        file.write(os.urandom(4096))
    again = said(elidefs("prefetch", remote, "v1", "--cache", cache))
    assert again[:2] == first[:2] and again[3] > 0, "it is read, and what is wrong comes anew"
    assert said(elidefs("prefetch", remote, "v1", "--cache", cache))[3] == 0
