# SPDX-License-Identifier: Apache-2.0
"""`.by/KEY/VALUE/`: a set explored by listing it, with ordinary tools."""
import csv
import os
import shutil

import pytest

from conftest import LABELS, elidefs, mounted, run

KEYS = ["arm", "duration", "friction", "length", "mass_g", "object", "operator", "outcome", "recorded_at",
        "reward_max", "task", "task_index"]


def clips(**wanted):
    rows = csv.DictReader(open(LABELS))
    return sorted("ep%06d" % int(r["episode_index"]) for r in rows if all(r[k] == v for k, v in wanted.items()))


def keys(folder):
    return sorted({name.split(".")[0] for name in os.listdir(folder)})


def reasons(mount):
    return open(mount / ".elidefs/errors").read()


def test_it_lists_the_keys_that_divide_the_set_and_their_values_of_most_clips_first(mount):
    assert os.listdir(mount / "v1/.by") == KEYS
    rows = list(csv.DictReader(open(LABELS)))
    for key in "arm", "object", "outcome":
        counts = {value: sum(row[key] == value for row in rows) for value in {row[key] for row in rows}}
        listed = os.listdir(mount / "v1/.by" / key)  # as it comes, not sorted
        assert listed == sorted(counts, key=lambda value: (-counts[value], value))


def test_ls_l_tells_how_many_values_a_key_has_and_how_many_clips_a_value(mount):
    for folder, narrower in (mount / "v1/.by", {}), (mount / "v1/outcome=fail/.by", {"outcome": "fail"}):
        for key in "arm", "object", "operator":
            assert os.stat(folder / key).st_size == len(os.listdir(folder / key))
            for value in os.listdir(folder / key):
                assert os.stat(folder / key / value).st_size == len(clips(**narrower, **{key: value})), (key, value)
    lines = run("ls", "-l", mount / "v1/.by/object").stdout.splitlines()[1:]
    told = {line.split()[8]: int(line.split()[4]) for line in lines}
    assert told == {value: len(clips(object=value)) for value in told} and len(told) > 1
    assert os.stat(mount / "v1/arm=left").st_size == 0, "a path itself is not counted"


def test_a_value_is_the_query_with_that_condition(mount):
    assert keys(mount / "v1/.by/arm/left") == clips(arm="left")
    assert keys(mount / "v1/outcome=fail/.by/arm/left") == clips(arm="left", outcome="fail")
    assert open(mount / "v1/outcome=fail/.by/arm/left/.elidefs/canonical").read() == "arm=left/outcome=fail\n"
    name = sorted(os.listdir(mount / "v1/arm=left"))[0]
    assert os.path.samefile(mount / "v1/.by/arm/left" / name, mount / "v1/arm=left" / name)


def test_it_goes_on_below_and_what_divides_no_more_is_gone(mount):
    below = mount / "v1/.by/arm/left/.by"
    assert "arm" not in os.listdir(below) and "outcome" in os.listdir(below)
    assert keys(below / "outcome/fail/object=ball") == clips(arm="left", outcome="fail", object="ball")
    assert keys(below / "outcome/fail/.by/object/ball") == clips(arm="left", outcome="fail", object="ball")
    assert os.listdir(below / "arm/right") == []


def test_many_numbers_are_ranges_that_hold_all_clips(mount):
    for key in "length", "friction", "duration", "mass_g", "recorded_at":
        ranges = os.listdir(mount / "v1/.by" / key)
        assert 1 < len(ranges) <= 10 and all(".." in name for name in ranges), ranges
        found = [clip for name in ranges for clip in keys(mount / "v1/.by" / key / name)]
        assert sorted(found) == clips()
    assert "90..99" in os.listdir(mount / "v1/.by/length")
    assert keys(mount / "v1/.by/length/96..104") == keys(mount / "v1/length.rng=96..104")


def test_find_and_walk_come_to_each_clip_once_a_key_and_end(mount):
    found = run("find", mount / "v1/.by/object", "-type", "f").stdout.split()
    assert sorted(os.path.basename(path) for path in found) == sorted(os.listdir(mount / "v1"))
    walked = [name for _, _, names in os.walk(mount / "v1/.by", followlinks=True) for name in names]
    assert {walked.count(name) for name in os.listdir(mount / "v1")} == {len(KEYS)}
    assert len(walked) == len(KEYS) * len(os.listdir(mount / "v1"))
    assert ".by" not in os.listdir(mount / "v1") and ".by" not in os.listdir(mount / "v1/.by/arm/left")


def test_a_key_is_a_labelled_data_set_of_class_folders(mount):
    """As torchvision's DatasetFolder looks for them."""
    root = mount / "v1/outcome=fail/.by/object"
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    samples = [(os.path.join(folder, name), classes.index(label)) for label in classes
               for folder, _, names in sorted(os.walk(root / label, followlinks=True)) for name in sorted(names)
               if name.endswith(".top.mp4")]
    labels = {"ep%06d" % int(row["episode_index"]): row["object"] for row in csv.DictReader(open(LABELS))}
    assert len(samples) == len(clips(outcome="fail"))
    assert all(labels[os.path.basename(path).split(".")[0]] == classes[label] for path, label in samples)


