"""Hints of values that don't convert: (hint, the type and the values that get it, the type and the values that follow it)."""

from __future__ import annotations


def example(case: tuple[str, str]) -> str:
    kind, values = case
    table = f"@dataclass\nclass T:\n    id: PrimaryKey[int]\n    x: {kind}\n"
    return table + f"load(pa.table({{'id': [1], 'x': {values}}}), T)"


VALUES: tuple[tuple[str, tuple[str, str], tuple[str, str]], ...] = (
    ("declare the column as a str, or mend the values", ("IPv4Address", "['1.2.3']"), ("IPv4Address", "['1.2.3.4']")),
    (
        "mend the values, or declare other bounds",
        ("Annotated[int, Range(0, 5)]", "[6]"),
        ("Annotated[int, Range(0, 6)]", "[6]"),
    ),
    ("declare Decimal, or round the values", ("int", "[Decimal('1.5')]"), ("Decimal", "[Decimal('1.5')]")),
    ("declare Decimal", ("float", "[Decimal('0.12345678901234567890')]"), ("Decimal", "[Decimal('0.1234567')]")),
    (
        "write hours, minutes and seconds, or ISO 8601; months have no fixed length",
        ("timedelta", "['1 month']"),
        ("timedelta", "['10:00:00']"),
    ),
    (
        "no database stores U+0000 in text: remove it, or declare bytes",
        ("str", "['a' + chr(0)]"),
        ("bytes", "[b'a' + bytes(1)]"),
    ),
    (
        "JSON as in RFC 8259: no NaN or Infinity, no trailing comma, no unpaired surrogate",
        ("JsonType", "['[1,]']"),
        ("JsonType", "['[1]']"),
    ),
    (
        "flatten it, or store it as text",
        ("JsonType", "['[' * 2000 + ']' * 2000]"),
        ("str", "['[' * 2000 + ']' * 2000]"),
    ),
    (
        "replace it by NULL, or declare the column with members of its own",
        ("JsonType", "pa.array([[float('nan')]])"),
        ("list[float]", "pa.array([[float('nan')]])"),
    ),
    (
        "write lists as JSON, [1, 2], or as PostgreSQL prints arrays, {1,2}",
        ("list[int]", "['{1,a,']"),
        ("list[int]", "['[1, 2]']"),
    ),
    ('write structs as JSON, {"name": 1}', ("Point", "['[1,2]']"), ("Point", '[\'{"x": 1, "y": 2}\']')),
    ("mend the text, or the declaration", ("Point", "['{\"z\": 1}']"), ("Point", '[\'{"x": 1, "y": 2}\']')),
    ("numbers and booleans have no quotes in JSON", ("list[int]", "['[\"1\"]']"), ("list[int]", "['[1]']")),
    ("text, dates, UUIDs and the like have quotes in JSON", ("list[str]", "['[1]']"), ("list[str]", "['[\"1\"]']")),
    ("declare a wider type, or fix the values", ("int8", "[300]"), ("int16", "[300]")),
    ("declare a decimal or an integer type", ("float", "[2**53 + 1]"), ("int", "[2**53 + 1]")),
    ("compare it with something, or declare int", ("bool", "[2]"), ("int", "[2]")),
    (
        (
            "NaN is a number, not NULL: make it NULL first (polars: fill_nan(None); pandas: load the frame itself, or the "
            "records of df.astype(object).where(df.notna(), None))"
        ),
        ("int | None", "[float('nan')]"),
        ("int | None", "pl.Series([float('nan')]).fill_nan(None).to_arrow()"),
    ),
    ("declare float or Decimal, or round the values", ("int", "[1.5]"), ("float", "[1.5]")),
    ("declare float64, or round the values to float32", ("float32", "[0.1]"), ("float64", "[0.1]")),
    ("write true or false (or t or f)", ("bool", "['yes']"), ("bool", "['true']")),
    (
        "integers are written like -12, without a point, exponent, blanks or separators of thousands",
        ("int", "['1,000']"),
        ("int", "['1000']"),
    ),
    (
        "numbers are written like -12.5 or 1e6, without blanks or separators of thousands",
        ("float", "['1 000']"),
        ("float", "['1e3']"),
    ),
    (
        "declare a larger scale with Precision(p, s), or round the values",
        ("Annotated[Decimal, Precision(9, 2)]", "['0.123']"),
        ("Annotated[Decimal, Precision(9, 3)]", "['0.123']"),
    ),
    (
        "dates and timestamps range from 0001-01-01 to 9999-12-31",
        ("date", "pa.array([3000000], pa.date32())"),
        ("date", "pa.array([2932896], pa.date32())"),
    ),
    (
        "columns hold microseconds: truncate the values to them first",
        ("datetime", "pa.array([1], pa.timestamp('ns'))"),
        ("datetime", "pa.array([1000], pa.timestamp('ns'))"),
    ),
    (
        "the column holds {}s: truncate the values to them first",
        ("Annotated[datetime, TimePrecision(0)]", "pa.array([1], pa.timestamp('us'))"),
        ("Annotated[datetime, TimePrecision(0)]", "pa.array([1000000], pa.timestamp('us'))"),
    ),
    (
        "times range from 00:00:00 to 23:59:59.999999",
        ("time", "pa.array([86400 * 10**6], pa.int64()).view(pa.time64('us'))"),
        ("time", "pa.array([86399 * 10**6], pa.int64()).view(pa.time64('us'))"),
    ),
    (
        "durations reach about 292,000 years",
        ("timedelta", "pa.array([2**62], pa.duration('s'))"),
        ("timedelta", "pa.array([292000 * 365 * 86400], pa.duration('s'))"),
    ),
    (
        "declare datetime, or drop the time of day first",
        ("date", "[datetime(2026, 1, 1, 5)]"),
        ("datetime", "[datetime(2026, 1, 1, 5)]"),
    ),
    ("write dates as year-month-day (ISO 8601)", ("date", "['1.2.2026']"), ("date", "['2026-02-01']")),
    ("write times as hh:mm:ss or hh:mm:ss.ffffff", ("time", "['5 pm']"), ("time", "['17:00:00']")),
    (
        "write timestamps as in RFC 3339, with seconds",
        ("datetime", "['2026-01-01 10 pm']"),
        ("datetime", "['2026-01-01T22:00:00']"),
    ),
    ("months have 28 to 31 days, years 12 months", ("date", "['2026-02-30']"), ("date", "['2026-02-28']")),
    (
        "hours end at 23, minutes and seconds at 59, offsets at 23:59",
        ("time", "['24:00:01']"),
        ("time", "['23:00:01']"),
    ),
    (
        "add Z or an offset like +01:00 to the text, or declare datetime without TimeZone",
        ("Annotated[datetime, TimeZone('UTC')]", "['2026-01-01T10:00:00']"),
        ("Annotated[datetime, TimeZone('UTC')]", "['2026-01-01T10:00:00+01:00']"),
    ),
    ("decode the text with its own encoding first", ("str", "[b'\\xff']"), ("str", "['ÿ'.encode()]")),
    ("its labels are {}", ("Literal['a', 'b']", "['c']"), ("Literal['a', 'b']", "['a']")),
    (
        "write UUIDs as 32 hexadecimal digits, with or without hyphens",
        ("UUID", "['12']"),
        ("UUID", "['12345678-1234-5678-1234-567812345678']"),
    ),
    ("a UUID is 16 bytes", ("UUID", "[b'12']"), ("UUID", "[bytes(16)]")),
    (
        "write them as \\x and hexadecimal digits; for what is UTF-8 or Base64, decode it first, or declare str",
        ("bytes", "['hi']"),
        ("bytes", "[r'\\x6869']"),
    ),
)
"""Types of a column, and expressions of its values."""

CONVERSIONS: tuple[tuple[str, str, str], ...] = (
    (
        "cast it to another type, or drop the column",
        "write_tsv(pa.table({'a': pa.array([(1, 2, 3)], pa.month_day_nano_interval())}), FOLDER / 'a.tsv')",
        "write_tsv(pa.table({'a': pa.array(['[1]'])}), FOLDER / 'a.tsv')",
    ),
)
