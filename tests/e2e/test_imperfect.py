# SPDX-License-Identifier: Apache-2.0
"""Sources that are partly bad: all that is wrong is told, --skip-bad leaves it out, --dry-run only tells."""
import json
import os
import pathlib
import shutil

import make_lerobot
import make_lerobot_v2
import pyarrow.parquet as pq
import pytest

from conftest import ELIDEFS, elidefs, run


@pytest.fixture
def source(tmp_path):
    """Four clips, each a file of labels; two of them cannot be."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.json").write_text('{"grade": 1}')
    (folder / "b.json").write_text('{"x/y": 1, "x.y": 2}')
    (folder / "c.json").write_text('{"grade": "three"}')
    (folder / "d.json").write_text('{"grade": 4}')
    return folder


def tree(folder):
    return {os.path.join(base, name): os.stat(os.path.join(base, name)).st_mtime_ns
            for base, _, names in os.walk(folder) for name in names}


def keys(dataset, path="latest"):
    return sorted(json.loads(line)["key"] for line in elidefs("query", dataset, path, "--json").stdout.splitlines())


def golden(done, *folders):
    """What was said, but for notes and progress, with the folders' names taken out."""
    text = "".join(line + "\n" for line in done.stderr.splitlines() if not line.startswith(("note: ", "scanned ")))
    for name, folder in zip(("SOURCE", "SET"), folders):
        text = text.replace(str(folder), name)
    return text


REFUSAL = """\
bad: SOURCE/b.json: two members would both become the attribute 'x_y' (clip 'b')
bad: SOURCE/c.json: 'grade': SOURCE/c: attribute 'grade' is text here ('three') and integer elsewhere in this import (--type 'grade=text' makes texts of all in it) (clip 'c')
"""


