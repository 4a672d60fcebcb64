"""Hints of files, frames and rows: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

FILES: tuple[tuple[str, str, str], ...] = (
    (
        "leave the delimiter out: the line that says it is understood",
        "load(b'sep=;\\nid;name\\n1;a\\n', format='csv', csv=CsvOptions(delimiter='|'))",
        "load(b'sep=;\\nid;name\\n1;a\\n', format='csv')",
    ),
    (
        "the first line names the columns: was the file written to its end?",
        "load(b'', format='csv')",
        "load(b'id,name\\n', format='csv')",
    ),
    (
        "each record has a field for each column; fields that contain a delimiter are quoted",
        "load(b'id,name\\n1,a,b\\n', format='csv')",
        "load(b'id,name\\n1,\"a,b\"\\n', format='csv')",
    ),
    (
        "use one kind of line ends",
        "load(b'id,name\\n1,a\\r\\n2,b\\n', format='csv')",
        "load(b'id,name\\n1,a\\n2,b\\n', format='csv')",
    ),
    (
        'is it text, and no compressed or binary file? For UTF-16, csv=CsvOptions(encoding="utf-16-le")',
        "load('id,name\\n1,a\\n'.encode('utf-16-le'), format='csv')",
        "load('id,name\\n1,a\\n'.encode('utf-16-le'), format='csv', csv=CsvOptions(encoding='utf-16-le'))",
    ),
    (
        "a field with quotes in it is quoted, and they are doubled; csv=CsvOptions(quote=None) takes them as they are",
        "load(b'id,name\\n1,a\"b\\n', format='csv')",
        (
            "load(b'id,name\\n1,\"a\"\"b\"\\n', format='csv')\n"
            "load(b'id,name\\n2,a\"b\\n', format='csv', csv=CsvOptions(quote=None))"
        ),
    ),
    (
        "was the file written to its end?",
        "load(b'id,name\\n1,\"a', format='csv')",
        "load(b'id,name\\n1,\"a\"', format='csv')",
    ),
    (
        'one in a field is quoted; where all lines end with CR alone, csv=CsvOptions(line_end="\\r")',
        "load(b'id,name\\r1,a\\r', format='csv')",
        "load(b'id,name\\r1,a\\r', format='csv', csv=CsvOptions(line_end='\\r'))",
    ),
    (
        'one in a field is quoted; leave line_end="\\r" out where lines end with LF or CRLF',
        "load(b'id,name\\n1,a\\n', format='csv', csv=CsvOptions(line_end='\\r'))",
        "load(b'id,name\\n1,a\\n', format='csv')",
    ),
    (
        'say the encoding, such as csv=CsvOptions(encoding="cp1252")',
        "load(b'id,name\\n1,\\xe4\\n', format='csv')",
        "load(b'id,name\\n1,\\xe4\\n', format='csv', csv=CsvOptions(encoding='cp1252'))",
    ),
    (
        "check the encoding that was given, and whether the file is whole",
        "load(b'id,name\\n1,\\x81\\n', format='csv', csv=CsvOptions(encoding='cp1252'))",
        "load(b'id,name\\n1,\\x81\\n', format='csv', csv=CsvOptions(encoding='latin-1'))",
    ),
    (
        "did you mean {}? {}",
        "load(b'{\"id\": 1}', format='json')",
        'load(b\'{"id": 1, "name": "a"}\', format=\'jsonl\')',
    ),
    ("format may be {}", "load(b'id\\n1\\n', format='xls')", "load(b'id,name\\n1,a\\n', format='csv')"),
    (
        "leave filters out: they are for Parquet and Arrow files, which have types",
        "load(b'id,name\\n1,a\\n', format='csv', filters=[('id', '>', 0)])",
        "load(b'id,name\\n1,a\\n', format='csv')",
    ),
    (
        "leave {} out: {}",
        'load(b\'{"id": 1, "name": "a"}\', format=\'jsonl\', csv=CsvOptions())',
        'load(b\'{"id": 1, "name": "a"}\', format=\'jsonl\')',
    ),
    (
        "decompress it: there is compression in the format itself",
        "load(write('a.parquet.gz', b'PAR1'))",
        "pa.parquet.write_table(FRAME, FOLDER / 'a.parquet', compression='gzip'); load(FOLDER / 'a.parquet')",
    ),
    (
        "give field_names",
        "open_source(b'1\\n', format='csv', has_header=False)",
        "open_source(b'1\\n', format='csv', has_header=False, field_names=['id'])",
    ),
    (
        "give a name for each, None for one to leave out; or none, and the header names them",
        "open_source(b'a,b\\n1,2\\n', format='csv', field_names=['id'])",
        "open_source(b'a,b\\n1,2\\n', format='csv', field_names=['id', None]); open_source(b'a,b\\n1,2\\n', format='csv')",
    ),
    (
        "field_names={} takes the place of the header",
        "load(b'id,id\\n1,a\\n', format='csv')",
        "load(b'id,id\\n1,a\\n', format='csv', field_names=['id', 'name'])",
    ),
    (
        "give the table that pyarrow.feather.read_table makes of it, or write it again: Feather V2 is Arrow IPC",
        "load(write('a.arrow', b'FEA1' + bytes(20)))",
        "pa.feather.write_feather(FRAME, FOLDER / 'b.arrow'); load(FOLDER / 'b.arrow')",
    ),
    (
        "was it written to its end?",
        "load(write('a.parquet', b''))",
        "parquet(FRAME); load(FOLDER / 'a.parquet')",
    ),
    (
        "what does it really hold? format= says what the name doesn't",
        "load(write('a.arrow', b'\\x01\\x02\\x03\\x04' * 9), format='arrow')",
        "pa.feather.write_feather(FRAME, FOLDER / 'b'); load(FOLDER / 'b', format='arrow')",
    ),
    (
        "copy or download it again, or wait until it is written",
        (
            "pa.feather.write_feather(FRAME, FOLDER / 'b.arrow')\n"
            "load(write('c.arrow', (FOLDER / 'b.arrow').read_bytes()[:-9]))"
        ),
        "pa.feather.write_feather(FRAME, FOLDER / 'b.arrow'); load(FOLDER / 'b.arrow')",
    ),
    (
        "was its writer closed?",
        (
            "out = io.BytesIO()\nwriter = pa.ipc.new_stream(out, FRAME.schema)\nwriter.write_table(FRAME)\n"
            "load(io.BytesIO(out.getvalue()), format='arrow')"
        ),
        (
            "out = io.BytesIO()\nwriter = pa.ipc.new_stream(out, FRAME.schema)\nwriter.write_table(FRAME)\nwriter.close()\n"
            "load(io.BytesIO(out.getvalue()), format='arrow')"
        ),
    ),
    (
        "declare the table, or check whether the file was written to its end",
        "open_source(b'', format='jsonl')",
        "open_source(b'', People, format='jsonl')",
    ),
    (
        "write what changes from line to line as a value, not as a key: one object in a column of JSON",
        "open_source(json.dumps({f'k{n}': n for n in range(20000)}).encode(), format='jsonl')",
        "open_source(json.dumps({'v': {f'k{n}': n for n in range(20000)}}).encode(), format='jsonl')",
    ),
    (
        "write UTF-8",
        'load(b\'{"id": 1, "name": "\\xe4"}\', format=\'jsonl\')',
        'load(\'{"id": 1, "name": "ä"}\'.encode(), format=\'jsonl\')',
    ),
    (
        r"a character beyond U+FFFF has two: \ud83d\ude00",
        r"""load(b'{"id": 1, "name": "\\ud83d"}', format='jsonl')""",
        r"""load(b'{"id": 1, "name": "\\ud83d\\ude00"}', format='jsonl')""",
    ),
    (
        'each line is one JSON object: {"name": value, ...}',
        "load(b'{\"id\": 1,}', format='jsonl')",
        'load(b\'{"id": 1, "name": "a"}\', format=\'jsonl\')',
    ),
    (
        '{}; "jq -c .[]" makes such lines of an array',
        "load(b'[{\"id\": 1}]', format='jsonl')",
        'load(b\'{"id": 1, "name": "a"}\', format=\'jsonl\')',
    ),
    (
        "which of the values counts? rename or drop one",
        "load(b'{\"id\": 1, \"id\": 2}', format='jsonl')",
        'load(b\'{"id": 1, "name": "a"}\', format=\'jsonl\')',
    ),
    (
        "declare the table: without that, the first lines settle columns and types",
        "load(b'{\"a\": 1}' + b' ' * 5000000 + b'\\n' + b'{\"a\": \"x\"}', 'n', format='jsonl')",
        "open_source(b'{\"a\": 1}\\n{\"a\": \"x\"}', pa.schema([('a', pa.string())]), format='jsonl')",
    ),
    ("leave {} out: it is for files", "load(ROWS, format='csv')", "load(ROWS)"),
    (
        "leave field_names out: they name the columns of tuples, CSV and TSV",
        "load(FRAME, field_names=['id', 'name'])",
        "load(FRAME)",
    ),
    (
        "leave field_names out: frames name their columns",
        "load([FRAME], field_names=['id', 'name'])",
        "load([FRAME])",
    ),
    ("all items of a source have one schema", "load([FRAME, FRAME.select([0])])", "load([FRAME, FRAME.slice(1)])"),
    (
        (
            "paths and URLs of files, open files, Arrow, Polars, pandas and DuckDB frames, and iterables of tuples, dicts or "
            "objects can"
        ),
        "load(5)",
        "load(ROWS)",
    ),
    (
        "rename one: columns are matched by name",
        "load(pa.Table.from_arrays([[1], [2]], names=['id', 'id']))",
        "load(FRAME)",
    ),
    (
        "give it alone",
        "import os, threading\nos.mkfifo(FOLDER / 'p.csv')\nload([FOLDER / 'p.csv', write('a.csv', b'id,name\\n')])",
        "load([write('a.csv', b'id,name\\n')])",
    ),
    ("give the path of a file or folder", "load('')", "load(str(write('a.csv', b'id,name\\n')))"),
    (
        "a URL begins with its scheme, as https://",
        "load('user:secret@host/a.csv')",
        "load(write('a.csv', b'id,name\\n').as_uri())",
    ),
    (
        "give its path, or an ordinary open file",
        "class A:\n    async def read(self, n=-1): return b''\nload(A(), format='csv')",
        "with write('a.csv', b'id,name\\n').open('rb') as file:\n    load(file, format='csv')",
    ),
    (
        "arrowsync load - ... < FILE, or give a path",
        "import sys\nold = sys.stdin\nsys.stdin = None\ntry:\n    load('-', format='csv')\nfinally:\n    sys.stdin = old",
        "load(write('a.csv', b'id,name\\n'))",
    ),
    (
        "{}; or format= says what it is, if it isn't",
        "load(write('a.xlsx', b'id,name\\n1,a\\n'))",
        "load(write('a.xlsx', b'id,name\\n1,a\\n'), format='csv')",
    ),
    (
        "all files of a source have one format: give a glob such as *.csv, or format= to take only some",
        "write('a.csv', b'id,name\\n')\nwrite('b.tsv', b'id\\tname\\n')\nload(FOLDER)",
        "write('a.csv', b'id,name\\n')\nwrite('b.tsv', b'id\\tname\\n')\nload(FOLDER / '*.csv')\nload(FOLDER, format='csv')",
    ),
    (
        "it looks like {}: format={} reads it",
        "pa.parquet.write_table(FRAME, FOLDER / 'a.csv'); load(FOLDER / 'a.csv')",
        "pa.parquet.write_table(FRAME, FOLDER / 'a.csv'); load(FOLDER / 'a.csv', format='parquet')",
    ),
    (
        "format={} decompresses it",
        "import gzip\nload(write('a.csv', gzip.compress(b'id,name\\n1,a\\n')))",
        "import gzip\nload(write('a.csv', gzip.compress(b'id,name\\n1,a\\n')), format='csv')",
    ),
    ("it looks like {}: {}", "load(write('a.csv', b'BZh9' + bytes(60)))", "load(write('a.csv', b'id,name\\n'))"),
    (
        'format="jsonl" reads it: its first line is an object, not names',
        'load(write(\'a.tsv\', b\'{"id": 1, "name": "a"}\'))',
        "load(write('a.tsv', b'{\"id\": 1, \"name\": \"a\"}'), format='jsonl')",
    ),
    (
        "{} reads it: its first line has {} names, separated by {}",
        "load(write('a.csv', b'id;name\\n1;a\\n'))",
        "load(write('a.csv', b'id;name\\n1;a\\n'), format='csv', csv=CsvOptions(delimiter=';'))",
    ),
    (
        "decrypt it first",
        "load(write('a.parquet', b'PARE' + bytes(20) + b'PARE'))",
        "parquet(FRAME); load(FOLDER / 'a.parquet')",
    ),
    ("give the path of a file or a folder", "load('/dev/null', format='csv')", "load(write('a.csv', b'id,name\\n'))"),
    (
        "files named *{} are looked for",
        "(FOLDER / 'd').mkdir(); load(FOLDER / 'd')",
        "write('d/a.csv', b'id,name\\n'); load(FOLDER / 'd')",
    ),
    (
        "write its name in UTF-8, with %XX for each byte of what can't be in a name",
        "write('d/id=%ff/a.csv', b'name\\na\\n'); load(FOLDER / 'd')",
        "write('d/id=%31/a.csv', b'name\\na\\n'); load(FOLDER / 'd')",
    ),
    (
        "is it damaged? compare it with the original, or copy it again",
        "load(write('a.csv.gz', b'\\x1f\\x8b' + bytes(20)))",
        "import gzip\nload(write('a.csv.gz', gzip.compress(b'id,name\\n')))",
    ),
    (
        "special characters in a password or path (@ / # ? : %) have to be percent-encoded",
        "load('https://a:b/c@host/a.csv')",
        "load(write('a#b.csv', b'id,name\\n').as_uri())",
    ),
    ("{}://host/path", "load('https:///a.csv')", "load(write('a.csv', b'id,name\\n').as_uri())"),
    (
        "a path of this machine begins with file:///",
        "load('file://other/a.csv')",
        "load(write('a.csv', b'id,name\\n').as_uri())",
    ),
    ("looked in {}{}", "load(FOLDER / 'nothing.csv')", "load(write('nothing.csv', b'id,name\\n'))"),
    ("declare the table, or give rows", "open_source([])", "open_source([], People); open_source([{'id': 1}])"),
    (
        "declare the table (as a dataclass or a pa.Schema): without that, the first rows settle columns and types",
        "open_source([(1,), ('x',)], field_names=['a'])",
        "open_source([('1',), ('x',)], pa.schema([('a', pa.string())]))",
    ),
    (
        "leave field_names out: these rows name their columns themselves",
        "load([{'id': 1, 'name': 'a'}], field_names=['id', 'name'])",
        "load([{'id': 1, 'name': 'a'}])",
    ),
    (
        "for rows of one column, make each a tuple: (value,); arrays and frames are passed as such, not in a list",
        "load([1, 2])",
        "open_source([(1,), (2,)], field_names=['id'])",
    ),
    (
        "each tuple has one member for each name; field_names=[...] says which they are, '' leaves one out",
        "load([(1, 'a', 2)])",
        "load([(1, 'a', 2)], field_names=['id', 'name', ''])",
    ),
    ("the keys of a row are names of columns", "load([{1: 1}])", "load([{'id': 1, 'name': 'a'}])"),
    ("all rows of a source are of one kind", "load([(1, 'a'), {'id': 2}])", "load([(1, 'a'), (2, 'b')])"),
    (
        "its columns are {}",
        "parquet(FRAME); open_source(FOLDER / 'a.parquet', columns=['x'])",
        "parquet(FRAME); open_source(FOLDER / 'a.parquet', columns=['id', 'name'])",
    ),
    (
        "give a value of the type of the column",
        "parquet(FRAME); open_source(FOLDER / 'a.parquet', filters=[('id', '==', date(2026, 1, 1))])",
        "parquet(FRAME); open_source(FOLDER / 'a.parquet', filters=[('id', '==', 1)])",
    ),
    (
        "pass the table, or names",
        "open_source(b'id\\n', format='csv', columns='declared')",
        "open_source(b'id,name\\n', People, format='csv', columns='declared')",
    ),
    (
        'give a list of names, or "declared"',
        "open_source(b'id\\n', format='csv', columns='id')",
        "open_source(b'id\\n', format='csv', columns=['id'])",
    ),
    (
        'each is (column, operator, value), such as ("day", ">=", date(2026, 1, 1)), with {}',
        "parquet(FRAME); open_source(FOLDER / 'a.parquet', filters=[('id', '~', 1)])",
        "parquet(FRAME); open_source(FOLDER / 'a.parquet', filters=[('id', '>=', 1)])",
    ),
    (
        "leave the filter out, and filter the rows once they are read",
        "parquet(FRAME); open_source(FOLDER / 'a.parquet', filters=[('id', '==', None)])",
        "open_source(FRAME)",
    ),
    (
        "load files of different schemas one by one",
        "parquet(FRAME)\nparquet(pa.table({'id': ['x'], 'name': ['a']}), 'b')\nload(FOLDER)",
        "parquet(FRAME)\nparquet(pa.table({'id': ['2'], 'name': ['a']}), 'b')\nload(FOLDER / 'a.parquet')",
    ),
    (
        "rename one",
        "parquet(pa.Table.from_arrays([[1], [2]], names=['id', 'id']))\nload(FOLDER / 'a.parquet')",
        "parquet(FRAME)\nload(FOLDER / 'a.parquet')",
    ),
    (
        "a stream is read once: open the source again, or keep the table that read_all() gives",
        "s = open_source(FRAME); s.read_all(); load(s)",
        "load(open_source(FRAME)); load(open_source(FRAME).read_all(), 'copy')",
    ),
    ('format="csv" reads it', "load(b'sep=;\\nid;name\\n', format='tsv')", "load(b'sep=;\\nid;name\\n', format='csv')"),
    (
        "the first line names the columns: remove empty lines",
        "load(b'\\nid\\tname\\n', format='tsv')",
        "load(b'id\\tname\\n', format='tsv')",
    ),
    (
        "write the file in UTF-8",
        "load('id\\tname\\n'.encode('utf-16'), format='tsv')",
        "load('id\\tname\\n'.encode(), format='tsv')",
    ),
    (
        r"write it as \r; line ends are LF or CRLF",
        r"load(b'id\tname\n1\ta\rb\n', format='tsv')",
        r"load(b'id\tname\n1\ta\\rb\n', format='tsv')",
    ),
    (
        r"is it text in UTF-8, not in UTF-16, and no compressed or binary file? (a NUL character is written \0)",
        r"load(b'id\tname\n1\ta\0b\n', format='tsv')",
        r"load(b'id\tname\n1\tab\n', format='tsv')",
    ),
    (
        r"each line has a field for each column, also where it is empty or \N; tabs in text are written \t",
        r"load(b'id\tname\n1\ta\tb\n', format='tsv')",
        r"load(b'id\tname\n1\ta\\tb\n', format='tsv')",
    ),
    (
        r"the escapes are \0 \b \f \n \r \t \v \\, and \N alone, which is NULL",
        r"load(b'id\tname\n1\ta\\q\n', format='tsv')",
        r"load(b'id\tname\n1\ta\\\\q\n', format='tsv')",
    ),
    (
        "cast it first: to pl.Decimal(38, 0), pl.String or a type of its values",
        "open_source(pl.DataFrame({'id': pl.Series([1], dtype=pl.Int128)}))",
        "open_source(pl.DataFrame({'id': pl.Series([1], dtype=pl.Int128).cast(pl.Decimal(38, 0))}))",
    ),
    (
        "flatten them: frame.columns = ['_'.join(label) for label in frame.columns]",
        "open_source(pd.DataFrame({('a', 'b'): [1]}))",
        (
            "frame = pd.DataFrame({('a', 'b'): [1]}); frame.columns = ['_'.join(label) for label in frame.columns]\n"
            "open_source(frame)"
        ),
    ),
    (
        "frame.reset_index() makes it one; frame.reset_index(drop=True) leaves it out",
        "load(pd.DataFrame({'name': ['a']}, index=pd.Index([1], name='id')))",
        "load(pd.DataFrame({'name': ['a']}, index=pd.Index([1], name='id')).reset_index())",
    ),
    (
        "bring the column to one type",
        "open_source(pd.DataFrame({'id': [1, 'x']}))",
        "open_source(pd.DataFrame({'id': ['1', 'x']}))",
    ),
    (
        "convert the column first, with frame.astype(...)",
        "open_source(pd.DataFrame({'id': [1 + 1j]}))",
        "open_source(pd.DataFrame({'id': [1 + 1j]}).astype(str))",
    ),
)
