# SPDX-License-Identifier: Apache-2.0
"""Simulated days of a lab against a plain model. ELIDEFS_LAB_DAYS and ELIDEFS_LAB_SEED make it longer, or the same
again; tools/dev/lab runs thirty days. ELIDEFS_LAB_LEROBOT, a Python that has lerobot 0.4.4, makes its tools edit."""
import os
import secrets

import pytest

from lab import Lab
from lab_edits import LeRobot

DAYS = int(os.environ.get("ELIDEFS_LAB_DAYS", "6"))


def run_lab(tmp_path, *options, **more):
    seed = int(os.environ.get("ELIDEFS_LAB_SEED", secrets.randbelow(1 << 32)))
    print(f"ELIDEFS_LAB_SEED={seed}")  # pytest shows it when the test fails
    python = os.environ.get("ELIDEFS_LAB_LEROBOT")
    lab = Lab(tmp_path, seed, *options, edits=LeRobot(python) if python else None, **more)
    for _ in range(DAYS):
        lab.day()


@pytest.mark.parametrize("options", [(), ("--copy",), ("--copy=open",)])
def test_a_lab_and_its_model_agree_day_by_day(tmp_path, options):
    run_lab(tmp_path, *options)
