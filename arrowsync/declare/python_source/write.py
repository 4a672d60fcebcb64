"""`TableSpec`s become the text of a Python module of dataclasses, which declare the same tables again."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import pyarrow as pa

from arrowsync.declare.dataclasses.fields import own_docstring, parse_docstring
from arrowsync.declare.dataclasses.keys import check_on_delete
from arrowsync.declare.python_source.annotations import (
    PUBLIC,
    Extras,
    Scope,
    annotation,
    composite_annotation,
    foreign_key_code,
    value_code,
)
from arrowsync.declare.python_source.fields import Field, Tables, plain_fields, table_fields
from arrowsync.declare.python_source.layout import (
    Code,
    call,
    class_line,
    docstring_lines,
    keyword,
    quoted,
    statement,
    wrap,
)
from arrowsync.declare.python_source.names import EnumSpec, choose_names, each_column, enum_of, is_usable
from arrowsync.declare.site import Site
from arrowsync.declare.spec import CheckSpec, ColumnSpec, IndexSpec, TableSpec, references_of

_LOOKS_LIKE_PARAM = re.compile(r"^(?=:param\s)", re.MULTILINE)

_GENERATED = "An enumeration."
"""An older Python's docstring of an enum without one, which is ignored."""


def docstring_code(class_name: str, comment: str | None, params: Mapping[str, str | None]) -> str | None:
    """The lines of the docstring of a class, quotes and all; None where there is nothing to say."""
    text = comment or ""
    said = {name: carried for name, param in params.items() if param and (carried := _carried_param(param))}
    lines = list(_lines(text, said))
    if not lines:
        return None
    # Where all other lines are indented, the margin is theirs, unless the first one stands below the quotes.
    others = [line for line in lines[1:] if line]
    for below in (False, True):
        found = docstring_lines(lines, below=below)
        indented = others and all(line.startswith(" ") for line in others)
        if (below or not indented) and _reads_as(found, class_name, text, said):
            return found
    lines = list(_lines(_carried_text(text), said))
    return docstring_lines(lines, below=True) if lines else None


def _lines(text: str, params: Mapping[str, str]) -> Iterator[str]:
    if text:
        yield from text.split("\n")
    if text and params:
        yield ""
    for name, param in params.items():
        yield from _param_lines(name, param)


def _param_lines(name: str, param: str) -> Iterator[str]:
    first, *others = param.split("\n")
    start, *rest = wrap(first, first=4 + len(f":param {name}: "), rest=8)
    yield f":param {name}: {start}"
    yield from (f"    {line}" for line in rest)
    for paragraph in others:
        yield ""
        yield from (f"    {line}" for line in wrap(paragraph, first=8, rest=8))


def _reads_as(code: str, class_name: str, text: str, params: Mapping[str, str]) -> bool:
    """True if a class with the docstring `code` has these comments, in Pythons that dedent docstrings and those that don't."""
    given: str = ast.literal_eval(code.strip())
    read = parse_docstring(own_docstring(type(class_name, (), {"__doc__": given})))
    return read.text == text and dict(read.params) == dict(params) and given != _GENERATED


