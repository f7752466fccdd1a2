# SPDX-License-Identifier: Apache-2.0
"""annotate, blame, attribute: what people and models say of clips."""
import json
import subprocess

import pytest

from conftest import SAMPLE, ELIDEFS, elidefs, mounted, run, told


@pytest.fixture
def labelled(dataset, tmp_path):
    """Eight clips ep000000 .. ep000007; the import says a grade and an outcome."""
    source = tmp_path / "source"
    source.mkdir()
    for i in range(8):
        (source / f"ep{i:06d}.bin").write_bytes(bytes([i]) * 100)
    rows = [f"ep{i:06d},{i},{'fail' if i % 2 else 'ok'}" for i in range(8)]
    (tmp_path / "import.csv").write_text("\n".join(["key,grade,outcome", *rows]) + "\n")
    elidefs("import", dataset, source, "--table", tmp_path / "import.csv")
    return dataset


def annotate(dataset, table, *options, check=True):
    return elidefs("annotate", dataset, "-", *options, input=table, check=check)


def refused(dataset, table, *options):
    """The message of what fails; it left no version behind."""
    before = elidefs("log", dataset).stdout
    done = annotate(dataset, table, *options, check=False)
    assert done.returncode == 1 and done.stdout == "" and elidefs("log", dataset).stdout == before
    (line,) = told(done)
    return line.removeprefix("elidefs: ")


def clip(dataset, key, version="latest"):
    lines = elidefs("query", dataset, version, "--json").stdout.splitlines()
    return next(clip for clip in map(json.loads, lines) if clip["key"] == key)


def blame(dataset, *words):
    return [json.loads(line) for line in elidefs("blame", dataset, *words, "--json").stdout.splitlines()]


def test_a_table_lands_as_one_version_in_each_format(labelled, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "a.csv").write_text('key,score,note\nep000000,0.5,"a, b"\nep000001,,\nep000002,1,""\n')
    (tmp_path / "b.jsonl").write_text('{"key":"ep000000","tags":["wet","dark"]}\n{"episode_index":3,"tags":[]}\n')
    parquet.write_table(pyarrow.table({"episode_index": [0, 7], "seen": [True, False]}), tmp_path / "c.parquet")
    for version, name in enumerate(["a.csv", "b.jsonl", "c.parquet"], 2):
        done = elidefs("annotate", labelled, tmp_path / name, "--by", "anna", "-m", name)
        assert done.stdout == f"v{version}\n"
    first = clip(labelled, "ep000000")
    assert (first["score"], first["note"], first["tags"], first["seen"]) == (0.5, "a, b", ["dark", "wet"], True)
    assert clip(labelled, "ep000002")["note"] == "" and "note" not in clip(labelled, "ep000001")
    assert clip(labelled, "ep000007")["seen"] is False
    assert "tags" not in clip(labelled, "ep000000", "v2")
    assert elidefs("query", labelled, "tags=wet").stdout == "ep000000\n"
    counts = json.loads(elidefs("annotate", labelled, tmp_path / "a.csv", "--by", "anna", "--suffix", "_2",
                                "--json").stdout)
    assert counts == {"version": 5, "by": "anna", "clips": 2, "unchanged": 1, "values": 4, "events": 0}
    assert clip(labelled, "ep000002")["score_2"] == 1


def test_blame_tells_who_set_what_in_which_version(labelled, tmp_path):
    annotate(labelled, "key,score\nep000001,3\n", "--by", "net-7")
    found = {line["attribute"]: line for line in blame(labelled, "ep000001")}
    assert (found["score"]["by"], found["score"]["version"], found["score"]["value"]) == ("net-7", 2, 3)
    assert (found["outcome"]["by"], found["outcome"]["version"]) == ("import", 1) and "@" in found["score"]["author"]
    assert [line["value"] for line in blame(labelled, "v2/outcome=fail/ep000001.json", "score")] == [3]
    with mounted(labelled, tmp_path / "mnt", tmp_path / "cache") as point:
        text = elidefs("blame", point / "v2" / "ep000001.json", "score").stdout
    assert text.split()[:3] == ["score=3", "net-7", "v2"]
    assert elidefs("blame", labelled, "v1/ep000001", "score", check=False).returncode == 1
    done = elidefs("blame", labelled, "ep000002", "score", check=False)
    assert told(done) == ["elidefs: the clip 'ep000002' has no 'score'"]


