# SPDX-License-Identifier: Apache-2.0
"""A manifest as a source: one clip a line, streams cut by time or by bytes, wherever they lie."""
import json
import os
import subprocess

import pytest

from conftest import ELIDEFS, elidefs, mounted, run, told
from test_bad_input import refused

FPS = 30


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Three seconds; the grey of a frame tells its number. GOPs of eight, with B-frames."""
    path = tmp_path_factory.mktemp("video") / "run.mp4"
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=black:s=64x64:r={FPS}:d=3,format=yuv420p,geq=lum=16+2*N:cb=128:cr=128",
        "-c:v", "libx264", "-g", "8", "-bf", "2", "-qp", "4", path)
    return path


def frames(path):
    """The numbers of the frames an MP4 shows."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"],
                         capture_output=True, check=True).stdout
    luma, size = 64 * 64, 64 * 64 * 3 // 2
    return [round((sum(raw[at:at + luma]) / luma - 16) / 2) for at in range(0, len(raw), size)]


@pytest.fixture
def lab(tmp_path, video):
    """A folder with a manifest's recordings: rec/run.mp4, rec/log.bin, rec/shard.tar."""
    folder = tmp_path / "lab"
    (folder / "rec").mkdir(parents=True)
    os.link(video, folder / "rec/run.mp4")
    (folder / "rec/log.bin").write_bytes(b"0123456789")
    return folder


def manifest(lab, *rows, name="clips.jsonl"):
    path = lab / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def files(dataset, tmp_path, version="v1"):
    elidefs("cp", dataset, version, tmp_path / "out")
    return {path.name: path for path in sorted((tmp_path / "out").iterdir())}


def test_clips_are_cut_by_time_and_by_bytes(dataset, lab, tmp_path):
    path = manifest(
        lab, {"key": "a", "front": {"url": "rec/run.mp4", "start": 0.5, "end": 1.5}, "arm": "left", "tags": ["x", "y"]},
        {"key": "b/2", "front": {"url": "rec/run.mp4", "start": 2}, "log": {"url": "rec/log.bin", "offset": 2, "length": 3}},
        {"key": 3, "streams": {"front": "rec/run.mp4", "part": {"url": "rec/log.bin", "offset": 9, "length": 1, "ext": "txt"}},
         "arm": "right", "force": {"max": 2.5}},
        {"key": "d", "front": {"url": "rec/run.mp4", "end": 0.1}})
    done = elidefs("import", dataset, path)
    assert done.stdout == "v1\n" and any(line.startswith("found 4 clips in 2 files") for line in told(done))
    got = files(dataset, tmp_path)
    assert sorted(got) == sorted([
        "a.json", "a.front.mp4", "b%2F2.json", "b%2F2.front.mp4", "b%2F2.log.bin", "3.json", "3.front.mp4", "3.part.txt",
        "d.json", "d.front.mp4"])
    assert frames(got["a.front.mp4"]) == list(range(15, 45))
    assert frames(got["b%2F2.front.mp4"]) == list(range(60, 90))
    assert frames(got["d.front.mp4"]) == [0, 1, 2]
    assert got["3.front.mp4"].read_bytes() == (lab / "rec/run.mp4").read_bytes()
    assert got["b%2F2.log.bin"].read_bytes() == b"234" and got["3.part.txt"].read_bytes() == b"9"
    assert json.loads(got["a.json"].read_text()) == {"key": "a", "arm": "left", "tags": ["x", "y"]}
    assert json.loads(got["3.json"].read_text()) == {"key": "3", "arm": "right", "force_max": 2.5}
    assert elidefs("query", dataset, "v1/arm=left/tags=y").stdout == "a\n"


def test_csv_spells_streams_as_columns(dataset, lab, tmp_path):
    path = manifest(lab, "key,front.url,front.start,front.end,streams.log,arm,session.start",
                    "a,rec/run.mp4,1,2,rec/log.bin,left,2026-03-01", "b,rec/run.mp4,,1,,right,", name="clips.csv")
    elidefs("import", dataset, path, "--prefix", "day1")
    got = files(dataset, tmp_path)
    assert sorted(got) == ["day1-a.front.mp4", "day1-a.json", "day1-a.log.bin", "day1-b.front.mp4", "day1-b.json"]
    assert frames(got["day1-a.front.mp4"]) == list(range(30, 60))
    assert json.loads(got["day1-a.json"].read_text()) == {
        "key": "day1-a", "arm": "left", "session_start": "2026-03-01T00:00:00Z"}


