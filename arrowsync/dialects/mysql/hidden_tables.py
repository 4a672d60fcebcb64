"""Tables that are made out of sight.

A table that is created gets its rows under a name that nobody asks for, and then its own: a statement that creates a table
commits, and so nobody sees it half full. See `locks` for how long others are waited for.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.contract import Server
from arrowsync.sql import SQL, Literal, sql

HIDDEN = "arrowsync_draft_"
"""The beginning of the names of hidden tables, and of staging tables that other sessions see."""
IS_HIDDEN = sql("LEFT(table_name, {length}) = {prefix}", length=Literal(len(HIDDEN)), prefix=Literal(HIDDEN))


def hidden_table(table: Table) -> Table:
    """The table under a name that nobody asks for."""
    name = ObjectName(None, f"{HIDDEN}{secrets.token_hex(8)}")
    keys = tuple(replace(key, target=name) if key.target == table.name else key for key in table.foreign_keys)
    return replace(table, name=name, foreign_keys=keys)


def rename(made: ObjectName, name: ObjectName) -> SQL:
    """RENAME TABLE, which is atomic; foreign keys that refer to the table follow."""
    return sql("RENAME TABLE {hidden} TO {name}", hidden=made.identifier, name=name.identifier)


def drop_hidden(name: ObjectName) -> SQL:
    """DROP TABLE, for a hidden table that has not become another."""
    return sql("DROP TABLE IF EXISTS {hidden}", hidden=name.identifier)


def abandoned_query() -> SQL:
    """Query the names of hidden tables whose makers have gone: a maker that lives holds a lock of the table's name."""
    return sql(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND {hidden} AND IS_FREE_LOCK(table_name)",
        hidden=IS_HIDDEN,
    )


def identity_query(server: Server, name: ObjectName) -> SQL:
    """The number of a table, which no other gets and a new name doesn't change; it takes a privilege."""
    return sql(
        "SELECT table_id AS number FROM {tables} WHERE name LIKE CONCAT('%/', {name})",
        tables=_innodb_tables(server),
        name=Literal(name.name.replace("_", r"\_")),
    )


def name_query(server: Server, number: int) -> SQL:
    """The name of the table that has a number, behind that of its database."""
    return sql(
        "SELECT name FROM {tables} WHERE table_id = {number}", tables=_innodb_tables(server), number=Literal(number)
    )


def _innodb_tables(server: Server) -> SQL:
    if server.product == "mysql":
        return sql("information_schema.innodb_tables")
    return sql("information_schema.innodb_sys_tables")


def exists_query(name: ObjectName) -> SQL:
    """A row, if there is a table of the name."""
    return sql(
        "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {name}",
        name=Literal(name.name),
    )
