# SPDX-License-Identifier: Apache-2.0
"""Labels from CSV, JSON Lines and Parquet, in files and through a pipe; forced types; renamed streams."""
import json
import os
import re
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ELIDEFS, SAMPLE, elidefs, mounted
from test_bad_input import refused

ROWS = [{"key": "a", "outcome": "fail", "score": 0.5, "tags": ["x", "y"], "ok": True, "n": 1, "code": "007"},
        {"key": "b", "outcome": "success", "score": None, "tags": [], "ok": False, "n": 2, "code": "7"},
        {"key": "c", "outcome": "success", "score": 2.0, "tags": ["y"], "ok": None, "n": 3, "code": "x"}]


def csv_cell(value):
    if value is None or value == []:
        return ""
    return ";".join(value) if isinstance(value, list) else json.dumps(value) if isinstance(value, bool) else str(value)


def write(path, rows):
    if path.suffix == ".csv":
        lines = [rows[0]] + [{name: csv_cell(value) for name, value in row.items()} for row in rows]
        path.write_text("".join(",".join(line) + "\n" for line in [lines[0], *(line.values() for line in lines[1:])]))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def said(rows):
    """What the mount says of these rows: nothing of what is missing."""
    return [{name: value for name, value in row.items() if value is not None and value != []} for row in rows]


def found(dataset, path="v1"):
    clips = map(json.loads, elidefs("query", dataset, path, "--json").stdout.splitlines())
    return [{name: value for name, value in clip.items() if name != "files"} for clip in clips]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    for key in "abc":
        (folder / f"{key}.bin").write_bytes(key.encode() * 100)
    return folder


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_table_says_the_same_in_every_format(dataset, source, tmp_path, suffix):
    table = write(tmp_path / f"labels.{suffix}", ROWS)
    elidefs("import", dataset, source, "--table", table, "--multi", "tags")
    assert found(dataset) == said(ROWS)
    assert elidefs("query", dataset, "v1/score.gt=1/tags=y").stdout == "c\n"


