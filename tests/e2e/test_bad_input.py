# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear line with file, place and reason, status 1, nothing committed, nothing left behind."""
import json
import os
import subprocess

import pytest

from conftest import LABELS, elidefs


def tree(folder):
    return sorted(os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)


def refused(dataset, source, *options, says):
    before = tree(dataset)
    done = elidefs("import", dataset, source, *options, check=False)
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith(("elidefs: ", "bad: "))]
    assert len([line for line in errors if line.startswith("elidefs: ")]) == 1 and done.stdout == ""
    assert any(all(word in line for word in says) for line in errors), errors
    assert tree(dataset) == before
    assert elidefs("log", dataset).stdout == ""


VIDEO = "videos/observation.images.top/chunk-000/file-000.mp4"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
DATA = "data/chunk-000/file-000.parquet"


def cut_off(path, keep):
    with open(path, "r+b") as file:
        file.truncate(keep)


@pytest.mark.parametrize("name", [EPISODES, DATA])
def test_a_parquet_file_without_footer(dataset, sample_copy, name):
    cut_off(sample_copy / name, 50000)
    refused(dataset, sample_copy, says=[name, "not finished"])


@pytest.mark.parametrize("keep", [0, 3, 40, 2000, 400000])
def test_a_truncated_mp4(dataset, sample_copy, keep):
    cut_off(sample_copy / VIDEO, keep)
    refused(dataset, sample_copy, says=[VIDEO])


def test_text_called_mp4_in_a_lerobot_set(dataset, sample_copy):
    (sample_copy / VIDEO).write_text("not a video at all, really\n" * 1000)
    refused(dataset, sample_copy, says=[VIDEO])


@pytest.mark.parametrize("name", [VIDEO, DATA])
def test_a_file_that_is_named_but_not_there(dataset, sample_copy, name):
    (sample_copy / name).unlink()
    refused(dataset, sample_copy, says=[name, "no such file"])


@pytest.mark.parametrize("change, says", [
    ({"data_path": "../../etc/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"}, ["info.json", "outside"]),
    ({"video_path": "/etc/{video_key}/{chunk_index}/{file_index}.mp4"}, ["info.json", "outside"]),
    ({"data_path": "data/{nonsense}.parquet"}, ["info.json", "nonsense"]),
    ({"data_path": None}, ["info.json", "data_path"]),
    ({"fps": 0}, ["info.json", "fps"]),
    ({"features": []}, ["info.json", "features"]),
])
def test_an_info_json_that_does_not_add_up(dataset, sample_copy, change, says):
    path = sample_copy / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    refused(dataset, sample_copy, says=says)


def test_an_info_json_that_is_no_json(dataset, sample_copy):
    (sample_copy / "meta/info.json").write_text('{"fps": 30,\n oops')
    refused(dataset, sample_copy, says=["info.json", "line 2"])


@pytest.mark.parametrize("table, says", [
    ("episode_index,arm\n0,left\n1,left,extra\n", ["line 3", "fields"]),
    ('episode_index,arm\n0,"left\n', ["line 2", "quote"]),
    ("episode_index,arm\n99,left\n", ["line 2", "99"]),
    ("episode_index,arm\n0,left\n0,right\n", ["line 3", "second time"]),
    ("arm,outcome\nleft,fail\n", ["line 1", "key", "episode_index"]),
    ("episode_index,arm,arm\n0,a,b\n", ["line 1", "twice"]),
    ("episode_index,a/b,a.b\n0,1,2\n", ["line 1", "a_b"]),
    (b"episode_index,arm\n0,\xff\n", ["line 2", "UTF-8"]),
    ("", ["empty"]),
])
def test_a_table_with_a_broken_line(dataset, sample_copy, tmp_path, table, says):
    path = tmp_path / "labels.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    refused(dataset, sample_copy, "--table", path, says=["labels.csv", *says])


def test_duplicate_keys_in_the_episode_table(dataset, tmp_path):
    make_lerobot = pytest.importorskip("make_lerobot")
    source = make_lerobot.make(tmp_path / "source")
    subprocess.run(["cp", source / EPISODES, source / "meta/episodes/chunk-000/file-001.parquet"], check=True)
    refused(dataset, source, says=["meta/episodes", "twice"])


def test_two_columns_that_become_one_name(dataset, tmp_path):
    make_lerobot = pytest.importorskip("make_lerobot")
    source = make_lerobot.make(tmp_path / "source", columns={"a/b": [1, 2, 3], "a.b": [1, 2, 3]})
    refused(dataset, source, says=["'a.b'", "'a/b'", "a_b"])


def test_rows_that_are_not_as_many_as_the_episode_is_long(dataset, tmp_path):
    make_lerobot = pytest.importorskip("make_lerobot")
    source = make_lerobot.make(tmp_path / "source", lengths=(40, 25, 33))
    make_lerobot.write_rows(source / DATA, (40, 24, 33), "episode")
    refused(dataset, source, says=[DATA, "episode 1", "24", "25"])


def test_a_source_that_is_not_there(dataset, tmp_path):
    refused(dataset, tmp_path / "nothing", says=[str(tmp_path / "nothing")])


def test_import_without_init_names_the_command_to_type(tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    done = elidefs("import", folder, LABELS.parent, check=False)
    assert done.returncode == 1 and "elidefs init" in done.stderr
    assert tree(folder) == []
