"""`Dialect` and `Session`: all that the rest of arrowsync knows of a database.

A dialect is a frozen record of parts, each a protocol that a small class of its folder satisfies; a session is one open
connection. Nothing is inherited: `docs/adding-a-dialect.md` says what a new database takes, and
`tests/contract/test_dialect.py` calls every member here on every dialect of the registry.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol, TypeAlias
from typing import Literal as OneOf

import pyarrow as pa

from arrowsync.catalog import Catalog, Column, ObjectName, SqlType, Table
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import DatabaseError
from arrowsync.generate.modes import Limits
from arrowsync.migration.changes import Change
from arrowsync.options import Dedup, Mode, OnConflict
from arrowsync.sql import SQL, Quoting


@dataclass(frozen=True, slots=True)
class Server:
    """A server's product, its version, the default namespace, and the `features` that differ by version.

    `instance` tells the database apart from all others, whatever URL it was reached by.
    """

    product: str
    version: tuple[int, ...]
    namespace: str
    features: frozenset[str] = frozenset()
    instance: Hashable = None


# -- Sessions


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """The table that batches go to, and those of its columns that the batches bring, in their order.

    With `replacing`, which only hidden tables ask for, a row takes the place of an earlier one with its key.
    """

    name: ObjectName
    columns: tuple[Column, ...]
    schema: pa.Schema
    replacing: bool = False


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The rows and bytes that were sent; the bytes as they went over the wire (into the engine, for an embedded one).

    `via` names the statement that took the rows, on a server that has several ways in.
    """

    rows: int
    bytes: int
    via: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The schema of a query's result, which a result without rows has too, and its batches."""

    schema: pa.Schema
    batches: AsyncIterator[pa.RecordBatch]


class Session(Protocol):
    """One open connection. Not for concurrent use; a method that fails raises a translated DatabaseError."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of the server at the other end."""
        ...

    @property
    def server(self) -> Server: ...

    async def execute(self, statement: SQL) -> int:
        """Run one statement, or several separated by semicolons; the number of rows that the last one affected."""
        ...

    async def fetch(self, query: SQL) -> pa.Table:
        """Fetch the whole result of a query."""
        ...

    def stream(self, query: SQL, columns: Sequence[Column] | None = None) -> AbstractAsyncContextManager[Result]:
        """Stream the result of a query, each value exact or as text; a DeclarationError if the statement has no result.

        Of a query on a table's `columns`, the batches have the Arrow types that `Language.to_spec` gives these columns.
        """
        ...

    def transaction(self) -> AbstractAsyncContextManager[bool]:
        """All or nothing: commits on leaving, rolls back on any exception; nested (or in a user's own) a savepoint.

        Yields True if leaving commits. An exception's `committed` then says how the commit ended: see `bridge.commit`.
        """
        ...

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        """Stream the batches into the table. `batches` is consumed in a worker thread; its exceptions pass unchanged."""
        ...

    async def opener(self) -> Opener:
        """Make a function that opens more sessions with the URL, role and settings that this one has now.

        The opener works although this session is lost meanwhile. Raises DeclarationError, which gives the reason, if there can
        be no other session like this one: the connection is the user's own, or in a transaction of theirs.
        """
        ...

    def pinned(self) -> AbstractAsyncContextManager[None]:
        """Give the session the settings that our statements rely on; at the end, those that it had before."""
        ...

    def distrust(self) -> None:
        """Note that SQL of the user's runs next: it may change settings, so the next `pinned` asks the server for them."""
        ...

    async def cancel(self) -> None:
        """Stop the statement that the server is running."""
        ...

    async def close(self) -> None:
        """Close the connection, if it was opened here; one that the user passed in stays open and as it was."""
        ...

    def abandon(self) -> None:
        """Let go of the connection with nothing sent, if it was opened here: in a forked child, or after its loop has closed."""
        ...


Opener: TypeAlias = Callable[[], Awaitable[Session]]
"""Opens one more session like the one that it was made by."""


# -- The parts of a dialect

StoredKernel: TypeAlias = Callable[["pa.Array[Any]"], "pa.Array[Any]"]
"""Values as a column stores them -> values of the declared type."""


