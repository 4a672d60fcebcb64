"""A database of MySQL or MariaDB in which scripts are run, and what the server's own catalog views say of it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomysql
import pymysql
from pymysql.constants import CLIENT

from arrowsync.catalog import Catalog, Column, ForeignKey, ObjectName, SqlType, Table
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects import language_for
from arrowsync.dialects.contract import Language
from arrowsync.generate.catalog import target_catalog
from arrowsync.migration.changes import Change
from arrowsync.migration.diff import diff
from arrowsync.options import GeneratorOptions

Row = dict[str, Any]


def form(language: Language, specs: Sequence[TableSpec], options: GeneratorOptions | None = None) -> Catalog:
    """What has to exist for the tables."""
    server = language.server
    return target_catalog(
        specs, lambda column, table: language.to_column(column, table, server), language.limits(server), options
    )


@dataclass(frozen=True)
class Live:
    """An empty database, the language of its server, and a connection that takes several statements at once."""

    language: Language
    connection: pymysql.Connection[Any]

    @property
    def is_mysql(self) -> bool:
        return self.language.name == "mysql"

    def query(self, text: str, *values: Any) -> list[Row]:
        """The rows of a statement, by column names in lower case. The driver, not we, puts the values in."""
        with self.connection.cursor() as cursor:
            cursor.execute(text, values or None)
            return [{name.lower(): value for name, value in row.items()} for row in cursor.fetchall()]

    def script(self, text: str) -> None:
        """Run a whole script as one text, as `mysql < script.sql` does."""
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            while cursor.nextset():
                pass

    def make(self, *changes: Change) -> None:
        """Run the statements of the changes, one by one; a warning fails, as it would hide what isn't kept."""
        quoting = self.language.quoting(self.language.server)
        for change in changes:
            for statement in self.language.render(change):
                text = statement.text(quoting)
                for before in self.language.prologue([text]):
                    self.query(before)
                self.query(text)
                assert self.query("SHOW WARNINGS") == [], text

    def create(self, *specs: TableSpec, options: GeneratorOptions | None = None) -> Catalog:
        """Form the tables and create them, statement by statement."""
        catalog = form(self.language, specs, options)
        self.make(*diff(Catalog(), catalog))
        return catalog

    def refusal(self, text: str) -> int | None:
        """The number of the error that the statement is refused with."""
        try:
            self.query(text)
        except pymysql.err.MySQLError as error:
            return int(error.args[0])
        return None

    def drop_all(self) -> None:
        self.query("SET foreign_key_checks = 0")
        for row in self.query("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"):
            self.query(f"DROP TABLE {self.name(row['table_name'])}")
        self.query("SET foreign_key_checks = 1")

    def name(self, name: str) -> str:
        return self.language.quoting(self.language.server).identifier(name)

    def value(self, value: Any) -> str:
        return self.language.quoting(self.language.server).literal(value)

    def about(self, view: str, table: str) -> list[Row]:
        """The rows of a view of information_schema that are about a table."""
        schema = "constraint_schema" if "constraints" in view else "table_schema"
        return self.query(
            f"SELECT * FROM information_schema.{view} WHERE {schema} = DATABASE() AND table_name = %s", table
        )


@contextmanager
def connected(language: str, url: str, sql_mode: str | None = None) -> Iterator[Live]:
    """A connection with an sql_mode, or with what the server thinks best."""
    parts = urlsplit(url)
    connection: pymysql.Connection[Any] = pymysql.connect(
        host=parts.hostname or "",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path[1:],
        charset="utf8mb4",
        ssl_disabled=True,
        autocommit=True,
        client_flag=CLIENT.MULTI_STATEMENTS,
        cursorclass=pymysql.cursors.DictCursor,
    )
    with closing(connection):
        live = Live(language_for(language), connection)
        if sql_mode is not None:
            live.query(f"SET SESSION sql_mode = '{sql_mode}'")
        yield live


@asynccontextmanager
async def their_own(url: str, *statements: str, **settings: Any) -> AsyncGenerator[Any]:
    """A connection of the user's, made by aiomysql with these settings, on which the statements have been run."""
    parts = urlsplit(url)
    connection: Any = await aiomysql.connect(
        host=parts.hostname or "",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        db=unquote(parts.path[1:]),
        **settings,
    )
    try:
        async with connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)
        yield connection
    finally:
        await connection.ensure_closed()


def left_behind(server: Live) -> list[str]:
    """Tables of ours, temporary ones too, and locks that somebody holds."""
    tables = [row["name"] for row in server.query("SELECT table_name AS name FROM information_schema.tables")]
    found = [name for name in tables if name.startswith("arrowsync_") and name != "arrowsync_test"]
    if server.is_mysql:
        found += [str(row) for row in server.query("SELECT * FROM information_schema.innodb_temp_table_info")]
        found += [
            row["name"]
            for row in server.query(
                "SELECT object_name AS name FROM performance_schema.metadata_locks "
                "WHERE object_type = 'USER LEVEL LOCK' AND object_name LIKE 'arrowsync%'"
            )
        ]
    return found


# ---- what is there, against what was asked for


