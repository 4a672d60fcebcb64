"""The schema of one property becomes a Python annotation, as one would write it in a dataclass."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, Optional, Protocol, Union, cast
from uuid import UUID

from arrowsync.declare import markers as m
from arrowsync.declare.json_schema import values as v
from arrowsync.declare.json_schema.nodes import Node
from arrowsync.declare.spec import OnDelete
from arrowsync.errors import DeclarationError

Parse = Callable[[Any], object]
EnumClass = Callable[[Node, Sequence[str]], "type[enum.Enum] | None"]

_FORMATS: Mapping[str, tuple[Any, Parse]] = {
    "date-time": (datetime, v.parse_instant),
    "date-time-local": (datetime, v.parse_local),
    "date": (date, v.parse_date),
    "time": (time, v.parse_time),
    "time-local": (time, v.parse_time),
    "duration": (timedelta, v.parse_duration),
    "uuid": (UUID, v.parse_uuid),
    "ipv4": (IPv4Address, v.parse_ipv4),
    "ipv6": (IPv6Address, v.parse_ipv6),
}
"""The formats of strings that are types of their own; text of any other format is text."""

WIDTHS: Mapping[str, tuple[Any, int, int]] = {
    "int8": (m.int8, -(2**7), 2**7 - 1),
    "uint8": (m.uint8, 0, 2**8 - 1),
    "int16": (m.int16, -(2**15), 2**15 - 1),
    "uint16": (m.uint16, 0, 2**16 - 1),
    "int32": (m.int32, -(2**31), 2**31 - 1),
    "uint32": (m.uint32, 0, 2**32 - 1),
    "int64": (int, -(2**63), 2**63 - 1),
    "uint64": (m.uint64, 0, 2**64 - 1),
}
"""The formats of integers, with the least and the greatest of their values."""


@dataclass(frozen=True, slots=True)
class PropertyType:
    """The schema of a property, read: the annotation without Optional, `nullable`, and the parser of a default.

    `schema` is all that is said of the property, by what it refers to as well. `conditions` bound its values where no type
    does: each is the right side of a comparison in SQL, `> 0`. `hashable` says that a set can hold its values.
    """

    annotation: Any
    schema: Mapping[str, Any]
    parse: Parse
    nullable: bool = False
    hashable: bool = True
    conditions: tuple[str, ...] = ()

    @property
    def optional(self) -> Any:
        """The annotation, Optional where the values may be null."""
        return cast(Any, Optional)[self.annotation] if self.nullable else self.annotation


def annotated(base: Any, marks: Iterable[object]) -> Any:
    """`base` with `marks`, of which there may be none."""
    given = tuple(marks)
    return cast(Any, Annotated)[(base, *given)] if given else base


def only_values(schema: Mapping[str, Any]) -> Sequence[Any] | None:
    """The values that are valid where they are listed, as an `enum` or as one `const` for each."""
    if "const" in schema:
        return [schema["const"]]
    for keyword in ("anyOf", "oneOf"):
        members = schema.get(keyword, [])
        if members and all(isinstance(member, dict) and "const" in member for member in members):
            return [member["const"] for member in members]
    return schema.get("enum")


def read_string(node: Node, enum_class: EnumClass) -> PropertyType:
    """The type of a string: text, a label, or what its format says."""
    schema = node.schema
    values = only_values(schema)
    if values is not None:
        return _labels(node, [value for value in values if isinstance(value, str)], enum_class)
    if schema.get("format") == "decimal":
        return _decimal(node, "x-minimum", "x-maximum")
    if schema.get("contentEncoding") == "base64":
        # Four characters stand for three bytes.
        longest = schema["maxLength"] // 4 * 3 if "maxLength" in schema else None
        return PropertyType(
            annotated(bytes, _mark(node, m.MaxLength, schema.get("x-max-length", longest))), schema, v.parse_bytes
        )
    if schema.get("format") in _FORMATS:
        base, parse = _FORMATS[schema["format"]]
        digits = schema.get("x-time-precision", 6)
        marks = [
            *([m.TimeZone()] if schema["format"] == "date-time" else []),
            *([m.TimePrecision(digits)] if digits != 6 else []),
            *_range(node, *_bounds(node, parse, "x-minimum", "x-maximum")),
        ]
        return PropertyType(annotated(base, marks), schema, parse)
    return PropertyType(annotated(str, _mark(node, m.MaxLength, schema.get("maxLength"))), schema, v.parse_text)


def _labels(node: Node, labels: Sequence[str], enum_class: EnumClass) -> PropertyType:
    if not labels:
        raise node.error("no string is valid", hint="list strings, or remove the type")
    found = enum_class(node, labels)
    members: Mapping[str, object] = {label: label for label in labels}
    if found is not None:
        members = {str(member.value): member for member in found}

    def parse(value: Any) -> object:
        if value not in members:
            raise ValueError(f"{value!r} is none of {', '.join(map(repr, labels))}")
        return members[value]

    annotation = cast(Any, Literal)[tuple(labels)] if found is None else found
    return PropertyType(annotation, node.schema, parse)


def read_integer(node: Node) -> PropertyType:
    """The type of an integer: the width that its format or its bounds say, else int64."""
    schema = node.schema
    values = only_values(schema)
    if values is not None:
        choices = [parsed(node, v.parse_int, value) for value in values if value is not None]
        return PropertyType(cast(Any, Literal)[tuple(choices)], schema, v.parse_int)
    if schema.get("format") == "decimal":
        return _decimal(node, "minimum", "maximum", scale=0)
    low, high = _integer_bounds(schema)
    width = WIDTHS.get(schema.get("format", ""))
    if width is None:
        exact = (each for each in WIDTHS.values() if (low, high) == each[1:])
        fits = (WIDTHS[name] for name in ("int64", "uint64") if _within(low, high, WIDTHS[name]))
        width = next(exact, None) or next(fits, None)
    if width is None:
        raise node.error(
            f"no integer column holds the values from {low} to {high}",
            hint='narrow the bounds to 64 bits, or add "format": "decimal"',
        )
    base, least, most = width
    bounds = low if low is not None and low > least else None, high if high is not None and high < most else None
    return PropertyType(annotated(base, _range(node, *bounds)), schema, v.parse_int)


def _within(low: int | None, high: int | None, width: tuple[Any, int, int]) -> bool:
    """True if a type holds all values within the bounds; a missing bound is that of int64, as for Python's int."""
    _, least, most = width
    return (least < 0 if low is None else low >= least) and (high is None or high <= most)


