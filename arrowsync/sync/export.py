"""`write_tsv`: any data into a text file, from which `open_source` reads the same back."""

from __future__ import annotations

import codecs
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from arrowsync.convert.astext import compile_text
from arrowsync.encode.tsvtext import encode_header, encode_tsv
from arrowsync.errors import DeclarationError
from arrowsync.sync.source import open_source


class BinaryWriter(Protocol):
    """An open binary file: `write` takes bytes."""

    def write(self, data: Any, /) -> Any: ...


Target: TypeAlias = "str | os.PathLike[str] | BinaryWriter"

_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


def write_tsv(
    data: object,
    target: Target,
    table: object = None,
    *,
    format: str | None = None,  # noqa: A002 - the word that users look for
    field_names: Sequence[str | None] | None = None,
    header: bool = True,
) -> int:
    r"""The number of rows written to a path or to an open binary file, as tab-separated values.

    `data`, `table`, `format` and `field_names` are those of `open_source`. The file is what PostgreSQL's `COPY ... FROM`
    reads (with `HEADER`, unless `header` is False): UTF-8, `\N` for NULL, a backslash before what would end a field. Numbers,
    dates and times, UUIDs are written as `open_source` reads them, exactly; bytes as `\x` and hexadecimal digits,
    durations as `49:00:00.5`, lists and structs as JSON.

    A path that ends with `.gz` or `.zst` is compressed. The file appears under its name when it is complete: after an
    error whatever was there is still there. An open file stays open, and keeps the lines before an error.

    >>> import io
    >>> file = io.BytesIO()
    >>> write_tsv([(1, "one\ttwo"), (2, None)], file, field_names=["number", "words"])
    2
    >>> file.getvalue()
    b'number\twords\n1\tone\\ttwo\n2\t\\N\n'
    """
    with open_source(data, table, format=format, field_names=field_names) as stream:
        to_text = compile_text(stream.schema, source=stream.name)
        with _opened(target) as file:
            rows = 0
            if header:
                _write(file, encode_header(stream.schema.names), first=True)
            for batch in stream:
                _write(file, encode_tsv(to_text(batch, rows)), first=not header and not rows)
                rows += batch.num_rows
    return rows


def _write(file: BinaryWriter, lines: pa.Buffer, *, first: bool) -> None:
    if first and bytes(memoryview(lines)[:3]) == codecs.BOM_UTF8:
        file.write(codecs.BOM_UTF8)  # a reader takes one for the mark, and the other for text
    file.write(lines)


@contextmanager
def _opened(target: Target) -> Generator[BinaryWriter]:
    if not isinstance(target, str | os.PathLike):
        if hasattr(target, "encoding"):
            raise DeclarationError("the file was opened for text", hint='open it in binary mode: open(path, "wb")')
        yield target
        return
    path: str = os.path.expanduser(os.fspath(target))
    unfinished = f"{path}.{os.getpid()}.part"
    compression: Any = _COMPRESSIONS.get(os.path.splitext(path)[1].lower())
    try:
        try:
            stream = pa.output_stream(unfinished, compression=compression)
        except OSError as error:
            if error.errno is None:
                raise
            raise OSError(error.errno, os.strerror(error.errno), path) from error  # the name that the user gave
        with stream as file:
            yield file
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)
