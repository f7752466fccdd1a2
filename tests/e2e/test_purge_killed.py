# SPDX-License-Identifier: Apache-2.0
"""A purge that is killed and run again, that others read beside, and in a bucket: each version is whole, with the clip or without it."""
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pyarrow
import pytest

from conftest import BUILD, ELIDEFS, LABELS, elidefs, mounted, run, wait_until
from test_s3 import s3  # noqa: F401: a fixture

WHO, CLIPS = "anna-smith-7f3a", 30
NOW = ("--grace", "0", "--nobody-writes")
PURGE = ("--yes", "-m", "asked to")
ROUNDS = 6 * int(os.environ.get("LONG", "1"))


def label(dataset, turn, *words):
    rows = "".join(f"clip{i:03d},person{i % 5},{turn}\n" for i in range(0, CLIPS, 2))
    elidefs("annotate", dataset, "-", "--overwrite", *words, input=f"key,who,turn\n{rows}{WHO},{WHO} laughs,{turn}\n")


@pytest.fixture
def people(dataset, tmp_path):
    """v1 brings the clips, v2 to v4 label them."""
    source = tmp_path / "source"
    source.mkdir()
    for name in [f"clip{i:03d}" for i in range(CLIPS)] + [WHO]:
        (source / f"{name}.bin").write_text(name)
    elidefs("import", dataset, source, "--copy")
    for turn in (2, 3, 4):
        label(dataset, turn)
    return dataset


def holding(dataset, scratch, text=WHO):
    """The versions whose catalogs, unpacked, have the text somewhere."""
    found = []
    for line in elidefs("log", dataset).stdout.splitlines():
        version, pulled = line.split()[0], scratch / "pulled.db"
        pulled.unlink(missing_ok=True)
        elidefs("catalog", "pull", dataset, version, pulled)
        found += [version] if text.encode() in subprocess.run([BUILD / "tests/catalog/unpack_catalog", pulled], capture_output=True, check=True).stdout else []
    return found


def frames(pack):
    """Everything in a pack that zstd has made, unpacked, whether a version needs it or not."""
    for at in re.finditer(re.escape(b"\x28\xb5\x2f\xfd"), pack):
        try:
            yield pyarrow.Codec("zstd").decompress(pack[at.start():], 1 << 16, asbytes=True)
        except OSError:
            continue  # of other pages than these, or longer


def check_gone(dataset, packs_before, scratch):
    """After gc nothing that is stored, of versions or not, holds the text."""
    elidefs("gc", dataset, *NOW)
    assert holding(dataset, scratch) == []
    assert not packs_before & set(os.listdir(dataset / "elidefs/packs"))
    for path in (dataset / "elidefs").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert WHO.encode() not in data and not [frame for frame in frames(data) if WHO.encode() in frame], path
    assert elidefs("verify", dataset, "--deep").returncode == 0


def counts(dataset):
    """How many clips each version has; every page of it is there."""
    done = elidefs("verify", dataset, "--cache", dataset.parent / "empty" / str(time.monotonic_ns()))
    return {version: int(clips) for version, clips in re.findall(r"^(v\d+)\s.*?(\d+) of \2 clips can be read", done.stdout, re.M)}


def check_between(dataset, versions):
    """All have it, or it is purged from all."""
    now = counts(dataset)
    assert set(list(now)[-len(versions):]) == set(versions)
    assert set(now.values()) in ({CLIPS + 1}, {CLIPS})
    for version in versions:
        done = elidefs("explain", dataset, f"{version}/{WHO}.bin", check=False)
        assert (done.returncode == 0) == (now[version] == CLIPS + 1)
        assert done.returncode == 0 or f"'{WHO}' was purged on 2" in done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("call", ["renameat2,renameat,rename,linkat,link", "unlink,unlinkat"])
def test_a_purge_that_is_killed_at_any_step_is_completed_when_it_is_run_again(people, tmp_path, call):
    """Killed when it names or removes its n-th file, until one comes through."""
    versions, before = ["v4", "v3", "v2", "v1"], set(os.listdir(people / "elidefs/packs"))
    for n in range(1, 60):
        copy = tmp_path / f"copy{n}"
        shutil.copytree(people, copy)
        line = [ELIDEFS, "purge", copy, f"v2/{WHO}.bin", *PURGE, "--cache", tmp_path / "cache"]
        done = run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}", *line, check=False)
        if not done.returncode:
            break
        check_between(copy, versions)
        again = run(*line, check=False)
        assert again.returncode == 0 or f"'{WHO}' was purged on 2" in again.stderr, (n, again.stderr)
        assert counts(copy) == dict.fromkeys(["v5", *versions], CLIPS), n
        check_gone(copy, before, tmp_path)
        shutil.rmtree(copy)
    assert done.stdout == "v5\n" and n > 2


