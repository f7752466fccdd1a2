# SPDX-License-Identifier: Apache-2.0
"""Mounts that share a cache folder and the packs in it, out of which files go while they read."""
import contextlib
import hashlib
import os
import random
import threading

import pytest

from conftest import LABELS, SAMPLE, elidefs, mounted, stats, wait_until

VERSIONS = 5
SMALL = "700K"  # less than the clips take


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Versions that share pages: each label adds a pack of a few."""
    folder = tmp_path_factory.mktemp("shared") / "set"
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, SAMPLE, "--table", LABELS)
    for number in range(2, VERSIONS + 1):
        elidefs("annotate", folder, "-", "--by", "anna", input=f"key,grade\nep000000,grade {number}\n")
    return folder


def read(path):
    """From the daemon: nothing of it stays in the kernel."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        data = file.read()
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return hashlib.sha256(data).hexdigest()


def paths():
    names = [f"ep{number:06d}.{rest}" for number in range(16) for rest in ("json", "top.mp4", "state.parquet")]
    return [f"v{version}/{name}" for version in range(1, VERSIONS + 1) for name in names]


@pytest.fixture(scope="module")
def truth(dataset, tmp_path_factory):
    base = tmp_path_factory.mktemp("truth")
    with mounted(dataset, base / "mnt", base / "cache") as point:
        found = {path: read(point / path) for path in paths()}
        lists = {path: sorted(os.listdir(point / path)) for n in range(1, VERSIONS + 1)
                 for path in (f"v{n}", f"v{n}/arm=left/outcome=fail")}
    assert len({found[f"v{n}/ep000000.json"] for n in range(1, VERSIONS + 1)}) == VERSIONS
    return found, lists


class Readers:
    """Threads that read this and that of mounts until there is enough; what was wrong."""

    def __init__(self, truth, points, seed, count):
        self.truth, self.points, self.wrong = truth, points, []
        self.threads = [threading.Thread(target=self.run, args=(random.Random(seed + i), count), daemon=True)
                        for i in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self, chance, count):
        found, lists = self.truth
        try:
            for _ in range(count):
                point = chance.choice(self.points)
                path = chance.choice(list(found))
                if read(point / path) != found[path]:
                    self.wrong.append(path)
                path = chance.choice(list(lists))
                if sorted(os.listdir(point / path)) != lists[path]:
                    self.wrong.append(path)
        except OSError as error:
            self.wrong.append(str(error))

    def end(self):
        for thread in self.threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in self.threads), "a reader hangs"
        assert not self.wrong, self.wrong[:5]


class Reaper:
    """Takes the files of packs out of a cache folder, known by their sizes, whoever has them open."""

    def __init__(self, dataset, cache):
        self.cache, self.taken, self.ended = cache, 0, threading.Event()
        self.sizes = {path.stat().st_size for path in (dataset / "elidefs/packs").iterdir()}
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended.wait(0.05):
            for path in self.cache.rglob("*"):
                with contextlib.suppress(OSError):  # it went meanwhile
                    if path.is_file() and path.stat().st_size in self.sizes:
                        path.unlink()
                        self.taken += 1

    def end(self):
        self.ended.set()
        self.thread.join()
        assert self.taken >= VERSIONS, "packs were in the cache, and were taken"


def seed_of():
    seed = int(os.environ.get("ELIDEFS_SEED", random.randrange(1 << 30)))
    print(f"ELIDEFS_SEED={seed}")
    return seed


def test_what_one_mount_evicts_while_another_reads_costs_time_only(dataset, truth, tmp_path):
    cache, seed = tmp_path / "cache", seed_of()
    with mounted(dataset, tmp_path / "a", cache, "--cache-size", SMALL) as a:
        for number in range(2):  # each with nothing in memory
            with mounted(dataset, tmp_path / "b", cache) as b:
                Readers(truth, [a, b], seed + 10 * number, 30).end()
            for name in os.listdir(a / "v1"):
                read(a / "v1" / name)
        wait_until(lambda: stats(a)["cache_evicted_bytes"] > 0)


def test_packs_that_go_while_mounts_and_versions_share_them_cost_time_only(dataset, truth, tmp_path):
    cache, seed = tmp_path / "cache", seed_of()
    with mounted(dataset, tmp_path / "a", cache) as a:
        reaper = Reaper(dataset, cache)
        for number in range(3):
            with mounted(dataset, tmp_path / "b", cache) as b:
                Readers(truth, [a, b], seed + 10 * number, 20).end()
        reaper.end()
    with mounted(dataset, tmp_path / "b", cache) as b:  # and what is left there does no harm
        Readers(truth, [b], seed, 5).end()
