"""MySQL and MariaDB, for scripts: `MYSQL` and `MARIADB`, one language in two flavours that differ by their features alone."""

from __future__ import annotations

from functools import partial

from arrowsync.dialects.dialect import Language
from arrowsync.dialects.mysql.flavours import MARIADB_SERVER, MYSQL_SERVER
from arrowsync.dialects.mysql.limits import forms
from arrowsync.dialects.mysql.quoting import prologue, quoting
from arrowsync.dialects.mysql.render import render
from arrowsync.dialects.mysql.types import column_of, spec_of

MYSQL = Language(
    name="mysql",
    server=MYSQL_SERVER,
    quoting=quoting,
    column_of=column_of,
    spec_of=spec_of,
    forms=forms,
    render=partial(render, collation="utf8mb4_0900_bin"),
    prologue=prologue,
)

MARIADB = Language(
    name="mariadb",
    server=MARIADB_SERVER,
    quoting=quoting,
    column_of=column_of,
    spec_of=spec_of,
    forms=forms,
    render=partial(render, collation="utf8mb4_nopad_bin"),
    prologue=prologue,
)
