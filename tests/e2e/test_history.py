# SPDX-License-Identifier: Apache-2.0
"""Versions compared: log, diff, @since, tags that move, locks, and mounts that see it happen."""
import hashlib
import json
import os
import shutil

import pytest

from conftest import LABELS, SAMPLE, elidefs, mounted, wait_until

KEYS = ["ep000001", "ep000002"]


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """v1: the sample; v2: two clips relabelled by lena, and a new attribute."""
    base = tmp_path_factory.mktemp("grown")
    folder = base / "set"
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, SAMPLE, "--table", LABELS, "-m", "first")
    table = base / "labels.csv"
    table.write_text("key,outcome,grip\nep000001,success,soft\nep000002,fail,hard\n")
    elidefs("annotate", folder, table, "--by", "lena", "--overwrite", "-m", "looked again")
    return folder


def refused(*words):
    done = elidefs(*words, check=False)
    assert done.returncode == 1
    return [line for line in done.stderr.splitlines() if not line.startswith("note: ")][-1]


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_log_counts_what_each_version_did(grown):
    text = elidefs("log", grown).stdout.splitlines()
    assert "16 clips (0 added, 2 changed, 0 removed)  looked again" in text[0]
    assert "16 clips (16 added, 0 changed, 0 removed)  first" in text[1]
    newest = lines(elidefs("log", grown, "--json").stdout)[0]
    assert (newest["added"], newest["changed"], newest["removed"], newest["labelled"]) == (0, 2, 0, 2)


def test_diff_names_attributes_and_clips_with_who_changed_them(grown):
    text = elidefs("diff", grown, "v1", "v2").stdout
    author = lines(elidefs("log", grown, "--json").stdout)[0]["author"]
    assert text == (f"attribute grip added\n"
                    f"~ ep000001  v2 {author}: looked again\n"
                    f"    grip: none -> \"soft\" (by lena)\n"
                    f"    outcome: \"fail\" -> \"success\" (by lena)\n"
                    f"~ ep000002  v2 {author}: looked again\n"
                    f"    grip: none -> \"hard\" (by lena)\n")
    assert elidefs("diff", grown, "v1", "latest", "--stat").stdout == (
        "clips: 2 changed\nattributes: 1 added\n  grip: other values in 2 clips\n  outcome: other values in 1 clip\n")
    assert elidefs("diff", grown, "v2", "v2").stdout == ""
    found = lines(elidefs("diff", grown, "v1", "v2/outcome=fail", "--json").stdout)
    assert [(line.get("key"), line["op"]) for line in found] == [
        (None, "added"), ("ep000001", "removed"), ("ep000002", "changed")]
    assert found[1]["attributes"]["outcome"] == {"was": "fail", "is": "success", "by": "lena"}


def test_a_stage_on_a_new_or_retyped_attribute_is_compared_with_the_versions_before(dataset, tmp_path):
    """Grades: none in v1, integers in v2, floats in v3, texts in v4."""
    elidefs("import", dataset, SAMPLE, "--table", LABELS)
    for i, (grades, more) in enumerate([(("3", "3", "7"), ()), (("3", "2.5", "7"), ()),
                                        (("3", "2.5", "high"), ("--type", "grade=text"))]):
        table = tmp_path / f"{i}.csv"
        table.write_text("key,grade\n" + "".join(f"ep00000{k + 1},{grade}\n" for k, grade in enumerate(grades)))
        elidefs("annotate", dataset, table, "--overwrite", *more)

    def clips(old, path):
        return {line["key"]: line["op"] for line in lines(elidefs("diff", dataset, old, path, "--json").stdout) if "key" in line}
    assert clips("v1", "v4/@sort=grade/@head=0") == clips("v1", "v4/@split=0..100,0,grade/@head=0") == {}
    assert clips("v1", "v2/@balance=grade") == {"ep000002": "added", "ep000003": "added"}
    assert clips("v2", "v3/@balance=grade,3,1") == {"ep000002": "removed"}
    assert clips("v2", "v3/@balance=grade,3,1,2.5,0") == {"ep000002": "removed"}
    assert clips("v2", "v4/@balance=grade,3,1,high,0") == {"ep000001": "changed", "ep000002": "removed"}
    assert clips("v3", "v4/@balance=grade,3,1") == {"ep000001": "changed"}
    assert clips("v2", "v4/@balance=grade,3,1,high,1") == clips("v3", "v4/@balance=grade,3,1,high,1") == {
        "ep000001": "added", "ep000003": "added"}
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        told = (point / "v4/@balance=grade,3,1/.elidefs/diff-v2.jsonl").read_text()
        assert [line["key"] for line in lines(told) if "key" in line] == ["ep000001", "ep000002"]
        assert (point / "v4/@sort=-grade/@head=1/.elidefs/diff-v1.jsonl").read_text()


