"""`discover_namespace`: the tables of a live database as a catalog."""

from __future__ import annotations

from dataclasses import replace

from arrowsync.catalog import Catalog, ObjectName
from arrowsync.dialects.contract import Session
from arrowsync.errors import MigrationError


async def discover_namespace(session: Session, namespace: str | None) -> Catalog:
    """All tables of a namespace, in the order of their names, and the types there and those that the tables need.

    Where the server has no namespaces, they are the tables whose names begin with it, and are called as they are there.
    """
    dialect = session.dialect
    names = await dialect.catalog.list_tables(session, namespace)
    # No table has an empty name, but a namespace without tables may have types all the same.
    found = await dialect.catalog.discover(session, names or [ObjectName(namespace, "")])
    there = found.namespaces if dialect.language.limits(session.server).namespaces else found.tables and (namespace,)
    if namespace is not None and namespace not in there:
        raise MigrationError(f"there is no namespace {namespace!r}", hint="is it spelled as the database has it?")
    return replace(found, dialect=dialect.language.name)
