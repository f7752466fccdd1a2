# SPDX-License-Identifier: Apache-2.0
"""Files joined as one, held against pyarrow and DuckDB: joins.py TOOL FOLDER...

Parts made here, by every compression, encoding, order of columns and name of list elements that pyarrow writes, and each
row group of the files below the folders that are frames of LeRobot, cut out: joined, they are row by row what the parts
are, but for the columns written anew; schema and metadata are the first part's, statistics are true, and what no longer
holds is gone. What cannot be joined is refused by its name.
"""
import os
import random
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

TOOL, *FOLDERS = sys.argv[1:]
MAP = [7, 3, 5, 0, 9]
COUNT = 0


def join(out, parts, mapped=MAP):
    run = subprocess.run([TOOL, 'join', out, ','.join(map(str, mapped)), *parts], capture_output=True, text=True)
    return run.stderr.strip() if run.returncode else None


def anew(parts, mapped=MAP):
    """What the joined file has to hold."""
    want, row = [], 100
    for number, part in enumerate(parts):
        table = pq.read_table(part)
        if table.num_rows and not want:
            schema = table.schema
        n = table.num_rows
        columns = {name: table[name] for name in table.column_names}
        columns['episode_index'] = pa.array([number] * n, pa.int64())
        columns['index'] = pa.array(range(row, row + n), pa.int64())
        columns['task_index'] = pa.array([mapped[task] for task in table['task_index'].to_pylist()], pa.int64())
        row += n
        if n:
            want.append(pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema))
    return pa.concat_tables(want)


def check_statistics(file, path):
    for number in range(file.num_row_groups):
        group, table = file.metadata.row_group(number), file.read_row_group(number)
        for i in range(group.num_columns):
            chunk = group.column(i)
            assert not chunk.has_offset_index and not chunk.has_column_index, f'{path}: {chunk.path_in_schema}: a page index'
            stats = chunk.statistics
            if '.' in chunk.path_in_schema or stats is None or not stats.has_min_max:
                assert chunk.path_in_schema not in ('index', 'episode_index', 'task_index'), f'{path}: no statistics'
                continue
            values = [value for value in table[chunk.path_in_schema].to_pylist() if value is not None]
            assert (stats.min, stats.max) == (min(values), max(values)), f'{path}: {chunk.path_in_schema}: {stats}'
            assert stats.null_count == table[chunk.path_in_schema].null_count


def check(folder, parts, mapped=MAP):
    global COUNT
    COUNT += 1
    out, again = (os.path.join(folder, f'joined-{COUNT}-{i}.parquet') for i in (0, 1))
    told = join(out, parts, mapped)
    assert told is None, f'{parts}: {told}'
    assert join(again, parts, mapped) is None
    with open(out, 'rb') as one, open(again, 'rb') as other:
        assert one.read() == other.read(), f'{parts}: joined twice, other bytes'
    want = anew(parts, mapped)
    first = next(part for part in parts if pq.read_metadata(part).num_rows)
    file = pq.ParquetFile(out)
    assert file.schema_arrow.equals(pq.read_schema(first), check_metadata=True), f'{parts}: schema'
    assert file.metadata.metadata == pq.read_metadata(first).metadata, f'{parts}: metadata'
    got = file.read()
    assert got.equals(want), f'{parts}: rows in pyarrow'
    groups = [pq.read_metadata(part).row_group(i).num_rows for part in parts for i in range(pq.read_metadata(part).num_row_groups)]
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [n for n in groups if n]
    check_statistics(file, out)
    assert subprocess.run([TOOL, 'check', out]).returncode == 0
    if duckdb:
        rows = duckdb.connect().execute(f"select * from '{out}'").fetchall()
        assert repr(rows) == repr(list(zip(*want.to_pydict().values()))), f'{parts}: rows in DuckDB'
        some = duckdb.connect().execute(f"select count(*), min(index), max(index) from '{out}' where episode_index = {len(parts) - 1}").fetchone()
        assert some[0] == pq.read_metadata(parts[-1]).num_rows


