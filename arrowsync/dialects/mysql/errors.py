r"""The errors of MySQL and MariaDB as arrowsync's: `translate`, by their numbers.

Drivers are not imported: an error of the server is recognised by its arguments, a number and a message, as aiomysql, PyMySQL
and our own `ServerError` have them. To treat a number specially, add it to one of the dictionaries
(https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from arrowsync.dialects.row_errors import ROW_OF_STATEMENT
from arrowsync.errors import ArrowSyncError, ConnectionLost, ConstraintViolated, ConversionError, DatabaseError

CONSTRAINTS: Mapping[int, str] = {
    1048: "not null",  # Column 'x' cannot be null
    1062: "unique",  # Duplicate entry '1' for key 't.PRIMARY'
    1169: "unique",
    1216: "foreign key",
    1217: "foreign key",
    1263: "not null",  # Column set to default value; NULL supplied to NOT NULL column 'x' at row 1
    1364: "not null",  # Field 'x' doesn't have a default value
    1451: "foreign key",  # a row is referred to
    1452: "foreign key",  # a row refers to nothing
    1557: "foreign key",
    1586: "unique",
    1761: "foreign key",
    1762: "foreign key",
    3819: "check",  # Check constraint 'c' is violated.
    4025: "check",  # CONSTRAINT `c` failed for `db`.`t`
}
CONVERSIONS = frozenset(
    {
        1261,  # Row 1 doesn't contain data for all columns
        1262,  # Row 1 was truncated; it contained more data than there were input columns
        1264,  # Out of range value for column 'x' at row 1
        1265,  # Data truncated for column 'x' at row 1
        1292,  # Incorrect datetime value: 'x' for column 'x' at row 1
        1300,  # Invalid utf8mb4 character string
        1366,  # Incorrect integer value: 'x' for column 'x' at row 1
        1367,
        1406,  # Data too long for column 'x' at row 1
        1411,
        3140,  # Invalid JSON text: "..." at position 0 in value for column 't.x'.
        3156,
    }
)
LOST = frozenset(
    {
        1053,  # the server is shutting down
        1079,
        1080,
        *(1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161),  # the connection itself
        1184,
        1927,  # MariaDB: killed
        *(2002, 2003, 2006, 2013, 2055),  # the driver's own
        3168,
        3169,  # killed
        4031,  # idle for too long
    }
)
REFUSALS = frozenset(
    {
        1365,  # Division by 0, in a generated column
        1526,  # Table has no partition for value x
        1644,  # SIGNAL, in a trigger that gives no number of its own
        1690,  # BIGINT value is out of range in 'x', in a generated column
        1748,  # Found a row not matching the given partition set
    }
)
"""Other numbers of errors that are the fault of a row."""
REFUSING_STATES = ("22", "23", "45")
"""The first characters of SQLSTATEs for a value, a constraint, and a trigger's SIGNAL, whatever the number."""
TRANSIENT = frozenset(
    {
        1020,  # MariaDB: the row has changed since the transaction read it
        1040,  # too many connections
        1047,  # a node of Galera that isn't ready
        1203,
        1205,  # lock wait timeout
        1213,  # deadlock
        1412,  # the table's definition has changed
        1614,
        3572,  # NOWAIT
    }
)
_KEYLESS = "the server is set to take no table without a key: declare one, with PrimaryKey[...]"
_UNKNOWN_WAY = "aiomysql can't authenticate this way: give the user caching_sha2_password or mysql_native_password"
HINTS: Mapping[int, str] = {
    1020: "another transaction has changed the row meanwhile: try again",
    1021: "the server's disk is full: make room there, and repeat it",
    1040: "the server has as many connections as max_connections allows: try again, or close some",
    1044: "the user has no privileges on this database: GRANT them, or connect as another user",
    1045: "check the user and password in the URL; special characters in a password have to be percent-encoded",
    1049: "create the database, or correct its name at the end of the URL",
    1062: "a key can be there once: upsert brings rows to keys that exist",
    1114: "the disk, or the tablespace, is full (or max_heap_table_size, of a MEMORY table): make room there, and repeat it",
    1129: "the server has blocked this host after errors: FLUSH HOSTS there",
    1130: "the server lets no user in from this host: CREATE USER 'name'@'host' there",
    1142: "ask for the privilege, with GRANT, or connect as another user",
    1143: "ask for the privilege, with GRANT, or connect as another user",
    1153: "a statement or value is larger than max_allowed_packet: raise it on the server",
    1173: _KEYLESS,
    1205: "another transaction holds the rows or the table: try again, or find it in SHOW PROCESSLIST",
    1213: "the server has rolled the whole transaction back to end a deadlock: try again",
    1227: "ask for the privilege, with GRANT, or connect as another user",
    1251: _UNKNOWN_WAY,
    1290: "this server is read-only: connect to the primary",
    1317: "the statement was cancelled",
    1452: "bring the referenced rows first",
    1698: "the server lets this user in without a password only, over the Unix socket of its own machine",
    1792: "the transaction, or the session (transaction_read_only), is read-only: SET SESSION TRANSACTION READ WRITE",
    1836: "this server is read-only: connect to the primary",
    1969: "it took longer than the session's max_statement_time",
    2059: _UNKNOWN_WAY,
    3024: "it took longer than the session's max_execution_time",
    3118: "unlock the account: ALTER USER ... ACCOUNT UNLOCK",
    3159: "the server takes encrypted connections only: add ssl-mode=require to the URL",
    3750: _KEYLESS,
    3819: "the rows have to meet the condition",
    4025: "the rows have to meet the condition",
    4151: "unlock the account: ALTER USER ... ACCOUNT UNLOCK",
}
_STAGING = re.compile(r"CREATE TEMPORARY TABLE\b", re.I)
_STAGING_HINT = "rows are staged in a temporary table: GRANT CREATE TEMPORARY TABLES on this database to the user"
_UNSKIPPED = re.compile(r"\bWHERE NOT @arrowsync_skips\b")
_UNSKIPPED_HINT = (
    "rows are skipped by keys of whole columns that the data brings; by another index only where it is sure that no trigger "
    "on updates would run (it takes the TRIGGER privilege to see them): leave such rows out; or try again, if it came just now"
)
_LOST_HINT = "what was not committed has been rolled back; connect again and repeat it"

