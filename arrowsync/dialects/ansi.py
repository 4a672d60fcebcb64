"""Standard SQL (SQL:2023), for scripts: `LANGUAGE`. No server speaks it, so there is no dialect to connect with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, assert_never

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType, ansi
from arrowsync.catalog.ansi import ANSI
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, StructSpec, TableSpec
from arrowsync.dialects import defaults
from arrowsync.dialects.contract import Language, Server
from arrowsync.errors import DeclarationError, UnsupportedChange
from arrowsync.generate.modes import Limits
from arrowsync.migration import changes as ch
from arrowsync.options import EnumMode
from arrowsync.sql import SQL, Identifier, Quoting, sql

EXACT: Mapping[pa.DataType, SqlType] = {
    pa.bool_(): SqlType("boolean"),
    pa.int16(): SqlType("smallint"),
    pa.int32(): SqlType("integer"),
    pa.int64(): SqlType("bigint"),
    pa.float32(): SqlType("real"),
    pa.float64(): SqlType("double precision"),
    # The standard's own CHARACTER LARGE OBJECT is unknown to PostgreSQL, MySQL, SQLite and SQL Server, which have `text`;
    # a varchar without a length is one of a single character on some.
    pa.string(): SqlType("text"),
    # BINARY LARGE OBJECT, in the standard's short form, which most have.
    pa.binary(): SqlType("blob"),
    pa.date32(): SqlType("date"),
    # Without digits a time has whole seconds.
    pa.time64("us"): SqlType("time", (6,)),
    # Days have two digits where none are named; nine hold all the microseconds of 64 bits.
    pa.duration("us"): SqlType("interval day(9) to second(6)"),
    # The standard has no UUIDs.
    pa.uuid(): SqlType("char", (36,)),
    pa.json_(): SqlType("json"),
}
"""Declared types that the standard has, without parameters, or that most databases add to it."""

WIDENED: Mapping[pa.DataType, SqlType] = {
    pa.int8(): SqlType("smallint"),
    pa.uint8(): SqlType("smallint"),
    pa.uint16(): SqlType("integer"),
    pa.uint32(): SqlType("bigint"),
    pa.uint64(): SqlType("decimal", (20, 0)),
}
"""Declared types that the standard doesn't have, and the smallest type that holds their values."""

MAX_NAME = 128
"""The characters of a name, as the standard limits them."""

_IP_LENGTHS = {"4": 15, "6": 39, "any": 39}
_UNITS: Mapping[str, int] = {"s": 0, "ms": 3, "us": 6}
_ZONED = "timestamp with time zone"
_ARROW_TYPES: Mapping[SqlType, pa.DataType] = {sql_type: arrow for arrow, sql_type in EXACT.items()}

FORMS = Limits(
    dialect="ANSI SQL",
    enum_modes=(EnumMode.CHECK, EnumMode.RELATION),
    max_name=MAX_NAME,
    bounded_text=True,
)


def quoting(server: Server) -> Quoting:
    """The quoting of names and constants."""
    return ANSI


def limits(server: Server) -> Limits:
    """Enums are checked text or lookup tables; there are structs, arrays and schemas."""
    return FORMS