def test_a_file_manager_lists_and_walks_it(mount):
    """As GNOME's do, by GIO; a walk ends, and meets each clip once a key."""
    if not shutil.which("gio"):
        pytest.skip("gio is not installed")

    def listed(*words):
        return run("gio", "list", *words).stdout.splitlines()
    assert sorted(listed(mount / "v1/.by")) == sorted(os.listdir(mount / "v1/.by"))
    assert listed(mount / "v1/outcome=fail/.by/arm") == ["left", "right"]
    assert sorted(listed(mount / "v1/.by/arm/left")) == sorted(os.listdir(mount / "v1/arm=left"))
    assert sorted(listed("--hidden", mount / "v1")) == sorted(os.listdir(mount / "v1")), "no .by, .as, .elidefs"
    sizes = dict(line.split("\t")[:2] for line in listed("--long", mount / "v1/.by/arm/left"))
    assert all(int(size) == (mount / "v1" / name).stat().st_size > 0 for name, size in sizes.items())
    tree = run("gio", "tree", mount / "v1/.by/object").stdout
    assert all(tree.count(f" {name}\n") == 1 for name in os.listdir(mount / "v1"))
    run("gio", "copy", mount / "v1/.by/arm/left/ep000006.json", "copy.json")
    assert open("copy.json").read() == (mount / "v1/ep000006.json").read_text()


def test_names_need_no_quotes_and_hold_no_equals_sign(mount):
    for folder, names, _ in os.walk(mount / "v1/.by"):
        assert not [name for name in names if set(name) & set("= '\"$&;<>()|*?[]#~:") or name.startswith(".")]
    task = [name for name in os.listdir(mount / "v1/.by/task") if "ball" in name][0]
    assert keys(mount / "v1/.by/task" / task) == keys(mount / "v1/task=Pick up the ball and hold it.")
    assert keys(mount / "v1/.by/task" / task.replace("%20", " ")) == keys(mount / "v1/.by/task" / task)


@pytest.mark.parametrize("path, hint", [
    ("armm", "/v1/.by/armm: no attribute 'armm': did you mean 'arm'?"),
    ("arm/lfet", "/v1/.by/arm/lfet: arm has no value 'lfet': did you mean 'left'? (arm=left)"),
    ("arm=left", "/v1/.by/arm=left: here a value is a folder of its own (arm/left)"),
    ("length/1..x", "/v1/.by/length/1..x: length.rng: 'x' is not an integer"),
])
def test_a_typo_is_no_such_file_and_the_reason_is_told(mount, path, hint):
    with pytest.raises(FileNotFoundError):
        os.listdir(mount / "v1/.by" / path)
    assert hint in reasons(mount)


def test_names_that_programs_try_are_not_there_and_no_reason_is_kept(mount):
    for name in ".git", ".hidden", "autorun.inf", ".by", ".elidefs":
        assert not os.path.exists(mount / "v1/.by" / name)
    assert not os.path.exists(mount / "v1/.by/arm/.git")
    assert "autorun" not in reasons(mount) and ".git" not in reasons(mount)


@pytest.fixture
def labelled(sample, tmp_path):
    """With an attribute of 1,280 values, 80 a clip, another that some clips have, and events."""
    shutil.copytree(sample, tmp_path / "set")
    left = clips(arm="left")
    lines = ["key,note,kind\n"]
    for clip in clips():
        kind = "" if clip not in left else "a" if clip == left[0] else "b"
        lines.append(f"{clip},{';'.join(f'{clip} {number}' for number in range(80))},{kind}\n")
    elidefs("annotate", tmp_path / "set", "-", "--by", "anna", "--multi", "note", input="".join(lines))
    elidefs("annotate", tmp_path / "set", "-", "--by", "anna",
            input="key,label,start,end\nep000000,grasp,0,1\nep000001,grasp,0,1\nep000001,slip,1,2\n")
    return tmp_path / "set"


def test_too_many_values_are_an_error_that_says_what_to_do_and_all_are_still_there(labelled, tmp_path):
    with mounted(labelled, tmp_path / "mnt", tmp_path / "cache") as mount:
        with pytest.raises(OSError, match="File too large"):
            os.listdir(mount / "v2/.by/note")
        assert "note: more than 1000 values, which are not listed; narrow the path first" in reasons(mount)
        assert keys(mount / "v2/.by/note/ep000003 7") == ["ep000003"]
        assert "note" in os.listdir(mount / "v2/.by")
        assert len(os.listdir(mount / "v2/.by/object/deformable/.by/note")) == 80 * len(clips(object="deformable"))


def test_values_that_some_lack_and_labels_of_events_are_there(labelled, tmp_path):
    with mounted(labelled, tmp_path / "mnt", tmp_path / "cache") as mount:
        assert os.listdir(mount / "v3/.by/kind") == ["b", "a"]
        assert os.listdir(mount / "v3/.by/event") == ["grasp", "slip"]
        assert keys(mount / "v3/.by/event/grasp") == ["ep000000", "ep000001"]
        assert "event" in os.listdir(mount / "v3/.by/event/grasp/.by")
        assert os.listdir(mount / "v3/.by/event/slip/.by") == []
        assert {"kind", "event"} <= set(os.listdir(mount / "v3/.by")) and "event" not in os.listdir(mount / "v2/.by")
