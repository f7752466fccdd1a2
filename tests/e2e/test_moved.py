# SPDX-License-Identifier: Apache-2.0
"""Recordings that were copied, restored, remounted, touched or moved: what is the same stays readable, under its old
versions and without a word at the next import; what may be other bytes is refused, with the command to type."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import elidefs, told

LARGE = 10 << 20  # a recording of which only parts are seen at its import


def state():
    return pathlib.Path(os.environ["HOME"]) / ".local/state/elidefs/pins"


def record(folder, name, size=LARGE, seed=1):
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_bytes(bytes((i * seed * 31 + (i >> 8) * 7) & 255 for i in range(256)) * (size // 256))
    os.utime(path, (1772366400, 1772366400))
    return path


@pytest.fixture
def lab(tmp_path):
    for i in (1, 2, 3):
        record(tmp_path / "rec", f"run{i}.bin", LARGE if i < 3 else 4096, seed=i)
    elidefs("init", tmp_path / "set")
    elidefs("import", tmp_path / "set", tmp_path / "rec")
    return tmp_path


def verify(dataset, *options, readable="3 of 3", check=True):
    done = elidefs("verify", dataset, *options, check=False)
    assert f"{readable} clips can be read" in done.stdout, done.stdout + done.stderr
    assert not check or (done.returncode == 0) == (readable == "3 of 3")
    return done


def digest(dataset, path="v1"):
    return elidefs("lock", dataset, path).stdout


def overwrite(path, at, length):
    """In place, with its old time put back."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"X" * length)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_copy_that_keeps_times_is_read_and_is_unchanged_for_an_import(lab):
    before = digest(lab / "set")
    shutil.copytree(lab / "rec", lab / "new", copy_function=shutil.copy2)
    shutil.rmtree(lab / "rec")
    (lab / "new").rename(lab / "rec")
    verify(lab / "set")
    assert digest(lab / "set") == before
    assert "nothing new" in elidefs("import", lab / "set", lab / "rec").stderr


