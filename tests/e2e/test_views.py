# SPDX-License-Identifier: Apache-2.0
"""What stands beside the clips of a query directory: `.elidefs/facets`, `.as`, and the root's `.q`."""
import base64
import os
import stat
import subprocess

import pytest

from conftest import elidefs, told


def letters(path, piece=200):
    text = base64.b32encode(path.encode()).decode().lower().rstrip("=")
    return "/".join(text[i:i + piece] for i in range(0, len(text), piece)) + "_"


def test_facets_of_a_folder_are_files_called_like_its_attributes(sample, mount):
    facets = mount / "v1/arm=left/.elidefs/facets"
    assert {"arm", "object", "outcome", "mass_g"} <= set(os.listdir(facets))
    assert "facets" in os.listdir(facets.parent)
    for name in ("object", "outcome"):
        said = (facets / name).read_text()
        assert said == elidefs("query", sample, "v1/arm=left", "--facets", name).stdout
        assert (facets / name).stat().st_size == len(said)
    assert not (facets / "objcet").exists()
    assert "facets/objcet: no attribute 'objcet': did you mean 'object'?" in (mount / ".elidefs/errors").read_text()


def test_paths_are_the_names_of_the_files_in_the_order_of_the_folder(sample, mount):
    folder = mount / "v1/outcome=fail"
    assert sorted(os.listdir(folder / ".as")) == ["lerobot", "lerobot-mean", "lerobot21", "paths.txt", "paths0", "webdataset"]
    names = (folder / ".as/paths.txt").read_text().splitlines()
    assert names == list(os.scandir(folder) and [entry.name for entry in os.scandir(folder)])
    assert (folder / ".as/paths0").read_bytes() == b"".join(name.encode() + b"\0" for name in names)
    assert (folder / ".as/paths.txt").stat().st_size == len((folder / ".as/paths.txt").read_bytes())
    copied = subprocess.run(["rsync", "-a", "--files-from", folder / ".as/paths.txt", f"{folder}/", "copy"], check=True)
    assert copied.returncode == 0 and sorted(os.listdir("copy")) == sorted(names)


def test_views_are_found_and_never_listed(mount):
    assert not {".as", ".elidefs", ".q"} & (set(os.listdir(mount)) | set(os.listdir(mount / "v1")))
    assert all(stat.S_ISDIR((mount / name).stat().st_mode) for name in (".q", "v1/.as", "v1/.elidefs/facets"))


@pytest.mark.parametrize("path", ["v1", "v1/arm=left", "v1/arm=left/outcome=fail"])
def test_an_alias_is_the_folder_by_a_name_without_signs(sample, mount, path):
    alias = (mount / path / ".elidefs/alias").read_text()
    assert alias == f".q/{letters(path)}\n"
    folder = mount / alias.strip()
    assert os.listdir(folder) == os.listdir(mount / path)
    assert (folder / ".elidefs/canonical").read_text() == (mount / path / ".elidefs/canonical").read_text()
    first = sorted(name for name in os.listdir(folder) if name.endswith(".json"))[0]
    assert (folder / first).read_bytes() == (mount / path / first).read_bytes()
    assert os.stat(folder / first).st_ino == os.stat(mount / path / first).st_ino
    assert elidefs("query", sample, alias.strip()).stdout == elidefs("query", sample, path).stdout
    assert elidefs("query", folder).stdout == elidefs("query", sample, path).stdout


def test_an_alias_goes_on_like_any_folder_and_may_be_long(mount):
    path = "v1/" + "/".join(f"mass_g.gt={number}" for number in (1, 2)) + "/arm.in=left,right" + "/object.ne=cube" * 30
    folder = mount / ".q" / letters(path)
    assert len(letters(path)) > 600
    assert os.listdir(folder / "outcome=fail") == os.listdir(mount / path / "outcome=fail")
    assert os.listdir(folder.parent) == []


@pytest.mark.parametrize("name, says", [
    (letters("v1/amr=left"), "no attribute 'amr' in v1: did you mean 'arm'?"),
    (letters("v7"), "no v7: the newest version is v1"),
    (letters("latest/arm=left"), "'latest' is not the number of a version"),
    ("mzxr_", "the letters are cut short"),
])
def test_an_alias_of_no_folder_says_why(mount, name, says):
    assert not (mount / ".q" / name).exists()
    assert says in (mount / ".elidefs/errors").read_text()


def test_what_is_no_alias_is_not_there(sample, mount):
    for name in ("ABC_", "a=b", "a1_", "_", "a" * 201):
        assert not (mount / ".q" / name).exists()
    for path in (f".q/{letters('v1')}2", f".q/{letters('v1')}arm=left"):
        done = elidefs("query", sample, path, check=False)
        assert done.returncode == 1 and "'_' ends the letters" in told(done)[0]
    done = elidefs("query", sample, ".q/mzxr_", check=False)
    assert done.returncode == 1 and "the letters are cut short" in told(done)[0]
