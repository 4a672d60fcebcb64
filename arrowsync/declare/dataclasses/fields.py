"""The fields of a dataclass become columns, and its docstring their comments."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from arrowsync.declare.dataclasses.annotations import FieldType, Reading, own_dataclass, owner_of
from arrowsync.declare.dataclasses.defaults import plain_default
from arrowsync.declare.site import Site
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec

# `:param name: text`, and Sphinx's `:param type name: text`.
_PARAM = re.compile(r":param\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:(.*)", re.DOTALL)
_FIELD = re.compile(r":\w[^:]*:")


@dataclass(frozen=True, slots=True)
class DocText:
    """A docstring taken apart: the text about the class, and (`params`) the texts about its fields by name."""

    text: str
    params: Mapping[str, str]


def parse_docstring(docstring: str) -> DocText:
    """The text of a docstring without its `:param name:` fields, and these.

    A field goes on over the following lines, up to a blank line or to the next field; paragraphs after a blank line belong
    to it as long as they are indented. Its wrapped lines are joined with a blank, its paragraphs with a newline.
    """
    text: list[str] = []
    params: dict[str, list[list[str]]] = {}
    current: list[list[str]] | None = None
    blank = False
    for line in inspect.cleandoc(docstring).splitlines():
        found = _PARAM.match(line)
        if found:
            current = params.setdefault(found[1], [[]])
            current[:] = [[found[2]]]
        elif not line.strip():
            text.append("")
        elif current is None or _FIELD.match(line) or (blank and not line[0].isspace()):
            current = None
            text.append(line)
        else:
            if blank:
                current.append([])
            current[-1].append(line)
        blank = not line.strip()
    joined = {
        name: "\n".join(" ".join(map(str.strip, lines)).strip() for lines in paragraphs)
        for name, paragraphs in params.items()
    }
    return DocText(re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(), joined)


def own_docstring(table: type) -> str:
    """The docstring that the author of a dataclass wrote; empty where there is none.

    `@dataclass` gives a class without one its signature as docstring: `User(id: int, name: str = '')`.
    """
    docstring = table.__doc__ or ""
    generated = re.escape(table.__name__) + r"(\((\*, )?(\w+: .*)?\))?"
    return "" if re.fullmatch(generated, docstring, re.DOTALL) else docstring


Declared = tuple[dataclasses.Field[Any], FieldType, tuple[ColumnSpec, ...]]
"""A field, what its annotation says, and the columns that it becomes: one, or those of a key of several columns."""


def declared_columns(cls: type, reading: Reading, inside: str | None = None) -> Iterator[Declared]:
    """Each field of a dataclass with its columns.

    `inside` says, in words, what the columns are where they aren't those of a table: such can't be keys, for example.
    """
    comments = _column_comments(cls)
    hints = reading.hints_of(cls)
    for field in dataclasses.fields(cast(Any, cls)):
        site = Site(cls.__name__, field.name)
        field_type = reading.at(site, owner_of(cls, field.name)).type_of(hints[field.name])
        if inside is not None:
            check_inside(field_type, inside, site)
            check_unenforced(field_type.column, inside, site)
        yield field, field_type, tuple(_columns(field, field_type, comments.get(field.name, ""), site))


def check_inside(field_type: FieldType, what: str, site: Site) -> None:
    """Refuse, inside of `what`, the markers that only a column of a table can have."""
    column = field_type.column
    wrong = {
        "the primary key": field_type.primary_key,
        "unique": field_type.unique,
        "an Identity": column.identity,
        "renamed": column.renamed_from is not None,
        "indexed": field_type.indexes,
        "checked": field_type.checks,
    }
    for words, found in wrong.items():
        if found:
            raise site.error(
                f"{what} can't be {words}", hint="remove that annotation, or move it to the field of the table"
            )
    if field_type.parts:
        target = field_type.classes[0].__name__
        raise site.error(
            f"{what} can't refer to {target}, whose key has several columns",
            hint=f"give {target} a key of one column, or declare a table of its own with a field of type {target}",
        )


def check_unenforced(column: ColumnSpec, what: str, site: Site) -> None:
    """Refuse an `on_delete` where no foreign key can be, as in a struct."""
    if any(reference.on_delete for reference in column.references):
        raise site.error(f"{what} has no foreign key, so that on_delete means nothing", hint="remove on_delete")
    if column.element is not None:
        check_unenforced(column.element, what, site)


def _columns(field: dataclasses.Field[Any], field_type: FieldType, comment: str, site: Site) -> Iterator[ColumnSpec]:
    has_default = field.default is not dataclasses.MISSING
    default = plain_default(field.default, field_type, site) if has_default else NO_DEFAULT
    factory = None if field.default_factory is dataclasses.MISSING else field.default_factory
    for column in field_type.parts or (field_type.column,):
        name = site.checked_name(column.name, "name of a column")
        attribute = None if field_type.parts or name == field.name else field.name
        yield replace(
            column,
            name=name,
            default=default,
            comment=site.checked_comment(comment),
            default_factory=factory,
            attribute=attribute,
        )


def _column_comments(table: type) -> Mapping[str, str]:
    """Return the comments of the fields by name, from the docstrings of a class and its bases; the nearest class wins."""
    comments: dict[str, str] = {}
    for owner in reversed(table.__mro__):
        if own_dataclass(owner):
            comments.update(parse_docstring(own_docstring(owner)).params)
    return comments


def table_name(table: type) -> str:
    """The name of the table that a dataclass declares."""
    return Site(table.__name__).checked_name(vars(table).get("__table_name__", table.__name__), "name of a table")


def name_of_type(cls: type) -> str:
    """The name of the type that an enum or a struct is in the database: that of the class, or its `__type_name__`."""
    return Site(cls.__name__).checked_name(vars(cls).get("__type_name__", cls.__name__), "name of a type")


def namespace_of(table: type) -> str | None:
    """The namespace that a dataclass, or a base of it, says that its table lives in."""
    namespace = getattr(table, "__namespace__", None)
    return None if namespace is None else Site(table.__name__).checked_name(namespace, "namespace")


def table_comment(table: type) -> str | None:
    """The text of the docstring of a dataclass."""
    return Site(table.__name__).checked_comment(parse_docstring(own_docstring(table)).text)
