"""The types of DuckDB, in both directions: declared column -> live column, and back.

`parse_type` and `type_sql` read and write the spelling of a type; `is_widening` says which types hold all values of another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, StructSpec, TableSpec
from arrowsync.dialects.contract import Server
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Identifier, Literal, join, sql, trusted

EXACT: Mapping[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.uint8(): "utinyint",
    pa.uint16(): "usmallint",
    pa.uint32(): "uinteger",
    pa.uint64(): "ubigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "varchar",
    pa.binary(): "blob",
    pa.timestamp("s"): "timestamp_s",
    pa.timestamp("ms"): "timestamp_ms",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.duration("us"): "interval",
    pa.uuid(): "uuid",
    pa.json_(): "json",
}
"""Declared types that DuckDB has. A MaxLength isn't stored: values are checked before they are loaded."""

WIDENED: Mapping[pa.DataType, str] = {
    pa.timestamp("s", "UTC"): "timestamp with time zone",
    pa.timestamp("ms", "UTC"): "timestamp with time zone",
}
"""Declared types that DuckDB doesn't have, and the smallest type that holds their values."""

READ_ONLY: Mapping[str, pa.DataType] = {
    "timestamp_ns": pa.timestamp("ns"),
    "timestamptz_ns": pa.timestamp("ns", "UTC"),
    "time_ns": pa.time64("ns"),
    "hugeint": pa.decimal256(39, 0),
    "uhugeint": pa.decimal256(39, 0),
}
"""Live types that no declared column gets, and the Arrow type that holds all their values."""

MAX_PRECISION = 38
ENUM = pa.dictionary(pa.int32(), pa.string())

ARROW_TYPES: Mapping[str, pa.DataType] = {**{name: arrow for arrow, name in EXACT.items()}, **READ_ONLY}
"""The Arrow type that holds all values of a live type that has no parameters."""

_INTEGERS = frozenset(EXACT[arrow] for arrow in EXACT if pa.types.is_integer(arrow))


