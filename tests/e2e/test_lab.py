# SPDX-License-Identifier: Apache-2.0
"""Simulated days of a lab against a plain model. ELIDEFS_LAB_DAYS and ELIDEFS_SEED make it longer, or
another; tools/dev/lab runs thirty days of a random one. ELIDEFS_LAB_LEROBOT, a Python that has lerobot 0.4.4, makes its tools edit."""
import json
import os

import pytest

from conftest import elidefs
from lab import Lab
from lab_edits import Imitated, LeRobot
from lab_recorder import Recorder

DAYS = int(os.environ.get("ELIDEFS_LAB_DAYS", "6"))


def run_lab(tmp_path, *options, **more):
    seed = int(os.environ.get("ELIDEFS_SEED", "1"))  # tools/dev/lab gives others
    print(f"ELIDEFS_SEED={seed}")  # pytest shows it when the test fails
    python = os.environ.get("ELIDEFS_LAB_LEROBOT")
    lab = Lab(tmp_path, seed, *options, edits=LeRobot(python) if python else None, **more)
    for _ in range(DAYS):
        lab.day()


@pytest.mark.parametrize("options", [(), ("--copy",), ("--copy=open",)])
def test_a_lab_and_its_model_agree_day_by_day(tmp_path, options):
    run_lab(tmp_path, *options)


def test_labels_stay_with_episodes_that_were_renumbered_and_reworded_at_once(tmp_path):
    edits, recorder, dataset = Imitated(False), Recorder(tmp_path / "robot", 2), tmp_path / "set"
    for number in range(5):
        recorder.add(number)
    recorder.write(0)
    elidefs("init", dataset)
    elidefs("import", dataset, recorder.folder)
    elidefs("annotate", dataset, "-", "--by", "anna", input="key,grade\nep000001,good\nep000003,bad\n")
    recorder = edits.delete_episodes(recorder, [0])
    recorder = edits.modify_tasks(recorder, {i: "put it down" for i in range(4)})
    done = elidefs("import", dataset, recorder.folder, check=False)
    assert done.returncode == 1 and "was renumbered" in done.stderr
    elidefs("import", dataset, recorder.folder, "--renumbered")
    clips = [json.loads(line) for line in elidefs("query", dataset, "latest", "--json").stdout.splitlines()]
    assert [clip.get("grade") for clip in clips] == ["good", None, "bad", None]
    assert {clip["task"] for clip in clips} == {"put it down"}
