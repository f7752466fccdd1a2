# SPDX-License-Identifier: Apache-2.0
"""Ordinary tools on predicate paths."""
import csv
import json
import mmap
import os
import stat
import tarfile

import pytest

from conftest import LABELS, elidefs, run, told


def keys(**wanted):
    rows = csv.DictReader(open(LABELS))
    return sorted("ep%06d" % int(r["episode_index"]) for r in rows if all(r[k] == v for k, v in wanted.items()))


def files(found):
    streams = ("json", "state.parquet", "top.mp4", "wrist_right.mp4")
    return sorted(f"{key}.{stream}" for key in found for stream in streams)


@pytest.mark.parametrize("path, wanted", [
    ("", {}),
    ("arm=left", {"arm": "left"}),
    ("arm=left/outcome=fail", {"arm": "left", "outcome": "fail"}),
    ("arm=left/outcome=fail/object=deformable", {"arm": "left", "outcome": "fail", "object": "deformable"}),
    ("arm=left+arm=right/object=ball", {"object": "ball"}),
])
def test_ls_lists_exactly_the_clips_that_match(mount, path, wanted):
    assert sorted(os.listdir(mount / "v1" / path)) == files(keys(**wanted))
    assert run("ls", mount / "v1" / path).stdout.split() == files(keys(**wanted))


def test_a_directory_shows_only_clip_files(mount):
    assert not [name for name in os.listdir(mount / "v1") if "=" in name or name.startswith(".")]


