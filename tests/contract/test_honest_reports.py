"""The report is what the table holds: whatever drops, keeps or changes rows, its counts are those of the rows before and after.

Each cause is a table that does something to its rows, each way is one to load it. The rows are looked at before and after by a
user from whom no policy hides any. To try another cause, add it to `POSTGRES` or `MYSQL`; another way to load, to `WAYS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from contract.postgres import over_adbc

import arrowsync

HELD = {0: "a", 1: "b", 2: "old c", 3: "old d", 4: "old e", 20: "x", 21: "y"}
SENT = [(1, "first b"), (0, "a"), (1, "b"), (2, "c"), (3, "d"), (6, "g"), (7, "h")]
"""Row 0 has a key that a later row has too; 0 and 1 are there as they are, 2 and 3 with other values."""

FUNCTION = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$; CREATE TRIGGER g {} EXECUTE FUNCTION f()"
PARTED = """CREATE TABLE t (id bigint PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF t FOR VALUES FROM (-100) TO (3); CREATE TABLE high PARTITION OF t FOR VALUES FROM (3) TO (1000)"""
SECURED = """ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON t FOR SELECT USING (true); CREATE POLICY add ON t FOR INSERT WITH CHECK (true)"""

POSTGRES = {
    "nothing": "",
    "insert drops": FUNCTION.format(
        "IF new.id % 2 = 0 THEN RETURN null; END IF; RETURN new;", "BEFORE INSERT ON t FOR EACH ROW"
    ),
    "insert changes": FUNCTION.format("new.v := upper(new.v); RETURN new;", "BEFORE INSERT ON t FOR EACH ROW"),
    "update drops": FUNCTION.format(
        "IF new.id = 2 THEN RETURN null; END IF; RETURN new;", "BEFORE UPDATE ON t FOR EACH ROW"
    ),
    "update keeps": FUNCTION.format("RETURN old;", "BEFORE UPDATE ON t FOR EACH ROW"),
    "update changes": FUNCTION.format("new.v := upper(new.v); RETURN new;", "BEFORE UPDATE ON t FOR EACH ROW"),
    "both change": FUNCTION.format("new.v := upper(new.v); RETURN new;", "BEFORE INSERT OR UPDATE ON t FOR EACH ROW"),
    "delete drops": FUNCTION.format(
        "IF old.id = 20 THEN RETURN null; END IF; RETURN old;", "BEFORE DELETE ON t FOR EACH ROW"
    ),
    "deleted after insert": FUNCTION.format(
        "DELETE FROM t WHERE id = new.id AND id = 6; RETURN null;", "AFTER INSERT ON t FOR EACH ROW"
    ),
    "deleted after statement": FUNCTION.format(
        "DELETE FROM t WHERE id IN (3, 7); RETURN null;", "AFTER INSERT ON t FOR EACH STATEMENT"
    ),
    "written to a log": "CREATE TABLE log (id bigint);"
    + FUNCTION.format("INSERT INTO log VALUES (new.id); RETURN null;", "AFTER INSERT OR UPDATE ON t FOR EACH ROW"),
    "insert raises": FUNCTION.format(
        "IF new.id = 6 THEN RAISE EXCEPTION 'no six'; END IF; IF new.id = 7 THEN RETURN null; END IF; RETURN new;",
        "BEFORE INSERT ON t FOR EACH ROW",
    ),
    "rule drops inserts": "CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING",
    "rule drops some inserts": "CREATE RULE r AS ON INSERT TO t WHERE new.id = 6 DO INSTEAD NOTHING",
    "rule moves inserts": "CREATE TABLE log (id bigint, v text);"
    "CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO log VALUES (new.id, new.v)",
    "rule drops updates": "CREATE RULE r AS ON UPDATE TO t WHERE old.id = 3 DO INSTEAD NOTHING",
    "rule drops deletions": "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
    "policy keeps from updating": SECURED + "; CREATE POLICY c ON t FOR UPDATE USING (id <> 2);"
    "CREATE POLICY d ON t FOR DELETE USING (true)",
    "policy keeps from deleting": SECURED + "; CREATE POLICY c ON t FOR UPDATE USING (true);"
    "CREATE POLICY d ON t FOR DELETE USING (id <> 20)",
    "policy refuses": SECURED + "; CREATE POLICY c ON t FOR ALL USING (true);"
    "CREATE POLICY d ON t AS RESTRICTIVE FOR INSERT WITH CHECK (id <> 7)",
    "partition drops": PARTED
    + ";"
    + FUNCTION.format("IF new.id = 6 THEN RETURN null; END IF; RETURN new;", "BEFORE INSERT ON high FOR EACH ROW"),
    "partition keeps": PARTED + ";" + FUNCTION.format("RETURN null;", "BEFORE UPDATE OR DELETE ON low FOR EACH ROW"),
}
MYSQL = {
    "nothing": "",
    "insert changes": "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.v = upper(NEW.v)",
    "update keeps": "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW SET NEW.v = OLD.v",
    "update keeps some": "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW SET NEW.v = IF(NEW.id = 2, OLD.v, NEW.v)",
    "update changes": "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW SET NEW.v = upper(NEW.v)",
    "insert raises": "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW "
    "BEGIN IF NEW.id = 6 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no six'; END IF; END",
    "update raises": "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW "
    "BEGIN IF NEW.id = 3 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no three'; END IF; END",
    "delete raises": "CREATE TRIGGER g BEFORE DELETE ON t FOR EACH ROW "
    "BEGIN IF OLD.id = 20 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF; END",
}
CAUSES = {
    "duckdb": {"nothing": ""},
    "postgres": POSTGRES,
    "adbc": {name: POSTGRES[name] for name in ("insert drops", "update keeps", "delete drops", "rule moves inserts")},
    "postgres18": {name: POSTGRES[name] for name in ("insert drops", "update keeps", "policy keeps from deleting")},
    "mysql": MYSQL,
    "mariadb": {name: MYSQL[name] for name in ("insert changes", "update keeps some", "insert raises")},
}
WAYS: tuple[Mapping[str, Any], ...] = (
    {"mode": "insert"},
    {"mode": "insert", "on_error": "reject"},
    {"mode": "insert", "on_conflict": "skip"},
    {"mode": "insert", "on_conflict": "skip", "on_error": "reject", "parallel": 2},
    {"mode": "upsert"},
    {"mode": "upsert", "dedup": "first", "on_error": "reject", "parallel": 2},
    {"mode": "upsert", "on_error": "reject"},
    {"mode": "mirror"},
    {"mode": "mirror", "on_error": "reject", "parallel": 2},
    {"mode": "replace"},
    {"mode": "replace", "on_error": "reject"},
    {"mode": "replace", "parallel": 2},
)


TRIALS: tuple[tuple[Mapping[str, Any], Mapping[int, str]], ...] = (
    *((way, HELD) for way in WAYS),
    ({"mode": "upsert"}, {}),
    ({"mode": "replace"}, {}),
)
THOROUGH = (
    "nothing",
    "insert drops",
    "update keeps some",
    "insert raises",
    "rule drops some inserts",
    "policy refuses",
)
"""Causes that are tried over several connections too, and with rows that are refused: there the rows are staged otherwise."""


def sent(way: Mapping[str, Any], held: Mapping[int, str]) -> dict[str, list[Any]]:
    """Rows that the way takes: an insert no key twice, one that rejects a row more that can't be converted."""
    rows: list[tuple[Any, str]] = list(SENT)
    if way["mode"] == "insert" and way.get("on_conflict") != "skip":
        rows = [(row, value) for row, value in SENT[1:] if row not in held]
    if way.get("on_error") == "reject":
        rows.insert(2, ("bad", "z"))
    return {"id": [str(row) for row, _ in rows], "v": [value for _, value in rows]}


def stored(conn: arrowsync.Connection) -> dict[int, str]:
    return {row["id"]: row["v"] for row in conn.fetch("SELECT id, v FROM t").to_pylist()}


def check(
    report: arrowsync.SyncReport, way: Mapping[str, Any], data: dict[str, list[Any]], before: Any, after: Any
) -> None:
    """The counts of the report are those of the rows."""
    good = [(int(row), value) for row, value in zip(data["id"], data["v"], strict=True) if row != "bad"]
    wanted = dict(reversed(good) if way.get("dedup") == "first" else good)
    refused = {int(data["id"][row]) for row in rejected_rows(report) if data["id"][row] != "bad"}
    counted = {"inserted": 0, "updated": 0, "unchanged": 0, "skipped": 0, "suppressed": 0}
    for row in wanted.keys() - refused:
        counted[outcome(report.mode, before.get(row), after.get(row), wanted[row])] += 1
    assert {name: getattr(report, name) for name in counted} == counted
    assert report.rejected == len(rejected_rows(report))
    assert report.duplicates == len(good) - len(wanted)
    assert sum(counted.values()) + report.duplicates + report.rejected == report.rows_read == len(data["id"])
    removes = report.mode in ("mirror", "replace")
    assert report.deleted == (len(before.keys() - after.keys()) if removes else 0)
    assert not removes or after.keys() <= wanted.keys(), "another row has stayed"


def outcome(mode: str, before: str | None, after: str | None, wanted: str) -> str:
    if before is None:
        return "suppressed" if after is None else "inserted"
    if mode == "insert":
        return "skipped"
    if after != before and after is not None:
        return "updated"
    return "unchanged" if after == wanted else "suppressed"


def rejected_rows(report: arrowsync.SyncReport) -> set[int]:
    rows: list[Any] = [] if report.rejects is None else report.rejects.column("row").to_pylist()
    return set(rows)


@pytest.mark.parametrize(
    ("product", "cause"), [(product, name) for product, causes in CAUSES.items() for name in causes]
)
def test_the_counts_are_those_of_the_rows(product: str, cause: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres_url" if product == "adbc" else f"{product}_url")
    made = CAUSES[product][cause]
    secured = "ROW LEVEL" in made
    seen = set[str]()
    connected = over_adbc.connected if product == "adbc" else arrowsync.connect
    with arrowsync.connect(url) as admin, connected(url) as conn:
        if secured:
            admin.execute("CREATE ROLE clerk NOLOGIN; GRANT ALL ON SCHEMA public TO clerk")
        for way, held in TRIALS:
            if way.get("parallel") and product in ("duckdb", "adbc"):
                continue
            if way.get("on_error") == "reject" and cause not in THOROUGH:
                continue
            make(admin, product, made, held)
            data = sent(way, held)
            if secured:
                admin.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON t TO clerk")
                conn.execute("SET ROLE clerk")
            for _ in range(2 if way["mode"] == "upsert" else 1):
                before = stored(admin)
                try:
                    report = arrowsync.sync_table(pa.table(data), "t", conn, **way)
                except arrowsync.DatabaseError:
                    assert stored(admin) == before
                    seen.add("error")
                else:
                    check(report, way, data, before, stored(admin))
                    seen |= {name for name, rows in report.outcomes().items() if rows}
            if secured:
                conn.execute("RESET ROLE")
        if secured:
            admin.execute("DROP OWNED BY clerk; DROP ROLE clerk")
    changes_nothing = ("nothing", "insert changes", "update changes", "written to a log")
    assert seen & {"error", "suppressed"} or cause in changes_nothing


def make(admin: arrowsync.Connection, product: str, made: str, held: Mapping[int, str]) -> None:
    """The table with the rows that it holds, and then all that may do something to others."""
    if product in ("postgres", "postgres18", "adbc"):
        admin.execute("DROP TABLE IF EXISTS t, log CASCADE; DROP FUNCTION IF EXISTS f")
    else:
        admin.execute("DROP TABLE IF EXISTS t")
    if not made.startswith(PARTED):
        admin.execute(f"CREATE TABLE t (id bigint PRIMARY KEY, v {'text' if product != 'mariadb' else 'varchar(99)'})")
    if held and not made.startswith(PARTED):
        admin.execute("INSERT INTO t VALUES " + ", ".join(f"({row}, '{value}')" for row, value in held.items()))
    if made:
        admin.execute(made)
    if held and made.startswith(PARTED):
        admin.execute("INSERT INTO t VALUES " + ", ".join(f"({row}, '{value}')" for row, value in held.items()))


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
@pytest.mark.parametrize("product", ["postgres", "mysql", "mariadb"])
def test_rows_that_a_deletion_takes_along(product: str, action: str, request: pytest.FixtureRequest) -> None:
    """Mirror deletes 1, and the database 2 with it, which the data has: it is there before and after."""
    with arrowsync.connect(request.getfixturevalue(f"{product}_url")) as conn:
        conn.execute(
            "CREATE TABLE t (id bigint PRIMARY KEY, boss bigint, "
            f"CONSTRAINT k FOREIGN KEY (boss) REFERENCES t (id) ON DELETE {action})"
        )
        conn.execute("INSERT INTO t VALUES (1, NULL), (2, 1), (3, NULL)")
        data = pa.table({"id": [2, 3], "boss": pa.nulls(2, pa.int64())})
        report = arrowsync.sync_table(data, "t", conn, mode="mirror")
        assert (report.inserted, report.updated, report.unchanged, report.deleted) == (0, 1, 1, 1)
        assert conn.fetch("SELECT * FROM t ORDER BY id").to_pylist() == data.to_pylist()


@pytest.mark.parametrize("product", ["mysql", "mariadb"])
def test_triggers_that_the_user_may_not_see(product: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{product}_url")
    parts = urlsplit(url)
    database = parts.path[1:]
    user = f"u{database[-12:]}"
    with arrowsync.connect(url) as admin:
        admin.execute("CREATE TABLE t (id bigint PRIMARY KEY, v varchar(9))")
        admin.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        admin.execute("CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW SET NEW.v = OLD.v")
        admin.execute(f"CREATE USER {user}@'%' IDENTIFIED BY 'Secret-1'")
        rights = "SELECT, INSERT, UPDATE, DELETE, LOCK TABLES, CREATE TEMPORARY TABLES"
        admin.execute(f"GRANT {rights} ON `{database}`.* TO {user}@'%'")
        try:
            theirs = url.replace(parts.netloc.rpartition("@")[0], f"{user}:Secret-1", 1)
            theirs += "?ssl-mode=disable&get-server-public-key=true"
            data = pa.table({"id": [1, 2, 3], "v": ["a", "x", "y"]})
            report = arrowsync.sync_table(data, "t", theirs, key="id")
            assert (report.inserted, report.updated, report.unchanged, report.suppressed) == (1, 0, 1, 1)
        finally:
            admin.execute(f"DROP USER {user}@'%'")


def test_what_the_error_of_a_row_that_stays_says_to_do(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        make(conn, "postgres", POSTGRES["delete drops"], HELD)
        data = pa.table({"id": [0, 1], "v": ["a", "z"]})
        with pytest.raises(arrowsync.DatabaseError, match="1 row that the data doesn't have would stay") as caught:
            arrowsync.sync_table(data, "t", conn, mode="mirror")
        assert 'mode="upsert"' in str(caught.value.hint)
        assert arrowsync.sync_table(data, "t", conn, mode="upsert").updated == 1
