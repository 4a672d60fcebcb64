"""Hints of connections, of the command line, and of loads: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n"
IN_A_CHILD = (
    "import os\nread, write = os.pipe()\nchild = os.fork()\nif not child:\n    try:\n        load(ROWS)\n"
    "    except ArrowSyncError as error:\n        os.write(write, __import__('pickle').dumps(error))\n    os._exit(0)\n"
    "os.close(write)\nos.waitpid(child, 0)\nraise __import__('pickle').loads(os.read(read, 9999))\n"
)
OPENED_IN_A_CHILD = (
    "import os\nchild = os.fork()\nif not child:\n    try:\n        with connect('duckdb://') as conn:\n"
    "            arrowsync.sync_table(ROWS, People, conn)\n        os._exit(0)\n    finally:\n        os._exit(1)\n"
    "assert os.waitpid(child, 0)[1] == 0"
)

LONG = (
    "memory = np.zeros(2**31 + 4, np.uint8)\noffsets = pa.array([0, 2**31, 2**31 + 4], pa.int64()).buffers()[1]\n"
    "text = pa.Array.from_buffers(pa.large_string(), 2, [None, offsets, pa.py_buffer(memory.data)])\n"
)
"""Two texts: one of 2 GiB, in pages that nobody touches, and one of four characters."""
RENAMED = "load(ROWS)\n" + TABLE + "    __table_name__ = 'People'\n    called: {}\n"
PGCOPY = "from arrowsync.wire.pgcopy.encode import compile_pgcopy\nschema = pa.schema([pa.field('x', pa.date32())])\n"

CONNECTIONS: tuple[tuple[str, str, str], ...] = (
    (
        "open a connection in this process, after the fork: arrowsync.connect(url)",
        IN_A_CHILD,
        OPENED_IN_A_CHILD,
    ),
    (
        "open a connection in this event loop, with await arrowsync.aio.connect(url), or pass the URL",
        (
            "with asyncio.Runner() as one, asyncio.Runner() as other:\n    conn = one.run(aio.connect('duckdb://')._open())\n"
            "    try:\n        other.run(aio.sync_table(ROWS, People, conn))\n    finally:\n        one.run(conn.close())"
        ),
        (
            "async def main():\n    async with await aio.connect('duckdb://') as conn:\n"
            "        await aio.sync_table(ROWS, People, conn)\n    await aio.sync_table(ROWS, People, 'duckdb://')\n"
            "asyncio.run(main())"
        ),
    ),
    (
        "use arrowsync.sync_table, or arrowsync.aio.connect",
        "asyncio.run(aio.sync_table(ROWS, People, CONN))",
        (
            "load(ROWS)\nasync def main():\n    async with await aio.connect('duckdb://') as conn:\n"
            "        await aio.sync_table(ROWS, People, conn)\nasyncio.run(main())"
        ),
    ),
    (
        "await arrowsync.aio.sync_table, or use arrowsync.connect",
        (
            "async def main():\n    async with await aio.connect('duckdb://') as conn:\n"
            "        arrowsync.sync_table(ROWS, People, conn)\nasyncio.run(main())"
        ),
        (
            "async def main():\n    async with await aio.connect('duckdb://') as conn:\n"
            "        await aio.sync_table(ROWS, People, conn)\nasyncio.run(main())"
        ),
    ),
    (
        "read from a second connection",
        "load(ROWS)\ndef rows():\n    yield from read_table(People, CONN).to_pylist()\nload(rows())",
        (
            "with connect('duckdb://') as other:\n    arrowsync.sync_table(ROWS, People, other)\n"
            "    def rows():\n        yield from read_table(People, other).to_pylist()\n    load(rows())"
        ),
    ),
    (
        "read to the end or close it first, or use a second connection",
        "load(ROWS)\nbatches = read_batches(People, CONN)\nnext(batches)\ntry:\n    load(ROWS)\nfinally:\n    batches.close()",
        (
            "load(ROWS)\nlist(read_batches(People, CONN))\nbatches = read_batches(People, CONN)\nnext(batches)\nbatches.close()\n"
            "load(ROWS)"
        ),
    ),
    (
        "create the tables with migrate, and declare and load each of them on its own",
        "class E(Enum):\n    A = 'a'\n" + TABLE + "    x: E | str\nload([(1, 'a')], T)",
        (
            "class E(Enum):\n    A = 'a'\n" + TABLE + "    x: E | str\nmigrate(T, CONN)\n"
            "load(pa.table({'id': [1], 'value': ['a']}), 'E', mode='upsert', key='value', schema_changes='none')\n"
            "load(pa.table({'id': [1], 'x': [1]}), 'T')"
        ),
    ),
    (
        "it has no primary key",
        "CONN.execute('CREATE TABLE t (id BIGINT, name TEXT)'); load(FRAME, 't', key='id')",
        "CONN.execute('CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)'); load(FRAME, 't', key='id')",
    ),
    (
        "let it return where it has no more rows",
        "def batches():\n    yield FRAME\n    raise GeneratorExit\nload(batches())",
        "def batches():\n    yield FRAME\n    return\nload(batches())",
    ),
    (
        "is it the right input?",
        "load(pa.table({}), Relaxed)",
        "load(FRAME, Relaxed)",
    ),
    (
        (
            "the live column {} is required and has no default, so rows without it can't be inserted: declare it, or drop it "
            'with schema_changes="all"'
        ),
        "load(ROWS)\n" + TABLE + "    __table_name__ = 'People'\nload([(2,)], T)",
        "load(ROWS)\n" + TABLE + "    __table_name__ = 'People'\nload([(2,)], T, schema_changes='all')",
    ),
    (
        "{}; or declare {} as Annotated[..., RenamedFrom({})], if it is that column",
        RENAMED.format("str | None") + "migrate(T, CONN)",
        RENAMED.format("Annotated[str | None, RenamedFrom('name')]") + "migrate(T, CONN)",
    ),
    (
        "{}; or declare it as Annotated[..., RenamedFrom({})], if it is that column",
        RENAMED.format("str") + "migrate(T, CONN, schema_changes='all')",
        RENAMED.format("Annotated[str, RenamedFrom('name')]") + "migrate(T, CONN)",
    ),
    (
        "it is RenamedFrom({}), which the table lacks; of its columns these aren't declared: {}",
        RENAMED.format("Annotated[str, RenamedFrom('nam')]") + "migrate(T, CONN, schema_changes='all')",
        RENAMED.format("Annotated[str, RenamedFrom('name')]") + "migrate(T, CONN, schema_changes='all')",
    ),
    (
        "{} is RenamedFrom({}) and takes its values: leave {} out, or RenamedFrom",
        RENAMED.format("Annotated[str, RenamedFrom('name')]\n    name: str") + "migrate(T, CONN, schema_changes='all')",
        (
            RENAMED.format("str | None\n    name: str")
            + "migrate(T, CONN)\nload([(1, 'a')], Team)\n"
            + RENAMED.format("Annotated[str, RenamedFrom('name')]").partition("\n")[2].replace("'People'", "'Team'")
            + "migrate(T, CONN)"
        ),
    ),
    (
        "declare {} as Annotated[..., RenamedFrom({})], or make the two changes one after the other",
        "load(ROWS)\n"
        + TABLE
        + "    __table_name__ = 'People'\n    called: str | None\nmigrate(T, CONN, schema_changes='all')",
        (
            "load(ROWS)\n"
            + TABLE
            + "    __table_name__ = 'People'\n    called: Annotated[str | None, RenamedFrom('name')]\nmigrate(T, CONN)"
        ),
    ),
    (
        "load fewer rows at a time to find the one that it is about, or leave the column out",
        LONG + "open_source(pa.table({'id': [1, 2], 'name': text}), People).read_all()",
        LONG + "memory[-4:] = 65\nopen_source(pa.table({'id': [2], 'name': text.slice(1)}), People).read_all()",
    ),
    (
        "mend the value, or declare a type that holds it",
        PGCOPY + "compile_pgcopy(schema, [SqlType('date')])(pa.record_batch([[2**31 - 1]], schema))",
        PGCOPY + "compile_pgcopy(schema, [SqlType('date')])(pa.record_batch([[2**16]], schema))",
    ),
    (
        "declare the column with a type that holds the data, or convert the data first",
        PGCOPY + "compile_pgcopy(schema, [SqlType('boolean')])",
        PGCOPY + "compile_pgcopy(schema, [SqlType('date')])",
    ),
    ("pip install {}", "open_source('sftp://host/a.csv')", "load(write('a.csv', b'id,name\\n'))"),
)

COMMANDS: tuple[tuple[str, str, str], ...] = (
    (
        "give a file named {}; nothing was loaded",
        "cli('load', write('a.csv', b'id,name\\n1,a\\n'), 'duckdb://', '--table', 't', '--rejects', FOLDER / 'r.xls')",
        "cli('load', write('a.csv', b'id,name\\n1,a\\n'), 'duckdb://', '--table', 't', '--quiet', '--rejects', FOLDER / 'r.csv')",
    ),
    (
        "give the path of a file; nothing was loaded",
        "cli('load', write('a.csv', b'id,name\\n1,a\\n'), 'duckdb://', '--table', 't', '--rejects', FOLDER)",
        "cli('load', write('a.csv', b'id,name\\n1,a\\n'), 'duckdb://', '--table', 't', '--quiet', '--rejects', FOLDER / 'r.csv')",
    ),
    (
        "a table is module:Class",
        "cli('ddl', 'dataclasses:Nothing', '--dialect', 'ansi')",
        "cli('ddl', 'hints.trying:People', '--dialect', 'ansi')",
    ),
    (
        "run it from the folder of the module, or install the module",
        "cli('ddl', 'no_such_module', '--dialect', 'ansi')",
        "cli('ddl', 'hints.trying', '--dialect', 'ansi')",
    ),
    (
        "rename the file",
        "cli('ddl', write('dataclasses.py', b''), '--dialect', 'ansi')",
        (
            "cli('ddl', write('hints_people.py', b'from dataclasses import dataclass\\n@dataclass\\nclass T:\\n    id: int\\n'), "
            "'--dialect', 'ansi')"
        ),
    ),
    (
        "write it to a file first",
        "cli('discover', '-')",
        "cli('discover', write('a.csv', b'id,name\\n1,a\\n'))",
    ),
)
