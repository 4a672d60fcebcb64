"""The annotations of a dataclass as objects: evaluated where they are strings, `Annotated` and `Optional` taken apart.

`FieldType` is the content of an annotation, `Reading` the state of reading a class.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from arrowsync.declare import markers as m
from arrowsync.declare.site import Site
from arrowsync.declare.spec import ColumnSpec, ForeignKeySpec

UNIONS = (Union, UnionType)


def unwrap(annotation: object, skip: tuple[type, ...] = ()) -> tuple[Any, list[object], bool]:
    """The type inside `Annotated`, `Optional`, `NewType` and `type X = ...`; all that annotates it; is it Optional?

    Annotations that are of a class in `skip`, or are one themselves, are left out.
    """
    metadata: list[object] = []
    nullable = False
    alias: Any = getattr(typing, "TypeAliasType", ())
    inner: Any = annotation
    while True:
        if get_origin(inner) is Annotated:
            metadata += [mark for mark in inner.__metadata__ if not _is_skipped(mark, skip)]
            inner = inner.__origin__
        elif isinstance(inner, typing.NewType):
            inner = inner.__supertype__
        elif isinstance(inner, alias):
            inner = inner.__value__
        elif get_origin(inner) in UNIONS and NoneType in get_args(inner):
            nullable = True
            inner = Union[tuple(part for part in get_args(inner) if part is not NoneType)]  # noqa: UP007
        else:
            return inner, metadata, nullable


def _is_skipped(mark: object, skip: tuple[type, ...]) -> bool:
    return isinstance(mark, skip) or (isinstance(mark, type) and issubclass(mark, skip))


def type_name(annotation: object) -> str:
    """An annotation as the user wrote it, without the names of modules where there is just a class."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__ if annotation is not NoneType else "None"
    return str(annotation).replace("typing.", "")


def own_dataclass(table: type) -> bool:
    """True if the class is a dataclass itself, rather than by one of its bases only."""
    return "__dataclass_fields__" in vars(table)


def owner_of(table: type, name: str) -> type:
    """The class that declares a field, which may be a base of `table`: its module knows the names in the annotation."""
    # Fields that a class inherits are the very objects of the base that declares them.
    declared = vars(table)["__dataclass_fields__"][name]
    return [base for base in table.__mro__ if vars(base).get("__dataclass_fields__", {}).get(name) is declared][-1]


def resolve_fields(table: type) -> Mapping[str, object]:
    """The annotation of each field of a dataclass, evaluated."""
    running: dict[type, Mapping[str, Any]] = {}
    resolved: dict[str, object] = {}
    for declared in dataclasses.fields(cast(Any, table)):
        owner = owner_of(table, declared.name)
        if owner not in running:
            running[owner] = _running_names(owner)
        site = Site(table.__name__, declared.name)
        annotation = declared.type
        resolved[declared.name] = _evaluate(annotation, owner, running[owner], site, f"the annotation {annotation!r}")
    return resolved


def resolve_name(name: str, owner: type, site: Site) -> object:
    """Look up a name as code in the module of the class `owner` would."""
    return _evaluate(name, owner, _running_names(owner), site, f"ForeignKey({name!r})")


def _evaluate(annotation: object, owner: type, running: Mapping[str, Any], site: Site, what: str) -> object:
    module = sys.modules.get(owner.__module__)
    # Names of the class itself are seen last: a field `date: date = ...` means the type, which its own default hides.
    namespace = {"typing": typing, owner.__name__: owner, **vars(owner), **(vars(module) if module else {})}
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, namespace, running, include_extras=True)["it"]
    except Exception as error:  # what the user wrote is evaluated, so anything can be raised
        if isinstance(error, NameError) and error.name:
            problem = f"{what} has the name {error.name!r}, which isn't known in {owner.__module__}"
            hint = (
                f"import or define {error.name} at the top level of that module, outside `if TYPE_CHECKING:`; modules that "
                f'need each other `import` one another as a whole, and write "module.{error.name}"'
            )
            raise site.error(problem, hint=hint) from error
        raise site.error(f"{what} can't be evaluated: {error}", hint="correct the annotation") from error


