"""The way back from objects of a database to declarations: `specs_of`, and `to_source`, which prints them as Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import pyarrow as pa

from arrowsync.catalog import Catalog, Column, ForeignKey, Index, ObjectName, Table
from arrowsync.declare.source_code import to_source as source_text
from arrowsync.declare.spec import CheckSpec, ColumnSpec, ForeignKeySpec, IndexSpec, Reference, TableSpec
from arrowsync.dialects import language_for
from arrowsync.dialects.dialect import Language
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Identifier, Quoting
from arrowsync.sync.tables import declared_specs


def to_source(tables: object, dialect: str | None = None) -> str:
    '''The text of a Python module of dataclasses that declares `tables`, which may be a Catalog too.

    `dialect` is that of the catalog ("postgresql", "mysql", "mariadb" or "duckdb"). What comes out imports cleanly, and forms
    the same tables again. A type that no declaration has is a DeclarationError.

    >>> import arrowsync, pyarrow as pa
    >>> print(arrowsync.to_source(pa.schema({"id": pa.int64()}).with_metadata({"name": "City"})))
    """Tables, declared as dataclasses."""
    <BLANKLINE>
    from dataclasses import dataclass
    <BLANKLINE>
    <BLANKLINE>
    @dataclass
    class City:
        id: int | None
    <BLANKLINE>
    '''
    if not isinstance(tables, Catalog):
        return source_text(declared_specs(tables))
    if dialect is None:
        raise DeclarationError("a catalog is of one dialect", hint='say which: to_source(catalog, "postgresql")')
    return source_text(specs_of(tables, language_for(dialect)))


def specs_of(catalog: Catalog, language: Language) -> list[TableSpec]:
    """The declarations of the tables of a catalog."""
    quoting = language.quoting(language.server)
    return [_commented(_spec_of(table, language, quoting), catalog) for table in catalog.tables]


def _commented(spec: TableSpec, catalog: Catalog) -> TableSpec:
    """With the comments of types, which stand on the types and not on the columns that have them."""
    return replace(spec, columns=tuple(_with_comments(c, spec.namespace, catalog) for c in spec.columns))


def _with_comments(spec: ColumnSpec, namespace: str | None, catalog: Catalog) -> ColumnSpec:
    if spec.element is not None:
        return replace(spec, element=_with_comments(spec.element, namespace, catalog))
    if spec.struct is not None:
        live = catalog.struct(ObjectName(namespace, spec.struct.name))
        comments = {member.name: member.comment for member in live.members} if live else {}
        members = tuple(
            replace(_with_comments(member, namespace, catalog), comment=comments.get(member.name))
            for member in spec.struct.members
        )
        return replace(spec, struct=replace(spec.struct, members=members, comment=live.comment if live else None))
    enum = catalog.enum(ObjectName(namespace, spec.enum_name)) if spec.enum_name else None
    return spec if enum is None else replace(spec, enum_comment=enum.comment)


def _spec_of(table: Table, language: Language, quoting: Quoting) -> TableSpec:
    single = {key.columns[0]: key for key in table.foreign_keys if len(key.columns) == 1}
    columns = [_referring(_declared(c, table, language), single) for c in table.columns if not c.generated]
    return TableSpec(
        name=table.name.name,
        columns=tuple(columns),
        key=table.key,
        # A unique index on columns is found as a key too; it is declared once.
        unique=tuple(key.columns for key in table.unique if key.name not in {index.name for index in table.indexes}),
        namespace=table.name.namespace,
        comment=table.comment,
        foreign_keys=tuple(ForeignKeySpec(k.columns, _target(k)) for k in table.foreign_keys if len(k.columns) > 1),
        checks=tuple(CheckSpec(_template(check.condition, quoting), check.name) for check in table.checks),
        indexes=tuple(_index(index, quoting) for index in table.indexes),
    )


def _declared(column: Column, table: Table, language: Language) -> ColumnSpec:
    """The declared column that this one is formed from, its default included.

    A type of the database may stand for several declared ones: bytes or an address, a number or a duration.
    """
    try:
        plain = language.spec_of(column)
    except DeclarationError as error:
        name = str(table.name)
        raise DeclarationError(
            f"the table {name}: {error.message}",
            table=name,
            field=column.name,
            hint="change the type of the column, or leave this table out of the catalog",
        ) from error
    match plain.default:
        case timedelta() if not pa.types.is_duration(plain.type):
            return replace(plain, type=pa.duration("us"))
        case datetime(tzinfo=zone) if zone is not None:
            return replace(plain, type=pa.timestamp("us", "UTC"))
        case IPv4Address() | IPv6Address():
            return replace(plain, type=pa.string(), max_length=None, ip="any", default=str(plain.default))
        case _:
            pass
    owner = TableSpec(table.name.name, (plain,), namespace=table.name.namespace)
    if language.column_of(plain, owner, language.server).type != column.type and pa.types.is_string(plain.type):
        address = replace(plain, max_length=None, ip="any")
        if language.column_of(address, owner, language.server).type == column.type:
            return address
    return plain


def _referring(spec: ColumnSpec, keys: dict[str, ForeignKey]) -> ColumnSpec:
    key = keys.get(spec.name)
    return spec if key is None else replace(spec, references=(_target(key),))


def _target(key: ForeignKey) -> Reference:
    return Reference(key.target.name, key.referenced, key.target.namespace, key.on_delete)


def _index(index: Index, quoting: Quoting) -> IndexSpec:
    parts = tuple(part if isinstance(part, str) else _template(part, quoting) for part in index.parts)
    return IndexSpec(parts, index.unique, index.name)


def _template(condition: SQL, quoting: Quoting) -> str:
    """The text of a condition, its columns in braces where they are known to be columns."""
    pieces: Iterable[object] = condition.parts
    return "".join(_piece(piece, quoting) for piece in pieces)


def _piece(piece: object, quoting: Quoting) -> str:
    match piece:
        case Identifier(parts=(name,)):
            return f"{{{name}}}"
        case SQL(parts):
            return "".join(_piece(part, quoting) for part in parts)
        case str():
            return piece.replace("{", "{{").replace("}", "}}")
        case _:
            text = SQL((piece,)).text(quoting)  # type: ignore[arg-type]
            return text.replace("{", "{{").replace("}", "}}")
