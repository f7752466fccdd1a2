# SPDX-License-Identifier: Apache-2.0
"""End-to-end tests: the elidefs program, real stores, real mounts, real readers."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ELIDEFS_BUILD", ROOT / "build")).resolve()
ELIDEFS = BUILD / "tools" / "elidefs"
SAMPLE = ROOT / "tests" / "data" / "aloha-mini"
LABELS = SAMPLE / "labels.csv"
CAMERAS = {"top": "observation.images.top", "wrist_right": "observation.images.wrist_right"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """What a command leaves in the current folder (bad.jsonl) is left in none of ours."""
    monkeypatch.chdir(tmp_path)


def run(*command, check=True, **options):
    """Runs a command; returns its CompletedProcess with text output. check: it must end with status 0."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    if check and done.returncode:
        raise AssertionError(f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def elidefs(*arguments, **options):
    return run(ELIDEFS, *arguments, **options)


@contextlib.contextmanager
def gateway(**environment):
    """A running S3 server; boto3's client for it. The environment variables of an S3 user are set while it runs."""
    boto3 = pytest.importorskip("boto3")
    base = pathlib.Path(run("mktemp", "-d", "/tmp/elidefs-s3.XXXXXX").stdout.strip())
    before = dict(os.environ)
    try:
        done = run("bash", ROOT / "tests/ceph/up.sh", base, check=False, env=os.environ | environment)
        if done.returncode == 77:
            pytest.skip(done.stdout.strip())
        assert done.returncode == 0, done.stdout + done.stderr
        os.environ |= dict(re.findall(r"^export (\w+)=(.*)$", (base / "env").read_text(), re.M))
        yield boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    finally:
        os.environ.clear()
        os.environ.update(before)
        run("bash", ROOT / "tests/ceph/down.sh", base)


def told(done):
    """The lines on standard error, but for notes (such as where the cache lies) and progress."""
    return [line for line in done.stderr.splitlines() if not line.startswith(("note: ", "scanned "))]


def is_mounted(point):
    """mountinfo, not stat: a stat of a dead mount fails."""
    return any(line.split()[4] == str(point) for line in open("/proc/self/mountinfo"))


def daemons_of(point):
    """The processes that serve a mount: those with its mount point on the command line that hold /dev/fuse."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            descriptors = f"/proc/{pid}/fd"
            if os.fsencode(point) in words and any(
                    os.readlink(f"{descriptors}/{fd}") == "/dev/fuse" for fd in os.listdir(descriptors)):
                found.append(int(pid))
    return found


def is_running(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def unmount(point):
    """Also waits for the daemon, which still writes what it fetched, and has the cache's files locked meanwhile."""
    daemons = daemons_of(point)
    run(ELIDEFS, "umount", point, check=False)
    if is_mounted(point):
        run("umount", "-l", point, check=False)
    wait_until(lambda: not any(map(is_running, daemons)))


@contextlib.contextmanager
def mounted(dataset, point, cache, *options):
    point.mkdir(exist_ok=True)
    elidefs("mount", dataset, point, "--cache", cache, *options)
    try:
        yield point
    finally:
        unmount(point)


def stats(point):
    """The counters of a mount."""
    found = {}
    for line in open(point / ".elidefs" / "stats"):
        name, _, value = line.strip().partition(" ")
        if value.isdigit():
            found[name] = int(value)
    return found


def pytest_collection_modifyitems(items):
    if not os.path.exists("/dev/fuse"):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="no /dev/fuse on this machine"))


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory):
    """Configuration, trust and cache of the person who runs the tests stay untouched."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("AWS_", "XDG_", "ELIDEFS_CACHE")):
            del os.environ[name]
    os.environ["HOME"] = str(home)
    return home


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The bundled sample as a data set in a local folder, one version."""
    folder = tmp_path_factory.mktemp("sample") / "set"
    folder.mkdir()
    elidefs("init", folder)
    done = elidefs("import", folder, SAMPLE, "--table", LABELS, "-m", "the sample")
    assert done.stdout == "v1\n"
    return folder


@pytest.fixture(scope="session")
def mount(sample, tmp_path_factory):
    """The sample, mounted."""
    base = tmp_path_factory.mktemp("mount")
    with mounted(sample, base / "mnt", base / "cache") as point:
        yield point


@pytest.fixture
def dataset(tmp_path):
    """An empty data set of the test's own."""
    folder = tmp_path / "set"
    folder.mkdir()
    elidefs("init", folder)
    return folder


@pytest.fixture
def sample_copy(tmp_path):
    """A copy of the sample's source files, to break."""
    folder = tmp_path / "source"
    shutil.copytree(SAMPLE, folder)
    return folder
