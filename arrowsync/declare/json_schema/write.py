"""Declared tables become a JSON Schema (draft 2020-12) of their rows as JSON objects.

`to_json_schema` is the inverse of `json_schema.from_json_schema`: what JSON Schema has no word for goes into the keywords of
`json_nodes.KEYWORDS`. Structs, enums and other tables go to `$defs` when they are first met (`_Definitions`). To write another
type, add a line to `_PLAIN`, or a case to `_type_schema` where it has parameters.

A foreign key is the key's own value in JSON too, so that its schema is that of the key; `x-references` says whose key it is.
Of an enum whose members are objects the names are kept, and not their fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, cast

import pyarrow as pa

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.json_schema.nodes import DRAFT
from arrowsync.declare.json_schema.read import class_name
from arrowsync.declare.json_schema.types import WIDTHS
from arrowsync.declare.json_schema.values import to_json
from arrowsync.declare.site import Site
from arrowsync.declare.spec import ColumnSpec, Reference, StructSpec, TableSpec
from arrowsync.declare.tables import declared_tables
from arrowsync.errors import DeclarationError

Schema = dict[str, Any]

_PLAIN: Mapping[pa.DataType, Schema] = {
    pa.bool_(): {"type": "boolean"},
    pa.float32(): {"type": "number", "format": "float"},
    pa.float64(): {"type": "number"},
    pa.date32(): {"type": "string", "format": "date"},
    pa.time64("us"): {"type": "string", "format": "time-local"},
    pa.duration("us"): {"type": "string", "format": "duration"},
    pa.uuid(): {"type": "string", "format": "uuid"},
    pa.json_(): {"type": ["array", "boolean", "number", "object", "string"]},
}

_ADDRESSES: Mapping[str | None, Schema] = {
    "4": {"type": "string", "format": "ipv4"},
    "6": {"type": "string", "format": "ipv6"},
    "any": {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
}

_TIME_DIGITS: Mapping[str, int] = {"s": 0, "ms": 3}


def to_json_schema(tables: type | TableSpec | ModuleType | Sequence[type | TableSpec]) -> dict[str, Any]:
    """The JSON Schema of the rows of a table, as plain Python values for `json.dumps`.

    That of one dataclass describes an object; that of several, or of all that a module declares, has each of them in `$defs`.
    Tables that they refer to, structs and enums are in `$defs` too. It is for draft 2020-12, and has the keywords
    `x-primary-key` and others for what that can't say, which `from_json_schema` reads.

    >>> from dataclasses import dataclass
    >>> from arrowsync.declare.markers import PrimaryKey
    >>> @dataclass
    ... class User:
    ...     id: PrimaryKey[int]
    ...     nice: bool | None = None
    >>> schema = to_json_schema(User)
    >>> schema["title"], schema["required"], schema["properties"]["nice"]
    ('User', ['id'], {'type': ['boolean', 'null']})
    """
    if isinstance(tables, (type, TableSpec)):
        spec = _spec(tables)
        definitions = _Definitions([spec])
        definitions.paths[_at(spec)] = "#"
        schema = {"title": spec.name, **_name(spec.name, spec.name), **definitions.table(spec)}
    else:
        if not isinstance(tables, (ModuleType, list, tuple)):
            raise DeclarationError(
                f"{tables!r} declares no table", hint="pass a dataclass, several of them, or a module"
            )
        given = tables if isinstance(tables, ModuleType) else [each for each in tables if isinstance(each, type)]
        specs = list(declared_tables(given))
        if not isinstance(tables, ModuleType):
            specs += [each for each in tables if isinstance(each, TableSpec)]
        definitions = _Definitions(specs)
        for spec in specs:
            definitions.path_of(spec)
        schema = {}
    definitions.write_all()
    return {"$schema": DRAFT, **schema, **({"$defs": definitions.schemas} if definitions.schemas else {})}


def _spec(table: type | TableSpec) -> TableSpec:
    return table if isinstance(table, TableSpec) else read_dataclass(table)


def _at(table: TableSpec | Reference) -> tuple[str | None, str]:
    return table.namespace, table.name if isinstance(table, TableSpec) else table.table


def _name(key: str, name: str) -> Schema:
    """Make the keyword with the exact name of a class, if its key in `$defs` or its title differs."""
    return {} if class_name(key) == name else {"x-name": name}


class _Definitions:
    """The content of `$defs`. `paths` are references to tables, which are written after all references to them are known."""

    def __init__(self, known: Sequence[TableSpec]) -> None:
        self.schemas: dict[str, Schema] = {}
        self.paths: dict[tuple[str | None, str], str] = {}
        self._known = {_at(spec): spec for spec in known}
        self._waiting: list[tuple[str, TableSpec]] = []
        self._parts: list[tuple[object, str]] = []

    def write_all(self) -> None:
        """Write the tables that were referred to, until they refer to no new ones."""
        while self._waiting:
            key, spec = self._waiting.pop(0)
            self.schemas[key] = {**_name(key, spec.name), **self.table(spec)}

    def path_of(self, spec: TableSpec) -> str:
        """The reference to the schema of a table."""
        at = _at(spec)
        if at not in self.paths:
            key = self._reserved(spec.name)
            self._waiting.append((key, spec))
            self.paths[at] = f"#/$defs/{key}"
        return self.paths[at]

    def target(self, reference: Reference, site: Site) -> str:
        """The reference to the schema of the table that a foreign key means."""
        spec = self._known.get(_at(reference))
        if spec is None and reference.source is not None:
            spec = read_dataclass(reference.source)
        if spec is None:
            raise site.error(
                f"the column refers to {reference.table}, which isn't among the given tables",
                hint="give that table too",
            )
        return self.path_of(spec)

    def part(self, identity: object, name: str, write: Callable[[], Schema]) -> str:
        """The reference to the schema of a struct or of an enum, which `write` makes when it is new."""
        for known, path in self._parts:
            if known == identity:
                return path
        key = self._reserved(name)
        self._parts.append((identity, f"#/$defs/{key}"))
        self.schemas[key] = {**_name(key, name), **write()}
        return f"#/$defs/{key}"

    def table(self, spec: TableSpec) -> Schema:
        """The schema of the rows of a table."""
        schema = _object_schema(spec.columns, spec.comment, self, Site(spec.name))
        properties = schema["properties"]
        for name in spec.key:
            properties[name]["x-primary-key"] = True
        groups = [list(group) for group in spec.unique if len(group) > 1]
        for (name,) in (group for group in spec.unique if len(group) == 1):
            properties[name]["x-unique"] = True
        site = Site(spec.name)
        keys = [
            {
                "columns": list(key.columns),
                "references": self.target(key.target, site),
                **({"on-delete": key.target.on_delete} if key.target.on_delete else {}),
            }
            for key in spec.foreign_keys
        ]
        checks = [{"condition": check.condition, **_given("name", check.name)} for check in spec.checks]
        indexes = [
            {"parts": list(index.parts), **({"unique": True} if index.unique else {}), **_given("name", index.name)}
            for index in spec.indexes
        ]
        said = {
            "x-namespace": spec.namespace,
            "x-unique-keys": groups,
            "x-foreign-keys": keys,
            "x-checks": checks,
            "x-indexes": indexes,
        }
        return {**schema, **{keyword: value for keyword, value in said.items() if value}}

    def _reserved(self, name: str) -> str:
        """A key in `$defs` that nothing else has."""
        first = class_name(name) or "Table"
        key, n = first, 2
        while key in self.schemas:
            key, n = f"{first}_{n}", n + 1
        self.schemas[key] = {}
        return key


def _given(keyword: str, value: object) -> Schema:
    return {} if value is None else {keyword: value}


def _object_schema(columns: Sequence[ColumnSpec], comment: str | None, definitions: _Definitions, site: Site) -> Schema:
    """The schema of an object with a property for each column."""
    required = [column.name for column in columns if not column.identity and not column.has_default]
    return {
        **_given("description", comment),
        "type": "object",
        "properties": {
            column.name: _property_schema(column, definitions, Site(site.table, column.name)) for column in columns
        },
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _property_schema(column: ColumnSpec, definitions: _Definitions, site: Site) -> Schema:
    schema = {**_column_schema(column, definitions, site), **_given("description", column.comment)}
    if column.has_default and column.default is not None:
        try:
            schema["default"] = to_json(column.default, column.type)
        except ValueError as error:
            raise site.error(f"the default can't be said in JSON: {error}", hint="remove the default") from None
    if column.identity:
        schema["x-identity"] = True
    return {**schema, **_given("x-renamed-from", column.renamed_from)}


def _column_schema(column: ColumnSpec, definitions: _Definitions, site: Site) -> Schema:
    """The schema of the values of a column, or of the elements of one."""
    schema = _type_schema(column, definitions, site)
    if column.nullable:
        schema = _with_null(schema)
    targets = [definitions.target(reference, site) for reference in column.references]
    if targets:
        schema["x-references"] = targets[0] if len(targets) == 1 else targets
        schema |= _given("x-on-delete", column.references[0].on_delete)
    return schema


def _with_null(schema: Schema) -> Schema:
    kinds = schema.get("type")
    if kinds is None:
        return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}
    if isinstance(kinds, list) and len(cast("list[str]", kinds)) == 5:
        return {}
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [kinds, "null"]}


def _type_schema(column: ColumnSpec, definitions: _Definitions, site: Site) -> Schema:
    given = column.type
    if column.struct is not None:
        return {"$ref": _struct_path(column.struct, definitions)}
    if column.element is not None:
        items = _column_schema(column.element, definitions, site)
        return {"type": "array", "items": items, **({"uniqueItems": True} if column.unordered else {})}
    if column.labels:
        return _enum_schema(column, definitions)
    if column.choices:
        return {"type": "integer", "enum": list(column.choices)}
    if column.ip is not None:
        return dict(_ADDRESSES[column.ip])
    types = pa.types
    if types.is_integer(given):
        _, least, most = WIDTHS[str(given)]
        low, high = (least if column.minimum is None else column.minimum), column.maximum
        return {"type": "integer", "format": str(given), "minimum": low, "maximum": most if high is None else high}
    if types.is_floating(given) and given in _PLAIN:
        return {**_PLAIN[given], **_given("minimum", column.minimum), **_given("maximum", column.maximum)}
    if types.is_string(given):
        return {"type": "string", **_given("maxLength", column.max_length)}
    if types.is_binary(given):
        return {"type": "string", "contentEncoding": "base64", **_byte_length(column.max_length)}
    schema = _with_parameters(given) or _PLAIN.get(given)
    if schema is None:
        raise site.error(f"a value of type {given} has no JSON Schema", hint="remove the column")
    low, high = (None if bound is None else to_json(bound, given) for bound in (column.minimum, column.maximum))
    return {**schema, **_given("x-minimum", low), **_given("x-maximum", high)}


def _struct_path(struct: StructSpec, definitions: _Definitions) -> str:
    def write() -> Schema:
        return _object_schema(struct.members, struct.comment, definitions, Site(struct.name))

    return definitions.part(struct, struct.name, write)


def _enum_schema(column: ColumnSpec, definitions: _Definitions) -> Schema:
    labels: Schema = {"type": "string", "enum": list(column.labels)}
    if column.enum_name is None:
        return labels
    identity = (column.enum_name, column.labels, column.enum_comment)
    comment = _given("description", column.enum_comment)
    reference = {"$ref": definitions.part(identity, column.enum_name, lambda: {**comment, **labels})}
    extensible = column.lookup is not None and column.lookup.extensible
    longest = column.lookup.max_length if column.lookup is not None else None
    return {"anyOf": [reference, {"type": "string", **_given("maxLength", longest)}]} if extensible else reference


def _byte_length(length: int | None) -> Schema:
    """The greatest number of bytes, and of the characters that stand for them in base64."""
    return {} if length is None else {"maxLength": -(-length // 3) * 4, "x-max-length": length}


def _with_parameters(given: Any) -> Schema | None:
    """The schema of a decimal or of a timestamp."""
    if pa.types.is_decimal(given):
        whole, scale = given.precision - given.scale, given.scale
        digits = rf"\d{{1,{whole}}}" if whole else "0?"
        return {
            "type": "string",
            "format": "decimal",
            "pattern": rf"^-?{digits}(\.\d{{1,{scale}}})?$" if scale else rf"^-?{digits}$",
            "x-precision": given.precision,
            "x-scale": scale,
        }
    if pa.types.is_timestamp(given):
        schema: Schema = {"type": "string", "format": "date-time" if given.tz else "date-time-local"}
        return {**schema, **_given("x-time-precision", _TIME_DIGITS.get(given.unit))}
    return None
