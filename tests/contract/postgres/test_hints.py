"""Hints of PostgreSQL: do what they say, and the operation succeeds. `hints/live/` has the examples."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hints.on_servers import Live, params, try_hint
from servers.postgres import PostgresServer, start_postgres

# asyncpg's own destructor fails on a connection that was never complete.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("case", params("postgres", "adbc"))
def test_of_postgres(case: Live, postgres_server: PostgresServer, postgres_url: str) -> None:
    try_hint(case, postgres_server, postgres_url)


@pytest.mark.parametrize("case", params("postgres_access"))
def test_of_a_server_with_certificates_and_rules(case: Live, guarded: PostgresServer) -> None:
    url = guarded.create_database()
    try_hint(case, guarded, url)
    guarded.drop_database(url)


@pytest.fixture(scope="module")
def guarded(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server with TLS, whose certificate `server.crt` in its data directory is signed by itself; pg_hba.conf is the test's."""
    with start_postgres(private=True) as server:
        assert server.folder is not None
        data = server.folder.path / "data"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")]), datetime.datetime.now(datetime.UTC)
        days = datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - days, now + days)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        (data / "server.key").touch(0o600)
        (data / "server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        )
        (data / "server.crt").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        for name in ("server.key", "server.crt"):
            os.chown(data / name, data.stat().st_uid, data.stat().st_gid)
        server.query("ALTER SYSTEM SET ssl = on")
        server.query("SELECT pg_reload_conf()")
        yield server