@pytest.mark.parametrize("suffix, separator", [("tsv", "\t"), ("csv", "\t"), ("csv", ";"), ("txt", ";")])
def test_a_spreadsheet_has_semicolons_or_tabs(dataset, source, tmp_path, suffix, separator):
    table = tmp_path / f"labels.{suffix}"
    table.write_text("\ufeff" + "".join(separator.join(line) + "\r\n" for line in (["key", "n", "say"], ["a", "1", "x,y"])))
    elidefs("import", dataset, source, "--table", table)
    assert found(dataset)[0] == {"key": "a", "n": 1, "say": "x,y"}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_table_comes_through_a_pipe(dataset, source, tmp_path, suffix):
    table = write(tmp_path / f"labels.{suffix}", ROWS)
    with open(table, "rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
        elidefs("import", dataset, source, "--table", "-", "--multi", "tags", stdin=cat.stdout)
    assert found(dataset) == said(ROWS)


def test_rows_join_on_the_episode_too(dataset, tmp_path):
    table = write(tmp_path / "scores.parquet", [{"episode_index": i, "grade": i / 4} for i in (3, 0, 7)])
    elidefs("import", dataset, SAMPLE, "--table", table)
    assert elidefs("query", dataset, "v1/grade.ge=0.75").stdout == "ep000003\nep000007\n"


def test_a_type_can_be_forced(dataset, source, tmp_path):
    (source / "a.json").write_text('{"mass": 3, "mixed": "light"}')
    (source / "b.json").write_text('{"mass": 4.5, "mixed": 7}')
    table = write(tmp_path / "labels.csv", [{"key": "a", "code": "1", "took": "2"}, {"key": "b", "code": "2", "took": "3"}])
    elidefs("import", dataset, source, "--table", table, "--set", "batch=12", "--type", "code=text",
            "--type", "took=duration", "--type", "batch=text", "--type", "mass=text", "--type", "mixed=text")
    assert found(dataset)[:2] == [
        {"key": "a", "batch": "12", "code": "1", "mass": "3", "mixed": "light", "took": 2},
        {"key": "b", "batch": "12", "code": "2", "mass": "4.5", "mixed": "7", "took": 3}]
    assert elidefs("query", dataset, "v1/took.gt=2500ms").stdout == "b\n"


@pytest.mark.parametrize("types, says", [
    (["n=txt"], ["--type 'n=txt'", "'txt' is no type", "boolean, integer"]),
    (["n"], ["--type 'n'", "NAME=TYPE"]),
    (["m=text"], ["--type 'm=text'", "no clip has"]),
    (["n=int"], ["labels.csv: line 3: column 'n': 'many' is not an integer"]),
    (["n=text", "n=int"], ["'n'", "is text and that it is integer"]),
])
def test_a_type_that_does_not_fit(dataset, source, tmp_path, types, says):
    table = write(tmp_path / "labels.csv", [{"key": "a", "n": "3"}, {"key": "b", "n": "many"}])
    refused(dataset, source, "--table", table, *(word for one in types for word in ("--type", one)), says=says)


@pytest.mark.parametrize("name, content, says", [
    ("t.jsonl", '{"key":"a","n":1}\n{"key":"b","n":"x"}\n', ["t.jsonl: line 2: column 'n': 'x' is text here", "integer"]),
    ("t.jsonl", '{"key":"a"}\n{"key":"z"}\n', ["t.jsonl: line 2", "no clip 'z'"]),
    ("t.jsonl", '{"key":"a"}\n{"key":\n', ["t.jsonl: line 2: column 9: not valid JSON"]),
    ("t.jsonl", '{"n":1}\n', ["t.jsonl: line 1", "'key'"]),
    ("t.jsonl", '{"key":"a","pose":{"x":1}}\n', ["t.jsonl: line 1: column 'pose'", "an object"]),
    ("t.parquet", "PAR1 but no more", ["t.parquet", "not finished"]),
    ("t", '{"key":"a","n":[1]}\n{"key":"b","n":1}\n', ["t: line 2: column 'n'", "'1' is integer here", "is list"]),
    ("t.json", '[{"key":"a"}]', ["t.json: it is one JSON array", "`jq -c '.[]' FILE` can be piped into -"]),
    ("t.xlsx", "PK\3\4 and more", ["t.xlsx: it is a ZIP archive, as spreadsheets are", "save the sheet as CSV in UTF-8"]),
    ("t.csv", ",key,n\n0,a,1\n", ["t.csv: line 1: column 1 has no name (if it is an index of pandas: to_csv(index=False))"]),
])
def test_a_table_that_does_not_add_up(dataset, source, tmp_path, name, content, says):
    (tmp_path / name).write_text(content)
    refused(dataset, source, "--table", tmp_path / name, says=says)


def test_a_source_that_is_a_file_and_no_manifest(dataset, tmp_path):
    (tmp_path / "labels.xlsx").write_bytes(b"PK\3\4")
    done = elidefs("import", dataset, tmp_path / "labels.xlsx", check=False)
    assert done.stderr == (f"elidefs: {tmp_path}/labels.xlsx: a file, but a source is a folder, a bucket prefix or a manifest "
                           "(.jsonl, .csv, .tsv, .parquet)\n")


def test_a_row_of_parquet_that_does_not_add_up(dataset, source, tmp_path):
    table = write(tmp_path / "t.parquet", [{"key": "a", "n": 1}, {"key": "a", "n": 2}])
    refused(dataset, source, "--table", table, says=["t.parquet: row 2: the clip 'a' stands there a second time, first on row 1"])


def names(dataset, key):
    return sorted(found_files(dataset)[key])


def found_files(dataset):
    return {clip["key"]: clip["files"] for clip in map(json.loads, elidefs("query", dataset, "v1", "--json").stdout.splitlines())}


def test_streams_are_renamed(dataset, tmp_path):
    elidefs("import", dataset, SAMPLE, "--stream", "observation.images.top=overhead", "--stream", "wrist_right=top",
            "--stream", "state=rows")
    assert names(dataset, "ep000000") == ["ep000000.json", "ep000000.overhead.mp4", "ep000000.rows.parquet", "ep000000.top.mp4"]


def test_streams_of_files_are_renamed(dataset, tmp_path):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "cam.0.bin").write_bytes(b"0")
    (folder / "log.bin").write_bytes(b"1")
    elidefs("import", dataset, tmp_path / "runs", "--stream", "cam.0=front", "--stream", "log=cam.0")
    assert names(dataset, "one") == ["one.cam%2E0.bin", "one.front.bin", "one.json"]


