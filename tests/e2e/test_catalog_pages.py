# SPDX-License-Identifier: Apache-2.0
"""A version's catalog is pages that versions share: old ones stay what they were, a commit stores what differs."""
import errno
import hashlib
import os
import sqlite3

import catalog_pages
import pytest

from conftest import SAMPLE, elidefs, mounted


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    elidefs("init", folder)
    elidefs("import", folder, SAMPLE)
    return folder


def pulled(dataset, version, path):
    elidefs("catalog", "pull", dataset, f"v{version}", path)
    data = path.read_bytes()
    path.unlink()
    return hashlib.sha256(data).hexdigest(), data


def label(dataset, number):
    elidefs("annotate", dataset, "-", "--by", "anna", input=f"key,grade\nep000000,grade {number}\n")


def test_fifty_commits_leave_the_first_version_bit_for_bit_as_it_was(dataset, tmp_path):
    first, data = pulled(dataset, 1, tmp_path / "v1.db")
    assert data == catalog_pages.read(dataset, 1), "another reader of the format sees the same"
    for number in range(50):
        label(dataset, number)
    assert pulled(dataset, 1, tmp_path / "again.db")[0] == first
    last = pulled(dataset, 51, tmp_path / "last.db")[1]
    assert last == catalog_pages.read(dataset, 51)
    assert len(catalog_pages.manifest(dataset, 51)["catalog"]["hot"]) <= 8
    lines = elidefs("verify", dataset).stdout.splitlines()
    assert len(lines) == 51 and all(line.endswith("16 of 16 clips can be read") for line in lines)


def test_what_is_pulled_is_a_sound_database_and_no_file_is_overwritten(dataset, tmp_path):
    label(dataset, 1)
    path = tmp_path / "latest.db"
    assert elidefs("catalog", "pull", dataset, "latest", path).stdout == f"v2 {path}\n"
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("SELECT number FROM meta WHERE name = 'version'").fetchone() == (2,)
    database.close()
    done = elidefs("catalog", "pull", dataset, "v1", path, check=False)
    assert done.returncode == 1 and "File exists" in done.stderr
    assert elidefs("catalog", "pull", dataset, "v9", tmp_path / "v9.db", check=False).returncode == 1
    assert not (tmp_path / "v9.db").exists()


def check_tables(found, dataset, lines):
    """As SQLite itself counts them (Debian's and Ubuntu's have dbstat); it is no page of a tree that a long row is in."""
    told = {name: (int(size), int(pages)) for name, size, _, _, pages, _ in lines}
    rows = catalog_pages.database(dataset, 2).execute("SELECT name, pageno FROM dbstat WHERE pagetype <> 'overflow'")
    want = {"(long rows)": (0, 0)}
    for name, page in rows:
        size, pages = want.get(name, (0, 0))
        want[name] = size + found.places[page - 1][3], pages + 1
    assert {name: told[name] for name in want if want[name][1]} == {name: some for name, some in want.items() if some[1]}
    assert sum(pages for _, pages in told.values()) == sum(not place[0] for place in found.places)


def test_a_label_stores_a_few_pages_and_the_rest_is_shared(dataset):
    label(dataset, 1)
    before, after = catalog_pages.Map(dataset, 1), catalog_pages.Map(dataset, 2)
    shared = sum(a == b for a, b in zip(before.places, after.places))
    assert shared > len(before.places) / 3 and after.pages - shared < 20
    *lines, everything = elidefs("catalog", "stats", dataset).stdout.splitlines()
    assert everything.startswith("all versions: 2 packs of ")
    assert elidefs("catalog", "stats", dataset, "v2").stdout.splitlines() == lines
    assert [line.split()[0] for line in lines[-1 - len(after.packs):-1]] == [number.hex() for number, _ in after.packs]
    check_tables(after, dataset, [line.rsplit(maxsplit=5) for line in lines[:-1 - len(after.packs)]])
    assert lines[-1].startswith(f"v2: {after.pages} pages of 8192 bytes, ")
    for words in (["stats"], ["push", dataset], ["pull", dataset, "v1"], ["export", dataset]):
        done = elidefs("catalog", *words, check=False)
        assert done.returncode in (1, 2) and "pull" in done.stderr


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_a_flipped_byte_in_any_page_is_told_with_page_and_pack(dataset):
    label(dataset, 1)
    found = catalog_pages.Map(dataset, 2)
    for number, (zero, pack, offset, length, _) in enumerate(found.places):
        if zero:
            continue
        path = catalog_pages.pack_path(dataset, found.packs[pack][0])
        flip(path, offset + length // 2)
        done = elidefs("verify", dataset, check=False)
        assert done.returncode == 1 and f"page {number + 1} in elidefs/packs/{path.name} at {offset}" in done.stdout, done
        flip(path, offset + length // 2)
    assert elidefs("verify", dataset).returncode == 0


def test_a_flipped_byte_in_the_map_or_a_manifest_is_an_input_output_error_that_names_it(dataset, tmp_path):
    found = catalog_pages.Map(dataset, 1)
    pack, top = found.pack, catalog_pages.manifest(dataset)["catalog"]["map"]
    _, _, leaf, _, _ = found.leaves[0]
    _, _, page, _, _ = found.places[0]
    pieces = [(pack, top["offset"] + 30, "the map's root", pack.name),
              (pack, top["offset"] + top["length"], "list of packs", pack.name),
              (pack, leaf + 5, "the map of pages from 1", pack.name), (pack, page + 9, "page 1 in ", pack.name),
              (dataset / "elidefs/versions/00000001.json", 0, "00000001.json", "JSON")]
    for number, (path, at, what, name) in enumerate(pieces):
        flip(path, at)
        with mounted(dataset, tmp_path / "mnt", tmp_path / f"cache{number}") as point:
            with pytest.raises(OSError) as caught:
                os.listdir(point / "v1")
            assert caught.value.errno == errno.EIO
            told = (point / ".elidefs/errors").read_text()
            assert what in told and name in told, told
        flip(path, at)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache0") as point:
        assert len(os.listdir(point / "v1")) == 64
    _, hashes, length = found.hashes[0]  # of pages that a listing does not read
    assert length
    flip(pack, hashes + 9)
    done = elidefs("verify", dataset, check=False)
    assert done.returncode == 1 and f"its page map in elidefs/packs/{pack.name} at {hashes}+{length} has another" in done.stdout, done
    flip(pack, hashes + 9)
