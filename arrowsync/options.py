"""Options as frozen records, checked when they are made, and the words that their fields take (`Mode`, `OnConflict`, ..)."""

from __future__ import annotations

import codecs
import enum
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, cast, get_args

from arrowsync.errors import DeclarationError

Mode = Literal["insert", "upsert", "replace", "mirror"]
OnConflict = Literal["error", "skip"]
Dedup = Literal["last", "first", "error"]
OnError = Literal["raise", "reject"]
SchemaChanges = Literal["none", "safe", "all"]


class EnumMode(enum.Enum):
    """The form in which a column holds the members of an enum; `GeneratorOptions.enum_mode` takes it.

    >>> EnumMode("check")
    <EnumMode.CHECK: 'check'>
    """

    TYPE = "type"
    """A named type of the database (PostgreSQL)."""
    INLINE = "inline"
    """A type that the column spells out (MySQL, DuckDB)."""
    CHECK = "check"
    """Text with a CHECK constraint that lists the labels."""
    RELATION = "relation"
    """The number of a row in a lookup table, which has the columns `id` and `value`."""


class StructMode(enum.Enum):
    """The form in which a column holds an object of a dataclass without a primary key; `GeneratorOptions.struct_mode` takes it.

    >>> StructMode("json")
    <StructMode.JSON: 'json'>
    """

    TYPE = "type"
    """A struct type: a composite type of PostgreSQL, a STRUCT of DuckDB."""
    JSON = "json"
    """One JSON object in a column of the database's JSON type."""
    TEXT = "text"
    """One JSON object in a text column."""


class ArrayMode(enum.Enum):
    """The form in which a column holds a list or a set; `GeneratorOptions.array_mode` takes it.

    A list or set of objects of another table is always held as a RELATION.

    >>> ArrayMode("relation")
    <ArrayMode.RELATION: 'relation'>
    """

    ARRAY = "array"
    """An array of the database (PostgreSQL), or a list (DuckDB)."""
    JSON = "json"
    """One JSON array in a column of the database's JSON type."""
    TEXT = "text"
    """One JSON array in a text column."""
    RELATION = "relation"
    """A join table with a row for each element."""


@dataclass(frozen=True, slots=True)
class GeneratorOptions:
    """The options of `create_sql`: how declarations become SQL objects.

    enum_mode, struct_mode, array_mode
                         how enums, structs and lists are held; None is the mode that the database supports best
    namespaces           module, or its full name -> namespace of the tables that it declares, unless a class names its own
    foreign_constraints  False leaves foreign keys out
    initialize_tables    True fills each lookup table with a row for each label
    skip_annotations     classes of annotations to ignore
    auto_default         True gives each required column a default: zero, the empty text, the first label

    Raises DeclarationError for a value of another type, or a module that isn't imported.

    >>> GeneratorOptions(enum_mode=EnumMode.CHECK).enum_mode
    <EnumMode.CHECK: 'check'>
    """

    enum_mode: EnumMode | None = None
    struct_mode: StructMode | None = None
    array_mode: ArrayMode | None = None
    namespaces: Mapping[str | ModuleType, str | None] = field(default_factory=dict[str | ModuleType, str | None])
    foreign_constraints: bool = True
    initialize_tables: bool = False
    skip_annotations: tuple[type, ...] = ()
    auto_default: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("enum_mode", EnumMode), ("struct_mode", StructMode), ("array_mode", ArrayMode)):
            given: object = getattr(self, name)
            if given is not None and not isinstance(given, kind):
                words = ", ".join(f"{kind.__name__}.{mode.name}" for mode in kind)
                raise DeclarationError(f"{name} is {given!r}", hint=f"{name} is one of {words}")
        skipped = cast(object, self.skip_annotations)
        if not isinstance(skipped, tuple) or not all(isinstance(each, type) for each in cast(Any, skipped)):
            raise DeclarationError(f"skip_annotations is {skipped!r}", hint="give a tuple of classes")
        object.__setattr__(self, "namespaces", {_module_name(key): value for key, value in self.namespaces.items()})


