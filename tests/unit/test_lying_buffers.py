"""Arrow data whose buffers don't hold what they claim: a SourceError, in a process of its own, so that a crash is seen."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import arrowsync

PRELUDE = """
import numpy as np, pyarrow as pa, arrowsync

def offsets(*numbers, width=np.int32):
    return pa.py_buffer(np.array(numbers, width).tobytes())

def made(kind, buffers, children=None, rows=2):
    return pa.Array.from_buffers(kind, rows, buffers, children=children)

data = pa.py_buffer(b"abcd")
view = lambda length, index, offset: np.array([length, 0x64636261, index, offset], np.int32).tobytes()
LONG = pa.py_buffer(b"x" * 64)
numbers = pa.array([1, 2, 3, 4])
ARRAYS = {
    "beyond": lambda: made(pa.string(), [None, offsets(0, 0x70000000, 4), data]),
    "negative": lambda: made(pa.string(), [None, offsets(0, -4000, 4), data]),
    "falling": lambda: made(pa.binary(), [None, offsets(0, 3, 1), data]),
    "large beyond": lambda: made(pa.large_string(), [None, offsets(0, 2**50, 4, width=np.int64), data]),
    "large negative": lambda: made(pa.large_binary(), [None, offsets(0, -(2**40), 4, width=np.int64), data]),
    "view of no buffer": lambda: made(pa.string_view(), [None, pa.py_buffer(view(40, 7, 0) * 2), LONG]),
    "view beyond its buffer": lambda: made(pa.binary_view(), [None, pa.py_buffer(view(40, 0, 2**30) * 2), LONG]),
    "view of a negative length": lambda: made(pa.string_view(), [None, pa.py_buffer(view(-1, 0, 0) * 2), LONG]),
    "list beyond": lambda: made(pa.list_(pa.int64()), [None, offsets(0, 0x70000000, 4)], [numbers]),
    "list negative": lambda: made(pa.list_(pa.int64()), [None, offsets(0, -9, 4)], [numbers]),
    "large list beyond": lambda: made(pa.large_list(pa.int64()), [None, offsets(0, 2**50, 4, width=np.int64)], [numbers]),
    "list view beyond": lambda: made(pa.list_view(pa.int64()), [None, offsets(0, 2**30), offsets(1, 1)], [numbers]),
    "list view too long": lambda: made(pa.list_view(pa.int64()), [None, offsets(0, 0), offsets(1, 2**30)], [numbers]),
    "index beyond": lambda: pa.DictionaryArray.from_arrays(pa.array([0, 99], pa.int32()), ["a"], safe=False),
    "index negative": lambda: pa.DictionaryArray.from_arrays(pa.array([0, -5], pa.int32()), ["a"], safe=False),
    "index of numbers": lambda: pa.DictionaryArray.from_arrays(pa.array([0, 2**60]), pa.array([1.5]), safe=False),
    "dictionary beyond": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 1], pa.int8()), made(pa.string(), [None, offsets(0, 0x70000000, 4), data]), safe=False),
    "runs that fall": lambda: made(
        pa.run_end_encoded(pa.int32(), pa.int64()), [None], [pa.array([5, 2], pa.int32()), numbers[:2]]),
    "in a struct": lambda: made(
        pa.struct([("s", pa.string())]), [None], [made(pa.string(), [None, offsets(0, 0x70000000, 4), data])]),
    "in a list": lambda: made(
        pa.list_(pa.string()), [None, offsets(0, 1, 2)], [made(pa.string(), [None, offsets(0, 0x70000000, 4), data])]),
    "index in a list": lambda: made(
        pa.list_(pa.dictionary(pa.int32(), pa.string())), [None, offsets(0, 1, 2)],
        [pa.DictionaryArray.from_arrays(pa.array([0, 99], pa.int32()), ["a"], safe=False)]),
    "JSON beyond": lambda: pa.ExtensionArray.from_storage(
        pa.json_(pa.string()), made(pa.string(), [None, offsets(0, 0x70000000, 4), data])),
}
TOO_SHORT = {  # only where the sizes of buffers are known
    "short numbers": lambda: made(pa.int64(), [None, pa.py_buffer(b"1234")]),
    "short offsets": lambda: made(pa.string(), [None, pa.py_buffer(b"\\0" * 4), data]),
    "short text": lambda: made(pa.string(), [None, offsets(0, 2, 2**30), data]),
    "short bitmap": lambda: made(pa.int8(), [pa.py_buffer(b""), pa.py_buffer(b"12")]),
    "short struct": lambda: made(pa.struct([("n", pa.int64())]), [None], [pa.array([], pa.int64())]),
}

