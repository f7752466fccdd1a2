# SPDX-License-Identifier: Apache-2.0
"""LeRobot v2 sets: a file an episode, JSON lines. A v2 and a v3.0 copy of one set give the same clips."""
import glob
import json
import shutil
import sqlite3

import pytest

from conftest import CAMERAS, SAMPLE, elidefs, mounted, run

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


def catalog(dataset):
    """The catalog of v1: one zstd frame in the pack that the version names."""
    at = json.loads((dataset / "elidefs/versions/00000001.json").read_text())["catalog"]
    packed = pa.BufferReader((dataset / at["pack"]["path"]).read_bytes())
    database = sqlite3.connect(":memory:")
    database.deserialize(pa.input_stream(packed, compression="zstd").read(at["size"]))
    return database


def identity(dataset):
    """Each clip's key, fingerprint and statistics."""
    return catalog(dataset).execute("select key, fingerprint, bytes from clip left join extra using (row) order by key").fetchall()


def frames(path):
    text = run("ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vsync", "0", "-f", "framemd5", "-").stdout
    return [line.split(",")[-1].strip() for line in text.splitlines() if line and not line.startswith("#")]


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
    errors = [line for line in done.stderr.splitlines() if line.startswith("elidefs: ")]
    assert done.returncode == 1 and len(errors) == 1, done.stderr
    for word in says:
        assert word in errors[0], errors[0]
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
    assert identity(dataset) == identity(sample)
    assert len(identity(sample)) == 16 and all(extra for _, _, extra in identity(sample))
    own = clips(dataset)
    for key, clip in clips(sample).items():
        assert sorted(own[key]["files"]) == sorted(clip["files"])
        assert {name: clip[name] for name in own[key]} | {"files": 0, "source": 0} == own[key] | {"files": 0, "source": 0}
    whole = pa.concat_tables(pq.read_table(name) for name in sorted(glob.glob(f"{SAMPLE}/data/*/*.parquet")))
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        tables = [pq.read_table(point / "v1" / f"ep{i:06d}.state.parquet") for i in range(16)]
        assert pa.concat_tables(tables).equals(whole)
        for i in (0, 7, 15):
            for name, feature in CAMERAS.items():
                recorded = frames(v2 / f"videos/chunk-{i // 6:03d}/{feature}/episode_{i:06d}.mp4")
                assert frames(point / f"v1/ep{i:06d}.{name}.mp4") == recorded and len(recorded) == own[f"ep{i:06d}"]["length"]
        ball = "task=Pick up the ball and hold it."
        named = [f"{key}.json" for key, clip in own.items() if clip["task"] == ball[5:]]
        assert sorted(path.name for path in (point / "v1" / ball).glob("*.json")) == named and named


def test_h264_as_v21_gives_the_frames_of_its_file(made, dataset, tmp_path):
    elidefs("import", dataset, made[1])
    other = same_as_v3(dataset, made, tmp_path)
    assert identity(dataset) == identity(other)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        for i, length in enumerate(LENGTHS):
            recorded = frames(made[1] / (VIDEO % i))
            assert frames(point / f"v1/ep{i:06d}.front.mp4") == recorded and len(recorded) == length
            assert (point / f"v1/ep{i:06d}.state.parquet").read_bytes() == (made[1] / (DATA % i)).read_bytes()
