"""`random_batches`: each row is valid, keys differ, foreign keys hit, and the values are as awkward as they should be."""

from __future__ import annotations

import enum
import json
import math
import subprocess
import sys
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any, Literal
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arrowsync
from arrowsync.convert import compile_converter
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import (
    Identity,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    Range,
    TimePrecision,
    TimeZone,
    float32,
    int8,
    int16,
    int32,
    uint8,
    uint64,
)
from arrowsync.declare.spec import ColumnSpec, ForeignKeySpec, IndexSpec, LookupSpec, Reference, StructSpec, TableSpec
from arrowsync.testing import random_batches

ENUM = pa.dictionary(pa.int32(), pa.string())
MOST = Decimal("9" * 29 + "." + "9" * 9)
LABELS = ("new", "it's", 'quo"te', "😀")


def column(kind: pa.DataType, name: str = "c", **facts: Any) -> ColumnSpec:
    return ColumnSpec(name, kind, **facts)


SCALARS = {
    "bool": column(pa.bool_()),
    **{
        str(kind): column(kind)
        for kind in [
            *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
            *(pa.float32(), pa.float64(), pa.string(), pa.binary(), pa.date32(), pa.time64("us"), pa.duration("us")),
            *(pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.uuid(), pa.json_()),
            *(pa.decimal128(1), pa.decimal128(18, 18), pa.decimal128(19, 3), pa.decimal128(38, 9)),
        ]
    },
    **{f"string({n})": column(pa.string(), max_length=n) for n in (1, 2, 5, 6, 7, 40, 255, 100_000)},
    **{f"binary({n})": column(pa.binary(), max_length=n) for n in (1, 2, 7, 8, 9, 255)},
    "enum": column(ENUM, labels=LABELS, enum_name="State"),
    "extensible enum": column(ENUM, labels=LABELS, enum_name="State", lookup=LookupSpec(extensible=True)),
    "one label": column(ENUM, labels=("only",)),
    "ipv4": column(pa.string(), ip="4"),
    "ipv6": column(pa.string(), ip="6"),
    "ip": column(pa.string(), ip="any"),
    "choices": column(pa.int16(), choices=(1, 7, -3)),
    "range of ints": column(pa.int32(), minimum=-2, maximum=1000),
    "range of one": column(pa.int64(), minimum=7, maximum=7),
    "range of floats": column(pa.float64(), minimum=0.1, maximum=99.9),
    "range of float32": column(pa.float32(), minimum=0.1, maximum=0.3),
    "range of decimals": column(pa.decimal128(12, 2), minimum=Decimal("0.005"), maximum=Decimal("100")),
    "range of wide decimals": column(pa.decimal128(38, 9), minimum=0, maximum=Decimal("1e25")),
    "range of dates": column(pa.date32(), minimum=date(2024, 2, 28), maximum=date(2024, 3, 1)),
    "range of timestamps": column(
        pa.timestamp("us"), minimum=datetime(2020, 1, 1), maximum=datetime(2020, 1, 1, 0, 0, 1)
    ),
    "range of times": column(pa.time64("us"), minimum=time(9), maximum=time(17, 30)),
}
MORE_SCALARS = {
    **{str(kind): column(kind) for kind in (pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.time32("s"))},
    "decimal256": column(pa.decimal256(76, 30)),
    "decimal256 all places": column(pa.decimal256(76, 76)),
}
POINT = StructSpec("Point", (column(pa.int64(), "x"), column(pa.string(), "y", nullable=True, max_length=5)))
POINT_TYPE = pa.struct([pa.field("x", pa.int64(), nullable=False), pa.field("y", pa.string())])
LINE_TYPE = pa.struct([pa.field("from", POINT_TYPE), pa.field("states", pa.list_(ENUM), nullable=False)])
LINE = StructSpec(
    "Line",
    (
        column(POINT_TYPE, "from", nullable=True, struct=POINT),
        column(pa.list_(ENUM), "states", element=column(ENUM, "item", labels=LABELS), unordered=True),
    ),
)


def listed(element: ColumnSpec, *, unordered: bool = False) -> ColumnSpec:
    return column(
        pa.list_(pa.field("item", element.type, nullable=element.nullable)), element=element, unordered=unordered
    )


