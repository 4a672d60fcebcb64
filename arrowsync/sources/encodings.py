"""Text of any encoding -> UTF-8, as it is read. A byte order mark says the encoding, whatever else was said, and is left out."""

from __future__ import annotations

import codecs

from arrowsync.errors import SourceError
from arrowsync.sources.tsv_lines import BinaryFile

_CHUNK = 1 << 20
# The longer ones first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)


def read_as_utf8(file: BinaryFile, name: str, encoding: str) -> BinaryFile:
    """The same text in UTF-8; of text that is said to be UTF-8 nothing is looked at."""
    head = b""
    while len(head) < 4 and (more := file.read(4 - len(head))):
        head += more
    for mark, marked in _MARKS:
        if head.startswith(mark):
            head, encoding = head[len(mark) :], marked
            break
    if codecs.lookup(encoding).name == "utf-8":
        return _Prepended(file, head)
    return _Transcoded(_Prepended(file, head), name, encoding)


class _Prepended:
    """A file after whose beginning, which was read already, comes the rest."""

    def __init__(self, file: BinaryFile, head: bytes) -> None:
        self._file = file
        self._head = head

    def read(self, size: int, /) -> bytes:
        head, self._head = self._head, b""
        return head or self._file.read(size)

    def close(self) -> None:
        self._file.close()


class _Transcoded:
    """A file in UTF-8; `read` gives as much as it gets for a chunk of the original."""

    def __init__(self, file: BinaryFile, name: str, encoding: str) -> None:
        self._file = file
        self._name = name
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._line = 1

    def read(self, size: int, /) -> bytes:
        while True:
            chunk = self._file.read(max(size // 4, _CHUNK))
            try:
                text = self._decoder.decode(chunk, not chunk)
                result = text.encode()
            except UnicodeError as error:
                raise self._fault(error) from error
            self._line += text.count("\n")
            if result or not chunk:
                return result

    def _fault(self, error: UnicodeError) -> SourceError:
        line, what = self._line, str(error)
        if isinstance(error, UnicodeDecodeError):
            good = error.object[: error.start].decode(self._encoding, "replace")
            line += good.count("\n")
            what = f"{error.object[error.start : error.end].hex(' ')} is {error.reason}"
        return SourceError(
            f"{self._name}, line {line}: not {self._encoding}: {what}",
            source=self._name,
            hint="check the encoding that was given, and whether the file is whole",
        )

    def close(self) -> None:
        self._file.close()
