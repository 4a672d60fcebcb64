"""Loading over several connections: hidden tables, and the advisory locks that say whose they are.

A hidden table is called `_arrowsync_` and 16 hexadecimal digits, which are the number of an advisory lock: the session that
loads it holds that lock, and loses it with its connection, however the process ends. Its types have its name, and a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from arrowsync.catalog import Column, ObjectName
from arrowsync.dialects.contract import Session
from arrowsync.dialects.postgres.discover import default_namespace
from arrowsync.dialects.postgres.types import type_sql
from arrowsync.errors import DatabaseError
from arrowsync.sql import SQL, Identifier, Literal, join, sql

DROPPING = sql("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
"""A backend that is being terminated may hold the table for a moment."""
_DIGITS = "[0-9a-f]{16}"
_NAME_BYTES = 63


async def namespace_for(session: Session, namespace: str | None) -> str:
    """The namespace itself, or the one in which tables are created that don't name any."""
    if namespace is not None:
        return namespace
    return await default_namespace(session)


async def claim(session: Session, name: ObjectName) -> None:
    """Take the advisory lock of the name, until it is released or the connection ends."""
    await session.execute(sql("SELECT pg_advisory_lock({key})", key=_key(name)))


async def release(session: Session, name: ObjectName) -> None:
    """Let go of the advisory lock, if it is held."""
    await unlock(session, _key(name))


async def unlock(session: Session, key: Literal) -> None:
    """Let go of the advisory lock of that number, if it is held."""
    held = await session.fetch(
        sql(
            """SELECT count(*) AS n FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = {key}""",
            key=key,
        )
    )
    if held.column("n")[0].as_py():
        await session.execute(sql("SELECT pg_advisory_unlock({key})", key=key))


async def discard(session: Session, name: ObjectName) -> None:
    """Drop the table, and the types that are called after it."""
    async with session.transaction():
        await session.execute(DROPPING)
        await session.execute(sql("DROP TABLE IF EXISTS {table}", table=name.identifier))
        found = await session.fetch(
            sql(
                """SELECT t.typname::text AS name FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE n.nspname = {namespace} AND t.typname ~ {pattern}""",
                namespace=Literal(name.namespace),
                pattern=Literal(f"^{name.name}_[0-9]+$"),
            )
        )
        types = [Identifier(name.namespace, row["name"]) for row in found.to_pylist()]
        if types:
            await session.execute(sql("DROP TYPE IF EXISTS {types}", types=join(", ", types)))


async def sweep(session: Session, namespace: str) -> None:
    """Discard the hidden tables of a killed process: ours by their name, and nobody's by their lock."""
    found = await session.fetch(
        sql(
            """SELECT c.relname::text AS name FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = {namespace} AND c.relname ~ {table} AND c.relkind = 'r' AND pg_has_role(c.relowner, 'USAGE')
UNION SELECT substr(t.typname::text, 1, {length}) FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE n.nspname = {namespace} AND t.typname ~ {type} AND pg_has_role(t.typowner, 'USAGE')""",
            namespace=Literal(namespace),
            table=Literal(f"^_arrowsync_{_DIGITS}$"),
            type=Literal(f"^_arrowsync_{_DIGITS}_[0-9]+$"),
            length=Literal(len("_arrowsync_") + 16),
        )
    )
    for row in found.to_pylist():
        name = ObjectName(namespace, row["name"])
        taken = await session.fetch(sql("SELECT pg_try_advisory_lock({key}) AS taken", key=_key(name)))
        if taken.column("taken")[0].as_py():
            try:
                with suppress(DatabaseError):
                    await discard(session, name)
            finally:
                await release(session, name)


def create_staging(name: ObjectName, columns: Sequence[Column]) -> SQL:
    """A table without constraints and defaults, which isn't logged; autovacuum would only get in the way."""
    lines = [sql("{c} {t}", c=Identifier(column.name), t=type_sql(column.type)) for column in columns]
    return sql(
        "CREATE UNLOGGED TABLE {staging} ({lines}) WITH (autovacuum_enabled = false)",
        staging=name.identifier,
        lines=join(", ", lines),
    )


def move_type(hidden: ObjectName, real: ObjectName) -> tuple[SQL, ...]:
    """The statements that give a type its real name."""
    return _move(sql("TYPE"), hidden, real)


async def move_table(session: Session, hidden: ObjectName, real: ObjectName) -> None:
    """Give the table its real name, and its sequences and constraints those that they would have got with it."""
    for statement in _move(sql("TABLE"), hidden, real):
        await session.execute(statement)
    table = ObjectName(real.namespace or hidden.namespace, real.name)
    found = await session.fetch(
        sql(
            """SELECT 'sequence' AS kind, s.relname::text AS name, a.attname::text AS column
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND d.refobjid = {table}::regclass AND d.deptype IN ('a', 'i')
UNION ALL SELECT 'constraint', c.conname::text, a.attname::text
FROM pg_catalog.pg_constraint AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.conrelid = {table}::regclass AND c.contype = 'n'""",
            table=Literal(_quoted(table)),
        )
    )
    for row in found.to_pylist():
        await _rename(session, table, row["kind"], row["name"], row["column"])


async def _rename(session: Session, table: ObjectName, kind: str, name: str, column: str) -> None:
    """Call it as the server would have; where that is too long or taken, it keeps the name that it has."""
    new = f"{table.name}_{column}_seq" if kind == "sequence" else f"{table.name}_{column}_not_null"
    if len(new.encode()) > _NAME_BYTES:
        return
    if kind == "constraint":
        await session.execute(
            sql(
                "ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}",
                table=table.identifier,
                old=Identifier(name),
                new=Identifier(new),
            )
        )
        return
    taken = await session.fetch(
        sql("SELECT to_regclass({name}) IS NOT NULL AS taken", name=Literal(_quoted(ObjectName(table.namespace, new))))
    )
    if not taken.column("taken")[0].as_py():
        old = Identifier(table.namespace, name)
        await session.execute(sql("ALTER SEQUENCE {old} RENAME TO {new}", old=old, new=Identifier(new)))


def _move(kind: SQL, hidden: ObjectName, real: ObjectName) -> tuple[SQL, ...]:
    namespace = real.namespace or hidden.namespace
    rename = sql(
        "ALTER {kind} {old} RENAME TO {new}",
        kind=kind,
        old=Identifier(namespace, hidden.name),
        new=Identifier(real.name),
    )
    if namespace == hidden.namespace:
        return (rename,)
    move = sql(
        "ALTER {kind} {old} SET SCHEMA {namespace}",
        kind=kind,
        old=hidden.identifier,
        namespace=Identifier(namespace),
    )
    return (move, rename)


def _key(name: ObjectName) -> Literal:
    """The number of the advisory lock, a signed bigint."""
    return Literal(int.from_bytes(bytes.fromhex(name.name[-16:]), "big", signed=True))


def _quoted(name: ObjectName) -> str:
    """The name as functions take it that want a text: in quotes."""
    return ".".join(
        f'"{part.replace(chr(34), chr(34) * 2)}"' for part in (name.namespace, name.name) if part is not None
    )
