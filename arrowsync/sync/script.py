"""`create_sql`: the script that creates declared tables, with no connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arrowsync.catalog import Catalog
from arrowsync.dialects import language_for
from arrowsync.dialects.dialect import Language
from arrowsync.migrate.changes import CreateIndex, InsertRows
from arrowsync.migrate.diff import diff
from arrowsync.migrate.target import target_catalog
from arrowsync.options import GeneratorOptions
from arrowsync.sync.tables import declared_specs


def create_sql(tables: object, dialect: str, options: GeneratorOptions | None = None) -> str:
    """The SQL script that creates what `tables` (a dataclass, several, or a module) declare, for an empty database.

    `dialect` is `"ansi"`, `"postgresql"`, `"mysql"`, `"mariadb"` or `"duckdb"`. Tables that the declared ones refer to are
    created too, each before those that refer to it. A declaration that the database can't hold is a DeclarationError.

    >>> from dataclasses import dataclass
    >>> from arrowsync import PrimaryKey
    >>> @dataclass
    ... class User:
    ...     id: PrimaryKey[int]
    ...     name: str | None = None
    >>> print(create_sql(User, "postgresql"))
    CREATE TABLE "User" (
      "id" bigint NOT NULL,
      "name" text,
      PRIMARY KEY ("id")
    );
    <BLANKLINE>
    """
    options = options or GeneratorOptions()
    language = language_for(dialect)
    return script_of(form_catalog(tables, language, options), language)


def form_catalog(tables: object, language: Language, options: GeneratorOptions) -> Catalog:
    """The objects that have to exist for `tables` in a database that speaks `language`."""
    specs = declared_specs(tables, options)
    return target_catalog(
        specs,
        lambda column, table: language.column_of(column, table, language.server),
        language.forms(language.server),
        options,
    )


def script_of(catalog: Catalog, language: Language) -> str:
    """The script that makes an empty database into `catalog`: a blank line between objects, none inside of one."""
    quoting = language.quoting(language.server)
    groups: list[list[str]] = []
    for change in diff(Catalog(), catalog):
        statements = [statement.text(quoting) for statement in language.render(change)]
        if isinstance(change, CreateIndex | InsertRows):
            groups[-1] += statements  # of the table above
        else:
            groups.append(statements)
    prologue = language.prologue([statement for group in groups for statement in group])
    return "\n".join(_lines([list(prologue), *groups]))


def _lines(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    for group in groups:
        if group:
            yield from (f"{statement};" for statement in group)
            yield ""
