# SPDX-License-Identifier: Apache-2.0
"""Versions that are forgotten, and what becomes of what only they need."""
import contextlib
import errno
import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

from conftest import ELIDEFS, LABELS, SAMPLE, elidefs, mounted, wait_until
from test_s3 import s3  # noqa: F401  a running gateway

WHY = "the lights were off"
NOW = ("--grace", "0", "--nobody-writes")


@pytest.fixture
def grown(tmp_path):
    """v1: the sample; v2 to v4: a new value each."""
    folder = tmp_path / "set"
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, SAMPLE, "--table", LABELS)
    for version in range(2, 5):
        label(folder, version)
    return folder


def label(folder, version):
    table = folder.parent / "labels.csv"
    table.write_text(f"key,turn\nep000001,{version}\n")
    elidefs("annotate", folder, table, "--overwrite")


def refused(*words):
    done = elidefs(*words, check=False)
    assert done.returncode == 1
    return [line for line in done.stderr.splitlines() if not line.startswith("note: ")][-1]


def test_a_forgotten_version_is_told_wherever_it_is_asked_for(grown, tmp_path):
    (tmp_path / "lock").write_text(elidefs("lock", grown, "v3").stdout)
    assert elidefs("forget", grown, "v2..v3", "-m", WHY).stdout == "v2..v3\n"
    log = elidefs("log", grown).stdout.splitlines()
    assert [line.split()[0] for line in log] == ["v4", "v3", "v2", "v1"]
    assert log[1].startswith("v3     forgotten on 20") and log[1].endswith(f": {WHY}")
    entry = json.loads(elidefs("log", grown, "--json").stdout.splitlines()[2])
    assert entry["version"] == 2 and entry["forgotten"].endswith(WHY) and "clips" not in entry
    for words in (("query", grown, "v2"), ("query", grown, "v4/@since=v3,turn"), ("tag", grown, "x", "v2"), ("diff", grown, "v2", "v4"),
                  ("catalog", "stats", grown, "v3"), ("cp", grown, "v2", tmp_path / "out"), ("check", tmp_path / "lock")):
        assert " was forgotten on 20" in refused(*words) and WHY in refused(*words), words
    assert elidefs("verify", grown).stdout.count("can be read") == 2
    assert "v2" not in elidefs("--complete", "3", "elidefs", "query", grown, "v").stdout


def test_a_mount_shows_it_no_more_and_says_why(grown, tmp_path):
    with mounted(grown, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        assert (point / "v2" / "ep000001.json").exists()
        held = open(point / "v2" / "ep000001.json")
        elidefs("forget", grown, "v2", "-m", WHY)
        wait_until(lambda: not (point / "v2").exists())
        assert [name.name for name in point.iterdir()].count("v2") == 0
        assert '"turn":2' in held.read()
        held.close()
        assert WHY in (point / ".elidefs" / "errors").read_text()
        assert WHY in refused("explain", point / "v2")
        assert (point / "v1" / "ep000001.json").exists() and (point / "latest" / "ep000001.json").exists()


def test_what_cannot_be_forgotten_is_named(grown):
    elidefs("tag", grown, "paper", "v2")
    assert refused("forget", grown, "v1", "v2") == (
        f"elidefs: {grown}: v2 has the tag 'paper', so it cannot be forgotten; `elidefs untag` takes the tag away")
    assert "v4 is the newest version, which cannot be forgotten" in refused("forget", grown, "v3..v4")
    assert refused("forget", grown, "v9") == f"elidefs: {grown}: there is no v9 to forget; the newest is v4"
    assert refused("forget", grown, "v0") == "elidefs: 'v0' is no version and no range of them: expected v12 or v3..v9"
    assert refused("forget", grown, "v3..v1") == "elidefs: 'v3..v1': the older version comes first"
    assert "forgotten" not in elidefs("log", grown).stdout


# ---- gc ----


@pytest.fixture
def many(tmp_path):
    """v1: the sample; v2 to v16: a new value each."""
    folder = tmp_path / "set"
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, SAMPLE, "--table", LABELS)
    for version in range(2, 17):
        label(folder, version)
    return folder


def packs(folder):
    return len(os.listdir(folder / "elidefs/packs"))


def check_whole(dataset, cache, versions):
    """Whoever has nothing cached reads every page of these versions, and the chain across all."""
    done = elidefs("verify", dataset, "--cache", cache)
    assert [line.split()[0] for line in done.stdout.splitlines()] == versions
    assert done.stdout.count("16 of 16 clips can be read") == len(versions)
    assert "can only be read here" not in done.stdout