class Language(Protocol):
    """The SQL of one kind of server. Pure: scripts need this part alone, and no connection."""

    @property
    def name(self) -> str: ...

    @property
    def server(self) -> Server:
        """The server that scripts are written for."""
        ...

    def quoting(self, server: Server) -> Quoting:
        """Choose how names and constants are written."""
        ...

    def limits(self, server: Server) -> Limits:
        """Give the names, sizes and modes of the server."""
        ...

    def to_column(self, spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
        """Make the column that is created for a declared one; a DeclarationError if no type of the server holds its values."""
        ...

    def to_spec(self, column: Column) -> ColumnSpec:
        """Make the declaration whose Arrow type holds all values of a live column."""
        ...

    def as_declared(self, column: Column, declared: pa.DataType) -> Column:
        """Complete a live column by the type that is declared for it or that data brings, where the column's says less."""
        ...

    def from_stored(self, stored: ColumnSpec, declared: ColumnSpec) -> StoredKernel | None:
        """Compile the way from stored to declared values, of a type that the server stores as another one (a duration)."""
        ...

    def is_widening(self, old: SqlType, new: SqlType) -> bool:
        """True if every value of the old type is one of the new, unchanged."""
        ...

    def unloadable(self, column: Column) -> str | None:
        """Say why no load can write values of a live column; None if a load can."""
        ...

    def render(self, change: Change) -> tuple[SQL, ...]:
        """Write a change as statements."""
        ...

    def prologue(self, statements: Sequence[str]) -> tuple[str, ...]:
        """Give the statements that begin a script, so that the others mean the same in any session."""
        ...


class CatalogReader(Protocol):
    """The contents of a live database."""

    async def discover(self, session: Session, names: Sequence[ObjectName]) -> Catalog:
        """Read the named tables, and the types that they need."""
        ...

    async def list_tables(self, session: Session, namespace: str | None) -> list[ObjectName]:
        """List the tables of a namespace (None: the connection's default one), without views and partitions."""
        ...


LockPurpose: TypeAlias = OneOf["alter", "merge"]


class Locks(Protocol):
    """Waiting for others: writers of a table, and creators of the same objects."""

    @property
    def every_load(self) -> bool:
        """True if all loads of a table take turns, and not only those that create or alter it."""
        ...

    async def lock(self, session: Session, table: ObjectName, purpose: LockPurpose) -> None:
        """Hold off other writers ("merge") or everybody ("alter") until the transaction ends. Waits only shortly."""
        ...

    def take_turns(
        self, session: Session, names: Sequence[ObjectName], lasting: bool
    ) -> AbstractAsyncContextManager[None]:
        """Wait for everybody who creates or alters one of the objects, and have others wait for this session.

        Entered at the beginning of a transaction, before it looks at anything, so that it finds the objects that an earlier
        session has made. Holds the names until the block ends, or the transaction, unless they are to be `lasting`.
        """
        ...

    def collides(self, error: DatabaseError) -> bool:
        """True if a statement failed because the object that it was to create exists by now."""
        ...

    def turn_key(self, session: Session, name: ObjectName) -> Hashable:
        """Tell the object apart from those of the same name in other databases; None if no other session can reach it."""
        ...


Outcome: TypeAlias = OneOf["inserted", "updated", "unchanged", "skipped", "suppressed", "deleted", "duplicates"]


@dataclass(frozen=True, slots=True)
class MergeJob:
    """The input of a merge, which brings the staged rows into the target.

    `columns` are those that the data brings, `key` the merge key (empty for an insert or replace of a table without one).
    Where the rows came over several connections, the staging table doesn't hold them in the order of arrival: they are not
    `in_order`, but may have a column `row_number` that gives it. With `fresh` the target was just made and has no rows.
    """

    target: Table
    staging: ObjectName
    columns: tuple[str, ...]
    key: tuple[str, ...]
    mode: Mode
    on_conflict: OnConflict
    dedup: Dedup
    in_order: bool = True
    row_number: str | None = None
    fresh: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that the data brings, without the key."""
        return tuple(name for name in self.columns if name not in self.key)


@dataclass(frozen=True, slots=True)
class MergeStep:
    """One statement of a merge; the rows that it affects are counted as `outcome`, if it has one."""

    statement: SQL
    outcome: Outcome | None = None


FindUnstorable: TypeAlias = Callable[[pa.RecordBatch], "tuple[str, list[int], str] | None"]
"""Find a column of a batch with values that it can't hold: its name, their rows, and the reason; None if there are none."""


class Merge(Protocol):
    """Staged rows into the target table."""

    def create_staging(self, target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
        """Name a staging table with these columns of the target, and write the statement that creates it."""
        ...

    def drop_staging(self, name: ObjectName) -> SQL:
        """Drop a staging table whose rows were merged."""
        ...

    def steps(self, job: MergeJob) -> tuple[MergeStep, ...]:
        """Write the statements of the merge."""
        ...

    def repeated_keys(self, job: MergeJob) -> SQL:
        """Query up to five keys that the staged rows repeat, and how often (column `copies`)."""
        ...

    def after_load(self, table: Table, columns: Sequence[str]) -> tuple[SQL, ...]:
        """Write the statements that a loaded table needs (advance its sequences)."""
        ...

    def row_number_column(self, target: Table) -> str | None:
        """Name the column of a staging table that grows as rows arrive; None if its tables have none.

        A server whose errors don't name the row has one: the row is found by it.
        """
        ...

    def value_check(self, server: Server, columns: Sequence[Column], schema: pa.Schema) -> FindUnstorable | None:
        """Compile the search for values that a live column can't hold although their Arrow type fits; None if all can be held."""
        ...


@dataclass(frozen=True, slots=True)
class Interference:
    """Triggers, rules and policies of a table, which may drop, keep or change rows, in words.

    With `forbids_copy` only statements may bring rows: a bulk load is refused, or goes past a rule.
    """

    by: tuple[str, ...] = ()
    forbids_copy: bool = False

    def __bool__(self) -> bool:
        return bool(self.by)

    def joined(self, more: tuple[str, ...]) -> Interference:
        """Add the triggers, rules and policies of another interference."""
        return Interference(self.by + more, self.forbids_copy)

    def __str__(self) -> str:
        shown = ", ".join(self.by[:3])
        return shown if len(self.by) <= 3 else f"{shown} and {len(self.by) - 3} more"


class RowAudit(Protocol):
    """Counts of rows by outcome on tables where the numbers that statements report don't tell them."""

    @property
    def drops_rows(self) -> bool:
        """True if a trigger, rule or policy may drop a row that is inserted, without an error."""
        ...

    async def interference(self, session: Session, table: Table) -> Interference:
        """Find the triggers, rules and policies of a live table."""
        ...

    def copy(self, job: MergeJob, query: SQL) -> tuple[ObjectName, SQL]:
        """Name a temporary table, and write the statement that creates it with the rows of the query."""
        ...

    def differs(self, job: MergeJob, left: LiteralString, right: LiteralString) -> SQL:
        """Write the condition that two aliases differ in a column that the data brings beside the key."""
        ...

    async def written(self, session: Session, table: Table) -> int | None:
        """Count the rows that the transaction has inserted into the table, less those deleted; None if the server can't."""
        ...


@dataclass(frozen=True, slots=True)
class BySavepoint:
    """Rows that only the server can reject are found by parting a merge that fails, each part tried in a savepoint.

    deferred       statements that check the constraints which wait for the end of the transaction, and defer them again
    clear_staging  empties a staging table; "create anew" if a new table is quicker
    """

    deferred: Callable[[Session, Table], Awaitable[tuple[SQL, ...]]]
    clear_staging: Callable[[ObjectName], SQL] | OneOf["create anew"]


@dataclass(frozen=True, slots=True)
class ViolationQuery:
    """A constraint that staged rows may violate, and a query for the numbers (`job.row_number`) of those that do."""

    reason: str
    column: str | None
    query: SQL


@dataclass(frozen=True, slots=True)
class ByQuery:
    """Rows that only the server can reject are found by queries on the staged rows: there are no savepoints."""

    violations: Callable[[MergeJob], tuple[ViolationQuery, ...]]


class SharedTables(Protocol):
    """Tables that several sessions load at once, on a server where DDL rolls back.

    The rows go into a hidden table, which other sessions can see: one that becomes the target, or a staging table. Its name
    is claimed by the session for as long as the load takes; a hidden table whose name nobody claims was left by a process
    that died. The types that the target needs, where they are new, are hidden too, and named after the table.
    """

    async def namespace_for(self, session: Session, namespace: str | None) -> str:
        """Name the namespace for hidden objects of a table in `namespace`; None is the default one."""
        ...

    async def claim(self, session: Session, name: ObjectName) -> None:
        """Hold the hidden name, so that nobody else can meanwhile."""
        ...

    async def release(self, session: Session, name: ObjectName) -> None:
        """Let go of the hidden name."""
        ...

    async def discard(self, session: Session, name: ObjectName) -> None:
        """Drop the hidden table of that name, if it exists, and its types."""
        ...

    async def sweep(self, session: Session, namespace: str) -> None:
        """Discard all hidden tables of a namespace that nobody claims; those that can't be dropped stay."""
        ...

    def create_staging(self, name: ObjectName, columns: Sequence[Column]) -> SQL:
        """Write the statement for a staging table that other sessions see, fast to write and not kept in a crash."""
        ...

    def move_type(self, hidden: ObjectName, real: ObjectName) -> tuple[SQL, ...]:
        """Write the statements that give a hidden type its real name."""
        ...

    async def move_table(self, session: Session, hidden: ObjectName, real: ObjectName) -> None:
        """Give the hidden table the name of the target, and its constraints and sequences theirs."""
        ...


class HiddenTables(Protocol):
    """Tables that are made and filled under another name, on a server where DDL commits; then a rename shows them."""

    def of(self, table: Table) -> Table:
        """Give the table a name that nobody asks for."""
        ...

    async def claim(self, session: Session, hidden: ObjectName) -> None:
        """Mark the hidden name as being worked on, and drop hidden tables whose makers have died."""
        ...

    async def identity(self, session: Session, hidden: ObjectName) -> int | None:
        """Ask for the number that a table keeps whatever its name is; None if this user may not see it."""
        ...

    async def publish(self, session: Session, hidden: ObjectName, target: ObjectName) -> None:
        """Give the hidden table the target's name: the commit of the load."""
        ...

    async def published(self, session: Session, hidden: ObjectName, identity: int | None) -> bool | None:
        """True if the hidden table with that identity has its real name, however its session ended; None if that is unknown."""
        ...

    def create_staging(self, target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
        """Name a staging table that other sessions see, as hidden tables are named, and write its statement."""
        ...

    def is_repeated_key(self, error: DatabaseError) -> bool:
        """True if the error of a session may come from a key that another session has loaded into the same hidden table."""
        ...

    async def alter(self, session: Session, table: ObjectName, statement: SQL) -> None:
        """Run a statement that alters a table; waits for others at the table only shortly."""
        ...

    async def clean_up(self, session: Session, target: ObjectName, temporary: Sequence[ObjectName]) -> None:
        """Drop the tables that were made for a load, and give back its locks, after its transaction has ended."""
        ...


@dataclass(frozen=True, slots=True)
class TransactionalDdl:
    """A rollback takes back what was created. `shared` has the tables that several connections load at once.

    `keys_wait` says that a table can get its primary key when its rows are in it.
    """

    shared: SharedTables | OneConnection
    keys_wait: bool = True


@dataclass(frozen=True, slots=True)
class OneConnection:
    """The database is loaded over one connection only."""


@dataclass(frozen=True, slots=True)
class CommittingDdl:
    """DDL commits: a new table is `hidden` until its rows are in it."""

    hidden: HiddenTables


@dataclass(frozen=True, slots=True)
class Misfits:
    """The search for texts that aren't values of a type: `query` gives row, value and reason between `create` and `drop`."""

    create: SQL
    query: SQL
    drop: SQL


class TextColumns(Protocol):
    """Values of types that Arrow lacks arrive as text in a staging table, and the server makes values of them there."""

    def arriving(self, column: Column, brought: pa.DataType, rejecting: bool) -> Column:
        """Give the column of the staging table for values of an Arrow type; `rejecting` says that bad rows are set aside."""
        ...

    def settle(self, staging: ObjectName, columns: Sequence[Column]) -> SQL:
        """Write the statement that gives columns of a staging table their own types."""
        ...

    def changed(self, staging: ObjectName, columns: Sequence[Column]) -> SQL | None:
        """Query a row if `settle` would cut or round a value; None if it can't."""
        ...

    def misfits(self, staging: ObjectName, column: Column, order: str | None) -> Misfits:
        """Write how the rows are found for which `settle` fails, in the order of a column, or of their arrival."""
        ...


@dataclass(frozen=True, slots=True)
class SentAsValues:
    """A load sends every value that it can write in the form of its column's type."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database, as a record of its parts."""

    language: Language
    catalog: CatalogReader
    merge: Merge
    locks: Locks
    audit: RowAudit
    new_tables: TransactionalDdl | CommittingDdl
    row_errors: BySavepoint | ByQuery
    text_values: TextColumns | SentAsValues
