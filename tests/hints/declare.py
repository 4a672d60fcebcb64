"""Hints of declarations: (hint, an example that gets it, the example that follows it)."""

from __future__ import annotations

FIELDS: tuple[tuple[str, str, str], ...] = (
    (
        "give a whole number, 1 or more: MaxLength(255)",
        "x: Annotated[str, MaxLength(0)]",
        "x: Annotated[str, MaxLength(255)]",
    ),
    (
        "0 gives seconds, 3 milliseconds, 6 microseconds",
        "x: Annotated[datetime, TimePrecision(4)]",
        "x: Annotated[datetime, TimePrecision(3)]",
    ),
    (
        'write TimeZone("UTC"); aware values of any other zone are converted',
        'x: Annotated[datetime, TimeZone("Asia/Tokyo")]',
        'x: Annotated[datetime, TimeZone("UTC")]',
    ),
    (
        "give 1 to {} digits in all: Precision(12, 2)",
        "x: Annotated[Decimal, Precision(0)]",
        "x: Annotated[Decimal, Precision(12, 2)]",
    ),
    (
        "give 0 to {}, as they count among the {} digits in all",
        "x: Annotated[Decimal, Precision(4, 5)]",
        "x: Annotated[Decimal, Precision(4, 4)]",
    ),
    (
        "give a least value, a greatest one, or both",
        "x: Annotated[int, Range(None, None)]",
        "x: Annotated[int, Range(0, None)]",
    ),
    ("give both of one type", 'x: Annotated[int, Range(0, "9")]', "x: Annotated[int, Range(0, 9)]"),
    ("the least value comes first", "x: Annotated[int, Range(9, 0)]", "x: Annotated[int, Range(0, 9)]"),
    ('write Check("{price} > 0")', "x: Annotated[int, Check('')]", 'x: Annotated[int, Check("{x} > 0")]'),
    (
        "write {name} for a column, and {{ or }} for a brace",
        "x: Annotated[int, Check('{x > 0')]",
        "x: Annotated[int, Check('{x} > 0')]",
    ),
    ("the columns are {}", "x: Annotated[int, Check('{y} > 0')]", "x: Annotated[int, Check('{x} > 0')]"),
    (
        'write RenamedFrom("old_name")',
        "x: Annotated[int, RenamedFrom('')]",
        "x: Annotated[int, RenamedFrom('old_name')]",
    ),
    ("give its former name, or remove it", "x: Annotated[int, RenamedFrom('x')]", "x: int"),
    ('write ColumnName("order id")', "x: Annotated[int, ColumnName('')]", "x: Annotated[int, ColumnName('order id')]"),
    ("write {}(...), not just its name", "x: Annotated[str, MaxLength]", "x: Annotated[str, MaxLength(9)]"),
    ("it applies to {}: remove it", "x: Annotated[int, MaxLength(9)]", "x: int"),
    ("write {}[int], for example", "x: list", "x: list[int]"),
    ("write `... | None`, or remove the default", "x: int = None", "x: int | None = None"),
    ("give a default that the column can hold", "x: int8 = 300", "x: int8 = 100"),
    ("rename one of the fields", "x: Annotated[int, ColumnName('id')]", "x: Annotated[int, ColumnName('x')]"),
    ("remove Optional, or `| None`", "x: PrimaryKey[int | None]", "x: PrimaryKey[int]"),
    ("write Identity[int]", "x: Identity[str]", "x: Identity[int]"),
    ("remove it from the Literal", "x: Literal[2**64, 1]", "x: Literal[1]"),
    (
        "give bounds that a column of type {} can hold",
        "x: Annotated[int8, Range(0, 300)]",
        "x: Annotated[int8, Range(0, 100)]",
    ),
    (
        "change one of the ranges, or remove it",
        "x: Annotated[int, Range(0, 5), Range(6, 9)]",
        "x: Annotated[int, Range(0, 5)]",
    ),
    (
        "write ForeignKey(Team), with the class of the other table",
        "x: Annotated[int, ForeignKey(on_delete='cascade')]",
        "x: Annotated[int, ForeignKey(People)]",
    ),
    ("write {}, with no type, or as ClassVar[...]", "__table_name__: str = 'other'", "__table_name__ = 'other'"),
    (
        "it takes UniqueKey(...), Index(...), Check(...) and ForeignKey(...)",
        "__constraints__ = (5,)",
        "__constraints__ = (UniqueKey('id'),)",
    ),
    (
        'write __constraints__ = (UniqueKey("a", "b"),)',
        "__constraints__ = UniqueKey('id')",
        "__constraints__ = (UniqueKey('id'),)",
    ),
    ("name each column once", "__constraints__ = (UniqueKey('id', 'id'),)", "__constraints__ = (UniqueKey('id'),)"),
    ("name each part once", "__constraints__ = (Index('id', 'id'),)", "__constraints__ = (Index('id'),)"),
    ('write UniqueKey("a", "b")', "__constraints__ = (UniqueKey(),)", "__constraints__ = (UniqueKey('id'),)"),
    ("give it at least one", "x: Enum('E', {})", "x: Enum('E', {'A': 'a'})"),
    (
        "give the members of the enum strings as values",
        "x: Enum('E', {'A': [1], 'B': [1]})",
        "x: Enum('E', {'A': 'a', 'B': 'b'})",
    ),
    (
        (
            "import or define {} at the top level of that module, outside `if TYPE_CHECKING:`; modules that "
            'need each other `import` one another as a whole, and write "module.{}"'
        ),
        "x: 'Nope'",
        "x: 'Team'",
    ),
    ("correct the annotation", "x: '1/0'", "x: 'int'"),
    ('write Index("a", "b")', "__constraints__ = (Index(),)", "__constraints__ = (Index('id'),)"),
    (
        "remove that character",
        "__constraints__ = (Check('{id} > 0' + chr(0)),)",
        "__constraints__ = (Check('{id} > 0'),)",
    ),
    (
        'write ForeignKey(Team, columns=("team_id",))',
        "x: int\n    __constraints__ = (ForeignKey(Team),)",
        "x: int\n    __constraints__ = (ForeignKey(Team, columns=('x',)),)",
    ),
    (
        "it becomes the columns {}",
        "x: Pair\n    __constraints__ = (Check('{x} > 0'),)",
        "x: Pair\n    __constraints__ = (Check('{x_a} > 0'),)",
    ),
    (
        "name a column for each of the key's, in their order",
        "x: int\n    y: int\n    __constraints__ = (ForeignKey(Pair, columns=('x',)),)",
        "x: int\n    y: int\n    __constraints__ = (ForeignKey(Pair, columns=('x', 'y')),)",
    ),
    ("remove one of them", "x: Team\n    __constraints__ = (ForeignKey(People, columns=('x',)),)", "x: Team"),
    (
        "give each a name of its own",
        "__constraints__ = (Check('{id} > 0', name='c'), Check('{id} < 9', name='c'))",
        "__constraints__ = (Check('{id} > 0', name='c'), Check('{id} < 9', name='d'))",
    ),
    (
        "one of them is a new column",
        "x: Annotated[int, RenamedFrom('o')]\n    y: Annotated[int, RenamedFrom('o')]",
        "x: Annotated[int, RenamedFrom('o')]\n    y: int",
    ),
    ("remove it: the database numbers the rows", "x: Identity[int] = 5", "x: Identity[int]"),
    (
        "remove it, or write field(default_factory=...), which is a default in Python only",
        "x: list[int] = (1,)",
        "x: list[int] = field(default_factory=list)",
    ),
    ("declare it as an int", "x: Flag('F', 'A B')", "x: int"),
    ("quote the values, or declare the type that they have: int, bool, the enum", "x: Literal[True]", "x: bool"),
    ('quote it: "{}"', "x: Literal['a', 5]", "x: Literal['a', '5']"),
    ("change that value", "x: Enum('E', {'A': ''})", "x: Enum('E', {'A': 'a'})"),
    ("give each member a text of its own", "x: Enum('E', {'A': '1', 'B': 1})", "x: Enum('E', {'A': '1', 'B': 2})"),
    (
        "give all of them objects of one dataclass",
        "x: Enum('E', {'A': Point(1, 2), 'B': Team(1, 'a')})",
        "x: Enum('E', {'A': Point(1, 2), 'B': Point(2, 3)})",
    ),
    (
        "remove `| str`, or make {} a table with a PrimaryKey",
        "x: Enum('E', {'A': Point(1, 2)}) | str",
        "x: Enum('E', {'A': Point(1, 2)})",
    ),
    (
        "rename the field",
        "x: Enum('E', {'A': make_dataclass('V', [('value', int)])(1)})",
        "x: Enum('E', {'A': make_dataclass('V', [('size', int)])(1)})",
    ),
    (
        "declare the field as a type that one column holds, or as JsonType",
        "x: Enum('E', {'A': make_dataclass('V', [('n', list[int])])([1])})",
        "x: Enum('E', {'A': make_dataclass('V', [('n', JsonType)])([1])})",
    ),
    (
        "write `... | None`",
        "x: Enum('E', {'A': make_dataclass('V', [('n', int)])(None)})",
        "x: Enum('E', {'A': make_dataclass('V', [('n', int | None)])(None)})",
    ),
    (
        "give a value that the column can hold",
        "x: Enum('E', {'A': make_dataclass('V', [('n', int8)])(300)})",
        "x: Enum('E', {'A': make_dataclass('V', [('n', int8)])(30)})",
    ),
    ("remove that annotation, or move it to the field of the table", "x: list[Unique[int]]", "x: list[int]"),
    (
        "give {} a key of one column, or declare a table of its own with a field of type {}",
        "x: list[Pair]",
        "x: list[Team]",
    ),
    (
        "remove on_delete",
        "x: make_dataclass('S', [('t', Annotated[Team, ForeignKey(on_delete='cascade')])])",
        "x: make_dataclass('S', [('t', Team)])",
    ),
    (
        "give 0, 3 or 6: TimePrecision(3)",
        "x: Annotated[datetime, TimePrecision(9)]",
        "x: Annotated[datetime, TimePrecision(3)]",
    ),
    (
        'write Index("a", "b"), with names of columns',
        "__constraints__ = (Index(5),)",
        "__constraints__ = (Index('id'),)",
    ),
    (
        'write ForeignKey(Team), or ForeignKey("Team")',
        "x: Annotated[int, ForeignKey(5)]",
        "x: Annotated[int, ForeignKey('Team')]",
    ),
    (
        'write columns=("a", "b")',
        "x: int\n    __constraints__ = (ForeignKey(Team, columns=['x']),)",
        "x: int\n    __constraints__ = (ForeignKey(Team, columns=('x',)),)",
    ),
    (
        "write {}, or leave it out",
        "x: Annotated[Team, ForeignKey(on_delete='drop')]",
        "x: Annotated[Team, ForeignKey(on_delete='cascade')]",
    ),
    (
        "give some text, or leave the name out",
        "__constraints__ = (Index('id', name=5),)",
        "__constraints__ = (Index('id', name='five'),)",
    ),
    (
        "give {} a PrimaryKey, or remove its __constraints__",
        "x: make_dataclass('S', [('n', int)], namespace={'__constraints__': (Index('n'),)})",
        "x: make_dataclass('S', [('id', PrimaryKey[int])], namespace={'__constraints__': (Index('id'),)})",
    ),
    ("declare at least one", "x: make_dataclass('S', [])", "x: make_dataclass('S', [('n', int)])"),
    (
        "a name has at least one character, and no NUL or lone surrogate",
        "__table_name__ = ''",
        "__table_name__ = 'people'",
    ),
    (
        "remove ColumnName, or declare the columns, with a ForeignKey in __constraints__",
        "x: Annotated[Pair, ColumnName('y')]",
        "x: int\n    y: int\n    __constraints__ = (ForeignKey(Pair, columns=('x', 'y')),)",
    ),
    (
        "write Unique[...], or for several columns __constraints__ = (UniqueKey(...),)",
        "x: Annotated[int, UniqueKey('x')]",
        "x: Unique[int]",
    ),
    (
        (
            "remove it, or ignore its class with skip_annotations; known are PrimaryKey, Unique, Identity, MaxLength, "
            "Precision, TimePrecision, TimeZone, Range, Check, Index, ForeignKey, RenamedFrom, ColumnName, and Ge, Gt, Le, "
            "Lt, Interval of annotated_types"
        ),
        "x: Annotated[int, 5]",
        "x: int",
    ),
    ("keep one of them", "x: Annotated[str, MaxLength(5), MaxLength(6)]", "x: Annotated[str, MaxLength(6)]"),
    ("declare a key of plain columns", "x: PrimaryKey[list[int]]", "x: PrimaryKey[int]"),
    ("remove Identity", "x: Identity[Annotated[int, ForeignKey(Team)]]", "x: Annotated[int, ForeignKey(Team)]"),
    (
        "of a float it counts the binary digits in all, 24 or 53; declare a Decimal for decimal digits",
        "x: Annotated[float, Precision(5, 2)]",
        "x: Annotated[Decimal, Precision(5, 2)]",
    ),
    (
        "give at most 53 binary digits, or declare a Decimal",
        "x: Annotated[float, Precision(60)]",
        "x: Annotated[float, Precision(53)]",
    ),
    (
        'write Range(...) with the least and the greatest value, or Check("{{}} > ...")',
        "x: Annotated[float, annotated_types.Gt(0)]",
        "x: Annotated[float, Check('{x} > 0')]",
    ),
    (
        "declare one in {}: id: PrimaryKey[int]",
        "x: Annotated[int, ForeignKey(Point)]",
        "x: Annotated[int, ForeignKey(make_dataclass('P', [('id', PrimaryKey[int])]))]",
    ),
    ("declare a field for each of the tables", "x: Team | Pair", "x: Team\n    y: Pair"),
    (
        "give them keys of one type, or declare a field for each of the tables",
        "x: Team | Named",
        "x: Team\n    y: Named",
    ),
    (
        "several columns refer to a table in __constraints__; in an annotation leave them out",
        "x: Annotated[int, ForeignKey(Team, columns=('x',))]",
        "x: Annotated[int, ForeignKey(Team)]",
    ),
    (
        "annotate the element: list[Annotated[Team, ForeignKey(...)]]",
        "x: Annotated[list[Team], ForeignKey(on_delete='cascade')]",
        "x: list[Annotated[Team, ForeignKey(on_delete='cascade')]]",
    ),
    (
        "write ForeignKey({}, columns=(...)) in __constraints__, or declare the field as {}",
        "x: Annotated[int, ForeignKey(Pair)]",
        "x: Pair",
    ),
    (
        "leave the target out: ForeignKey(on_delete=...)",
        "x: Annotated[Team, ForeignKey(People, on_delete='cascade')]",
        "x: Annotated[Team, ForeignKey(on_delete='cascade')]",
    ),
    (
        "remove on_delete, or declare a field for each of the tables",
        "x: Annotated[Team | People, ForeignKey(on_delete='cascade')]",
        "x: Team | People",
    ),
    (
        "name the dataclass of a table",
        "x: Annotated[int, ForeignKey('io')]",
        "x: Annotated[int, ForeignKey('Team')]",
    ),
    (
        "declare it with the type of {}.{}, or as {}",
        "x: Annotated[str, ForeignKey(Team)]",
        "x: Annotated[int, ForeignKey(Team)]",
    ),
    (
        'write `... | None`, or on_delete="cascade" or "restrict"',
        "x: Annotated[Team, ForeignKey(on_delete='set null')]",
        "x: Annotated[Team | None, ForeignKey(on_delete='set null')]",
    ),
    (
        'give it one, or write on_delete="cascade" or "restrict"',
        "x: Annotated[Team, ForeignKey(on_delete='set default')]",
        "x: Annotated[Team, ForeignKey(on_delete='restrict')]",
    ),
    (
        "declare Annotated[Decimal, Precision(20)], or one of the types",
        "x: uint64 | int8",
        "x: Annotated[Decimal, Precision(20)]",
    ),
    ("quote it, or remove it", "x: str | Literal[5]", "x: str | Literal['5']"),
    (
        "raise MaxLength, or remove the Literal",
        "x: Annotated[str | Literal['abcdef'], MaxLength(3)]",
        "x: Annotated[str | Literal['abcdef'], MaxLength(6)]",
    ),
)
"""Fields of a table that has a key `id` besides."""

TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n"

TABLES: tuple[tuple[str, str, str], ...] = (
    ("name each column of the key once", "load(FRAME, 'n', key=('id', 'id'))", "load(FRAME, 'n', key='id')"),
    (
        "drop the column",
        "load(FRAME.append_column('s', pa.array([{}], pa.struct([]))), 'n', key='id')",
        "load(FRAME, 'n', key='id')",
    ),
    (
        "cast the column to a decimal of fewer digits, or to a float",
        "load(pa.table({'id': pa.array([None], pa.decimal256(76, -5))}), 'n')",
        "load(pa.table({'id': pa.array([None], pa.float64())}), 'n')",
    ),
    ("pass {} itself", "create_sql(People(1, 'a'), 'ansi')", "create_sql(People, 'ansi')"),
    ("pass a class made with @dataclass", "create_sql([5], 'ansi')", "create_sql([People], 'ansi')"),
    (
        "declare at least one: `id: PrimaryKey[int]`",
        "create_sql(make_dataclass('T', []), 'ansi')",
        "create_sql(make_dataclass('T', [('id', PrimaryKey[int])]), 'ansi')",
    ),
    (
        "give {} a PrimaryKey, which makes it a table of its own, or declare this field as JsonType",
        "@dataclass\nclass S:\n    s: 'S | None'\n" + TABLE + "    x: S\ncreate_sql(T, 'ansi')",
        "@dataclass\nclass S:\n    id: PrimaryKey[int]\n    s: 'S | None'\n"
        + TABLE
        + "    x: S\ncreate_sql(T, 'ansi')",
    ),
    (
        "give one of the tables a key of its own",
        "@dataclass\nclass A:\n    b: PrimaryKey['B']\n@dataclass\nclass B:\n    a: PrimaryKey[A]\ncreate_sql(A, 'ansi')",
        "@dataclass\nclass A:\n    b: PrimaryKey['B']\n@dataclass\nclass B:\n    a: PrimaryKey[int]\ncreate_sql(A, 'ansi')",
    ),
    ("pass dataclasses, or a module that defines some", "create_sql([], 'ansi')", "create_sql([People], 'ansi')"),
    (
        "declare at least one field",
        "TableSpec('t', ())",
        "TableSpec('t', (ColumnSpec('id', pa.int64(), False),))",
    ),
    (
        "its columns are {}",
        "TableSpec('t', (ColumnSpec('id', pa.int64(), False),), ('x',))",
        "TableSpec('t', (ColumnSpec('id', pa.int64(), False),), ('id',))",
    ),
    (
        "give a tuple of classes",
        "GeneratorOptions(skip_annotations=[str])",
        "GeneratorOptions(skip_annotations=(str,))",
    ),
    (
        "the keys are modules, or their full names, such as those of __module__ of the tables",
        "GeneratorOptions(namespaces={'nowhere': 'x'})",
        "GeneratorOptions(namespaces={io: 'x', 'enum': 'y'})",
    ),
    (
        r'"\r" where lines end with CR alone; LF and CRLF are told apart',
        r"CsvOptions(line_end='\n')",
        r"CsvOptions(line_end='\r')",
    ),
    ("pass a dataclass, several of them, or a module", "to_json_schema(5)", "to_json_schema(People)"),
)

