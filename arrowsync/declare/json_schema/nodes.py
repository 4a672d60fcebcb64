"""One place inside of a JSON Schema, with the way to the places that it holds and refers to.

`open_schema` is the first step of `read`: the schema is checked against the meta schema of its draft, so that what
reads the nodes meets keywords of the right types only. That covers the keywords that arrowsync adds, `KEYWORDS`: to add
another, give it a line there, and read and write it in `read` (or `types`) and in `write`.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

from arrowsync.declare import markers as m
from arrowsync.declare.spec import OnDelete
from arrowsync.errors import DeclarationError, MissingDriver

if TYPE_CHECKING:
    from referencing._core import Resolver

T = TypeVar("T")

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_FLAG = {"type": "boolean"}
_ON_DELETE = {"enum": list(get_args(OnDelete))}

KEYWORDS: Mapping[str, Any] = {
    # of an object
    "x-name": _TEXT,
    "x-namespace": _TEXT,
    "x-unique-keys": {"type": "array", "items": _TEXTS},
    "x-foreign-keys": {
        "type": "array",
        "items": {
            "properties": {"columns": _TEXTS, "references": _TEXT, "on-delete": _ON_DELETE},
            "required": ["columns", "references"],
        },
    },
    "x-checks": {
        "type": "array",
        "items": {"properties": {"condition": _TEXT, "name": _TEXT}, "required": ["condition"]},
    },
    "x-indexes": {
        "type": "array",
        "items": {"properties": {"parts": _TEXTS, "unique": _FLAG, "name": _TEXT}, "required": ["parts"]},
    },
    # of a property
    "x-primary-key": _FLAG,
    "x-unique": _FLAG,
    "x-identity": _FLAG,
    "x-renamed-from": _TEXT,
    "x-references": {"anyOf": [_TEXT, _TEXTS]},
    "x-on-delete": _ON_DELETE,
    # of a type
    "x-precision": {"type": "integer", "minimum": 1, "maximum": m.MAX_PRECISION},
    "x-scale": {"type": "integer", "minimum": 0, "maximum": m.MAX_PRECISION},
    "x-time-precision": {"enum": [0, 3, 6]},
    "x-max-length": {"type": "integer", "minimum": 1},
    "x-minimum": _TEXT,
    "x-maximum": _TEXT,
}
"""The keywords that say of a table what JSON Schema has no word for, and the schemas of their values."""

# The dynamic anchor puts this in the place of the draft's own meta schema, for each schema inside of a schema too.
_META = {
    "$schema": DRAFT,
    "$id": "urn:arrowsync:schema",
    "$dynamicAnchor": "meta",
    "$ref": DRAFT,
    "properties": KEYWORDS,
}

# Said of the property itself, and not of others that are of its type.
_OWN = frozenset("x-primary-key x-unique x-identity x-renamed-from x-references x-on-delete".split())
_NOTES = frozenset("title description default deprecated readOnly writeOnly examples $comment".split())


@dataclass(frozen=True, slots=True)
class Node:
    """One schema inside of a JSON Schema.

    `pointer` is the JSON pointer of it; `table` and `field` are the class and field that it is read for, where there are such.
    `via` are the pointers of what it has been merged with.
    """

    schema: Mapping[str, Any]
    pointer: str
    resolver: Resolver[Any]
    table: str | None = None
    field: str | None = None
    via: tuple[str, ...] = ()

    def error(self, problem: str, *, hint: str | None = None) -> DeclarationError:
        """Make the error for a problem at this place in the schema."""
        where = f"{self.table}.{self.field}: " if self.field else f"{self.table}: " if self.table else ""
        return DeclarationError(
            f"{where}{problem}, at {self.pointer} of the JSON Schema", table=self.table, field=self.field, hint=hint
        )

    def child(self, *path: str | int) -> Node:
        """The schema that stands in this one under `path`."""
        inner: Any = self.schema
        for step in path:
            inner = inner[step]
        steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
        return self._at(inner, "/".join([self.pointer, *steps]), self.resolver)

    def children(self, keyword: str) -> Iterator[Node]:
        """The schemas in the array that `keyword` has."""
        return (self.child(keyword, index) for index in range(len(self.schema[keyword])))

    def follow(self, reference: str) -> Node:
        """The schema that a `$ref` in this one means."""
        from referencing.exceptions import Unresolvable

        try:
            found = self.resolver.lookup(reference)
        except Unresolvable:
            raise self.error(
                f"{reference!r} refers to nothing in this schema",
                hint="schemas aren't fetched from elsewhere: copy what it refers to into `$defs`, and write `#/$defs/...`",
            ) from None
        pointer = reference if reference.startswith("#") else f"{reference} ({self.pointer})"
        return self._at(found.contents, pointer, found.resolver)

    def merged(self, keyword: str, target: Node) -> Node:
        """This schema with the contents of `target` in place of `keyword`, which refers to or holds the target."""
        if target.pointer in self.via:
            raise self.error(f"{target.pointer} refers to nothing but itself", hint="say of which type it is")
        own = {key: value for key, value in self.schema.items() if key != keyword}
        theirs = {key: value for key, value in target.schema.items() if key not in _OWN}
        for key in own.keys() & theirs.keys() - _NOTES:
            if own[key] != theirs[key]:
                raise self.error(
                    f"{key!r} is {own[key]!r} here and {theirs[key]!r} at {target.pointer}", hint="keep one of them"
                )
        return replace(
            self, schema={**theirs, **own}, resolver=target.resolver, via=(*self.via, self.pointer, target.pointer)
        )

    def check_notes(self, keyword: str) -> None:
        """Refuse keywords beside a reference that would narrow its class: a class is the same wherever it is used."""
        for key in self.schema.keys() - {keyword, "type"} - _NOTES:
            if not key.startswith("x-"):
                raise self.error(
                    f"{key!r} stands next to {keyword!r}, which means a class", hint=f"move {key!r} into that schema"
                )

    def _at(self, inner: object, pointer: str, resolver: Resolver[Any]) -> Node:
        if inner is False:
            raise replace(self, pointer=pointer).error(
                "the schema is `false`, which no value fits", hint="say of which type it is, or remove it"
            )
        if inner is not True and not isinstance(inner, dict):
            raise self.error(f"{pointer} is no schema", hint="refer to a schema in `$defs`")
        schema = cast("dict[str, Any]", {} if inner is True else inner)
        if "$id" in schema:
            from referencing.jsonschema import DRAFT202012

            resolver = resolver.in_subresource(DRAFT202012.create_resource(schema))
        return replace(self, schema=schema, pointer=pointer, resolver=resolver)


def open_schema(schema: Mapping[str, Any] | str) -> Node:
    """The root of a JSON Schema, which is a mapping or JSON text; one that isn't valid is a DeclarationError."""
    try:
        from jsonschema import Draft202012Validator, exceptions
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012
    except ImportError:
        raise MissingDriver("jsonschema", needed_for="reading a JSON Schema", extra="json-schema") from None

    loaded = _loaded(schema)
    root = cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}
    draft = root.get("$schema", DRAFT)
    if str(draft).rstrip("#") != DRAFT:
        raise DeclarationError(
            f"the JSON Schema is of the draft {draft!r}, which isn't read",
            hint=f'bring it to draft 2020-12 (`definitions` are `$defs` there), and write "$schema": "{DRAFT}"',
        )
    validator: Any = Draft202012Validator(_META)
    wrong: Any = cast(Any, exceptions).best_match(validator.iter_errors(loaded))
    if wrong is not None:
        pointer = "/".join(["#", *map(str, wrong.absolute_path)])
        problem = textwrap.shorten(wrong.message, 300)
        raise DeclarationError(f"the JSON Schema isn't valid at {pointer}: {problem}", hint="correct it")
    if not root:
        raise no_object()
    registry: Any = Registry[Any]()
    uri = root.get("$id", "")
    return Node(root, "#", registry.with_resource(uri, DRAFT202012.create_resource(root)).resolver(uri))


_OBJECT_HINT = 'write {"title": "User", "type": "object", "properties": {...}}'


def no_object() -> DeclarationError:
    """Make the error for a schema without an object that could become a class."""
    return DeclarationError("the JSON Schema declares no object with properties", hint=_OBJECT_HINT)


def _loaded(schema: Mapping[str, Any] | str) -> Any:
    """The schema as plain Python values of its own, which nobody changes behind our back."""
    try:
        text = schema if isinstance(schema, str) else json.dumps(schema, allow_nan=False, default=dict)
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_number, parse_float=_number)
    except (ValueError, TypeError) as error:
        raise DeclarationError(
            f"the JSON Schema is no JSON: {error}",
            hint="pass a mapping of plain values, or the text of a JSON document",
        ) from error


def _without_repeats(pairs: list[tuple[str, T]]) -> dict[str, T]:
    names = [name for name, _ in pairs]
    repeated = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set[str]()
    if repeated:
        raise ValueError(f"an object has {', '.join(map(repr, sorted(repeated)))} twice")
    return dict(pairs)


def _number(text: str) -> float:
    """A number as a float; NaN, and what is out of the range of a float, would be another one."""
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(f"{text} is no number that a float can hold")
    return found
