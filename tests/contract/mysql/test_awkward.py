"""Awkward names, defaults, comments and labels on MySQL and MariaDB: stored exactly or refused, in every kind of session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import Live, assert_is_there, connected, form
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrowsync.catalog import Catalog
from arrowsync.declare.spec import CheckSpec, ColumnSpec, ForeignKeySpec, IndexSpec, Reference, TableSpec
from arrowsync.dialects import language_for
from arrowsync.errors import DeclarationError
from arrowsync.options import EnumMode, GeneratorOptions
from arrowsync.sync.ddl import script_of

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
MODES = ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI", "TRADITIONAL", "PIPES_AS_CONCAT"]
MODES += ["ANSI,NO_BACKSLASH_ESCAPES,TRADITIONAL", "NO_AUTO_VALUE_ON_ZERO,HIGH_NOT_PRECEDENCE,IGNORE_SPACE"]
ENUM = pa.dictionary(pa.int32(), pa.string())
ID = ColumnSpec("id", pa.int64())
IN_EXPRESSIONS = set("{}!:[]")
"""What a column's name can't hold that stands in a Check or an expression: it is read as a format."""

BMP = 'it\'s "a" `b` \\ \\\' \\" \\n %s {x} $1 :y ?; DROP TABLE victim; -- # /* ☃ */\r\n\ttab ünï 中 \\'
ALL = BMP + " 😀 "
NAMES = [
    "it's",
    'say "hi"',
    "`",
    "a``b",
    "back\\slash",
    "`; DROP TABLE `victim`; -- ",
    " leading",
    "new\nline",
    "tab\tbed",
    "sp ace",
    "%s {x} ? :y",
    "größe ☃ 中",
    "select",
    "x.y/z",
    "#sql-1",
    "a\x01b",
    "-" * 40,
    "$1",
    "123",
]


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with connected(request.param, request.getfixturevalue(URLS[request.param])) as live:
        live.query("CREATE TABLE victim (x int)")
        yield live
        assert live.query("SHOW TABLES LIKE 'victim'"), "the victim is gone"


def awkward(name: str, text: str, comment: str) -> TableSpec:
    """A table where everything that has a name or text has an awkward one."""
    label = ColumnSpec("label", ENUM, labels=(text[:200].rstrip(" "), "other"), enum_name="Label", enum_comment=comment)
    columns = (
        replace(ID, comment=comment),
        ColumnSpec(f"{name[:60]}x", pa.string(), max_length=500, default=text),
        ColumnSpec("long", pa.string(), default=text, comment=comment),
        replace(label, default=label.labels[0]),
        ColumnSpec("json", pa.json_(), default='{"a": "\\\\ \\" 😀 \'"}', nullable=True),
        ColumnSpec("bytes", pa.binary(), max_length=500, default=text.encode()),
        ColumnSpec("parent", pa.int64(), nullable=True, references=(Reference(name, ("id",)),)),
    )
    return TableSpec(
        name,
        columns,
        ("id",),
        ((columns[1].name,),),
        comment=comment,
        checks=(CheckSpec(f"{{{columns[1].name}}} <> 'not this'", f"{name[:59]} ck"),)
        if not IN_EXPRESSIONS & set(name)
        else (),
        indexes=(IndexSpec(("parent", columns[1].name), name=f"{name[:59]} ix"),),
    )


def assert_stored(live: Live, catalog: Catalog, spec: TableSpec) -> None:
    """All of the declared text comes back, letter by letter."""
    for owned in catalog.tables:
        shown = live.about("tables", owned.name.name)
        assert [row["table_comment"] for row in shown] == [owned.comment or ""]
    name = live.name(catalog.tables[-1].name.name)
    live.query(f"INSERT INTO {name} (id) VALUES (1)")
    live.query("FLUSH TABLES")  # what is stored, not what is cached
    (row,) = live.query(f"SELECT * FROM {name}")
    defaults = [column.default for column in spec.columns]
    assert list(row.values()) == [1, *defaults[1:6], None]
    labels = spec.by_name["label"].labels
    unique = live.name(spec.columns[1].name)
    for at, label in enumerate(labels, start=2):
        live.query(
            f"INSERT INTO {name} SET id = {at}, {unique} = 'unlike the default {at}', label = {live.value(label)}"
        )
    hexes = live.query(f"SELECT HEX(CONVERT(label USING utf8mb4)) AS label FROM {name} WHERE id > 1 ORDER BY id")
    assert [bytes.fromhex(row["label"]).decode() for row in hexes] == list(labels)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("enum_mode", [EnumMode.INLINE, EnumMode.CHECK])
def test_a_script_means_the_same_in_every_sql_mode(live: Live, mode: str, enum_mode: EnumMode) -> None:
    live.query(f"SET SESSION sql_mode = '{mode}'")
    spec = awkward(NAMES[5] + "ü", ALL, BMP)
    catalog = form(live.language, [spec], GeneratorOptions(enum_mode=enum_mode))
    live.script(script_of(catalog, live.language))
    assert_is_there(live, catalog, besides=["victim"])
    assert_stored(live, catalog, spec)


@pytest.mark.parametrize("mode", MODES)
def test_first_rows_mean_the_same_in_every_sql_mode(live: Live, mode: str) -> None:
    live.query(f"SET SESSION sql_mode = '{mode}'")
    label = ColumnSpec(
        "label", ENUM, labels=(ALL, "\\", "\\'", "", "0"), enum_name="La'bel", enum_comment=BMP, default="\\'"
    )
    options = GeneratorOptions(enum_mode=EnumMode.RELATION, initialize_tables=True)
    catalog = form(live.language, [TableSpec("t", (ID, label))], options)
    live.script(script_of(catalog, live.language))
    assert_is_there(live, catalog, besides=["victim"])


def test_a_script_brings_its_character_set(live: Live) -> None:
    live.query("SET NAMES latin1")
    spec = awkward("größe ☃", ALL, BMP)
    catalog = form(live.language, [spec])
    live.script(script_of(catalog, live.language))
    assert_stored(live, catalog, spec)


@pytest.mark.parametrize("mode", ["", "ANSI,NO_BACKSLASH_ESCAPES"])
def test_awkward_names_are_kept(live: Live, mode: str) -> None:
    live.query(f"SET SESSION sql_mode = '{mode}'")
    specs = []
    for at, name in enumerate(NAMES):
        name = name.rstrip()
        other = NAMES[at - 1].rstrip()
        columns = (ID, *(ColumnSpec(column.rstrip(), pa.int32()) for column in NAMES))
        parent = ForeignKeySpec(("id",), Reference(other, (other,)))
        indexes = (IndexSpec((name, "id")), IndexSpec((f"{{{name}}} + 1",))) if not IN_EXPRESSIONS & set(name) else ()
        if not live.is_mysql:
            indexes = indexes[:1]
        key = (name,)
        columns = tuple(replace(column, type=pa.int64()) if column.name == name else column for column in columns)
        specs.append(TableSpec(name, columns, key, (("id", name),), indexes=indexes, foreign_keys=(parent,)))
    catalog = form(live.language, specs)
    live.script(script_of(catalog, live.language))
    assert_is_there(live, catalog, besides=["victim"])


@pytest.mark.parametrize("mode", ["STRICT_ALL_TABLES", "NO_BACKSLASH_ESCAPES"])
def test_any_text_is_stored_exactly_or_refused(live: Live, mode: str) -> None:
    odd = "'\"\\`%; \n\t-#"
    few = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(odd)
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(odd + "😀")
    numbers = iter(range(10_000))

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
    @given(st.text(few, min_size=1, max_size=60), st.text(letters, max_size=40), st.text(few, max_size=40))
    def stores(name: str, text: str, comment: str) -> None:
        live.query(f"SET SESSION sql_mode = '{mode}'")
        spec = awkward(f"{name[:50]}{next(numbers)}", text, comment)
        try:
            catalog = form(live.language, [spec])
        except DeclarationError:
            assert is_odd(spec)
            return
        live.script(script_of(catalog, live.language))
        assert_stored(live, catalog, spec)

    stores()


def is_odd(spec: TableSpec) -> bool:
    """Whether a declaration is refused for another reason than its letters."""
    labels = spec.by_name["label"].labels
    long = sum(1 if letter.isascii() and letter.isalnum() else 5 for letter in spec.name) > 251
    return len(set(labels)) < len(labels) or long


@pytest.mark.parametrize("dialect", URLS)
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (TableSpec("a\0b", (ID,)), "NUL"),
        (TableSpec("a ", (ID,)), "ends in a space"),
        (TableSpec("a\n", (ID,)), "ends in a space"),
        (TableSpec("😀", (ID,)), "holds '😀'"),
        (TableSpec("x" * 65, (ID,)), "65"),
        (TableSpec("\ud800", (ID,)), "lone surrogate"),
        (TableSpec("#mysql50#x", (ID,)), "#mysql50#"),
        (TableSpec("t", (ColumnSpec("", pa.int64()),)), "empty"),
        (TableSpec("t", (ColumnSpec("c ", pa.int64()),)), "ends in a space"),
        (TableSpec("t", (ColumnSpec("😀", pa.int64()),)), "holds '😀'"),
        (TableSpec("t", (ColumnSpec("n\0", pa.int64()),)), "NUL"),
        (TableSpec("t", (ColumnSpec("y" * 65, pa.int64()),)), "65"),
        (TableSpec("t", (ID,), checks=(CheckSpec("true", "c "),)), "'c ' ends in a space"),
        (TableSpec("t", (ID,), indexes=(IndexSpec(("id",), name="😀"),)), "holds '😀'"),
        (TableSpec("t", (ID,), comment="a 😀"), "the comment holds '😀'"),
        (TableSpec("t", (ID,), comment="a\0"), "the comment holds a NUL"),
        (TableSpec("t", (replace(ID, comment="a 😀"),)), "t.id: the comment holds '😀'"),
        (TableSpec("t", (replace(ID, comment="\ud800"),)), "t.id: the comment holds a lone surrogate"),
        (TableSpec("t", (ColumnSpec("c", pa.string(), default="a\0"),)), "t.c: the default holds a NUL"),
        (TableSpec("t", (ColumnSpec("c", ENUM, labels=("a\0",)),)), "t.c: the label 'a\\x00' holds a NUL"),
    ],
)
def test_what_can_not_be_stored_is_refused(dialect: str, spec: TableSpec, said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        form(language_for(dialect), [spec])
    assert said in caught.value.message
    assert caught.value.hint


def test_the_servers_would_lose_what_is_refused(live: Live) -> None:
    """If this fails, a server has learned something, and a declaration can be taken that is refused now."""
    live.query("CREATE TABLE t (c int COMMENT 'a 😀') COMMENT 'b 😀'")
    shown: Any = live.about("columns", "t") + live.about("tables", "t")
    assert [shown[0]["column_comment"], shown[1]["table_comment"]] == ["a ?", "b ?"]
