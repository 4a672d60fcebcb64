"""A record that lacks a key has the default of its field, or else NULL: whatever the other records have, in every form."""

from __future__ import annotations

import enum
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import JsonType, PrimaryKey


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Thing:
    id: PrimaryKey[int]
    note: str | None
    named: str | None = None
    number: int = 7
    ratio: float = 0.5
    yes: bool = True
    amount: Decimal = Decimal("1.50")
    text: str = 'a "text"\\'
    data: bytes = b"\x00\xff\\"
    day: date = date(2026, 1, 31)
    clock: time = time(1, 2, 3, 4)
    moment: datetime = datetime(2026, 1, 31, 1, 2, 3, 4)
    span: timedelta = timedelta(days=-1, seconds=5, microseconds=6)
    uuid: UUID = UUID(int=5)  # noqa: RUF009 - immutable
    color: Color = Color.BLUE
    words: list[str] = field(default_factory=lambda: ["a", 'b"'])
    stamps: list[datetime] = field(default_factory=lambda: [datetime(2026, 1, 31)])
    document: JsonType = field(default_factory=lambda: {"a": [1]})
    made: int = field(default_factory=lambda: 11)


FULL = {name: value for name, value in vars(Thing(1, None)).items() if name not in ("id", "note")}
OTHER: dict[str, Any] = {
    "id": 1, "note": "there", "named": "n", "number": 1, "ratio": 1.5, "yes": False, "amount": Decimal("2.00"), "text": "t",
    "data": b"d", "day": date(2000, 1, 1), "clock": time(5), "moment": datetime(2000, 1, 1), "span": timedelta(1),
    "uuid": UUID(int=9), "color": "red", "words": [], "stamps": [], "document": {"b": 2}, "made": 12,
}  # fmt: skip


def as_line(row: dict[str, Any]) -> bytes:
    return json.dumps(
        row, default=lambda value: "\\x64" if value == b"d" else "P1D" if value == timedelta(1) else str(value)
    ).encode()


async def one_by_one(rows: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for row in rows:
        yield row


class Mapped(dict[str, Any]):
    """A mapping that is no plain dict."""


FORMS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "dicts": lambda rows: rows,
    "a generator": lambda rows: (row for row in rows),
    "mappings": lambda rows: map(Mapped, rows),
    "an async generator": one_by_one,
    "JSON Lines": lambda rows: arrowsync.open_source(b"\n".join(map(as_line, rows)), Thing, format="jsonl"),
}

