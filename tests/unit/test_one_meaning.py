"""What one spelling of an option or a default means, the others mean too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import make_dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import arrowsync
from arrowsync import GeneratorOptions, PrimaryKey

HERE = sys.modules[__name__]
SPELLINGS: tuple[Callable[[], Any], ...] = (lambda: HERE, lambda: __name__)


@pytest.mark.parametrize("key", SPELLINGS)
def test_a_namespace_is_given_to_a_module_or_to_its_name(key: Callable[[], Any]) -> None:
    table = make_dataclass("Sale", [("id", PrimaryKey[int])], namespace={"__module__": __name__})
    script = arrowsync.create_sql(table, "postgresql", GeneratorOptions(namespaces={key(): "shop"}))
    assert 'CREATE TABLE "shop"."Sale"' in script


@pytest.mark.parametrize("key", ["no_such_module", 5, object()])
def test_a_namespace_of_an_unknown_module_is_refused(key: Any) -> None:
    with pytest.raises(arrowsync.DeclarationError, match="no such module"):
        GeneratorOptions(namespaces={key: "shop"})


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_an_aware_default_is_what_it_is_as_a_value(zone: timezone) -> None:
    """In a column without a zone the wall clock of UTC."""
    moment = datetime(1989, 10, 24, 12, tzinfo=zone)
    table = make_dataclass("T", [("id", PrimaryKey[int]), ("moment", datetime, moment)])
    with arrowsync.connect("duckdb://") as conn:
        arrowsync.sync_table([{"id": 1, "moment": moment}], table, conn)
        arrowsync.sync_table([{"id": 2}], table, conn)
        conn.execute("INSERT INTO T (id) VALUES (3)")
        stored = arrowsync.read_table(table, conn).column("moment").to_pylist()
    assert stored == [moment.astimezone(UTC).replace(tzinfo=None)] * 3
