"""The ways to hold enums, structs and lists: each mode rewrites a column into one that every dialect maps by itself.

The names of constraints, indexes and join tables are made here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeVar

import pyarrow as pa

from arrowsync.catalog import Table
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, StructSpec
from arrowsync.errors import DeclarationError
from arrowsync.options import ArrayMode, EnumMode, GeneratorOptions, StructMode
from arrowsync.sql import SQL, Identifier

HASH_DIGITS = 8


class NameMaker:
    """Makes names of at most `limit` (as `size` counts), none of them twice (as `fold` compares)."""

    def __init__(self, limit: int, size: Callable[[str], int], fold: Callable[[str], str]) -> None:
        self._limit = limit
        self._size = size
        self._fold = fold
        self._taken: set[str] = set()

    def make(self, *parts: str) -> str:
        """The parts joined by underscores, and a hash of them where that is too long, or is taken already."""
        plain = "_".join(parts)
        name = plain if self._size(plain) <= self._limit else self._with_hash(plain, "\0".join(parts))
        attempt = 0
        while not self.take(name):
            name = self._with_hash(plain, "\0".join((*parts, str(attempt)) if attempt else parts))
            attempt += 1
        return name

    def take(self, name: str) -> bool:
        """Whether the name was free; it isn't from now on."""
        folded = self._fold(name)
        free = folded not in self._taken
        self._taken.add(folded)
        return free

    def _with_hash(self, plain: str, whole: str) -> str:
        tail = "_" + sha256(whole.encode()).hexdigest()[:HASH_DIGITS]
        head = plain
        while self._size(head + tail) > self._limit:
            head = head[:-1]
        return head + tail


LABEL_LENGTH = 64
"""Characters of a column for labels, where text needs a length; more where a label has more."""


def _same(name: str) -> str:
    return name


def _accept(table: Table) -> None:
    return


def _accept_all(tables: Sequence[Table]) -> None:
    return


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kind of server can form, and how. The first of the modes is its default.

    enum_modes      TYPE where enums are named types, INLINE where columns spell them out
    struct_modes    TYPE where there are struct types
    array_modes     ARRAY where there are arrays
    namespaces      whether there are any; else they are a prefix of the names, `sales__orders`
    max_name        the longest name, as `name_size` counts
    fold            what names are compared by
    bounded_text    whether text needs a length to be a key or to be short
    only_labels     the condition that a list in `array` mode has no other elements than the labels, where it can be said;
                    None is among them where the elements may be NULL
    cascades        whether rows of a join table go with their owner
    check_table     refuses, as a DeclarationError, a table that the server can't hold
    check_tables    the same for all tables of a formation, for what shows only between them
    """

    dialect: str = "sql"
    enum_modes: tuple[EnumMode, ...] = (EnumMode.TYPE, EnumMode.CHECK, EnumMode.RELATION)
    struct_modes: tuple[StructMode, ...] = (StructMode.TYPE, StructMode.JSON, StructMode.TEXT)
    array_modes: tuple[ArrayMode, ...] = (ArrayMode.ARRAY, ArrayMode.JSON, ArrayMode.TEXT, ArrayMode.RELATION)
    namespaces: bool = True
    max_name: int = 1_000_000
    name_size: Callable[[str], int] = len
    fold: Callable[[str], str] = _same
    bounded_text: bool = False
    only_labels: Callable[[Identifier, Sequence[str | None], ArrayMode], SQL | None] | None = None
    cascades: bool = True
    check_table: Callable[[Table], None] = _accept
    check_tables: Callable[[Sequence[Table]], None] = _accept_all


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of one formation, decided."""

    enum: EnumMode
    struct: StructMode
    array: ArrayMode
    nested_array: ArrayMode
    bounded_text: bool

    def of_enum(self, spec: ColumnSpec) -> EnumMode:
        """How the labels of `spec` are held: an enum that is more than its labels is always a table."""
        return self.enum if spec.lookup is None else EnumMode.RELATION

    def of_array(self, spec: ColumnSpec) -> ArrayMode:
        """How a list is held: rows of other tables are always joined."""
        assert spec.element is not None, "a list has elements"
        return ArrayMode.RELATION if spec.element.references else self.array


Mode = TypeVar("Mode", EnumMode, StructMode, ArrayMode)


