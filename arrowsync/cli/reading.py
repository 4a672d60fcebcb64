"""The options of a command that reads files, and the `Source` that they say."""

from __future__ import annotations

import argparse
from typing import Any

from arrowsync.options import CsvOptions
from arrowsync.sources.files.formats import FORMATS
from arrowsync.sources.open import Source


def add_reading_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `open_source`, under the same names."""
    group = command.add_argument_group("how the source is read")
    group.add_argument("--format", choices=list(FORMATS), help="what files are, whatever their suffix; needed for -")
    group.add_argument("--field-names", type=names, help="the columns of CSV and TSV, an empty one to leave it out")
    group.add_argument(
        "--no-header", dest="has_header", action="store_false", help="the first line of CSV and TSV is a row"
    )
    group.add_argument("--columns", type=names, help='the columns to read, or "declared" for those of the table')
    group.add_argument("--delimiter", help="between the fields of CSV: a comma (default)")
    group.add_argument("--quote", help='around fields of CSV: " (default); empty for none')
    group.add_argument("--encoding", help="of CSV: utf-8 (default), cp1252, utf-16-le, ...")
    group.add_argument("--line-end", choices=["cr"], help="of CSV: LF or CRLF (default), or CR alone")
    group.add_argument("--null", action="append", help="an unquoted field of CSV that is NULL: the empty one (default)")


def names(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",")]


def source_of(options: argparse.Namespace) -> Source:
    """The source that the arguments say, still closed."""
    written = {
        "delimiter": "\t" if options.delimiter == "\\t" else options.delimiter,
        "quote": options.quote,
        "encoding": options.encoding,
        "line_end": "\r" if options.line_end else None,
        "nulls": None if options.null is None else tuple(options.null),
    }
    given: dict[str, Any] = {name: value for name, value in written.items() if value is not None}
    if options.quote == "":
        given["quote"] = None
    return Source(
        options.source[0] if len(options.source) == 1 else options.source,
        format=options.format,
        field_names=options.field_names,
        has_header=options.has_header,
        csv=CsvOptions(**given) if given else None,
        columns="declared" if options.columns == ["declared"] else options.columns,
    )
