"""Answers that several dialects give to the questions of the contract, and errors that all of them raise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import LiteralString

import pyarrow as pa

from arrowsync.catalog import Column, ObjectName, SqlType, Table
from arrowsync.declare.spec import ColumnSpec
from arrowsync.dialects.contract import FindUnstorable, Interference, MergeJob, Server, Session, StoredKernel
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, sql


def no_result() -> DeclarationError:
    """The error for a statement without columns, where a result was asked for."""
    return DeclarationError("the statement has no result to stream", hint="use execute")


def not_shared(reason: str) -> DeclarationError:
    """The error of `Session.opener`."""
    return DeclarationError(reason, hint="leave parallel out")


async def batches_of(table: pa.Table) -> AsyncGenerator[pa.RecordBatch]:
    """Give the batches of a result that was fetched as a whole."""
    for batch in table.to_batches():
        yield batch


def drop_table(name: ObjectName) -> SQL:
    """DROP TABLE."""
    return sql("DROP TABLE {name}", name=name.identifier)


def nothing_after_load(table: Table, columns: Sequence[str]) -> tuple[SQL, ...]:
    """Give no statement: a loaded table needs none."""
    return ()


async def none_deferred(session: Session, table: Table) -> tuple[SQL, ...]:
    """Give no statement: constraints are checked by each statement."""
    return ()


def as_it_is(column: Column, declared: pa.DataType) -> Column:
    """Give the live column unchanged: its own type says all that reading needs."""
    return column


def stored_as_declared(stored: ColumnSpec, declared: ColumnSpec) -> StoredKernel | None:
    """None: columns hold the declared values themselves."""
    return None


def same_type(old: SqlType, new: SqlType) -> bool:
    """True for the same type: there are no live tables whose types might be wider."""
    return old == new


def all_loadable(column: Column) -> str | None:
    """None: values of every type can be written."""
    return None


def all_storable(server: Server, columns: Sequence[Column], schema: pa.Schema) -> FindUnstorable | None:
    """None: a column holds all values of its Arrow type."""
    return None


def no_row_number_column(target: Table) -> str | None:
    """None: staging tables have no such column."""
    return None


def no_prologue(statements: Sequence[str]) -> tuple[str, ...]:
    """Give no statement: scripts mean the same in any session."""
    return ()


class NoInterference:
    """The audit of a database whose tables have no triggers, rules or policies."""

    drops_rows = False

    async def interference(self, session: Session, table: Table) -> Interference:
        return Interference()

    def copy(self, job: MergeJob, query: SQL) -> tuple[ObjectName, SQL]:
        raise AssertionError("no merge is audited")

    def differs(self, job: MergeJob, left: LiteralString, right: LiteralString) -> SQL:
        raise AssertionError("no merge is audited")

    async def written(self, session: Session, table: Table) -> int | None:
        return None