@pytest.mark.parametrize("start, end, expected", [
    (0.3333, 0.6667, range(10, 20)),         # rounded down and up
    (0.33333337, 0.66666669, range(10, 20)), # a float's error
    (0.34, 0.66, range(10, 20)),             # not half a frame off
    (0.35, 0.40, range(10, 12)),             # in the middle: the earlier one
    (2.9, 3.02, range(87, 90)),              # within a frame of the end
    (0, 3, range(90)),
])
def test_edges_move_to_the_nearest_frame(dataset, lab, tmp_path, start, end, expected):
    elidefs("import", dataset, manifest(lab, {"key": "a", "v": {"url": "rec/run.mp4", "start": start, "end": end}}))
    assert frames(files(dataset, tmp_path)["a.v.mp4"]) == list(expected)


def test_recordings_in_other_folders_are_roots_of_their_own(dataset, lab, tmp_path, video):
    for day in ("day1", "day2"):
        (tmp_path / "archive" / day).mkdir(parents=True)
        (tmp_path / "archive" / day / "log.bin").write_bytes(day.encode())
    (lab / "link").symlink_to(tmp_path / "archive" / "day1")
    path = manifest(lab, {"key": "a", "log": {"url": "../archive/day1/log.bin"}, "v": {"url": "rec/run.mp4"}},
                    {"key": "b", "log": {"url": f"{tmp_path}/archive/day2/log.bin"}},
                    {"key": "c", "log": {"url": f"file://{tmp_path}/archive/day%31/log.bin"}},
                    {"key": "d", "log": {"url": "link/log.bin"}})
    done = elidefs("import", dataset, path)
    assert f"outside the manifest's folder; who mounts them must trust this root: {tmp_path}/archive\n" in done.stderr
    roots = [json.loads(path.read_text())["url"] for path in (dataset / "elidefs/series/roots").glob("*/*")]
    assert sorted(roots) == sorted([str(lab), f"{tmp_path}/archive"])
    got = files(dataset, tmp_path)
    assert [got[f"{key}.log.bin"].read_bytes() for key in "abcd"] == [b"day1", b"day2", b"day1", b"day1"]


def test_who_did_not_import_must_trust_the_roots(dataset, lab, tmp_path):
    (tmp_path / "log.bin").write_bytes(b"x")
    elidefs("import", dataset, manifest(lab, {"key": "a", "log": {"url": "../log.bin"}}))
    stranger = os.environ | {"HOME": str(tmp_path / "stranger")}
    (tmp_path / "stranger").mkdir()
    done = elidefs("cp", dataset, "v1", tmp_path / "theirs", check=False, env=stranger)
    assert done.returncode == 1 and "elidefs trust" in done.stderr and str(tmp_path) in done.stderr


def test_a_mount_shows_it(dataset, lab, tmp_path):
    elidefs("import", dataset, manifest(lab, {"key": "a", "v": {"url": "rec/run.mp4", "start": 1, "end": 2}, "arm": "left"}),
            "--stream", "v=top")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert sorted(os.listdir(point / "v1/arm=left")) == ["a.json", "a.top.mp4"]
        assert frames(point / "v1/a.top.mp4") == list(range(30, 60))


def test_the_same_manifest_again_changes_nothing(dataset, lab):
    rows = [{"key": key, "v": {"url": "rec/run.mp4", "start": i, "end": i + 1}, "l": {"url": "rec/log.bin"}}
            for i, key in enumerate("abc")]
    elidefs("import", dataset, manifest(lab, *rows))
    done = elidefs("import", dataset, manifest(lab, *rows[::-1]))
    assert "v1\n" == done.stdout
    rows[1]["v"]["end"] = 1.5
    done = elidefs("import", dataset, manifest(lab, *rows))
    assert "0 clips added, 1 replaced, 2 unchanged" in done.stderr and done.stdout == "v2\n"


GOOD = {"key": "good", "v": {"url": "rec/run.mp4"}}


