"""The data: made once for a run, seeded, as Parquet; each dataset with the columns of its table in PostgreSQL.

`lineitem` is TPC-H's, `keyed` is the same with a row number as its key (peers differ in the keys that they can have), `events`
has the types that an application's log has, `wide` has many numbers, and `nulls` is mostly NULL.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

SEED = 20261121
LINEITEM = {
    "l_orderkey": "bigint",
    "l_partkey": "bigint",
    "l_suppkey": "bigint",
    "l_linenumber": "integer",
    "l_quantity": "numeric(15,2)",
    "l_extendedprice": "numeric(15,2)",
    "l_discount": "numeric(15,2)",
    "l_tax": "numeric(15,2)",
    "l_returnflag": "varchar(1)",
    "l_linestatus": "varchar(1)",
    "l_shipdate": "date",
    "l_commitdate": "date",
    "l_receiptdate": "date",
    "l_shipinstruct": "varchar(25)",
    "l_shipmode": "varchar(10)",
    "l_comment": "varchar(44)",
}
KINDS = ("login", "logout", "view", "click", "purchase", "refund", "error")
LEVELS = ("debug", "info", "warning", "error")
WORDS = "Straße 東京 naïve Ελλάδα данные 🚀 café payload retry timeout cliente señal response gateway".split()


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table's worth of data: its columns, what is created before it, and its key, if it has one."""

    columns: dict[str, str]
    make: Callable[[int, Path], pa.Table]
    before: tuple[str, ...] = ()
    key: str | None = None

    def create_table(self, name: str) -> str:
        """The statement that creates the table."""
        columns = ", ".join(
            f"{column} {kind} NOT NULL" if self.key else f"{column} {kind}" for column, kind in self.columns.items()
        )
        key = f", PRIMARY KEY ({self.key})" if self.key else ""
        return f"CREATE TABLE {name} ({columns}{key})"


def write_parquet(name: str, rows: int, folder: Path) -> Path:
    """The dataset as a Parquet file."""
    path = folder / f"{name}.parquet"
    pyarrow.parquet.write_table(DATASETS[name].make(rows, folder), path, row_group_size=200_000)
    return path


def write_csv(table: pa.Table, path: Path) -> None:
    """The same as text and with row numbers, for the reference that is loaded without any contender."""
    for at, field in enumerate(table.schema):
        if isinstance(field.type, pa.UuidType):
            table = table.set_column(at, field.name, pa.array([str(value) for value in table[at].to_pylist()]))
        elif pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table[at].cast(pa.string()))
    pyarrow.csv.write_csv(table.append_column("row_number", pa.array(np.arange(table.num_rows))), path)


def lineitem(rows: int, folder: Path) -> pa.Table:
    """The first rows of TPC-H lineitem, in the types that a declaration of it has."""
    made = folder / "tpch" / "lineitem.parquet"
    if not made.exists():
        import sys

        generator = str(Path(sys.executable).parent / "tpchgen-cli")
        scale = max(rows / 5_900_000, 0.001)
        command = [generator, "parquet", "-s", f"{scale:.4f}", "--tables=lineitem", f"--output-dir={made.parent}"]
        subprocess.run(command, check=True, capture_output=True)
    table = pyarrow.parquet.read_table(made).slice(0, rows)
    assert table.num_rows == rows, "the scale gives enough rows"
    fields = [pa.field(f.name, pa.string() if f.type == pa.string_view() else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


def keyed(rows: int, folder: Path) -> pa.Table:
    """lineitem with a row number in front."""
    return lineitem(rows, folder).add_column(0, "l_id", pa.array(np.arange(rows)))


def changed(table: pa.Table) -> pa.Table:
    """The same rows with a number, a price and a comment changed in every tenth."""
    hit = pa.array(np.arange(table.num_rows) % 10 == 3)
    new: dict[str, Any] = {
        "l_linenumber": pc.add(table["l_linenumber"], pa.scalar(1, pa.int32())),
        "l_tax": pc.subtract(table["l_tax"], table["l_discount"]).cast(table["l_tax"].type),
        "l_comment": pc.utf8_upper(table["l_comment"]),
    }
    for name, values in new.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pc.if_else(hit, values, table[name]))
    return table


def events(rows: int, folder: Path) -> pa.Table:
    """A log of what users did."""
    random = np.random.default_rng(SEED)
    now = 1_760_000_000_000_000 + np.cumsum(random.integers(0, 2_000_000, rows))
    octets: Any = [pa.array(part) for part in random.integers(1, 255, (4, rows)).astype(str)]
    join: Any = pc.binary_join_element_wise
    phrases: Any = pa.array([" ".join(random.choice(WORDS, random.integers(10, 60))) for _ in range(2_000)])
    agents: Any = pa.array([f"Mozilla/5.0 (build {n}; {WORDS[n % len(WORDS)]})" for n in range(300)])
    kinds: Any = pa.array(KINDS)
    levels: Any = pa.array(LEVELS)
    uuids = pa.py_buffer(random.bytes(16 * rows))
    columns: dict[str, Any] = {
        "id": pa.array(np.arange(rows)),
        "trace": pa.ExtensionArray.from_storage(
            pa.uuid(), pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, uuids])
        ),
        "happened_at": pa.array(now).cast(pa.timestamp("us", "UTC")),
        "received": pa.array(now + random.integers(0, 9_000_000, rows)).cast(pa.timestamp("us")),
        "kind": pa.DictionaryArray.from_arrays(random.integers(0, len(KINDS), rows).astype("int32"), kinds),
        "level": pa.DictionaryArray.from_arrays(random.integers(0, len(LEVELS), rows).astype("int32"), levels),
        "address": join(*octets, "."),
        "message": phrases.take(pa.array(random.integers(0, len(phrases), rows))),
        "agent": agents.take(pa.array(random.integers(0, 300, rows), mask=random.random(rows) < 0.2)),
        "mobile": pa.array(random.random(rows) < 0.4),
        "failed": pa.array(random.random(rows) < 0.02, mask=random.random(rows) < 0.3),
    }
    return pa.table(columns)


