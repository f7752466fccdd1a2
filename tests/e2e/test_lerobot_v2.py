# SPDX-License-Identifier: Apache-2.0
"""LeRobot v2 sets: a file an episode, JSON lines. A v2 and a v3.0 copy of one set give the same clips."""
import glob
import json
import shutil

from catalog_pages import extras, identities
import pytest

from conftest import CAMERAS, SAMPLE, elidefs, mounted
from test_video import frame_hashes as frames

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
make_lerobot = pytest.importorskip("make_lerobot")
make_lerobot_v2 = pytest.importorskip("make_lerobot_v2")

CAMERA = "observation.images.front"
DATA = "data/chunk-000/episode_%06d.parquet"
VIDEO = f"videos/chunk-000/{CAMERA}/episode_%06d.mp4"
LENGTHS = (20, 10, 15)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The same small set in both formats: (v3.0, v2.1)."""
    folder = tmp_path_factory.mktemp("made")
    v3 = make_lerobot.make(folder / "v3", lengths=LENGTHS, separate=True)
    return v3, make_lerobot_v2.convert(v3, folder / "v2")


@pytest.fixture
def source(made, tmp_path):
    """The v2.1 set, to change."""
    return shutil.copytree(made[1], tmp_path / "source")


def clips(dataset, path="v1"):
    return {line["key"]: line for line in map(json.loads, elidefs("query", dataset, path, "--json").stdout.splitlines())}


def without_sizes(found):
    """What must be the same in both formats: all but the source's name and, as files are laid out anew, their sizes."""
    return {key: {name: sorted(value) if name == "files" else value for name, value in clip.items() if name != "source"}
            for key, clip in found.items()}


def edit_info(source, **changes):
    path = source / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_lines(path, change):
    """change(row) of each line: the row it becomes, or its text."""
    rows = [change(json.loads(line)) for line in path.read_text().splitlines()]
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


def imported(source, tmp_path):
    folder = tmp_path / ("of-" + source.name)
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, source)
    return folder


def refused(dataset, source, *says):
    done = elidefs("import", dataset, source, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith(("elidefs: ", "bad: "))]
    assert done.returncode == 1, done.stderr
    assert any(all(word in line for word in says) for line in errors), errors
    assert elidefs("log", dataset).stdout == ""


def same_as_v3(dataset, made, tmp_path):
    other = imported(made[0], tmp_path)
    assert without_sizes(clips(dataset)) == without_sizes(clips(other))
    return other


# ---- the same clips, whichever format ----

def test_the_sample_as_v21_gives_the_clips_of_v30(sample, tmp_path):
    v2 = make_lerobot_v2.convert(SAMPLE, tmp_path / "v2", chunks_size=6)
    assert sorted(p.name for p in (v2 / "data").iterdir()) == ["chunk-000", "chunk-001", "chunk-002"]
    dataset = imported(v2, tmp_path)
    assert identities(dataset) == identities(sample)
    assert len(identities(sample)) == 16 and all(extra for _, _, extra in identities(sample))
    own = clips(dataset)
    for key, clip in clips(sample).items():
        assert sorted(own[key]["files"]) == sorted(clip["files"])
        assert {name: clip[name] for name in own[key]} | {"files": 0, "source": 0} == own[key] | {"files": 0, "source": 0}
    whole = pa.concat_tables(pq.read_table(name) for name in sorted(glob.glob(f"{SAMPLE}/data/*/*.parquet")))
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        tables = [pq.read_table(point / "v1" / f"ep{i:06d}.state.parquet") for i in range(16)]
        assert pa.concat_tables(tables).equals(whole)
        for i, name in ((0, "top"), (7, "wrist_right"), (15, "top")):
            recorded = frames(v2 / f"videos/chunk-{i // 6:03d}/{CAMERAS[name]}/episode_{i:06d}.mp4")
            assert frames(point / f"v1/ep{i:06d}.{name}.mp4") == recorded and len(recorded) == own[f"ep{i:06d}"]["length"]
        ball = "task=Pick up the ball and hold it."
        named = [f"{key}.json" for key, clip in own.items() if clip["task"] == ball[5:]]
        assert sorted(path.name for path in (point / "v1" / ball).glob("*.json")) == named and named


