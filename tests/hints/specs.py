"""Hints of tables as a database has them, of what is written from them, and of their random rows."""

from __future__ import annotations

TABLE = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n"
TO_TEAM = "references=(Reference('Team', ('id',), source=Team),)"

DECLARES_TWICE = (
    "SHOP = __import__('types').ModuleType('shop')\nfor name in 'AB':\n"
    "    made = make_dataclass(name, [('id', PrimaryKey[int])], namespace={'__module__': 'shop', '__table_name__': 't'})\n"
    "    made.__module__ = 'shop'\n    setattr(SHOP, name, made)\n"
)
TO_K = "references=(Reference('K', ('k',), source=K),)"
TO_PAIR = "Reference('Pair', ('a', 'b'), source=Pair)"

WRITTEN: tuple[tuple[str, str, str], ...] = (
    (
        "remove it, or add that label",
        "to_source(spec(ColumnSpec('x', pa.dictionary(pa.int32(), pa.string()), labels=('a',), default='b')))",
        "to_source(spec(ColumnSpec('x', pa.dictionary(pa.int32(), pa.string()), labels=('a', 'b'), default='b')))",
    ),
    (
        "remove it, or declare the column as text",
        "to_source(spec(ColumnSpec('x', pa.string(), ip='4', default='1.2.3')))",
        "to_source(spec(ColumnSpec('x', pa.string(), default='1.2.3')))",
    ),
    (
        "remove it: only a string, a number, true and false can be",
        "to_source(spec(ColumnSpec('x', pa.json_(), default='{}')))",
        "to_source(spec(ColumnSpec('x', pa.json_(), default='5')))",
    ),
    (
        "give that table too",
        "to_source(spec(ColumnSpec('x', pa.int64(), references=(Reference('Team', ('id',)),))))",
        "to_source([spec(ColumnSpec('x', pa.int64(), references=(Reference('Team', ('id',)),))), Team])",
    ),
    (
        "leave this foreign key out: a declaration can't name columns other than the key",
        "to_source([spec(ColumnSpec('x', pa.string(), references=(Reference('Team', ('name',)),))), Team])",
        "to_source([spec(ColumnSpec('x', pa.string())), Team])",
    ),
    (
        "leave one of the two out",
        "to_source([spec(ColumnSpec('x', pa.int64(), identity=True, references=(Reference('Team', ('id',)),))), Team])",
        "to_source([spec(ColumnSpec('x', pa.int64(), references=(Reference('Team', ('id',)),))), Team])",
    ),
    (
        "write a check instead of choices",
        "to_source(spec(ColumnSpec('x', pa.int32(), choices=(1, 2))))",
        "to_source(spec(ColumnSpec('x', pa.int32()), checks=(declare.spec.CheckSpec('{x} IN (1, 2)'),)))",
    ),
    (
        "leave this column out, or change its type",
        "to_source(spec(ColumnSpec('x', pa.list_view(pa.int64()))))",
        "to_source(spec(ColumnSpec('x', pa.int64())))",
    ),
    (
        "name a column for each of them",
        "to_source([spec(ColumnSpec('x', pa.int64(), references=(Reference('Pair', ('a', 'b')),))), Pair])",
        (
            "to_source([spec(ColumnSpec('x', pa.int64()), ColumnSpec('y', pa.int64()), "
            "foreign_keys=(ForeignKeySpec(('x', 'y'), Reference('Pair', ('a', 'b'))),)), Pair])"
        ),
    ),
    (
        "leave the references out",
        (
            "several = (Reference('Team', ('id',)), Reference('People', ('id',)))\n"
            "to_source([spec(ColumnSpec('x', pa.int32(), references=several)), "
            "Team, People])"
        ),
        "to_source([spec(ColumnSpec('x', pa.int32())), Team, People])",
    ),
    (
        "the key of a declaration has the order of its fields: change that of the key, or of the columns",
        "to_source(spec(ColumnSpec('x', pa.int64()), key=('x', 'id')))",
        "to_source(spec(ColumnSpec('x', pa.int64()), key=('id', 'x')))",
    ),
    (
        "remove the column",
        TABLE + "    x: Annotated[float, ArrowType(pa.float16())]\nto_json_schema(T)",
        TABLE + "to_json_schema(T)",
    ),
    (
        "remove the default",
        TABLE + "    x: float = float('inf')\nto_json_schema(T)",
        TABLE + "    x: float\nto_json_schema(T)",
    ),
    (
        "give one of them a __table_name__ or a __namespace__",
        DECLARES_TWICE + "create_sql(SHOP, 'ansi')",
        DECLARES_TWICE + "SHOP.B.__table_name__ = 'u'\ncreate_sql(SHOP, 'ansi')",
    ),
    (
        "raise MaxLength, or shorten the label",
        "class E(Enum):\n    A = 'long'\n" + TABLE + "    x: E | Annotated[str, MaxLength(3)]\ncreate_sql(T, 'ansi')",
        "class E(Enum):\n    A = 'long'\n" + TABLE + "    x: E | Annotated[str, MaxLength(4)]\ncreate_sql(T, 'ansi')",
    ),
    (
        "declare a PrimaryKey",
        (
            "create_sql(make_dataclass('T', [('n', int), ('x', list[int])]), 'postgresql', "
            "options=GeneratorOptions(array_mode=ArrayMode.RELATION))"
        ),
        (
            "create_sql(make_dataclass('T', [('n', PrimaryKey[int]), ('x', list[int])]), 'postgresql', "
            "options=GeneratorOptions(array_mode=ArrayMode.RELATION))"
        ),
    ),
    (
        "form it with enum_mode=EnumMode.RELATION, so that all its columns refer to the table",
        "class E(Enum):\n    A = 'a'\n" + TABLE + "    x: E\n    y: E | str\ncreate_sql(T, 'postgresql')",
        (
            "class E(Enum):\n    A = 'a'\n"
            + TABLE
            + "    x: E\n    y: E | str\ncreate_sql(T, 'postgresql', options=GeneratorOptions(enum_mode=EnumMode.RELATION))"
        ),
    ),
    (
        "form it with initialize_tables=True, or remove the default",
        (
            "class E(Enum):\n    A = 'a'\n"
            + TABLE
            + "    x: E = E.A\ncreate_sql(T, 'ansi', options=GeneratorOptions(enum_mode=EnumMode.RELATION, "
            "initialize_tables=False))"
        ),
        (
            "class E(Enum):\n    A = 'a'\n"
            + TABLE
            + "    x: E = E.A\ncreate_sql(T, 'ansi', options=GeneratorOptions(enum_mode=EnumMode.RELATION, "
            "initialize_tables=True))"
        ),
    ),
    (
        "rename one of the classes",
        "class Team2(Enum):\n    __type_name__ = 'Team'\n    A = 'a'\n"
        + TABLE
        + "    x: Team2\ncreate_sql([T, Team], 'postgresql')",
        "class Team2(Enum):\n    A = 'a'\n" + TABLE + "    x: Team2\ncreate_sql([T, Team], 'postgresql')",
    ),
    (
        "change the type of the column, or leave this table out of the catalog",
        "to_source(Catalog((Table(ObjectName(None, 't'), (Column('x', SqlType('xml')),)),)), 'ansi')",
        (
            "to_source(Catalog((Table(ObjectName(None, 't'), (Column('x', SqlType('boolean')),)),)), 'ansi')\n"
            "to_source(Catalog(), 'ansi')"
        ),
    ),
)

