"""From declared tables to the objects of a database, without one: modes, lookup and join tables, names, order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.catalog import Catalog, DefaultValue, ForeignKey, ObjectName, Table
from arrowsync.declare.spec import (
    NO_DEFAULT,
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
from arrowsync.errors import DeclarationError
from arrowsync.generate.catalog import target_catalog
from arrowsync.generate.constraints import default_of_type
from arrowsync.generate.modes import NameMaker
from arrowsync.migration.changes import AddForeignKey, CreateIndex, CreateTable, InsertRows, apply
from arrowsync.migration.diff import diff
from arrowsync.options import ArrayMode, EnumMode, GeneratorOptions, StructMode

POSTGRES = language_for("postgresql")
ENUM = pa.dictionary(pa.int32(), pa.string())
ID = ColumnSpec("id", pa.int64())
COLOR = ColumnSpec("c", ENUM, labels=("red", "green"), enum_name="Color", enum_comment="Of paint.")


def form(*specs: TableSpec, **options: Any) -> Catalog:
    return target_catalog(
        specs,
        lambda column, table: POSTGRES.to_column(column, table, POSTGRES.server),
        POSTGRES.limits(POSTGRES.server),
        GeneratorOptions(**options),
    )


def table(name: str, *columns: ColumnSpec, key: tuple[str, ...] = ("id",), **more: Any) -> TableSpec:
    return TableSpec(name, columns, key=key, **more)


def list_of(name: str, element: ColumnSpec, *, unordered: bool = False) -> ColumnSpec:
    item = replace(element, name="item")
    return ColumnSpec(name, pa.list_(item.arrow_field), element=item, unordered=unordered)


def texts(found: Table) -> dict[str, str]:
    quoting = POSTGRES.quoting(POSTGRES.server)
    return {check.name: check.condition.text(quoting) for check in found.checks}


def only(catalog: Catalog, name: str) -> Table:
    found = catalog.table(ObjectName(None, name))
    assert found is not None
    return found


@given(st.lists(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=3), max_size=20))
def test_made_names_fit_and_are_all_different(parts: list[list[str]]) -> None:
    maker = NameMaker(63, lambda name: len(name.encode()), str.lower)
    made = [maker.make("fk", *names) for names in parts]
    assert all(len(name.encode()) <= 63 for name in made)
    assert len({name.lower() for name in made}) == len(made)


def test_a_made_name_says_what_it_is_and_stays_the_same() -> None:
    assert NameMaker(63, len, str).make("fk", "Player", "team") == "fk_Player_team"
    long = [NameMaker(63, len, str).make("fk", "T" * 50, "c" * 50) for _ in range(2)]
    assert long[0] == long[1]
    assert long[0].startswith("fk_TTT")


def test_an_enum_as_a_type_is_one_object_with_its_comment() -> None:
    catalog = form(table("a", ID, COLOR), table("b", ID, replace(COLOR, name="d")))
    assert [(e.name.name, e.labels, e.comment) for e in catalog.enums] == [("Color", ("red", "green"), "Of paint.")]


def test_an_enum_with_a_check_is_text() -> None:
    catalog = form(table("a", ID, replace(COLOR, default="red")), enum_mode=EnumMode.CHECK)
    column = only(catalog, "a").column("c")
    assert column is not None
    assert (column.type.name, column.default) == ("text", DefaultValue("red"))
    assert texts(only(catalog, "a")) == {"ch_a_c": "\"c\" IN ('red', 'green')"}
    assert catalog.enums == ()


def test_an_enum_in_a_lookup_table() -> None:
    declared = table("a", ID, replace(COLOR, default="green")), table("b", ID, COLOR)
    catalog = form(*declared, enum_mode=EnumMode.RELATION, initialize_tables=True)
    lookup = only(catalog, "Color")
    assert [column.name for column in lookup.columns] == ["id", "value"]
    assert (lookup.key, [u.columns for u in lookup.unique]) == (("id",), [("value",)])
    assert (lookup.rows, lookup.comment) == ((("red",), ("green",)), "Of paint.")
    assert only(catalog, "a").foreign_keys == (ForeignKey(("c",), ObjectName(None, "Color"), ("id",)),)
    column = only(catalog, "a").column("c")
    assert column is not None
    assert (column.type.name, column.default) == ("integer", DefaultValue(2))
    with pytest.raises(DeclarationError, match="starts empty"):
        form(*declared, enum_mode=EnumMode.RELATION)


def test_an_extensible_enum_is_always_a_table_and_members_bring_their_fields() -> None:
    fields = LookupSpec(True, columns=(ColumnSpec("code", pa.string(), max_length=2),), rows=(("rd",), ("gn",)))
    catalog = form(table("a", ID, replace(COLOR, lookup=fields)), initialize_tables=True)
    lookup = only(catalog, "Color")
    assert [column.name for column in lookup.columns] == ["id", "value", "code"]
    assert lookup.rows == (("red", "rd"), ("green", "gn"))
    assert catalog.enums == ()


def test_a_struct_as_a_type_comes_after_what_it_is_made_of() -> None:
    inner = ColumnSpec(
        "at", pa.struct([("x", pa.float64())]), struct=StructSpec("Pos", (ColumnSpec("x", pa.float64()),))
    )
    members = (inner, replace(COLOR, name="shade"))
    outer = ColumnSpec("s", pa.struct([m.arrow_field for m in members]), struct=StructSpec("Place", members, "Where."))
    catalog = form(table("a", ID, list_of("all", outer)))
    assert [struct.name.name for struct in catalog.structs] == ["Pos", "Place"]
    assert catalog.structs[1].comment == "Where."
    assert [member.type.name for member in catalog.structs[1].members] == ["Pos", "Color"]
    for mode, name in ((StructMode.JSON, "jsonb"), (StructMode.TEXT, "text")):
        held = form(table("a", ID, outer), struct_mode=mode)
        assert (held.structs, only(held, "a").columns[1].type.name) == ((), name)


def test_a_list_in_a_join_table() -> None:
    spec = table("a", ID, ColumnSpec("p", pa.string()), list_of("tags", COLOR), key=("id", "p"))
    catalog = form(spec, array_mode=ArrayMode.RELATION)
    assert [c.name for c in only(catalog, "a").columns] == ["id", "p"]
    joined = only(catalog, "a_tags")
    assert [c.name for c in joined.columns] == ["a_id", "a_p", "position", "value"]
    assert joined.key == ("a_id", "a_p", "position")
    assert joined.foreign_keys == (ForeignKey(("a_id", "a_p"), ObjectName(None, "a"), ("id", "p"), "cascade"),)


def test_a_set_of_rows_of_another_table_is_always_joined() -> None:
    friend = ColumnSpec("f", pa.int64(), references=(Reference("a", ("id",)),))
    catalog = form(table("a", ID, list_of("friends", friend, unordered=True)))
    joined = only(catalog, "a_friends")
    assert joined.key == ("a_id", "value")
    assert [key.columns for key in joined.foreign_keys] == [("a_id",), ("value",)]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (table("a", list_of("x", ID), key=()), "no columns"),
        (table("a", ColumnSpec("y", pa.int64()), list_of("x", ID), key=()), "without a key"),
        (table("a", ID, list_of("x", list_of("y", ID))), "list of lists"),
        (table("a", ID, list_of("x", replace(ID, nullable=True))), "may be NULL"),
    ],
)
def test_what_has_no_join_table_is_refused(spec: TableSpec, problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem):
        form(spec, array_mode=ArrayMode.RELATION)


def test_bounds_choices_and_conditions_are_checks() -> None:
    spec = table(
        "a",
        ID,
        ColumnSpec("n", pa.int64(), minimum=0, maximum=100),
        ColumnSpec("d", pa.date32(), maximum=date(2030, 1, 1)),
        ColumnSpec("k", pa.int64(), choices=(1, -2)),
        checks=(CheckSpec("{n} <> {{k}}", None), CheckSpec("{k} < {n}", "ordered")),
        indexes=(IndexSpec(("n", "k"), unique=True), IndexSpec(("lower({d}::text)",))),
    )
    found = only(form(spec), "a")
    assert texts(found) == {
        "ch_a_n": '"n" BETWEEN 0 AND 100',
        "ch_a_d": "\"d\" <= '2030-01-01'::date",
        "ch_a_k": '"k" IN (1, -2)',
        "ch_a_1": '"n" <> {k}',
        "ordered": '"k" < "n"',
    }
    assert [(index.name, index.unique) for index in found.indexes] == [("ix_a_n_k", True), ("ix_a_2", False)]


def test_names_of_constraints_are_different_in_a_namespace() -> None:
    one = table("a_b", ID, ColumnSpec("c", pa.int64()), unique=(("c",),))
    other = table("a", ID, ColumnSpec("b_c", pa.int64()), unique=(("b_c",),))
    catalog = form(one, other)
    made = [key.name for found in catalog.tables for key in found.unique]
    assert made[0] == "uq_a_b_c"
    assert len(set(made)) == 2


def test_tables_come_before_those_that_refer_to_them_and_cycles_are_closed_at_the_end() -> None:
    def refers(name: str, *targets: str) -> TableSpec:
        columns = [ColumnSpec(t, pa.int64(), references=(Reference(t, ("id",)),)) for t in targets]
        return table(name, ID, *columns)

    catalog = form(refers("c", "b", "c"), refers("b", "a"), refers("a", "d"), refers("d", "b"))
    changes = diff(Catalog(), catalog)
    created: list[str] = []
    for change in changes:
        if isinstance(change, CreateTable):
            created.append(change.table.name.name)
            assert all(key.target.name in created for key in change.table.foreign_keys)
    assert created.index("c") > created.index("b")
    late = [change for change in changes if isinstance(change, AddForeignKey)]
    assert len(late) == 1
    after = Catalog()
    for change in changes:
        after = apply(change, after)
    assert diff(after, catalog) == []
    assert {t.name: set(t.foreign_keys) for t in after.tables} == {t.name: set(t.foreign_keys) for t in catalog.tables}


def test_indexes_and_rows_come_with_their_table() -> None:
    spec = table("a", ID, COLOR, indexes=(IndexSpec(("c",)),))
    changes = diff(Catalog(), form(spec, enum_mode=EnumMode.RELATION, initialize_tables=True))
    assert [type(change) for change in changes] == [CreateTable, InsertRows, CreateTable, CreateIndex]
    assert isinstance(changes[1], InsertRows)
    assert (changes[1].columns, changes[1].rows) == (("value",), (("red",), ("green",)))


def test_foreign_keys_of_several_columns_and_none_where_they_are_not_wanted() -> None:
    order = table("o", ColumnSpec("a", pa.int64()), ColumnSpec("b", pa.int64()), key=("a", "b"))
    line = table(
        "l",
        ID,
        ColumnSpec("o_a", pa.int64()),
        ColumnSpec("o_b", pa.int64()),
        ColumnSpec("either", pa.int64(), references=(Reference("x", ("id",)), Reference("y", ("id",)))),
        unique=(("o_a", "o_b"),),
        foreign_keys=(ForeignKeySpec(("o_a", "o_b"), Reference("o", ("a", "b"), on_delete="cascade")),),
    )
    found = only(form(order, line), "l")
    assert found.foreign_keys == (ForeignKey(("o_a", "o_b"), ObjectName(None, "o"), ("a", "b"), "cascade"),)
    bare = only(form(order, line, foreign_constraints=False), "l")
    assert (bare.foreign_keys, len(bare.unique)) == ((), 1)


@pytest.mark.parametrize(
    "others",
    [
        [table("Color", ID)],
        [table("b", ID, ColumnSpec("s", pa.struct([("x", pa.int64())]), struct=StructSpec("Color", (ID,))))],
        [table("b", ID, replace(COLOR, labels=("blue",)))],
    ],
    ids=["a table", "a struct", "another enum"],
)
@pytest.mark.parametrize("mode", [EnumMode.TYPE, EnumMode.RELATION])
def test_two_objects_of_one_name_are_refused(others: list[TableSpec], mode: EnumMode) -> None:
    with pytest.raises(DeclarationError, match="Color"):
        form(table("a", ID, COLOR), *others, enum_mode=mode)


def test_a_required_column_gets_the_zero_of_its_type() -> None:
    spec = table(
        "a",
        ID,
        COLOR,
        ColumnSpec("n", pa.int64(), minimum=3),
        ColumnSpec("t", pa.string()),
        ColumnSpec("o", pa.string(), nullable=True),
        ColumnSpec("r", pa.int64(), references=(Reference("a", ("id",)),)),
        ColumnSpec("j", pa.json_()),
    )
    found = {column.name: column.default for column in only(form(spec, auto_default=True), "a").columns}
    assert found == {
        "id": None,
        "c": DefaultValue("red"),
        "n": DefaultValue(3),
        "t": DefaultValue(""),
        "o": None,
        "r": None,
        "j": None,
    }


def test_zeros() -> None:
    assert default_of_type(ColumnSpec("x", pa.decimal128(5, 2))) == Decimal(0)
    assert default_of_type(ColumnSpec("x", pa.timestamp("ms", "UTC"))).tzinfo is not None
    assert default_of_type(ColumnSpec("x", pa.string(), ip="4")) is NO_DEFAULT
    assert default_of_type(ColumnSpec("x", pa.int8(), choices=(5, 6))) == 5


def test_a_mode_that_the_database_lacks_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"EnumMode\.INLINE"):
        form(table("a", ID, COLOR), enum_mode=EnumMode.INLINE)


@pytest.mark.parametrize("given", [{"enum_mode": "check"}, {"struct_mode": 5}, {"skip_annotations": int}])
def test_an_option_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=next(iter(given))) as caught:
        GeneratorOptions(**given)
    assert caught.value.hint


def test_an_enum_that_is_a_type_and_a_table_is_refused_with_its_field() -> None:
    grows = replace(COLOR, name="d", lookup=LookupSpec(extensible=True))
    with pytest.raises(DeclarationError, match=r"a\.c: the enum Color is both") as caught:
        form(table("a", ID, COLOR, grows))
    assert (caught.value.table, caught.value.field) == ("a", "c")


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_a_default_that_mysql_lacks_is_refused_with_its_field(dialect: str) -> None:
    language = language_for(dialect)
    column = ColumnSpec("x", pa.float64(), default=float("nan"))
    with pytest.raises(DeclarationError, match=r"a\.x: the default is nan"):
        language.to_column(column, table("a", ID, column), language.server)
