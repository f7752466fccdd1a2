# SPDX-License-Identifier: Apache-2.0
"""`catalog export`: the clips of a path as plain tables, which say what `query --json` and `blame` say."""
import contextlib
import json
import math
import os
import signal
import sqlite3
import struct
import subprocess
import sys

import duckdb
import pyarrow.parquet
import pytest

from conftest import ELIDEFS, SAMPLE, elidefs, mounted, run, wait_until

CLIPS = "abcdef"
VALUES = [
    {"key": "a", "arm": "left", "n": 1, "x": 0.5, "ok": True, "when": "2026-03-01T12:00:00Z", "long": "2.5s",
     "emb": [0.5, -1, None], "tags": ["wet", "dark"], "note": "it's \"ü\"\n"},
    {"key": "b", "arm": "right", "n": -9007199254740993, "x": 3.0, "ok": False, "when": "2026-03-01T12:00:00.25Z",
     "long": "1ns", "emb": [], "tags": ["wet"], "note": ""},
    {"key": "c", "arm": "left", "n": 7},
]


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def clips(dataset, tmp_path):
    """v1: clips a .. f; v2: values of every type by net; v3: events; v4: another arm for c; v5: without d."""
    source = tmp_path / "source"
    source.mkdir()
    for number, key in enumerate(CLIPS):
        (source / f"{key}.bin").write_bytes(key.encode() * (100 + number))
    (source / "a.txt").write_text("seen")
    elidefs("import", dataset, source)
    elidefs("annotate", dataset, "-", "--by", "net", "--type", "when=timestamp", "--type", "long=duration", input=jsonl(*VALUES))
    elidefs("annotate", dataset, "-", "--by", "anna", input="key,label,start,end\na,grasp,0.5,1.25\na,drop,2,2\nb,grasp,0,0.1\n")
    elidefs("annotate", dataset, "-", "--by", "anna", "--overwrite", input="key,arm\nc,right\n")
    elidefs("remove", dataset, "latest/d.bin", "-m", "bad")
    return dataset


def export(dataset, path, out):
    done = elidefs("catalog", "export", dataset, path, out)
    return done.stdout


def rows(out, table, order="rowid"):
    database = sqlite3.connect(f"file:{out}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    found = [dict(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY {order}")]
    database.close()
    return found


def as_in_json(row):
    if row["type"] == "boolean":
        assert row["value"] in (0, 1)
        return bool(row["value"])
    return json.loads(row["value"]) if row["type"] == "list" else row["value"]


def clip_of(out, key):
    """The clip as `query --json` prints it, but for its .json, made of the tables."""
    clip, several = {"key": key}, set()
    for row in rows(out, "attributes"):
        if row["key"] == key:
            several |= {row["name"]} if row["name"] in clip or row["name"] == "tags" else set()
            clip.setdefault(row["name"], []).append(as_in_json(row))
    clip |= {name: found if name in several else found[0] for name, found in clip.items() if name != "key"}
    events = [{"label": row["label"], "start": row["start_s"], "end": row["end_s"], "by": row["by"]}
              for row in rows(out, "events") if row["key"] == key]
    if events:
        clip["event"] = events
    clip["files"] = {row["file"]: row["size"] for row in rows(out, "streams") if row["key"] == key}
    return clip


def told_by_query(dataset, path):
    clips = [json.loads(line) for line in elidefs("query", dataset, path, "--json").stdout.splitlines()]
    for clip in clips:
        del clip["files"][clip["key"] + ".json"]
    return clips


@pytest.mark.parametrize("path, count", [("", 5), ("latest", 5), ("v1", 6), ("v2/arm=left", 2), ("v5/arm=left", 1),
                                         ("arm=right/n.lt=5", 1), ("v5/event=grasp", 2), ("v5/n.gt=100", 0),
                                         ("v5/@since=v3,arm", 1)])