def test_somebody_elses_values_fail_with_a_count_and_three_examples(labelled):
    table = "key,outcome\n" + "".join(f"ep{i:06d},fail\n" for i in range(8))
    assert refused(labelled, table, "--by", "anna") == (
        "4 values were set by others (--overwrite replaces them): "
        "'ep000000' has outcome=ok by import (v1), standard input: line 2 says fail; "
        "'ep000002' has outcome=ok by import (v1), standard input: line 4 says fail; "
        "'ep000004' has outcome=ok by import (v1), standard input: line 6 says fail; ...")
    annotate(labelled, table + "", "--by", "anna", "--overwrite")
    assert clip(labelled, "ep000000")["outcome"] == "fail"
    assert "ep000000" in refused(labelled, "key,outcome\nep000000,ok\n", "--by", "bob")
    annotate(labelled, "key,outcome\nep000000,unsure\n", "--by", "anna")
    assert [line["by"] for line in blame(labelled, "ep000000", "outcome")] == ["anna"]
    assert [line["by"] for line in blame(labelled, "ep000001", "outcome")] == ["import"], "said the same"


def test_only_missing_leaves_what_is_there(labelled):
    annotate(labelled, "key,score\nep000001,1\n", "--by", "anna")
    annotate(labelled, "key,score,outcome\nep000001,9,x\nep000002,9,x\n", "--by", "bob", "--only-missing")
    assert clip(labelled, "ep000001")["score"] == 1 and clip(labelled, "ep000002")["score"] == 9
    assert clip(labelled, "ep000002")["outcome"] == "ok"
    done = annotate(labelled, "", "--only-missing", "--overwrite", check=False)
    assert told(done) == ["elidefs: --only-missing and --overwrite exclude each other"]


def test_a_table_that_changes_nothing_commits_nothing_and_says_so(labelled):
    table = "key,outcome\nep000000,ok\nep000001,fail\n"
    for _ in range(2):
        done = annotate(labelled, table, "--by", "anna")
        assert done.stdout == "v1\n" and told(done) == [f"{labelled}: nothing new: v1 already holds this"]
    annotate(labelled, "key,score\n", "--by", "anna")
    assert len(elidefs("log", labelled).stdout.splitlines()) == 1


def test_an_import_never_takes_back_what_people_set(labelled, tmp_path):
    annotate(labelled, "key,outcome\nep000000,fail\n", "--overwrite", "--by", "anna")
    done = elidefs("import", labelled, tmp_path / "source", "--table", tmp_path / "import.csv")
    assert "nothing new" in done.stderr
    (tmp_path / "source" / "ep000000.bin").write_bytes(b"other")
    elidefs("import", labelled, tmp_path / "source", "--table", tmp_path / "import.csv")
    assert clip(labelled, "ep000000")["outcome"] == "fail" and clip(labelled, "ep000000")["grade"] == 0


def test_events_stand_in_the_json_and_replace_those_of_the_same_clip_label_and_setter(labelled, tmp_path):
    annotate(labelled, "key,label,start,end\nep000001,grasp,1,2.5\nep000001,slip,0.5s,0.7s\nep000001,grasp,3,4\n",
             "--by", "net-7")
    annotate(labelled, '{"episode_index":1,"event":"grasp","start_s":1.25,"end_s":2}\n', "--by", "anna")
    grasps = [{"label": "grasp", "start": 1, "end": 2.5, "by": "net-7"},
              {"label": "grasp", "start": 1.25, "end": 2, "by": "anna"},
              {"label": "grasp", "start": 3, "end": 4, "by": "net-7"}]
    slip = {"label": "slip", "start": 0.5, "end": 0.7, "by": "net-7"}
    assert clip(labelled, "ep000001")["event"] == [*grasps, slip]
    assert elidefs("query", labelled, "event=slip").stdout == "ep000001\n"
    annotate(labelled, "key,label,start,end\nep000001,grasp,1,2.5\nep000002,slip,7,7\nep000001,slip,,\n",
             "--by", "net-7")
    assert clip(labelled, "ep000001")["event"] == grasps[:2]
    assert elidefs("query", labelled, "event=slip").stdout == "ep000002\n"
    assert [(line["value"]["label"], line["by"], line["version"]) for line in blame(labelled, "ep000001", "event")] == [
        ("grasp", "net-7", 2), ("grasp", "anna", 3)]
    with mounted(labelled, tmp_path / "mnt", tmp_path / "cache") as point:
        assert json.loads((point / "v4" / "event=grasp" / "ep000001.json").read_text())["event"] == grasps[:2]


