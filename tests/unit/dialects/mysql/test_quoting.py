"""How names and constants of MySQL and MariaDB are written, and what a script says first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects.mysql import MARIADB, MYSQL
from arrowsync.dialects.mysql.limits import fold
from arrowsync.dialects.mysql.quoting import prologue
from arrowsync.dialects.mysql.server import NO_BACKSLASH_ESCAPES, features
from arrowsync.errors import DeclarationError, UnsupportedChange
from arrowsync.migration.changes import AlterType, CreateNamespace, SetComment, SetKey

QUOTING = MYSQL.quoting(MYSQL.server)
SET_NAMES = "SET NAMES utf8mb4"
SET_MODE = "SET SESSION sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '')"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "NULL"),
        (True, "true"),
        (-5, "-5"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (Decimal("-1E-7"), "-0.0000001"),
        ('it\'s \\ "x"\n', "'it''s \\\\ \"x\"\n'"),
        (b"\x00'\\", "x'00275c'"),
        (b"", "x''"),
        (datetime(2024, 2, 29, 1, 2, 3, 450_000), "'2024-02-29 01:02:03.450000'"),
        (datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "'2023-12-31 23:00:00'"),
        (datetime(1, 1, 1, tzinfo=UTC), "'0001-01-01 00:00:00'"),
        (date(2024, 2, 29), "'2024-02-29'"),
        (time(1, 2, 3, 4), "'01:02:03.000004'"),
        (-timedelta(days=1, microseconds=1), "-86400000001"),
        (UUID(int=1), "x'00000000000000000000000000000001'"),
        (IPv4Address("127.0.0.1"), "x'7f000001'"),
        (IPv6Address("::1"), "x'00000000000000000000000000000001'"),
        (["ü", '"', "\\"], '\'["ü", "\\\\"", "\\\\\\\\"]\''),
        ({"a": None}, "'{\"a\": null}'"),
    ],
)
def test_constants(value: Any, written: str) -> None:
    assert QUOTING.literal(value) == written


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -0.0, "\0", "\ud800", Decimal("NaN"), time(1, tzinfo=UTC), object(), [object()]],
)
def test_constants_that_there_are_none_of(value: Any) -> None:
    with pytest.raises(DeclarationError):
        QUOTING.literal(value)


def test_flavours_and_sessions_differ_by_features() -> None:
    mariadb = MARIADB.quoting(MARIADB.server)
    assert mariadb.literal(UUID(int=1)) == "'00000000-0000-0000-0000-000000000001'"
    literal = MYSQL.quoting(replace(MYSQL.server, features=frozenset({NO_BACKSLASH_ESCAPES}))).literal
    assert literal("\\'") == "'\\'''"
    assert literal(["\\"]) == "'[\"\\\\\"]'"
    assert features("mariadb", (10, 6)) < MARIADB.server.features
    assert not MYSQL.server.features & MARIADB.server.features


def test_names() -> None:
    assert QUOTING.identifier('a"b`c\\') == '`a"b``c\\`'


@pytest.mark.parametrize(
    ("statements", "first"),
    [
        ((), ()),
        (("CREATE TABLE `a` (x int)", "INSERT"), ()),
        (("CREATE TABLE `größe` (x int)",), (SET_NAMES,)),
        (("CREATE TABLE `a\\b` (`'\\``` int DEFAULT 'x')",), ()),
        (("SELECT 'a\\\\b'",), (SET_MODE,)),
        (("SELECT 1", "SELECT '`', 'a\\\\', '`'"), (SET_MODE,)),
        (("SELECT 'it''s', `it's \\`, 'ü\\\\'",), (SET_NAMES, SET_MODE)),
        (('CHECK (x RLIKE "\\\\d")',), (SET_MODE,)),
    ],
)
def test_a_script_says_first_what_it_depends_on(statements: tuple[str, ...], first: tuple[str, ...]) -> None:
    assert prologue(statements) == first


def test_names_are_compared_letter_by_letter() -> None:
    assert fold("STRASSE É İ") == fold("strasse é i")
    assert fold("straße") != fold("strasse")
    assert fold("e") != fold("é")


@pytest.mark.parametrize(
    ("live", "arrow", "max_length"),
    [
        (SqlType("varchar", (9,)), pa.string(), 9),
        (SqlType("char", (9,)), pa.string(), 9),
        (SqlType("text"), pa.string(), None),
        (SqlType("varbinary", (9,)), pa.binary(), 9),
        (SqlType("binary", (9,)), pa.binary(), None),
        (SqlType("binary", (16,)), pa.uuid(), None),
        (SqlType("mediumint unsigned"), pa.uint32(), None),
        (SqlType("year"), pa.uint16(), None),
        (SqlType("datetime", (2,)), pa.timestamp("ms"), None),
        (SqlType("timestamp", (0,)), pa.timestamp("s", "UTC"), None),
        (SqlType("decimal", (65, 30)), pa.decimal256(65, 30), None),
    ],
)
def test_types_of_live_tables_have_an_arrow_type(live: SqlType, arrow: pa.DataType, max_length: int | None) -> None:
    spec = MYSQL.to_spec(Column("c", live))
    assert (spec.type, spec.max_length) == (arrow, max_length)


def test_a_type_that_is_not_known_is_read_as_text() -> None:
    assert MYSQL.to_spec(Column("c", SqlType("sounds"))).type == pa.string()


def test_changes_that_can_not_be_made_are_refused() -> None:
    t, c = ObjectName(None, "t"), Column("c", SqlType("enum", labels=("a", "b")))
    for change in (
        CreateNamespace("n"),
        AlterType(t, c, SqlType("int")),
        SetKey(t, ("a",), ("b",)),
        SetComment(t, "c", "x"),
    ):
        with pytest.raises(UnsupportedChange):
            MYSQL.render(change)