def wide(rows: int, folder: Path) -> pa.Table:
    """Twenty columns of numbers, half of them decimals."""
    random = np.random.default_rng(SEED + 1)
    columns: dict[str, Any] = {}
    for n in range(4):
        columns[f"big{n}"] = pa.array(random.integers(-(2**62), 2**62, rows))
        columns[f"real{n}"] = pa.array(random.normal(0, 1e6, rows))
        columns[f"small{n}"] = pa.array(random.integers(-30_000, 30_000, rows).astype("int16"))
        columns[f"price{n}"] = decimals(random.integers(-(10**12), 10**12, rows), 18, 4)
        columns[f"exact{n}"] = decimals(random.integers(-(2**62), 2**62, rows), 38, 10)
    return pa.table({name: columns[name] for name in WIDE})


def nulls(rows: int, folder: Path) -> pa.Table:
    """Sixteen columns, of which three quarters are NULL."""
    random = np.random.default_rng(SEED + 2)
    columns: dict[str, Any] = {}
    words: Any = pa.array(WORDS)
    for n in range(4):
        absent = random.random((4, rows)) < (0.6, 0.7, 0.8, 0.9)[n]
        columns[f"number{n}"] = pa.array(random.integers(0, 10**9, rows), mask=absent[0])
        columns[f"word{n}"] = words.take(pa.array(random.integers(0, len(WORDS), rows), mask=absent[1]))
        columns[f"moment{n}"] = pa.array(random.integers(0, 10**15, rows), mask=absent[2]).cast(pa.timestamp("us"))
        amount = decimals(random.integers(-(10**9), 10**9, rows), 12, 2)
        columns[f"amount{n}"] = pc.if_else(pa.array(absent[3]), pa.scalar(None, amount.type), amount)
    return pa.table({name: columns[name] for name in NULLS})


def decimals(units: Any, precision: int, scale: int) -> Any:
    """Whole numbers of the smallest unit as decimals."""
    words = np.empty((len(units), 2), "<i8")
    words[:, 0], words[:, 1] = units, units >> 63
    return pa.Decimal128Array.from_buffers(
        pa.decimal128(precision, scale), len(units), [None, pa.py_buffer(words.tobytes())]
    )


EVENTS = {
    "id": "bigint",
    "trace": "uuid",
    "happened_at": "timestamptz",
    "received": "timestamp",
    "kind": "event_kind",
    "level": "event_level",
    "address": "inet",
    "message": "text",
    "agent": "text",
    "mobile": "boolean",
    "failed": "boolean",
}
WIDE_KINDS = {
    "big": "bigint",
    "real": "double precision",
    "small": "smallint",
    "price": "numeric(18,4)",
    "exact": "numeric(38,10)",
}
NULL_KINDS = {"number": "bigint", "word": "text", "moment": "timestamp", "amount": "numeric(12,2)"}
WIDE = {f"{name}{n}": kind for n in range(4) for name, kind in WIDE_KINDS.items()}
NULLS = {f"{name}{n}": kind for n in range(4) for name, kind in NULL_KINDS.items()}
ENUMS = tuple(
    f"CREATE TYPE {name} AS ENUM ({', '.join(repr(label) for label in labels)})"
    for name, labels in (("event_kind", KINDS), ("event_level", LEVELS))
)

DATASETS = {
    "lineitem": Dataset(LINEITEM, lineitem),
    "keyed": Dataset({"l_id": "bigint", **LINEITEM}, keyed, key="l_id"),
    "events": Dataset(EVENTS, events, before=ENUMS),
    "wide": Dataset(WIDE, wide),
    "nulls": Dataset(NULLS, nulls),
}