@pytest.mark.parametrize("table, options, says", [
    ("key,grade\nep000000,1\nep000001,abc\n", [],
     "standard input: line 3: column 'grade': 'abc' is not an integer (the data set's "
         "attribute 'grade' is integer; --type 'grade=text' makes texts of all in it)"),
    ('{"key":"ep000000","outcome":3}\n', [],
     "standard input: line 1: column 'outcome': '3' is integer (the data set's attribute "
         "'outcome' is text; --type 'outcome=text' takes it as text)"),
    ("key,new\nep000000,abc\n", ["--type", "new=integer"],
     "standard input: line 2: column 'new': 'abc' is not an integer"),
    ("key,new\nep000000,1\nep9,2\nep10,2\n", [],
     "2 clips are not in the data set: standard input: line 3: 'ep9'; standard input: line 4: 'ep10'"),
    ("episode_index,new\n99,2\n", [], "1 clip is not in the data set: standard input: line 2: 'ep000099'"),
    ("key,new\nep000000,1\nep000000,2\n", [],
     "standard input: line 3: the clip 'ep000000' stands there a second time, first at 2"),
    ("name,new\nep000000,1\n", [], "standard input: line 1: there is neither a column 'key' nor 'episode_index', but 'name', 'new'"),
    ("key,new\n,1\n", [], "standard input: line 2: it is not said which clip this is about"),
    ("key,a/b,a.b\nep000000,2,3\n", [],
     "standard input: line 1: the columns 'a/b' and 'a.b' would both become the attribute 'a_b'"),
    ("key,label,start\nep000000,grasp,1\n", [],
     "standard input: line 1: events need columns key, label, start and end: there is no 'end'"),
    ('{"episode_index":0,"event":"grasp","end_s":1}\n', [],
     "standard input: events need columns key, label, start and end: there is no 'start'"),
    ("key,label,frame_start,frame_end\nep000000,grasp,10,20\n", [],
     "standard input: line 1: events need columns key, label, start and end, in seconds or with a unit: 'frame_start' and "
     "'frame_end' are none of these"),
    ("key,event\nep000000,grasp\n", [],
     "standard input: line 1: column 'event': events need columns key, label, start and end"),
    ("key,label,start,end,score\nep000000,a,1,2,3\n", [],
     "standard input: line 1: a table of events has key, label, start and end, but no column 'score'"),
    ("key,label,start,end\nep000000,a,2,1\n", [], "standard input: line 2: the event ends before it starts"),
    ("key,label,start,end\nep000000,a,-2,1\n", [], "standard input: line 2: the event starts before the clip"),
    ("key,label,start,end\nep000000,a,2,\n", [], "standard input: line 2: the event has a start but no end"),
    ("key,label,start,end\nep000000,a,1,2\nep000000,b,nan,2\n", [], "standard input: line 3: 'nan' is not a duration (a number and ms, s, min or h)"),
    ("key,label,start,end\nep000000,,2,3\n", [], "standard input: line 2: the event has no label"),
    ("key,label,start,end\nep000000,a,2,soon\n", [],
     "standard input: line 2: 'soon' is not a duration (a number and ms, s, min or h)"),
    ("key,new\nep000000,1\n", ["--by", "import"], "--by import: that is the name of what imports set"),
    ("key,new\nep000000,1\n", ["--by", ""], "'' is no name of who sets values: 1 to 200 bytes of UTF-8"),
    ("key,new\nep000000,1\n", ["--every", "soon"], "--every 'soon': expected a time such as 30s or 5m"),
])
def test_what_does_not_fit_is_named_and_nothing_is_committed(labelled, table, options, says):
    assert refused(labelled, table, *options) == says


def test_an_event_lies_in_its_clip_where_its_duration_is_known(dataset):
    elidefs("import", dataset, SAMPLE)
    end, fps = (clip(dataset, "ep000000")[name] for name in ("duration", "fps"))
    says = refused(dataset, f"key,label,start,end\nep000001,b,0,1\nep000000,b,0,1\nep000000,a,1,{end + 2 / fps}\n")
    assert says == (f"standard input: line 4: the event 'a' ends at {end + 2 / fps:.4g} s, but the clip 'ep000000' is "
                    f"{end:.4g} s long")
    annotate(dataset, f"key,label,start,end\nep000000,a,1,{end + 0.5 / fps:.4f}\n")  # times are rounded
    assert clip(dataset, "ep000000")["event"][0]["end"] > end


