"""The format of a file, by its suffix or by its first bytes.

To add a format: its line in `FORMATS` and its suffixes, and what reads it in `files`. To recognise one that can't be read, so
that the message can say what it is: a line in `OTHER_SUFFIXES` and in `_BEGINNINGS`.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Format = Literal["parquet", "csv", "tsv", "jsonl", "arrow"]
Compression = Literal["gzip", "zstd"]

FORMATS: Mapping[Format, str] = {
    "parquet": "Parquet",
    "csv": "CSV",
    "tsv": "TSV",
    "jsonl": "JSON Lines",
    "arrow": "Arrow IPC",
}
SUFFIXES: Mapping[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".parq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
}
TEXT_FORMATS: frozenset[Format] = frozenset({"csv", "tsv", "jsonl"})
COMPRESSIONS: Mapping[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
# What can't be read, by suffix: what it is, and the way out.
_BY_FRAME = "read it with Polars, pandas or pyarrow and give the frame"
_UNPACK = "unpack it first; gzip and Zstandard are read as they are"
_TEXT = 'say what it is: format="csv", format="tsv"'
_JSON = (
    'if each line is an object, format="jsonl"; for one array of objects, "jq -c .[]" makes lines of it, and json.load a '
    "list, which can be given"
)
OTHER_SUFFIXES: Mapping[str, tuple[str, str]] = {
    ".txt": ("text", _TEXT),
    ".dat": ("data", _TEXT),
    ".json": ("JSON", _JSON),
    ".orc": ("ORC", _BY_FRAME),
    ".avro": ("Avro", _BY_FRAME),
    ".xlsx": ("Excel", _BY_FRAME),
    ".xls": ("Excel", _BY_FRAME),
    ".zip": ("zip", _UNPACK),
    ".tar": ("tar", _UNPACK),
    ".tgz": ("tar", _UNPACK),
    ".bz2": ("bzip2", _UNPACK),
    ".xz": ("xz", _UNPACK),
    ".lz4": ("LZ4", _UNPACK),
}

HEAD_BYTES = 512
_MAGIC: Mapping[bytes, Compression] = {b"\x1f\x8b": "gzip", b"(\xb5/\xfd": "zstd"}
_DECOMPRESSED = 'text in it is read: format="csv", "tsv" or "jsonl" says which'
_BEGINNINGS: tuple[tuple[bytes, str, str | None], ...] = (
    (b"PAR1", "Parquet", None),
    (b"PARE", "encrypted Parquet", "decrypt it first"),
    (b"ARROW1", "Arrow IPC", None),
    (b"\xff\xff\xff\xff", "Arrow IPC", None),
    (b"FEA1", "Feather V1", "give the table that pyarrow.feather.read_table makes of it"),
    (b"\x1f\x8b", "gzip", _DECOMPRESSED),
    (b"(\xb5/\xfd", "Zstandard", _DECOMPRESSED),
    (b"PK\x03\x04", "zip (as Excel workbooks are)", f"{_BY_FRAME}, or unpack it"),
    (b"BZh", "bzip2", _UNPACK),
    (b"\xfd7zXZ\0", "xz", _UNPACK),
    (b"\x04\x22\x4d\x18", "LZ4", _UNPACK),
    (b"ORC", "ORC", _BY_FRAME),
    (b"Obj\x01", "Avro", _BY_FRAME),
    (b"SQLite format 3\0", "a SQLite database", "load the rows of a query, by the sqlite3 module or DuckDB"),
    (b"%PDF-", "PDF", "it holds no rows"),
    (b"\xd0\xcf\x11\xe0", "Excel", _BY_FRAME),
)
"""First bytes of a file, the name of its format, and the hint if that format can't be read."""
# A CSV file may begin with "ORC"; it doesn't go on with these.
_NO_TEXT = bytes([*range(9), 11, 12, *range(14, 32)])


@dataclass(frozen=True, slots=True)
class Said:
    """Format and compression by the name of a file; `other` is a format that can't be read, with the way out."""

    format: Format | None = None
    compression: Compression | None = None
    other: tuple[str, str] | None = None


def said_by(name: str) -> Said:
    """Read the suffixes of a name, such as `.csv.gz`."""
    stem, suffix = os.path.splitext(name.lower())
    compression = COMPRESSIONS.get(suffix)
    if compression is not None:
        suffix = os.path.splitext(stem)[1]
    return Said(SUFFIXES.get(suffix), compression, OTHER_SUFFIXES.get(suffix))


def is_data(name: str) -> bool:
    """True if a file in a folder is taken for data, by its name."""
    return said_by(name).format is not None


def compression_of(head: bytes) -> Compression | None:
    """Return the compression of a file by its first bytes."""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def looks_like(head: bytes) -> str | None:
    """Name the format of a file by its first bytes, in words; None for text, and for an unknown format."""
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    is_text = head.translate(None, _NO_TEXT) == head
    return next(
        (what for magic, what, _ in _BEGINNINGS if head.startswith(magic) and not (is_text and magic.isalnum())), None
    )


def format_of(head: bytes) -> Format | None:
    """The format that can be told by how a file begins."""
    word = looks_like(head)
    return next((kind for kind, name in FORMATS.items() if name == word), None)


def way_to_read(head: bytes) -> str | None:
    """A hint: the format that the first bytes look like (text: the first line), and how to read it; None if unknown."""
    found = format_of(head) or _text_format(head)
    if found is not None:
        hint = f"it looks like {FORMATS[found]}: format={found!r} reads it"
        return hint
    what = looks_like(head)
    way = "was it downloaded without its password, or by a wrong URL?" if what == "an HTML page" else None
    way = next((way for _, name, way in _BEGINNINGS if name == what), way)
    hint = f"it looks like {what}: {way}"
    return hint if way else None


def _text_format(head: bytes) -> Format | None:
    """The format of text that has this first line, as far as a line can tell."""
    line = head.removeprefix(codecs.BOM_UTF8).lstrip().partition(b"\n")[0]
    if looks_like(head) is not None or line.translate(None, _NO_TEXT) != line:
        return None
    if line.startswith(b"{"):
        return "jsonl"
    if b"\t" in line:
        return "tsv"
    return "csv" if any(sign in line for sign in (b",", b";", b"|")) else None
