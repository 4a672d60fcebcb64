"""A table that many contract tests use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from arrowsync import MaxLength, Precision, PrimaryKey


@dataclass
class Item:
    """Things on sale.

    :param name: What it is called.
    """

    id: PrimaryKey[int]
    name: Annotated[str, MaxLength(20)]
    price: Annotated[Decimal, Precision(10, 2)] | None = None


def item(number: int, name: str = "x", price: str | None = None) -> tuple[int, str, Decimal | None]:
    return number, name, None if price is None else Decimal(price)
