# SPDX-License-Identifier: Apache-2.0
"""What is typed wrong is answered with one line that says what was probably meant."""
import os
import shutil

import pytest

from conftest import LABELS, SAMPLE, elidefs


@pytest.fixture(scope="module")
def here(sample, tmp_path_factory):
    """A folder to type in: the sample named "robots" in the configuration, a copy of it, files that are none."""
    folder = tmp_path_factory.mktemp("mistakes")
    elidefs("tag", sample, "stable")
    (folder / "elidefs").mkdir()
    (folder / "elidefs/config").write_text(f'[dataset "robots"]\nurl = {sample}\n[dataset "hall"]\nurl = s3://lab/hall\n')
    shutil.copytree(sample, folder / "store/kitchen")
    (folder / "other").mkdir()
    (folder / "other/notes.txt").write_text("hello\n")
    (folder / "empty").mkdir()
    (folder / "empty.lock").write_text("")
    shutil.copy(LABELS, folder / "labels.csv")
    yield folder
    elidefs("untag", sample, "stable")


def typed(here, line, status):
    words = [str(SAMPLE) if word == "SAMPLE" else word for word in line.split()]
    done = elidefs(*words, check=False, cwd=here, env=os.environ | {"XDG_CONFIG_HOME": str(here)})
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert done.returncode == status and done.stdout == "", done.stdout + done.stderr
    assert len(lines) == 1, done.stderr
    return lines[0].replace(str(SAMPLE), "SAMPLE").replace(str(here), "HERE")


@pytest.mark.parametrize("line, wanted", [
    ("log robts", "no data set named 'robts': did you mean 'robots'?"),
    ("import robts SAMPLE", "no data set named 'robts': did you mean 'robots'?"),
    ("mount robts empty", "no data set named 'robts': did you mean 'robots'?"),
    ("log nonsense", "no data set named 'nonsense': the names are robots, hall; and there is no folder nonsense here: "
                     "\"elidefs init nonsense\" makes one"),
    ("log store/kitchn", "no data set at HERE/store/kitchn: did you mean 'store/kitchen'?"),
    ("log store", "no data set at HERE/store: there is one in it, store/kitchen"),
    ("log store/kitchen/elidefs", "store/kitchen/elidefs lies inside the data set store/kitchen"),
    ("log empty", "no data set at HERE/empty: type \"elidefs init empty\""),
    ("log labels.csv", "labels.csv is a file: a data set is a folder, a prefix in a bucket, or a name"),
    ("log other", "no data set at HERE/other: other files lie there; to import them, \"elidefs init DATASET\", "
                  "then \"elidefs import DATASET other\""),
    ("log SAMPLE", "no data set at SAMPLE: a LeRobot folder lies there, which is imported into one: "
                   "\"elidefs init DATASET\", then \"elidefs import DATASET SAMPLE\""),
    ("query robots/v1/arm=left", "robots/v1/arm=left lies in the data set robots: type them apart, robots v1/arm=left"),
    ("query store/kitchen/arm=left", "store/kitchen/arm=left lies in the data set store/kitchen: type them apart, "
                                     "store/kitchen arm=left"),
    ("query v1/arm=left", "v1/arm=left looks like a path in a data set, but nothing is mounted above it, and no data set "
                          "stands before it: DATASET PATH"),
    ("untag robots stabel", "SET: there is no tag 'stabel': did you mean 'stable'?"),
    ("attribute rename robots outcom x", "there is no attribute 'outcom': did you mean 'outcome'?"),
    ("blame robots ep000000 outcom", "there is no attribute 'outcom': did you mean 'outcome'?"),
    ("blame robots ep00000", "no file 'ep00000.json' here: did you mean 'ep000000.json'?"),
    ("blame robots", "of which clip? PATH is its file or its key: v12/ep000123.json, ep000123"),
    ("remove robots ep000001.json", "no version or tag 'ep000001.json': a path begins with a version "
                                    "(v1/ep000001.json)"),
    ("check labels.csv", "labels.csv holds no lock: \"elidefs lock DATASET PATH > data.lock\" writes one"),
    ("check empty.lock", "empty.lock holds no lock: \"elidefs lock DATASET PATH > data.lock\" writes one"),
    ("check store", "store is a folder: check reads a file that `elidefs lock` wrote"),
])
def test_a_data_set_or_a_part_of_it_that_is_none(here, sample, line, wanted):
    assert typed(here, line, 1).replace(str(sample), "SET") == f"elidefs: {wanted}"


@pytest.mark.parametrize("line, wanted", [
    ("qeury robots", "elidefs: there is no command 'qeury': did you mean 'query'? Else see `elidefs --help`"),
    ("unmount /mnt", "elidefs: there is no command 'unmount': did you mean 'umount'? Else see `elidefs --help`"),
    ("ls robots", "elidefs: there is no command 'ls': did you mean 'query'? Else see `elidefs --help`"),
    ("help qeury", "elidefs: there is no command 'qeury': did you mean 'query'? Else see `elidefs --help`"),
    ("--hlep", "elidefs: there is no command '--hlep': did you mean '--help'? Else see `elidefs --help`"),
    ("attribute lst robots", "elidefs attribute: there is no 'lst': did you mean 'list'? Else see `elidefs attribute --help`"),
    ("root show robots", "elidefs root: there is no 'show': expected list DATASET | set DATASET ID URL | "
                         "add DATASET ID URL | accept DATASET PATH...; "
                         "try `elidefs root --help`"),
    ("frobnicate", "elidefs: there is no command 'frobnicate'; try `elidefs --help`"),
    ("query robots --cuont", "elidefs query: there is no option --cuont: did you mean '--count'? Else see `elidefs query --help`"),
    ("log robots --where=x", "elidefs log: there is no option --where: it belongs to `elidefs query`; "
                             "try `elidefs log --help`"),
    ("mount robots empty -o allow_othr", "elidefs mount: there is no mount option 'allow_othr': did you mean "
                                         "'allow_other'? Else see `elidefs mount --help`"),
])
def test_a_command_or_an_option_that_there_is_not(here, line, wanted):
    assert typed(here, line, 2) == wanted


def test_a_mount_stands_for_its_data_set(sample, mount):
    for path in (mount, mount / "latest"):
        assert elidefs("tag", path, "by-mount").stdout == "by-mount v1\n"
        elidefs("untag", path, "by-mount")
    done = elidefs("annotate", mount / "v1", "-", input="key,x\n", check=False)
    assert done.returncode == 1 and done.stderr.endswith(
        f"{mount}/v1 is a path in the data set that is mounted on {mount}: here the data set is meant, {mount}\n")
    done = elidefs("init", mount, check=False)
    assert done.returncode == 1 and f"{mount}: the data set {sample} is mounted there" in done.stderr