def test_h264_as_v21_gives_the_frames_of_its_file(made, dataset, tmp_path):
    elidefs("import", dataset, made[1])
    other = same_as_v3(dataset, made, tmp_path)
    assert identities(dataset) == identities(other)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for i, length in enumerate(LENGTHS):
            recorded = frames(made[1] / (VIDEO % i))
            assert frames(point / f"v1/ep{i:06d}.front.mp4") == recorded and len(recorded) == length
            assert (point / f"v1/ep{i:06d}.state.parquet").read_bytes() == (made[1] / (DATA % i)).read_bytes()


def test_v20_has_no_statistics_of_each_episode(made, dataset, tmp_path):
    source = make_lerobot_v2.convert(made[0], tmp_path / "source", stats=False)
    (source / "meta/stats.json").write_text(json.dumps({"observation.state": {"max": [1.0, 2.0, 3.0]}}))
    elidefs("import", dataset, source)
    found = clips(dataset)
    assert sorted(found) == ["ep000000", "ep000001", "ep000002"] and "success" not in found["ep000000"]
    assert all(not name.startswith("stats/") for extra in extras(dataset).values() for name in extra)
    assert elidefs("query", dataset, "v1/task=task 1").stdout == "ep000001\n"


# ---- sets that are not quite as their format says ----

@pytest.mark.parametrize("format, tag", [(0, "v2.1"), (1, "v3.0"), (1, None)])
def test_the_templates_decide_whatever_the_version_says(made, dataset, tmp_path, format, tag):
    source = shutil.copytree(made[format], tmp_path / "source")
    edit_info(source, codebase_version=tag)
    elidefs("import", dataset, source)
    same_as_v3(dataset, made, tmp_path)


def test_an_episode_table_beside_files_of_one_episode(made, dataset, source, tmp_path):
    """v3.0 metadata, data as v2.1 lays it out: the table says nothing about files."""
    for name in ("episodes.jsonl", "episodes_stats.jsonl", "tasks.jsonl"):
        (source / "meta" / name).unlink()
    table = pq.read_table(made[0] / "meta/episodes/chunk-000/file-000.parquet")
    (source / "meta/episodes/chunk-000").mkdir(parents=True)
    plumbing = [name for name in table.column_names if name.startswith(("data/", "videos/"))]
    pq.write_table(table.drop_columns(plumbing), source / "meta/episodes/chunk-000/file-000.parquet")
    shutil.copy(made[0] / "meta/tasks.parquet", source / "meta/tasks.parquet")
    edit_info(source, codebase_version="v3.0")
    elidefs("import", dataset, source)
    assert identities(dataset) == identities(same_as_v3(dataset, made, tmp_path))


@pytest.mark.parametrize("format", [0, 1])
def test_what_a_conversion_left_behind_is_not_read(made, dataset, tmp_path, format):
    source = shutil.copytree(made[format], tmp_path / "source")
    if format == 0:
        (source / "meta/episodes.jsonl").write_text('{"old": true}\n')
    else:
        (source / "meta/episodes/chunk-000").mkdir(parents=True)
        (source / "meta/episodes/chunk-000/file-000.parquet").write_text("old")
    elidefs("import", dataset, source)
    same_as_v3(dataset, made, tmp_path)


@pytest.mark.parametrize("format, feature", [
    (1, {"names": ["x", "y", "z"], "video_info": {"video.fps": 30.0, "video.codec": "h264", "has_audio": False}}),
    (1, {"names": {"motors": ["x", "y", "z"]}, "info": {"video.fps": 30}, "fps": 30.0}),
    (1, {"names": [["x"], ["y"]], "shape": [], "info": None}), (1, {"names": "xyz", "shape": 3}),
    (0, {"names": {"axes": {"x": 0}}, "video_info": {"video.fps": 30.0}})])