def _carried_text(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\t", "    ").splitlines())
    return _LOOKS_LIKE_PARAM.sub(" ", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


def _carried_param(text: str) -> str:
    lines = (line.strip() for line in text.replace("\t", " ").splitlines())
    return "\n".join(line for line in lines if line)


_COLUMN = re.compile(r"(?<!\{)\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class FieldConstraints:
    """The markers of each field, by its first column, and the constraints left for `__constraints__`."""

    on_fields: Mapping[str, Extras]
    listed: tuple[Code, ...]


def constraints_of(spec: TableSpec, fields: Sequence[Field], scope: Scope) -> FieldConstraints:
    """All that `spec` demands of the columns that `fields` become."""
    imports = scope.names.imports
    alone = [field.column.name for field in fields if field.foreign_key is None]
    unique = [group for group in spec.unique if set(group) != set(spec.key)]  # the key is unique already
    indexes = list(_leading(spec.indexes, alone, _indexed_column))
    checks = list(_leading(spec.checks, alone, _checked_column))
    extras = {
        field.column.name: Extras(
            primary_key=field.column.name in spec.key,
            unique=field.foreign_key is None and (field.column.name,) in unique,
            marks=(
                *(_index(index, scope, ()) for name, index in indexes if name == field.column.name),
                *(_check(check, scope) for name, check in checks if name == field.column.name),
            ),
        )
        for field in fields
    }
    folded = [field.foreign_key for field in fields]
    said = {(name,) for name, extra in extras.items() if extra.unique}
    listed: list[Code] = [
        *(call(imports.name(PUBLIC, "UniqueKey"), *map(quoted, group)) for group in unique if group not in said),
        *(foreign_key_code(key, Site(spec.name), scope) for key in spec.foreign_keys if key not in folded),
        *(_index(index, scope, index.parts) for index in spec.indexes[len(indexes) :]),
        *(_check(check, scope) for check in spec.checks[len(checks) :]),
    ]
    return FieldConstraints(extras, tuple(listed))


T = TypeVar("T")


def _leading(
    given: Sequence[T], columns: Sequence[str], column_of: Callable[[T], str | None]
) -> Iterator[tuple[str, T]]:
    """The first of `given`, as far as each is of one column, and they are in the order of the columns."""
    position = 0
    for each in given:
        name = column_of(each)
        if name is None or name not in columns[position:]:
            return
        position = columns.index(name)
        yield name, each


def _indexed_column(index: IndexSpec) -> str | None:
    return index.parts[0] if len(index.parts) == 1 else None


def _checked_column(check: CheckSpec) -> str | None:
    names = set(_COLUMN.findall(check.condition))
    return names.pop() if len(names) == 1 else None


def _index(index: IndexSpec, scope: Scope, parts: Sequence[str]) -> Code:
    said: list[Code] = [*map(quoted, parts), *(["unique=True"] if index.unique else [])]
    return call(scope.names.imports.name(PUBLIC, "Index"), *said, *_name(index.name))


def _check(check: CheckSpec, scope: Scope) -> Code:
    return call(scope.names.imports.name(PUBLIC, "Check"), quoted(check.condition), *_name(check.name))


def _name(name: str | None) -> Iterator[Code]:
    if name is not None:
        yield keyword("name", quoted(name))


_MODULE_DOCSTRING = '"""Tables, declared as dataclasses."""'

_NOT_MEMBERS = ("name", "value")
"""The attributes of an enum that no member can be called like."""


Notes = Mapping[tuple[str | None, str], Mapping[str, str]]
"""Namespace and name of a table -> its columns -> the comment that stands above the field of a column."""


def to_source(specs: Sequence[TableSpec], notes: Notes | None = None) -> str:
    """The text of a Python module that declares the tables of `specs`: formatted, and sound for type checkers.

    `notes` become comments above the fields. What a declaration can't say is a DeclarationError: a type that there is no word
    for, a reference to a table that isn't among `specs`.

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
        raise Site(twice.name).error(
            "two tables have this name", hint="give one of them a __table_name__ or a __namespace__"
        )
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
        of_table = (notes or {}).get(key, {})
        written[names.tables[key]] = "\n".join(_table(spec, fields[key], scope, of_table))
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
    site = Site(enum.name, label)
    if not is_usable(label) or label.startswith("_") or label in _NOT_MEMBERS:
        raise site.error(f"a member of an enum can't be called {label!r}", hint="rename it")
    fields, row = plain_fields(enum.lookup.columns), enum.lookup.rows[enum.labels.index(label)]
    arguments = (
        keyword(field.name, value_code(value, field.column, site, scope.names))
        for field, value in zip(fields, row, strict=True)
    )
    return call(scope.names.rows[enum], *arguments)


def _table(spec: TableSpec, fields: Sequence[Field], scope: Scope, notes: Mapping[str, str]) -> Iterator[str]:
    name, site = scope.names.tables[spec.namespace, spec.name], Site(spec.name)
    if spec.key != tuple(column.name for column in spec.columns if column.name in spec.key):
        raise site.error(
            f"the columns of the primary key are {', '.join(spec.key)}, which is another order than that of the table",
            hint="the key of a declaration has the order of its fields: change that of the key, or of the columns",
        )
    for column in spec.columns:
        for target in column.references:
            check_on_delete(target, [column], Site(spec.name, column.name))
    for key in spec.foreign_keys:
        check_on_delete(key.target, [spec.by_name[column] for column in key.columns], site)
    settings = _settings(__table_name__=None if name == spec.name else spec.name, __namespace__=spec.namespace)
    constraints = constraints_of(spec, fields, scope)
    return _dataclass(name, spec.name, fields, scope, settings, spec.comment, constraints, notes)


def _dataclass(
    name: str,
    owner: str,
    fields: Sequence[Field],
    scope: Scope,
    settings: Sequence[str] = (),
    comment: str | None = None,
    constraints: FieldConstraints | None = None,
    notes: Mapping[str, str] | None = None,
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
        [
            line
            for field in fields
            for line in (
                *_note((notes or {}).get(field.column.name)),
                _field(field, owner, scope, extras.get(field.column.name, Extras())),
            )
        ],
        [statement("__constraints__", call("", *listed))] if listed else [],
    )


def _note(text: str | None) -> list[str]:
    return [f"    # {line}" for line in wrap(text, first=6, rest=6)] if text else []


def _field(field: Field, owner: str, scope: Scope, extras: Extras) -> str:
    site, column = Site(owner, field.column.name), field.column
    value = _default(column, site, scope) if column.has_default else None
    if field.foreign_key is not None:
        key = field.foreign_key
        return statement(field.name, value, composite_annotation(key, site, scope, extras, nullable=column.nullable))
    if field.name != column.name:
        named = call(scope.names.imports.name(PUBLIC, "ColumnName"), quoted(column.name))
        extras = replace(extras, marks=(named, *extras.marks))
    return statement(field.name, value, annotation(column, site, scope, extras))


def _default(column: ColumnSpec, site: Site, scope: Scope) -> Code:
    value = value_code(column.default, column, site, scope.names)
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
