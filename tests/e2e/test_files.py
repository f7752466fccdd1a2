# SPDX-License-Identifier: Apache-2.0
"""A folder of any files: which files make a clip, and what they are called."""
import json
import os
import subprocess

import pytest

from conftest import SAMPLE, elidefs, mounted


def put(folder, **files):
    for name, text in files.items():
        write(folder / name.replace("__", "/").replace("_dot_", "."), text)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def listing(dataset, point, cache, version="v1"):
    with mounted(dataset, point, cache):
        return {name: open(point / version / name, "rb").read() for name in os.listdir(point / version)}


def tree(tmp_path, names):
    for name in names:
        write(tmp_path / "source" / name, name)
    return tmp_path / "source"


@pytest.mark.parametrize("names, clips", [
    (["a.mcap", "a.h5", "b.mcap"], ["a.mcap", "a.h5", "b.mcap"]),
    (["run17/front.txt", "run17/log.mcap"], ["run17.front.txt", "run17.log.mcap"]),
    (["day1/a.txt", "day1/a.mcap", "day1/b.txt"], ["day1-a.txt", "day1-a.mcap", "day1-b.txt"]),
    (["x/y/run1/front.txt", "x/y/run1/log.mcap"], ["x-y-run1.front.txt", "x-y-run1.log.mcap"]),
    (["with.dots.in.it.mcap"], ["with%2Edots%2Ein%2Eit.mcap"]),
    (["no extension"], ["no extension"]),
    (["k=v,w.bin"], ["k%3Dv%2Cw.bin"]),
])
def test_files_become_clips(tmp_path, dataset, names, clips):
    elidefs("import", dataset, tree(tmp_path, names))
    found = listing(dataset, tmp_path / "mnt", tmp_path / "cache")
    streams = {name: text for name, text in found.items() if not (name.endswith(".json") and text.startswith(b'{"key"'))}
    assert sorted(streams) == sorted(clips)
    assert sorted(text.decode() for text in streams.values()) == sorted(names)


def test_a_layout_says_what_else_cannot_be_guessed(tmp_path, dataset):
    source = tree(tmp_path, ["front/ep1.txt", "wrist/ep1.txt", "front/ep2.txt", "readme.md"])
    done = elidefs("import", dataset, source, "--layout", "{stream}/{key}.{ext}")
    assert "does not match --layout" in done.stderr
    found = listing(dataset, tmp_path / "mnt", tmp_path / "cache")
    assert sorted(found) == ["ep1.front.txt", "ep1.json", "ep1.wrist.txt", "ep2.front.txt", "ep2.json"]


def test_two_equal_keys_fail_and_both_are_named(tmp_path, dataset):
    source = tree(tmp_path, ["a-b/x.txt", "a/b/x.txt"])
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1 and "a-b" in done.stderr and f"{source}/a/b" in done.stderr and f"{source}/a-b" in done.stderr


def test_a_flat_json_gives_attributes_and_any_other_is_kept_as_source_json(tmp_path, dataset):
    source = tmp_path / "source"
    write(source / "a.bin", "x")
    write(source / "a.json", json.dumps({"arm": "left", "force": 2.5, "n": 3, "ok": True, "nothing": None}))
    write(source / "b.bin", "y")
    write(source / "b.json", json.dumps({"arm": {"deep": 1}}))
    elidefs("import", dataset, source)
    found = listing(dataset, tmp_path / "mnt", tmp_path / "cache")
    assert json.loads(found["a.json"]) == {"key": "a", "arm": "left", "force": 2.5, "n": 3, "ok": True}
    assert json.loads(found["b.source.json"]) == {"arm": {"deep": 1}} and json.loads(found["b.json"]) == {"key": "b"}


def test_text_called_mp4_is_passed_whole_with_the_reason(tmp_path, dataset):
    source = tree(tmp_path, ["a.mp4"])
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert open(point / "v1/a.mp4").read() == "a.mp4"
        assert b"a.mp4" in os.getxattr(point / "v1/a.mp4", "user.elidefs.reason")


def test_empty_files_and_large_ones_come_through(tmp_path, dataset):
    source = tmp_path / "source"
    big = os.urandom((5 << 20) + 123)
    write(source / "a.bin", "")
    write(source / "b.bin", big)
    elidefs("import", dataset, source)
    found = listing(dataset, tmp_path / "mnt", tmp_path / "cache")
    assert found["a.bin"] == b"" and found["b.bin"] == big


def test_a_lerobot_set_below_a_folder_keeps_its_folder_as_prefix(tmp_path, dataset):
    (tmp_path / "source").mkdir()
    subprocess.run(["cp", "-r", SAMPLE, tmp_path / "source" / "kitchen"], check=True)
    write(tmp_path / "source" / "other.txt", "beside")
    done = elidefs("import", dataset, tmp_path / "source", "--prefix", "lab")
    assert "ignored" in done.stderr
    keys = elidefs("query", dataset, "v1").stdout.split()
    assert "lab-kitchen-ep000000" in keys and "lab-other" in keys and len(keys) == 17
    assert elidefs("query", dataset, "v1/source=kitchen", "--count").stdout == "16\n"


def test_a_table_joins_on_the_key(tmp_path, dataset):
    source = tree(tmp_path, ["a.bin", "b.bin", "c.bin"])
    (tmp_path / "labels.csv").write_text('key,arm,note,n\na,left,"x, ""y""",1\nb,right,,2\n')
    elidefs("import", dataset, source, "--table", tmp_path / "labels.csv")
    found = listing(dataset, tmp_path / "mnt", tmp_path / "cache")
    assert json.loads(found["a.json"]) == {"key": "a", "arm": "left", "n": 1, "note": 'x, "y"'}
    assert json.loads(found["b.json"]) == {"key": "b", "arm": "right", "n": 2}
    assert json.loads(found["c.json"]) == {"key": "c"}
