"""What the live database contains, of what is asked for.

SQLite ignores the case of names, so a table is called as it was asked for. A name is looked for among the temporary tables and
then in the main database, as SQLite does when it runs a statement; attached ones are not looked at. What no pragma tells (the
names of constraints, the conditions of checks) is read from the text of CREATE TABLE, which SQLite keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from arrowsync.catalog import (
    Catalog,
    Check,
    Column,
    DefaultExpression,
    ForeignKey,
    Index,
    ObjectName,
    SqlType,
    Table,
    UniqueKey,
)
from arrowsync.catalog.objects import OnDelete
from arrowsync.dialects.contract import Interference, Session
from arrowsync.dialects.sqlite.quoting import QUOTING
from arrowsync.dialects.sqlite.types import BOOLEAN, fold, is_boolean, live_type
from arrowsync.sql import SQL, Literal, sql, trusted

Row = Mapping[str, Any]
_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$]+|.""", re.DOTALL
)
_NUMBERED = re.compile(r"\bAUTOINCREMENT\b", re.I)


async def discover(session: Session, names: Sequence[ObjectName]) -> Catalog:
    """The tables and views of those names that exist."""
    found = [await _table(session, name, names) for name in dict.fromkeys(names)]
    return Catalog(tables=tuple(table for table in found if table is not None))


async def list_tables(session: Session, namespace: str | None) -> list[ObjectName]:
    """The names of the tables of the database, in order, or of those whose names begin with the namespace: no views, and none
    that is temporary.
    """
    prefix = "" if namespace is None else f"{namespace}__"
    query = sql(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') "
        "AND substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, {length}) = {prefix} ORDER BY name",
        length=Literal(len(prefix)),
        prefix=Literal(prefix),
    )
    return [ObjectName(None, row["name"]) for row in (await session.fetch(query)).to_pylist()]


async def interference(session: Session, table: Table) -> Interference:
    """The triggers of the table, which may drop rows (RAISE(IGNORE)), and change them."""
    query = sql(
        "SELECT name FROM (SELECT * FROM main.sqlite_schema UNION ALL SELECT * FROM temp.sqlite_schema) "
        "WHERE type = 'trigger' AND lower(tbl_name) = lower({name}) ORDER BY name",
        name=Literal(table.name.name),
    )
    return Interference(tuple(f"the trigger {row['name']!r}" for row in (await session.fetch(query)).to_pylist()))


async def written(session: Session, table: Table) -> int | None:
    """Count the rows that the table has: in a transaction that holds off other writers, they differ by what it has written."""
    counted = await session.fetch(sql("SELECT count(*) AS n FROM {table}", table=table.name.identifier))
    return int(counted.column("n")[0].as_py())


async def _table(session: Session, name: ObjectName, names: Sequence[ObjectName]) -> Table | None:
    async def rows(query: SQL) -> list[dict[str, Any]]:
        return (await session.fetch(query)).to_pylist()

    listed = await rows(
        sql(
            "SELECT schema, name, type, wr, strict FROM pragma_table_list WHERE lower(name) = lower({name}) "
            "AND schema IN ({schemas}) ORDER BY schema = 'main' LIMIT 1",
            name=Literal(name.name),
            schemas=Literal(name.namespace) if name.namespace else sql("'temp', 'main'"),
        )
    )
    if not listed:
        return None
    place = {"table": Literal(listed[0]["name"]), "schema": Literal(listed[0]["schema"])}
    columns = await rows(
        sql(
            'SELECT name, type, "notnull" AS required, dflt_value AS value, pk, hidden '
            "FROM pragma_table_xinfo({table}, {schema}) ORDER BY cid",
            **place,
        )
    )
    said = await rows(
        sql(
            "SELECT sql FROM (SELECT 'main' AS schema, * FROM main.sqlite_schema "
            "UNION ALL SELECT 'temp', * FROM temp.sqlite_schema) WHERE type = 'table' AND schema = {schema} AND name = {table}",
            **place,
        )
    )
    text: str = (said[0]["sql"] if said else None) or ""
    keyed = sorted((row for row in columns if row["pk"]), key=lambda row: row["pk"])
    strict = bool(listed[0]["strict"]) or bool(listed[0]["wr"])
    alias = len(keyed) == 1 and keyed[0]["type"].lower() == "integer" and not listed[0]["wr"]
    indexes = await _indexes(rows, place)
    checks = list(_checks(text))
    conditions = {check.condition.text(QUOTING) for check in checks}
    booleans = {
        row["name"]: condition for row in columns if (condition := is_boolean(row["name"]).text(QUOTING)) in conditions
    }
    return Table(
        name=name,
        columns=tuple(
            _column(
                row,
                strict=bool(listed[0]["strict"]),
                keyed=strict,
                alias=alias,
                text=text,
                boolean=row["name"] in booleans,
            )
            for row in columns
            if row["hidden"] != 1
        ),
        key=tuple(row["name"] for row in keyed),
        unique=tuple(
            UniqueKey(cast("tuple[str, ...]", index.parts), index.name)
            for _, index in indexes
            if index.unique and all(isinstance(part, str) for part in index.parts)
        ),
        kind="view" if listed[0]["type"] == "view" else "table",
        foreign_keys=tuple(await _foreign_keys(rows, place, name, names)),
        checks=tuple(each for each in checks if each.condition.text(QUOTING) not in booleans.values()),
        indexes=tuple(index for origin, index in indexes if origin == "c"),
    )