def test_types_stay_and_only_integers_widen(labelled):
    annotate(labelled, "key,grade\nep000000,2.5\n", "--overwrite")
    assert clip(labelled, "ep000000")["grade"] == 2.5 and clip(labelled, "ep000003")["grade"] == 3
    annotate(labelled, "key,outcome\nep000000,7\n", "--overwrite")
    assert clip(labelled, "ep000000")["outcome"] == "7"
    annotate(labelled, "key,tags\nep000000,a;b\nep000001,c\n", "--multi", "tags")
    annotate(labelled, "key,tags\nep000001,d;e\n")
    assert clip(labelled, "ep000001")["tags"] == ["d", "e"] and clip(labelled, "ep000000")["tags"] == ["a", "b"]


def test_type_text_makes_text_of_what_is_there(labelled, tmp_path):
    says = refused(labelled, "key,outcome\nep000000,7\n", "--type", "outcome=integer", "--overwrite")
    assert says == "--type says integer, but the data set's attribute 'outcome' is text"
    annotate(labelled, "key,grade\nep000000,high\n", "--type", "grade=text", "--overwrite")
    assert clip(labelled, "ep000000")["grade"] == "high" and clip(labelled, "ep000003")["grade"] == "3"
    assert elidefs("query", labelled, "grade=3").stdout == "ep000003\n"
    assert blame(labelled, "ep000003", "grade")[0]["by"] == "import"
    annotate(labelled, '{"key":"ep000001","n":1}\n')
    elidefs("import", labelled, tmp_path / "source", "--table", tmp_path / "import.csv", "--set", "n=x",
            "--type", "n=text", "--type", "grade=text")
    assert clip(labelled, "ep000001")["n"] == "1" and clip(labelled, "ep000002")["n"] == "x"


def test_an_empty_list_takes_own_values_away(labelled):
    annotate(labelled, '{"key":"ep000000","tags":["a"]}\n{"key":"ep000001","tags":["b","c"]}\n', "--by", "anna")
    says = refused(labelled, '{"key":"ep000000","tags":[]}\n', "--by", "bob")
    assert says == ("1 value was set by others (--overwrite replaces them): 'ep000000' has tags=a by anna (v2), "
                    "standard input: line 1 says there is none")
    annotate(labelled, '{"key":"ep000000","tags":[]}\n', "--by", "anna")
    assert "tags" not in clip(labelled, "ep000000") and clip(labelled, "ep000001")["tags"] == ["b", "c"]