RANDOM: tuple[tuple[str, str, str], ...] = (
    (
        "declare a type of the README's table",
        "testing.random_batches(spec(ColumnSpec('x', pa.float16())), 1).read_all()",
        "testing.random_batches(spec(ColumnSpec('x', pa.float32())), 1).read_all()",
    ),
    (
        "widen the range; random dates and times lie in the years 1000 to 9999",
        TABLE + "    x: Annotated[date, Range(None, date(999, 1, 1))]\ntesting.random_batches(T, 1).read_all()",
        TABLE + "    x: Annotated[date, Range(None, date(1000, 1, 1))]\ntesting.random_batches(T, 1).read_all()",
    ),
    (
        "declare this column Optional, or that one not",
        (
            "@dataclass\nclass K:\n    id: PrimaryKey[int]\n    k: Unique[int | None]\n"
            f"testing.random_batches(spec(ColumnSpec('x', pa.int64(), {TO_K})), 1).read_all()"
        ),
        (
            "@dataclass\nclass K:\n    id: PrimaryKey[int]\n    k: Unique[int | None]\n"
            "testing.random_batches(spec(ColumnSpec('x', pa.int64(), True, references=(Reference('K', ('k',), source=K),))), 1)"
            ".read_all()"
        ),
    ),
    (
        "give the Reference its source, the dataclass that declares that table",
        "testing.random_batches(spec(ColumnSpec('x', pa.int64(), references=(Reference('Team', ('id',)),))), 1).read_all()",
        f"testing.random_batches(spec(ColumnSpec('x', pa.int64(), {TO_TEAM})), 1).read_all()",
    ),
    (
        "leave lists out of the key",
        "testing.random_batches(spec(ColumnSpec('x', pa.list_(pa.int64())), key=('x',)), 1).read_all()",
        "testing.random_batches(spec(ColumnSpec('x', pa.list_(pa.int64()))), 1).read_all()",
    ),
    (
        "make the rows of this table yourself",
        (
            "testing.random_batches(spec(ColumnSpec('x', pa.int64()), foreign_keys=(ForeignKeySpec(('id', 'x'), "
            f"{TO_PAIR}), ForeignKeySpec(('x', 'id'), {TO_PAIR}))), 1)"
        ),
        "load(FRAME)",
    ),
)
