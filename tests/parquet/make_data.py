# SPDX-License-Identifier: Apache-2.0
"""Makes data/, reject/ and the fuzzers' corpora. Needs pyarrow and duckdb; the files are committed, so tests do not.

    make_data.py        # writes beside itself

data/NAME.parquet has its expected columns and values beside it in NAME.json: from pyarrow's own reading, or
written by hand where the file was. reject/expected.json has the text that refuses each file.
"""
import decimal
import io
import json
import math
import os
import shutil
import struct

import duckdb
import numpy
import pyarrow as pa
import pyarrow.parquet as pq

import expect
import tiny
from tiny import (BIT_PACKED, BYTE_ARRAY, INT32, INT64, LIST, OPTIONAL, REPEATED, REQUIRED, File, Long, data_page, element,
                  levels)

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, 'data')
REJECT = os.path.join(HERE, 'reject')
CORPUS = os.path.join(HERE, '..', 'fuzz', 'corpus', 'parquet')
PAIRS = os.path.join(HERE, '..', 'fuzz', 'corpus', 'join')
MAX_BYTES = 8192


def save(path, content):
    assert len(content) <= MAX_BYTES, f'{path}: {len(content)} bytes'
    with open(path, 'wb') as out:
        out.write(content)


def json_text(content, indent=''):
    """Objects of a line each, what lies deeper in one line."""
    if isinstance(content, dict) and len(indent) < 2:
        lines = [f'{indent} {json.dumps(name)}: {json_text(one, indent + " ")}' for name, one in content.items()]
    elif isinstance(content, list) and indent == ' ':
        lines = [f'{indent} {json.dumps(one, ensure_ascii=False)}' for one in content]
    else:
        return json.dumps(content, ensure_ascii=False)
    ends = '{}' if isinstance(content, dict) else '[]'
    return ends[0] + '\n' + ',\n'.join(lines) + '\n' + indent + ends[1]


def save_json(path, content):
    with open(path, 'w', encoding='utf-8') as out:
        out.write(json_text(content) + '\n')


