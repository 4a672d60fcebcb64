"""Hints of MySQL and MariaDB: do what they say, and the operation succeeds. `hints/live/` has the examples."""

from __future__ import annotations

import pytest
from hints.on_servers import Live, params, try_hint
from servers.mysqlkind import MySqlServer

# asyncpg's and aiomysql's own destructors fail on a connection that was never complete.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
BOTH = ("mysql_and_mariadb", "mysql_and_mariadb_tables")


@pytest.mark.parametrize("case", params(*BOTH, "mysql"))
def test_of_mysql(case: Live, mysql_server: MySqlServer, mysql_url: str) -> None:
    try_hint(case, mysql_server, mysql_url)


@pytest.mark.parametrize("case", params(*BOTH, "mariadb"))
def test_of_mariadb(case: Live, mariadb_server: MySqlServer, mariadb_url: str) -> None:
    try_hint(case, mariadb_server, mariadb_url)
