"""JSON objects, one on each line, taken apart with numpy, and the values of one key -> an array."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, Literal, TypeAlias, assert_never, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.declare.spec import ColumnSpec

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"

_OPEN, _CLOSE, _COLON, _COMMA, _LF = 1, 2, 3, 4, 5
_KINDS = np.zeros(256, np.uint8)
_KINDS[[ord(character) for character in "{["]] = _OPEN
_KINDS[[ord(character) for character in "}]"]] = _CLOSE
_KINDS[ord(":")] = _COLON
_KINDS[ord(",")] = _COMMA
_KINDS[ord("\n")] = _LF
_STEPS = np.array([0, 1, -1, 0, 0, 0], np.int8)
# What may come after what, at depth one of an object and between objects.
_FOLLOWS = np.zeros((6, 6), np.bool_)
_FOLLOWS[_OPEN, [_COLON, _CLOSE]] = True
_FOLLOWS[_COLON, [_COMMA, _CLOSE]] = True
_FOLLOWS[_COMMA, _COLON] = True
_FOLLOWS[_CLOSE, _LF] = True
_FOLLOWS[_LF, [_LF, _OPEN]] = True
_BLANKS = " \t\r"
_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[[ord(character) for character in _BLANKS]] = True


@dataclass(frozen=True, slots=True)
class Members:
    """The members of all objects of a block, in order: the row of each, its key and its value as they stand there.

    `pieces` has the text of key number n at `keys[n]`, and of its value at `keys[n] + 2`, without the blanks around it.
    """

    row_count: int
    rows: Numbers
    keys: Numbers
    pieces: pa.StringArray

    def texts(self, numbers: Numbers, *, mask: Any = None) -> pa.StringArray:
        """The text of some pieces; NULL where the mask is set."""
        indices: Any = pa.array(numbers, mask=mask)
        taken: Any = self.pieces.take(indices)
        trim: Any = pc.ascii_trim
        return cast("pa.StringArray", trim(taken, characters=_BLANKS))


def take_apart(block: bytes) -> Members | None:
    """The members of the objects that a block of whole lines holds; None where a line is no object.

    The block is UTF-8 and ends with a line end.
    """
    data = np.frombuffer(block, np.uint8)
    quotes = _quotes(data)
    quoted = (np.cumsum(quotes, dtype=np.uint8) & 1).view(
        np.bool_
    )  # the sum may wrap: what counts is whether it is odd
    if bool((quoted & (data < 32)).any()):
        return None
    kinds = _KINDS[data]
    kinds[quoted] = 0
    places = np.flatnonzero(kinds)
    kinds = kinds[places]
    depth = np.cumsum(_STEPS[kinds], dtype=np.int64)
    if len(depth) and (depth.min() < 0 or bool((depth[kinds == _LF] != 0).any())):
        return None
    keep = ((depth == 1) & (kinds != _CLOSE)) | ((depth == 0) & ((kinds == _CLOSE) | (kinds == _LF)))
    places, kinds = places[keep], kinds[keep]
    before = np.concatenate([[_LF], kinds[:-1]])
    if not bool(_FOLLOWS[before, kinds].all()):
        return None
    brackets = (kinds == _OPEN) | (kinds == _CLOSE)
    if not np.isin(data[places[brackets]], [ord("{"), ord("}")]).all():
        return None
    if not _blank_outside(data, places, kinds, before):
        return None
    row = np.cumsum(kinds == _OPEN) - 1
    colons = np.flatnonzero(kinds == _COLON)
    return Members(int(row[-1]) + 1 if len(row) else 0, row[colons], 2 * colons, _pieces(block, places))


def _quotes(data: Bytes) -> Any:
    """A mask of the quotes that begin or end a string."""
    quotes = data == ord('"')
    slashes = np.flatnonzero(data == ord("\\"))
    if len(slashes):
        # Of a run of backslashes the last one escapes what follows if they are odd in number.
        first = np.concatenate([[True], np.diff(slashes) != 1])
        starts = np.flatnonzero(first)
        lengths = np.diff(np.concatenate([starts, [len(slashes)]]))
        after = slashes[starts] + lengths
        escaped = after[(lengths % 2 == 1) & (after < len(data))]
        quotes[escaped] = False
    return quotes


def _blank_outside(data: Bytes, places: Numbers, kinds: Bytes, before: Bytes) -> bool:
    """True if there are but blanks before and after the objects, and in objects without members."""
    outside = (before == _LF) | (before == _CLOSE) | ((before == _OPEN) & (kinds == _CLOSE))
    starts = np.concatenate([[0], places[:-1] + 1])[outside]
    ends = places[outside]
    some = ends > starts
    if not some.any():
        return True
    inked = np.concatenate([[0], np.cumsum(~_IS_BLANK[data], dtype=np.int64)])
    return bool((inked[starts[some]] == inked[ends[some]]).all())


def _pieces(block: bytes, places: Numbers) -> pa.StringArray:
    """The block in pieces: what is before each of the places, and the byte that is there, in turn."""
    offsets: Any = np.empty(2 * len(places) + 1, np.int32)
    offsets[0] = 0
    offsets[1::2] = places
    offsets[2::2] = places + 1
    arrays: Any = pa.StringArray
    return cast("pa.StringArray", arrays.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(block)))


Kind: TypeAlias = Literal["text", "declared json", "string", "bool", "int", "float", "json"]
"""The way to read the values of a column: the first two for declared columns, the others for inferred ones."""

TYPES: Mapping[Kind, Callable[[], pa.DataType]] = {
    "text": pa.string,
    "declared json": pa.string,
    "string": pa.string,
    "bool": pa.bool_,
    "int": pa.int64,
    "float": pa.float64,
    "json": pa.json_,
}
INFERRED: tuple[Kind, ...] = ("string", "bool", "int", "float", "json")
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_BARE = f"^(?:{NUMBER}|true|false|null)$"
_INTEGER = r"^-?[0-9]+$"
# What no more than 15 digits say is in a float64, unless it is very large or small.
_INEXACT = r"[.0-9]{16}|[eE][+-]?0*[1-9][0-9]{2}"
_FLOAT_DIGITS = 17

compute: Any = pc


def _nothing() -> None:
    """The default of a key that has none."""


@dataclass(frozen=True, slots=True)
class JsonColumn:
    """A column, and how its values are read. With `keep_null` the JSON null isn't NULL, as the column has none.

    `fill` makes the JSON of a line that lacks the key, or None.
    """

    name: str
    kind: Kind
    keep_null: bool = False
    fill: Callable[[], str | None] = _nothing

    def filled(self, raw: pa.StringArray | None) -> pa.StringArray | None:
        """The values, with those of `fill` for lines that lack the key."""
        if raw is None or not raw.null_count or (first := self.fill()) is None:
            return raw
        missing = compute.is_null(raw)
        made = [first, *(self.fill() for _ in range(raw.null_count - 1))]
        return cast("pa.StringArray", compute.replace_with_mask(raw, missing, pa.array(made, pa.string())))

    def read(self, raw: pa.StringArray) -> Any:
        """The values as an array of the type of the kind; None where any isn't JSON, or isn't of that kind."""
        values: Any = raw
        strings = compute.fill_null(compute.starts_with(values, '"'), False)
        if not self._fits(_not_scalars(values, strings)) or not _strings_end(values, strings):
            return None
        if not self.keep_null:
            values = _without(values, compute.equal(values, "null"))
        match self.kind:
            case "declared json":
                return values
            case "json":
                extension: Any = pa.ExtensionArray
                escaped = values.filter(compute.and_(strings, _has_backslash(values)))
                return extension.from_storage(pa.json_(), values) if _is_json(escaped) else None
            case "text":
                return _unquoted(values, strings)
            case "string":
                return _unquoted(values, strings) if strings.true_count == len(values) - values.null_count else None
            case "bool" | "int" | "float":
                return None if strings.true_count else _CASTS[self.kind](values)
            case _:
                assert_never(self.kind)

    def _fits(self, nested: Any) -> bool:
        """True if what is no scalar is an object or array, as far as `convert` won't ask."""
        if not len(nested):
            return True
        if self.kind not in ("text", "json", "declared json"):
            return False
        if not compute.all(compute.match_substring_regex(nested, r"^[{\[]")).as_py():
            return False
        return self.kind == "declared json" or _is_json(nested)


