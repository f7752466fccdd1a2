# SPDX-License-Identifier: Apache-2.0
"""Makes data/, reject/ and the fuzzer's corpus. Needs pyarrow; the files are committed, so tests do not.

    make_data.py        # writes beside itself

data/NAME.parquet has its expected columns and values beside it in NAME.json: from pyarrow's own reading, or
written by hand where the file was. reject/expected.json has the text that refuses each file.
"""
import decimal
import json
import math
import os
import shutil
import struct

import pyarrow as pa
import pyarrow.parquet as pq

import expect
import tiny
from tiny import (BYTE_ARRAY, INT32, INT64, LIST, OPTIONAL, REPEATED, REQUIRED, File, Long, data_page, element,
                  levels)

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, 'data')
REJECT = os.path.join(HERE, 'reject')
CORPUS = os.path.join(HERE, '..', 'fuzz', 'corpus', 'parquet')
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


def arrow(name, columns, groups=1, unread=(), **options):
    """A file by pyarrow, with what pyarrow reads from it."""
    table = pa.table(columns)
    path = os.path.join(DATA, name + '.parquet')
    options.setdefault('row_group_size', max(1, -(-table.num_rows // groups)))
    pq.write_table(table, path, **options)
    assert os.path.getsize(path) <= MAX_BYTES, f'{path}: {os.path.getsize(path)} bytes'
    file = pq.ParquetFile(path)
    shown = [expect.describe(field) for field in file.schema_arrow]
    for one in shown:
        one['readable'] = one['readable'] and one['name'] not in unread
    values = [expect.group(file.read_row_group(i)) for i in range(file.num_row_groups)]
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
    for codec in ('none', 'snappy', 'gzip', 'zstd'):
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
    arrow('others', {'decimal': [decimal.Decimal('1.25'), None], 'half': pa.array([1.5, None], pa.float16()),
                     'struct': [{'bytes': b'x', 'path': 'y'}, None],
                     'map': pa.array([[('k', 1)], None], pa.map_(pa.string(), pa.int32())),
                     'list of structs': [[{'a': 1}], None], 'fixed': pa.array([b'abcd', None], pa.binary(4)),
                     'last': [7, 8]})
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
    arrow('delta', {'d': list(range(20)), 'n': list(range(20))}, unread=['d'], use_dictionary=False,
          column_encoding={'d': 'DELTA_BINARY_PACKED', 'n': 'PLAIN'})
    arrow('brotli', {'b': [1, 2], 'n': [3, 4]}, unread=['b'], compression={'b': 'brotli', 'n': 'zstd'})
    arrow('wide', {f'videos/cam.{i}/from_timestamp': [i / 2] for i in range(30)}, store_schema=False,
          write_statistics=False, use_dictionary=False)
    arrow('constant', {'n': [7] * 5000, 't': ['same'] * 5000})


def int32s(*values):
    return struct.pack(f'<{len(values)}i', *values)


def hand_files():
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
        'empty': (b'', '0 bytes are too few'),
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
        'read-encoding': (one_page(data_page(3, body, encoding=5)), 'values in encoding 5 are not read'),
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


def main():
    for folder in (DATA, REJECT, CORPUS):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    flat_files()
    type_files()
    list_files()
    encoding_files()
    hand_files()
    statistics_files()
    rejects()
    corpus()


main()
