# SPDX-License-Identifier: Apache-2.0
"""Episodes cut out of a shared video of every codec: frames equal, decoders content, sound kept."""
import os

import pytest

from conftest import elidefs, mounted, run
from test_video import frame_hashes

make_lerobot = pytest.importorskip("make_lerobot")

LENGTHS = (40, 25, 33)
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "12")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-g", "12", "-tag:v", "hvc1", "-x265-params")
CODECS = {
    "h264-b-frames": (X264 + ("-bf", "2"), {}),
    "h264-no-b-frames": (X264 + ("-bf", "0"), {}),
    "h264-open-gop": (X264 + ("-bf", "2", "-x264-params", "open-gop=1"), {}),
    "h264-moov-first": (X264, {"extra": ("-movflags", "+faststart")}),
    "h264-audio": (X264 + ("-bf", "2"), {"audio": True}),
    "hevc-closed-gop": (X265 + ("log-level=error:open-gop=0",), {}),
    "hevc-open-gop": (X265 + ("log-level=error:open-gop=1",), {}),
    "av1": (("-c:v", "libsvtav1", "-preset", "12", "-g", "2"), {"separate": True}),
    "h264-as-lerobot": (("-c:v", "libx264", "-g", "2"), {"separate": True}),
    "hevc-as-lerobot": (("-c:v", "libx265", "-g", "2", "-x265-params", "log-level=error"), {"separate": True}),
}


@pytest.mark.parametrize("name", sorted(CODECS))
def test_every_episode_shows_exactly_its_frames(tmp_path, dataset, name):
    codec, options = CODECS[name]
    os.environ["SVT_LOG"] = "1"
    source = make_lerobot.make(tmp_path / "source", codec, LENGTHS, **options)
    whole = frame_hashes(source / "videos/observation.images.front/chunk-000/file-000.mp4")
    assert len(whole) == sum(LENGTHS)
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        first = 0
        for episode, length in enumerate(LENGTHS):
            clip = point / "v1" / f"ep{episode:06d}.front.mp4"
            assert run("ffprobe", "-v", "error", "-show_packets", clip).stderr == "", clip
            assert frame_hashes(clip) == whole[first:first + length], clip
            if "audio" in options:
                seconds = float(run("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=duration",
                                    "-of", "csv=p=0", clip).stdout.strip())
                assert seconds == pytest.approx(length / 30, abs=0.2)
            first += length


def test_an_episode_that_starts_inside_a_gop_says_how_much_is_hidden(tmp_path, dataset):
    source = make_lerobot.make(tmp_path / "source", X264 + ("-sc_threshold", "0"), LENGTHS)
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert float(os.getxattr(point / "v1/ep000001.front.mp4", "user.elidefs.preroll")) == pytest.approx(4 / 30, abs=0.04)
        with pytest.raises(OSError):
            os.getxattr(point / "v1/ep000000.front.mp4", "user.elidefs.preroll")


def test_a_fragmented_file_is_a_fault_of_the_episodes_that_share_it_and_whole_where_there_is_one(tmp_path, dataset):
    fragmented = {"extra": ("-movflags", "frag_keyframe+empty_moov")}
    shared = make_lerobot.make(tmp_path / "shared", X264, LENGTHS, **fragmented)
    done = elidefs("import", dataset, shared, "--prefix", "a", check=False)
    assert done.returncode == 1 and "file-000.mp4: box 'mvex' at offset" in done.stderr
    assert "the file is fragmented (clip 'a-ep000000' and 2 more)" in done.stderr
    alone = make_lerobot.make(tmp_path / "alone", X264, (30,), **fragmented)
    elidefs("import", dataset, alone, "--prefix", "b")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        clip = point / "v1" / "b-ep000000.front.mp4"
        assert "fragment" in os.getxattr(clip, "user.elidefs.reason").decode()
        assert open(clip, "rb").read() == open(
            alone / "videos/observation.images.front/chunk-000/file-000.mp4", "rb").read()


def test_the_attributes_of_an_episode(tmp_path, dataset):
    import json
    import pyarrow as pa
    source = make_lerobot.make(
        tmp_path / "source", X264, LENGTHS, task=lambda i: ["pour", "stir"] if i == 2 else ["pour"],
        columns={"quality": [0.5, 1.0, 0.25], "meta/episodes/file_index": [0, 0, 0], "operator/name": ["a", "b", "c"],
                 "flags": pa.array([[1], [2], [3]])})
    elidefs("import", dataset, source, "--set", "site=b", "--set", "tags=x;y", "--multi", "tags")
    clips = {line["key"]: line for line in map(json.loads, elidefs("query", dataset, "v1", "--json").stdout.splitlines())}
    clip = clips["ep000002"]
    assert clip["task"] == ["pour", "stir"] and clip["task_index"] == [0, 1] and clips["ep000000"]["task"] == ["pour"]
    assert clip["quality"] == 0.25 and clip["operator_name"] == "c" and clip["site"] == "b" and clip["tags"] == ["x", "y"]
    assert clip["length"] == 33 and clip["fps"] == 30 and clip["duration"] == 1.1 and clip["source"] == "source"
    assert clip["success"] is True and clips["ep000001"]["success"] is False
    assert not {"flags", "robot_type", "meta_episodes_file_index", "data_chunk_index"} & set(clip)
