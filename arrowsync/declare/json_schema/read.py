"""A JSON Schema becomes dataclasses, which are then tables like any other."""

from __future__ import annotations

import copy
import dataclasses
import enum
import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from arrowsync.declare import markers as m
from arrowsync.declare.json_schema.nodes import Node, no_object, open_schema
from arrowsync.declare.json_schema.types import (
    PropertyType,
    annotated,
    check_supported,
    foreign_key,
    is_keyed,
    is_object,
    parsed,
    read_type,
)
from arrowsync.errors import DeclarationError


def class_docstring(description: str, fields: Mapping[str, str]) -> str | None:
    r"""The docstring of a class, with a `:param name:` for each field that has a comment; None where there is nothing to say.

    >>> print(class_docstring("Users.", {"id": "Number.\nOf the user."}))
    <BLANKLINE>
    Users.
    <BLANKLINE>
    :param id: Number.
    <BLANKLINE>
        Of the user.
    <BLANKLINE>
    """
    # Text that looks like a field is indented, so that it stays text.
    text = re.sub(r"^(?=:param\b)", " ", description.strip("\n"), flags=re.MULTILINE)
    params = [f":param {name}: {_paragraphs(comment)}" for name, comment in fields.items() if comment.strip()]
    parts = [text] * bool(text.strip()) + ["\n".join(params)] * bool(params)
    return "\n" + "\n\n".join(parts) + "\n" if parts else None


def _paragraphs(comment: str) -> str:
    """A comment of several lines: a line that isn't to be joined with the one before is a paragraph, indented."""
    return "\n\n    ".join(line.strip() for line in comment.splitlines() if line.strip())


