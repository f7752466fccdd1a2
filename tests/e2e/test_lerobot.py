# SPDX-License-Identifier: Apache-2.0
"""LeRobot sets that are not quite as LeRobot 0.4 writes them."""
import json
import os
import shutil

import numpy
import pytest

from conftest import elidefs, mounted
from test_video import frame_hashes

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
make_lerobot = pytest.importorskip("make_lerobot")

EPISODES = "meta/episodes/chunk-000/file-000.parquet"
DATA = "data/chunk-000/file-000.parquet"
VIDEO = "videos/observation.images.front/chunk-000/file-000.mp4"


def clips(dataset, path="v1"):
    return {line["key"]: line for line in map(json.loads, elidefs("query", dataset, path, "--json").stdout.splitlines())}


def edit_info(source, **changes):
    path = source / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_episodes(source, **columns):
    """Replaces or adds columns; '/' in a name is typed as '__'."""
    table = {name: column for name, column in zip(*(lambda t: (t.column_names, t.columns))(pq.read_table(source / EPISODES)))}
    pq.write_table(pa.table(table | {name.replace("__", "/"): column for name, column in columns.items()}), source / EPISODES)


def bad_text(*values):
    """A text column with these bytes, UTF-8 or not."""
    offsets = numpy.cumsum([0, *map(len, values)]).astype(numpy.int32)
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))])


def refused(dataset, source, says):
    done = elidefs("import", dataset, source, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("elidefs: ")]
    assert done.returncode == 1 and len(errors) == 1, done.stderr
    for word in says:
        assert word in errors[0], errors[0]
    assert elidefs("log", dataset).stdout == ""


@pytest.fixture
def source(tmp_path):
    return make_lerobot.make(tmp_path / "source", lengths=(20, 10, 15))


LOST = (": this file is missing, but {}: the LeRobot data set is not complete (--layout imports plain files all the same)\n")


@pytest.mark.parametrize("gone, is_there", [(["meta/info.json"], DATA), (["meta"], DATA),
                                            (["meta/info.json", "data", "videos"], EPISODES)])
def test_a_set_that_lost_its_info_json_is_no_folder_of_files(dataset, source, gone, is_there):
    for name in gone:
        shutil.rmtree(source / name) if (source / name).is_dir() else (source / name).unlink()
    done = elidefs("import", dataset, source.parent, "--skip-bad", check=False)
    assert done.returncode == 1 and done.stderr.endswith(
        f"elidefs: {source}/meta/info.json" + LOST.format(f"{is_there} is there")), done.stderr
    assert elidefs("import", dataset, source, "--layout", "{key}/{stream}.{ext}", "--dry-run", check=False).stderr.count("lost") == 0


def test_a_known_set_that_lost_all_that_tells_it_is_named(dataset, source):
    elidefs("import", dataset, source)
    shutil.rmtree(source / "meta"), (source / "data").rename(source / "rows")
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1 and done.stderr.endswith(
        f"elidefs: {source}/meta/info.json" + LOST.format("v1 has 'ep000000' as an episode of this source")), done.stderr


def test_plain_files_may_be_called_as_episodes_are(dataset, tmp_path):
    for i in range(2):
        (tmp_path / f"runs/ep{i:06d}").mkdir(parents=True)
        (tmp_path / f"runs/ep{i:06d}/state.bin").write_bytes(b"rows")
    elidefs("import", dataset, tmp_path / "runs")
    (tmp_path / "runs/ep000001/state.bin").unlink()
    assert elidefs("import", dataset, tmp_path / "runs").stdout == "v1\n"


def test_a_text_that_is_not_utf8_is_refused_with_file_episode_and_column(dataset, source):
    edit_episodes(source, operator=bad_text(b"ann", b"b\xffb", b"cy"))
    refused(dataset, source, [EPISODES, "episode 1", "operator", "UTF-8"])


def test_a_task_that_is_not_utf8_is_refused(dataset, source):
    tasks = pa.ListArray.from_arrays([0, 1, 2, 3], bad_text(b"pick", b"\xc0\x80", b"pour"))
    edit_episodes(source, tasks=tasks)
    refused(dataset, source, [EPISODES, "episode 1", "tasks", "UTF-8"])


def test_a_negative_number_is_refused_with_row_and_column(dataset, source):
    edit_episodes(source, **{"videos__observation.images.front__file_index": pa.array([0, -1, 0])})
    refused(dataset, source, [EPISODES, "row 1", "file_index", "-1"])


