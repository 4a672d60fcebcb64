"""URLs: a server of HTTP in this process, a file system of pyarrow, one of fsspec; and what a message shows of secrets."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

import arrowsync
from arrowsync.errors import ArrowSyncError, MissingDriver, SourceError
from arrowsync.sources.files import locate
from arrowsync.sources.files.bytes import ByteStream

CSV = b"id,name\n1,Ada\n2,Grace\n"
ROWS = [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Grace"}]
TABLE = pa.table({"id": list(range(10_000))})


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    return sink.getvalue()


FILES = {
    "/people.csv": CSV,
    "/with%20space.csv": CSV,
    "/%C3%A9t%C3%A9.csv": CSV,
    "/people.csv.gz": gzip.compress(CSV),
    "/download": CSV,
    "/t.parquet": parquet(),
    "/big.csv": b"id\n" + b"12345\n" * 1_000_000,
    "/page.csv": b"<!doctype html><html>not found</html>",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        match path:
            case "/moved":
                self.send_response(302)
                self.send_header("Location", "/people.csv")
                self.end_headers()
            case "/private.csv" if (
                self.headers.get("Authorization") != f"Basic {base64.b64encode(b'ada:s3cret').decode()}"
            ):
                self.send_error(401)
            case "/cut.csv":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(CSV)
            case "/signed.csv" if query != "token=hidden":
                self.send_error(403, f"no such token: {query}")
            case "/garbage.csv":
                self.wfile.write(b"no http at all\r\n\r\n")
            case _:
                data = FILES.get(path, CSV if path in ("/private.csv", "/signed.csv") else None)
                if data is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(OSError):  # whoever asked doesn't want all of it
                    self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def read(data: object, **options: Any) -> list[dict[str, object]]:
    with arrowsync.open_source(data, **options) as stream:
        return stream.read_all().to_pylist()


def refusal(data: object, **options: Any) -> ArrowSyncError:
    with pytest.raises(ArrowSyncError) as caught:
        read(data, **options)
    return caught.value


# ---- HTTP ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["people.csv", "people.csv.gz", "with space.csv", "été.csv", "people.csv?v=1#top"])
def test_files_of_a_server(server: str, path: str) -> None:
    assert read(f"http://{server}/{path}") == ROWS


def test_what_has_no_suffix_is_said(server: str) -> None:
    assert read(f"http://{server}/download", format="csv") == ROWS
    assert read(f"http://{server}/moved", format="csv") == ROWS
    assert "can't be told" in refusal(f"http://{server}/download").message


def test_parquet_which_is_read_from_its_end(server: str) -> None:
    assert len(read(f"http://{server}/t.parquet")) == 10_000


def test_several_urls(server: str) -> None:
    assert read([f"http://{server}/people.csv", f"http://{server}/people.csv.gz"]) == ROWS * 2


def test_a_body_is_read_as_it_is_wanted(server: str) -> None:
    with arrowsync.open_source(f"http://{server}/big.csv") as stream:
        assert next(iter(stream)).num_rows == 65_536
    assert len(read(f"http://{server}/big.csv")) == 1_000_000


def test_a_password_is_sent_and_never_shown(server: str) -> None:
    assert read(f"http://ada:s3cret@{server}/private.csv") == ROWS
    error = refusal(f"http://ada:wr0ng@{server}/private.csv")
    assert error.message == f"'http://***@{server}/private.csv' can't be read: HTTP 401 Unauthorized"
    assert "wr0ng" not in repr(error) + str(error.__cause__)


def test_a_signature_is_sent_and_never_shown(server: str) -> None:
    assert read(f"http://{server}/signed.csv?token=hidden") == ROWS
    error = refusal(f"http://{server}/signed.csv?token=stale")
    assert "HTTP 403" in error.message
    assert "stale" not in f"{error!r} {error} {error.__cause__}"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.csv", "can't be read: HTTP 404"),
        ("cut.csv", "was cut short: 978 bytes are missing"),
        ("garbage.csv", "can't be read"),
        ("page.csv", "looks like an HTML page; by its name it is CSV"),
        ("people.csv.zst", "HTTP 404"),
    ],
)
def test_what_a_server_gets_wrong(server: str, path: str, message: str) -> None:
    error = refusal(f"http://{server}/{path}")
    assert message in error.message
    assert error.hint
    assert isinstance(error, SourceError)


def test_a_server_that_is_not_there() -> None:
    error = refusal("http://127.0.0.1:9/t.csv")
    assert error.message.startswith("'http://127.0.0.1:9/t.csv' can't be read: ")


# ---- file systems -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    for place in ("bucket/a.csv", "bucket/day=1/b.csv", "bucket/day=2/c.csv", "bucket/_tmp/d.csv", "bucket/note.md"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CSV)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("bucket/a.csv", ["a.csv"]),
        ("bucket", ["a.csv", "day=1/b.csv", "day=2/c.csv"]),
        ("bucket/*.csv", ["a.csv"]),
        ("bucket/day=*/*.csv", ["day=1/b.csv", "day=2/c.csv"]),
        ("bucket/**/*.csv", ["a.csv", "day=1/b.csv", "day=2/c.csv"]),
    ],
)
def test_paths_folders_and_globs_of_a_file_system(bucket: Path, path: str, names: list[str]) -> None:
    files = locate.files_of(fs.SubTreeFileSystem(str(bucket), fs.LocalFileSystem()), path, f"s3://{path}", None)
    assert [file.name for file in files] == [f"s3://bucket/{name}" for name in names]
    for file in files:
        stream = ByteStream(file)
        assert stream.read(100) == CSV
        stream.close()
    assert [dict(file.keys) for file in files] == [{"day": name[4]} if name.startswith("day") else {} for name in names]


def test_urls_of_this_machine(bucket: Path) -> None:
    assert read(f"file://{bucket}/bucket/a.csv") == ROWS
    assert "of another machine" in refusal(f"file://elsewhere{bucket}/bucket/a.csv").message


@pytest.mark.parametrize("name", ["", "/*.csv", "/day=1"])
def test_fsspec(name: str) -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pipe("/data/day=1/a.csv", CSV)
    memory.pipe("/data/b.csv", CSV)
    try:
        rows = read(f"memory://data{name}")
        assert [row["id"] for row in rows] == ["1", "2"] * (2 if not name else 1)
        assert ("day" in rows[0]) == (not name)
    finally:
        memory.store.clear()


def test_fsspec_reads_parquet_by_its_parts() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/p/t.parquet", parquet())
    try:
        assert len(read("memory://p/t.parquet", filters=[("id", "<", 10)])) == 10
    finally:
        memory.store.clear()


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    error = refusal("memory://t.csv")
    assert isinstance(error, MissingDriver)
    assert "fsspec" in str(error)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nosuch://host/t.csv", "'nosuch://host/t.csv' can't be read"),
        ("memory://missing.csv", "there is no file or folder 'memory://missing.csv'"),
        ("https:///t.csv", "names no host"),
        ("http://[::1/t.csv", "the URL can't be read"),
        ("s3://bucket/k?access_key=hidden&secret_key=hidden2", "can't be read"),
    ],
)
def test_urls_that_lead_nowhere(url: str, message: str) -> None:
    error = refusal(url)
    assert message in error.message
    assert "hidden" not in f"{error} {error!r} {error.__cause__}"