@pytest.mark.parametrize("row, says", [
    ({"key": "a", "v": {"url": "rec/none.mp4"}}, ["line 2: column 'v.url'", "rec/none.mp4", "no such"]),
    ({"key": "a", "v": {"url": "nowhere/none.mp4"}}, ["line 2: column 'v.url'", "nowhere/none.mp4"]),
    ({"key": "a", "v": {"url": "rec"}}, ["line 2: column 'v.url'", "rec"]),
    ({"key": "a", "v": {"url": "rec/"}}, ["line 2: column 'v.url'", "names no file"]),
    ({"key": "a", "v": {"url": ""}}, ["line 2: column 'v.url'", "empty"]),
    ({"key": "a", "v": {"url": "gopher://x/y"}}, ["line 2: column 'v.url'", "gopher"]),
    ({"key": "a", "v": {"start": 1}}, ["line 2", "'v' has no url"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "start": 2, "end": 1}}, ["line 2: column 'v.url'", "starts at 2 s, but ends at 1 s"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "start": -1}}, ["line 2: column 'v.start'", "-1 is not"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "start": "soon"}}, ["line 2: column 'v.start'", "'soon' is not a number"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "start": [1, 2]}}, ["line 2: column 'v.start'", "'[1,2]' is not a number"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "start": 1, "end": 4}}, ["line 2", "run.mp4", "ends at 3 s, before 4 s"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "start": 3.5}}, ["line 2", "run.mp4", "ends at 3 s, before 3.5 s"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "start": 1, "end": 1.001}}, ["line 2", "no frame lies between 1 s and 1.001 s"]),
    ({"key": "a", "v": {"url": "rec/log.bin", "start": 1}}, ["line 2", "log.bin", "only an MP4"]),
    ({"key": "a", "v": {"url": "rec/log.bin", "offset": 1}}, ["line 2", "offset and length come together"]),
    ({"key": "a", "v": {"url": "rec/log.bin", "offset": 1, "length": 10}}, ["line 2", "log.bin", "10 bytes, but 1 to 11"]),
    ({"key": "a", "v": {"url": "rec/log.bin", "offset": 1, "length": 0}}, ["line 2", "length of 0"]),
    ({"key": "a", "v": {"url": "rec/log.bin", "offset": -1, "length": 1}}, ["line 2: column 'v.offset'", "-1 is not"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "offset": 1, "length": 1, "start": 1}}, ["line 2", "by time or by bytes"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "strat": 1}}, ["'v.strat'", "no 'strat'"]),
    ({"key": "a", "v": {"url": "rec/run.mp4", "ext": 4}}, ["line 2: column 'v.ext'", "text must be"]),
    ({"key": "a", "streams": {"w": {"start": 1}}}, ["'streams.w.start'", "no 'url'"]),
    ({"key": "a", "streams": {"v": "rec/run.mp4"}, "v": {"url": "rec/run.mp4"}}, ["line 2: 'v.url' and 'streams.v' say the same thing"]),
    ({"key": "good", "v": {"url": "rec/run.mp4"}}, ["'good'", "line 1", "line 2"]),
    ({"v": {"url": "rec/run.mp4"}}, ["line 2", "no key"]),
    ({"key": "a", "arm": "left"}, ["line 2", "no stream"]),
    ({"key": "a", "v": {"url": "rec/run.mp4"}, "event": 1}, ["column 'event'"]),
    ({"key": "a", "v": {"url": "rec/run.mp4"}, "a.b": 1, "a": {"c": 1}, "a_b": 2}, ["'a.b' and 'a_b'"]),
    ({"key": "k" * 300, "v": {"url": "rec/run.mp4"}}, ["line 2", "255 bytes"]),
    ("[1]", ["line 2", "not an object"]),
    ("{", ["line 2: column 3: not valid JSON"]),
])
def test_a_line_that_does_not_add_up(dataset, lab, row, says):
    refused(dataset, manifest(lab, GOOD, row), says=["clips.jsonl", *says])


@pytest.mark.parametrize("text, says", [
    ("", ["no clip was found"]),
    ('{"key":"a"}\n', ["no column is a stream"]),
    ('{"v":{"url":"rec/run.mp4"}}\n', ["no column 'key'"]),
])
def test_a_manifest_without(dataset, lab, text, says):
    path = lab / "clips.jsonl"
    path.write_text(text)
    refused(dataset, path, says=["clips.jsonl", *says])


def test_a_video_that_cannot_be_cut(dataset, lab):
    (lab / "rec/bad.mp4").write_bytes((lab / "rec/run.mp4").read_bytes()[:-50])
    refused(dataset, manifest(lab, GOOD, {"key": "a", "v": {"url": "rec/bad.mp4", "start": 1}}), says=["line 2", "bad.mp4"])
    done = elidefs("import", dataset, manifest(lab, GOOD, {"key": "a", "v": {"url": "rec/bad.mp4"}}))
    assert "passed through whole" in done.stderr


def test_layout_has_no_meaning(dataset, lab):
    refused(dataset, manifest(lab, GOOD), "--layout", "{key}.{ext}", says=["clips.jsonl", "--layout"])


