"""Declarations as text: `create_sql`, the script that creates tables, and `to_source`, the dataclasses that declare them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import pyarrow as pa

from arrowsync.catalog import Catalog, Column, ForeignKey, Index, ObjectName, Table
from arrowsync.declare.python_source.write import to_source as source_text
from arrowsync.declare.site import is_storable
from arrowsync.declare.spec import CheckSpec, ColumnSpec, ForeignKeySpec, IndexSpec, Reference, TableSpec
from arrowsync.dialects import language_for
from arrowsync.dialects.contract import Language
from arrowsync.errors import DeclarationError
from arrowsync.generate.catalog import target_catalog
from arrowsync.load.target import declared_specs
from arrowsync.migration.changes import CreateIndex, InsertRows
from arrowsync.migration.diff import diff
from arrowsync.options import GeneratorOptions
from arrowsync.shown import printable
from arrowsync.sql import SQL, Identifier, Quoting


def create_sql(tables: object, dialect: str, options: GeneratorOptions | None = None) -> str:
    """The SQL script that creates the declared `tables` (a dataclass, several, or a module) in an empty database.

    `dialect` is `"ansi"`, `"postgresql"`, `"mysql"`, `"mariadb"` or `"duckdb"`. Tables that the declared ones refer to are
    created too, each before those that refer to it. A declaration that the database can't hold is a DeclarationError.

    >>> from dataclasses import dataclass
    >>> from arrowsync import PrimaryKey
    >>> @dataclass
    ... class User:
    ...     id: PrimaryKey[int]
    ...     name: str | None = None
    >>> print(create_sql(User, "postgresql"))
    CREATE TABLE "User" (
      "id" bigint NOT NULL,
      "name" text,
      PRIMARY KEY ("id")
    );
    <BLANKLINE>
    """
    options = options or GeneratorOptions()
    language = language_for(dialect)
    return script_of(form_catalog(tables, language, options), language)


def form_catalog(tables: object, language: Language, options: GeneratorOptions) -> Catalog:
    """The objects that have to exist for `tables` in a database that speaks `language`."""
    specs = declared_specs(tables, options)
    return target_catalog(
        specs,
        lambda column, table: language.to_column(column, table, language.server),
        language.limits(language.server),
        options,
    )


def script_of(catalog: Catalog, language: Language) -> str:
    """The script that makes an empty database into `catalog`: a blank line between objects, none inside of one."""
    quoting = language.quoting(language.server)
    groups: list[list[str]] = []
    for change in diff(Catalog(), catalog):
        statements = [statement.text(quoting) for statement in language.render(change)]
        if isinstance(change, CreateIndex | InsertRows):
            groups[-1] += statements  # of the table above
        else:
            groups.append(statements)
    prologue = language.prologue([statement for group in groups for statement in group])
    return "\n".join(_lines([list(prologue), *groups]))


def _lines(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    for group in groups:
        if group:
            yield from (f"{statement};" for statement in group)
            yield ""


def to_source(tables: object, dialect: str | None = None) -> str:
    '''The text of a Python module of dataclasses that declares `tables`, which may be a Catalog too.

    `dialect` is that of the catalog ("postgresql", "mysql", "mariadb" or "duckdb"); one that `discover` found knows it. What
    comes out imports cleanly, and forms the same tables again, but for columns with a comment above them: it names the type that
    the database has, where the declaration forms another one, or none.

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
    known = dialect or tables.dialect
    if known is None:
        raise DeclarationError(
            "a catalog is of one dialect, and this one doesn't say of which",
            hint='say it: to_source(catalog, "postgresql"), or "mysql", "mariadb", "duckdb"',
        )
    language = language_for(known)
    specs = specs_of(tables, language)
    return source_text(specs, {(spec.namespace, spec.name): _notes(spec, tables, language) for spec in specs})


def _notes(spec: TableSpec, catalog: Catalog, language: Language) -> dict[str, str]:
    """Column -> the type that it has in the database, where its declaration doesn't form that one."""
    table = catalog.table(ObjectName(spec.namespace, spec.name))
    assert table is not None, "the specs are those of the catalog"
    notes: dict[str, str] = {}
    for column in spec.columns:
        live = table.column(column.name)
        assert live is not None, "the spec is that of the table"
        try:
            formed = language.to_column(column, spec, language.server).type
        except DeclarationError as error:
            reason = error.message.partition(": ")[2]
            notes[column.name] = printable(f"{live.type} in the database, which can be read, not created: {reason}")
            continue
        if formed != live.type:
            notes[column.name] = printable(f"{live.type} in the database; this declares {formed}")
    return notes


def specs_of(catalog: Catalog, language: Language) -> list[TableSpec]:
    """The declarations of the tables of a catalog."""
    quoting = language.quoting(language.server)
    return [_commented(_spec_of(table, language, quoting), catalog) for table in catalog.tables]


def _commented(spec: TableSpec, catalog: Catalog) -> TableSpec:
    """Add the comments of types, which stand on the types and not on the columns that have them."""
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
        plain = _with_labels(language.to_spec(column))
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
    if (
        pa.types.is_string(plain.type)
        and not plain.labels
        and language.to_column(plain, owner, language.server).type != column.type
    ):
        address = replace(plain, max_length=None, ip="any")
        if language.to_column(address, owner, language.server).type == column.type:
            return address
    return plain


def _with_labels(spec: ColumnSpec) -> ColumnSpec:
    """The column with text in place of an enum that no declaration has: one with a label that is empty, for one."""
    if spec.element is not None:
        element = _with_labels(spec.element)
        return spec if element == spec.element else replace(spec, type=pa.list_(element.arrow_field), element=element)
    if spec.struct is not None:
        members = tuple(map(_with_labels, spec.struct.members))
        if members == spec.struct.members:
            return spec
        arrow = pa.struct([member.arrow_field for member in members])
        return replace(spec, type=arrow, struct=replace(spec.struct, members=members))
    if all(label and is_storable(label) for label in spec.labels):
        return spec
    return replace(spec, type=pa.string(), labels=(), enum_name=None)


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
