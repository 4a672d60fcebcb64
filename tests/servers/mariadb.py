"""A private MariaDB: `with start_mariadb() as server: server.url`. `servers/mysqlkind.py` says what it can do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from servers.mysqlkind import MySqlServer, start_server
from servers.private import PrivateFolder
from servers.products import Product


def _installed() -> Iterator[Path]:
    """PATH's, then Debian's, whose `sbin` is on no user's PATH."""
    if program := shutil.which("mariadb-install-db"):
        yield Path(program).parent.parent
    yield Path("/usr")


# The packages `-core` hold the programs alone: no system service, no user, no configuration.
MARIADB = Product(
    "MariaDB",
    "ARROWSYNC_TEST_MARIADB",
    ("mariadbd", "mariadb-install-db", "my_print_defaults"),
    _installed,
    ("mariadb-server-core", "mariadb-client-core"),
)


def start_mariadb(*, private: bool = False, local_infile: bool = True) -> AbstractContextManager[MySqlServer]:
    """A server of our own, or that of `ARROWSYNC_TEST_MARIADB_URL` unless it has to be `private` or refuse LOAD DATA LOCAL."""
    return start_server(MARIADB, _initialize, settings={}, private=private, local_infile=local_infile)


def _initialize(programs: dict[str, Path], folder: PrivateFolder) -> None:
    folder.run(
        programs["mariadb-install-db"],
        "--no-defaults",
        f"--basedir={programs['mariadb-install-db'].parent.parent}",
        f"--datadir={folder.path / 'data'}",
        "--innodb-flush-method=nosync",
        "--skip-test-db",
    )
