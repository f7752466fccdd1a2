# SPDX-License-Identifier: Apache-2.0
"""Mounts that come, go, die and meet: no wrong byte, no dead mount point, no hang."""
import contextlib
import errno
import hashlib
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time

import pytest

from conftest import (ELIDEFS, SAMPLE, LABELS, daemons_of, elidefs, is_mounted, is_running, mounted, run, stats,
                      unmount, wait_until)


def digest(folder):
    return {name: hashlib.sha256(open(os.path.join(folder, name), "rb").read()).hexdigest()
            for name in sorted(os.listdir(folder))}


def daemon_of(point):
    """The process that serves a mount."""
    (pid,) = daemons_of(point)
    return pid


def bytes_in(folder):
    """What the files of a folder take on disk; some may go meanwhile."""
    found = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found += path.stat().st_blocks * 512 if path.is_file() else 0
    return found


@pytest.fixture(scope="module")
def truth(sample, tmp_path_factory):
    base = tmp_path_factory.mktemp("truth")
    with mounted(sample, base / "mnt", base / "cache") as point:
        return digest(point / "v1")


def test_two_mounts_of_one_data_set_share_a_cache_folder(sample, tmp_path, truth):
    with mounted(sample, tmp_path / "a", tmp_path / "cache") as a, mounted(sample, tmp_path / "b", tmp_path / "cache") as b:
        assert digest(a / "v1") == truth == digest(b / "v1")


def test_a_mount_that_would_hide_its_data_set_or_its_recordings_is_refused(tmp_path):
    source, dataset = tmp_path / "source", tmp_path / "set"
    source.mkdir()
    (source / "a.bin").write_bytes(b"a")
    elidefs("init", dataset)
    elidefs("import", dataset, source)
    for point in (dataset / "elidefs/versions", source):
        done = elidefs("mount", dataset, point, "--cache", tmp_path / "cache", check=False)
        assert done.returncode == 1 and "hid" in done.stderr and not is_mounted(point), done.stderr