def test_who_reads_in_a_mount_meanwhile_reads_what_was_there_or_is_told(people, tmp_path):
    versions, before = ["v1", "v2", "v3", "v4"], set(os.listdir(people / "elidefs/packs"))
    stop, wrong, rounds = threading.Event(), [], [0, 0]
    assert holding(people, tmp_path) == versions[::-1]
    assert any(WHO.encode() in frame for pack in (people / "elidefs/packs").iterdir() for frame in frames(pack.read_bytes()))
    with mounted(people, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        truth = {f"{version}/{name}": (point / version / name).read_bytes() for version in versions for name in os.listdir(point / version)}

        def read(number):
            draw = random.Random(number)
            while not stop.is_set():
                path = draw.choice(list(truth))
                try:
                    if (point / path).read_bytes() != truth[path]:
                        wrong.append((path, "other bytes"))
                except OSError as error:
                    if WHO not in path:
                        wrong.append((path, error))
                rounds[number] += 1

        readers = [threading.Thread(target=read, args=(number,)) for number in range(len(rounds))]
        for reader in readers:
            reader.start()
        try:
            elidefs("purge", people, f"v2/{WHO}.bin", *PURGE)
            wait_until(lambda: os.readlink(point / "latest") == "v5")
            wait_until(lambda: not any((point / version / f"{WHO}.json").exists() for version in versions))
            elidefs("gc", people, *NOW)
            seen = list(rounds)
            wait_until(lambda: all(now > then + 20 for now, then in zip(rounds, seen)))
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        assert wrong == []
        assert [(version, name) for version in versions for name in os.listdir(point / version) if WHO in name] == []
        assert f"'{WHO}' was purged on 2" in (point / ".elidefs" / "errors").read_text()
    check_gone(people, before, tmp_path)


def test_who_works_in_a_folder_of_a_purged_version_does_not_go_on_listing_the_clip(people, tmp_path):
    with mounted(people, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        folders = [point / "v2", point / "v3" / "turn=3"]
        shells = [subprocess.Popen(["sh", "-c", "ls; while read word; do ls; echo end; done"], cwd=folder, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1) for folder in folders]

        def listed(shell):
            print("again", file=shell.stdin)
            return list(iter(shell.stdout.readline, "end\n"))

        alias = point / (point / "v2/.elidefs/alias").read_text().strip()
        assert all(f"{WHO}.bin\n" in listed(shell) for shell in shells) and f"{WHO}.bin" in os.listdir(alias)
        elidefs("purge", people, f"v2/{WHO}.bin", *PURGE)
        wait_until(lambda: os.readlink(point / "latest") == "v5")
        wait_until(lambda: not any(f"{WHO}.bin\n" in listed(shell) for shell in shells), 20)
        assert all("clip000.bin\n" in listed(shell) for shell in shells)
        wait_until(lambda: not (alias / f"{WHO}.bin").exists() and WHO not in (alias / ".as/paths.txt").read_text(), 20)
        for shell in shells:
            shell.communicate()


def test_a_purge_in_a_bucket_that_is_killed_is_completed_beside_a_mount(s3, tmp_path):  # noqa: F811
    name, key = "s3://sets/purged", "ep000003"
    elidefs("init", name)
    elidefs("import", name, "s3://recordings/kitchen", "--table", LABELS)
    for turn in (2, 3, 4):
        elidefs("annotate", name, "-", "--overwrite", input=f"key,turn,who\nep000001,{turn},bob\n{key},{turn},{WHO}\n")

    def objects(folder=""):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="sets", Prefix=f"purged/elidefs/{folder}")
        return {one["Key"] for page in pages for one in page.get("Contents", [])}

    assert holding(name, tmp_path) == ["v4", "v3", "v2"] and holding(name, tmp_path, key) == ["v4", "v3", "v2", "v1"]
    before, draw = objects("packs/"), random.Random(11)
    with mounted(name, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        other = {version: (point / version / "ep000001.json").read_bytes() for version in ("v1", "v3", "v4")}
        for _ in range(ROUNDS):
            purging = subprocess.Popen([ELIDEFS, "purge", name, f"v2/{key}.json", *PURGE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(0, 0.5))
            purging.send_signal(signal.SIGKILL)
            purging.wait()
            elidefs("verify", name)
            assert other == {version: (point / version / "ep000001.json").read_bytes() for version in other}
        elidefs("purge", name, f"v2/{key}.json", *PURGE, check=False)  # or one of these has come to its end
        wait_until(lambda: not any((point / version / f"{key}.json").exists() for version in ("v1", "v2", "v3", "v4", "latest")))
        elidefs("gc", name, *NOW)
        assert other == {version: (point / version / "ep000001.json").read_bytes() for version in other}
    assert not before & objects("packs/")
    assert holding(name, tmp_path) == [] and holding(name, tmp_path, key) == []
    for one in objects():
        data = s3.get_object(Bucket="sets", Key=one)["Body"].read()
        assert WHO.encode() not in data and not [frame for frame in frames(data) if WHO.encode() in frame], one
    assert elidefs("verify", name).returncode == 0
