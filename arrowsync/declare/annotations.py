"""The annotations of a dataclass as objects: strings are evaluated, and `Annotated`, `Optional` and aliases taken off.

This is the first step of reading a type: it knows Python's typing, and nothing of tables. A new way to wrap a type needs a
case in `unwrap`.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Mapping
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from arrowsync.declare.place import Place

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
    """Whether a class is a dataclass itself, rather than by one of its bases only."""
    return "__dataclass_fields__" in vars(table)


def owner_of(table: type, name: str) -> type:
    """The class that declares a field, which may be a base of `table`: its module knows the names in the annotation."""
    # Fields that a class inherits are the very objects of the base that declares them.
    field = vars(table)["__dataclass_fields__"][name]
    return [base for base in table.__mro__ if vars(base).get("__dataclass_fields__", {}).get(name) is field][-1]


def resolve_fields(table: type) -> Mapping[str, object]:
    """The annotation of each field of a dataclass, evaluated."""
    running: dict[type, Mapping[str, Any]] = {}
    resolved: dict[str, object] = {}
    for field in dataclasses.fields(cast(Any, table)):
        owner = owner_of(table, field.name)
        if owner not in running:
            running[owner] = _running_names(owner)
        place = Place(table.__name__, field.name)
        resolved[field.name] = _evaluate(field.type, owner, running[owner], place, f"the annotation {field.type!r}")
    return resolved


def resolve_name(name: str, owner: type, place: Place) -> object:
    """What `name` means in the module of the class `owner`."""
    return _evaluate(name, owner, _running_names(owner), place, f"ForeignKey({name!r})")


def _evaluate(annotation: object, owner: type, running: Mapping[str, Any], place: Place, what: str) -> object:
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
            raise place.error(problem, hint=hint) from error
        raise place.error(f"{what} can't be evaluated: {error}", hint="correct the annotation") from error


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
