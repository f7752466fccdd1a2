# SPDX-License-Identifier: Apache-2.0
"""Data sets that somebody made to do harm: other people's files, other places, counts without end."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import time

import pyarrow
import pytest

import catalog_pages
from conftest import elidefs, mounted

SECRET = b"TOP-SECRET-+" * 500  # as long as the recordings, so that a catalog can name it in their place


class DataSet:
    """A data set with its recording in its own folder, so that it needs nobody's trust; and a secret beside it."""

    def __init__(self, base):
        self.base, self.folder, self.copies = base, base / "set", 0
        self.secret = base / "secret.txt"
        self.secret.write_bytes(SECRET)
        (self.folder / "rec/one").mkdir(parents=True)
        (self.folder / "rec/one/front.bin").write_bytes(b"frames" * 1000)
        (self.folder / "rec/two").mkdir()
        (self.folder / "rec/two/front.bin").write_bytes(b"others" * 1000)
        (base / "labels.csv").write_text("key,arm,force,note\none,left,1.5,a\ntwo,right,2,b\n")
        elidefs("init", self.folder)
        elidefs("import", self.folder, self.folder / "rec", "--table", base / "labels.csv")
        self.manifest = self.folder / "elidefs/versions/00000001.json"
        self.good = json.loads(self.manifest.read_text())
        self.bytes = catalog_pages.read(self.folder)

    def pin(self, path):
        status = os.stat(path)
        return f"mtime={status.st_mtime_ns};ctime={status.st_ctime_ns};inode={status.st_ino}"

    def catalog(self):
        """The good catalog, as a file to change."""
        path = self.base / "catalog.db"
        path.write_bytes(self.bytes)
        return path

    def change(self, *statements):
        """Publishes a catalog changed by SQL, with hashes that fit: an attacker can make those, too."""
        path = self.catalog()
        database = sqlite3.connect(path)
        try:
            for statement, *values in statements:
                database.execute(statement, values)
            database.commit()
        finally:
            database.close()
        self.publish(catalog=catalog_pages.write(self.folder, path.read_bytes()))

    def publish(self, **changed):
        self.manifest.write_text(json.dumps(self.good | changed, indent=1))

    def root(self, text):
        place = self.folder / "elidefs/series/roots/1/2"
        place.write_text(text)


@pytest.fixture
def hostile(tmp_path):
    return DataSet(tmp_path)


def harmless(hostile, *arguments, **options):
    """The command ends by itself, in time, without a crash and without the secret."""
    start = time.monotonic()
    done = elidefs(*arguments, check=False, **options)
    assert done.returncode in (0, 1), (arguments, done.returncode, done.stderr)
    assert "TOP-SECRET" not in done.stdout + done.stderr
    assert len(done.stderr) < 20000 and time.monotonic() - start < 60
    return done


def copied(hostile, **options):
    """Copies everything; nothing of the secret may arrive, and nothing outside the folder it is copied to."""
    hostile.copies += 1  # a copy that is there already would not be made again
    out = hostile.base / "out" / "deep" / f"folder{hostile.copies}"
    before = outside(hostile, out)
    done = harmless(hostile, "cp", hostile.folder, "v1", out, "--cache", hostile.base / "cache", **options)
    for path in out.rglob("*"):
        assert path.is_dir() or b"TOP-SECRET" not in path.read_bytes(), path
    assert outside(hostile, out) == before, "nothing else was written"
    return done


def outside(hostile, out):
    return {path for path in hostile.base.rglob("*") if out not in path.parents and path not in (out, *out.parents)
            and hostile.base / "cache" not in path.parents and path != hostile.base / "cache"}


def name_object(hostile, path, pinned):
    """Every clip shows the whole of this file, pinned as it is: only the path can be refused."""
    hostile.change(("UPDATE object SET path = ?, pin = ?", path, hostile.pin(pinned)))


