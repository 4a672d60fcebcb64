"""The types of MySQL and MariaDB, in both directions: declared column -> live column, and back.

`from_text` reads the spelling of `information_schema`, `is_widening` says which types hold all values of another,
`from_stored` makes declared values out of columns that hold them as something else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, NoReturn, TypeAlias

import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, TableSpec
from arrowsync.dialects.contract import Server
from arrowsync.dialects.mysql.quoting import check_name, check_text
from arrowsync.dialects.mysql.server import LONG_SCALES, NATIVE_UUID
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Literal, join, sql, trusted
from arrowsync.wire.mysqltext.live import is_opaque, labels_of_set, limited
from arrowsync.wire.mysqltext.scalars import INTEGER_RANGES
from arrowsync.wire.mysqltext.text import BINARY_BYTES, TEXT_BYTES

_TYPE = re.compile(
    r"(?P<name>[a-z0-9 ]+?)(?:\((?P<args>[0-9, ]+)\))?(?P<unsigned> unsigned)?(?: zerofill)?", re.IGNORECASE
)
_COMPRESSED = re.compile(r" /\*M!\d+ COMPRESSED\*/$")
"""MariaDB's attributes that say how values are stored; the values are the same."""
_LABEL = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_ESCAPED: Mapping[str, str] = {"n": "\n", "r": "\r", "0": "\0", "t": "\t", "Z": "\x1a"}
_WITHOUT_WIDTH = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
"""Types whose argument says how a program may show them, and nothing of their values."""
_WITH_DIGITS = frozenset({"datetime", "timestamp", "time"})
"""Types of no digits of a second, where none are named."""
LOST = "?"
"""The character that the server shows for one of a label that its own tables can't hold."""


def from_text(text: str) -> SqlType:
    """The type; one that arrowsync doesn't know keeps the whole text as its name."""
    if text.lower().startswith("enum("):
        return SqlType("enum", labels=tuple(unescape(label) for label in _LABEL.findall(text)))
    text = _COMPRESSED.sub("", text)
    found = _TYPE.fullmatch(text)
    if found is None:
        return SqlType(text)
    name = found["name"].lower()
    args = tuple(int(arg) for arg in found["args"].split(",")) if found["args"] else ()
    sign = " unsigned" if found["unsigned"] else ""
    if name == "tinyint" and args == (1,) and not sign:
        return SqlType("boolean")
    if name in _WITHOUT_WIDTH:
        return SqlType(name + sign)
    if name in _WITH_DIGITS:
        return SqlType(name, args or (0,))
    if name in ("float", "double"):
        return SqlType(name) if not args and not sign else SqlType(text)  # these round, or refuse what is below 0
    if sign:
        return SqlType(text)
    return SqlType(name, args)


def unescape(text: str) -> str:
    """The text that stands between quotes."""
    return _ESCAPE.sub(lambda found: "'" if found[1] is None else _ESCAPED.get(found[1], found[1]), text)


_CHARACTER = 4
"""Bytes that a character of utf8mb4 may take."""
_EXACT: Mapping[str, int] = {"float": 2**24, "double": 2**53}
"""Up to where the floats leave out no integer."""
_SIZED = {"char": TEXT_BYTES, "varchar": TEXT_BYTES, "varbinary": BINARY_BYTES}


