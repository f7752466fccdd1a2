# SPDX-License-Identifier: Apache-2.0
"""A mount while versions are committed and tags move: what was not there appears, whatever the kernel was told
before, and what is open, or lies below a version, stays as it was."""
import contextlib
import os
import subprocess
import sys

import pytest

from conftest import LABELS, SAMPLE, elidefs, mounted, wait_until

CLIPS = "outcome=fail"
LIST_CWD = "import os, sys\nfor line in sys.stdin: print(sorted(os.listdir('.')), flush=True)"


@pytest.fixture
def growing(dataset, tmp_path):
    """Commits one version more: of the sample, with `site` as the value of a label of all its clips."""
    elidefs("import", dataset, SAMPLE, "--table", LABELS)

    def grow(site):
        table = tmp_path / "labels.csv"
        table.write_text("key,site\n" + "".join(f"ep{i:06d},{site}\n" for i in range(16)))
        elidefs("annotate", dataset, table, "--by", site, "--overwrite")
    return dataset, grow


@contextlib.contextmanager
def opened(path):
    folder = os.open(path, os.O_RDONLY)
    try:
        yield folder
    finally:
        os.close(folder)


def absent(*paths):
    for path in paths * 3:  # the second answer may be the kernel's own
        with pytest.raises(FileNotFoundError):
            os.stat(path)


def test_what_was_not_in_latest_appears_with_the_version_that_has_it(growing, tmp_path):
    dataset, grow = growing
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        news = [point / "latest/site=b", point / "latest" / CLIPS / "site=b", point / "site=b", point / "v2",
                point / "latest/.elidefs/diff-v1.jsonl"]
        absent(*news, point / "v1/site=b")
        assert "v2" not in os.listdir(point)
        grow("b")
        wait_until(lambda: os.readlink(point / "latest") == "v2")
        for path in news:
            os.stat(path)
        assert len(os.listdir(point / "latest/site=b")) == len(os.listdir(point / "v1"))
        assert os.listdir(point)[0] == "v2"
        assert '"site":"b"' in (point / "latest/ep000000.json").read_text()
        absent(point / "v1/site=b")


def test_a_version_that_is_asked_for_by_name_is_there_at_once(growing, tmp_path):
    dataset, grow = growing
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--poll", "300") as point:
        absent(point / "v2/site=b", point / "v2")
        grow("b")
        assert len(os.listdir(point / "v2/site=b")) == 64
        assert os.readlink(point / "latest") == "v2", "found on the way"


def test_what_is_open_stays_what_it_was_while_latest_moves(growing, tmp_path):
    dataset, grow = growing
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        path = point / "latest" / CLIPS
        names = sorted(os.listdir(path))
        video = next(name for name in names if name.endswith(".top.mp4"))
        label = next(name for name in names if name.endswith(".json"))
        whole, old_label = (path / video).read_bytes(), (path / label).read_text()
        inside = subprocess.Popen([sys.executable, "-c", LIST_CWD], cwd=path, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        with inside, opened(path) as folder, open(path / video, "rb") as file:
            first = file.read(1000)
            for version in (2, 3):
                grow(f"b{version}")
                wait_until(lambda: os.readlink(point / "latest") == f"v{version}")
                assert sorted(os.listdir(folder)) == names
                assert f'"site":"b{version}"' in (path / label).read_text(), "the path has moved on"
                with open(label, opener=lambda name, flags: os.open(name, flags, dir_fd=folder)) as old:
                    assert old.read() == old_label, "the open folder has not"
                inside.stdin.write("\n")
                inside.stdin.flush()
                assert inside.stdout.readline() == f"{names}\n"
            assert first + file.read() == whole
            inside.stdin.close()
        assert (point / "v1" / CLIPS / label).read_text() == old_label


def test_a_tag_that_moves_moves_in_a_mount_and_below_it_nothing_else(growing, tmp_path):
    dataset, grow = growing
    grow("b")
    elidefs("tag", dataset, "used", "v1")
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as point:
        absent(point / "used/site=b", point / "tags/used/site=b", point / "other", point / "tags/other")
        with opened(point / "used") as folder:
            elidefs("tag", dataset, "used", "v2", "--force")
            elidefs("tag", dataset, "other", "v1")
            wait_until(lambda: os.readlink(point / "used") == "v2" and os.path.lexists(point / "other"))
            assert os.readlink(point / "tags/used") == "../v2" and os.readlink(point / "tags/other") == "../v1"
            assert len(os.listdir(point / "used/site=b")) == len(os.listdir(point / "tags/used/site=b")) == 64
            absent(point / "other/site=b")
            with pytest.raises(FileNotFoundError):
                os.stat("site=b", dir_fd=folder)
        elidefs("tag", dataset, "used", "v1", "--force")
        wait_until(lambda: os.readlink(point / "used") == "v1")
        absent(point / "used/site=b")