def test_what_a_reader_learnt_is_not_looked_for_again(lab):
    for path in (lab / "rec").iterdir():
        shutil.copy2(path, lab / "x")
        (lab / "x").rename(path)
    verify(lab / "set")
    learnt = sum(path.stat().st_size for path in state().iterdir())
    assert learnt
    verify(lab / "set")
    assert learnt == sum(path.stat().st_size for path in state().iterdir())


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("how", ["middle", "hole", "half"])
def test_a_file_with_other_bytes_under_its_old_time_is_refused(lab, how, copy):
    path = lab / "rec/run1.bin"
    if copy:  # another inode
        shutil.copy2(path, lab / "x")
        (lab / "x").rename(path)
    if how == "middle":
        overwrite(path, LARGE // 2, LARGE // 20)
    elif how == "hole":
        subprocess.run(["fallocate", "--punch-hole", "--offset", str(2 << 20), "--length", str(1 << 20), path],
                       check=True)
        os.utime(path, (1772366400, 1772366400))
    else:
        os.truncate(path, LARGE // 2)
        os.truncate(path, LARGE)
        os.utime(path, (1772366400, 1772366400))
    done = verify(lab / "set", readable="2 of 3")
    assert "run1.bin: the file has changed since it was pinned" in done.stdout


def test_a_newer_file_is_refused_with_what_to_type_and_accepted_by_a_person(lab):
    path = lab / "rec/run1.bin"
    os.utime(path, (1772366499, 1772366499))
    done = verify(lab / "set", readable="2 of 3")
    assert "elidefs root accept" in done.stdout
    done = elidefs("root", "accept", lab / "set", path)
    assert "1 of 1 recording accepted" in done.stdout and "taken at your word" in done.stdout
    verify(lab / "set")
    shutil.rmtree(state())  # somebody else's machine
    verify(lab / "set")
    overwrite(path, 0, 10)
    verify(lab / "set", readable="2 of 3")
    done = elidefs("root", "accept", lab / "set", lab / "rec", check=False)
    assert done.returncode and "nothing was changed" in done.stderr


def test_a_touched_file_is_said_once(lab):
    for path in (lab / "rec").iterdir():
        path.chmod(0o600)
    assert any("touched" in line for line in verify(lab / "set").stderr.splitlines())
    assert "touched" not in verify(lab / "set").stderr
    assert "nothing new" in elidefs("import", lab / "set", lab / "rec").stderr


def test_what_verify_deep_has_read_is_known_whole(lab):
    verify(lab / "set", "--deep")
    path = lab / "rec/run1.bin"
    overwrite(path, LARGE // 2 + 5000, 1)  # one byte, which no sample sees
    verify(lab / "set", readable="2 of 3")
    path.write_bytes(record(lab, "again.bin", seed=1).read_bytes())  # a new time, the old bytes
    verify(lab / "set")


def test_a_root_lies_in_two_places(lab):
    shutil.copytree(lab / "rec", lab / "backup", copy_function=shutil.copy2)
    assert f"1 {lab}/backup" in elidefs("root", "add", lab / "set", "1", lab / "backup").stdout
    before = digest(lab / "set")
    (lab / "rec/run1.bin").unlink()
    verify(lab / "set")
    shutil.rmtree(lab / "rec")  # the disk has gone
    verify(lab / "set")
    assert digest(lab / "set") == before
    assert "nothing new" in elidefs("import", lab / "set", lab / "backup").stderr
    assert "is a place of root 1 already" in told(
        elidefs("root", "add", lab / "set", "1", lab / "backup", check=False))[-1]


def test_an_untrusted_place_is_passed_over_and_named(lab):
    shutil.copytree(lab / "rec", lab / "backup", copy_function=shutil.copy2)
    elidefs("root", "add", lab / "set", "1", lab / "backup")
    elidefs("trust", lab / "set", lab / "backup", "--remove")
    verify(lab / "set")
    (lab / "rec/run1.bin").unlink()
    done = verify(lab / "set", readable="2 of 3")
    assert f"{lab}/backup was not looked into, because you have not trusted it" in done.stdout


def test_an_import_records_what_it_has_proved_for_others(lab):
    path = lab / "rec/run3.bin"  # all of its bytes are known
    os.utime(path, (1772366499, 1772366499))
    assert "nothing new" in elidefs("import", lab / "set", lab / "rec").stderr
    (pins,) = (lab / "set/elidefs/series/roots/1").glob("*.pins")
    assert "inode" not in pins.read_text().partition('"now"')[2] and "mtime=1772366499" in pins.read_text()
    assert "nothing new" in elidefs("import", lab / "set", lab / "rec").stderr
    assert len(list((lab / "set/elidefs/series/roots/1").iterdir())) == 3  # two records, one list of pins
    shutil.rmtree(state())
    verify(lab / "set")


def test_a_data_set_with_its_copies_can_be_moved_and_restored(lab):
    elidefs("init", lab / "own")
    elidefs("import", lab / "own", lab / "rec", "--copy")
    shutil.rmtree(lab / "rec")
    for restored, copy in ((lab / "a", shutil.copy2), (lab / "b", shutil.copyfile)):  # with times, and without
        shutil.copytree(lab / "own", restored, copy_function=copy)
        verify(restored)
        verify(restored, "--deep")


def test_recordings_of_a_manifest_are_recognised_too(lab):
    rows = [f'{{"key": "clip{i}", "log": {{"url": "rec/run{i}.bin", "offset": 4096, "length": 4096}}}}\n' for i in (1, 2)]
    (lab / "clips.jsonl").write_text("".join(rows))
    elidefs("init", lab / "named")
    elidefs("import", lab / "named", lab / "clips.jsonl")
    shutil.copytree(lab / "rec", lab / "new", copy_function=shutil.copy2)
    shutil.rmtree(lab / "rec")
    (lab / "new").rename(lab / "rec")
    assert "nothing new" in elidefs("import", lab / "named", lab / "clips.jsonl").stderr
    verify(lab / "named", readable="2 of 2", check=False)


# ---- what must not be excused ----


def touch(path, seconds=1772366499):
    os.utime(path, (seconds, seconds))


def test_a_refused_accept_has_accepted_nothing(lab):
    for name in ("run1.bin", "run2.bin"):
        touch(lab / "rec" / name)
    overwrite(lab / "rec/run2.bin", 0, 10)
    done = elidefs("root", "accept", lab / "set", lab / "rec", check=False)
    assert done.returncode and "nothing was changed" in done.stderr
    verify(lab / "set", readable="1 of 3")


@pytest.mark.parametrize("add", ["before", "after"])
def test_what_a_person_has_accepted_is_read_at_another_place_it_was_copied_to(lab, add):
    disk = lab / "disk"
    touch(lab / "rec/run1.bin")
    shutil.copytree(lab / "rec", disk, copy_function=shutil.copy2)
    commands = [("accept", lab / "set", lab / "rec/run1.bin"), ("add", lab / "set", "1", disk)]
    for command in commands if add == "after" else reversed(commands):
        elidefs("root", *command)
    (lab / "rec/run1.bin").unlink()
    verify(lab / "set")
    shutil.rmtree(state())  # somebody else's machine
    verify(lab / "set")
    overwrite(disk / "run1.bin", 0, 10)
    verify(lab / "set", readable="2 of 3")


def test_accepting_a_folder_passes_over_what_is_gone(lab):
    (lab / "rec/run2.bin").unlink()
    touch(lab / "rec/run1.bin")
    done = elidefs("root", "accept", lab / "set", lab / "rec")
    assert "note: 1 of 3 recordings is not there\n" in done.stderr
    verify(lab / "set", readable="2 of 3")
    assert "all of which can be told" in elidefs("root", "accept", lab / "set", lab / "rec").stdout
    shutil.rmtree(state())
    verify(lab / "set", readable="2 of 3")


def test_what_was_taken_at_a_persons_word_is_not_proved_for_others(lab):
    touch(lab / "rec/run1.bin")
    elidefs("root", "accept", lab / "set", lab / "rec/run1.bin")
    records = len(list((lab / "set/elidefs/series/roots/1").iterdir()))
    assert "nothing new" in elidefs("import", lab / "set", lab / "rec").stderr
    assert len(list((lab / "set/elidefs/series/roots/1").iterdir())) == records


def test_a_recorded_hash_does_not_go_before_that_of_the_version(lab):
    path = lab / "rec/run3.bin"  # all of its bytes are known by the version
    was = f"mtime={path.stat().st_mtime_ns};ctime={path.stat().st_ctime_ns};inode={path.stat().st_ino}"
    path.write_bytes(bytes(path.stat().st_size))
    name = "0" * 32
    line = {"path": "run3.bin", "was": was, "now": "mtime=1", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (lab / f"set/elidefs/series/roots/1/{name}.pins").write_text(json.dumps(line) + "\n")
    (lab / "set/elidefs/series/roots/1/2").write_text(json.dumps({"url": str(lab / "rec"), "pins": name}) + "\n")
    verify(lab / "set", readable="2 of 3")


def test_verify_deep_compares_with_the_hash_it_knows(lab):
    verify(lab / "set", "--deep")
    before = [path.read_text() for path in state().iterdir()]
    forged = [re.sub(r'("sha256": ")..', r"\g<1>00", text) for text in before]
    for path, text in zip(state().iterdir(), forged):
        path.write_text(text)
    done = verify(lab / "set", "--deep", readable="1 of 3")
    assert "has other bytes, under its old pin" in done.stdout
    assert [path.read_text() for path in state().iterdir()] == forged


def test_a_moved_file_whose_hash_is_known_is_compared_by_it(lab):
    verify(lab / "set", "--deep")
    path = lab / "rec/run1.bin"
    overwrite(path, LARGE // 2 + 5000, 1)
    shutil.copy2(path, lab / "x")
    (lab / "x").rename(path)
    verify(lab / "set", readable="2 of 3")


def test_a_second_disk_may_have_some_of_the_recordings_only(lab):
    (lab / "disk2").mkdir()
    (lab / "rec/run2.bin").rename(lab / "disk2/run2.bin")
    done = elidefs("root", "add", lab / "set", "1", lab / "disk2")
    verify(lab / "set")
    assert f"1 {lab}/disk2" in done.stdout


def test_what_one_data_set_excused_is_not_shown_by_another(lab):
    elidefs("init", lab / "other")
    elidefs("import", lab / "other", lab / "rec")
    path = lab / "rec/run1.bin"
    path.write_bytes(path.read_bytes()[: LARGE // 2] + b"X" + path.read_bytes()[LARGE // 2 + 1:])
    elidefs("root", "accept", lab / "set", path)
    cache = {**os.environ, "ELIDEFS_CACHE": str(lab / "cache")}
    elidefs("cp", lab / "set", "v1/run1.bin", lab / "out", env=cache)
    done = elidefs("cp", lab / "other", "v1/run1.bin", lab / "out2", env=cache, check=False)
    assert done.returncode and "has changed since it was pinned" in done.stderr
