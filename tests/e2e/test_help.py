# SPDX-License-Identifier: Apache-2.0
"""A path that does not resolve: `explain` and the mount's `.elidefs/errors` say why, and what was probably meant."""
import os
import re

import pytest

from conftest import LABELS, SAMPLE, elidefs, mounted, told

MISTAKES = [
    ("v1/outcoem=fail", "no attribute 'outcoem' in v1: did you mean 'outcome'? (outcome=fail)"),
    ("v1/ARM=left", "no attribute 'ARM' in v1: did you mean 'arm'? (arm=left)"),
    ("v1/outcome=left", "outcome has no value 'left': 'left' is a value of 'arm' (arm=left)"),
    ("v1/left=arm", "no attribute 'left' in v1: the name stands before the '=' (arm=left)"),
    ("v1/arm=Left", "arm has no value 'Left': did you mean 'left'? (arm=left)"),
    ("v1/arm==left", "arm has no value '=left': one '=' is enough (arm=left)"),
    ('v1/arm="left"', "arm has no value '\"left\"': quotes are for the shell and stand around the whole path (arm=left)"),
    ("v1/arm!=left", "no attribute 'arm!' in v1: an operator stands behind a dot (arm.ne=left)"),
    ("v1/mass_g>=100", "no attribute 'mass_g>' in v1: an operator stands behind a dot (mass_g.ge=100)"),
    ("v1/mass_g>100", "no file 'mass_g>100' here: a condition is written mass_g.gt=100"),
    ("v1/arm.eq=left", "no operator '.eq': here it is written (arm=left)"),
    ("v1/arm=left,right", "arm has no value 'left,right': one of several is asked for by (arm.in=left,right)"),
    ("v1/arm", "no file 'arm' here: it is an attribute, so ask for a value of it: arm=left, arm=right"),
    ("v9/arm=left", "no v9: the newest version is v2"),
    ("1/arm=left", "no version or tag '1': did you mean 'v1'?"),
    ("nigthly/arm=left", "no version or tag 'nigthly': did you mean 'nightly'?"),
    ("golden", "no version or tag 'golden': the newest version is v2; tags: nightly"),
    ("v1/grade=good", "no attribute 'grade' in v1: there are .*; v2 has it \\(v2/grade=good\\)"),
    ("v1/arm=right/ep000006.top.mp4", "'ep000006.top.mp4' is not among arm=right: its clip has arm=left"),
    ("v1/ep000006.tpo.mp4", "its clip has no file 'ep000006.tpo.mp4': did you mean 'ep000006.top.mp4'?"),
    ("v1/ep6.top.mp4", "no file 'ep6.top.mp4' here: did you mean 'ep000006.top.mp4'?"),
]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The sample in v1, tagged; in v2 with a grade."""
    folder = tmp_path_factory.mktemp("graded") / "set"
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, SAMPLE, "--table", LABELS)
    elidefs("tag", folder, "nightly", "v1")
    elidefs("annotate", folder, "-", "--by", "anna", input="key,grade\nep000000,good\nep000001,bad\n")
    return folder


@pytest.fixture(scope="module")
def graded_mount(graded, tmp_path_factory):
    base = tmp_path_factory.mktemp("graded-mount")
    with mounted(graded, base / "mnt", base / "cache") as point:
        os.stat(point / "v1"), os.stat(point / "v2")
        yield point


def says(text, wanted):
    return re.search(wanted, text) if ".*" in wanted else wanted in text


@pytest.mark.parametrize("path, wanted", MISTAKES)
def test_explain_says_what_was_meant(graded, path, wanted):
    done = elidefs("explain", graded, path, check=False)
    (line,) = told(done)
    assert done.returncode == 1 and done.stdout == "" and says(line, wanted), line


@pytest.mark.parametrize("path, wanted", MISTAKES)
def test_the_mount_keeps_the_same_reason_for_who_asked(graded_mount, path, wanted):
    with pytest.raises(FileNotFoundError):
        os.stat(graded_mount / path)
    errors = (graded_mount / ".elidefs/errors").read_text().splitlines()
    assert says(errors[-1], wanted.replace("no v9:", "v9:")), errors


def test_what_is_suggested_resolves(graded):
    for path, wanted in MISTAKES:
        component = re.search(r"\(([^()]*)\)$", wanted)
        if component and ".*" not in wanted:
            assert elidefs("query", graded, f"v1/{component[1]}", "--count").stdout != "0\n"


def test_names_that_programs_only_try_leave_no_reason(graded_mount):
    before = (graded_mount / ".elidefs/errors").read_text()
    for name in ("v1/nonsense.mp4", "autorun.inf", "elidefs", "v1/.git", ".Trash", "v1/ep777777.top.mp4"):
        assert not os.path.exists(graded_mount / name)
    assert (graded_mount / ".elidefs/errors").read_text() == before