def test_how_a_feature_is_described_does_not_matter(made, dataset, tmp_path, format, feature):
    source = shutil.copytree(made[format], tmp_path / "source")
    info = json.loads((source / "meta/info.json").read_text())
    edit_info(source, features={name: described | feature for name, described in info["features"].items()})
    elidefs("import", dataset, source)
    found = clips(dataset)
    assert sorted(found) == ["ep000000", "ep000001", "ep000002"]
    assert sorted(found["ep000001"]["files"]) == ["ep000001.front.mp4", "ep000001.json", "ep000001.state.parquet"]


@pytest.mark.parametrize("info", [
    {"splits": {"train": "0:2", "test": "2:900"}}, {"splits": "all"},
    {"total_episodes": 1, "total_frames": 7, "total_tasks": 0, "total_videos": 99, "total_chunks": 0}])
def test_what_info_json_counts_does_not_matter(made, dataset, source, tmp_path, info):
    edit_info(source, **info)
    elidefs("import", dataset, source)
    same_as_v3(dataset, made, tmp_path)


def test_a_cameras_name_in_the_template_stands_for_that_camera(made, dataset, source, tmp_path):
    edit_info(source, video_path=make_lerobot_v2.VIDEO.replace("{video_key}", CAMERA))
    elidefs("import", dataset, source)
    same_as_v3(dataset, made, tmp_path)


def test_a_cameras_name_in_the_template_stands_for_the_others_too(dataset, source, tmp_path):
    """No camera shows another one's video."""
    info = json.loads((source / "meta/info.json").read_text())
    edit_info(source, video_path=make_lerobot_v2.VIDEO.replace("{video_key}", CAMERA),
              features=info["features"] | {"observation.images.side": info["features"][CAMERA]})
    refused(dataset, source, "videos/chunk-000/observation.images.side/episode_000000.mp4", "no such file", "episode 0")
    shutil.copytree(source / "videos/chunk-000" / CAMERA, source / "videos/chunk-000/observation.images.side")
    make_lerobot.encode(source / "videos/chunk-000/observation.images.side/episode_000001.mp4", LENGTHS[1], ("-c:v", "libx264", "-bf", "0"))
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for stream, camera in (("front", CAMERA), ("side", "observation.images.side")):
            assert frames(point / f"v1/ep000001.{stream}.mp4") == frames(source / f"videos/chunk-000/{camera}/episode_000001.mp4")


def test_a_template_that_gives_all_cameras_one_video_is_refused(dataset, source):
    info = json.loads((source / "meta/info.json").read_text())
    edit_info(source, video_path="videos/all/episode_{episode_index:06d}.mp4",
              features=info["features"] | {"observation.images.side": info["features"][CAMERA]})
    refused(dataset, source, "info.json", "video_path", "2 cameras")


@pytest.mark.parametrize("format", [0, 1])
def test_images_inside_parquet_are_served_in_state_parquet(made, dataset, tmp_path, format):
    """What LeRobot writes for features of the type image: a struct of the encoded bytes and a path."""
    source = shutil.copytree(made[format], tmp_path / "source")
    info = json.loads((source / "meta/info.json").read_text())
    image = {"dtype": "image", "shape": [4, 4, 3], "names": ["height", "width", "channel"]}
    edit_info(source, video_path=None, features={"observation.image": image, "observation.state": info["features"]["observation.state"]})
    shutil.rmtree(source / "videos")
    wanted = {}
    for path in sorted(source.glob("data/*/*.parquet")):
        file = pq.ParquetFile(path)
        groups = [with_images(file.read_row_group(g)) for g in range(file.num_row_groups)]
        with pq.ParquetWriter(path, groups[0].schema) as writer:
            for group in groups:
                writer.write_table(group)
                wanted[f"ep{group['episode_index'][0].as_py():06d}"] = group
    elidefs("import", dataset, source)
    assert len(wanted) == 3
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for key, table in wanted.items():
            assert pq.read_table(point / f"v1/{key}.state.parquet").equals(table)
            assert sorted(p.name for p in (point / "v1").glob(f"{key}*")) == [f"{key}.json", f"{key}.state.parquet"]