def assert_is_there(live: Live, catalog: Catalog, *, besides: Sequence[str] = ()) -> None:
    """Every table of the catalog is in the database, with all that it declares, and no table `besides`."""
    tables = {row["table_name"]: row for row in live.query(_TABLES)}
    assert tables.keys() == {*besides, *(table.name.name for table in catalog.tables)}
    for table in catalog.tables:
        row = tables[table.name.name]
        assert (row["engine"], row["table_collation"]) == ("InnoDB", collation_of(live))
        assert row["table_comment"] == (table.comment or "")
        columns = sorted(live.about("columns", table.name.name), key=lambda row: row["ordinal_position"])
        assert [_column(row) for row in columns] == [_declared(column, live) for column in table.columns]
        assert _keys(live, table) == _declared_keys(table)
        assert _foreign_keys(live, table.name) == {_declared_foreign_key(key) for key in table.foreign_keys}
        assert _checks(live, table) == {check.name for check in table.checks}
        assert [tuple(row.values()) for row in _rows(live, table)] == list(table.rows)


def collation_of(live: Live) -> str:
    """The one by which two texts are equal only if they are the same."""
    return "utf8mb4_0900_bin" if live.is_mysql else "utf8mb4_nopad_bin"


_TABLES = "SELECT * FROM information_schema.tables WHERE table_schema = DATABASE()"
_BEYOND_BMP = re.compile("[^\0-\uffff]")
_WIDTH = re.compile(r"^((?:tiny|small|medium|big)?int)\(\d+\)")


def _column(row: Row) -> tuple[Any, ...]:
    kind = row["column_type"]
    kind = kind if kind == "tinyint(1)" else _WIDTH.sub(r"\1", kind)  # MariaDB's, which say nothing
    default = row["column_default"] not in (None, "NULL")
    identity = "auto_increment" in row["extra"]
    return row["column_name"], kind, row["is_nullable"], default, identity, row["column_comment"], row["collation_name"]


def _declared(column: Column, live: Live) -> tuple[Any, ...]:
    text = column.type.labels or column.type.name in ("varchar", "mediumtext", "longtext")
    json = "utf8mb4_bin" if column.type.name == "json" and not live.is_mysql else None
    collation = collation_of(live) if text else json
    nullable = "YES" if column.nullable else "NO"
    kind = _shown(column.type, live)
    return column.name, kind, nullable, column.default is not None, column.identity, column.comment or "", collation


def _shown(kind: SqlType, live: Live) -> str:
    """The type as information_schema spells it, which shows question marks for letters beyond U+FFFF."""
    match kind.name, kind.args:
        case "boolean", _:
            return "tinyint(1)"
        case "json", _ if not live.is_mysql:
            return "longtext"
        case "datetime", (0,):
            return "datetime"
        case "enum", _:
            return f"enum({','.join(map(_shown_label, kind.labels))})"
        case name, args:
            return f"{name}({','.join(map(str, args))})" if args else name


def _shown_label(label: str) -> str:
    escaped = label.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{_BEYOND_BMP.sub('?', escaped)}'"


def _keys(live: Live, table: Table) -> dict[str, tuple[bool, tuple[str | None, ...]]]:
    """Unique or not and the columns of each index, but of those that foreign keys bring along; an expression is None."""
    found: dict[str, list[Row]] = {}
    for row in live.about("statistics", table.name.name):
        found.setdefault(row["index_name"], []).append(row)
    brought = {key.name for key in table.foreign_keys}
    return {
        name: (
            not rows[0]["non_unique"],
            tuple(row["column_name"] for row in sorted(rows, key=lambda row: row["seq_in_index"])),
        )
        for name, rows in found.items()
        if name not in brought
    }


def _declared_keys(table: Table) -> dict[str | None, tuple[bool, tuple[str | None, ...]]]:
    keys: dict[str | None, tuple[bool, tuple[str | None, ...]]] = {"PRIMARY": (True, table.key)} if table.key else {}
    keys |= {unique.name: (True, unique.columns) for unique in table.unique}
    for index in table.indexes:
        keys[index.name] = index.unique, tuple(part if isinstance(part, str) else None for part in index.parts)
    return keys


def _foreign_keys(live: Live, name: ObjectName) -> set[tuple[Any, ...]]:
    rules = {row["constraint_name"]: row["delete_rule"] for row in live.about("referential_constraints", name.name)}
    if not rules:
        return set()
    found: dict[str, list[Row]] = {rule: [] for rule in rules}
    for row in live.about("key_column_usage", name.name):
        if row["referenced_table_name"] is not None:
            found[row["constraint_name"]].append(row)
    return {
        (
            constraint,
            tuple(row["column_name"] for row in sorted(rows, key=lambda row: row["ordinal_position"])),
            rows[0]["referenced_table_name"],
            tuple(row["referenced_column_name"] for row in sorted(rows, key=lambda row: row["ordinal_position"])),
            # To MySQL and MariaDB these are the same, and MariaDB shows nothing else.
            rules[constraint].replace("NO ACTION", "RESTRICT"),
        )
        for constraint, rows in found.items()
    }


def _declared_foreign_key(key: ForeignKey) -> tuple[Any, ...]:
    return key.name, key.columns, key.target.name, key.referenced, (key.on_delete or "restrict").upper()


def _checks(live: Live, table: Table) -> set[str]:
    """The names of the checks, but of those that MariaDB's json columns have."""
    found = {row["constraint_name"] for row in live.about("table_constraints", table.name.name) if _is_check(row)}
    return found - {column.name for column in table.columns if column.type.name == "json"}


def _is_check(row: Row) -> bool:
    return bool(row["constraint_type"] == "CHECK")


def _rows(live: Live, table: Table) -> list[Row]:
    columns = ", ".join(live.name(column.name) for column in table.columns if not column.identity)
    by = ", ".join(live.name(column.name) for column in table.columns if column.identity)
    return live.query(f"SELECT {columns} FROM {live.name(table.name.name)} {f'ORDER BY {by}' if by else ''}")