def _running_names(owner: type) -> Mapping[str, Any]:
    """The names in the scopes that a class is defined in, as far as their code is running now.

    A string annotation may use the local names of a function, or those of code that was run by `exec` (a doctest, a
    document), which no module remembers: only the frames do.
    """
    names: dict[str, Any] = {}
    frame = inspect.currentframe()
    while frame is not None:
        scope = frame.f_code.co_qualname
        around = scope == "<module>" or owner.__qualname__.startswith(f"{scope}.<locals>.")
        if around and frame.f_globals.get("__name__") == owner.__module__:
            names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names


M = TypeVar("M", bound=m.Marker)


@dataclass(frozen=True, slots=True)
class FieldType:
    """The content of the annotation of one field.

    `column` is the column as far as its type tells (it has no default and no comment yet), `classes` are those that its
    values are instances of in Python (empty for `JsonType`, whose values are of several). `refers` says that the values are
    objects of other tables, rather than their keys. Where the key of that table has several columns, `parts` are the columns
    that the field becomes, and `foreign_key` says what they refer to; `column` then only tells whether they are nullable.
    """

    column: ColumnSpec
    classes: tuple[type, ...] = ()
    primary_key: bool = False
    unique: bool = False
    indexes: tuple[m.Index, ...] = ()
    checks: tuple[m.Check, ...] = ()
    refers: bool = False
    parts: tuple[ColumnSpec, ...] = ()
    foreign_key: ForeignKeySpec | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """The markers that annotate one type."""

    given: tuple[m.Marker, ...]

    def get(self, kind: type[M]) -> M | None:
        return next((mark for mark in self.given if isinstance(mark, kind)), None)

    def all(self, kind: type[M]) -> tuple[M, ...]:
        return tuple(mark for mark in self.given if isinstance(mark, kind))

    def __contains__(self, kind: type[m.Marker]) -> bool:
        return any(isinstance(mark, kind) for mark in self.given)


@dataclass(frozen=True, slots=True)
class Reading:
    """The place of the annotation that is being read, and what it takes to read it.

    `owner` is the class in whose module names are looked up, `skip` are the annotation classes to ignore, and `inside` are
    the classes whose members or keys are being read: to meet one of them again would never end. `hints` keeps the evaluated
    annotations of each class, and `keys` the fields of its key, so that a class that many fields refer to is evaluated once.
    """

    site: Site
    owner: type
    read: Callable[[object, Reading], FieldType]
    skip: tuple[type, ...] = ()
    inside: tuple[type, ...] = ()
    hints: dict[type, Mapping[str, object]] = field(default_factory=dict[type, "Mapping[str, object]"])
    keys: dict[type, tuple[str, ...]] = field(default_factory=dict[type, "tuple[str, ...]"])

    def type_of(self, annotation: object) -> FieldType:
        return self.read(annotation, self)

    def at(self, site: Site, owner: type) -> Reading:
        return dataclasses.replace(self, site=site, owner=owner)

    def within(self, cls: type) -> Reading:
        return dataclasses.replace(self, inside=(*self.inside, cls))

    def hints_of(self, cls: type) -> Mapping[str, object]:
        """The annotations of the fields of a dataclass."""
        if cls not in self.hints:
            self.hints[cls] = resolve_fields(cls)
        return self.hints[cls]

    def key_fields(self, cls: type) -> tuple[str, ...]:
        """The fields of a dataclass that are its primary key; one that has none is a struct."""
        if cls not in self.keys:
            hints = self.hints_of(cls).items()
            self.keys[cls] = tuple(name for name, annotation in hints if self._is_key(annotation))
        return self.keys[cls]

    def _is_key(self, annotation: object) -> bool:
        return any(isinstance(mark, m.PrimaryKeyMarker) for mark in unwrap(annotation, self.skip)[1])
