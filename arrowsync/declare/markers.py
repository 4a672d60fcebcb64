"""The words that a table declaration adds to Python's own types.

A marker is a frozen dataclass that stands in `Annotated[type, marker, ...]`; type checkers see the plain type. Those that
take no argument have a generic alias: `PrimaryKey[int]` is `Annotated[int, PrimaryKeyMarker()]`. They nest in any order
(`PrimaryKey[Annotated[str, MaxLength(10)]]`, `Unique[Optional[int]]`).

To add one: a frozen dataclass here that checks its arguments, its name in `Marker`, its meaning in `python_types`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeAlias, TypeVar, get_args

import pyarrow as pa

from arrowsync.declare.spec import OnDelete
from arrowsync.errors import DeclarationError

T = TypeVar("T")

MAX_PRECISION = 76
"""The most decimal digits that Arrow holds (decimal256)."""


@dataclass(frozen=True, slots=True)
class PrimaryKeyMarker:
    """The column is the primary key, or one of its columns. Written `PrimaryKey[T]`."""


@dataclass(frozen=True, slots=True)
class UniqueMarker:
    """No two rows have the same value in the column. Written `Unique[T]`."""


@dataclass(frozen=True, slots=True)
class IdentityMarker:
    """The database numbers the rows that come without a value. Written `Identity[T]`."""


PrimaryKey = Annotated[T, PrimaryKeyMarker()]
"""`PrimaryKey[T]`: the column is the primary key. Several in one class make a composite key, in the order of the fields."""

Unique = Annotated[T, UniqueMarker()]
"""`Unique[T]`: no two rows have the same value in the column (NULL is equal to nothing)."""

Identity = Annotated[T, IdentityMarker()]
"""`Identity[T]`, of an integer type: the database gives the next number to a row that comes without one."""


@dataclass(frozen=True, slots=True)
class MaxLength:
    """At most `n` characters in a `str`, at most `n` bytes in `bytes`."""

    n: int

    def __post_init__(self) -> None:
        if not _is_int(self.n) or self.n < 1:
            raise DeclarationError(
                f"MaxLength({self.n!r}) is no length", hint="give a whole number, 1 or more: MaxLength(255)"
            )


@dataclass(frozen=True, slots=True)
class Precision:
    """A `Decimal` of at most `p` digits, `s` of them after the decimal point; or a `float` of `p` binary digits, 24 or 53."""

    p: int
    s: int = 0

    def __post_init__(self) -> None:
        if not _is_int(self.p) or not 1 <= self.p <= MAX_PRECISION:
            raise DeclarationError(
                f"Precision({self.p!r}, {self.s!r}): {self.p!r} is no number of digits",
                hint=f"give 1 to {MAX_PRECISION} digits in all: Precision(12, 2)",
            )
        if not _is_int(self.s) or not 0 <= self.s <= self.p:
            raise DeclarationError(
                f"Precision({self.p!r}, {self.s!r}): {self.s!r} is no number of digits after the decimal point",
                hint=f"give 0 to {self.p}, as they count among the {self.p} digits in all",
            )


@dataclass(frozen=True, slots=True)
class TimePrecision:
    """A `datetime` with `n` digits of the second: 0 for whole seconds, 3 for milliseconds, 6 for microseconds."""

    n: int

    def __post_init__(self) -> None:
        if not _is_int(self.n) or not 0 <= self.n <= 6:
            raise DeclarationError(
                f"TimePrecision({self.n!r}) is no number of digits of a second", hint="give 0, 3 or 6: TimePrecision(3)"
            )


@dataclass(frozen=True, slots=True)
class TimeZone:
    """A `datetime` that is a point in time. Its values are aware, of any zone, and are stored and read back in UTC."""

    name: str = "UTC"

    def __post_init__(self) -> None:
        if self.name != "UTC":
            raise DeclarationError(
                f"TimeZone({self.name!r}): points in time are stored in UTC",
                hint='write TimeZone("UTC"); aware values of any other zone are converted',
            )


@dataclass(frozen=True, slots=True)
class RenamedFrom:
    """The column was called `name` before: a migration renames it, and keeps what it holds."""

    name: str

    def __post_init__(self) -> None:
        if not _is_text(self.name):
            raise DeclarationError(f"RenamedFrom({self.name!r}) names no column", hint='write RenamedFrom("old_name")')


@dataclass(frozen=True, slots=True)
class ColumnName:
    """The column is called `name`, where Python can't say it: `order_id: Annotated[int, ColumnName("order id")]`."""

    name: str

    def __post_init__(self) -> None:
        if not _is_text(self.name):
            raise DeclarationError(f"ColumnName({self.name!r}) names no column", hint='write ColumnName("order id")')


@dataclass(frozen=True, slots=True)
class Range:
    """Values from `minimum` to `maximum`, both included; None is no bound."""

    minimum: int | float | Decimal | date | None = None
    maximum: int | float | Decimal | date | None = None

    def __post_init__(self) -> None:
        low: Any = self.minimum
        if low is None and self.maximum is None:
            raise DeclarationError("Range() bounds nothing", hint="give a least value, a greatest one, or both")
        try:
            empty = low is not None and self.maximum is not None and low > self.maximum
        except TypeError:
            raise DeclarationError(
                f"Range({low!r}, {self.maximum!r}) has bounds that don't compare", hint="give both of one type"
            ) from None
        if empty:
            raise DeclarationError(
                f"Range({low!r}, {self.maximum!r}) holds no value", hint="the least value comes first"
            )


