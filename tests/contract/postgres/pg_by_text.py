"""PostgreSQL as the judge of COPY BINARY: the same values, given as text, are read by the server's own input functions.

`ByText(url)` is an open session; `check` loads a batch as arrowsync does into one table, and as text into another, and compares
the two as the server sends them. `LAYOUTS` are the forms in which Arrow may bring the same values.
"""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LoadTarget
from arrowsync.dialects.postgres import DIALECT
from arrowsync.dialects.postgres.oids import type_oids
from arrowsync.sql import SQL, trusted
from arrowsync.wire.pgcopy.encode import HEADER, TRAILER, compile_pgcopy

pc: Any = pyarrow.compute
list_view_array: Any = pa.ListViewArray
Array = Any
MANY_SPELLINGS = ("numeric", "jsonb", "char")
"""Types that the server writes otherwise than it may be sent: without zero digits, with blanks, in an order of its own."""


class ByText:
    """A session, and the driver's connection under it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self.session: Any = self.run(open_session(url))

    def run(self, call: Any) -> Any:
        return self._runner.run(call)

    def close(self) -> None:
        self.run(self.session.close())
        self._runner.close()

    def execute(self, *statements: SQL | str) -> None:
        for statement in statements:
            self.run(self.session.execute(trusted(statement) if isinstance(statement, str) else statement))

    def rows(self, query: str) -> list[Any]:
        return [tuple(row) for row in self.run(self.session.connection.fetch(query))]

    def columns(self, table: ObjectName) -> tuple[Column, ...]:
        """The columns as discovery finds them."""
        found: tuple[Column, ...] = self.run(DIALECT.catalog.discover(self.session, [table])).tables[0].columns
        return found

    def load(self, table: ObjectName, columns: Sequence[Column], batches: Sequence[pa.RecordBatch]) -> int:
        loaded: int = self.run(
            self.session.load(LoadTarget(table, tuple(columns), batches[0].schema), iter(batches))
        ).rows
        return loaded

    def encoded(self, columns: Sequence[Column], batch: pa.RecordBatch) -> bytes:
        """What is sent for the batch."""
        types = [column.type for column in columns]
        oids = self.run(type_oids(self.session, types))
        return HEADER + bytes(compile_pgcopy(batch.schema, types, oids=oids)(batch)) + TRAILER

    def copy_text(self, table: ObjectName, rows: str) -> None:
        self.run(
            self.session.connection.copy_to_table(
                table.name, schema_name=table.namespace, source=io.BytesIO(rows.encode()), format="text"
            )
        )

    def copy_out(self, table: ObjectName) -> bytes:
        """The table's rows as the server writes them in binary."""
        out = io.BytesIO()
        self.run(
            self.session.connection.copy_from_table(
                table.name, schema_name=table.namespace, output=out, format="binary"
            )
        )
        return out.getvalue()

    def check(self, table: ObjectName, batch: pa.RecordBatch) -> None:
        """That the batch arrives as the server itself reads its values from text; the table is empty afterwards."""
        columns = self.columns(table)
        texts = zip(*(texts_of(batch.column(at), column.type) for at, column in enumerate(columns)), strict=True)
        self.copy_text(table, "".join(map(copy_row, texts)))
        expected = sorted_rows(self.copy_out(table))
        self.execute(f'TRUNCATE "{table.namespace}"."{table.name}"')
        assert self.load(table, columns, [batch]) == batch.num_rows
        assert sorted_rows(self.copy_out(table)) == expected
        self.execute(f'TRUNCATE "{table.namespace}"."{table.name}"')
        if all(has_one_spelling(column.type) for column in columns):
            assert sorted_rows(self.encoded(columns, batch)) == expected


def sorted_rows(copied: bytes) -> list[bytes]:
    """The rows of a COPY BINARY: the server may store a small one in front of a large one."""
    assert copied.startswith(HEADER)
    assert copied.endswith(TRAILER)
    rows: list[bytes] = []
    start = position = len(HEADER)
    while position < len(copied) - len(TRAILER):
        (count,) = struct.unpack_from(">h", copied, position)
        position += 2
        for _ in range(count):
            (length,) = struct.unpack_from(">i", copied, position)
            position += 4 + max(length, 0)
        rows.append(copied[start:position])
        start = position
    return sorted(rows)


