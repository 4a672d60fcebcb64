"""The modes, names and sizes of MySQL and MariaDB: the default mode first, and the bytes of columns in keys and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import NoReturn

from arrowsync.catalog import Column, ForeignKey, SqlType, Table
from arrowsync.dialects.contract import Server
from arrowsync.dialects.mysql.quoting import MAX_NAME, beyond_names, check_name, check_text
from arrowsync.dialects.mysql.server import EXPRESSION_INDEXES, NATIVE_JSON, SHORT_POINTERS
from arrowsync.errors import DeclarationError
from arrowsync.generate.modes import Limits
from arrowsync.options import ArrayMode, EnumMode, StructMode
from arrowsync.sql import SQL, Identifier, Literal, sql

MAX_KEY_BYTES = 3072
MAX_ROW_BYTES = 65_535
MAX_PAGE_BYTES = 8125
"""The most bytes of a row within its page of 16 KiB, which must hold two rows."""

_FIXED: Mapping[str, int] = {
    "boolean": 1,
    "tinyint": 1,
    "smallint": 2,
    "mediumint": 3,
    "int": 4,
    "bigint": 8,
    "float": 4,
    "double": 8,
    "date": 3,
    "year": 1,
    "uuid": 16,
}
_TEXT_POINTERS: Mapping[str, int] = {"mediumtext": 11, "mediumblob": 11, "longtext": 12, "longblob": 12, "json": 12}
"""Bytes in the row for a type that is stored apart: the length and a pointer."""
_DECIMAL_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4)
"""Bytes of up to eight digits; nine take four."""


def data_bytes(live: SqlType) -> int | None:
    """The most bytes that a value takes; None for a type without a greatest length that a key could have."""
    if live.labels:
        return 1 if len(live.labels) < 256 else 2
    match live.name, live.args:
        case (("varchar" | "char"), (length,)):
            return 4 * length
        case (("varbinary" | "binary"), (length,)):
            return length
        case "decimal", (precision, scale):
            return sum(digits // 9 * 4 + _DECIMAL_BYTES[digits % 9] for digits in (precision - scale, scale))
        case "datetime", (digits,):
            return 5 + (digits + 1) // 2
        case "time", (digits,):
            return 3 + (digits + 1) // 2
        case name, _:
            return _FIXED.get(name.removesuffix(" unsigned"))


def row_bytes(columns: Sequence[Column]) -> int:
    """The row as the server counts it, with all text of a limited length in it."""
    return _null_bytes(columns) + sum(_in_row(column.type) for column in columns)


def page_bytes(columns: Sequence[Column], *, keyed: bool, short_pointers: bool) -> int:
    """The bytes of a row that InnoDB keeps in the page after moving out as much as it can.

    `keyed` says whether there is a primary key: it adds a hidden one where there is none.
    """
    header = 5 + 13 + (0 if keyed else 6)
    return header + _null_bytes(columns) + sum(_in_page(column.type, short_pointers) for column in columns)


def largest(columns: Iterable[Column]) -> Column:
    """The column that takes most of a row."""
    return max(columns, key=lambda column: _in_row(column.type))


def _null_bytes(columns: Sequence[Column]) -> int:
    return (sum(column.nullable for column in columns) + 7) // 8


def _in_row(live: SqlType) -> int:
    size = data_bytes(live)
    if size is None:
        return _TEXT_POINTERS.get(live.name, 12)
    return size + _length_bytes(live, size)


def _in_page(live: SqlType, short_pointers: bool) -> int:
    size = data_bytes(live)
    varies = size is None or _length_bytes(live, size) > 0
    if varies and short_pointers and (size is None or size > 255):
        return 1 + 20
    if varies and not short_pointers and (size is None or size >= 40):
        return 1 + 40
    assert size is not None, "what has no greatest size varies"
    return size + (1 if varies else 0)


def _length_bytes(live: SqlType, size: int) -> int:
    return (1 if size < 256 else 2) if live.name in ("varchar", "varbinary") else 0


MAX_COLUMNS = 1017
MAX_KEYS = 64
MAX_KEY_COLUMNS = 16
MAX_COMMENT = 1024
MAX_TABLE_COMMENT = 2048
MAX_FILE_NAME = 251
"""Bytes of a table's name as the name of its file, without the ending."""
RESERVED_COLUMNS = frozenset({"db_row_id", "db_trx_id", "db_roll_ptr", "fts_doc_id"})
RESERVED_INDEXES = frozenset({"primary", "gen_clust_index"})
RESERVED_PREFIX = "#mysql50#"
_FILE_LETTERS = frozenset("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_APART = "leave out its MaxLength: text of any length is stored apart from the row"


@cache
def limits(server: Server) -> Limits:
    """The modes, names and limits of a server."""
    return Limits(
        dialect="MySQL" if server.product == "mysql" else "MariaDB",
        enum_modes=(EnumMode.INLINE, EnumMode.CHECK, EnumMode.RELATION),
        struct_modes=(StructMode.JSON, StructMode.TEXT),
        array_modes=(ArrayMode.JSON, ArrayMode.TEXT, ArrayMode.RELATION),
        namespaces=False,
        max_name=MAX_NAME,
        fold=fold,
        bounded_text=True,
        only_labels=partial(only_labels, flat=NATIVE_JSON in server.features),
        check_table=partial(check_table, server=server),
        check_tables=check_tables,
    )


def fold(name: str) -> str:
    """Fold a name for comparison: letter by letter, without case (`É` is `é`, but `ß` isn't `ss`).

    Those of columns and constraints are on all servers; those of tables are on some, and a script is for any.
    """
    return "".join(letter.lower()[0] for letter in name)


def only_labels(column: Identifier, labels: Sequence[str | None], mode: ArrayMode, *, flat: bool) -> SQL | None:
    """The condition that all elements are among the labels; None where the list is held as text.

    Where the server looks into nested arrays too (it isn't `flat`), there may be none.
    """
    if mode is not ArrayMode.JSON:
        return None
    contained = sql("json_contains({labels}, {column})", labels=Literal(list(labels)), column=column)
    return contained if flat else sql("{contained} AND json_depth({column}) < 3", contained=contained, column=column)


def check_table(table: Table, *, server: Server) -> None:
    """Refuse a table that the server can't hold as it is."""
    _check_names(table)
    _check_comments(table)
    for column in table.columns:
        if column.identity:
            _check_identity(table, column)
    for key in table.foreign_keys:
        _check_on_delete(table, key)
    for what, columns in _keys(table):
        _check_key(table, what, columns)
    for index in table.indexes:
        if EXPRESSION_INDEXES not in server.features and any(not isinstance(part, str) for part in index.parts):
            problem = f"the index {index.name!r} is on an expression, and MariaDB's are on columns"
            _refuse(table, None, problem, "leave it out, or name the columns in it")
    _check_size(table, short_pointers=SHORT_POINTERS in server.features)


def check_tables(tables: Sequence[Table]) -> None:
    """Refuse two names that are one to the server, and foreign keys that refer to no key or to another type."""
    found: dict[str, Table] = {}
    for table in tables:
        twin = found.setdefault(fold(table.name.name), table)
        if twin is not table:
            _refuse(table, None, f"MySQL may take it and {twin.name.name!r} for one table", "rename one of the two")
    constraints: dict[str, Table] = {}
    for table in tables:
        for name in _constraints(table):
            other = constraints.setdefault(fold(name), table)
            if other is not table:
                problem = f"the constraint {name!r} is called as one of {other.name.name!r}"
                _refuse(table, None, problem, "give each a name of its own, or none")
        for key in table.foreign_keys:
            target = found.get(fold(key.target.name))
            if target is not None:
                _check_referenced(table, key, target)


def _check_names(table: Table) -> None:
    name = table.name.name
    check_name(name, table=name)
    if name.startswith(RESERVED_PREFIX):
        _refuse(table, None, f"names that begin with {RESERVED_PREFIX!r} are the server's", "choose another one")
    size = sum(_file_bytes(letter) for letter in name)
    if size > MAX_FILE_NAME:
        problem = f"its name takes {size} bytes as the name of a file, and {MAX_FILE_NAME} are allowed"
        _refuse(table, None, problem, "choose a shorter one, or one of ASCII letters, of which each takes one byte")
    folded: dict[str, str] = {}
    for column in table.columns:
        check_name(column.name, table=name, field=column.name)
        if column.name.lower() in RESERVED_COLUMNS:
            _refuse(table, column.name, "InnoDB keeps this name for itself", "rename it")
        twin = folded.setdefault(fold(column.name), column.name)
        if twin != column.name:
            _refuse(table, column.name, f"MySQL takes {column.name!r} and {twin!r} for one", "rename one of the two")
    indexes = [key.name for key in table.unique if key.name is not None] + [index.name for index in table.indexes]
    for made in indexes:
        if made.lower() in RESERVED_INDEXES:
            _refuse(table, None, f"an index can't be called {made!r}", "choose another name")
    for made, count in [*_counted(indexes), *_counted(_constraints(table))]:
        check_name(made, table=name)
        if count > 1:
            _refuse(table, None, f"{count} constraints or indexes are called {made!r}", "give each a name of its own")


def _constraints(table: Table) -> list[str]:
    """The names that have to be unique in the whole database."""
    return [key.name for key in table.foreign_keys if key.name is not None] + [check.name for check in table.checks]


def _counted(names: Iterable[str]) -> Iterable[tuple[str, int]]:
    return Counter(fold(name) for name in names).items()


def _file_bytes(letter: str) -> int:
    """The bytes of a table's name as a file name: letters of scripts that have case take three bytes, others five."""
    if letter in _FILE_LETTERS:
        return 1
    return 3 if "\u00c0" <= letter <= "\u0556" or "\u1e00" <= letter <= "\u1fff" else 5


def _check_comments(table: Table) -> None:
    comments = [(None, table.comment, MAX_TABLE_COMMENT)]
    for field, text, limit in comments + [(column.name, column.comment, MAX_COMMENT) for column in table.columns]:
        if text is None:
            continue
        check_text(text, "the comment", table=table.name.name, field=field)
        if len(text) > limit:
            problem = f"the comment has {len(text)} characters, and MySQL keeps {limit}"
            _refuse(table, field, problem, "shorten the docstring")
        if (letter := beyond_names(text)) is not None:
            problem = f"the comment holds {letter!r}, and MySQL would store a question mark instead"
            _refuse(table, field, problem, "take it out of the docstring")


def _check_identity(table: Table, column: Column) -> None:
    if sum(other.identity for other in table.columns) > 1:
        _refuse(table, column.name, "MySQL numbers one column of a table", "declare a single Identity")
    if all(column.name != columns[0] for columns in (table.key, *(key.columns for key in table.unique)) if columns):
        problem = "MySQL numbers only a column that is a key, or the first one of a key"
        _refuse(table, column.name, problem, "declare it as PrimaryKey[Identity[int]], or as Unique")
    for check in table.checks:
        if _mentions(check.condition, column.name):
            problem = "MySQL takes no check of a column that it numbers"
            _refuse(table, column.name, problem, "remove its Range or Check")


def _check_on_delete(table: Table, key: ForeignKey) -> None:
    if key.on_delete == "set default":
        problem = "MySQL forgets ON DELETE SET DEFAULT: it refuses to delete the row"
        _refuse(table, key.columns[0], problem, 'declare on_delete="set null", or "restrict"')
    if key.on_delete != "set null":
        return
    for name in key.columns:
        column = table.column(name)
        if column is not None and not column.nullable:
            problem = f"it can't be NULL, and its key to {key.target.name} has ON DELETE SET NULL"
            _refuse(table, name, problem, "declare it as Optional")
        if any(_mentions(check.condition, name) for check in table.checks):
            problem = "MySQL takes no check of a column with ON DELETE SET NULL"
            _refuse(table, name, problem, "remove one of the two")


def _mentions(condition: SQL, column: str) -> bool:
    """True if the column stands in the condition, as a name that was quoted by us."""
    return any(
        (isinstance(part, Identifier) and fold(part.parts[-1]) == fold(column))
        or (isinstance(part, SQL) and _mentions(part, column))
        for part in condition.parts
    )


def _keys(table: Table) -> Iterator[tuple[str, Sequence[str]]]:
    """Everything that there is an index for, in words, with its columns."""
    yield "the primary key", table.key
    yield from (("a unique key", key.columns) for key in table.unique)
    yield from (("a foreign key", key.columns) for key in table.foreign_keys)
    for index in table.indexes:
        yield f"the index {index.name!r}", [part for part in index.parts if isinstance(part, str)]


def _check_key(table: Table, what: str, names: Sequence[str]) -> None:
    if len(names) > MAX_KEY_COLUMNS:
        _refuse(table, None, f"{what} has {len(names)} columns, and MySQL takes {MAX_KEY_COLUMNS}", "leave some out")
    total = 0
    for column in (column for column in table.columns if column.name in names):
        size = data_bytes(column.type)
        if size is None:
            most = MAX_KEY_BYTES // (1 if column.type.name.endswith("blob") else 4)
            problem = f"{what} can't be on a column of type {column.type}, which has no greatest length"
            way_out = f"declare it with a MaxLength of at most {most}"
            _refuse(table, column.name, problem, "take it out of the key" if column.type.name == "json" else way_out)
        total += size
        if total > MAX_KEY_BYTES:
            problem = f"{what} takes up to {total} bytes, and MySQL allows {MAX_KEY_BYTES}; a character counts as four"
            _refuse(table, column.name, problem, "declare a smaller MaxLength")


def _check_size(table: Table, *, short_pointers: bool) -> None:
    if len(table.columns) > MAX_COLUMNS:
        problem = f"it has {len(table.columns)} columns, and InnoDB takes {MAX_COLUMNS}"
        _refuse(table, None, problem, "split it, or put some of its fields into a struct")
    keys = bool(table.key) + len(table.unique) + len(table.foreign_keys) + len(table.indexes)
    if keys > MAX_KEYS:
        _refuse(table, None, f"it has {keys} keys and indexes, and MySQL takes {MAX_KEYS}", "leave some out")
    longest = largest(table.columns).name
    if (size := row_bytes(table.columns)) > MAX_ROW_BYTES:
        problem = f"a row takes up to {size} bytes, and MySQL allows {MAX_ROW_BYTES}; a character counts as four"
        _refuse(table, longest, problem, _APART)
    size = page_bytes(table.columns, keyed=bool(table.key), short_pointers=short_pointers)
    if size > MAX_PAGE_BYTES:
        problem = (
            f"a row takes {size} bytes of a page, even with all long text elsewhere: InnoDB allows {MAX_PAGE_BYTES}"
        )
        _refuse(table, None, problem, "split it, or put some of its fields into a struct")


def _check_referenced(table: Table, key: ForeignKey, target: Table) -> None:
    if key.referenced not in (target.key, *(unique.columns for unique in target.unique)):
        problem = f"({', '.join(key.referenced)}) is no key of {target.name.name}, in that order"
        _refuse(table, key.columns[0], problem, "refer to a primary or unique key")
    for name, referenced in zip(key.columns, key.referenced, strict=True):
        mine, other = table.column(name), target.column(referenced)
        if mine is None or other is None or mine.type == other.type:
            continue
        if not mine.type.name == other.type.name in ("varchar", "varbinary"):  # which may be of different lengths
            problem = f"its type {mine.type} isn't {other.type}, that of {target.name.name}.{referenced}"
            _refuse(table, name, problem, "declare both of one type, or form the tables with foreign_constraints=False")


def _refuse(table: Table, field: str | None, problem: str, way_out: str) -> NoReturn:
    site = f"{table.name.name}.{field}" if field else table.name.name
    raise DeclarationError(f"{site}: {problem}", table=table.name.name, field=field, hint=way_out)
