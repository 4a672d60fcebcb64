"""What MySQL and MariaDB servers share: one class for a running server, and how it is brought up from a new datadir."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.constants import ER

from servers import ServerUnavailable
from servers.private import Daemon, PrivateFolder, free_port, private_folder
from servers.products import Product

PID_FILE = "server.pid"

# Flushing at a commit is a write without a sync: fast, and what is committed survives a killed server, if not a lost machine.
# The time zone is no whole hour off UTC and differs from ours; character sets and sql_mode stay what the product thinks
# best (MariaDB: latin1), as they are on users' servers.
SETTINGS = {
    "bind-address": "127.0.0.1",
    "default-time-zone": "+05:30",
    "innodb-buffer-pool-size": "128M",
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-flush-method": "nosync",
    "innodb-use-native-aio": "0",  # the kernel's slots for it are few, and shared with all servers of the machine
    "max-connections": "100",
    "secure-file-priv": "",  # Debian's MySQL would look for its own folder
    "skip-log-bin": None,
    "skip-name-resolve": None,
}


@dataclass(frozen=True, slots=True)
class MySqlServer:
    """A running server: `url` connects a user who may do everything, with a password, to no database.

    `daemon` is None for a server that isn't ours (`ARROWSYNC_TEST_MYSQL_URL`), which is never restarted.
    """

    url: str
    daemon: Daemon | None = None

    @property
    def folder(self) -> PrivateFolder:
        return self._ours().folder

    @property
    def socket(self) -> Path:
        """The Unix socket that it listens on too."""
        return self.folder.path / "mysql.sock"

    def create_database(self, name: str | None = None) -> str:
        """The URL of a new, empty database, with the server's own default character set."""
        name = name or f"arrowsync_test_{secrets.token_hex(6)}"
        self.query(f"CREATE DATABASE `{name}`")
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop_database(self, url: str) -> None:
        """Drop it; connections to it are closed first, since their locks would make us wait."""
        for row in self._connections(url):
            try:
                self.query("KILL CONNECTION %s", row["Id"])
            except pymysql.err.OperationalError as error:
                if error.args[0] != ER.NO_SUCH_THREAD:
                    raise
        self.query(f"DROP DATABASE `{database_name(url)}`")

    def reset_database(self, url: str) -> bool:
        """Drop all that is in the database."""
        self.drop_database(url)
        self.create_database(database_name(url))
        return True

    def backends(self, url: str) -> list[str]:
        """A line for each client that is connected to the database of `url` now: state and statement."""
        return [f"{row['Id']} {row['Command']} {row['State']} {row['Info']}" for row in self._connections(url)]

    def query(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of one statement, on a connection of its own."""
        with closing(connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def restart(self) -> None:
        """Kill it and start it again on the same port: every connection is cut, what was committed is there."""
        self.stop()
        self.start()

    def stop(self) -> None:
        self._ours().kill()

    def start(self) -> None:
        self._ours().start(self._answers)

    def _answers(self) -> bool:
        try:
            return self.query("SELECT 1 AS one") == [{"one": 1}]
        except pymysql.err.OperationalError:
            return False

    def _connections(self, url: str) -> list[dict[str, Any]]:
        return [row for row in self.query("SHOW FULL PROCESSLIST") if row["db"] == database_name(url)]

    def _ours(self) -> Daemon:
        if self.daemon is None:
            raise ServerUnavailable("the server that the environment names is not ours to stop or restart")
        return self.daemon


def connect(url: str) -> pymysql.Connection[Any]:
    """A connection to the server, or to the database, of `url`, in autocommit mode."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        database=database_name(url) or None,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        charset="utf8mb4",
        ssl_disabled=parts.hostname == "127.0.0.1",  # reading the system's certificates takes longer than all the rest
        connect_timeout=10,
        autocommit=True,
        init_command="SET SESSION lock_wait_timeout = 20",  # the default is a year
        cursorclass=pymysql.cursors.DictCursor,
    )


def database_name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


Initialize = Callable[[dict[str, Path], PrivateFolder], None]


@contextmanager
def start_server(
    product: Product, initialize: Initialize, *, settings: dict[str, str | None], private: bool, local_infile: bool
) -> Iterator[MySqlServer]:
    """A server of our own, or the user's unless it has to be `private` or refuse LOAD DATA LOCAL."""
    if product.given_url and local_infile and not private:
        yield MySqlServer(product.given_url)
        return
    programs = product.find_programs()
    with private_folder("my", pid_file=PID_FILE, stop_signal="SIGTERM") as folder:
        initialize(programs, folder)
        password = secrets.token_urlsafe(12)
        port = free_port()
        # Run at every start. Root of a new datadir has no password.
        init_file = folder.write(
            "init.sql",
            f"CREATE USER IF NOT EXISTS 'arrowsync'@'%' IDENTIFIED BY '{password}';\n"
            "GRANT ALL PRIVILEGES ON *.* TO 'arrowsync'@'%' WITH GRANT OPTION;\n"
            "DROP USER IF EXISTS 'root'@'localhost';\n",
        )
        all_settings = {
            **SETTINGS,
            **settings,
            "datadir": folder.path / "data",
            "init-file": init_file,
            "local-infile": int(local_infile),
            "log-error": folder.path / "server.log",
            "pid-file": folder.path / PID_FILE,
            "port": port,
            "socket": folder.path / "mysql.sock",
            "tmpdir": folder.path,
        }
        options = [f"--{name}" if value is None else f"--{name}={value}" for name, value in all_settings.items()]
        daemon = Daemon(folder, (programs[product.programs[0]], "--no-defaults", *options), PID_FILE)
        server = MySqlServer(f"mysql://arrowsync:{password}@127.0.0.1:{port}/", daemon)
        server.start()
        try:
            yield server
        finally:
            server.stop()