def item(spec: ColumnSpec, *, nullable: bool = False) -> ColumnSpec:
    return ColumnSpec("item", spec.type, nullable, spec.max_length, labels=spec.labels, ip=spec.ip, struct=spec.struct)


SETS = {
    f"set of {name}": listed(item(SCALARS[name], nullable=nullable), unordered=True)
    for name in ("bool", "int8", "double", "string", "string(1)", "enum", "one label", "ip", "extension<arrow.uuid>")
    for nullable in (False, True)
} | {"set of structs": listed(item(column(POINT_TYPE, struct=POINT)), unordered=True)}
NESTED = {
    **{f"list of {name}": listed(item(spec, nullable=True)) for name, spec in SCALARS.items()},
    **SETS,
    "struct": column(POINT_TYPE, struct=POINT),
    "struct of structs": column(LINE_TYPE, struct=LINE),
    "list of structs": listed(item(column(LINE_TYPE, struct=LINE), nullable=True)),
    "list of lists": listed(listed(item(SCALARS["string"], nullable=True))),
    "set of lists": listed(listed(item(SCALARS["int64"])), unordered=True),
    "only Arrow": column(pa.struct([pa.field("l", pa.list_(pa.int8()))])),
}
EVERYTHING = SCALARS | MORE_SCALARS | NESTED


def with_name(spec: ColumnSpec, name: str, *, nullable: bool = False) -> ColumnSpec:
    return replace(spec, name=name, nullable=nullable)


def read(table: type | TableSpec, n: int, seed: int = 0, **options: Any) -> pa.Table:
    """The rows as a table, checked in full."""
    reader = random_batches(table, n, seed, **options)
    assert reader.schema == (table if isinstance(table, TableSpec) else read_dataclass(table)).schema
    rows = reader.read_all()
    rows.validate(full=True)
    assert rows.num_rows == n
    for field, values in zip(rows.schema, rows.columns, strict=True):
        assert field.nullable or not values.null_count
    return rows


def values_of(spec: ColumnSpec, n: int = 3000, **options: Any) -> list[Any]:
    return read(TableSpec("t", (spec,)), n, **options).column(0).to_pylist()


@pytest.mark.parametrize("name", EVERYTHING)
def test_rows_of_every_type_are_valid_and_a_tenth_is_null(name: str) -> None:
    both = TableSpec("t", (with_name(EVERYTHING[name], "a"), with_name(EVERYTHING[name], "b", nullable=True)))
    rows = read(both, 3000)
    assert 200 < rows.column("b").null_count < 400


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_converter_finds_nothing_to_change(name: str) -> None:
    spec = TableSpec("t", (with_name(EVERYTHING[name], "a"), with_name(EVERYTHING[name], "b", nullable=True)))
    convert = compile_converter(spec.schema, spec)
    for batch in random_batches(spec, 3000, batch_rows=1000):
        assert convert(batch).equals(batch)


def reprs(values: list[Any]) -> list[str]:
    return [repr(value) for value in values]


@given(
    names=st.lists(st.sampled_from(sorted(EVERYTHING)), min_size=1, max_size=4),
    n=st.integers(0, 300),
    seed=st.integers(-(2**70), 2**70),
    batch_rows=st.integers(1, 100),
)
@settings(max_examples=30)
def test_the_same_seed_makes_the_same_rows_in_batches_of_any_size(
    names: list[str], n: int, seed: int, batch_rows: int
) -> None:
    spec = TableSpec("t", tuple(with_name(EVERYTHING[name], f"c{at}", nullable=True) for at, name in enumerate(names)))
    rows = read(spec, n, seed)
    again = read(spec, n, seed, batch_rows=batch_rows)
    assert reprs(rows.to_pylist()) == reprs(again.to_pylist())
    # More rows are the same rows and others.
    assert reprs(read(spec, n + 7, seed).to_pylist()[:n]) == reprs(rows.to_pylist())


def test_tables_seeds_and_columns_differ() -> None:
    spec = TableSpec("t", (column(pa.int64(), "a"), column(pa.int64(), "b")))
    rows = read(spec, 100)
    assert rows.column("a") != rows.column("b")
    assert read(spec, 100, seed=1) != rows
    assert read(TableSpec("u", spec.columns), 100) != rows


