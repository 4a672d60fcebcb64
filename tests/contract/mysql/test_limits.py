"""What MySQL and MariaDB can't hold is refused at the declaration; and the limits are true: up to them the servers take all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from contract.mysql.mysql_live import Live, assert_is_there, connected, form

from arrowsync.catalog import Catalog
from arrowsync.declare.spec import CheckSpec, ColumnSpec, ForeignKeySpec, IndexSpec, Reference, TableSpec
from arrowsync.dialects import language_for
from arrowsync.errors import DeclarationError
from arrowsync.generate.catalog import target_catalog
from arrowsync.generate.modes import Limits
from arrowsync.migration.diff import diff

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
ENUM = pa.dictionary(pa.int32(), pa.string())
ID = ColumnSpec("id", pa.int64())


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with connected(request.param, request.getfixturevalue(URLS[request.param])) as live:
        yield live


def table(*columns: ColumnSpec, key: tuple[str, ...] = (), name: str = "t", **more: Any) -> TableSpec:
    return TableSpec(name, columns, key=key, **more)


def text(name: str, length: int | None = None, **more: Any) -> ColumnSpec:
    return ColumnSpec(name, pa.string(), max_length=length, **more)


def numbers(count: int) -> list[ColumnSpec]:
    return [ColumnSpec(f"c{at}", pa.int16()) for at in range(count)]


def number(name: str, **more: Any) -> ColumnSpec:
    return ColumnSpec(name, pa.int64(), **more)


def to(name: str, arrow: pa.DataType, **more: Any) -> ColumnSpec:
    """A column that refers to the table `p`."""
    return ColumnSpec(name, arrow, references=(Reference("p", ("id",), **more),), nullable=True)


@dataclass(frozen=True)
class Limit:
    """What the servers take, what is one too many, the field that is named, and a part of what is said about it.

    `refused_by` are the servers that would answer with an error; the others would take it for something else.
    """

    taken: tuple[TableSpec, ...]
    refused: tuple[TableSpec, ...]
    field: str | None
    said: str
    refused_by: tuple[str, ...] = ("mysql", "mariadb")
    known_to: tuple[str, ...] = ("mysql", "mariadb")


PARENT = table(ID, text("code", 9), key=("id",), unique=(("code",),), name="p")
ALL_INDEXED = [IndexSpec((f"c{at}",)) for at in range(70)]

LIMITS: dict[str, Limit] = {
    "text in the primary key": Limit((table(text("k", 768), key=("k",)),), (table(text("k"), key=("k",)),), "k", "mediumtext"),
    "bytes in a unique key": Limit(
        (table(ColumnSpec("k", pa.binary(), max_length=3072), unique=(("k",),)),),
        (table(ColumnSpec("k", pa.binary()), unique=(("k",),)),),
        "k",
        "longblob, which has no greatest length",
        ("mysql",),  # MariaDB would keep a hash, which no foreign key and no merge can use
    ),
    "text in an index": Limit(
        (table(text("k", 768), indexes=(IndexSpec(("k",)),)),),
        (table(text("k"), indexes=(IndexSpec(("k",)),)),),
        "k",
        "the index 'ix_t_k' can't be on a column of type mediumtext",
        ("mysql",),  # MariaDB would index the first characters, with a warning
    ),
    "json in an index": Limit(
        (), (table(ColumnSpec("k", pa.json_()), indexes=(IndexSpec(("k",)),)),), "k", "json", ("mysql",)
    ),
    "bytes of a key": Limit(
        (table(text("k", 768), key=("k",)),), (table(text("k", 769), key=("k",)),), "k", "3076 bytes, and MySQL allows 3072"
    ),
    "bytes of a key of several": Limit(
        (table(text("a", 500), text("b", 266), ID, key=("a", "b", "id")),),
        (table(text("a", 500), text("b", 267), ID, key=("a", "b", "id")),),
        "id",
        "3076 bytes",
    ),
    "columns of a key": Limit(
        (table(*numbers(20), indexes=(IndexSpec(tuple(f"c{at}" for at in range(16))),)),),
        (table(*numbers(20), indexes=(IndexSpec(tuple(f"c{at}" for at in range(17))),)),),
        None,
        "17 columns",
        ("mysql",),
    ),
    "keys": Limit(
        (table(*numbers(70), key=("c69",), indexes=tuple(ALL_INDEXED[:63])),),
        (table(*numbers(70), key=("c69",), indexes=tuple(ALL_INDEXED[:64])),),
        None,
        "65 keys and indexes",
    ),
    "columns": Limit((table(*numbers(1017)),), (table(*numbers(1018)),), None, "1018 columns"),
    "bytes of a row": Limit(
        (table(text("a", 16_000), text("b", 382), ColumnSpec("c", pa.int16()), key=("c",)),),
        (table(text("a", 16_000), text("b", 383), ColumnSpec("c", pa.int16()), key=("c",)),),
        "a",
        "a row takes up to 65538 bytes",
    ),
    "characters of a column's comment": Limit(
        (table(number("a", comment="é" * 1024)),), (table(number("a", comment="é" * 1025)),), "a", "1025 characters"
    ),
    "characters of a table's comment": Limit(
        (table(ID, comment="é" * 2048),), (table(ID, comment="é" * 2049),), None, "2049 characters"
    ),
    "letters of a file name": Limit((table(ID, name="中" * 50),), (table(ID, name="中" * 51),), None, "255 bytes"),
    "a number that is no key": Limit(
        (table(number("n", identity=True), ID, key=("id",), unique=(("n", "id"),)),),
        (table(number("n", identity=True), ID, key=("id",), unique=(("id", "n"),)),),
        "n",
        "numbers only a column that is a key",
    ),
    "two numbers": Limit(
        (),
        (table(number("n", identity=True), number("m", identity=True), key=("n",), unique=(("m",),)),),
        "n",
        "numbers one column",
    ),
    "a check of a number": Limit(
        (),
        (table(number("n", identity=True), key=("n",), checks=(CheckSpec("{n} > 0"),)),),
        "n",
        "no check of a column that it numbers",
    ),
    "on delete set default": Limit(
        (), (PARENT, table(to("p", pa.int64(), on_delete="set default"))), "p", "SET DEFAULT", ()
    ),
    "on delete set null": Limit(
        (PARENT, table(to("p", pa.int64(), on_delete="set null"))),
        (PARENT, table(replace(to("p", pa.int64(), on_delete="set null"), nullable=False))),
        "p",
        "can't be NULL",
    ),
    "a check of a column that is set to null": Limit(
        (PARENT, table(to("p", pa.int64(), on_delete="cascade"), checks=(CheckSpec("{p} > 0"),))),
        (PARENT, table(to("p", pa.int64(), on_delete="set null"), checks=(CheckSpec("{p} > 0"),))),
        "p",
        "no check",
    ),
    "a reference of another type": Limit((), (PARENT, table(to("p", pa.uint64()))), "p", "isn't bigint, that of p.id"),
    "a reference to a longer text": Limit(
        (PARENT, table(text("c", 20), foreign_keys=(ForeignKeySpec(("c",), Reference("p", ("code",))),))),
        (PARENT, table(ID, text("c", 9), foreign_keys=(ForeignKeySpec(("id", "c"), Reference("p", ("id", "code"))),))),
        "id",
        "is no key of p",
    ),
    "columns that differ in case": Limit(
        (table(number("straße"), number("strasse"), number("e"), number("é")),),
        (table(number("été"), number("ÉTÉ")),),
        "ÉTÉ",
        "takes 'ÉTÉ' and 'été' for one",
    ),
    "tables that differ in case": Limit((), (table(ID, name="User"), table(ID, name="user")), None, "'User'", ()),
    "constraints of one name": Limit(
        (table(ID, checks=(CheckSpec("{id} > 0", "c"),), indexes=(IndexSpec(("id",), name="c"),)),),
        (table(ID, checks=(CheckSpec("{id} > 0", "c"),)), table(ID, name="u", checks=(CheckSpec("{id} > 1", "C"),))),
        None,
        "'C' is called as one of 't'",
        ("mysql",),
    ),
    "indexes of one name": Limit(
        (table(ID, indexes=(IndexSpec(("id",), name="i"),)), table(ID, name="u", indexes=(IndexSpec(("id",), name="i"),))),
        (table(ID, indexes=(IndexSpec(("id",), name="i"), IndexSpec(("id",), name="I")),),),
        None,
        "2 constraints or indexes are called 'i'",
    ),
    "an index called primary": Limit((), (table(ID, indexes=(IndexSpec(("id",), name="Primary"),)),), None, "'Primary'"),
    "a column of InnoDB's": Limit((), (table(number("Db_Row_Id")),), "Db_Row_Id", "keeps this name"),
    "an index on an expression": Limit(
        (), (table(text("a", 9), indexes=(IndexSpec(("lower({a})",)),)),), None, "expression", ("mariadb",), ("mariadb",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_refused_is_what_the_server_can_not_hold(live: Live, name: str) -> None:
    limit = LIMITS[name]
    if limit.taken:
        assert_is_there(live, live.create(*limit.taken))
        live.drop_all()
    if live.language.name not in limit.known_to:
        assert_is_there(live, live.create(*limit.refused))
        return
    with pytest.raises(DeclarationError) as caught:
        form(live.language, limit.refused)
    assert limit.said in caught.value.message
    assert caught.value.field == limit.field
    assert caught.value.table in {spec.name for spec in limit.refused}
    assert caught.value.hint
    assert refuses(live, *limit.refused) == (live.language.name in limit.refused_by)


def refuses(live: Live, *specs: TableSpec) -> bool:
    """Whether the server itself refuses the tables, or warns that it takes them for something else."""
    server = live.language.server
    unchecked = Limits(namespaces=False, bounded_text=True)
    catalog = target_catalog(specs, lambda column, owner: live.language.to_column(column, owner, server), unchecked)
    quoting = live.language.quoting(server)
    statements = [s.text(quoting) for change in diff(Catalog(), catalog) for s in live.language.render(change)]
    try:
        for statement in statements:
            live.query(statement)
    except pymysql.err.MySQLError:
        return True
    return False


PAGES: dict[str, tuple[ColumnSpec, int, int]] = {
    "text": (text("", nullable=True), 196, 383),
    "required text": (text(""), 197, 385),
    "json": (ColumnSpec("", pa.json_(), nullable=True), 196, 383),
    "text of 9": (text("", 9, nullable=True), 218, 218),
    "text of 20": (text("", 20, nullable=True), 196, 99),
    "text of 63": (text("", 63, nullable=True), 196, 32),
    "text of 64": (text("", 64, nullable=True), 196, 253),
    "bytes": (ColumnSpec("", pa.binary(), max_length=39, nullable=True), 201, 201),
    "decimals": (ColumnSpec("", pa.decimal128(38, 9)), 476, 476),
}
"""What a table without a key is made of, and how many of them MySQL and MariaDB take."""


@pytest.mark.parametrize("name", PAGES)
def test_as_many_columns_as_a_page_or_row_takes(live: Live, name: str) -> None:
    spec, *counts = PAGES[name]
    count = counts[0 if live.is_mysql else 1]
    columns = [replace(spec, name=f"c{at}") for at in range(count + 1)]
    form(live.language, [table(*columns[:-1])])
    assert not refuses(live, table(*columns[:-1]))
    live.drop_all()
    with pytest.raises(DeclarationError, match="bytes"):
        form(live.language, [table(*columns)])
    assert refuses(live, table(*columns))


@pytest.mark.parametrize("dialect", URLS)
def test_decimals_have_as_many_digits_as_the_server_has(dialect: str) -> None:
    language = language_for(dialect)
    scale = 30 if dialect == "mysql" else 38
    assert form(language, [table(ColumnSpec("d", pa.decimal256(65, scale)))]).tables[0].columns[0].type.args == (
        65,
        scale,
    )
    for precision, digits in ((66, 0), (65, scale + 1)):
        with pytest.raises(DeclarationError, match=rf"t\.d: .*, and not {precision} and {digits}"):
            form(language, [table(ColumnSpec("d", pa.decimal256(precision, digits)))])


@pytest.mark.parametrize("dialect", URLS)
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ColumnSpec("c", ENUM, labels=("a", "b ")), "the enum label 'b ' ends in a space"),
        (ColumnSpec("c", ENUM, labels=("x" * 256,)), "256 characters, and MySQL takes 255"),
        (ColumnSpec("c", ENUM, labels=tuple(map(str, range(65_536)))), "65536 labels"),
        (ColumnSpec("c", pa.string(), max_length=1 << 30), "a longtext holds 4294967295"),
        (ColumnSpec("c", pa.binary(), max_length=1 << 32), "a longblob holds 4294967295"),
        (ColumnSpec("c", pa.float64(), identity=True), "an identity column can't be double"),
        (ColumnSpec("c", pa.month_day_nano_interval()), "no type for Arrow's"),
        (ColumnSpec("c", pa.timestamp("ns")), "no type for Arrow's"),
        (ColumnSpec("c", pa.decimal128(5, -2)), "no type for Arrow's"),
    ],
)
def test_columns_without_a_home_are_refused(dialect: str, spec: ColumnSpec, said: str) -> None:
    with pytest.raises(DeclarationError, match=r"t\.c: ") as caught:
        form(language_for(dialect), [table(spec)])
    assert said in caught.value.message
    assert (caught.value.table, caught.value.field) == ("t", "c")
    assert caught.value.hint


def test_labels_that_are_refused_would_not_be_stored(live: Live) -> None:
    live.query("CREATE TABLE t (e enum('a ') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)")
    assert "enum('a')" in live.query("SHOW CREATE TABLE t")[0]["create table"]
    if live.is_mysql:  # MariaDB takes longer ones; a declaration is to fit both
        assert live.refusal(f"CREATE TABLE u (e enum({live.value('x' * 256)}))") is not None
    assert live.refusal(f"CREATE TABLE u (e enum({live.value('é' * 255)}) CHARACTER SET utf8mb4)") is None
