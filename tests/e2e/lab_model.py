# SPDX-License-Identifier: Apache-2.0
"""What of a recording may be read: a plain account of cache/store/evidence.h, which looks at whole files.

    the bytes that were imported lie at a place of the root       they are read
        with the time they had
        with another time, and a hash of all of them is known:
            files up to 1 MiB, what was copied, what was read by verify --deep
        with another time, and a person has accepted them
    anything else                                                 named, never read"""
import functools
import hashlib
import os

WHOLE_BYTES = 1 << 20


@functools.lru_cache(None)
def digest_of(path, *stamp):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Folder:
    def __init__(self, path):
        self.path, self.url = path, str(path)

    def look(self, name):
        """(hash, time) of what lies there, or None."""
        path = self.path / name
        if not path.exists():
            return None
        now = path.stat()
        return digest_of(path, now.st_ino, now.st_mtime_ns, now.st_ctime_ns, now.st_size), now.st_mtime_ns


class Bucket:
    """A prefix of a bucket. `digests`: of what was put there, by name."""

    def __init__(self, client, bucket, prefix):
        self.client, self.bucket, self.prefix, self.digests = client, bucket, prefix, {}
        self.url = f"s3://{bucket}/{prefix}"

    def mirror(self, folder):
        for path in sorted(folder.rglob("*.parquet")):
            name = str(path.relative_to(folder))
            self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}", Body=path.read_bytes())
            self.digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()

    def look(self, name):
        return (self.digests[name], None) if name in self.digests else None


class Root:
    """Where an imported folder lies: `places`, looked into in turn."""

    def __init__(self, folder):
        self.places = [Folder(folder)]

    def place(self, folder):
        return next((place for place in self.places if place.url == str(folder)), None)


class Recording:
    """A file as it was imported; `copied`: into the data set, which keeps it."""

    def __init__(self, root, folder, name, copied):
        now = (folder / name).stat()
        self.root, self.name, self.copied, self.size = root, name, copied, now.st_size
        self.digest, self.time = Folder(folder).look(name)
        self.whole, self.accepted = copied or now.st_size <= WHOLE_BYTES, set()
        self.pin = self.pin_of(folder)

    def pin_of(self, folder):
        now = os.stat(folder / self.name)
        return now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns

    def is_as_pinned(self, place):
        """Nothing at all has happened to it."""
        return isinstance(place, Folder) and bool(place.look(self.name)) and self.pin_of(place.path) == self.pin

    def is_same(self, digest, time):
        return digest == self.digest and (self.whole or time == self.time or time in self.accepted)

    def is_at(self, place):
        now = place.look(self.name)
        return bool(now) and self.is_same(*now)

    def is_readable(self):
        return self.copied or any(map(self.is_at, self.root.places))

    def is_named(self, text):
        """The file, or the place where there is no such folder any more."""
        return self.name in text or any(f"{place.url}: no such folder" in text for place in self.root.places)


def is_readable(clip):
    """A clip without a recording lies in the version itself: its rows share a row group with others'."""
    return clip["recording"] is None or clip["recording"].is_readable()