def test_a_stream_is_committed_as_it_comes(labelled):
    command = [ELIDEFS, "annotate", labelled, "-", "--by", "net-7", "--every", "100ms"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stream:
        stream.stdin.write("key,score\nep000000,1\n")
        stream.stdin.flush()
        assert stream.stdout.readline() == "v2\n"
        stream.stdin.write("ep000001,2\nep000001,3\n")  # again: a version of its own
        stream.stdin.flush()
        assert stream.stdout.readline() == "v3\n" and stream.stdout.readline() == "v4\n"
        stream.stdin.close()
    assert stream.returncode == 0
    assert [clip(labelled, "ep000001", version).get("score") for version in ("v2", "v3", "v4")] == [None, 2, 3]


def test_two_who_label_at_once_both_land(labelled):
    writers = [subprocess.Popen([ELIDEFS, "annotate", labelled, "-", "--by", who], stdin=subprocess.PIPE, text=True)
               for who in ("anna", "bob", "net-7")]
    for writer, name in zip(writers, "abc"):
        writer.stdin.write(f"key,{name}\nep000000,1\n")
        writer.stdin.close()
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    found = clip(labelled, "ep000000")
    assert (found["a"], found["b"], found["c"]) == (1, 1, 1)
    assert len(elidefs("log", labelled).stdout.splitlines()) == 4


def test_attributes_are_listed_renamed_described_and_dropped(labelled, tmp_path):
    assert elidefs("attribute", "rename", labelled, "outcome", "end.result", "-m", "clearer").stdout == "v2\n"
    assert elidefs("attribute", "describe", labelled, "end_result", "ok or fail").stdout == "v3\n"
    assert elidefs("attribute", "drop", labelled, "grade").stdout == "v4\n"
    listed = [json.loads(line) for line in elidefs("attribute", "list", labelled, "--json").stdout.splitlines()]
    assert {"name": "end_result", "type": "text", "several": False, "clips": 8, "values": 2,
            "examples": ["fail", "ok"], "description": "ok or fail"} in listed
    assert "end_result" in elidefs("attribute", "list", labelled).stdout
    assert clip(labelled, "ep000001")["end_result"] == "fail" and "grade" not in clip(labelled, "ep000001")
    assert clip(labelled, "ep000001", "v1")["outcome"] == "fail" and clip(labelled, "ep000001", "v3")["grade"] == 1
    assert elidefs("query", labelled, "end_result=fail", "--count").stdout == "4\n"
    done = elidefs("import", labelled, tmp_path / "source", "--table", tmp_path / "import.csv")
    assert "nothing new" in done.stderr, "an import that says the old names changes nothing"
    for words, says in [(["rename", labelled, "nothing", "x"], "there is no attribute 'nothing'"),
                        (["rename", labelled, "end_result", "event"], "event"),
                        (["drop", labelled], "attribute drop: expected DATASET ATTRIBUTE"),
                        (["paint", labelled], "there is no 'paint': expected list DATASET [PATH] | rename")]:
        done = elidefs("attribute", *words, check=False)
        assert done.returncode in (1, 2) and says in told(done)[0]
    annotate(labelled, "key,grade\nep000001,high\n")
    assert clip(labelled, "ep000001")["grade"] == "high"


def test_two_names_that_an_attribute_had_are_two_attributes_to_an_import(labelled, tmp_path):
    elidefs("attribute", "rename", labelled, "grade", "mark")
    elidefs("attribute", "rename", labelled, "mark", "score")
    elidefs("import", labelled, tmp_path / "source", "--set", "grade=7", "--set", "mark=8")
    found = clip(labelled, "ep000003")
    assert found["score"] == 7 and found["mark"] == 8
    annotate(labelled, "key,more\nep000003,1\n")
    assert clip(labelled, "ep000003")["more"] == 1


def stream(dataset, lines, versions):
    """What `annotate --every` commits of lines that come one version apart."""
    command = [ELIDEFS, "annotate", dataset, "-", "--by", "net-7", "--every", "100ms"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as annotating:
        for line, version in zip(lines, versions):
            annotating.stdin.write(line + "\n")
            annotating.stdin.flush()
            assert annotating.stdout.readline() == version + "\n"
        annotating.stdin.close()
    assert annotating.returncode == 0


def test_events_of_a_stream_add_up_over_its_versions(labelled):
    lines = ['{"key":"ep000001","label":"grasp","start":0,"end":1}', '{"key":"ep000001","label":"grasp","start":5,"end":6}',
             '{"key":"ep000002","label":"grasp","start":7,"end":8}', '{"key":"ep000001","label":"lift","start":8,"end":9}']
    stream(labelled, lines, ["v2", "v3", "v4", "v5"])
    events = [(event["label"], event["start"]) for event in clip(labelled, "ep000001")["event"]]
    assert sorted(events) == [("grasp", 0), ("grasp", 5), ("lift", 8)]


def test_a_column_that_comes_late_in_a_stream_has_the_type_that_it_has(labelled):
    lines = ['{"key":"ep000001","a":1}', '{"key":"ep000001","grade2":2}']
    stream(labelled, lines, ["v2", "v3"])
    annotate(labelled, '{"key":"ep000002","a":1}\n{"key":"ep000002","grade2":2}\n', "--by", "net-7", "--every", "1h")
    assert clip(labelled, "ep000002")["grade2"] == 2
    assert "grade2" in elidefs("attribute", "list", labelled).stdout and "[]" not in elidefs("attribute", "list", labelled).stdout


def test_a_table_without_rows_or_key_says_so(labelled):
    done = annotate(labelled, "key,score\n")
    assert done.stdout == "v1\n" and "the table has no rows" in done.stderr
    assert refused(labelled, "foo,bar\n") == (
        "standard input: line 1: there is neither a column 'key' nor 'episode_index', but 'foo', 'bar'")


def test_a_new_attribute_that_is_nearly_called_as_another_is_said(labelled, tmp_path):
    done = elidefs("annotate", labelled, "-", "--by", "anna", input="key,Outcome,outcom,colour\nep000000,a,b,c\n")
    assert [line for line in done.stderr.splitlines() if line.startswith("note: ")] == [
        "note: 'Outcome' is a new attribute: did you mean 'outcome'?", "note: 'outcom' is a new attribute: did you mean 'outcome'?"]
    assert "note" not in elidefs("annotate", labelled, "-", "--by", "anna", input="key,outcom\nep000001,b\n").stderr
    assert "note" not in elidefs("annotate", labelled, "-", "--by", "net", "--suffix", "s", input="key,outcome\nep000001,b\n").stderr
