"""The Arrow extension types that are known; the storage of any other doesn't tell the meaning of its values.

To let in another one, add it to `is_known`, and to `plain_type` of `convert` if it isn't stored as the values that it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import pyarrow as pa

_EXTENSION_NAME = b"ARROW:extension:name"
_FOREIGN: Mapping[bytes, frozenset[bytes]] = {b"POSTGRESQL:type": frozenset({b"money", b"_money"})}
"""Values of metadata by which a producer says that the numbers of a column mean something else: ADBC sends cents."""

EXTENSION_HINT = (
    "cast it first to a type of its values, such as text (pandas: astype(str), and dt.to_timestamp() of a period; pyarrow: "
    "the column's .storage, if that is what is meant)"
)


def is_known(kind: pa.DataType) -> bool:
    """True if the values of an extension type are those of a declared type."""
    if isinstance(kind, pa.OpaqueType):  # the only such type whose text ADBC sends
        known = kind.vendor_name == "PostgreSQL" and kind.type_name == "numeric"
        return known and cast("Any", kind).storage_type == pa.string()
    return isinstance(kind, pa.UuidType | pa.JsonType | pa.Bool8Type)


def unknown_extensions(schema: pa.Schema) -> dict[str, str]:
    """The columns that are of an unknown extension type, or hold one, and the name of that type."""
    return {
        column.name: name
        for column in cast("Iterable[pa.Field[Any]]", schema)
        for field in _with_fields_inside(column)
        if (name := _unknown_name(field)) is not None
    }


def _with_fields_inside(field: pa.Field[Any]) -> Iterator[pa.Field[Any]]:
    yield field
    kind: Any = field.type
    if isinstance(kind, pa.DictionaryType | pa.RunEndEncodedType):
        yield from _with_fields_inside(pa.field("", cast("Any", kind).value_type))
    elif not isinstance(kind, pa.BaseExtensionType):
        for index in range(kind.num_fields):
            yield from _with_fields_inside(kind.field(index))


def _unknown_name(field: pa.Field[Any]) -> str | None:
    if isinstance(field.type, pa.BaseExtensionType):
        return None if is_known(field.type) else str(cast("Any", field.type).extension_name)
    metadata = cast("Mapping[bytes, bytes]", field.metadata or {})
    if _EXTENSION_NAME in metadata:  # of a type that isn't registered, so that the field has the type of its storage
        return metadata[_EXTENSION_NAME].decode(errors="replace")
    foreign = (metadata[key] for key, values in _FOREIGN.items() if metadata.get(key) in values)
    return next((name.decode() for name in foreign), None)
