"""COPY BINARY of tables that hypothesis makes up from the table of types, against the bytes that the server itself sends.

Every column is of a type of `dialects.postgres.types`, with any parameters, in lists and structs to any depth; its values are
those of `random_batches`; its layout is any of Arrow's. An example is up to 200 rows of eight columns, which makes some tens of
thousands of values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from contract.postgres.pg_by_text import LAYOUTS, ByText
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrowsync.catalog import Catalog, ObjectName
from arrowsync.declare.spec import ColumnSpec, StructSpec, TableSpec
from arrowsync.dialects.postgres import DIALECT
from arrowsync.dialects.postgres.types import ENUM, EXACT, WIDENED
from arrowsync.generate.catalog import target_catalog
from arrowsync.migration.diff import diff
from arrowsync.testing import random_batches

TABLE = ObjectName("a schema", "t")
EXAMPLES = settings().max_examples
"""Tables a server, of some hundred values each: 100 of them, and 5,000 in the soak."""
LABELS = st.lists(
    st.sampled_from(["a", "it's", 'q"q', "back\\slash", "日本", " ", "{x,y}", "(1)"]), min_size=1, unique=True
)
MEMBERS = ["a", "B b", 'q"', "x.y", "日本"]


@pytest.fixture(params=["postgres_url", "postgres18_url"])
def server(request: pytest.FixtureRequest) -> Iterator[ByText]:
    server = ByText(request.getfixturevalue(request.param))
    yield server
    server.close()


@st.composite
def scalars(draw: st.DrawFn, name: str, path: str, nullable: bool) -> ColumnSpec:
    def spec(kind: Any, **facts: Any) -> ColumnSpec:
        return ColumnSpec(name, kind, nullable, **facts)

    match draw(st.sampled_from(["exact", "exact", "widened", "varchar", "numeric", "time", "enum", "inet"])):
        case "varchar":
            return spec(pa.string(), max_length=draw(st.integers(1, 40)))
        case "numeric":
            digits = draw(st.integers(1, 76))
            scale = draw(st.integers(0, digits))
            return spec(pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale))
        case "time":
            unit: Any = draw(st.sampled_from(["s", "ms", "us"]))
            zone: Any = draw(st.sampled_from([None, "UTC"]))
            return spec(pa.timestamp(unit, zone))
        case "enum":
            return spec(ENUM, labels=tuple(draw(LABELS)), enum_name=f"enum {path}")
        case "inet":
            return spec(pa.string(), ip=draw(st.sampled_from(["4", "6", "any"])))
        case kind:
            return spec(draw(st.sampled_from(list(EXACT if kind == "exact" else WIDENED))))


@st.composite
def specs(draw: st.DrawFn, name: str, path: str, depth: int, in_list: bool = False) -> ColumnSpec:
    """A column, element or member; what is in a list is no list, since random ones are hardly rectangular."""
    nullable = draw(st.booleans())
    match draw(st.sampled_from(["scalar", "scalar", "list", "struct"])) if depth else "scalar":
        case "list" if not in_list:
            element = draw(specs("item", f"{path}_i", depth - 1, True))
            kind: Any = pa.list_(pa.field("item", element.type, nullable=element.nullable))
            return ColumnSpec(name, kind, nullable, element=element)
        case "struct":
            names = draw(st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=4, unique=True))
            members = tuple(draw(specs(each, f"{path}_{at}", depth - 1)) for at, each in enumerate(names))
            kind = pa.struct([member.arrow_field for member in members])
            return ColumnSpec(name, kind, nullable, struct=StructSpec(f"struct {path}", members))
        case _:
            return draw(scalars(name, path, nullable))


@st.composite
def tables(draw: st.DrawFn) -> tuple[TableSpec, pa.RecordBatch]:
    count = draw(st.integers(2, 8))
    columns = tuple(draw(specs(f"c{at}", str(at), depth=3)) for at in range(count))
    spec = TableSpec(TABLE.name, columns, namespace=TABLE.namespace)
    plain = next(
        iter(random_batches(spec, draw(st.sampled_from([1, 2, 7, 64, 200])), draw(st.integers(0, 2**32)), nan=True))
    )
    layouts = [LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))] for _ in columns]
    arrays = [layout(plain.column(at)) for at, layout in enumerate(layouts)]
    return spec, pa.record_batch(arrays, names=spec.schema.names)


def create(server: ByText, spec: TableSpec) -> None:
    """The table as arrowsync creates it, but that all columns may be NULL, as in some layouts they are."""
    target = target_catalog(
        [spec], lambda column, table: DIALECT.language.to_column(column, table, server.session.server)
    )
    for change in diff(Catalog(), target):
        server.execute(*DIALECT.language.render(change))


def test_any_table_arrives_as_the_server_reads_it(server: ByText) -> None:
    @given(table=tables())
    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def check(table: tuple[TableSpec, pa.RecordBatch]) -> None:
        spec, batch = table
        create(server, spec)
        try:
            server.check(TABLE, batch)
        finally:
            server.execute('DROP SCHEMA "a schema" CASCADE')

    check()
