"""The modes of PostgreSQL, the default one first, and the limits that a declaration has to keep to.

A limit that the server would answer with an error is refused here, before anything is created and with the names of class and
field; so is what it would take for something else. To add one, add a case to `check_table` (or to `types.to_column`, where
it is a single column's).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from arrowsync.catalog import Table
from arrowsync.dialects.contract import Server
from arrowsync.dialects.postgres.quoting import MAX_NAME_BYTES, check_name, check_text
from arrowsync.errors import DeclarationError
from arrowsync.generate.modes import Limits
from arrowsync.options import ArrayMode, EnumMode, StructMode
from arrowsync.sql import SQL, Identifier, Literal, join, sql

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""The columns that every table has, whatever is declared."""
MAX_COLUMNS = 1600
MAX_KEY_COLUMNS = 32
RESERVED_PREFIX = "pg_"
"""The prefix of the server's own tables and schemas. Its tables are found before those of any other schema."""


def limits(server: Server) -> Limits:
    """The modes, names and limits of PostgreSQL, the same on all servers."""
    return Limits(
        dialect="PostgreSQL",
        enum_modes=(EnumMode.TYPE, EnumMode.CHECK, EnumMode.RELATION),
        struct_modes=(StructMode.TYPE, StructMode.JSON, StructMode.TEXT),
        array_modes=(ArrayMode.ARRAY, ArrayMode.JSON, ArrayMode.TEXT, ArrayMode.RELATION),
        max_name=MAX_NAME_BYTES,
        name_size=_name_size,
        only_labels=only_labels,
        check_table=check_table,
        check_tables=check_tables,
    )


def only_labels(column: Identifier, labels: Sequence[str | None], mode: ArrayMode) -> SQL | None:
    """The condition that all elements are among the labels; None where the array is held as text."""
    match mode:
        case ArrayMode.ARRAY:
            listed = join(", ", [Literal(label) for label in labels if label is not None])
            # NULL is contained in no array, not even in one that has it.
            array = sql("array_remove({column}, NULL)", column=column) if None in labels else column
            return sql("{array} <@ ARRAY[{labels}]", array=array, labels=listed)
        case ArrayMode.JSON:
            return sql("{column} <@ {labels}", column=column, labels=Literal(list(labels)))
        case ArrayMode.TEXT | ArrayMode.RELATION:
            return None


def check_table(table: Table) -> None:
    """Refuse a table that the server can't hold as it is."""
    name = table.name
    for part in (name.name, name.namespace):
        if part is not None:
            check_name(part, table=name.name)
    if (name.namespace or name.name).startswith(RESERVED_PREFIX):
        what = "schema" if name.namespace else "table without a schema"
        raise DeclarationError(
            f"{name}: the name of a {what} can't begin with {RESERVED_PREFIX!r}: PostgreSQL's own do",
            table=name.name,
            hint="choose another name" if name.namespace else "choose another name, or give the table a namespace",
        )
    check_text(table.comment or "", "the comment", table=name.name)
    if len(table.columns) > MAX_COLUMNS:
        raise DeclarationError(
            f"{name} has {len(table.columns)} columns, and PostgreSQL takes {MAX_COLUMNS} in a table",
            table=name.name,
            hint="split it, or put some of its fields into a struct",
        )
    for column in table.columns:
        if column.name in SYSTEM_COLUMNS:
            raise DeclarationError(
                f"{name}.{column.name}: every table of PostgreSQL has a column {column.name!r} of its own",
                table=name.name,
                field=column.name,
                hint="choose another name; other case will do, as in " + repr(column.name.upper()),
            )
        check_text(column.comment or "", "the comment", table=name.name, field=column.name)
    for what, columns in _keys(table):
        if columns > MAX_KEY_COLUMNS:
            raise DeclarationError(
                f"{what} of {name} has {columns} columns, and PostgreSQL takes {MAX_KEY_COLUMNS}",
                table=name.name,
                hint="leave some of them out",
            )
    _check_names(table)


def check_tables(tables: Sequence[Table]) -> None:
    """Refuse names that two tables or indexes of a schema would have; the index of a unique key has the key's name."""
    seen: dict[tuple[str | None, str], str] = {}
    for table in tables:
        implied = [f"{table.name.name}_pkey"] if table.key else []
        implied += [f"{table.name.name}_{column.name}_seq" for column in table.columns if column.identity]
        unique = [key.name for key in table.unique if key.name is not None]
        for name in (table.name.name, *unique, *(index.name for index in table.indexes), *implied):
            owner = seen.setdefault((table.name.namespace, name), str(table.name))
            if owner != str(table.name):
                raise DeclarationError(
                    f"two tables, indexes or keys of one schema are called {name!r}, of {owner} and of {table.name}",
                    table=table.name.name,
                    hint="rename one of them",
                )


def _keys(table: Table) -> Iterator[tuple[str, int]]:
    yield "the primary key", len(table.key)
    yield from (("a unique key", len(key.columns)) for key in table.unique)
    yield from (("a foreign key", len(key.columns)) for key in table.foreign_keys)
    yield from ((f"the index {index.name!r}", len(index.parts)) for index in table.indexes)


def _check_names(table: Table) -> None:
    """Refuse names of constraints and indexes that are too long, or that two of them have."""
    constraints = [*(key.name for key in table.unique), *(key.name for key in table.foreign_keys)]
    names = [*(name for name in constraints if name is not None), *(check.name for check in table.checks)]
    names += [index.name for index in table.indexes]
    for name, count in Counter(names).items():
        check_name(name, table=table.name.name)
        if count > 1:
            raise DeclarationError(
                f"{table.name}: {count} constraints or indexes are called {name!r}",
                table=table.name.name,
                hint="give each a name of its own, or none",
            )


def _name_size(name: str) -> int:
    return len(name.encode(errors="surrogatepass"))  # what isn't text is refused by `check_name`
