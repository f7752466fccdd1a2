# SPDX-License-Identifier: Apache-2.0
"""Daily growth: a known source is imported again, after things were added, changed, renamed and deleted."""
import json
import os
import re
import shutil
import subprocess

import catalog_pages
import make_lerobot
import make_lerobot_v2
import pytest

from conftest import ELIDEFS, LABELS, SAMPLE, elidefs, mounted, run, told


@pytest.fixture
def source(tmp_path):
    """Three clips of a recording each, with a label file beside them."""
    folder = tmp_path / "source"
    folder.mkdir()
    for number in (1, 2, 3):
        put(folder, number, f"content {number}")
    return folder


def put(folder, number, text):
    (folder / f"run_{number}.mcap").write_text(text)
    (folder / f"run_{number}.json").write_text(json.dumps({"grade": number}))


def attributes(dataset, path="latest"):
    lines = elidefs("query", dataset, path, "--json").stdout.splitlines()
    return {clip.pop("key"): clip for clip in map(json.loads, lines)}


def grades(dataset, path="latest"):
    return {key: clip.get("grade") for key, clip in attributes(dataset, path).items()}


def imported(dataset, *arguments):
    """The result of an import, as it says itself."""
    done = elidefs("import", dataset, *arguments, "--json")
    found = json.loads(done.stdout)
    return {name: found[name] for name in ("version", "added", "replaced", "removed", "unchanged")}


def result(version, added=0, replaced=0, removed=0, unchanged=0):
    return {"version": version, "added": added, "replaced": replaced, "removed": removed, "unchanged": unchanged}


def test_what_is_new_is_added_and_what_changed_is_replaced_in_the_new_version_only(dataset, source, tmp_path):
    assert imported(dataset, source) == result(1, added=3)
    put(source, 4, "content 4")
    (source / "run_3.json").write_text('{"grade": 30}')
    assert imported(dataset, source) == result(2, added=1, replaced=1, unchanged=2)
    assert grades(dataset, "v1") == {"run_1": 1, "run_2": 2, "run_3": 3}
    assert grades(dataset, "v2") == {"run_1": 1, "run_2": 2, "run_3": 30, "run_4": 4}
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert (point / "v2/run_3.mcap").read_text() == (point / "v1/run_3.mcap").read_text() == "content 3"


def test_nothing_new_makes_no_version_and_reads_no_file(dataset, source):
    imported(dataset, source)
    done = elidefs("import", dataset, source)
    assert done.stdout == "v1\n" and "nothing new: v1 stays" in done.stderr
    assert "scanned" not in done.stderr
    assert imported(dataset, source) == result(1, unchanged=3)


