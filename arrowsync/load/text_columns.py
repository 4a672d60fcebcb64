"""Values that arrive as text in a staging table, since Arrow has no type for them: the server makes them values of their types.

A text that isn't one is a bad value like any other: it fails the load by its row, or its row is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pyarrow as pa

from arrowsync.catalog import Column, ObjectName, Table
from arrowsync.dialects.contract import Dialect, SentAsValues, Session, TextColumns
from arrowsync.errors import ArrowSyncError, ConversionError, DatabaseError
from arrowsync.load.rejects import rejects_of
from arrowsync.load.stream import ConvertedStream
from arrowsync.shown import shown
from arrowsync.sql import Identifier, Literal, join, sql

UNKNOWN = "?"
"""Stands for the name of a column with row numbers if the order of arrival isn't known."""
_MANY = 1_000
"""The most row numbers in one statement."""
_HINT = "write it as the server does (SELECT a value of the column as text), or drop the column from the data"


def as_arriving(dialect: Dialect, table: Table, schema: pa.Schema, *, rejecting: bool) -> Table:
    """The table with its columns as batches of `schema` arrive in a staging table, where bad rows may be set aside."""
    if isinstance(dialect.text_values, SentAsValues):
        return table
    types: dict[str, Any] = dict(zip(schema.names, schema.types, strict=True))
    arriving = dialect.text_values.arriving
    columns = tuple(arriving(c, types[c.name], rejecting) if c.name in types else c for c in table.columns)
    return table if columns == table.columns else replace(table, columns=columns)


def settling(dialect: Dialect, table: Table, schema: pa.Schema, *, rejecting: bool) -> tuple[Column, ...]:
    """The columns of the table whose values arrive as text."""
    arriving = as_arriving(dialect, table, schema, rejecting=rejecting)
    return tuple(c for c, arrives in zip(table.columns, arriving.columns, strict=True) if arrives != c)


async def settle(
    session: Session,
    staging: ObjectName,
    columns: Sequence[Column],
    converted: ConvertedStream,
    order: str = "",
) -> None:
    """Give these columns of the staging table their types; a text that is no value of its type fails the load, or is set aside.

    `order` names the column with the numbers of the rows, where they aren't in their order of arrival; or it is `UNKNOWN`.
    """
    texts = session.dialect.text_values
    if isinstance(texts, SentAsValues) or not columns:
        return
    try:
        async with session.transaction():
            await _settle(texts, session, staging, columns)
    except (ConversionError, DatabaseError) as error:
        if isinstance(error, DatabaseError) and error.transient:
            raise
        found: list[tuple[Column, list[dict[str, Any]]]] = []
        row = converted.row_numbers.row if converted.row_numbers is not None else order
        with suppress(DatabaseError):  # the session may refuse everything, now that a statement has failed
            found = await _misfits(texts, session, staging, columns, row if row != UNKNOWN else "")
        if not found:
            raise
        if converted.row_numbers is None:
            raise _failure(*found[0], numbered=row != UNKNOWN) from error
        await _set_aside(session, staging, found, converted)
        async with session.transaction():
            await _settle(texts, session, staging, columns)


async def _settle(texts: TextColumns, session: Session, staging: ObjectName, columns: Sequence[Column]) -> None:
    changed = texts.changed(staging, columns)
    if changed is not None and (await session.fetch(changed)).num_rows:
        names = ", ".join(repr(column.name) for column in columns)
        raise ConversionError(
            f"a value is longer or finer than its column stores (one of {names})",
            column=columns[0].name,
            reason="longer or finer than the column stores",
            hint=_HINT,
        )
    await session.execute(texts.settle(staging, columns))


async def _misfits(
    texts: TextColumns, session: Session, staging: ObjectName, columns: Sequence[Column], row: str
) -> list[tuple[Column, list[dict[str, Any]]]]:
    """The columns with texts that aren't values of their types, and the rows with these."""
    found: list[tuple[Column, list[dict[str, Any]]]] = []
    for column in columns:
        way = texts.misfits(staging, column, row or None)
        await session.execute(way.create)
        rows = (await session.fetch(way.query)).to_pylist()
        await session.execute(way.drop)
        if rows:
            found.append((column, rows))
    return found


def _failure(column: Column, rows: list[dict[str, Any]], *, numbered: bool) -> ArrowSyncError:
    first = rows[0]
    count = f"{len(rows):,} values are" if len(rows) > 1 else "1 value is"
    place = f"row {first['row']}: " if numbered else ""
    return ConversionError(
        f"column {column.name!r}: {count} not of the type {column.type}: {first['reason']} "
        f"({place}{shown(first['value'])})",
        column=column.name,
        reason=first["reason"],
        rows=tuple(row["row"] for row in rows) if numbered else (),
        sample=tuple(row["value"] for row in rows[:5]),
        hint=_HINT,
    )


async def _set_aside(
    session: Session,
    staging: ObjectName,
    found: Sequence[tuple[Column, list[dict[str, Any]]]],
    converted: ConvertedStream,
) -> None:
    """Each bad row once, by the first column that it is bad in."""
    row_numbers = converted.row_numbers
    assert row_numbers is not None, "rows are set aside by their marks"
    seen: set[int] = set()
    for column, rows in found:
        for row in rows:
            if row["row"] in seen:
                continue
            seen.add(row["row"])
            query = sql(
                "SELECT {others}, {c}::text AS {c} FROM {staging} WHERE {row} = {number}",
                others=join(", ", [Identifier(name) for name in converted.sent.names if name != column.name]),
                c=Identifier(column.name),
                staging=staging.identifier,
                row=Identifier(row_numbers.row),
                number=Literal(row["row"]),
            )
            one = await session.fetch(query)
            converted.refuse(rejects_of(one, row_numbers, converted.files, column.name, row["reason"], converted.key))
    numbers = [Literal(number) for number in sorted(seen)]
    for at in range(0, len(numbers), _MANY):
        await session.execute(
            sql(
                "DELETE FROM {staging} WHERE {row} IN ({numbers})",
                staging=staging.identifier,
                row=Identifier(row_numbers.row),
                numbers=join(", ", numbers[at : at + _MANY]),
            )
        )
