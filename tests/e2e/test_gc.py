# SPDX-License-Identifier: Apache-2.0
"""Versions that are forgotten, and what becomes of what only they need."""
import json

import pytest

from conftest import LABELS, SAMPLE, elidefs, mounted, wait_until

WHY = "the lights were off"


@pytest.fixture
def grown(tmp_path):
    """v1: the sample; v2 to v4: a new value each."""
    folder = tmp_path / "set"
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, SAMPLE, "--table", LABELS)
    for version in range(2, 5):
        label(folder, version)
    return folder


def label(folder, version):
    table = folder.parent / "labels.csv"
    table.write_text(f"key,turn\nep000001,{version}\n")
    elidefs("annotate", folder, table, "--overwrite")


def refused(*words):
    done = elidefs(*words, check=False)
    assert done.returncode == 1
    return [line for line in done.stderr.splitlines() if not line.startswith("note: ")][-1]


def test_a_forgotten_version_is_told_wherever_it_is_asked_for(grown, tmp_path):
    assert elidefs("forget", grown, "v2..v3", "-m", WHY).stdout == "v2..v3\n"
    log = elidefs("log", grown).stdout.splitlines()
    assert [line.split()[0] for line in log] == ["v4", "v3", "v2", "v1"]
    assert log[1].startswith("v3     forgotten on 20") and log[1].endswith(f": {WHY}")
    entry = json.loads(elidefs("log", grown, "--json").stdout.splitlines()[2])
    assert entry["version"] == 2 and entry["forgotten"].endswith(WHY) and "clips" not in entry
    for words in (("query", grown, "v2"), ("query", grown, "v4/@since=v3,turn"), ("tag", grown, "x", "v2"), ("diff", grown, "v2", "v4"),
                  ("catalog", "stats", grown, "v3"), ("cp", grown, "v2", tmp_path / "out")):
        assert " was forgotten on 20" in refused(*words) and WHY in refused(*words), words
    assert elidefs("verify", grown).stdout.count("can be read") == 2
    assert "v2" not in elidefs("--complete", "3", "elidefs", "query", grown, "v").stdout


def test_a_mount_shows_it_no_more_and_says_why(grown, tmp_path):
    with mounted(grown, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        assert (point / "v2" / "ep000001.json").exists()
        held = open(point / "v2" / "ep000001.json")
        elidefs("forget", grown, "v2", "-m", WHY)
        wait_until(lambda: not (point / "v2").exists())
        assert [name.name for name in point.iterdir()].count("v2") == 0
        assert '"turn":2' in held.read()
        held.close()
        assert WHY in (point / ".elidefs" / "errors").read_text()
        assert WHY in refused("explain", point / "v2")
        assert (point / "v1" / "ep000001.json").exists() and (point / "latest" / "ep000001.json").exists()


def test_what_cannot_be_forgotten_is_named(grown):
    elidefs("tag", grown, "paper", "v2")
    assert refused("forget", grown, "v1", "v2") == (
        f"elidefs: {grown}: v2 has the tag 'paper', so it cannot be forgotten; `elidefs untag` takes the tag away")
    assert "v4 is the newest version, which cannot be forgotten" in refused("forget", grown, "v3..v4")
    assert refused("forget", grown, "v9") == f"elidefs: {grown}: there is no v9 to forget; the newest is v4"
    assert refused("forget", grown, "v0") == "elidefs: 'v0' is no version and no range of them: expected v12 or v3..v9"
    assert refused("forget", grown, "v3..v1") == "elidefs: 'v3..v1': the older version comes first"
    assert "forgotten" not in elidefs("log", grown).stdout
