"""Parquet. Pure. From JSON Lines to columns without a Python object per value."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from .files import Sink

GROUP = 4 << 20  # bytes of JSON in a row group: some 4,000 records


def write(out: Sink, pages: Iterable[bytes], example: Mapping[str, Any]) -> None:
    """Options are pinned, so that the same version of pyarrow gives the same bytes."""
    schema = schema_of(example)
    with pq.ParquetWriter(
        out, schema, compression="zstd", compression_level=1, use_dictionary=False, version="2.6", store_schema=False
    ) as writer:
        group: list[bytes] = []
        size = 0
        for page in pages:
            group.append(page)
            size += len(page)
            if size >= GROUP:
                writer.write_table(_table(b"".join(group), schema))
                group, size = [], 0
        if size:
            writer.write_table(_table(b"".join(group), schema))


def schema_of(example: Mapping[str, Any]) -> pa.Schema:
    return pa.schema([(name, _type(value)) for name, value in example.items()])


def _type(value: Any) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64()
    if isinstance(value, float):
        return pa.float64()
    if isinstance(value, dict):
        return pa.struct([(name, _type(part)) for name, part in value.items()])
    if isinstance(value, list):
        return pa.list_(_type(value[0]) if value else pa.string())
    return pa.string()


def _table(lines: bytes, schema: pa.Schema) -> pa.Table:
    parsing = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    reading = pyarrow.json.ReadOptions(use_threads=False, block_size=len(lines) + 1)  # a block holds whole lines, however long
    table = pyarrow.json.read_json(io.BytesIO(lines), read_options=reading, parse_options=parsing)
    return table.select(schema.names).cast(schema)