def test_the_tables_say_what_query_says(clips, tmp_path, path, count):
    out = tmp_path / "out.db"
    assert export(clips, path, out).endswith(f": {count} clip{'s' * (count != 1)} in {out}\n")
    expected = told_by_query(clips, path)
    assert [row["key"] for row in rows(out, "clips")] == [clip["key"] for clip in expected] and len(expected) == count
    assert [clip_of(out, clip["key"]) for clip in expected] == expected
    for row, clip in zip(rows(out, "clips"), expected):
        assert (row["files"], row["bytes"]) == (len(clip["files"]), sum(clip["files"].values()))
    keys = {clip["key"] for clip in expected}
    assert all(row["key"] in keys for table in ("attributes", "streams", "events") for row in rows(out, table))
    assert os.listdir(tmp_path).count("out.db") == 1 and not list(tmp_path.glob("*.partial"))


def test_each_value_has_its_type_and_who_set_it_when(clips, tmp_path):
    out = tmp_path / "out.sqlite"
    export(clips, "v5", out)
    database = sqlite3.connect(out)
    found = database.execute("SELECT name, type, typeof(value), value, by, version FROM attributes WHERE key = 'b' ORDER BY name")
    assert found.fetchall() == [
        ("arm", "text", "text", "right", "net", 2), ("emb", "list", "text", "[]", "net", 2),
        ("long", "duration", "real", 1e-9, "net", 2), ("n", "integer", "integer", -9007199254740993, "net", 2),
        ("note", "text", "text", "", "net", 2), ("ok", "boolean", "integer", 0, "net", 2),
        ("tags", "text", "text", "wet", "net", 2), ("when", "timestamp", "text", "2026-03-01T12:00:00.25Z", "net", 2),
        ("x", "float", "real", 3.0, "net", 2)]
    assert database.execute("SELECT value, by, version FROM attributes WHERE key = 'c' AND name = 'arm'").fetchall() == [
        ("right", "anna", 4)]
    blamed = [json.loads(line) for line in elidefs("blame", clips, "a", "--json").stdout.splitlines()]
    told = [(row["attribute"], row["by"], row["version"]) for row in blamed if row["attribute"] != "event"]
    assert database.execute("SELECT name, by, version FROM attributes WHERE key = 'a'").fetchall() == told
    assert database.execute("SELECT label, start_s, end_s, by, version FROM events WHERE key = 'a'").fetchall() == [
        ("drop", 2, 2, "anna", 3), ("grasp", 0.5, 1.25, "anna", 3)]
    assert database.execute("SELECT name, ext, file, size, container, changed FROM streams WHERE key = 'a' ORDER BY ext").fetchall() == [
        ("", "bin", "a.bin", 100, None, 1), ("", "txt", "a.txt", 4, None, 1)]
    assert database.execute("SELECT object FROM streams WHERE key = 'b'").fetchall() == [(f"{tmp_path}/source/b.bin",)]
    both = ("SELECT key FROM clips JOIN attributes AS arm USING (key) JOIN events USING (key) "
            "WHERE arm.name = 'arm' AND arm.value = 'left' AND label = 'grasp'")
    assert database.execute(both).fetchall() == [("a",)]
    database.close()


def test_the_sample_has_its_times_containers_and_recordings(sample, tmp_path):
    out = tmp_path / "out.db"
    export(sample, "v1/arm=left", out)
    expected = told_by_query(sample, "v1/arm=left")
    assert len(expected) == 4 * 2 and [clip_of(out, clip["key"]) for clip in expected] == expected
    streams = rows(out, "streams")
    assert {(row["container"], row["ext"]) for row in streams} == {("mp4", "mp4"), ("parquet", "parquet")}
    for row in streams:
        assert row["object"].startswith(f"{SAMPLE}/") and os.path.exists(row["object"])
        assert row["changed"] == 1 and row["file"] == ".".join(filter(None, (row["key"], row["name"], row["ext"])))


