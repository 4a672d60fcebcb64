"""What encoding a batch as COPY BINARY costs, kernel by kernel: `pytest benchmarks/test_encode_kernels.py`.

Batches have one column of 8,000 rows, once with every value and once with a tenth of them NULL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from arrowsync.catalog import SqlType
from arrowsync.wire.pgcopy.encode import compile_pgcopy

ROWS = 8_000
RANDOM = np.random.default_rng(7)
MODES = ("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK")
MODE = SqlType("mode", labels=MODES)

numbers = pa.array(RANDOM.integers(-(2**62), 2**62, ROWS))
microseconds = pa.array(RANDOM.integers(0, 1_600_000_000_000_000, ROWS))
modes = pa.array([MODES[n] for n in RANDOM.integers(0, len(MODES), ROWS)])
comments = pa.array(["carefully final deposits"[: n % 25] + " sleep" for n in range(ROWS)])
octets = RANDOM.integers(0, 256, (ROWS, 16), np.uint8)
decimal_bytes = np.concatenate([octets[:, :15], octets[:, 15:] % 64], axis=1).tobytes()
smallints = RANDOM.integers(0, 100, 4 * ROWS)

CASES: dict[str, tuple[Any, SqlType]] = {
    "bool": (pa.array(octets[:, 0] > 127), SqlType("boolean")),
    "int64": (numbers, SqlType("bigint")),
    "int64 as integer": (pa.array(RANDOM.integers(0, 1_000, ROWS)), SqlType("integer")),
    "float64": (pa.array(RANDOM.random(ROWS)), SqlType("double precision")),
    "date": (microseconds.cast(pa.timestamp("us")).cast(pa.date32(), safe=False), SqlType("date")),
    "timestamp": (microseconds.cast(pa.timestamp("us")), SqlType("timestamp")),
    "timestamp(3)": (
        microseconds.cast(pa.timestamp("us")).cast(pa.timestamp("ms"), safe=False),
        SqlType("timestamp", (3,)),
    ),
    "interval": (microseconds.cast(pa.duration("us")), SqlType("interval")),
    "uuid": (pa.array([row.tobytes() for row in octets], pa.binary(16)), SqlType("uuid")),
    "decimal of 4 digits": (pa.array(RANDOM.integers(0, 9_999, ROWS)).cast(pa.decimal128(38, 2)), SqlType("numeric")),
    "decimal of 18 digits": (numbers.cast(pa.decimal128(38, 0)), SqlType("numeric")),
    "decimal of 38 digits": (
        pa.Array.from_buffers(pa.decimal128(38, 9), ROWS, [None, pa.py_buffer(decimal_bytes)]),
        SqlType("numeric"),
    ),
    "text": (comments, SqlType("text")),
    "text as varchar": (comments, SqlType("varchar", (40,))),
    "text of one length": (pa.array(["DE" if n % 2 else "FR" for n in range(ROWS)]), SqlType("text")),
    "string view": (comments.cast(pa.string_view()), SqlType("text")),
    "enum": (modes.dictionary_encode(), MODE),
    "label as enum": (modes, MODE),
    "jsonb": (comments, SqlType("jsonb")),
    "IPv4": (pa.array([f"{a}.{b}.{c}.{d}" for a, b, c, d in octets[:, :4].tolist()]), SqlType("inet")),
    "IPv6": (pa.array([row.tobytes().hex(":", 2) for row in octets]), SqlType("inet")),
    "array": (
        pa.ListArray.from_arrays(pa.array(range(0, 4 * ROWS + 1, 4), pa.int32()), pa.array(smallints)),
        SqlType("array", element=SqlType("bigint")),
    ),
}


def with_nulls(values: Any) -> pa.Array[Any]:
    """The values, a tenth of them NULL."""
    rows: Any = pa.array(np.arange(ROWS), mask=RANDOM.random(ROWS) < 0.1)
    plain = values.cast(pa.string()) if values.type == pa.string_view() else values  # Arrow can't take from views
    nullable: pa.Array[Any] = plain.take(rows).cast(values.type)
    return nullable


@pytest.mark.parametrize("nulls", [False, True], ids=["all present", "nulls"])
@pytest.mark.parametrize("name", CASES)
def test_encode(benchmark: Any, name: str, nulls: bool) -> None:
    """One column of 8,000 rows."""
    values, target = CASES[name]
    batch = pa.record_batch([with_nulls(values) if nulls else values], names=["c"])
    encode = compile_pgcopy(batch.schema, [target])
    benchmark.extra_info["bytes"] = encode(batch).size
    benchmark(encode, batch)
