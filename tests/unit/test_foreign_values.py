"""What isn't a value becomes none: NaN, markers of missing values, and values whose Arrow storage says something else."""

from __future__ import annotations

import enum
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, make_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, cast
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import arrowsync
from arrowsync import JsonType, TimeZone


class Color(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: float


TARGETS: dict[str, Any] = {
    "bool": bool,
    "int": int,
    "float": float,
    "decimal": Decimal,
    "text": str,
    "bytes": bytes,
    "date": date,
    "time": time,
    "naive": datetime,
    "aware": Annotated[datetime, TimeZone("UTC")],
    "duration": timedelta,
    "uuid": UUID,
    "json": JsonType,
    "enum": Color,
    "texts": list[str],
    "ints": list[int],
    "struct": Point,
}

NO_VALUES: dict[str, Any] = {
    "nan": float("nan"),
    "inf": float("inf"),
    "float32 nan": np.float32("nan"),
    "float64 -inf": np.float64("-inf"),
    "decimal nan": Decimal("NaN"),
    "decimal snan": Decimal("sNaN"),
    "decimal inf": Decimal("-Infinity"),
    "period": pd.Period("2024-01"),
    "interval": pd.Interval(0, 1),
    "complex": complex(1, 2),
    "object": object(),
    "record of numpy": np.zeros(1, [("a", "i4")])[0],
    "records of numpy": np.zeros(1, [("a", "i4")]),
    "no dimensions": np.array(1.5),
    "series": pd.Series([1.0]),
    "a list with nan": [Decimal("NaN")],
    "a dict with nan": {"y": float("nan")},
    "a dict with NA": {"y": pd.NA},
    "an object of a struct": [{"x": object()}],
}
"""Python values that no column takes, but for floats."""

MISSING: dict[str, Any] = {
    "None": None,
    "NaT": pd.NaT,
    "NA": pd.NA,
    "masked": np.ma.masked,
    "datetime64": np.datetime64("NaT", "us"),
    "datetime64 of days": np.datetime64("NaT", "D"),
    "timedelta64": np.timedelta64("NaT", "us"),
    "a scalar of pyarrow": pa.NA,
}
"""Python values that say that there is none."""


class Pair(NamedTuple):
    v: Any


@dataclass
class Held:
    v: Any


SHAPES: dict[str, Callable[[Any], Any]] = {
    "dict": lambda value: {"v": value},
    "tuple": lambda value: (value,),
    "named tuple": Pair,
    "object": Held,
}


def table(annotation: Any) -> type:
    return make_dataclass("T", [("v", annotation)])


def values_of(data: Any, annotation: Any) -> list[Any]:
    return arrowsync.open_source(data, table(annotation)).read_all().column("v").to_pylist()


def takes(target: str, name: str) -> bool:
    """A float column takes NaN and infinity, which are floats."""
    return target == "float" and isinstance(NO_VALUES[name], float | np.floating)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("target", TARGETS)
def test_what_is_no_value_is_refused(target: str, shape: str) -> None:
    for name, value in NO_VALUES.items():
        rows = [SHAPES[shape](value)]
        if takes(target, name):
            assert repr(values_of(rows, TARGETS[target] | None)) == repr([float(value)])
            continue
        with pytest.raises(arrowsync.ConversionError) as caught:
            pytest.fail(f"{name} became {values_of(rows, TARGETS[target] | None)}")
        assert caught.value.hint


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("target", TARGETS)
def test_what_says_that_there_is_no_value_is_null(target: str, shape: str) -> None:
    rows = [SHAPES[shape](value) for value in MISSING.values()]
    assert values_of(rows, TARGETS[target] | None) == [None] * len(MISSING)
    with pytest.raises(arrowsync.ConversionError, match="NULL in a required column"):
        values_of(rows, TARGETS[target])


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()], ids=str)
@pytest.mark.parametrize("target", TARGETS)
def test_a_float_that_is_no_number_is_refused_in_any_layout(target: str, kind: pa.DataType) -> None:
    for value in (np.nan, np.inf, -np.inf):
        plain = pa.array([value], pa.float64()).cast(kind)
        for values in (
            plain,
            pa.DictionaryArray.from_arrays(pa.array([0]), plain),
            pa.RunEndEncodedArray.from_arrays(pa.array([1]), plain),
        ):
            data = pa.table({"v": values})
            if target == "float":
                assert repr(values_of(data, float)) == repr([value])
                continue
            with pytest.raises(arrowsync.ConversionError):
                pytest.fail(f"{value} became {values_of(data, TARGETS[target])}")
            with pytest.raises(arrowsync.ConversionError):
                values_of(pa.table({"v": pa.array([[value]])}), list[TARGETS[target]])


