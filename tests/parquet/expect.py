# SPDX-License-Identifier: Apache-2.0
"""What parquet_read() is to give for a column, computed with pyarrow: the JSON of print.h."""
import math
import uuid

import pyarrow as pa


def readable(kind):
    """Whether elidefs reads columns of this type (lists up to three deep of plain values)."""
    depth = 0
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, depth = kind.value_type, depth + 1
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    other = pa.types.is_struct(kind) or pa.types.is_map(kind)
    return depth <= 3 and not other


def uuids(file):
    """Top-level columns that are UUIDs, which pyarrow shows as bytes."""
    leaves = [file.schema.column(i) for i in range(len(file.schema))]
    return {leaf.path.split('.')[0] for leaf in leaves if 'UUID' in str(leaf.logical_type)}


def storage(kind):
    """The type whose Python values are the numbers that are stored: times become integers."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(storage(kind.value_type))
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_timestamp(kind):
        return pa.timestamp('ns')
    if pa.types.is_float16(kind):
        return pa.float32()
    return kind


def plain(value, kind, inner=False):
    if pa.types.is_list(kind):
        if value is None:
            return [] if inner else None  # a null list inside another list reads as an empty one
        return [plain(one, kind.value_type, True) for one in value]
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return format(value, 'f')
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return value.hex()
    if pa.types.is_floating(kind) and not math.isfinite(value):
        return 'nan' if math.isnan(value) else 'inf' if value > 0 else '-inf'
    return value


def integers(kind):
    """Times as integers, for Python's own types are too coarse for nanoseconds."""
    if pa.types.is_list(kind):
        return pa.list_(integers(kind.value_type))
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return pa.int64()
    if pa.types.is_time32(kind) or pa.types.is_date32(kind):
        return pa.int32()
    return kind


def column(array):
    """The rows of a chunked array, as JSON values."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    array = array.storage if isinstance(array, pa.ExtensionArray) else array  # UUID, JSON
    array = array.cast(storage(array.type))
    array = array.cast(integers(array.type))
    return [plain(value, array.type) for value in array.to_pylist()]


def group(table, as_uuids=()):
    values = {name: column(table.column(i)) for i, name in enumerate(table.schema.names)
              if readable(table.schema.field(i).type)}
    for name in as_uuids:
        values[name] = [value and str(uuid.UUID(value)) for value in values[name]]
    return values


def describe(field, as_uuids=()):
    """The column as parquet_column() is to show it."""
    if field.name in as_uuids:
        return {'name': field.name, 'kind': 'text', 'depth': 0, 'readable': True}
    kind, depth = field.type, 0
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind  # JSON
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, depth = kind.value_type, depth + 1
    if not readable(field.type):
        return {'name': field.name, 'kind': 'other', 'depth': 0, 'readable': False}
    return {'name': field.name, 'kind': kind_name(kind), 'depth': depth, 'readable': True}


def kind_name(kind):
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    names = {'bool': pa.types.is_boolean, 'double': pa.types.is_float64,
             'float': lambda kind: pa.types.is_float32(kind) or pa.types.is_float16(kind),
             'timestamp': pa.types.is_timestamp, 'text': pa.types.is_string, 'decimal': pa.types.is_decimal}
    for name, test in names.items():
        if test(kind):
            return name
    return 'bytes' if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) else 'int'