def test_a_column_success_is_an_attribute_where_no_statistics_give_one(dataset, source):
    table = pq.read_table(source / EPISODES).drop_columns(["stats/next.success/max"])
    pq.write_table(table.append_column("success", pa.array([True, False, True])), source / EPISODES)
    elidefs("import", dataset, source)
    assert [clip["success"] for clip in clips(dataset).values()] == [True, False, True]


def test_a_column_success_beside_the_statistics_is_refused(dataset, source):
    edit_episodes(source, success=pa.array([True, False, True]))
    refused(dataset, source, ["'success'", "meta/episodes"])


def test_tasks_jsonl_gives_the_numbers_where_there_is_no_tasks_parquet(dataset, source):
    (source / "meta/tasks.parquet").unlink()
    (source / "meta/tasks.jsonl").write_text('{"task_index": 5, "task": "task 0"}\n\n{"task_index": 7, "task": "task 1"}\n')
    elidefs("import", dataset, source)
    assert elidefs("query", dataset, "v1/task_index=7").stdout == "ep000001\n"
    assert elidefs("query", dataset, "v1/task_index=5", "--count").stdout == "2\n"


def test_a_broken_line_of_tasks_jsonl_is_named(dataset, source):
    (source / "meta/tasks.parquet").unlink()
    (source / "meta/tasks.jsonl").write_text('{"task_index": 5, "task": "task 0"}\n{"task_index": "x"}\n')
    refused(dataset, source, ["tasks.jsonl", "line 2"])


@pytest.mark.parametrize("template, name", [
    ("data/all.parquet", "data/all.parquet"), ("data/{file_index}.parquet", "data/0.parquet"),
    ("data/{chunk_index}.parquet", "data/0.parquet")])
def test_a_data_path_need_not_have_both_numbers(dataset, source, template, name):
    edit_info(source, data_path=template)
    (source / DATA).rename(source / name)
    elidefs("import", dataset, source)
    assert all(f"{key}.state.parquet" in clip["files"] for key, clip in clips(dataset).items())


def test_data_files_in_several_chunks_and_behind_a_gap_are_found(dataset, source):
    edit_info(source, data_path="data/{chunk_index}-{file_index}.parquet")
    whole = pq.ParquetFile(source / DATA)
    for group, name in enumerate(["0-0", "1-0", "3-4"]):
        pq.write_table(whole.read_row_group(group), source / f"data/{name}.parquet")
    edit_episodes(source, data__chunk_index=pa.array([0, 1, 3]), data__file_index=pa.array([0, 0, 4]))
    done = elidefs("import", dataset, source)
    assert len(clips(dataset)) == 3 and all("state.parquet" in " ".join(c["files"]) for c in clips(dataset).values())
    assert "does not name it: data/chunk-000/file-000.parquet" in done.stderr


def test_a_file_that_is_not_cut_never_shows_another_episode(dataset, source, tmp_path):
    """A video that cannot be cut and that a template without numbers gives to every episode is nobody's."""
    edit_info(source, video_path="videos/{video_key}.mp4")
    make_lerobot.encode(source / "videos/observation.images.front.mp4", 45, ("-c:v", "libx264"),
                        extra=("-movflags", "frag_keyframe+empty_moov"))
    edit_episodes(source, **{"videos__observation.images.front__file_index": pa.array([0, 1, 2])})
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1 and "videos/observation.images.front.mp4: box 'mvex'" in done.stderr
    assert "3 of 3 clips are bad, and nothing was imported (nothing good is left)" in done.stderr


def test_a_root_below_a_root_belongs_to_it(dataset, source):
    shutil.copytree(source, source / "copy")
    done = elidefs("import", dataset, source)
    assert sorted(clips(dataset)) == ["ep000000", "ep000001", "ep000002"] and "ignored" in done.stderr


def test_several_roots_beside_each_other_are_all_imported(dataset, source, tmp_path):
    shutil.copytree(source, tmp_path / "all/a")
    shutil.copytree(source, tmp_path / "all/_b")
    os.makedirs(tmp_path / "all/ab")
    (tmp_path / "all/ab/notes.txt").write_text("beside")
    elidefs("import", dataset, tmp_path / "all")
    found = clips(dataset)
    assert sorted(found) == ["%5Fb-ep000000", "%5Fb-ep000001", "%5Fb-ep000002", "a-ep000000", "a-ep000001", "a-ep000002", "ab"]
    assert found["%5Fb-ep000000"]["source"] == "_b"


