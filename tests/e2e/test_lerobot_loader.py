# SPDX-License-Identifier: Apache-2.0
"""`.as/lerobot` opened by LeRobot's own loader. `tools/dev/test-lerobot` makes an environment that has it."""
import csv
import os

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

import pytest

from conftest import LABELS, SAMPLE, elidefs, mounted

torch = pytest.importorskip("torch")
if torch.version.cuda is None:
    # PyPI's torchvision is built for CUDA and does not load its operators beside a torch without: LeRobot uses none
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
lerobot_dataset = pytest.importorskip("lerobot.datasets.lerobot_dataset", reason="lerobot is not installed: tools/dev/test-lerobot")
import lerobot_sets
import make_lerobot_v2
import numpy
from lerobot.datasets.compute_stats import aggregate_stats

ANEW = ("index", "episode_index", "task_index")
PATHS = ["v1", "v1/outcome=fail", "v1/outcome=fail/@shuffle=7"]


def opened(root, **options):
    return lerobot_dataset.LeRobotDataset("some/name", root=root, video_backend="pyav", **options)


@pytest.fixture(scope="module")
def original():
    return opened(SAMPLE)


def numbers(folder):
    """The episodes of the sample that a path has, in its order."""
    return list(dict.fromkeys(int(name.partition(".")[0].removeprefix("ep")) for name in os.listdir(folder)))


def check_frame(frame, other, left_out=()):
    assert set(frame) | set(left_out) == set(other)
    for name, value in frame.items():
        if isinstance(value, torch.Tensor) and name not in ANEW:
            assert value.dtype == other[name].dtype and torch.equal(value, other[name]), name
    assert frame["task"] == other["task"]


def starts(dataset):
    return dataset.meta.episodes["dataset_from_index"][:]


@pytest.mark.parametrize("path, step", zip(PATHS, (1, 7, 7)))
def test_frames_are_those_of_the_original(mount, original, path, step):
    view, wanted = opened(mount / path / ".as/lerobot"), numbers(mount / path)
    assert view.meta.total_episodes == len(wanted)
    first, lengths = starts(original), original.meta.episodes["length"][:]
    assert len(view) == sum(lengths[i] for i in wanted)
    assert view.features == original.features and view.fps == original.fps
    at = 0
    for number, i in enumerate(wanted):
        for k in range(0, lengths[i], step):
            frame = view[at + k]
            check_frame(frame, original[first[i] + k])
            assert (frame["index"], frame["episode_index"]) == (at + k, number)
        at += lengths[i]
    assert at == len(view)


def test_frames_around_a_frame_are_those_of_the_original(mount, original):
    deltas = {"observation.images.top": [-0.1, 0.0], "action": [0.0, 1 / 30, 2 / 30], "observation.state": [-1 / 30, 0.0]}
    path = mount / "v1/outcome=fail"
    view, other = opened(path / ".as/lerobot", delta_timestamps=deltas), opened(SAMPLE, delta_timestamps=deltas)
    for number, i in enumerate(numbers(path)):
        length = original.meta.episodes[i]["length"]
        for k in (0, 1, length // 2, length - 1):
            check_frame(view[starts(view)[number] + k], other[starts(original)[i] + k])


def test_several_episodes_of_the_view_can_be_chosen(mount, original):
    path = mount / "v1/outcome=fail"
    view, wanted = opened(path / ".as/lerobot", episodes=[1, 3]), numbers(path)
    assert len(view) == sum(original.meta.episodes[wanted[i]]["length"] for i in (1, 3))
    check_frame(view[0], original[starts(original)[wanted[1]]])


@pytest.mark.parametrize("path", PATHS)
def test_statistics_are_those_that_lerobot_computes(mount, path):
    episodes = lerobot_sets.LeRobotSet(SAMPLE)
    wanted = [episodes.statistics(i) for i in numbers(mount / path)]
    for name, stats in {"lerobot-mean": aggregate_stats(wanted), "lerobot": lerobot_sets.aggregate(wanted, envelope=True)}.items():
        found = opened(mount / path / ".as" / name).meta.stats
        assert set(found) == set(stats)
        for feature, values in stats.items():
            assert set(found[feature]) == set(values)
            for stat, value in values.items():
                assert found[feature][stat].dtype == value.dtype and numpy.array_equal(found[feature][stat], value), (feature, stat)


def test_labels_are_in_the_table_of_episodes(mount):
    labels = {int(row["episode_index"]): row for row in csv.DictReader(open(LABELS))}
    view = opened(mount / "v1/arm=left/.as/lerobot")
    for i, number in enumerate(numbers(mount / "v1/arm=left")):
        episode = view.meta.episodes[i]
        assert (episode["outcome"], episode["object"]) == (labels[number]["outcome"], labels[number]["object"])


def test_a_view_of_one_camera_has_one(mount, original):
    view = opened(mount / "v1/@streams=top/@head=3/.as/lerobot")
    assert view.meta.camera_keys == ["observation.images.top"]
    check_frame(view[40], original[40], left_out=["observation.images.wrist_right"])


def test_a_v2_source_is_opened_as_v3(dataset, tmp_path, original):
    elidefs("import", dataset, make_lerobot_v2.convert(SAMPLE, tmp_path / "v2"))
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as mount:
        view = opened(mount / "v1/.as/lerobot")
        for at in range(0, len(view), 7):
            check_frame(view[at], original[at])


def test_lerobot_writes_nothing_into_the_view(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as mount:
        before = sorted(os.listdir(mount / "v1/.as/lerobot"))
        opened(mount / "v1/.as/lerobot")[0]
        assert sorted(os.listdir(mount / "v1/.as/lerobot")) == before
