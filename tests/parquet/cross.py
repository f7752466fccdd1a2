# SPDX-License-Identifier: Apache-2.0
"""Cross-check against pyarrow and DuckDB: cross.py [--few] TOOL FOLDER...

For every Parquet file below the folders: each readable column of each row group is what pyarrow reads; each
row group, the first two and the whole file, cut out, are in pyarrow and in DuckDB exactly those rows, with the
schema and the metadata of the file; page indexes point at pages; cutting twice gives the same bytes. The same holds for
rows that begin and end inside row groups. The same, without DuckDB, for files of every compression, encoding and type
(matrix.py). --few treats all files so: what the sanitizers look for lies in our own program, which has then met each file.
"""
import contextlib
import functools
import json
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
except ImportError as missing:
    duckdb = None

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import expect  # noqa: E402
import matrix  # noqa: E402

FEW = sys.argv[1] == '--few'
TOOL, *FOLDERS = sys.argv[2:] if FEW else sys.argv[1:]
LEFT_OUT = {'statistics-short.parquet'}  # damaged statistics, which pyarrow refuses the whole file for
UNREAD = {('duckdb-v1.parquet', 'span'), ('duckdb-v2.parquet', 'span')}  # intervals, which pyarrow takes for bytes
# By hand, as pyarrow does not read it: LZ4 of several blocks in a frame; bit-packed levels, of which it takes the lowest
# bit first, unlike the format and who wrote them.
FOREIGN = {'lz4-hadoop.parquet', 'by-old-writers.parquet'}


def same(one, other):
    """Equal tables, NaN being itself and -0.0 not 0.0."""
    return one.equals(other) or repr(one.to_pydict()) == repr(other.to_pydict())


