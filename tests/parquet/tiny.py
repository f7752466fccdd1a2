# SPDX-License-Identifier: Apache-2.0
"""Writes Parquet files by hand, sound or damaged on purpose: what no other writer would write.

Thrift values are Python values: bool, int (i32), Long (i64), bytes, list (of one kind), and dict (a struct,
field number to value). A file is described by `File`; every part can be replaced before it is written.
"""
import struct

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED = range(8)
REQUIRED, OPTIONAL, REPEATED = range(3)
PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED, RLE_DICTIONARY = 0, 2, 3, 4, 8
LIST = 3  # ConvertedType


class Long(int):
    """An i64."""


class Short(int):
    """An i16."""


class Byte(int):
    """An i8."""


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def zigzag(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def kind(value):
    if isinstance(value, bool):
        return 1 if value else 2
    return {Long: 6, Short: 4, Byte: 3, int: 5, bytes: 8, list: 9, dict: 12}[type(value)]


def thrift(value):
    if isinstance(value, bytes):
        return varint(len(value)) + value
    if isinstance(value, Byte):
        return bytes([value & 255])
    if isinstance(value, int):
        return zigzag(value)
    if isinstance(value, list):
        head = len(value) << 4 if len(value) < 15 else 0xf0
        inner = kind(value[0]) if value else 12
        return bytes([head | inner]) + (varint(len(value)) if len(value) > 14 else b'') + b''.join(map(thrift, value))
    out, last = b'', 0
    for field in sorted(value):
        one = value[field]
        out += bytes([(field - last) << 4 | kind(one)]) + (b'' if isinstance(one, bool) else thrift(one))
        last = field
    return out + b'\0'


def parse(data, kind_=12, at=0):
    """A value of this kind, and where it ends: thrift() the other way round."""
    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return value

    if kind_ in (1, 2):
        return kind_ == 1, at
    if kind_ == 3:
        return Byte(data[at]), at + 1
    if kind_ in (4, 5, 6):
        value = number()
        return {4: Short, 5: int, 6: Long}[kind_](value >> 1 ^ -(value & 1)), at
    if kind_ == 8:
        count = number()
        return data[at:at + count], at + count
    if kind_ == 9:
        head, at = data[at], at + 1
        count, out = head >> 4 if head < 0xf0 else number(), []
        for _ in range(count):
            value, at = parse(data, head & 15, at)
            out.append(value)
        return out, at
    out, last = {}, 0
    while data[at]:
        head, at = data[at], at + 1
        last = last + (head >> 4) if head >> 4 else parse(data, 4, at)[0]
        out[last], at = parse(data, head & 15, at)
    return out, at + 1


def join(files):
    """Files of one schema as one file of all their row groups, each as it was written, every second one with its column
    chunks the other way round."""
    body, groups = b'PAR1', []
    for data in files:
        meta, _ = parse(data[len(data) - 8 - struct.unpack('<I', data[-8:-4])[0]:])
        for group in meta[4]:
            for chunk in group[1][::-1] if len(groups) % 2 else group[1]:
                inner = chunk[3]
                start = min(inner.get(11, inner[9]), inner[9])
                moved = len(body) - start
                body += data[start:start + inner[7]]
                inner |= {field: Long(inner[field] + moved) for field in (9, 11) if field in inner}
                inner.pop(12, None)
                chunk[2] = Long(0)
                for field in (4, 5, 6, 7):
                    chunk.pop(field, None)
            group.pop(5, None)
            group.pop(7, None)
            groups.append(group)
    meta[3], meta[4] = Long(sum(group[3] for group in groups)), groups
    footer = thrift(meta)
    return body + footer + struct.pack('<I', len(footer)) + b'PAR1'


def runs(levels, width):
    """Levels as runs of one value each."""
    return b''.join(varint(1 << 1) + level.to_bytes((width + 7) // 8, 'little') for level in levels)


def levels(values, top):
    """Levels as a v1 page has them."""
    if not top:
        return b''
    packed = runs(values, top.bit_length())
    return struct.pack('<I', len(packed)) + packed


def element(name, type=None, repetition=REQUIRED, children=None, **more):
    """A SchemaElement; more: converted, width, scale, precision."""
    out = {3: repetition, 4: name.encode()}
    if type is not None:
        out[1] = type
    if children is not None:
        out[5] = children
    if 'converted' in more:
        out[6] = more['converted']
    if 'width' in more:
        out[2] = more['width']
    out |= {field: more[name] for field, name in ((7, 'scale'), (8, 'precision')) if name in more}
    return out


def data_page(count, body, encoding=PLAIN, **more):
    header = {1: 0, 2: more.get('unpacked', len(body)), 3: more.get('packed', len(body)),
              5: {1: count, 2: encoding, 3: more.get('levels', RLE), 4: more.get('levels', RLE)}}
    if 'crc' in more:
        header[4] = more['crc']
    return thrift(header) + body


def dictionary_page(count, body):
    return thrift({1: 2, 2: len(body), 3: len(body), 7: {1: count, 2: PLAIN}}) + body


class File:
    """One row group; `chunks` is a list of (type, entries, pages)."""

    def __init__(self, schema, rows, chunks, codec=0):
        self.root = [element('schema', children=0)] + schema
        depth, tops = 0, 0
        for one in schema:  # counts the elements that are nobody's child
            if depth == 0:
                tops += 1
            else:
                depth -= 1
            depth += one.get(5, 0)
        self.root[0][5] = tops
        self.body, self.columns = b'PAR1', []
        for type_, entries, pages in chunks:
            self.columns.append({2: Long(0), 3: {
                1: type_, 2: [PLAIN, RLE], 3: [b'x'], 4: codec, 5: Long(entries), 6: Long(len(pages)),
                7: Long(len(pages)), 9: Long(len(self.body))}})
            self.body += pages
        self.group = {1: self.columns, 2: Long(len(self.body) - 4), 3: Long(rows)}
        self.meta = {1: 1, 2: self.root, 3: Long(rows), 4: [self.group]}

    def bytes(self):
        footer = thrift(self.meta)
        return self.body + footer + struct.pack('<I', len(footer)) + b'PAR1'
