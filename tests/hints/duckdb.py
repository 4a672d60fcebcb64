"""Hints of DuckDB: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n"
BEGUN = "D = duckdb.connect()\narrowsync.sync_table(ROWS, People, D)\n"
"""`D` is a connection of the user's own, to a database with the table `People`."""
AGAIN = "arrowsync.sync_table(ROWS, People, D)"
HALF = (
    BEGUN + "def batches():\n    yield FRAME.to_batches()[0]\n    yield FRAME.select([0]).to_batches()[0]\n"
    "def half():\n    return pa.RecordBatchReader.from_batches(FRAME.schema, batches())\n"
)
CREATED = (
    "D = duckdb.connect(FOLDER / 'd')\nE = D.cursor()\nD.begin()\nD.execute('SELECT * FROM duckdb_tables()').fetchall()\n"
    "arrowsync.sync_table(ROWS, People, E)\n"
)
TWO = BEGUN + "E = D.cursor()\nE.begin()\nE.execute(\"UPDATE People SET name = 'e'\")\n"
OTHER_PROCESS = (
    "import subprocess, sys\n"
    "held = 'import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()'\n"
    "other = subprocess.Popen([sys.executable, '-c', held, FOLDER / 'd'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
    "other.stdout.readline()\n"
)
END = "other.communicate(b'\\n')\n"
LETTERS = "class Letter(Enum):\n    A = 'a'\n    B = 'b'\n"

