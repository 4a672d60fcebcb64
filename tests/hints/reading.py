"""Hints of what is read from files, servers, frames and rows."""

from __future__ import annotations

TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n"

SMALL = "from arrowsync.sources.files import {0}\npatched.setattr({0}, 'MAX_RECORD_BYTES', 1 << 20)\n"

READ: tuple[tuple[str, str, str], ...] = (
    (
        (
            "NaN is a number, not NULL: give None; of a pandas frame load the frame itself, or the records of "
            "df.astype(object).where(df.notna(), None)"
        ),
        "load([(1, 'a'), (2, float('nan'))])",
        (
            "load([(1, None)], Relaxed)\ndf = pd.DataFrame({'id': [1], 'name': [float('nan')]})\nload(df, Relaxed)\n"
            "load(df.astype(object).where(df.notna(), None).to_dict('records'), Relaxed)"
        ),
    ),
    ("mend the value, or declare the column otherwise", "load([(1, 5j)])", "load([(1, '5j')])"),
    (
        "cast it in the query: to VARCHAR, or DECIMAL(38, 0) where it is a number that fits",
        "open_source(duckdb.sql('SELECT 1::UHUGEINT AS id'))",
        "open_source(duckdb.sql('SELECT 1::UHUGEINT::DECIMAL(38, 0) AS id, 1::UHUGEINT::VARCHAR AS name'))",
    ),
    (
        "put user and password into the URL, https://user:password@host/..., or use a signed one",
        "load(serve(b'', 401))",
        "load(serve(b'id,name\\n1,a\\n').replace('//', '//user:password@'))",
    ),
    (
        "check whether the URL is signed, and not too old",
        "load(serve(b'', 403))",
        "load(serve(b'id,name\\n1,a\\n') + '?signature=5')",
    ),
    ("check the URL", "load(serve(b'', 404))", "load(serve(b'id,name\\n1,a\\n'))"),
    (
        "check the URL and the network",
        (
            "import socket\nwith socket.socket() as free:\n    free.bind(('127.0.0.1', 0))\n    port = free.getsockname()[1]\n"
            "load(f'http://127.0.0.1:{port}/a.csv')"
        ),
        "load(serve(b'id,name\\n1,a\\n'))",
    ),
    (
        "the connection broke; try again",
        "load(serve(b'id,name\\n1,a\\n', size=99))",
        "load(serve(b'id,name\\n1,a\\n'))",
    ),
    (
        "check who may read the file and its folders (ls -l)",
        ("class Closed:\n    def read(self, n=-1):\n        raise PermissionError('no')\nload(Closed(), format='csv')"),
        "load(write('a.csv', b'id,name\\n'))",
    ),
    (
        "execute a query first",
        "class Cursor:\n    def fetch_record_batch(self):\n        raise RuntimeError('no result')\nload(Cursor())",
        "class Cursor:\n    def fetch_record_batch(self):\n        return FRAME.to_reader()\nload(Cursor())",
    ),
    (
        "its connection can do nothing else before all of the result is read: load over another connection",
        (
            "def broken():\n    yield FRAME.to_batches()[0]\n    raise OSError('busy')\n"
            "class Cursor:\n    def fetch_record_batch(self):\n"
            "        return pa.RecordBatchReader.from_batches(FRAME.schema, broken())\n"
            "load(Cursor())"
        ),
        "class Cursor:\n    def fetch_record_batch(self):\n        return FRAME.to_reader()\nload(Cursor())",
    ),
    (
        "give all lines the same keys, null where there is no value; or declare the table, whose defaults are taken then",
        "load(FRAME, 't', key='id')\nload(b'{\"id\": 1, \"name\": \"b\"}\\n{\"id\": 2}', 't', format='jsonl')",
        (
            "load(FRAME, 't', key='id')\n"
            'load(b\'{"id": 1, "name": "b"}\\n{"id": 2, "name": null}\', \'t\', format=\'jsonl\')\n'
            'load(b\'{"id": 1, "name": "b"}\\n{"id": 2}\', Relaxed, format=\'jsonl\')'
        ),
    ),
    (
        "give all rows the same keys, None where there is no value; or declare the table, whose defaults are taken then",
        "load(FRAME, 't', key='id'); load([{'id': 1, 'name': 'b'}, {'id': 2}], 't')",
        (
            "load(FRAME, 't', key='id'); load([{'id': 1, 'name': 'b'}, {'id': 2, 'name': None}], 't')\n"
            "load([{'id': 1, 'name': 'b'}, {'id': 2}], Relaxed)"
        ),
    ),
    (
        "declare it, or drop it from the data",
        'open_source(b\'{"x": 1, "y": 2}\\n{"x": 1, "y": 2, "z": 3}\', Point, format=\'jsonl\').read_all()',
        'open_source(b\'{"x": 1, "y": 2}\\n{"x": 1, "y": 2}\', Point, format=\'jsonl\').read_all()',
    ),
    (
        "give an Identity in all lines, or in none",
        'load(b\'{"name": "a"}\\n{"id": 5, "name": "a"}\', Numbered, format=\'jsonl\', mode=\'insert\')',
        (
            'load(b\'{"name": "a"}\\n{"name": "a"}\', Numbered, format=\'jsonl\', mode=\'insert\')\n'
            'load(b\'{"id": 8, "name": "a"}\\n{"id": 5, "name": "a"}\', Numbered, format=\'jsonl\', mode=\'insert\')'
        ),
    ),
    (
        "give an Identity in all rows, or in none",
        "load([{'name': 'a'}] * 70000 + [{'id': 5, 'name': 'a'}], Numbered, mode='insert')",
        (
            "load([{'name': 'a'}] * 2, Numbered, mode='insert')\n"
            "load([{'id': 8, 'name': 'a'}, {'id': 5, 'name': 'a'}], Numbered, mode='insert')"
        ),
    ),
    (
        "give it from the first line on, as null where there is none; or {}",
        'open_source(b\'{"id": 1}\\n{"id": 2, "x": 1}\', format=\'jsonl\').read_all()',
        (
            'open_source(b\'{"id": 1, "x": null}\\n{"id": 2, "x": 1}\', format=\'jsonl\').read_all()\n'
            'open_source(b\'{"x": 1}\\n{"x": 2, "y": 1}\', Optionals, format=\'jsonl\').read_all()'
        ),
    ),
    (
        "is a quote never closed? {}",
        SMALL.format("csv_records") + "load(b'id,name\\n1,\"' + b'a\\n' * 5000000, format='csv')",
        "load(b'id,name\\n1,\"a\"\\n', format='csv')",
    ),
    (
        "is it a text file, with line ends? {}",
        SMALL.format("text") + "load(b'{\"id\": 1, \"name\": \"' + b'a' * 5000000, format='jsonl')",
        'load(b\'{"id": 1, "name": "a"}\\n\', format=\'jsonl\')',
    ),
    (
        "it looks like {}; with format= it is taken for what it is",
        "import gzip\nload(write('a.csv.zst', gzip.compress(b'id,name\\n')))",
        "import gzip\nload(write('a.csv.zst', gzip.compress(b'id,name\\n')), format='csv')",
    ),
    (
        "rename the folder, declare the column as str, or leave the filter about it out",
        (
            TABLE + "    day: date\nparquet(FRAME.select(['id']))\n"
            "(FOLDER / 'day=soon').mkdir()\n(FOLDER / 'a.parquet').rename(FOLDER / 'day=soon/a.parquet')\n"
            "open_source(FOLDER, T, filters=[('day', '>', date(2026, 1, 1))]).read_all()"
        ),
        (
            TABLE + "    day: str\nparquet(FRAME.select(['id']))\n"
            "(FOLDER / 'day=soon').mkdir()\n(FOLDER / 'a.parquet').rename(FOLDER / 'day=soon/a.parquet')\n"
            "open_source(FOLDER, T, filters=[('day', '>', 'a')]).read_all()\nopen_source(FOLDER, T).read_all()"
        ),
    ),
    (
        "mend the query: collect() raises what it fails with",
        (
            "def fail(frame):\n    raise pl.exceptions.PanicException('x')\n"
            "load(pl.from_arrow(FRAME).lazy().map_batches(fail))"
        ),
        "load(pl.from_arrow(FRAME).lazy().map_batches(lambda frame: frame))",
    ),
    (
        "pip install --upgrade polars, or collect() it",
        "patched.delattr(pl.LazyFrame, 'collect_batches')\nload(pl.from_arrow(FRAME).lazy())",
        (
            "load(pl.from_arrow(FRAME).lazy())\n"
            "patched.delattr(pl.LazyFrame, 'collect_batches')\nload(pl.from_arrow(FRAME).lazy().collect())"
        ),
    ),
)
