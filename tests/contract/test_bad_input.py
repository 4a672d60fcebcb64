"""What goes wrong around the data: files, connections, files in use. Each has its error, and leaves the target as it was."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from contract.items import Item, item

import arrowsync
from arrowsync import ConnectionLost, DatabaseError, SourceError


@pytest.fixture
def conn(database_url: str):
    with arrowsync.connect(database_url) as connection:
        arrowsync.sync_table([item(1, "old")], Item, connection)
        yield connection
        assert arrowsync.read_table(Item, connection).to_pylist() == [{"id": 1, "name": "old", "price": None}]


def test_no_such_file(conn: arrowsync.Connection, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing\.parquet"):
        arrowsync.sync_table(tmp_path / "missing.parquet", Item, conn)
    with pytest.raises(SourceError, match=r"\*\.parquet"):
        arrowsync.sync_table(str(tmp_path / "*.parquet"), Item, conn)


def test_not_parquet(conn: arrowsync.Connection, tmp_path: Path) -> None:
    (tmp_path / "fake.parquet").write_text("id,name\n1,x\n")
    with pytest.raises(SourceError, match=r"fake\.parquet"):
        arrowsync.sync_table(tmp_path / "fake.parquet", Item, conn)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.98])
def test_a_cut_file(conn: arrowsync.Connection, tmp_path: Path, kept: float) -> None:
    path = tmp_path / "cut.parquet"
    pl.DataFrame({"id": range(10_000), "name": ["x"] * 10_000}).write_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(SourceError, match=r"cut\.parquet"):
        arrowsync.sync_table(path, Item, conn)


def test_a_file_with_damaged_pages(conn: arrowsync.Connection, tmp_path: Path) -> None:
    path = tmp_path / "damaged.parquet"
    ids = range(2, 500_000)
    pl.DataFrame({"id": ids, "name": [f"n{n}" for n in ids]}).write_parquet(path, row_group_size=50_000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = b"\xff" * 20_000
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"damaged\.parquet"):
        arrowsync.sync_table(path, Item, conn)


def test_something_that_is_no_data(conn: arrowsync.Connection) -> None:
    for nothing in (42, None, object(), "", Item, Item(1, "x")):
        with pytest.raises((SourceError, arrowsync.DeclarationError)) as caught:
            arrowsync.sync_table(nothing, Item, conn)
        assert caught.value.hint


def test_a_wrong_password_is_not_shown(postgres_url: str) -> None:
    user_and_password = postgres_url.split("//")[1].split("@")[0]
    wrong = postgres_url.replace(user_and_password, user_and_password.split(":")[0] + ":wr0ng-s3cret")
    with pytest.raises(DatabaseError) as caught:
        arrowsync.connect(wrong)
    assert caught.value.code == "28P01"
    error: BaseException | None = caught.value
    while error is not None:
        assert "wr0ng" not in repr(error) + str(error) + repr(vars(error))
        error = error.__cause__ or error.__context__


def test_an_unreachable_host() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionLost, match=f"{port}") as caught:
        arrowsync.connect(f"postgresql://user:s3cret@127.0.0.1:{port}/x")
    assert caught.value.transient
    assert "s3cret" not in str(caught.value)


def test_a_database_that_does_not_exist(postgres_url: str) -> None:
    with pytest.raises(DatabaseError, match="nowhere"):
        arrowsync.connect(postgres_url.rsplit("/", 1)[0] + "/nowhere")


@pytest.mark.parametrize("url", ["warehouse.duckdb", "oracle://host/x", "", 42, None])
def test_something_that_is_no_connection(url: object) -> None:
    with pytest.raises(arrowsync.DeclarationError) as caught:
        arrowsync.sync_table([item(1)], Item, url)
    assert caught.value.hint


def test_an_unwritable_duckdb_path(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="missing-folder"):
        arrowsync.connect(f"duckdb:///{tmp_path}/missing-folder/x.duckdb")
    with pytest.raises(DatabaseError, match=str(tmp_path)):
        arrowsync.connect(f"duckdb:///{tmp_path}")


def test_a_file_that_is_no_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(DatabaseError, match=r"x\.duckdb"):
        arrowsync.connect(f"duckdb:///{path}")
    assert path.read_bytes() == b"not a database" * 1000


def test_a_duckdb_file_that_another_process_has_open(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb, time; c = duckdb.connect({str(path)!r}); print('open', flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(DatabaseError, match=r"x\.duckdb") as caught:
            arrowsync.connect(f"duckdb:///{path}")
        assert caught.value.transient
        assert caught.value.hint
    finally:
        holder.kill()
        holder.communicate()


LOADER = """
import sys, time
sys.path.insert(0, {tests!r})
import arrowsync
from contract.items import Item
def rows():
    n = 2
    while True:
        if n == 100_000:
            print("loading", flush=True)
        yield n, "x", None
        n += 1
arrowsync.sync_table(rows(), Item, {url!r})
"""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_loader_that_is_killed_leaves_the_old_rows(database_url: str, signal: str, tmp_path: Path) -> None:
    import signal as signals

    arrowsync.sync_table([item(1, "old")], Item, database_url)
    script = tmp_path / "loader.py"
    script.write_text(LOADER.format(tests=str(Path(__file__).parents[1]), url=database_url))
    loader = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert loader.stdout is not None
    assert loader.stdout.readline() == "loading\n"
    os.kill(loader.pid, getattr(signals, signal))
    loader.communicate(timeout=120)
    assert loader.returncode != 0
    deadline = time.monotonic() + 60
    while True:
        try:
            rows = arrowsync.read_table(Item, database_url).to_pylist()
            break
        except DatabaseError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert rows == [{"id": 1, "name": "old", "price": None}]
    assert arrowsync.sync_table([item(2)], Item, database_url).inserted == 1


def test_a_server_that_goes_away_in_the_middle(private_postgres) -> None:
    url = private_postgres.create_database()
    with arrowsync.connect(url) as conn:
        conn.execute("SET synchronous_commit = on")  # what is committed outlives a crash, also at once
        arrowsync.sync_table([item(1, "old")], Item, conn)

        def rows():
            for n in range(2, 1_000_000):
                if n == 300_000:
                    private_postgres.restart()
                yield n, "x", None

        with pytest.raises(ConnectionLost):
            arrowsync.sync_table(rows(), Item, conn)
    assert arrowsync.read_table(Item, url).to_pylist() == [{"id": 1, "name": "old", "price": None}]
    assert arrowsync.sync_table([item(2)], Item, url).inserted == 1