def test_a_different_process_makes_the_same_rows() -> None:
    code = (
        "import pyarrow as pa; from arrowsync.declare.spec import ColumnSpec, TableSpec;"
        "from arrowsync.testing import random_batches;"
        "print(ascii(random_batches(TableSpec('t', (ColumnSpec('c', pa.string()),)), 50).read_all().to_pylist()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == ascii(read(TableSpec("t", (column(pa.string()),)), 50).to_pylist())


def test_import_arrowsync_does_not_import_it() -> None:
    code = "import sys, arrowsync; print('arrowsync.testing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"False"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("int8", [-128, 127, 0, 1, -1]),
        ("int64", [-(2**63), 2**63 - 1, 0, -1]),
        ("uint64", [0, 2**64 - 1, 2**63]),
        ("bool", [True, False]),
        (
            "decimal128(38, 9)",
            [MOST, MOST.copy_negate(), Decimal(0), Decimal(1), Decimal("-1e-9")],
        ),
        ("decimal128(18, 18)", [Decimal("0." + "9" * 18), Decimal("1e-18")]),
        ("date32[day]", [date(1000, 1, 1), date(9999, 12, 31), date(2000, 2, 29), date(1969, 12, 31)]),
        ("timestamp[us]", [datetime(1000, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999), datetime(1970, 1, 1)]),
        ("time64[us]", [time(0), time(23, 59, 59, 999_999)]),
        ("duration[us]", [timedelta(microseconds=2**63 - 1), timedelta(microseconds=1 - 2**63), timedelta(0)]),
        ("double", [0.0, 5e-324, -5e-324, sys.float_info.max, sys.float_info.min, 0.1, 2.0**53]),
        ("float", [0.0, 1.401298464324817e-45, 3.4028234663852886e38]),
        ("string", ["", "NULL", "\\N", " ", "a ", " a", "e\u0301", "\t", "\n", "\\", '"', "'", "😀", "שלום"]),
        ("string(40)", ["", "😀" * 40, "x" * 40, " " * 40]),
        ("string(1)", ["", "😀", "x"]),
        ("binary", [b"", b"\0", b"\\N", bytes(range(256))]),
        ("binary(9)", [b"", b"\xff" * 9, b"\0" * 9]),
        ("enum", list(LABELS)),
        ("extensible enum", list(LABELS)),
        ("ipv4", ["0.0.0.0", "255.255.255.255"]),
        ("ip", ["0.0.0.0", "::1"]),
        ("choices", [1, 7, -3]),
        ("range of ints", [-2, 1000, 0]),
        ("range of one", [7]),
        ("range of floats", [0.1, 99.9]),
        ("range of decimals", [Decimal("0.01"), Decimal("100.00")]),
        ("range of dates", [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]),
        ("range of times", [time(9), time(17, 30)]),
        ("extension<arrow.json>", ["{}", "[]", '""', "true", "-0.5"]),
    ],
)
def test_awkward_values_occur(name: str, expected: list[Any]) -> None:
    assert set(expected) - set(values_of(SCALARS[name])) == set()


@pytest.mark.parametrize("name", [name for name in SCALARS if name.startswith("range")])
def test_ranges_hold(name: str) -> None:
    spec = SCALARS[name]
    found = values_of(spec)
    if name == "range of float32":
        assert all(0.1 <= value <= 0.3 for value in found)
    assert spec.minimum <= min(found) <= max(found) <= spec.maximum


def test_no_value_that_some_database_refuses() -> None:
    for name in ("string", "string(40)", "string(100000)"):
        texts = values_of(SCALARS[name])
        assert not any("\0" in text or any(unicodedata.category(each) == "Cs" for each in text) for text in texts)
    floats = pa.array([*values_of(SCALARS["double"]), *values_of(SCALARS["float"])])
    assert pc.all(pc.is_finite(floats)).as_py()
    assert any(math.copysign(1, value) < 0 for value in floats.to_pylist() if value == 0)