def _module_name(key: object) -> str:
    """Return the full name of a module, given as the module or by that name."""
    name = key.__name__ if isinstance(key, ModuleType) else key
    if not isinstance(name, str) or (not isinstance(key, ModuleType) and name not in sys.modules):
        raise DeclarationError(
            f"namespaces has the key {key!r}, and no such module has been imported",
            hint="the keys are modules, or their full names, such as those of __module__ of the tables",
        )
    return name


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The keyword arguments of `sync_table`, checked. With None for `mode` or `key` the declaration decides.

    Raises DeclarationError for an unknown word, a number out of range, or options that contradict each other.

    >>> SyncOptions(mode="insert", on_conflict="skip").parallel
    1
    """

    mode: Mode | None = None
    key: tuple[str, ...] | None = None
    on_conflict: OnConflict = "error"
    dedup: Dedup = "last"
    on_error: OnError = "raise"
    max_rejects: int | None = None
    schema_changes: SchemaChanges = "safe"
    parallel: int = 1
    dry_run: bool = False

    def __post_init__(self) -> None:
        _check("mode", self.mode, (*get_args(Mode), None))
        _check("on_conflict", self.on_conflict, get_args(OnConflict))
        _check("dedup", self.dedup, get_args(Dedup))
        _check("on_error", self.on_error, get_args(OnError))
        _check("schema_changes", self.schema_changes, get_args(SchemaChanges))
        limit = cast(object, self.max_rejects)
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            raise DeclarationError(f"max_rejects is {limit!r}", hint="give a number of rows, 0 or more")
        if limit is not None and self.on_error == "raise":
            raise DeclarationError(
                f"max_rejects is {limit}, but nothing is rejected",
                hint='say on_error="reject" as well (--on-error reject, or --rejects FILE)',
            )
        connections = cast(object, self.parallel)
        if not isinstance(connections, int) or isinstance(connections, bool) or connections < 1:
            raise DeclarationError(f"parallel is {connections!r}", hint="give a number of connections, 1 or more")
        if self.on_conflict == "skip" and self.mode not in (None, "insert"):
            raise DeclarationError(
                f'on_conflict="skip" goes with mode="insert", not {self.mode!r}',
                hint="upsert, replace and mirror update the rows that are there",
            )


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """The format of a CSV file, for `open_source`. The defaults are RFC 4180 in UTF-8.

    delimiter  one ASCII character between two fields
    quote      one ASCII character around a field; None makes quotes ordinary characters
    encoding   a text encoding of Python; a byte order mark takes precedence over it
    nulls      unquoted fields that mean NULL; a quoted field is never NULL
    line_end   None for LF and CRLF, "\\r" for files whose lines end with CR alone

    A first line `sep=;`, as Excel writes it, sets the delimiter. Raises DeclarationError for a value that can't be used.

    >>> CsvOptions(delimiter=";", encoding="cp1252")
    CsvOptions(delimiter=';', quote='"', encoding='cp1252', nulls=('',), line_end=None)
    """

    delimiter: str = ","
    quote: str | None = '"'
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)
    line_end: Literal["\r"] | None = None

    def __post_init__(self) -> None:
        for name, text in (("delimiter", self.delimiter), ("quote", self.quote)):
            allowed = text is None and name == "quote"
            if not allowed and not (
                isinstance(text, str) and len(text) == 1 and text.isascii() and text not in "\r\n\0"
            ):
                raise DeclarationError(f"{name}={text!r}", hint=f"the {name} is one ASCII character, and no line end")
        if self.delimiter == self.quote:
            raise DeclarationError(
                f"delimiter and quote are both {self.quote!r}", hint="quote=None if there are no quotes"
            )
        try:
            codecs.lookup(self.encoding)
            "".encode(self.encoding)  # there are others, such as hex
        except (LookupError, TypeError, ValueError) as error:
            raise DeclarationError(
                f"encoding={self.encoding!r} is no encoding of text", hint='such as "utf-8", "cp1252", "utf-16-le"'
            ) from error
        nulls = cast(object, self.nulls)
        if not isinstance(nulls, tuple) or not all(isinstance(text, str) for text in cast("tuple[object, ...]", nulls)):
            raise DeclarationError(f"nulls={nulls!r}", hint='a tuple of texts, such as ("", "NA")')
        if self.line_end not in (None, "\r"):
            raise DeclarationError(
                f"line_end={self.line_end!r}", hint=r'"\r" where lines end with CR alone; LF and CRLF are told apart'
            )


def _check(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if value not in allowed:
        words = ", ".join(repr(word) for word in allowed if word is not None)
        raise DeclarationError(f"{name} is {value!r}", hint=f"{name} is one of {words}")
