"""Iterables of tuples, dicts and objects: the same rows in each shape, lazily, and each way in which a row can be wrong."""

from __future__ import annotations

import datetime as dt
import enum
import pickle
import sqlite3
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass
from decimal import Decimal
from typing import Annotated, NamedTuple

import pyarrow as pa
import pytest

from arrowsync import ColumnName, PrimaryKey, open_source
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError, DeclarationError, SourceError
from arrowsync.sources.objects.rows import CHUNK_ROWS
from arrowsync.sources.open import open_batches


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(slots=True)
class User:
    id: int
    name: str | None
    color: Color
    born: dt.date


class UserRow(NamedTuple):
    id: int
    name: str | None
    color: Color
    born: dt.date


SPEC = TableSpec(
    "users",
    (
        ColumnSpec("id", pa.int32()),
        ColumnSpec("name", pa.string(), nullable=True),
        ColumnSpec("color", pa.dictionary(pa.int32(), pa.string()), labels=("red", "blue")),
        ColumnSpec("born", pa.date32()),
    ),
)
USERS = [User(1, "Ann", Color.RED, dt.date(1990, 1, 2)), User(2, None, Color.BLUE, dt.date(1980, 1, 2))]
TUPLES = [(user.id, user.name, user.color, user.born) for user in USERS]
DICTS = [dict(zip(("id", "name", "color", "born"), row, strict=True)) for row in TUPLES]
EXPECTED = {
    "id": [1, 2],
    "name": ["Ann", None],
    "color": ["red", "blue"],
    "born": [dt.date(1990, 1, 2), dt.date(1980, 1, 2)],
}


def read(data: object, spec: TableSpec | None = None, **options) -> dict[str, list[object]]:
    with open_batches(data, spec, **options) as stream:
        return stream.read_all().to_pydict()


def columns(*names: str, kind: pa.DataType | None = None) -> TableSpec:
    return TableSpec("t", tuple(ColumnSpec(name, kind or pa.int64(), nullable=True) for name in names))


@pytest.mark.parametrize("spec", [SPEC, None], ids=["declared", "undeclared"])
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(lambda: USERS, id="objects"),
        pytest.param(lambda: tuple(USERS), id="tuple of objects"),
        pytest.param(lambda: (user for user in USERS), id="generator"),
        pytest.param(lambda: (UserRow(*row) for row in TUPLES), id="named tuples"),
        pytest.param(lambda: DICTS, id="dicts"),
        pytest.param(lambda: [OrderedDict(reversed(row.items())) for row in DICTS], id="other mappings, other order"),
        pytest.param(lambda: {row["id"]: row for row in DICTS}.values(), id="view"),
    ],
)
def test_rows_that_name_their_columns(rows, spec) -> None:
    assert read(rows(), spec) == EXPECTED


@pytest.mark.parametrize(
    "rows", [TUPLES, [list(row) for row in TUPLES], iter(TUPLES)], ids=["tuples", "lists", "iterator"]
)
def test_plain_tuples_are_in_declared_order(rows) -> None:
    assert read(rows, SPEC) == EXPECTED


def test_field_names_name_the_members_in_their_order() -> None:
    rows = [(user.born, "ignored", user.id) for user in USERS]
    expected = {"born": EXPECTED["born"], "id": [1, 2]}
    assert read(rows, field_names=["born", None, "id"]) == expected
    assert read(rows, SPEC, field_names=("born", "", "id")) == expected
    assert read([UserRow(*row) for row in TUPLES], field_names=["a", "", "", "b"]) == {
        "a": [1, 2],
        "b": EXPECTED["born"],
    }


def test_rows_of_database_drivers() -> None:
    connection = sqlite3.connect(":memory:")
    cursor = connection.execute("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL")
    assert read(cursor, field_names=["a", "b"]) == {"a": [1, 2], "b": ["x", None]}
    connection.row_factory = sqlite3.Row
    assert read(connection.execute("SELECT 1 AS a, 'x' AS b")) == {"a": [1], "b": ["x"]}
    connection.close()


def test_types_come_from_the_declaration_where_the_values_are_of_its_kind() -> None:
    with open_batches([{"p": Decimal("1.5"), "u": 1, "t": dt.datetime(2024, 1, 1, tzinfo=dt.UTC)}], TableSpec("t", (
        ColumnSpec("p", pa.decimal128(9, 4)), ColumnSpec("u", pa.uint64()), ColumnSpec("t", pa.timestamp("us", "UTC")),
    ))) as stream:  # fmt: skip
        assert stream.schema.types == [pa.decimal128(9, 4), pa.uint64(), pa.timestamp("us", "UTC")]


