"""The same sync again writes no row and runs no DDL: what PostgreSQL itself remembers of it."""

from __future__ import annotations

from typing import Any

import pytest
from contract.items import Item, item

import arrowsync

ROWS = [item(n, f"name {n}", None if n % 3 else f"{n}.50") for n in range(5_000)]

TRIGGER = """
CREATE TABLE audit (operation text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (tg_op); RETURN new; END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON "Item" FOR EACH ROW EXECUTE FUNCTION note();
"""


def state(conn: arrowsync.Connection) -> list[dict[str, Any]]:
    """Which row version each row is, where it lies, and which object the table is."""
    rows = conn.fetch('SELECT id, xmin::text, xmax::text, ctid::text FROM "Item" ORDER BY id').to_pylist()
    table = conn.fetch(
        "SELECT oid::text, xmin::text, relfilenode::text FROM pg_class WHERE relname = 'Item'"
    ).to_pylist()
    return rows + table


@pytest.mark.parametrize("mode", ["upsert", "mirror", "replace"])
def test_no_row_version_is_written(postgres_url: str, mode: Any) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table(ROWS, Item, conn)
        conn.execute(TRIGGER)
        before = state(conn)
        report = arrowsync.sync_table(ROWS, Item, conn, mode=mode)
        assert report.outcomes() == {"inserted": 0, "updated": 0, "unchanged": 5_000}
        assert report.changes == ()
        assert state(conn) == before
        assert conn.fetch("SELECT count(*) AS n FROM audit").to_pylist() == [{"n": 0}]


def test_only_what_changed_is_written(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table(ROWS, Item, conn)
        conn.execute(TRIGGER)
        before = {row["id"]: row for row in state(conn) if "id" in row}
        changed = [item(n, "changed", None) if n % 100 == 0 else row for n, row in enumerate(ROWS)]
        report = arrowsync.sync_table(changed, Item, conn)
        assert (report.updated, report.unchanged) == (50, 4_950)
        after = {row["id"]: row for row in state(conn) if "id" in row}
        assert {n for n, row in after.items() if row["xmin"] != before[n]["xmin"]} == set(range(0, 5_000, 100))
        assert conn.fetch("SELECT count(*) AS n FROM audit").to_pylist() == [{"n": 50}]


def test_privileges_views_and_comments_survive_every_mode(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table(ROWS, Item, conn)
        conn.execute('GRANT SELECT ON "Item" TO PUBLIC; CREATE VIEW cheap AS SELECT id FROM "Item" WHERE price < 10')
        query = """SELECT relacl::text, obj_description(oid, 'pg_class') AS comment, (SELECT count(*) FROM cheap) AS cheap
                   FROM pg_class WHERE relname = 'Item'"""
        before = conn.fetch(query).to_pylist()
        assert before[0]["comment"] == "Things on sale."
        for mode in ("upsert", "mirror", "replace"):
            arrowsync.sync_table(ROWS, Item, conn, mode=mode)
            assert conn.fetch(query).to_pylist() == before
