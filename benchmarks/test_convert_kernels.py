"""What the conversion of a batch costs, kernel by kernel: `pytest benchmarks/test_convert_kernels.py`.

Batches have 100,000 rows. Where types are the same already, a column takes about as long as one look at its bytes.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, TableSpec

ROWS = 100_000
RANDOM = np.random.default_rng(7)
ENUM = pa.dictionary(pa.int32(), pa.string())
MODES = ("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK")

keys = pa.array(RANDOM.integers(0, 1_000_000, ROWS))
cents = RANDOM.integers(0, 10_000_000, ROWS)
prices = pa.array(cents / 100)
decimals = prices.cast(pa.string()).cast(pa.decimal128(15, 2))
stamps = pa.array(RANDOM.integers(0, 1_600_000_000_000_000, ROWS)).view(pa.timestamp("us"))
days = stamps.cast(pa.date32(), safe=False)
modes = pa.array([MODES[n] for n in RANDOM.integers(0, len(MODES), ROWS)])
comments = pa.array(["carefully final deposits"[: n % 25] + " sleep" for n in range(ROWS)])
unicode = pa.array(["äöü 日本語 😀"[: n % 10] * 3 for n in range(ROWS)])
ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([RANDOM.bytes(16) for _ in range(ROWS)], pa.binary(16)))
documents = pa.array(
    [json.dumps({"id": n, "name": f"n{n}", "tags": ["a", "b"], "v": n / 7, "z": None}) for n in range(ROWS)]
)


def text_of(array: pa.Array[Any]) -> pa.Array[Any]:
    """The values as text, made by the kernels themselves."""
    return converted(array, ColumnSpec("c", pa.string(), nullable=True))


def converted(array: pa.Array[Any], column: ColumnSpec) -> pa.Array[Any]:
    """The values in the type of the column."""
    batch = pa.record_batch([array], names=["c"])
    return compile_converter(batch.schema, TableSpec("t", (column,)))(batch).column(0)


CASES: dict[str, tuple[pa.Array[Any], ColumnSpec]] = {
    "same int64": (keys, ColumnSpec("c", pa.int64())),
    "same decimal": (decimals, ColumnSpec("c", pa.decimal128(15, 2))),
    "same date": (days, ColumnSpec("c", pa.date32())),
    "same timestamp": (stamps, ColumnSpec("c", pa.timestamp("us"))),
    "same text": (comments, ColumnSpec("c", pa.string(), max_length=44)),
    "same text beyond ASCII": (unicode, ColumnSpec("c", pa.string(), max_length=44)),
    "same uuid": (ids, ColumnSpec("c", pa.uuid())),
    "string view to text": (comments.cast(pa.string_view()), ColumnSpec("c", pa.string())),
    "dictionary to text": (modes.dictionary_encode(), ColumnSpec("c", pa.string())),
    "text to enum": (modes, ColumnSpec("c", ENUM, labels=MODES)),
    "dictionary to enum": (modes.dictionary_encode(), ColumnSpec("c", ENUM, labels=MODES)),
    "int64 to int32": (keys, ColumnSpec("c", pa.int32())),
    "int64 to float": (keys, ColumnSpec("c", pa.float64())),
    "int64 to decimal": (keys, ColumnSpec("c", pa.decimal128(15, 2))),
    "float to int32": (keys.cast(pa.float64()), ColumnSpec("c", pa.int32())),
    "float to decimal": (prices, ColumnSpec("c", pa.decimal128(15, 2))),
    "decimal to float": (decimals, ColumnSpec("c", pa.float64())),
    "decimal to a larger one": (decimals, ColumnSpec("c", pa.decimal128(18, 4))),
    "decimal to a smaller one": (decimals, ColumnSpec("c", pa.decimal128(9, 2))),
    "timestamp ns to us": (stamps.cast(pa.timestamp("ns")), ColumnSpec("c", pa.timestamp("us"))),
    "text to int64": (text_of(keys), ColumnSpec("c", pa.int64())),
    "text to float": (text_of(prices), ColumnSpec("c", pa.float64())),
    "text to decimal": (text_of(decimals), ColumnSpec("c", pa.decimal128(15, 2))),
    "text to date": (text_of(days), ColumnSpec("c", pa.date32())),
    "text to timestamp": (text_of(stamps), ColumnSpec("c", pa.timestamp("us"))),
    "text with offsets to timestamp": (
        text_of(stamps.cast(pa.timestamp("us", "UTC"))),
        ColumnSpec("c", pa.timestamp("us")),
    ),
    "text to uuid": (text_of(ids), ColumnSpec("c", pa.uuid())),
    "text to json": (documents, ColumnSpec("c", pa.json_())),
    "uuid to text": (ids, ColumnSpec("c", pa.string())),
}


@pytest.mark.parametrize("name", CASES)
def test_kernel(name: str, benchmark: Any) -> None:
    """One column of 100,000 rows."""
    array, column = CASES[name]
    batch = pa.record_batch([array], names=["c"])
    convert = compile_converter(batch.schema, TableSpec("t", (column,)))
    assert benchmark.pedantic(convert, (batch,), rounds=5, warmup_rounds=1).num_rows == ROWS


def test_rejects(benchmark: Any) -> None:
    """Every other row fails."""
    batch = pa.record_batch({"c": pa.array(["x" if n % 2 else str(n) for n in range(ROWS)])})
    convert = compile_converter(batch.schema, TableSpec("t", (ColumnSpec("c", pa.int32()),)))
    good, rejects = benchmark.pedantic(convert.split, (batch,), rounds=3)
    assert (good.num_rows, rejects.num_rows) == (ROWS // 2, ROWS // 2)
