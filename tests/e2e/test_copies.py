# SPDX-License-Identifier: Apache-2.0
"""Recordings that --copy put into the data set: clones where the file system has them, hard links, copies that a server
makes. They are known again when the source was copied, and the data set can be moved, restored and synced to a bucket."""
import os
import pathlib
import shutil

import pytest

from conftest import SAMPLE, elidefs, run, told
from test_s3 import proxied, s3  # noqa: F401

LARGE = (8 << 20) * 2 + 12345  # three parts of the usual tools
TIME = 1772366400


def record(folder, name, size=LARGE, seed=1):
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_bytes((bytes((i * seed * 31 + (i >> 8) * 7) & 255 for i in range(4099)) * (size // 4099 + 1))[:size])
    os.utime(path, (TIME, TIME))
    return path


def record_all(folder):
    for i in (1, 2, 3):
        record(folder, f"run{i}.bin", LARGE if i < 3 else 4096, seed=i)
    return folder


@pytest.fixture
def lab(tmp_path):
    record_all(tmp_path / "rec")
    elidefs("init", tmp_path / "set")
    return tmp_path


@pytest.fixture(scope="module")
def reflinks(tmp_path_factory):
    """A folder in a file system that shares blocks."""
    base = tmp_path_factory.mktemp("reflinks")
    image, point = base / "image", base / "disk"
    makers = [maker for maker in (("mkfs.xfs", "-q", "-m", "reflink=1"), ("mkfs.btrfs", "-q")) if shutil.which(maker[0])]
    if os.geteuid() or not makers:
        pytest.skip("no root, or neither mkfs.xfs nor mkfs.btrfs (packages xfsprogs, btrfs-progs)")
    with image.open("wb") as file:
        file.truncate(400 << 20)
    point.mkdir()
    run(*makers[0], image)
    if run("mount", "-o", "loop", image, point, check=False).returncode:
        pytest.skip("no loop device can be mounted here")
    yield point
    run("umount", "-l", point)
    image.unlink()


def copies(dataset):
    return sorted(path for path in (pathlib.Path(dataset) / "elidefs/data").rglob("*") if path.is_file())


def verify(dataset, *options, readable="3 of 3"):
    done = elidefs("verify", dataset, *options, check=False)
    assert f"{readable} clips can be read" in done.stdout, done.stdout + done.stderr
    return done


def write_in_place(path, keep_time):
    with path.open("r+b") as file:
        file.seek(1 << 20)
        file.write(b"X")
    if keep_time:
        os.utime(path, (TIME, TIME))


# ---- known again ----


@pytest.mark.parametrize("how", ["cp -a", "cp -r", "chmod"])
def test_a_source_that_was_copied_is_unchanged_for_an_import_and_not_copied_again(lab, how):
    elidefs("import", lab / "set", lab / "rec", "--copy")
    before, state = copies(lab / "set"), pathlib.Path(os.environ["HOME"]) / ".local/state/elidefs/pins"
    if how == "chmod":
        for path in (lab / "rec").iterdir():
            path.chmod(0o600)
    else:
        run(*how.split(), lab / "rec", lab / "new")
        shutil.rmtree(lab / "rec")
        (lab / "new").rename(lab / "rec")
    shutil.rmtree(state, ignore_errors=True)  # and by somebody who has never seen it
    for options in (["--copy"], []):
        assert "nothing new" in elidefs("import", lab / "set", lab / "rec", *options).stderr
    assert copies(lab / "set") == before


@pytest.mark.parametrize("keep_time", [False, True])
def test_a_source_that_was_written_to_is_copied_anew(lab, keep_time):
    elidefs("import", lab / "set", lab / "rec", "--copy")
    write_in_place(lab / "rec/run1.bin", keep_time)
    done = elidefs("import", lab / "set", lab / "rec", "--copy")
    assert "1 replaced, 2 unchanged" in done.stderr and "copied 1 recording" in done.stderr
    assert len(copies(lab / "set")) == 4
    assert elidefs("verify", lab / "set", "--deep").stdout.count("3 of 3") == 2


def test_what_an_import_left_behind_is_taken_only_if_it_is_the_recording(lab):
    elidefs("import", lab / "set", lab / "rec", "--copy")
    good = {path.relative_to(lab / "set"): path.read_bytes() for path in copies(lab / "set")}
    elidefs("init", lab / "again")
    for number, (name, content) in enumerate(good.items()):  # one as it was, two of the same size with other bytes
        (lab / "again" / name).parent.mkdir(parents=True, exist_ok=True)
        (lab / "again" / name).write_bytes(content if not number else bytes(len(content)))
    done = elidefs("import", lab / "again", lab / "rec", "--copy")
    assert "copied 2 recordings" in done.stderr
    verify(lab / "again", "--deep")
    assert {path.relative_to(lab / "again"): path.read_bytes() for path in copies(lab / "again")} == good


# ---- clones ----


def test_clones_take_no_room_and_outlive_their_source(reflinks):
    rec, dataset = record_all(reflinks / "rec"), reflinks / "set"
    elidefs("init", dataset)
    os.sync()
    before = os.statvfs(reflinks).f_bavail
    done = elidefs("import", dataset, rec, "--copy")
    assert "note: 3 copies share their blocks with the recordings: du and quotas count them twice" in done.stderr
    os.sync()
    disk = os.statvfs(reflinks)
    assert (before - disk.f_bavail) * disk.f_bsize < 4 << 20 < sum(path.stat().st_size for path in copies(dataset))
    assert "nothing new" in elidefs("import", dataset, rec, "--copy").stderr
    write_in_place(rec / "run1.bin", keep_time=True)  # of the recording only: blocks that are written to part
    verify(dataset, "--deep")
    shutil.rmtree(rec)
    assert "touched" not in verify(dataset).stderr


def test_clones_can_be_moved_without_their_time_but_not_written_to(reflinks, tmp_path):
    rec, dataset = record_all(reflinks / "rec2"), reflinks / "set2"
    elidefs("init", dataset)
    elidefs("import", dataset, rec, "--copy")
    shutil.rmtree(rec)
    shutil.copytree(dataset, tmp_path / "moved", copy_function=shutil.copyfile)
    assert "2 recordings" in verify(tmp_path / "moved").stderr  # said once: known by evidence and samples
    assert not verify(tmp_path / "moved").stderr
    write_in_place(max(copies(dataset), key=lambda path: path.stat().st_size), keep_time=False)
    done = verify(dataset, readable="2 of 3")
    assert "was written to since" in done.stdout and "elidefs root accept" in done.stdout


def test_clones_of_a_lerobot_set_give_the_same_clips(reflinks, sample):
    shutil.copytree(SAMPLE, reflinks / "robot")
    elidefs("init", reflinks / "set3")
    assert "share their blocks" in elidefs("import", reflinks / "set3", reflinks / "robot", "--copy").stderr
    shutil.rmtree(reflinks / "robot")
    assert "16 of 16" in elidefs("verify", reflinks / "set3", "--deep").stdout


# ---- links ----


def test_links_are_the_recordings_and_stay_when_these_are_deleted(lab):
    done = elidefs("import", lab / "set", lab / "rec", "--copy=link")
    assert "linked 3 recordings" in done.stderr and "not against writing in place" in done.stderr
    assert {path.stat().st_ino for path in copies(lab / "set")} == {path.stat().st_ino for path in (lab / "rec").iterdir()}
    for options in (["--copy=link"], ["--copy"], []):
        done = elidefs("import", lab / "set", lab / "rec", *options)
        assert "nothing new" in done.stderr and "ctime" not in done.stderr
    assert "touched" not in verify(lab / "set").stderr
    shutil.rmtree(lab / "rec")  # this changes the ctime of a file that has another name
    assert "2 recordings" in verify(lab / "set").stderr
    assert "touched" not in verify(lab / "set", "--deep").stderr


def test_a_link_does_not_alarm_the_versions_that_read_the_source(lab):
    elidefs("import", lab / "set", lab / "rec")
    assert "3 replaced" in elidefs("import", lab / "set", lab / "rec", "--copy=link").stderr
    done = verify(lab / "set")
    assert done.stdout.count("3 of 3") == 2 and not done.stderr


def test_writing_into_a_linked_recording_is_refused(lab):
    elidefs("import", lab / "set", lab / "rec", "--copy=link")
    write_in_place(lab / "rec/run1.bin", keep_time=False)
    assert "was written to since" in verify(lab / "set", readable="2 of 3").stdout


def test_links_of_a_lerobot_set_are_made_while_it_is_read(lab):
    shutil.copytree(SAMPLE, lab / "robot")
    elidefs("import", lab / "set", lab / "robot", "--copy=link")
    assert "16 of 16" in elidefs("verify", lab / "set", "--deep").stdout
    assert "nothing new" in elidefs("import", lab / "set", lab / "robot", "--copy=link").stderr


def test_links_reach_no_other_file_system(lab):
    shm = pathlib.Path("/dev/shm")
    if not os.access(shm, os.W_OK) or shm.stat().st_dev == lab.stat().st_dev:
        pytest.skip("/dev/shm is no other file system")
    dataset = shm / f"elidefs-{os.getpid()}"
    try:
        elidefs("init", dataset)
        done = elidefs("import", dataset, lab / "rec", "--copy=link", "--skip-bad", cwd=lab, check=False)
        assert done.returncode == 1 and not copies(dataset)
        said = told(done)[-1]
        mounted_at = shm if shm.is_mount() else shm.parent
        assert "--copy=link: " in said and f"{dataset} in the one at {mounted_at}: " in said and "a hard link cannot reach" in said
    finally:
        shutil.rmtree(dataset)


# ---- buckets ----


def requests(log, method, part):
    """The bytes of each request of this kind that the proxy has seen."""
    lines = [line.split() for line in log.read_text().splitlines()]
    return [int(words[4]) for words in lines if words[0] == method and part in words[1]]


def test_a_data_set_that_was_synced_to_a_bucket_is_told_by_its_etags(s3, lab):
    transfer = pytest.importorskip("boto3.s3.transfer")
    elidefs("import", lab / "set", lab / "rec", "--copy")
    shutil.rmtree(lab / "rec")
    config = transfer.TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)
    for path in (lab / "set").rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "sets", f"synced/{path.relative_to(lab / 'set')}", Config=config)
    shutil.rmtree(lab / "set")
    with proxied(lab / "log") as environment:
        done = elidefs("verify", "s3://sets/synced", env=environment)
    assert "3 of 3 clips can be read" in done.stdout and "recording" not in done.stderr
    read = requests(lab / "log", "GET", "/elidefs/data/")
    assert len(read) <= 3 and sum(read) < 1 << 20, read
    assert "3 of 3" in elidefs("verify", "s3://sets/synced", "--deep").stdout
    s3.put_object(Bucket="sets", Key=next(key for key in keys(s3, "synced/elidefs/data/")), Body=bytes(LARGE))
    assert "2 of 3" in elidefs("verify", "s3://sets/synced", check=False).stdout


def keys(s3, prefix):
    found = s3.list_objects_v2(Bucket="sets", Prefix=prefix)["Contents"]
    return [each["Key"] for each in sorted(found, key=lambda each: -each["Size"])]


def test_copies_within_a_store_are_made_by_the_server_which_is_told_before(s3, lab):
    for path in (lab / "rec").iterdir():
        s3.upload_file(str(path), "recordings", f"served/{path.name}")
    elidefs("init", "s3://sets/served")
    with proxied(lab / "log") as environment:
        done = elidefs("import", "s3://sets/served", "s3://recordings/served", "--copy", env=environment)
    lines = done.stderr.splitlines()
    assert "copying on the server: up to 3 recordings (32.0 MiB)" in lines
    assert "copied 3 recordings (32.0 MiB) on the server" in lines
    assert len(requests(lab / "log", "PUT", "/elidefs/data/")) == 3
    assert sum(requests(lab / "log", "GET", "/recordings/served/")) < 1 << 20  # nothing came here
    done = elidefs("import", "s3://sets/served", "s3://recordings/served", "--copy")
    assert "nothing new" in done.stderr and "on the server" not in done.stderr
    for path in (lab / "rec").iterdir():
        s3.delete_object(Bucket="recordings", Key=f"served/{path.name}")
    verify("s3://sets/served", "--deep")


def test_a_server_that_will_not_copy_leaves_it_to_us(s3, lab):
    record(lab / "one", "run.bin", 4096)
    s3.upload_file(str(lab / "one/run.bin"), "recordings", "refused/run.bin")
    elidefs("init", "s3://sets/refused")
    with proxied(lab / "log", "501@1", match="PUT /sets/refused/elidefs/data/") as environment:
        done = elidefs("import", "s3://sets/refused", "s3://recordings/refused", "--copy", env=environment)
    assert "copied 1 recording (0.0 MiB)\n" in done.stderr
    assert len(requests(lab / "log", "PUT", "/elidefs/data/")) == 2
    assert "1 of 1 clip can be read" in elidefs("verify", "s3://sets/refused", "--deep").stdout
