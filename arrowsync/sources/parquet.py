"""Parquet files -> record batches, decoded a few thousand rows at a time.

How it is read was measured on TPC-H lineitem, 6 million rows (230 MB), with a consumer that takes 20 ms for each batch of
65,536 rows (pyarrow 26, two busy cores; medians of 5, 5 and 3 alternating runs). Peak memory above the baseline and CPU
seconds, for row groups of 114,000 rows, of 1 million, and all rows in one:

    dataset scanner, its defaults                      817 MB  4.0 s    990 MB  5.1 s    1,533 MB  6.1 s
    dataset scanner, one thread, least readahead       175 MB  1.6 s    562 MB  2.2 s    1,448 MB  4.3 s
    ParquetFile.iter_batches, its defaults             301 MB  1.8 s    281 MB  2.1 s      301 MB  1.9 s
    ParquetFile.iter_batches, no pre_buffer, 1 MiB     125 MB  1.8 s    126 MB  2.1 s      138 MB  2.2 s

So it is the last, whose memory hardly depends on the file and its row groups. What it costs: nothing is decoded while the
consumer works (5.5 s by the clock in the first column, where the scanner on one thread took 4.1 s); a bounded prefetch
around the stream gives that back.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pyarrow as pa

from arrowsync.errors import SourceError
from arrowsync.sources.formats import looks_like
from arrowsync.sources.paths import SourceFile, unreadable
from arrowsync.sources.selection import Selection
from arrowsync.sources.several import Part, check_names
from arrowsync.sources.stream import columns_of

BATCH_BYTES = 16 << 20
_PROBE_ROWS = 64
_MAGIC = b"PAR1"


def parquet_parts(files: Sequence[SourceFile], batch_rows: int) -> list[Part]:
    """What the footers of the files tell: they are read at once, so a misfit is found before the first row."""
    return [_read_footer(file, batch_rows) for file in files]


def _open(source: Any) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True)


def _read_footer(file: SourceFile, batch_rows: int) -> Part:
    try:
        with file.open() as source:
            _check_magic(file.name, source)
            with _open(source) as parquet:
                metadata = parquet.metadata
                groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
                width = max((group.total_byte_size / group.num_rows for group in groups if group.num_rows), default=1.0)
                rows = max(_PROBE_ROWS, min(batch_rows, int(BATCH_BYTES / max(width, 1.0))))
                schema = parquet.schema_arrow
                check_names(schema, file.name)
                return Part(file, columns_of(schema), metadata.num_rows, lambda selection: _read(file, rows, selection))
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file.name, error) from error


def _check_magic(name: str, file: Any) -> None:
    """pyarrow says the same of a file that isn't Parquet and of one that is cut short; a user wants to know which."""
    file.seek(0)
    beginning = file.read(64)
    head = beginning[:4]
    size = file.seek(0, 2)
    file.seek(max(0, size - 4))
    tail = file.read(4)
    file.seek(0)
    if head == _MAGIC and tail == _MAGIC and size >= 12:
        return
    if not size:
        raise SourceError(f"{name!r} is empty, so no Parquet file", source=name, hint="was it written to its end?")
    if b"PARE" in (head, tail):
        raise SourceError(f"{name!r} is an encrypted Parquet file", source=name, hint="decrypt it first")
    if head == _MAGIC:
        raise SourceError(
            f"{name!r} is a Parquet file that was cut short: its end is missing",
            source=name,
            hint="copy or download it again, or wait until it is written",
        )
    what = looks_like(beginning)
    raise SourceError(
        f"{name!r} is no Parquet file: it begins with {head!r}, not {_MAGIC!r}",
        source=name,
        hint=f"it looks like {what}" if what else "what does it really hold? format= says what the name doesn't",
    )


def _read(file: SourceFile, batch_rows: int, selection: Selection) -> Generator[pa.RecordBatch]:
    groups = None if not selection.filters else _groups(file, selection)
    with file.open() as source, _open(source) as parquet:
        wanted: dict[str, Any] = {"columns": selection.columns, "row_groups": groups}
        yield from parquet.iter_batches(_fitting(parquet, batch_rows, wanted), use_threads=True, **wanted)


def _groups(file: SourceFile, selection: Selection) -> list[int]:
    """The row groups in which, by their statistics, there may be rows that are wanted."""
    from pyarrow import dataset

    datasets: Any = dataset
    with file.open() as source:
        fragments = datasets.ParquetFileFormat().make_fragment(source).split_by_row_group(selection.expression)
        return [group.id for fragment in fragments for group in fragment.row_groups]


def _fitting(parquet: Any, batch_rows: int, wanted: dict[str, Any]) -> int:
    """How many rows make a batch: fewer than the footer lets expect where decoding blows repeated values up."""
    if parquet.metadata.num_rows <= _PROBE_ROWS:
        return batch_rows
    probe = next(parquet.iter_batches(_PROBE_ROWS, **wanted), None)
    width: int = 1 if probe is None else probe.nbytes // _PROBE_ROWS
    return max(_PROBE_ROWS, min(batch_rows, BATCH_BYTES // max(width, 1)))