def test_declared_columns_come_first_and_unknown_keys_come_through() -> None:
    assert list(read([{"z": 1, "b": 2, "a": 3}], columns("a", "b", "c"))) == ["a", "b", "c", "z"]


def test_a_key_that_some_rows_lack_is_null_there() -> None:
    assert read([{"a": 1}, {"b": 2}, {"a": 3, "b": 4}]) == {"a": [1, None, 3], "b": [None, 2, 4]}


def test_an_empty_iterable_has_the_declared_columns() -> None:
    with open_batches(iter([]), SPEC) as stream:
        assert stream.schema == SPEC.schema
        assert stream.read_all().num_rows == 0
    with pytest.raises(SourceError, match="no rows, and so no columns"):
        open_batches([])


# ---- laziness -----------------------------------------------------------------------------------------------------------


class Counted:
    """A generator of rows that notes how many it gave and whether it was closed."""

    def __init__(self, rows: int = 10**9, fail_at: int | None = None) -> None:
        self.given = 0
        self.closed = False
        self.rows = rows
        self.fail_at = fail_at

    def __iter__(self) -> Iterator[tuple[int, str]]:
        try:
            while self.given < self.rows:
                if self.given == self.fail_at:
                    raise KeyError("lost")
                self.given += 1
                yield self.given, "x"
        finally:
            self.closed = True


def test_a_generator_is_read_a_chunk_at_a_time_and_closed_early() -> None:
    source = Counted()
    generator = iter(source)
    with open_batches(generator, field_names=["a", "b"]) as stream:
        assert source.given == CHUNK_ROWS
        batches = iter(stream)
        next(batches)
        assert source.given <= 2 * CHUNK_ROWS
        assert not source.closed
    assert source.closed
    assert next(generator, None) is None


def test_a_generator_is_closed_when_opening_fails() -> None:
    source = Counted()
    generator = iter(source)
    with pytest.raises(SourceError):
        open_batches(generator)
    assert source.closed
    assert next(generator, None) is None


def test_all_rows_of_many_chunks_arrive_in_order() -> None:
    source = Counted(rows=3 * CHUNK_ROWS + 5)
    data = read(source, field_names=["a", "b"])
    assert data["a"] == list(range(1, source.rows + 1))
    assert source.closed


@pytest.mark.parametrize("fail_at", [0, 5, 2 * CHUNK_ROWS + 5])
def test_what_the_iterator_raises_comes_through_unchanged(fail_at) -> None:
    source = Counted(fail_at=fail_at)
    with pytest.raises(KeyError, match="lost") as caught:
        read(source, field_names=["a", "b"])
    assert caught.value.__cause__ is None


def test_chunks_of_big_rows_are_small() -> None:
    given = 0

    def rows() -> Iterator[tuple[int, str]]:
        nonlocal given
        for given in range(1, 1_501):
            yield given, "x" * (100_000 if given > 300 else 1)

    with open_batches(rows(), field_names=["a", "b"]) as stream:
        batches = iter(stream)
        assert given == 512
        assert sum(batch.num_rows for batch in batches) == given == 1_500


def test_row_count_is_known_where_the_rows_have_a_length() -> None:
    assert open_batches(USERS).row_count == 2
    assert open_batches(iter(USERS)).row_count is None


# ---- errors -------------------------------------------------------------------------------------------------------------

LATE = CHUNK_ROWS + 7


def after_a_chunk(good, bad) -> list[object]:
    return [good] * LATE + [bad]


@pytest.mark.parametrize(
    ("rows", "options", "row", "message"),
    [
        ([(1, 2), (1,)], {"field_names": ["a", "b"]}, 1, "has 1 members, but there are 2 columns (a, b): (1,)"),
        (after_a_chunk((1, 2), (1, 2, 3)), {"field_names": ["a", "b"]}, LATE, "has 3 members"),
        ([(1, 2)], {"field_names": ["a"]}, 0, "has 2 members"),
        (after_a_chunk((1,), {"a": 1}), {"field_names": ["a"]}, LATE, "is {'a': 1}, not a tuple or list like the rows before"),
        ([(1,), None], {"field_names": ["a"]}, 1, "is None"),
        ([{"a": 1}, (1,)], {}, 1, "not a dict"),
        (after_a_chunk({"a": 1}, {"a": 1, "b": 2}), {}, LATE, "is new: 'b'"),
        (after_a_chunk({"a": 1}, {"b": 2}), {}, LATE, "is new: 'b'"),
        ([{"a": 1}, {None: [2]}], {}, 1, "is no text, but None"),
        ([USERS[0], UserRow(*TUPLES[0])], {}, 1, "not a User"),
        ([UserRow(*TUPLES[0]), TUPLES[0]], {}, 1, "not a UserRow"),
        ([1, 2], {}, 0, "row 0 of list of int is 1, no tuple, list, dict or dataclass object"),
    ],
)  # fmt: skip
def test_rows_of_another_shape(rows, options, row, message) -> None:
    with pytest.raises(SourceError) as caught:
        read(rows, **options)
    assert message in caught.value.message
    assert caught.value.row == row
    assert caught.value.hint