def _column(row: Row, *, strict: bool, keyed: bool, alias: bool, text: str, boolean: bool) -> Column:
    numbered = bool(alias and row["pk"] and (not row["required"] or _NUMBERED.search(text)))
    kind = live_type(row["type"], strict=strict)
    default = None if row["hidden"] or row["value"] in (None, "NULL", "null") else row["value"]
    return Column(
        name=row["name"],
        type=SqlType(BOOLEAN) if boolean and kind.name == "integer" else kind,
        nullable=not row["required"] and not (row["pk"] and (alias or keyed)),
        default=None if default is None else DefaultExpression(trusted(default)),
        identity=numbered,
        generated=row["hidden"] in (2, 3),
    )


async def _indexes(rows: Any, place: Mapping[str, Literal]) -> list[tuple[str, Index]]:
    """The indexes with their origin: c is CREATE INDEX, u a UNIQUE constraint. Partial ones are no keys, so not unique."""
    found: dict[str, tuple[Row, list[str | SQL]]] = {}
    query = sql(
        'SELECT i.name, i."unique" AS is_unique, i.origin, i.partial, c.name AS part '
        "FROM pragma_index_list({table}, {schema}) AS i, pragma_index_xinfo(i.name, {schema}) AS c "
        "WHERE c.key AND i.origin <> 'pk' ORDER BY i.name, c.seqno",
        **place,
    )
    for row in await rows(query):
        found.setdefault(row["name"], (row, []))[1].append(row["part"] or trusted("an expression"))
    return [
        (row["origin"], Index(tuple(parts), name, bool(row["is_unique"]) and not row["partial"]))
        for name, (row, parts) in found.items()
    ]


async def _foreign_keys(
    rows: Any, place: Mapping[str, Literal], table: ObjectName, names: Sequence[ObjectName]
) -> Iterator[ForeignKey]:
    found: dict[int, list[Row]] = {}
    query = sql(
        'SELECT id, "table" AS target, "from" AS here, "to" AS there, on_delete FROM pragma_foreign_key_list({table}, {schema}) '
        "ORDER BY id DESC, seq",
        **place,
    )
    for row in await rows(query):
        found.setdefault(row["id"], []).append(row)
    keys: list[ForeignKey] = []
    for parts in found.values():
        target = parts[0]["target"]
        asked = next((n.name for n in names if fold(n.name) == fold(target)), target)
        referenced = [part["there"] for part in parts]
        if None in referenced:  # the primary key of the other table
            key = await rows(
                sql(
                    "SELECT name FROM pragma_table_info({table}, {schema}) WHERE pk ORDER BY pk",
                    table=Literal(target),
                    schema=place["schema"],
                )
            )
            referenced = [row["name"] for row in key]
        action = parts[0]["on_delete"].lower()
        keys.append(
            ForeignKey(
                tuple(part["here"] for part in parts),
                ObjectName(table.namespace, asked),
                tuple(referenced),
                None if action == "no action" else cast(OnDelete, action),
            )
        )
    return iter(keys)


def _checks(text: str) -> Iterator[Check]:
    """The checks in the text of CREATE TABLE, with their names; one without has its condition for a name, as errors have."""
    tokens = [token for token in _TOKEN.findall(text) if not (token.isspace() or token.startswith(("--", "/*")))]
    spans = list(_TOKEN.finditer(text))
    meaning = [span for span in spans if not (span[0].isspace() or span[0].startswith(("--", "/*")))]
    depth = 0
    for at, token in enumerate(tokens):
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        elif depth == 1 and token.upper() == "CHECK" and tokens[at + 1 : at + 2] == ["("]:
            end, inner = at + 1, 0
            while end < len(tokens):
                inner += {"(": 1, ")": -1}.get(tokens[end], 0)
                if not inner:
                    break
                end += 1
            condition = text[meaning[at + 1].end() : meaning[end].start()]
            named = at >= 2 and tokens[at - 2].upper() == "CONSTRAINT"
            yield Check(trusted(condition), _unquoted(tokens[at - 1]) if named else condition)


def _unquoted(token: str) -> str:
    if token[0] in "\"`'":
        return token[1:-1].replace(token[0] * 2, token[0])
    return token[1:-1] if token[0] == "[" else token
