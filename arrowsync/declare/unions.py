"""A union of types that one column can hold becomes the one type that holds them all.

`int16 | int32` is int32, `Literal["none"] | Annotated[str, MaxLength(20)]` is that string. Unions of enums and of tables mean
something else (`enums`, `references`), and any other is none that a column can have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import pyarrow as pa

from arrowsync.declare import markers as m
from arrowsync.declare.annotations import UNIONS, unwrap
from arrowsync.declare.enums import is_literal
from arrowsync.declare.place import Place, is_storable

_INTEGERS: tuple[pa.DataType, ...] = (
    pa.int8(),
    pa.uint8(),
    pa.int16(),
    pa.uint16(),
    pa.int32(),
    pa.uint32(),
    pa.int64(),
    pa.uint64(),
)
"""Those that hold the values of others come after them."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The type that a union is read as, what annotates it, and whether a part of it is Optional."""

    bare: Any
    metadata: tuple[object, ...]
    nullable: bool = False


def joined_union(bare: object, metadata: Sequence[object], skip: tuple[type, ...], place: Place) -> Joined | None:
    """The one type that holds all values of the union `bare`; None where it is no union, or of other types.

    `metadata` is what annotates the union as a whole.
    """
    if get_origin(bare) not in UNIONS:
        return None
    parts = [unwrap(part, skip) for part in get_args(bare)]
    nullable = any(optional for _, _, optional in parts)
    kinds = [str if is_literal(inner) else inner for inner, _, _ in parts]
    if all(kind is int for kind in kinds) and _only(m.ArrowType, parts):
        return Joined(int, (m.ArrowType(_widest_integer(_arrow_types(parts, pa.int64()), bare, place)),), nullable)
    if all(kind is float for kind in kinds) and _only(m.ArrowType, parts):
        widest = max(_arrow_types(parts, pa.float64()), key=lambda given: given.bit_width)
        return Joined(float, (m.ArrowType(widest),), nullable)
    if all(kind is str for kind in kinds) and _only(m.MaxLength, parts):
        return _joined_text(parts, metadata, nullable, place)
    return None


def _only(kind: type, parts: Iterable[tuple[Any, list[object], bool]]) -> bool:
    return all(isinstance(mark, kind) for _, metadata, _ in parts for mark in metadata)


def _arrow_types(parts: Iterable[tuple[Any, list[object], bool]], plain: pa.DataType) -> list[pa.DataType]:
    return [next((mark.type for mark in metadata if isinstance(mark, m.ArrowType)), plain) for _, metadata, _ in parts]


def _widest_integer(types: Sequence[pa.DataType], bare: object, place: Place) -> pa.DataType:
    for candidate in _INTEGERS:
        if all(_holds(candidate, given) for given in types):
            return candidate
    raise place.error(
        f"no integer type holds all values of {' and '.join(map(str, types))}",
        hint="declare Annotated[Decimal, Precision(20)], or one of the types",
    )


def _holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    unsigned = pa.types.is_unsigned_integer
    if unsigned(wide) == unsigned(narrow):
        return wide.bit_width >= narrow.bit_width
    return unsigned(narrow) and wide.bit_width > narrow.bit_width


def _joined_text(
    parts: Sequence[tuple[Any, list[object], bool]], outer: Sequence[object], nullable: bool, place: Place
) -> Joined:
    """Strings, of the greatest of their lengths; or one `Literal`, where all parts are."""
    words = [word for inner, _, _ in parts if is_literal(inner) for word in get_args(inner)]
    strings = [metadata for inner, metadata, _ in parts if inner is str]
    if not strings:
        return Joined(Literal[tuple(words)], (), nullable)
    lengths = [mark.n for metadata in strings for mark in metadata if isinstance(mark, m.MaxLength)]
    longest = max(lengths) if len(lengths) == len(strings) else None
    limits = [mark.n for mark in outer if isinstance(mark, m.MaxLength)] or ([] if longest is None else [longest])
    for word in words:
        if word is None:
            nullable = True
        elif not isinstance(word, str):
            raise place.error(f"{word!r} is no string, but the rest of the union is", hint="quote it, or remove it")
        elif not is_storable(word):
            raise place.error(f"{word!r} holds a NUL or a lone surrogate", hint="remove that character")
        elif limits and len(word) > limits[0]:
            raise place.error(
                f"the Literal {word!r} has {len(word)} characters, more than MaxLength({limits[0]})",
                hint="raise MaxLength, or remove the Literal",
            )
    return Joined(str, () if longest is None else (m.MaxLength(longest),), nullable)
