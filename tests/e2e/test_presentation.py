# SPDX-License-Identifier: Apache-2.0
"""Time zero of a video is that of players: what begins late is cut where they show it, and spans that LeRobot's readers
would not find are refused."""
import fractions
import json
import subprocess
import sys

import numpy
import pytest

from conftest import elidefs, run
from test_video import frame_hashes

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
make_lerobot = pytest.importorskip("make_lerobot")

FPS = 30
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
VIDEO = "videos/observation.images.front/chunk-000/file-000.mp4"
PICTURES = ("-f", "lavfi", "-i", f"testsrc2=size=128x96:rate={FPS}:duration=3")
SOUND = ("-f", "lavfi", "-i", "aevalsrc=sin(2*PI*(200+300*t)*t):s=48000:d=4")
H264 = ("-c:v", "libx264", "-g", "12", "-bf", "2", "-pix_fmt", "yuv420p", "-vsync", "0")


def shown(path):
    """(time, hash) of each frame, as ffprobe shows it."""
    done = run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path)
    times = [float(line.rstrip(",")) for line in done.stdout.split()]
    hashes = frame_hashes(path)
    assert len(times) == len(hashes) > 0
    return list(zip(times, hashes))


def start_times(path):
    done = run("ffprobe", "-v", "error", "-show_entries", "stream=codec_type,start_time", "-of", "json", path)
    assert done.stderr == ""
    return {stream["codec_type"]: float(stream["start_time"]) for stream in json.loads(done.stdout)["streams"]}


