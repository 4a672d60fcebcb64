"""Rows that only the server can refuse are rejects like others: the good ones are in the table, and each is accounted for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pytest
from contract.postgres import over_adbc

import arrowsync
from arrowsync import Check, MaxLength, PrimaryKey, Unique
from arrowsync.catalog import ObjectName
from arrowsync.errors import ConversionError

COUNT = 500
BAD = (0, 17, 18, 250, 499)


@dataclass
class Customer:
    id: PrimaryKey[int]
    name: str


@dataclass
class Sale:
    id: PrimaryKey[int]
    customer: Customer
    quantity: Annotated[int, Check("quantity > 0")]
    code: Unique[Annotated[str | None, MaxLength(20)]]


@dataclass
class Reading:
    """Without a key."""

    id: int
    level: Annotated[int, Check("level < 1000")]


@dataclass
class Employee:
    id: PrimaryKey[int]
    boss: Employee | None
    age: Annotated[int, Check("age > 15")]


@pytest.fixture
def conn(database_url: str) -> Iterator[arrowsync.Connection]:
    with arrowsync.connect(database_url) as connection:
        arrowsync.sync_table([Customer(number, f"customer {number}") for number in range(5)], Customer, connection)
        yield connection


def sales(count: int = COUNT, bad: tuple[int, ...] = BAD, *, add: int = 0) -> pa.Table:
    """Rows of which those at `bad` are too few."""
    return pa.table(
        {
            "id": range(count),
            "customer": [row % 5 for row in range(count)],
            "quantity": [-1 if row in bad else 1 + add for row in range(count)],
            "code": [f"c{row}" for row in range(count)],
        }
    )


def stored(conn: arrowsync.Connection, table: type = Sale) -> set[int]:
    return set(values(arrowsync.read_table(table, conn), "id"))


def values(table: pa.Table | None, column: str) -> list[Any]:
    assert table is not None
    found: list[Any] = table.column(column).to_pylist()
    return found


def rows_of(report: arrowsync.SyncReport) -> list[int]:
    found = values(report.rejects, "row")
    assert len(set(found)) == report.rejected
    return found


def adds_up(report: arrowsync.SyncReport) -> bool:
    outcomes = (report.inserted, report.updated, report.unchanged, report.skipped, report.duplicates, report.rejected)
    return sum(outcomes) == report.rows_read


def test_a_new_table_gets_the_rows_that_meet_its_checks(conn: arrowsync.Connection) -> None:
    report = arrowsync.sync_table(sales(), Sale, conn, on_error="reject")
    assert rows_of(report) == list(BAD)
    assert (report.inserted, report.rejected) == (COUNT - len(BAD), len(BAD))
    assert adds_up(report)
    assert report.rejects is not None
    first = report.rejects.to_pylist()[0]
    assert first["reason"]
    assert "SQL(" not in first["reason"]
    value = first["value"] if first["column"] == "quantity" else json.loads(first["value"])["quantity"]
    assert value == "-1"
    assert stored(conn) == set(range(COUNT)) - set(BAD)


def test_nothing_is_rejected_where_all_rows_are_taken(conn: arrowsync.Connection) -> None:
    report = arrowsync.sync_table(sales(bad=()), Sale, conn, on_error="reject")
    assert (report.inserted, report.rejected) == (COUNT, 0)
    again = arrowsync.sync_table(sales(bad=()), Sale, conn, on_error="reject")
    assert (again.unchanged, again.inserted, again.updated, again.rejected) == (COUNT, 0, 0, 0)


@pytest.mark.parametrize("mode", ["upsert", "mirror"])
def test_a_rejected_row_leaves_its_old_version(conn: arrowsync.Connection, mode: str) -> None:
    arrowsync.sync_table(sales(bad=()), Sale, conn)
    incoming = sales(bad=(3, 4), add=7).slice(0, 300)
    report = arrowsync.sync_table(incoming, Sale, conn, mode=mode, on_error="reject")  # type: ignore[arg-type]
    assert rows_of(report) == [3, 4]
    assert (report.updated, report.inserted) == (298, 0)
    assert report.deleted == (200 if mode == "mirror" else 0)
    quantities = dict(
        zip(*arrowsync.read_table(Sale, conn).select(["id", "quantity"]).to_pydict().values(), strict=True)
    )
    assert (quantities[3], quantities[4], quantities[5]) == (1, 1, 8)
    assert len(quantities) == (300 if mode == "mirror" else COUNT)
    assert adds_up(report)


def test_replace_leaves_nothing_but_what_was_loaded(conn: arrowsync.Connection) -> None:
    arrowsync.sync_table(sales(bad=()), Sale, conn)
    report = arrowsync.sync_table(sales(bad=(3, 4), add=7), Sale, conn, mode="replace", on_error="reject")
    assert rows_of(report) == [3, 4]
    assert stored(conn) == set(range(COUNT)) - {3, 4}
    assert (report.updated, report.deleted) == (COUNT - 2, 2)


def test_replace_without_a_key_deletes_once(conn: arrowsync.Connection) -> None:
    first = pa.table({"id": range(20), "level": [1] * 20})
    arrowsync.sync_table(first, Reading, conn, mode="insert")
    second = pa.table({"id": range(100, 130), "level": [5000 if row == 29 else row for row in range(30)]})
    report = arrowsync.sync_table(second, Reading, conn, mode="replace", on_error="reject")
    assert (report.deleted, report.inserted, rows_of(report)) == (20, 29, [29])
    assert stored(conn, Reading) == set(range(100, 129))


def test_rows_that_refer_to_nothing(conn: arrowsync.Connection) -> None:
    rows = sales(bad=()).set_column(1, "customer", pa.array([99 if row in BAD else row % 5 for row in range(COUNT)]))
    report = arrowsync.sync_table(rows, Sale, conn, on_error="reject")
    assert rows_of(report) == list(BAD)
    assert report.rejects is not None
    if "sqlite" in repr(conn):  # which says of no foreign key what it is
        assert set(values(report.rejects, "reason")) == {"FOREIGN KEY constraint failed"}
    else:
        assert set(values(report.rejects, "column")) == {"customer"}
        assert set(values(report.rejects, "value")) == {"99"}
    assert stored(conn) == set(range(COUNT)) - set(BAD)


def test_of_rows_with_the_same_unique_value_the_first_stays(conn: arrowsync.Connection) -> None:
    codes = [None if row % 2 else f"c{row}" for row in range(COUNT)]
    codes[101], codes[300] = "c100", "c100"
    report = arrowsync.sync_table(
        sales(bad=()).set_column(3, "code", pa.array(codes)), Sale, conn, on_error="reject", mode="insert"
    )
    assert rows_of(report) == [101, 300]
    assert adds_up(report)


def test_inserted_keys_that_are_there(conn: arrowsync.Connection) -> None:
    arrowsync.sync_table(sales(bad=()).slice(10, 2), Sale, conn)
    rows = sales(bad=()).set_column(3, "code", pa.nulls(COUNT, pa.string()))
    report = arrowsync.sync_table(rows, Sale, conn, on_error="reject", mode="insert")
    assert rows_of(report) == [10, 11]
    assert stored(conn) == set(range(COUNT))


def test_employees_before_their_bosses(conn: arrowsync.Connection, database_url: str) -> None:
    """A row isn't refused because what it refers to comes later; it is, if that is refused."""
    rows = pa.table(
        {
            "id": range(64),
            "boss": [row + 1 if row < 60 else None for row in range(63)] + [62],
            "age": [9 if row in (31, 62) else 40 for row in range(64)],
        }
    )
    report = arrowsync.sync_table(rows, Employee, conn, on_error="reject")
    if database_url.startswith("duckdb"):  # which refuses what refers to a row that comes with it
        assert rows_of(report) == [*range(60), 62, 63]
        assert stored(conn, Employee) == {60, 61}
        return
    # 0 to 30 report, one to the next, to 31, which is too young.
    assert rows_of(report) == [*range(32), 62, 63]
    assert stored(conn, Employee) == set(range(32, 62))


