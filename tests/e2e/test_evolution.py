# SPDX-License-Identifier: Apache-2.0
"""A data set that a newer elidefs extended: what this one can read it reads, and of the rest it says why not."""
import hashlib
import json
import os
import re

import pytest

from conftest import elidefs, is_mounted, mounted, stats, wait_until

NEEDS = "v3 needs 'vectors-1', which this elidefs "
NEWEST = " does not know (elidefs 9.1 and newer do); the newest that it can read is v2"


def manifest(dataset, version):
    return dataset / "elidefs" / "versions" / f"{version:08}.json"


def extend(dataset, first, feature="vectors-1", program="9.1"):
    """From version `first` on each requires `feature`, in a catalog of a form that nobody knows yet."""
    version, text = first, ""
    while manifest(dataset, version).exists():
        made = json.loads(manifest(dataset, version).read_text())
        made["requires"].append(feature)
        made["program"], made["catalog"], made["later"] = program, {"later": made["catalog"]}, [1, {"requires": 2}]
        made["parent"]["sha256"] = hashlib.sha256(manifest(dataset, version - 1).read_bytes()).hexdigest()
        text = json.dumps(made)
        manifest(dataset, version).unlink()
        manifest(dataset, version).write_text(text)
        version += 1
    (dataset / "elidefs" / "head").write_text(f"{version - 1}\n{text}")


@pytest.fixture
def clips(dataset, tmp_path):
    """v1: two clips; v2: one has an arm; v3: the other, too."""
    source = tmp_path / "source"
    source.mkdir()
    for key in "ab":
        (source / f"{key}.bin").write_bytes(key.encode() * 10)
    elidefs("import", dataset, source)
    for key in "ab":
        elidefs("annotate", dataset, "-", "--by", "net", input=json.dumps({"key": key, "arm": "left"}))
    return dataset


def keys(dataset, path):
    return [json.loads(line)["key"] for line in elidefs("query", dataset, path, "--json").stdout.splitlines()]


def refused(*words, **options):
    done = elidefs(*words, check=False, **options)
    assert done.returncode == 1 and done.stdout == "", done
    return done.stderr.splitlines()[-1]


def test_what_needs_a_newer_program_is_refused_by_name_and_versions_before_it_work(clips):
    extend(clips, 3)
    assert keys(clips, "v2/arm=left") == ["a"] and keys(clips, "v1") == ["a", "b"]
    for path in ("v3", "latest", "", "arm=left", "v3/arm=left", "v3/a.bin"):
        said = refused("query", clips, path)
        assert NEEDS in said and said.endswith(NEWEST), said
    assert NEEDS in refused("diff", clips, "v2", "v3") and NEEDS in refused("catalog", "pull", clips, "v3", "v3.db")
    assert "vectors-1" in elidefs("verify", clips, check=False).stdout
    assert elidefs("diff", clips, "v1", "v2", "--stat").stdout.startswith("clips: 1 changed")


def test_log_shows_every_version_and_what_it_needs(clips):
    extend(clips, 3)
    elidefs("tag", clips, "best", "v3")
    text = elidefs("log", clips).stdout.splitlines()
    assert re.match(r"v3 .* 2 clips \(0 added, 1 changed, 0 removed\) \[best\] \(needs vectors-1: elidefs 9.1\)", text[0])
    assert [line.split()[0] for line in text] == ["v3", "v2", "v1"] and "needs" not in text[1] + text[2]
    lines = [json.loads(line) for line in elidefs("log", clips, "--json").stdout.splitlines()]
    assert (lines[0]["needs"], lines[0]["program"], lines[0]["clips"]) == ("vectors-1", "9.1", 2)
    assert "needs" not in lines[1]
    done = elidefs("log", clips, "--readable")
    assert NEEDS in done.stderr and "2 can be read" in done.stdout.splitlines()[1]


def test_nothing_is_made_of_a_version_that_cannot_be_read(clips, tmp_path):
    extend(clips, 3)
    before = sorted(str(path) for path in clips.rglob("*"))
    for words, text in ((("import", clips, tmp_path / "source"), None), (("remove", clips, "v2/arm=left"), None),
                        (("annotate", clips, "-"), '{"key": "a", "arm": "right"}'),
                        (("attribute", "rename", clips, "arm", "side"), None)):
        assert NEEDS in refused(*words, input=text), words
    assert sorted(str(path) for path in clips.rglob("*")) == before