def test_since_is_what_diff_names(grown):
    assert elidefs("query", grown, "v2/@since=v1").stdout.split() == KEYS
    assert elidefs("query", grown, "v2/@since=v1,outcome").stdout.split() == ["ep000001"]
    assert elidefs("query", grown, "v2/@since=v1,arm", "--count").stdout == "0\n"
    assert elidefs("query", grown, "v2/outcome=fail/@since=v1").stdout.split() == ["ep000002"]


def test_what_is_refused_says_why(grown, tmp_path):
    elidefs("tag", grown, "fixed", "v1")
    assert refused("tag", grown, "fixed", "v2") == (
        f"elidefs: {grown}: the tag 'fixed' names v1 already; --force moves it")
    assert refused("untag", grown, "fixd") == f"elidefs: {grown}: there is no tag 'fixd': did you mean 'fixed'?"
    assert refused("diff", grown, "v2", "v1") == "elidefs: v2 is newer than v1: the older version comes first"
    assert refused("diff", grown, "v1", "v2/ep000001.json") == (
        "elidefs: v2/ep000001.json is a file: differences are those of a folder")
    assert refused("lock", grown, "v2/ep000001.json") == "elidefs: v2/ep000001.json is a file: a lock is of a folder"
    assert refused("query", grown, "v2/@since=v3") == "elidefs: @since: there is no v3 before v2"
    lock = tmp_path / "data.lock"
    lock.write_text("{}\n")
    assert refused("check", lock) .startswith(f"elidefs: {lock} holds no lock: ")
    lock.write_text('{"elidefs_lock":1,"dataset":"x"}\n')
    assert refused("check", lock) == f"elidefs: {lock}:1: 'uuid' is missing or wrong"


def test_a_tag_moves_with_force_and_goes_with_untag(grown):
    elidefs("tag", grown, "moving", "v1")
    assert elidefs("tag", grown, "moving", "v2", "--force").stdout == "moving v2\n"
    assert "moving v2" in elidefs("tag", grown).stdout
    elidefs("untag", grown, "moving")
    assert "moving" not in elidefs("tag", grown).stdout
    assert elidefs("tag", grown, "moving", "v1").stdout == "moving v1\n"
    elidefs("untag", grown, "moving")


def test_a_lock_holds_until_its_path_means_something_else(grown, tmp_path):
    elidefs("tag", grown, "used", "v1")
    lock = tmp_path / "data.lock"
    lock.write_text(elidefs("lock", grown, "used/outcome=fail").stdout + elidefs("lock", grown, "v1/arm=left").stdout)
    first = lines(lock.read_text())[0]
    assert (first["path"], first["canonical"], first["clips"], first["files"]) == (
        "used/outcome=fail", "v1/outcome=fail", 8, 32)
    assert elidefs("check", lock).stdout == (f"{lock}:1: used/outcome=fail holds what was locked: 8 clips\n"
                                             f"{lock}:2: v1/arm=left holds what was locked: 8 clips\n")
    elidefs("tag", grown, "used", "v2", "--force")
    done = elidefs("check", lock, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == (
        f"elidefs: {lock}:1: used/outcome=fail is not what was locked: v2 differs from v1 (3 differences)")
    told = done.stdout.splitlines()
    assert told[0] == "from v1 to v2:" and told[1] == "attribute grip added"
    assert told[2].startswith("- ep000001  v2 ") and told[2].endswith(": looked again")
    assert "~ ep000002" in done.stdout and told[-1] == f"{lock}:2: v1/arm=left holds what was locked: 8 clips"
    assert elidefs("check", lock, "--against", "v1").returncode == 0
    elidefs("tag", grown, "used", "v1", "--force")


def test_a_lock_names_the_data_set_as_another_machine_would(grown, own_home, tmp_path, monkeypatch):
    monkeypatch.chdir(grown.parent)
    config = own_home / ".config/elidefs/config"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f'[dataset "kitchen"]\nurl = {grown}\n')
    for name in ("kitchen", grown.name, grown):
        assert json.loads(elidefs("lock", name, "v1").stdout)["dataset"] == str(grown.resolve())
    lock = tmp_path / "data.lock"
    lock.write_text(elidefs("lock", "kitchen", "v1").stdout)
    config.unlink()
    monkeypatch.chdir(tmp_path)
    assert "holds what was locked" in elidefs("check", lock).stdout


