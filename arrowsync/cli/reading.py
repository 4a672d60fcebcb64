"""The options of a command that reads files, and the `Source` that they say."""

from __future__ import annotations

import argparse
import os
from typing import Any, cast

import pyarrow as pa

from arrowsync.errors import SourceError
from arrowsync.options import CsvOptions
from arrowsync.sources.formats import FORMATS
from arrowsync.sources.open import Source


def add_reading_options(command: argparse.ArgumentParser) -> None:
    """What `open_source` takes, by the same words."""
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
        "nulls": None if options.null is None else tuple(options.null),
    }
    given: dict[str, Any] = {name: value for name, value in written.items() if value is not None}
    if options.quote == "":
        given["quote"] = None
    return Source(
        options.source,
        format=options.format,
        field_names=options.field_names,
        has_header=options.has_header,
        csv=CsvOptions(**given) if given else None,
        columns="declared" if options.columns == ["declared"] else options.columns,
    )


def check_rejects(path: str) -> None:
    """Refuse a path that no file can be written to, before anything is loaded whose rejects would then be lost."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        what = "is a folder" if os.path.isdir(path) else f"can't be written: {folder!r} is no folder to write to"
        raise SourceError(f"--rejects {path!r} {what}", source=path, hint="give the path of a file; nothing was loaded")


def write_rejects(rejects: pa.Table, path: str) -> None:
    """The rows that were rejected are in the Parquet file."""
    import pyarrow.parquet as pq

    try:
        cast("Any", pq).write_table(rejects, path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(
            f"the rows were loaded, but the {rejects.num_rows:,} rejected ones can't be written to {path!r}: {error}",
            source=path,
            hint="check the path that --rejects gives",
        ) from error
