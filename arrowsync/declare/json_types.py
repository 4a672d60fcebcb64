"""The schema of one property becomes a Python annotation, as one would write it in a dataclass.

`json_schema` calls `read_type` for each property. `$ref`, `anyOf` and their like are taken off first (`_through`, `_union`),
then `_READERS` has what reads the type that is left.

Keywords that only say which values of a type are valid, and that no column can hold to (`pattern`, `minLength`, `minItems`...),
are left out; those that mean other values, or that depend on other properties, are a DeclarationError (`_REFUSED`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Protocol, Union, cast

from arrowsync.declare import json_values as v
from arrowsync.declare import markers as m
from arrowsync.declare.json_nodes import Node
from arrowsync.declare.json_scalars import (
    PropertyType,
    annotated,
    only_values,
    read_boolean,
    read_integer,
    read_number,
    read_string,
)
from arrowsync.declare.spec import OnDelete

_REFUSED: Mapping[str, str] = {
    "patternProperties": "write `additionalProperties` with one schema, which is stored as JSON",
    "prefixItems": "declare an object with a property for each of the items",
    "dependentSchemas": "make the properties optional",
    "not": "say what is valid instead",
    "if": "make the properties optional, or declare an object for each case",
    "$dynamicRef": "write $ref",
}

_ANY = frozenset({"object", "array", "string", "number", "boolean"})
_NEED_TYPE = frozenset(
    "format maxLength minimum maximum exclusiveMinimum exclusiveMaximum multipleOf contentEncoding uniqueItems "
    "additionalProperties required".split()
)

_TYPE_NAMES: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class Classes(Protocol):
    """What makes the classes that properties refer to, each of them once. `name` is that of one without a name of its own."""

    def object_class(self, node: Node, name: str) -> type: ...

    def enum_class(self, node: Node, labels: Sequence[str]) -> type[enum.Enum] | None: ...


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema is that of an object with known properties, which becomes a class."""
    return bool(schema.get("properties")) and _types_of(schema) - {"null"} == {"object"}


def is_keyed(schema: Mapping[str, Any]) -> bool:
    """Whether the objects of a schema are rows of a table, which have a key."""
    properties = schema.get("properties", {})
    return any(isinstance(each, dict) and cast(Any, each).get("x-primary-key") for each in properties.values())


def read_type(node: Node, name: str, classes: Classes) -> PropertyType:
    """The type of the values of a schema. A class that it needs and that has no name is called `name`."""
    found = _read(node, name, classes)
    targets = node.schema.get("x-references", ())
    on_delete = node.schema.get("x-on-delete")
    if not targets:
        marks = [m.ForeignKey(on_delete=on_delete)] if on_delete is not None else []
        return replace(found, annotation=annotated(found.annotation, marks))
    if isinstance(targets, str):
        return replace(
            found, annotation=annotated(found.annotation, [foreign_key(node, targets, classes, on_delete=on_delete)])
        )
    union = tuple(_target_class(node, target, classes) for target in targets)
    return replace(found, annotation=cast(Any, Union)[union], parse=no_default)


def foreign_key(
    node: Node, target: str, classes: Classes, columns: tuple[str, ...] = (), on_delete: OnDelete | None = None
) -> m.ForeignKey:
    """What says that a property of `node`, or some of its properties, are the key of a row of another table."""
    return m.ForeignKey(_target_class(node, target, classes), columns, on_delete)


def _target_class(node: Node, target: str, classes: Classes) -> type:
    found = node.follow(target)
    if not is_object(found.schema) or not is_keyed(found.schema):
        raise node.error(
            f"{target!r} isn't the schema of an object with a key", hint='add "x-primary-key": true to its key there'
        )
    return classes.object_class(found, "")


def _read(node: Node, name: str, classes: Classes) -> PropertyType:
    check_supported(node)
    schema = node.schema
    if "$ref" in schema:
        return _through(node, "$ref", node.follow(schema["$ref"]), name, classes)
    values = only_values(schema)
    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in schema and values is None:
            return _union(node, keyword, name, classes)
    kinds = _types_of(schema)
    nullable = "null" in kinds and (values is None or None in values)
    kinds -= {"null"}
    if kinds >= _ANY:
        if "type" not in schema and (bounded := _NEED_TYPE & schema.keys()):
            raise node.error(f"{min(bounded)!r} is given without a type", hint='add "type"')
        return PropertyType(m.JsonType, schema, v.parse_any, nullable, hashable=False)
    if len(kinds) != 1:
        raise node.error(
            f"the values are of the types {', '.join(sorted(kinds))}" if kinds else "no value but null is valid",
            hint="a column has one type: choose one (or it and null); without any `type` the values are stored as JSON",
        )
    found = _READERS[kinds.pop()](node, name, classes)
    return replace(found, nullable=found.nullable or nullable)


def check_supported(node: Node) -> None:
    """Refuse the keywords that mean what no class can."""
    for keyword, hint in _REFUSED.items():
        if keyword in node.schema:
            raise node.error(f"{keyword!r} isn't supported", hint=hint)