def test_a_path_that_leads_out_of_its_root_reads_nothing(hostile):
    front = hostile.folder / "rec/one/front.bin"
    (hostile.folder / "rec/link").symlink_to(hostile.secret)
    (hostile.folder / "rec/folder").symlink_to(hostile.base)
    name_object(hostile, "one/front.bin", front)
    copied(hostile)
    assert (hostile.base / "out/deep/folder1/two.front.bin").read_bytes() == front.read_bytes(), "an honest path is read"
    for path in ("../../secret.txt", "../secret.txt", "one/../../../secret.txt", str(hostile.secret), "./one", "",
                 "one//front.bin", "one/front.bin/", "..", "link", "folder/secret.txt"):
        name_object(hostile, path, hostile.secret)
        assert copied(hostile).returncode == 1, path


PLACES = ['"./.."', '"./rec/../.."', '".."', '"BASE"', '"file://BASE"', '"/"', '"WEB"', '"s3://private"', '3', 'null',
          '"./rec\\u0000"', '"' + "x" * 9000 + '"']


def test_a_root_elsewhere_is_not_read_by_who_has_not_trusted_it(hostile, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        stranger = os.environ | {"HOME": str(tmp_path / "stranger"), "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "x",
                                 "AWS_SECRET_ACCESS_KEY": "y"}
        name_object(hostile, "secret.txt", hostile.secret)
        for place in PLACES:
            hostile.root('{"url": %s}' % place.replace("BASE", str(hostile.base)).replace("WEB", url))
            assert copied(hostile, env=stranger).returncode == 1, place
            harmless(hostile, "root", "list", hostile.folder, env=stranger)
        with pytest.raises(BlockingIOError):
            server.accept()


KEYS = ["../../../escaped", "/tmp/elidefs-escaped", "a/b", "..", ".", "", "x" * 5000, "a\nb", "%2e%2e%2fx", "v1", ".elidefs"]


def rename_clip(hostile, key):
    """The names of both clips: their template is 0; the bytes of their keys' lengths; and the keys."""
    lengths = [len(key), len("two")]
    names = b"\2" + b"\0\0" + b"\2\0\1" + bytes(length >> 8 * i & 255 for i in (0, 1) for length in lengths)
    names += key.encode() + b"\0two\0"
    hostile.change(("UPDATE names SET bytes = ?", names))


def test_names_of_clips_are_taken_from_where_this_test_puts_them(hostile):
    rename_clip(hostile, "other")
    copied(hostile)
    assert (hostile.base / f"out/deep/folder{hostile.copies}/other.front.bin").exists()


def test_a_clips_name_stays_a_name_in_a_copy(hostile):
    for key in KEYS:
        rename_clip(hostile, key)
        copied(hostile)


@pytest.mark.parametrize("key", ["../../../escaped", "..", "a/b"])
def test_a_clips_name_stays_a_name_in_a_mount(hostile, key):
    rename_clip(hostile, key)
    with mounted(hostile.folder, hostile.base / "mnt", hostile.base / "cache") as point:
        try:
            names = os.listdir(point / "v1")
        except OSError:
            names = []
        assert not any("/" in name or name in ("..", ".") for name in names)
        assert (point / ".elidefs/stats").read_text(), "the mount serves"


LIES = [
    {"rows": 2**63}, {"rows": 2**32}, {"clips": 2**64}, {"clips": -1}, {"version": 2}, {"version": 2**32 + 1},
    {"dataset": "x"}, {"tags": {"../x": {"version": 1, "seq": 1}}}, {"tags": {"a": {"version": 2**40, "seq": 1}}},
    {"requires": ["everything"]}, {"requires": "catalog-6"}, {"parent": {"version": 0, "sha256": "00"}},
    {"author": "a\u001b[31m"}, {"message": "x" * 3000000}]


def test_a_manifest_that_lies_is_refused_or_harmless(hostile):
    for changed in LIES:
        hostile.publish(**changed)
        for arguments in (("log", hostile.folder), ("query", hostile.folder, "v1", "--count")):
            done = harmless(hostile, *arguments)
            assert "\u001b" not in done.stdout + done.stderr, changed


CATALOGS = [
    {"pages": 2**62}, {"pages": 2**32 - 2}, {"pages": 0}, {"pages": -1}, {"pages": 1}, {"page_size": 0}, {"page_size": 3},
    {"page_size": 2**31}, {"page_size": 4096}, {"map": {"pack": "../secret.txt"}}, {"map": {"pack": "SECRET"}},
    {"map": {"pack": "../../../../../secret.txt000000"}}, {"map": {"pack": "00" * 16}}, {"map": {"size": 2**62}},
    {"map": {"size": 1}}, {"map": {"offset": 1}}, {"map": {"length": 2**30}}, {"map": {"length": 20}},
    {"map": {"sha256": "00" * 32}}, {"hot": [7]}, {"hot": None}, {"hot": [{"pack": "../secret.txt"}]}, {"hot": [{}] * 9}]


def test_a_catalogs_place_that_lies_is_refused(hostile):
    assert copied(hostile).returncode == 0
    for changed in CATALOGS:
        catalog = hostile.good["catalog"] | changed
        catalog["map"] = hostile.good["catalog"]["map"] | changed.get("map", {})
        catalog["map"]["pack"] = catalog["map"]["pack"].replace("SECRET", str(hostile.secret))
        hostile.publish(catalog=catalog)
        assert copied(hostile).returncode == 1, changed


def test_a_frame_that_is_not_one_page_is_refused(hostile):
    """A bomb, two frames, half a page, a frame with bytes behind it."""
    zstd = pyarrow.Codec("zstd")
    frames = [zstd.compress(bytes(1 << 24), asbytes=True), zstd.compress(bytes(4096), asbytes=True) * 2,
              zstd.compress(bytes(4096), asbytes=True), zstd.compress(bytes(8192), asbytes=True) + b"x", b"x" * 100]
    for bad in frames:
        for page in (0, 3):
            hostile.publish(catalog=catalog_pages.write(hostile.folder, hostile.bytes,
                                                        frame=lambda number, good: bad if number == page else good))
            done = elidefs("verify", hostile.folder, check=False)
            assert done.returncode == 1 and f"page {page + 1} in elidefs/packs/" in done.stdout
            assert "does not unpack to one page" in done.stdout
            shutil.rmtree(hostile.base / "cache", ignore_errors=True)
            if page == 0:
                assert copied(hostile).returncode == 1
    assert sum(path.stat().st_blocks * 512 for path in (hostile.base / "cache").rglob("*")) < 1 << 24


def test_no_value_in_a_catalog_does_harm(hostile):
    """Columns of every table, one at a time, get values that nobody honest writes."""
    values = [None, -1, 0, 1, 2**31, 2**32, 2**63 - 1, -2**63, 1e308, "../../../secret.txt", "\u001b[31m", "x" * 70000, b"",
              b"\xff" * 64, bytes(4096), b"\x80" * 4096]
    seed = int(os.environ.get("ELIDEFS_SEED", random.randrange(1 << 30)))
    print(f"ELIDEFS_SEED={seed}")
    chance = random.Random(seed)
    database = sqlite3.connect(hostile.catalog())
    columns = [(table, column[1]) for table, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
               for column in database.execute(f"PRAGMA table_info({table})")]
    database.close()
    tried = 0
    while tried < int(os.environ.get("ELIDEFS_TEST_TRIES", 25)):
        (table, column), value = chance.choice(columns), chance.choice(values)
        try:
            hostile.change((f"UPDATE {table} SET {column} = ?", value))
        except sqlite3.Error:  # the schema itself refuses it
            continue
        tried += 1
        print(table, column, repr(value)[:40])
        harmless(hostile, "cp", hostile.folder, "v1/force.gt=1/arm=left", hostile.base / "out", "--cache",
                 hostile.base / "cache", "--cache-size", "64M")
        harmless(hostile, "explain", hostile.folder, "v1/arm=left/note=a+note=b")