def test_gc_frees_what_only_forgotten_versions_need_and_the_rest_is_whole(many, tmp_path):
    elidefs("forget", many, "v2..v14", "-m", WHY)
    before = packs(many)
    told = elidefs("gc", many, "--dry-run").stdout
    assert re.match(r"no version needs: 13 versions, \d+ packs \(\d+\.\d MiB\)\n", told)
    assert packs(many) == before and not (many / "elidefs/gc").exists()
    assert elidefs("gc", many).stdout.startswith("freed: nothing\nto be freed after the grace: 13 versions, ")
    assert elidefs("gc", many, "--grace", "1h").stdout.startswith("freed: nothing\n")
    for mark in (many / "elidefs/gc").iterdir():
        os.utime(mark, (time.time() - 3600, time.time() - 3600))
    assert re.match(r"freed: 13 versions, \d+ packs", elidefs("gc", many, "--grace", "1h").stdout)
    assert packs(many) < before - 5
    kept = elidefs("catalog", "stats", many).stdout.splitlines()[-1]
    count, size, unneeded = map(int, re.fullmatch(
        r"all versions: (\d+) packs of (\d+) bytes, of which (\d+) are needed by none", kept).groups())
    assert count == packs(many) and size == sum(file.stat().st_size for file in (many / "elidefs/packs").iterdir())
    assert unneeded < size
    check_whole(many, tmp_path / "cache", ["v16", "v15", "v1"])
    assert elidefs("log", many).stdout.count(WHY) == 13
    assert WHY in refused("query", many, "v7")
    assert elidefs("gc", many, *NOW).stdout.startswith("freed: nothing\n")
    label(many, 17)
    assert elidefs("query", many, "v17/turn=17").stdout == "ep000001\n"


def test_gc_refuses_a_grace_that_writers_do_not_rely_on(many):
    assert "a grace of less than an hour could free what somebody is about to commit" in refused("gc", many, "--grace", "59min")
    assert refused("gc", many, "--grace", "soon") == "elidefs: --grace soon: expected a time such as 7d, 12h or 90min"


def test_who_reads_in_a_mount_is_told_why_when_a_page_is_gone(tmp_path):
    source, folder = tmp_path / "source", tmp_path / "set"
    source.mkdir(), folder.mkdir()
    for clip in range(3000):
        (source / f"clip{clip}.txt").write_text(str(clip))
    elidefs("init", folder)
    elidefs("import", folder, source)
    draw = random.Random(7)
    for version in range(2, 16):
        table = tmp_path / "labels.csv"
        table.write_text("key,note\n" + "".join(f"clip{clip},{version} {draw.randbytes(100).hex()}\n" for clip in range(3000)))
        elidefs("annotate", folder, table, "--overwrite")
    with mounted(folder, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        inside = os.open(point / "v9", os.O_RDONLY | os.O_DIRECTORY)
        elidefs("forget", folder, "v2..v14", "-m", WHY)
        elidefs("gc", folder, *NOW)
        wait_until(lambda: not (point / "v9").exists())
        with pytest.raises(OSError) as gone:
            for clip in range(0, 3000, 100):
                os.close(os.open(f"clip{clip}.json", os.O_RDONLY, dir_fd=inside))
        os.close(inside)
        assert gone.value.errno == errno.EIO
        assert f"v9 was forgotten on {time.strftime('%Y-%m-%d', time.gmtime())}" in (point / ".elidefs" / "errors").read_text()
        assert '"note":"15 ' in (point / "latest" / "clip2999.json").read_text()


def test_a_run_that_is_killed_is_gone_on_with_by_the_next(many, tmp_path):
    elidefs("forget", many, "v2..v14")
    draw = random.Random(7)
    for _ in range(25):
        run = subprocess.Popen([ELIDEFS, "gc", many, *NOW], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0, 0.06))
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert elidefs("query", many, "latest/turn=16").stdout == "ep000001\n"
    elidefs("gc", many, *NOW)
    assert elidefs("gc", many, *NOW).stdout.startswith("freed: nothing\nneeded: ")
    check_whole(many, tmp_path / "cache", ["v16", "v15", "v1"])


def test_gc_in_a_bucket_beside_people_who_label(s3, tmp_path):  # noqa: F811
    name = "s3://sets/gc"
    elidefs("init", name)
    elidefs("import", name, "s3://recordings/kitchen", "--table", LABELS)

    def turn(version):
        table = tmp_path / f"labels-{version}.csv"
        table.write_text(f"key,turn\nep000001,{version}\n")
        elidefs("annotate", name, table, "--overwrite")

    def count(folder):
        return s3.list_objects_v2(Bucket="sets", Prefix=f"gc/elidefs/{folder}/").get("KeyCount", 0)

    for version in range(2, 17):
        turn(version)
    elidefs("tag", name, "paper", "v9")
    elidefs("forget", name, "v2..v8", "v10..v14", "-m", WHY)
    s3.put_object(Bucket="sets", Key="gc/elidefs/packs/" + 32 * "0", Body=b"of a commit that was killed")
    before = count("packs")
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(subprocess.Popen([ELIDEFS, "gc", name], stdout=subprocess.PIPE, text=True)) for _ in range(2)]
        turn(17)
        assert all("freed: nothing" in run.communicate()[0] and run.returncode == 0 for run in runs)
    assert count("packs") == before + 1
    done = elidefs("gc", name, *NOW)
    assert re.match(r"freed: 12 versions, \d+ packs", done.stdout), done.stdout + done.stderr
    assert count("packs") < before
    check_whole(name, tmp_path / "cache", ["v17", "v16", "v15", "v9", "v1"])
    assert WHY in refused("query", name, "v8")
    elidefs("gc", name, *NOW)
    assert elidefs("gc", name, *NOW).stdout.startswith("freed: nothing\nneeded: ")