def test_nan_and_infinities_on_demand() -> None:
    found = set(map(repr, values_of(SCALARS["double"], nan=True)))
    assert {"nan", "inf", "-inf"} <= found
    assert not {"nan", "inf"} & set(map(repr, values_of(SCALARS["range of floats"], nan=True)))


@pytest.mark.parametrize("name", ["ipv4", "ipv6", "ip"])
def test_addresses_are_canonical(name: str) -> None:
    found = values_of(SCALARS[name])
    assert [str(ip_address(text)) for text in found] == found
    assert {ip_address(text).version for text in found} == {"ipv4": {4}, "ipv6": {6}, "ip": {4, 6}}[name]


def test_json_has_every_shape_and_no_null() -> None:
    found = [json.loads(text) for text in values_of(SCALARS["extension<arrow.json>"])]
    assert {type(value) for value in found} == {dict, list, str, bool, int, float}


def test_decimals_fill_their_digits() -> None:
    for name in ("decimal128(38, 9)", "decimal128(19, 3)", "decimal256"):
        kind: Any = EVERYTHING[name].type
        digits = [len(value.as_tuple().digits) for value in values_of(EVERYTHING[name])]
        assert digits.count(kind.precision) > 1000


@pytest.mark.parametrize("name", SETS)
def test_sets_have_no_element_twice(name: str) -> None:
    sets = values_of(SETS[name])
    assert all(len(set(reprs(each))) == len(each) for each in sets)
    assert [] in sets
    possible = {"bool": 2, "one label": 1}.get(name.removeprefix("set of "), 4)
    assert max(map(len, sets)) >= possible
    assert any(None in each for each in sets) == SETS[name].element.nullable  # type: ignore[union-attr]


def test_lists_and_structs_hold_nulls_empties_and_all_labels() -> None:
    lists = values_of(NESTED["list of enum"])
    assert [] in lists
    assert max(map(len, lists)) == 5
    flat = [label for each in lists for label in each]
    assert set(flat) == {*LABELS, None}
    assert 0.05 < flat.count(None) / len(flat) < 0.15
    structs = values_of(NESTED["struct of structs"])
    assert any(each["from"] is None for each in structs)
    assert any(each["from"] and each["from"]["y"] is None for each in structs)
    assert {label for each in structs for label in each["states"]} == set(LABELS)


# Keys


def assert_distinct(rows: pa.Table, *names: str) -> None:
    assert len(set(map(repr, rows.select(names).to_pylist()))) == rows.num_rows


@pytest.mark.parametrize(
    "name", [name for name in EVERYTHING if name not in ("bool", "one label") and not name.startswith(("list", "set"))]
)
def test_keys_of_every_type_are_distinct(name: str) -> None:
    spec = TableSpec("t", (with_name(EVERYTHING[name], "k"),), key=("k",))
    small = {"enum": 4, "extensible enum": 4, "choices": 3, "range of ints": 1003, "range of one": 1}
    small |= {"int8": 256, "uint8": 256, "decimal128(1, 0)": 19, "range of dates": 3, "string(1)": 65, "binary(1)": 257}
    if name == "only Arrow":
        with pytest.raises(arrowsync.DeclarationError, match="lists out of the key"):
            random_batches(spec, 2)
        return
    n = small.get(name, 3000)
    rows = read(spec, n)
    if isinstance(rows.column("k").type, pa.StructType):
        assert_distinct(rows, "k")
        return
    # As engines compare: 0.0 is -0.0, and trailing spaces may not count.
    keys = rows.column("k").to_pylist()
    assert len({key.rstrip(" ") if isinstance(key, str) else key for key in keys}) == n
    if name in small:
        with pytest.raises(arrowsync.DeclarationError, match=rf"t\.k: {n + 1} rows can't have different values of k"):
            random_batches(spec, n + 1)
    else:
        assert read(spec, 10).column("k").to_pylist() == keys[:10]  # known without the number of rows


def test_a_table_of_two_columns_can_have_as_many_rows_as_there_are_pairs() -> None:
    columns = (column(pa.bool_(), "b"), column(ENUM, "e", labels=LABELS), column(pa.int8(), "i"))
    spec = TableSpec("t", columns, key=("b", "e", "i"))
    assert_distinct(read(spec, 2 * 4 * 256), "b", "e", "i")
    with pytest.raises(arrowsync.DeclarationError, match="b, e, i"):
        random_batches(spec, 2 * 4 * 256 + 1)


