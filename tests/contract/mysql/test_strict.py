"""What LOAD DATA LOCAL would change without a word: each is an error that names column and row, and the target is unchanged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import make_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import Live, connected

import arrowsync
from arrowsync import ConstraintViolated, ConversionError, MaxLength, PrimaryKey, Unique

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}

TABLE = """CREATE TABLE strict (
  id int NOT NULL PRIMARY KEY, tiny tinyint, number int, amount decimal(5, 2), below int unsigned, ratio double,
  name varchar(3), padded char(3), kind enum('a', 'b'), flag boolean, day date, at datetime, stamp timestamp(6) NULL,
  y year, old varchar(20) CHARACTER SET latin1, older varchar(20) CHARACTER SET utf8mb3, raw varbinary(3), exact binary(3),
  doc json, note tinytext, large bigint, medium mediumint, ratio4 float, clock time, clock3 time(3), bits tinyblob,
  micro datetime(6), required int NOT NULL DEFAULT 7, checked int, parent int,
  CONSTRAINT at_most CHECK (checked < 10), CONSTRAINT up FOREIGN KEY (parent) REFERENCES strict (id),
  UNIQUE KEY one (below)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"""

BEFORE = {"id": 0, "tiny": 1, "below": 5, "name": "old", "old": "é", "doc": '{"a": 1}'}

BAD: dict[str, tuple[str, Any]] = {
    "overflow": ("number", 2**31),
    "overflow of the smallest": ("tiny", 128),
    "abc for a number": ("number", "abc"),
    "nothing for a number": ("number", ""),
    "half a number": ("number", "12x"),
    "a fraction for an integer": ("number", 1.5),
    "NULL into NOT NULL": ("required", None),
    "below zero": ("below", -1),
    "digits before the point": ("amount", Decimal("99999.9")),
    "digits behind the point": ("amount", Decimal("1.005")),
    "a float that is rounded": ("amount", 0.1 + 0.2),
    "NaN": ("ratio", math.nan),
    "infinity": ("ratio", math.inf),
    "text that is cut": ("name", "abcd"),
    "emoji that are cut": ("name", "😀😀😀😀"),
    "a space that is dropped": ("padded", "a "),
    "an unknown label": ("kind", "c"),
    "a label in capitals": ("kind", "A"),
    "the number of a label": ("kind", "1"),
    "no boolean": ("flag", "perhaps"),
    "a day that isn't": ("day", "2024-02-30"),
    "no day at all": ("day", "0000-00-00"),
    "a day of words": ("day", "yesterday"),
    "a part of a second": ("at", datetime(2024, 1, 1, 0, 0, 0, 500_000)),
    "after 2038": ("stamp", datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)),
    "before 1970": ("stamp", datetime(1969, 12, 31, tzinfo=UTC)),
    "a year before 1901": ("y", 1900),
    "a year of two digits": ("y", 69),
    "emoji in latin1": ("old", "😀"),
    "Greek in latin1": ("old", "ω"),
    "emoji in utf8mb3": ("older", "😀"),
    "bytes that are cut": ("raw", b"1234"),
    "bytes that are filled up": ("exact", b"12"),
    "no JSON": ("doc", "{'a'"),
    "text of too many bytes": ("note", "é" * 128),
    "NUL in text": ("note", "a\0b"),
}

BAD_ARROW: dict[str, tuple[str, pa.Array[Any]]] = {
    "uint64 beyond a bigint": ("large", pa.array([2**63], pa.uint64())),
    "a number of text beyond a bigint": ("large", pa.array(["9223372036854775808"])),
    "a float beyond a bigint": ("large", pa.array([1e300])),
    "NaN for an integer": ("large", pa.array([math.nan])),
    "NaN for a decimal": ("amount", pa.array([math.nan])),
    "beyond three bytes": ("medium", pa.array([2**23])),
    "hexadecimal digits": ("medium", pa.array(["0x10"])),
    "a double that a float rounds": ("ratio4", pa.array([0.1])),
    "a double beyond a float": ("ratio4", pa.array([1e300])),
    "a number that is no boolean": ("flag", pa.array([2])),
    "a time with a day": ("day", pa.array([datetime(2024, 1, 1, 0, 0, 1)])),
    "a day after 9999": ("day", pa.array([2_932_897], pa.date32())),
    "a day before 1": ("day", pa.array([-719_163], pa.date32())),
    "a moment after 9999": ("micro", pa.array([253_402_300_800_000_000], pa.timestamp("us"))),
    "a moment before 1": ("micro", pa.array([-62_135_596_800_000_001], pa.timestamp("us"))),
    "a nanosecond": ("micro", pa.array([-1], pa.timestamp("ns"))),
    "a microsecond of a time": ("clock", pa.array([1], pa.time64("us"))),
    "a microsecond where milliseconds are kept": ("clock3", pa.array([1], pa.time64("us"))),
    "24 o'clock": ("clock", pa.array(["24:00:00"])),
    "25 o'clock": ("clock", pa.array(["25:00:00"])),
    "bytes that are no text": ("note", pa.array([b"\xff"])),
    "too many bytes": ("bits", pa.array([b"x" * 256])),
}
"""What comes in types that a list of Python's values doesn't have."""


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[tuple[Live, str]]:
    url = request.getfixturevalue(URLS[request.param])
    with connected(request.param, url) as live:
        live.query(TABLE)
        arrowsync.sync_table([BEFORE], "strict", url)
        yield live, url


def state(live: Live) -> tuple[Any, ...]:
    """All rows, and all tables."""
    return live.query("SELECT * FROM strict ORDER BY id"), live.query("SHOW TABLES")


def test_each_coercion_is_an_error_with_column_and_row(live: tuple[Live, str]) -> None:
    server, url = live
    before = state(server)
    data = {case: (column, rows_of(column, value)) for case, (column, value) in BAD.items()}
    data |= {case: (column, rows_of(column, bad)) for case, (column, bad) in BAD_ARROW.items()}
    with arrowsync.connect(url) as conn:
        for case, (column, rows) in data.items():
            for mode in ("insert", "upsert"):
                with pytest.raises(ConversionError) as caught:
                    arrowsync.sync_table(rows, "strict", conn, mode=mode)
                assert (case, caught.value.column) == (case, column)
                assert (case, caught.value.rows) == (case, (2,))
                assert "row 2" in str(caught.value), case
                assert caught.value.hint, case
                assert state(server) == before, case


def rows_of(column: str, value: Any) -> pa.Table:
    """Three rows as they come from a file or frame, of which the last has the value."""
    if isinstance(value, pa.Array):
        values = pa.concat_arrays([pa.nulls(2, value.type), value])
    else:
        values = pa.array([1, 1, None] if column == "required" else [None, None, value])
    return pa.table({"id": [1, 2, 3], column: values})


def test_values_at_the_limits_are_stored_exactly(live: tuple[Live, str]) -> None:
    _, url = live
    limits: dict[str, tuple[Any, ...]] = {
        "tiny": (-128, 127),
        "number": (-(2**31), 2**31 - 1),
        "amount": (Decimal("-999.99"), Decimal("999.99")),
        "below": (0, 2**32 - 1),
        "ratio": (5e-324, 1.7976931348623157e308),
        "name": ("😀😀😀", "a  "),
        "padded": ("", " a"),
        "kind": ("a", "b"),
        "flag": (True, False),
        "y": (0, 2155),
        "old": ("é\\\t\n\r'", ""),
        "older": ("\u20ac", "\\N"),
        "raw": (b"\x00\xff\\", b""),
        "exact": (b"\x00\x00\x00", b"\xff\n\t"),
        "doc": ('"\\\\n"', "[]"),
        "note": ("x" * 255, "NULL"),
        "stamp": (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, 7, 999_999, UTC)),
        "at": (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)),
        "micro": (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)),
        "large": (-(2**63), 2**63 - 1),
        "medium": (-(2**23), 2**23 - 1),
        "ratio4": (1.5, 3.4028234663852886e38),
        "bits": (b"", bytes(range(255))),
    }
    rows = [{"id": 10 + n, **{name: values[n] for name, values in limits.items()}} for n in range(2)]
    arrowsync.sync_table(rows, "strict", url)
    stored = {row["id"]: row for row in arrowsync.read_table("strict", url).to_pylist()}
    for row in rows:
        assert {name: stored[row["id"]][name] for name in row} == row
    assert arrowsync.sync_table(rows, "strict", url).unchanged == 2


@pytest.mark.parametrize("mode", ["insert", "upsert", "mirror"])
@pytest.mark.parametrize(
    ("row", "kind", "name"),
    [
        ({"id": 3, "checked": 10}, "check", "at_most"),
        ({"id": 3, "parent": 99}, "foreign key", "up"),
        ({"id": 3, "below": 6}, "unique", "one"),
    ],
)
def test_a_row_that_breaks_a_constraint_fails_the_load(
    live: tuple[Live, str], row: dict[str, Any], kind: str, name: str, mode: Any
) -> None:
    server, url = live
    before = state(server)
    rows = [{"id": 1}, {"id": 2, "below": 6}, row]
    same = [dict.fromkeys([name for each in rows for name in each]) | each for each in rows]
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(same, "strict", url, mode=mode)
    assert (caught.value.kind, caught.value.constraint) == (kind, name)
    assert state(server) == before


def test_a_repeated_key_fails_an_insert(live: tuple[Live, str]) -> None:
    server, url = live
    before = state(server)
    for rows in ([{"id": 1}, {"id": 1}], [{"id": 1}, {"id": 0}]):
        with pytest.raises(ConstraintViolated) as caught:
            arrowsync.sync_table(rows, "strict", url, mode="insert")
        assert caught.value.kind == "unique"
        assert state(server) == before


def test_keys_that_differ_by_case_accents_and_spaces_are_many(live: tuple[Live, str]) -> None:
    _, url = live
    words = make_dataclass("Words", [("id", PrimaryKey[Annotated[str, MaxLength(10)]]), ("n", int)])
    keys = ["a", "A", "a ", "á", "e\u0301", "\u00e9", ""]
    rows = [(key, n) for n, key in enumerate(keys)]
    assert arrowsync.sync_table(rows, words, url).inserted == len(keys)
    assert arrowsync.sync_table(rows, words, url).unchanged == len(keys)
    assert {row["id"] for row in arrowsync.read_table(words, url).to_pylist()} == set(keys)


def test_a_changed_case_is_a_change_whatever_the_collation(live: tuple[Live, str]) -> None:
    server, url = live
    server.query(
        "CREATE TABLE names (id int PRIMARY KEY, name varchar(20)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    )
    arrowsync.sync_table([{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}], "names", url)
    report = arrowsync.sync_table([{"id": 1, "name": "Ann"}, {"id": 2, "name": "bob "}], "names", url)
    assert report.updated == 2
    assert [row["name"] for row in server.query("SELECT name FROM names ORDER BY id")] == ["Ann", "bob "]


@pytest.mark.parametrize("mode", ["upsert", "mirror"])
def test_a_key_that_the_collation_takes_for_the_same_stays_as_others_refer_to_it(
    live: tuple[Live, str], mode: Any
) -> None:
    server, url = live
    server.script(
        """CREATE TABLE folded (id varchar(20) PRIMARY KEY, n int) COLLATE utf8mb4_general_ci;
        CREATE TABLE child (p varchar(20), FOREIGN KEY (p) REFERENCES folded (id) ON UPDATE SET NULL)
        COLLATE utf8mb4_general_ci;
        INSERT INTO folded VALUES ('ann', 1), ('bob', 2); INSERT INTO child VALUES ('ann')"""
    )
    report = arrowsync.sync_table([{"id": "Ann", "n": 5}, {"id": "bob", "n": 2}], "folded", url, mode=mode)
    assert (report.updated, report.unchanged) == (1, 1)
    assert server.query("SELECT * FROM folded ORDER BY id") == [{"id": "ann", "n": 5}, {"id": "bob", "n": 2}]
    assert server.query("SELECT p FROM child") == [{"p": "ann"}]


def test_keys_that_a_collation_takes_for_one_are_refused(live: tuple[Live, str]) -> None:
    server, url = live
    server.query(
        "CREATE TABLE folded (id varchar(20) PRIMARY KEY, n int) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    )
    with pytest.raises(ConstraintViolated):
        arrowsync.sync_table([{"id": "a", "n": 1}, {"id": "A", "n": 2}], "folded", url, dedup="error")
    assert server.query("SELECT * FROM folded") == []


def test_a_json_number_of_many_digits_is_exact_or_refused(live: tuple[Live, str]) -> None:
    server, url = live
    text = '{"a": 12345678901234567890123}'
    if server.is_mysql:
        with pytest.raises(ConversionError) as caught:
            arrowsync.sync_table([{"id": 1, "doc": None}, {"id": 2, "doc": text}], "strict", url)
        assert (caught.value.column, caught.value.rows) == ("doc", (1,))
    else:
        arrowsync.sync_table([{"id": 2, "doc": text}], "strict", url)
        assert server.query("SELECT doc FROM strict WHERE id = 2") == [{"doc": text}]


def test_two_rows_with_one_unique_value_are_refused_by_name(live: tuple[Live, str]) -> None:
    _, url = live
    account = make_dataclass("Account", [("id", PrimaryKey[int]), ("mail", Unique[Annotated[str, MaxLength(20)]])])
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table([(1, "a@x"), (2, "a@x")], account, url)
    assert caught.value.kind == "unique"
    with pytest.raises(arrowsync.MigrationError, match="no table"):
        arrowsync.read_table(account, url)
