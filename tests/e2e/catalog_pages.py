# SPDX-License-Identifier: Apache-2.0
"""The catalog of a version out of its packs, and a changed one back into them (index/FORMAT.md, "Page map")."""
import hashlib
import json
import os
import sqlite3
import struct

import pyarrow

FAN, PLACE, PACK, PACKS_LEAF, HEAD = 128, 26, 20, 42, 20


def manifest(folder, version=1):
    return json.loads((folder / f"elidefs/versions/{version:08d}.json").read_text())


def pack_path(folder, number):
    return folder / "elidefs/packs" / number.hex()


def unpacked(frame, page_size):
    """A frame's page: as it is, or as differences to what is a step before, and the step."""
    try:
        return pyarrow.Codec("zstd").decompress(frame, page_size, asbytes=True)
    except OSError:
        page = bytearray(pyarrow.Codec("zstd").decompress(frame, page_size + 1, asbytes=True))
    step = page.pop()
    assert 5 <= step <= 13
    for i in range(step, page_size):
        page[i] = (page[i] + page[i - step]) & 255
    return bytes(page)


class Map:
    """Where everything of a version's catalog lies."""

    def __init__(self, folder, version=1):
        self.folder, catalog = folder, manifest(folder, version)["catalog"]
        at = catalog["map"]
        self.pack = folder / "elidefs/packs" / at["pack"]
        root = self.bytes(bytes.fromhex(at["pack"]), at["offset"], at["length"])
        assert hashlib.sha256(root).hexdigest() == at["sha256"] and root[:8] == b"elidmap2"
        self.page_size, self.pages, count = struct.unpack_from("<III", root, 8)
        assert (self.page_size, self.pages) == (catalog["page_size"], catalog["pages"])
        leaves, lists = -(-self.pages // FAN), -(-count // FAN)
        assert len(root) == HEAD + leaves * PLACE + lists * PACKS_LEAF
        self.packs = []
        for at in range(HEAD + leaves * PLACE, len(root), PACKS_LEAF):
            number, _, offset, length, digest = struct.unpack_from("<16sIIH16s", root, at)
            entries = self.verified(number, offset, length, digest)
            self.packs += [struct.unpack_from("<16sI", entries, i) for i in range(0, length, PACK)]
        self.leaves = [self.place(root, HEAD + i * PLACE) for i in range(leaves)]
        self.places, self.hashes = [], []
        for i, (_, pack, offset, length, digest) in enumerate(self.leaves):
            leaf = self.verified(self.packs[pack][0], offset, length, digest)
            self.places += self.places_of(leaf, min(FAN, self.pages - i * FAN))

    def bytes(self, number, offset, length):
        with open(pack_path(self.folder, number), "rb") as file:
            file.seek(offset)
            return file.read(length)

    def verified(self, number, offset, length, digest):
        data = self.bytes(number, offset, length)
        assert hashlib.sha256(data).digest()[:16] == digest
        return data

    def places_of(self, leaf, count):
        """Those of its pages: runs of what is stored, their hashes at its end or in a node of their own."""
        _, pack, offset, length, digest = self.place(leaf, 0)
        lengths, at = struct.unpack_from(f"<{count}H", leaf, PLACE), PLACE + 2 * count
        far = self.verified(self.packs[pack][0], offset, length, digest) if length else b""
        self.hashes.append((pack, offset, length))
        stored, found, runs = sum(size > 0 for size in lengths), [], []
        while sum(pages for pages, _, _, _ in runs) < stored:
            word, offset = struct.unpack_from("<II", leaf, at)
            runs.append(((word >> 24 & 127) + 1, bool(word >> 31), word & 0xffffff, offset))
            at += 8
        hashes, left = {True: [leaf[at:], 0], False: [far, 0]}, 0
        for size in lengths:
            if not size:
                found.append((True, 0, 0, 0, bytes(16)))
                continue
            if not left:
                left, near, pack, offset = runs.pop(0)
            bytes_of, n = hashes[near]
            found.append((False, pack, offset, size, bytes_of[16 * n:16 * n + 16]))
            hashes[near][1], left, offset = n + 1, left - 1, offset + size
        assert all(len(data) == 16 * n for data, n in hashes.values())
        return found

    def place(self, data, at):
        """(is it a page of zeros, pack, offset, length, hash)"""
        word, offset, length, digest = struct.unpack_from("<IIH16s", data, at)
        return bool(word >> 24), word & 0xffffff, offset, length, digest

    def catalog(self):
        pages = []
        for zero, pack, offset, length, digest in self.places:
            frame = b"" if zero else self.verified(self.packs[pack][0], offset, length, digest)
            if zero:
                pages.append(bytes(self.page_size))
            elif length == self.page_size:
                pages.append(frame)
            else:
                pages.append(unpacked(frame, self.page_size))
        return b"".join(pages)


def read(folder, version=1):
    """The catalog as the bytes of a SQLite file."""
    return Map(folder, version).catalog()


def database(folder, version=1):
    opened = sqlite3.connect(":memory:")
    opened.deserialize(read(folder, version))
    return opened


def place(pack, offset, data, zero=False):
    return struct.pack("<IIH16s", pack | zero << 24, offset, len(data), hashlib.sha256(data).digest()[:16])


def write(folder, data, page_size=8192, frame=lambda number, page: page):
    """One pack with all of it, pages as they are; what a manifest says of it. `frame` may change what is stored."""
    number = os.urandom(16)
    pages = [frame(i, data[at:at + page_size]) for i, at in enumerate(range(0, len(data), page_size))]
    leaves = -(-len(pages) // FAN)
    root_size = HEAD + leaves * PLACE + PACKS_LEAF
    first = root_size + PACK + leaves * (PLACE + 8) + len(pages) * (2 + 16)
    size = first + sum(map(len, pages))
    entry, nodes, hashes, at = struct.pack("<16sI", number, size), [], [], first
    for i in range(0, len(pages), FAN):
        some = pages[i:i + FAN]
        hashes.append(b"".join(hashlib.sha256(page).digest()[:16] for page in some))
        nodes.append(place(0, first - 16 * (len(pages) - i), hashes[-1]) + struct.pack(f"<{len(some)}H", *map(len, some))
                     + struct.pack("<II", len(some) - 1 << 24, at))
        at += sum(map(len, some))
    root = b"elidmap2" + struct.pack("<III", page_size, len(pages), 1)
    at = root_size + PACK
    for node in nodes:
        root += place(0, at, node)
        at += len(node)
    root += struct.pack("<16sIIH16s", number, size, root_size, PACK, hashlib.sha256(entry).digest()[:16])
    pack_path(folder, number).write_bytes(b"".join([root, entry, *nodes, *hashes, *pages]))
    where = {"pack": number.hex(), "size": size, "offset": 0, "length": len(root)}
    return {"pages": len(pages), "page_size": page_size,
            "map": where | {"sha256": hashlib.sha256(root).hexdigest()}, "hot": [where]}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def signed(data, at):
    value, at = varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def numbers(data, at, count):
    """(the numbers of a column, is it flat, where it ends)"""
    width, sloped, at = data[at] & 15, data[at] & 16, at + 1
    least, at = signed(data, at)
    slope, at = signed(data, at) if sloped else (0, at)
    scale, at = varint(data, at) if width else (0, at)
    planes = [data[at + i * count:at + (i + 1) * count] for i in range(width)]
    steps = [sum(plane[i] << 8 * b for b, plane in enumerate(planes)) for i in range(count)]
    return [least + slope * i + scale * step for i, step in enumerate(steps)], not width and not slope, at + width * count


def keys(names):
    """The keys in a group of names."""
    rows, at = varint(names, 0)
    _, _, at = numbers(names, at, rows)
    lengths, flat, at = numbers(names, at, rows)
    if not flat:
        return [key.decode() for key in names[at:].split(b"\0")[:rows]]
    return [bytes(names[at + i * rows + row] for i in range(lengths[0])).decode() for row in range(rows)]


def identities(folder, version=1):
    """Each clip's key, fingerprint and extra, by key."""
    base = database(folder, version)
    names = [key for (group,) in base.execute("select bytes from names order by id") for key in keys(group)]
    prints = []
    for (group,) in base.execute("select bytes from ident order by id"):
        rows, _ = varint(group, 0)
        prints += [group[len(group) - 16 * (rows - i):][:16] for i in range(rows)]
    extras = {}
    for row, piece in base.execute("select id >> 16, bytes from extra order by id"):
        extras[row] = extras.get(row, b"") + piece
    return sorted(zip(names, prints, (extras.get(row) for row in range(len(names)))), key=lambda clip: clip[0])


def extras(folder, version=1):
    """What an import kept of each clip for those who lay its source out again, by key."""
    found = {}
    for key, _, packed in identities(folder, version):
        if packed:
            length, at = varint(packed, 1)
            text = packed[1:] if packed[0] == 0 else pyarrow.Codec("zstd").decompress(packed[at:], length, asbytes=True)
            found[key] = json.loads(text)
    return found