def with_images(table):
    images = [{"bytes": b"\x89PNG" + bytes([i]) * (100 + i), "path": f"frame_{i:06d}.png"} for i in range(len(table))]
    return table.append_column("observation.image", pa.array(images, pa.struct([("bytes", pa.binary()), ("path", pa.string())])))


def test_a_file_of_several_row_groups_is_one_clip(dataset, source, tmp_path):
    """The datasets library flushes a group each thousand rows, each hundred where there are images."""
    table = pq.read_table(source / (DATA % 0))
    pq.write_table(table, source / (DATA % 0), row_group_size=7)
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert pq.read_table(point / "v1/ep000000.state.parquet").equals(table)


def test_what_python_writes_and_json_does_not_know_is_null(made, dataset, source):
    """A statistic of nothing is NaN."""
    def spoil(row):
        row["stats"]["observation.state"]["std"] = [float("nan"), float("inf"), float("-inf")]
        row["stats"]["a \"NaN\" text"] = {"max": "NaN, -Infinity \\"}
        return row
    edit_lines(source / "meta/episodes_stats.jsonl", spoil)
    edit_lines(source / "meta/episodes.jsonl", lambda row: row | {"quality": float("nan") if row["episode_index"] else 0.5})
    elidefs("import", dataset, source)
    assert [clip.get("quality") for clip in clips(dataset).values()] == [0.5, None, None]
    stats = extras(dataset)["ep000000"]
    assert stats["stats/observation.state/std"] == [None, None, None]
    assert stats["stats/a \"NaN\" text/max"] == "NaN, -Infinity \\"


def test_more_members_of_an_episode_are_attributes(dataset, source):
    edit_lines(source / "meta/episodes.jsonl", lambda row: row | {
        "operator": "ann", "quality": 0.25 * row["episode_index"], "good": row["episode_index"] == 1, "notes": None,
        "action_config": [{"start": 0}], "nested": {"a": 1}, "dataset_from_index": 0})
    elidefs("import", dataset, source)
    clip = clips(dataset)["ep000001"]
    assert (clip["operator"], clip["quality"], clip["good"]) == ("ann", 0.25, True)
    assert not {"notes", "action_config", "nested", "dataset_from_index"} & set(clip)


@pytest.mark.parametrize("tasks", [[], None, "pick", ["pour", "pick"], ["pick", None]])
def test_tasks_may_be_a_list_a_text_or_nothing(dataset, source, tasks):
    edit_lines(source / "meta/episodes.jsonl", lambda row: row | {"tasks": tasks})
    elidefs("import", dataset, source)
    wanted = sorted(task for task in ([tasks] if isinstance(tasks, str) else tasks or []) if task)
    found = clips(dataset)["ep000000"].get("task", [])
    assert (found if isinstance(found, list) else [found]) == wanted


def test_lines_as_other_systems_write_them(made, dataset, source, tmp_path):
    path = source / "meta/episodes.jsonl"
    lines = path.read_text().splitlines()
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(reversed(lines)).encode())
    elidefs("import", dataset, source)
    same_as_v3(dataset, made, tmp_path)


def test_episodes_need_not_be_without_gaps(dataset, source):
    edit_lines(source / "meta/episodes.jsonl", lambda row: "" if row["episode_index"] == 1 else row)
    done = elidefs("import", dataset, source)
    assert sorted(clips(dataset)) == ["ep000000", "ep000002"] and "does not name it" in done.stderr


def test_frames_behind_the_last_row_are_left_out_and_said(dataset, source, tmp_path):
    make_lerobot.encode(source / (VIDEO % 1), LENGTHS[1] + 2, ("-c:v", "libx264"))
    done = elidefs("import", dataset, source)
    assert "frames behind the last row" in done.stderr and (VIDEO % 1) in done.stderr
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert frames(point / "v1/ep000001.front.mp4") == frames(source / (VIDEO % 1))[:LENGTHS[1]]


