# SPDX-License-Identifier: Apache-2.0
"""Lists of numbers: an embedding, a bounding box, an error per joint. They come back as they were given."""
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import elidefs, mounted, run
from test_labels import annotate, blame, clip, refused

EMBEDDING = [0.5, -1.5, 0.5, 2.0]
BOX = [40, 10, 40, 30]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    for key in "abc":
        (folder / f"{key}.bin").write_bytes(key.encode() * 100)
    return folder


@pytest.fixture
def clips(dataset, source):
    elidefs("import", dataset, source)
    return dataset


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def attribute(dataset, name):
    lines = map(json.loads, elidefs("attribute", "list", dataset, "--json").stdout.splitlines())
    return next(found for found in lines if found["name"] == name)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("command", ["annotate", "import"])
def test_a_list_keeps_its_order_and_its_repeats(dataset, source, tmp_path, suffix, command):
    table = tmp_path / f"labels.{suffix}"
    rows = [{"key": "a", "emb": EMBEDDING, "box": BOX}, {"key": "b", "emb": [], "box": [9007199254740993, -1]}]
    if suffix == "jsonl":
        table.write_text(jsonl(*rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), table)
    if command == "import":
        elidefs("import", dataset, source, "--table", table)
    else:
        elidefs("import", dataset, source)
        elidefs("annotate", dataset, table)
    assert (clip(dataset, "a")["emb"], clip(dataset, "a")["box"]) == (EMBEDDING, BOX)
    assert (clip(dataset, "b")["emb"], clip(dataset, "b")["box"]) == ([], [9007199254740993, -1])
    assert "emb" not in clip(dataset, "c")
    assert attribute(dataset, "emb") == {"name": "emb", "type": "list", "several": False, "clips": 2, "values": None, "examples": [],
                                         "description": ""}
    again = elidefs(*(["annotate", dataset, table] if command == "annotate" else ["import", dataset, source, "--table", table]))
    assert "nothing new" in again.stderr


def test_parquet_lists_of_a_fixed_size_and_what_is_missing_in_them(clips, tmp_path):
    pq.write_table(pa.table({
        "key": ["a", "b", "c"],
        "pose": pa.array([[1.5, 2.5], [float("nan"), float("inf")], None], pa.list_(pa.float32(), 2)),
        "counts": pa.array([[1, None, 3], None, []], pa.list_(pa.int32())),
    }), tmp_path / "t.parquet")
    elidefs("annotate", clips, tmp_path / "t.parquet")
    assert (clip(clips, "a")["pose"], clip(clips, "a")["counts"]) == ([1.5, 2.5], [1, None, 3])
    assert clip(clips, "b")["pose"] == [None, None] and "counts" not in clip(clips, "b")
    assert clip(clips, "c")["counts"] == [] and "pose" not in clip(clips, "c")
    assert "pose=[null,inf]" in elidefs("blame", clips, "b", "pose").stdout


def test_labels_beside_a_file_may_be_lists(dataset, source):
    (source / "a.json").write_text('{"emb":[0.5,-1.5,0.5],"tags":["wet","dark","wet"],"none":null}')
    (source / "b.json").write_text('{"emb":[],"tags":[]}')
    (source / "c.json").write_text('{"boxes":[[1,2],[3,4]]}')  # no labels, as it was: a file of the clip
    elidefs("import", dataset, source)
    assert (clip(dataset, "a")["emb"], clip(dataset, "a")["tags"]) == ([0.5, -1.5, 0.5], ["dark", "wet"])
    assert clip(dataset, "b")["emb"] == [] and "tags" not in clip(dataset, "b")
    assert "c.source.json" in clip(dataset, "c")["files"]
    assert "nothing new" in elidefs("import", dataset, source).stderr
    (source / "a.json").write_text('{"emb":[],"tags":["wet"]}')
    elidefs("import", dataset, source)
    assert clip(dataset, "a")["emb"] == []


def test_csv_has_lists_where_that_is_said_or_known(clips):
    annotate(clips, 'key,box,note\na,"[40, 10,40]","[1,2]"\n', "--type", "box=list")
    annotate(clips, 'key,box\nb,"[0.5]"\nc,[]\n')
    assert clip(clips, "a")["box"] == [40, 10, 40] and clip(clips, "a")["note"] == "[1,2]"
    assert clip(clips, "b")["box"] == [0.5] and clip(clips, "c")["box"] == []
    assert ("line 2: column 'box': '3' is not a list of numbers, such as [1,2.5] (the data set's attribute 'box' is list; "
            "--type 'box=text' makes texts of all in it)") in refused(clips, "key,box\nb,3\n")