def choose_modes(limits: Limits, options: GeneratorOptions) -> Modes:
    """The modes that are asked for, or the server's default ones; a DeclarationError where it has no such mode."""
    nested = next(mode for mode in limits.array_modes if mode is not ArrayMode.RELATION)
    return Modes(
        enum=_chosen(options.enum_mode, limits.enum_modes, limits.dialect),
        struct=_chosen(options.struct_mode, limits.struct_modes, limits.dialect),
        array=_chosen(options.array_mode, limits.array_modes, limits.dialect),
        nested_array=nested if options.array_mode in (None, ArrayMode.RELATION) else options.array_mode,
        bounded_text=limits.bounded_text,
    )


def _chosen(wanted: Mode | None, known: tuple[Mode, ...], dialect: str) -> Mode:
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise DeclarationError(
            f"{dialect} has no {type(wanted).__name__}.{wanted.name}",
            hint=f"it has {', '.join(mode.name for mode in known)}",
        )
    return wanted


def is_joined(spec: ColumnSpec, modes: Modes) -> bool:
    """Whether the column is no column, but a join table."""
    return spec.element is not None and modes.of_array(spec) is ArrayMode.RELATION


def is_lookup(spec: ColumnSpec, modes: Modes) -> bool:
    """Whether the column holds numbers of rows in a lookup table."""
    return bool(spec.labels) and modes.of_enum(spec) is EnumMode.RELATION


def held(spec: ColumnSpec, modes: Modes) -> ColumnSpec:
    """The column as the database has it. Its default is left out where it can't be said of the new type."""
    if spec.element is not None:
        return _held_list(spec, modes, modes.of_array(spec))
    if spec.struct is not None:
        return _held_struct(spec, spec.struct, modes)
    if not spec.labels:
        return spec
    match modes.of_enum(spec):
        case EnumMode.TYPE | EnumMode.INLINE:
            return spec
        case EnumMode.CHECK:
            return _as_text(spec, modes)
        case EnumMode.RELATION:
            return replace(
                spec, type=pa.int32(), labels=(), enum_name=None, enum_comment=None, lookup=None, default=NO_DEFAULT
            )


def label_length(labels: Sequence[str], modes: Modes) -> int | None:
    """The `max_length` of a text column that holds these labels; None is any length."""
    return max([LABEL_LENGTH, *map(len, labels)]) if modes.bounded_text else None


def _as_text(spec: ColumnSpec, modes: Modes) -> ColumnSpec:
    length = label_length(spec.labels, modes)
    return replace(spec, type=pa.string(), labels=(), enum_name=None, enum_comment=None, lookup=None, max_length=length)


def _held_list(spec: ColumnSpec, modes: Modes, mode: ArrayMode) -> ColumnSpec:
    assert spec.element is not None, "a list has elements"
    match mode:
        case ArrayMode.ARRAY | ArrayMode.RELATION:
            # A lookup number in an array is no foreign key, but what the table itself would hold.
            element = _nested(spec.element, modes) if not is_lookup(spec.element, modes) else held(spec.element, modes)
            field = pa.field("item", element.type, nullable=element.nullable)
            return replace(spec, type=pa.list_(field), element=element)
        case ArrayMode.JSON:
            return _plain(spec, pa.json_())
        case ArrayMode.TEXT:
            return _plain(spec, pa.string())


def _held_struct(spec: ColumnSpec, struct: StructSpec, modes: Modes) -> ColumnSpec:
    match modes.struct:
        case StructMode.TYPE:
            members = tuple(_nested(member, modes) for member in struct.members)
            arrow = pa.struct([member.arrow_field for member in members])
            return replace(spec, type=arrow, struct=replace(struct, members=members))
        case StructMode.JSON:
            return _plain(spec, pa.json_())
        case StructMode.TEXT:
            return _plain(spec, pa.string())


def _nested(spec: ColumnSpec, modes: Modes) -> ColumnSpec:
    """What is inside of a struct or an array."""
    if spec.element is not None:
        return _held_list(spec, modes, modes.nested_array)
    if spec.labels and modes.of_enum(spec) in (EnumMode.CHECK, EnumMode.RELATION):
        return _as_text(spec, modes)
    return held(spec, modes)


def _plain(spec: ColumnSpec, arrow: pa.DataType) -> ColumnSpec:
    return replace(spec, type=arrow, element=None, struct=None, unordered=False, default=NO_DEFAULT)