def test_a_mount_lists_all_and_says_why_one_cannot_be_read(clips, tmp_path):
    extend(clips, 3)
    with mounted(clips, tmp_path / "mnt", tmp_path / "cache") as point:
        assert sorted(os.listdir(point)) == ["latest", "tags", "v1", "v2", "v3"]
        assert all(path.stat() for path in point.iterdir())
        assert os.readlink(point / "latest") == "v3"
        assert "a.bin" in os.listdir(point / "v2" / "arm=left")
        for path in (point / "v3", point / "latest", point / "latest" / "arm=left", point / "arm=left"):
            with pytest.raises(OSError) as failed:
                os.listdir(path)
            assert failed.value.errno == 95, path
        said = (point / ".elidefs" / "errors").read_text()
        assert NEEDS in said and NEWEST in said
        assert NEEDS in elidefs("explain", point / "v3", check=False).stdout + elidefs("explain", point / "v3", check=False).stderr
        assert stats(point)["newest_version"] == 3 and stats(point)["newest_readable_version"] == 2
        assert "v3 cannot be read here (`elidefs log` tells why); v2 is the newest that can" in elidefs("status", point).stdout


def test_a_mount_goes_on_when_a_newer_program_commits_meanwhile(clips, tmp_path):
    newer = manifest(clips, 3).read_text()
    manifest(clips, 3).unlink()
    (clips / "elidefs" / "head").unlink()
    with mounted(clips, tmp_path / "mnt", tmp_path / "cache") as point:
        assert os.readlink(point / "latest") == "v2" and "a.bin" in os.listdir(point / "latest" / "arm=left")
        manifest(clips, 3).write_text(newer)
        extend(clips, 3)
        wait_until(lambda: os.readlink(point / "latest") == "v3")
        wait_until(lambda: stats(point)["newest_readable_version"] == 2)
        assert (point / "v2" / "a.bin").read_bytes() == b"a" * 10
        with pytest.raises(OSError):
            os.listdir(point / "latest")
        assert is_mounted(point)


def test_a_damaged_newest_version_is_told_from_the_newest_that_can_be_read(clips, tmp_path):
    manifest(clips, 3).write_text("{")
    with mounted(clips, tmp_path / "mnt", tmp_path / "cache") as point:
        assert stats(point)["newest_version"] == 3 and stats(point)["newest_readable_version"] == 2
        assert "a.bin" in os.listdir(point / "v2")
        assert "v2 is the newest that can" in elidefs("status", point).stdout


def test_all_versions_may_need_a_newer_program(clips):
    extend(clips, 1)
    assert "it can read no version of " in refused("query", clips, "v1")
    assert len(elidefs("log", clips).stdout.splitlines()) == 3


def test_a_root_that_needs_a_newer_program_hides_its_own_clips_only(clips, tmp_path):
    record = clips / "elidefs" / "series" / "roots" / "1" / "2"
    first = json.loads((clips / "elidefs" / "series" / "roots" / "1" / "1").read_text())
    record.write_text(json.dumps(first | {"requires": ["mirror-1"], "later": 1}))
    said = elidefs("verify", clips, "v2", check=False)
    assert "needs 'mirror-1', which this elidefs" in said.stdout + said.stderr
    record.unlink()
    record.write_text(json.dumps(first | {"requires": [], "later": {"a": 1}}))
    assert elidefs("verify", clips, "v2").returncode == 0


def test_gc_and_purge_free_nothing_while_a_version_cannot_be_read(clips):
    elidefs("forget", clips, "v1")
    extend(clips, 3)
    before = sorted(path.name for path in (clips / "elidefs").rglob("*"))
    for words in (("gc", clips, "--grace", "0", "--nobody-writes"), ("purge", clips, "v2/a.bin", "--yes")):
        assert NEEDS in refused(*words)
    assert sorted(path.name for path in (clips / "elidefs").rglob("*")) == before
