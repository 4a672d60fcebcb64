"""Markers: what a table declaration says of a column beyond its Python type.

A marker is a frozen dataclass in `Annotated[type, marker, ...]`; type checkers see the plain type. A marker without arguments has
a generic alias: `PrimaryKey[int]` is `Annotated[int, PrimaryKeyMarker()]`. Markers nest in any order
(`PrimaryKey[Annotated[str, MaxLength(10)]]`, `Unique[Optional[int]]`). Bad arguments are a DeclarationError.

    @dataclass
    class Product:
        id: PrimaryKey[int]
        name: Annotated[str, MaxLength(50)]
        price: Annotated[Decimal, Precision(12, 2), Check("{price} > 0")]

To add one: a frozen dataclass here that checks its arguments, its name in `Marker`, its meaning in
`declare/dataclasses/annotations.py`.
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
"""The greatest number of decimal digits in Arrow (decimal256)."""


@dataclass(frozen=True, slots=True)
class PrimaryKeyMarker:
    """The marker of a primary key column. Written `PrimaryKey[T]`."""


@dataclass(frozen=True, slots=True)
class UniqueMarker:
    """The marker of a column with a unique key. Written `Unique[T]`."""


@dataclass(frozen=True, slots=True)
class IdentityMarker:
    """The marker of a column that the database numbers. Written `Identity[T]`."""


PrimaryKey = Annotated[T, PrimaryKeyMarker()]
"""`PrimaryKey[T]`: the column is the primary key. Several in one class make a composite key, in the order of the fields.

A key column is never NULL. `sync_table` merges rows by the key: `id: PrimaryKey[int]`.
"""

Unique = Annotated[T, UniqueMarker()]
"""`Unique[T]`: no two rows have the same value in the column (a NULL equals no other NULL): `email: Unique[str]`."""

Identity = Annotated[T, IdentityMarker()]
"""`Identity[T]`, for an integer type: the database gives the next number to a row that brings none: `id: Identity[int]`."""


@dataclass(frozen=True, slots=True)
class MaxLength:
    """A greatest length: `n` characters of a `str`, `n` bytes of `bytes`.

    >>> Annotated[str, MaxLength(50)]
    typing.Annotated[str, MaxLength(n=50)]
    """

    n: int

    def __post_init__(self) -> None:
        if not _is_int(self.n) or self.n < 1:
            raise DeclarationError(
                f"MaxLength({self.n!r}) is no length", hint="give a whole number, 1 or more: MaxLength(255)"
            )


@dataclass(frozen=True, slots=True)
class Precision:
    """The digits of a number: a `Decimal` of at most `p` digits, `s` of them after the point; a `float` of `p` bits, 24 or 53.

    A decimal without it has 38 digits, 9 of them after the point.

    >>> Annotated[Decimal, Precision(12, 2)]
    typing.Annotated[decimal.Decimal, Precision(p=12, s=2)]
    """

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
    """The fraction of a `datetime`: `n` is 0 for whole seconds, 3 for milliseconds, 6 for microseconds (the default).

    >>> from datetime import datetime
    >>> Annotated[datetime, TimePrecision(3)]
    typing.Annotated[datetime.datetime, TimePrecision(n=3)]
    """

    n: int

    def __post_init__(self) -> None:
        if not _is_int(self.n) or not 0 <= self.n <= 6:
            raise DeclarationError(
                f"TimePrecision({self.n!r}) is no number of digits of a second", hint="give 0, 3 or 6: TimePrecision(3)"
            )


@dataclass(frozen=True, slots=True)
class TimeZone:
    """A `datetime` that is a point in time: its values are aware, in any zone, and are stored and read back in UTC.

    >>> from datetime import datetime
    >>> Annotated[datetime, TimeZone("UTC")]
    typing.Annotated[datetime.datetime, TimeZone(name='UTC')]
    """

    name: str = "UTC"

    def __post_init__(self) -> None:
        if self.name != "UTC":
            raise DeclarationError(
                f"TimeZone({self.name!r}): points in time are stored in UTC",
                hint='write TimeZone("UTC"); aware values of any other zone are converted',
            )


@dataclass(frozen=True, slots=True)
class RenamedFrom:
    """The former name of a column: a migration renames the column and keeps its values.

    >>> Annotated[str, RenamedFrom("surname")]
    typing.Annotated[str, RenamedFrom(name='surname')]
    """

    name: str

    def __post_init__(self) -> None:
        if not _is_text(self.name):
            raise DeclarationError(f"RenamedFrom({self.name!r}) names no column", hint='write RenamedFrom("old_name")')


@dataclass(frozen=True, slots=True)
class ColumnName:
    """The name of the column, if it is no name of Python: `order_id: Annotated[int, ColumnName("order id")]`."""

    name: str

    def __post_init__(self) -> None:
        if not _is_text(self.name):
            raise DeclarationError(f"ColumnName({self.name!r}) names no column", hint='write ColumnName("order id")')


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of the values, both included; None is no bound. Becomes a CHECK constraint.

    >>> Annotated[int, Range(0, 100)]
    typing.Annotated[int, Range(minimum=0, maximum=100)]
    """

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
    """A CHECK constraint: SQL that holds for each row, in which `{name}` is a column: `Check("{low} <= {high}")`."""

    condition: str
    name: str | None = None

    def __post_init__(self) -> None:
        if not _is_text(self.condition):
            raise DeclarationError(f"Check({self.condition!r}) has no condition", hint='write Check("{price} > 0")')
        _check_name("Check", self.name)


@dataclass(frozen=True, slots=True, init=False)
class Index:
    """An index: in `Annotated` on the column, in `__constraints__` on the columns and expressions that it lists.

    A part with braces is an SQL expression.

    >>> Index("lower({name})", unique=True)
    Index(parts=('lower({name})',), unique=True, name=None)
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
    """A unique key over several columns, in `__constraints__`: no two rows have the same values in all of them.

    >>> UniqueKey("country", "city")
    UniqueKey(columns=('country', 'city'))
    """

    columns: tuple[str, ...]

    def __init__(self, *columns: str) -> None:
        if not columns or not all(map(_is_text, columns)):
            raise DeclarationError(
                f"UniqueKey({', '.join(map(repr, columns))}) names no columns", hint='write UniqueKey("a", "b")'
            )
        object.__setattr__(self, "columns", columns)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key to the table that `target` declares: a class, or the name of a class that isn't defined yet.

    In `Annotated` it makes a plain column refer to the primary key of `target`; of a field whose type is a table's class it only
    sets `on_delete`, without a target. In `__constraints__` it lists the `columns` of this table.

    >>> Annotated[int, ForeignKey("Team", on_delete="cascade")]
    typing.Annotated[int, ForeignKey(target='Team', columns=(), on_delete='cascade')]
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
    """The Arrow type of the column, in place of the one of its Python type. Written `int8`, `float32`, `JsonType`...

    >>> int8
    typing.Annotated[int, ArrowType(int8)]
    """

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
"""Any JSON value. The JSON value `null` is stored as NULL, and needs `Optional[JsonType]`."""


def _is_int(value: object) -> bool:
    return type(value) is int


def _check_name(kind: str, name: object) -> None:
    if name is not None and not _is_text(name):
        raise DeclarationError(f"{kind}(name={name!r}) has no name", hint="give some text, or leave the name out")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
