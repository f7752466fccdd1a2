# SPDX-License-Identifier: Apache-2.0
"""Clips in real decoders: every frame of a clip is the frame of the recording."""
import glob
import json
import os
import subprocess
import sys

import pytest

from conftest import CAMERAS, SAMPLE, run


def frame_hashes(path, *options):
    text = run("ffmpeg", "-v", "error", *options, "-i", path, "-map", "0:v:0", "-vsync", "0", "-f", "framemd5", "-").stdout
    return [line.split(",")[-1].strip() for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def episodes():
    import pyarrow.parquet as pq
    rows = []
    for name in sorted(glob.glob(f"{SAMPLE}/meta/episodes/*/*.parquet")):
        rows += pq.read_table(name).to_pylist()
    return rows


@pytest.fixture(scope="module")
def recordings():
    """The frame hashes of each shared file, decoded once."""
    return {name: frame_hashes(name) for name in glob.glob(f"{SAMPLE}/videos/*/*/*.mp4")}


@pytest.mark.parametrize("camera", sorted(CAMERAS))
def test_every_clip_decodes_to_its_episodes_frames(mount, episodes, recordings, camera):
    feature = CAMERAS[camera]
    for row in episodes:
        name = "%s/videos/%s/chunk-%03d/file-%03d.mp4" % (
            SAMPLE, feature, row[f"videos/{feature}/chunk_index"], row[f"videos/{feature}/file_index"])
        first = round(row[f"videos/{feature}/from_timestamp"] * 30)
        clip = mount / "v1" / ("ep%06d.%s.mp4" % (row["episode_index"], camera))
        assert frame_hashes(clip) == recordings[name][first:first + row["length"]], clip


def test_ffprobe_has_nothing_to_complain_about(mount):
    for clip in sorted(glob.glob(f"{mount}/v1/*.mp4")):
        done = run("ffprobe", "-v", "error", "-show_streams", "-of", "json", clip)
        assert done.stderr == ""
        stream = json.loads(done.stdout)["streams"][0]
        assert stream["codec_name"] == "av1" and stream["r_frame_rate"] == "30/1"


def test_seeking_into_a_clip_gives_the_later_frames(mount):
    clip = mount / "v1" / "ep000000.top.mp4"
    assert frame_hashes(clip, "-ss", "1.0") == frame_hashes(clip)[30:]


def test_pyav_and_opencv_count_the_right_frames(mount, episodes):
    code = ("import sys, av\n"
            "with av.open(sys.argv[1]) as c: print(sum(1 for _ in c.decode(video=0)))")
    other = ("import sys, cv2\n"
             "v = cv2.VideoCapture(sys.argv[1]); n = 0\n"
             "while v.read()[0]: n += 1\n"
             "print(n)")
    for row in episodes[:4]:
        clip = mount / "v1" / ("ep%06d.top.mp4" % row["episode_index"])
        for script, module in ((code, "av"), (other, "cv2")):
            if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode:
                pytest.skip(f"no {module} for {sys.executable}")
            assert int(run(sys.executable, "-c", script, clip).stdout) == row["length"]
