"""Hints of SQLite: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n    {}\ncreate_sql(T, 'sqlite')"
MEMORY = "with connect('sqlite://') as c:\n    "
OWN = "import sqlite3\nc = sqlite3.connect(':memory:'{})\nc.execute('CREATE TABLE d (v DATE)')\n"
OWN += "c.execute('INSERT INTO d VALUES (1)')\nc.commit()\nread_table({}, {})\nc.close()"
QUERY = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 20001) SELECT {} AS v FROM n"
FILES = "with connect(f'sqlite:///{FOLDER}/a.db') as a, connect(f'sqlite:///{FOLDER}/a.db?timeout=0') as b:\n    "
ADD = "\n    arrowsync.migrate(make_dataclass('U', [('id', PrimaryKey[int]){}]), c)"


def own(options: str, given: str = "c") -> str:
    return OWN.replace("{}", options, 1).replace("{}", "'d'", 1).replace("{}", given, 1)


EXAMPLES: tuple[tuple[str, str, str], ...] = (
    (
        "CAST the column to one type in a query, and stream that",
        MEMORY + f'list(c.stream("{QUERY}"))'.replace("{}", "CASE WHEN a < 20000 THEN a ELSE 'x' END"),
        MEMORY + f'list(c.stream("{QUERY}"))'.replace("{}", "CAST(CASE WHEN a < 20000 THEN a ELSE 'x' END AS TEXT)"),
    ),
    (
        "SQLite rolls back by itself after some errors: let the error leave the transaction",
        MEMORY + "with c.transaction():\n        c.execute('ROLLBACK')",
        MEMORY + "with c.transaction():\n        c.execute('SELECT 1')",
    ),
    (
        "let the error leave the transaction, and begin another",
        MEMORY + "with c.transaction():\n        c.execute('ROLLBACK'); c.execute('SELECT 1')",
        MEMORY + "with c.transaction():\n        c.execute('SELECT 1')",
    ),
    (
        "another connection is writing to the SQLite file, or reading what is to be changed: try again when it is done",
        FILES + "with a.transaction():\n        arrowsync.sync_table(ROWS, People, b)",
        FILES + "with a.transaction():\n        pass\n    arrowsync.sync_table(ROWS, People, b)",
    ),
    (
        "drop the index, trigger, view or constraint that needs it first",
        MEMORY + "c.execute('CREATE TABLE t (a int, v text); CREATE INDEX i ON t (v); ALTER TABLE t DROP COLUMN v')",
        MEMORY + "c.execute('CREATE TABLE t (a int, v text); ALTER TABLE t DROP COLUMN v')",
    ),
    (
        "leave the bounds out, or declare int or float",
        TABLE.replace("{}", "v: Annotated[Decimal, Precision(8, 2), annotated_types.Ge(0)]"),
        TABLE.replace("{}", "v: Annotated[Decimal, Precision(8, 2)]; w: Annotated[float, annotated_types.Ge(0)]"),
    ),
    (
        "make it the primary key, or declare int",
        TABLE.replace("{}", "n: Identity[int]"),
        TABLE.replace("{}", "n: int").replace("id: PrimaryKey[int]", "id: PrimaryKey[Identity[int]]"),
    ),
    (
        "open it with sqlite3.connect(path, check_same_thread=False), or pass the URL",
        own(""),
        own(", check_same_thread=False"),
    ),
    (
        "open the connection without detect_types, or pass the URL",
        "import sqlite3\nsqlite3.register_converter('DATE', lambda b: complex(b.decode()))\n"
        + own(", check_same_thread=False, detect_types=sqlite3.PARSE_DECLTYPES"),
        own(", check_same_thread=False"),
    ),
    (
        "pass what sqlite3.connect() gives",
        own(", check_same_thread=False", "c.cursor()"),
        own(", check_same_thread=False"),
    ),
    (
        "split the table",
        "create_sql(make_dataclass('W', [('id', PrimaryKey[int]), *((f'c{n}', int) for n in range(2000))]), 'sqlite')",
        "create_sql(make_dataclass('W', [('id', PrimaryKey[int]), *((f'c{n}', int) for n in range(20))]), 'sqlite')",
    ),
    (
        "use a Python whose sqlite3.sqlite_version is {} or newer",
        "patched.setattr('sqlite3.sqlite_version', '3.36.0'); connect('sqlite://')",
        "connect('sqlite://').close()",
    ),
    (
        (
            "write sqlite:///file.db for a file here, sqlite:////folder/file.db for an absolute path, or sqlite:// for a "
            "database in memory"
        ),
        "connect('sqlite:file.db')",
        "connect(f'sqlite:///{FOLDER}/file.db').close()",
    ),
)
