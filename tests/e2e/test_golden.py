# SPDX-License-Identifier: Apache-2.0
"""Golden data sets: one of each format, as an elidefs of that time wrote it, opened in place and asked.

`WRITE_GOLDEN=1` with this file writes that of today's format anew (tests/dataset/golden/README.md)."""
import hashlib
import json
import os
import re
import shutil
import sqlite3

import pytest

from conftest import BUILD, ROOT, elidefs, mounted, run

GOLDEN = ROOT / "tests" / "dataset" / "golden"
TODAY = re.search(r'#define MANIFEST_CATALOG +"(.*?)"', (ROOT / "index/base/manifest.h").read_text()).group(1)
RELEASED = (GOLDEN / "released").read_text().split()
SELECTIONS = ["", "task=lift", "task=push/half=true", "task=anna", "task.ne=lift", "length.gt=30", "length.le=7/task=lift", "size=3",
              "force=0.25", "force.gt=0.1", "half=true", "box.null=0", "task=lena", "event=grasp", "event=slip", "@since=v3", "@since=v3,task", "nothing=1"]
SHOWN = 2000  # bytes of an answer that stand in the file as they are; of a longer one its hash


def kept(text):
    digest = hashlib.sha256(text.encode()).hexdigest()
    return text if len(text) <= SHOWN else {"sha256": digest, "bytes": len(text), "begins": text[:200]}


def told(*words):
    """What a command prints; how it words a refusal may change."""
    done = elidefs(*words, check=False)
    return kept(done.stdout) if done.returncode == 0 else {"refused": done.returncode}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tables(path):
    """Every row of the plain tables of a version."""
    database = sqlite3.connect(path)
    text = "".join(f"{table}{row}\n" for table in ("clips", "attributes", "streams", "events") for row in database.execute(f"SELECT * FROM {table}"))
    database.close()
    return kept(text)


def files(folder):
    """What is read below a version of a mount: all that needs no recording."""
    return kept("".join(f"{name} {sha256(folder / name)}\n" for name in sorted(os.listdir(folder)) if name.endswith(".json")))


def answers_of_version(dataset, version, before, scratch):
    pulled, exported = scratch / f"{version}.db", scratch / f"{version}.sqlite"
    elidefs("catalog", "pull", dataset, version, pulled)
    elidefs("catalog", "export", dataset, version, exported)
    selections = SELECTIONS if int(version[1:]) % 4 == 1 else []
    return {"pull": sha256(pulled), "json": told("query", dataset, version, "--json"), "tables": tables(exported),
            "diff": told("diff", dataset, before, version) if before else None,
            "sources": told("catalog", "sources", dataset, version),
            "select": {path: told("query", dataset, f"{version}/{path}") for path in selections}}


def answers(dataset, scratch):
    scratch.mkdir()
    log = [json.loads(line) for line in elidefs("log", dataset, "--json").stdout.splitlines()]
    names = [f"v{version['version']}" for version in reversed(log)]
    with mounted(dataset, scratch / "mnt", scratch / "cache", "-o", "trust=/a/root") as point:
        listed = {"": sorted(os.listdir(point)), **{name: files(point / name) for name in (names[0], "best", "latest")}}
    return {"log": log, "tags": told("tag", dataset), "roots": re.sub(r" \(.*\)", "", told("root", "list", dataset)), "attributes": told("attribute", "list", dataset),
            "blame": {key: told("blame", dataset, key) for key in ("ep00", "ep40", "ep13")}, "mount": listed,
            "versions": {name: answers_of_version(dataset, name, names[at - 1] if at else None, scratch) for at, name in enumerate(names)}}


def contents(folder):
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file()}


def make(folder, scratch):
    (folder / "set").mkdir(parents=True)
    run(BUILD / "tests" / "dataset" / "golden_set", folder / "set", scratch / "made")
    return folder


def write(format, tmp_path):
    assert format not in RELEASED, f"{format} was released: what it wrote stays; a change of the format needs another name (index/FORMAT.md, Room)"
    shutil.rmtree(GOLDEN / format, ignore_errors=True)
    made = make(GOLDEN / format, tmp_path)
    found = answers(made / "set", tmp_path / "asked")
    (made / "answers.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def test_what_was_released_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr("test_golden.RELEASED", [TODAY])
    before = contents(GOLDEN)
    with pytest.raises(AssertionError, match="was released"):
        write(TODAY, tmp_path)
    assert contents(GOLDEN) == before


@pytest.fixture(scope="module", autouse=True)
def written(tmp_path_factory, own_home):
    if os.environ.get("WRITE_GOLDEN"):
        write(TODAY, tmp_path_factory.mktemp("written"))


def formats():
    return sorted({path.parent.name for path in GOLDEN.glob("*/answers.json")} | {TODAY, *RELEASED})


@pytest.mark.parametrize("format", formats())
def test_a_data_set_of_each_format_answers_as_it_did_and_is_not_written_to(format, tmp_path):
    folder = GOLDEN / format / "set"
    before = contents(folder)
    found = answers(folder, tmp_path / "asked")
    expected = json.loads((GOLDEN / format / "answers.json").read_text())
    assert found["versions"].keys() == expected["versions"].keys()
    for name, version in expected["versions"].items():
        for what, answer in version.items():
            assert found["versions"][name][what] == answer, (format, name, what)
    assert found == expected
    assert contents(folder) == before


def test_each_table_of_todays_format_has_rows_in_the_golden_data_set(tmp_path):
    empty = None
    for version in range(1, 14):
        elidefs("catalog", "pull", GOLDEN / TODAY / "set", f"v{version}", tmp_path / f"{version}.db")
        database = sqlite3.connect(tmp_path / f"{version}.db")
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
        lacks = {name for name in names if not database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]}
        empty = lacks if empty is None else empty & lacks
        database.close()
    assert not empty


def test_what_is_written_today_answers_like_the_golden_data_set_and_is_the_same_bytes_twice(tmp_path):
    one, two = make(tmp_path / "one", tmp_path / "a"), make(tmp_path / "two", tmp_path / "b")
    assert {name: bytes for name, (bytes, _) in contents(one).items()} == {name: bytes for name, (bytes, _) in contents(two).items()}
    found, expected = answers(one / "set", tmp_path / "asked"), json.loads((GOLDEN / TODAY / "answers.json").read_text())
    for version in [*found["versions"].values(), *expected["versions"].values()]:
        del version["pull"]  # pages differ with SQLite's and zstd's versions
    assert found == expected