def to_column(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column of a script for a declared one; a DeclarationError where the standard has no type for it."""
    sql_type = _type_of(spec, table)
    if spec.identity and not pa.types.is_integer(spec.type):
        _refuse(spec, table, f"an identity column can't be {sql_type}", "declare it as Identity[int]")
    has_default = spec.has_default and spec.default is not None
    return Column(
        name=spec.name,
        type=sql_type,
        nullable=spec.nullable,
        default=DefaultValue(spec.default) if has_default else None,
        identity=spec.identity,
        comment=spec.comment,
    )


def to_spec(column: Column) -> ColumnSpec:
    """The declared column whose Arrow type holds all values of a column of a script."""
    declared = _declared(column.name, column.type, column.nullable)
    if declared is None:
        raise DeclarationError(
            f"column {column.name!r} has the type {column.type}, which has no Arrow type",
            field=column.name,
        )
    return ColumnSpec(
        name=column.name,
        type=declared.type,
        nullable=column.nullable,
        max_length=declared.max_length,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        identity=column.identity,
        element=declared.element,
        struct=declared.struct,
    )


def _type_of(spec: ColumnSpec, table: TableSpec) -> SqlType:
    arrow: Any = spec.type
    if spec.element is not None:
        return SqlType("array", element=_type_of(spec.element, table))
    if spec.struct is not None:
        members = tuple((member.name, _type_of(member, table)) for member in spec.struct.members)
        return SqlType(spec.struct.name, namespace=table.namespace, members=members)
    if spec.ip is not None:
        return SqlType("varchar", (_IP_LENGTHS[spec.ip],))
    if spec.max_length is not None:
        return SqlType("varchar" if arrow == pa.string() else "varbinary", (spec.max_length,))
    if pa.types.is_decimal(arrow):
        return SqlType("decimal", (arrow.precision, arrow.scale))
    if pa.types.is_timestamp(spec.type) and arrow.unit in _UNITS:
        return SqlType(_ZONED if arrow.tz else "timestamp", (_UNITS[arrow.unit],))
    found = EXACT.get(arrow) or WIDENED.get(arrow)
    if found is None:
        _refuse(spec, table, f"standard SQL has no type for Arrow's {arrow}", "declare another type, or JsonType")
    return found


def _refuse(spec: ColumnSpec, table: TableSpec, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=way_out)


def _declared(name: str, live: SqlType, nullable: bool) -> ColumnSpec | None:
    """A declared column of that type, nothing more; None where there is none."""
    if live.element is not None:
        element = _declared("item", live.element, True)
        return None if element is None else ColumnSpec(name, pa.list_(element.arrow_field), nullable, element=element)
    if live.members:
        members = [_declared(member, member_type, True) for member, member_type in live.members]
        known = tuple(member for member in members if member is not None)
        arrow: pa.DataType = pa.struct([member.arrow_field for member in known])
        struct = StructSpec(live.name, known)
        return ColumnSpec(name, arrow, nullable, struct=struct) if len(known) == len(members) else None
    match live.name, live.args:
        case "varchar", (length,):
            return ColumnSpec(name, pa.string(), nullable, length)
        case "varbinary", (length,):
            return ColumnSpec(name, pa.binary(), nullable, length)
        case "decimal", (precision, scale):
            digits = pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
            return ColumnSpec(name, digits, nullable)
        case ("timestamp" | "timestamp with time zone") as kind, (digits,):
            unit: Any = next(unit for unit, most in _UNITS.items() if digits <= most)
            zone: Any = "UTC" if kind == _ZONED else None
            return ColumnSpec(name, pa.timestamp(unit, tz=zone), nullable)
        case _:
            found = _ARROW_TYPES.get(live)
            return None if found is None else ColumnSpec(name, found, nullable)


def render(change: ch.Change) -> tuple[SQL, ...]:
    """The statements that make the change."""
    match change:
        case ch.CreateNamespace(name):
            return (sql("CREATE SCHEMA {name}", name=Identifier(name)),)
        case ch.CreateEnum(enum):
            return tuple(ansi.create_type(enum))
        case ch.CreateStruct(struct):
            return tuple(ansi.create_type(struct))
        case ch.CreateTable(table):
            return (ansi.create_table(table, ansi.column_sql), *ansi.comments(table))
        case ch.CreateIndex(table, index):
            return (ansi.create_index(table, index),)
        case ch.InsertRows(table, columns, rows):
            return (ansi.insert_rows(table, columns, rows),)
        case ch.AddForeignKey(table, key):
            return (ansi.add_constraint(table, key.name, ansi.foreign_key(key)),)
        case ch.AddUnique(table, key):
            return (ansi.add_constraint(table, key.name, ansi.unique_key(key)),)
        case ch.SetComment(table, column, comment):
            return (ansi.comment_on(table, column, comment),)
        case ch.AddColumn(table, column):
            added = sql("ADD COLUMN {column}", column=ansi.column_sql(column))
            comments = [ansi.comment_on(table, column.name, column.comment)] if column.comment else []
            return (_alter(change, added), *comments)
        case ch.AddEnumLabels():
            raise _unsupported(change, "the labels of a domain can't be changed")
        case ch.SetKey(_, _, old) if old:
            raise _unsupported(change, "a primary key can't be replaced")
        case ch.RenameColumn() | ch.AlterType() | ch.DropNotNull() | ch.SetNotNull() | ch.SetKey() | ch.DropColumn():
            return (_alter(change, _action(change)),)
        case _:
            assert_never(change)


def _action(change: ch.RenameColumn | ch.AlterType | ch.DropNotNull | ch.SetNotNull | ch.SetKey | ch.DropColumn) -> SQL:
    """The clause after ALTER TABLE and the table's name."""
    match change:
        case ch.RenameColumn(_, old, new):
            return sql("RENAME COLUMN {old} TO {new}", old=Identifier(old), new=Identifier(new))
        case ch.AlterType(_, column, _):
            name = Identifier(column.name)
            return sql("ALTER COLUMN {name} SET DATA TYPE {type}", name=name, type=ansi.type_sql(column.type))
        case ch.DropNotNull(_, column):
            return sql("ALTER COLUMN {column} DROP NOT NULL", column=Identifier(column.name))
        case ch.SetNotNull(_, column):
            return sql("ALTER COLUMN {column} SET NOT NULL", column=Identifier(column.name))
        case ch.SetKey(_, key, _):
            return sql("ADD PRIMARY KEY ({key})", key=ansi.names(key))
        case ch.DropColumn(_, column):
            return sql("DROP COLUMN {column}", column=Identifier(column.name))
        case _:
            assert_never(change)


def _alter(
    change: ch.AddColumn | ch.RenameColumn | ch.AlterType | ch.DropNotNull | ch.SetNotNull | ch.SetKey | ch.DropColumn,
    action: SQL,
) -> SQL:
    return sql("ALTER TABLE {table} {action}", table=change.table.identifier, action=action)


def _unsupported(change: ch.Change, problem: str) -> UnsupportedChange:
    return UnsupportedChange(f"{problem}: {ch.describe(change)}", changes=(ch.describe(change),))


class AnsiLanguage:
    """Standard SQL, for scripts: no server speaks it."""

    name = "ansi"
    server = Server("ansi", (2023,), "public")
    quoting = staticmethod(quoting)
    limits = staticmethod(limits)
    to_column = staticmethod(to_column)
    to_spec = staticmethod(to_spec)
    as_declared = staticmethod(defaults.as_it_is)
    from_stored = staticmethod(defaults.stored_as_declared)
    is_widening = staticmethod(defaults.same_type)
    unloadable = staticmethod(defaults.all_loadable)
    render = staticmethod(render)
    prologue = staticmethod(defaults.no_prologue)


LANGUAGE: Language = AnsiLanguage()
