# SPDX-License-Identifier: Apache-2.0
"""Simulated days of a lab against a plain model. ELIDEFS_LAB_DAYS and ELIDEFS_LAB_SEED make it longer, or the same
again; tools/dev/lab runs thirty days."""
import json
import os
import secrets

import pytest

from conftest import elidefs
from lab import Lab

DAYS = int(os.environ.get("ELIDEFS_LAB_DAYS", "8"))


@pytest.mark.parametrize("options", [(), ("--copy",)])
def test_a_lab_and_its_model_agree_day_by_day(tmp_path, options):
    seed = int(os.environ.get("ELIDEFS_LAB_SEED", secrets.randbelow(1 << 32)))
    print(f"ELIDEFS_LAB_SEED={seed}")  # pytest shows it when the test fails
    lab = Lab(tmp_path, seed, *options)
    for _ in range(DAYS):
        lab.day()
    lab.check()
    lab.check_newest_bytes(tmp_path / "out")
    if options:
        done = elidefs("verify", lab.dataset, "--json")
        assert all(line["readable"] == line["clips"] for line in map(json.loads, done.stdout.splitlines()))
