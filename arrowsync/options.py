"""The frozen option records, and the closed sets of words that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from arrowsync.errors import DeclarationError

Mode = Literal["insert", "upsert", "replace", "mirror"]
OnConflict = Literal["error", "skip"]
Dedup = Literal["last", "first", "error"]
OnError = Literal["raise", "reject"]
SchemaChanges = Literal["none", "safe", "all"]


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How `sync_table` works; its keyword arguments, checked. `mode` and `key` are None where the table decides."""

    mode: Mode | None = None
    key: tuple[str, ...] | None = None
    on_conflict: OnConflict = "error"
    dedup: Dedup = "last"
    on_error: OnError = "raise"
    max_rejects: int | None = None
    schema_changes: SchemaChanges = "safe"
    dry_run: bool = False

    def __post_init__(self) -> None:
        _check("mode", self.mode, (*get_args(Mode), None))
        _check("on_conflict", self.on_conflict, get_args(OnConflict))
        _check("dedup", self.dedup, get_args(Dedup))
        _check("on_error", self.on_error, get_args(OnError))
        _check("schema_changes", self.schema_changes, get_args(SchemaChanges))
        limit = cast(object, self.max_rejects)
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            raise DeclarationError(f"max_rejects is {limit!r}", hint="give a number of rows, 0 or more")
        if self.on_conflict == "skip" and self.mode not in (None, "insert"):
            raise DeclarationError(
                f'on_conflict="skip" goes with mode="insert", not {self.mode!r}',
                hint="upsert, replace and mirror update the rows that are there",
            )


def _check(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if value not in allowed:
        words = ", ".join(repr(word) for word in allowed if word is not None)
        raise DeclarationError(f"{name} is {value!r}", hint=f"{name} is one of {words}")