def test_composite_keys_repeat_the_values_of_their_columns() -> None:
    columns = (column(pa.int64(), "order"), column(pa.int16(), "line"), column(pa.string(), "text", max_length=30))
    rows = read(TableSpec("t", columns, key=("order", "line", "text")), 5000)
    assert_distinct(rows, "order", "line", "text")
    assert len(set(rows.column("line").to_pylist())) == 64
    assert {"", "NULL"} <= set(rows.column("text").to_pylist())


def test_unique_columns_groups_and_indexes_are_distinct_where_not_null() -> None:
    columns = (
        column(pa.int64(), "id", identity=True),
        column(pa.string(), "code", nullable=True, max_length=8),
        column(pa.bool_(), "left"),
        column(pa.int32(), "right", nullable=True),
        column(pa.float64(), "indexed"),
    )
    spec = TableSpec(
        "t",
        columns,
        key=("id",),
        unique=(("code",), ("left", "right"), ("id", "left")),
        indexes=(
            IndexSpec(("indexed",), unique=True),
            IndexSpec(("left",)),
            IndexSpec(("lower({code})",), unique=True),
        ),
    )
    rows = read(spec, 3000)
    assert rows.column("id").to_pylist() == list(range(1, 3001))
    for names in [("code",), ("left", "right"), ("indexed",)]:
        assert_distinct(rows.select(names).drop_null(), *names)
    assert 200 < rows.column("code").null_count < 400
    assert 200 < rows.column("right").null_count < 400
    assert set(rows.column("left").to_pylist()) == {True, False}


def test_an_identity_column_that_can_not_count_so_far() -> None:
    spec = TableSpec("t", (column(pa.int8(), "id", identity=True),), key=("id",))
    assert read(spec, 127).column("id").to_pylist()[-1] == 127
    with pytest.raises(arrowsync.DeclarationError, match="int8 can't number 128 rows"):
        random_batches(spec, 128)


@pytest.mark.parametrize("unique", [("a",), ("a", "b")])
def test_a_column_of_two_keys(unique: tuple[str, ...]) -> None:
    columns = (column(pa.int32(), "a"), column(pa.int32(), "b"), column(pa.int32(), "c"))
    rows = read(TableSpec("t", columns, key=("b", "c"), unique=(unique,)), 3000)
    assert_distinct(rows, "b", "c")
    assert_distinct(rows, *unique)


# Foreign keys


@dataclass
class Country:
    code: PrimaryKey[str]
    name: str | None


@dataclass
class Shelf:
    room: PrimaryKey[int]
    label: PrimaryKey[bytes]


COUNTRY = Reference("Country", ("code",), source=Country)


def assert_hits(rows: pa.Table, names: list[str], target: pa.Table, target_names: list[str]) -> None:
    """Each of the keys that isn't NULL is one of the target's."""
    keys = rows.select(names).drop_null()
    assert keys.num_rows
    assert keys.join(target.select(target_names), names, target_names, join_type="left anti").num_rows == 0


def test_foreign_keys_hit() -> None:
    columns = (
        column(pa.int64(), "id"),
        column(pa.string(), "home", references=(COUNTRY,)),
        column(pa.string(), "other", references=(COUNTRY, Reference("Shelf", ("label",))), nullable=True),
    )
    spec = TableSpec("people", columns, key=("id",))
    rows, countries = read(spec, 2000, 5), read(Country, 2000, 5)
    for name in ("home", "other"):
        assert_hits(rows, [name], countries, ["code"])
        assert 1000 < len(set(rows.column(name).to_pylist())) < 1500  # many of them, some twice
    assert 120 < rows.column("other").null_count < 280
    assert_hits(read(spec, 100, 5), ["home"], countries, ["code"])
    with pytest.raises(AssertionError):
        assert_hits(rows, ["home"], read(Country, 2000, 6), ["code"])