BEFORE = {**OTHER, "id": 2}
COMPANY: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "alone": lambda: [{"id": 2}],
    "after a full row": lambda: [OTHER, {"id": 2}],
    "before a full row": lambda: [{"id": 2}, OTHER],
    "with a row that has one key more": lambda: [{"id": 1, "note": None}, {"id": 2}],
    "after many": lambda: [*({**OTHER, "id": n} for n in range(10, 9_000)), {"id": 2}],
    "before many": lambda: [{"id": 2}, *({"id": n} for n in range(10, 9_000)), OTHER],
}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    values = {name: value.value if isinstance(value, enum.Enum) else value for name, value in row.items()}
    return {
        **values,
        "document": values["document"] if isinstance(values["document"], str) else json.dumps(values["document"]),
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("company", COMPANY)
def test_a_record_that_lacks_keys_means_the_same_in_any_company(company: str, form: str) -> None:
    if form == "an async generator":
        import asyncio

        from arrowsync import aio

        async def load() -> list[dict[str, Any]]:
            async with aio.connect("duckdb://") as conn:
                await aio.sync_table([BEFORE], Thing, conn)
                await aio.sync_table(one_by_one(COMPANY[company]()), Thing, conn)
                return (await aio.read_table(Thing, conn)).to_pylist()

        stored = asyncio.run(load())
    else:
        with arrowsync.connect("duckdb://") as conn:
            arrowsync.sync_table([BEFORE], Thing, conn)
            arrowsync.sync_table(FORMS[form](COMPANY[company]()), Thing, conn)
            stored = arrowsync.read_table(Thing, conn).to_pylist()
    found = plain(next(row for row in stored if row["id"] == 2))
    expected = plain({"id": 2, "note": None, **FULL})
    assert {**found, "document": json.loads(found["document"])} == {**expected, "document": {"a": [1]}}


def test_on_every_database(database_url: str) -> None:
    @dataclass
    class person:  # noqa: N801 - a name without capitals
        id: PrimaryKey[int]
        name: str | None = None
        score: int = 7

    with arrowsync.connect(database_url) as conn:
        for rows in ([{"id": 2}], [{"id": 1, "name": "x", "score": 1}, {"id": 2}]):
            arrowsync.sync_table([{"id": 2, "name": "old", "score": 3}], person, conn)
            arrowsync.sync_table(rows, person, conn)
            stored = arrowsync.read_table(person, conn).to_pylist()
            assert [row for row in stored if row["id"] == 2] == [{"id": 2, "name": None, "score": 7}]


def test_a_column_that_a_frame_lacks_keeps_its_values() -> None:
    @dataclass
    class person:  # noqa: N801 - a name without capitals
        id: PrimaryKey[int]
        name: str | None = None
        score: int = 7

    with arrowsync.connect("duckdb://") as conn:
        arrowsync.sync_table([(1, "a", 1)], person, conn)
        arrowsync.sync_table(pa.table({"id": [1], "score": [5]}), person, conn)
        assert arrowsync.read_table(person, conn).to_pylist() == [{"id": 1, "name": "a", "score": 5}]
        arrowsync.sync_table(arrowsync.open_source([(1, "b")], field_names=["id", "name"]), person, conn)
        assert arrowsync.read_table(person, conn).to_pylist() == [{"id": 1, "name": "b", "score": 5}]


RAGGED: dict[str, Callable[[], Any]] = {
    "dicts": lambda: [{"id": 1, "name": "x"}, {"id": 2}],
    "many dicts": lambda: [*({"id": n, "name": "x"} for n in range(10, 9_000)), {"id": 2}],
    "JSON Lines": lambda: arrowsync.open_source(b'{"id": 1, "name": "x"}\n{"id": 2}\n', format="jsonl"),
}


@pytest.mark.parametrize("form", RAGGED)
def test_into_a_live_table_that_is_only_named_all_records_have_the_same_keys(form: str) -> None:
    with arrowsync.connect("duckdb://") as conn:
        assert arrowsync.sync_table(RAGGED[form](), "t", conn, key="id").rejected == 0  # a new table: NULL
        arrowsync.sync_table([{"id": 2, "name": "old"}], "t", conn)
        with pytest.raises(arrowsync.SourceError, match="'name'") as caught:
            arrowsync.sync_table(RAGGED[form](), "t", conn)
        assert "same keys" in (caught.value.hint or "")
        arrowsync.sync_table([{"id": 2}], "t", conn)
        assert conn.fetch("SELECT name FROM t WHERE id = 2").to_pylist() == [{"name": "old"}]


def test_what_is_required_and_lacking_is_named_by_row_and_column() -> None:
    @dataclass
    class needed:  # noqa: N801 - a name without capitals
        id: PrimaryKey[int]
        name: str

    rows = [{"id": 1}], [{"id": 1}, {"id": 2, "name": "x"}]
    for data in rows:
        with pytest.raises(arrowsync.ConversionError, match="NULL in a required column") as caught:
            arrowsync.open_source(data, needed).read_all()
        assert (caught.value.column, caught.value.rows) == ("name", (0,))
        with arrowsync.connect("duckdb://") as conn:
            report = arrowsync.sync_table(data, needed, conn, on_error="reject")
            assert report.rejects is not None
            assert report.rejects.select(["row", "column"]).to_pylist() == [{"row": 0, "column": "name"}]


def test_an_object_that_lacks_an_attribute() -> None:
    @dataclass
    class Later:
        id: PrimaryKey[int]
        note: str | None = field(init=False)
        number: int = field(init=False, default_factory=lambda: 3)

    objects = [Later(1), Later(2)]
    objects[1].note = "there"
    del objects[0].number
    assert arrowsync.open_source(objects, Later).read_all().to_pylist() == [
        {"id": 1, "note": None, "number": 3},
        {"id": 2, "note": "there", "number": 3},
    ]