def check_values(path, file):
    lines = subprocess.run([TOOL, 'dump', path], capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == file.num_row_groups, f'{path}: {len(lines)} groups'
    unread = {name for base, name in UNREAD if base == os.path.basename(path)}
    for number, line in enumerate(lines):
        want = {name: rows for name, rows in expect.group(file.read_row_group(number), expect.uuids(file)).items() if name not in unread}
        got = json.loads(line)
        assert list(want) == list(got), f'{path}: columns {sorted(set(want) ^ set(got))}'
        for name, rows in want.items():
            assert repr(rows) == repr(got[name]), f'{path}: group {number}, {name}: {rows} != {got[name]}'


def chunks(file, group):
    metadata = file.metadata.row_group(group)
    return [metadata.column(i) for i in range(metadata.num_columns)]


def cut(path, first, count, to):
    subprocess.run([TOOL, 'cut', path, str(first), str(count), to], check=True)
    with open(to, 'rb') as out:
        return out.read()


def check_slice(path, file, first, count, folder, few):
    to = os.path.join(folder, f'{first}-{count}.parquet')  # a name of its own: DuckDB keeps what it read
    once, twice = cut(path, first, count, to), cut(path, first, count, to)
    assert once == twice, f'{path}: two cuts differ'
    where = f'{path}: groups {first}+{count}'
    part = pq.ParquetFile(to)
    want = file.read_row_groups(list(range(first, first + count)))
    assert part.schema_arrow.equals(file.schema_arrow, check_metadata=True), f'{where}: schema'
    assert part.metadata.metadata == file.metadata.metadata, f'{where}: metadata'
    assert part.metadata.num_rows == want.num_rows and part.num_row_groups == count, f'{where}: rows'
    assert same(part.read(), want), f'{where}: values in pyarrow'
    assert same(pq.read_table(to), want), f'{where}: values in pyarrow, read as a data set'
    for i in range(count):
        check_chunks(where, chunks(file, first + i), chunks(part, i))
    first_row = sum(file.metadata.row_group(i).num_rows for i in range(first))
    if not few:
        check_duckdb(where, path, to, first_row, want.num_rows)


def check_chunks(where, before, after):
    for old, new in zip(before, after):
        name = old.path_in_schema
        assert new.total_compressed_size == old.total_compressed_size, f'{where}: {name}: size'
        assert new.has_offset_index == old.has_offset_index, f'{where}: {name}: offset index'
        assert new.has_column_index == old.has_column_index, f'{where}: {name}: column index'
        assert (new.statistics is None) == (old.statistics is None), f'{where}: {name}: statistics'


def duckdb_rows(path, names):
    columns = ', '.join('"' + name.replace('"', '""') + '"' for name in names)
    return duckdb.sql(f"select {columns} from read_parquet('{path}')").to_arrow_table()


@functools.cache
def duckdb_table(path):
    """The columns that it can read."""
    names = []
    for name in pq.read_schema(path).names:
        with contextlib.suppress(duckdb.Error):
            duckdb_rows(path, [name])
            names.append(name)
    return duckdb_rows(path, names) if names else None


def check_duckdb(where, before, after, first_row, rows):
    """DuckDB reads from the cut what it reads from the file."""
    whole = duckdb and duckdb_table(before)
    if not whole:
        return
    got = duckdb_rows(after, whole.column_names)
    assert got.num_rows == rows, f'{where}: {got.num_rows} rows in DuckDB'
    for name in whole.column_names:
        assert same(got.select([name]), whole.select([name]).slice(first_row, rows)), f'{where}: {name} in DuckDB'


def check_rows(path, file, first, count, folder, few):
    to = os.path.join(folder, f'rows-{first}-{count}.parquet')
    where = f'{path}: rows {first}+{count}'
    subprocess.run([TOOL, 'rows', path, str(first), str(count), to], check=True)
    part, want = pq.ParquetFile(to), file.read().slice(first, count)
    assert part.schema_arrow.equals(file.schema_arrow, check_metadata=True), f'{where}: schema'
    assert part.metadata.metadata == file.metadata.metadata and part.metadata.num_rows == count, f'{where}: metadata'
    assert same(part.read(), want), f'{where}: values in pyarrow'
    subprocess.run([TOOL, 'check', to], check=True)
    if first and not few:
        check_duckdb(where, path, to, first, count)


def row_spans(file):
    """Inside a group, from one into the next, across several, all but the ends, all."""
    sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    rows, spans = sum(sizes), set()
    for i, size in enumerate(sizes):
        before = sum(sizes[:i])
        spans |= {(before + size // 3, (size + 1) // 2), (before + size // 2, size), (before + size // 2, 2 * size)}
    spans |= {(1, rows - 2), (0, rows), (0, rows - 1)}
    return sorted((first, count) for first, count in spans if count > 0 and first + count <= rows)


def check(path, few=False):
    file = pq.ParquetFile(path)
    groups = file.num_row_groups
    if os.path.basename(path) in LEFT_OUT | FOREIGN:
        return 0
    subprocess.run([TOOL, 'check', path], check=True)
    check_values(path, file)
    spans = {(i, 1) for i in range(groups)} | {(0, min(2, groups)), (0, groups)} if groups else set()
    inside = row_spans(file)
    spans, inside = (sorted(spans)[-1:], inside[1::5]) if few else (sorted(spans), inside)
    with tempfile.TemporaryDirectory() as folder:
        for first, count in spans:
            check_slice(path, file, first, count, folder, few)
        for i, (first, count) in enumerate(inside):
            check_rows(path, file, first, count, folder, few or i % 4)
    return len(spans) + len(inside)


def main():
    paths = [os.path.join(folder, name) for top in FOLDERS for folder, _, names in os.walk(top)
             for name in sorted(names) if name.endswith('.parquet')]
    if not paths:
        print('skipped: no files')
        sys.exit(77)
    slices = sum(check(path, FEW) for path in paths)
    with tempfile.TemporaryDirectory() as folder:
        matrix.write(folder)
        if duckdb:
            matrix.write_duckdb(duckdb, folder)
        more = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        slices += sum(check(path, few=True) for path in more)
    print(f'{len(paths) + len(more)} files, {slices} slices; pyarrow {pa.__version__}, '
          f'duckdb {duckdb.__version__ if duckdb else "not there"}')


main()