DATABASE: tuple[tuple[str, str, str], ...] = (
    (
        "commit first: DuckDB makes no key, index or NOT NULL on a table that the open transaction has updated",
        "load(ROWS)\nwith CONN.transaction():\n    load([(1, 'b')])\n    CONN.execute('CREATE INDEX i ON People (name)')",
        "load(ROWS)\nwith CONN.transaction():\n    load([(1, 'b')])\nCONN.execute('CREATE INDEX i ON People (name)')",
    ),
    (
        (
            "DuckDB doesn't alter a table that an index is on or a foreign key refers to, except to add a column that may be "
            "NULL: drop the index or the foreign key first"
        ),
        (
            "load(ROWS)\nCONN.execute('CREATE INDEX i ON People (name)')\n"
            + TABLE
            + "    __table_name__ = 'People'\n    name: str | None\nmigrate(T, CONN)"
        ),
        (
            "load(ROWS)\nCONN.execute('CREATE INDEX i ON People (name)')\nCONN.execute('DROP INDEX i')\n"
            + TABLE
            + "    __table_name__ = 'People'\n    name: str | None\nmigrate(T, CONN)"
        ),
    ),
    (
        (
            "DuckDB has no savepoints: the transaction that was open has been aborted, and nothing of it can be committed. "
            "ROLLBACK it."
        ),
        HALF + "D.begin()\narrowsync.sync_table(half(), People, D)",
        HALF
        + "D.begin()\ntry:\n    arrowsync.sync_table(half(), People, D)\nexcept SourceError:\n    D.rollback()\n"
        + AGAIN,
    ),
    (
        "roll your transaction back and repeat it: what was created is there by then",
        (
            CREATED + "try:\n    " + AGAIN + "\nexcept DatabaseError as error:\n"
            "    error.hint = error.hint.partition('; DuckDB has no savepoints')[0]\n    raise"
        ),
        CREATED + "D.rollback()\n" + AGAIN,
    ),
    (
        "{}; {}",
        "load(ROWS)\nwith CONN.transaction():\n    load(ROWS, mode='insert')",
        (
            BEGUN + "D.begin()\ntry:\n    arrowsync.sync_table(ROWS, People, D, mode='insert')\n"
            "except ConstraintViolated:\n    D.rollback()\n"
            "arrowsync.sync_table(ROWS, People, D)"
        ),
    ),
    (
        "let the error of that statement leave the transaction, or don't run it inside",
        (
            "load(ROWS)\nwith CONN.transaction():\n    try:\n        load(ROWS, mode='insert')\n"
            "    except ConstraintViolated:\n        pass"
        ),
        "load(ROWS)\nwith CONN.transaction():\n    load(ROWS, mode='insert', on_conflict='skip')",
    ),
    (
        "ROLLBACK it: DuckDB has no savepoints, so all that was done in it is undone",
        (
            BEGUN
            + "D.begin()\ntry:\n    D.execute(\"SELECT error('x')\").fetchall()\nexcept duckdb.Error:\n    pass\n"
            + "arrowsync.sync_table(ROWS, People, D)"
        ),
        (
            BEGUN
            + "D.begin()\ntry:\n    D.execute(\"SELECT error('x')\").fetchall()\nexcept duckdb.Error:\n    D.rollback()\n"
            + "arrowsync.sync_table(ROWS, People, D)"
        ),
    ),
    (
        "DuckDB ignores the case of names: declare the column as the table has it",
        "load(ROWS, Relaxed)\n" + TABLE + "    __table_name__ = 'Relaxed'\n    NAME: str | None\nload([(2, 'b')], T)",
        "load(ROWS, Relaxed)\n" + TABLE + "    __table_name__ = 'Relaxed'\n    name: str | None\nload([(2, 'b')], T)",
    ),
    (
        "RESET {}, which holds for the whole database; set it again afterwards",
        "CONN.execute(\"SET default_order = 'DESC'\"); load(ROWS)",
        "CONN.execute(\"SET default_order = 'DESC'\"); CONN.execute('RESET default_order'); load(ROWS)",
    ),
    (
        "mend the value; in a query TRY_CAST gives NULL in its place",
        "CONN.fetch(\"SELECT 'x'::INT\")",
        "CONN.fetch(\"SELECT TRY_CAST('x' AS INT)\")",
    ),
    (
        "every row needs a value there",
        "load(ROWS); CONN.execute('INSERT INTO People (id) VALUES (2)')",
        "load(ROWS); CONN.execute(\"INSERT INTO People (id, name) VALUES (2, 'b')\")",
    ),
    (
        "another connection of this process changed the same rows or table meanwhile: try again",
        TWO + "arrowsync.sync_table([(1, 'd')], People, D)",
        TWO + "E.commit()\narrowsync.sync_table([(1, 'd')], People, D)",
    ),
    (
        "one process at a time can open a DuckDB file: close it there (a notebook, a DBeaver, a CLI), then try again",
        OTHER_PROCESS + "try:\n    connect(f'duckdb:///{FOLDER}/d')\nfinally:\n    " + END,
        "connect(f'duckdb:///{FOLDER}/d').close()",
    ),
    (
        (
            "bring the referenced rows first. DuckDB also refuses to change an indexed column of a row that is referenced, and "
            "to delete it in the transaction that deletes the last reference"
        ),
        TABLE + "    team: Team\nload([(1, 'a')], Team)\nload([(1, 2)], T)",
        TABLE + "    team: Team\nload([(1, 'a'), (2, 'b')], Team)\nload([(1, 2)], T)",
    ),
    (
        "check the path and its permissions",
        "connect(f'duckdb:///{FOLDER}')",
        "connect(f'duckdb:///{FOLDER}/d').close()",
    ),
    (
        "this process has the file open with other settings: use the same options in the URL, or pass that connection",
        "with connect(f'duckdb:///{FOLDER}/d'):\n    connect(f'duckdb:///{FOLDER}/d?threads=1')",
        (
            "with connect(f'duckdb:///{FOLDER}/d?threads=1') as one:\n"
            "    connect(f'duckdb:///{FOLDER}/d?threads=1').close()\n    arrowsync.sync_table(ROWS, People, one)"
        ),
    ),
    (
        "open a new connection",
        BEGUN + "D.close(); arrowsync.sync_table(ROWS, People, D)",
        "arrowsync.sync_table(ROWS, People, duckdb.connect())",
    ),
    (
        "raise memory_limit, or set temp_directory so that DuckDB can use the disk",
        (
            "CONN.execute(\"SET temp_directory = ''\")\nCONN.execute(\"SET memory_limit = '1MB'\")\n"
            "CONN.execute('CREATE TABLE t AS SELECT range AS id FROM range(500000)')"
        ),
        (
            "CONN.execute(\"SET temp_directory = ''\")\nCONN.execute(\"SET memory_limit = '1GB'\")\n"
            "CONN.execute('CREATE TABLE t AS SELECT range AS id FROM range(500000)')"
        ),
    ),
    (
        (
            "read the open result of this connection to its end or close it, or pass connection.cursor(): a relation of a "
            "connection can't be read while the same connection writes"
        ),
        BEGUN + "arrowsync.sync_table(D.sql(\"SELECT 2 AS id, 'b' AS name\"), People, D)",
        BEGUN + "arrowsync.sync_table(D.sql(\"SELECT 2 AS id, 'b' AS name\"), People, D.cursor())",
    ),
    (
        "make a new table with CREATE TABLE and INSERT ... SELECT, drop the old one and rename the new one",
        (
            "load(ROWS)\n@dataclass\nclass T:\n    __table_name__ = 'People'\n    id: int\n    name: PrimaryKey[str]\n"
            "migrate(T, CONN, schema_changes='all')"
        ),
        (
            "load(ROWS)\n@dataclass\nclass T:\n    __table_name__ = 'People'\n    id: int\n    name: PrimaryKey[str]\n"
            "CONN.execute('CREATE TABLE n (id BIGINT NOT NULL, name VARCHAR PRIMARY KEY)')\n"
            "CONN.execute('INSERT INTO n SELECT * FROM People')\nCONN.execute('DROP TABLE People')\n"
            "CONN.execute('ALTER TABLE n RENAME TO People')\nmigrate(T, CONN)"
        ),
    ),
    (
        "make a new column, and fill it with UPDATE",
        (
            "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, x TIMESTAMP[])')\n"
            + TABLE
            + "    __table_name__ = 't'\n    x: list[Annotated[datetime, TimeZone('UTC')]] | None\n"
            "migrate(T, CONN, schema_changes='all')"
        ),
        (
            "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, x TIMESTAMP[])')\n"
            + TABLE
            + "    __table_name__ = 't'\n    y: list[Annotated[datetime, TimeZone('UTC')]] | None\n"
            "migrate(T, CONN)\nCONN.execute(\"UPDATE t SET y = list_transform(x, lambda v: v AT TIME ZONE 'UTC')\")"
        ),
    ),
    (
        "{}; or use stream, which does",
        "CONN.fetch('SELECT 1::UHUGEINT AS a')",
        "CONN.fetch('SELECT 1::UHUGEINT::VARCHAR AS a'); list(CONN.stream('SELECT 1::UHUGEINT AS a'))",
    ),
    ("use execute", "list(CONN.stream('SET threads = 2'))", "CONN.execute('SET threads = 2')"),
    (
        "drop it from the data: the other columns are loaded without it",
        ("CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, name UNION(a INT, b VARCHAR))'); load(FRAME, 't')"),
        (
            "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, name UNION(a INT, b VARCHAR))')\n"
            "load(FRAME.select(['id']), 't')"
        ),
    ),
    (
        "let the column be NULL, or give it a default, in the database",
        (
            "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, u UNION(a INT, b VARCHAR) NOT NULL)')\n"
            "load(FRAME.select(['id']), 't')"
        ),
        (
            "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, u UNION(a INT, b VARCHAR) NOT NULL)')\n"
            "CONN.execute('ALTER TABLE t ALTER COLUMN u DROP NOT NULL')\nload(FRAME.select(['id']), 't')"
        ),
    ),
    (
        "declare these labels too, or first give the rows another one, with an UPDATE",
        (
            "CONN.execute(\"CREATE TABLE t (id BIGINT PRIMARY KEY, x ENUM('a', 'b', 'c'))\")\n"
            "CONN.execute(\"INSERT INTO t VALUES (1, 'c')\")\n"
            + TABLE
            + "    __table_name__ = 't'\n    x: Literal['a', 'b'] | None\nmigrate(T, CONN, schema_changes='all')"
        ),
        (
            "CONN.execute(\"CREATE TABLE t (id BIGINT PRIMARY KEY, x ENUM('a', 'b', 'c'))\")\n"
            "CONN.execute(\"INSERT INTO t VALUES (1, 'c')\")\nCONN.execute(\"UPDATE t SET x = 'a'\")\n"
            + TABLE
            + "    __table_name__ = 't'\n    x: Literal['a', 'b'] | None\nmigrate(T, CONN, schema_changes='all')"
        ),
    ),
)
"""`CONN` is a connection to an empty database."""

