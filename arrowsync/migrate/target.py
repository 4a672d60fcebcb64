"""TableSpecs -> the Catalog that they ask for, in the SQL space of one dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from arrowsync.catalog import Catalog, Column, EnumType, ObjectName, Table
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import DeclarationError

ColumnOf = Callable[[ColumnSpec, TableSpec], Column]


def target_table(spec: TableSpec, column_of: ColumnOf) -> Table:
    """The table that `spec` asks for; `column_of` is the dialect's mapping of one column."""
    return Table(
        name=ObjectName(spec.namespace, spec.name),
        columns=tuple(column_of(column, spec) for column in spec.columns),
        key=spec.key,
        unique=spec.unique,
        comment=spec.comment,
    )


def target_catalog(specs: Iterable[TableSpec], column_of: ColumnOf) -> Catalog:
    """Everything that has to exist for `specs`: namespaces, named enum types and tables."""
    tables = tuple(target_table(spec, column_of) for spec in specs)
    enums: dict[ObjectName, EnumType] = {}
    for table in tables:
        for column in table.columns:
            if column.type.labels and column.type.name != "enum":
                enum = EnumType(ObjectName(column.type.namespace, column.type.name), column.type.labels)
                if enums.setdefault(enum.name, enum) != enum:
                    raise DeclarationError(
                        f"two enums are called {enum.name}, with different labels",
                        table=table.name.name,
                        field=column.name,
                        hint="rename one of the classes",
                    )
    namespaces = sorted({table.name.namespace for table in tables if table.name.namespace})
    return Catalog(tables, tuple(enums.values()), tuple(namespaces))
