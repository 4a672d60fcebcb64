"""Hints of calls: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

ITS_OWN = "def rows():\n    yield 1, 'a'\n    {}\n"
"""A source that makes a call of its own."""

STATEMENTS: tuple[tuple[str, str, str], ...] = (
    (
        "read from a second connection",
        ITS_OWN.format("CONN.fetch('SELECT 1 AS a')") + "load(rows())",
        ITS_OWN.format("connect('duckdb://').fetch('SELECT 1 AS a')") + "load(rows())",
    ),
    (
        "load or migrate it before this call or after it, or let the source give these rows too",
        "url = f'duckdb:///{FOLDER}/a.duckdb'\n"
        + ITS_OWN.format("sync_table([(2, 'b')], People, url)")
        + "sync_table(rows(), People, url)",
        "url = f'duckdb:///{FOLDER}/a.duckdb'\n"
        + ITS_OWN.format("yield 2, 'b'")
        + "sync_table([(3, 'c')], People, url); sync_table(rows(), People, url)",
    ),
    (
        "send the URL, and open a connection there: arrowsync.connect(url)",
        "__import__('pickle').dumps(CONN)",
        "connect(__import__('pickle').loads(__import__('pickle').dumps('duckdb://'))).close()",
    ),
    ("put @dataclass above the class", "create_sql(int, 'ansi')", "create_sql(People, 'ansi')"),
    ("a dialect is one of {}", "create_sql(People, 'oracle')", "create_sql(People, 'mysql')"),
    ("arrowsync knows {}", "connect('oracle://host/db')", "connect('duckdb://').close()"),
    (
        "give a number of rows, 0 or more",
        "load(ROWS, on_error='reject', max_rejects=-1)",
        "load(ROWS, on_error='reject', max_rejects=0)",
    ),
    (
        'say on_error="reject" as well (--on-error reject, or --rejects FILE)',
        "load(ROWS, max_rejects=5)",
        "load(ROWS, max_rejects=5, on_error='reject')",
    ),
    ("give a number of connections, 1 or more", "load(ROWS, parallel=0)", "load(ROWS, parallel=1)"),
    ("leave parallel out", "load(ROWS, parallel=2)", "load(ROWS)"),
    (
        "upsert, replace and mirror update the rows that are there",
        "load(ROWS, mode='upsert', on_conflict='skip')",
        "load(ROWS, mode='upsert')",
    ),
    ("the {} is one ASCII character, and no line end", "CsvOptions(delimiter='ab')", "CsvOptions(delimiter=';')"),
    ("quote=None if there are no quotes", "CsvOptions(quote=',')", "CsvOptions(quote=None)"),
    ('such as "utf-8", "cp1252", "utf-16-le"', "CsvOptions(encoding='klingon')", "CsvOptions(encoding='cp1252')"),
    ('a tuple of texts, such as ("", "NA")', "CsvOptions(nulls='NA')", "CsvOptions(nulls=('', 'NA'))"),
    ("{} is one of {}", "load(ROWS, mode='append')", "load(ROWS, mode='insert')"),
    (
        'mend the data, or take the last or first of them with dedup="last" or "first"',
        "load(TWICE, dedup='error')",
        "load(TWICE, dedup='first')",
    ),
    (
        "no row was changed; mend the data, or allow more rejects",
        "load(open_source(b'id,name\\n1,a\\nx,b\\n', format='csv'), on_error='reject', max_rejects=0)",
        "load(open_source(b'id,name\\n1,a\\nx,b\\n', format='csv'), on_error='reject', max_rejects=1)",
    ),
    (
        "declare a PrimaryKey field, or pass key=",
        "load(FRAME, 'named', mode='upsert')",
        "load(FRAME, 'named', mode='upsert', key='id')",
    ),
    (
        'bring the key, or use mode="insert"',
        "load(pa.table({'name': ['a']}), Numbered, mode='upsert')",
        "load(pa.table({'name': ['a']}), Numbered, mode='insert')",
    ),
    ("leave key= out: the declared key is used", "load(ROWS, key='name')", "load(ROWS)"),
    ("{}declare them, or drop them from the data", "load(FRAME.append_column('extra', [[1]]))", "load(FRAME)"),
    (
        (
            "add them to the data, or declare them Optional or with a default "
            "(not a default_factory, which is for records)"
        ),
        "load(FRAME.drop_columns(['name']))",
        "load(FRAME.drop_columns(['name']), Relaxed)",
    ),
    (
        "pass field_names=[...] or a declared table",
        "open_source([(1, 'a')])",
        "open_source([(1, 'a')], field_names=['id', 'name'])",
    ),
    (
        "for one row, [row]; for a dict of columns, pa.table(columns)",
        "open_source({'id': 1})",
        "open_source([{'id': 1}]); open_source(pa.table({'id': [1]}))",
    ),
    (
        'a name is "table" or "namespace.table"; declare others as a class',
        "load(FRAME, 'a.b.c', key='id')",
        "load(FRAME, 'people2', key='id')",
    ),
    ("create it with sync_table or migrate", "read_table('people', CONN)", "load(ROWS); read_table('People', CONN)"),
    (
        'say it: to_source(catalog, "postgresql"), or "mysql", "mariadb", "duckdb"',
        "to_source(Catalog())",
        "to_source(Catalog(), 'postgresql')",
    ),
    (
        'open it as binary: open(path, "rb")',
        "open_source(io.StringIO('a\\n1\\n'), format='csv')",
        "open_source(io.BytesIO(b'a\\n1\\n'), format='csv')",
    ),
    ("say it with format=, which may be {}", "open_source(b'a\\n1\\n')", "open_source(b'a\\n1\\n', format='csv')"),
    (
        (
            'a URL looks like "postgresql://user@host/database" (or "mysql://..."), "duckdb:///file.duckdb", '
            '"sqlite:///file.db" or "duckdb://" (in memory)'
        ),
        "connect('warehouse')",
        "connect('duckdb://').close()",
    ),
    ("pass a dataclass or a pa.Schema", "open_source(ROWS, 'People')", "open_source(ROWS, People)"),
    ("raise MaxLength, or shorten the values", "load([(1, 'x' * 9)])", "load([(1, 'x' * 5)])"),
    (
        "a key can be there once: upsert brings rows to keys that exist",
        "load(ROWS); load(ROWS, mode='insert')",
        "load(ROWS); load(ROWS, mode='upsert')",
    ),
)
"""Statements; `load(data, table=People, **options)` is a load into an empty database, `CONN` a connection to another one."""
