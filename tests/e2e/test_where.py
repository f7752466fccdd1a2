# SPDX-License-Identifier: Apache-2.0
"""`query --where` and `--lerobot-episodes`: conditions as people write them, clips as LeRobot numbers them."""
import csv
import json
import os
import shutil

import pytest

from conftest import LABELS, SAMPLE, elidefs, told


def where(sample, *words):
    return elidefs("query", sample, *words).stdout


def refused(*words):
    done = elidefs("query", *words, check=False)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = told(done)
    return line.removeprefix("elidefs: ")


def episodes(**wanted):
    rows = csv.DictReader(open(LABELS))
    return [int(row["episode_index"]) for row in rows if all(row[k] == v for k, v in wanted.items())]


@pytest.mark.parametrize("conditions, path", [
    ("arm=left outcome=fail", "v1/arm=left/outcome=fail"),
    ("outcome == fail and arm=left", "v1/arm=left/outcome=fail"),
    ("mass_g>100 object in (cube, ball)", "v1/mass_g.gt=100/object.in=ball,cube"),
    ("outcome!=fail arm=left+arm=right", "v1/arm=left+arm=right/outcome.ne=fail"),
])
def test_conditions_print_the_canonical_path(sample, conditions, path):
    assert where(sample, "--where", conditions) == path + "\n"
    assert where(sample, path, "--count") == where(sample, "--where", conditions, "--count")


def test_conditions_narrow_a_path_and_each_other(sample, mount):
    assert where(sample, "v1/arm=left", "--where", "outcome=fail") == "v1/arm=left/outcome=fail\n"
    assert where(sample, "--where", "arm=left", "--where", "outcome=fail") == "v1/arm=left/outcome=fail\n"
    assert elidefs("query", mount / "v1/arm=left", "--where", "outcome=fail").stdout == "v1/arm=left/outcome=fail\n"


def test_with_another_option_conditions_only_narrow(sample):
    wanted = episodes(arm="left", outcome="fail")
    narrowed = ("--where", "arm=left outcome=fail")
    assert where(sample, *narrowed, "--count") == f"{len(wanted)}\n"
    assert [json.loads(line)["key"] for line in where(sample, *narrowed, "--json").splitlines()] == [
        f"ep{episode:06d}" for episode in wanted]
    assert len(where(sample, *narrowed, "--paths0").split("\0")) == 4 * len(wanted) + 1


@pytest.mark.parametrize("conditions, says", [
    ("arm=lfet", "--where: arm has no value 'lfet': did you mean 'left'? (arm=left)"),
    ("outcoem=fail", "--where: no attribute 'outcoem' in v1: did you mean 'outcome'? (outcome=fail)"),
    ("arm=left or outcome=fail", "--where: 'or outcome=fail': either of two is written with a plus: arm=left+outcome=fail"),
    ("mass_g>", "--where: it ends where a value (\"\" is the empty text) should follow"),
    ("", "--where: it ends where a condition should follow"),
])
def test_wrong_conditions_say_what_is_wrong(sample, conditions, says):
    assert refused(sample, "--where", conditions) == says


def test_episodes_are_printed_as_lerobot_takes_them(sample, mount):
    wanted = episodes(arm="left", outcome="fail")
    printed = where(sample, "arm=left/outcome=fail", "--lerobot-episodes")
    assert json.loads(printed) == wanted and " " not in printed
    assert where(sample, "--where", "arm=left outcome=fail", "--lerobot-episodes") == printed
    assert where(sample, "arm=left/arm=right", "--lerobot-episodes") == "[]\n"
    assert json.loads(elidefs("query", mount / "v1", "--lerobot-episodes").stdout) == list(range(16))


def test_episodes_of_several_lerobot_data_sets_are_refused(dataset, sample_copy, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(SAMPLE, other)
    elidefs("import", dataset, sample_copy, "--set", "lab=one")
    elidefs("import", dataset, other, "--prefix", "b-", "--set", "lab=two")
    said = refused(dataset, "v2", "--lerobot-episodes")
    assert said.startswith("--lerobot-episodes: episodes of several LeRobot data sets match: 'ep000000'")
    assert str(sample_copy) in said and str(other) in said and "narrow the path" in said
    for lab in ("one", "two"):
        assert json.loads(where(dataset, f"v2/lab={lab}", "--lerobot-episodes")) == list(range(16))


@pytest.mark.parametrize("options", [("--copy=open",), ("--copy",)])
def test_a_copied_clip_keeps_its_sources_episode_number(dataset, sample_copy, options):
    """The sample has two files of rows, of which the last may still be written to."""
    elidefs("import", dataset, sample_copy)
    assert len(json.loads(where(dataset, "v1", "--lerobot-episodes"))) == 16
    last = sample_copy / "data/chunk-000/file-001.parquet"
    os.utime(last)
    done = elidefs("import", dataset, sample_copy, *options)
    assert done.stdout == "v2\n" and "copied" in done.stderr
    assert json.loads(where(dataset, "v2", "--lerobot-episodes")) == list(range(16))


def test_copies_of_two_sources_are_still_two(dataset, sample_copy, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(SAMPLE, other)
    elidefs("import", dataset, sample_copy, "--copy")
    elidefs("import", dataset, other, "--copy", "--prefix", "b")
    assert "several LeRobot data sets" in refused(dataset, "v2", "--lerobot-episodes")


def test_clips_that_are_no_episodes_are_refused(dataset, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "walk.bin").write_bytes(b"abc")
    (source / "ep000001.bin").write_bytes(b"abcd")
    elidefs("import", dataset, source)
    said = refused(dataset, "v1", "--lerobot-episodes")
    assert said.startswith("--lerobot-episodes: clip '") and "is no episode of a LeRobot data set" in said


def test_a_file_takes_no_conditions(sample):
    assert "--where is for the clips of a folder" in refused(sample, "v1/ep000001.json", "--where", "arm=left")
