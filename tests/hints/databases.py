"""Hints of migration, random rows and databases: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n"

MIGRATIONS: tuple[tuple[str, str, str], ...] = (
    (
        "the rows already there have no value for {}: make it Optional, or give it a default",
        (
            "load(ROWS); load([(2, 'b', 1)], pa.schema([('id', pa.int64(), False), ('name', pa.string(), False), "
            "('x', pa.int64(), False)], {'name': 'People'}))"
        ),
        (
            "load(ROWS); load([(2, 'b', 1)], pa.schema([('id', pa.int64(), False), ('name', pa.string(), False), "
            "('x', pa.int64())], {'name': 'People'}), key=None)"
        ),
    ),
    (
        'schema_changes="safe" makes changes that only add, widen or relax',
        "load(ROWS, schema_changes='none')",
        "load(ROWS, schema_changes='safe')",
    ),
    (
        'change the declaration, or allow what may lose data with schema_changes="all"',
        TABLE + "    __table_name__ = 'People'\n    name: int\nload(ROWS); load([(2, 1)], T)",
        "load(ROWS); load([(2, 'b')])",
    ),
    (
        "migrate it, or take it out of the declaration",
        TABLE + "    __table_name__ = 'People'\n    age: int | None\nload(ROWS); read_table(T, CONN)",
        TABLE + "    __table_name__ = 'People'\nload(ROWS); read_table(T, CONN)",
    ),
    (
        'add one with schema.with_metadata({"name": "users"}), or pass the table as a name',
        "load(FRAME, FRAME.schema)",
        "load(FRAME, FRAME.schema.with_metadata({'name': 'users'})); load(FRAME, 'other')",
    ),
    ("pass a dataclass, or a pa.Schema with a name", "migrate('People', CONN)", "migrate(People, CONN)"),
    (
        "create or load {} first",
        TABLE + "    team: Team\nload([(1, 1)], T)",
        TABLE + "    team: Team\nload([(1, 'a')], Team)\nload([(1, 1)], T)",
    ),
    (
        "its primary key is ({})",
        "load(ROWS); load(FRAME, 'People', key='name')",
        "load(ROWS); load(FRAME, 'People', key='id')",
    ),
    (
        "is it spelled as the database has it?",
        "discover(CONN, namespace='nowhere')",
        "discover(CONN, namespace='main')",
    ),
    ('open it in binary mode: open(path, "wb")', "write_tsv(FRAME, io.StringIO())", "write_tsv(FRAME, io.BytesIO())"),
    (
        "leave it out: the table declares the types",
        "open_source(ROWS, People, field_types=[int, str])",
        "open_source(ROWS, People)",
    ),
    (
        "give a type for each name; annotations such as int, str | None, Decimal will do",
        "open_source(ROWS, field_names=['id', 'name'], field_types=[int])",
        "open_source(ROWS, field_names=['id', 'name'], field_types=[int, str | None])",
    ),
    (
        "rename one; None leaves a column out",
        "open_source(ROWS, field_names=['id', 'id'], field_types=[int, str])",
        "open_source(ROWS, field_names=['id', 'name'], field_types=[int, str])",
    ),
    (
        "pass the table",
        "open_source(ROWS, field_names=['id', 'name'], round=True)",
        "open_source(ROWS, People, round=True)",
    ),
    (
        "rows can be loaded into tables only",
        "CONN.execute('CREATE VIEW v AS SELECT 1 AS id'); load(FRAME, 'v', key='id')",
        "load(FRAME, 'n', key='id')",
    ),
    (
        "open a new one with connect",
        "CONN.close(); load(ROWS)",
        "CONN.close()\nwith connect('duckdb://') as other:\n    arrowsync.sync_table(ROWS, People, other)",
    ),
    (
        "pass arrowsync.connect(url), a URL, or a connection of duckdb, sqlite3, adbc_driver_postgresql, asyncpg or aiomysql",
        "arrowsync.sync_table(ROWS, People, 5)",
        "arrowsync.sync_table(ROWS, People, 'duckdb://'); arrowsync.sync_table(ROWS, People, duckdb.connect())",
    ),
    (
        "pass what duckdb.connect() gives",
        "arrowsync.sync_table(ROWS, People, duckdb.sql('SELECT 1'))",
        "arrowsync.sync_table(ROWS, People, duckdb.connect())",
    ),
    (
        (
            "write duckdb:///file.duckdb for a file here, duckdb:////folder/file.duckdb for an absolute path, or duckdb:// for a "
            "database in memory"
        ),
        "connect('duckdb://host/file.duckdb')",
        "connect(f'duckdb:///{FOLDER}/file.duckdb').close(); connect('duckdb://').close()",
    ),
    (
        "give the path of a DuckDB file, or of one that doesn't exist yet",
        'connect(f\'duckdb:///{write("a", b"x" * 9999)}\')',
        "connect(f'duckdb:///{FOLDER}/a').close()",
    ),
    (
        "create the folder first; duckdb:////path with four slashes is absolute",
        "connect(f'duckdb:///{FOLDER}/d/a')",
        "(FOLDER / 'd').mkdir(); connect(f'duckdb:///{FOLDER}/d/a').close()",
    ),
    ("rename it", TABLE + "    rowid: int\nload([(1, 1)], T)", TABLE + "    row: int\nload([(1, 1)], T)"),
    (
        "rename one of the two",
        TABLE + "    x: int\n    X: int\nload([(1, 1, 1)], T)",
        TABLE + "    x: int\n    y: int\nload([(1, 1, 1)], T)",
    ),
    (
        "declare at most Precision({}, {}), or a str",
        TABLE + "    x: Annotated[Decimal, Precision(60, 2)]\nload([(1, 1)], T)",
        TABLE + "    x: Annotated[Decimal, Precision(38, 2)]\nload([(1, 1)], T)",
    ),
    (
        "leave on_delete out, or {}",
        TABLE + "    x: Annotated[Team, ForeignKey(on_delete='cascade')]\nmigrate([T, Team], CONN)",
        TABLE + "    x: Team\nmigrate([T, Team], CONN)",
    ),
    (
        "choose another namespace",
        TABLE + "    __namespace__ = 'pg_catalog'\nload([(1,)], T)",
        TABLE + "    __namespace__ = 'mine'\nload([(1,)], T)",
    ),
    (
        "it has {}",
        "create_sql(People, 'postgresql', options=GeneratorOptions(enum_mode=EnumMode.INLINE))",
        "create_sql(People, 'postgresql', options=GeneratorOptions(enum_mode=EnumMode.CHECK))",
    ),
    (
        "the rows have to meet the condition",
        TABLE + "    __constraints__ = (Check('{id} > 5'),)\nload([(1,)], T)",
        TABLE + "    __constraints__ = (Check('{id} > 5'),)\nload([(6,)], T)",
    ),
    (
        "drop it from the data",
        "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT AS (id::TEXT))'); load(FRAME, 't')",
        "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT AS (id::TEXT))'); load(FRAME.select(['id']), 't')",
    ),
    ("{} (%40 and %23)", "connect('postgresql://u:p#q@host/db')", "connect('duckdb://').close()"),
    (
        "choose a shorter one",
        "create_sql(make_dataclass('T' + 't' * 70, [('id', PrimaryKey[int])]), 'postgresql')",
        "create_sql(make_dataclass('T' + 't' * 40, [('id', PrimaryKey[int])]), 'postgresql')",
    ),
    (
        "remove Optional",
        TABLE
        + "    x: list[int | None]\ncreate_sql(T, 'postgresql', options=GeneratorOptions(array_mode=ArrayMode.RELATION))",
        TABLE
        + "    x: list[int]\ncreate_sql(T, 'postgresql', options=GeneratorOptions(array_mode=ArrayMode.RELATION))",
    ),
    (
        "form it with another array_mode",
        TABLE
        + "    x: list[list[int]]\ncreate_sql(T, 'postgresql', options=GeneratorOptions(array_mode=ArrayMode.RELATION))",
        TABLE
        + "    x: list[list[int]]\ncreate_sql(T, 'postgresql', options=GeneratorOptions(array_mode=ArrayMode.JSON))",
    ),
    (
        "declare a key",
        (
            "create_sql(make_dataclass('T', [('x', list[int])]), 'postgresql', "
            "options=GeneratorOptions(array_mode=ArrayMode.RELATION))"
        ),
        TABLE
        + "    x: list[int]\ncreate_sql(T, 'postgresql', options=GeneratorOptions(array_mode=ArrayMode.RELATION))",
    ),
    (
        "take it out of the docstring",
        TABLE.replace("T:\n", "T:\n    '''A 🙂.'''\n") + "create_sql(T, 'mysql')",
        TABLE + "create_sql(T, 'mysql')",
    ),
)

RANDOM: tuple[tuple[str, str, str], ...] = (
    (
        "ask for 0 rows or more, in batches of at least 1",
        "testing.random_batches(People, -1)",
        "testing.random_batches(People, 1).read_all()",
    ),
    (
        "ask for fewer rows, or declare int64",
        "testing.random_batches(make_dataclass('T', [('id', PrimaryKey[Identity[int8]])]), 128).read_all()",
        "testing.random_batches(make_dataclass('T', [('id', PrimaryKey[Identity[int]])]), 128).read_all()",
    ),
    (
        "ask for fewer rows, or declare types and ranges with more values",
        "testing.random_batches(make_dataclass('T', [('id', PrimaryKey[int8])]), 257).read_all()",
        "testing.random_batches(make_dataclass('T', [('id', PrimaryKey[int16])]), 257).read_all()",
    ),
)