def _types_of(schema: Mapping[str, Any]) -> set[str]:
    """The types of the values, by what is said of them where `type` isn't. All of them where nothing is."""
    given, values = schema.get("type"), only_values(schema)
    if given is None and values is None:
        return {"object"} if "properties" in schema else {"array"} if "items" in schema else {*_ANY, "null"}
    if given is None:
        kinds = {_TYPE_NAMES[type(value)] for value in values or ()}
    else:
        kinds = {given} if isinstance(given, str) else set(cast("list[str]", given))
    return kinds - {"integer"} if "number" in kinds else kinds


def _through(node: Node, keyword: str, target: Node, name: str, classes: Classes) -> PropertyType:
    """The type of `node`, which is `target` under `keyword` and what stands around it."""
    schema = target.schema
    labels = keyword == "$ref" and only_values(schema) is not None and _types_of(schema) - {"null"} == {"string"}
    if labels or is_object(schema):
        node.check_notes(keyword)
        return replace(_read(target, name, classes), schema=node.schema)
    return _read(node.merged(keyword, target), name, classes)


def _union(node: Node, keyword: str, name: str, classes: Classes) -> PropertyType:
    """The type that is any of several, if one column can hold them."""
    members = list(node.children(keyword))
    others = [member for member in members if _types_of(member.schema) != {"null"}]
    nullable = keyword != "allOf" and len(others) < len(members)
    if len(others) == 1:
        only = _through(node, keyword, others[0], name, classes)
        return replace(only, nullable=only.nullable or nullable)
    if keyword == "allOf":
        raise node.error(f"{keyword!r} has {len(others)} schemas", hint="write one schema with all the properties")
    found = (
        _addresses(node, others) or _references(node, others, name, classes) or _labels_and_text(node, others, classes)
    )
    if found is None:
        raise node.error(
            f"{keyword!r} has {len(others)} types",
            hint="a column has one type: choose one (or it and null), or leave the type out to store the values as JSON; "
            'objects of several tables need keys ("x-primary-key": true)',
        )
    return replace(found, nullable=found.nullable or nullable)


def _addresses(node: Node, members: Sequence[Node]) -> PropertyType | None:
    """IP addresses of either version."""
    formats = [{key: value for key, value in member.schema.items() if key != "type"} for member in members]
    if sorted(formats, key=str) != [{"format": "ipv4"}, {"format": "ipv6"}]:
        return None
    return PropertyType(IPv4Address | IPv6Address, node.schema, v.parse_ip, "null" in node.schema.get("type", ()))


def _references(node: Node, members: Sequence[Node], name: str, classes: Classes) -> PropertyType | None:
    """Objects of any of several tables."""
    targets = [member.follow(member.schema["$ref"]) for member in members if "$ref" in member.schema]
    if len(targets) < len(members) or not all(is_keyed(target.schema) for target in targets):
        return None
    found = tuple(_read(target, name, classes).annotation for target in targets)
    return PropertyType(cast(Any, Union)[found], node.schema, no_default, hashable=False)


def _labels_and_text(node: Node, members: Sequence[Node], classes: Classes) -> PropertyType | None:
    """An enum that takes new labels."""
    known = [member for member in members if member.schema != {"type": "string"}]
    if len(known) != 1 or len(members) != 2:
        return None
    found = _read(known[0], "", classes)
    if not isinstance(found.annotation, enum.EnumMeta):
        return None
    labels: Mapping[Any, object] = {member.value: member for member in cast(Any, found.annotation)}
    return PropertyType(
        cast(Any, Union)[found.annotation, str],
        node.schema,
        lambda value: labels[value] if value in labels else v.parse_text(value),
    )


def no_default(value: Any) -> object:
    """What reads the default of a column that can have none."""
    raise ValueError(f"{value!r} can't be the default of a column")


def _array(node: Node, name: str, classes: Classes) -> PropertyType:
    if node.schema.get("items", True) in (True, {}):
        return PropertyType(m.JsonType, node.schema, v.parse_any, hashable=False)
    element = read_type(node.child("items"), name, classes)
    kind: Any = set if node.schema.get("uniqueItems") and element.hashable else list

    def parse(value: Any) -> object:
        return kind() if value == [] else no_default(value)

    return PropertyType(kind[element.optional], node.schema, parse, hashable=False)


def _object(node: Node, name: str, classes: Classes) -> PropertyType:
    if is_object(node.schema):
        return PropertyType(classes.object_class(node, name), node.schema, no_default, hashable=False)
    return PropertyType(dict, node.schema, v.parse_any, hashable=False)


_READERS: Mapping[str, Callable[[Node, str, Classes], PropertyType]] = {
    "string": lambda node, name, classes: read_string(node, classes.enum_class),
    "integer": lambda node, name, classes: read_integer(node),
    "number": lambda node, name, classes: read_number(node),
    "boolean": lambda node, name, classes: read_boolean(node),
    "array": _array,
    "object": _object,
}