# ---- what does not add up: one line with file, place and reason, nothing committed ----

def lines_of(name):
    return lambda source, change: edit_lines(source / "meta" / name, change)


def rewrite(name, change):
    def spoil(source):
        lines_of(name)(source, lambda row: change(row) if row["episode_index"] == 1 else row)
    return spoil


def remove(name):
    return lambda source: (source / name).unlink()


def renumber(source):
    """Rows that say another episode than their file's name."""
    table = pq.read_table(source / (DATA % 1))
    at = table.schema.get_field_index("episode_index")
    pq.write_table(table.set_column(at, "episode_index", pa.array([0] * len(table))), source / (DATA % 1))


def mix(source):
    pq.write_table(pa.concat_tables([pq.read_table(source / (DATA % i)) for i in (1, 0)]).combine_chunks(), source / (DATA % 1))


@pytest.mark.parametrize("spoil, says", [
    (remove(DATA % 1), [DATA % 1, "no such file", "episode 1"]),
    (remove(VIDEO % 1), [VIDEO % 1, "no such file", "episode 1"]),
    (remove("meta/episodes.jsonl"), ["meta/episodes/", "episodes.jsonl"]),
    (lambda s: (s / "meta/episodes.jsonl").write_text("\n"), ["episodes.jsonl", "no episode"]),
    (rewrite("episodes.jsonl", lambda row: '{"episode_index": 1, "tas'), ["episodes.jsonl", "line 2, column", "JSON"]),
    (rewrite("episodes.jsonl", lambda row: "[1]"), ["episodes.jsonl: line 2", "array"]),
    (rewrite("episodes.jsonl", lambda row: row | {"length": "10"}), ["episodes.jsonl: line 2", "'length'"]),
    (rewrite("episodes.jsonl", lambda row: row | {"length": -1}), ["episodes.jsonl: line 2", "'length'"]),
    (rewrite("episodes.jsonl", lambda row: row | {"length": 1 << 40}), ["episodes.jsonl: line 2", "'length'"]),
    (rewrite("episodes.jsonl", lambda row: {"length": 10}), ["episodes.jsonl: line 2", "'episode_index' is missing"]),
    (rewrite("episodes.jsonl", lambda row: row | {"episode_index": 0}), ["episodes.jsonl", "episode 0", "twice"]),
    (rewrite("episodes.jsonl", lambda row: row | {"tasks": [3]}), ["episodes.jsonl: line 2", "'tasks'"]),
    (rewrite("episodes.jsonl", lambda row: row | {"tasks": ["a\0b"]}), ["episodes.jsonl: line 2", "episode 1", "tasks", "NUL"]),
    (rewrite("episodes.jsonl", lambda row: row | {"who": "a\0b"}), ["episodes.jsonl: line 2", "episode 1", "'who'", "NUL"]),
    (rewrite("episodes.jsonl", lambda row: row | {"who": "x" * 70000}), ["episodes.jsonl: line 2", "'who'", "65536"]),
    (rewrite("episodes.jsonl", lambda row: row | {"duration": 3}), ["episodes.jsonl", "'duration'"]),
    (rewrite("episodes.jsonl", lambda row: row | {"a/b": 3, "a.b": 3}), ["episodes.jsonl", "'a/b'", "'a.b'", "a_b"]),
    (rewrite("episodes.jsonl", lambda row: row | {"length": 9}), [DATA % 1, "episode 1", "10 rows", "9"]),
    (rewrite("episodes.jsonl", lambda row: row | {"episode_index": 7}), ["episode_000007", "no such file"]),
    (rewrite("episodes_stats.jsonl", lambda row: {"episode_index": 1}), ["episodes_stats.jsonl: line 2", "'stats'"]),
    (rewrite("episodes_stats.jsonl", lambda row: row | {"episode_index": 0}), ["episodes_stats.jsonl: line 2", "episode 0", "second time"]),
    (rewrite("episodes_stats.jsonl", lambda row: row | {"stats": {"a/b": {"c": 1}, "a": {"b/c": 2}}}),
     ["episodes_stats.jsonl: line 2", "'stats/a/b/c'", "twice"]),
    (rewrite("episodes_stats.jsonl", lambda row: row | {"stats": {"x" * 2000: 1}}), ["episodes_stats.jsonl: line 2", "1024"]),
    (lambda s: (s / "meta/tasks.jsonl").write_text('{"task_index": 0, "task": "a"}\n{"task_index": -1}\n'), ["tasks.jsonl: line 2"]),
    (lambda s: (s / "meta/tasks.jsonl").write_bytes(b'{"task_index": 0, "task": "\xff"}\n'), ["tasks.jsonl: line 1, column 27", "0xff"]),
    (lambda s: (s / (DATA % 1)).write_bytes((s / (DATA % 1)).read_bytes()[:-9]), [DATA % 1, "not finished"]),
    (lambda s: (s / (VIDEO % 1)).write_text("not a video at all\n" * 99), [VIDEO % 1]),
    (lambda s: make_lerobot.encode(s / (VIDEO % 1), 8, ("-c:v", "libx264")), [VIDEO % 1, "episode 1", "8 frames"]),
    (renumber, [DATA % 1, "no row", "episode 1"]),
    (lambda s: edit_info(s, chunks_size=2), ["chunk-001", "episode_000002", "no such file"]),
    (lambda s: edit_info(s, chunks_size=0), ["info.json", "chunks_size"]),
    (lambda s: edit_info(s, data_path="../{episode_index}.parquet"), ["info.json", "outside"]),
    (lambda s: edit_info(s, data_path="{episode_index:s}.parquet"), ["info.json", "format"]),
    (lambda s: edit_info(s, video_path="videos/{video_key}/file-{file_index}.mp4"), ["episodes.jsonl", "{episode_index}"]),
])
def test_what_does_not_add_up_is_refused(dataset, source, spoil, says):
    spoil(source)
    refused(dataset, source, *says)