def declared_column(column: ColumnSpec) -> JsonColumn:
    """The reading of a declared column's values."""
    kind = column.type
    is_json = isinstance(kind, pa.JsonType)
    keeps = is_json or pa.types.is_nested(kind)
    return JsonColumn(
        column.name,
        "declared json" if keeps else "text",
        keep_null=is_json and not column.nullable,
        fill=lambda: _json_of(column, column.filled()),
    )


def _json_of(column: ColumnSpec, value: Any) -> str | None:
    """A default as JSON says it, of which the converter makes the type; None for none."""
    if value is None:
        return None
    if isinstance(column.type, pa.JsonType) and isinstance(value, str) and column.has_default:
        return value  # a plain default is JSON text
    return json.dumps(value, default=_json_member, ensure_ascii=False, allow_nan=True) if value == value else '"nan"'


def _json_member(value: Any) -> Any:
    """A value that JSON has no form for, as text that can be read back; members of enums, sets and objects as their parts."""
    match value:
        case bytes():
            return rf"\x{value.hex()}"
        case timedelta():
            return f"P{value.days}DT{value.seconds}.{value.microseconds:06}S"
        case Enum():
            return value.value
        case set() | frozenset():
            return sorted(cast("set[Any]", value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in fields(value)}
        case _:
            return str(value)


def kinds_of(raw: pa.StringArray) -> tuple[Kind, ...]:
    """The kinds that hold all of these values exactly, narrowest first: `INFERRED` where there are none."""
    given: Any = raw
    given = given.filter(compute.not_equal(given, "null"))
    if not len(given):
        return INFERRED
    strings = compute.starts_with(given, '"')
    if strings.true_count == len(given):
        return ("string", "json")
    if strings.true_count or len(_not_scalars(given, strings)):
        return ("json",)
    return (*(kind for kind, cast in _CASTS.items() if cast(given) is not None), "json")


def inferred_column(name: str, raw: pa.StringArray) -> JsonColumn:
    """The reading of an undeclared column's values: as the narrowest kind that holds all of them exactly."""
    kinds = kinds_of(raw)
    return JsonColumn(name, "json" if kinds == INFERRED else kinds[0])


def _without(values: Any, mask: Any) -> Any:
    """The values, NULL where the mask is true."""
    return compute.if_else(mask, pa.scalar(None, pa.string()), values) if mask.true_count else values


# ---- what is JSON -------------------------------------------------------------------------------------------------------


def _not_scalars(values: Any, strings: Any) -> Any:
    """All values but the strings, numbers, `true`, `false` and `null`."""
    bare = values.filter(compute.invert(strings)) if strings.true_count else values
    return bare.filter(compute.invert(compute.match_substring_regex(bare, _BARE)))


def _strings_end(values: Any, strings: Any) -> bool:
    """True if what begins as a string is one, and nothing more. Those with a backslash are asked when they are decoded."""
    texts = values if strings.true_count == len(values) else values.filter(strings)
    if not len(texts):
        return True
    fits = compute.and_(compute.ends_with(texts, '"'), compute.equal(compute.count_substring(texts, '"'), 2))
    return bool(compute.all(compute.or_(fits, _has_backslash(texts)), min_count=0).as_py())


def _has_backslash(values: Any) -> Any:
    return compute.match_substring(values, "\\")


def _is_json(values: Any) -> bool:
    if not len(values):
        return True
    try:
        text = f"[{','.join(values.drop_null().to_pylist())}]"
        # Python makes no int of more than 4300 digits.
        found: list[object] = json.loads(text, parse_int=str, parse_constant=_refuse_constant)
        json.dumps(found, ensure_ascii=False).encode()  # an unpaired surrogate is no text
    except (ValueError, RecursionError):
        return False
    return len(found) == int(len(values) - values.null_count)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# ---- what they say ------------------------------------------------------------------------------------------------------


def _unquoted(values: Any, strings: Any) -> Any:
    """The contents of strings, and all other values unchanged; None if a string isn't JSON."""
    if not strings.true_count:
        return values
    inner = compute.binary_slice(values.view(pa.binary()), 1, -1).view(pa.string())
    texts = inner if strings.true_count == len(values) else compute.if_else(strings, inner, values)
    escaped = compute.fill_null(compute.and_(strings, _has_backslash(values)), False)
    if not escaped.true_count:
        return texts
    raw: list[str] = values.filter(escaped).to_pylist()
    try:
        decoded = json.loads(f"[{','.join(raw)}]")
        if len(decoded) != len(raw) or not all(isinstance(text, str) for text in decoded):
            return None
        return compute.replace_with_mask(texts, escaped, pa.array(decoded, pa.string()))
    except (ValueError, RecursionError):  # UnicodeError, of an unpaired surrogate, is one
        return None


def _to_bool(values: Any) -> Any:
    fits = compute.is_in(values, value_set=pa.array(["true", "false", None]))
    return compute.equal(values, "true") if fits.true_count == len(values) else None


def _to_int(values: Any) -> Any:
    if not compute.all(compute.match_substring_regex(values, _INTEGER), min_count=0).as_py():
        return None
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _to_float(values: Any) -> Any:
    """Numbers that a float64 says again, written with as many digits; integers among them exactly."""
    if compute.any(compute.is_in(values, value_set=pa.array(["true", "false"]))).as_py():
        return None
    try:
        whole = values.filter(compute.match_substring_regex(values, _INTEGER))
        whole.cast(pa.int64()).cast(pa.float64())
        numbers = values.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    doubtful = compute.match_substring_regex(values, _INEXACT)
    if doubtful.true_count:
        # Most are written as Arrow writes them too.
        again = compute.equal(numbers.cast(pa.string()), values)
        unequal = values.filter(compute.and_(doubtful, compute.invert(again))).to_pylist()
        if not all(map(_is_said_again, unequal)):
            return None
    return numbers if compute.all(compute.is_finite(numbers), min_count=0).as_py() else None


def _is_said_again(text: str) -> bool:
    """True if the float64 that is nearest to a number is that number, written with as many digits."""
    try:
        number, nearest = Decimal(text), float(text)
    except ArithmeticError:  # an exponent beyond any
        return False
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if not digits or not isfinite(nearest):
        return not digits
    if len(digits) > _FLOAT_DIGITS:
        return False
    # The shortest text that gives a float64 may end in the other digit of a tie: 5.960464477539063e-08 is 2**-24, ...0625.
    return number in (Decimal(f"{nearest:.{len(digits) - 1}e}"), Decimal(repr(nearest)))


_CASTS: Mapping[Kind, Callable[[Any], Any]] = {"bool": _to_bool, "int": _to_int, "float": _to_float}
