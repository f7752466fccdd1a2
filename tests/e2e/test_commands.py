# SPDX-License-Identifier: Apache-2.0
"""The command line: help, wrong use, versions, tags, queries, copies."""
import json
import os
import socket
import subprocess

import pytest

from conftest import BUILD, ELIDEFS, LABELS, SAMPLE, elidefs, mounted, run, stats, told

COMMANDS = ["init", "import", "annotate", "blame", "attribute", "mount", "umount", "query", "cp", "prefetch", "explain", "log", "tag", "untag",
            "diff", "lock", "check", "remove", "purge",
            "verify", "status", "root", "trust", "catalog"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_man_page_from_one_table(command):
    text = elidefs(command, "--help").stdout
    assert text.startswith(f"usage: elidefs {command} ") and command in elidefs("--help").stdout
    page = BUILD / "tools" / f"elidefs-{command}.1"
    if not page.exists():
        pytest.skip("built without scdoc")
    shown = run("man", "-l", page, check=False, env=os.environ | {"MANWIDTH": "200"}) if os.path.exists("/usr/bin/man") else None
    source = page.read_text()
    for line in text.splitlines():
        if line.strip().startswith("--"):
            option = line.split()[0]
            assert option.replace("-", "\\-") in source or option in source or (shown and option in shown.stdout)


@pytest.mark.parametrize("words, says", [
    (["nonsense"], "nonsense"), (["import"], "too few"), (["log", "a", "b", "c"], "too many"),
    (["mount", "a", "b", "--nonsense"], "--nonsense"), (["import", "a", "b", "-m"], "needs a value"),
    (["mount", "a", "b", "-o", "frobnicate"], "frobnicate"), (["query", "a", "b", "--count=3"], "takes no value"),
    ([], "usage"),
])
def test_wrong_use_is_status_2_and_one_line(words, says):
    done = elidefs(*words, check=False)
    assert done.returncode == 2 and says in done.stderr and done.stdout == ""


def test_versions_tags_and_log(dataset):
    assert elidefs("log", dataset).stdout == ""
    assert elidefs("import", dataset, SAMPLE, "-m", "plain").stdout == "v1\n"
    assert elidefs("import", dataset, SAMPLE, "--table", LABELS, "-m", "labels").stdout == "v2\n"
    elidefs("tag", dataset, "good", "v1")
    assert elidefs("tag", dataset).stdout == "good v1\n"
    moved = elidefs("tag", dataset, "good", "v2", check=False)
    assert moved.returncode == 1 and "v1" in moved.stderr
    for name in ("latest", "v3", "has space", "tags"):
        assert elidefs("tag", dataset, name, "v1", check=False).returncode == 1
    assert elidefs("tag", dataset, "x", "v9", check=False).returncode == 1
    lines = [json.loads(line) for line in elidefs("log", dataset, "--json").stdout.splitlines()]
    assert [(line["version"], line["message"], line["clips"], line["tags"]) for line in lines] == [
        (2, "labels", 16, ""), (1, "plain", 16, "good")]
    assert elidefs("query", dataset, "good/length.gt=100", "--count").stdout == elidefs(
        "query", dataset, "v1/length.gt=100", "--count").stdout
    assert elidefs("query", dataset, "v1/arm=left", check=False).returncode == 1
    assert elidefs("query", dataset, "v2/arm=left", "--count").stdout == "8\n"
    assert elidefs("query", dataset, "arm=left", "--count").stdout == "8\n"


def test_init_twice_is_refused(dataset):
    done = elidefs("init", dataset, check=False)
    assert done.returncode == 1 and "already" in done.stderr


def test_query_prints_keys_json_and_paths(sample, mount, tmp_path):
    keys = elidefs("query", sample, "v1/arm=left/object=cube").stdout.split()
    assert keys and all(key.startswith("ep") for key in keys)
    lines = [json.loads(line) for line in elidefs("query", sample, "v1/arm=left/object=cube", "--json").stdout.splitlines()]
    assert [line["key"] for line in lines] == keys and set(lines[0]["files"]) == {
        f"{keys[0]}.{name}" for name in ("top.mp4", "wrist_right.mp4", "state.parquet", "json")}
    paths = elidefs("query", sample, "v1/arm=left/object=cube", "--paths0").stdout.split("\0")[:-1]
    assert sorted(paths) == sorted(os.listdir(mount / "v1/arm=left/object=cube"))
    (tmp_path / "list").write_bytes(b"\0".join(p.encode() for p in paths))
    run("rsync", "-a", "--from0", f"--files-from={tmp_path}/list", f"{mount}/v1/arm=left/object=cube/", tmp_path / "to")
    assert sorted(os.listdir(tmp_path / "to")) == sorted(paths)


def test_a_path_inside_a_mount_is_enough(mount):
    assert elidefs("query", mount / "v1/outcome=fail", "--count").stdout == "8\n"
    assert elidefs("query", mount / "latest/outcome=fail", "--count").stdout == "8\n"
    assert elidefs("query", "outcome=fail", "--count", cwd=mount / "v1").stdout == "8\n"
    assert "outcome=fail" in elidefs("explain", mount / "v1/outcome=fail").stdout
    done = elidefs("explain", mount / "v1/outcoem=fail", check=False)
    assert done.returncode == 1 and "outcome" in done.stderr


def test_cp_copies_what_a_mount_shows_and_nothing_twice(sample, mount, tmp_path):
    done = elidefs("cp", sample, "v1/arm=right/object=ball", tmp_path / "out", "--cache", tmp_path / "cache")
    assert sorted(os.listdir(tmp_path / "out")) == sorted(os.listdir(mount / "v1/arm=right/object=ball"))
    assert len(told(done)) == len(os.listdir(tmp_path / "out"))
    for name in os.listdir(tmp_path / "out"):
        assert open(tmp_path / "out" / name, "rb").read() == open(mount / "v1" / name, "rb").read()
        assert os.stat(tmp_path / "out" / name).st_mtime_ns == os.stat(mount / "v1" / name).st_mtime_ns
    assert told(elidefs("cp", sample, "v1/arm=right/object=ball", tmp_path / "out")) == []
    elidefs("cp", mount / "v1/ep000003.json", tmp_path / "one")
    assert os.listdir(tmp_path / "one") == ["ep000003.json"]


def test_status_lists_mounts(mount, sample):
    assert str(sample) in elidefs("status").stdout
    line = next(json.loads(line) for line in elidefs("status", "--json").stdout.splitlines()
                if json.loads(line)["mountpoint"] == str(mount))
    assert line["dataset"] == str(sample) and "cache_bytes_fetched" in line
    assert elidefs("status", "/", check=False).returncode == 1


def test_a_data_set_that_was_not_imported_here_is_not_trusted_to_read_elsewhere(sample, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "mnt").mkdir()
    done = elidefs("mount", sample, tmp_path / "mnt", check=False, env=os.environ | {"HOME": str(home)})
    assert done.returncode == 1 and "trust" in done.stderr and str(SAMPLE) in done.stderr
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache", "-o", f"trust={SAMPLE}") as point:
        assert open(point / "v1/ep000000.top.mp4", "rb").read(8)[4:] == b"ftyp"


def test_a_file_counts_as_its_clip(sample):
    assert elidefs("query", sample, "v1/ep000001.json", "--count").stdout == "1\n"
    assert elidefs("query", sample, "v1/ep000001.json").stdout == "ep000001\n"


def test_a_single_path_outside_of_mounts_is_told_apart_from_a_missing_data_set(tmp_path):
    done = elidefs("explain", tmp_path, check=False)
    assert done.returncode == 1 and f"no data set at {tmp_path}" in done.stderr
    done = elidefs("explain", tmp_path / "v1/arm=left", check=False)
    assert done.returncode == 1 and "looks like a path in a data set, but nothing is mounted above it" in done.stderr


def test_a_missing_source_is_named_once(dataset, tmp_path):
    done = elidefs("import", dataset, tmp_path / "none", check=False)
    assert done.returncode == 1 and done.stderr.count(str(tmp_path / "none")) == 1


def test_xattrs_are_plain_text_whatever_their_type(mount):
    path = mount / "v1" / "ep000001.top.mp4"
    assert os.getxattr(path, "user.recorded_at").startswith(b"20")
    errors = stats(mount)["errors"]
    with pytest.raises(OSError):
        os.getxattr(path, "user.nothing")
    assert stats(mount)["errors"] == errors, "asking for an attribute that is not there is no trouble"


@pytest.mark.parametrize("wrong", [("--set", "nonsense"), ("--table", "none.csv")])
def test_wrong_options_are_refused_before_a_source_is_scanned(dataset, wrong):
    done = elidefs("import", dataset, SAMPLE, *wrong, check=False)
    assert done.returncode == 1 and wrong[1] in done.stderr and "scanned" not in done.stderr


@pytest.mark.parametrize("words", [("log", "s3://lab-data/kitchen"), ("mount", "http://127.0.0.1:PORT/kitchen", "mnt")],
                         ids=lambda words: words[0])
def test_a_server_that_is_not_there_is_told_soon(tmp_path, words):
    """Five tries in some 1.5 s; one that was there a moment ago is waited for longer (tests/store/retry.c)."""
    (tmp_path / "mnt").mkdir()
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        options = ("--endpoint-url", f"http://127.0.0.1:{port}", "--no-sign-request", "--cache", tmp_path / "cache")
        done = elidefs(*(word.replace("PORT", port) for word in words), *options, check=False, cwd=tmp_path)
    said = told(done)
    assert done.returncode == 1 and len(said) == 1 and said[0].endswith("Couldn't connect to server (tried 5 times)"), said
