# SPDX-License-Identifier: Apache-2.0
"""Files of each compression, encoding and type, for cross.py: by pyarrow, by DuckDB, and of groups that differ."""
import decimal
import os

import numpy
import pyarrow as pa
import pyarrow.parquet as pq

import tiny

ROWS = 90
CODECS = ('none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4')
ENCODINGS = {  # by the first letters of a column's name; other columns are PLAIN
    'dictionary': None,
    'plain': {},
    'delta': {'int': 'DELTA_BINARY_PACKED', 'time': 'DELTA_BINARY_PACKED', 'text': 'DELTA_BYTE_ARRAY',
              'bytes': 'DELTA_LENGTH_BYTE_ARRAY', 'fixed': 'DELTA_BYTE_ARRAY', 'bool': 'RLE'},
    'split': {'int32': 'BYTE_STREAM_SPLIT', 'int64': 'BYTE_STREAM_SPLIT', 'float': 'BYTE_STREAM_SPLIT',
              'fixed': 'BYTE_STREAM_SPLIT', 'time': 'BYTE_STREAM_SPLIT'},
}


def table():
    """All that LeRobot writes, and what others do."""
    some = [None if i % 11 == 4 else i for i in range(ROWS)]

    def each(make, kind):
        return pa.array([None if i is None else make(i) for i in some], kind)

    digits = decimal.Decimal('12345678901234567890.123456')
    return pa.table({
        'int8': each(lambda i: i - 40, pa.int8()), 'int32': each(lambda i: (i - 40) ** 3, pa.int32()),
        'int64': each(lambda i: (i - 40) ** 7, pa.int64()), 'int_u16': each(lambda i: i * 700, pa.uint16()),
        'int_u32': each(lambda i: i * 40_000_000, pa.uint32()), 'bool': each(lambda i: i % 13 < 8, pa.bool_()),
        'float32': each(lambda i: i / 7, pa.float32()), 'float64': each(lambda i: i / 7, pa.float64()),
        'float16': each(lambda i: numpy.float16(i / 8), pa.float16()), 'text': each(lambda i: f'wörter/{i // 9}/{i % 4}', pa.string()),
        'bytes': each(lambda i: bytes([i]) * (i % 5), pa.binary()), 'fixed': each(lambda i: f'{i:04}'.encode(), pa.binary(4)),
        'time_ms': each(lambda i: i * 86_399_999, pa.timestamp('ms')), 'time_ns': each(lambda i: i * 10**16, pa.timestamp('ns', 'UTC')),
        'time_date': each(lambda i: i * 300, pa.date32()), 'decimal9': each(lambda i: decimal.Decimal(i * i).scaleb(-2), pa.decimal128(9, 2)),
        'decimal38': each(lambda i: digits * (i - 40), pa.decimal128(38, 6)),
        'state': pa.array([[i / 3, -i, i * i] for i in range(ROWS)], pa.list_(pa.float32(), 3)),
        'lists': each(lambda i: [[i], [], None][:i % 4], pa.list_(pa.list_(pa.int64()))),
        'words': each(lambda i: ['ab', None, 'c'][:i % 4], pa.list_(pa.string())),
        'image': each(lambda i: {'bytes': bytes([i]) * i, 'path': f'{i}.png'}, pa.struct({'bytes': pa.binary(), 'path': pa.string()})),
        'map': each(lambda i: [(f'k{i}', i)], pa.map_(pa.string(), pa.int32())),
    }).replace_schema_metadata({'huggingface': '{"info": {}}'})


def options(wanted, names):
    if wanted is None:
        return {'use_dictionary': True}
    return {'use_dictionary': False, 'column_encoding': {
        name: encoding for name in names for start, encoding in wanted.items() if name.startswith(start)}}


def write_duckdb(duckdb, folder):
    rows = """select i, i * 7 - 100 as n, cast(i * 1.25 - 3 as decimal(9, 2)) d, i / 7.0::double as g, i % 3 = 0 as ok,
        timestamp '2024-02-29 01:02:03' + interval (i) minute as at, uuid() as id, ['a', 'b'][1:i % 3] as labels,
        case when i % 4 > 0 then 'text ' || i // 9 end as note from range(9000) t(i)"""
    for codec in ('uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw'):
        for version in ('v1', 'v2'):
            path = os.path.join(folder, f'duckdb-{codec}-{version}.parquet')
            duckdb.sql(f"copy ({rows}) to '{path}' (format parquet, parquet_version {version}, codec '{codec}', row_group_size 4096)")


def write(folder):
    rows, parts = table(), []
    for name, wanted in ENCODINGS.items():
        for codec in CODECS:
            for version in ('1.0', '2.0'):
                path = os.path.join(folder, f'{name}-{codec}-v{version[0]}.parquet')
                pq.write_table(rows, path, compression=codec, data_page_version=version, row_group_size=40, data_page_size=300,
                               write_batch_size=16, dictionary_pagesize_limit=400, write_page_checksum=True,
                               **options(wanted, rows.column_names))
                parts.append(path)
    with open(os.path.join(folder, 'mixed.parquet'), 'wb') as out:
        out.write(tiny.join([open(path, 'rb').read() for path in parts[::7]]))
