"""SQL composition: names and values can't break out, and templates must fit their parts."""

from __future__ import annotations

import pytest

from arrowsync.sql import SQL, Identifier, Literal, Quoting, join, sql, trusted

QUOTING = Quoting(
    lambda name: '"' + name.replace('"', '""') + '"', lambda value: "'" + str(value).replace("'", "''") + "'"
)


def test_names_and_values_are_quoted() -> None:
    statement = sql(
        "SELECT {column} FROM {table} WHERE {column} = {value}",
        column=Identifier('x"; DROP TABLE t; --'),
        table=Identifier("s", "t"),
        value=Literal("it's"),
    )
    assert statement.text(QUOTING) == (
        'SELECT "x""; DROP TABLE t; --" FROM "s"."t" WHERE "x""; DROP TABLE t; --" = \'it\'\'s\''
    )


def test_a_name_without_namespace_is_not_qualified() -> None:
    assert Identifier(None, "t") == Identifier("t")


def test_parts_and_placeholders_have_to_match() -> None:
    with pytest.raises(TypeError, match="table"):
        sql("SELECT 1 FROM {table}")
    with pytest.raises(TypeError, match="extra"):
        sql("SELECT 1", extra=Literal(1))


def test_braces_in_a_value_are_not_placeholders() -> None:
    inner = sql("{v}", v=Literal("{table}"))
    assert sql("SELECT {inner}", inner=inner).text(QUOTING) == "SELECT '{table}'"


def test_join_and_trusted() -> None:
    assert join(", ", [Identifier("a"), trusted("now()"), sql("1")]).text(QUOTING) == '"a", now(), 1'
    assert join(", ", []) == SQL(())
