"""The values of one key, as they stand in JSON -> an array: the text for `convert`, or a type that was settled by inference.

Each value is looked at: it is a string, a number, `true`, `false` or `null`, or begins like an object or array; what is inside
these is asked of Python's parser, but for the columns of which `convert` asks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any, Literal, TypeAlias, assert_never

import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.declare.spec import ColumnSpec

Kind: TypeAlias = Literal["text", "declared json", "string", "bool", "int", "float", "json"]
"""How the values of a column are read: by the first two where it is declared, by the others where that was inferred."""

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


@dataclass(frozen=True, slots=True)
class JsonColumn:
    """A column, and how its values are read. With `keep_null` the JSON null isn't NULL, as the column has none."""

    name: str
    kind: Kind
    keep_null: bool = False

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
        """Whether what is no scalar is an object or array, as far as `convert` won't ask."""
        if not len(nested):
            return True
        if self.kind not in ("text", "json", "declared json"):
            return False
        if not compute.all(compute.match_substring_regex(nested, r"^[{\[]")).as_py():
            return False
        return self.kind == "declared json" or _is_json(nested)


def declared_column(column: ColumnSpec) -> JsonColumn:
    """How the values of a declared column are read."""
    kind = column.type
    is_json = isinstance(kind, pa.JsonType)
    keeps = is_json or pa.types.is_nested(kind)
    return JsonColumn(column.name, "declared json" if keeps else "text", keep_null=is_json and not column.nullable)


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
    """How values of which nothing is known are read: as the narrowest kind that holds all of them exactly."""
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
    """Whether what begins as a string is one, and nothing more. Those with a backslash are asked when they are decoded."""
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
    """What strings say, and everything else as it stands; None where a string isn't JSON."""
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
    """Whether the float64 that is nearest to a number is that number, written with as many digits."""
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
