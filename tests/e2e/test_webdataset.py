# SPDX-License-Identifier: Apache-2.0
"""`.as/webdataset`: the clips of any path as tars, read by GNU tar, Python's tarfile and the webdataset package."""
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile

import pytest

from conftest import elidefs, mounted, run, stats, wait_until

ORDERED = "v1/outcome=fail/@shuffle=7"


def tars(folder):
    return [folder / f"{number:06}.tar" for number in range(int((folder / "SHARDS").read_text()))]


def members(folder):
    """(name, bytes) of every member, tar by tar."""
    for path in tars(folder):
        with tarfile.open(path) as archive:
            for member in archive:
                yield member.name, archive.extractfile(member).read()


def keys(names):
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def sums(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sorted(os.listdir(folder))}


def test_gnu_tar_finds_the_files_of_the_folder_as_they_are(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache", "-o", "uid=0,gid=0") as mount:
        folder = mount / "v1/arm=left"
        listed = run("tar", "tf", folder / ".as/webdataset/000000.tar").stdout.splitlines()
        assert sorted(listed) == sorted(os.listdir(folder))
        compared = run("tar", "--compare", "--file", ".as/webdataset/000000.tar", cwd=folder)
        assert compared.stdout + compared.stderr == ""


@pytest.mark.parametrize("path", ["v1", "v1/arm=left", ORDERED, "v1/@sample=3,7", "v1/@sort=-mass_g/@head=5"])
def test_samples_come_in_the_order_of_the_path_and_json_first(mount, path):
    folder = mount / path
    found = list(members(folder / ".as/webdataset-300K"))
    assert keys(name for name, _ in found) == keys(os.listdir(folder))
    assert sorted(name for name, _ in found) == sorted(os.listdir(folder))
    for number, (name, data) in enumerate(found):
        assert data == (folder / name).read_bytes()
        if number == 0 or found[number - 1][0].partition(".")[0] != name.partition(".")[0]:
            assert name == name.partition(".")[0] + ".json"


def test_members_are_of_one_owner_and_of_the_time_of_their_file(mount):
    folder = mount / "v1"
    with tarfile.open(folder / ".as/webdataset/000000.tar") as archive:
        for member in archive:
            st = (folder / member.name).stat()
            assert (member.uid, member.gid, member.uname, member.gname, member.mode) == (0, 0, "", "", 0o644)
            assert member.isreg() and (member.size, member.mtime) == (st.st_size, int(st.st_mtime))


def test_index_and_count_say_what_there_is(mount):
    folder = mount / "v1/.as/webdataset-700K"
    names = [path.name for path in tars(folder)]
    assert os.listdir(folder) == [*names, "SHARDS", "index.json"]
    index = json.loads((folder / "index.json").read_text())
    assert index["__kind__"] == "wids-shard-index-v1" and index["wids_version"] == 1
    assert [entry["url"] for entry in index["shardlist"]] == names
    for entry in index["shardlist"]:
        path = folder / entry["url"]
        assert path.stat().st_size == entry["filesize"] == len(path.read_bytes())
        with tarfile.open(path) as archive:
            assert len(keys(archive.getnames())) == entry["nsamples"]
    for path in folder.iterdir():
        assert path.stat().st_size == len(path.read_bytes()) and path.stat().st_mtime == (mount / "v1").stat().st_mtime


@pytest.mark.parametrize("size, limit", [("700K", 700 << 10), ("1M", 1 << 20), ("900000", 900000), ("1G", 1 << 30), ("9T", 9 << 40)])
def test_a_tar_is_filled_until_the_next_clip_would_not_fit(mount, size, limit):
    paths = tars(mount / f"v1/.as/webdataset-{size}")
    whole = {name: len(data) for name, data in members(mount / "v1/.as/webdataset")}
    clip = {}
    for name, length in whole.items():
        clip[name.partition(".")[0]] = clip.get(name.partition(".")[0], 0) + 512 + -(-length // 512) * 512
    for this, following in zip(paths, [*paths[1:], None]):
        assert this.stat().st_size <= limit and this.read_bytes().endswith(bytes(1024))
        if following:
            with tarfile.open(following) as archive:
                assert this.stat().st_size + clip[keys(archive.getnames())[0]] > limit


def test_a_clip_that_is_larger_has_a_tar_of_its_own(mount):
    paths = tars(mount / "v1/.as/webdataset-1K")
    assert len(paths) == 16
    for path in paths:
        with tarfile.open(path) as archive:
            assert len(keys(archive.getnames())) == 1


@pytest.mark.parametrize("name", ["webdataset-", "webdataset-0", "webdataset-01M", "webdataset-1m", "webdataset-1MB", "webdataset--1M",
                                  "webdataset-99999999T", "webdatset"])
def test_what_is_no_view_says_so(sample, mount, name):
    assert not (mount / "v1/.as" / name).exists()
    assert f"no view '{name}'; the views are lerobot, lerobot-mean, lerobot21, webdataset" in (mount / ".elidefs/errors").read_text()
    done = elidefs("query", sample, f"v1/.as/{name}", check=False)
    assert done.returncode and f"no view '{name}'" in done.stderr


def test_a_tar_that_is_not_there_says_how_many_are(mount):
    for name in ("000001.tar", "1000000.tar"):
        assert not (mount / "v1/.as/webdataset" / name).exists()
        assert f"no '{name}': there are 1 tars" in (mount / ".elidefs/errors").read_text()
    assert not (mount / "v1/.as/webdataset/0.tar").exists()


def test_only_the_streams_of_the_path_are_in_it(mount):
    found = [name for name, _ in members(mount / "v1/@streams=top,json/.as/webdataset")]
    assert found[:4] == ["ep000000.json", "ep000000.top.mp4", "ep000001.json", "ep000001.top.mp4"]
    json_only = list(members(mount / "v1/@streams=json/.as/webdataset"))
    assert len(json_only) == 16 and all(json.loads(data)["outcome"] for _, data in json_only)
    assert {name.partition(".")[2] for name, _ in members(mount / "v1/@streams=top/.as/webdataset")} == {"top.mp4"}


def test_of_no_clips_there_are_no_tars(mount):
    folder = mount / "v1/outcome=fail/outcome=success/.as/webdataset"
    assert os.listdir(folder) == ["SHARDS", "index.json"] and (folder / "SHARDS").read_text() == "0\n"
    assert json.loads((folder / "index.json").read_text())["shardlist"] == []


def test_the_webdataset_package_reads_it(mount):
    webdataset = pytest.importorskip("webdataset", reason="the package webdataset is not installed")
    folder = mount / ORDERED / ".as/webdataset-300K"
    count = int((folder / "SHARDS").read_text())
    assert count > 2
    urls = f"{folder}/{{000000..{count - 1:06}}}.tar"
    found = list(webdataset.WebDataset(urls, shardshuffle=False, empty_check=False))
    names = os.listdir(mount / ORDERED)
    assert [each["__key__"] for each in found] == keys(names)
    for each in found:
        assert json.loads(each["json"])["outcome"] == "fail"
        assert each["top.mp4"] == (mount / ORDERED / f"{each['__key__']}.top.mp4").read_bytes()


def test_names_that_ustar_cannot_say_come_through(tmp_path, dataset):
    names = ["a" * 96 + ".bin", "b" * 97 + ".bin", "c" * 247 + ".bin", "zwölf, 12=x.bin", "日本" * 30 + ".bin", ".hidden%.bin"]
    source = tmp_path / "source"
    source.mkdir()
    for number, name in enumerate(names):
        (source / name).write_bytes(bytes([number]) * (512 * number))
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "-o", "uid=0,gid=0") as mount:
        folder = mount / "v1"
        listed = sorted(os.listdir(folder))
        assert len(listed) >= 2 * 5
        assert sorted(name for name, _ in members(folder / ".as/webdataset")) == listed
        assert all(data == (folder / name).read_bytes() for name, data in members(folder / ".as/webdataset"))
        compared = run("tar", "--compare", "--file", ".as/webdataset/000000.tar", cwd=folder)
        assert compared.stdout + compared.stderr == ""
        path = folder / ".as/webdataset/000000.tar"
        assert path.stat().st_size == len(path.read_bytes())


def test_members_of_more_than_eight_gib_come_through(tmp_path, dataset):
    source = tmp_path / "source"
    source.mkdir()
    with open(source / "big.bin", "wb") as file:
        file.truncate(9 << 30)
        file.seek((9 << 30) - 7)
        file.write(b"the end")
    (source / "small.bin").write_bytes(b"behind it")
    elidefs("import", dataset, source)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--fill", "exact") as mount:
        path = mount / "v1/.as/webdataset-20G/000000.tar"
        with tarfile.open(path) as archive:
            big = archive.getmember("big.bin")
            assert big.size == 9 << 30 and archive.extractfile("small.bin").read() == b"behind it"
            with open(path, "rb") as file:
                file.seek(big.offset_data + big.size - 7)
                assert file.read(7) == b"the end"
        listed = run("tar", "tvf", path).stdout.splitlines()
        assert [line.split()[2] for line in listed if line.endswith(".bin")] == [str(9 << 30), "9"]


def test_a_seek_into_the_middle_pulls_the_member_alone(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache", "--fill", "exact") as mount:
        path = mount / "v1/.as/webdataset/000000.tar"
        data = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(data, 0, 0, os.POSIX_FADV_RANDOM)
            with tarfile.open(sample_tar(sample, tmp_path)) as archive:
                member = archive.getmember("ep000007.top.mp4")
            before = stats(mount)["cache_bytes_fetched"]
            found = os.pread(data, member.size, member.offset_data)
        finally:
            os.close(data)
        pulled = stats(mount)["cache_bytes_fetched"] - before
        assert found == (mount / "v1/ep000007.top.mp4").read_bytes()
        assert 0 < pulled <= member.size + 2 * 4096 < path.stat().st_size / 4


def sample_tar(sample, tmp_path):
    elidefs("cp", sample, "v1/.as/webdataset/000000.tar", tmp_path / "copied", "--cache", tmp_path / "other")
    return tmp_path / "copied/000000.tar"


def bytes_kept(cache):
    """Of the cache's data: bytes, and files."""
    files = [path for path in pathlib.Path(cache).rglob("*") if path.is_file() and path.stat().st_blocks]
    return sum(path.stat().st_blocks * 512 for path in files), len(files)


def test_the_cache_keeps_each_byte_once_whichever_way_it_was_read(sample, tmp_path):
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as mount:
        for name in os.listdir(mount / "v1"):
            (mount / "v1" / name).read_bytes()
    kept, fetched = bytes_kept(tmp_path / "cache"), None
    with mounted(sample, tmp_path / "mnt", tmp_path / "cache") as mount:
        fetched = stats(mount)["cache_bytes_fetched"]
        for path in [*tars(mount / "v1/.as/webdataset"), *tars(mount / "v1/@shuffle=3/.as/webdataset-1M")]:
            path.read_bytes()
        assert stats(mount)["cache_bytes_fetched"] == fetched
    assert bytes_kept(tmp_path / "cache") == kept
    with mounted(sample, tmp_path / "mnt", tmp_path / "second") as mount:
        for path in tars(mount / "v1/.as/webdataset"):
            path.read_bytes()
    assert abs(bytes_kept(tmp_path / "second")[0] - kept[0]) <= 64 << 10


def test_two_mounts_and_a_copy_have_the_same_bytes(sample, tmp_path):
    view = f"{ORDERED}/.as/webdataset-400K"
    with mounted(sample, tmp_path / "one", tmp_path / "c1") as one, mounted(sample, tmp_path / "two", tmp_path / "c2") as two:
        assert sums(one / view) == sums(two / view)
        elidefs("cp", sample, view, tmp_path / "copy", "--cache", tmp_path / "c3")
        assert sums(tmp_path / "copy") == sums(one / view)
        for name in os.listdir(one / view):
            assert (one / view / name).stat().st_mtime == (tmp_path / "copy" / name).stat().st_mtime
        listed = elidefs("query", sample, view).stdout.splitlines()
        assert listed == os.listdir(one / view) == elidefs("query", one / view).stdout.splitlines()
        assert elidefs("query", sample, f"{view}/SHARDS", "--paths0").stdout == "SHARDS\0"
        again = elidefs("cp", one / view / "000001.tar", tmp_path / "copy", "--cache", tmp_path / "c3")
        assert "copied" not in again.stderr


def test_commands_say_which_of_them_take_such_a_path(sample):
    assert "shown as webdataset-1M" in elidefs("explain", sample, "v1/arm=left/.as/webdataset-1M").stdout
    assert "no view 'tars'; the views are" in elidefs("explain", sample, "v1/.as/tars", check=False).stderr
    assert "give the path before '.as'" in elidefs("query", sample, "v1/.as/webdataset", "--count", check=False).stderr
    assert "'x' is behind a file" in elidefs("query", sample, "v1/.as/webdataset/SHARDS/x", check=False).stderr
    assert "only `query`, `explain` and `cp` take such a path" in elidefs("lock", sample, "v1/.as/webdataset", check=False).stderr


def test_many_read_and_list_at_once(mount):
    folder = mount / "v1/.as/webdataset-200K"
    wanted = sums(folder)
    readers = [subprocess.Popen(["sh", "-c", f"cd '{folder}' && ls -l >&2 && sha256sum *"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True) for _ in range(8)]
    for reader in readers:
        lines = reader.communicate(timeout=120)[0].splitlines()
        assert dict(reversed(line.split()) for line in lines) == wanted


def test_a_purged_clip_is_in_no_tar_of_the_version(sample_copy, tmp_path, dataset):
    elidefs("import", dataset, sample_copy)
    with mounted(dataset, tmp_path / "mnt", tmp_path / "cache", "--poll", "1") as mount:
        folder = mount / "v1/.as/webdataset"
        assert "ep000003" in keys(name for name, _ in members(folder))
        elidefs("purge", dataset, "v1/ep000003.json", "--yes")
        wait_until(lambda: not (mount / "v1/ep000003.json").exists())
        assert "ep000003" not in keys(name for name, _ in members(folder))
        with tarfile.open(fileobj=io.BytesIO((folder / "000000.tar").read_bytes())) as archive:
            assert len(keys(archive.getnames())) == 15
