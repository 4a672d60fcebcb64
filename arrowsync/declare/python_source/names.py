"""The names in a module of dataclasses: of its classes, their fields, the members of enums, and of what it imports.

A name of the database is kept where Python can say it; any other gets a similar one, and the class or field says what it is
called in the database. In the body of a class a field hides what is called the same outside (`date: date`), which neither
Python nor type checkers see through, so that no class and no import is called like any field.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from arrowsync.declare.python_source.layout import import_from
from arrowsync.declare.spec import ColumnSpec, LookupSpec, StructSpec, TableSpec

_STANDARD = ("datetime", "dataclasses", "decimal", "enum", "ipaddress", "typing", "uuid", "builtins")


@dataclass(frozen=True, slots=True)
class EnumSpec:
    """An enum as its columns tell: those with equal ones share a class."""

    name: str
    labels: tuple[str, ...]
    comment: str | None
    lookup: LookupSpec | None

    @property
    def members(self) -> Mapping[str, str]:
        """The names of the members, by label. Where members are objects, their labels are their names."""
        return {label: label for label in self.labels} if self.lookup else member_names(self.labels)


@dataclass(frozen=True, slots=True)
class Imports:
    """The imports of a module: `name` adds one."""

    taken: frozenset[str]
    used: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def name(self, module: str, name: str) -> str:
        """Return the name under which `name` of `module` is imported."""
        self.used.add((module, name))
        return self._local(name)

    def module(self, module: str, name: str) -> str:
        """Return the name under which `module`, usually called `name`, is imported."""
        self.used.add((module, ""))
        return self._local(name)

    def lines(self) -> Iterator[str]:
        """The import statements, sorted as isort does."""
        modules = sorted({module for module, _ in self.used}, key=lambda module: (module not in _STANDARD, module))
        standard = [line for module in modules if module in _STANDARD for line in self._from(module)]
        whole = [f"import pyarrow as {self._local('pa')}"] if ("pyarrow", "") in self.used else []
        others = [line for module in modules if module not in _STANDARD for line in self._from(module)]
        yield from standard
        if standard and (whole or others):
            yield ""
        yield from (*whole, *others)

    def _from(self, module: str) -> Iterator[str]:
        names = sorted((name for owner, name in self.used if owner == module and name), key=_import_order)
        same = [name for name in names if self._local(name) == name and module != "builtins"]
        # What has another name here is imported by a line of its own.
        statements = [[name] for name in names if self._local(name) != name] + ([same] if same else [])
        for names in sorted(statements, key=lambda names: _import_order(names[0])):
            local = self._local(names[0])
            yield import_from(module, names if local == names[0] else [f"{names[0]} as {local}"])

    def _local(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        return name


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the classes of a module; `rows` are the classes of the members of enums."""

    tables: Mapping[tuple[str | None, str], str]
    enums: Mapping[EnumSpec, str]
    structs: Mapping[StructSpec, str]
    rows: Mapping[EnumSpec, str]
    imports: Imports


def enum_of(column: ColumnSpec) -> EnumSpec | None:
    """The enum of a column; None where it has none, or a Literal."""
    if column.enum_name is None:
        return None
    return EnumSpec(column.enum_name, column.labels, column.enum_comment, plain_lookup(column.lookup))


def plain_lookup(lookup: LookupSpec | None) -> LookupSpec | None:
    """Return the part of `lookup` that the class of the enum declares; taking new labels is declared on each column."""
    return lookup if lookup is not None and lookup.columns else None


