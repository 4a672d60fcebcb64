"""JSON Lines: what is read with and without a declaration, what is refused and where, at any size of the blocks."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.files.jsonl import MAX_KEYS, open_jsonlines
from arrowsync.sources.stream import BatchStream

BLOCKS = [1, 2, 7, 20, 1 << 20]


def opened(data: bytes | str, **options: Any) -> BatchStream:
    raw = data.encode() if isinstance(data, str) else data
    return open_jsonlines(io.BytesIO(raw), name="people.jsonl", **options)


def read(data: bytes | str, **options: Any) -> pa.Table:
    with opened(data, **options) as stream:
        table = stream.read_all()
    table.validate(full=True)
    return table


def spec(**kinds: pa.DataType) -> TableSpec:
    return TableSpec("t", tuple(ColumnSpec(name, kind, nullable=True) for name, kind in kinds.items()))


def test_what_is_not_declared_gets_the_narrowest_type_that_holds_it() -> None:
    table = read(
        '{"i": 1, "f": 1.5, "s": "x", "b": true, "n": [1, {"a": null}], "m": 1, "big": 12345678901234567890, "nil": null}\n'
        '{"i": -2, "f": 2, "s": "\\u00e9\\n", "b": null, "n": {"k": "v"}, "m": "one", "nil": null}\n'
    )
    json_kind = pa.json_()
    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == {
        "i": pa.int64(),
        "f": pa.float64(),
        "s": pa.string(),
        "b": pa.bool_(),
        "n": json_kind,
        "m": json_kind,
        "big": json_kind,
        "nil": json_kind,
    }
    assert table.to_pylist() == [
        {
            "i": 1,
            "f": 1.5,
            "s": "x",
            "b": True,
            "n": '[1, {"a": null}]',
            "m": "1",
            "big": "12345678901234567890",
            "nil": None,
        },
        {"i": -2, "f": 2.0, "s": "é\n", "b": None, "n": '{"k": "v"}', "m": '"one"', "big": None, "nil": None},
    ]


@pytest.mark.parametrize(
    "number",
    [
        "9007199254740993.0",
        "9007199254740993e0",
        "-0.9007199254740993e16",
        "1e-400",
        "-1e400",
        "4e-324",
        "1e-99999999999999999999",
        f"0.{'0' * 400}1",
        "0.123456789012345678",
        "9007199254740993",
    ],
)
def test_numbers_that_a_float64_does_not_hold_stay_as_they_are(number: str) -> None:
    table = read(f'{{"a": {number}}}\n{{"a": 0.5}}\n')
    assert table.schema.types == [pa.json_()]
    assert table["a"].to_pylist() == [number, "0.5"]


@pytest.mark.parametrize(
    "number",
    [
        "0.1000000000000000000",
        "0.10000000000000001",
        "9007199254740992.0",
        "9007199254740992.00",
        "1.7976931348623157e308",
        "2.2250738585072014E-308",
        "4.9406564584124654e-324",
        "5e-324",
        "0e-400",
        "-0.00000000000000000000",
        "1e22",
        "123456789012345e293",
        "0.000000000000000000000000000001",
        "5.960464477539063e-08",  # 2**-24 is 5.9604644775390625e-08: a tie of its last digit
        "5.960464477539062e-8",
    ],
)
def test_numbers_that_a_float64_says_again_are_floats(number: str) -> None:
    table = read(f'{{"a": {number}}}\n{{"a": 0.5}}\n')
    assert table.schema.types == [pa.float64()]
    assert table["a"].to_pylist() == [float(number), 0.5]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_is_one_again(values: list[float]) -> None:
    for write in (repr, "{:.17g}".format):
        table = read("".join(f'{{"a": {write(value)}}}\n' for value in [*values, 0.5, -0.0]))
        if table.schema.types == [pa.float64()]:
            assert table["a"].to_pylist() == [*values, 0.5, -0.0]
        else:  # integers beyond 2**53, without a point
            assert any(abs(value) > 2**53 for value in values)


def test_integers_of_any_length_in_json() -> None:
    digits = "9" * 5000
    assert read(f'{{"a": [{digits}]}}\n').to_pydict() == {"a": [f"[{digits}]"]}


def test_keys_that_are_data_are_refused() -> None:
    with pytest.raises(SourceError, match="more than 10,000 different keys"):
        read(json.dumps({f"k{number}": 1 for number in range(MAX_KEYS + 1)}))


def test_declared_values_keep_their_digits() -> None:
    table = read(
        '{"d": 0.10000000000000000001, "t": 1e400, "j": {"a":  1}}\n',
        spec=spec(d=pa.decimal128(38, 20), t=pa.string(), j=pa.json_()),
    )
    assert table.to_pylist() == [{"d": "0.10000000000000000001", "t": "1e400", "j": '{"a":  1}'}]


def test_keys_that_lines_lack_and_blank_lines() -> None:
    table = read('\n{"a": 1}\n\n  \r\n{"b": "x", "a": 2}\r\n{}\n')
    assert table.to_pydict() == {"a": [1, 2, None], "b": [None, "x", None]}


def test_the_same_key_written_otherwise() -> None:
    assert read('{"a": 1}\n{"\\u0061": 2}\n').to_pydict() == {"a": [1, 2]}


def test_awkward_strings() -> None:
    texts = ['"', "\\", '\\"', "{", "}", "[", ",", ":", "\t", "", " ", "é", "😀", "a\\", '{"a": 1}', "null", "\u2028"]
    for ascii_only in (True, False):
        lines = "".join(
            json.dumps({"t": text, text: 1}, ensure_ascii=ascii_only) + "\n" for text in texts if text != "t"
        )
        table = read(lines)
        assert table["t"].to_pylist() == texts


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["a", "b", 'c"\\']), JSON, max_size=3), min_size=1, max_size=6),
    block_bytes=st.integers(1, 60),
    ascii_only=st.booleans(),
)
def test_declared_as_json_values_mean_what_python_reads(rows: list[dict[str, object]], block_bytes, ascii_only) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    declared = spec(a=pa.json_(), b=pa.json_(), **{'c"\\': pa.json_()})
    for name, column in read(lines, spec=declared, block_bytes=block_bytes).to_pydict().items():
        values = [None if text is None else json.loads(text) for text in column]
        assert values == [row.get(name) for row in rows]


@given(rows=st.lists(st.fixed_dictionaries({"a": JSON, "b": JSON}), min_size=1, max_size=6))
def test_inferred_values_mean_what_python_reads(rows: list[dict[str, object]]) -> None:
    table = read("".join(json.dumps(row) + "\n" for row in rows))
    for name in table.column_names:
        is_json = isinstance(table.schema.field(name).type, pa.JsonType)
        values = table[name].to_pylist()
        for value, row in zip(values, rows, strict=True):
            meant = json.loads(value) if is_json and value is not None else value
            assert meant == row[name] or (isinstance(meant, float) and math.isclose(meant, row[name], rel_tol=0))  # type: ignore[arg-type]


GOOD = '{"a": 1, "b": "x"}'
FAULTS = [
    pytest.param('{"a": 1, "b": "x"', "not JSON", id="cut short"),
    pytest.param('{"a": 1, "b": "x"} {"a": 2}', "not JSON", id="two on a line"),
    pytest.param('{"a": 1 "b": 2}', "not JSON", id="no comma"),
    pytest.param('{"a": 1,}', "not JSON", id="comma at the end"),
    pytest.param("{a: 1}", "not JSON", id="key without quotes"),
    pytest.param('{"a": 01}', "not JSON", id="leading zero"),
    pytest.param('{"a": +1}', "not JSON", id="plus"),
    pytest.param('{"a": NaN}', "NaN is no value of JSON", id="NaN"),
    pytest.param('{"a": -Infinity}', "no value of JSON", id="infinity"),
    pytest.param('{"a": 1.}', "not JSON", id="dot at the end"),
    pytest.param('{"b": "x\ty"}', "not JSON", id="a raw tab"),
    pytest.param('{"b": "\\x"}', "not JSON", id="unknown escape"),
    pytest.param('{"b": "\\ud800"}', "an unpaired surrogate", id="half a surrogate"),
    pytest.param('{"b": [1, 2}', "not JSON", id="brackets that don't match"),
    pytest.param('[{"a": 1}]', "an array, not an object", id="array"),
    pytest.param("17", "a single value, not an object", id="value"),
    pytest.param('{"a": 1, "a": 2}', "the key 'a' is there twice", id="key twice"),
    pytest.param('{"a": 1, "\\u0061": 2}', "the key 'a' is there twice", id="key twice, written otherwise"),
    pytest.param('{"c": 1}', "the key 'c' is new", id="new key"),
    pytest.param('{"a": "one"}', "'a' is \"one\", but an int before", id="other type"),
    pytest.param('{"a": 1.5}', "'a' is 1.5, but an int before", id="no integer"),
]


@pytest.mark.parametrize("block_bytes", BLOCKS)
@pytest.mark.parametrize(("line", "message"), FAULTS)
def test_bad_lines_are_refused_with_their_number(line: str, message: str, block_bytes: int) -> None:
    text = f"{GOOD}\n\n{GOOD}\n{line}\n{GOOD}\n"
    # Known from the first line alone: the types of whatever comes.
    with (
        pytest.raises(SourceError) as caught,
        opened(f"{GOOD}\n" * 3 + text, block_bytes=min(block_bytes, 20)) as stream,
    ):
        stream.read_all()
    assert caught.value.message.startswith(f"people.jsonl, line 7: {message}") or message in caught.value.message
    assert "line 7" in caught.value.message
    assert caught.value.row == 5


@pytest.mark.parametrize(("line", "message"), FAULTS)
def test_bad_lines_are_set_aside_and_the_others_kept(line: str, message: str) -> None:
    with opened(f'{GOOD}\n{GOOD}\n\n{line}\n{{"a": 3}}', block_bytes=25) as stream:
        batches = list(stream.iter_with_origin())
    rows = [row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]
    assert [row[:2] for row in rows] == [(1, "x"), (1, "x"), (None, None), (3, None)]
    places = [row[2] for row in rows]
    assert [place["line"] for place in places] == [1, 2, 4, 5]
    assert [place["reason"] is None for place in places] == [True, True, False, True]
    assert message in places[2]["reason"]
    assert places[2]["value"] == line


def test_bad_utf8() -> None:
    with pytest.raises(SourceError, match=r"line 2: not UTF-8: 0xff \(byte 8 of the line\)"):
        read(b'{"a": "x"}\n{"a": "\xff"}\n')


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_nothing_has_no_columns_unless_declared(data: bytes) -> None:
    with pytest.raises(SourceError, match="holds no rows, and so no columns"):
        read(data)
    assert read(data, spec=spec(a=pa.int64())).to_pydict() == {"a": []}


def test_a_file_of_nothing_but_bad_lines() -> None:
    with pytest.raises(SourceError, match="line 1: not JSON"):
        read("id,name\n1,x\n")


def test_utf16_is_told() -> None:
    with pytest.raises(SourceError, match="the text is UTF-16"):
        read('{"a": 1}'.encode("utf-16"))
