"""The annotation of a column as Python text, and its plain values as expressions: the way back of `python_types`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from arrowsync.declare.dataclasses.python_types import decimal_type
from arrowsync.declare.python_source.fields import Tables, as_reference
from arrowsync.declare.python_source.layout import Code, call, keyword, optional, quoted, quoted_bytes, subscript
from arrowsync.declare.python_source.names import Imports, Names, enum_of
from arrowsync.declare.site import Site
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, ForeignKeySpec, OnDelete, Reference, TableSpec


def value_code(value: Any, column: ColumnSpec, site: Site, names: Names) -> Code:
    """The expression that makes the plain value of a column in Python."""
    if value is None:
        return "None"
    imports = names.imports
    if column.labels:
        enum = enum_of(column)
        if value not in column.labels:
            raise site.error(f"the default {value!r} is none of its labels", hint="remove it, or add that label")
        if enum is None:
            return quoted(value)
        return f"{names.enums[enum]}.{enum.members[value]}"
    if column.ip is not None:
        return _address(value, site, imports)
    if column.type == pa.json_():
        return _json(value, site)
    kind = cast("type[object]", type(value))
    spell = _SPELLED.get(kind)
    if spell is None:
        raise site.error(
            f"the value {value!r} of type {kind.__name__} can't be written in a declaration", hint="remove it"
        )
    return spell(value, imports)


def _address(value: str, site: Site, imports: Imports) -> Code:
    try:
        address = ip_address(value)
    except ValueError:
        raise site.error(
            f"the value {value!r} is no IP address", hint="remove it, or declare the column as text"
        ) from None
    return call(imports.name("ipaddress", type(address).__name__), quoted(str(address)))


def _json(value: str, site: Site) -> Code:
    parsed: object = json.loads(value)
    if parsed is None or isinstance(parsed, dict | list):
        raise site.error(
            f"the JSON value {value} can't be the default of a field",
            hint="remove it: only a string, a number, true and false can be",
        )
    return quoted(parsed) if isinstance(parsed, str) else _number(parsed)


def _decimal(value: Decimal, imports: Imports) -> Code:
    text = str(value)
    whole = text == str(int(value))  # not so "1.0", "1E+2" and "-0"
    return call(imports.name("decimal", "Decimal"), text if whole else quoted(text))


def _float(value: float, imports: Imports) -> Code:
    text = _number(value)
    return call(imports.name("builtins", "float"), quoted(text)) if text.lstrip("-") in ("inf", "nan") else text


def _number(value: object) -> str:
    return repr(value).replace("e+", "e")  # as formatters write it


def _datetime(value: datetime, imports: Imports) -> Code:
    value = value if value.tzinfo is None else value.astimezone(UTC)
    parts = [value.hour, value.minute, value.second, value.microsecond]
    said = [*map(str, (value.year, value.month, value.day)), *_without_last_zeros(parts)]
    if value.tzinfo is not None:
        said.append(f"tzinfo={imports.name('datetime', 'UTC')}")
    return call(imports.name("datetime", "datetime"), *said)


def _date(value: date, imports: Imports) -> Code:
    return call(imports.name("datetime", "date"), str(value.year), str(value.month), str(value.day))


def _time(value: time, imports: Imports) -> Code:
    parts = [value.hour, value.minute, value.second, value.microsecond]
    return call(imports.name("datetime", "time"), *(_without_last_zeros(parts) or ["0"]))


def _timedelta(value: timedelta, imports: Imports) -> Code:
    sign, size = (-1 if value < timedelta(0) else 1), abs(value)  # -1 second, rather than -1 day and 86399 seconds
    parts = {"days": size.days, "seconds": size.seconds, "microseconds": size.microseconds}
    said = [f"{name}={sign * number}" for name, number in parts.items() if number]
    return call(imports.name("datetime", "timedelta"), *(said or ["0"]))


def _uuid(value: UUID, imports: Imports) -> Code:
    return call(imports.name("uuid", "UUID"), quoted(str(value)))


def _repr(value: object, imports: Imports) -> Code:
    return repr(value)


def _str(value: str, imports: Imports) -> Code:
    return quoted(value)


def _bytes(value: bytes, imports: Imports) -> Code:
    return quoted_bytes(value)


def _without_last_zeros(numbers: Sequence[int]) -> list[str]:
    used = max((site for site, number in enumerate(numbers, start=1) if number), default=0)
    # One number is fine for a time, and for a datetime: midnight has none.
    return [str(number) for number in numbers[:used]]


_SPELLED: dict[type, Callable[[Any, Imports], Code]] = {
    bool: _repr,
    int: _repr,
    float: _float,
    Decimal: _decimal,
    str: _str,
    bytes: _bytes,
    datetime: _datetime,
    date: _date,
    time: _time,
    timedelta: _timedelta,
    UUID: _uuid,
}


PUBLIC = "arrowsync"

_SCALARS: Mapping[pa.DataType, tuple[str, str]] = {
    pa.bool_(): ("builtins", "bool"),
    pa.int64(): ("builtins", "int"),
    **{given: (PUBLIC, str(given)) for given in (pa.int8(), pa.int16(), pa.int32())},
    **{given: (PUBLIC, str(given)) for given in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    pa.float32(): (PUBLIC, "float32"),
    pa.float64(): ("builtins", "float"),
    pa.decimal128(38, 9): ("decimal", "Decimal"),
    pa.string(): ("builtins", "str"),
    pa.binary(): ("builtins", "bytes"),
    pa.timestamp("us"): ("datetime", "datetime"),
    pa.date32(): ("datetime", "date"),
    pa.time64("us"): ("datetime", "time"),
    pa.duration("us"): ("datetime", "timedelta"),
    pa.uuid(): ("uuid", "UUID"),
    pa.json_(): (PUBLIC, "JsonType"),
}

_FAMILIES: Sequence[tuple[Callable[[pa.DataType], bool], str, str]] = (
    (pa.types.is_decimal, "decimal", "Decimal"),
    (pa.types.is_timestamp, "datetime", "datetime"),
    (pa.types.is_date, "datetime", "date"),
    (pa.types.is_time, "datetime", "time"),
    (pa.types.is_duration, "datetime", "timedelta"),
    (pa.types.is_floating, "builtins", "float"),
    (pa.types.is_large_string, "builtins", "str"),
    (pa.types.is_large_binary, "builtins", "bytes"),
    (pa.types.is_fixed_size_binary, "builtins", "bytes"),
)
"""The Python types of those that need an `ArrowType`."""

_ADDRESSES = {"4": ("IPv4Address",), "6": ("IPv6Address",), "any": ("IPv4Address", "IPv6Address")}

_DIGITS = {"s": 0, "ms": 3, "us": 6}
"""Digits of the second in each unit of a timestamp."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that annotations may use: every class, and (`defined`) the classes further up in the module."""

    names: Names
    tables: Tables
    defined: frozenset[str] = frozenset()

    def target(self, reference: Reference, site: Site) -> TableSpec:
        """The table that is referred to. It has to be one of the module, and be referred to by its key."""
        found = self.tables.get((reference.namespace, reference.table))
        named = f"{reference.namespace}.{reference.table}" if reference.namespace else reference.table
        if found is None:
            raise site.error(
                f"it refers to the table {named}, which isn't among the given ones", hint="give that table too"
            )
        if found.key != reference.columns:
            raise site.error(
                f"it refers to the columns {', '.join(reference.columns)} of {named}, which aren't its primary key",
                hint="leave this foreign key out: a declaration can't name columns other than the key",
            )
        return found


