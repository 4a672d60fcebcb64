"""The modes of enums, structs and lists: each mode rewrites a column into one that every dialect can map.

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
    """Make names that are unique (compared by `fold`) and at most `limit` long (counted by `size`)."""

    def __init__(self, limit: int, size: Callable[[str], int], fold: Callable[[str], str]) -> None:
        self._limit = limit
        self._size = size
        self._fold = fold
        self._taken: set[str] = set()

    def make(self, *parts: str) -> str:
        """Join the parts by underscores; shorten with a hash of the parts if that is too long, or taken already."""
        plain = "_".join(parts)
        name = plain if self._size(plain) <= self._limit else self._with_hash(plain, "\0".join(parts))
        attempt = 0
        while not self.take(name):
            name = self._with_hash(plain, "\0".join((*parts, str(attempt)) if attempt else parts))
            attempt += 1
        return name

    def take(self, name: str) -> bool:
        """Reserve the name; True if it was free."""
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
    """The names, sizes and modes of one kind of server. The first mode is its default.

    enum_modes      TYPE where enums are named types, INLINE where columns spell them out
    struct_modes    TYPE where there are struct types
    array_modes     ARRAY where there are arrays
    namespaces      True if the server has namespaces; else they are a prefix of the names, `sales__orders`
    comments        True if tables and columns have any; else those that are declared stay in the declaration
    max_name        the longest name, as `name_size` counts
    fold            name -> the form in which names are compared
    bounded_text    True if text needs a length to be a key or to be short
    only_labels     makes the condition that all elements of a list in `array` mode are labels (None is one of them if elements
                    may be NULL); None if the server has no such condition
    cascades        True if deleting a row deletes its rows of join tables
    check_table     raises DeclarationError for a table that the server can't hold
    check_tables    the same for all tables of a catalog, for limits that concern several of them
    """

    dialect: str = "sql"
    enum_modes: tuple[EnumMode, ...] = (EnumMode.TYPE, EnumMode.CHECK, EnumMode.RELATION)
    struct_modes: tuple[StructMode, ...] = (StructMode.TYPE, StructMode.JSON, StructMode.TEXT)
    array_modes: tuple[ArrayMode, ...] = (ArrayMode.ARRAY, ArrayMode.JSON, ArrayMode.TEXT, ArrayMode.RELATION)
    namespaces: bool = True
    comments: bool = True
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
    """The modes chosen for one catalog."""

    enum: EnumMode
    struct: StructMode
    array: ArrayMode
    nested_array: ArrayMode
    bounded_text: bool

    def of_enum(self, spec: ColumnSpec) -> EnumMode:
        """Return the mode of an enum column: RELATION for an enum with fields or new labels, else the chosen one."""
        return self.enum if spec.lookup is None else EnumMode.RELATION

    def of_array(self, spec: ColumnSpec) -> ArrayMode:
        """Return the mode of a list column: RELATION for objects of other tables, else the chosen one."""
        assert spec.element is not None, "a list has elements"
        return ArrayMode.RELATION if spec.element.references else self.array


Mode = TypeVar("Mode", EnumMode, StructMode, ArrayMode)


def choose_modes(limits: Limits, options: GeneratorOptions) -> Modes:
    """Choose the modes in `options`, or the server's defaults; raise DeclarationError for a mode that the server lacks."""
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
    """True if a list column becomes a join table."""
    return spec.element is not None and modes.of_array(spec) is ArrayMode.RELATION


def is_lookup(spec: ColumnSpec, modes: Modes) -> bool:
    """True if the column holds numbers of rows in a lookup table."""
    return bool(spec.labels) and modes.of_enum(spec) is EnumMode.RELATION


def as_stored(spec: ColumnSpec, modes: Modes) -> ColumnSpec:
    """Rewrite a column for the chosen modes; a default without a value of the new type is left out."""
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
    """Return the `max_length` of a text column for these labels; None is no limit."""
    return max([LABEL_LENGTH, *map(len, labels)]) if modes.bounded_text else None


def _as_text(spec: ColumnSpec, modes: Modes) -> ColumnSpec:
    length = label_length(spec.labels, modes)
    return replace(spec, type=pa.string(), labels=(), enum_name=None, enum_comment=None, lookup=None, max_length=length)


def _held_list(spec: ColumnSpec, modes: Modes, mode: ArrayMode) -> ColumnSpec:
    assert spec.element is not None, "a list has elements"
    match mode:
        case ArrayMode.ARRAY | ArrayMode.RELATION:
            # A lookup number in an array is no foreign key, but what the table itself would hold.
            element = (
                _nested(spec.element, modes) if not is_lookup(spec.element, modes) else as_stored(spec.element, modes)
            )
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
    """Rewrite the members of a struct or the elements of an array for the chosen modes."""
    if spec.element is not None:
        return _held_list(spec, modes, modes.nested_array)
    if spec.labels and modes.of_enum(spec) in (EnumMode.CHECK, EnumMode.RELATION):
        return _as_text(spec, modes)
    return as_stored(spec, modes)


def _plain(spec: ColumnSpec, arrow: pa.DataType) -> ColumnSpec:
    return replace(spec, type=arrow, element=None, struct=None, unordered=False, default=NO_DEFAULT)