def test_a_number_is_no_list_and_a_list_no_number(clips):
    annotate(clips, jsonl({"key": "a", "box": BOX, "n": 1}))
    assert "column 'box': '3' is integer (the data set's attribute 'box' is list; --type 'box=text' " in refused(
        clips, jsonl({"key": "a", "box": 3}))
    assert "column 'n': '[3]' is list (the data set's attribute 'n' is integer; --type 'n=text' " in refused(
        clips, jsonl({"key": "a", "n": [3]}))
    assert refused(clips, jsonl({"key": "a", "new": 3}, {"key": "b", "new": [3]})).endswith(
        "column 'new': '[3]' is list here, but before it the column is integer (--type says which)")


def test_what_is_no_list_of_numbers_or_texts_is_left_out_and_said(clips, tmp_path):
    table = jsonl({"key": "a", "boxes": [[1, 2], [3, 4]], "n": 1, "flags": [True, False], "mixed": [1, "x"]},
                  {"key": "b", "boxes": [[1]], "n": 2, "objects": [{"a": [1]}], "tags": ["x", None]},
                  {"key": "c", "boxes": [7], "n": 3})
    notes = annotate(clips, table).stderr
    for column, what, example in [("boxes", "a list of lists", "2, such as line 1"),
                                  ("flags", "a list with true or false (--multi: several values)", "line 1"),
                                  ("mixed", "a list of numbers and texts", "line 1"),
                                  ("objects", "a list of objects", "line 2"), ("tags", "a list of texts and null", "line 2")]:
        (line,) = [line for line in notes.splitlines() if f"column '{column}'" in line]
        assert f"column '{column}': {what} is no value, left out" in line and example.split()[-1] in line, notes
    assert [clip(clips, key)["n"] for key in "abc"] == [1, 2, 3] and clip(clips, "c")["boxes"] == [7]
    assert set(clip(clips, "a")) == {"key", "n", "files"} and set(clip(clips, "b")) == {"key", "n", "files"}
    pq.write_table(pa.table({"key": ["a"], "grid": [[[1, 2]]], "n": [5]}), tmp_path / "t.parquet")
    done = elidefs("annotate", clips, tmp_path / "t.parquet", "--overwrite")
    assert "column 'grid': a list of lists is no value, left out" in done.stderr and clip(clips, "a")["n"] == 5


def test_what_is_left_out_takes_nothing_back(dataset, source, tmp_path):
    table = tmp_path / "t.jsonl"
    table.write_text(jsonl({"key": "a", "box": [1]}, {"key": "b", "box": [2]}, {"key": "c", "box": [3]}))
    elidefs("import", dataset, source, "--table", table)
    table.write_text(jsonl({"key": "a", "box": [[1]]}, {"key": "b", "box": None}, {"key": "c", "box": [4]}))
    done = elidefs("import", dataset, source, "--table", table)
    assert "a list of lists is no value" in done.stderr
    assert clip(dataset, "a")["box"] == [1] and "box" not in clip(dataset, "b") and clip(dataset, "c")["box"] == [4]


def test_multi_makes_several_values_of_a_list(clips):
    annotate(clips, jsonl({"key": "a", "codes": [3, 1, 3]}), "--multi", "codes")
    annotate(clips, jsonl({"key": "b", "codes": [2, 2]}))  # as the attribute is
    assert clip(clips, "a")["codes"] == [1, 3] and clip(clips, "b")["codes"] == [2]
    assert elidefs("query", clips, "latest/codes=3").stdout == "a\n"


def test_lists_that_are_too_long_are_left_out_and_said(clips):
    done = annotate(clips, jsonl({"key": "a", "emb": [0.5] * 65536}, {"key": "b", "emb": [0.5] * 65537}))
    assert "column 'emb': a list of more than 65536 numbers is no value, left out" in done.stderr
    assert len(clip(clips, "a")["emb"]) == 65536 and "emb" not in clip(clips, "b")