def test_two_cameras_of_one_name_are_refused_and_both_are_named(dataset, source):
    info = json.loads((source / "meta/info.json").read_text())
    video = info["features"]["observation.images.front"]
    edit_info(source, features=info["features"] | {"observation.front": video})
    edit_episodes(source, **{f"videos__observation.front__{name}": pq.read_table(source / EPISODES)[f"videos/observation.images.front/{name}"]
                             for name in ("chunk_index", "file_index", "from_timestamp", "to_timestamp")})
    refused(dataset, source, ["info.json", "observation.images.front", "observation.front", "'front'"])


@pytest.mark.parametrize("name", ["state", "json"])
def test_a_camera_does_not_hide_the_clips_own_files(dataset, source, name):
    camera = f"observation.images.{name}"
    info = json.loads((source / "meta/info.json").read_text())
    edit_info(source, features={camera: info["features"]["observation.images.front"]})
    (source / "videos/observation.images.front").rename(source / "videos" / camera)
    table = pq.read_table(source / EPISODES)
    pq.write_table(table.rename_columns([column.replace("observation.images.front", camera) for column in table.column_names]),
                   source / EPISODES)
    elidefs("import", dataset, source)
    assert sorted(clips(dataset)["ep000000"]["files"]) == ["ep000000.cam-" + name + ".mp4", "ep000000.json", "ep000000.state.parquet"]


def test_a_table_joins_by_key(dataset, source, tmp_path):
    (tmp_path / "labels.csv").write_text("key,arm,tags\nep000001,left,a;b\n")
    elidefs("import", dataset, source, "--table", tmp_path / "labels.csv", "--multi", "tags")
    assert elidefs("query", dataset, "v1/arm=left/tags=b").stdout == "ep000001\n"


def test_an_import_tells_each_file_it_looked_into(dataset, source):
    done = elidefs("import", dataset, source)
    assert f"scanned {DATA}\n" in done.stderr and f"scanned {VIDEO}\n" in done.stderr


# ---- tables that are a little wrong: rows and frames decide ----

def split_rows(source):
    """A data file an episode."""
    whole = pq.ParquetFile(source / DATA)
    groups = [whole.read_row_group(i) for i in range(3)]
    for i, group in enumerate(groups):
        pq.write_table(group, source / f"data/chunk-000/file-{i:03d}.parquet")
    return groups


@pytest.mark.parametrize("named", [[0, 0, 1], [2, 1, 0], [0, 7, 7]])
def test_the_rows_decide_whatever_file_index_says(dataset, source, tmp_path, named):
    """LeRobot's converter gives the episode that starts a file the index of the one before."""
    groups = split_rows(source)
    edit_episodes(source, data__file_index=pa.array(named))
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for i, group in enumerate(groups):
            assert pq.read_table(point / f"v1/ep{i:06d}.state.parquet").equals(group)


def test_a_file_that_is_named_but_not_there_is_refused_where_rows_are_missing(dataset, source):
    split_rows(source)
    (source / "data/chunk-000/file-002.parquet").unlink()
    edit_episodes(source, data__file_index=pa.array([0, 1, 7]))
    refused(dataset, source, ["data/chunk-000/file-007.parquet", "no such file", "the rows of episodes"])


@pytest.mark.parametrize("drift", [9e-5, -9e-5])
def test_times_that_drift_less_than_lerobot_allows_name_the_same_frames(dataset, source, tmp_path, drift):
    """They are sums of durations; float32 in some sets."""
    starts = numpy.array([0, 20, 30, 45]) / make_lerobot.FPS + drift * numpy.array([0, 1, 1, 1])
    prefix = "videos__observation.images.front__"
    edit_episodes(source, **{f"{prefix}from_timestamp": pa.array(starts[:-1].astype(numpy.float32)),
                             f"{prefix}to_timestamp": pa.array(starts[1:].astype(numpy.float32))})
    elidefs("import", dataset, source)
    wanted = frame_hashes(source / VIDEO)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert frame_hashes(point / "v1/ep000001.front.mp4") == wanted[20:30]
        assert frame_hashes(point / "v1/ep000002.front.mp4") == wanted[30:45]


