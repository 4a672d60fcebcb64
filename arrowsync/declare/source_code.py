"""`TableSpec`s become the text of a Python module of dataclasses, which declare the same tables again.

What stands in the text is decided here: the classes, each after those that it needs, as far as they don't need each other,
and what is in a class. How it looks is in `source_layout`, what everything is called in `source_names`; which fields there
are is in `source_fields`, their annotations in `source_types`, what is demanded of them in `source_constraints`, values in
`source_values` and docstrings in `source_comments`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from arrowsync.declare.place import Place
from arrowsync.declare.references import check_on_delete
from arrowsync.declare.source_comments import docstring_code
from arrowsync.declare.source_constraints import Constraints, constraints_of
from arrowsync.declare.source_fields import Field, Tables, plain_fields, table_fields
from arrowsync.declare.source_layout import Code, call, class_line, keyword, quoted, statement
from arrowsync.declare.source_names import EnumSpec, choose_names, each_column, enum_of, is_usable
from arrowsync.declare.source_types import MARKERS, Extras, Scope, annotation, composite_annotation
from arrowsync.declare.source_values import value_code
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.declare.walk import references_of

_MODULE_DOCSTRING = '"""Tables, declared as dataclasses."""'

_NOT_MEMBERS = ("name", "value")
"""What an enum has besides its members."""


def to_source(specs: Sequence[TableSpec]) -> str:
    """The text of a Python module that declares the tables of `specs`: formatted, and sound for type checkers.

    What a declaration can't say is a DeclarationError: a type that there is no word for, a reference to a table that isn't
    among `specs`.

    >>> import pyarrow as pa
    >>> from arrowsync.declare.arrow import spec_from_schema
    >>> schema = pa.schema({"id": pa.int64(), "name": pa.string()})
    >>> text = to_source([spec_from_schema(schema, "users", key="id")])
    >>> print(text[text.index("@dataclass") :])
    @dataclass
    class users:
        id: PrimaryKey[int]
        name: str | None
    <BLANKLINE>
    """
    tables = {(spec.namespace, spec.name): spec for spec in specs}
    if len(tables) < len(specs):
        twice = next(spec for spec in specs if tables[spec.namespace, spec.name] is not spec)
        raise Place(twice.name).error("two tables have this name", hint="give each of them once")
    fields = {key: table_fields(spec, tables) for key, spec in tables.items()}
    names = choose_names(specs, (field.name for of_table in fields.values() for field in of_table))
    written: dict[str, str] = {}
    for spec in _ordered(specs, tables):
        for column in each_column(spec.columns):
            for name, lines in _types(column, Scope(names, tables, frozenset(written))):
                if name not in written:
                    written[name] = "\n".join(lines)
        key = spec.namespace, spec.name
        scope = Scope(names, tables, frozenset(written))
        written[names.tables[key]] = "\n".join(_table(spec, fields[key], scope))
    imports = names.imports.lines()
    return "\n".join([_MODULE_DOCSTRING, "", *imports, *(f"\n\n{text}" for text in written.values()), ""])


def _ordered(specs: Sequence[TableSpec], tables: Tables) -> Iterator[TableSpec]:
    """The tables, each after those that it refers to, as far as they don't refer to it."""
    seen: set[tuple[str | None, str]] = set()

    def visit(spec: TableSpec) -> Iterator[TableSpec]:
        if (spec.namespace, spec.name) in seen:
            return
        seen.add((spec.namespace, spec.name))
        for target in references_of(spec):
            found = tables.get((target.namespace, target.table))
            if found is not None:
                yield from visit(found)
        yield spec

    for spec in specs:
        yield from visit(spec)


def _types(column: ColumnSpec, scope: Scope) -> Iterator[tuple[str, Iterator[str]]]:
    """The classes that are the type of a column, by name: a struct, or an enum after the class of its members' values."""
    enum, names = enum_of(column), scope.names
    if enum is not None:
        if enum.lookup:
            name = names.rows[enum]
            yield name, _dataclass(name, name, plain_fields(enum.lookup.columns), scope)
        yield names.enums[enum], _enum(enum, scope)
    if column.struct is not None:
        struct, name = column.struct, names.structs[column.struct]
        settings = _settings(__type_name__=None if name == struct.name else struct.name)
        yield name, _dataclass(name, struct.name, plain_fields(struct.members), scope, settings, struct.comment)


def _enum(enum: EnumSpec, scope: Scope) -> Iterator[str]:
    name = scope.names.enums[enum]
    docstring = docstring_code(name, enum.comment, {})
    yield class_line(name, scope.names.imports.name("enum", "Enum"))
    yield from _paragraphs(
        [docstring] if docstring else [],
        _settings(__type_name__=None if name == enum.name else enum.name),
        [_member(member, label, enum, name, scope) for label, member in enum.members.items()],
    )