def test_both_kinds_of_rejects_are_told_by_their_rows(conn: arrowsync.Connection) -> None:
    quantities = ["x" if row in (5, 400) else "-1" if row in (6, 250) else "1" for row in range(COUNT)]
    rows = sales().set_column(2, "quantity", pa.array(quantities))
    report = arrowsync.sync_table(rows, Sale, conn, on_error="reject")
    assert rows_of(report) == [5, 6, 250, 400]
    assert (report.inserted, report.rejected) == (COUNT - 4, 4)


def test_rows_of_files_are_told_by_line(conn: arrowsync.Connection, tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text('id,customer,quantity,code\n1,1,1,"a\nb"\n2,2,0,c\nx,2,5,d\n4,2,-4,e\n')
    report = arrowsync.sync_table(file, Sale, conn, on_error="reject")
    assert report.rejects is not None
    assert values(report.rejects, "row") == [1, 2, 3]
    assert values(report.rejects, "line") == [4, 5, 6]
    assert {Path(name).name for name in values(report.rejects, "file")} == {"sales.csv"}
    assert stored(conn) == {1}


def test_too_many_are_a_failure(conn: arrowsync.Connection) -> None:
    with pytest.raises(ConversionError, match="max_rejects=4"):
        arrowsync.sync_table(sales(), Sale, conn, on_error="reject", max_rejects=4)
    assert arrowsync.discover(conn).table(ObjectName(None, "Sale")) is None
    assert arrowsync.sync_table(sales(), Sale, conn, on_error="reject", max_rejects=5).rejected == 5
    with pytest.raises(ConversionError, match="max_rejects=1"):
        arrowsync.sync_table(sales(bad=(8, 9), add=3), Sale, conn, on_error="reject", max_rejects=1)
    assert set(values(arrowsync.read_table(Sale, conn), "quantity")) == {1}


def test_the_table_is_left_alone_where_errors_are_raised(conn: arrowsync.Connection) -> None:
    with pytest.raises(arrowsync.ConstraintViolated):
        arrowsync.sync_table(sales(), Sale, conn)


def test_dedup_comes_before(conn: arrowsync.Connection) -> None:
    """The last of several rows with one key is the row; that it is refused doesn't bring an earlier one back."""
    rows = pa.concat_tables([sales(10, ()), sales(10, (4,), add=1)])
    report = arrowsync.sync_table(rows, Sale, conn, on_error="reject")
    assert rows_of(report) == [14]
    assert (report.inserted, report.duplicates) == (9, 10)
    assert adds_up(report)


def test_skipped_conflicts_are_no_rejects(conn: arrowsync.Connection) -> None:
    arrowsync.sync_table(sales(bad=()).slice(10, 2), Sale, conn)
    report = arrowsync.sync_table(sales(), Sale, conn, on_error="reject", mode="insert", on_conflict="skip")
    assert rows_of(report) == list(BAD)
    assert (report.skipped, report.inserted) == (2, COUNT - 2 - len(BAD))


def test_a_check_of_what_the_data_does_not_bring(conn: arrowsync.Connection) -> None:
    conn.execute("CREATE TABLE box (id bigint PRIMARY KEY, low bigint DEFAULT 10, high bigint, CHECK (low < high))")
    conn.execute("INSERT INTO box VALUES (1, 2, 5), (2, 2, 5)")
    rows = pa.table({"id": [1, 2, 3, 4], "high": [3, 1, 11, 9]})
    report = arrowsync.sync_table(rows, "box", conn, mode="upsert", on_error="reject")
    assert rows_of(report) == [1, 3]
    assert (report.inserted, report.updated) == (1, 1)
    assert arrowsync.read_table("box", conn).sort_by("id").to_pydict() == {
        "id": [1, 2, 3],
        "low": [2, 2, 10],
        "high": [3, 5, 11],
    }


def test_a_transaction_of_the_users_stays_theirs(conn: arrowsync.Connection) -> None:
    arrowsync.sync_table(sales(10, ()), Sale, conn)

    def load_and_fail() -> None:
        with conn.transaction():
            report = arrowsync.sync_table(sales(20, (4, 15), add=5), Sale, conn, on_error="reject")
            assert rows_of(report) == [4, 15]
            assert stored(conn) == set(range(20)) - {15}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load_and_fail()
    assert stored(conn) == set(range(10))


TRIGGERS = {
    "postgres": """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.level = 13 THEN RAISE EXCEPTION 'thirteen is bad luck'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER luck BEFORE INSERT OR UPDATE ON "Reading" FOR EACH ROW EXECUTE FUNCTION refuse()""",
    "mysql": """
        CREATE TRIGGER luck BEFORE INSERT ON Reading FOR EACH ROW
        IF NEW.level = 13 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'thirteen is bad luck'; END IF""",
}


@pytest.mark.parametrize("database", ["postgres", "postgres18", "mysql", "mariadb"])
def test_what_a_trigger_refuses(database: str, request: pytest.FixtureRequest) -> None:
    with arrowsync.connect(request.getfixturevalue(f"{database}_url")) as conn:
        arrowsync.migrate(Reading, conn)
        conn.execute(TRIGGERS["postgres" if database.startswith("postgres") else "mysql"])
        rows = pa.table({"id": range(40), "level": [13 if row % 20 == 7 else row + 100 for row in range(40)]})
        report = arrowsync.sync_table(rows, Reading, conn, on_error="reject")
        assert rows_of(report) == [7, 27]
        assert report.rejects is not None
        assert all("thirteen is bad luck" in reason for reason in values(report.rejects, "reason"))
        assert json.loads(values(report.rejects, "value")[0]) == {"id": "7", "level": "13"}
        assert stored(conn, Reading) == set(range(40)) - {7, 27}


@pytest.mark.parametrize("adbc", [False, True])
def test_constraints_that_are_deferred_and_domains(postgres_url: str, *, adbc: bool) -> None:
    with arrowsync.connect(postgres_url) as conn:
        conn.execute(
            """CREATE DOMAIN short AS text CHECK (length(VALUE) < 4);
            CREATE TABLE place (id bigint PRIMARY KEY);
            INSERT INTO place VALUES (1), (2);
            CREATE TABLE visit (id bigint PRIMARY KEY, name short,
                place bigint REFERENCES place DEFERRABLE INITIALLY DEFERRED)"""
        )
        rows = pa.table({"id": range(10), "name": ["long name" if row == 3 else "x" for row in range(10)]})
        rows = rows.append_column("place", pa.array([7 if row in (5, 6) else 1 for row in range(10)]))
        if adbc:
            with over_adbc.connected(postgres_url) as other:
                report = arrowsync.sync_table(rows, "visit", other, on_error="reject")
        else:
            report = arrowsync.sync_table(rows, "visit", conn, on_error="reject")
        assert rows_of(report) == [3, 5, 6]
        assert report.rejects is not None
        assert report.rejects.select(["column", "value"]).to_pylist()[1:] == [{"column": "place", "value": "7"}] * 2
        assert set(values(arrowsync.read_table("visit", conn), "id")) == {0, 1, 2, 4, 7, 8, 9}


@pytest.mark.parametrize("made", [True, False])
def test_over_several_connections(postgres_url: str, *, made: bool) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table([Customer(number, f"customer {number}") for number in range(5)], Customer, conn)
        if made:
            arrowsync.sync_table(sales(3, ()), Sale, conn)
        count = 20_000
        bad = (1, 5_000, 19_999)
        batches = iter(sales(count, bad, add=1).to_batches(max_chunksize=1_000))
        report = arrowsync.sync_table(
            pa.RecordBatchReader.from_batches(sales(1).schema, batches), Sale, conn, on_error="reject", parallel=3
        )
        assert rows_of(report) == list(bad)
        assert adds_up(report)
        assert len(stored(conn)) == count - (2 if made else 3)


def test_few_statements_find_few_rows(postgres_url: str) -> None:
    """One row in a hundred thousand, in less than eight times log8 of that many attempts."""
    with arrowsync.connect(postgres_url) as conn:
        conn.execute("CREATE SEQUENCE attempts; CREATE TABLE t (id bigint, level bigint CHECK (level < 5))")
        conn.execute(
            """CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM nextval('attempts'); RETURN NULL; END $$;
            CREATE TRIGGER counting BEFORE INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION count_it()"""
        )
        count = 100_000
        rows = pa.table({"id": range(count), "level": [9 if row == 70_000 else 1 for row in range(count)]})
        report = arrowsync.sync_table(rows, "t", conn, on_error="reject")
        assert rows_of(report) == [70_000]
        assert values(conn.fetch("SELECT last_value AS n FROM attempts"), "n")[0] < 50


def test_what_is_no_rows_fault_fails_the_load(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.migrate(Reading, conn)
        conn.execute(
            """CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM * FROM no_such_table; RETURN NEW; END $$;
            CREATE TRIGGER broken BEFORE INSERT ON "Reading" FOR EACH ROW EXECUTE FUNCTION broken()"""
        )
        with pytest.raises(arrowsync.DatabaseError, match="no_such_table"):
            arrowsync.sync_table(pa.table({"id": [1, 2], "level": [1, 2]}), Reading, conn, on_error="reject")
