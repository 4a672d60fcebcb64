"""What the live database contains, of what is asked for: `fetch_rows` asks the server (`queries`), `catalog_from_rows` is pure.

Types come as pg_type's names and modifiers, which `typenames.from_catalog` decodes; a domain counts as the type that it is
made of, in an array too. All names are compared exactly as given. What a catalog has no words for is left out: an index that
is partial or not of the default kind, an exclusion constraint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from arrowsync.catalog import (
    Catalog,
    Check,
    Column,
    DefaultExpression,
    EnumType,
    ForeignKey,
    Index,
    ObjectName,
    OnDelete,
    SqlType,
    StructMember,
    StructType,
    Table,
    UniqueKey,
)
from arrowsync.catalog.objects import TableKind
from arrowsync.dialects.dialect import Session
from arrowsync.dialects.postgres import queries
from arrowsync.dialects.postgres.queries import Found
from arrowsync.dialects.postgres.typenames import from_catalog
from arrowsync.sql import SQL, sql, trusted

Row = dict[str, Any]

KINDS: Mapping[str, TableKind] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "view",
    "f": "foreign table",
}
"""pg_class.relkind -> kind. A materialized view is read like a view."""

ON_DELETE: Mapping[str, OnDelete] = {"r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
"""pg_constraint.confdeltype -> what happens; nothing, where there is no such line."""


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """The rows of the queries, as the server gives them."""

    columns: list[Row]
    indexes: list[Row]
    constraints: list[Row]
    members: list[Row]
    labels: list[Row]
    namespaces: list[Row]


async def discover(session: Session, names: Sequence[ObjectName]) -> Catalog:
    """The tables of those names that exist, and all enum and struct types and namespaces that they may need."""
    if not names:
        return Catalog()
    default = await default_namespace(session)
    return catalog_from_rows(names, await fetch_rows(session, names, default), default)


async def default_namespace(session: Session) -> str:
    """What a name without a namespace stands for now: the user may have set another search_path, or role."""
    found = await session.fetch(sql("SELECT current_schema()::text AS name"))
    name: str | None = found.column("name")[0].as_py()
    return name or session.server.namespace


async def tables(session: Session, namespace: str | None) -> list[ObjectName]:
    """The names of the tables of a namespace, in order: no views, no partitions, and none that an extension brought."""
    rows = await _rows(session, queries.tables_query(namespace or await default_namespace(session)))
    return [ObjectName(namespace, row["name"]) for row in rows]


async def fetch_rows(session: Session, names: Sequence[ObjectName], default: str) -> CatalogRows:
    """The rows that describe the named tables; `at` in them is the position of the name."""
    relations = queries.relations_of(names, default)
    namespaces = sorted({name.namespace or default for name in names})
    columns = await _rows(session, queries.columns_query(relations))
    members = await _members(session, namespaces, _used(columns, "c"))
    return CatalogRows(
        columns,
        await _rows(session, queries.indexes_query(relations)),
        await _rows(session, queries.constraints_query(relations)),
        members,
        await _rows(session, queries.labels_query(namespaces, _used([*columns, *members], "e"))),
        await _rows(session, queries.namespaces_query(namespaces)),
    )


def catalog_from_rows(names: Sequence[ObjectName], rows: CatalogRows, default: str) -> Catalog:
    """The catalog that the rows describe, with every table called as it is in `names`.

    `default` is the namespace that a name without one stands for. A type in that namespace goes without one too, where the
    table does.
    """
    enums = _grouped(rows.labels, "namespace", "name")
    structs = _grouped(rows.members, "namespace", "struct")
    types = _Types(enums, structs, default)
    columns = _grouped(rows.columns, "at")
    indexes = _grouped(rows.indexes, "at")
    constraints = _grouped(rows.constraints, "at")
    tables = tuple(
        _table(names[int(key[0])], found, indexes.get(key, []), constraints.get(key, []), types)
        for key, found in columns.items()
    )
    called = _Called(names, tables, default)
    existing = {row["name"] for row in rows.namespaces}
    asked = sorted({n.namespace for n in names if n.namespace is not None and n.namespace in existing})
    return Catalog(
        tables,
        tuple(
            EnumType(name, types.labels(found), of[0]["comment"])
            for found, of in enums.items()
            for name in called.names_of(found)
        ),
        tuple(asked),
        tuple(_struct(name, structs[found], types) for found in types.by_need() for name in called.names_of(found)),
    )


@dataclass(frozen=True, slots=True)
class _Types:
    """Makes what rows say of a type into it, with the labels of enums and the members of structs."""

    enums: Mapping[Found, list[Row]]
    structs: Mapping[Found, list[Row]]
    default: str

    def of(self, row: Row, user: ObjectName) -> SqlType:
        """The type of a column or member of `user`."""
        live = self._innermost(row, user)
        for level in range(row["levels"], 0, -1):
            live = SqlType("array", element=live, dimensions=max(row["dimensions"], 1) if level == 1 else 1)
        return live

    def labels(self, found: Found) -> tuple[str, ...]:
        return tuple(row["label"] for row in self.enums.get(found, []) if row["label"] is not None)

    def by_need(self) -> list[Found]:
        """The structs, those that others are made of first."""
        ordered: dict[Found, None] = {}

        def visit(found: Found) -> None:
            if found not in ordered:
                for inner in sorted(_used(self.structs[found], "c") & self.structs.keys()):
                    visit(inner)
                ordered[found] = None

        for found in self.structs:
            visit(found)
        return list(ordered)

    def relative(self, namespace: str, user: ObjectName) -> str | None:
        """The namespace of a type or table as `user` says it, which may go without one."""
        return None if user.namespace is None and namespace == self.default else namespace

    def _innermost(self, row: Row, user: ObjectName) -> SqlType:
        namespace, name = row["type_namespace"], row["type_name"]
        match row["type_kind"]:
            case "e":
                return SqlType(name, labels=self.labels((namespace, name)), namespace=self.relative(namespace, user))
            case "c":
                members = [m for m in self.structs.get((namespace, name), []) if m["name"] is not None]
                return SqlType(
                    name,
                    namespace=self.relative(namespace, user),
                    members=tuple((member["name"], self.of(member, user)) for member in members),
                )
            case _ if namespace != "pg_catalog" and name == "citext":
                return SqlType(name, namespace=self.relative(namespace, user))
            case _:
                return from_catalog(name if namespace == "pg_catalog" else "", row["modifier"], row["type_display"])


@dataclass(frozen=True, slots=True)
class _Called:
    """By which names declarations and tables know a type: with its namespace, without, or both."""

    names: Sequence[ObjectName]
    tables: Iterable[Table]
    default: str

    def names_of(self, found: Found) -> list[ObjectName]:
        namespace, name = found
        called = {n.namespace for n in self.names if (n.namespace or self.default) == namespace}
        for table in self.tables:
            for column in table.columns:
                for live in _inside(column.type):
                    if (live.labels or live.members) and (live.namespace or self.default, live.name) == found:
                        called.add(live.namespace)
        return [ObjectName(one, name) for one in sorted(called, key=lambda one: one or "")]


def _inside(live: SqlType) -> Iterator[SqlType]:
    """The type, and those that it is made of."""
    yield live
    if live.element is not None:
        yield from _inside(live.element)
    for _, member in live.members:
        yield from _inside(member)


def _table(name: ObjectName, columns: list[Row], indexes: list[Row], constraints: list[Row], types: _Types) -> Table:
    parts = list(_grouped(indexes, "index").values())
    bound = list(_grouped(constraints, "constraint").values())
    return Table(
        name=name,
        columns=tuple(_column(row, name, types) for row in columns if row["name"] is not None),
        key=next((_names(of) for of in parts if of[0]["is_primary"]), ()),
        unique=tuple(
            UniqueKey(_names(of), of[0]["index_name"])
            for of in parts
            if of[0]["is_unique"] and of[0]["on_columns"] and not of[0]["is_primary"]
        ),
        comment=columns[0]["table_comment"],
        kind=KINDS[columns[0]["kind"]],
        foreign_keys=tuple(_foreign_key(of, name, types) for of in bound if of[0]["target"] is not None),
        checks=tuple(Check(trusted(of[0]["condition"]), of[0]["name"]) for of in bound if of[0]["target"] is None),
        indexes=tuple(_index(of) for of in parts if of[0]["plain"] and not of[0]["constrains"]),
    )


def _column(row: Row, table: ObjectName, types: _Types) -> Column:
    return Column(
        name=row["name"],
        type=types.of(row, table),
        nullable=not row["required"],
        default=DefaultExpression(trusted(row["default"])) if row["default"] is not None else None,
        identity=row["identity"],
        generated=row["generated"],
        comment=row["comment"],
    )


def _foreign_key(parts: list[Row], table: ObjectName, types: _Types) -> ForeignKey:
    first = parts[0]
    return ForeignKey(
        columns=tuple(part["column"] for part in parts),
        target=ObjectName(types.relative(first["target_namespace"], table), first["target"]),
        referenced=tuple(part["referenced"] for part in parts),
        on_delete=ON_DELETE.get(first["on_delete"]),
        name=first["name"],
    )


def _index(parts: list[Row]) -> Index:
    """An index. One that is unique and on columns alone is also among the table's unique keys, by the same name."""
    return Index(
        parts=tuple(part["name"] if part["expression"] is None else _expression(part["expression"]) for part in parts),
        name=parts[0]["index_name"],
        unique=parts[0]["is_unique"],
    )


