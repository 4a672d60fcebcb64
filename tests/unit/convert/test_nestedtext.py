"""Text of JSON, and what PostgreSQL prints for arrays, as lists and structs."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, StructSpec, TableSpec

TEXT = pa.string()


def maybe(name: str, kind: pa.DataType, **facts: Any) -> ColumnSpec:
    return ColumnSpec(name, kind, nullable=True, **facts)


def list_of(element: ColumnSpec) -> ColumnSpec:
    return maybe("c", pa.list_(pa.field("item", element.type, element.nullable)), element=element)


def struct_of(*members: ColumnSpec) -> ColumnSpec:
    return maybe("c", pa.struct([m.arrow_field for m in members]), struct=StructSpec("Place", members))


TEXTS, INTS = list_of(maybe("item", TEXT)), list_of(maybe("item", pa.int64()))
LISTS = list_of(ColumnSpec("item", TEXTS.type, element=maybe("item", TEXT), nullable=True))
PLACE = struct_of(
    maybe("name", TEXT), ColumnSpec("height", pa.float64()), ColumnSpec("tags", TEXTS.type, element=TEXTS.element)
)


def split(column: ColumnSpec, values: list[str | None], kind: pa.DataType = TEXT) -> tuple[list[Any], dict[int, str]]:
    """The rows that fit, and by their number the reasons of the others."""
    batch = pa.record_batch({"c": pa.array(values, kind)})
    good, bad = compile_converter(batch.schema, TableSpec("t", (column,))).split(batch)
    good.validate(full=True)
    return good.column(0).to_pylist(), {row["row"]: row["reason"] for row in bad.to_pylist()}


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.text(
    '"\\,[]{}: \t\n/bfnrtu0', max_size=8
)
lists_of_words = st.lists(st.none() | words, max_size=4)


@given(
    st.lists(st.none() | lists_of_words, max_size=6),
    st.booleans(),
    st.sampled_from([None, 1, "\t"]),
    st.sampled_from(["", " ", "\r\n\t "]),
)
def test_lists_of_any_text_are_what_json_says(
    values: list[list[str | None] | None], ascii_only: bool, indent: Any, blanks: str
) -> None:
    given: list[str | None] = []
    for value in values:
        text = f"[{blanks}]" if value == [] else json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        given.append(None if value is None else blanks + text + blanks)
    assert split(TEXTS, given) == (values, {})


@given(st.lists(st.lists(st.none() | lists_of_words, max_size=3), max_size=4))
def test_lists_of_lists_are_what_json_says(values: list[list[list[str | None] | None]]) -> None:
    assert split(LISTS, [json.dumps(value) for value in values]) == (values, {})


def pg_array(value: list[Any] | None) -> str:
    """As array_out of PostgreSQL prints it."""
    parts = []
    for item in value or []:
        if item is None:
            parts.append("NULL")
        elif isinstance(item, list):
            parts.append(pg_array(item))
        elif item == "" or item.upper() == "NULL" or set(item) & set('{},"\\ \t\n\r\v\f'):
            parts.append('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"')
        else:
            parts.append(item)
    return "{" + ",".join(parts) + "}"


pg_words = words.filter(lambda word: not any(c.isspace() and c not in " \t\n\r\v\f" for c in word))


@given(st.lists(st.none() | st.lists(st.none() | pg_words, max_size=4), max_size=6))
def test_arrays_of_any_text_are_what_postgres_prints(values: list[list[str | None] | None]) -> None:
    assert split(TEXTS, [None if value is None else pg_array(value) for value in values]) == (values, {})


@example([[["\x1b"]]])
@given(st.lists(st.lists(st.lists(st.none() | pg_words, min_size=1, max_size=3), max_size=3), max_size=4))
def test_arrays_of_arrays_are_what_postgres_prints(values: list[list[list[str | None]]]) -> None:
    assert split(LISTS, [pg_array(value) for value in values]) == (values, {})


def test_both_notations_may_stand_in_one_column() -> None:
    assert split(INTS, ["{1,2}", "[3]", None, "{}", "[null]", "{4,NULL}", "[]"]) == (
        [[1, 2], [3], None, [], [None], [4, None], []],
        {},
    )


members = st.fixed_dictionaries(
    {"height": st.floats(allow_nan=False, allow_infinity=False), "tags": lists_of_words},
    optional={"name": st.none() | words},
)


@given(st.lists(st.none() | members, max_size=6), st.sampled_from([None, 2]), st.randoms())
def test_structs_are_what_json_says(values: list[dict[str, Any] | None], indent: int | None, random: Any) -> None:
    texts: list[str | None] = []
    for value in values:
        items = list((value or {}).items())
        random.shuffle(items)
        texts.append(None if value is None else json.dumps(dict(items), indent=indent))
    expected = [
        value and {"name": value.get("name"), "height": value["height"], "tags": value["tags"]} for value in values
    ]
    assert split(PLACE, texts) == (expected, {})


def test_keys_may_have_escapes() -> None:
    column = struct_of(maybe('a\t"ü😀\\', pa.int64()))
    found = split(column, [r'{"a\t\"\u00fc\ud83d\ude00\\": 1}', '{"a\\u0009\\u0022ü😀\\u005c":2}', "{}"])
    assert found == ([{'a\t"ü😀\\': 1}, {'a\t"ü😀\\': 2}, {'a\t"ü😀\\': None}], {})


BARE = "a JSON string, where a bare value is expected"
REFUSED: list[tuple[ColumnSpec, str, str]] = [
    (INTS, "", "not valid JSON"),
    (INTS, "[1,2", "not valid JSON"),
    (INTS, "[1,]", "not valid JSON"),
    (INTS, "[1] [2]", "not valid JSON"),
    (INTS, "1,2", "not valid JSON"),
    (INTS, "1", "not a list"),
    (INTS, "null", "not a list"),
    (INTS, '"[1]"', "not a list"),
    (INTS, '{"a": 1}', "not an array like {1,2}"),
    (INTS, "{1,,2}", "not an array like {1,2}"),
    (INTS, "{1,2", "not an array like {1,2}"),
    (INTS, "{1,2}}", "not an array like {1,2}"),
    (INTS, "{1},{2}", "not an array like {1,2}"),
    (INTS, "{1, 2}", "not an array like {1,2}"),
    (INTS, "[0:1]={1,2}", "not valid JSON"),
    (INTS, "{{1}}", "contains an element that is not an integer"),
    (INTS, '["1"]', f"contains an element that is {BARE}"),
    (INTS, "[1.0]", "contains an element that is not an integer"),
    (INTS, "[true]", "contains an element that is not an integer"),
    (INTS, "[[1]]", "contains an element that is not an integer"),
    (INTS, "[9223372036854775808]", "contains an element that is out of range for int64"),
    (TEXTS, "[1]", "contains an element that is not a JSON string"),
    (TEXTS, "[true]", "contains an element that is not a JSON string"),
    (TEXTS, "[[]]", "contains an element that is not a JSON string"),
    (TEXTS, r'["\u0000"]', "contains a NUL character"),
    (TEXTS, '{a"b}', "not an array like {1,2}"),
    (TEXTS, '{"a}', "not an array like {1,2}"),
    (TEXTS, "{a\\}", "not an array like {1,2}"),
    (LISTS, '["x"]', "contains an element that is not a list"),
    (LISTS, "{{a},b}", "contains an element that is not valid JSON"),
    (list_of(ColumnSpec("item", pa.int64())), "[null]", "contains an element that is NULL in a required column"),
    (
        list_of(ColumnSpec("item", pa.date32())),
        '["2020-02-30"]',
        "contains an element that is not a day of the calendar",
    ),
    (list_of(ColumnSpec("item", pa.bool_())), '["true"]', f"contains an element that is {BARE}"),
    (
        list_of(ColumnSpec("item", TEXT, max_length=2)),
        '["abc"]',
        "contains an element that is longer than 2 characters",
    ),
    (PLACE, "[]", "not a JSON object"),
    (PLACE, '{"height": 1, "tags": [], "x": 2}', "contains a member that Place doesn't declare"),
    (PLACE, '{"height": 1, "tags": [], "height": 1}', "contains a member twice"),
    (PLACE, '{"tags": []}', "contains a member 'height' that is NULL in a required column"),
    (PLACE, '{"height": null, "tags": []}', "contains a member 'height' that is NULL in a required column"),
    (PLACE, '{"height": "x", "tags": []}', "contains a member 'height' that is not a number"),
]


@pytest.mark.parametrize(("column", "text", "reason"), REFUSED, ids=[text for _, text, _ in REFUSED])
def test_other_text_is_refused(column: ColumnSpec, text: str, reason: str) -> None:
    """Alone, and among rows that fit."""
    fits = '{"height": 1.5, "tags": ["x"]}' if column is PLACE else "[]"
    assert split(column, [text]) == ([], {0: reason})
    good, bad = split(column, [fits, text, None, text, fits])
    assert (len(good), bad) == (3, {1: reason, 3: reason})


def test_a_float_may_be_a_string_and_json_is_kept_as_it_stands() -> None:
    assert split(list_of(ColumnSpec("item", pa.float64())), ['[1, "inf", "-1e5"]']) == ([[1.0, float("inf"), -1e5]], {})
    documents = list_of(ColumnSpec("item", pa.json_()))
    assert split(documents, ['[ {"a": [1, "x"]} , null, "s",1]']) == ([[' {"a": [1, "x"]} ', " null", ' "s"', "1"]], {})


def test_json_columns_and_other_layouts_of_text_are_taken_apart_too() -> None:
    text = pa.array(["[1]", None, "[1]"], TEXT)
    layouts: list[Any] = [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), TEXT)]
    for array in [pa.ExtensionArray.from_storage(pa.json_(), text), *map(text.cast, layouts)]:
        batch = pa.record_batch({"c": array})
        converted = compile_converter(batch.schema, TableSpec("t", (INTS,)))(batch)
        assert converted.column(0).to_pylist() == [[1], None, [1]], array.type
