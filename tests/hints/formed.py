"""Hints of what PostgreSQL, MySQL and standard SQL can form: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

_TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n"
_PARENT = "@dataclass\nclass P:\n    id: PrimaryKey[int]\n    code: Unique[Annotated[str, MaxLength(9)]]\n"


def _fields(dialect: str, hint: str, refused: str, followed: str, before: str = _TABLE) -> tuple[str, str, str]:
    """Fields of a table, or what stands behind them, for a script in the dialect."""
    made = [f"{before}    {fields}\ncreate_sql(T, {dialect!r})" for fields in (refused, followed)]
    return hint, made[0], made[1]


def _keyless(dialect: str, hint: str, refused: str, followed: str) -> tuple[str, str, str]:
    return _fields(dialect, hint, refused, followed, "@dataclass\nclass T:\n    n: int\n")


def _referring(hint: str, refused: str, followed: str) -> tuple[str, str, str]:
    made = [f"{_PARENT}{_TABLE}    {fields}\ncreate_sql([P, T], 'mysql')" for fields in (refused, followed)]
    return hint, made[0], made[1]


_LANGUAGE = "from arrowsync.dialects import language_for\nlanguage = language_for({!r})\n"


def _quoted(dialect: str, hint: str, refused: str, followed: str) -> tuple[str, str, str]:
    """Names and constants, by what makes SQL text of them."""
    made = [f"{_LANGUAGE.format(dialect)}language.quoting(language.server).{call}" for call in (refused, followed)]
    return hint, made[0], made[1]


def _column(dialect: str, hint: str, refused: str, followed: str) -> tuple[str, str, str]:
    """A column that a declaration refuses before any database is asked, as whoever writes another way in may bring it."""
    made = [
        f"{_LANGUAGE.format(dialect)}column = ColumnSpec('x', {said})\n"
        "language.to_column(column, TableSpec('t', (column,)), language.server)"
        for said in (refused, followed)
    ]
    return hint, made[0], made[1]


def _table(dialect: str, hint: str, refused: str, followed: str) -> tuple[str, str, str]:
    """A table that a declaration refuses before, as above."""
    made = [
        f"{_LANGUAGE.format(dialect)}from arrowsync.catalog import *\n"
        f"def table(name='t', nullable=False, kind='bigint', **more):\n    columns = (Column('id', SqlType('bigint'), False), "
        f"Column('x', SqlType(kind), nullable))\n    return Table(ObjectName(None, name), columns, **more)\n"
        "def check(*tables):\n    limits = language.limits(language.server)\n"
        f"    for each in tables:\n        limits.check_table(each)\n    limits.check_tables(tables)\ncheck({said})"
        for said in (refused, followed)
    ]
    return hint, made[0], made[1]


_WIDE = "[('id', PrimaryKey[int]), *((f'c{{at}}', Annotated[str, MaxLength({length})]) for at in range({count}))]"


def _wide(hint: str, dialect: str, refused: str, followed: str) -> tuple[str, str, str]:
    made = [f"create_sql(make_dataclass('T', {fields}), {dialect!r})" for fields in (refused, followed)]
    return hint, made[0], made[1]


_NUMBERS = "[('id', PrimaryKey[int]), *((f'c{{at}}', int16) for at in range({}))]"
_NAMED = "create_sql(make_dataclass({}, [('id', PrimaryKey[int])]), {!r})"


def _called(dialect: str, hint: str, refused: str, followed: str) -> tuple[str, str, str]:
    return hint, _NAMED.format(refused, dialect), _NAMED.format(followed, dialect)


_ENUM = "x = make_dataclass('T', [('id', PrimaryKey[int]), ('c', Literal[{}])])\ncreate_sql(x, {!r}{})"
_BY_CHECK = ", options=GeneratorOptions(enum_mode=EnumMode.CHECK)"
_BY_TABLE = ", options=GeneratorOptions(enum_mode=EnumMode.RELATION)"
_MANY = "tuple(map(str, range(65_536)))"

_CATALOG = (
    "from arrowsync.catalog import *\nto_source(Catalog(tables=(Table(ObjectName(None, 't'), ({},)),), dialect='ansi'))"
)
_STRUCT = (
    "S = make_dataclass('S', [(f'c{{at}}', int) for at in range({})])\n"
    "create_sql(make_dataclass('T', [('id', PrimaryKey[int]), ('s', S)]), 'postgresql')"
)
_LOOKED_UP = "class Color(Enum):\n    RED = 'red'\n" + _TABLE + "    c: Color | Annotated[str, MaxLength(16)]\n"

FORMED: tuple[tuple[str, str, str], ...] = (
    # names
    _called("mysql", "choose another one", "'#mysql50#t'", "'t'"),
    _called("mysql", "choose a shorter one, or one of ASCII letters, of which each takes one byte", "'中' * 51", "'t' * 51"),
    _called("postgresql", "choose another name, or give the table a namespace", "'pg_stats'", "'stats'"),
    _called(
        "postgresql", "choose another name, or give the table a namespace", "'pg_stats'",
        "'pg_stats', [], namespace={'__namespace__': 'mine'}) and make_dataclass('stats'",
    ),
    _quoted("postgresql", "choose a shorter one: the server would cut it without an error", "identifier('t' * 64)",
            "identifier('t' * 63)"),
    _fields("mysql", "choose another name", "n: Annotated[int, Index(name='Primary')]", "n: Annotated[int, Index(name='first')]"),
    _fields("mysql", "give each a name of its own", "n: Annotated[int, Index(name='i')]\n    m: Annotated[int, Index(name='I')]",
            "n: Annotated[int, Index(name='i')]\n    m: Annotated[int, Index(name='j')]"),
    _fields("postgresql", "choose another name; other case will do, as in {}", "xmin: int", "XMIN: int"),
    (
        "choose another name",
        _TABLE + "    __namespace__ = 'pg_mine'\ncreate_sql(T, 'postgresql')",
        _TABLE + "    __namespace__ = 'mine'\ncreate_sql(T, 'postgresql')",
    ),
    _fields(
        "postgresql", "give each a name of its own, or none",
        "n: Annotated[int, Index(name='c')]\n    __constraints__ = (Check('{n} > 0', name='c'),)",
        "n: Annotated[int, Index(name='c')]\n    __constraints__ = (Check('{n} > 0'),)",
    ),
    (
        "give each a name of its own, or none",
        _TABLE + "    __constraints__ = (Check('{id} > 0', name='c'),)\n" + _TABLE.replace("T:", "U:")
        + "    __constraints__ = (Check('{id} > 0', name='c'),)\ncreate_sql([T, U], 'mysql')",
        _TABLE + "    __constraints__ = (Check('{id} > 0', name='c'),)\n" + _TABLE.replace("T:", "U:")
        + "    __constraints__ = (Check('{id} > 0', name='d'),)\ncreate_sql([T, U], 'mysql')",
    ),
    (
        "rename one of them",
        _TABLE + "    n: Annotated[int, Index(name='i')]\n" + _TABLE.replace("T:", "U:")
        + "    n: Annotated[int, Index(name='i')]\ncreate_sql([T, U], 'postgresql')",
        _TABLE + "    n: Annotated[int, Index(name='i')]\n" + _TABLE.replace("T:", "U:")
        + "    n: Annotated[int, Index(name='j')]\ncreate_sql([T, U], 'postgresql')",
    ),
    (
        "rename the class (in other case will do), or give the table a namespace",
        "class text(Enum):\n    A = 'a'\n" + _TABLE + "    x: text\ncreate_sql(T, 'postgresql')",
        "class Text(Enum):\n    A = 'a'\n" + _TABLE + "    x: Text\ncreate_sql(T, 'postgresql')\n"
        "class text(Enum):\n    A = 'a'\n" + _TABLE.replace("T:", "U:")
        + "    __namespace__ = 'mine'\n    x: text\ncreate_sql(U, 'postgresql')",
    ),
    # texts
    _quoted("postgresql", "remove it: PostgreSQL stores text without NUL", "identifier('a\\0')", "identifier('a')"),
    _quoted("mysql", "remove it", "identifier('a\\0')", "identifier('a')"),
    _quoted("postgresql", "remove it", "literal('a\\ud800')", "literal('a')"),
    _quoted("mysql", "remove it", "literal('a\\ud800')", "literal('a')"),
    (
        "shorten the docstring",
        "create_sql(make_dataclass('T', [('id', PrimaryKey[int])], namespace={'__doc__': 'x' * 2049}), 'mysql')",
        "create_sql(make_dataclass('T', [('id', PrimaryKey[int])], namespace={'__doc__': 'x' * 2048}), 'mysql')",
    ),
    # constants
    _fields("mysql", "remove it, or give a number", "x: float = float('nan')", "x: float"),
    _fields("mysql", "write 0.0", "x: float = -0.0", "x: float = 0.0"),
    _quoted("mysql", "use NULL, or a number", "literal(float('inf'))", "literal(1.5)"),
    _quoted("mysql", "use what JSON has", "literal({'a': {1}})", "literal({'a': [1]})"),
    _quoted("postgresql", "use what JSON has", "literal({'a': {1}})", "literal({'a': [1]})"),
    # keys and numbers
    _fields("mysql", "declare it with a MaxLength of at most {}", "x: Unique[str]", "x: Unique[Annotated[str, MaxLength(768)]]"),
    _fields("mysql", "take it out of the key", "x: Annotated[JsonType, Index()]", "x: JsonType"),
    _fields("mysql", "declare a smaller MaxLength", "x: Unique[Annotated[str, MaxLength(769)]]",
            "x: Unique[Annotated[str, MaxLength(768)]]"),
    _wide(
        "leave some out", "mysql",
        "[('id', PrimaryKey[int]), *((f'c{at}', Annotated[int, Index()]) for at in range(64))]",
        "[('id', PrimaryKey[int]), *((f'c{at}', Annotated[int, Index()]) for at in range(63))]",
    ),
    _wide(
        "leave some of them out", "postgresql",
        "[(f'c{at}', PrimaryKey[int]) for at in range(33)]",
        "[(f'c{at}', PrimaryKey[int]) for at in range(32)]",
    ),
    _keyless("mysql", "declare a single Identity", "m: PrimaryKey[Identity[int]]\n    o: Unique[Identity[int]]",
             "m: PrimaryKey[Identity[int]]\n    o: Unique[int]"),
    _fields("mysql", "declare it as PrimaryKey[Identity[int]], or as Unique", "m: Identity[int]", "m: Unique[Identity[int]]"),
    _keyless("mysql", "declare it as PrimaryKey[Identity[int]], or as Unique", "m: Identity[int]",
             "m: PrimaryKey[Identity[int]]"),
    _keyless(
        "mysql", "remove its Range or Check", "m: Annotated[PrimaryKey[Identity[int]], Range(0)]",
        "m: PrimaryKey[Identity[int]]",
    ),
    _fields("mariadb", "leave it out, or name the columns in it",
            "x: Annotated[str, MaxLength(9)]\n    __constraints__ = (Index('lower({x})'),)",
            "x: Annotated[str, MaxLength(9)]\n    __constraints__ = (Index('x'),)"),
    # foreign keys
    _referring('declare on_delete="set null", or "restrict"', "x: Annotated[P | None, ForeignKey(on_delete='set default')]",
               "x: Annotated[P | None, ForeignKey(on_delete='set null')]"),
    _table(
        "mysql", "declare it as Optional",
        "table(foreign_keys=(ForeignKey(('x',), ObjectName(None, 'p'), ('id',), 'set null', 'f'),))",
        "table(nullable=True, foreign_keys=(ForeignKey(('x',), ObjectName(None, 'p'), ('id',), 'set null', 'f'),))",
    ),
    _table(
        "mysql", "refer to a primary or unique key",
        "table('p', key=('id',)), table(foreign_keys=(ForeignKey(('x',), ObjectName(None, 'p'), ('x',)),))",
        "table('p', key=('id',)), table(foreign_keys=(ForeignKey(('x',), ObjectName(None, 'p'), ('id',)),))",
    ),
    _referring(
        "remove one of the two",
        "x: Annotated[P | None, ForeignKey(on_delete='set null')]\n    __constraints__ = (Check('{x} > 0'),)",
        "x: Annotated[P | None, ForeignKey(on_delete='set null')]",
    ),
    _table(
        "mysql", "declare both of one type, or form the tables with foreign_constraints=False",
        "table('p', key=('id',)), table(kind='int', foreign_keys=(ForeignKey(('x',), ObjectName(None, 'p'), ('id',)),))",
        "table('p', key=('id',)), table(kind='bigint', foreign_keys=(ForeignKey(('x',), ObjectName(None, 'p'), ('id',)),))",
    ),
    # sizes
    _wide("split it, or put some of its fields into a struct", "mysql", _NUMBERS.format(1017), _NUMBERS.format(1016)),
    _wide("split it, or put some of its fields into a struct", "postgresql", _NUMBERS.format(1600), _NUMBERS.format(1599)),
    _wide(
        "split it, or put some of its fields into a struct", "mysql",
        _WIDE.format(length=60, count=230),
        "[('id', PrimaryKey[int]), ('s', make_dataclass('S', [(f'c{at}', str) for at in range(230)]))]",
    ),
    _wide(
        "leave out its MaxLength: text of any length is stored apart from the row", "mysql",
        _WIDE.format(length=9000, count=2), "[('id', PrimaryKey[int]), ('c0', Annotated[str, MaxLength(9000)]), ('c1', str)]",
    ),
    # types
    *(
        case
        for dialect in ("postgresql", "mysql", "ansi")
        for case in (
            _column(dialect, "declare it as Identity[int]", "pa.float64(), identity=True", "pa.int64(), identity=True"),
            _column(dialect, "declare another type, or JsonType", "pa.month_day_nano_interval()", "pa.json_()"),
        )
    ),
    _column("mysql", "declare a scale of 0 or more", "pa.decimal128(5, -2)", "pa.decimal128(5, 0)"),
    _fields("mysql", "declare a smaller one", "x: Annotated[str, MaxLength(1 << 30)]", "x: Annotated[str, MaxLength(1 << 20)]"),
    _fields("postgresql", "remove it, or declare at most MaxLength({})", "x: Annotated[str, MaxLength(10485761)]",
            "x: Annotated[str, MaxLength(10485760)]"),
    (
        "a struct has 1 to {}",
        _STRUCT.format(1601),
        _STRUCT.format(1600),
    ),
    (
        "declare it as JsonType, or form it with array_mode=ArrayMode.JSON",
        _TABLE + "    x: list[list[list[list[list[list[list[int]]]]]]]\ncreate_sql(T, 'postgresql')",
        _TABLE + "    x: list[list[list[list[list[list[list[int]]]]]]]\n"
        "create_sql(T, 'postgresql', options=GeneratorOptions(array_mode=ArrayMode.JSON))",
    ),
    # labels
    ("change it, or form the table with enum_mode=EnumMode.CHECK", _ENUM.format("'a '", "mysql", ""),
     _ENUM.format("'a'", "mysql", "")),
    ("change it, or form the table with enum_mode=EnumMode.CHECK", _ENUM.format("'x' * 256", "mysql", ""),
     _ENUM.format("'x' * 256", "mysql", _BY_CHECK)),
    ("form the table with enum_mode=EnumMode.RELATION", _ENUM.format(_MANY, "mysql", ""),
     _ENUM.format(_MANY, "mysql", _BY_TABLE)),
    ("shorten it, declare the field as a str, or form it with another enum_mode", _ENUM.format("'x' * 64", "postgresql", ""),
     _ENUM.format("'x' * 63", "postgresql", "")),
    ("shorten it, declare the field as a str, or form it with another enum_mode", _ENUM.format("'x' * 64", "postgresql", ""),
     _ENUM.format("'x' * 64", "postgresql", _BY_CHECK)),
    # what is made of a catalog, and loaded
    (
        "change the type of the column, or leave this table out of the catalog",
        _CATALOG.format("Column('x', SqlType('geometry'))"), _CATALOG.format("Column('x', SqlType('text'))"),
    ),
    (
        "let it return where it has no more rows",
        "def rows():\n    for n in range(100_000):\n        yield n, 'a'\n    raise GeneratorExit\nload(rows())",
        "def rows():\n    for n in range(100_000):\n        yield n, 'a'\n    return\nload(rows())",
    ),
    (
        "write it to a file first",
        "from arrowsync.load.infer import infer\ninfer('-')",
        "from arrowsync.load.infer import infer\ninfer(str(write('a.csv', b'id\\n1\\n')))",
    ),
    (
        "create the tables with migrate, and declare and load each of them on its own",
        _LOOKED_UP + "load([(1, 'red')], T)",
        _LOOKED_UP + "migrate(T, CONN)\nload([{'id': 1, 'value': 'red'}], 'Color', key='id')\n"
        "load([{'id': 7, 'c': 1}], 'T', key='id')",
    ),
)  # fmt: skip