def _expression(text: str) -> SQL:
    """An expression without the parentheses that stand around all of it, unless it is the call of a function."""
    return trusted(text[1:-1] if text.startswith("(") else text)


def _struct(name: ObjectName, rows: list[Row], types: _Types) -> StructType:
    members = [
        StructMember(row["name"], types.of(row, name), row["comment"]) for row in rows if row["name"] is not None
    ]
    return StructType(name, tuple(members), rows[0]["struct_comment"])


def _names(parts: list[Row]) -> tuple[str, ...]:
    return tuple(part["name"] for part in parts)


def _used(rows: Iterable[Row], kind: str) -> set[Found]:
    """The types of a kind that columns or members have."""
    return {(row["type_namespace"], row["type_name"]) for row in rows if row["type_kind"] == kind}


def _grouped(rows: Iterable[Row], *by: str) -> dict[Any, list[Row]]:
    """The rows, which come in that order, by the values of some of their columns."""
    return {key: list(group) for key, group in groupby(rows, lambda row: tuple(row[name] for name in by))}


async def _members(session: Session, namespaces: Sequence[str], used: set[Found]) -> list[Row]:
    """The rows of the struct types of the namespaces, and of those that are used, by columns or by one another."""
    asked = used
    while True:
        rows = await _rows(session, queries.members_query(namespaces, asked))
        missing = _used(rows, "c") - {(row["namespace"], row["struct"]) for row in rows}
        if missing <= asked:
            return rows
        asked = asked | missing


async def _rows(session: Session, query: SQL) -> list[Row]:
    return (await session.fetch(query)).to_pylist()