def test_all_that_is_wrong_is_told_and_nothing_is_committed(dataset, source, tmp_path):
    before = tree(dataset)
    done = elidefs("import", dataset, source, cwd=tmp_path, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert golden(done, source) == REFUSAL + (
        "elidefs: SOURCE: 2 of 4 clips are bad, and nothing was imported (--skip-bad imports the others)\n")
    assert tree(dataset) == before and not (tmp_path / "bad.jsonl").exists()


def test_what_is_good_is_committed_and_the_rest_tried_again(dataset, source, tmp_path):
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and done.stdout == "v1\n"
    assert golden(done, source) == REFUSAL + """\
found 2 clips in 4 files (0.0 MiB)
bad.jsonl says what is bad, and why
v1: 2 clips added, 0 replaced, 0 unchanged; 2 in all
2 bad clips are left out; the next import tries them again
"""
    assert keys(dataset) == ["a", "d"]
    lines = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert lines[0] == {"file": f"{source}/b.json", "place": "", "clip": "b",
                        "reason": "two members would both become the attribute 'x_y'"}
    assert [line["clip"] for line in lines] == ["b", "c"]
    (source / "b.json").write_text('{"grade": 2}')
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and keys(dataset) == ["a", "b", "d"]
    assert "('three') and integer in the data set" in done.stderr
    (source / "c.json").write_text('{"grade": 3}')
    assert elidefs("import", dataset, source, "--skip-bad").stdout == "v3\n"
    assert keys(dataset) == ["a", "b", "c", "d"]


def test_a_clip_that_turned_bad_stays_as_it_was(dataset, source, tmp_path):
    elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    (source / "d.json").write_text('{"grade": "four"}')
    done = elidefs("import", dataset, source, "--skip-bad", "--json", cwd=tmp_path, check=False)
    assert done.returncode == 3 and json.loads(done.stdout)["bad"] == 3
    assert keys(dataset) == ["a", "d"] and "no longer in the source" not in done.stderr


@pytest.mark.parametrize("limit, status", [("2", 3), ("1", 1), ("50%", 3), ("49.9%", 1), ("0", 1), ("", 3)])
def test_the_limit_is_a_number_or_a_share(dataset, source, tmp_path, limit, status):
    option = f"--skip-bad={limit}" if limit else "--skip-bad"
    done = elidefs("import", dataset, source, option, cwd=tmp_path, check=False)
    assert done.returncode == status
    assert (tmp_path / "bad.jsonl").exists()
    assert elidefs("log", dataset).stdout.startswith("v1" if status == 3 else "")
    if status == 1:
        assert "2 of 4 clips are bad, and nothing was imported (more than --skip-bad allows)" in done.stderr


@pytest.mark.parametrize("limit", ["x", "-1", "101%", "%", "1.5"])
def test_a_limit_that_is_none(dataset, source, limit):
    done = elidefs("import", dataset, source, f"--skip-bad={limit}", check=False)
    assert done.returncode == 1 and f"elidefs: --skip-bad={limit}: " in done.stderr


def test_nothing_good_is_left(dataset, source, tmp_path):
    (source / "a.json").unlink(), (source / "d.json").unlink(), (source / "c.json").unlink()
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 1 and elidefs("log", dataset).stdout == ""


def test_hundreds_of_faults_are_counted_and_all_written(dataset, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for i in range(300):
        (source / f"c{i:03d}.json").write_text('{"x/y": 1, "x.y": 2}')
    done = elidefs("import", dataset, source, "--bad", tmp_path / "all.jsonl", check=False)
    told = [line for line in done.stderr.splitlines() if line.startswith("bad: ")]
    assert len(told) == 21 and told[-1] == "bad: and 280 more"
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 300


def test_a_row_that_does_not_fit_costs_its_clip(dataset, tmp_path):
    source, table = tmp_path / "source", tmp_path / "labels.csv"
    source.mkdir()
    for name in "abc":
        (source / f"{name}.mcap").write_text(name)
    table.write_text("key,n\na,1\nb,x\nc,3\nz,4\n")
    done = elidefs("import", dataset, source, "--table", table, "--type", "n=integer", "--skip-bad", cwd=tmp_path,
                   check=False)
    assert done.returncode == 3 and keys(dataset) == ["a", "c"]
    lines = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [(line["file"], line["place"], line.get("clip")) for line in lines] == [
        (str(table), "line 5", None), (str(table), "line 3", "b")]


def test_a_row_without_a_clip_is_not_counted_as_one(dataset, tmp_path):
    source, table = tmp_path / "source", tmp_path / "labels.csv"
    source.mkdir()
    for name in "abc":
        (source / f"{name}.mcap").write_text(name)
    table.write_text("key,n\na,1\ny,3\nz,4\n")
    done = elidefs("import", dataset, source, "--table", table, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert f"{source}: 2 entries of no clip are bad, and nothing was imported" in done.stderr
    done = elidefs("import", dataset, source, "--table", table, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and keys(dataset) == ["a", "b", "c"]
    assert "\n2 bad entries of no clip are left out; the next import tries them again\n" in done.stderr
    table.write_text("key,n\na,x\nb,1\nz,4\n")
    done = elidefs("import", dataset, source, "--table", table, "--type", "n=integer", cwd=tmp_path, check=False)
    assert "1 of 3 clips and 1 entry of no clip are bad" in done.stderr


def test_a_lerobot_set_whose_table_of_episodes_was_not_all_copied_is_noted(dataset, tmp_path):
    source = make_lerobot.make(tmp_path / "source", lengths=(12, 10, 11))
    info = source / "meta/info.json"
    assert "fewer episodes" not in elidefs("import", dataset, source).stderr
    info.write_text(json.dumps(json.loads(info.read_text()) | {"total_episodes": 5}))
    assert ("note: fewer episodes than meta/info.json says (is all of it copied?): "
            f"{source}/meta/episodes/ has 3 of 5\n") in elidefs("import", dataset, source).stderr


def test_a_table_that_cannot_be_read_is_never_left_out(dataset, source, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text('key,n\na,"1\n')
    done = elidefs("import", dataset, source, "--table", table, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 1 and "(not all of this can be left out)" in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("bad: ")]) == 3


def test_bad_episodes_of_a_lerobot_set(dataset, tmp_path):
    source = make_lerobot_v2.convert(make_lerobot.make(tmp_path / "v3", lengths=(12, 10, 11, 9), separate=True), tmp_path / "source")
    videos = sorted(source.rglob("*.mp4"))
    data = sorted(source.rglob("data/**/*.parquet"))
    os.truncate(videos[1], 100)
    data[2].unlink()
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [(line["file"], line["place"]) for line in lines] == [(str(videos[1]), "episode 1"), (str(data[2]), "episode 2")]
    assert all(not line["reason"].startswith("/") for line in lines)
    assert keys(dataset) == ["ep000000", "ep000003"]


def test_a_missing_file_of_many_episodes_is_told_once(dataset, sample_copy, tmp_path):
    (sample_copy / "data/chunk-000/file-000.parquet").unlink()
    shutil.rmtree(sample_copy / "videos/observation.images.top")
    done = elidefs("import", dataset, sample_copy, cwd=tmp_path, check=False)
    bad = [line for line in done.stderr.splitlines() if line.startswith("bad: ")]
    assert len(bad) == 3 and all("no such file, but " in line and "(clip 'ep0000" in line for line in bad), bad


def test_bad_rows_of_a_manifest(dataset, tmp_path):
    (tmp_path / "r.bin").write_bytes(b"0123456789")
    manifest = tmp_path / "m.jsonl"
    rows = [{"key": "a", "raw": {"url": "r.bin", "offset": 0, "length": 5}},
            {"key": "b", "raw": {"url": "gone.bin"}},
            {"key": "c", "raw": {"url": "r.bin", "offset": 8, "length": 5}},
            {"key": "a", "raw": {"url": "r.bin"}},
            {"key": "d", "raw": {"url": "r.bin", "offset": 3}},
            {"key": "e", "raw": {"url": "r.bin", "offset": 5, "length": 5}}]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = elidefs("import", dataset, manifest, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert {line["place"]: line.get("clip") for line in lines} == {
        "line 2": "b", "line 3": "c", "line 4": None, "line 5": "d"}
    assert keys(dataset) == ["a", "e"]


# ---- --dry-run ----


def test_a_dry_run_tells_what_would_happen_and_writes_nothing(dataset, source, tmp_path):
    (source / "b.json").unlink(), (source / "c.json").unlink()
    before = tree(tmp_path)
    done = elidefs("import", dataset, source, "--dry-run", cwd=tmp_path)
    assert done.stdout == "" and golden(done, source) == """\
found 2 clips in 2 files (0.0 MiB)
would be v1: 2 clips added, 0 replaced, 0 unchanged; 2 in all
"""
    assert tree(tmp_path) == before
    elidefs("import", dataset, source)
    (source / "a.json").write_text('{"grade": 10}')
    (source / "e.mcap").write_text("new")
    before = tree(tmp_path)
    done = elidefs("import", dataset, source, "--dry-run", "--copy", "--json", cwd=tmp_path)
    assert "would copy" in done.stderr
    assert json.loads(done.stdout) == {"version": 2, "clips": 3, "added": 1, "replaced": 1, "removed": 0,
                                       "unchanged": 1, "bad": 0}
    assert tree(tmp_path) == before
    assert elidefs("import", dataset, source).stdout == "v2\n"


@pytest.mark.parametrize("options, status", [((), 1), (("--skip-bad",), 3), (("--skip-bad=1",), 1)])
def test_a_dry_run_ends_as_the_import_would(dataset, source, tmp_path, options, status):
    before = tree(tmp_path)
    done = elidefs("import", dataset, source, "--dry-run", *options, cwd=tmp_path, check=False)
    assert done.returncode == status and golden(done, source).startswith(REFUSAL)
    assert tree(tmp_path) == before


def test_labels_that_turned_bad_are_tried_again(dataset, source, tmp_path):
    for name in ("b.json", "c.json"):
        (source / name).unlink()
    elidefs("import", dataset, source)
    (source / "a.json").write_text('{"grade": "broken"}')
    (source / "e.json").write_text('{"grade": 5}')
    for _ in range(2):
        done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
        assert done.returncode == 3 and "a.json" in done.stderr, done.stderr
    assert keys(dataset) == ["a", "d", "e"]


# ---- lines of LeRobot v2 ----


@pytest.fixture(scope="module")
def lerobot_v2(tmp_path_factory):
    folder = tmp_path_factory.mktemp("v2")
    return make_lerobot_v2.convert(make_lerobot.make(folder / "v3", lengths=(12, 10, 11, 9), separate=True), folder / "v2")


def edit_line(path, number, change):
    lines = path.read_text().splitlines(keepends=True)
    lines[number - 1] = change(lines[number - 1])
    path.write_text("".join(lines))


def bad_lines(folder):
    return [(line["file"].rpartition("/")[2], line["place"], line.get("clip"), line["reason"])
            for line in map(json.loads, (folder / "bad.jsonl").read_text().splitlines())]


CUT = lambda line: line[:len(line) // 2] + "\n"


@pytest.mark.parametrize("file, number, change, bad, kept", [
    ("episodes.jsonl", 2, CUT, [("line 2", "ep000001")], [0, 2, 3]),
    ("episodes.jsonl", 2, lambda line: "garbage\n", [("line 2", None)], [0, 2, 3]),
    ("episodes.jsonl", 4, lambda line: line.replace('"length": 9', '"length": -9'), [("line 4", "ep000003")], [0, 1, 2]),
    ("episodes_stats.jsonl", 3, CUT, [("line 3", "ep000002")], [0, 1, 3]),
    ("episodes_stats.jsonl", 3, lambda line: "{]\n", [("line 3", None), ("episode 2", "ep000002")], [0, 1, 3]),
    ("episodes_stats.jsonl", 1, lambda line: line.replace('"stats"', '"state"'), [("line 1", "ep000000")], [1, 2, 3]),
])
def test_a_bad_line_of_lerobot_v2_costs_its_episode(dataset, lerobot_v2, tmp_path, file, number, change, bad, kept):
    source = shutil.copytree(lerobot_v2, tmp_path / "source")
    edit_line(source / "meta" / file, number, change)
    strict = elidefs("import", dataset, source, cwd=tmp_path, check=False)
    assert strict.returncode == 1 and f"{file}: line {number}" in strict.stderr, strict.stderr
    for _ in range(2):  # tried again: bad again, and nothing new
        done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
        assert done.returncode == 3 and done.stdout == "v1\n", done.stderr
        assert [line[:3] for line in bad_lines(tmp_path)] == [(file, place, clip) for place, clip in bad]
        assert not any(reason.startswith((str(source), "line 1: ")) for _, _, _, reason in bad_lines(tmp_path))
        assert keys(dataset) == [f"ep{i:06d}" for i in kept]
    shutil.copy(lerobot_v2 / "meta" / file, source / "meta" / file)
    done = elidefs("import", dataset, source)
    assert done.stdout == "v2\n" and "v2: 1 clip added, 0 replaced, 3 unchanged; 4 in all\n" in done.stderr, done.stderr


def test_a_known_episode_whose_line_turned_bad_stays(dataset, lerobot_v2, tmp_path):
    source = shutil.copytree(lerobot_v2, tmp_path / "source")
    elidefs("import", dataset, source)
    edit_line(source / "meta/episodes.jsonl", 2, CUT)
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and done.stdout == "v1\n" and "no longer in the source" not in done.stderr
    assert keys(dataset) == [f"ep{i:06d}" for i in range(4)]


def test_what_is_wrong_with_all_of_a_set_is_blamed_on_the_file_it_is_in(dataset, lerobot_v2, tmp_path):
    source = shutil.copytree(lerobot_v2, tmp_path / "source")
    edit_line(source / "meta/tasks.jsonl", 1, lambda line: "garbage\n")
    done = elidefs("import", dataset, source, "--bad", tmp_path / "bad.jsonl", check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith(f"elidefs: {source}/meta/tasks.jsonl: line 1")
    assert [line[:1] for line in bad_lines(tmp_path)] == [("tasks.jsonl",)]
    (source / "meta/tasks.jsonl").write_text('{"task_index": -1, "task": "x"}\n')
    elidefs("import", dataset, source, "--bad", tmp_path / "bad.jsonl", check=False)
    assert [line[:2] for line in bad_lines(tmp_path)] == [("tasks.jsonl", "line 1")]


# ---- a recorder is running: the last file of each kind has no end yet ----

TABLE, DATA, FRONT = ("meta/episodes/chunk-000/file-%03d.parquet", "data/chunk-000/file-%03d.parquet",
                      "videos/observation.images.front/chunk-000/file-%03d.mp4")
WAITS = "note: not finished yet, and tried again by the next import: "


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Two files of each kind; the episodes 0, 1, 2 are in the first ones, 3 and 4 in the second."""
    folder = tmp_path_factory.mktemp("recorded")
    first = make_lerobot.make(folder / "first", lengths=(12, 10, 11))
    second = make_lerobot.make(folder / "second", lengths=(13, 9), index_shift=3)
    for template, column in ((DATA, "episode_index"), (TABLE, "data/file_index"),
                             (TABLE, "videos/observation.images.front/file_index")):
        file = second / (template % 0)
        table = pq.read_table(file)
        at = table.column_names.index(column)
        values = [value + (3 if template == DATA else 1) for value in table[column].to_pylist()]
        with pq.ParquetWriter(file, table.schema) as writer:
            table = table.set_column(at, table.schema.field(column), [values])
            for start, length in ((0, 13), (13, 9)) if template == DATA else ((0, 2),):
                writer.write_table(table.slice(start, length))
    for template in (TABLE, DATA, FRONT):
        shutil.copy(second / (template % 0), first / (template % 1))
    return first


def unfinish(path, how):
    """As its writer leaves it while it is open: with nothing in it, with its first bytes, or with all but its end."""
    os.truncate(path, {"empty": 0, "begun": 4, "cut": path.stat().st_size * 2 // 3}[how])


@pytest.mark.parametrize("how", ["empty", "begun", "cut"])
@pytest.mark.parametrize("template", [TABLE, DATA, FRONT])
def test_a_recorders_last_files_wait_without_a_word_of_alarm(dataset, recorded, tmp_path, template, how):
    source = shutil.copytree(recorded, tmp_path / "source")
    unfinish(source / (template % 1), how)
    for options in ((), ("--skip-bad",), ("--skip-bad=0",)):
        done = elidefs("import", dataset, source, *options, cwd=tmp_path)
        assert done.stdout == "v1\n" and keys(dataset) == ["ep000000", "ep000001", "ep000002"]
        assert f"{WAITS}{source}/{template % 1}\n" in done.stderr
        assert not any(word in done.stderr for word in ("bad", "fewer", "ignored", "elidefs: ", "no longer in")), done.stderr
    assert not (tmp_path / "bad.jsonl").exists()
    shutil.copy(recorded / (template % 1), source / (template % 1))
    done = elidefs("import", dataset, source)
    assert "v2: 2 clips added, 0 replaced, 3 unchanged; 5 in all\n" in done.stderr and "not finished" not in done.stderr


def test_a_known_clip_whose_file_is_being_rewritten_stays(dataset, recorded, tmp_path):
    source = shutil.copytree(recorded, tmp_path / "source")
    elidefs("import", dataset, source)
    for template in (TABLE, DATA, FRONT):
        unfinish(source / (template % 1), "cut")
    done = elidefs("import", dataset, source)
    assert done.stdout == "v1\n" and "no longer in the source" not in done.stderr
    assert f"{WAITS}{source}/{DATA % 1} (and 1 more)\n" in done.stderr and len(keys(dataset)) == 5


def test_a_video_that_is_not_all_copied_waits_too(dataset, recorded, tmp_path):
    """Its index stands in front, so that only samples are missing."""
    source = shutil.copytree(recorded, tmp_path / "source")
    make_lerobot.encode(source / (FRONT % 1), 22, ("-c:v", "libx264"), extra=("-movflags", "+faststart"))
    unfinish(source / (FRONT % 1), "cut")
    assert f"{WAITS}{source}/{FRONT % 1}\n" in elidefs("import", dataset, source).stderr and len(keys(dataset)) == 3


@pytest.mark.parametrize("template, left", [(TABLE, [3, 4]), (DATA, [3, 4]), (FRONT, [3, 4])])
def test_an_unfinished_file_that_is_not_the_last_is_a_fault(dataset, recorded, tmp_path, template, left):
    source = shutil.copytree(recorded, tmp_path / "source")
    unfinish(source / (template % 0), "cut")
    done = elidefs("import", dataset, source, cwd=tmp_path, check=False)
    assert done.returncode == 1 and "--skip-bad" in done.stderr and str(source / (template % 0)) in done.stderr
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and keys(dataset) == [f"ep{i:06d}" for i in left], done.stderr
    shutil.copy(recorded / (template % 0), source / (template % 0))
    assert "v2: 3 clips added, 0 replaced, 2 unchanged; 5 in all\n" in elidefs("import", dataset, source).stderr


def test_a_set_of_which_no_episode_is_finished_says_so(dataset, recorded, tmp_path):
    source = shutil.copytree(recorded, tmp_path / "source")
    for template in (TABLE, DATA, FRONT):
        (source / (template % 1)).unlink()
    unfinish(source / (TABLE % 0), "begun")
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"elidefs: {source}: no clip is finished yet: the recorder is still writing {source}/{TABLE % 0}")


def test_a_session_that_has_just_begun_does_not_hold_up_another(dataset, recorded, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(recorded, source / "monday")
    for path in ("meta/info.json", TABLE % 0):
        (source / "tuesday" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recorded / path, source / "tuesday" / path)
    unfinish(source / "tuesday" / (TABLE % 0), "begun")
    done = elidefs("import", dataset, source)
    assert len(keys(dataset)) == 5 and f"{WAITS}{source}/tuesday/{TABLE % 0}\n" in done.stderr


def test_the_last_line_of_a_list_of_episodes_waits_for_its_end(dataset, lerobot_v2, tmp_path):
    source = shutil.copytree(lerobot_v2, tmp_path / "source")
    lines = source / "meta/episodes.jsonl"
    os.truncate(lines, lines.stat().st_size - 9)
    done = elidefs("import", dataset, source)
    assert keys(dataset) == ["ep000000", "ep000001", "ep000002"] and f"{WAITS}{lines}\n" in done.stderr
    shutil.copy(lerobot_v2 / "meta/episodes.jsonl", lines)
    assert "v2: 1 clip added, 0 replaced, 3 unchanged; 4 in all\n" in elidefs("import", dataset, source).stderr


# ---- one bad apple ----


def break_json(root):
    os.truncate(root / "meta/info.json", 40)


def break_tasks(root):
    os.truncate(root / "meta/tasks.parquet", 100)


def break_columns(root):
    pq.write_table(pq.read_table(root / (TABLE % 0)).drop_columns(["length"]), root / (TABLE % 0))


def lose_info(root):
    (root / "meta/info.json").unlink()


@pytest.mark.parametrize("damage", [break_json, break_tasks, break_columns, lose_info])
def test_a_set_that_cannot_be_read_does_not_take_its_neighbour_along(dataset, recorded, tmp_path, damage):
    source = tmp_path / "source"
    shutil.copytree(recorded, source / "a")
    shutil.copytree(recorded, source / "b")
    elidefs("import", dataset, source)
    damage(source / "a")
    edited = source / "b" / (TABLE % 1)
    table = pq.read_table(edited)
    pq.write_table(table.append_column("operator", [["ann", "bob"]]), edited)
    done = elidefs("import", dataset, source, cwd=tmp_path, check=False)
    assert done.returncode == 1 and "--skip-bad" in done.stderr, done.stderr
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and done.stdout == "v2\n", done.stderr
    assert "no longer in the source" not in done.stderr and len(keys(dataset)) == 10
    assert keys(dataset, "latest/operator=ann") == ["b-ep000003"]
    assert all("/a/" in line["file"] for line in map(json.loads, (tmp_path / "bad.jsonl").read_text().splitlines()))


def test_with_a_limit_a_whole_set_is_more_than_it_allows(dataset, recorded, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(recorded, source / "a")
    shutil.copytree(recorded, source / "b")
    break_json(source / "a")
    done = elidefs("import", dataset, source, "--skip-bad=3", cwd=tmp_path, check=False)
    assert done.returncode == 1 and str(source / "a/meta/info.json") in done.stderr
    assert elidefs("log", dataset).stdout == ""


def test_a_fragmented_video_costs_its_clips_alone(dataset, recorded, tmp_path):
    source = shutil.copytree(recorded, tmp_path / "source")
    make_lerobot.encode(source / (FRONT % 0), 33, ("-c:v", "libx264"), extra=("-movflags", "frag_keyframe+empty_moov"))
    done = elidefs("import", dataset, source, cwd=tmp_path, check=False)
    assert done.returncode == 1 and "the file is fragmented (clip 'ep000000' and 2 more)" in done.stderr
    assert "3 of 5 clips are bad, and nothing was imported (--skip-bad imports the others)" in done.stderr
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and keys(dataset) == ["ep000003", "ep000004"]


# ---- what may not be read ----


@pytest.fixture
def nobody():
    """Runs elidefs as a user who may not read everything."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = pathlib.Path(run("mktemp", "-d", "/tmp/elidefs-nobody.XXXXXX").stdout.strip())
    os.chmod(folder, 0o755)
    (folder / "home").mkdir()
    shutil.copy(ELIDEFS, folder / "elidefs")
    shutil.chown(folder / "home", "nobody")

    def as_nobody(*words, check=True):
        return run("setpriv", "--reuid", "nobody", "--clear-groups", "env", f"HOME={folder}/home", folder / "elidefs", *words,
                   cwd=folder / "home", check=check)
    as_nobody.folder = folder
    yield as_nobody
    shutil.rmtree(folder)


def test_a_folder_that_may_not_be_read_is_named_and_left_out(nobody):
    disk, dataset = nobody.folder / "disk", nobody.folder / "home/set"
    (disk / "lost+found").mkdir(parents=True)
    (disk / "more").mkdir()
    for name in ("run1.bin", "more/run2.bin"):
        (disk / name).write_text("recorded")
    nobody("init", dataset)
    nobody("import", dataset, disk)
    for folder in ("lost+found", "more"):
        os.chmod(disk / folder, 0o700)
    (disk / "run3.bin").write_text("recorded")
    done = nobody("import", dataset, disk, check=False)
    assert done.returncode == 1 and "2 entries of no clip are bad" in done.stderr and "--skip-bad" in done.stderr
    done = nobody("import", dataset, disk, "--skip-bad", check=False)
    assert done.returncode == 3 and f"bad: {disk}/lost+found: Permission denied\n" in done.stderr
    assert "no longer in the source" not in done.stderr
    os.chmod(disk / "more", 0o755)
    done = nobody("import", dataset, disk, check=False)
    assert f"elidefs: {disk}/lost+found: Permission denied (--skip-bad leaves it out, and imports the others)\n" in done.stderr
    assert nobody("query", dataset, "latest").stdout.split() == ["more", "run1", "run3"]


def test_a_file_that_may_not_be_read_costs_its_clip(nobody, recorded):
    source, dataset = nobody.folder / "source", nobody.folder / "home/set"
    shutil.copytree(recorded, source)
    os.chmod(source / (FRONT % 0), 0o600)
    nobody("init", dataset)
    done = nobody("import", dataset, source, check=False)
    assert done.returncode == 1 and "3 of 5 clips are bad" in done.stderr and "Permission denied" in done.stderr
    assert nobody("import", dataset, source, "--skip-bad", check=False).returncode == 3
    assert nobody("query", dataset, "latest").stdout.split() == ["ep000003", "ep000004"]