def test_a_span_that_is_longer_than_its_rows_gives_as_many_frames_as_rows(dataset, source):
    edit_episodes(source, **{"videos__observation.images.front__to_timestamp": pa.array([20 / 30, 1.0 + 2 / 30, 1.5])})
    done = elidefs("import", dataset, source)
    assert "frames behind the last row" in done.stderr and clips(dataset)["ep000001"]["length"] == 10


def test_a_span_that_is_shorter_than_its_rows_is_refused(dataset, source):
    edit_episodes(source, **{"videos__observation.images.front__to_timestamp": pa.array([20 / 30, 1.0 - 1 / 30, 1.5])})
    refused(dataset, source, [VIDEO, "episode 1", "10 frames"])


def test_rows_without_the_arrow_schema_are_the_same_rows(dataset, source, tmp_path):
    whole = pq.ParquetFile(source / DATA)
    groups = [whole.read_row_group(i) for i in range(3)]
    with pq.ParquetWriter(source / DATA, groups[0].schema.remove_metadata(), store_schema=False) as writer:
        for group in groups:
            writer.write_table(group)
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for i, group in enumerate(groups):
            assert pq.read_table(point / f"v1/ep{i:06d}.state.parquet").to_pylist() == group.to_pylist()


# ---- row groups of several episodes, as everybody leaves them who merges files: LeRobot's converter, too ----

def merge_groups(source, **columns):
    """One row group a file; columns: name -> value of row i, added."""
    table = pq.read_table(source / DATA).combine_chunks()
    for name, value in columns.items():
        table = table.append_column(name, pa.array([value(i) for i in range(len(table))]))
    pq.write_table(table, source / DATA)
    return table


def test_rows_that_share_a_row_group_are_copied_and_it_is_said(dataset, source, tmp_path):
    table = merge_groups(source, done=lambda i: i % 7 == 0, note=lambda i: None if i % 3 else f"row {i}",
                         image=lambda i: {"bytes": bytes([i]) * i, "path": f"{i}.png"}, nested=lambda i: [[i], [], None][: i % 4])
    done = elidefs("import", dataset, source)
    assert "rows were copied into the version" in done.stderr and "(and 2 more)" in done.stderr
    again = elidefs("import", dataset, source)
    assert "nothing" in again.stderr or "3 unchanged" in again.stderr, again.stderr
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for i, (first, length) in enumerate([(0, 20), (20, 10), (30, 15)]):
            with pq.ParquetFile(point / f"v1/ep{i:06d}.state.parquet") as state:
                assert state.read().equals(table.slice(first, length))
                assert state.schema_arrow.equals(pq.read_schema(source / DATA), check_metadata=True)


def test_rows_that_were_copied_need_their_file_no_more_and_verify_knows(dataset, source):
    merge_groups(source)
    elidefs("import", dataset, source)
    (source / DATA).unlink()
    assert "3 of 3 clips can be read" in elidefs("verify", dataset).stdout
    shutil.rmtree(source / "videos")
    done = elidefs("verify", dataset, check=False)
    assert "0 of 3 clips can be read" in done.stdout and ".mp4: no such" in done.stdout



def test_rows_that_share_a_row_group_and_are_many_bytes_are_left_out_and_it_is_said(dataset, source):
    merge_groups(source, image=lambda i: {"bytes": numpy.random.default_rng(i).bytes(250000), "path": None})
    done = elidefs("import", dataset, source)
    assert "too many bytes to be copied" in done.stderr and "ep000000.state.parquet" in done.stderr
    found = clips(dataset)
    assert not any("state" in name for name in found["ep000000"]["files"])
    assert "ep000001.state.parquet" in found["ep000001"]["files"]


def regroup(source, rows, **columns):
    """Row groups of so many rows, whoever's they are; columns as above."""
    table = merge_groups(source, **columns)
    pq.write_table(table, source / DATA, row_group_size=rows)
    return table


def check_rows(point, source, table):
    """Each episode's file is these rows, with the schema and the metadata of the source's."""
    with pq.ParquetFile(source / DATA) as whole:
        for i, (first, length) in enumerate([(0, 20), (20, 10), (30, 15)]):
            with pq.ParquetFile(point / f"v1/ep{i:06d}.state.parquet") as state:
                assert state.read().equals(table.slice(first, length)), i
                assert state.schema_arrow.equals(whole.schema_arrow, check_metadata=True)
                assert state.metadata.metadata == whole.metadata.metadata


