"""The eight tables of TPC-H, as declarations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from arrowsync import MaxLength, Precision, PrimaryKey, int32

Money = Annotated[Decimal, Precision(15, 2)]
Char1 = Annotated[str, MaxLength(1)]
Char10 = Annotated[str, MaxLength(10)]
Char15 = Annotated[str, MaxLength(15)]
Char25 = Annotated[str, MaxLength(25)]


@dataclass
class Region:
    """Regions of the world."""

    r_regionkey: PrimaryKey[int]
    r_name: Char25
    r_comment: Annotated[str, MaxLength(152)]


@dataclass
class Nation:
    """Nations, each in a region."""

    n_nationkey: PrimaryKey[int]
    n_name: Char25
    n_regionkey: int
    n_comment: Annotated[str, MaxLength(152)]


@dataclass
class Supplier:
    """Who supplies parts."""

    s_suppkey: PrimaryKey[int]
    s_name: Char25
    s_address: Annotated[str, MaxLength(40)]
    s_nationkey: int
    s_phone: Char15
    s_acctbal: Money
    s_comment: Annotated[str, MaxLength(101)]


@dataclass
class Customer:
    """Who orders."""

    c_custkey: PrimaryKey[int]
    c_name: Char25
    c_address: Annotated[str, MaxLength(40)]
    c_nationkey: int
    c_phone: Char15
    c_acctbal: Money
    c_mktsegment: Char10
    c_comment: Annotated[str, MaxLength(117)]


@dataclass
class Part:
    """What can be ordered."""

    p_partkey: PrimaryKey[int]
    p_name: Annotated[str, MaxLength(55)]
    p_mfgr: Char25
    p_brand: Char10
    p_type: Char25
    p_size: int32
    p_container: Char10
    p_retailprice: Money
    p_comment: Annotated[str, MaxLength(23)]


@dataclass
class PartSupp:
    """Who supplies what, and for how much."""

    ps_partkey: PrimaryKey[int]
    ps_suppkey: PrimaryKey[int]
    ps_availqty: int32
    ps_supplycost: Money
    ps_comment: Annotated[str, MaxLength(199)]


@dataclass
class Orders:
    """Orders.

    :param o_totalprice: With tax and discount, in dollars.
    """

    o_orderkey: PrimaryKey[int]
    o_custkey: int
    o_orderstatus: Char1
    o_totalprice: Money
    o_orderdate: date
    o_orderpriority: Char15
    o_clerk: Char15
    o_shippriority: int32
    o_comment: Annotated[str, MaxLength(79)]


@dataclass
class LineItem:
    """The lines of the orders."""

    l_orderkey: PrimaryKey[int]
    l_partkey: int
    l_suppkey: int
    l_linenumber: PrimaryKey[int32]
    l_quantity: Money
    l_extendedprice: Money
    l_discount: Money
    l_tax: Money
    l_returnflag: Char1
    l_linestatus: Char1
    l_shipdate: date
    l_commitdate: date
    l_receiptdate: date
    l_shipinstruct: Char25
    l_shipmode: Char10
    l_comment: Annotated[str, MaxLength(44)]


TABLES = {
    table.__name__.lower(): table for table in (Region, Nation, Supplier, Customer, Part, PartSupp, Orders, LineItem)
}
"""File name without suffix -> table."""