def test_a_tuple_of_the_wrong_length_for_the_declaration() -> None:
    with pytest.raises(SourceError, match=r"row 0 .* has 3 members, but there are 4 columns \(id, name, color, born\)"):
        open_batches([(1, "Ann", "red")], SPEC)


def test_tuples_without_names() -> None:
    with pytest.raises(SourceError, match="don't say what their columns are called") as caught:
        open_batches(TUPLES)
    assert "field_names" in str(caught.value.hint)


@pytest.mark.parametrize("rows", [DICTS, USERS])
def test_field_names_of_rows_that_have_names(rows) -> None:
    with pytest.raises(DeclarationError, match="field_names"):
        open_batches(rows, field_names=["a"])


@pytest.mark.parametrize(
    ("spec", "hint"), [(columns("n"), "mend the value"), (None, "declare the table")], ids=["declared", "undeclared"]
)
@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (1, "x", "a str, where an int64 is expected"),
        (1, 1.5, "not a whole number"),
        (1, True, "a bool, where"),
        (1, 2**70, "not exactly representable"),
    ],
)
def test_a_later_value_of_another_type(spec, hint, good, bad, reason) -> None:
    with pytest.raises(ConversionError) as caught:
        read(after_a_chunk((good,), (bad,)), spec, field_names=["n"])
    error = caught.value
    assert (error.column, error.rows, error.sample) == ("n", (LATE,), (bad,))
    assert reason in error.reason
    assert error.message.startswith(f"column 'n', row {LATE}: {bad!r} is ")
    assert hint in str(error.hint)


def test_types_that_mix_in_the_first_rows() -> None:
    with pytest.raises(ConversionError, match="column 'a', row 1: 'x' is a str, where earlier rows hold an int"):
        open_batches([{"a": 1}, {"a": "x"}])


def test_a_column_that_begins_after_the_first_chunk() -> None:
    rows = [*({"a": None} for _ in range(LATE)), {"a": 1}]
    assert read(rows, columns("a"))["a"][-1] == 1
    with pytest.raises(ConversionError, match="first value of its column"):
        read(rows)


def test_the_error_pickles_whatever_the_value_is() -> None:
    local = make_dataclass("Local", ["x"])
    with pytest.raises(ConversionError) as caught:
        open_batches([(1,), (local(uuid.UUID(int=1)),)], field_names=["a"])
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.sample == ("Local(x=UUID('00000000-0000-0000-0000-000000000001'))",)


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(ConversionError) as caught:
        open_batches([(1,), ("x" * 10_000,)], field_names=["a"])
    assert len(caught.value.message) < 230
    assert caught.value.sample == ("x" * 10_000,)


def test_values_that_have_no_repr_are_told_of_all_the_same() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError

    for value, text in [(10**5000, "an int of 16610 bits"), (Silent(), "a Silent without a repr")]:
        for rows in ([{"x": value}], [{"x": value}] * 300):  # of the latter, the size is estimated
            with pytest.raises(ConversionError, match=f"column 'x', row 0: {text} is"):
                open_batches(rows).read_all()
    with pytest.raises(SourceError, match="an int of 16610 bits"):
        open_batches([{10**5000: 1}])


def test_objects_have_their_fields_whatever_the_columns_are_called() -> None:
    """Also where a column is called like another field."""

    @dataclass
    class Parcel:
        id: PrimaryKey[int]
        kilos: Annotated[float | None, ColumnName("weight (kg)")]
        left: Annotated[str, ColumnName("right")]
        right: Annotated[str, ColumnName("left")]
        tags: Annotated[list[str], ColumnName("all tags")] = field(default_factory=lambda: ["none"])

    class Row(NamedTuple):
        id: int
        kilos: float | None
        left: str
        right: str
        tags: list[str]

    parcel = Parcel(2, None, "l", "r")
    del parcel.tags
    objects = [Parcel(1, 1.5, "l", "r", ["a"]), parcel]
    expected = [
        {"id": 1, "weight (kg)": 1.5, "right": "l", "left": "r", "all tags": ["a"]},
        {"id": 2, "weight (kg)": None, "right": "l", "left": "r", "all tags": ["none"]},
    ]
    assert open_source(objects, Parcel).read_all().to_pylist() == expected
    assert open_source(expected, Parcel).read_all().to_pylist() == expected
    assert open_source([Row(1, 1.5, "l", "r", ["a"])], Parcel).read_all().to_pylist() == expected[:1]