def test_a_path_in_a_mount_and_a_file_mean_what_they_mean_to_query(clips, tmp_path):
    assert export(clips, "v2/arm=left/a.bin", tmp_path / "file.db").endswith(": 1 clip in " + f"{tmp_path}/file.db\n")
    assert [row["key"] for row in rows(tmp_path / "file.db", "clips")] == ["a"]
    with mounted(clips, tmp_path / "mnt", tmp_path / "cache") as point:
        done = elidefs("catalog", "export", point / "v2" / "arm=left", tmp_path / "mount.db")
    assert done.stdout == f"v2/arm=left: 2 clips in {tmp_path}/mount.db\n"
    assert [row["key"] for row in rows(tmp_path / "mount.db", "clips")] == ["a", "c"]


@pytest.mark.parametrize("path, out, says", [
    ("v1", "there.db", "there.db: File exists"), ("v1", "dangling.db", "dangling.db: File exists"),
    ("v1", "none/out.db", "No such file or directory"), ("v1", "file/out.db", "Not a directory"),
    ("v1", "out.parquet", "expected a name that ends in .db .sqlite .sqlite3"),
    ("v1", "out", "expected a name that ends in"), ("v9", "out.db", "no v9"), ("v1/nope=1", "out.db", "no attribute 'nope'")])
def test_what_cannot_be_written_is_refused_and_nothing_is_left(clips, tmp_path, path, out, says):
    (tmp_path / "there.db").write_text("mine")
    (tmp_path / "dangling.db").symlink_to("nowhere.db")
    (tmp_path / "file").touch()
    before = sorted(os.listdir(tmp_path))
    done = elidefs("catalog", "export", clips, path, tmp_path / out, check=False)
    assert done.returncode == 1 and done.stdout == "" and says in done.stderr.splitlines()[-1], done.stderr
    assert sorted(os.listdir(tmp_path)) == before and (tmp_path / "there.db").read_text() == "mine"