def test_ls_l_shows_sizes_that_cat_reads(mount):
    for entry in os.scandir(mount / "v1" / "arm=left" / "object=cube"):
        status = entry.stat()
        assert stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o644
        assert status.st_nlink == 1 and status.st_blocks == -(-status.st_size // 512)
        assert len(open(entry.path, "rb").read()) == status.st_size
    assert "ep0000" in run("ls", "-l", mount / "v1" / "arm=left").stdout


def test_the_json_of_a_clip_carries_its_labels(mount):
    for row in csv.DictReader(open(LABELS)):
        text = open(mount / "v1" / ("ep%06d.json" % int(row["episode_index"]))).read()
        clip = json.loads(text)
        assert text.count("\n") == 1 and text.startswith('{"key":')
        assert list(clip)[1:] == sorted(list(clip)[1:])
        assert clip["arm"] == row["arm"] and clip["friction"] == float(row["friction"])
        assert clip["mass_g"] == int(row["mass_g"]) and clip["recorded_at"] == row["recorded_at"]
        assert clip["duration"] == pytest.approx(clip["length"] / 30) and clip["robot_type"] == "aloha"


def test_the_attributes_are_xattrs_too(mount):
    path = mount / "v1" / "ep000000.top.mp4"
    assert os.getxattr(path, "user.arm") == b"right"
    assert os.getxattr(path, "user.length") == b"117"
    assert b"file-000.mp4" in os.getxattr(path, "user.elidefs.source")
    assert "user.outcome" in os.listxattr(path)
    with pytest.raises(OSError):
        os.getxattr(path, "user.nonsense")


def test_find_du_and_walk_visit_each_clip_once_and_end(mount):
    top = mount / "v1" / "outcome=fail"
    found = run("find", top, "-type", "f").stdout.split()
    assert sorted(os.path.basename(name) for name in found) == files(keys(outcome="fail"))
    walked = [name for _, _, names in os.walk(top, followlinks=True) for name in names]
    assert sorted(walked) == files(keys(outcome="fail"))
    total = sum(os.stat(name).st_size for name in found)
    assert int(run("du", "-sb", "--apparent-size", top).stdout.split()[0]) == pytest.approx(total, abs=1 << 20)


def test_walking_the_whole_mount_ends(mount):
    visited = sum(len(names) for _, _, names in os.walk(mount))
    assert 64 <= visited < 1000


def test_tar_and_cp_give_the_same_bytes(mount, tmp_path):
    top = mount / "v1" / "arm=right" / "outcome=success"
    run("tar", "cf", tmp_path / "all.tar", "-C", top, ".")
    run("cp", "-a", top, tmp_path / "copy")
    with tarfile.open(tmp_path / "all.tar") as archive:
        members = [member for member in archive if member.isfile()]
        assert sorted(os.path.basename(m.name) for m in members) == files(keys(arm="right", outcome="success"))
        for member in members:
            name = os.path.basename(member.name)
            data = archive.extractfile(member).read()
            assert data == open(top / name, "rb").read() == open(tmp_path / "copy" / name, "rb").read()


def test_rsync_moves_everything_once_and_nothing_twice(mount, tmp_path):
    command = ["rsync", "-a", "--checksum", "--stats", f"{mount}/v1/arm=left/", tmp_path / "to"]
    assert f"transferred: {len(files(keys(arm='left')))}" in run(*command).stdout
    assert "transferred: 0" in run(*command).stdout
    assert "transferred: 0" in run("rsync", "-a", "--stats", f"{mount}/v1/arm=left/", tmp_path / "to").stdout
    assert os.stat(tmp_path / "to" / "ep000006.json").st_mtime == os.stat(mount / "v1" / "ep000006.json").st_mtime


def test_a_clip_can_be_mapped(mount):
    path = mount / "v1" / "ep000003.wrist_right.mp4"
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        assert view[:] == open(path, "rb").read() and view[4:8] == b"ftyp"


def test_nothing_can_be_written(mount):
    for attempt in (lambda: open(mount / "v1" / "new", "w"), lambda: os.mkdir(mount / "v1" / "x=y"),
                    lambda: os.unlink(mount / "v1" / "ep000000.json")):
        with pytest.raises(OSError):
            attempt()


def test_a_path_without_version_leads_to_the_newest(mount):
    assert os.readlink(mount / "latest") == "v1"
    assert os.path.realpath(mount / "outcome=fail") == str(mount / "v1" / "outcome=fail")
    assert "outcome=fail" not in os.listdir(mount)
    assert "v1" in os.listdir(mount) and "v0" not in os.listdir(mount)


@pytest.mark.parametrize("path, hint", [
    ("v1/amr=left", "arm"), ("v1/arm=lfet", "left"), ("v1/arm.foo=left", ".foo"), ("v1/length=abc", "integer"),
    ("v9", "v1"), ("v1/arm=left/amr=x", "arm"),
])
def test_a_typo_is_no_such_file_and_the_reason_is_told(mount, sample, path, hint):
    with pytest.raises(FileNotFoundError):
        os.listdir(mount / path)
    assert path.split("/")[-1] in open(mount / ".elidefs" / "errors").read()
    done = elidefs("explain", sample, path, check=False)
    assert done.returncode == 1 and hint in done.stderr and len(told(done)) == 1


def test_values_that_do_not_meet_give_an_empty_directory(mount):
    assert os.listdir(mount / "v1" / "arm=left" / "arm=right") == []


@pytest.mark.parametrize("path, test", [
    ("arm.ne=left", lambda r: r["arm"] != "left"),
    ("object.in=cube,ball", lambda r: r["object"] in ("cube", "ball")),
    ("object.nin=cube,ball", lambda r: r["object"] not in ("cube", "ball")),
    ("friction.gt=0.8", lambda r: float(r["friction"]) > 0.8),
    ("friction.le=0.57", lambda r: float(r["friction"]) <= 0.57),
    ("mass_g.rng=100..171", lambda r: 100 <= int(r["mass_g"]) <= 171),
    ("operator.prefix=scripted-", lambda r: True),
    ("recorded_at.ge=2025-04-02T13:34:29Z", lambda r: r["recorded_at"] >= "2025-04-02T13:34:29Z"),
    ("arm.null=1", lambda r: False),
    ("arm.null=0/object=ball", lambda r: r["object"] == "ball"),
    ("arm=left+object=ball", lambda r: r["arm"] == "left" or r["object"] == "ball"),
])
def test_operators_select_what_they_say(mount, path, test):
    wanted = sorted("ep%06d" % int(r["episode_index"]) for r in csv.DictReader(open(LABELS)) if test(r))
    found = sorted({name.split(".")[0] for name in os.listdir(mount / "v1" / path)})
    assert found == wanted


def test_the_hidden_folder_tells_about_a_query(mount):
    hidden = mount / "v1" / "outcome=fail" / "arm=left" / ".elidefs"
    assert open(hidden / "count").read() == f"{len(keys(arm='left', outcome='fail'))}\n"
    assert open(hidden / "canonical").read() == "arm=left/outcome=fail\n"
    assert "arm" in open(hidden / "explain").read()
    lines = open(hidden / "manifest.jsonl").read().splitlines()
    assert sorted(json.loads(line)["key"] for line in lines) == keys(arm="left", outcome="fail")
    for line in lines:
        for name, size in json.loads(line)["files"].items():
            assert os.stat(mount / "v1" / name).st_size == size
    for name in (name for name in os.listdir(hidden) if name != "facets"):
        assert os.stat(hidden / name).st_size == len(open(hidden / name, "rb").read())