def to_column(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where DuckDB has no type for it."""
    _check_name(spec, table)
    _check_texts(spec, table)
    live = _type_of(spec, spec, table)
    if spec.identity and live.name not in _INTEGERS:
        _refuse(spec, table, f"an identity column can't be {live}", "declare it as Identity[int]")
    has_default = spec.has_default and spec.default is not None
    return Column(
        name=spec.name,
        type=live,
        nullable=spec.nullable,
        default=DefaultValue(spec.default) if has_default else None,
        identity=spec.identity,
        comment=spec.comment,
    )


def to_spec(column: Column) -> ColumnSpec:
    """The declared column whose Arrow type holds all values of the live one; text for a type that Arrow lacks."""
    return replace(
        _spec_of(column.name, column.type),
        nullable=column.nullable,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        identity=column.identity,
    )


def fold(name: str) -> str:
    """Fold a name for comparison: DuckDB ignores the case of ASCII letters (`É` and `é` are two names)."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def text_problem(text: str) -> str | None:
    """The reason why DuckDB can't hold the text, as the end of a sentence; None if it can."""
    if "\0" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds a lone surrogate, which is not text"
    return None


def _check_name(spec: ColumnSpec, table: TableSpec) -> None:
    folded = fold(spec.name)
    twin = next((c.name for c in table.columns if c.name != spec.name and fold(c.name) == folded), None)
    if twin is not None:
        _refuse(spec, table, f"DuckDB takes {spec.name!r} and {twin!r} for one name", "rename one of the two")
    if folded == "rowid":
        _refuse(spec, table, "a column of this name hides DuckDB's own rowid, which arrowsync needs", "rename it")


def _check_texts(spec: ColumnSpec, table: TableSpec) -> None:
    """Refuse texts that no statement can hold: names, comments, labels and defaults become text of a statement."""
    texts = {"the name": spec.name, "the comment": spec.comment, "the default": spec.default}
    for what, text in texts.items():
        if isinstance(text, str) and (problem := text_problem(text)):
            _refuse(spec, table, f"{what} {text!r} {problem}", "remove it")


def _type_of(spec: ColumnSpec, column: ColumnSpec, table: TableSpec) -> SqlType:
    """The type for `spec`, which is the declared `column`, or somewhere in it."""
    arrow: Any = spec.type
    if spec.element is not None:
        return SqlType("array", element=_type_of(spec.element, column, table))
    if spec.struct is not None:
        return _struct_type(spec.struct, column, table)
    if spec.labels:
        for label in spec.labels:
            if problem := text_problem(label):
                _refuse(column, table, f"the label {label!r} {problem}", "remove it")
        return SqlType("enum", labels=spec.labels)
    if pa.types.is_decimal(arrow):
        if arrow.precision > MAX_PRECISION:
            way_out = f"declare at most Precision({MAX_PRECISION}, {min(arrow.scale, MAX_PRECISION)}), or a str"
            _refuse(column, table, f"DuckDB's DECIMAL has {MAX_PRECISION} digits, not {arrow.precision}", way_out)
        return SqlType("decimal", (arrow.precision, arrow.scale))
    name = EXACT.get(arrow) or WIDENED.get(arrow)
    if name is None:
        _refuse(column, table, f"DuckDB has no type for Arrow's {arrow}", "declare another type, or JsonType")
    return SqlType(name)


def _struct_type(struct: StructSpec, column: ColumnSpec, table: TableSpec) -> SqlType:
    seen: dict[str, str] = {}
    for member in struct.members:
        if problem := "is empty" if not member.name else text_problem(member.name):
            _refuse(column, table, f"the name {member.name!r} of a member of {struct.name} {problem}", "rename it")
        twin = seen.setdefault(fold(member.name), member.name)
        if twin != member.name:
            problem = f"DuckDB takes the members {twin!r} and {member.name!r} of {struct.name} for one name"
            _refuse(column, table, problem, "rename one of the two, or form structs as StructMode.JSON")
    return SqlType("struct", members=tuple((m.name, _type_of(m, column, table)) for m in struct.members))


def _refuse(spec: ColumnSpec, table: TableSpec, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=way_out)


def _spec_of(name: str, live: SqlType) -> ColumnSpec:
    """The declared form of a type, which is that of a live column or nested in it."""
    if live.element is not None:
        element = _spec_of("item", live.element)
        return ColumnSpec(name, pa.list_(element.arrow_field), nullable=True, element=element)
    if live.members:
        members = tuple(_spec_of(member, kind) for member, kind in live.members)
        struct = StructSpec(name, members)
        return ColumnSpec(name, pa.struct([m.arrow_field for m in members]), nullable=True, struct=struct)
    return ColumnSpec(name, _arrow_type(live) or pa.string(), nullable=True, labels=live.labels)


def is_said_as_text(live: SqlType) -> bool:
    """True if no Arrow type has the values of the type, which is no list and no struct: DuckDB says them as text."""
    return _arrow_type(live) is None


def _arrow_type(live: SqlType) -> pa.DataType | None:
    if live.labels:
        return ENUM
    if live.name == "decimal":
        precision, scale = live.args
        return pa.decimal128(precision, scale)
    return ARROW_TYPES.get(live.name)


_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_NAME = re.compile(r'"((?:[^"]|"")+)"|([^ "]+)')
_SUFFIX = re.compile(r"\[(\d*)\]")
_WORDS = re.compile(r"""(?:[^'"()\[\],]|'(?:[^']|'')*'|"(?:[^"]|"")*")+""")
"""Matches text up to a sign that ends a type, quoted parts included."""


def parse_type(text: str) -> SqlType:
    """The canonical type of the text in `duckdb_columns()`. A type that arrowsync doesn't know keeps that text."""
    try:
        live, end = _read(text, 0)
    except ValueError:
        return SqlType(text)
    return live if end == len(text) else SqlType(text)


def type_sql(live: SqlType) -> SQL:
    """The type as statements spell it."""
    if live.element is not None:
        length = [Literal(live.args[0])] if live.args else []  # of the lists of a fixed length
        return sql("{element}[{length}]", element=type_sql(live.element), length=join("", length))
    if live.members:
        members = [sql("{name} {type}", name=Identifier(name), type=type_sql(kind)) for name, kind in live.members]
        return sql("STRUCT({members})", members=join(", ", members))
    if live.labels:
        return sql("ENUM({labels})", labels=join(", ", [Literal(label) for label in live.labels]))
    if live.name == "decimal":
        return sql("DECIMAL({digits}, {scale})", digits=Literal(live.args[0]), scale=Literal(live.args[1]))
    # One of the names in `types`, or a type of a live table as DuckDB itself spells it.
    return trusted(live.name.upper() if live.name in ARROW_TYPES else live.name)


def _read(text: str, start: int) -> tuple[SqlType, int]:
    """The type that begins at `start`, and where it ends; a ValueError where none does."""
    if text.startswith("STRUCT(", start):
        live, at = _read_struct(text, start + len("STRUCT("))
    elif text.startswith("ENUM(", start):
        live, at = _read_enum(text, start + len("ENUM("))
    else:
        at = _end_of_plain(text, start)
        live = _plain(text[start:at])
    while suffix := _SUFFIX.match(text, at):
        at = suffix.end()
        live = SqlType("array", (int(suffix[1]),) if suffix[1] else (), element=live)
    return live, at


def _read_struct(text: str, at: int) -> tuple[SqlType, int]:
    members: list[tuple[str, SqlType]] = []
    while True:
        name = _NAME.match(text, at)
        if name is None or text[name.end() : name.end() + 1] != " ":
            raise ValueError(text)
        kind, at = _read(text, name.end() + 1)
        members.append((name[2] or name[1].replace('""', '"'), kind))
        if text.startswith(")", at):
            return SqlType("struct", members=tuple(members)), at + 1
        at = _after_comma(text, at)


def _read_enum(text: str, at: int) -> tuple[SqlType, int]:
    labels: list[str] = []
    while True:
        label = _LABEL.match(text, at)
        if label is None:
            raise ValueError(text)
        labels.append(label[1].replace("''", "'"))
        at = label.end()
        if text.startswith(")", at):
            return SqlType("enum", labels=tuple(labels)), at + 1
        at = _after_comma(text, at)


def _after_comma(text: str, at: int) -> int:
    if not text.startswith(", ", at):
        raise ValueError(text)
    return at + 2


def _end_of_plain(text: str, at: int) -> int:
    """The end of a name with its arguments."""
    words = _WORDS.match(text, at)
    if words is None:
        raise ValueError(text)
    at = words.end()
    depth = 0
    while at < len(text) and (depth or text[at] == "("):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        inner = _WORDS.match(text, at)
        at = inner.end() if inner else at + 1
    return at


def _plain(text: str) -> SqlType:
    if decimal := _DECIMAL.fullmatch(text):
        return SqlType("decimal", (int(decimal[1]), int(decimal[2])))
    known = text.lower()
    return SqlType(known if known in ARROW_TYPES else text)


_RANGES: Mapping[str, tuple[int, int]] = {
    **{
        name: (-(1 << bits - 1), (1 << bits - 1) - 1)
        for name, bits in {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64, "hugeint": 128}.items()
    },
    **{
        name: (0, (1 << bits) - 1)
        for name, bits in {"utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128}.items()
    },
}
_WHOLE_NUMBERS = {"float": 1 << 24, "double": 1 << 53}
"""Up to where a floating-point type has every whole number."""

_WIDER: Mapping[str, frozenset[str]] = {
    "float": frozenset({"double"}),
    "timestamp_s": frozenset({"timestamp_ms", "timestamp"}),
    "timestamp_ms": frozenset({"timestamp"}),
    "time": frozenset({"time_ns"}),
    "json": frozenset({"varchar"}),
    "enum": frozenset({"varchar"}),
}


def is_widening(old: SqlType, new: SqlType) -> bool:
    """True if every value of `old` is one of `new`, unchanged."""
    if old == new:
        return True
    if old.element is not None and new.element is not None:
        # A list of a fixed length stays one: a declaration has none, and what doesn't fit into it is refused.
        return (not old.args or old.args == new.args) and is_widening(old.element, new.element)
    if old.members and new.members:
        # By their names: a member that is new is NULL in the rows that are there.
        wider = dict(new.members)
        return all(name in wider and is_widening(kind, wider[name]) for name, kind in old.members)
    if old.name == new.name == "enum":
        return set(old.labels) <= set(new.labels)
    if (held := _whole_range(old)) is not None:
        if (limits := _whole_range(new)) is not None:
            return limits[0] <= held[0] and held[1] <= limits[1]
        if (exact_to := _WHOLE_NUMBERS.get(new.name)) is not None:
            return -exact_to <= held[0] and held[1] <= exact_to
    if new.name == "decimal":
        digits, scale = new.args
        if old.name == "decimal":
            return old.args[1] <= scale and old.args[0] - old.args[1] <= digits - scale
        return held is not None and max(-held[0], held[1]) < 10 ** (digits - scale)
    return new.name in _WIDER.get(old.name, ())


def _whole_range(live: SqlType) -> tuple[int, int] | None:
    """The least and greatest value of a type of whole numbers."""
    if live.name == "decimal" and live.args[1] == 0:
        return 1 - 10 ** live.args[0], 10 ** live.args[0] - 1
    return _RANGES.get(live.name)