def test_a_rewritten_last_file_replaces_its_clip_and_its_labels_stay(dataset, source, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("key,arm\nrun_1,left\nrun_3,right\n")
    imported(dataset, source, "--table", table)
    with open(source / "run_3.mcap", "a") as last:
        last.write(" and more")
    assert imported(dataset, source) == result(2, replaced=1, unchanged=2)
    assert attributes(dataset)["run_3"]["arm"] == "right"
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert (point / "v2/run_3.mcap").read_text() == "content 3 and more"
        with pytest.raises(OSError):  # neither versioned nor copied
            (point / "v1/run_3.mcap").read_text()


def test_a_renamed_clip_stops_the_import_and_renumbered_takes_its_labels_along(dataset, source, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("key,arm\nrun_1,left\nrun_2,right\n")
    imported(dataset, source, "--table", table)
    for end in ("mcap", "json"):
        (source / f"run_2.{end}").rename(source / f"run_9.{end}")
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1 and told(done)[-1] == (
        f"elidefs: {source} was renumbered: 1 of its clips are known under other keys: 'run_2' is now 'run_9'; "
        "--renumbered lets their labels go with them")
    assert imported(dataset, source, "--renumbered") == result(2, added=1, removed=1, unchanged=2)
    found = attributes(dataset)
    assert sorted(found) == ["run_1", "run_3", "run_9"] and found["run_9"]["arm"] == "right"
    assert sorted(attributes(dataset, "v1")) == ["run_1", "run_2", "run_3"]
    assert elidefs("import", dataset, source).stdout == "v2\n"


def test_keys_of_another_source_fail_naming_both_and_the_prefix(dataset, source, tmp_path):
    imported(dataset, source)
    other = tmp_path / "other"
    other.mkdir()
    put(other, 1, "something else")
    done = elidefs("import", dataset, other, check=False)
    assert done.returncode == 1
    assert all(text in done.stderr for text in ("'run_1'", str(source), str(other), "--prefix"))
    assert imported(dataset, other, "--prefix", "b") == result(2, added=1)
    assert sorted(attributes(dataset)) == ["b-run_1", "run_1", "run_2", "run_3"]
    assert imported(dataset, other, "--prefix", "b") == result(2, unchanged=1)


def test_a_prefix_that_was_forgotten_is_named(dataset, source):
    imported(dataset, source, "--prefix", "b")
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1 and (
        f"3 of the clips of {source} were imported with --prefix b, which is missing here") in done.stderr, done.stderr
    assert imported(dataset, source, "--prefix", "b") == result(1, unchanged=3)


def test_what_the_source_lost_stays_and_is_said(dataset, source):
    imported(dataset, source)
    (source / "run_2.mcap").unlink()
    (source / "run_2.json").unlink()
    done = elidefs("import", dataset, source)
    assert done.stdout == "v1\n" and "no longer in the source" in done.stderr and "run_2" in done.stderr


def test_copied_recordings_outlive_their_source(dataset, source, tmp_path):
    done = elidefs("import", dataset, source, "--copy")
    assert "copied 3 recordings" in done.stderr and "versioned" not in done.stderr
    again = elidefs("import", dataset, source, "--copy")
    assert "nothing new: v1 stays" in again.stderr and "copied" not in again.stderr
    shutil.rmtree(source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert [(point / f"v1/run_{i}.mcap").read_text() for i in (1, 2, 3)] == [f"content {i}" for i in (1, 2, 3)]


def test_copy_open_keeps_the_last_file_of_each_version(dataset, tmp_path):
    folder = make_lerobot.make(tmp_path / "robot", lengths=(20, 25))
    done = elidefs("import", dataset, folder, "--copy=open")
    assert "copied 2 recordings" in done.stderr  # the last video and the last data file
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        before = {name: (point / "v1" / name).read_bytes() for name in os.listdir(point / "v1")}
    make_lerobot.make(folder, lengths=(20, 25, 30))  # the recorder goes on in the same files
    assert "copied 2 recordings" in elidefs("import", dataset, folder, "--copy=open").stderr
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache2") as point:
        assert before == {name: (point / "v1" / name).read_bytes() for name in os.listdir(point / "v1")}
        assert len([name for name in os.listdir(point / "v2") if name.endswith(".mp4")]) == 3


def scanned(done):
    return {line.split()[-1] for line in done.stderr.splitlines() if line.startswith("scanned ")}


def test_what_was_removed_is_not_read_again(dataset, source):
    (source / "run_4.json").write_text("[3, 4]")  # no labels, but a stream
    assert len(scanned(elidefs("import", dataset, source))) == 7
    for key in ("run_2", "run_4"):
        elidefs("remove", dataset, f"latest/{key}.json")
    done = elidefs("import", dataset, source)
    assert scanned(done) == set() and "nothing new: v3 stays" in done.stderr
    assert "note: left out, because it was removed (--restore brings it back): run_2 (and 1 more)\n" in done.stderr
    put(source, 2, "recorded again")
    assert scanned(elidefs("import", dataset, source)) == {"run_2.mcap", "run_2.json"}
    assert grades(dataset) == {"run_1": 1, "run_2": 2, "run_3": 3}
    done = elidefs("import", dataset, source, "--restore")
    assert scanned(done) == {"run_4.json"} and sorted(grades(dataset)) == ["run_1", "run_2", "run_3", "run_4"]
    assert "note: back, with the labels it had when it was removed: run_4\n" in done.stderr


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or run("mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", disk, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    run("umount", "-l", disk)


@pytest.mark.parametrize("fills", [False, True])
def test_copies_on_a_disk_that_gets_full_are_removed_again(small_disk, tmp_path, fills):
    folder, dataset = tmp_path / "recordings", small_disk / "set"
    folder.mkdir(), dataset.mkdir()
    elidefs("init", dataset)
    before = sorted(path for path in dataset.rglob("*") if path.is_file())
    disk = os.statvfs(dataset)
    for name in "a" if fills else "abc":  # the copy fits, but no catalog behind it; or two of three fit
        (folder / f"{name}.bin").write_bytes(os.urandom(disk.f_bavail * disk.f_bsize // (1 if fills else 3) + (0 if fills else 8192)))
    done = elidefs("import", dataset, folder, "--copy", check=False)
    assert done.returncode == 1 and "No space left on device" in done.stderr.splitlines()[-1], done.stderr
    if not fills:
        assert f"elidefs: copying {folder}/c.bin: {dataset}/elidefs/data/" in done.stderr
        assert "note: removed 2 copies again, made by this import\n" in done.stderr
    assert sorted(path for path in dataset.rglob("*") if path.is_file()) == before


def test_a_dry_run_tells_what_would_be_copied_and_copies_nothing(dataset, source):
    before = sorted(dataset.rglob("*"))
    done = elidefs("import", dataset, source, "--copy", "--dry-run")
    assert "would copy 3 recordings (0.0 MiB)\n" in done.stderr and sorted(dataset.rglob("*")) == before
    elidefs("import", dataset, source, "--copy")
    (source / "run_4.mcap").write_bytes(bytes(3 << 20))
    before = sorted(dataset.rglob("*"))
    done = elidefs("import", dataset, source, "--copy", "--dry-run")
    assert "would copy 1 recording (3.0 MiB)\n" in done.stderr and sorted(dataset.rglob("*")) == before
    assert "copied 1 recording (3.0 MiB)\n" in elidefs("import", dataset, source, "--copy").stderr


def test_an_unknown_way_to_copy_is_refused(dataset, source):
    done = elidefs("import", dataset, source, "--copy=some", check=False)
    assert done.returncode == 1 and told(done) == ["elidefs: --copy=some: expected open, link or all"]


def test_a_grown_lerobot_set_reads_only_its_new_files(dataset, tmp_path):
    folder = tmp_path / "robot"
    shutil.copytree(SAMPLE, folder)
    first = elidefs("import", dataset, folder, "--table", LABELS)
    assert "scanned videos/" in first.stderr and "scanned data/" in first.stderr
    again = elidefs("import", dataset, folder)
    assert "nothing new: v1 stays" in again.stderr and "scanned" not in again.stderr
    info = json.loads((folder / "meta/info.json").read_text())
    (folder / "meta/info.json").write_text(json.dumps(info | {"robot_type": "other"}))
    done = elidefs("import", dataset, folder)
    assert done.stdout == "v2\n" and "scanned" not in done.stderr
    assert {clip["robot_type"] for clip in attributes(dataset).values()} == {"other"}


def episodes(folder, lengths):
    """An episode is told by its length alone."""
    make_lerobot.make(folder, lengths=lengths, task=lambda _: ["push"], columns={
        "stats/observation.state/max": [[float(n), 0.5] for n in lengths],
        "stats/next.success/max": [[True] for _ in lengths]})


def test_a_reindexed_lerobot_set_keeps_labels_with_their_episodes(dataset, tmp_path):
    lengths = [20, 25, 30, 35]
    folder, table = tmp_path / "robot", tmp_path / "labels.csv"
    episodes(folder, lengths)
    table.write_text("episode_index,who\n" + "".join(f"{i},person {n}\n" for i, n in enumerate(lengths)))
    elidefs("import", dataset, folder, "--table", table)
    shutil.rmtree(folder)
    episodes(folder, [20, 30, 35, 40])  # episode 1 is deleted, the others move up, one is new
    done = elidefs("import", dataset, folder, check=False)
    assert done.returncode == 1 and "'ep000002' is now 'ep000001', 'ep000003' is now 'ep000002'" in done.stderr
    assert imported(dataset, folder, "--renumbered") == result(2, replaced=4)
    assert {key: clip.get("who") for key, clip in attributes(dataset).items()} == {
        "ep000000": "person 20", "ep000001": "person 30", "ep000002": "person 35", "ep000003": None}


# ---- tables in the import that renumbers ----

LENGTHS = [20, 25, 30, 35]  # and then, an episode deleted, [20, 30, 35]


@pytest.fixture
def renumbered(dataset, tmp_path):
    """A set of which episode 1 was deleted, known with all labels: its folder, and where tables go."""
    folder, table = tmp_path / "robot", tmp_path / "labels.csv"
    episodes(folder, LENGTHS)
    table.write_text("episode_index,who\n" + "".join(f"{i},person {n}\n" for i, n in enumerate(LENGTHS)))
    elidefs("import", dataset, folder, "--table", table)
    shutil.rmtree(folder)
    episodes(folder, [20, 30, 35])
    return folder, table


def said_by(lengths, columns="episode_index,who,length", row=lambda i, n: f"{i},person {n},{n}"):
    return columns + "\n" + "".join(row(i, n) + "\n" for i, n in enumerate(lengths))


def who(dataset):
    return {key: clip.get("who") for key, clip in attributes(dataset).items()}


RIGHT = {"ep000000": "person 20", "ep000001": "person 30", "ep000002": "person 35"}
STALE = "the table seems to be older than the new numbers (--table-is-renumbered: it means the new ones)"
NOBODY_KNOWS = ("this import renumbers, and another clip was 'ep000001' before: nothing in the table tells which of both is "
                "meant (--table-is-renumbered: the new one; so does a column such as length that fits the new numbers only)")


@pytest.mark.parametrize("text, says", [
    (said_by([20, 25, 30]), f"line 3: column 'length': it says 25, but 'ep000001' has 30 now: {STALE}"),
    (said_by([20, 25, 30], "key,who,length", lambda i, n: f"ep{i:06d},person {n},{n}"),
     f"line 3: column 'length': it says 25, but 'ep000001' has 30 now: {STALE}"),
    (said_by([20, 25, 30], "episode_index,who", lambda i, n: f"{i},person {n}"), f"line 3: {NOBODY_KNOWS}"),
    (said_by([20, 25, 30], "episode_index,who,tasks", lambda i, n: f"{i},person {n},push"), f"line 3: {NOBODY_KNOWS}"),
    (said_by([20, 25, 30], "episode_index,who,length", lambda i, n: f"{i},person {n},"), f"line 3: {NOBODY_KNOWS}"),
])
def test_a_table_of_the_old_numbers_is_refused_in_the_import_that_renumbers(dataset, renumbered, tmp_path, text, says):
    folder, table = renumbered
    table.write_text(text)
    for more in ([], ["--skip-bad", "--bad", tmp_path / "bad.jsonl"], ["--dry-run"]):
        done = elidefs("import", dataset, folder, "--renumbered", "--table", table, *more, check=False)
        assert done.returncode == 1 and f"{table}: {says}" in done.stderr, done.stderr
    assert who(dataset) == {f"ep{i:06d}": f"person {n}" for i, n in enumerate(LENGTHS)}
    assert elidefs("log", dataset).stdout.count("\n") == 1
    elidefs("import", dataset, folder, "--renumbered")
    assert who(dataset) == RIGHT


@pytest.mark.parametrize("text", [
    said_by([20, 30, 35]),
    said_by([20, 30, 35], "episode_index,who,length", lambda i, n: f"{i},person {n},{n}.0"),
    said_by([20, 30, 35], "episode_index,who,duration", lambda i, n: f"{i},person {n},{n / 30}"),
    said_by([20, 30, 35], "key,who,length,task", lambda i, n: f"ep{i:06d},person {n},{n},push"),
    "episode_index,who\n0,person 20\n",  # a name that means what it meant
])
def test_a_table_that_fits_the_new_numbers_only_is_taken(dataset, renumbered, text):
    folder, table = renumbered
    table.write_text(text)
    elidefs("import", dataset, folder, "--renumbered", "--table", table)
    assert who(dataset) == RIGHT


def test_a_table_of_the_new_numbers_is_taken_where_it_is_said_to_be_one(dataset, renumbered):
    folder, table = renumbered
    table.write_text("episode_index,who\n0,person 20\n1,somebody\n2,nobody\n")
    words = ("import", dataset, folder, "--renumbered", "--table", table)
    assert elidefs(*words, check=False).returncode == 1
    done = elidefs(*words, "--table-is-renumbered")
    assert ("note: a table changes 2 values of known clips: 'ep000001' has who=person 30 (v1), now somebody; "
            "'ep000002' has who=person 35 (v1), now nobody\n") in done.stderr
    assert who(dataset) == {"ep000000": "person 20", "ep000001": "somebody", "ep000002": "nobody"}
    assert "renumbered" not in elidefs("import", dataset, folder, "--table", table).stderr


def test_a_source_of_files_that_were_renamed_asks_what_a_table_means_too(dataset, source, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("key,arm\nrun_1,left\nrun_2,right\nrun_3,both\n")
    imported(dataset, source, "--table", table)
    for end in ("mcap", "json"):
        (source / f"run_1.{end}").unlink()
        for number in (2, 3):
            (source / f"run_{number}.{end}").rename(source / f"run_{number - 1}.{end}")
    table.write_text("key,arm,grade\nrun_1,left,1\nrun_2,right,2\n")
    done = elidefs("import", dataset, source, "--renumbered", "--table", table, check=False)
    assert f"{table}: line 2: column 'grade': it says 1, but 'run_1' has 2 now: {STALE}" in done.stderr
    table.write_text("key,arm,grade\nrun_1,right,2\nrun_2,both,3\n")
    elidefs("import", dataset, source, "--renumbered", "--table", table)
    assert {key: clip["arm"] for key, clip in attributes(dataset).items()} == {"run_1": "right", "run_2": "both"}


def test_values_that_a_table_changes_on_known_clips_are_counted_with_three_examples(dataset, source, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("key,arm,grade\n" + "".join(f"run_{i},left,{i}\n" for i in (1, 2, 3)))
    assert "changes" not in elidefs("import", dataset, source, "--table", table).stderr  # all are new
    put(source, 4, "content 4")
    table.write_text("key,arm,grade\n" + "".join(f"run_{i},right,{max(i, 2)}\n" for i in (1, 2, 3, 4)))
    for more in (["--dry-run"], []):
        done = elidefs("import", dataset, source, "--table", table, *more)
        assert ("note: a table changes 4 values of known clips: 'run_1' has grade=1 (v1), now 2; 'run_1' has arm=left (v1), "
                "now right; 'run_2' has arm=left (v1), now right; ...\n") in done.stderr, done.stderr
    assert "changes" not in elidefs("import", dataset, source, "--table", table).stderr
    elidefs("annotate", dataset, "-", "--by", "anna", "--overwrite", input="key,arm\nrun_1,both\n")
    table.write_text("key,arm\nrun_1,left\n")  # what people say stays
    assert "changes" not in elidefs("import", dataset, source, "--table", table).stderr


def removed(dataset, path, *arguments):
    found = json.loads(elidefs("remove", dataset, path, *arguments, "--json").stdout)
    return found["version"], found["removed"], found["clips"]


def test_removed_clips_are_gone_from_the_new_version_and_an_import_leaves_them_out(dataset, source):
    imported(dataset, source)
    assert removed(dataset, "grade=2") == (2, 1, 2)
    assert sorted(grades(dataset)) == ["run_1", "run_3"] and sorted(grades(dataset, "v1")) == ["run_1", "run_2", "run_3"]
    done = elidefs("import", dataset, source)
    assert done.stdout == "v2\n" and "left out, because it was removed (--restore brings it back): run_2" in done.stderr
    assert removed(dataset, "latest/run_1.json", "-m", "one clip") == (3, 1, 1)
    assert imported(dataset, source, "--restore") == result(4, added=2, unchanged=1)
    assert grades(dataset) == {"run_1": 1, "run_2": 2, "run_3": 3}


def test_a_removed_clip_with_new_content_comes_back_without_its_labels(dataset, source, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("key,arm\nrun_2,left\n")
    imported(dataset, source, "--table", table)
    removed(dataset, "arm=left")
    (source / "run_2.mcap").write_text("recorded again")
    assert imported(dataset, source) == result(3, added=1, unchanged=2)
    assert attributes(dataset)["run_2"].keys() == {"grade", "files"}


def test_a_removed_clip_that_is_restored_has_its_labels_and_who_set_them(dataset, source, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("key,arm,note\nrun_2,left,old\nrun_3,right,old\n")
    imported(dataset, source)
    elidefs("annotate", dataset, table, "--by", "lena")
    before = attributes(dataset)["run_2"]
    removed(dataset, "arm=left")
    assert elidefs("query", dataset, "latest/arm=left", "--count", check=False).stdout in ("", "0\n")
    elidefs("attribute", "rename", dataset, "arm", "side")
    elidefs("attribute", "drop", dataset, "note")
    imported(dataset, source, "--restore")
    assert attributes(dataset)["run_2"] == {"grade": 2, "side": "left", "files": attributes(dataset)["run_2"]["files"]}
    assert before["arm"] == "left" and elidefs("query", dataset, "latest/side=left", "--count").stdout == "1\n"
    assert "lena" in elidefs("blame", dataset, "latest/run_2.json", "side").stdout
    assert elidefs("query", dataset, "latest/side.null=1").stdout.split() == ["run_1"]


def test_a_restored_clip_of_a_renumbered_source_has_its_own_labels(dataset, tmp_path):
    """Episode 1 was removed, then episode 0 is deleted from the source: what was removed is called 0 now."""
    source = tmp_path / "source"
    episodes(source, (12, 10, 11))
    elidefs("import", dataset, source)
    table = tmp_path / "labels.csv"
    table.write_text("key,grade\nep000000,a\nep000001,b\nep000002,c\n")
    elidefs("annotate", dataset, table, "--by", "lena")
    removed(dataset, "grade=b")
    shutil.rmtree(source)
    episodes(source, (10, 11))
    elidefs("import", dataset, source, "--renumbered")
    assert {key: clip["grade"] for key, clip in attributes(dataset).items()} == {"ep000001": "c"}
    elidefs("import", dataset, source, "--restore")
    assert {key: clip["grade"] for key, clip in attributes(dataset).items()} == {"ep000000": "b", "ep000001": "c"}


def test_remove_is_careful_with_paths_that_mean_every_clip(dataset, source):
    imported(dataset, source)
    done = elidefs("remove", dataset, "latest", check=False)
    assert done.returncode == 1 and told(done) == [
        "elidefs: 'latest' means every clip: say which, such as outcome=fail, or --all"]
    done = elidefs("remove", dataset, "grade.gt=7")
    assert done.stdout == "v1\n" and "nothing to remove: v1 stays" in done.stderr
    assert elidefs("remove", dataset, "grad=7", check=False).returncode == 1
    assert removed(dataset, "", "--all") == (2, 3, 0)
    assert "restore" in elidefs("import", dataset, source).stderr


def verified(dataset, *arguments):
    done = elidefs("verify", dataset, *arguments, "--json", check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {line["version"]: (line["readable"], line["clips"]) for line in lines}, lines


def test_verify_tells_for_each_version_how_many_clips_can_be_read(dataset, source):
    imported(dataset, source)
    assert verified(dataset)[:2] == (0, {1: (3, 3)})
    (source / "run_3.mcap").write_text("longer than before")
    put(source, 4, "content 4")
    imported(dataset, source)
    status, counts, lines = verified(dataset)
    assert (status, counts) == (1, {2: (4, 4), 1: (2, 3)})
    assert lines[1]["first"]["key"] == "run_3" and f"{source}/run_3.mcap" in lines[1]["first"]["reason"]
    assert verified(dataset, "v1/grade.lt=3")[:2] == (0, {1: (2, 2)})
    assert verified(dataset, "v1/run_3.mcap")[:2] == (1, {1: (0, 1)})
    (source / "run_1.mcap").unlink()
    assert verified(dataset)[:2] == (1, {2: (3, 4), 1: (1, 3)})
    lines = elidefs("log", dataset, "--readable", "--json").stdout.splitlines()
    assert [(v["readable"], v["clips"]) for v in map(json.loads, lines)] == [(3, 4), (1, 3)]
    assert "3 can be read" in elidefs("log", dataset, "--readable").stdout.splitlines()[0]
    text = elidefs("verify", dataset, check=False)
    assert "3 of 4 clips can be read; not 'run_1'" in text.stdout


def test_verify_tells_a_version_that_cannot_be_opened_and_checks_the_others(dataset, source, tmp_path):
    for number in (4, 5, 6):
        imported(dataset, source)
        put(source, number, f"content {number}")
    (source / "run_2.mcap").unlink()
    packs = {v: catalog_pages.Map(dataset, v).pack for v in (1, 2, 3)}
    packs[3].unlink()
    damaged = bytearray(packs[2].read_bytes())
    damaged[30] ^= 1  # in the root of its map, which no other version reads
    packs[2].chmod(0o644)
    packs[2].write_bytes(damaged)
    not_run_2 = f"not 'run_2': {source}/run_2.mcap: no such object"

    def verify(cache, *options):
        done = elidefs("verify", dataset, *options, "--cache", tmp_path / cache, check=False)
        assert done.returncode == 1
        return done.stdout.splitlines(), done.stderr.splitlines()[-1]

    lines, summary = verify("new")
    assert lines[0].startswith("v3     cannot be read: ") and str(packs[3]) in lines[0], lines
    assert lines[1].startswith("v2     cannot be read: ") and "damaged" in lines[1], lines
    assert lines[2] == f"v1            2 of 3 clips can be read; {not_run_2}"
    assert summary == "faults in 3 of 3 versions; 1 of 3 recordings cannot be read"
    told = [json.loads(line).get("error") for line in verify("new", "--json")[0]]
    assert told == [lines[0].partition("read: ")[2], lines[1].partition("read: ")[2], None]
    told = elidefs("log", dataset, "--readable", "--cache", tmp_path / "new").stderr
    assert "note: v3 cannot be read: " in told and "note: v2 cannot be read: " in told


def test_log_tells_a_version_whose_manifest_is_damaged_and_lists_the_others(dataset, source, tmp_path):
    for number in (4, 5, 6):
        elidefs("import", dataset, source)
        put(source, number, f"content {number}")
    versions = sorted((dataset / "elidefs/versions").iterdir())
    versions[-2].chmod(0o644)
    versions[-2].write_text(versions[-2].read_text()[:100])
    done = elidefs("log", dataset, check=False)
    told = done.stdout.splitlines()
    damaged = [line for line in told if " cannot be read: " in line]
    assert len(told) == len(versions) - 1 and len(damaged) == 1 and damaged[0].startswith("v"), done
    assert done.returncode == 1 and done.stderr == "elidefs: 1 version cannot be read\n"
    json_lines = [json.loads(line) for line in elidefs("log", dataset, "--json", check=False).stdout.splitlines()]
    assert [("error" in line) for line in json_lines] == [(" cannot be read: " in line) for line in told]


def test_verify_finds_a_catalog_that_is_only_in_the_cache_and_one_with_other_bytes(dataset, source, tmp_path):
    imported(dataset, source)
    cache = ("--cache", tmp_path / "cache")
    assert elidefs("verify", dataset, "--deep", *cache).stdout == "v1            3 of 3 clips can be read\n"
    pack = next((dataset / "elidefs/packs").iterdir())
    kept = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    only_here = "v1            3 of 3 clips can be read; its catalog can only be read here: "
    for bytes_now, why in ((pack.read_bytes(), f"in elidefs/packs/{pack.name} at .* has another SHA-256 than its page map says"),
                           (kept[:-1], f"{pack}: is damaged: it has {len(kept) - 1} bytes, the catalog says {len(kept)}"),
                           (None, f"{pack}: no such object")):
        pack.unlink() if bytes_now is None else pack.write_bytes(bytes_now)
        done = elidefs("verify", dataset, *cache, check=False)
        assert done.returncode == 1 and done.stdout.startswith(only_here) and re.search(why, done.stdout), done
        assert done.stderr.splitlines()[-1] == "faults in 1 of 1 version; 0 of 3 recordings cannot be read"


def test_a_manifest_grows_renumbers_and_collides_like_a_folder(dataset, tmp_path):
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        for number in (1, 2, 3):
            (folder / f"{number}.bin").write_text(f"{folder.name} {number}")
        lines = [{"key": f"clip{n}", "log": {"url": f"{n}.bin"}, "grade": n} for n in (1, 2, 3)]
        (folder / "clips.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    first = folders[0] / "clips.jsonl"
    assert imported(dataset, first) == result(1, added=3)
    assert "nothing new: v1 stays" in elidefs("import", dataset, first).stderr
    done = elidefs("import", dataset, folders[1] / "clips.jsonl", check=False)
    assert done.returncode == 1 and all(text in done.stderr for text in ("'clip1'", str(folders[0]), "--prefix"))
    first.write_text('{"key":"clip9","log":{"url":"2.bin"}}\n')
    assert imported(dataset, first, "--renumbered") == result(2, added=1, removed=1)
    assert sorted(grades(dataset)) == ["clip1", "clip3", "clip9"], "what a manifest does not list has not gone"


def test_equal_contents_are_copies_of_each_other(dataset, tmp_path):
    folder = tmp_path / "robot"
    episodes(folder, [20, 20, 30])
    imported(dataset, folder)
    episodes(folder, [20, 20, 30, 20])
    assert imported(dataset, folder) == result(2, added=1, replaced=3)
    episodes(folder, [20, 30, 20])  # one of the equal ones is deleted
    done = elidefs("import", dataset, folder, check=False)
    assert done.returncode == 1 and "'ep000002' is now 'ep000001'" in done.stderr


def test_what_others_did_to_clips_meanwhile_stops_an_import(dataset, source, tmp_path):
    imported(dataset, source)
    put(source, 4, "content 4")
    table = tmp_path / "table"
    os.mkfifo(table)
    with subprocess.Popen([ELIDEFS, "import", dataset, source, "--table", table], stderr=subprocess.PIPE, text=True) as late:
        with open(table, "w") as pipe:  # opened by the import once it knows v1
            elidefs("remove", dataset, "latest/grade=1")
            pipe.write("key,q\nrun_2,5\n")
        said = late.stderr.read()
    assert late.returncode == 1 and "others have committed since v1: 'run_1' was removed by v2" in said, said
    assert sorted(grades(dataset)) == ["run_2", "run_3"]


def v20(folder, recorded):
    """A v2.0 set without statistics of these recordings, one after the other: same length, same task."""
    shutil.rmtree(folder / "meta", ignore_errors=True)
    shutil.rmtree(folder / "data", ignore_errors=True)
    made = make_lerobot.make(folder.parent / f"v3-{len(recorded)}-{recorded[0]}", lengths=(8,) * len(recorded), separate=True)
    converted = make_lerobot_v2.convert(made, folder.parent / f"v2-{len(recorded)}-{recorded[0]}", stats=False)
    for name in ("meta", "data"):
        shutil.copytree(converted / name, folder / name)
    lines = [json.loads(line) for line in (folder / "meta/episodes.jsonl").read_text().splitlines()]
    (folder / "meta/episodes.jsonl").write_text("".join(json.dumps(line | {"tasks": ["task 0"]}) + "\n" for line in lines))
    return converted / "videos"


def test_labels_do_not_move_between_episodes_without_statistics(dataset, tmp_path):
    """The first of three episodes goes, and the others move up: their rows are written anew, their videos renamed."""
    source = tmp_path / "source"
    source.mkdir()
    shutil.copytree(v20(source, [0, 1, 2]), source / "videos")
    for number, video in enumerate(sorted((source / "videos").rglob("*.mp4"))):  # no two recordings are the same bytes
        video.write_bytes(video.read_bytes() + b"\0\0\0\x0cfree%04d" % number)
    elidefs("import", dataset, source)
    elidefs("annotate", dataset, "-", input="episode_index,outcome\n1,fail\n")
    v20(source, [1, 2])
    for camera in (source / "videos/chunk-000").iterdir():
        for number in (0, 1):
            (camera / f"episode_{number + 1:06d}.mp4").rename(camera / f"episode_{number:06d}.mp4")
    done = elidefs("import", dataset, source, check=False)
    assert done.returncode == 1 and "--renumbered" in done.stderr, done.stderr
    elidefs("import", dataset, source, "--renumbered")
    found = attributes(dataset)
    assert found["ep000000"].get("outcome") == "fail" and "outcome" not in found["ep000001"], found


# ---- LeRobot sets that were edited ----


def edited(folder, lengths):
    """As LeRobot's tools leave it: the set that was is NAME_old, and NAME is another folder."""
    old = folder.parent / f"{folder.name}_old"
    folder.rename(old)
    episodes(folder, lengths)
    return old


def test_a_renumbered_set_finds_what_its_old_clips_read_in_the_folder_that_was_moved(dataset, tmp_path):
    source = tmp_path / "robot"
    episodes(source, (12, 10, 11))
    elidefs("import", dataset, source)
    old = edited(source, (10, 11))
    done = elidefs("import", dataset, source, "--renumbered")
    assert f"\n2 recordings of older versions are found in {old}\n" in done.stderr
    found = elidefs("verify", dataset).stdout
    assert "3 of 3 clips can be read" in found and "2 of 2 clips can be read" in found


@pytest.mark.parametrize("copy", [shutil.copy2, shutil.copyfile])
def test_a_renumbered_set_finds_recordings_that_were_restored_and_read_before_they_were_moved(dataset, tmp_path, copy):
    source = tmp_path / "robot"
    episodes(source, (12, 10, 11))
    elidefs("import", dataset, source)
    shutil.copytree(source, tmp_path / "backup", copy_function=copy)
    shutil.rmtree(source)
    (tmp_path / "backup").rename(source)
    elidefs("verify", dataset)
    old = edited(source, (10, 11))
    assert f"recordings of older versions are found in {old}\n" in elidefs("import", dataset, source, "--renumbered").stderr
    found = elidefs("verify", dataset).stdout
    assert "3 of 3 clips can be read" in found and "2 of 2 clips can be read" in found


@pytest.mark.parametrize("spoil", [shutil.rmtree, lambda old: [os.utime(path) for path in old.rglob("*")]])
def test_a_folder_that_is_not_what_was_pinned_is_not_taken_for_it(dataset, tmp_path, spoil):
    source = tmp_path / "robot"
    episodes(source, (12, 10, 11))
    elidefs("import", dataset, source)
    spoil(edited(source, (10, 11)))
    assert "are found in" not in elidefs("import", dataset, source, "--renumbered").stderr


@pytest.mark.parametrize("copy", [(), ("--copy",)])
def test_an_edited_copy_in_another_folder_replaces_its_source(dataset, tmp_path, copy):
    source, other, table = tmp_path / "robot", tmp_path / "better", tmp_path / "labels.csv"
    episodes(source, (12, 10, 11))
    elidefs("import", dataset, source, *copy)
    table.write_text("key,grade\nep000000,a\nep000001,b\nep000002,c\n")
    elidefs("annotate", dataset, table, "--by", "lena")
    episodes(other, (12, 11))  # episode 1 is deleted
    done = elidefs("import", dataset, other, check=False)
    assert done.returncode == 1 and f"if they take the place of those: --replaces {source}" in done.stderr
    done = elidefs("import", dataset, other, "--replaces", source, check=False)
    assert done.returncode == 1 and "'ep000002' is now 'ep000001'" in done.stderr
    assert imported(dataset, other, "--replaces", source, "--renumbered") == result(3, replaced=2, removed=1)
    assert {key: clip["grade"] for key, clip in attributes(dataset).items()} == {"ep000000": "a", "ep000001": "c"}
    shutil.rmtree(source)
    assert " 2 of 2 clips can be read\n" in elidefs("verify", dataset, check=False).stdout
    assert elidefs("import", dataset, other).stdout == "v3\n"


def test_what_replaces_nothing_is_refused(dataset, source, tmp_path):
    imported(dataset, source)
    done = elidefs("import", dataset, source, "--replaces", tmp_path / "never", check=False)
    assert done.returncode == 1 and f"--replaces: no clip of the data set came from {tmp_path}/never" in done.stderr


@pytest.mark.parametrize("copy", ["--copy", "--copy=open"])
def test_copies_of_a_folder_that_was_moved_are_known_by_the_name_it_had(dataset, source, tmp_path, copy):
    elidefs("import", dataset, source, copy)
    moved = tmp_path / "moved"
    source.rename(moved)
    elidefs("root", "set", dataset, "1", moved)
    assert "nothing new" in elidefs("import", dataset, moved, copy).stderr