def is_widening(old: SqlType, new: SqlType) -> bool:
    """True if every value of `old` is one of `new`, unchanged, or is refused by name when it is loaded.

    Of two types that hold the same values, only that of a declaration widens to the other: a live column that takes all that
    is declared stays as its owner made it.
    """
    if old == new:
        return True
    if old.labels and new.labels:
        return new.labels[: len(old.labels)] == old.labels
    if new.labels:
        return False
    if old.labels:
        longest = max(map(len, old.labels))
        return new.name in TEXT_BYTES if new.name != "varchar" else longest <= new.args[0]
    if old.name in INTEGER_RANGES or old.name in ("boolean", "year"):
        return _holds_integers(old.name, new)
    match old.name, new.name:
        case "float", "double":
            return True
        case "decimal", "decimal":
            whole = new.args[0] - new.args[1]
            return whole >= old.args[0] - old.args[1] and new.args[1] >= old.args[1]
        case ("datetime", "datetime") | ("time", "time") | ("timestamp", "timestamp"):
            return old.args <= new.args
        case "datetime", "timestamp":
            # A live timestamp stays one: as a datetime its moments would be others to whoever isn't in UTC. What is loaded
            # into it has a time zone and fits, or is refused.
            return True
        case "json", text:
            return text == "longtext"
        case ("varchar" | "char", "varchar") | ("varbinary", "varbinary"):
            return old.args <= new.args
        case "varbinary", "binary":
            return False
        case "binary", "varbinary":
            return old.args <= new.args
        case name, wider if name in _SIZED and wider in _SIZED[name]:
            return old.args[0] * (1 if name == "varbinary" else _CHARACTER) <= _SIZED[name][wider]
        case name, wider:
            return any(
                name in sizes and wider in sizes and sizes[name] <= sizes[wider] for sizes in (TEXT_BYTES, BINARY_BYTES)
            )


def _holds_integers(name: str, new: SqlType) -> bool:
    low, high = INTEGER_RANGES.get(name, (0, 1) if name == "boolean" else (0, 2155))
    if name == "boolean":
        low, high = INTEGER_RANGES["tinyint"]  # which it is, whatever it should hold
    if new.name in INTEGER_RANGES:
        return INTEGER_RANGES[new.name][0] <= low and high <= INTEGER_RANGES[new.name][1]
    if new.name in _EXACT:
        return max(-low, high) <= _EXACT[new.name]
    if new.name == "decimal":
        limit: int = 10 ** (new.args[0] - new.args[1])
        return limit > max(-low, high)
    return False


Array: TypeAlias = "pa.Array[Any]"
compute: Any = pyarrow.compute  # pyarrow-stubs has each function by the exact classes of its arguments


def from_stored(stored: ColumnSpec, declared: ColumnSpec) -> Callable[[Array], Array] | None:
    """The kernel from stored to declared values; None if they are the same."""
    wanted: Any = declared.type
    if pa.types.is_duration(wanted) and stored.type == pa.int64():
        return lambda array: _as(array, wanted)
    if pa.types.is_timestamp(wanted) and wanted.tz is not None and stored.type == pa.timestamp(wanted.unit):
        return lambda array: _as(array, wanted)
    if declared.ip is not None and stored.type == pa.binary():
        return _addresses
    return None


def _as(array: Any, kind: pa.DataType) -> Array:
    """Reinterpret the memory as another type of the same width."""
    made: Array = pa.Array.from_buffers(kind, len(array), array.buffers(), array.null_count, array.offset)
    return made


def _addresses(array: Array) -> Array:
    """Write addresses as text, each distinct one once."""
    encoded: Any = compute.dictionary_encode(array)
    texts = pa.array([str(ip_address(packed)) for packed in encoded.dictionary.to_pylist()], pa.string())
    made: Array = compute.take(texts, encoded.indices)
    return made


EXACT: Mapping[pa.DataType, SqlType] = {
    pa.bool_(): SqlType("boolean"),
    pa.int8(): SqlType("tinyint"),
    pa.int16(): SqlType("smallint"),
    pa.int32(): SqlType("int"),
    pa.int64(): SqlType("bigint"),
    pa.uint8(): SqlType("tinyint unsigned"),
    pa.uint16(): SqlType("smallint unsigned"),
    pa.uint32(): SqlType("int unsigned"),
    pa.uint64(): SqlType("bigint unsigned"),
    pa.float32(): SqlType("float"),
    pa.float64(): SqlType("double"),
    pa.string(): SqlType("mediumtext"),
    pa.binary(): SqlType("longblob"),
    pa.date32(): SqlType("date"),
    pa.time64("us"): SqlType("time", (6,)),
    pa.json_(): SqlType("json"),
}
"""Declared types that the servers have, without parameters."""

WIDENED: Mapping[pa.DataType, SqlType] = {
    pa.duration("us"): SqlType("bigint"),  # microseconds; `time` holds 838 hours
}
"""Declared types that the servers don't have -> the type that holds their values."""

