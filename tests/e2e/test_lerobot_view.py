# SPDX-License-Identifier: Apache-2.0
"""`.as/lerobot`: the clips of any path as a LeRobot data set, read by pyarrow. LeRobot's own loader is in
tests/lerobot, which tools/dev/test-lerobot runs."""
import csv
import hashlib
import json
import os
import shutil

import numpy
import pytest

from conftest import LABELS, SAMPLE, elidefs, mounted

pytest.importorskip("pyarrow")
lerobot_sets = pytest.importorskip("lerobot_sets")
make_lerobot = pytest.importorskip("make_lerobot")
make_lerobot_v2 = pytest.importorskip("make_lerobot_v2")

ORDERED = "v1/outcome=fail/@shuffle=7"


@pytest.fixture(scope="module")
def original():
    return lerobot_sets.LeRobotSet(SAMPLE)


def keys(folder):
    return list(dict.fromkeys(name.partition(".")[0] for name in os.listdir(folder)))


def numbers(folder):
    """The episodes of the sample that a path has, in its order."""
    return [int(key.removeprefix("ep")) for key in keys(folder)]


def sums(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def check_episodes(view, original, wanted):
    assert view.info["total_episodes"] == len(view.episodes) == len(wanted)
    assert view.info["total_frames"] == len(view.rows) == sum(original.episodes[i]["length"] for i in wanted)
    assert view.info["splits"] == {"train": f"0:{len(wanted)}"}
    at = 0
    for number, i in enumerate(wanted):
        episode, other = view.episodes[number], original.episodes[i]
        assert (episode["episode_index"], episode["dataset_from_index"]) == (number, at)
        at += episode["length"]
        assert episode["dataset_to_index"] == at
        assert (episode["length"], episode["tasks"]) == (other["length"], other["tasks"])
        assert view.frames(number) == original.frames(i)
        for camera in view.cameras:
            assert episode[f"videos/{camera}/from_timestamp"] == 0
            assert episode[f"videos/{camera}/to_timestamp"] == episode["length"] / view.info["fps"]


@pytest.mark.parametrize("path", ["v1", "v1/outcome=fail", ORDERED, "v1/@sort=-mass_g/@head=5", "v1/@key=ep000003"])
def test_episodes_are_those_of_the_path_in_its_order_frame_by_frame(mount, original, path):
    view = lerobot_sets.LeRobotSet(mount / path / ".as/lerobot")
    wanted = numbers(mount / path)
    check_episodes(view, original, wanted)
    assert view.info["features"] == original.info["features"]
    assert list(view.info["features"]) == list(original.info["features"])
    assert sorted(view.tasks.values()) == sorted({task for i in wanted for task in original.episodes[i]["tasks"]})
    assert list(view.tasks) == list(range(view.info["total_tasks"]))
    assert view.rows.schema.equals(original.rows.schema, check_metadata=True)


def test_videos_are_the_files_of_the_clips(mount):
    folder = mount / ORDERED
    view = lerobot_sets.LeRobotSet(folder / ".as/lerobot")
    for number, key in enumerate(keys(folder)):
        for camera, stream in {"observation.images.top": "top", "observation.images.wrist_right": "wrist_right"}.items():
            video, clip = view.video(number, camera), folder / f"{key}.{stream}.mp4"
            assert (video.stat().st_ino, video.stat().st_size) == (clip.stat().st_ino, clip.stat().st_size)
            assert video.read_bytes() == clip.read_bytes()


@pytest.mark.parametrize("path", ["v1", ORDERED, "v1/@head=1", "v1/@sample=9,3"])
@pytest.mark.parametrize("name", ["lerobot", "lerobot-mean"])
def test_statistics_are_those_of_lerobot_to_the_last_bit(mount, original, path, name):
    view = lerobot_sets.LeRobotSet(mount / path / ".as" / name)
    episodes = [original.statistics(i) for i in numbers(mount / path)]
    wanted = lerobot_sets.aggregate(episodes, envelope=name == "lerobot")
    assert set(view.stats) == set(wanted)
    for feature, stats in wanted.items():
        assert set(view.stats[feature]) == set(stats)
        for stat, value in stats.items():
            found = numpy.array(view.stats[feature][stat])
            assert (found.shape, found.dtype.kind) == (value.shape, value.dtype.kind), (feature, stat)
            assert (found == value).all(), (feature, stat)
    for number, stats in enumerate(episodes):
        assert {f: {s: v.tolist() for s, v in of.items()} for f, of in view.statistics(number).items()} == {
            f: {s: v.tolist() for s, v in of.items()} for f, of in stats.items()}


def test_labels_are_columns_of_the_episodes(mount):
    view = lerobot_sets.LeRobotSet(mount / "v1/arm=left/.as/lerobot")
    labels = {int(row["episode_index"]): row for row in csv.DictReader(open(LABELS))}
    for episode, i in zip(view.episodes, numbers(mount / "v1/arm=left"), strict=True):
        assert (episode["arm"], episode["object"], episode["outcome"]) == ("left", labels[i]["object"], labels[i]["outcome"])
        assert (episode["mass_g"], episode["friction"]) == (int(labels[i]["mass_g"]), float(labels[i]["friction"]))


def test_values_of_every_type_are_columns(dataset, tmp_path):
    table = tmp_path / "labels.jsonl"
    table.write_text(json.dumps({"episode_index": 0, "good": True, "pose": [1, 2.5], "tag": ["b", "a"], "at": "2026-03-01T00:00:00Z",
                                 "took": "2.5s"}) + "\n" + json.dumps({"episode_index": 1, "good": False}) + "\n")
    elidefs("import", dataset, SAMPLE, "--table", table, "--type", "pose=list", "--type", "took=duration", "--type", "at=timestamp")
    elidefs("cp", dataset, "v1/@head=3/.as/lerobot", tmp_path / "view", "--cache", tmp_path / "cache")
    first, second, third = lerobot_sets.LeRobotSet(tmp_path / "view").episodes
    assert (first["good"], first["pose"], sorted(first["tag"]), first["took"]) == (True, [1, 2.5], ["a", "b"], 2.5)
    assert first["at"].isoformat() == "2026-03-01T00:00:00+00:00"
    assert (second["good"], second["pose"], second["tag"], second["at"]) == (False, None, None, None)
    assert third["good"] is None


def test_streams_before_the_view_take_cameras_out_of_it(mount, original):
    view = lerobot_sets.LeRobotSet(mount / "v1/@streams=top/.as/lerobot")
    assert view.cameras == ["observation.images.top"]
    assert os.listdir(mount / "v1/@streams=top/.as/lerobot/videos") == view.cameras
    assert "observation.images.wrist_right" not in view.stats
    assert not [name for name in view.episodes[0] if "wrist_right" in name]
    check_episodes(view, original, range(16))
    blind = mount / "v1/@streams=json/.as/lerobot"
    assert sorted(os.listdir(blind)) == ["data", "meta"]
    assert lerobot_sets.LeRobotSet(blind).info["video_path"] is None


def test_a_v2_source_gives_the_same_view(sample, tmp_path, dataset, original):
    source = make_lerobot_v2.convert(SAMPLE, tmp_path / "v2")
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as mount:
        view = lerobot_sets.LeRobotSet(mount / "v1/.as/lerobot")
        check_episodes(view, original, range(16))
        elidefs("cp", sample, "v1/.as/lerobot", tmp_path / "of_v3", "--cache", tmp_path / "other")
        other = lerobot_sets.LeRobotSet(tmp_path / "of_v3")
        assert view.stats == other.stats and view.info == other.info


@pytest.mark.parametrize("name", ["lerobot", "lerobot21"])
def test_a_view_is_a_source_like_any_other(mount, sample, original, dataset, tmp_path, name):
    path = "v1/outcome=fail/@shuffle=7"
    shutil.copytree(mount / path / ".as" / name, tmp_path / "source")
    elidefs("import", dataset, tmp_path / "source")
    elidefs("cp", dataset, "v1/.as/lerobot", tmp_path / "again", "--cache", tmp_path / "cache")
    again, view = lerobot_sets.LeRobotSet(tmp_path / "again"), lerobot_sets.LeRobotSet(mount / path / ".as/lerobot")
    check_episodes(again, original, numbers(mount / path))
    assert again.stats == view.stats and again.info == view.info and again.tasks == view.tasks
    for number in range(len(view.episodes)):
        for camera in view.cameras:
            assert again.video(number, camera).read_bytes() == view.video(number, camera).read_bytes()


def test_the_view_in_v21_has_files_of_their_own_for_each_episode(mount, original):
    folder = mount / "v1/outcome=fail"
    root, wanted = folder / ".as/lerobot21", numbers(folder)
    assert sorted(os.listdir(root / "meta")) == ["episodes.jsonl", "episodes_stats.jsonl", "info.json", "stats.json", "tasks.jsonl"]
    info = json.loads((root / "meta/info.json").read_text())
    lines = {name: [json.loads(line) for line in open(root / "meta" / f"{name}.jsonl")] for name in ("episodes", "episodes_stats", "tasks")}
    assert (info["codebase_version"], info["total_videos"], info["total_chunks"]) == ("v2.1", 2 * len(wanted), 1)
    tasks = {line["task_index"]: line["task"] for line in lines["tasks"]}
    for number, i in enumerate(wanted):
        place = {"episode_chunk": number // 1000, "episode_index": number}
        rows = lerobot_sets.read(root / info["data_path"].format(**place))
        frames = rows.drop(["episode_index", "index", "task_index"]).to_pydict()
        assert frames | {"task": [tasks[n] for n in rows["task_index"].to_pylist()]} == original.frames(i)
        episode, stats = lines["episodes"][number], lines["episodes_stats"][number]
        assert (episode["episode_index"], episode["length"], episode["outcome"]) == (number, len(rows), "fail")
        assert episode["tasks"] == original.episodes[i]["tasks"] and stats["episode_index"] == number
        assert stats["stats"] == {f: {s: v.tolist() for s, v in of.items()} for f, of in original.statistics(i).items()}
        for camera, stream in {"observation.images.top": "top", "observation.images.wrist_right": "wrist_right"}.items():
            video = root / info["video_path"].format(video_key=camera, **place)
            assert video.read_bytes() == (folder / f"ep{i:06}.{stream}.mp4").read_bytes()


def test_clips_of_several_sets_are_one(dataset, tmp_path, original):
    source = make_lerobot_v2.convert(SAMPLE, tmp_path / "v2")
    elidefs("import", dataset, SAMPLE)
    elidefs("import", dataset, source, "--prefix", "again")
    elidefs("cp", dataset, "v2/.as/lerobot", tmp_path / "view", "--cache", tmp_path / "cache")
    clips = [line["key"] for line in map(json.loads, elidefs("query", dataset, "v2", "--json").stdout.splitlines())]
    assert len(clips) == 32
    check_episodes(lerobot_sets.LeRobotSet(tmp_path / "view"), original, [int(key[-6:]) for key in clips])


def test_other_files_of_meta_are_shown_as_they_were(dataset, sample_copy, tmp_path):
    (sample_copy / "meta/modality.json").write_text('{"state": {}}\n')
    (sample_copy / "README.md").write_text("# picks\n")
    elidefs("import", dataset, sample_copy)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as mount:
        root = mount / "v1/.as/lerobot"
        assert sorted(os.listdir(root)) == ["README.md", "data", "meta", "videos"]
        assert sorted(os.listdir(root / "meta")) == ["episodes", "info.json", "modality.json", "stats.json", "tasks.parquet"]
        for name in ("meta/modality.json", "README.md"):
            assert (root / name).read_bytes() == (sample_copy / name).read_bytes()
            assert (root / name).stat().st_size == (sample_copy / name).stat().st_size


def test_sizes_and_tables_need_no_recording(dataset, sample_copy, tmp_path):
    elidefs("import", dataset, sample_copy)
    shutil.move(sample_copy, tmp_path / "away")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as mount:
        root = mount / "v1/.as/lerobot"
        assert (root / "data/chunk-000/file-000.parquet").stat().st_size > 100000
        assert len(lerobot_sets.table(root / "meta/episodes")) == 16
        with pytest.raises(OSError):
            (root / "data/chunk-000/file-000.parquet").read_bytes()


def test_it_is_the_same_bytes_each_time_and_everywhere(sample, mount, tmp_path):
    path = f"{ORDERED}/.as/lerobot"
    first = sums(mount / path)
    assert len(first) == 5 + 2 * 8 and first == sums(mount / path)
    for name in first:
        assert (mount / path / name).stat().st_size == len((mount / path / name).read_bytes())
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as other:
        assert sums(other / path) == first
    elidefs("cp", sample, path, tmp_path / "copied", "--cache", tmp_path / "third")
    assert sums(tmp_path / "copied") == first


def without_cameras(source, **changes):
    info = json.loads((source / "meta/info.json").read_text()) | changes
    info["features"] = {name: feature for name, feature in info["features"].items() if feature["dtype"] != "video"}
    (source / "meta/info.json").write_text(json.dumps(info))


def test_two_rates_are_refused_with_the_condition_that_mends_it(dataset, sample_copy, tmp_path):
    without_cameras(sample_copy, fps=60)
    elidefs("import", dataset, SAMPLE)
    elidefs("import", dataset, sample_copy, "--prefix", "fast")
    assert "fps=30" in elidefs("query", dataset, "v2/.as/lerobot", check=False).stderr
    assert elidefs("query", dataset, "v2/fps=30/.as/lerobot").stdout.startswith("meta/info.json\n")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as mount:
        assert not (mount / "v2/.as/lerobot").exists()
        assert "30 and 60 frames a second" in (mount / ".elidefs/errors").read_text()


def test_two_robots_are_refused_with_the_condition_that_mends_it(dataset, sample_copy):
    without_cameras(sample_copy, robot_type="so101")
    elidefs("import", dataset, SAMPLE)
    elidefs("import", dataset, sample_copy, "--prefix", "so")
    assert "robot_type=aloha" in elidefs("query", dataset, "v2/.as/lerobot", check=False).stderr
    assert elidefs("query", dataset, "v2/robot_type=so101/.as/lerobot").stdout.startswith("meta/info.json\n")


def test_features_that_differ_and_clips_without_rows_are_refused(dataset, sample_copy, tmp_path):
    info = json.loads((sample_copy / "meta/info.json").read_text())
    info["features"]["action"]["names"] = [f"joint {i}" for i in range(14)]
    (sample_copy / "meta/info.json").write_text(json.dumps(info))
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/a.json").write_text("{}")
    (tmp_path / "plain/a.bin").write_bytes(b"a")
    elidefs("import", dataset, SAMPLE)
    elidefs("import", dataset, sample_copy, "--prefix", "other")
    elidefs("import", dataset, tmp_path / "plain")
    assert "differ in 'action'" in elidefs("query", dataset, "v2/.as/lerobot", check=False).stderr
    assert "'a' is not an episode of a LeRobot data set" in elidefs("query", dataset, "v3/@key=a/.as/lerobot", check=False).stderr
    assert "no clip is here" in elidefs("query", dataset, "v3/@key=a/fps=30/.as/lerobot", check=False).stderr


def test_a_set_without_the_columns_that_lerobot_adds_is_refused(dataset, tmp_path):
    elidefs("import", dataset, make_lerobot.make(tmp_path / "source"))
    assert "has no feature 'timestamp'" in elidefs("query", dataset, "v1/.as/lerobot", check=False).stderr


def test_there_is_no_such_view_where_no_lerobot_set_was_imported(dataset, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/a.bin").write_bytes(b"a")
    elidefs("import", dataset, tmp_path / "plain")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as mount:
        assert "lerobot" not in os.listdir(mount / "v1/.as")
        assert not (mount / "v1/.as/lerobot").exists()


@pytest.mark.parametrize("name", ["meta/x", "meta/episodes/chunk-001", "meta/episodes/chunk-0", "meta/episodes/chunk-000/file-001.parquet",
                                  "data/chunk-000/file-0000.parquet", "data/chunk-000/file-001.parquet", "videos/observation.images.left",
                                  "videos/observation.images.top/chunk-000/file-016.mp4", "images", ".lock"])
def test_what_is_not_there_is_not_found(mount, name):
    assert not (mount / "v1/.as/lerobot" / name).exists()
