"""A dataclass becomes a `TableSpec`.

`describe` is the first step of each sync. Its work is a straight line: find the fields with `dataclasses.fields`, resolve
their annotations (they may be strings), read each type (`python_types`), default (`defaults`) and comment (`docstrings`).

What a class may say besides its fields:

- its docstring is the comment of the table, and its `:param name:` lines are those of the columns, for subclasses too;
- `__table_name__ = "users"` names the table otherwise than the class (not its subclasses);
- `__namespace__ = "sales"` is the schema that the table lives in (of subclasses too).

A `default_factory` runs in Python, once for each object, so it is no default of the column: a row that comes without a value
is refused, as for a field with no default at all.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from types import SimpleNamespace
from typing import Any, cast

from arrowsync.declare.defaults import plain_default
from arrowsync.declare.docstrings import own_docstring, parse_docstring
from arrowsync.declare.place import Place
from arrowsync.declare.python_types import FieldType, read_type
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, IpVersion, TableSpec

# The spec of a class is kept on the class itself: it holds the class (`source`), so that a weak dictionary would never let
# go of it.
_CACHE = "__arrowsync_spec__"

_IP_VERSIONS: dict[frozenset[type], IpVersion] = {
    frozenset({IPv4Address}): "4",
    frozenset({IPv6Address}): "6",
    frozenset({IPv4Address, IPv6Address}): "any",
}


def describe(table: type, name: str | None = None) -> TableSpec:
    """The table that a dataclass declares, called `name`, or else `__table_name__`, or else as the class.

    A declaration that can't work is a DeclarationError that names class and field.

    >>> from dataclasses import dataclass
    >>> from arrowsync.declare.markers import PrimaryKey
    >>> @dataclass
    ... class User:
    ...     id: PrimaryKey[int]
    ...     name: str | None = None
    >>> spec = describe(User)
    >>> spec.name, spec.key, [str(column.type) for column in spec.columns]
    ('User', ('id',), ['int64', 'string'])
    """
    _check_dataclass(table)
    spec = vars(table).get(_CACHE)
    if not isinstance(spec, TableSpec):
        spec = _read_class(table)
        setattr(table, _CACHE, spec)
    if name is None or name == spec.name:
        return spec
    return dataclasses.replace(spec, name=Place(table.__name__).checked_name(name, "name of a table"))


def _check_dataclass(table: object) -> None:
    if not isinstance(table, type):
        kind = type(table)
        place = Place(kind.__name__)  # the object itself isn't shown: it may hold anything
        if dataclasses.is_dataclass(kind):
            raise place.error("an object was given where its class is wanted", hint=f"pass {kind.__name__} itself")
        raise place.error(
            f"a table is a dataclass, and an object of type {kind.__name__} is none",
            hint="pass a class made with @dataclass",
        )
    if "__dataclass_fields__" not in vars(table):
        parent = next((base.__name__ for base in table.__mro__ if "__dataclass_fields__" in vars(base)), None)
        problem = "is not a dataclass" if parent is None else f"is not a dataclass itself, only its base {parent} is"
        raise Place(table.__name__).error(problem, hint="put @dataclass above the class")


def _read_class(table: type) -> TableSpec:
    place = Place(table.__name__)
    fields = dataclasses.fields(cast(Any, table))
    for reserved in ("__namespace__", "__table_name__"):
        if any(field.name == reserved for field in fields):
            raise place.error(
                f"{reserved} is declared as a field",
                hint=f'write {reserved} = "...", with no type, or as ClassVar[str]',
            )
    if not fields:
        raise place.error("the class has no fields", hint="declare at least one: `id: PrimaryKey[int]`")
    types = {field.name: read_type(_resolve(table, field), Place(table.__name__, field.name)) for field in fields}
    _check_renames(types, place)
    key = tuple(name for name, field_type in types.items() if field_type.primary_key)
    namespace = getattr(table, "__namespace__", None)
    comments = _column_comments(table)
    return TableSpec(
        name=place.checked_name(vars(table).get("__table_name__", table.__name__), "name of a table"),
        columns=tuple(_column(table, field, types[field.name], comments.get(field.name, "")) for field in fields),
        key=key,
        # The only column of the key is unique already: a second index would cost and say nothing.
        unique=tuple((name,) for name, field_type in types.items() if field_type.unique and key != (name,)),
        namespace=None if namespace is None else place.checked_name(namespace, "namespace"),
        comment=place.checked_comment(parse_docstring(own_docstring(table)).text),
        source=table,
    )


def _column(table: type, field: dataclasses.Field[Any], field_type: FieldType, comment: str) -> ColumnSpec:
    place = Place(table.__name__, field.name)
    has_default = field.default is not dataclasses.MISSING
    return ColumnSpec(
        name=place.checked_name(field.name, "name of a column"),
        type=field_type.arrow,
        nullable=field_type.nullable,
        max_length=field_type.max_length,
        default=plain_default(field.default, field_type, place) if has_default else NO_DEFAULT,
        comment=place.checked_comment(comment),
        labels=field_type.labels,
        enum_name=field_type.enum_name,
        ip=_IP_VERSIONS.get(frozenset(field_type.classes)),
        identity=field_type.identity,
        renamed_from=field_type.renamed_from,
    )


def _check_renames(types: Mapping[str, FieldType], place: Place) -> None:
    seen: dict[str, str] = {}
    for name, field_type in types.items():
        former = field_type.renamed_from
        if former is not None and seen.setdefault(former, name) != name:
            raise dataclasses.replace(place, field=name).error(
                f"two columns are renamed from {former!r}, this and {seen[former]!r}",
                hint="one of them is a new column",
            )


def _column_comments(table: type) -> Mapping[str, str]:
    """What the docstrings of a class and of its bases say of the fields by name; the nearest class wins."""
    comments: dict[str, str] = {}
    for owner in reversed(table.__mro__):
        if "__dataclass_fields__" in vars(owner):
            comments.update(parse_docstring(own_docstring(owner)).params)
    return comments


def _resolve(table: type, field: dataclasses.Field[Any]) -> object:
    """The annotation of a field as an object, where it is a string or holds one."""
    # Fields that a class inherits are the very objects of the base that declares them, whose module knows their names.
    owner = [base for base in table.__mro__ if vars(base).get("__dataclass_fields__", {}).get(field.name) is field][-1]
    module = sys.modules.get(owner.__module__)
    # Names of the class itself are seen last: a field `date: date = ...` means the type, which its own default hides.
    namespace = {"typing": typing, **vars(owner), **(vars(module) if module else {})}
    holder = SimpleNamespace(__annotations__={field.name: field.type})
    try:
        hints = typing.get_type_hints(holder, namespace, _running_names(owner), include_extras=True)
    except Exception as error:  # what the user wrote is evaluated, so anything can be raised
        place = Place(table.__name__, field.name)
        if isinstance(error, NameError) and error.name:
            problem = (
                f"the annotation {field.type!r} has the name {error.name!r}, which isn't known in {owner.__module__}"
            )
            hint = f"import or define {error.name} at the top level of that module, outside `if TYPE_CHECKING:`"
            raise place.error(problem, hint=hint) from error
        raise place.error(
            f"the annotation {field.type!r} can't be evaluated: {error}", hint="correct the annotation"
        ) from error
    return hints[field.name]


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