def _member(member: str, label: str, enum: EnumSpec, name: str, scope: Scope) -> str:
    text = statement(member, _member_value(enum, label, scope))
    # Linters take __type_name__ for a member, which has the same value then.
    return f"{text}  # noqa: PIE796" if label == enum.name != name and enum.lookup is None else text


def _member_value(enum: EnumSpec, label: str, scope: Scope) -> Code:
    if enum.lookup is None:
        return quoted(label)
    place = Place(enum.name, label)
    if not is_usable(label) or label.startswith("_") or label in _NOT_MEMBERS:
        raise place.error(f"a member of an enum can't be called {label!r}", hint="rename it")
    fields, row = plain_fields(enum.lookup.columns), enum.lookup.rows[enum.labels.index(label)]
    arguments = (
        keyword(field.name, value_code(value, field.column, place, scope.names))
        for field, value in zip(fields, row, strict=True)
    )
    return call(scope.names.rows[enum], *arguments)


def _table(spec: TableSpec, fields: Sequence[Field], scope: Scope) -> Iterator[str]:
    name, place = scope.names.tables[spec.namespace, spec.name], Place(spec.name)
    if spec.key != tuple(column.name for column in spec.columns if column.name in spec.key):
        raise place.error(
            f"the columns of the primary key are {', '.join(spec.key)}, which is another order than that of the table",
            hint="the key of a declaration has the order of its fields: change that of the key, or of the columns",
        )
    for column in spec.columns:
        for target in column.references:
            check_on_delete(target, [column], Place(spec.name, column.name))
    for key in spec.foreign_keys:
        check_on_delete(key.target, [spec.by_name[column] for column in key.columns], place)
    settings = _settings(__table_name__=None if name == spec.name else spec.name, __namespace__=spec.namespace)
    constraints = constraints_of(spec, fields, scope)
    return _dataclass(name, spec.name, fields, scope, settings, spec.comment, constraints)


def _dataclass(
    name: str,
    owner: str,
    fields: Sequence[Field],
    scope: Scope,
    settings: Sequence[str] = (),
    comment: str | None = None,
    constraints: Constraints | None = None,
) -> Iterator[str]:
    """The lines of a dataclass; `owner` is what its table or type is called in messages."""
    extras: Mapping[str, Extras] = constraints.on_fields if constraints else {}
    listed = constraints.listed if constraints else ()
    docstring = docstring_code(name, comment, {field.name: field.column.comment for field in fields})
    decorator = scope.names.imports.name("dataclasses", "dataclass")
    # Fields without a default may follow others then, so that all stand in the order of the columns.
    yield f"@{decorator}(kw_only=True)" if _needs_keywords(fields) else f"@{decorator}"
    yield f"class {name}:"
    yield from _paragraphs(
        [docstring] if docstring else [],
        settings,
        [_field(field, owner, scope, extras.get(field.column.name, Extras())) for field in fields],
        [statement("__constraints__", call("", *listed))] if listed else [],
    )


def _field(field: Field, owner: str, scope: Scope, extras: Extras) -> str:
    place, column = Place(owner, field.column.name), field.column
    value = _default(column, place, scope) if column.has_default else None
    if field.foreign_key is not None:
        key = field.foreign_key
        return statement(field.name, value, composite_annotation(key, place, scope, extras, nullable=column.nullable))
    if field.name != column.name:
        named = call(scope.names.imports.name(MARKERS, "ColumnName"), quoted(column.name))
        extras = replace(extras, marks=(named, *extras.marks))
    return statement(field.name, value, annotation(column, place, scope, extras))


def _default(column: ColumnSpec, place: Place, scope: Scope) -> Code:
    value = value_code(column.default, column, place, scope.names)
    if isinstance(value, str) or not (column.ip or column.type == pa.uuid()):
        return value
    # Linters don't know that these classes are immutable (RUF009).
    return call(scope.names.imports.name("dataclasses", "field"), keyword("default", value))


def _needs_keywords(fields: Sequence[Field]) -> bool:
    defaults = [field.column.has_default for field in fields]
    return defaults != sorted(defaults)


def _settings(**values: str | None) -> list[str]:
    return [statement(name, quoted(value)) for name, value in values.items() if value is not None]


def _paragraphs(*paragraphs: Sequence[str]) -> Iterator[str]:
    """The lines of all, with a blank line between two that have any."""
    first = True
    for lines in paragraphs:
        if lines and not first:
            yield ""
        yield from lines
        first = first and not lines