@pytest.mark.parametrize("streams, says", [
    (["top=wrist_right"], ["episode 0", "two", "wrist_right.mp4"]),
    (["observation.images.top=x", "observation.images.wrist_right=x"], ["would both be called 'x'"]),
    (["tpo=x"], ["--stream 'tpo=x'", "no stream", "top, wrist_right, state"]),
    (["top=x", "top=y"], ["--stream 'top=y'", "already"]),
    (["top"], ["--stream 'top'", "OLD=NEW"]),
    (["top=" + "x" * 300], ["313 bytes"]),
])
def test_streams_that_cannot_be_renamed(dataset, streams, says):
    refused(dataset, SAMPLE, *(word for one in streams for word in ("--stream", one)), says=says)


# ---- a table after another ----


def grades(dataset, path="latest"):
    return {clip["key"]: clip.get("grade") for clip in found(dataset, path)}


def notes(done):
    return [line for line in done.stderr.splitlines() if line.startswith("note: ") and "versioned" not in line]


def test_a_table_of_new_rows_leaves_the_labels_of_the_others(dataset, source, tmp_path):
    elidefs("import", dataset, source, "--table", write(tmp_path / "monday.csv", [{"key": "a", "grade": 3}, {"key": "b", "grade": 4}]))
    (source / "d.bin").write_bytes(b"new")
    done = elidefs("import", dataset, source, "--table", write(tmp_path / "tuesday.csv", [{"key": "d", "grade": 5}]))
    assert grades(dataset) == {"a": 3, "b": 4, "c": None, "d": 5}
    assert notes(done) == ["note: 2 clips without a row in a table: what earlier imports said stays (an empty field takes it back)"]
    elidefs("import", dataset, source)
    assert grades(dataset) == {"a": 3, "b": 4, "c": None, "d": 5}


def test_an_empty_field_takes_a_label_back_and_a_row_that_is_gone_does_not(dataset, source, tmp_path):
    table = write(tmp_path / "labels.csv", [{"key": key, "grade": 3, "arm": "left"} for key in "abc"])
    elidefs("import", dataset, source, "--table", table)
    elidefs("annotate", dataset, write(tmp_path / "annas.csv", [{"key": "c", "grade": 1}]), "--by", "anna", "--overwrite")
    table.write_text("key,grade,arm\nb,,left\nc,,\n")
    done = elidefs("import", dataset, source, "--table", table)
    assert grades(dataset) == {"a": 3, "b": None, "c": 1}
    assert notes(done) == [
        "note: takes 2 values of 2 clips back, set by an import in v1: the source, or their row in a table, has none now",
        "note: 1 clip without a row in a table: what earlier imports said stays (an empty field takes it back)"]
    table.write_text("key,grade,arm\na,,left\n")  # a column of empty fields speaks as well
    done = elidefs("import", dataset, source, "--table", table)
    assert grades(dataset) == {"a": None, "b": None, "c": 1}
    done = elidefs("import", dataset, source, "--table", table)
    assert done.stdout == "v4\n" and "nothing new" in done.stderr


def test_what_a_source_no_longer_says_is_taken_back_with_a_note(dataset, source):
    (source / "d.json").write_text('{"grade": 3, "arm": "left"}')
    (source / "e.json").write_text('{"grade": 4}')
    elidefs("import", dataset, source)
    (source / "d.json").write_text('{"arm": "left"}')
    (source / "e.json").write_text('{"grade": 5}')
    done = elidefs("import", dataset, source)
    assert grades(dataset) == {"a": None, "b": None, "c": None, "d": None, "e": 5}
    assert notes(done) == ["note: takes 1 value of 1 clip back, set by an import in v1: the source, or their row in a table, has none now"]


# ---- what is no number ----