def _integer_bounds(schema: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The least and the greatest integer that is valid."""
    lows = [math.ceil(schema["minimum"])] if "minimum" in schema else []
    highs = [math.floor(schema["maximum"])] if "maximum" in schema else []
    lows += [math.floor(schema["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in schema else []
    highs += [math.ceil(schema["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in schema else []
    return max(lows, default=None), min(highs, default=None)


def read_number(node: Node) -> PropertyType:
    """The type of a number: a decimal where `format` or `multipleOf` say so, else a float."""
    schema = node.schema
    scale = _scale_of(schema)
    if schema.get("format") == "decimal" or scale:
        return _decimal(node, "minimum", "maximum")
    if scale == 0:
        return read_integer(node)
    base = m.float32 if schema.get("format") == "float" else float
    marks = _range(node, schema.get("minimum"), schema.get("maximum"))
    return PropertyType(annotated(base, marks), schema, v.parse_float, conditions=_conditions(schema))


def _conditions(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The bounds that leave the bound itself out."""
    words = {"exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    return tuple(f"{sign} {schema[keyword]!r}" for keyword, sign in words.items() if keyword in schema)


def _scale_of(schema: Mapping[str, Any]) -> int | None:
    """The digits after the point, where `multipleOf` is 1, 0.1, 0.01 or so."""
    if "multipleOf" not in schema:
        return None
    _, digits, exponent = Decimal(str(schema["multipleOf"])).normalize().as_tuple()
    return -exponent if isinstance(exponent, int) and digits == (1,) and -38 <= exponent <= 0 else None


def _decimal(node: Node, minimum: str, maximum: str, *, scale: int | None = None) -> PropertyType:
    """A decimal, whose bounds the keywords `minimum` and `maximum` are."""
    schema = node.schema
    low, high = _bounds(node, v.parse_decimal, minimum, maximum)
    scale = schema.get("x-scale", _scale_of(schema) if scale is None else scale)
    precision = schema.get("x-precision")
    if precision is None and scale is not None:
        # The digits before the point that the bounds have, or as many as 128 bits hold.
        whole = None if low is None or high is None else len(str(int(max(abs(low), abs(high)))))
        precision = 38 if whole is None else whole + scale
    marks: list[object] = [] if precision is None else [_made(node, m.Precision, precision, scale or 0)]
    conditions = _conditions(schema) if minimum == "minimum" else ()
    return PropertyType(
        annotated(Decimal, [*marks, *_range(node, low, high)]), schema, v.parse_decimal, conditions=conditions
    )


def read_boolean(node: Node) -> PropertyType:
    """The type of a truth value."""
    return PropertyType(bool, node.schema, v.parse_bool)


def _bounds(node: Node, parse: Parse, *keywords: str) -> tuple[Any, Any]:
    low, high = (parsed(node, parse, node.schema[word]) if word in node.schema else None for word in keywords)
    return low, high


def _range(node: Node, low: Any, high: Any) -> list[object]:
    return [] if low is None and high is None else [_made(node, m.Range, low, high)]


def _mark(node: Node, kind: Callable[[Any], object], argument: object) -> list[object]:
    return [] if argument is None else [_made(node, kind, argument)]


def _made(node: Node, kind: Callable[..., object], *arguments: object) -> object:
    try:
        return kind(*arguments)
    except DeclarationError as error:
        raise node.error(error.message, hint=error.hint) from None


def parsed(node: Node, parse: Callable[[Any], Any], value: Any) -> Any:
    """Parse a value in the schema; a value of another type is a DeclarationError."""
    try:
        return parse(value)
    except ValueError as error:
        raise node.error(str(error), hint="give a value of the type that is declared there") from None


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
    """The maker of the classes that properties refer to, each of them once; `name` is for a class without a name of its own."""

    def object_class(self, node: Node, name: str) -> type: ...

    def enum_class(self, node: Node, labels: Sequence[str]) -> type[enum.Enum] | None: ...


def is_object(schema: Mapping[str, Any]) -> bool:
    """True for the schema of an object with known properties, which becomes a class."""
    return bool(schema.get("properties")) and _types_of(schema) - {"null"} == {"object"}


def is_keyed(schema: Mapping[str, Any]) -> bool:
    """True if the objects of a schema have a key, and so are rows of a table."""
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
    """Make the foreign key of one or several properties of `node` to another table."""
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
    """Refuse the keywords whose meaning no class can express."""
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
    texts = [
        each for each in members if each.schema.get("type") == "string" and each.schema.keys() <= {"type", "maxLength"}
    ]
    known = [member for member in members if member not in texts]
    if len(known) != 1 or len(members) != 2:
        return None
    found = _read(known[0], "", classes)
    if not isinstance(found.annotation, enum.EnumMeta):
        return None
    labels: Mapping[Any, object] = {member.value: member for member in cast(Any, found.annotation)}
    text = _read(texts[0], "", classes)
    return PropertyType(
        cast(Any, Union)[found.annotation, text.annotation],
        node.schema,
        lambda value: labels[value] if value in labels else v.parse_text(value),
    )


def no_default(value: Any) -> object:
    """Refuse any default: the parser for a column that can have none."""
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