@dataclass(frozen=True, slots=True)
class Extras:
    """The markers of a field besides its type: the roles of its column in the table."""

    primary_key: bool = False
    unique: bool = False
    marks: tuple[Code, ...] = ()


def annotation(column: ColumnSpec, site: Site, scope: Scope, extras: Extras | None = None) -> Code:
    """The text of the annotation of a column."""
    extras = extras or Extras()
    inner, marks = _type(column, site, scope)
    imports = scope.names.imports
    if column.identity and column.references:
        raise site.error("an Identity column refers to a row", hint="leave one of the two out")
    if column.minimum is not None or column.maximum is not None:
        marks.append(_range(column, site, scope))
    if column.renamed_from is not None:
        marks.append(call(imports.name(PUBLIC, "RenamedFrom"), quoted(column.renamed_from)))
    return _wrapped(inner, [*marks, *extras.marks], extras, imports, identity=column.identity)


def composite_annotation(key: ForeignKeySpec, site: Site, scope: Scope, extras: Extras, *, nullable: bool) -> Code:
    """The annotation of a field whose type is a table with a key of several columns."""
    inner = _class_union([scope.target(key.target, site)], scope, nullable=nullable)
    marks: list[Code] = [_on_delete(key.target.on_delete, scope)] if key.target.on_delete else []
    return _wrapped(inner, [*marks, *extras.marks], extras, scope.names.imports, identity=False)