def test_a_disk_that_gets_full_says_so_and_keeps_nothing(clips, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or run("mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", disk, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        elidefs("annotate", clips, "-", input=jsonl({"key": "a", "essay": "long " * 10000}))
        done = elidefs("catalog", "export", clips, "", disk / "out.db", check=False)
        assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith(f"{disk}/out.db: No space left on device"), done.stderr
        assert os.listdir(disk) == []
    finally:
        run("umount", "-l", disk)


# ---- Parquet ----

TABLES = ("clips", "attributes", "streams", "events")


def as_in_sqlite(table, row):
    """A row of the Parquet table as the SQLite one has it, which keeps each value as what it is."""
    if table == "clips":
        for name in ("t0", "t1"):
            row[name] = row[name] and row[name].isoformat().replace("+00:00", "Z")
    if table == "attributes":
        number, integer = row.pop("number"), row.pop("integer")
        row["value"] = {"boolean": integer, "integer": integer, "float": number, "duration": number}.get(row["type"], row["value"])
    return row


def parquet_rows(folder, table):
    return pyarrow.parquet.read_table(folder / f"{table}.parquet").to_pylist()


def assert_same(dataset, path, tmp_path):
    """Both formats of a path hold the same rows in the same order; returns the folder."""
    export(dataset, path, tmp_path / "same.db")
    export(dataset, path, f"{tmp_path}/same/")
    assert sorted(os.listdir(tmp_path / "same")) == sorted(f"{table}.parquet" for table in TABLES)
    for table in TABLES:
        expected = rows(tmp_path / "same.db", table)
        assert [as_in_sqlite(table, row) for row in parquet_rows(tmp_path / "same", table)] == expected, table
        assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/same/{table}.parquet'").fetchone() == (len(expected),)
    assert not list(tmp_path.glob("*.partial"))
    return tmp_path / "same"


@pytest.mark.parametrize("path", ["", "v1", "v2/arm=left", "v5/event=grasp", "v5/n.gt=100", "v2/arm=left/a.bin"])
def test_a_folder_of_parquet_files_says_what_the_sqlite_file_says(clips, tmp_path, path):
    assert_same(clips, path, tmp_path)


def test_containers_and_recordings_of_the_sample_are_the_same_in_parquet(sample, tmp_path):
    folder = assert_same(sample, "v1", tmp_path)
    joined = duckdb.sql(f"SELECT count(DISTINCT s.object) FROM '{folder}/streams.parquet' s JOIN '{folder}/attributes.parquet' a "
                        "USING (key) WHERE a.name = 'length' AND a.integer > 100 AND s.ext = 'mp4'").fetchone()
    assert joined[0] >= 1


def test_each_value_is_text_a_number_and_an_integer_where_it_is_one(clips, tmp_path):
    export(clips, "v5", f"{tmp_path}/out/")
    found = duckdb.sql(f"SELECT name, value, number, integer FROM '{tmp_path}/out/attributes.parquet' WHERE key = 'b' ORDER BY name")
    assert found.fetchall() == [
        ("arm", "right", None, None), ("emb", "[]", None, None), ("long", "0.000000001", 1e-9, None),
        ("n", "-9007199254740993", -9007199254740992.0, -9007199254740993), ("note", "", None, None), ("ok", "0", 0.0, 0),
        ("tags", "wet", None, None), ("when", "2026-03-01T12:00:00.25Z", None, None), ("x", "3", 3.0, None)]
    schema = pyarrow.parquet.read_schema(tmp_path / "out" / "clips.parquet")
    assert [str(schema.field(name).type) for name in schema.names] == ["string", "timestamp[ns, tz=UTC]", "timestamp[ns, tz=UTC]", "int64", "int64"]


def test_numbers_at_their_limits_long_texts_and_any_letters_come_out_as_they_are(dataset, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for key in ("a", "ü🦀"):
        (source / f"{key}.bin").write_bytes(b"1")
    elidefs("import", dataset, source)
    values = [{"key": "a", "n": -2**63, "x": 1.7976931348623157e308, "t": "x" * 65536, "d": "9223372036.854775807s"},
              {"key": "ü🦀", "n": 2**63 - 1, "x": 5e-324, "t": "\té🦀\\\"'\n", "d": "1ns"}]
    elidefs("annotate", dataset, "-", "--type", "d=duration", "--type", "x=float", input=jsonl(*values))
    elidefs("annotate", dataset, "-", "--type", "inf=float", input="key,inf\na,inf\n")
    folder = assert_same(dataset, "", tmp_path)
    found = {(row["key"], row["name"]): row for row in parquet_rows(folder, "attributes")}
    for value in values:
        assert found[value["key"], "n"]["integer"] == value["n"] and found[value["key"], "n"]["value"] == str(value["n"])
        assert struct.pack("d", found[value["key"], "x"]["number"]) == struct.pack("d", value["x"])
        assert found[value["key"], "t"]["value"] == value["t"]
    assert found["a", "d"]["value"] == "9223372036.854775807" and math.isinf(found["a", "inf"]["number"])


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """100,000 clips, each with an arm and a number."""
    base = tmp_path_factory.mktemp("many")
    (base / "one.bin").write_bytes(b"0123456789")
    with open(base / "clips.jsonl", "w") as file:
        for number in range(100_000):
            file.write(json.dumps({"key": f"clip{number:06}", "one.url": f"{base}/one.bin", "arm": "left" if number % 3 else "right", "n": number}) + "\n")
    (base / "set").mkdir()
    elidefs("init", base / "set")
    elidefs("import", base / "set", base / "clips.jsonl")
    return base / "set"


def holds_a_file_without_a_name(pid, folder):
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return any(path.startswith(f"{folder}/#") for path in found)


def test_nothing_is_left_of_parquet_files_whose_export_is_killed(many, tmp_path):
    try:
        os.close(os.open(tmp_path, os.O_TMPFILE | os.O_RDWR))
    except OSError:
        pytest.skip("this file system has no files without names")
    with subprocess.Popen([ELIDEFS, "catalog", "export", many, "", f"{tmp_path}/out/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as exporting:
        wait_until(lambda: holds_a_file_without_a_name(exporting.pid, tmp_path))
        exporting.kill()
    assert exporting.returncode == -signal.SIGKILL and os.listdir(tmp_path) == []


def test_a_hundred_thousand_clips_are_several_row_groups_and_little_memory(many, tmp_path):
    dataset = many
    told = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = run(sys.executable, "-c", told, ELIDEFS, "catalog", "export", dataset, "", f"{tmp_path}/out/")
    assert int(done.stdout.splitlines()[-1]) < 300_000, "KiB"
    file = pyarrow.parquet.ParquetFile(tmp_path / "out" / "attributes.parquet")
    assert file.metadata.num_row_groups > 1 and file.metadata.num_rows >= 200_000
    assert duckdb.sql(f"SELECT count(*), sum(integer), min(key), max(key) FROM '{tmp_path}/out/attributes.parquet' WHERE name = 'n'").fetchall() == [
        (100_000, 99_999 * 50_000, "clip000000", "clip099999")]
    export(dataset, "", tmp_path / "out.db")
    database = sqlite3.connect(tmp_path / "out.db")
    for table in TABLES:
        counted = duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/out/{table}.parquet'").fetchone()
        assert counted == database.execute(f"SELECT count(*) FROM {table}").fetchone()
    kept = duckdb.sql(f"SELECT key, name, value FROM '{tmp_path}/out/attributes.parquet' WHERE name = 'arm'").fetchall()
    assert kept == database.execute("SELECT key, name, value FROM attributes WHERE name = 'arm' ORDER BY rowid").fetchall()
    database.close()


def test_the_format_can_be_named_whatever_the_path_ends_in(clips, tmp_path):
    elidefs("catalog", "export", clips, "v1", tmp_path / "a.db", "--format", "parquet")
    assert len(parquet_rows(tmp_path / "a.db", "clips")) == 6
    elidefs("catalog", "export", clips, "v1", tmp_path / "plain", "--format", "sqlite")
    assert len(rows(tmp_path / "plain", "clips")) == 6
    done = elidefs("catalog", "export", clips, "v1", tmp_path / "x.db", "--format", "csv", check=False)
    assert done.returncode == 1 and done.stderr.endswith("--format 'csv': expected sqlite, or parquet\n")


@pytest.mark.parametrize("path, out, says", [
    ("v1", "there/", "there: File exists"), ("v1", "empty/", "empty: File exists"), ("v1", "none/out/", "No such file or directory"),
    ("v1", "file/out/", "Not a directory"), ("v9", "out/", "no v9"),
    ("v1", "out", "expected a name that ends in .db .sqlite .sqlite3 for a SQLite file, or / for a folder of Parquet files")])
def test_what_cannot_be_a_folder_of_tables_is_refused_and_nothing_is_left(clips, tmp_path, path, out, says):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    before = sorted(os.listdir(tmp_path))
    done = elidefs("catalog", "export", clips, path, f"{tmp_path}/{out}", check=False)
    assert done.returncode == 1 and done.stdout == "" and says in done.stderr.splitlines()[-1], done.stderr
    assert sorted(os.listdir(tmp_path)) == before and os.listdir(tmp_path / "there") == ["mine"]


def test_a_disk_that_gets_full_under_parquet_files_says_so_and_keeps_nothing(clips, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or run("mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", disk, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        elidefs("annotate", clips, "-", input=jsonl({"key": "a", "essay": os.urandom(20000).hex()}))
        done = elidefs("catalog", "export", clips, "", f"{disk}/out/", check=False)
        assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith(f"{disk}/out/attributes.parquet: No space left on device"), done.stderr
        assert os.listdir(disk) == []
    finally:
        run("umount", "-l", disk)