_KEY = re.compile(r" for key '(?:(?P<table>[^'.]*)\.)?(?P<constraint>.*)'$", re.DOTALL)
_FOREIGN_KEY = re.compile(
    r"\(`(?:[^`]|``)*`\.`(?P<table>(?:[^`]|``)*)`, CONSTRAINT `(?P<constraint>(?:[^`]|``)*)` "
    r"FOREIGN KEY \(`(?P<column>(?:[^`]|``)*)`\)"
)
_CHECK = re.compile(
    r"^Check constraint '(?P<name>.*)' is violated"
    r"|^CONSTRAINT `(?P<constraint>(?:[^`]|``)*)` failed for `(?:[^`]|``)*`\.`(?P<table>(?:[^`]|``)*)`"
)
_NOT_NULL = re.compile(r"(?:^Column |^Field |NOT NULL column )'(?P<column>[^']*)'")
_COLUMN = re.compile(
    r"column (?:'(?:[^']*\.)?(?P<quoted>[^'.]*)'|(?:`[^`]*`\.)*`(?P<ticked>(?:[^`]|``)*)`)(?= at row |\.?$)"
)
_CONSTANTS = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"", re.DOTALL)
_NAMES_OR_CONSTANTS = re.compile(rf"(`(?:[^`]|``)*`)|{_CONSTANTS.pattern}", re.DOTALL)
_NEAR = re.compile(r" near '(.*)' at line (\d+)$", re.DOTALL)


def translate(
    error: BaseException,
    statement: str | None = None,
    *,
    where: str = "the server",
    table: str | None = None,
) -> ArrowSyncError | None:
    """The error that the user gets in place of a driver's; None for what isn't the database's doing.

    `statement` is the SQL text, whose constants are left out; `where` says which server, for errors of the connection;
    `table` is what is being loaded.
    """
    text = None if statement is None else masked(statement)
    match error.args:
        case (int() as code, str() as message, *rest) if not isinstance(error, OSError):
            state = rest[0] if rest and isinstance(rest[0], str) else ""
            return error_of(code, message, text, state=state, where=where, table=table)
        case _:
            pass
    if isinstance(error, (OSError, EOFError, TimeoutError)):
        return _lost(str(error) or type(error).__name__, text, None, where)
    return None


def masked(statement: str) -> str:
    """The statement without the text of its constants, which may be anybody's secrets."""
    return _NAMES_OR_CONSTANTS.sub(lambda found: found[1] or "'...'", statement)


def error_of(
    code: int,
    message: str,
    statement: str | None,
    *,
    state: str = "",
    where: str = "the server",
    table: str | None = None,
) -> ArrowSyncError:
    """The error of a number, message and SQLSTATE, also of a warning that must not be one."""
    if code in LOST:
        return _lost(message, statement, code, where)
    message = _NEAR.sub(lambda found: f" near {masked(found[1])!r} at line {found[2]}", message)
    if code in CONSTRAINTS:
        return _constraint(code, message, statement, table)
    named = _COLUMN.search(message)
    if code in CONVERSIONS and named is not None:
        column = named["quoted"] if named["quoted"] is not None else named["ticked"].replace("``", "`")
        return ConversionError(
            f"the server refused a value: {message}",
            column=column,
            reason=ROW_OF_STATEMENT.sub("", message),
            hint="declare a type that holds it, or mend the value",
        )
    hint = _STAGING_HINT if code == 1044 and _STAGING.match(statement or "") else HINTS.get(code)
    return DatabaseError(
        message,
        statement=statement,
        code=str(code),
        transient=code in TRANSIENT,
        row_refused=state.startswith(REFUSING_STATES) or code in CONVERSIONS | REFUSALS,
        hint=hint,
    )


def _constraint(code: int, message: str, statement: str | None, table: str | None) -> ConstraintViolated:
    kind = CONSTRAINTS[code]
    pattern = {"unique": _KEY, "foreign key": _FOREIGN_KEY, "check": _CHECK, "not null": _NOT_NULL}[kind]
    found = pattern.search(message)
    named = {} if found is None else {name: _plain(value) for name, value in found.groupdict().items()}
    return ConstraintViolated(
        message,
        kind=kind,
        table=named.get("table") or table,
        constraint=named.get("constraint") or named.get("name"),
        column=named.get("column"),
        statement=statement,
        code=str(code),
        hint=_UNSKIPPED_HINT if kind == "unique" and _UNSKIPPED.search(statement or "") else HINTS.get(code),
    )


def _plain(name: str | None) -> str | None:
    return None if name is None else name.replace("``", "`")


def _lost(reason: str, statement: str | None, code: int | None, where: str) -> ConnectionLost:
    return ConnectionLost(
        f"the connection to {where} was lost: {reason}",
        statement=statement,
        code=None if code is None else str(code),
        transient=True,
        hint=HINTS.get(code or 0, _LOST_HINT),
    )