class Capsule:
    def __init__(self, table): self.table = table
    def __arrow_c_stream__(self, schema=None): return self.table.__arrow_c_stream__(schema)

class OneBatch:
    def __init__(self, table): self.batch = table.to_batches()[0]
    def __arrow_c_array__(self, schema=None): return self.batch.__arrow_c_array__(schema)

WAYS = {
    "table": lambda table: table,
    "batches": lambda table: table.to_batches(),
    "stream": Capsule,
    "array": OneBatch,
    "reader": lambda table: table.to_reader(),
}
"""
TRY = """
import sys
names, ways = ARRAYS | (TOO_SHORT if way in ("table", "batches") else {}), WAYS
for name, make in names.items():
    try:
        table = pa.Table.from_arrays([numbers[:2], make()], ["id", "x"])
    except pa.ArrowInvalid:
        continue  # pyarrow itself refuses it
    try:
        with arrowsync.connect("duckdb://") as conn:
            arrowsync.sync_table(WAYS[way](table), "t", conn)
        print("LOADED", name)
    except arrowsync.SourceError:
        pass
    except arrowsync.ArrowSyncError as error:
        print("OTHER", name, type(error), error)
print("DONE")
"""


@pytest.mark.parametrize("way", ["table", "batches", "stream", "array", "reader"])
def test_what_points_outside_is_a_source_error(way: str) -> None:
    script = f"{PRELUDE}\nway = {way!r}\n{TRY}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "DONE\n"), done.stderr[-2000:]


MEGABYTE = "x" * 1_000_000
PREFIX = 0x78787878
of_dictionary: Any = pa.DictionaryArray.from_arrays
DECODED: dict[str, Any] = {
    "dictionary": of_dictionary(pa.array([0] * 1500, pa.int32()), [MEGABYTE]),
    "large dictionary": pa.DictionaryArray.from_arrays(pa.array([0] * 1500), pa.array([MEGABYTE], pa.large_string())),
    "dictionary of views": of_dictionary(pa.array([0] * 1500), pa.array([MEGABYTE], pa.string_view())),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([1500], pa.int32()), pa.array([MEGABYTE])),
    "views": pa.Array.from_buffers(
        pa.string_view(),
        1500,
        [
            None,
            pa.py_buffer(np.array([[1_000_000, PREFIX, 0, 0]] * 1500, np.int32).tobytes()),
            pa.py_buffer(MEGABYTE.encode()),
        ],
    ),
    "lists": pa.ListArray.from_arrays(
        pa.array(range(1501), pa.int32()), of_dictionary(pa.array([0] * 1500, pa.int32()), [MEGABYTE])
    ),
    "structs": pa.StructArray.from_arrays([of_dictionary(pa.array([0] * 1500, pa.int32()), [MEGABYTE])], ["s"]),
    "one of many": of_dictionary(pa.array([0] * 1400 + [1] * 100), ["", MEGABYTE]),
}


@pytest.mark.parametrize("name", DECODED)
def test_batches_are_bounded_by_what_they_become(name: str) -> None:
    """At most 32 MiB a batch, though all of it is one megabyte."""
    rows = 0
    for batch in arrowsync.open_source(pa.table({"s": DECODED[name]})):
        rows += batch.num_rows
        most = 1500 if name == "one of many" and rows <= 1400 else 34
        assert batch.num_rows <= most
    assert rows == 1500


def test_a_load_of_them_takes_bounded_memory() -> None:
    before = pa.total_allocated_bytes()
    pool = pa.default_memory_pool()
    with arrowsync.connect("duckdb://") as conn:
        data = pa.table({"s": DECODED["dictionary"].slice(0, 300)})
        assert arrowsync.sync_table(data, "t", conn).inserted == 300
        assert conn.fetch("SELECT sum(length(s)) AS n FROM t").to_pylist() == [{"n": 300 * 1_000_000}]
    assert (pool.max_memory() or 0) - before < 1 << 30
