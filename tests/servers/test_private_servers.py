"""The test kit itself: a private server is private, and is gone when its run is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from servers.postgres import PostgresServer


def test_the_superuser_needs_its_password(postgres_server: PostgresServer) -> None:
    parts = urlsplit(postgres_server.url)
    wrong = parts._replace(netloc=f"{parts.username}:wrong@{parts.hostname}:{parts.port}").geturl()
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(wrong))


def test_a_restart_cuts_connections_and_keeps_the_url(private_postgres: PostgresServer) -> None:
    async def lose_connection() -> None:
        connection = await asyncpg.connect(private_postgres.url)
        try:
            await asyncio.to_thread(private_postgres.restart)
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await connection.fetch("SELECT 1")
        finally:
            connection.terminate()

    asyncio.run(lose_connection())
    assert private_postgres.query("SELECT 1")[0][0] == 1


@pytest.mark.usefixtures("private_postgres")  # skips, or fails, where there is none
def test_a_killed_run_leaves_no_server_and_no_folder() -> None:
    code = """if True:
        import time
        from servers.postgres import start_postgres
        with start_postgres(private=True) as server:
            print(server.folder.path, flush=True)
            time.sleep(600)
    """
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, **path}
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        run.kill()
    end = time.monotonic() + 20
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not folder.exists()
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """Whether the process runs: one that ended and that nobody waited for (in a container without init) doesn't."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