@dataclass(frozen=True, slots=True)
class Check:
    """A condition in SQL that holds for each row; `{name}` in it stands for a column: `Check("{low} <= {high}")`."""

    condition: str
    name: str | None = None

    def __post_init__(self) -> None:
        if not _is_text(self.condition):
            raise DeclarationError(f"Check({self.condition!r}) has no condition", hint='write Check("{price} > 0")')
        _check_name("Check", self.name)


@dataclass(frozen=True, slots=True, init=False)
class Index:
    """An index on the column; in `__constraints__` on the columns that it names, or on expressions.

    A part with braces is an expression: `Index("lower({name})", unique=True)`.
    """

    parts: tuple[str, ...]
    unique: bool
    name: str | None

    def __init__(self, *parts: str, unique: bool = False, name: str | None = None) -> None:
        for part in parts:
            if not _is_text(part):
                raise DeclarationError(
                    f"an Index can't have the part {part!r}", hint='write Index("a", "b"), with names of columns'
                )
        _check_name("Index", name)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "unique", unique)
        object.__setattr__(self, "name", name)


@dataclass(frozen=True, slots=True, init=False)
class UniqueKey:
    """In `__constraints__`: no two rows have the same values in all of these columns."""

    columns: tuple[str, ...]

    def __init__(self, *columns: str) -> None:
        if not columns or not all(map(_is_text, columns)):
            raise DeclarationError(
                f"UniqueKey({', '.join(map(repr, columns))}) names no columns", hint='write UniqueKey("a", "b")'
            )
        object.__setattr__(self, "columns", columns)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """The key of a row of the table that `target` declares: a class, or its name where it isn't defined yet.

    In an annotation it makes a plain column refer to the primary key of `target`, or says `on_delete` of a field whose type is
    that class (then without a target). In `__constraints__` it names the `columns` of this table.
    """

    target: type | str | None = None
    columns: tuple[str, ...] = ()
    on_delete: OnDelete | None = None

    def __post_init__(self) -> None:
        target: object = self.target
        if target is not None and not isinstance(target, type) and not _is_text(target):
            raise DeclarationError(
                f"ForeignKey({target!r}) names no table", hint='write ForeignKey(Team), or ForeignKey("Team")'
            )
        columns: Any = self.columns
        if not isinstance(columns, tuple) or not all(map(_is_text, self.columns)):
            raise DeclarationError(f"ForeignKey(columns={columns!r}) names no columns", hint='write columns=("a", "b")')
        if self.on_delete not in (*get_args(OnDelete), None):
            raise DeclarationError(
                f"ForeignKey(on_delete={self.on_delete!r}) is none of the known words",
                hint=f"write {', '.join(map(repr, get_args(OnDelete)))}, or leave it out",
            )


@dataclass(frozen=True, slots=True)
class ArrowType:
    """The Arrow type that the column has, whatever its Python type would say. Written `int8`, `float32`, `JsonType`..."""

    type: pa.DataType

    def __repr__(self) -> str:
        return f"ArrowType({self.type})"


Marker: TypeAlias = (
    PrimaryKeyMarker
    | UniqueMarker
    | IdentityMarker
    | MaxLength
    | Precision
    | TimePrecision
    | TimeZone
    | RenamedFrom
    | ColumnName
    | Range
    | Check
    | Index
    | UniqueKey
    | ForeignKey
    | ArrowType
)

int8: TypeAlias = Annotated[int, ArrowType(pa.int8())]
int16: TypeAlias = Annotated[int, ArrowType(pa.int16())]
int32: TypeAlias = Annotated[int, ArrowType(pa.int32())]
int64: TypeAlias = Annotated[int, ArrowType(pa.int64())]
uint8: TypeAlias = Annotated[int, ArrowType(pa.uint8())]
uint16: TypeAlias = Annotated[int, ArrowType(pa.uint16())]
uint32: TypeAlias = Annotated[int, ArrowType(pa.uint32())]
uint64: TypeAlias = Annotated[int, ArrowType(pa.uint64())]
float32: TypeAlias = Annotated[float, ArrowType(pa.float32())]
float64: TypeAlias = Annotated[float, ArrowType(pa.float64())]

# Not recursive: `get_type_hints` would look the forward reference up in the module of the user's class.
JsonType: TypeAlias = Annotated[bool | int | float | str | dict[str, Any] | list[Any], ArrowType(pa.json_())]
"""Any JSON value. The JSON value `null` is a NULL, and needs `Optional[JsonType]`."""


def _is_int(value: object) -> bool:
    return type(value) is int


def _check_name(kind: str, name: object) -> None:
    if name is not None and not _is_text(name):
        raise DeclarationError(f"{kind}(name={name!r}) has no name", hint="give some text, or leave the name out")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