def has_one_spelling(live: Any) -> bool:
    """Whether the server sends values of the type just as they have to be sent to it."""
    inner = [live.element] if live.element is not None else [member for _, member in live.members]
    return live.name not in MANY_SPELLINGS and all(map(has_one_spelling, inner))


# --- values as the server's input functions take them


def texts_of(values: Array, live: SqlType) -> list[str | None]:
    return [text_of(value, live) for value in values.to_pylist()]


def text_of(value: Any, live: SqlType) -> str | None:
    """A Python value as text, a struct's members in the order of the live type."""
    if value is None:
        return None
    if live.members:
        members = [text_of(value.get(name), member) for name, member in live.members]
        return "(" + ",".join("" if text is None else quoted(text, '""') for text in members) + ")"
    if live.element is not None:
        items = [text_of(item, live if isinstance(item, list) else live.element) for item in value]
        return "{" + ",".join(_item(text, nested=isinstance(value[0], list)) for text in items) + "}"
    match value:
        case bytes():
            return "\\x" + value.hex()
        case timedelta():
            return f"{value // timedelta(microseconds=1)} us"
        case float():
            return repr(value)
        case pa.MonthDayNano():
            return f"{value[0]} mons {value[1]} days {value[2] // 1000} us"
        case _:
            return str(value)


def _item(text: str | None, *, nested: bool) -> str:
    return "NULL" if text is None else text if nested else quoted(text, '\\"')


def quoted(text: str, quote: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', quote) + '"'


def copy_row(texts: Sequence[str | None]) -> str:
    escapes = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
    return "\t".join("\\N" if text is None else text.translate(escapes) for text in texts) + "\n"


# --- the same values, differently in memory


def sliced(values: Array) -> Array:
    """In the middle of an array in which others stand where a slice would begin that was not heeded."""
    before = len(values) // 2
    return pa.concat_arrays([values[:before], values, values]).slice(before, len(values))


def in_dictionary(values: Array) -> Array:
    """Backwards; a NULL is one of the indices, or one of the dictionary's values."""
    nulls, last = values.is_null().to_pylist(), len(values) - 1
    codes = [None if null and row % 2 else last - row for row, null in enumerate(nulls)]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int64()), rearranged(values))


def rearranged(values: Array) -> Array:
    return pa.concat_arrays([values[number : number + 1] for number in range(len(values) - 1, -1, -1)])


def in_runs(values: Array) -> Array:
    """Each value twice; the second half is cut off."""
    ends = pa.array(range(2, 2 * len(values) + 1, 2), pa.int32())
    return pa.RunEndEncodedArray.from_arrays(ends, values).slice(1, len(values))


def relaid(values: Array, text: Callable[[Array], Array], lists: Callable[[Array, Array], Array]) -> Array:
    """Text, bytes and lists in other layouts, however deep inside."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return text(values)
    if pa.types.is_struct(kind):
        members = [relaid(values.field(number), text, lists) for number in range(kind.num_fields)]
        return pa.StructArray.from_arrays(members, kind.names, mask=values.is_null())
    if pa.types.is_list(kind):
        return lists(values, relaid(values.values, text, lists))
    return values


def as_views(values: Array) -> Array:
    return values.cast(pa.string_view() if pa.types.is_string(values.type) else pa.binary_view())


def as_large(values: Array) -> Array:
    return values.cast(pa.large_string() if pa.types.is_string(values.type) else pa.large_binary())


def list_views(lists: Array, items: Array) -> Array:
    """Views of the items, whose bounds are given as they may be: each on its own."""
    sizes = pc.fill_null(pc.list_value_length(lists), 0)
    return list_view_array.from_arrays(lists.offsets[:-1], sizes.cast(pa.int32()), items, mask=lists.is_null())


def large_lists(lists: Array, items: Array) -> Array:
    return pa.LargeListArray.from_arrays(lists.offsets.cast(pa.int64()), items, mask=lists.is_null())


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "plain": lambda values: values,
    "sliced": sliced,
    "dictionary": in_dictionary,
    "runs": in_runs,
    "views": lambda values: relaid(values, as_views, list_views),
    "large": lambda values: relaid(values, as_large, large_lists),
    "sliced views": lambda values: sliced(relaid(values, as_views, list_views)),
    "dictionary of views": lambda values: in_dictionary(relaid(values, as_views, list_views)),
}
