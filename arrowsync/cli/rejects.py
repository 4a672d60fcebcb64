"""The file of `--rejects`: in the format that its suffix says."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, cast

import pyarrow as pa

from arrowsync.errors import SourceError


def check_rejects(path: str) -> None:
    """Refuse a path that no file can be written to, before anything is loaded whose rejects would then be lost."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        problem = "is a folder" if os.path.isdir(path) else f"can't be written: {folder!r} is no folder to write to"
        raise SourceError(
            f"--rejects {path!r} {problem}", source=path, hint="give the path of a file; nothing was loaded"
        )
    if _suffix(path) not in _WRITERS:
        raise SourceError(
            f"--rejects {path!r}: its suffix says no format that rejects can be written in",
            source=path,
            hint=f"give a file named {', '.join(f'*{suffix}' for suffix in _WRITERS)}; nothing was loaded",
        )


def write_rejects(rejects: pa.Table, path: str) -> str | None:
    """Write the rejects to the file; the reason where that fails."""
    try:
        _WRITERS[_suffix(path)](rejects, path)
    except (OSError, pa.ArrowException) as error:
        return str(error)
    return None


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _write_parquet(rejects: pa.Table, path: str) -> None:
    import pyarrow.parquet as pq

    cast("Any", pq).write_table(rejects, path)


def _write_arrow(rejects: pa.Table, path: str) -> None:
    with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, rejects.schema) as writer:
        writer.write_table(rejects)


def _write_csv(rejects: pa.Table, path: str) -> None:
    import pyarrow.csv as pacsv

    cast("Any", pacsv).write_csv(rejects, path)


def _write_tsv(rejects: pa.Table, path: str) -> None:
    from arrowsync import write_tsv

    write_tsv(rejects, path)


def _write_jsonl(rejects: pa.Table, path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rejects.to_pylist())


_WRITERS: Mapping[str, Callable[[pa.Table, str], None]] = {
    ".parquet": _write_parquet,
    ".pq": _write_parquet,
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".jsonl": _write_jsonl,
    ".ndjson": _write_jsonl,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
}