def test_foreign_keys_of_several_columns_hit_and_are_null_together() -> None:
    columns = (
        column(pa.binary(), "label", nullable=True),
        column(pa.string(), "name"),
        column(pa.int32(), "room", nullable=True),
    )
    shelf = Reference("Shelf", ("room", "label"), source=Shelf)
    spec = TableSpec("books", columns, foreign_keys=(ForeignKeySpec(("room", "label"), shelf),))
    rows = read(
        TableSpec("books", (*columns[:2], column(pa.int64(), "room", nullable=True)), foreign_keys=spec.foreign_keys),
        2000,
    )
    assert_hits(rows, ["room", "label"], read(Shelf, 2000), ["room", "label"])
    assert rows.column("room").is_null() == rows.column("label").is_null()


def test_a_table_that_refers_to_itself_can_be_loaded_in_order() -> None:
    own = Reference("employees", ("id",))
    columns = (
        column(pa.uuid(), "id"),
        column(pa.uuid(), "boss", nullable=True, references=(own,)),
        column(pa.uuid(), "deputy", references=(own,)),
    )
    rows = read(TableSpec("employees", columns, key=("id",)), 1000).to_pylist()
    place = {row["id"]: at for at, row in enumerate(rows)}
    assert rows[0]["boss"] is None
    assert all(place[row["boss"]] < at for at, row in enumerate(rows) if row["boss"] is not None)
    assert rows[0]["deputy"] == rows[0]["id"]
    assert all(place[row["deputy"]] < at for at, row in enumerate(rows) if at)
    assert 50 < sum(row["boss"] is None for row in rows) < 150


def test_keys_that_are_foreign_keys_are_distinct_and_hit() -> None:
    """A table of pairs, and one that has a row for each of another's."""
    pairs = TableSpec(
        "pairs",
        (
            column(pa.string(), "country", references=(COUNTRY,)),
            column(pa.int64(), "room"),
            column(pa.binary(), "label"),
        ),
        key=("country", "room", "label"),
        foreign_keys=(ForeignKeySpec(("room", "label"), Reference("Shelf", ("room", "label"), source=Shelf)),),
    )
    rows = read(pairs, 3000)
    assert_distinct(rows, "country", "room", "label")
    assert_hits(rows, ["country"], read(Country, 3000), ["code"])
    assert_hits(rows, ["room", "label"], read(Shelf, 3000), ["room", "label"])
    capital = TableSpec("capitals", (column(pa.string(), "country", references=(COUNTRY,)),), key=("country",))
    rows = read(capital, 3000)
    assert_distinct(rows, "country")
    assert_hits(rows, ["country"], read(Country, 3000), ["code"])


@dataclass
class Capital:
    country: PrimaryKey[Country]
    twin: Capital | None


@dataclass
class Mayor:
    capital: PrimaryKey[Capital]
    places: list[Country]
    born: Capital | Country | None
    shelf: Shelf | None


def test_dataclasses_whose_keys_are_found_through_several_tables() -> None:
    mayors, capitals, countries = read(Mayor, 500), read(Capital, 500), read(Country, 500)
    assert_distinct(mayors, "capital")
    assert_distinct(capitals, "country")
    assert_hits(mayors, ["capital"], capitals, ["country"])
    assert_hits(mayors, ["capital"], countries, ["code"])
    assert_hits(mayors, ["born"], capitals, ["country"])
    assert_hits(mayors, ["shelf_room", "shelf_label"], read(Shelf, 500), ["room", "label"])
    assert_hits(capitals, ["twin"], capitals, ["country"])


@dataclass
class Line:
    country: PrimaryKey[Country]
    number: PrimaryKey[int]


def test_a_column_of_two_foreign_keys_hits_both() -> None:
    columns = (column(pa.string(), "country", references=(COUNTRY,)), column(pa.int64(), "number"))
    line = ForeignKeySpec(("country", "number"), Reference("Line", ("country", "number"), source=Line))
    rows = read(TableSpec("t", columns, foreign_keys=(line,)), 500)
    assert_hits(rows, ["country", "number"], read(Line, 500), ["country", "number"])
    assert_hits(rows, ["country"], read(Country, 500), ["code"])
    elsewhere = replace(columns[0], references=(Reference("Capital", ("country",), source=Capital),))
    error = refusal(elsewhere, columns[1], foreign_keys=(line,))
    assert str(error).startswith("t.country: this column refers to Capital, and to Line with others")