DECLARED: tuple[tuple[str, str, str], ...] = (
    (
        "declare both in one namespace, or {}",
        TABLE + "    __namespace__ = 'a'\n    team: Team\nmigrate([T, Team], CONN)",
        (
            TABLE + "    __namespace__ = 'a'\n    team: Team\n"
            "CONN.execute(create_sql(T, 'duckdb', options=GeneratorOptions(foreign_constraints=False)))"
        ),
    ),
    (
        "declare both of one type, or {}",
        "create_sql([spec(ColumnSpec('x', pa.int32(), references=(Reference('Team', ('id',)),))), Team], 'duckdb')",
        "create_sql([spec(ColumnSpec('x', pa.int64(), references=(Reference('Team', ('id',)),))), Team], 'duckdb')",
    ),
    (
        "refer to a primary or unique key, or {}",
        "create_sql([spec(ColumnSpec('x', pa.int64(), references=(Reference('Team', ('name',)),))), Team], 'duckdb')",
        "create_sql([spec(ColumnSpec('x', pa.int64(), references=(Reference('Team', ('id',)),))), Team], 'duckdb')",
    ),
    (
        "{}, or leave one of the references out",
        (
            "@dataclass\nclass A:\n    id: PrimaryKey[int]\n    b: 'B'\n@dataclass\nclass B:\n    id: PrimaryKey[int]\n    a: A\n"
            "migrate([A, B], CONN)"
        ),
        (
            "@dataclass\nclass A:\n    id: PrimaryKey[int]\n    b: int\n@dataclass\nclass B:\n    id: PrimaryKey[int]\n    a: A\n"
            "migrate([A, B], CONN)"
        ),
    ),
    (
        "take the field out of it, or declare another type",
        "@dataclass\nclass T:\n    id: PrimaryKey[timedelta]\nmigrate(T, CONN)",
        "@dataclass\nclass T:\n    id: PrimaryKey[int]\nmigrate(T, CONN)",
    ),
    (
        "rename one of the two, or form structs as StructMode.JSON",
        "@dataclass\nclass S:\n    x: int\n    X: int\n" + TABLE + "    s: S\nmigrate(T, CONN)",
        (
            "@dataclass\nclass S:\n    x: int\n    X: int\n"
            + TABLE
            + "    s: S\ncreate_sql(T, 'duckdb', options=GeneratorOptions(struct_mode=StructMode.JSON))"
        ),
    ),
    (
        "declare it as Identity[int]",
        "create_sql(spec(ColumnSpec('n', pa.string(), identity=True)), 'duckdb')",
        "create_sql(spec(ColumnSpec('n', pa.int64(), identity=True)), 'duckdb')",
    ),
    (
        "declare another type, or JsonType",
        TABLE + "    x: Annotated[float, ArrowType(pa.float16())]\nmigrate(T, CONN)",
        TABLE + "    x: JsonType\nmigrate(T, CONN)",
    ),
    (
        "remove it",
        "create_sql(spec(comment='a\\0'), 'duckdb')",
        "create_sql(spec(comment='a'), 'duckdb')",
    ),
)
