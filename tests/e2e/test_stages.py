# SPDX-License-Identifier: Apache-2.0
"""Folders of paths with stages: what they list, in which order, and why something is not in them."""
import json
import os

from conftest import SAMPLE, elidefs, mounted
from test_history import LABELS, refused

PATHS = ["v1/@shuffle=7", "v1/@shuffle=7.1", "v1/@shuffle=7/@shard=1,3", "v1/@sort=-mass_g/@head=5", "v1/@sample=4,1",
         "v1/@shuffle=7/@skip=3/arm=left", "v1/@split=0..50,3,arm", "v1/@balance=outcome", "v1/arm=left/@head=2/@head=0",
         "v1/@key=ep000003,ep000001/@sort=-mass_g"]


def test_a_folder_lists_its_clips_in_the_order_of_its_path(dataset, tmp_path):
    elidefs("import", dataset, SAMPLE, "--table", LABELS)
    orders = {}
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for path in PATHS:
            keys = elidefs("query", dataset, path).stdout.split()
            orders[path] = keys
            names = os.listdir(point / path)
            assert [name[:-5] for name in names if name.endswith(".json")] == keys, path
            assert (point / path / ".elidefs/count").read_text() == elidefs("query", dataset, path, "--count").stdout == f"{len(keys)}\n"
            assert [line.split('"')[3] for line in (point / path / ".elidefs/manifest.jsonl").read_text().splitlines()] == keys
            for name in names:
                assert (point / path / name).stat().st_ino == (point / "v1" / name).stat().st_ino
        everything = elidefs("query", dataset, "v1").stdout.split()
        assert sorted(orders["v1/@shuffle=7"]) == everything != orders["v1/@shuffle=7"] != orders["v1/@shuffle=7.1"]
        shards = [elidefs("query", dataset, f"v1/@shuffle=7/@shard={i},3").stdout.split() for i in range(3)]
        assert sorted(sum(shards, [])) == everything and shards[1] == orders["v1/@shuffle=7/@shard=1,3"]
        assert not (point / "v1/@head=1/ep000001.json").exists()
    assert "'ep000001.json' is not among @head=1" in refused("query", dataset, "v1/@head=1/ep000001.json")
    assert refused("query", dataset, "v1/@hed=1") == "elidefs: no stage '@hed': did you mean '@head'?"


def test_a_folder_of_some_streams_lists_finds_and_copies_only_these(dataset, tmp_path):
    elidefs("import", dataset, SAMPLE, "--table", LABELS)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        whole, some = point / "v1/arm=left", point / "v1/arm=left/@streams=top,json"
        wanted = [name for name in os.listdir(whole) if name.endswith((".top.mp4", ".json"))]
        assert os.listdir(some) == wanted == (some / ".as/paths.txt").read_text().splitlines()
        assert all((some / name).stat().st_ino == (whole / name).stat().st_ino for name in wanted)
        hidden = next(name for name in os.listdir(whole) if name.endswith(".state.parquet"))
        assert not (some / hidden).exists() and (whole / hidden).exists()
        lines = [json.loads(line) for line in (some / ".elidefs/manifest.jsonl").read_text().splitlines()]
        assert sorted(name for line in lines for name in line["files"]) == sorted(wanted)
        assert (some / ".elidefs/digest").read_text() != (whole / ".elidefs/digest").read_text()
        assert (point / "v1/@streams=top,json/arm=left/.elidefs/canonical").read_text() == "@streams=json,top/arm=left\n"
        assert (some / ".elidefs/count").read_text() == (whole / ".elidefs/count").read_text()
    elidefs("cp", dataset, "v1/arm=left/@streams=top", tmp_path / "copy")
    assert sorted(os.listdir(tmp_path / "copy")) == sorted(name for name in wanted if name.endswith(".mp4"))
    assert "no file is called 'tpo'; there are json, top, wrist_right, state" in refused("query", dataset, "v1/@streams=tpo")


def test_a_stream_is_named_as_its_files_are_called_or_as_its_camera_is(dataset, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"a")
    (tmp_path / "m.jsonl").write_text(json.dumps({"key": "a", "streams": {"left.cam": "a.bin", "top": "a.bin"}}) + "\n")
    elidefs("import", dataset, tmp_path / "m.jsonl")
    for name in ("left.cam", "left%2Ecam", "left%252Ecam"):
        assert elidefs("query", dataset, f"v1/@streams={name}", "--paths0").stdout == "a.left%2Ecam.bin\0"


def test_a_cold_folder_lists_the_files_chosen_though_most_clips_have_none_of_them(tmp_path):
    source, dataset = tmp_path / "source", tmp_path / "set"
    source.mkdir()
    for number in range(3000):
        (source / f"run{number:06d}.{'bin' if number < 2900 else 'txt'}").write_text("x")
    elidefs("init", dataset)
    elidefs("import", dataset, source)
    wanted = [f"run{number:06d}.txt" for number in range(2900, 3000)]
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert os.listdir(point / "v1/@streams=txt") == wanted
        assert sorted(os.listdir(point / "v1/@streams=txt")) == wanted