def heard(path):
    """The sound, from its first sample on."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-ac", "1", "-"],
                          capture_output=True, check=True)
    return numpy.frombuffer(done.stdout, numpy.float32)


def copied(dataset, tmp_path, version="v1"):
    out = tmp_path / f"out-{version}"
    elidefs("cp", dataset, version, out)
    return out


# ---- manifests ----

LATE = {  # name: how the file is made, and when its first picture is shown
    "a pause, no sound": ((*PICTURES, *H264, "-output_ts_offset", "0.7"), 0.7),
    "pictures late beside sound": (("-itsoffset", "1", *PICTURES, *SOUND, *H264, "-c:a", "aac"), 1.0),
    "a pause rounded to milliseconds": (("-itsoffset", "0.333333", *PICTURES, *SOUND, *H264, "-c:a", "aac"), 0.333),
    "sound late beside pictures": ((*PICTURES, "-itsoffset", "0.5", *SOUND, *H264, "-c:a", "aac"), 0.0),
    "no edit list": ((*PICTURES, *H264, "-use_editlist", "0"), 2 / FPS),
    "opus": (("-itsoffset", "0.5", *PICTURES, *SOUND, *H264, "-c:a", "libopus"), 0.5),
}


@pytest.mark.parametrize("name", LATE)
def test_a_manifests_times_are_those_that_players_show(dataset, tmp_path, name):
    command, first = LATE[name]
    recording = tmp_path / "run.mp4"
    run("ffmpeg", "-v", "error", *command, recording)
    frames = shown(recording)
    assert frames[0][0] == pytest.approx(first, abs=1e-4), "the recording is not what the test is about"
    edges = {"whole": (0, frames[-1][0] + 1 / FPS), "early": (0, frames[5][0]), "first": (frames[0][0], frames[7][0]),
             "middle": (frames[31][0], frames[77][0])}
    if first >= 0.3:
        edges["in the pause"] = (first / 2, frames[40][0])
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text("".join(json.dumps({"key": key, "v": {"url": "run.mp4", "start": start, "end": end}}) + "\n"
                                for key, (start, end) in edges.items()))
    elidefs("import", dataset, manifest)
    out = copied(dataset, tmp_path)
    for key, (start, end) in edges.items():
        wanted = [(time - start, frame) for time, frame in frames if start - 1e-6 <= time < end - 1e-6]
        got = shown(next(out.glob(key.replace(" ", "*") + ".v.mp4")))
        assert [frame for _, frame in got] == [frame for _, frame in wanted], key
        assert numpy.allclose([time for time, _ in got], [time for time, _ in wanted], atol=1e-4), key


def test_the_sound_of_a_pause_is_heard_and_stays_in_step(dataset, tmp_path):
    recording = tmp_path / "run.mp4"
    run("ffmpeg", "-v", "error", "-itsoffset", "1", *PICTURES, *SOUND, *H264, "-c:a", "aac", recording)
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text('{"key": "pause", "v": {"url": "run.mp4", "start": 0.5, "end": 2}}\n'
                        '{"key": "later", "v": {"url": "run.mp4", "start": 1.5, "end": 2.5}}\n')
    elidefs("import", dataset, manifest)
    out = copied(dataset, tmp_path)
    assert start_times(out / "pause.v.mp4") == {"video": 0.5, "audio": 0.0}
    assert start_times(out / "later.v.mp4") == {"video": 0.0, "audio": 0.0}
    whole, middle = heard(recording), slice(4000, 40000)
    for key, start in (("pause", 0.5), ("later", 1.5)):
        part = heard(out / f"{key}.v.mp4")
        wanted = whole[int(start * 48000):][:len(part)]
        assert numpy.abs(part[middle] - wanted[middle]).max() < 0.01, key


def test_a_window_that_holds_only_the_pause_is_refused(dataset, tmp_path):
    run("ffmpeg", "-v", "error", *PICTURES, *H264, "-output_ts_offset", "0.7", tmp_path / "run.mp4")
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text('{"key": "a", "v": {"url": "run.mp4", "start": 0, "end": 0.6}}\n')
    done = elidefs("import", dataset, manifest, check=False)
    assert done.returncode == 1 and "run.mp4: no frame lies between 0 s and 0.6 s" in done.stderr


# ---- LeRobot ----

LENGTHS = (20, 10, 15)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_lerobot.make(tmp_path_factory.mktemp("made") / "set", lengths=LENGTHS)


@pytest.fixture
def source(made, tmp_path):
    folder = tmp_path / "source"
    run("cp", "-a", made, folder)
    return folder


def edit_spans(source, change, file=EPISODES):
    """change(from, to) -> the same, in seconds."""
    table = pq.read_table(source / file)
    prefix = "videos/observation.images.front/"
    names = [f"{prefix}from_timestamp", f"{prefix}to_timestamp"]
    for name, values in zip(names, change(*(numpy.array(table[name]) for name in names))):
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    pq.write_table(table, source / file)


def edit_info(source, **changes):
    path = source / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def remake_video(source, *options, rate=FPS, frames=sum(LENGTHS)):
    run("ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=128x96:rate={rate}:duration={float(frames / rate)}",
        *H264, *options, source / VIDEO)


def frames_of(frames, start, length):
    return [frame for time, frame in frames if start - 1e-4 <= time < start + length / FPS - 1e-4]


def shifted(episode, by):
    def change(start, end):
        start[episode] += by
        end[episode] += by
        return start, end
    return change


@pytest.mark.parametrize("options, late", [(("-output_ts_offset", "0.7"), 0.7), (("-use_editlist", "0"), 2 / FPS)])
def test_episodes_of_a_video_that_begins_late_are_where_the_table_says(dataset, source, tmp_path, options, late):
    remake_video(source, *options)
    edit_spans(source, lambda start, end: (start + late, end + late))
    elidefs("import", dataset, source)
    out, frames = copied(dataset, tmp_path), shown(source / VIDEO)
    for episode, length in enumerate(LENGTHS):
        wanted = frames_of(frames, late + sum(LENGTHS[:episode]) / FPS, length)
        got = shown(out / f"ep{episode:06d}.front.mp4")
        assert [frame for _, frame in got] == wanted and got[0][0] == 0 and len(wanted) == length


def test_pyav_shows_the_same_times(dataset, source, tmp_path):
    code = ("import sys, av\n"
            "with av.open(sys.argv[1]) as c: print([round(float(f.pts * f.time_base), 4) for f in c.decode(video=0)])")
    if subprocess.run([sys.executable, "-c", "import av"], capture_output=True).returncode:
        pytest.skip(f"no av for {sys.executable}")
    remake_video(source, "-output_ts_offset", "0.7")
    times = json.loads(run(sys.executable, "-c", code, source / VIDEO).stdout)
    assert times == [round(time, 4) for time, _ in shown(source / VIDEO)] and times[0] == 0.7


# What is done to the set, which clips it costs, and what is said.
UNFIT = {
    "a span off the frames": (lambda s: edit_spans(s, shifted(1, 0.001)), [1],
                              "episode 1 begins at 0.667667 s there, but the nearest frame is shown at 0.666667 s"),
    "spans that share frames": (lambda s: edit_spans(s, shifted(1, -3 / FPS)), [0, 1],
                                "episodes 1 and 0 both have frames from 0.566667 s on there"),
    "one span inside another": (lambda s: edit_spans(s, shifted(2, -28 / FPS)), [0, 2],
                                "episodes 2 and 0 both have frames from 0.066667 s on there"),
    "another rate": (lambda s: remake_video(s, rate=25), [0, 1, 2], "frame 1 of episode 0 is to be shown at 0.033333 s "
                     "there, at 30 frames a second, but is at 0.040000 s"),
    "twice the rate": (lambda s: remake_video(s, rate=60, frames=200), [0, 1, 2], "but is at 0.016667 s"),
    "nearly the rate": (lambda s: remake_video(s, rate=fractions.Fraction(30000, 1001)), [0, 1, 2], "frame 4 of episode 0"),
    "another fps": (lambda s: edit_info(s, fps=29.97), [0, 1, 2], "at 29.97 frames a second"),
    "a video that begins late": (lambda s: remake_video(s, "-output_ts_offset", "0.5"), [0],
                                 "episode 0 begins at 0.000000 s there, but the nearest frame is shown at 0.500000 s"),
    "a frame that is missing": (lambda s: remake_video(s, "-vf", "select='not(eq(n,25))'"), [1],
                                "frame 5 of episode 1"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_spans_that_do_not_fit_are_errors_of_their_clips(dataset, source, tmp_path, name):
    spoil, bad, says = UNFIT[name]
    spoil(source)
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1 and elidefs("log", dataset).stdout == ""
    assert f"{source / VIDEO}: " in done.stderr and says in done.stderr, done.stderr
    good = sorted({0, 1, 2} - set(bad))
    done = elidefs("import", dataset, source, "--skip-bad", "--bad", tmp_path / "bad.jsonl", check=False)
    lines = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert sorted(line["clip"] for line in lines) == [f"ep{i:06d}" for i in bad]
    assert done.returncode == (3 if good else 1)
    if good:
        frames, out = shown(source / VIDEO), copied(dataset, tmp_path)
        assert sorted(path.name for path in out.glob("*.mp4")) == [f"ep{i:06d}.front.mp4" for i in good]
        for i in good:
            assert frame_hashes(out / f"ep{i:06d}.front.mp4") == frames_of(frames, sum(LENGTHS[:i]) / FPS, LENGTHS[i])


def test_a_clip_that_is_in_already_stays_and_is_said(dataset, source, tmp_path):
    elidefs("import", dataset, source)
    before = {path.name: path.read_bytes() for path in copied(dataset, tmp_path).iterdir()}
    edit_spans(source, shifted(1, 0.002))
    done = elidefs("import", dataset, source)
    assert done.stdout == "v1\n" and "nothing new" in done.stderr
    assert "note: stays as the data set has it, although it could not be imported today: " in done.stderr
    assert f"{source / VIDEO}: episode 1 begins at 0.668667 s there" in done.stderr
    table = tmp_path / "labels.csv"
    table.write_text("episode_index,grade\n1,7\n")
    assert elidefs("import", dataset, source, "--table", table).stdout == "v2\n"
    assert elidefs("query", dataset, "v2/grade=7").stdout == "ep000001\n"
    after = {path.name: path.read_bytes() for path in copied(dataset, tmp_path, "v2").iterdir()}
    assert {name: data for name, data in after.items() if name != "ep000001.json"} == {
        name: data for name, data in before.items() if name != "ep000001.json"}


def test_a_new_episode_with_an_old_ones_frames_is_refused_and_the_old_one_stays(dataset, source, tmp_path):
    whole = pq.read_table(source / EPISODES)
    pq.write_table(whole.slice(0, 2), source / EPISODES)
    elidefs("import", dataset, source)
    pq.write_table(whole, source / EPISODES)
    edit_spans(source, shifted(2, -2 / FPS))
    done = elidefs("import", dataset, source, "--skip-bad", "--bad", tmp_path / "bad.jsonl", check=False)
    assert done.returncode == 3 and "episodes 2 and 1 both have frames from 0.933333 s on there (clip 'ep000002')" in done.stderr
    assert "note: stays as the data set has it, although it could not be imported today: " in done.stderr
    assert elidefs("query", dataset, "latest").stdout == "ep000000\nep000001\n"


def test_a_thousand_running_sums_are_on_the_frames(dataset, tmp_path):
    lengths = [2 + i % 3 for i in range(1000)]
    source = make_lerobot.make(tmp_path / "source", lengths=lengths, codec=("-c:v", "libx264", "-preset", "ultrafast"))
    ends = []
    for length in lengths:  # as LeRobot adds them up; numpy would add in pairs
        ends.append((ends[-1] if ends else 0.0) + length / FPS)
    assert ends[-1] != sum(lengths) / FPS, "the sums are not off, and nothing is tried"
    edit_spans(source, lambda start, end: ([0.0, *ends[:-1]], ends))
    done = elidefs("import", dataset, source)
    assert "v1: 1000 clips added" in done.stderr and "note: stays" not in done.stderr


@pytest.mark.parametrize("version, said", [("v4.0", True), ("v3.0", False), ("v2.1", False), ("v12.1", True), (None, False),
                                           ("", False), (4, False)])
def test_a_codebase_version_above_v3_is_said(dataset, source, version, said):
    edit_info(source, codebase_version=version)
    done = elidefs("import", dataset, source)
    assert ("note: a format newer than LeRobot v3, read as if it were v3: " in done.stderr) == said
    assert not said or f"{source}/meta/info.json says {version}" in done.stderr
