"""Rejects by PostgreSQL: what is no fault of a row fails the load, and what is one is found, also by a policy or an index."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import PrimaryKey


@dataclass
class Customer:
    id: PrimaryKey[int]
    name: str


def values(table: pa.Table | None, column: str) -> list[Any]:
    assert table is not None
    found: list[Any] = table.column(column).to_pylist()
    return found


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("mode", ["upsert", "mirror", "insert"])
def test_what_a_statement_meets_without_any_row_fails_the_load(postgres_url: str, rows: int, mode: Any) -> None:
    """Also where no row has come that far, because all of them were rejected before."""
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table([Customer(1, "Ann")], Customer, conn)
        conn.execute(
            """CREATE FUNCTION closed() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'closed on Sundays'; END $$;
            CREATE TRIGGER closed BEFORE INSERT ON "Customer" FOR EACH STATEMENT EXECUTE FUNCTION closed()"""
        )
        data = pa.table({"id": [*range(5, 5 + rows), None], "name": ["Bob"] * (rows + 1)})
        with pytest.raises(arrowsync.DatabaseError, match="closed on Sundays"):
            arrowsync.sync_table(data, Customer, conn, mode=mode, on_error="reject")
        assert values(arrowsync.read_table(Customer, conn), "id") == [1]


@pytest.mark.parametrize("quantity", [1, None])
def test_what_the_transaction_of_the_user_owes_is_no_rows_fault(postgres_url: str, quantity: int | None) -> None:
    with arrowsync.connect(postgres_url) as conn:
        conn.execute(
            """CREATE TABLE node (id bigint PRIMARY KEY, quantity bigint NOT NULL,
                parent bigint REFERENCES node DEFERRABLE INITIALLY DEFERRED)"""
        )
        data = pa.table({"id": [1, 2], "quantity": pa.array([quantity] * 2, pa.int64()), "parent": [1, 7]})
        with conn.transaction():
            conn.execute("INSERT INTO node VALUES (10, 1, 99)")
            with pytest.raises(arrowsync.ConstraintViolated, match="99"):
                arrowsync.sync_table(data.slice(0, 1) if quantity else data, "node", conn, on_error="reject")
            conn.execute("INSERT INTO node VALUES (99, 1, NULL)")
            report = arrowsync.sync_table(data, "node", conn, on_error="reject")
        assert values(report.rejects, "row") == ([1] if quantity else [0, 1])
        found = conn.fetch("SELECT id FROM node ORDER BY id")
        assert values(found, "id") == ([1, 10, 99] if quantity else [10, 99])


def test_what_a_policy_and_an_index_refuse(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        conn.execute(
            """CREATE TABLE note (id bigint PRIMARY KEY, owner text, body text);
            CREATE INDEX ON note (body);
            ALTER TABLE note ENABLE ROW LEVEL SECURITY;
            ALTER TABLE note FORCE ROW LEVEL SECURITY;
            CREATE POLICY own ON note USING (true) WITH CHECK (owner = 'me');
            CREATE ROLE clerk NOLOGIN;
            GRANT SELECT, INSERT, UPDATE, DELETE ON note TO clerk"""
        )
        noise = random.Random(1).randbytes(9_000).hex()
        rows = [(1, "me", "x"), (2, "you", "x"), (3, "me", noise), (4, "me", "y")]
        data = pa.table(dict(zip(["id", "owner", "body"], map(list, zip(*rows, strict=True)), strict=True)))
        conn.execute("SET ROLE clerk")
        try:
            report = arrowsync.sync_table(data, "note", conn, on_error="reject")
            assert values(report.rejects, "row") == [1, 2]
            assert values(conn.fetch("SELECT id FROM note ORDER BY id"), "id") == [1, 4]
            conn.execute("RESET ROLE; REVOKE INSERT ON note FROM clerk; SET ROLE clerk")
            with pytest.raises(arrowsync.DatabaseError, match="permission denied"):
                arrowsync.sync_table(data, "note", conn, on_error="reject")
        finally:
            conn.execute("RESET ROLE; DROP OWNED BY clerk; DROP ROLE clerk")