# ---- values of a foreign type -------------------------------------------------------------------------------------------


class Foreign(pa.ExtensionType):
    """A type that only the tests know."""

    def __init__(self, storage: pa.DataType) -> None:
        super().__init__(storage, "test.foreign")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> Foreign:
        return cls(storage_type)


def of_type(kind: Any, storage: pa.Array[Any]) -> Any:
    return pa.ExtensionArray.from_storage(kind, storage)


def unregistered(storage: pa.Array[Any]) -> tuple[pa.Field[Any], pa.Array[Any]]:
    """As a reader gives a type that pyarrow doesn't know: the storage, and the name in the metadata of the field."""
    return pa.field("v", storage.type, metadata={"ARROW:extension:name": "somebody.else"}), storage


to_array: Any = pa.array
TENSOR = pa.fixed_shape_tensor(pa.int32(), [2])
ARRAYS: dict[str, Any] = {
    "period": to_array(pd.period_range("2024-01", periods=2, freq="M")),
    "interval": to_array(pd.interval_range(0, 2)),
    "text": of_type(Foreign(pa.string()), pa.array(["a", "b"])),
    "bytes": of_type(Foreign(pa.binary()), pa.array([b"a", b"b"])),
    "tensor": of_type(TENSOR, pa.array([[1, 2], [3, 4]], TENSOR.storage_type)),
    "opaque": of_type(pa.opaque(pa.string(), "geometry", "PostGIS"), pa.array(["a", "b"])),
    "bytes of a server": of_type(pa.opaque(pa.binary(), "numeric", "PostgreSQL"), pa.array([b"a", b"b"])),
}
FIELDS: dict[str, tuple[pa.Field[Any], pa.Array[Any]]] = {
    **{name: (pa.field("v", array.type), array) for name, array in ARRAYS.items()},
    "unregistered": unregistered(pa.array([1, 2])),
    "cents": (pa.field("v", pa.int64(), metadata={"POSTGRESQL:type": "money"}), pa.array([150, 250])),
}


def inside(name: str, make: Callable[[pa.Field[Any]], pa.DataType]) -> pa.Table:
    """No rows, which say as much: it is the type that is refused."""
    field, _ = FIELDS[name]
    return pa.Table.from_batches([], pa.schema([pa.field("v", make(field))]))


PLACES: dict[str, Callable[[str], pa.Table]] = {
    "column": lambda name: pa.Table.from_arrays([FIELDS[name][1]], schema=pa.schema([FIELDS[name][0]])),
    "no rows": lambda name: pa.Table.from_batches([], pa.schema([FIELDS[name][0]])),
    "list": lambda name: inside(name, pa.list_),
    "large list": lambda name: inside(name, pa.large_list),
    "list of lists": lambda name: inside(name, lambda field: pa.list_(pa.list_(field))),
    "struct": lambda name: inside(name, lambda field: pa.struct([field])),
    "map": lambda name: inside(name, lambda field: pa.map_(pa.string(), cast("Any", field))),
    "union": lambda name: inside(name, lambda field: pa.sparse_union([field])),
}


def ipc(data: pa.Table, *, stream: bool) -> bytes:
    sink = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, data.schema) as writer:
        writer.write_table(data)
    return sink.getvalue()


def parquet(data: pa.Table) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(data, sink)
    return sink.getvalue()


class Capsule:
    def __init__(self, data: pa.Table) -> None:
        self.data = data

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.data.__arrow_c_stream__(requested_schema)