SCHEMAS: tuple[tuple[str, str, str], ...] = (
    (
        "schemas aren't fetched from elsewhere: copy what it refers to into `$defs`, and write `#/$defs/...`",
        "user(x={'$ref': 'https://example.org/x'})",
        "user(x={'$ref': '#/$defs/X'}, defs={'X': {'type': 'integer'}})",
    ),
    (
        "say of which type it is",
        "user(x={'$ref': '#/$defs/X'}, defs={'X': {'$ref': '#/$defs/X'}})",
        "user(x={'$ref': '#/$defs/X'}, defs={'X': {'type': 'integer'}})",
    ),
    (
        "move {} into that schema",
        "user(x={'$ref': '#/$defs/P', 'minProperties': 1}, defs={'P': POINT})",
        "user(x={'$ref': '#/$defs/P'}, defs={'P': POINT})",
    ),
    ("say of which type it is, or remove it", "user(x=False)", "user(x={'type': 'integer'})"),
    (
        "refer to a schema in `$defs`",
        "user(x={'$ref': '#/title'})",
        "user(x={'$ref': '#/$defs/P'}, defs={'P': POINT})",
    ),
    (
        'bring it to draft 2020-12 (`definitions` are `$defs` there), and write "$schema": "{}"',
        "from_json_schema(USER | {'$schema': 'http://json-schema.org/draft-07/schema#'})",
        "from_json_schema(USER | {'$schema': 'https://json-schema.org/draft/2020-12/schema'})",
    ),
    ("correct it", "user(x={'type': 'int'})", "user(x={'type': 'integer'})"),
    (
        'write {"title": "User", "type": "object", "properties": {...}}',
        "from_json_schema({'type': 'integer'})",
        "from_json_schema(USER)",
    ),
    (
        "pass a mapping of plain values, or the text of a JSON document",
        "from_json_schema('{')",
        "from_json_schema(json.dumps(USER))",
    ),
    ("list strings, or remove the type", "user(x={'type': 'string', 'enum': [1]})", "user(x={'enum': ['1']})"),
    (
        'narrow the bounds to 64 bits, or add "format": "decimal"',
        "user(x={'type': 'integer', 'minimum': -1, 'maximum': 2**64})",
        "user(x={'type': 'integer', 'minimum': -1, 'maximum': 2**62})",
    ),
    (
        "give a value of the type that is declared there",
        "user(x={'type': 'integer', 'default': 'a'})",
        "user(x={'type': 'integer', 'default': 1})",
    ),
    (
        "refer to schemas in `$defs`",
        "s = {'type': 'integer'}\nfor _ in range(3000):\n    s = {'type': 'array', 'items': s}\nuser(x=s)",
        "user(x={'$ref': '#/$defs/P'}, defs={'P': POINT})",
    ),
    (
        'add "title": it becomes the name of the class',
        "from_json_schema({'type': 'object', 'properties': {'x': {'type': 'integer'}}})",
        "from_json_schema(USER)",
    ),
    (
        'give it a key ("x-primary-key": true on a property), so that it is a table that others refer to',
        "user(x={'$ref': '#/$defs/P'}, defs={'P': {'type': 'object', 'properties': {'p': {'$ref': '#/$defs/P'}}}})",
        (
            "user(x={'$ref': '#/$defs/P'}, defs={'P': {'type': 'object', 'required': ['id'], 'properties': {"
            "'id': {'type': 'integer', 'x-primary-key': True}, 'p': {'$ref': '#/$defs/P'}}}})"
        ),
    ),
    (
        "write one schema with all the properties",
        "from_json_schema(USER | {'allOf': [{'type': 'object'}]})",
        "from_json_schema(USER)",
    ),
    (
        "move what isn't known beforehand into a property of its own, which is stored as JSON",
        "from_json_schema(USER | {'additionalProperties': {'type': 'integer'}})",
        "user(x={})",
    ),
    (
        "declare it, or remove it from `required`",
        "from_json_schema(USER | {'required': ['y']})",
        "from_json_schema(USER | {'required': ['id']})",
    ),
    (
        "rename the property: a name has letters, digits and underscores, and is no keyword",
        "user(**{'class': {'type': 'integer'}})",
        "user(**{'kind': {'type': 'integer'}})",
    ),
    (
        'add "null" to the type, or remove the default',
        "user(required=['x'], x={'type': 'integer', 'default': None})",
        "user(required=['x'], x={'type': ['integer', 'null'], 'default': None})",
    ),
    (
        'add "x-primary-key": true to its key there',
        "user(x={'type': 'integer', 'x-references': '#/$defs/P'}, defs={'P': POINT})",
        (
            "user(x={'type': 'integer', 'x-references': '#/$defs/P'}, defs={'P': {'title': 'P', 'type': 'object', "
            "'required': ['id'], 'properties': {'id': {'type': 'integer', 'x-primary-key': True}}}})"
        ),
    ),
    ('add "type"', "user(x={'minimum': 5})", "user(x={'type': 'integer', 'minimum': 5})"),
    (
        "a column has one type: choose one (or it and null); without any `type` the values are stored as JSON",
        "user(x={'type': ['integer', 'string']})",
        "user(x={'type': ['integer', 'null']}); user(x={})",
    ),
    (
        (
            "a column has one type: choose one (or it and null), or leave the type out to store the values as JSON; "
            'objects of several tables need keys ("x-primary-key": true)'
        ),
        "user(x={'anyOf': [{'type': 'integer'}, {'type': 'boolean'}]})",
        "user(x={'anyOf': [{'type': 'integer'}, {'type': 'null'}]}); user(x={})",
    ),
)
"""`user(x=..., defs=...)` reads the schema of a class with a key and these properties besides."""