def test_a_recording_that_was_scanned_before_is_not_read_again(dataset, lab):
    row = {"key": "a", "v": {"url": "rec/run.mp4", "start": 0, "end": 1}}
    def reads(*rows):
        log = lab / "calls"
        run("strace", "-f", "-y", "-e", "trace=pread64", "-o", log, ELIDEFS, "import", dataset, manifest(lab, *rows))
        return log.read_text().count("/rec/run.mp4>")

    assert reads(row)
    row["v"]["end"] = 2
    assert not reads(row, {**row, "key": "b"})


def test_what_was_removed_stays_removed(dataset, lab):
    rows = [{"key": key, "l": {"url": "rec/log.bin", "offset": i, "length": 1}} for i, key in enumerate("ab")]
    elidefs("import", dataset, manifest(lab, *rows))
    elidefs("remove", dataset, "v1/a.json")
    done = elidefs("import", dataset, manifest(lab, *rows))
    assert "left out, because it was removed" in done.stderr
    assert elidefs("query", dataset, "latest").stdout == "b\n"


def test_keys_of_another_source_are_not_taken(dataset, lab, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/good.bin").write_bytes(b"x")
    elidefs("import", dataset, tmp_path / "other")
    done = elidefs("import", dataset, manifest(lab, GOOD), check=False)
    assert done.returncode == 1 and "--prefix" in done.stderr and f"{tmp_path}/other" in done.stderr
    elidefs("import", dataset, manifest(lab, GOOD), "--prefix", "lab")
    assert elidefs("query", dataset, "latest").stdout == "good\nlab-good\n"


def raw(key, url, **more):
    return {"key": key, "raw": {"url": url}} | more


def test_a_second_manifest_of_the_folder_does_not_take_the_keys_of_the_first(dataset, lab):
    (lab / "rec/more.bin").write_bytes(b"other")
    first = manifest(lab, raw("a", "rec/log.bin"), raw("b", "rec/run.mp4"), name="monday.jsonl")
    elidefs("import", dataset, first)
    second = manifest(lab, raw("a", "rec/more.bin"), raw("b", "rec/run.mp4"), raw("c", "rec/more.bin"), name="tuesday.jsonl")
    done = elidefs("import", dataset, second, check=False)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.splitlines()[-1] == (
        f"elidefs: 1 of the keys, such as 'a', is that of clips from {first}; to have the clips from {second} beside them, put "
        f"a name before their keys: --prefix NAME; to replace them: import {first} with their new rows")
    (lab / "plain").mkdir(), (lab / "a.bin").write_bytes(b"plain")
    done = elidefs("import", dataset, lab, check=False)  # nor does the folder
    assert done.returncode == 1 and f"such as 'a', is that of clips from {first};" in done.stderr
    assert elidefs("import", dataset, second, "--prefix", "tue").stdout == "v2\n"
    assert elidefs("query", dataset, "latest").stdout == "a\nb\ntue-a\ntue-b\ntue-c\n"


def test_a_manifest_replaces_its_own_clips_wherever_it_lies_now(dataset, lab):
    (lab / "rec/more.bin").write_bytes(b"other")
    first = manifest(lab, raw("a", "rec/log.bin"), raw("b", "rec/run.mp4"))
    elidefs("import", dataset, first)
    manifest(lab, raw("a", "rec/more.bin"), raw("b", "rec/run.mp4"))
    done = elidefs("import", dataset, first)
    assert "0 clips added, 1 replaced, 1 unchanged" in done.stderr
    again = manifest(lab, raw("b", "rec/run.mp4", note="the same clip"), raw("c", "rec/log.bin"), name="more.jsonl")
    assert elidefs("import", dataset, again).stdout == "v3\n"  # what it says of b is what there is


@pytest.mark.parametrize("suffix, rows", [
    ("jsonl", ['{"key":"a","raw":{"url":"rec/log.bin"}}', '{"key":"b","raw":{"url":"rec/log.bin"}}',
               '{"key":"a","raw":{"url":"rec/run.mp4"}}']),
    ("csv", ["key,raw.url", "a,rec/log.bin", "a,rec/run.mp4"])])
def test_a_key_twice_in_a_manifest_is_named_with_both_lines(dataset, lab, suffix, rows):
    path = manifest(lab, *rows, name=f"m.{suffix}")
    done = elidefs("import", dataset, path, check=False)
    first, last = (1, 3) if suffix == "jsonl" else (2, 3)
    offer = " (--skip-bad leaves it out, and imports the others)"
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == (
        f"elidefs: two clips would be called 'a': from {path}: line {first} and from {path}: line {last}{offer}")
