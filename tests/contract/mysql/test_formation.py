"""MySQL and MariaDB: what a script creates is what was declared, as the server's own views say, and it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from contract.mysql.mysql_live import Live, assert_is_there, collation_of, connected, form
from formation.features import FEATURES

from arrowsync.catalog import Catalog, Column, DefaultValue, ObjectName, SqlType, UniqueKey
from arrowsync.declare.spec import (
    CheckSpec,
    ColumnSpec,
    ForeignKeySpec,
    IndexSpec,
    LookupSpec,
    Reference,
    StructSpec,
    TableSpec,
)
from arrowsync.dialects import language_for
from arrowsync.migration.changes import (
    AddColumn,
    AddForeignKey,
    AddUnique,
    AlterType,
    CreateTable,
    DropColumn,
    DropNotNull,
    RenameColumn,
    SetComment,
    SetKey,
    SetNotNull,
)
from arrowsync.migration.diff import diff
from arrowsync.options import ArrayMode, EnumMode, GeneratorOptions, StructMode
from arrowsync.sync.ddl import form_catalog, script_of

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
ENUM = pa.dictionary(pa.int32(), pa.string())
ID = ColumnSpec("id", pa.int64())
COLOR = ColumnSpec("color", ENUM, labels=("red", "green"), enum_name="Color")
DUPLICATE, NOT_NULL, NO_VALUE, NO_PARENT, HAS_CHILD, BAD_LABEL = 1062, 1048, 1364, 1452, 1451, 1265
CHECKED = {"mysql": 3819, "mariadb": 4025}


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with connected(request.param, request.getfixturevalue(URLS[request.param])) as live:
        yield live


def table(name: str, *columns: ColumnSpec, key: tuple[str, ...] = ("id",), **more: Any) -> TableSpec:
    return TableSpec(name, columns, key=key, **more)


def list_of(name: str, element: ColumnSpec, *, unordered: bool = False) -> ColumnSpec:
    item = replace(element, name="item")
    return ColumnSpec(name, pa.list_(item.arrow_field), element=item, unordered=unordered)


@pytest.mark.parametrize(
    ("dialect", "name"),
    [(dialect, name) for dialect in URLS for name, feature in FEATURES.items() if dialect not in feature.not_in],
)
def test_every_feature_is_formed_as_it_is_declared(dialect: str, name: str, request: pytest.FixtureRequest) -> None:
    feature, language = FEATURES[name], language_for(dialect)
    catalog = form_catalog(feature.tables, language, feature.options)
    with connected(dialect, request.getfixturevalue(URLS[dialect])) as live:
        live.script(script_of(catalog, language))
        assert_is_there(live, catalog)


# ---- enums, structs, arrays


@pytest.mark.parametrize("mode", [EnumMode.INLINE, EnumMode.CHECK, EnumMode.RELATION])
def test_an_enum_takes_its_labels_and_no_others(live: Live, mode: EnumMode) -> None:
    labels = ("red", "it's", "back\\slash", 'a"b', "x,y", "😀", "", "Red", "two\nlines", " led")
    color = ColumnSpec("color", ENUM, labels=labels, enum_name="Color", enum_comment="Of paint.", default="😀")
    spec = table("paint", ID, color, replace(color, name="other", nullable=True, default=None))
    assert_is_there(live, live.create(spec, options=GeneratorOptions(enum_mode=mode, initialize_tables=True)))
    live.query("INSERT INTO paint (id) VALUES (0)")
    numbers = {label: str(at) for at, label in enumerate(labels, start=1)}
    for at, label in enumerate(labels, start=1):
        value = numbers[label] if mode is EnumMode.RELATION else live.value(label)
        live.query(f"INSERT INTO paint (id, color) VALUES ({at}, {value})")
    bad = {EnumMode.INLINE: BAD_LABEL, EnumMode.CHECK: CHECKED[live.language.name], EnumMode.RELATION: NO_PARENT}
    for wrong in ("'RED'", "'blue'") if mode is not EnumMode.RELATION else ("0", "99"):
        assert live.refusal(f"INSERT INTO paint (id, color) VALUES (100, {wrong})") == bad[mode]
    assert live.refusal("INSERT INTO paint (id, color) VALUES (100, NULL)") == NOT_NULL
    joined = "JOIN Color ON Color.id = paint.color" if mode is EnumMode.RELATION else ""
    column = "Color.value" if mode is EnumMode.RELATION else "paint.color"
    stored = [row["label"] for row in live.query(f"SELECT {column} AS label FROM paint {joined} ORDER BY paint.id")]
    assert stored == ["😀", *labels]


@pytest.mark.parametrize("initialize", [True, False])
def test_enums_that_are_always_tables(live: Live, initialize: bool) -> None:
    open_ended = replace(COLOR, name="open", lookup=LookupSpec(extensible=True))
    columns = (ColumnSpec("name", pa.string(), max_length=20), ColumnSpec("mass", pa.float64()))
    planet = ColumnSpec(
        "planet",
        ENUM,
        labels=("MARS", "VENUS"),
        enum_name="Planet",
        lookup=LookupSpec(columns=columns, rows=(("it's Mars \\", 6.4171e23), ("Venus", 4.8675e24))),
    )
    options = GeneratorOptions(initialize_tables=initialize)
    assert_is_there(live, live.create(table("t", ID, open_ended, planet, list_of("all", planet)), options=options))
    live.query("INSERT INTO Color (value) VALUES ('blue')")
    assert live.refusal("INSERT INTO Color (value) VALUES ('blue')") == DUPLICATE
    live.query("INSERT INTO Color (value) VALUES ('Blue')")


@pytest.mark.parametrize("unordered", [True, False])
@pytest.mark.parametrize("mode", [EnumMode.INLINE, EnumMode.CHECK, EnumMode.RELATION])
def test_lists_and_sets_of_an_enum_are_joined(live: Live, mode: EnumMode, unordered: bool) -> None:
    options = GeneratorOptions(enum_mode=mode, array_mode=ArrayMode.RELATION, initialize_tables=True)
    spec = table("t", ID, list_of("colors", COLOR, unordered=unordered))
    assert_is_there(live, live.create(spec, options=options))
    live.query("INSERT INTO t (id) VALUES (1)")
    red, wrong = ("1", "9") if mode is EnumMode.RELATION else ("'red'", "'blue'")
    columns, before = ("t_id, value", "1") if unordered else ("t_id, position, value", "1, 0")
    live.query(f"INSERT INTO t_colors ({columns}) VALUES ({before}, {red})")
    assert live.refusal(f"INSERT INTO t_colors ({columns}) VALUES ({before}, {red})") == DUPLICATE
    bad = {EnumMode.INLINE: BAD_LABEL, EnumMode.CHECK: CHECKED[live.language.name], EnumMode.RELATION: NO_PARENT}
    second = "1" if unordered else "1, 1"
    assert live.refusal(f"INSERT INTO t_colors ({columns}) VALUES ({second}, {wrong})") == bad[mode]
    live.query("DELETE FROM t")
    assert live.query("SELECT * FROM t_colors") == []


def test_a_json_list_of_labels_holds_nothing_else(live: Live) -> None:
    labels = ("red", "it's", "back\\slash", '"', "😀")
    color = ColumnSpec("c", ENUM, labels=labels, enum_name="Color")
    options = GeneratorOptions(enum_mode=EnumMode.CHECK)
    live.create(table("t", ID, replace(list_of("colors", color), nullable=True)), options=options)
    for good in ([], ["red"], list(labels), ["red", "red"], None):
        live.query(f"INSERT INTO t VALUES ((SELECT COUNT(*) FROM t AS u), {live.value(good)})")
    for wrong in (["blue"], ["red", "Red"], [["red"]], [None], {"red": 1}, [1]):
        assert live.refusal(f"INSERT INTO t VALUES (99, {live.value(wrong)})") == CHECKED[live.language.name], wrong
    assert live.refusal("INSERT INTO t VALUES (99, 'no json')") in (3140, CHECKED["mariadb"])


def test_structs_and_lists_of_them_are_json_or_text(live: Live) -> None:
    inner = StructSpec("Inner", (ColumnSpec("x", pa.float64()), COLOR))
    point = ColumnSpec("point", pa.struct([pa.field("x", pa.float64())]), struct=inner, comment="Where it's.")
    nested = ColumnSpec("nested", pa.struct([point.arrow_field]), struct=StructSpec("Outer", (point,)), nullable=True)
    for number, mode in enumerate((StructMode.JSON, StructMode.TEXT)):
        catalog = form(
            live.language,
            [table(f"t{number}", ID, point, nested, list_of("points", point))],
            GeneratorOptions(struct_mode=mode, array_mode=ArrayMode.JSON if number == 0 else ArrayMode.TEXT),
        )
        live.make(*diff(Catalog(), catalog))
        assert {column.type.name for column in catalog.tables[0].columns[1:]} == {
            "json" if number == 0 else "mediumtext"
        }
        assert_is_there(live, catalog)
        live.drop_all()


# ---- keys, checks, indexes


@pytest.mark.parametrize(
    ("on_delete", "left"), [(None, None), ("restrict", None), ("cascade", []), ("set null", [None])]
)
def test_foreign_keys_do_what_they_say(live: Live, on_delete: Any, left: list[Any] | None) -> None:
    parent = Reference("p", ("a", "b"), on_delete=on_delete)
    pair = [ColumnSpec("a", pa.int32(), nullable=True), ColumnSpec("b", pa.string(), nullable=True, max_length=9)]
    key = [replace(column, nullable=False) for column in pair]
    child = table("c", ID, *pair, foreign_keys=(ForeignKeySpec(("a", "b"), parent),))
    assert_is_there(live, live.create(child, table("p", *key, key=("a", "b"))))
    live.query("INSERT INTO p VALUES (1, 'x')")
    live.query("INSERT INTO c VALUES (1, 1, 'x')")
    assert live.refusal("INSERT INTO c VALUES (2, 1, 'y')") == NO_PARENT
    refused = live.refusal("DELETE FROM p")
    assert refused == (HAS_CHILD if left is None else None)
    if left is not None:
        assert [row["a"] for row in live.query("SELECT a FROM c")] == left


def test_tables_that_refer_to_each_other_and_to_themselves(live: Live) -> None:
    def to(name: str, nullable: bool = True) -> ColumnSpec:
        return ColumnSpec(f"to_{name}", pa.int64(), nullable=nullable, references=(Reference(name, ("id",)),))

    either = ColumnSpec("either", pa.int64(), references=(Reference("a", ("id",)), Reference("b", ("id",))))
    specs = (table("a", ID, to("b")), table("b", ID, to("c", False), to("b")), table("c", ID, to("a"), either))
    catalog = live.create(*specs)
    assert_is_there(live, catalog)
    assert sum(len(made.foreign_keys) for made in catalog.tables) == 4
    live.drop_all()
    catalog = live.create(*specs, options=GeneratorOptions(foreign_constraints=False))
    assert_is_there(live, catalog)
    assert sum(len(made.foreign_keys) for made in catalog.tables) == 0


def test_constraint_names_are_unique_in_the_database_with_namespaces_as_prefixes(live: Live) -> None:
    number = ColumnSpec("n", pa.int64(), minimum=0, references=(Reference("t", ("id",), "one"),))
    one = TableSpec("t", (ID, number), ("id",), (("n",),), namespace="one", indexes=(IndexSpec(("n", "id")),))
    catalog = live.create(one, replace(one, namespace="two"), replace(one, name="one__t_n", namespace=None))
    assert [made.name.name for made in catalog.tables] == ["one__t", "two__t", "one__t_n"]
    assert_is_there(live, catalog)


def test_keys_and_numbers(live: Live) -> None:
    number = ColumnSpec("id", pa.uint16(), identity=True)
    code = ColumnSpec("code", pa.string(), max_length=768, nullable=True)
    pair = (ColumnSpec("a", pa.int64()), ColumnSpec("b", pa.binary(), max_length=100))
    spec = TableSpec("t", (*pair, number, code), ("a", "b"), (("id",), ("code",), ("b", "a")))
    assert_is_there(live, live.create(spec))
    live.query("INSERT INTO t (a, b, code) VALUES (1, 'x', 'c'), (1, 'y', 'C'), (2, 'x', NULL), (3, 'x', NULL)")
    assert [row["id"] for row in live.query("SELECT id FROM t ORDER BY id")] == [1, 2, 3, 4]
    assert live.refusal("INSERT INTO t (a, b) VALUES (1, 'x')") == DUPLICATE
    assert live.refusal("INSERT INTO t (a, b, code) VALUES (9, 'x', 'c')") == DUPLICATE


def test_checks_hold(live: Live) -> None:
    columns = (
        ColumnSpec("percent", pa.int16(), minimum=-5, maximum=100, nullable=True),
        ColumnSpec("stars", pa.int64(), choices=(1, 3), nullable=True),
        ColumnSpec("price", pa.decimal128(8, 2), maximum=Decimal("9.95"), nullable=True),
        ColumnSpec("since", pa.date32(), minimum=date(2000, 1, 1), maximum=date(2000, 12, 31), nullable=True),
        ColumnSpec("at", pa.timestamp("us", "UTC"), minimum=datetime(2000, 1, 1, tzinfo=UTC), nullable=True),
        ColumnSpec("ratio", pa.float64(), minimum=0.1, nullable=True),
    )
    checks = (CheckSpec("{stars} <= {percent}"), CheckSpec("{price} <> 5 or {since} is null", "no `fives` %s"))
    assert_is_there(live, live.create(table("t", ID, *columns, checks=checks)))
    good = ["percent = -5", "percent = 100", "stars = 3", "price = 9.95", "since = '2000-12-31'", "ratio = 0.1"]
    bad = ["percent = -6", "percent = 101", "stars = 2", "price = 9.96", "since = '2001-01-01'", "ratio = 0.09999"]
    good += ["at = '2000-01-01 00:00:00'", "stars = 3, percent = 3", "price = 5"]
    bad += ["at = '1999-12-31 23:59:59.999999'", "stars = 3, percent = 2", "price = 5, since = '2000-05-05'"]
    for at, values in enumerate(good):
        live.query(f"INSERT INTO t SET id = {at}, {values}")
    for values in bad:
        assert live.refusal(f"INSERT INTO t SET id = 99, {values}") == CHECKED[live.language.name], values


# ---- changes of a live table


def test_each_change_leaves_the_rest_of_the_table_as_it_is(live: Live) -> None:
    live.query("CREATE TABLE p (k int NOT NULL PRIMARY KEY) DEFAULT CHARACTER SET latin1")
    live.query("CREATE TABLE t (a int, b int, c int) DEFAULT CHARACTER SET latin1")
    live.query("INSERT INTO p VALUES (1)")
    live.query("INSERT INTO t VALUES (1, 1, 1)")
    t = ObjectName(None, "t")
    text = Column("label", SqlType("enum", labels=("é", "😀")), False, DefaultValue("😀"), comment="It's \\ one.")
    short = Column("short", SqlType("varchar", (9,)), True, DefaultValue("x"))
    live.make(
        SetKey(t, ("a",), ()),
        AddColumn(t, text),
        AddColumn(t, short),
        AddColumn(t, Column("n", SqlType("bigint"), False, identity=True)),
        AlterType(t, replace(short, type=SqlType("mediumtext")), short.type),
        SetNotNull(t, replace(short, type=SqlType("mediumtext"), nullable=False)),
        SetComment(t, "label", "New.", replace(text, comment="New.")),
        SetComment(t, None, "It's the\ntable."),
        RenameColumn(t, "b", "b `2`"),
        DropColumn(t, Column("c", SqlType("int"))),
        AddUnique(t, UniqueKey(("b `2`",), "uq `b`")),
        DropNotNull(t, replace(text, nullable=True, comment="New.")),
    )
    shown = sorted(live.about("columns", "t"), key=lambda row: row["ordinal_position"])
    columns = {row["column_name"]: row for row in shown}
    assert list(columns) == ["a", "b `2`", "label", "short", "n"]
    assert [columns["label"][part] for part in ("is_nullable", "column_comment", "collation_name")] == [
        "YES",
        "New.",
        collation_of(live),
    ]
    assert columns["short"]["column_type"] == "mediumtext"
    assert columns["short"]["is_nullable"] == "NO"
    assert columns["short"]["collation_name"] == collation_of(live)
    assert live.query("SELECT * FROM t") == [{"a": 1, "b `2`": 1, "label": "😀", "short": "x", "n": 1}]
    assert live.query("SHOW TABLE STATUS LIKE 't'")[0]["comment"] == "It's the\ntable."


def test_a_comment_that_changes_is_a_change_that_can_be_made(live: Live) -> None:
    before = table("t", ID, ColumnSpec("n", pa.string(), max_length=5, default="x", comment="Old."), comment="Old.")
    after = replace(before, columns=(ID, replace(before.columns[1], comment="New.")), comment="New.")
    old, new = form(live.language, [before]), form(live.language, [after])
    live.make(*diff(Catalog(), old))
    live.make(*diff(old, new))
    assert_is_there(live, new)


def test_a_foreign_key_can_be_added(live: Live) -> None:
    child = table("c", ID, ColumnSpec("p", pa.int64(), references=(Reference("p", ("id",)),)))
    catalog = form(live.language, [child, table("p", ID)])
    made = catalog.table(ObjectName(None, "c"))
    assert made is not None
    for part in (replace(made, foreign_keys=()), catalog.table(ObjectName(None, "p"))):
        assert part is not None
        live.make(CreateTable(part))
    live.make(AddForeignKey(made.name, made.foreign_keys[0]))
    assert_is_there(live, catalog)
    with pytest.raises(pymysql.err.IntegrityError):
        live.query("INSERT INTO c VALUES (1, 1)")


def test_a_trailing_space_makes_another_key(live: Live) -> None:
    word = ColumnSpec("word", pa.string(), max_length=10)
    live.create(TableSpec("t", (word,), key=("word",)))
    live.query("INSERT INTO t VALUES ('a'), ('a '), ('A')")
    assert live.query("SELECT count(*) AS n FROM t WHERE word = 'a'") == [{"n": 1}]
