"""Output of the commands on standard output and standard error: printable, and without ever failing a load.

What a load has committed stays committed where nobody reads its report, so writing raises nothing: `False` says that it failed.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import sys
from collections.abc import Collection
from typing import Any, TextIO

from arrowsync.errors import ArrowSyncError
from arrowsync.shown import printable, shown


def say(text: str) -> bool:
    """Lines for people on standard output."""
    return _write(sys.stdout, printable(text, lines=True) + "\n")


def warn(text: str) -> bool:
    """Lines for people on standard error."""
    return _write(sys.stderr, printable(text, lines=True) + "\n")


def say_json(value: object) -> bool:
    """One line of JSON on standard output."""
    return _write(sys.stdout, _json(value) + "\n")


def say_source(text: str) -> bool:
    """SQL or Python: as it is, in UTF-8, where it goes into a file or pipe; printable on a terminal."""
    stream: Any = sys.stdout
    if stream is None or stream.isatty() or not hasattr(stream, "buffer"):
        return _write(stream, printable(text, lines=True))
    try:
        stream.flush()
        stream.buffer.write(text.encode("utf-8", "surrogatepass"))
        stream.buffer.flush()
    except (OSError, ValueError):
        _silence(stream)
        return False
    return True


def complain(error: ArrowSyncError, options: Collection[str], *, as_json: bool = False) -> None:
    """An error and its hint on standard error, the hint in terms of the command's `options` (`--max-rejects`)."""
    hint = None if error.hint is None else in_options(error.hint, options)
    if as_json:
        facts = {"error": type(error).__name__, "message": error.message, **vars(error), "hint": hint}
        _write(sys.stderr, _json(facts) + "\n")
        return
    warn(f"arrowsync: {error.message}")
    if hint is not None:
        warn(f"  hint: {hint}")


_COMMANDS_OF = (
    (re.compile(r"\bsync_table or migrate\b"), "arrowsync load or arrowsync migrate"),
    (re.compile(r"\bcsv=CsvOptions\((.*?)\)"), r"\1"),
    (re.compile(r"\bhas_header=False\b"), "--no-header"),
    (re.compile(r"\bquote=None\b"), "--quote ''"),
    (re.compile(r'\bline_end="\\r"'), "--line-end cr"),
    (re.compile(r"\bnulls=\(?"), "--null "),
)
_ASSIGNED = re.compile(r"\b(?P<name>[a-z_]+)=(?P<value>\w+Mode\.\w+|True|\"[^\"]*\"|'[^']*'|\[\.\.\.\])?")
_NAMED = re.compile(r"(?<![\w\"'.-])(?P<name>[a-z]+(?:_[a-z]+)+)(?![\w(\"'])")


def in_options(hint: str, options: Collection[str]) -> str:
    """A hint that names parameters of functions, with the options of the command in their place.

    >>> in_options('pass key=, or dedup="last"', ["--key", "--dedup"])
    'pass --key, or --dedup last'
    """
    for pattern, words in _COMMANDS_OF:
        hint = pattern.sub(words, hint)

    def assigned(found: re.Match[str]) -> str:
        option = f"--{found['name'].replace('_', '-')}"
        if option not in options:
            return found[0]
        match found["value"]:
            case None | "True":
                return option
            case "[...]":
                return f"{option} a,b"
            case value:
                plain = value.rpartition("Mode.")[2].lower() if "Mode." in value else value[1:-1]
                return f"{option} {shlex.quote(plain)}"

    def named(found: re.Match[str]) -> str:
        option = f"--{found['name'].replace('_', '-')}"
        return option if option in options else found[0]

    return _NAMED.sub(named, _ASSIGNED.sub(assigned, hint))


def forgive_encodings() -> None:
    """Signs that a stream's encoding lacks are escaped in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _json(value: object) -> str:
    return json.dumps(value, default=shown).replace("\x7f", "\\u007f")


def _write(stream: TextIO | None, text: str) -> bool:
    if stream is None:  # closed before Python began
        return False
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        _silence(stream)
        return False
    return True


def _silence(stream: TextIO) -> None:
    """Redirect the stream to the null device: at its end, Python would try to write the rest of the buffer, and fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