def foreign_key_code(key: ForeignKeySpec, site: Site, scope: Scope) -> Code:
    """A foreign key of several columns, for `__constraints__`."""
    columns = keyword("columns", call("", *(quoted(name) for name in key.columns)))
    return _foreign_key(scope.target(key.target, site), key.target.on_delete, scope, columns)


def _wrapped(inner: Code, marks: list[Code], extras: Extras, imports: Imports, *, identity: bool) -> Code:
    code = subscript(imports.name("typing", "Annotated"), inner, *marks) if marks else inner
    for wanted, word in ((identity, "Identity"), (extras.unique, "Unique"), (extras.primary_key, "PrimaryKey")):
        code = subscript(imports.name(PUBLIC, word), code) if wanted else code
    return code


def _type(column: ColumnSpec, site: Site, scope: Scope) -> tuple[Code, list[Code]]:
    """The type, with `| None` where it is nullable, and the markers that complete it."""
    imports = scope.names.imports
    if column.references:
        return _reference(column, site, scope)
    if column.element is not None:
        kind = imports.name("builtins", "set" if column.unordered else "list")
        return _optional(subscript(kind, annotation(column.element, site, scope)), column), []
    if column.struct is not None:
        return _optional(scope.names.structs[column.struct], column), []
    if column.labels:
        return _optional(_enum(column, scope), column), []
    if column.choices:
        if column.type != pa.int64():
            raise site.error(
                f"a Literal of integers is of type int64, not {column.type}", hint="write a check instead of choices"
            )
        return _optional(subscript(imports.name("typing", "Literal"), *map(repr, column.choices)), column), []
    if column.ip is not None:
        return _optional(" | ".join(imports.name("ipaddress", name) for name in _ADDRESSES[column.ip]), column), []
    code, marks = _scalar(column.type, site, scope)
    if column.max_length is not None:
        marks.append(call(imports.name(PUBLIC, "MaxLength"), str(column.max_length)))
    return _optional(code, column), marks


def _optional(code: Code, column: ColumnSpec) -> Code:
    return optional(code) if column.nullable else code


def _enum(column: ColumnSpec, scope: Scope) -> Code:
    imports = scope.names.imports
    enum = enum_of(column)
    if enum is None:
        return subscript(imports.name("typing", "Literal"), *map(quoted, column.labels))
    extensible = column.lookup is not None and column.lookup.extensible
    name = scope.names.enums[enum]
    if not extensible:
        return name
    text = imports.name("builtins", "str")
    if (longest := column.lookup.max_length if column.lookup else None) is not None:
        text = f"{imports.name('typing', 'Annotated')}[{text}, {imports.name(PUBLIC, 'MaxLength')}({longest})]"
    return f"{name} | {text}"


def _scalar(given: pa.DataType, site: Site, scope: Scope) -> tuple[str, list[Code]]:
    imports = scope.names.imports
    if given in _SCALARS:
        return imports.name(*_SCALARS[given]), []
    types = pa.types
    if types.is_decimal(given):
        known = cast(Any, given)
        if 0 <= known.scale <= known.precision and decimal_type(known.precision, known.scale) == given:
            numbers = [str(known.precision), *([str(known.scale)] if known.scale else [])]
            return imports.name("decimal", "Decimal"), [call(imports.name(PUBLIC, "Precision"), *numbers)]
    if types.is_timestamp(given) and given.tz in (None, "UTC") and given.unit in _DIGITS:
        marks: list[Code] = []
        if given.unit != "us":
            marks.append(call(imports.name(PUBLIC, "TimePrecision"), str(_DIGITS[given.unit])))
        if given.tz is not None:
            marks.append(call(imports.name(PUBLIC, "TimeZone"), quoted(given.tz)))
        return imports.name("datetime", "datetime"), marks
    for is_kin, module, name in _FAMILIES:
        if is_kin(given):
            return imports.name(module, name), [_arrow_mark(given, scope)]
    raise site.error(
        f"a declaration has no word for the Arrow type {given}", hint="leave this column out, or change its type"
    )