def test_rows_of_another_episode_are_never_shown(dataset, source, tmp_path):
    """A file that holds a second episode's rows in one row group."""
    wanted = pq.read_table(source / (DATA % 1))
    mix(source)
    done = elidefs("import", dataset, source)
    assert "rows were copied into the version" in done.stderr and (DATA % 1) in done.stderr
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert pq.read_table(point / "v1/ep000001.state.parquet").equals(wanted)
        assert pq.read_table(point / "v1/ep000000.state.parquet").equals(pq.read_table(source / (DATA % 0)))


# ---- daily growth ----

def test_a_set_that_grew_gives_its_new_episodes_and_reads_no_old_one(made, dataset, source):
    whole = (source / "meta/episodes.jsonl").read_text().splitlines(keepends=True)
    (source / "meta/episodes.jsonl").write_text("".join(whole[:2]))
    elidefs("import", dataset, source)
    (source / "meta/episodes.jsonl").write_text("".join(whole))
    done = elidefs("import", dataset, source)
    assert "1 clip added, 0 replaced, 2 unchanged" in done.stderr, done.stderr
    scanned = {line.split()[1] for line in done.stderr.splitlines() if line.startswith("scanned ")}
    assert scanned == {DATA % 2, VIDEO % 2}
    assert elidefs("query", dataset, "v1", "--count").stdout == "2\n" and elidefs("query", dataset, "v2", "--count").stdout == "3\n"


def test_a_set_that_was_converted_in_place_keeps_its_clips(made, dataset, source):
    elidefs("import", dataset, source)
    before = clips(dataset)
    shutil.rmtree(source)
    shutil.copytree(made[0], source)
    elidefs("import", dataset, source)
    assert without_sizes(clips(dataset, "v2")) == without_sizes(before)
    assert [row[:2] for row in identities(dataset)] == [row[:2] for row in identities(dataset, 2)]