def test_nan_among_numbers_is_no_value_and_counted(dataset, source, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("key,score,n,name,only\na,0.5,1,nan,NaN\nb,nan,,Anna,nan\nc,NaN,2,Bob,\n")
    done = elidefs("import", dataset, source, "--table", table)
    assert found(dataset) == [{"key": "a", "n": 1, "name": "nan", "score": 0.5}, {"key": "b", "name": "Anna"},
                              {"key": "c", "n": 2, "name": "Bob"}]
    assert notes(done) == [f"note: {table}: column 'score': nan is no value: line 3 (and 1 more)",
                           f"note: {table}: column 'only': NaN is no value: line 2 (and 1 more)"]
    table.write_text("key,score\na,nan\n")
    elidefs("import", dataset, source, "--table", table)
    assert "score" not in found(dataset, "v2")[0]
    table.write_text("key,score,other\nb,nan,1\nc,2,nan\n")
    done = elidefs("annotate", dataset, table, "--by", "anna")
    assert [(clip.get("score"), clip.get("other")) for clip in found(dataset, "v3")] == [(None, None), (None, 1), (2, None)]
    assert f"note: {table}: column 'score': nan is no value: line 2\n" in done.stderr


def test_a_word_that_makes_text_of_numbers_is_named(dataset, source, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("key,n\na,1\nb,n/a\nc,2\n")
    says = (f"note: {table}: column 'n' is text, since not all in it are numbers (for numbers: correct or empty those fields, "
            "`elidefs attribute drop DATASET n`, `elidefs annotate DATASET TABLE`): 'n/a' on line 3")
    assert notes(elidefs("import", dataset, source, "--table", table, "--dry-run")) == [says]
    refused(dataset, source, "--table", table, "--type", "n=number", says=[f"{table}: line 3: column 'n': 'n/a' is not a"])
    assert notes(elidefs("import", dataset, source, "--table", table)) == [says]
    assert [clip["n"] for clip in found(dataset)] == ["1", "n/a", "2"]
    table.write_text("key,m\na,1\nb,null\nc,None\n")
    assert "column 'm' is text" in elidefs("annotate", dataset, table, "--by", "anna").stderr
    table.write_text("key,m\na,1\nb,2\nc,NA\n")
    assert "is text" not in elidefs("annotate", dataset, table, "--by", "anna").stderr  # it is, and was


@pytest.mark.parametrize("how", ["import", "annotate"])
def test_numbers_that_became_text_become_numbers_as_the_note_says(dataset, source, tmp_path, how):
    elidefs("import", dataset, source)
    table = tmp_path / "t.csv"
    table.write_text("key,n\na,1\nb,n/a\nc,1700000000123456789\n")
    done = annotate_or_import(dataset, source, how, table)
    assert [clip["n"] for clip in found(dataset, "latest")] == ["1", "n/a", "1700000000123456789"]
    table.write_text(table.read_text().replace("n/a", ""))
    typed = re.findall("`elidefs ([^`]*)`", done.stderr)
    assert len(typed) == 2
    for words in typed:
        elidefs(*[{"DATASET": dataset, "TABLE": table}.get(word, word) for word in words.split()])
    assert [clip.get("n") for clip in found(dataset, "latest")] == [1, None, 1700000000123456789]
    assert elidefs("query", dataset, "latest/n.gt=1").stdout == "c\n"
    elidefs("import", dataset, source, "--table", table)
    assert [clip.get("n") for clip in found(dataset, "latest")] == [1, None, 1700000000123456789]


def test_a_column_whose_name_changes_is_said(dataset, source, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("key,pick/force,n\na,1,2\n")
    assert notes(elidefs("import", dataset, source, "--table", table)) == [
        f"note: {table}: an attribute cannot be called what its column is: 'pick/force' is 'pick_force'"]
    table.write_text("key,pick.force,n\na,1,2\n")
    done = elidefs("annotate", dataset, table, "--by", "net", "--suffix", "_net")
    assert notes(done) == [
        f"note: {table}: an attribute cannot be called what its column is: 'pick.force_net' is 'pick_force_net'"]


# ---- what a column's texts become ----


def attributes(dataset, path="latest"):
    return found(dataset, path)[0]


@pytest.mark.parametrize("name, separator", [("t.csv", ","), ("t.tsv", "\t")])
def test_integers_of_64_bits_infinity_and_spelled_booleans(dataset, source, tmp_path, name, separator):
    table = tmp_path / name
    table.write_text("key,clock,x,ok\na,1700000000123456789,inf,True\nb,-9223372036854775808,1,FALSE\nc,9223372036854775807,,nan\n"
                     .replace(",", separator))
    done = elidefs("import", dataset, source, "--table", table)
    lines = elidefs("query", dataset, "v1", "--json").stdout.splitlines()
    assert '"clock":1700000000123456789,' in lines[0] and '"ok":true,"x":null' in lines[0]
    assert '"clock":-9223372036854775808,' in lines[1] and '"ok":false,"x":1,' in lines[1]
    assert '"clock":9223372036854775807' in lines[2] and '"ok"' not in lines[2] and '"x"' not in lines[2]
    assert notes(done) == [f"note: {table}: column 'ok': nan is no value: line 4"]
    for path, keys in [("clock=1700000000123456789", "a"), ("clock.gt=1700000000123456788", "ac"), ("clock.gt=1700000000123456789", "c"),
                       ("clock.rng=1700000000123456789..9223372036854775806", "a"), ("clock.lt=-9223372036854775807", "b"),
                       ("x.gt=1", "a"), ("x=inf", "a"), ("ok=True", "a")]:
        assert elidefs("query", dataset, f"v1/{path}").stdout.split() == list(keys), path
    assert elidefs("query", dataset, "v1/clock=1700000000123456788", check=False).returncode != 0
    assert "clock=1700000000123456789 " in elidefs("blame", dataset, "a").stdout
    table.write_text(table.read_text().replace("456789", "456790"))
    elidefs("import", dataset, source, "--table", table)
    assert "clock: 1700000000123456789 -> 1700000000123456790" in elidefs("diff", dataset, "v1", "v2").stdout


@pytest.mark.parametrize("cells, shown", [
    (["1", "18446744073709551615", "3"], "'18446744073709551615' on line 3"),
    (["0.5", "9007199254740993", "3"], "'9007199254740993' on line 3"),
])
def test_what_no_number_holds_exactly_is_text_and_said(dataset, source, tmp_path, cells, shown):
    table = write(tmp_path / "t.csv", [{"key": key, "n": cell} for key, cell in zip("abc", cells)])
    done = elidefs("import", dataset, source, "--table", table)
    assert notes(done) == [f"note: {table}: column 'n' is text, since no number holds all in it exactly: {shown}"]
    assert [clip["n"] for clip in found(dataset)] == cells


def test_an_integer_beyond_64_bits_in_json_is_refused(dataset, source, tmp_path):
    (tmp_path / "t.jsonl").write_text('{"key":"a","n":18446744073709551615}\n')
    refused(dataset, source, "--table", tmp_path / "t.jsonl", says=["t.jsonl: line 1", "an integer beyond int64 (a text keeps it)"])


def annotate_or_import(dataset, source, how, table, *words):
    command = ("annotate", dataset, table, "--overwrite") if how == "annotate" else ("import", dataset, source, "--table", table)
    return elidefs(*command, *words, check=False)


@pytest.mark.parametrize("how", ["import", "annotate"])
def test_the_type_in_the_data_set_comes_first(dataset, source, tmp_path, how):
    table = write(tmp_path / "t.csv", [{"key": "a", "serial": "007", "mass": "0.5", "ok": "true", "n": "1", "took": "2s"},
                                       {"key": "b", "serial": "x1", "mass": "2", "ok": "false", "n": "2", "took": "3s"}])
    elidefs("import", dataset, source, "--table", table)
    table.write_text("key,serial,mass,ok,n,took\na,12,3,TRUE,nan,4\n")
    done = annotate_or_import(dataset, source, how, table)
    assert done.returncode == 0, done.stderr
    said_now = {"key": "a", "serial": "12", "mass": 3.0, "ok": True, "took": 4.0}
    assert attributes(dataset) == (said_now if how == "import" else {**said_now, "n": 1})
    assert f"note: {table}: column 'n': nan is no value: line 2\n" in done.stderr
    table.write_text('{"key":"b","serial":"12","mass":3,"took":"5s"}\n')
    (tmp_path / "t.jsonl").write_text(table.read_text())
    assert annotate_or_import(dataset, source, how, tmp_path / "t.jsonl").returncode == 0
    assert {**found(dataset, "latest")[1], "n": 0, "ok": 0} == {"key": "b", "serial": "12", "mass": 3.0, "took": 5.0, "n": 0, "ok": 0}


def test_the_type_in_the_data_set_comes_first_in_set_and_in_manifests(dataset, source, tmp_path):
    elidefs("import", dataset, source, "--set", "serial=007", "--set", "ok=True", "--set", "n=5")
    elidefs("import", dataset, source, "--set", "serial=12", "--set", "ok=FALSE", "--set", "n=1700000000123456789")
    assert attributes(dataset) == {"key": "a", "n": 1700000000123456789, "ok": False, "serial": "12"}
    manifest = tmp_path / "more.csv"
    (tmp_path / "d.bin").write_bytes(b"d")
    manifest.write_text("key,front.url,serial,ok\nd,d.bin,13,TRUE\n")
    elidefs("import", dataset, manifest)
    assert found(dataset, "latest")[3] == {"key": "d", "ok": True, "serial": "13"}


def test_a_mount_says_integers_of_64_bits_exactly(dataset, source, tmp_path):
    table = write(tmp_path / "t.csv", [{"key": "a", "clock": "1700000000123456789"}, {"key": "b", "clock": "-9007199254740993"}])
    elidefs("import", dataset, source, "--table", table)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        found = point / "v1/clock.gt=1700000000123456788"
        assert sorted(path.name for path in found.iterdir()) == ["a.bin", "a.json"]
        assert os.getxattr(found / "a.bin", "user.clock") == b"1700000000123456789"
        assert (found / "a.json").read_text() == '{"key":"a","clock":1700000000123456789}\n'
        assert '"clock":1700000000123456789,' in (found / ".elidefs/manifest.jsonl").read_text()


def remedy(stderr):
    """The words that a message says to type."""
    options = re.findall(r"(--type) '([^']*)'", stderr)
    assert options, stderr
    return [word for option in options[:1] for word in option]


@pytest.mark.parametrize("how", ["import", "annotate"])
@pytest.mark.parametrize("before, now, becomes", [
    ("1", "007", "007"), ("1", "many", "many"), ("1", "18446744073709551615", "18446744073709551615"),
    ("0.5", "9007199254740993", "9007199254740993"), ("9007199254740993", "0.5", "0.5"), ("true", "1", "1"),
    ("2026-03-01", "today", "today"), ("2s", "long", "long"),
])
def test_what_does_not_fit_is_told_with_words_that_work_and_lose_nothing(dataset, source, tmp_path, how, before, now, becomes):
    table = write(tmp_path / "t.csv", [{"key": key, "n": before} for key in "abc"])
    elidefs("import", dataset, source, "--table", table)
    table.write_text(f"key,n\nb,{now}\n")
    done = annotate_or_import(dataset, source, how, table)
    assert done.returncode == 1 and "'n'" in done.stderr
    assert elidefs("log", dataset).stdout.count("\n") == 1
    assert annotate_or_import(dataset, source, how, table, *remedy(done.stderr)).returncode == 0
    was = {"2026-03-01": "2026-03-01T00:00:00Z", "2s": "2"}.get(before, before)
    assert [clip["n"] for clip in found(dataset, "latest")] == [was, becomes, was]


def test_leading_zeros_come_back_from_the_table_that_has_them(dataset, source, tmp_path):
    table = write(tmp_path / "t.csv", [{"key": "a", "n": "007"}, {"key": "b", "n": "10"}])
    elidefs("import", dataset, source, "--table", table, "--type", "n=int")
    assert [clip.get("n") for clip in found(dataset)] == [7, 10, None]
    done = elidefs("import", dataset, source, "--table", table, check=False)
    assert "t.csv: line 2: column 'n': '007' has leading zeros" in done.stderr
    elidefs("import", dataset, source, "--table", table, *remedy(done.stderr))
    assert [clip.get("n") for clip in found(dataset, "latest")] == ["007", "10", None]


@pytest.mark.parametrize("how", ["import", "annotate"])
@pytest.mark.parametrize("before, now, becomes", [("word", "5", "5"), ("word", "true", "true"), ("5", '"007"', "007"), ("true", "1", "1")])
def test_words_that_work_for_json(dataset, source, tmp_path, how, before, now, becomes):
    elidefs("import", dataset, source, "--set", f"n={before}")
    table = tmp_path / "t.jsonl"
    table.write_text(f'{{"key":"a","n":{now}}}\n')
    done = annotate_or_import(dataset, source, how, table)
    assert done.returncode == 1 and f"{table}: line 1: column 'n'" in done.stderr
    assert annotate_or_import(dataset, source, how, table, *remedy(done.stderr)).returncode == 0
    assert attributes(dataset)["n"] == becomes


def test_words_that_work_for_set_and_for_files_beside_a_clip(dataset, source):
    done = elidefs("import", dataset, source, "--set", "x=nan", check=False)
    assert "--set 'x=nan': that is no value" in done.stderr
    elidefs("import", dataset, source, "--set", "x=nan", *remedy(done.stderr))
    assert attributes(dataset)["x"] == "nan"
    (source / "a.json").write_text('{"x": 5}')
    done = elidefs("import", dataset, source, check=False)
    assert "attribute 'x' is integer here ('5') and text in the data set" in done.stderr
    elidefs("import", dataset, source, *remedy(done.stderr))
    assert attributes(dataset)["x"] == "5"


def test_a_quoted_empty_field_is_a_text_and_an_empty_one_is_none(dataset, source, tmp_path):
    (tmp_path / "t.csv").write_text('key,say\na,""\nb,\nc,x\n')
    elidefs("import", dataset, source, "--table", tmp_path / "t.csv")
    assert found(dataset) == [{"key": "a", "say": ""}, {"key": "b"}, {"key": "c", "say": "x"}]


def test_the_type_of_an_attribute_that_has_another_name_now_comes_first_too(dataset, source, tmp_path):
    table = write(tmp_path / "t.csv", [{"key": "a", "serial": "007", "n": "1"}])
    elidefs("import", dataset, source, "--table", table)
    elidefs("attribute", "rename", dataset, "serial", "number_plate")
    elidefs("attribute", "rename", dataset, "n", "m")
    table.write_text("key,serial,n\na,12,many\n")
    done = elidefs("import", dataset, source, "--table", table, check=False)
    assert "column 'n': 'many' is not an integer" in done.stderr
    elidefs("import", dataset, source, "--table", table, *remedy(done.stderr))
    assert attributes(dataset) == {"key": "a", "m": "many", "number_plate": "12"}


# ---- Parquet as others write it ----

def import_table(dataset, source, table, *columns):
    """What is said on standard error, and the clips, without their files; columns: only these."""
    done = elidefs("import", dataset, source, "--table", table)
    return done.stderr, [{name: clip[name] for name in clip if not columns or name in columns} for clip in found(dataset)]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_parquet_of_every_compression_is_read(dataset, source, tmp_path, codec, version):
    rows = [{"key": key, "text": f"text {key}", "n": i * 10**12, "x": i / 4, "ok": i == 1} for i, key in enumerate("abc")]
    encodings = {"key": "DELTA_BYTE_ARRAY", "text": "DELTA_LENGTH_BYTE_ARRAY", "n": "DELTA_BINARY_PACKED", "x": "BYTE_STREAM_SPLIT"}
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet", compression=codec, data_page_version=version,
                   use_dictionary=False, column_encoding=encodings)
    said_, got = import_table(dataset, source, tmp_path / "t.parquet")
    assert "left out" not in said_ and got == rows


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_decimals_are_numbers_and_it_is_counted_where_digits_are_lost(dataset, source, tmp_path, version):
    duckdb = pytest.importorskip("duckdb")
    duckdb.sql(f"""copy (select chr((97 + i)::int) as key, cast(i * 1.25 - 1 as decimal(9, 2)) as grade, cast(i as decimal(18, 0)) as n,
        cast('9007199254740993' as decimal(38, 0)) + i as big, cast('12345678901234567890123' as decimal(38, 0)) + i as huge,
        cast(i as decimal(38, 20)) + cast('0.12345678901234567891' as decimal(38, 20)) as fine from range(3) t(i))
        to '{tmp_path}/t.parquet' (format parquet, parquet_version {version})""")
    said_, got = import_table(dataset, source, tmp_path / "t.parquet")
    assert got == [{"key": key, "grade": i * 1.25 - 1, "n": i, "big": 9007199254740993 + i, "huge": 12345678901234567890123.0,
                    "fine": i + 0.12345678901234568} for i, key in enumerate("abc")]
    for column, example in (("huge", "row 1: 12345678901234567890123"), ("fine", "row 1: 0.12345678901234567891")):
        assert f"column '{column}': a decimal was rounded to the nearest float: {example} (and 2 more)" in said_, said_
    assert said_.count("rounded") == 2


UNFIT = {  # each with a part of the reason
    "map": ("it holds structs, maps", pa.array([[("k", 1)]] * 3, pa.map_(pa.string(), pa.int32()))),
    "blob": ("row 2: column 'blob': ", pa.array([b"a", b"\xff\x00", b"c"])),
    "far": ("row 3: column 'far': the day 2932896 ", pa.array([0, None, 2932896], pa.date32())),
    "when": ("outside the range of int64 nanoseconds", pa.array([0, 1, 2**60], pa.timestamp("us"))),
    "large": ("outside the range of int64", pa.array([0, 1, 2**64 - 1], pa.uint64())),
}


@pytest.mark.parametrize("column", UNFIT)
def test_a_column_that_cannot_be_values_costs_itself_only_and_says_why(dataset, source, tmp_path, column):
    reason, values = UNFIT[column]
    pq.write_table(pa.table({"key": list("abc"), column: values, "n": [1, 2, 3]}), tmp_path / "t.parquet")
    said_, got = import_table(dataset, source, tmp_path / "t.parquet")
    assert got == [{"key": key, "n": i + 1} for i, key in enumerate("abc")]
    line = [line for line in said_.splitlines() if line.startswith("note: ") and "left out" in line]
    assert len(line) == 1 and f"t.parquet: the column '{column}' was left out: " in line[0] and reason in line[0], said_
    done = elidefs("annotate", dataset, tmp_path / "t.parquet", "--by", "me")
    assert f"the column '{column}' was left out: " in done.stderr and reason in done.stderr


def test_a_column_that_is_needed_refuses_the_table_with_the_reason(dataset, source, tmp_path):
    pq.write_table(pa.table({"key": [{"a": 1}] * 3, "n": [1, 2, 3]}), tmp_path / "t.parquet")
    refused(dataset, source, "--table", tmp_path / "t.parquet", says=["t.parquet: column 'key': it holds structs, maps"])
    pq.write_table(pa.table({"key": list("abc"), "top.url": ["a.bin"] * 3, "top.start": [{"a": 1}] * 3}), tmp_path / "m.parquet")
    done = elidefs("import", dataset, tmp_path / "m.parquet", check=False)
    assert done.returncode == 1 and "m.parquet: column 'top.start': it holds structs, maps" in done.stderr


def test_a_damaged_page_of_a_table_costs_its_column_and_is_named(dataset, source, tmp_path):
    pq.write_table(pa.table({"key": list("abc"), "x": [1.5, 2.5, 3.5], "n": [1, 2, 3]}), tmp_path / "t.parquet",
                   write_page_checksum=True, use_dictionary=False)
    with pq.ParquetFile(tmp_path / "t.parquet") as file:
        chunk = file.metadata.row_group(0).column(1)
    data = bytearray((tmp_path / "t.parquet").read_bytes())
    data[chunk.data_page_offset + chunk.total_compressed_size - 1] ^= 1
    (tmp_path / "t.parquet").write_bytes(data)
    said_, got = import_table(dataset, source, tmp_path / "t.parquet")
    assert got == [{"key": key, "n": i + 1} for i, key in enumerate("abc")]
    assert "the column 'x' was left out: row group 0, column 'x': page 0: the page's checksum is" in said_, said_
