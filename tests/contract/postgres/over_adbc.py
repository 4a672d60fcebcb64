"""A connection over ADBC: a user's own, kept for a whole test by what is made anew for each call otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adbc_driver_postgresql import dbapi

import arrowsync
from arrowsync import aio, blocking
from arrowsync.dialects import open_session


@contextmanager
def connected(url: str) -> Iterator[arrowsync.Connection]:
    """A connection of arrowsync's around one of ADBC, which is as it was found afterwards."""

    async def adopt() -> aio.Connection:
        return aio.Connection(await open_session(native))

    with dbapi.connect(url) as native:
        with arrowsync.Connection(blocking._portal.run(adopt)) as connection:
            yield connection
        option = native.adbc_connection.get_option
        assert option("adbc.postgresql.transaction_status") == "idle"
        assert option("adbc.connection.autocommit") == "false"