ARROW_TYPES: Mapping[str, pa.DataType] = {
    **{live.name: arrow for arrow, live in EXACT.items()},
    "mediumint": pa.int32(),
    "mediumint unsigned": pa.uint32(),
    "year": pa.uint16(),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "longtext"), pa.string()),
    **dict.fromkeys(("varbinary", "tinyblob", "blob", "mediumblob"), pa.binary()),
    "uuid": pa.uuid(),
}
"""The Arrow type that holds all values of a live type, for types whose parameters don't matter."""

ENUM = pa.dictionary(pa.int32(), pa.string())
INTEGERS = frozenset(live.name for arrow, live in EXACT.items() if pa.types.is_integer(arrow))
TEXTS = frozenset({"mediumtext", "longtext", "mediumblob", "longblob", "json", "tinytext", "text", "tinyblob", "blob"})
"""Types without a greatest length that a key could have. Their default is an expression."""
MAX_VARCHAR = 16_383
"""Characters of four bytes that fit into a row, alone."""
MAX_VARBINARY = 65_532
MAX_MEDIUM = (1 << 24) - 1
MAX_LONG = (1 << 32) - 1
"""Bytes of a mediumtext or mediumblob, and of a longtext or longblob."""
MAX_LABEL = 255
MAX_LABELS = 65_535
MAX_PRECISION = 65
_UNITS: Mapping[str, int] = {"s": 0, "ms": 3, "us": 6}