def choose_names(specs: Sequence[TableSpec], table_fields: Iterable[str]) -> Names:
    """Names for all that `specs` need, whose own fields are called `table_fields`. They depend on nothing but that."""
    enums: dict[EnumSpec, None] = {}
    structs: dict[StructSpec, None] = {}
    fields = set(table_fields)
    for spec in specs:
        for column in each_column(spec.columns):
            if enum := enum_of(column):
                enums[enum] = None
                if enum.lookup:
                    fields.update(enum.labels)
                    fields.update(field_names([more.name for more in enum.lookup.columns]).values())
            if column.struct:
                structs[column.struct] = None
                fields.update(field_names([member.name for member in column.struct.members]).values())
    classes = ClassNames(fields)
    # Names that are right as they are go first: those of enums and structs too, which others may be like.
    wanted: list[tuple[object, str, str | None]] = [
        *(((spec.namespace, spec.name), spec.name, spec.namespace) for spec in specs),
        *((enum, enum.name, None) for enum in enums),
        *((struct, struct.name, None) for struct in structs),
        *(((enum, "row"), f"{enum.name}Row", None) for enum in enums if enum.lookup),
    ]
    chosen: dict[object, str] = {}
    for owner, name, _ in wanted:
        if classes.is_free(name):
            chosen[owner] = classes.take(name)
    for owner, name, namespace in wanted:
        if owner not in chosen:
            chosen[owner] = classes.make(name, namespace)
    return Names(
        tables={(spec.namespace, spec.name): chosen[spec.namespace, spec.name] for spec in specs},
        enums={enum: chosen[enum] for enum in enums},
        structs={struct: chosen[struct] for struct in structs},
        rows={enum: chosen[enum, "row"] for enum in enums if enum.lookup},
        imports=Imports(frozenset({*fields, *classes.taken})),
    )


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The names that classes may still have."""

    fields: set[str]
    taken: set[str] = field(default_factory=set[str])

    def is_free(self, name: str) -> bool:
        return is_usable(name) and name not in self.fields and name not in self.taken

    def take(self, name: str) -> str:
        self.taken.add(name)
        return name

    def make(self, name: str, namespace: str | None) -> str:
        """A name like `name`: after its namespace where another class has it, in CamelCase where Python can't say it."""
        said = is_usable(name) and name not in self.fields
        base = name if said else camel_case(name)
        tries = [base] if namespace is None else [base, f"{namespace}_{name}", camel_case(f"{namespace} {name}")]
        return self.take(next(name for name in chain(tries, numbered(base)) if self.is_free(name)))


def field_names(columns: Sequence[str]) -> Mapping[str, str]:
    """The name of the field of each column, by the column's: the same where Python can say it."""
    names = {name: name for name in columns if is_usable(name)}
    taken = set(names)
    for column in columns:
        if column not in names:
            base = _identifier(column, "column")
            base = f"{base}_" if keyword.iskeyword(base) else base if is_usable(base) else f"column_{base}"
            names[column] = next(name for name in numbered(base) if is_usable(name) and name not in taken)
            taken.add(names[column])
    return names


def member_names(labels: Iterable[str]) -> Mapping[str, str]:
    """The name of the enum member of each label, by label: in capitals."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        base = _identifier(unicodedata.normalize("NFKC", label).upper(), "MEMBER")
        base = base if base.isidentifier() and not keyword.iskeyword(base) else f"MEMBER_{base}"
        names[label] = next(name for name in numbered(base) if name not in taken)
        taken.add(names[label])
    return names


def each_column(columns: Iterable[ColumnSpec]) -> Iterator[ColumnSpec]:
    """All columns, and those inside of them, which come first."""
    for column in columns:
        yield from each_column((column.element,) if column.element else ())
        yield from each_column(column.struct.members if column.struct else ())
        yield from each_column(column.lookup.columns if column.lookup else ())
        yield column


def is_usable(name: str) -> bool:
    """True if `name` can be that of a class or field in Python, and of a parameter in a docstring."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith("__")  # Python changes such names in the body of a class
        and not hasattr(type, name)  # mro: what each class has, `@dataclass` takes for the default of the field
        and re.fullmatch(r"\w+", name) is not None
        and unicodedata.normalize("NFKC", name) == name
    )


def numbered(base: str) -> Iterator[str]:
    """`base`, `base_2`, `base_3` and so on."""
    return chain([base], (f"{base}_{number}" for number in count(2)))


def camel_case(name: str) -> str:
    """`OrderItems` for `order_items` and `order items`."""
    words = _identifier(name, "Table").split("_")
    made = "".join(word[:1].upper() + word[1:] for word in words)
    return made if made.isidentifier() and not keyword.iskeyword(made) else f"Table{made}"


def _identifier(text: str, empty: str) -> str:
    """Reduce a text to the characters of a name; it neither begins nor ends with `_`, and may begin with a digit."""
    text = unicodedata.normalize("NFKC", text)
    kept = "".join(char if char.isalnum() and f"a{char}".isidentifier() else " " for char in text)
    made = "_".join(kept.split()) or empty
    return made if made.isidentifier() or made[0].isdigit() else f"{empty}_{made}"


def _import_order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Constants, classes, then the rest, numbers by their value: `int8` before `int16`."""
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    parts = re.findall(r"\d+|\D+", name)
    return rank, [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