def class_name(text: str) -> str:
    """The name of a class for a title: `A customer's order` is `ACustomerSOrder`."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isidentifier():
        text = "".join(word[0].upper() + word[1:] for word in re.findall(r"\w+", text))
    if not text.isidentifier():
        text = f"_{text}" if text else ""
    return f"{text}_" if keyword.iskeyword(text) else text


def member_names(labels: Iterable[str]) -> Mapping[str, str]:
    """A name for the member of each label of an enum."""
    names: dict[str, str] = {}
    for label in labels:
        plain = "_".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", label)))
        first = plain if plain.isidentifier() and not keyword.iskeyword(plain) and plain != "mro" else f"label_{plain}"
        name, n = first, 2
        while name in names:
            name, n = f"{first}_{n}", n + 1
        names[name] = label
    return names


_FLAGS: Mapping[str, object] = {
    "x-primary-key": m.PrimaryKeyMarker(),
    "x-unique": m.UniqueMarker(),
    "x-identity": m.IdentityMarker(),
}


def from_json_schema(schema: Mapping[str, Any] | str, *, module: str = "json_schema") -> tuple[type, ...]:
    """The dataclasses of the tables that a JSON Schema (draft 2020-12; a mapping, or JSON text) declares.

    These are the object at the root, named by its `title`, and of the objects that it refers to those that have a key; without an
    object at the root, all of `$defs` but those that are only parts of others. An object without a key (no property has
    `"x-primary-key": true`) is a struct where another has it as a property, and one with a key is then a foreign key. A property
    that isn't `required`, and has no default, is Optional. `module` is the `__module__` of the classes.

    It needs the package jsonschema. What can't be a table is a DeclarationError with the JSON pointer of the place.

    >>> from arrowsync.declare.dataclasses.read import read_dataclass
    >>> (User,) = from_json_schema('''{
    ...     "title": "User", "type": "object", "required": ["id"],
    ...     "properties": {
    ...         "id": {"type": "integer", "x-primary-key": true},
    ...         "born": {"type": "string", "format": "date"}}}''')
    >>> [(column.name, str(column.type), column.nullable) for column in read_dataclass(User).columns]
    [('id', 'int64', False), ('born', 'date32[day]', True)]
    """
    try:
        root = open_schema(schema)
        builder = _Builder(root, module)
        main = _object_at_root(root)
        for node in _objects_of_defs(root) if main is None else [main]:
            builder.object_class(node, "")
        builder.fill_all()
    except RecursionError:
        raise DeclarationError("the JSON Schema is nested too deeply", hint="refer to schemas in `$defs`") from None
    return builder.tables(main)


def _object_at_root(root: Node) -> Node | None:
    """The object that the root declares, refers to, or is an array of; None where it has nothing but `$defs`."""
    node, seen = root, {root.pointer}
    while not is_object(node.schema):
        check_supported(node)
        if "$ref" in node.schema:
            node = node.follow(node.schema["$ref"])
        elif node.schema.get("type") == "array" and "items" in node.schema:
            node = node.child("items")
        elif node is root and not _SAYS_TYPE & root.schema.keys():
            return None
        else:
            raise no_object()
        if node.pointer in seen:
            raise no_object()
        seen.add(node.pointer)
    return node


_SAYS_TYPE = frozenset("type allOf anyOf oneOf enum const".split())


def _objects_of_defs(root: Node) -> list[Node]:
    definitions = root.schema.get("$defs", {})
    nodes = [root.child("$defs", key) for key, inner in definitions.items() if isinstance(inner, dict)]
    objects = [node for node in nodes if is_object(node.schema)]
    if not objects:
        raise no_object()
    return objects


class _Builder:
    """Makes the classes, each once: those of an object are empty when they are first met, and filled later."""

    def __init__(self, root: Node, module: str) -> None:
        self._module = module
        # The keys of the definitions, by the identity of these: a reference to one can be written in many ways.
        defined = [root.schema.get(word, {}) for word in ("$defs", "definitions")]
        self._keys = {id(inner): key for definitions in defined for key, inner in definitions.items()}
        self._nodes: dict[type, Node] = {}
        self._objects: dict[int, type] = {}
        self._enums: dict[tuple[str, tuple[str, ...], str | None], type[enum.Enum]] = {}
        self._names: set[str] = set()

    def object_class(self, node: Node, name: str) -> type:
        known = self._objects.get(id(node.schema))
        if known is not None:
            return known
        own = self._name_of(node) or name
        if not own:
            raise node.error("the object has no name", hint='add "title": it becomes the name of the class')
        exact = node.schema.get("x-name")
        cls_name = self._unused(own, name) if exact is None or is_keyed(node.schema) else exact
        cls = type(cls_name, (), {"__module__": self._module, "__qualname__": cls_name})
        said = {"__table_name__": exact, "__namespace__": node.schema.get("x-namespace")}
        for attribute, value in said.items():
            if value is not None:
                setattr(cls, attribute, value)
        self._objects[id(node.schema)] = cls
        self._nodes[cls] = replace(node, table=cls_name, field=None)
        return cls

    def enum_class(self, node: Node, labels: Sequence[str]) -> type[enum.Enum] | None:
        """The enum of some labels; None where the schema has no name, so that they are a `Literal`."""
        own = self._name_of(node)
        if own is None:
            return None
        comment = node.schema.get("description")
        at = (own, tuple(labels), comment)
        if at not in self._enums:
            name = node.schema.get("x-name") or self._unused(own, f"{node.table}_{node.field}")
            members = member_names(labels)
            made: Any = cast(Any, enum.Enum)(name, members, module=self._module, qualname=name)
            made.__doc__ = comment
            self._enums[at] = made
        return self._enums[at]

    def fill_all(self) -> None:
        """Give each class its fields; new ones are found on the way."""
        filled = 0
        while filled < len(self._nodes):
            cls = list(self._nodes)[filled]
            self._fill(cls, self._nodes[cls])
            filled += 1
        for cls in self._nodes:
            self._check_finite(cls, ())

    def tables(self, main: Node | None) -> tuple[type, ...]:
        """The classes that are tables: that of `main`, those with a key, and those that are part of no other."""
        parts = {part for cls in self._nodes for part in self._parts(cls)}
        if main is not None:
            parts.discard(self._objects[id(main.schema)])
        return tuple(cls for cls, node in self._nodes.items() if is_keyed(node.schema) or cls not in parts)

    def _name_of(self, node: Node) -> str | None:
        """Return the name of the schema of an object or enum, or None."""
        key = self._keys.get(id(node.schema))
        return node.schema.get("x-name") or key or node.schema.get("title", "").strip() or None

    def _unused(self, wanted: str, otherwise: str) -> str:
        """A name for a class that no other has yet."""
        for text in (wanted, otherwise):
            name = class_name(text)
            if name and name not in self._names:
                break
        else:
            first = class_name(wanted)
            name = next(f"{first}_{n}" for n in range(2, len(self._names) + 3) if f"{first}_{n}" not in self._names)
        self._names.add(name)
        return name

    def _parts(self, cls: type) -> Iterator[type]:
        """The structs that a class has as the type of a field, or inside of one."""
        waiting: list[Any] = list(cls.__annotations__.values())
        while waiting:
            annotation = waiting.pop()
            if annotation in self._nodes and not is_keyed(self._nodes[annotation].schema):
                yield annotation
            waiting += [part for part in get_args(annotation) if isinstance(part, type) or get_args(part)]

    def _check_finite(self, cls: type, inside: tuple[type, ...]) -> None:
        if cls in inside:
            path = " -> ".join(each.__name__ for each in (*inside[inside.index(cls) :], cls))
            raise self._nodes[cls].error(
                f"the object contains itself: {path}",
                hint='give it a key ("x-primary-key": true on a property), so that it is a table that others refer to',
            )
        if not is_keyed(self._nodes[cls].schema):
            for part in self._parts(cls):
                self._check_finite(part, (*inside, cls))

    def _fill(self, cls: type, node: Node) -> None:
        properties: Mapping[str, Any] = node.schema["properties"]
        required = set(node.schema.get("required", ()))
        _check_properties(node, properties, required)
        hints: dict[str, Any] = {}
        defaults: dict[str, Any] = {}
        comments: dict[str, str] = {}
        checks: list[m.Check] = []
        for name in properties:
            child = replace(node.child("properties", name), field=name)
            found = read_type(child, f"{cls.__name__}_{name}", self)
            hints[name], default = _field(child, found, required=name in required)
            if default is not dataclasses.MISSING:
                defaults[name] = default
            comments[name] = found.schema.get("description", "")
            checks += [m.Check(f"{{{name}}} {condition}") for condition in found.conditions]
        constraints = (*self._constraints(node), *checks)
        if constraints:
            cls.__constraints__ = constraints  # type: ignore[attr-defined]
        for name, default in defaults.items():
            setattr(cls, name, default)
        cls.__annotations__ = hints
        cls.__doc__ = class_docstring(node.schema.get("description", ""), comments)
        names = list(hints)
        in_order = all(name in defaults for name in names[min(map(names.index, defaults), default=len(names)) :])
        dataclasses.dataclass(kw_only=not in_order)(cls)

    def _constraints(self, node: Node) -> Iterator[object]:
        """Yield the constraints in the table keywords of the schema of an object."""
        schema = node.schema
        for columns in schema.get("x-unique-keys", ()):
            yield m.UniqueKey(*columns)
        for key in schema.get("x-foreign-keys", ()):
            yield foreign_key(node, key["references"], self, tuple(key["columns"]), key.get("on-delete"))
        for check in schema.get("x-checks", ()):
            yield m.Check(check["condition"], check.get("name"))
        for index in schema.get("x-indexes", ()):
            yield m.Index(*index["parts"], unique=index.get("unique", False), name=index.get("name"))


def _check_properties(node: Node, properties: Mapping[str, Any], required: set[str]) -> None:
    check_supported(node)
    for word in ("$ref", "allOf", "anyOf", "oneOf"):
        if word in node.schema:
            raise node.error(f"{word!r} stands next to 'properties'", hint="write one schema with all the properties")
    if isinstance(node.schema.get("additionalProperties"), dict):
        raise node.error(
            "'additionalProperties' has a schema, and 'properties' are given too",
            hint="move what isn't known beforehand into a property of its own, which is stored as JSON",
        )
    for name in sorted(required - properties.keys()):
        raise node.error(
            f"{name!r} is required, but it is no property", hint="declare it, or remove it from `required`"
        )
    for name in properties:
        dunder = name.startswith("__") and name.endswith("__")
        # Python normalises the names in source code, so that a field would be known by another name.
        normal = unicodedata.normalize("NFKC", name) == name
        if not name.isidentifier() or keyword.iskeyword(name) or dunder or not normal:
            raise replace(node, field=name, pointer=f"{node.pointer}/properties/{name}").error(
                f"the property {name!r} can't be the name of a field in Python",
                hint="rename the property: a name has letters, digits and underscores, and is no keyword",
            )


def _field(node: Node, found: PropertyType, *, required: bool) -> tuple[Any, Any]:
    """The annotation and the default of one field."""
    flags = [mark for word, mark in _FLAGS.items() if node.schema.get(word)]
    renamed = [m.RenamedFrom(node.schema["x-renamed-from"])] if "x-renamed-from" in node.schema else []
    default = found.schema.get("default")
    if "default" in found.schema and default is None and required and not found.nullable:
        raise node.error(
            "the default is null, which isn't valid here", hint='add "null" to the type, or remove the default'
        )
    # A key is never null, and the database numbers the rows of an Identity: such a property may be left out.
    optional = not required and default is None and not _is_key(node)
    found = replace(found, nullable=found.nullable or optional)
    hint = annotated(found.optional, [*flags, *renamed])
    if default is None:
        return hint, None if optional or "default" in found.schema else dataclasses.MISSING
    value = parsed(node, found.parse, default)
    if isinstance(value, (list, dict, set)):
        return hint, dataclasses.field(default_factory=lambda: copy.deepcopy(cast(object, value)))
    return hint, value


def _is_key(node: Node) -> bool:
    """True if a property is part of the primary key, or an Identity."""
    return bool(node.schema.get("x-primary-key") or node.schema.get("x-identity"))
