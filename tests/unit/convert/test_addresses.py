"""What is declared as an IP address is one: the same that Python's own parser takes."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, IpVersion, TableSpec
from arrowsync.errors import ConversionError

GROUPS = st.sampled_from(["", "0", "1", "ab", "00ff", "FFFF", "12345", "g", "1.2.3.4", "1.2.3.256", "01.2.3.4"])
addresses = (
    st.lists(GROUPS, max_size=9).map(":".join)
    | st.ip_addresses(v=6).map(str)
    | st.ip_addresses(v=6).map(lambda address: address.exploded)
    | st.ip_addresses(v=4).map(str)
    | st.from_regex(re.compile(r"\\A[0-9a-f:.]{0,12}\\Z"))
)


def accepts(text: str, version: IpVersion) -> bool:
    column = ColumnSpec("a", pa.string(), ip=version)
    convert = compile_converter(pa.schema({"a": pa.string()}), TableSpec("t", (column,)))
    try:
        convert(pa.record_batch({"a": pa.array([text])}))
    except ConversionError:
        return False
    return True


def parses(text: str, kind: type) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


@given(addresses)
def test_it_takes_what_python_takes(text: str) -> None:
    v4, v6 = parses(text, IPv4Address), parses(text, IPv6Address)
    assert accepts(text, "4") == v4
    assert accepts(text, "6") == v6
    assert accepts(text, "any") == (v4 or v6)


@pytest.mark.parametrize(
    "text", ["::", "1::", "::1", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::1.2.3.4", "1::5:1.2.3.4"]
)
def test_short_forms(text: str) -> None:
    assert accepts(text, "6")


def test_null_is_no_failure() -> None:
    column = ColumnSpec("a", pa.string(), nullable=True, ip="4")
    convert = compile_converter(pa.schema({"a": pa.string()}), TableSpec("t", (column,)))
    assert convert(pa.record_batch({"a": pa.array([None, "1.2.3.4"])})).column(0).to_pylist() == [None, "1.2.3.4"]