WAYS: dict[str, Callable[[pa.Table], arrowsync.BatchStream]] = {
    "table": arrowsync.open_source,
    "batches": lambda data: arrowsync.open_source(data.to_batches() or [data]),
    "reader": lambda data: arrowsync.open_source(data.to_reader()),
    "capsule": lambda data: arrowsync.open_source(Capsule(data)),
    "dataset": lambda data: arrowsync.open_source(pyarrow.dataset.dataset(data)),
    "stream of IPC": lambda data: arrowsync.open_source(ipc(data, stream=True), format="arrow"),
    "file of IPC": lambda data: arrowsync.open_source(ipc(data, stream=False), format="arrow"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
def test_a_foreign_type_is_refused_whatever_it_is_stored_as(place: str, way: str) -> None:
    for name in FIELDS:
        with pytest.raises(arrowsync.SourceError, match="isn't known") as caught:
            pytest.fail(f"{name} became {WAYS[way](PLACES[place](name)).read_all()}")
        assert "column 'v'" in caught.value.message
        assert caught.value.hint


def test_a_column_of_a_foreign_type_may_be_left_out() -> None:
    data = PLACES["column"]("period").append_column("id", pa.array([1, 2]))
    for content, kind in ((parquet(data), "parquet"), (ipc(data, stream=True), "arrow")):
        stream = arrowsync.open_source(content, format=kind, columns=["id"])
        assert stream.read_all().to_pydict() == {"id": [1, 2]}


@pytest.mark.parametrize("name", FIELDS)
def test_parquet_keeps_the_name_of_a_foreign_type(name: str) -> None:
    with pytest.raises(arrowsync.SourceError, match="isn't known"):
        arrowsync.open_source(parquet(PLACES["column"](name)), format="parquet")


@pytest.mark.parametrize("target", TARGETS)
def test_a_foreign_type_becomes_no_declared_one(target: str) -> None:
    for name in FIELDS:
        with pytest.raises(arrowsync.ArrowSyncError):
            values_of(PLACES["column"](name), TARGETS[target])


PANDAS: dict[str, Callable[[], Any]] = {
    "period": lambda: pd.period_range("2024-01", periods=2, freq="M"),
    "interval": lambda: pd.interval_range(0, 2),
    "categories of periods": lambda: pd.Categorical(pd.period_range("2024-01", periods=2, freq="M")),
    "categories of intervals": lambda: pd.cut(pd.Series([1, 2]), 2),
    "sparse": lambda: pd.arrays.SparseArray([1.0, np.nan]),
    "arrow": lambda: pd.array(ARRAYS["text"], dtype=pd.ArrowDtype(ARRAYS["text"].type)),
    "objects": lambda: np.array([pd.Period("2024-01"), object()]),
    "complex": lambda: [1j, 2j],
}


@pytest.mark.parametrize("values", PANDAS)
def test_a_foreign_type_of_pandas_is_refused(values: str) -> None:
    frame = pd.DataFrame({"v": PANDAS[values]()})
    annotations: list[Any] = [str | None, int | None, dict[str, int]]
    for annotation in annotations:
        with pytest.raises(arrowsync.ArrowSyncError):
            pytest.fail(str(values_of(frame, annotation)))
    with pytest.raises(arrowsync.ArrowSyncError):
        arrowsync.open_source(frame).read_all()


def test_what_the_hint_says_of_pandas_works() -> None:
    periods = pd.DataFrame({"v": pd.period_range("2024-01", periods=2, freq="M")})
    assert values_of(periods.assign(v=periods["v"].astype(str)), str) == ["2024-01", "2024-02"]
    assert values_of(periods.assign(v=periods["v"].dt.to_timestamp()), datetime)[1] == datetime(2024, 2, 1)


def test_an_object_column_of_polars_is_refused_wherever_it_stands() -> None:
    frame = pl.DataFrame({"v": [object()]}, schema={"v": pl.Object})
    for data in (frame, frame.lazy(), [frame]):
        with pytest.raises(arrowsync.SourceError, match="Object"):
            arrowsync.open_source(data)


def test_the_text_of_a_numeric_that_adbc_sends_is_known() -> None:
    numeric = of_type(pa.opaque(pa.string(), "numeric", "PostgreSQL"), pa.array(["1.50", None]))
    assert values_of(pa.table({"v": numeric}), Decimal | None) == [Decimal("1.50"), None]
    assert values_of(pa.table({"v": numeric}), str | None) == ["1.50", None]


def test_records_of_a_frame_load_as_their_hint_says() -> None:
    frame = pd.DataFrame({"v": pd.Series(["a", None, np.nan], dtype=object)})
    with pytest.raises(arrowsync.ConversionError) as caught:
        values_of(frame.to_dict("records"), str | None)
    assert "df.astype(object).where(df.notna(), None)" in (caught.value.hint or "")
    records: Iterable[Any] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert values_of(records, str | None) == ["a", None, None]
    assert values_of(frame, str | None) == ["a", None, None]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_json_lines_have_no_such_numbers(text: str) -> None:
    for annotation in (float, str, JsonType, list[float]):
        for line in (f'{{"v": {text}}}', f'{{"v": [{text}]}}'):
            with pytest.raises(arrowsync.ArrowSyncError, match=r"no value of JSON|not valid JSON"):
                arrowsync.open_source(line.encode(), table(annotation), format="jsonl").read_all()