def _arrow_mark(given: pa.DataType, scope: Scope) -> Code:
    """`ArrowType(pa.timestamp("ns"))`."""
    imports = scope.names.imports
    name = str(given).partition("[")[0].partition("(")[0]
    function = f"{imports.module('pyarrow', 'pa')}.{_FUNCTIONS.get(name, name)}"
    return call(imports.name(PUBLIC, "ArrowType"), call(function, *_parameters(given)))


_FUNCTIONS = {"halffloat": "float16", "fixed_size_binary": "binary"}
"""The functions that make types which are called otherwise."""


def _parameters(given: Any) -> Iterator[Code]:
    types = pa.types
    if types.is_decimal(given):
        yield from (str(given.precision), str(given.scale))
    elif types.is_fixed_size_binary(given):
        yield str(given.byte_width)
    elif types.is_timestamp(given) or types.is_time(given) or types.is_duration(given):
        yield quoted(given.unit)
        if types.is_timestamp(given) and given.tz is not None:
            yield keyword("tz", quoted(given.tz))


def _range(column: ColumnSpec, site: Site, scope: Scope) -> Code:
    imports = scope.names.imports
    low, high = (
        None if bound is None else value_code(bound, replace(column, nullable=False), site, scope.names)
        for bound in (column.minimum, column.maximum)
    )
    if low is None:
        assert high is not None, "a range has a bound"
        return call(imports.name(PUBLIC, "Range"), keyword("maximum", high))
    return call(imports.name(PUBLIC, "Range"), low, *([high] if high is not None else []))


def _reference(column: ColumnSpec, site: Site, scope: Scope) -> tuple[Code, list[Code]]:
    """The class of the table that is referred to; where the column says more than its key, its own type and a marker."""
    targets = [scope.target(reference, site) for reference in column.references]
    for target in targets:
        if len(target.key) != 1:
            raise site.error(
                f"it refers to {target.name}, whose key has several columns", hint="name a column for each of them"
            )
    keys = [target.by_name[target.key[0]] for target in targets]
    lengths = [key.max_length for key in keys]
    longest = None if None in lengths else max(length for length in lengths if length is not None)
    by_class = as_reference(replace(keys[0], max_length=longest), column)
    on_delete = column.references[0].on_delete
    if by_class == column and (column.default is NO_DEFAULT or column.default is None):
        inner = _class_union(targets, scope, nullable=column.nullable)
        return inner, [_on_delete(on_delete, scope)] if on_delete else []
    if len(targets) > 1:
        raise site.error(
            "it refers to any of several tables, and is no column like their keys", hint="leave the references out"
        )
    inner, marks = _type(replace(column, references=()), site, scope)
    return inner, [*marks, _foreign_key(targets[0], on_delete, scope)]


def _class_union(targets: list[TableSpec], scope: Scope, *, nullable: bool) -> Code:
    classes = [scope.names.tables[target.namespace, target.name] for target in targets]
    union = " | ".join([*classes, "None"] if nullable else classes)
    return union if scope.defined.issuperset(classes) else quoted(union)


def _on_delete(on_delete: OnDelete | None, scope: Scope) -> Code:
    return call(
        scope.names.imports.name(PUBLIC, "ForeignKey"),
        *([keyword("on_delete", quoted(on_delete))] if on_delete else []),
    )


def _foreign_key(target: TableSpec, on_delete: OnDelete | None, scope: Scope, *more: Code) -> Code:
    name = scope.names.tables[target.namespace, target.name]
    said = name if name in scope.defined else quoted(name)
    end = [keyword("on_delete", quoted(on_delete))] if on_delete else []
    return call(scope.names.imports.name(PUBLIC, "ForeignKey"), said, *more, *end)
