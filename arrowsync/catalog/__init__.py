"""The objects of a database as frozen values: `Catalog`, `Table`, `Column`, `SqlType`. Pure; knows no dialect."""

from arrowsync.catalog.objects import (
    Catalog,
    Check,
    Column,
    DefaultExpression,
    DefaultValue,
    EnumType,
    ForeignKey,
    Index,
    Namespace,
    ObjectName,
    OnDelete,
    SqlType,
    StructMember,
    StructType,
    Table,
    UniqueKey,
)

__all__ = [
    "Catalog",
    "Check",
    "Column",
    "DefaultExpression",
    "DefaultValue",
    "EnumType",
    "ForeignKey",
    "Index",
    "Namespace",
    "ObjectName",
    "OnDelete",
    "SqlType",
    "StructMember",
    "StructType",
    "Table",
    "UniqueKey",
]