@pytest.mark.parametrize("rows", [1, 3, 7, 8, 25, 44])
def test_rows_that_begin_and_end_in_any_row_groups_are_an_episodes(dataset, source, tmp_path, rows):
    table = regroup(source, rows, done=lambda i: i % 7 == 0, note=lambda i: None if i % 3 else f"row {i}",
                    image=lambda i: {"bytes": bytes([i]) * i, "path": f"{i}.png"}, nested=lambda i: [[i], [], None][: i % 4])
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        check_rows(point, source, table)
    again = elidefs("import", dataset, source)
    assert "nothing" in again.stderr or "3 unchanged" in again.stderr, again.stderr


def test_a_border_that_is_many_bytes_is_left_out_and_whole_groups_are_not_counted(dataset, source, tmp_path):
    table = regroup(source, 15, image=lambda i: {"bytes": numpy.random.default_rng(i).bytes(500000), "path": None})
    pq.write_table(table, source / DATA, row_group_size=18, use_dictionary=False)
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        state = pq.read_table(point / "v1/ep000000.state.parquet")
        assert state.equals(table.slice(0, 20)), "18 rows by range, 2 of them copied"
        assert not os.path.exists(point / "v1/ep000001.state.parquet"), "10 of 18 rows are 5 MB"


def spoil(path, column, group):
    """Turns the last byte of a column chunk around."""
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        chunk = file.metadata.row_group(group).column(names.index(column))
        end = (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size
    data = bytearray(path.read_bytes())
    data[end - 1] ^= 0xff
    path.write_bytes(data)


def test_a_damaged_page_costs_the_episodes_that_have_rows_in_it_and_no_other(dataset, source, tmp_path):
    table = merge_groups(source, extra=lambda i: i * 1.5)
    pq.write_table(table, source / DATA, use_dictionary=False, compression="none", data_page_size=1, write_batch_size=5,
                   write_page_checksum=True)
    data, row_27 = bytearray((source / DATA).read_bytes()), numpy.float64(27 * 1.5).tobytes()
    assert data.count(row_27) == 1
    data[data.index(row_27)] ^= 1
    (source / DATA).write_bytes(data)
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and "row group 0, column 'extra': page 5: the page's checksum is" in done.stderr, done.stderr
    assert sorted(clips(dataset)) == ["ep000000", "ep000002"]
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert pq.read_table(point / "v1/ep000000.state.parquet").equals(table.slice(0, 20))
        assert pq.read_table(point / "v1/ep000002.state.parquet").equals(table.slice(30, 15))


def test_a_damaged_page_whose_rows_would_be_copied_is_an_error_of_its_clips(dataset, source, tmp_path):
    table = merge_groups(source, extra=lambda i: i * 1.5)
    pq.write_table(table, source / DATA, row_group_size=15, write_page_checksum=True)
    spoil(source / DATA, "extra", 1)
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1
    assert "row group 1, column 'extra': page 1: the page's checksum is" in done.stderr and elidefs("log", dataset).stdout == ""
    done = elidefs("import", dataset, source, "--skip-bad", cwd=tmp_path, check=False)
    assert done.returncode == 3 and sorted(clips(dataset)) == ["ep000002"], done.stderr


def test_verify_deep_decodes_pages_that_nobody_else_looks_at(dataset, source, tmp_path):
    table = pq.read_table(source / DATA)
    with pq.ParquetWriter(source / DATA, table.schema, write_page_checksum=True) as writer:
        for first, length in [(0, 20), (20, 10), (30, 15)]:
            writer.write_table(table.slice(first, length))
    spoil(source / DATA, "timestamp", 1)
    elidefs("import", dataset, source)
    assert elidefs("verify", dataset).stdout == "v1            3 of 3 clips can be read\n"
    done = elidefs("verify", dataset, "--deep", check=False)
    assert done.returncode == 1
    assert f"{source / DATA}: row group 1, column 'timestamp': page 1: the page's checksum is" in done.stdout, done.stdout


def test_rows_that_are_not_one_run_are_left_out_and_it_is_said(dataset, source):
    table = pq.read_table(source / DATA)
    order = numpy.argsort(numpy.arange(len(table)) % 2, kind="stable")
    pq.write_table(table.take(pa.array(order)).combine_chunks(), source / DATA)
    done = elidefs("import", dataset, source)
    assert "not one run" in done.stderr and "(and 2 more)" in done.stderr
    assert not any("state" in name for clip in clips(dataset).values() for name in clip["files"])