def test_diff_blame_since_rename_and_drop_know_lists(clips):
    annotate(clips, jsonl({"key": "a", "emb": EMBEDDING}, {"key": "b", "emb": [1]}), "--by", "net")
    annotate(clips, jsonl({"key": "a", "emb": [0.5, -1.5, 2.0, 0.5]}, {"key": "b", "emb": [1.0]}), "--by", "net")
    lines = [json.loads(line) for line in elidefs("diff", clips, "v2", "v3", "--json").stdout.splitlines()]
    assert [line["key"] for line in lines] == ["a"]
    assert lines[0]["attributes"] == {"emb": {"was": EMBEDDING, "is": [0.5, -1.5, 2, 0.5], "by": "net"}}
    assert elidefs("query", clips, "v3/@since=v2,emb").stdout == "a\n"
    said = blame(clips, "a", "emb")
    assert [(value["value"], value["by"], value["version"]) for value in said] == [([0.5, -1.5, 2, 0.5], "net", 3)]
    assert "'a' has emb=[0.5,-1.5,2,0.5] by net (v3), " in refused(clips, jsonl({"key": "a", "emb": [7]}), "--by", "anna")
    elidefs("attribute", "rename", clips, "emb", "embedding")
    assert clip(clips, "a")["embedding"] == [0.5, -1.5, 2, 0.5] and clip(clips, "a", "v3")["emb"]
    annotate(clips, jsonl({"key": "b", "embedding": "[1,2]"}), "--type", "embedding=text", "--overwrite")
    assert clip(clips, "a")["embedding"] == "[0.5,-1.5,2,0.5]"
    assert elidefs("query", clips, "latest/embedding.prefix=[1,").stdout == "b\n"
    elidefs("attribute", "drop", clips, "embedding")
    assert "embedding" not in clip(clips, "a")


def test_lists_are_asked_for_by_null_only(clips):
    annotate(clips, jsonl({"key": "a", "emb": EMBEDDING}))
    assert elidefs("query", clips, "latest/emb.null=0").stdout == "a\n"
    assert elidefs("query", clips, "latest/emb.null=1").stdout == "b\nc\n"
    for condition in ["emb=1", "emb.in=1,2", "emb.lt=3", "emb.rng=1..2", "emb.prefix=[0"]:
        done = elidefs("query", clips, f"latest/{condition}", check=False)
        assert done.returncode == 1
        assert "a list is not compared: ask for the clips that have one (emb.null=0)" in done.stderr
    for path, says in [("emb", "it is an attribute, so ask for the clips that have it: emb.null=0"),
                       ("emb.null=1/a.json", "its clip has emb.null=0")]:
        assert says in elidefs("explain", clips, f"latest/{path}", check=False).stderr
    done = elidefs("query", clips, "--where", "emb > 1", check=False)
    assert done.returncode == 1 and "(emb.null=0)" in done.stderr


def test_a_mount_shows_lists_in_json_and_xattrs(clips, tmp_path):
    annotate(clips, jsonl({"key": "a", "emb": EMBEDDING, "long": [0.25] * 30000}, {"key": "b", "emb": []}))
    with mounted(clips, tmp_path / "mnt", tmp_path / "cache") as point:
        text = (point / "latest" / "a.json").read_text()
        assert json.loads(text)["emb"] == EMBEDDING and '"emb":[0.5,-1.5,0.5,2]' in text
        assert os.stat(point / "latest" / "a.json").st_size == len(text)
        assert os.getxattr(point / "latest" / "a.bin", "user.emb") == b"[0.5,-1.5,0.5,2]"
        assert os.getxattr(point / "latest" / "b.bin", "user.emb") == b"[]"
        with pytest.raises(OSError):
            os.getxattr(point / "latest" / "a.bin", "user.long")
        assert os.listdir(point / "latest" / "emb.null=1") and not os.path.exists(point / "latest" / "emb=1")
        assert "a list is not compared" in run("cat", point / ".elidefs" / "errors").stdout


def test_a_set_from_before_the_first_release_is_refused_in_one_line(clips):
    for path in (clips / "elidefs" / "versions" / "00000001.json", clips / "elidefs" / "head"):
        text = path.read_text()
        assert '"catalog-6"' in text
        os.chmod(path, 0o644)
        path.write_text(text.replace('"catalog-6"', '"catalog-5"'))
    for words in [["query", clips, "v1"], ["import", clips, clips.parent / "source"]]:
        done = elidefs(*words, check=False)
        (line,) = [line for line in done.stderr.splitlines() if "v1" in line]
        assert done.returncode == 1 and line.endswith(
            "v1 was made by an elidefs from before the first release: import its sources again, into a new data set")
    assert elidefs("log", clips).stdout
