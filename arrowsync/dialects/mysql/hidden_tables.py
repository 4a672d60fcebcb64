"""Tables that are made out of sight.

A table that is created gets its rows under a name that nobody asks for, a draft, and then its own: what creates tables
commits, and so nobody sees it half full. See `waiting` for how long others are waited for.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.contract import Server
from arrowsync.sql import SQL, Literal, sql

DRAFT = "arrowsync_draft_"


def draft(table: Table) -> Table:
    """The table under a name that nobody asks for."""
    name = ObjectName(None, f"{DRAFT}{secrets.token_hex(8)}")
    keys = tuple(replace(key, target=name) if key.target == table.name else key for key in table.foreign_keys)
    return replace(table, name=name, foreign_keys=keys)


def rename(made: ObjectName, name: ObjectName) -> SQL:
    """What gives a draft its name, all at once; keys that refer to it follow."""
    return sql("RENAME TABLE {draft} TO {name}", draft=made.identifier, name=name.identifier)


def drop_draft(name: ObjectName) -> SQL:
    """What drops a draft, if it is still one."""
    return sql("DROP TABLE IF EXISTS {draft}", draft=name.identifier)


def drafts_query() -> SQL:
    """The names of the drafts whose makers have gone: each holds a lock of the draft's name while it lives."""
    return sql(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND LEFT(table_name, {length}) = {prefix} AND IS_FREE_LOCK(table_name)",
        length=Literal(len(DRAFT)),
        prefix=Literal(DRAFT),
    )


def number_query(server: Server, name: ObjectName) -> SQL:
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
