"""An Arrow schema becomes a `TableSpec`, for tables that are named rather than declared.

Each type is brought to the one that a declared column of its family has, so that the rooms after this know one type a family:
layouts and encodings vanish, times are in microseconds, zones become UTC. The conversion of the values checks that nothing
is lost. To add a type: a line in `_DECLARED`, or a case in `declared_type` where it has parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa

from arrowsync.declare.dataclasses.python_types import decimal_type
from arrowsync.declare.extensions import EXTENSION_HINT
from arrowsync.declare.markers import MAX_PRECISION
from arrowsync.declare.site import Site
from arrowsync.declare.spec import ColumnSpec, StructSpec, TableSpec

_SAME: tuple[pa.DataType, ...] = (
    pa.bool_(),
    pa.int8(),
    pa.int16(),
    pa.int32(),
    pa.int64(),
    pa.uint8(),
    pa.uint16(),
    pa.uint32(),
    pa.uint64(),
    pa.float32(),
    pa.float64(),
    pa.string(),
    pa.binary(),
    pa.date32(),
    pa.uuid(),
)

_DECLARED: Mapping[pa.DataType, pa.DataType] = {
    **{same: same for same in _SAME},
    pa.null(): pa.string(),
    pa.float16(): pa.float32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
    pa.date64(): pa.date32(),
    pa.bool8(): pa.bool_(),
}

_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def spec_from_schema(
    schema: pa.Schema, name: str, *, key: Sequence[str] | str = (), namespace: str | None = None
) -> TableSpec:
    """The table called `name` with the columns of an Arrow schema; those of `key` are its primary key, and never NULL.

    Nullability is kept, and so are comments, where a field (or the schema) has them as metadata `b"comment"`. A fixed number
    of bytes becomes the maximal length, a map JSON, and a struct a type called after the table and the column. Where all values
    are null, so that nobody knows their type, it is text. A type that no column can have is a DeclarationError.
    """
    site = Site(name)
    site.checked_name(name, "name of a table")
    if namespace is not None:
        site.checked_name(namespace, "namespace")
    names = (key,) if isinstance(key, str) else tuple(key)
    if len(set(names)) < len(names):
        raise site.error(f"the key {', '.join(names)} has a column twice", hint="name each column of the key once")
    fields = cast("Iterable[pa.Field[Any]]", schema)
    return TableSpec(
        name=name,
        columns=tuple(_column(field, Site(name, field.name), in_key=field.name in names) for field in fields),
        key=names,
        namespace=namespace,
        comment=site.checked_comment(_comment(schema.metadata)),
    )


def declared_type(given: pa.DataType, site: Site) -> pa.DataType:
    """Return the declared type of a column whose values arrive in the Arrow type `given`."""
    given = _decoded(given)
    exact = _DECLARED.get(given)
    if exact is not None:
        return exact
    types = pa.types
    if isinstance(given, pa.JsonType) or types.is_map(given):
        return pa.json_()
    if types.is_fixed_size_binary(given):
        return pa.binary()
    if types.is_timestamp(given):
        return pa.timestamp("us", tz="UTC") if given.tz else pa.timestamp("us")
    if types.is_time(given):
        return pa.time64("us")
    if types.is_duration(given):
        return pa.duration("us")
    if types.is_decimal(given):
        return _decimal(given, site)
    raise site.error(f"a column can't be of the Arrow type {given}", hint=_way_out(given))


def _column(field: pa.Field[Any], site: Site, *, in_key: bool = False, what: str = "column") -> ColumnSpec:
    stored = _decoded(field.type)
    plain = ColumnSpec(
        name=site.checked_name(field.name, f"name of a {what}"),
        type=stored,
        nullable=field.nullable and not in_key,
        comment=site.checked_comment(_comment(field.metadata)),
    )
    if any(is_list(stored) for is_list in _LISTS):
        element = _column(cast(Any, stored).value_field.with_name("item"), site)  # DuckDB calls it nothing
        return replace(plain, type=pa.list_(element.arrow_field), element=element)
    if pa.types.is_struct(stored):
        return _struct_column(plain, stored, site)
    length = stored.byte_width or None if pa.types.is_fixed_size_binary(stored) else None
    return replace(plain, type=declared_type(stored, site), max_length=length)


def _struct_column(column: ColumnSpec, stored: Any, site: Site) -> ColumnSpec:
    """The column with a struct type of its own, called after the table and the path to the column."""
    path = f"{site.table}_{column.name}"
    if not stored.num_fields:
        raise site.error("a struct without fields holds nothing", hint="drop the column")
    members = tuple(_column(member, Site(path, member.name), what="member") for member in stored.fields)
    struct = StructSpec(path, members)
    return replace(column, type=pa.struct([member.arrow_field for member in members]), struct=struct)


def _decoded(given: pa.DataType) -> pa.DataType:
    """The type of the values of a dictionary or of runs: an encoding says nothing of the values to come."""
    while isinstance(given, pa.DictionaryType | pa.RunEndEncodedType):
        given = cast(Any, given).value_type
    return given


def _decimal(given: Any, site: Site) -> pa.DataType:
    """The decimal with the same digits. Arrow knows scales below 0 and above the precision, databases don't."""
    scale = max(given.scale, 0)
    precision = max(given.precision - min(given.scale, 0), scale)
    if precision > MAX_PRECISION:
        raise site.error(
            f"values of the Arrow type {given} have up to {precision} digits, more than {MAX_PRECISION}",
            hint="cast the column to a decimal of fewer digits, or to a float",
        )
    return decimal_type(precision, scale)


def _comment(metadata: Mapping[bytes, bytes] | None) -> str:
    return (metadata or {}).get(b"comment", b"").decode(errors="replace")


def _way_out(given: pa.DataType) -> str:
    """Return the hint for a type that no column can have."""
    types = pa.types
    if isinstance(given, pa.BaseExtensionType):
        return EXTENSION_HINT
    if types.is_nested(given):
        return "no table holds unions: drop the column, or cast it to JSON text"
    if types.is_interval(given):
        return "months have no fixed length: cast the column to a duration"
    return "cast the column, or declare the table as a dataclass"
