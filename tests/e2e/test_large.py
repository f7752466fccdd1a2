# SPDX-License-Identifier: Apache-2.0
"""Imports of many clips: what they give does not depend on how many there are, and memory for a window of them is enough."""
import json
import os
import resource
import subprocess

import pytest

from conftest import ELIDEFS, elidefs

WINDOW = 4096  # clips that an import has in hand at a time, where it need not have all
CLIPS = 2 * WINDOW + 900


def row(number, **more):
    return {"key": f"c{number:06}", "n": number, "arm": ("left", "right")[number % 3 == 0],
            "raw": {"url": "log.bin", "offset": number, "length": 3}, **more}


@pytest.fixture
def lab(tmp_path):
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "log.bin").write_bytes(bytes(range(256)) * 64)
    return folder


def manifest(lab, rows):
    path = lab / "clips.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def said(dataset):
    return [json.loads(line) for line in elidefs("query", dataset, "v1", "--json").stdout.splitlines()]


def test_what_only_late_rows_tell_holds_for_clips_that_were_given_before(tmp_path, lab):
    rows = [row(number, size=number % 7, tags=["a"]) for number in range(CLIPS)]
    rows[-1].update(size=2.5, tags=["a", "b"], late="yes")
    rows[-2].update(tags=["b", "b"], other={"url": "log.bin"})
    path = manifest(lab, rows)
    for name, more in (("window", []), ("all", ["--type", "arm=text"])):  # with --type all clips are there before one is given
        elidefs("init", tmp_path / name)
        elidefs("import", tmp_path / name, path, *more)
    window, everything = said(tmp_path / "window"), said(tmp_path / "all")
    assert len(window) == CLIPS and window == everything
    last = window[-1]
    assert (last["size"], last["tags"], last["late"]) == (2.5, ["a", "b"], "yes")
    assert window[0]["tags"] == ["a"], "an array, since a clip has several"
    listed = [elidefs("attribute", "list", tmp_path / name, check=False).stdout for name in ("window", "all")]
    assert listed[0] == listed[1]


def test_a_key_that_comes_again_thousands_of_rows_later_is_named_with_both_lines(dataset, lab):
    path = manifest(lab, [*map(row, range(WINDOW + 5)), row(2)])
    done = elidefs("import", dataset, path, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == (
        f"elidefs: two clips would be called 'c000002': from {path}: line 3 and from {path}: line {WINDOW + 6} "
        "(--skip-bad leaves it out, and imports the others)")


def test_of_a_bad_clip_too_its_key_is_taken(dataset, lab):
    rows = [row(number) for number in range(WINDOW + 5)]
    rows[3]["raw"]["offset"] = 1 << 20
    done = elidefs("import", dataset, manifest(lab, [*rows, row(3)]), "--skip-bad", check=False)
    assert "1 bad clip and 1 bad entry of no clip are left out" in done.stderr, done.stderr
    keys = [clip["key"] for clip in said(dataset)]
    assert len(keys) == len(rows) - 1 and "c000003" not in keys


def test_keys_in_no_order_are_each_there_once(dataset, lab):
    rows = [row(number * 3571 % CLIPS) for number in range(CLIPS)]
    elidefs("import", dataset, manifest(lab, rows))
    assert sorted(clip["n"] for clip in said(dataset)) == list(range(CLIPS))


def test_memory_for_a_window_is_enough(dataset, lab):
    """170 MB of texts, which are there as rows and again in the change set, with 400 MB for all and for stacks of threads."""
    texts = [f"{number} ".ljust(130, chr(97 + number % 26)) for number in range(50)]
    with (lab / "clips.jsonl").open("w") as to:
        for number in range(20000):
            more = {f"t{k}": texts[(number * 7 + k * number // 3) % 50] for k in range(60)}
            to.write(json.dumps({"key": f"c{number:06}", "raw": {"url": "log.bin"}, **more}) + "\n")
    most = 400 * 1000 * 1000
    done = subprocess.run([ELIDEFS, "import", dataset, lab / "clips.jsonl"], capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most)))
    assert done.returncode == 0, done.stderr
    assert "20000 clips added" in done.stderr + done.stdout


def test_a_full_disk_fails_the_import_names_the_folder_and_loses_nothing(dataset, lab, tmp_path):
    """No file may be larger than 1 MiB, and there are 25 MB of rows."""
    rows = [row(number, text=f"{number} ".ljust(3000, "x")) for number in range(2 * WINDOW)]
    path = manifest(lab, rows)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(["sh", "-c", 'trap "" XFSZ; exec prlimit --fsize=1048576 "$0" "$@"', ELIDEFS, "import", dataset, path],
                          capture_output=True, text=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert done.returncode == 1
    assert f"{temporary}, where temporary files are made: File too large (set TMPDIR to use another folder)" in done.stderr
    assert not list(temporary.iterdir())
    elidefs("import", dataset, path)
    assert len(said(dataset)) == len(rows)