def to_column(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where the server has no type for it."""
    check_name(table.name, table=table.name)
    check_name(spec.name, table=table.name, field=spec.name)
    live = _type_of(spec, table, server)
    if spec.identity and live.name not in INTEGERS:
        _refuse(spec, table, f"an identity column can't be {live}", "declare it as Identity[int]")
    return Column(
        name=spec.name,
        type=live,
        nullable=spec.nullable,
        default=_default(spec, table),
        identity=spec.identity,
        comment=spec.comment,
    )


def to_spec(column: Column) -> ColumnSpec:
    """The declared column whose Arrow type holds all values of the live one; text for a type that Arrow lacks."""
    live = column.type
    return ColumnSpec(
        name=column.name,
        type=_arrow_type(column),
        nullable=column.nullable,
        max_length=live.args[0] if live.name in ("varchar", "char", "varbinary") else None,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        labels=live.labels,
        identity=column.identity,
    )


def type_sql(live: SqlType) -> SQL:
    """The type as statements spell it."""
    if live.labels:
        return sql("enum({labels})", labels=join(", ", [Literal(label) for label in live.labels]))
    # One of the names above, or a type of a live table as the server itself spells it.
    name = trusted(live.name)
    if not live.args:
        return name
    return sql("{name}({args})", name=name, args=join(", ", [Literal(arg) for arg in live.args]))


def has_characters(live: SqlType) -> bool:
    """True if the type has a character set (that of json can't be chosen)."""
    return bool(live.labels) or labels_of_set(live) is not None or ARROW_TYPES.get(live.name) == pa.string()


def _type_of(spec: ColumnSpec, table: TableSpec, server: Server) -> SqlType:
    arrow: Any = spec.type
    if spec.labels:
        return _enum_type(spec, table)
    if spec.ip is not None:
        return SqlType("varbinary", (16,))
    if arrow == pa.string() and spec.max_length is not None:
        return _sized(spec, spec.max_length, spec.max_length * _CHARACTER, ("varchar", "mediumtext", "longtext"), table)
    if arrow == pa.binary() and spec.max_length is not None:
        return _sized(spec, spec.max_length, spec.max_length, ("varbinary", "mediumblob", "longblob"), table)
    if pa.types.is_decimal(arrow):
        return _decimal_type(spec, table, server)
    if pa.types.is_timestamp(spec.type) and arrow.unit in _UNITS:
        return SqlType("datetime", (_UNITS[arrow.unit],))
    if arrow == pa.uuid():
        return SqlType("uuid") if NATIVE_UUID in server.features else SqlType("binary", (16,))
    found = EXACT.get(arrow) or WIDENED.get(arrow)
    if found is None:
        _refuse(spec, table, f"MySQL has no type for Arrow's {arrow}", "declare another type, or JsonType")
    return found


def _enum_type(spec: ColumnSpec, table: TableSpec) -> SqlType:
    way_out = "change it, or form the table with enum_mode=EnumMode.CHECK"
    if len(spec.labels) > MAX_LABELS:
        problem = f"it has {len(spec.labels)} labels, and an enum of MySQL takes {MAX_LABELS}"
        _refuse(spec, table, problem, "form the table with enum_mode=EnumMode.RELATION")
    for label in spec.labels:
        check_text(label, f"the label {label!r}", table=table.name, field=spec.name)
        if label.endswith(" "):
            _refuse(spec, table, f"the enum label {label!r} ends in a space, which MySQL removes", way_out)
        if len(label) > MAX_LABEL:
            problem = f"the enum label {label!r} has {len(label)} characters, and MySQL takes {MAX_LABEL}"
            _refuse(spec, table, problem, way_out)
    return SqlType("enum", labels=spec.labels)


def _sized(spec: ColumnSpec, length: int, size: int, names: tuple[str, str, str], table: TableSpec) -> SqlType:
    """The smallest of three types that holds so many bytes; a column of the two larger ones has no length."""
    short, medium, long = names
    if length <= (MAX_VARBINARY if short == "varbinary" else MAX_VARCHAR):
        return SqlType(short, (length,))
    if size > MAX_LONG:
        problem = f"MaxLength({length}) may take {size} bytes, and a {long} holds {MAX_LONG}"
        _refuse(spec, table, problem, "declare a smaller one")
    return SqlType(medium if size <= MAX_MEDIUM else long)


def _decimal_type(spec: ColumnSpec, table: TableSpec, server: Server) -> SqlType:
    arrow: Any = spec.type
    max_scale = 38 if LONG_SCALES in server.features else 30
    if arrow.precision > MAX_PRECISION or arrow.scale > max_scale:
        name = "MySQL" if server.product == "mysql" else "MariaDB"
        limit = f"a decimal of {name} has {MAX_PRECISION} digits, {max_scale} of them after the point"
        problem = f"{limit}, and not {arrow.precision} and {arrow.scale}"
        _refuse(spec, table, problem, f"declare at most Precision({MAX_PRECISION}, {max_scale}), or a str")
    if arrow.scale < 0:
        _refuse(spec, table, f"MySQL has no type for Arrow's {arrow}", "declare a scale of 0 or more")
    return SqlType("decimal", (arrow.precision, arrow.scale))


def _default(spec: ColumnSpec, table: TableSpec) -> DefaultValue | None:
    if not spec.has_default or spec.default is None:
        return None
    if spec.ip is not None:
        return DefaultValue(ip_address(spec.default))  # declared as text, stored packed
    if isinstance(spec.default, float) and not math.isfinite(spec.default):
        _refuse(
            spec, table, f"the default is {spec.default}, which MySQL and MariaDB lack", "remove it, or give a number"
        )
    if isinstance(spec.default, str):
        check_text(spec.default, "the default", table=table.name, field=spec.name)
    return DefaultValue(spec.default)


def _refuse(spec: ColumnSpec, table: TableSpec, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=way_out)


def _arrow_type(column: Column) -> pa.DataType:
    live = column.type
    if live.labels:
        return ENUM
    exact = ARROW_TYPES.get(live.name)
    if exact is not None:
        return exact
    match live.name, live.args:
        case "decimal", (precision, scale):
            return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
        case "datetime", (digits,):
            return pa.timestamp(_unit(digits))
        case "timestamp", (digits,):
            return pa.timestamp(_unit(digits), tz="UTC")
        case "binary", (16,):
            return pa.uuid()
        case "binary", _:
            return pa.binary()
        case _ if (kind := limited(live)) is not None:
            return _arrow_type(replace(column, type=kind.plain))
        case _ if is_opaque(live):
            return pa.binary()
        case _:
            return pa.string()


def _unit(digits: int) -> Any:
    """The coarsest Arrow unit that has so many digits of the second."""
    return "s" if digits == 0 else "ms" if digits <= 3 else "us"
