"""`random_batches`: rows for tests, of any declared table, full of the values that go wrong.

    batches = random_batches(Order, 10_000)
    arrowsync.sync_table(batches, Order, conn)

This stands beside the flow: it reads declarations and makes Arrow, as a source would. `import arrowsync` doesn't import it. A
`TableSpec` becomes `tables.RandomTable`, which makes any rows of any column: the scalars of `values`, `scalars` and `texts`,
what is `nested` out of them, and what `parts` keeps distinct, all from the random numbers of `draws`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError
from arrowsync.testing.tables import RandomTables

__all__ = ["random_batches"]


def random_batches(
    table: type | TableSpec, n: int, seed: int = 0, *, batch_rows: int = 65_536, nan: bool = False
) -> pa.RecordBatchReader:
    r"""Record batches of `n` random rows that the table takes, at most `batch_rows` in each; `.schema` is the declared one.

    The same table and seed give the same rows, anywhere, in batches of any size. A quarter of the values are awkward: limits of
    types and ranges, zeros of both signs, subnormal floats, decimals with all their digits, leap days, empty and longest text,
    emoji, combining marks, quotes, backslashes, `\N`, control characters, empty lists. One in ten that may be NULL is, as are
    elements and members. What is declared holds: ranges, lengths, labels, and that a set has no element twice. Values that some
    database can't store aren't made: no NUL or surrogate in text, dates and timestamps from 1000-01-01 to 9999-12-31 (MySQL's
    limits), and NaN and infinities (which MySQL lacks) only with `nan`.

    Primary keys, unique keys and unique indexes on columns are distinct (text by its characters: not without case or accents);
    identity columns count from 1. A foreign key is that of one of the first `n` rows of the table that it refers to, as
    `random_batches` of that table with the same seed makes them: load at least as many of those. A reference of a table to itself
    points at an earlier row, or, from the first row, to nothing (to itself, where it is required). What may refer to
    several tables refers to the first of them.

    What is written in SQL isn't known here: a check, or a unique index on an expression, may refuse the rows.

    A DeclarationError says what can't be made: more rows than a key has values, a reference to a table that no class declares.

    >>> from dataclasses import dataclass
    >>> from arrowsync.declare.markers import PrimaryKey
    >>> @dataclass
    ... class Person:
    ...     id: PrimaryKey[int]
    ...     name: str | None
    >>> people = random_batches(Person, 1000, batch_rows=400)
    >>> [batch.num_rows for batch in people]
    [400, 400, 200]
    """
    if n < 0 or batch_rows < 1:
        raise DeclarationError(
            f"{n} rows in batches of {batch_rows} can't be made",
            hint="ask for 0 rows or more, in batches of at least 1",
        )
    spec = table if isinstance(table, TableSpec) else read_dataclass(table)
    random = RandomTables(n, seed, nan).table(spec)
    makers = [random.maker(column.name) for column in spec.columns]

    batch: Any = pa.RecordBatch

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, n, batch_rows):
            rows = np.arange(start, min(start + batch_rows, n), dtype=np.uint64)
            yield batch.from_arrays([make(rows) for make in makers], schema=spec.schema)

    return pa.RecordBatchReader.from_batches(spec.schema, batches())
