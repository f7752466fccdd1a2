# SPDX-License-Identifier: Apache-2.0
"""Clips are purged: from every version, tag and mount, with a question before and a reason afterwards."""
import json
import os

from conftest import LABELS, SAMPLE, elidefs, mounted, wait_until


def made(dataset):
    elidefs("import", dataset, SAMPLE, "-m", "plain")
    elidefs("import", dataset, SAMPLE, "--table", LABELS, "-m", "labels")
    elidefs("tag", dataset, "good", "v1")


def test_a_purge_says_what_it_will_do_and_asks(dataset):
    made(dataset)
    dry = elidefs("purge", dataset, "v2/arm=left", "--dry-run", "--json")
    assert "8 clips, such as 'ep00000" in dry.stderr and "from v1 and all later versions (2 versions)" in dry.stderr
    assert json.loads(dry.stdout) == {"version": 0, "clips": 8, "versions": 2, "first": 1, "bytes": 0}
    refused = elidefs("purge", dataset, "v2/arm=left", check=False)
    assert refused.returncode == 1 and "nothing was purged: --yes says that it is meant" in refused.stderr
    everything = elidefs("purge", dataset, "latest", check=False)
    assert everything.returncode == 2 or "means every clip" in everything.stderr
    nothing = elidefs("purge", dataset, "v2/ep999999.json", "--yes", check=False)
    assert nothing.returncode == 1 and "no file 'ep999999.json'" in nothing.stderr
    assert elidefs("query", dataset, "latest", "--count").stdout == "16\n"


def test_purged_clips_are_gone_from_every_version_and_tag_and_all_else_is_as_it_was(dataset):
    made(dataset)
    versions = ("v1", "v2", "good")
    left = {v: elidefs("query", dataset, v).stdout.splitlines() for v in versions}
    gone = {line.split(".")[0].split("/")[-1] for line in elidefs("query", dataset, "v2/arm=left").stdout.splitlines()}
    assert gone
    done = elidefs("purge", dataset, "v2/arm=left", "--yes", "-m", "asked to")
    assert done.stdout == "v3\n" and "v3: 8 clips purged from 2 versions" in done.stderr
    for version in versions:
        now = elidefs("query", dataset, version).stdout.splitlines()
        assert now == [line for line in left[version] if line.split(".")[0].split("/")[-1] not in gone]
    assert elidefs("query", dataset, "v2/arm=right", "--count").stdout == "8\n"
    assert elidefs("query", dataset, "v2/arm=left", check=False).returncode == 1
    one = sorted(gone)[0]
    said = elidefs("explain", dataset, f"v1/{one}.json", check=False)
    assert said.returncode == 1 and f"'{one}' was purged on 2" in said.stderr + said.stdout
    assert elidefs("verify", dataset).returncode == 0
    assert "8 of 8 clips can be read" in elidefs("verify", dataset).stdout
    lines = [json.loads(line) for line in elidefs("log", dataset, "--json").stdout.splitlines()]
    assert (lines[0]["version"], lines[0]["message"], lines[0]["clips"]) == (3, "asked to", 8)


def test_a_pulled_catalog_of_a_purged_version_says_so_and_holds_none_of_it(dataset, tmp_path):
    made(dataset)
    elidefs("purge", dataset, "v2/ep000003.json", "--yes")
    for version in ("v1", "v2", "v3"):
        pulled = tmp_path / f"{version}.db"
        done = elidefs("catalog", "pull", dataset, version, pulled)
        assert ("clips were purged from" in done.stderr) == (version != "v3")
        assert b"ep000003" not in pulled.read_bytes()


def test_a_mount_that_is_made_afterwards_shows_none_of_it_and_says_when_it_was_purged(dataset, tmp_path):
    made(dataset)
    elidefs("purge", dataset, "v2/ep000003.json", "--yes")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache") as point:
        assert not (point / "v1" / "ep000003.json").exists() and not (point / "good" / "ep000003.json").exists()
        assert (point / "v1" / "ep000004.json").exists()
        assert "'ep000003' was purged on 2" in (point / ".elidefs" / "errors").read_text()


def test_a_mount_that_is_open_shows_none_of_it_once_it_has_looked_for_new_versions(dataset, tmp_path):
    made(dataset)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        assert len(list((point / "v2" / "arm=left").iterdir())) > 8
        names = [point / path / "ep000003.json" for path in ("v1", "v2/arm=right", "good", "v2")]
        assert all(name.exists() for name in names)
        elidefs("purge", dataset, "v2/ep000003.json", "--yes")
        wait_until(lambda: os.readlink(point / "latest") == "v3")
        wait_until(lambda: not any(name.exists() for name in names))
        assert not [name for name in os.listdir(point / "v2") if name.startswith("ep000003")]
        assert len(os.listdir(point / "v2")) == len(os.listdir(point / "v1"))
        assert (point / "v1" / "ep000004.json").exists()


def test_gc_then_frees_what_held_it_and_copies_of_recordings_that_only_it_had(dataset, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for key in ("anna", "lena", "otto"):
        (source / f"{key}.bin").write_bytes(key.encode() * 100)
        elidefs("import", dataset, source, "--copy")
    store = dataset / "elidefs"
    packs, copies = {path.name for path in (store / "packs").iterdir()}, list((store / "data").rglob("*/*"))
    assert len(packs) == len(copies) == 3
    elidefs("purge", dataset, "v1/anna.bin", "--yes")
    freed = elidefs("gc", dataset, "--grace", "0", "--nobody-writes").stdout
    assert "3 packs" in freed and "1 copy" in freed
    assert not packs & {path.name for path in (store / "packs").iterdir()}
    assert not [path for path in store.rglob("*") if path.is_file() and b"anna" in path.read_bytes()]
    assert [elidefs("query", dataset, f"v{n}", "--count", check=False).stdout for n in (2, 3, 4)] == ["1\n", "2\n", "2\n"]
    elidefs("cp", dataset, "v4", tmp_path / "out")
    assert (tmp_path / "out" / "lena.bin").read_bytes() == b"lena" * 100
    elidefs("verify", dataset, "--deep")


def test_what_a_clip_read_in_a_version_that_is_gone_is_freed_too(dataset, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for text in (b"first take", b"another take"):
        for key in ("anna", "lena"):
            (source / f"{key}.bin").write_bytes(text + key.encode())
        elidefs("import", dataset, source, "--copy")
    elidefs("forget", dataset, "v1")
    assert "1 version" in elidefs("gc", dataset, "--grace", "0", "--nobody-writes").stdout
    copies = {path.read_bytes() for path in (dataset / "elidefs" / "data").rglob("*/*")}
    assert copies == {b"first takeanna", b"first takelena", b"another takeanna", b"another takelena"}
    elidefs("purge", dataset, "v2/anna.bin", "--yes")
    elidefs("gc", dataset, "--grace", "0", "--nobody-writes")
    assert {path.read_bytes() for path in (dataset / "elidefs" / "data").rglob("*/*")} == {b"another takelena"}
    elidefs("verify", dataset, "--deep")
    elidefs("import", dataset, source, "--copy")
    elidefs("verify", dataset, "--deep")
