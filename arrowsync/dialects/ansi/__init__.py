"""Standard SQL, for scripts: `LANGUAGE`. There is no server that speaks it, so there is no dialect to connect with."""

from __future__ import annotations

from arrowsync.dialects.ansi.render import render
from arrowsync.dialects.ansi.types import column_of, forms, quoting, spec_of
from arrowsync.dialects.dialect import Language, Server

LANGUAGE = Language(
    name="ansi",
    server=Server("ansi", (2023,), "public"),
    quoting=quoting,
    column_of=column_of,
    spec_of=spec_of,
    forms=forms,
    render=render,
)
