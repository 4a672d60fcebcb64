"""`Dialect`, `Language`, `Session` and `Server`: all that the rest of arrowsync knows of a database.

A dialect is a frozen record of functions, its language those of them that need no connection, a session is one connection. A
new database is one folder that fills in a `Dialect` (or a `Language`, for scripts alone), and one line in
`dialects/__init__.py`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, LiteralString, Protocol

import pyarrow as pa

from arrowsync.catalog import Catalog, Column, ObjectName, SqlType, Table
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ArrowSyncError, ConstraintViolated, ConversionError, DatabaseError, DeclarationError
from arrowsync.generate.modes import Limits
from arrowsync.migration.changes import Change
from arrowsync.options import Dedup, Mode, OnConflict
from arrowsync.sql import SQL, Quoting, sql


def no_result() -> DeclarationError:
    """What a statement that gives no columns is refused with, where a result was asked for."""
    return DeclarationError("the statement has no result to stream", hint="use execute")


async def batches_of(table: pa.Table) -> AsyncGenerator[pa.RecordBatch]:
    """The batches of a result that is there already."""
    for batch in table.to_batches():
        yield batch


@dataclass(frozen=True, slots=True)
class Server:
    """What is connected: the product, its version, the default namespace, and the `features` that differ by version."""

    product: str
    version: tuple[int, ...]
    namespace: str
    features: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """Where batches go: a table (or a staging table) and those of its columns that the batches bring, in their order.

    With `replacing`, which only drafts ask for, a row takes the place of one with its key that came before.
    """

    name: ObjectName
    columns: tuple[Column, ...]
    schema: pa.Schema
    replacing: bool = False


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What was sent: rows, and bytes as they went over the wire (into the engine, for an embedded one).

    `via` names the way that was taken, where a server has several.
    """

    rows: int
    bytes: int
    via: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gives: the schema, which a result without rows has too, and batches of it."""

    schema: pa.Schema
    batches: AsyncIterator[pa.RecordBatch]


class Session(Protocol):
    """One open connection. Not for concurrent use; every method that fails raises a translated DatabaseError."""

    @property
    def server(self) -> Server: ...

    async def execute(self, statement: SQL) -> int:
        """Run one statement, or several separated by semicolons; the number of rows that the last one affected."""
        ...

    async def fetch(self, query: SQL) -> pa.Table:
        """The whole result of a query."""
        ...

    def stream(
        self, query: SQL, columns: Sequence[Column]
    ) -> AbstractAsyncContextManager[AsyncIterator[pa.RecordBatch]]:
        """The result of a query on a table's `columns`, as batches of the Arrow types that `spec_of` gives them."""
        ...

    def results(self, query: SQL) -> AbstractAsyncContextManager[Result]:
        """The result of any query as it comes, each value exact or as text; a DeclarationError where there is none."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[bool]:
        """All or nothing: commits on leaving, rolls back on any exception; nested (or in a user's own) a savepoint.

        Yields whether leaving commits. What is raised then says in `committed` what came of it: see `bridge.commit`.
        """
        ...

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        """Stream the batches into the table. `batches` is consumed in a worker thread; what it raises is raised as it is."""
        ...

    def pinned(self) -> AbstractAsyncContextManager[None]:
        """The session's settings are those that our statements rely on; at the end they are what they were before."""
        ...

    def distrust(self) -> None:
        """SQL of the user's runs next: it may change settings, so the next `pinned` asks the server for them."""
        ...

    async def cancel(self) -> None:
        """Stop what is running on the server."""
        ...

    async def close(self) -> None:
        """Close the connection, if it was opened here; one that the user passed in stays open and as it was."""
        ...

    def abandon(self) -> None:
        """Let go of the connection with nothing sent, if it was opened here: in a forked child, or where its loop is closed."""
        ...


LockPurpose = Literal["alter", "merge"]
Outcome = Literal["inserted", "updated", "unchanged", "skipped", "suppressed", "deleted", "duplicates"]


@dataclass(frozen=True, slots=True)
class MergeJob:
    """What the merge has to do: bring the staged rows into the target.

    `columns` are those that the data brings, `key` the merge key (empty for an insert or replace of a table without one).
    Where the rows came over several connections, the staging table doesn't hold them in the order of arrival: they are not
    `ordered`, but may have a column `ordinal` that tells it.
    `fresh` says that the target was just made and has no rows.
    """

    target: Table
    staging: ObjectName
    columns: tuple[str, ...]
    key: tuple[str, ...]
    mode: Mode
    on_conflict: OnConflict
    dedup: Dedup
    ordered: bool = True
    ordinal: str | None = None
    fresh: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that the data brings, without the key."""
        return tuple(name for name in self.columns if name not in self.key)


@dataclass(frozen=True, slots=True)
class MergeStep:
    """One statement of a merge; the rows that it affects are counted as `outcome`, where it has one."""

    statement: SQL
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class ViolationQuery:
    """A constraint that staged rows may violate, and a query for the numbers (`job.ordinal`) of those that do."""

    reason: str
    column: str | None
    query: SQL


FindUnstorable = Callable[[pa.RecordBatch], "tuple[str, list[int], str] | None"]
"""A column of a batch with values that it can't hold, the rows of these, and the reason; None where there are none."""

Restored = Callable[["pa.Array[Any]"], "pa.Array[Any]"]


Opener = Callable[[], Awaitable[Session]]
"""Opens one more session like another one."""


@dataclass(frozen=True, slots=True)
class HiddenTables:
    """How a table is created where DDL commits: it is made and filled under another name, and then given its own.

    of        the table under a name that nobody asks for
    claim     marks that name as being worked on, and drops drafts whose makers have died
    born      what a draft can be known by whatever its name is; None where this user may not see it
    publish   give a draft the name
    published whether the draft that was born so has got another name, whatever its makers do; None where nobody can tell
    refusal   why rows can't be loaded over this session and others; None where they can
    opener    what opens more sessions like this one
    staging   a staging table that other sessions see: a name as of a draft, and the statement, for these columns of a table
    repeated  whether an error of a session may come from a key that another one has loaded into the same draft
    """

    of: Callable[[Table], Table]
    claim: Callable[[Session, ObjectName], Awaitable[None]]
    born: Callable[[Session, ObjectName], Awaitable[int | None]]
    publish: Callable[[Session, ObjectName, ObjectName], Awaitable[None]]
    published: Callable[[Session, ObjectName, int | None], Awaitable[bool | None]]
    refusal: Callable[[Session], str | None]
    opener: Callable[[Session], Awaitable[Opener]]
    staging: Callable[[Table, Sequence[str]], tuple[ObjectName, SQL]]
    repeated: Callable[[DatabaseError], bool]


@dataclass(frozen=True, slots=True)
class Turns:
    """How those who create or alter the same objects wait for each other, so that the later ones find what the first has made.

    take      entered in a transaction, before it has looked at anything: waits for whoever has taken one of the names, and
              keeps them until the block ends, or the transaction, unless it is to last for several
    loads     whether all loads of a table have to wait for each other, and not only those that create or alter it
    collides  whether the error of a statement says that what it was to create is there by now
    """

    take: Callable[[Session, Sequence[ObjectName], bool], AbstractAsyncContextManager[None]]
    collides: Callable[[DatabaseError], bool]
    loads: bool = False


@dataclass(frozen=True, slots=True)
class Interference:
    """What a table has that may drop, keep or change rows: triggers, rules, policies, in words. Empty where it has none.

    `forbids_copy` says that only statements may bring rows: a bulk load is refused, or goes past a rule.
    """

    by: tuple[str, ...] = ()
    forbids_copy: bool = False

    def __bool__(self) -> bool:
        return bool(self.by)

    def joined(self, more: tuple[str, ...]) -> Interference:
        """The same, and more."""
        return Interference(self.by + more, self.forbids_copy)

    def __str__(self) -> str:
        shown = ", ".join(self.by[:3])
        return shown if len(self.by) <= 3 else f"{shown} and {len(self.by) - 3} more"


@dataclass(frozen=True, slots=True)
class AuditForms:
    """How it is counted what became of the rows, where the numbers that statements report don't say it.

    interference  what the table has that may drop, keep or change rows
    drops_rows    whether that may drop a row that is inserted, without an error
    copy          (job, query) -> the name of a temporary table, and the statement that creates it with the rows of the query
    differs       (job, left, right) -> the condition that two aliases differ in a column that the data brings beside the key
    written       how many rows the transaction has inserted into the table, less those that it has deleted; None if unknown
    """

    interference: Callable[[Session, Table], Awaitable[Interference]]
    drops_rows: bool
    copy: Callable[[MergeJob, SQL], tuple[ObjectName, SQL]]
    differs: Callable[[MergeJob, LiteralString, LiteralString], SQL]
    written: Callable[[Session, Table], Awaitable[int | None]]


def drop_table(name: ObjectName) -> SQL:
    """DROP TABLE."""
    return sql("DROP TABLE {name}", name=name.identifier)


def refuses_by_constraint(error: ArrowSyncError) -> bool:
    """Whether it is a constraint, or a type, that a value broke."""
    return isinstance(error, (ConstraintViolated, ConversionError))


async def none_deferred(session: Session, table: Table) -> tuple[SQL, ...]:
    """Nothing: constraints are checked by each statement."""
    return ()


def restore_nothing(found: ColumnSpec, declared: ColumnSpec) -> Restored | None:
    """The column holds what was declared."""
    return None


def no_prologue(statements: Sequence[str]) -> tuple[str, ...]:
    """Nothing: the statements mean the same in any session."""
    return ()


def all_loadable(column: Column) -> str | None:
    """None: values of every type can be written."""
    return None


def as_it_is(column: Column, declared: pa.DataType) -> Column:
    """The same column: its own type says all that reading has to know."""
    return column


@dataclass(frozen=True, slots=True)
class Language:
    """The SQL of one kind of server, as a record of functions: all that a script needs, and no connection.

    server      what scripts are written for
    quoting     how its names and constants are written
    column_of   a declared column -> the column that is created for it; refuses what it has no home for
    spec_of     a live column -> the declared column whose Arrow type holds all its values
    forms       the modes, names and limits of the server
    render      one change -> its statements
    prologue    statements that have to come first, so that a script means the same in any session
    """

    name: str
    server: Server
    quoting: Callable[[Server], Quoting]
    column_of: Callable[[ColumnSpec, TableSpec, Server], Column]
    spec_of: Callable[[Column], ColumnSpec]
    limits: Callable[[Server], Limits]
    render: Callable[[Change], tuple[SQL, ...]]
    prologue: Callable[[Sequence[str]], tuple[str, ...]] = no_prologue


@dataclass(frozen=True, slots=True)
class SharedTables:
    """What it takes to load over several connections, as a record of functions.

    The rows go into a hidden table, which other sessions can see: one that becomes the target, or a staging table. Its name
    is claimed by the session for as long as the load takes; what has such a name that nobody claims was left by a process
    that died. The types that the target needs, where they are new, are hidden too, and named after the table.

    refusal         why it can't be done with this session; None where it can
    opener          what opens more sessions like this one, with the settings that it has now
    place           the namespace where hidden objects of a table of `namespace` are to be; None is the default one
    claim, release  hold the hidden name, which nobody else can do meanwhile; let go of it
    discard         drop the hidden table of that name, if it is there, and its types
    sweep           discard all hidden tables of a namespace that nobody claims; what can't be dropped stays
    create_staging  a table for incoming rows that other sessions see, with these columns, fast to write and not kept in a crash
    move_type       give a hidden type its real name
    move_table      give the hidden table the name of the target, and all that is named after it such a name too
    """

    refusal: Callable[[Session], str | None]
    opener: Callable[[Session], Awaitable[Opener]]
    place: Callable[[Session, str | None], Awaitable[str]]
    claim: Callable[[Session, ObjectName], Awaitable[None]]
    release: Callable[[Session, ObjectName], Awaitable[None]]
    discard: Callable[[Session, ObjectName], Awaitable[None]]
    sweep: Callable[[Session, str], Awaitable[None]]
    create_staging: Callable[[ObjectName, Sequence[Column]], SQL]
    move_type: Callable[[ObjectName, ObjectName], tuple[SQL, ...]]
    move_table: Callable[[Session, ObjectName, ObjectName], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Misfits:
    """How texts are found that aren't values of a type: `query` gives row, value and reason between `create` and `drop`."""

    create: SQL
    query: SQL
    drop: SQL


@dataclass(frozen=True, slots=True)
class TextColumns:
    """How values of types that Arrow lacks arrive as text in a staging table, and become values there.

    arriving  a live column, the Arrow type of its values, and whether bad rows are rejected -> the column of the staging table
    settle    the statement that gives columns of a staging table their own types
    changed   a query that has a row if that would cut or round a value; None where it can't
    misfits   how the rows are found for which it fails; in the order of a column, or of their arrival
    """

    arriving: Callable[[Column, pa.DataType, bool], Column]
    settle: Callable[[ObjectName, Sequence[Column]], SQL]
    changed: Callable[[ObjectName, Sequence[Column]], SQL | None]
    misfits: Callable[[ObjectName, Column, str | None], Misfits]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database, as a record of functions.

    language        its SQL
    widens          whether every value of the first type is one of the second, unchanged
    discover        the named objects of the live database
    tables          the names of all tables of a namespace (None: the connection's default one), without views and partitions
    create_staging  a table for incoming rows, with the columns of the target that are named
    merge_steps     staged rows -> the target
    duplicates      a query for up to five keys that the staged rows repeat, and how often (column `copies`)
    lock            hold off other writers ("merge") or everybody ("alter") until the transaction ends; waits only shortly
    after_load      statements that a loaded table needs (advance its sequences)
    parallel        what loading over several connections takes; None where one is all that there can be
    as_declared     a live column, and its type as it is declared, or as data has it -> the column with what that says more
    drop_staging    the statement that drops a staging table when it was merged
    texts           how values of types that Arrow lacks are loaded, where a load takes none but binary values
    unloadable      why no load can write values of a live column, whose type takes no text; None where one can
    restore         (found, declared) -> what makes read values the declared ones, where a column holds something else
    flavour         the dialect of a server, where one driver speaks to several kinds
    turns           how those wait for each other who create the same objects

    Rows that only the server can refuse are found by parting what fails, each part in a savepoint:

    clear_staging   empties a staging table, where that is quicker than a new one
    refuses_row     whether the error of a statement says that the table doesn't take a row
    deferred        statements that check what is deferred to the end of the transaction, and defer it again
    refusals        where there are no savepoints: queries for the staged rows that the table would refuse
    audit           how rows are counted, where the table has triggers, rules or policies; None where it can't have any
    unstorable      where a column holds less than its Arrow type: (server, columns, schema) -> what finds such values
    arrival         where errors don't say which row is refused: the column of a staging table that grows as rows arrive

    And where DDL commits, so that a rollback can't take it back:

    drafts          how tables are created
    alter           runs a statement that alters a table; waits for it only shortly
    tidy            drops what was made for a load of a table, and gives back its locks, when the transaction has ended
    """

    language: Language
    open: Callable[[str], Awaitable[Session]]
    adopt: Callable[[object], Awaitable[Session]]
    widens: Callable[[SqlType, SqlType], bool]
    discover: Callable[[Session, Sequence[ObjectName]], Awaitable[Catalog]]
    tables: Callable[[Session, str | None], Awaitable[list[ObjectName]]]
    create_staging: Callable[[Table, Sequence[str]], tuple[ObjectName, SQL]]
    merge_steps: Callable[[MergeJob], tuple[MergeStep, ...]]
    duplicates: Callable[[MergeJob], SQL]
    lock: Callable[[Session, ObjectName, LockPurpose], Awaitable[None]]
    after_load: Callable[[Table, Sequence[str]], tuple[SQL, ...]]
    as_declared: Callable[[Column, pa.DataType], Column] = as_it_is
    parallel: SharedTables | None = None
    drop_staging: Callable[[ObjectName], SQL] = drop_table
    texts: TextColumns | None = None
    unloadable: Callable[[Column], str | None] = all_loadable
    restore: Callable[[ColumnSpec, ColumnSpec], Restored | None] = restore_nothing
    flavour: Callable[[Server], Dialect] | None = None
    turns: Turns | None = None
    clear_staging: Callable[[ObjectName], SQL] | None = None
    refuses_row: Callable[[ArrowSyncError], bool] = refuses_by_constraint
    deferred: Callable[[Session, Table], Awaitable[tuple[SQL, ...]]] = none_deferred
    refusals: Callable[[MergeJob], tuple[ViolationQuery, ...]] | None = None
    audit: AuditForms | None = None
    unstorable: Callable[[Server, Sequence[Column], pa.Schema], FindUnstorable] | None = None
    arrival: Callable[[Table], str] | None = None
    hidden_tables: HiddenTables | None = None
    alter: Callable[[Session, ObjectName, SQL], Awaitable[None]] | None = None
    tidy: Callable[[Session, ObjectName, Sequence[ObjectName]], Awaitable[None]] | None = None

    def at(self, server: Server) -> Dialect:
        """The dialect of this very server."""
        return self if self.flavour is None else self.flavour(server)
