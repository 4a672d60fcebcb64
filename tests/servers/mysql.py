"""A private MySQL: `with start_mysql() as server: server.url`. `servers/mysqlkind.py` says what it can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from servers import unstable
from servers.mysqlkind import MySqlServer, start_server
from servers.private import PrivateFolder
from servers.products import Product


def _newest() -> Iterator[Path]:
    # Not PATH's: `mysqld` there is MariaDB's on Debian, and years old on Ubuntu.
    yield unstable.folder() / "usr"


MYSQL = Product("MySQL", "ARROWSYNC_TEST_MYSQL", ("mysqld",), _newest)


def start_mysql(*, private: bool = False, local_infile: bool = True) -> AbstractContextManager[MySqlServer]:
    """A server of our own, or that of `ARROWSYNC_TEST_MYSQL_URL` unless it has to be `private` or refuse LOAD DATA LOCAL."""
    # The X protocol would listen on a port of its own, always the same.
    return start_server(MYSQL, _initialize, settings={"mysqlx": "OFF"}, private=private, local_infile=local_infile)


def _initialize(programs: dict[str, Path], folder: PrivateFolder) -> None:
    folder.run(
        programs["mysqld"],
        "--no-defaults",
        "--initialize-insecure",
        f"--datadir={folder.path / 'data'}",
        "--innodb-flush-method=nosync",
        "--innodb-redo-log-capacity=8M",  # grows to the server's own size on demand
        "--innodb-use-native-aio=0",
    )