@pytest.mark.parametrize("unordered", [False, True])
def test_lists_of_references_hit(unordered: bool) -> None:
    element = column(pa.string(), "item", references=(COUNTRY,))
    rows = read(TableSpec("t", (listed(element, unordered=unordered),)), 500)
    lists: list[Any] = rows.column(0).to_pylist()
    codes = set(read(Country, 500).column("code").to_pylist())
    assert {code for each in lists for code in each} <= codes
    assert max(map(len, lists)) == 5
    if unordered:
        assert all(len(set(each)) == len(each) for each in lists)


def refusal(*columns: ColumnSpec, n: int = 10, **facts: Any) -> arrowsync.DeclarationError:
    with pytest.raises(arrowsync.DeclarationError) as caught:
        random_batches(TableSpec("t", columns, **facts), n)
    assert caught.value.hint
    return caught.value


def test_what_can_not_be_made_is_refused_at_once() -> None:
    unknown = refusal(column(pa.int64(), "shop", references=(Reference("Shop", ("id",)),)))
    assert str(unknown).startswith("t.shop: it refers to the table 'Shop', of which no class is known")
    assert (unknown.table, unknown.field) == ("t", "shop")
    assert "no random values of type large_string" in str(refusal(column(pa.large_string())))
    assert "lies between 300 and None" in str(refusal(column(pa.int8(), minimum=300)))
    assert "by way of the keys" in str(
        refusal(column(pa.int64(), "id", references=(Reference("t", ("id",)),)), key=("id",))
    )
    own = Reference("t", ("a", "b"))
    shared = (ForeignKeySpec(("a", "b"), own), ForeignKeySpec(("b", "c"), own))
    columns = tuple(column(pa.int64(), name) for name in "abc")
    assert "two foreign keys" in str(refusal(*columns, key=("a", "b"), foreign_keys=shared))
    with pytest.raises(arrowsync.DeclarationError, match="-1 rows in batches"):
        random_batches(TableSpec("t", columns), -1)


def test_no_rows() -> None:
    reader = random_batches(TableSpec("t", tuple(with_name(s, n) for n, s in EVERYTHING.items())), 0)
    assert list(reader) == []


# The databases' side


class State(enum.Enum):
    NEW = "new"
    QUOTED = "it's"


@dataclass
class Everything:
    id: PrimaryKey[Annotated[str, MaxLength(30)]]
    identity: Identity[int32]
    truth: bool | None
    i8: int8 | None
    i16: int16 | None
    i64: int | None
    u8: uint8 | None
    u64: uint64 | None
    f32: float32 | None
    f64: float | None
    decimal: Decimal | None
    small: Annotated[Decimal, Precision(5, 2)] | None
    text: str | None
    short: Annotated[str, MaxLength(3)] | None
    data: bytes | None
    state: State | None
    word: Literal["yes", "no"] | None
    number: Literal[1, 2, 3] | None
    ranged: Annotated[Decimal, Range(0, 100)] | None
    day: date | None
    moment: datetime | None
    second: Annotated[datetime, TimePrecision(0)] | None
    aware: Annotated[datetime, TimeZone("UTC")] | None
    clock: time | None
    span: timedelta | None
    key: UUID | None
    v4: IPv4Address | None
    v6: IPv6Address | None
    address: IPv4Address | IPv6Address | None
    document: JsonType | None


def test_duckdb_takes_and_gives_back_every_scalar_type() -> None:
    rows = read(Everything, 2000).sort_by("id")
    with arrowsync.connect("duckdb://") as conn:
        assert arrowsync.sync_table(rows, Everything, conn).inserted == 2000
        stored = arrowsync.read_table(Everything, conn).sort_by("id")
        for name in rows.column_names:
            assert reprs(stored.column(name).to_pylist()) == reprs(rows.column(name).to_pylist()), name
        assert arrowsync.sync_table(random_batches(Everything, 2000), Everything, conn).unchanged == 2000