def episode(rows, seed, tasks=1):
    rng = random.Random(seed)
    vector = pa.array([[rng.random() for _ in range(4)] for _ in range(rows)], pa.list_(pa.float32()))
    return pa.table({
        'observation.state': vector,
        'action': pa.array([[rng.choice((0.0, 1.5))] * 3 if i % 5 else None for i in range(rows)], pa.list_(pa.float32())),
        'image': pa.array([{'bytes': rng.randbytes(300), 'path': f'{i}.png'} for i in range(rows)],
                          pa.struct([('bytes', pa.binary()), ('path', pa.string())])),
        'note': pa.array([None if i % 3 else 'x' * (i % 7) for i in range(rows)], pa.string()),
        'next.done': pa.array([i + 1 == rows for i in range(rows)], pa.bool_()),
        'deep': pa.array([[[[i], []], None] for i in range(rows)], pa.list_(pa.list_(pa.list_(pa.int16())))),
        'timestamp': pa.array([i / 30 for i in range(rows)], pa.float32()),
        'frame_index': pa.array(range(rows), pa.int64()),
        'episode_index': pa.array([seed] * rows, pa.int64()),
        'index': pa.array(range(1000 * seed, 1000 * seed + rows), pa.int64()),
        'task_index': pa.array([(i * tasks // max(rows, 1)) for i in range(rows)], pa.int64()),
    }).replace_schema_metadata({'huggingface': '{"info": {"features": {}}}'})


def made_parts(folder):
    ways = [
        {}, {'compression': 'zstd'}, {'compression': 'none', 'use_dictionary': False}, {'data_page_version': '2.0'},
        {'row_group_size': 40}, {'write_page_index': True}, {'write_statistics': False}, {'compression': 'gzip', 'data_page_size': 200},
        {'use_compliant_nested_type': False}, {'use_dictionary': False, 'column_encoding': {'index': 'DELTA_BINARY_PACKED', 'timestamp': 'BYTE_STREAM_SPLIT'}},
        {'store_schema': False}, {'version': '1.0'},
    ]
    parts = []
    for number, way in enumerate(ways):
        for rows, tasks in ((1, 1), (90, 1), (129, 3), (0, 1), (300, 5)):
            table = episode(rows, number + 1, tasks)
            if number % 3 == 1:
                names = table.column_names
                random.Random(number).shuffle(names)
                table = table.select(names)
            part = os.path.join(folder, f'{number}-{rows}.parquet')
            pq.write_table(table, part, **way)
            parts.append(part)
    return parts


def check_made(folder):
    parts = made_parts(folder)
    for part in parts:
        if part.endswith('-129.parquet'):
            check(folder, [part])
    check(folder, parts)
    check(folder, parts[::-1])
    check(folder, parts[3:5])  # the first without rows
    alternating = os.path.join(folder, 'alternating.parquet')
    table = episode(999, 3)
    pq.write_table(table.set_column(10, 'task_index', pa.array([i % 5 for i in range(999)], pa.int64())), alternating)
    check(folder, [alternating])


def without(table, name):
    return table.drop_columns([name])


def check_refused(folder):
    base = episode(20, 1)
    other = {
        'wide': (base.set_column(6, 'timestamp', base['timestamp'].cast(pa.float64())), "'timestamp' is double, not float"),
        'flat': (base.set_column(0, 'observation.state', base['timestamp']), "'observation.state' is float, not list<float>"),
        'missing': (without(base, 'action'), "'action' is missing"),
        'more': (base.append_column('extra', base['index']), "'extra' is not there"),
        'both': (without(base, 'action').append_column('extra', base['index']), "'action' is missing; 'extra' is not there"),
        'members': (base.set_column(2, 'image', pa.array([{'bytes': b'', 'file': ''}] * 20)), "'image' is struct or map, but stored otherwise"),
        'required': (base.cast(pa.schema([field.with_nullable(field.name != 'timestamp') for field in base.schema])), "'timestamp' is float, but stored otherwise"),
        'unsigned': (base.set_column(7, 'frame_index', base['frame_index'].cast(pa.uint64())), "'frame_index' is int64, but stored otherwise"),
        'no-task': (without(base, 'task_index'), "column 'task_index': it is missing"),
        'far-task': (base.set_column(10, 'task_index', pa.array([5] * 20, pa.int64())), "column 'task_index': it has the value 5, where there are only 0 to 4"),
        'some-task': (base.set_column(10, 'task_index', pa.array([0, -1] * 10, pa.int64())), "column 'task_index': it has the value -1, where there are only 0 to 4"),
        'null-task': (base.set_column(10, 'task_index', pa.array([0, None] * 10, pa.int64())), "column 'task_index': row 1 has no value"),
        'text-task': (base.set_column(10, 'task_index', pa.array(['0'] * 20)), "column 'task_index': it holds no integers"),
        'all': (pa.table({'index': base['index']}), 'and 4 more'),
    }
    first, out = os.path.join(folder, 'first.parquet'), os.path.join(folder, 'refused.parquet')
    pq.write_table(base, first)
    for name, (table, told) in other.items():
        path = os.path.join(folder, f'{name}.parquet')
        pq.write_table(table, path)
        said = join(out, [first, path])
        assert said and said.startswith(path + ': ') and told in said, f'{name}: {said}'
        assert said.count(path) == 1 and not os.path.exists(out), said
    for name, told in {'no-index': "it has no column 'index'", 'narrow': "its column 'index' is no int64"}.items():
        path = os.path.join(folder, f'{name}.parquet')
        pq.write_table(without(base, 'index') if name == 'no-index' else base.set_column(9, 'index', base['index'].cast(pa.int32())), path)
        said = join(out, [path])
        assert said and said.startswith(path) and told in said, said
    # what is written anew need not be there, nor be of that type
    bare = os.path.join(folder, 'bare.parquet')
    pq.write_table(without(without(base, 'index'), 'episode_index'), bare)
    assert join(out, [first, bare]) is None and pq.read_table(out)['index'].to_pylist() == list(range(100, 140))
    pq.write_table(base.slice(0, 0), bare)
    assert join(out, [bare]) == 'no row to put into the Parquet file'


def check_found(folder):
    cut = os.path.join(folder, 'cut')
    for root in FOLDERS:
        for directory, _, names in os.walk(root):
            parts = []
            for name in sorted(names):
                path = os.path.join(directory, name)
                if not name.endswith('.parquet') or 'frame_index' not in pq.read_schema(path).names:
                    continue
                for group in range(pq.read_metadata(path).num_row_groups):
                    parts.append(f'{cut}-{COUNT}-{len(parts)}.parquet')
                    subprocess.run([TOOL, 'cut', path, str(group), '1', parts[-1]], check=True)
            if parts:
                check(folder, parts, list(range(9, -1, -1)))


with tempfile.TemporaryDirectory() as scratch:
    check_made(scratch)
    check_refused(scratch)
    before = COUNT
    check_found(scratch)
    assert COUNT > before, 'no frames below the folders'
print(f'{COUNT} joined files')
