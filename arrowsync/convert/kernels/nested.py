"""Lists element by element and structs member by member: the kernels of `rules`, applied to what is inside.

A list of any layout becomes a plain list, a struct's members are found by name. A failure of an element or a member is one
of its row. To take in another nested type, add a case to `nested_kernel`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
from pyarrow import types

from arrowsync.convert.arrays import Column, Converted, Failure, Kernel, blank, compute, is_valid, mask_array, numbers
from arrowsync.declare.spec import ColumnSpec

KernelFor: TypeAlias = Callable[[pa.DataType, ColumnSpec], "Kernel | None"]
"""Finds the complete kernel of an element or a member, which refuses NULLs that aren't allowed."""

_LISTS = (
    types.is_list,
    types.is_large_list,
    types.is_fixed_size_list,
    types.is_list_view,
    types.is_large_list_view,
)


def nested_kernel(source: pa.DataType, column: ColumnSpec, kernel_for: KernelFor) -> Kernel | None:
    """The kernel from a nested type of the data to a declared list or struct, or None where no value ever fits."""
    if column.element is not None:
        return _list_kernel(source, column, column.element, kernel_for)
    assert column.struct is not None, "a nested column is a list or a struct"
    return _struct_kernel(source, column, kernel_for)


def is_any_list(kind: pa.DataType) -> bool:
    """True if a type is one of lists, in any layout."""
    return any(is_list(kind) for is_list in _LISTS)


def misfit(source: pa.DataType, column: ColumnSpec) -> str | None:
    """Describe the members of a struct that don't match the declared ones; None if they match."""
    if column.struct is None or not types.is_struct(source):
        return None
    given = {field.name for field in _fields(source)}
    unknown = sorted(given - {member.name for member in column.struct.members})
    missing = [m.name for m in column.struct.members if m.name not in given and not m.nullable]
    if unknown:
        return f"a struct with the member {unknown[0]!r}, which {column.struct.name} doesn't declare"
    return f"a struct without the member {missing[0]!r}, which {column.struct.name} requires" if missing else None


def _list_kernel(source: Any, column: ColumnSpec, element: ColumnSpec, kernel_for: KernelFor) -> Kernel | None:
    if not is_any_list(source):
        return None
    inner = kernel_for(source.value_type, element)
    if inner is None:
        return None

    def convert(values: Column) -> Converted:
        lengths = numbers(compute.fill_null(compute.list_value_length(values), 0).cast(pa.int64()))
        ends = np.concatenate([[0], np.cumsum(lengths)])
        outcome = inner(compute.list_flatten(values))
        offsets = pa.array(ends, pa.int32())
        lists: Column = cast(Any, pa.ListArray).from_arrays(
            offsets, outcome.values, type=column.type, mask=mask_array(~is_valid(values))
        )
        rows = np.repeat(np.arange(len(values)), lengths)
        failures = tuple(of_rows(failure, rows, len(values), "an element") for failure in outcome.failures)
        return _blanked(lists, failures)

    return convert


def _struct_kernel(source: Any, column: ColumnSpec, kernel_for: KernelFor) -> Kernel | None:
    if not types.is_struct(source) or misfit(source, column) is not None:
        return None
    assert column.struct is not None, "the column is a struct"
    steps: list[tuple[ColumnSpec, Kernel | None]] = []
    for member in column.struct.members:
        index = source.get_field_index(member.name)
        if index < 0:
            steps.append((member, None))
            continue
        # Where the struct itself is NULL its members are, whatever is required of them.
        kernel = kernel_for(_fields(source)[index].type, member)
        if kernel is None:
            return None
        steps.append((member, kernel))

    def convert(values: Column) -> Converted:
        present = is_valid(values)
        rows = np.flatnonzero(present)
        whole: Any = values if len(rows) == len(values) else values.filter(mask_array(present))
        members: list[Column] = []
        failures: list[Failure] = []
        for member, kernel in steps:
            if kernel is None:
                members.append(cast(Any, pa).nulls(len(whole), member.type))
                continue
            outcome = kernel(compute.struct_field(whole, member.name))
            members.append(outcome.values)
            failures += [of_rows(f, rows, len(values), f"a member {member.name!r}") for f in outcome.failures]
        structs: Column = cast(Any, pa.StructArray).from_arrays(members, fields=_fields(column.type))
        if len(rows) < len(values):
            positions = np.cumsum(present) - 1
            places: Any = pa.array(positions, mask=~present)
            structs = structs.take(places)
        return _blanked(structs, tuple(failures))

    return convert


def of_rows(failure: Failure, rows: Any, length: int, what: str) -> Failure:
    """The failure of inner values as one of the rows that hold them."""
    mask = np.zeros(length, np.bool_)
    mask[rows[failure.mask]] = True
    inside = failure.reason.removeprefix("contains ")
    reason = f"contains {what} that {'contains' if inside != failure.reason else 'is'} {inside}"
    return Failure(mask, reason, failure.hint)


def _blanked(values: Column, failures: tuple[Failure, ...]) -> Converted:
    if not failures:
        return Converted(values)
    bad = np.logical_or.reduce([failure.mask for failure in failures])
    return Converted(blank(values, bad), failures)


def _fields(kind: Any) -> list[Any]:
    return [kind.field(index) for index in range(kind.num_fields)]