def test_mounting_twice_on_one_point_is_refused_and_says_why(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as point:
        done = elidefs("mount", sample, point, "--cache", tmp_path / "cache", check=False)
        assert done.returncode == 1 and "already" in done.stderr and str(sample) in done.stderr
        assert len(os.listdir(point / "v1")) == 64


def test_a_killed_daemon_leaves_no_dead_mount_and_no_wrong_byte(sample, tmp_path, truth):
    cache = tmp_path / "cache"
    with mounted(sample, tmp_path / "mnt", cache) as point:
        for name in list(truth)[::2]:
            with open(point / "v1" / name, "rb") as file:
                file.read(5000)
        os.kill(daemon_of(point), signal.SIGKILL)
        wait_until(lambda: not is_mounted(point))
        assert os.listdir(point) == []
    with mounted(sample, tmp_path / "mnt", cache) as point:
        assert digest(point / "v1") == truth


def test_a_second_mount_starts_warm(sample, tmp_path, truth):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as point:
        digest(point / "v1")
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as point:
        assert digest(point / "v1") == truth
        assert stats(point)["cache_bytes_fetched"] == 0


def test_a_relative_cache_folder_stays_the_same_when_the_daemon_leaves_the_current_folder(sample, tmp_path, truth):
    (tmp_path / "mnt").mkdir()
    elidefs("mount", sample, "mnt", "--cache", "cache", cwd=tmp_path)
    try:
        assert digest(tmp_path / "mnt" / "v1") == truth
        assert (tmp_path / "cache" / "CACHEDIR.TAG").exists()
    finally:
        unmount(tmp_path / "mnt")


def test_a_version_whose_pack_is_gone_is_an_error_and_not_a_missing_version(sample, tmp_path):
    shutil.copytree(sample, tmp_path / "set")
    for pack in (tmp_path / "set" / "elidefs" / "packs").iterdir():
        pack.unlink()
    with mounted(tmp_path / "set", tmp_path / "mnt", tmp_path / "cache") as point:
        with pytest.raises(OSError) as caught:
            os.listdir(point / "v1")
        assert caught.value.errno == errno.EIO
        assert (point / ".elidefs" / "errors").read_text().count("the catalog of v1") == 1


def test_what_a_mount_would_hide_from_itself_is_refused(sample, tmp_path):
    shutil.copytree(sample, tmp_path / "set")
    for arguments in ((tmp_path / "set", tmp_path / "set", "--cache", tmp_path / "cache"),
                      (tmp_path / "set", tmp_path, "--cache", tmp_path / "cache"),
                      (sample, tmp_path, "--cache", tmp_path / "cache")):
        done = elidefs("mount", *arguments, check=False)
        assert done.returncode == 1 and "lies below it" in done.stderr, done.stderr
        assert not is_mounted(arguments[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_mount_that_waits_for_a_silent_store_ends_with_the_command(tmp_path, number):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "mnt").mkdir()
        command = [ELIDEFS, "mount", "s3://bucket/set", tmp_path / "mnt", "--cache", tmp_path / "cache",
                   "--no-sign-request", "--endpoint-url", f"http://127.0.0.1:{silent.getsockname()[1]}"]
        mounting = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        silent.accept()
        mounting.send_signal(number)
        assert mounting.wait(5) != 0
        with pytest.raises(ValueError):
            wait_until(lambda: daemon_of(tmp_path / "mnt") is None)
        assert not is_mounted(tmp_path / "mnt")


def test_a_missing_mount_point_is_named_with_the_reason(sample, tmp_path):
    done = elidefs("mount", sample, tmp_path / "none", check=False)
    assert done.returncode == 1 and "none: No such file or directory" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
@pytest.mark.parametrize("options", ["size=100k", "size=16m"])
def test_a_cache_disk_that_is_full_or_read_only_costs_speed_and_nothing_else(sample, tmp_path, truth, options):
    disk = tmp_path / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"{options},mode=700", "tmpfs", disk)
    try:
        if options == "size=16m":
            run("mount", "-o", "remount,ro", disk)
        with mounted(sample, tmp_path / "mnt", disk) as point:
            assert digest(point / "v1") == truth
            assert stats(point)["cache_bytes_fetched"] < 64 << 20, "the catalog is fetched once"
    finally:
        run("umount", "-l", disk)


def test_a_damaged_cache_is_fetched_again_not_believed(sample, tmp_path, truth):
    cache = tmp_path / "cache"
    with mounted(sample, tmp_path / "mnt", cache) as point:
        digest(point / "v1")
    files = [path for path in cache.rglob("*") if path.is_file()]
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    for path in files:
        data = bytearray(path.read_bytes())
        for _ in range(3):
            if data:
                data[chance.randrange(len(data))] ^= 0xff
        path.write_bytes(data if chance.random() < 0.8 else data[:len(data) // 2])
    with mounted(sample, tmp_path / "mnt", cache) as point:
        assert digest(point / "v1") == truth


def test_a_bounded_cache_stays_within_its_size(sample, tmp_path, truth):
    cache = tmp_path / "cache"
    with mounted(sample, tmp_path / "mnt", cache, "--cache-size", "1M") as point:
        assert digest(point / "v1") == truth
        wait_until(lambda: bytes_in(cache) < 2 << 20)


def test_a_recording_that_changed_is_an_error_that_names_it(sample_copy, dataset, tmp_path):
    elidefs("import", dataset, sample_copy)
    video = sample_copy / "videos/observation.images.top/chunk-000/file-000.mp4"
    with open(video, "r+b") as file:
        file.seek(100000)
        file.write(b"other bytes")
    done = elidefs("cp", dataset, "v1/ep000000.top.mp4", tmp_path / "out", check=False)
    assert done.returncode == 1 and "file-000.mp4" in done.stderr
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        with pytest.raises(OSError) as error:
            open(point / "v1/ep000000.top.mp4", "rb").read()
        assert error.value.errno == 5
        assert "file-000.mp4" in open(point / ".elidefs/errors").read()
        assert open(point / "v1/ep000015.top.mp4", "rb").read()


def test_cp_copies_what_can_be_read_and_counts_the_rest(sample_copy, dataset, tmp_path):
    elidefs("import", dataset, sample_copy)
    (sample_copy / "videos/observation.images.top/chunk-000/file-000.mp4").unlink()
    done = elidefs("cp", dataset, "v1", tmp_path / "out", check=False)
    clips = [json.loads(line) for line in elidefs("query", dataset, "v1", "--json").stdout.splitlines()]
    lost = {name for clip in clips for name in clip["files"]} - set(os.listdir(tmp_path / "out"))
    assert 1 < len(lost) < len(clips) and all(name.endswith(".top.mp4") for name in lost)
    assert done.returncode == 1 and f"{len(lost)} of " in done.stderr and "file-000.mp4" in done.stderr
    assert any(f"/{name}': " in done.stderr for name in lost)


def test_sigterm_and_umount_end_within_seconds(sample, tmp_path):
    for end in (lambda point: os.kill(daemon_of(point), signal.SIGTERM), lambda point: elidefs("umount", point),
                lambda point: run("umount", point)):
        with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as point:
            daemon = daemon_of(point)
            end(point)
            wait_until(lambda: not is_mounted(point) and not is_running(daemon))


def test_foreground_ends_with_ctrl_c(sample, tmp_path):
    point = tmp_path / "mnt"
    point.mkdir()
    process = subprocess.Popen([ELIDEFS, "mount", sample, point, "--foreground", "--cache", tmp_path / "cache"])
    try:
        wait_until(lambda: is_mounted(point))
        assert os.listdir(point / "v1")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, -signal.SIGINT, 130)
        wait_until(lambda: not is_mounted(point))
    finally:
        process.kill()
        unmount(point)


def test_a_new_version_appears_and_the_old_one_stays(dataset, sample_copy, tmp_path):
    elidefs("import", dataset, sample_copy, "--table", LABELS)
    elidefs("tag", dataset, "first", "v1")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        before = digest(point / "v1")
        assert os.readlink(point / "first") == "v1" and os.readlink(point / "tags" / "first") == "../v1"
        elidefs("import", dataset, sample_copy, "--table", LABELS, "--set", "site=b", "-m", "with site")
        wait_until(lambda: os.readlink(point / "latest") == "v2")
        assert digest(point / "v1") == before and len(os.listdir(point / "v2" / "site=b")) == 64
        with pytest.raises(FileNotFoundError):
            os.listdir(point / "v1" / "site=b")
        videos = [name for name in os.listdir(point / "v2") if name.endswith(".mp4")]
        for name in videos:
            assert os.stat(point / "v2" / name).st_mtime == os.stat(point / "v1" / name).st_mtime
        assert os.stat(point / "v2/ep000000.json").st_mtime > os.stat(point / "v1/ep000000.json").st_mtime


def test_importing_the_same_again_makes_no_version(dataset, sample_copy):
    assert elidefs("import", dataset, sample_copy).stdout == "v1\n"
    done = elidefs("import", dataset, sample_copy)
    assert done.stdout == "v1\n" and "nothing new" in done.stderr


def test_an_ordinary_user_mounts_with_fusermount3(sample, tmp_path_factory):
    if os.getuid():
        pytest.skip("needs root, to become somebody else")
    if not os.access("/usr/bin/fusermount3", os.X_OK) or not os.stat("/dev/fuse").st_mode & 2:
        pytest.skip("no fusermount3, or /dev/fuse is closed to ordinary users")
    if not os.path.exists("/etc/mtab"):
        pytest.skip("fusermount3 -u needs /etc/mtab, which a bare chroot lacks")
    base = pathlib.Path(run("mktemp", "-d", "/tmp/elidefs-user.XXXXXX").stdout.strip())
    try:
        nobody = pwd.getpwnam("nobody")
        (base / "mnt").mkdir()
        run("cp", "-r", SAMPLE, base / "source")
        run("cp", ELIDEFS, base / "elidefs")
        run("chown", "-R", "nobody", base)
        as_user = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "env", f"HOME={base}",
                   f"TMPDIR={base}"]
        run("chmod", "755", base)
        program = base / "elidefs"
        run(*as_user, program, "init", base / "set", check=False)
        run(*as_user, "mkdir", "-p", base / "set")
        if not (base / "set/elidefs").exists():
            run(*as_user, program, "init", base / "set")
        run(*as_user, program, "import", base / "set", base / "source")
        run(*as_user, program, "mount", base / "set", base / "mnt")
        try:
            listed = run(*as_user, "ls", base / "mnt" / "v1").stdout.split()
            assert len(listed) == 64
            status = run(*as_user, "stat", "-c", "%U %a", base / "mnt/v1/ep000000.json").stdout.split()
            assert status == ["nobody", "644"]
            run(*as_user, program, "umount", base / "mnt")
            wait_until(lambda: not is_mounted(base / "mnt"))
        finally:
            unmount(base / "mnt")
    finally:
        run("rm", "-rf", base)


def test_mount_t_fuse_elidefs_works(sample, tmp_path):
    link = pathlib.Path("/usr/local/bin/elidefs")  # mount(8) looks for the program in the usual places only
    if os.getuid() or not os.path.exists("/sbin/mount.fuse") or os.path.lexists(link):
        pytest.skip("needs root, mount.fuse, and no elidefs installed")
    point = tmp_path / "mnt"
    point.mkdir()
    link.symlink_to(ELIDEFS)
    try:
        run("mount", "-t", "fuse.elidefs", sample, point, "-o", 
            f"ro,cache={tmp_path}/cache,cache_size=100M,uid=12,trust={SAMPLE}")
        assert os.stat(point / "v1/ep000000.json").st_uid == 12
    finally:
        link.unlink()
        unmount(point)


def test_fill_says_what_a_read_fetches(sample, tmp_path):
    for policy in ("exact", "whole"):
        with mounted(sample, tmp_path / "mnt", tmp_path / f"cache-{policy}", "-o", f"fill={policy},no_passthrough") as point:
            path = point / "v1/ep000000.top.mp4"
            os.listdir(point / "v1")
            size, before = os.stat(path).st_size, stats(point)["cache_bytes_fetched"]
            file = os.open(path, os.O_RDONLY | os.O_DIRECT)
            buffer = bytearray(4096)
            os.preadv(file, [buffer], 49152)
            os.close(file)
            fetched = lambda: stats(point)["cache_bytes_fetched"] - before
            if policy == "whole":
                wait_until(lambda: fetched() > size * 0.9)
            else:
                wait_until(lambda: fetched() > 0)
                time.sleep(0.3)  # nothing more comes
                assert fetched() < size * 0.7, "a few pages of the catalog come with the open"
    done = elidefs("mount", sample, tmp_path / "mnt", "--fill", "some", check=False)
    assert done.returncode == 1 and "exact" in done.stderr


def test_a_source_that_is_gone_costs_only_its_clips(dataset, sample_copy, tmp_path):
    elidefs("import", dataset, sample_copy)
    away = sample_copy.rename(tmp_path / "away")
    point = tmp_path / "mnt"
    point.mkdir()
    try:
        done = elidefs("mount", dataset, point, "--cache", tmp_path / "cache")
        assert str(sample_copy) in done.stderr and "cannot be read" in done.stderr
        assert len(os.listdir(point / "v1")) == 64 and open(point / "v1/ep000000.json").read()
        with pytest.raises(OSError):
            open(point / "v1/ep000000.top.mp4", "rb").read()
        away.rename(sample_copy)
        assert open(point / "v1/ep000000.top.mp4", "rb").read(8)[4:] == b"ftyp"
    finally:
        unmount(point)
