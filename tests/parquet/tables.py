# SPDX-License-Identifier: Apache-2.0
"""Tables that are written row by row, held against pyarrow, DuckDB and pandas: tables.py TOOL

A column of every kind and depth, nulls and empty lists at each, of several numbers of rows: packed, and the same bytes on
every machine.
"""
import datetime
import os
import subprocess
import sys
import tempfile

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    print(f'skipped: {missing}')
    sys.exit(77)
try:
    import duckdb
except ImportError:
    duckdb = None
try:
    import pandas
except ImportError:
    pandas = None

TOOL = sys.argv[1]
KINDS = {'bool': pa.bool_(), 'int': pa.int64(), 'double': pa.float64(), 'text': pa.string(), 'time': pa.timestamp('ns', 'UTC')}
TEXTS = ('', 'pick up', 'the \u00fc', 'x')


def value(kind, number):
    if number % 7 == 3:
        return None
    return {'bool': number % 3 == 0, 'double': (number % 50) / 8, 'text': TEXTS[number % 4]}.get(kind, number * 1000003 - 500)


def cell(kind, depth, number):
    if not depth:
        return value(kind, number)
    return None if number % 11 == 5 else [cell(kind, depth - 1, number + i) for i in range(number % 4)]


def wanted(rows):
    columns = {}
    for depth in range(4):
        for number, (kind, of) in enumerate(KINDS.items()):
            for _ in range(depth):
                of = pa.list_(pa.field('element', of))
            columns[f'{kind}-{depth}'] = pa.array([cell(kind, depth, row + len(KINDS) * depth + number) for row in range(rows)], of)
    columns['null-4'] = pa.array([None] * rows, pa.int64())
    return pa.table(columns)


def plain(cells):
    """DuckDB has microseconds."""
    if isinstance(cells, (list, tuple)):
        return [plain(one) for one in cells]
    if isinstance(cells, datetime.datetime):
        return round(cells.timestamp() * 1e6)
    return cells


def check(folder, rows, way):
    path = os.path.join(folder, f'{way}-{rows}.parquet')
    subprocess.run([TOOL, 'table', path, str(rows), way], check=True)
    want, file = wanted(rows), pq.ParquetFile(path)
    got = file.read()
    assert got.schema.remove_metadata().equals(want.schema), got.schema
    assert got.equals(want), f'{path}: rows in pyarrow'
    assert set(file.metadata.metadata) == {b'pandas', b'other'}
    assert subprocess.run([TOOL, 'check', path]).returncode == 0
    if way == 'alike':
        assert file.metadata.created_by == 'elidefs'
        for group in range(file.num_row_groups):
            columns = [file.metadata.row_group(group).column(i) for i in range(file.metadata.num_columns)]
            assert {column.compression for column in columns} == {'UNCOMPRESSED'}
            assert rows < 300 or all('DELTA_BINARY_PACKED' in column.encodings for column in columns if column.path_in_schema.startswith('int'))
            assert rows < 300 or all('RLE_DICTIONARY' in column.encodings for column in columns if column.path_in_schema.startswith(('text', 'double')))
    if duckdb:
        connection = duckdb.connect()
        connection.execute("set timezone = 'UTC'")
        names = [name for name in want.column_names if not name.startswith('time')]
        chosen = ', '.join(f'"{name}"' for name in names)
        rows_of = connection.execute(f"select {chosen} from '{path}'").fetchall()
        assert plain(rows_of) == plain(list(zip(*want.select(names).to_pydict().values()))), f'{path}: rows in DuckDB'
    if pandas:
        frame = pandas.read_parquet(path, columns=['int-0'])
        index = [None if pandas.isna(text) else text for text in frame.index]
        assert frame.index.name == 'text-0' and index == want['text-0'].to_pylist(), f'{path}: index in pandas'


with tempfile.TemporaryDirectory() as scratch:
    for n in (0, 1, 2, 40, 300, 3000):
        for how in ('packed', 'alike'):
            check(scratch, n, how)
print('pandas read them, too' if pandas else 'without pandas')