def arrow(name, columns, groups=1, **options):
    """A file by pyarrow, with what pyarrow reads from it."""
    table = pa.table(columns)
    path = os.path.join(DATA, name + '.parquet')
    options.setdefault('row_group_size', max(1, -(-table.num_rows // groups)))
    pq.write_table(table, path, **options)
    assert os.path.getsize(path) <= MAX_BYTES, f'{path}: {os.path.getsize(path)} bytes'
    described(name)


def described(name, unread=()):
    """NAME.json, of what pyarrow reads; unread: columns of kinds that we do not read."""
    file = pq.ParquetFile(os.path.join(DATA, name + '.parquet'))
    uuids = expect.uuids(file)
    shown = [expect.describe(field, uuids) for field in file.schema_arrow]
    for one in shown:
        if one['name'] in unread:
            one |= {'kind': 'other', 'readable': False}
    values = [expect.group(file.read_row_group(i), uuids) for i in range(file.num_row_groups)]
    for group in values:
        for one in unread:
            group.pop(one, None)
    save_json(os.path.join(DATA, name + '.json'), {'columns': shown, 'groups': values})


def by_hand(name, file, columns):
    """A hand-written file of one group; columns: (name, kind, depth, rows or None if it is not readable)."""
    save(os.path.join(DATA, name + '.parquet'), file.bytes())
    save_json(os.path.join(DATA, name + '.json'), {
        'columns': [{'name': n, 'kind': k, 'depth': d, 'readable': rows is not None} for n, k, d, rows in columns],
        'groups': [{n: rows for n, _, _, rows in columns if rows is not None}]})


def scalars():
    numbers = [None if i % 7 == 3 else (i - 20) * 3 for i in range(40)]
    return {
        'bool/ean': [None if n is None else n % 2 == 0 for n in numbers],
        'int.8': pa.array(numbers, pa.int8()),
        'a/b.c': pa.array(numbers, pa.int64()),
        'f.32/x': pa.array([None if n is None else n / 7 for n in numbers], pa.float32()),
        'double': [None if n is None else n / 7 for n in numbers],
        'text/ä': [None if n is None else f'wörter {n % 5}' for n in numbers],
        'bytes': [None if n is None else bytes([n % 256, 0]) for n in numbers],
    }


def flat_files():
    for codec in ('none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'):
        for version in ('1.0', '2.0'):
            arrow(f'flat-{codec}-v{version[0]}', scalars(), groups=2, compression=codec, data_page_version=version,
                  store_schema=codec == 'snappy', use_dictionary=codec != 'none')
    arrow('required', pa.table({'n': list(range(9)), 't': list('abcdefghi')}, schema=pa.schema([
        pa.field('n', pa.int32(), nullable=False), pa.field('t', pa.string(), nullable=False)])))
    arrow('empty', {'n': pa.array([], pa.int64()), 'l': pa.array([], pa.list_(pa.float32()))})
    arrow('nulls', {'n': pa.array([None] * 20, pa.int32()), 'nothing': pa.nulls(20),
                    'l': pa.array([None] * 20, pa.list_(pa.string()))}, data_page_version='2.0')
    arrow('special', {'d': [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308],
                      'f': pa.array([math.nan, math.inf, -math.inf, -0.0, 1e-45, 3.4028235e38, 0.1], pa.float32()),
                      'i': [0, -1, 2**63 - 1, -2**63, 1, 2, 3]})


def type_files():
    tops = {8: 2**8, 16: 2**16, 32: 2**32, 64: 2**63}
    arrow('integers', {f'u{bits}': pa.array([0, 1, top - 1, None], f'uint{bits}') for bits, top in tops.items()}
          | {f'i{bits}': pa.array([0, -1, 1 - (2**(bits - 1)), 2**(bits - 1) - 1], f'int{bits}') for bits in tops})
    moments = [0, 1, -1, 1_700_000_000_123, None]
    when = {f'ts-{unit}{"-utc" if zone else ""}': pa.array(moments, pa.timestamp(unit, zone))
            for unit in ('ms', 'us', 'ns') for zone in (None, 'UTC')}
    arrow('timestamps', when)
    arrow('timestamps-old', {'ts': pa.array(moments, pa.timestamp('us'))}, version='1.0')
    arrow('int96', {'ts': pa.array(moments, pa.timestamp('ns'))}, use_deprecated_int96_timestamps=True)
    arrow('times', {'date': pa.array([0, 20000, -1, None], pa.date32()),
                    'time-ms': pa.array([0, 86399999, 1, None], pa.time32('ms')),
                    'time-us': pa.array([0, 86399999999, 1, None], pa.time64('us'))})
    arrow('others', {'decimal': [decimal.Decimal('1.25'), None], 'half': pa.array([numpy.float16(1.5), None], pa.float16()),
                     'struct': [{'bytes': b'x', 'path': 'y'}, None],
                     'map': pa.array([[('k', 1)], None], pa.map_(pa.string(), pa.int32())),
                     'list of structs': [[{'a': 1}], None], 'fixed': pa.array([b'abcd', None], pa.binary(4)),
                     'last': [7, 8]})
    digits = '98765432109876543210987654321098765432'
    numbers = {(precision, scale): decimal.Decimal(digits[:precision]).scaleb(-scale)
               for precision, scale in ((1, 0), (3, 2), (9, 9), (10, 0), (18, 5), (19, 0), (38, 0), (38, 38))}
    arrow('decimals', {f'd-{precision}-{scale}': pa.array(
        [number, -number, None, decimal.Decimal(0), decimal.Decimal(1).scaleb(-scale)], pa.decimal128(precision, scale))
        for (precision, scale), number in numbers.items()})
    arrow('decimals-as-integers', {'i32': pa.array([decimal.Decimal('-1.25'), decimal.Decimal('9999999.99'), None], pa.decimal128(9, 2)),
                                   'i64': pa.array([decimal.Decimal('-0.00001'), decimal.Decimal('9' * 18).scaleb(-5), None], pa.decimal128(18, 5))},
          store_decimal_as_integer=True)
    arrow('decimals-wide', {'d': pa.array([decimal.Decimal(digits + digits[::-1]), -decimal.Decimal(1), None],
                                          pa.decimal256(76, 0))})
    arrow('halves', {'h': pa.array([numpy.float16(x) for x in (0, -0.0, 1.5, 6e-8, 65504, -2, math.inf, -math.inf, math.nan)]
                                   + [None], pa.float16())})
    arrow('dictionary-type', {'c': pa.array(['a', 'b', 'a', None]).dictionary_encode(), 'n': [1, 2, 3, 4]})


def list_files():
    flat = [[1, 2], [], None, [None, 3], [4]]
    two = [[[1], [2, 3]], [], None, [[]], [[None], [], [4]]]
    three = [[[[1, 2], []], [[3]]], None, [], [[], [[None]]], [[[4], [5, 6]], [[]]]]
    for version in ('1.0', '2.0'):
        arrow(f'lists-v{version[0]}', {
            'one': pa.array(flat, pa.list_(pa.int32())), 'two': pa.array(two, pa.list_(pa.list_(pa.float64()))),
            'three': pa.array(three, pa.list_(pa.list_(pa.list_(pa.int64())))),
            'texts': [['ab', ''], [], None, [None, 'c'], ['d']], 'flags': [[True], [False, None], [], None, [True]],
        }, data_page_version=version, groups=2)
    arrow('list-names', {'l': pa.array(flat, pa.list_(pa.int32()))}, use_compliant_nested_type=False)
    arrow('list-fixed', {'v': pa.array([[i / 3, i, -i] for i in range(6)], pa.list_(pa.float32(), 3))})
    arrow('list-no-nulls', pa.table({'l': [[1, 2], [], [3]]}, schema=pa.schema([pa.field(
        'l', pa.list_(pa.field('element', pa.int64(), nullable=False)), nullable=False)])))
    arrow('list-four-deep', {'l': [[[[[1]]]]], 'n': [1]})


def encoding_files():
    words = [f'word {i * i % 37}' for i in range(300)]
    arrow('fallback', {'t': words + [f'new word {i}' for i in range(60)], 'n': [i * i for i in range(360)]},
          dictionary_pagesize_limit=256, data_page_size=256, write_batch_size=32, store_schema=False)
    arrow('many-pages', {'v': [[i / 4] * (i % 4) for i in range(120)], 'n': list(range(120))}, data_page_size=128,
          write_batch_size=8, store_schema=False, use_dictionary=False, write_page_checksum=True)
    arrow('page-index', {'v': [[i / 4] * 2 for i in range(90)], 't': [f'{i:03}' for i in range(90)]}, groups=3,
          write_page_index=True, max_rows_per_page=10, store_schema=False,
          bloom_filter_options={'t': {'ndv': 30, 'fpp': 0.1}})
    arrow('rle-bool', {'b': [i % 11 < 8 for i in range(200)]}, data_page_version='2.0',
          column_encoding={'b': 'RLE'}, use_dictionary=False)
    delta_files()
    split_files()
    lz4_files()
    arrow('wide', {f'videos/cam.{i}/from_timestamp': [i / 2] for i in range(30)}, store_schema=False,
          write_statistics=False, use_dictionary=False)
    arrow('constant', {'n': [7] * 5000, 't': ['same'] * 5000})


def delta_files():
    """Differences of every width, also those that wrap around; of none, of one, of several pages."""
    ints = [0, -1, 2**31 - 1, -2**31, 7, 7, 7, None] + [i * i for i in range(150)]
    longs = [0, 2**63 - 1, -2**63, None, 1] + [i * 1_000_003 for i in range(153)]
    texts = [None if i % 9 == 4 else f'/robots/kitchen/{i // 5:03}/{"x" * (i % 4)}' for i in range(158)]
    columns = {'i': pa.array(ints, pa.int32()), 'l': pa.array(longs, pa.int64()), 't': texts,
               's': texts, 'f': pa.array([None if t is None else t.encode()[:18].ljust(18) for t in texts], pa.binary(18)),
               'v': [[i, -i] * (i % 3) for i in range(158)]}
    for version in ('1.0', '2.0'):
        arrow(f'delta-v{version[0]}', columns, use_dictionary=False, compression='zstd', data_page_version=version,
              store_schema=False, data_page_size=400, write_batch_size=64, column_encoding={
                  'i': 'DELTA_BINARY_PACKED', 'l': 'DELTA_BINARY_PACKED', 't': 'DELTA_LENGTH_BYTE_ARRAY',
                  's': 'DELTA_BYTE_ARRAY', 'f': 'DELTA_BYTE_ARRAY', 'v.list.element': 'DELTA_BINARY_PACKED'})
    arrow('delta-few', {'one': pa.array([5], pa.int64()), 'none': pa.array([None], pa.int64()),
                        'text': ['a'], 'nothing': pa.array([None], pa.string())}, use_dictionary=False,
          column_encoding={'one': 'DELTA_BINARY_PACKED', 'none': 'DELTA_BINARY_PACKED', 'text': 'DELTA_BYTE_ARRAY',
                           'nothing': 'DELTA_LENGTH_BYTE_ARRAY'})


def split_files():
    n = [None if i % 8 == 5 else i * 3 - 40 for i in range(60)]
    kinds = {'i': pa.int32(), 'l': pa.int64(), 'f': pa.float32(), 'd': pa.float64()}
    columns = {name: pa.array(n, kind) for name, kind in kinds.items()}
    columns['x'] = pa.array([None if one is None else struct.pack('<ih', one, one % 7) for one in n], pa.binary(6))
    columns['h'] = pa.array([None if one is None else numpy.float16(one / 8) for one in n], pa.float16())
    for version in ('1.0', '2.0'):
        arrow(f'split-v{version[0]}', columns, use_dictionary=False, data_page_version=version,
              column_encoding={name: 'BYTE_STREAM_SPLIT' for name in columns})


def lz4_files():
    """What pyarrow calls LZ4 is the raw codec of a number of its own; the older number means three things."""
    body = int32s(*range(40))
    raw, first, second = (pa.compress(part, 'lz4_raw', asbytes=True) for part in (body, body[:100], body[100:]))
    framed = {
        'raw': raw,
        'frame': struct.pack('>II', 160, len(raw)) + raw,
        'frames': struct.pack('>II', 100, len(first)) + first + struct.pack('>II', 60, len(second)) + second,
        'blocks': struct.pack('>II', 160, len(first)) + first + struct.pack('>I', len(second)) + second,
    }
    pages = [data_page(40, packed, unpacked=160) for packed in framed.values()]
    by_hand('lz4-hadoop', File([element(name, INT32) for name in framed], 40, [(INT32, 40, page) for page in pages], 5),
            [(name, 'int', 0, list(range(40))) for name in framed])


def duckdb_files():
    """By another writer: its own choice of encodings, its own types."""
    rows = """select 'clip-' || i as key, cast(i * 1.25 - 3 as decimal(9, 2)) d9, cast(i as decimal(18, 0)) d18,
        cast(i as decimal(38, 10)) / 7 as d38, cast(i as utinyint) u8, cast(i * 7 as ubigint) u64, i % 3 = 0 as ok,
        i * 0.5::float as f, i / 7.0::double as g, date '2024-02-29' + i::int as day, time '01:02:03' as clock,
        timestamp '2024-02-29 01:02:03' + interval (i) minute as at, timestamptz '2024-02-29 01:02:03+00' as tz,
        ('00112233-4455-6677-8899-aabbccddee' || lpad(i::varchar, 2, '0'))::uuid as id, interval (i) month as span,
        case when i % 4 > 0 then 'text ' || i end as note, ['a', 'b'][1:i % 3] as labels, '{"a": 1}'::json as j
        from range(30) t(i)"""
    for version in ('v1', 'v2'):
        path = os.path.join(DATA, f'duckdb-{version}.parquet')
        duckdb.sql(f"copy ({rows}) to '{path}' (format parquet, parquet_version {version}, codec 'zstd')")
        described(f'duckdb-{version}', unread=['span'])


def int32s(*values):
    return struct.pack(f'<{len(values)}i', *values)


def hand_files():
    bits = data_page(9, b'\xb6\x80' + int32s(*range(6)), levels=BIT_PACKED)  # 1, 0, 1, 1 ... the highest bit first
    bytes_of = [struct.pack('>q', one)[-size:] for one, size in ((-125, 1), (12345, 2), (0, 0), (-(2**40), 6))]
    by_hand('by-old-writers', File(
        [element('bits', INT32, OPTIONAL), element('decimal', BYTE_ARRAY, converted=5, scale=2, precision=20)], 9,
        [(INT32, 9, bits), (BYTE_ARRAY, 9, data_page(9, b''.join(struct.pack('<I', len(one)) + one for one in
                                                                 bytes_of + bytes_of + bytes_of[:1])))]),
        [('bits', 'int', 0, [0, None, 1, 2, None, 3, 4, None, 5]),
         ('decimal', 'decimal', 0, (['-1.25', '123.45', '0.00', '-10995116277.76'] * 3)[:9])])
    page = data_page(5, levels([0, 1, 0, 0, 0], 1) + levels([2, 2, 1, 0, 2], 2) + int32s(1, 2, 3))
    rows = [[1, 2], [], None, [3]]
    by_hand('two-level', File([element('l', None, OPTIONAL, 1, converted=LIST), element('element', INT32, REPEATED)],
                              4, [(INT32, 5, page)]), [('l', 'int', 1, rows)])
    bare = data_page(4, levels([0, 1, 0, 0], 1) + levels([1, 1, 0, 1], 1) + int32s(1, 2, 3))
    by_hand('repeated', File([element('r', INT32, REPEATED)], 3, [(INT32, 4, bare)]),
            [('r', 'int', 1, [[1, 2], [], [3]])])
    # optional group l (LIST) { repeated group array (LIST) { repeated int32 array } }
    nested = data_page(6, levels([0, 2, 1, 0, 0, 0], 2) + levels([3, 3, 3, 2, 1, 0], 3) + int32s(1, 2, 3))
    by_hand('two-level-twice', File([element('l', None, OPTIONAL, 1, converted=LIST),
                                     element('array', None, REPEATED, 1, converted=LIST),
                                     element('array', INT32, REPEATED)], 4, [(INT32, 6, nested)]),
            [('l', 'int', 2, [[[1, 2], [3]], [[]], [], None])])
    tuple_ = [element('l', None, OPTIONAL, 1, converted=LIST), element('l_tuple', None, REPEATED, 1),
              element('n', INT32)]
    group = [element('g', None, OPTIONAL, 1), element('n', INT32, REPEATED)]
    inner = data_page(1, levels([0], 1) + levels([2], 2) + int32s(4))
    by_hand('structs', File(tuple_ + group + [element('n', INT32)], 1,
                            [(INT32, 1, inner), (INT32, 1, inner), (INT32, 1, data_page(1, int32s(9)))]),
            [('l', 'other', 0, None), ('g', 'other', 0, None), ('n', 'int', 0, [9])])
    gap = File([element('a', INT32), element('b', INT32)], 1,
               [(INT32, 1, data_page(1, int32s(1))), (INT32, 1, data_page(1, int32s(2)))])
    first, second = gap.columns[0][3], gap.columns[1][3]  # the chunks in reverse order, with bytes between them
    one, two = gap.body[4:4 + first[7]], gap.body[4 + first[7]:]
    gap.body = b'PAR1' + two + b'left behind' + one
    first[9], second[9] = Long(4 + len(two) + 11), Long(4)
    gap.meta[5] = [{1: b'key', 2: b'value'}, {1: b'no value'}]
    gap.meta[20] = [{1: b'unknown', 3: [Long(5)] * 20}]
    gap.group[7] = 0
    gap.columns[0][2] = Long(4 + len(two) + 11)  # file_offset: the first page
    gap.columns[1][2] = Long(4 + len(two))       # or behind the chunk
    by_hand('gaps', gap, [('a', 'int', 0, [1]), ('b', 'int', 0, [2])])


def statistics_files():
    """What old writers stated, and what is not to be trusted."""
    statistics_file('statistics', {
        'old': {1: int32s(9), 2: int32s(-9), 3: Long(1)}, 'no order': {5: int32s(9), 6: int32s(-9)},
        'reversed': {1: int32s(-9), 2: int32s(9)}, 'half': {1: int32s(9)}})
    statistics_file('statistics-short', {'short': {1: b'abc', 2: b'abc'}})


def statistics_file(name, stated):
    file = File([element(name, INT32) for name in stated], 1, [(INT32, 1, data_page(1, int32s(3)))] * len(stated))
    for chunk, one in zip(file.columns, stated.values()):
        chunk[3][12] = one
    by_hand(name, file, [(column, 'int', 0, [3]) for column in stated])


def sound():
    return File([element('n', INT32, OPTIONAL)], 3, [(INT32, 3, data_page(3, levels([1, 0, 1], 1) + int32s(5, 6)))])


def damage(change):
    file = sound()
    change(file)
    return file.bytes()


def one_page(page, entries=3, type_=INT32, rows=3, schema=None, codec=0):
    return File(schema or [element('n', type_)], rows, [(type_, entries, page)], codec).bytes()


def reject_opens():
    good = sound().bytes()
    return {
        'empty': (b'', 'no footer: the file was not finished'),
        'text': (b'episode_index,length\n0,100\n1,200\n', 'no Parquet file: it does not start with PAR1'),
        'unfinished': (good[:-20], 'no footer: the file was not finished'),
        'only-head': (b'PAR1' + bytes(8), 'no footer: the file was not finished'),
        'footer-too-long': (good[:-8] + struct.pack('<I', 10**6) + b'PAR1', 'the footer claims 1000000 bytes'),
        'footer-cut': (good[:-8] + struct.pack('<I', 20) + b'PAR1', 'schema: 0 elements'),
        'footer-zeros': (b'PAR1' + bytes(40) + struct.pack('<I', 40) + b'PAR1', 'schema: 0 elements'),
        'encrypted': (b'PARE' + bytes(20) + b'PARE', 'encrypted Parquet files are not read'),
        'encrypted-plain-footer': (damage(lambda f: f.meta.update({8: {1: {}}})), 'encrypted Parquet files'),
        'encrypted-chunk': (damage(lambda f: f.columns[0].update({8: {1: {}}})), "('n'): it is encrypted"),
        'other-file': (damage(lambda f: f.columns[0].update({1: b'b.parquet'})), 'its data lie in another file'),
        'chunk-outside': (damage(lambda f: f.columns[0][3].update({9: Long(10**12)})),
                          "row group 0: column chunk 0 ('n'): its"),
        'chunk-before-head': (damage(lambda f: f.columns[0][3].update({9: Long(2)})), 'between head and footer'),
        'chunk-negative': (damage(lambda f: f.columns[0][3].update({7: Long(-1)})), 'between head and footer'),
        'chunk-over-footer': (damage(lambda f: f.columns[0][3].update({7: Long(10**6)})), 'between head and footer'),
        'no-values': (damage(lambda f: f.columns[0][3].pop(5)), 'its metadata are incomplete'),
        'no-chunk': (damage(lambda f: f.group.update({1: []})), '0 column chunks, the schema has 1'),
        'other-type': (damage(lambda f: f.columns[0][3].update({1: INT64})), "its type is not the schema's"),
        'cut-overlap': (overlapping(), 'row group 0: column chunks overlap at offset 4'),
        'rows-differ': (damage(lambda f: f.meta.update({3: Long(4)})), 'the row groups have 3 rows, the file claims 4'),
        'rows-negative': (damage(lambda f: f.meta.update({3: Long(-1)})), 'footer: no number of rows'),
        'group-rows': (damage(lambda f: f.group.update({3: Long(10**9)})), 'row group 0: 1000000000 rows'),
        'no-groups': (damage(lambda f: f.meta.pop(4)), 'footer: no list of row groups'),
        'too-many-children': (damage(lambda f: f.root[0].update({5: 9})), "'schema' claims more children"),
        'two-trees': (damage(lambda f: f.root[0].update({5: 0})), 'schema: the elements do not form one tree'),
        'bad-type': (damage(lambda f: f.root[1].update({1: 99})), "schema: element 'n' is malformed"),
        'name-nul': (damage(lambda f: f.root[1].update({4: b'a\0b'})), 'holds a NUL byte'),
        'field-twice': (good[:-8 - len(tiny.thrift(sound().meta))] + twice(), 'footer: field 1 is there twice'),
        'nested-deep': (b'PAR1' + deep(), 'footer: field 1 is malformed'),
    }


def overlapping():
    page = data_page(1, int32s(1))
    file = File([element('a', INT32), element('b', INT32)], 1, [(INT32, 1, page), (INT32, 1, page)])
    file.columns[1][3][9] = Long(4)
    return file.bytes()


def twice():
    footer = b'\x15\x02\x05\x02\x02\x00'  # field 1, then field 1 again in the long form
    return footer + struct.pack('<I', len(footer)) + b'PAR1'


def deep():
    footer = b'\x19' + b'\x19' * 100 + b'\x00' * 3
    return footer + struct.pack('<I', len(footer)) + b'PAR1'


def reject_reads():
    body = int32s(1, 2, 3)
    dictionary = tiny.dictionary_page(2, int32s(7, 8))
    texts = struct.pack('<I', 2**31) + b'ab'
    one_list = [element('l', None, OPTIONAL, 1, converted=LIST), element('e', INT32, REPEATED)]
    bomb = data_page(3, b'', packed=0, unpacked=2**31 - 1)
    return {
        'read-page-long': (one_page(data_page(3, body, packed=500)), 'the page at 0 claims 500 bytes'),
        'read-page-negative': (one_page(data_page(3, body, packed=-1)), 'claims -1 bytes'),
        'read-page-header': (one_page(b'\xff' * 9), 'page header: offset'),
        'read-page-short': (one_page(data_page(3, body[:-1])), 'the page ends before value 2'),
        'read-unpack': (one_page(data_page(3, body, unpacked=13)), '12 uncompressed bytes do not unpack to 13'),
        'read-snappy': (one_page(data_page(3, b'\xff' * 12), codec=1), 'snappy bytes do not unpack'),
        'read-gzip': (one_page(data_page(3, body), codec=2), 'gzip bytes do not unpack'),
        'read-zstd': (one_page(data_page(3, body), codec=6), 'zstd bytes do not unpack'),
        'read-bomb': (one_page(bomb, codec=1), 'the page claims to unpack to 2147483647 bytes'),
        'read-values-many': (one_page(data_page(10**6, body)), 'more values than the column chunk'),
        'read-values-few': (one_page(data_page(2, body[:8])), 'the column chunk ends 1 values early'),
        'read-values-huge': (one_page(data_page(3, body), entries=2**40), '1099511627776 values in'),
        'read-rows': (one_page(data_page(3, body), rows=2), 'more values than the group has rows'),
        'read-rows-few': (one_page(data_page(3, body), rows=4), '3 rows, the row group has 4'),
        'read-encoding': (one_page(data_page(3, body, encoding=10)), 'values in encoding 10 are not read'),
        'read-brotli': (one_page(data_page(3, body), codec=4), 'brotli bytes do not unpack'),
        'read-lz4': (one_page(data_page(3, b'\xff' * 12), codec=5), 'lz4 bytes do not unpack'),
        'read-lz4-raw': (one_page(data_page(3, b'\xff' * 12), codec=7), 'lz4 bytes do not unpack'),
        'read-lz4-frame-long': (one_page(data_page(3, struct.pack('>II', 2**31, 4) + bytes(4), unpacked=12), codec=5),
                                'lz4 bytes do not unpack'),
        'read-decimal-long': (one_page(data_page(1, struct.pack('<I', 70) + b'\x7f' * 70), 1, BYTE_ARRAY, 1,
                                       [element('n', BYTE_ARRAY, converted=5)]), 'a decimal of 70 bytes'),
        'read-delta-head': (one_page(data_page(3, b'\x00\x04\x03\x02', encoding=5)), 'no sound head of differences'),
        'read-delta-odd': (one_page(data_page(3, b'\x81\x01\x01\x03\x02' + bytes(99), encoding=5)), 'no sound head of'),
        'read-delta-count': (one_page(data_page(3, b'\x80\x01\x04\x04\x02' + bytes(99), encoding=5)),
                             'differences of 4 values, the page has 3'),
        'read-delta-cut': (one_page(data_page(3, b'\x80\x01\x04\x03\x02\x00\x08\x00\x00\x00' + bytes(31), encoding=5)),
                           'the page ends before value 1'),
        'read-delta-width': (one_page(data_page(3, b'\x80\x01\x04\x03\x02\x00\x41\x00\x00\x00' + bytes(999), encoding=5)),
                             'the page ends before value 1'),
        'read-delta-type': (one_page(data_page(3, body, encoding=5), type_=4, schema=[element('n', 4)]),
                            'values in encoding 5 are not read'),
        'read-delta-length': (one_page(data_page(1, b'\x80\x01\x04\x01\x0a' + b'abc', encoding=6), 1, BYTE_ARRAY, 1),
                              'the page ends before value 0'),
        'read-delta-negative': (one_page(data_page(1, b'\x80\x01\x04\x01\x01' + b'abc', encoding=6), 1, BYTE_ARRAY, 1),
                                'the page ends before value 0'),
        'read-delta-prefix': (one_page(data_page(1, b'\x80\x01\x04\x01\x02' + b'\x80\x01\x04\x01\x02' + b'abc', encoding=7),
                                       1, BYTE_ARRAY, 1), 'a value does not fit the one before it, or the page'),
        'read-split': (one_page(data_page(3, body + b'x', encoding=9)), '3 values of 4 bytes in 13 bytes'),
        'read-levels-bits': (one_page(data_page(9, b'\xff', levels=BIT_PACKED), 9, INT32, 9,
                                      [element('n', INT32, OPTIONAL)]), 'levels are longer than their page'),
        'read-rle-int': (one_page(data_page(3, body, encoding=3)), 'values in encoding 3 are not read'),
        'read-no-dictionary': (one_page(data_page(3, b'\x01\x03\x05', encoding=8)), 'but there is none'),
        'read-index-high': (one_page(dictionary + data_page(3, b'\x02\x03\x2a\x00', encoding=8)),
                            'entry 2 of a dictionary of 2'),
        'read-index-width': (one_page(dictionary + data_page(3, b'\x21\x03\x2a', encoding=8)),
                             'no sound width of dictionary indexes'),
        'read-index-few': (one_page(dictionary + data_page(3, b'\x01\x02\x00', encoding=8)), 'the page ends before'),
        'read-two-dictionaries': (one_page(dictionary + dictionary), 'a second dictionary'),
        'read-dictionary-short': (one_page(tiny.dictionary_page(9, body)), 'dictionary: the page ends before value 3'),
        'read-crc': (one_page(data_page(3, body, crc=1)), "the page's checksum is"),
        'read-text-long': (one_page(data_page(1, texts), 1, BYTE_ARRAY, 1), 'the page ends before value 0'),
        'read-uint64': (one_page(data_page(1, b'\xff' * 8), 1, INT64, 1, [element('n', INT64, converted=14)]),
                        'the number ffffffffffffffff (hex) is outside the range of int64'),
        'read-timestamp': (one_page(data_page(1, struct.pack('<q', 2**62)), 1, INT64, 1,
                                    [element('n', INT64, converted=9)]), 'range of int64 nanoseconds'),
        'read-levels-short': (one_page(data_page(1, struct.pack('<I', 90) + b'\2\1'), 1, INT32, 1,
                                       [element('n', INT32, OPTIONAL)]), 'levels are longer than their page'),
        'read-levels-few': (one_page(data_page(2, levels([1], 1) + body), 2, INT32, 2,
                                     [element('n', INT32, OPTIONAL)]), 'the levels end before entry 2'),
        'read-level-high': (one_page(data_page(1, levels([0], 1) + levels([3], 2) + body), 1, INT32, 1, one_list),
                            'a level is 3, the schema allows 2'),
        'read-list-first': (one_page(data_page(1, levels([1], 1) + levels([2], 2) + body), 1, INT32, 1, one_list),
                            'the levels of entry 0 do not fit the rows'),
        'read-list-rows': (one_page(data_page(2, levels([0, 0], 1) + levels([2, 2], 2) + body), 2, INT32, 1, one_list),
                           'the levels of entry 1 do not fit the rows'),
        'read-list-null': (one_page(data_page(2, levels([0, 1], 1) + levels([2, 0], 2) + body), 2, INT32, 1, one_list),
                           'the levels of entry 1 do not fit the rows'),
    }


def rejects():
    expected = {}
    for name, (content, reason) in (reject_opens() | reject_reads()).items():
        save(os.path.join(REJECT, name + '.parquet'), content)
        expected[name + '.parquet'] = reason
    save_json(os.path.join(REJECT, 'expected.json'), expected)


def corpus():
    for folder, names in ((DATA, os.listdir(DATA)), (REJECT, os.listdir(REJECT))):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith('.parquet') and os.path.getsize(path) < 5000:
                shutil.copyfile(path, os.path.join(CORPUS, name[:-len('.parquet')]))


def pair(first, second):
    return struct.pack('<I', len(first)) + first + second


def frames(rows, seed, **way):
    table = pa.table({'state': pa.array([[seed, i / 2] for i in range(rows)], pa.list_(pa.float32())),
                      'index': pa.array(range(rows), pa.int64()),
                      'task_index': pa.array([i * 4 // max(rows, 1) for i in range(rows)], pa.int64())})
    out = io.BytesIO()
    pq.write_table(table.select(table.column_names[seed % 2:] + table.column_names[:seed % 2]), out, **way)
    return out.getvalue()


def corpus_of_pairs():
    """For the joining: each small file with itself, frames of different writers, and of one file with another's columns."""
    for name in os.listdir(DATA):
        path = os.path.join(DATA, name)
        if name.endswith('.parquet') and os.path.getsize(path) < 2500:
            with open(path, 'rb') as file:
                data = file.read()
            with open(os.path.join(PAIRS, name[:-len('.parquet')]), 'wb') as to:
                to.write(pair(data, data))
    plain = frames(9, 0)
    ways = {'frames': frames(12, 2), 'frames-order': frames(5, 1), 'frames-zstd': frames(30, 2, compression='zstd'),
            'frames-none': frames(0, 2), 'frames-groups': frames(20, 2, row_group_size=6), 'frames-items': frames(4, 2, use_compliant_nested_type=False),
            'frames-no-statistics': frames(9, 2, write_statistics=False), 'frames-pages': frames(50, 1, write_page_index=True)}
    for name, other in ways.items():
        with open(os.path.join(PAIRS, name), 'wb') as to:
            to.write(pair(plain, other))


def main():
    for folder in (DATA, REJECT, CORPUS, PAIRS):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    flat_files()
    type_files()
    list_files()
    encoding_files()
    duckdb_files()
    hand_files()
    statistics_files()
    rejects()
    corpus()
    corpus_of_pairs()


main()
