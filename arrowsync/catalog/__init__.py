"""What a database contains, as frozen values: `Catalog`, `Table`, `Column`, `SqlType`. Pure; knows no dialect."""

from arrowsync.catalog.objects import (
    Catalog,
    Column,
    DefaultExpression,
    DefaultValue,
    EnumType,
    ObjectName,
    Table,
)
from arrowsync.catalog.types import SqlType

__all__ = [
    "Catalog",
    "Column",
    "DefaultExpression",
    "DefaultValue",
    "EnumType",
    "ObjectName",
    "SqlType",
    "Table",
]
