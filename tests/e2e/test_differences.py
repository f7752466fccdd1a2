# SPDX-License-Identifier: Apache-2.0
"""What each kind of change looks like in a diff, in every form it is told in: golden/differences.txt."""
import pathlib
import re

import pytest

from conftest import elidefs, mounted

GOLDEN = pathlib.Path(__file__).with_name("golden") / "differences.txt"
LAYOUT = ("--layout", "{key}.{stream}.{ext}")


def put(path, text):
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def storied(tmp_path_factory):
    """Three clips with two files each, and a version for each thing that can happen to them."""
    base = tmp_path_factory.mktemp("storied")
    folder, source = base / "set", base / "source"
    folder.mkdir()
    source.mkdir()
    for key in "abc":
        for stream in ("front", "wrist"):
            (source / f"{key}.{stream}.txt").write_text(key + stream)
    labels = put(base / "labels.csv", "key,arm,length,note\na,left,1,x\nb,right,2,y\nc,left,3,z\n")
    elidefs("init", folder)
    elidefs("import", folder, source, *LAYOUT, "--table", labels, "-m", "first")  # v1
    elidefs("attribute", "rename", folder, "note", "remark", "-m", "renamed")
    elidefs("attribute", "describe", folder, "arm", 'which "arm" moves', "-m", "described")
    halves = put(base / "halves.csv", "key,length\na,1.5\n")
    elidefs("annotate", folder, halves, "--by", "anna", "--overwrite", "-m", "widened")
    elidefs("attribute", "drop", folder, "remark", "-m", "dropped")
    notes = put(base / "notes.csv", "key,note\na,x\nb,new\n")
    elidefs("annotate", folder, notes, "--by", "anna", "-m", "the name again")
    elidefs("remove", folder, "arm=right", "-m", "removed")
    (source / "c.wrist.txt").unlink()
    (source / "a.front.txt").unlink()
    (source / "a.front.txt").write_text("other bytes")
    (source / "a.side.txt").write_text("a new file")
    elidefs("import", folder, source, *LAYOUT, "-m", "files")
    elidefs("import", folder, source, *LAYOUT, "--restore", "-m", "restored")
    return folder


PATHS = [(f"v{i}", f"v{i + 1}") for i in range(1, 9)] + [
    ("v1", "v9"), ("v1", "v9/arm=left"), ("v3", "v8/@since=v6"),
    ("v7", "v8/@streams=front"), ("v7", "v8/@streams=wrist"), ("v7", "v8/@streams=wrist,json"), ("v2", "v4/@streams=front"),
    ("v2", "v4/length.le=1/@streams=front"), ("v9", "v9")]


def test_every_form_of_a_diff_is_as_written_down(storied, tmp_path):
    parts = []
    for older, newer in PATHS:
        parts.append(f"== {older} {newer}\n")
        parts += [elidefs("diff", storied, older, newer, *option).stdout for option in ([], ["--stat"], ["--json"])]
    text = re.sub(r"(?m)^([-+~] \S+  v\d+) [^:]+:", r"\1 AUTHOR:", "".join(parts))
    assert text == GOLDEN.read_text(), "what was found stands in " + str(put(tmp_path / "differences.txt", text))


def test_a_mount_tells_the_same_lines(storied, tmp_path):
    with mounted(storied, tmp_path / "mnt", tmp_path / "cache") as point:
        for older, newer in PATHS[:-1]:
            told = (point / newer / f".elidefs/diff-{older}.jsonl").read_text()
            assert told == elidefs("diff", storied, older, newer, "--json").stdout, (older, newer)


def test_since_finds_what_a_diff_finds(storied):
    def keys(path):
        return elidefs("query", storied, path).stdout.split()
    assert keys("v8/@since=v7") == ["a", "c"], "c only lost a file"
    assert keys("v9/@since=v8") == ["b"]
    assert keys("v9/@since=v6") == ["a", "b", "c"]
    assert keys("v4/@since=v3,length") == ["a"], "the others were only widened"
    assert keys("v3/@since=v1") == ["a", "b", "c"], "the json has another name in it"
    assert keys("v3/@since=v1,remark") == [], "but the values are the same"
    assert keys("v6/@since=v1,note") == ["a", "b"], "it is another attribute than the one that had the name"


def test_a_lock_tells_a_clip_that_only_lost_a_file(storied, tmp_path):
    lock = tmp_path / "data.lock"
    lock.write_text(elidefs("lock", storied, "v7").stdout)
    done = elidefs("check", lock, "--against", "v8", check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith("(2 differences)")
    assert "~ c  v8 " in done.stdout and "    c.wrist.txt removed\n" in done.stdout
