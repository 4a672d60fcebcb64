"""Live columns of MySQL and MariaDB that are altered: what a declaration doesn't say of them stays, or nothing is altered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, make_dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import pytest
from contract.mysql.mysql_live import Live, connected

import arrowsync
from arrowsync import (
    ConstraintViolated,
    ConversionError,
    MaxLength,
    MigrationError,
    PrimaryKey,
    RenamedFrom,
    TimeZone,
    UnsupportedChange,
    int32,
)

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
MOMENT = datetime(2024, 1, 1, 12, tzinfo=UTC)
Short: TypeAlias = Annotated[str | None, MaxLength(50)]
Instant: TypeAlias = Annotated[datetime | None, TimeZone("UTC")]


@dataclass
class Database:
    """A database, by a connection that has nothing to do with the library, and by its URL."""

    server: Live
    url: str

    def column(self, table: str, name: str) -> dict[str, Any]:
        """What the server says of a column."""
        (row,) = [row for row in self.server.about("columns", table) if row["column_name"] == name]
        shown = {
            part: row[part] for part in ("column_type", "is_nullable", "column_default", "extra", "column_comment")
        }
        return {part: value.lower() if isinstance(value, str) else value for part, value in shown.items()}


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[Database]:
    url: str = request.getfixturevalue(URLS[request.param])
    with connected(request.param, url) as server:
        yield Database(server, url)


def declared(comment: str | None = None, **columns: Any) -> type:
    """The class of a table `t`, with a key `id`; the comment is that of its other columns."""
    made: type = make_dataclass(
        "t", [("id", PrimaryKey[int32]), *((name, kind, None) for name, kind in columns.items())]
    )
    made.__doc__ = "".join(f":param {name}: {comment}\n" for name in columns) if comment else None
    return made


# ---- checks


def test_a_check_of_a_column_holds_when_it_is_altered(live: Database) -> None:
    live.server.query(
        "CREATE TABLE t (id int PRIMARY KEY, n varchar(10) DEFAULT 'x' CHECK (n <> 'it''s \\\\ bad'), v int CHECK (v > 0))"
    )
    table = declared("About it.", n=Short, v=int | None)
    report = arrowsync.sync_table([{"id": 1, "n": "good", "v": 1}], table, live.url)
    assert report.inserted == 1
    assert live.column("t", "n")["column_type"] == "varchar(50)"
    assert live.column("t", "n")["column_comment"] == "about it."
    assert live.column("t", "v")["column_type"].startswith("bigint")
    for bad in ({"id": 2, "n": "it's \\ bad", "v": 1}, {"id": 2, "n": "good", "v": -5}):
        with pytest.raises(ConstraintViolated):
            arrowsync.sync_table([bad], table, live.url)
    assert live.server.query("SELECT id FROM t") == [{"id": 1}]


def test_a_comment_alone_leaves_the_check(live: Database) -> None:
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, n varchar(10) CHECK (n <> 'bad'))")
    table = declared("About it.", n=Annotated[str | None, MaxLength(10)])
    with pytest.raises(ConstraintViolated):
        arrowsync.sync_table([{"id": 1, "n": "bad"}], table, live.url)
    assert live.column("t", "n")["column_comment"] == "about it."


# ---- times


def test_a_timestamp_stays_one(live: Database) -> None:
    live.server.query("SET time_zone = '+05:30'")
    live.server.query(
        "CREATE TABLE t (id int PRIMARY KEY, at timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)"
    )
    live.server.query("INSERT INTO t VALUES (1, '2024-01-01 12:00:00')")
    before = live.column("t", "at")
    table = declared(at=Instant)
    assert arrowsync.sync_table([{"id": 2, "at": MOMENT}], table, live.url).inserted == 1
    assert live.column("t", "at") == before
    assert live.server.query("SELECT CAST(at AS CHAR) AS at FROM t ORDER BY id") == [
        {"at": "2024-01-01 12:00:00"},
        {"at": "2024-01-01 17:30:00"},
    ]
    moments = arrowsync.read_table(table, live.url).column("at").to_pylist()
    assert moments == [datetime(2024, 1, 1, 6, 30, tzinfo=UTC), MOMENT]
    assert arrowsync.sync_table([{"id": 2, "at": MOMENT}], table, live.url).unchanged == 1


def test_what_a_timestamp_can_not_hold_is_refused(live: Database) -> None:
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, at timestamp NULL)")
    before = live.column("t", "at")
    for bad in (MOMENT.replace(microsecond=1), MOMENT.replace(year=2039)):
        with pytest.raises(ConversionError) as caught:
            arrowsync.sync_table([{"id": 1, "at": bad}], declared(at=Instant), live.url)
        assert (caught.value.column, caught.value.rows) == ("at", (0,))
    with pytest.raises(arrowsync.ArrowSyncError) as refused:  # which moment is it?
        arrowsync.sync_table([{"id": 1, "at": datetime(2024, 1, 1)}], declared(at=datetime | None), live.url)
    assert "at" in refused.value.message
    assert refused.value.hint
    with pytest.raises(MigrationError, match=r"t\.at") as caught_all:
        arrowsync.sync_table([{"id": 1, "at": MOMENT}], declared(at=Instant), live.url, schema_changes="all")
    assert "by hand" in (caught_all.value.hint or "")
    assert live.column("t", "at") == before
    assert live.server.query("SELECT id FROM t") == []


def test_a_timestamp_that_gets_a_comment_stays_as_it_was(live: Database) -> None:
    """Without a word for it, some servers take it for NOT NULL, with the present time as default."""
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, at timestamp(3) NULL)")
    before = live.column("t", "at")
    arrowsync.migrate(declared("About it.", at=Instant), live.url)
    assert live.column("t", "at") == before | {"column_comment": "about it."}


@pytest.mark.parametrize("product", ["datetime", "datetime(3)"])
def test_the_present_time_gets_the_digits_of_its_column(live: Database, product: str) -> None:
    now = product.replace("datetime", "CURRENT_TIMESTAMP")
    live.server.query(
        f"CREATE TABLE t (id int PRIMARY KEY, at {product} DEFAULT {now}, "
        f"changed {product} NOT NULL DEFAULT {now} ON UPDATE {now}, updated {product} NULL ON UPDATE {now}, "
        f"fixed {product} DEFAULT '2000-01-01 00:00:00')"
    )
    kinds = {"at": datetime | None, "updated": datetime | None, "fixed": datetime | None}
    table = make_dataclass(
        "t", [("id", PrimaryKey[int32]), ("changed", datetime), *((name, kind, None) for name, kind in kinds.items())]
    )
    arrowsync.sync_table([{"id": 1, "changed": datetime(2024, 1, 1)}], table, live.url)
    for name in ("at", "changed", "updated", "fixed"):
        assert live.column("t", name)["column_type"] == "datetime(6)"
    for name in ("at", "changed"):
        assert live.column("t", name)["column_default"] == "current_timestamp(6)"
    for name in ("changed", "updated"):
        assert "on update current_timestamp(6)" in live.column("t", name)["extra"]
    assert live.column("t", "changed")["is_nullable"] == "no"
    assert "2000-01-01 00:00:00" in live.column("t", "fixed")["column_default"]
    assert "on update" not in live.column("t", "at")["extra"] + live.column("t", "fixed")["extra"]
    live.server.query("UPDATE t SET at = '2000-01-01'")
    (row,) = live.server.query("SELECT changed > '2024-01-01' AND updated > '2024-01-01' AS later FROM t")
    assert row["later"] == 1


def test_a_change_to_the_row_still_sets_a_column_without_default(live: Database) -> None:
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, at datetime NULL ON UPDATE CURRENT_TIMESTAMP, n int)")
    arrowsync.migrate(declared(at=datetime | None), live.url)
    shown = live.column("t", "at")
    assert (shown["column_type"], shown["is_nullable"], shown["column_default"]) in [
        ("datetime(6)", "yes", None),
        ("datetime(6)", "yes", "null"),
    ]
    live.server.query("INSERT INTO t VALUES (1, NULL, 1)")
    live.server.query("UPDATE t SET n = 2")
    assert live.server.query("SELECT at IS NOT NULL AS said FROM t") == [{"said": 1}]


def test_a_default_that_is_an_expression_stays_one(live: Database) -> None:
    live.server.query(
        "CREATE TABLE t (id int PRIMARY KEY, at datetime DEFAULT (now() + INTERVAL 1 DAY), n varchar(30) DEFAULT (now()))"
    )
    arrowsync.migrate(declared(at=datetime | None, n=Short), live.url)
    assert [live.column("t", name)["column_type"] for name in ("at", "n")] == ["datetime(6)", "varchar(50)"]
    live.server.query("INSERT INTO t (id) VALUES (1)")
    assert live.server.query("SELECT at > now() + INTERVAL 1 HOUR AS later, n LIKE '20__-%' AS told FROM t") == [
        {"later": 1, "told": 1}
    ]


# ---- what else a column is


def test_an_invisible_column_stays_invisible(live: Database) -> None:
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, n varchar(10) DEFAULT 'x' INVISIBLE)")
    arrowsync.migrate(declared("About it.", n=Short), live.url)
    assert live.column("t", "n")["column_type"] == "varchar(50)"
    assert live.column("t", "n")["column_default"] in ("x", "'x'")
    live.server.query("INSERT INTO t (id) VALUES (1)")
    assert live.server.query("SELECT * FROM t") == [{"id": 1}]


def test_the_day_zero_is_no_default_that_could_be_given_again(live: Database) -> None:
    live.server.query("SET sql_mode = ''")
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, at datetime NOT NULL DEFAULT 0)")
    before = live.column("t", "at")
    table = make_dataclass("t", [("id", PrimaryKey[int32]), ("at", datetime)])
    with pytest.raises(MigrationError, match=r"t\.at .*0000-00-00"):
        arrowsync.sync_table([{"id": 1, "at": datetime(2024, 1, 1)}], table, live.url)
    assert live.column("t", "at") == before


def test_a_comment_brings_no_change_that_is_left(live: Database) -> None:
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, n varchar(90) DEFAULT 'x', v bigint)")
    before = {name: live.column("t", name) for name in "nv"}
    table = make_dataclass("t", [("id", PrimaryKey[int32]), ("n", Annotated[str, MaxLength(50)]), ("v", int32)])
    table.__doc__ = ":param n: About it.\n:param v: About it."
    plan = arrowsync.migrate(table, live.url)
    assert len(plan.left) == 4
    for name in "nv":
        assert live.column("t", name) == before[name] | {"column_comment": "about it."}


@pytest.mark.parametrize(
    ("column", "kind", "lost"),
    [
        ("int ZEROFILL", int | None, "ZEROFILL"),
        ("int AS (id * 2)", int | None, "VIRTUAL GENERATED"),
        ("varchar(10) COMPRESSED", Short, "COMPRESSED"),
    ],
)
def test_what_can_not_be_said_again_is_not_altered(live: Database, column: str, kind: Any, lost: str) -> None:
    if lost == "COMPRESSED" and live.server.is_mysql:
        column, lost = "int unsigned ZEROFILL", "ZEROFILL"  # it has nothing of the kind
    live.server.query(f"CREATE TABLE t (id int PRIMARY KEY, n {column})")
    before = live.column("t", "n")
    for comment in (None, "About it."):
        with pytest.raises(MigrationError) as caught:
            arrowsync.migrate(declared(comment, n=kind), live.url, schema_changes="all")
        assert "t.n" in caught.value.message
        assert lost in caught.value.message
        assert "by hand" in (caught.value.hint or "")
    assert live.column("t", "n") == before


def test_a_column_with_words_of_its_own_is_renamed_or_altered_not_both(live: Database) -> None:
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, a datetime(6) NULL ON UPDATE CURRENT_TIMESTAMP(6), b int)")
    before = live.server.query("SHOW CREATE TABLE t")
    wider = make_dataclass(
        "t", [("id", PrimaryKey[int]), ("z", Annotated[str | None, RenamedFrom("a")]), ("b", int32 | None)]
    )
    with pytest.raises(UnsupportedChange, match=r"t\.z has words that may name it as it was called"):
        arrowsync.migrate(wider, live.url, schema_changes="all")
    assert live.server.query("SHOW CREATE TABLE t") == before  # the key hasn't become wider either
    renamed = make_dataclass(
        "t", [("id", PrimaryKey[int]), ("z", Annotated[datetime | None, RenamedFrom("a")]), ("b", int32 | None)]
    )
    arrowsync.migrate(renamed, live.url)
    assert live.column("t", "z")["extra"] == "on update current_timestamp(6)"
    assert live.column("t", "id")["column_type"].startswith("bigint")


def test_a_comment_that_can_not_be_set_can_be_left(live: Database) -> None:
    live.server.query("CREATE TABLE t (id int PRIMARY KEY, n int unsigned ZEROFILL)")
    table = declared("About it.", n=arrowsync.uint32 | None)
    with pytest.raises(MigrationError, match="ZEROFILL") as caught:
        arrowsync.sync_table([{"id": 1, "n": 5}], table, live.url)
    assert 'schema_changes="none"' in (caught.value.hint or "")
    assert arrowsync.sync_table([{"id": 1, "n": 5}], table, live.url, schema_changes="none").inserted == 1


def test_the_words_for_it_may_be_labels_and_values(live: Database) -> None:
    kinds = "enum('x zerofill','compressed', 'INVISIBLE')"
    live.server.query(
        f"CREATE TABLE t (id int PRIMARY KEY, e {kinds}, d varchar(10) DEFAULT '0000-00-00', b varchar(5))"
    )
    live.server.query("ALTER TABLE t MODIFY b varchar(5) COMMENT 'on update now() zerofill'")
    arrowsync.migrate(declared("About it.", d=Short, b=Short), live.url)
    assert [live.column("t", name)["column_type"] for name in "db"] == ["varchar(50)", "varchar(50)"]
    with arrowsync.connect(live.url) as conn:
        (table,) = arrowsync.discover(conn).tables
    assert [column.unknown_attributes for column in table.columns] == [None] * 4


def test_a_compressed_column_is_loaded_as_it_is(mariadb_url: str) -> None:
    """Of MariaDB: MySQL has nothing of the kind."""
    with connected("mariadb", mariadb_url) as server:
        live = Database(server, mariadb_url)
        server.query("CREATE TABLE t (id int PRIMARY KEY, n varchar(50) COMPRESSED)")
        before = live.column("t", "n")
        assert arrowsync.sync_table([{"id": 1, "n": "x"}], declared(n=Short), live.url).inserted == 1
        assert arrowsync.read_table("t", live.url).to_pylist() == [{"id": 1, "n": "x"}]
        assert live.column("t", "n") == before


# ---- discovery


def test_a_type_without_a_declaration_is_named_with_its_table(live: Database) -> None:
    live.server.script("CREATE TABLE fine (id int PRIMARY KEY); CREATE TABLE odd (id int PRIMARY KEY, b bit(8))")
    catalog = arrowsync.discover(live.url)
    assert [str(table.name) for table in catalog.tables] == ["fine", "odd"]
    source = arrowsync.to_source(catalog, live.server.language.name)
    assert "# bit(8) in the database" in source.partition("class odd")[2]