def test_a_lock_of_another_data_set_is_told_apart(grown, dataset, tmp_path):
    elidefs("import", dataset, SAMPLE, "--table", LABELS)
    lock = tmp_path / "data.lock"
    lock.write_text(elidefs("lock", grown, "v1").stdout)
    assert refused("check", lock, "--dataset", dataset) == (
        f"elidefs: {lock}:1: {dataset} is another data set than the one that was locked")
    copy = tmp_path / "copy"
    shutil.copytree(grown, copy)
    assert elidefs("check", lock, "--dataset", copy).returncode == 0


@pytest.mark.parametrize("content", ["", "\n\n", "\0"])
def test_a_file_without_a_lock_is_no_lock_that_holds(tmp_path, content):
    (tmp_path / "data.lock").write_text(content)
    assert refused("check", tmp_path / "data.lock") .startswith(f"elidefs: {tmp_path}/data.lock holds no lock: ")


def test_a_lock_through_a_mount_is_of_the_path_that_was_asked_for(grown, tmp_path):
    with mounted(grown, tmp_path / "mnt", tmp_path / "cache") as point:
        for path in ("latest/outcome=fail", "v1/outcome=fail"):
            assert lines(elidefs("lock", point / path).stdout) == lines(elidefs("lock", grown, path).stdout)


def test_the_digest_in_a_mount_is_the_one_of_the_lock(grown, tmp_path):
    wanted = lines(elidefs("lock", grown, "v1/arm=left").stdout)[0]["digest"]
    with mounted(grown, tmp_path / "mnt", tmp_path / "cache") as point:
        assert (point / "v1/arm=left/.elidefs/digest").read_text() == wanted + "\n"
        assert (point / "v2/arm=left/.elidefs/digest").read_text() == wanted + "\n", "none of them changed"
        assert (point / "v2/.elidefs/digest").read_text() != (point / "v1/.elidefs/digest").read_text()
        assert os.stat(point / "v2/arm=left/.elidefs/digest").st_size == 65
        for path in ("v2", "v2/outcome=fail", "v2/@since=v1"):
            file = point / path / ".elidefs/diff-v1.jsonl"
            assert file.read_text() == elidefs("diff", grown, "v1", path, "--json").stdout != ""
            assert file.stat().st_size == len(file.read_bytes())
            assert "diff-v1.jsonl" not in os.listdir(point / path / ".elidefs")
        for name in ("diff-v2.jsonl", "diff-v3.jsonl", "diff-v0.jsonl", "diff-v01.jsonl", "diff-v1.json", "diff-v.jsonl"):
            assert not (point / "v2/.elidefs" / name).exists()
        assert not (point / "v1/.elidefs/diff-v2.jsonl").exists()
        assert sorted({name.split(".")[0] for name in os.listdir(point / "v2/@since=v1")}) == KEYS


def test_versions_and_tags_appear_in_a_mount_and_old_paths_stay(dataset, tmp_path):
    elidefs("import", dataset, SAMPLE, "--table", LABELS)
    elidefs("tag", dataset, "best", "v1")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "-o", "poll=1") as point:
        def contents():
            folder = point / "v1/outcome=fail"
            return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in os.listdir(folder)}
        before = contents()
        table = tmp_path / "labels.csv"
        table.write_text("key,outcome\nep000001,success\n")
        elidefs("annotate", dataset, table, "--overwrite")
        wait_until(lambda: os.readlink(point / "latest") == "v2")
        assert contents() == before and "ep000001.json" in before
        assert not os.path.exists(point / "v2/outcome=fail/ep000001.json")
        elidefs("tag", dataset, "best", "v2", "--force")
        wait_until(lambda: os.readlink(point / "best") == "v2")
        elidefs("untag", dataset, "best")
        wait_until(lambda: not os.path.lexists(point / "best"))
