"""Batches as the statements of LOAD DATA: what is kept of them is bounded, however short their text is."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from arrowsync.catalog import SqlType
from arrowsync.dialects.mysql.load import ROWS_AT_ONCE, STATEMENT_BYTES, WIRE_BYTES, Chunks, Sent
from arrowsync.wire.mysqltext.encode import MySqlTextEncoder, compile_mysqltext


def encoder(schema: pa.Schema, kind: SqlType) -> MySqlTextEncoder:
    types = [kind] * len(schema.names)
    return compile_mysqltext(
        schema, types, required=[True] * len(types), collations=[None] * len(types), exact_json=True
    )


def statements(chunks: Chunks) -> Iterator[tuple[int, Sent]]:
    """The bytes of each statement, and its end."""
    size = 0
    for piece in chunks:
        if isinstance(piece, Sent):
            yield size, piece
            size = 0
        else:
            assert 0 < len(piece) <= WIRE_BYTES
            size += len(piece)


def test_a_statement_ends_where_its_rows_take_much_memory() -> None:
    zeros = pa.record_batch({f"c{n}": pa.array([0] * 10_000).cast(pa.decimal256(65, 0)) for n in range(40)})
    found = list(statements(Chunks(encoder(zeros.schema, SqlType("decimal", (65, 0))), iter([zeros] * 12))))
    assert sum(sent.rows for _, sent in found) == 120_000
    assert [sent.more for _, sent in found] == [True] * (len(found) - 1) + [False]
    block = 40 * 32 * ROWS_AT_ONCE
    for _, sent in found:
        assert sum(batch.nbytes for batch in sent.batches) < 2 * STATEMENT_BYTES + block
    assert sum(size for size, _ in found) == 120_000 * 40 * 2


def test_a_statement_ends_where_it_has_sent_much() -> None:
    text = pa.record_batch({"c": ["x" * 999] * 10_000})
    chunks = Chunks(encoder(text.schema, SqlType("varchar", (999,))), iter([text] * 3))
    found = list(statements(chunks))
    assert len(found) == 4
    assert all(STATEMENT_BYTES <= size < STATEMENT_BYTES + WIRE_BYTES for size, _ in found[:-1])
    assert sum(sent.rows for _, sent in found) == chunks.rows == 30_000


def test_what_is_not_parted_and_what_has_no_rows_is_one_statement() -> None:
    text = pa.record_batch({"c": ["x" * 999] * 10_000})
    encode = encoder(text.schema, SqlType("varchar", (999,)))
    ((size, sent),) = statements(Chunks(encode, iter([text] * 3), parted=False))
    assert (size, sent.rows, sent.more) == (30_000_000, 30_000, False)
    ((size, sent),) = statements(Chunks(encode, iter([])))
    assert (size, sent.rows, sent.more) == (0, 0, False)
