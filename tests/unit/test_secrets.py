"""No four signs of a password are shown or looked up, whatever URL it stands in and however badly that is formed."""

from __future__ import annotations

import logging
import socket
import string
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import arrowsync

DATABASES = ("postgresql", "postgres", "mysql", "mariadb", "duckdb", "sqlite", "unheard")
SOURCES = ("https", "http", "ftp", "sqlite", "unheard", "postgresql", "mysql")
FORMS = (
    "{scheme}://joe:{password}@db.invalid:1/x",
    "{scheme}://joe:{password}@db.invalid/x?sslmode=require",
    "{scheme}://joe:{password}?x=y@db.invalid/x",
    "{scheme}://joe:{password}/x=y@db.invalid/x",
    "{scheme}://joe:{password}#x=y@db.invalid/x",
    "{scheme}://joe:{password}@db.invalid:port/x",
    "{scheme}://joe:{password}@db.invalid:1/x?unheard=1",
    "{scheme}://joe:{password}@[::1/x",
    "{scheme}://joe:{password}@@db.invalid/x",
    "{scheme}://joe:p@{password}@db.invalid/x",
    "{scheme}:joe:{password}@db.invalid/x",
    "{scheme}:/joe:{password}@db.invalid/x",
    "//joe:{password}@db.invalid/x",
    "joe:{password}@db.invalid/x",
    "{password}@db.invalid:1/x",
    "{scheme}://db.invalid:1/x?password={password}",
    "{scheme}://joe@db.invalid/x?password={password}&sslmode=nonsense",
    "{scheme}:///x?password={password}",
    "{scheme}://db.invalid/x?user=joe&password={password}&unheard=1",
)
Written = Callable[[str], str]
WRITTEN: Mapping[str, Written] = {
    "as it is": str,
    "encoded": lambda password: quote(password, safe=""),
    "encoded twice": lambda password: quote(quote(password, safe=""), safe=""),
    "each sign encoded": lambda password: "".join(f"%{ord(sign):02X}" for sign in password),
    "half of it encoded": lambda password: password[:3] + quote(password[3:], safe=""),
    "cut in an escape": lambda password: password + "%4",
}
PLAIN = "Q7Q7Q7Q7"
"""What messages say with this one is no part of another one."""

SIGNS = string.punctuation + string.digits + string.ascii_uppercase + " \t\n"
passwords = st.text(st.sampled_from(SIGNS), min_size=4, max_size=24)
forms = st.sampled_from(FORMS)
ways = st.sampled_from(sorted(WRITTEN))


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The names of the hosts that were looked up; none is found."""
    names: list[str] = []

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        names.append(str(host))
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for name in ("PGPASSWORD", "PGHOST", "MYSQL_PWD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.chdir(tmp_path)  # a DuckDB URL makes its file
    return names


def shown(call: Callable[[], object]) -> str:
    """All that an error shows: its text, fields, causes, and the traceback."""
    try:
        result = call()
    except Exception as error:
        texts = traceback.format_exception(error)
        found: BaseException | None = error
        while found is not None:
            texts += [str(found), repr(found), repr(found.args), repr(vars(found))]
            found = found.__cause__
        return "\n".join(texts)
    getattr(result, "close", lambda: None)()
    return repr(result)


def pieces(text: str) -> set[str]:
    return {text[at : at + 4] for at in range(len(text) - 3)}


@given(
    password=passwords,
    form=forms,
    scheme=st.sampled_from(DATABASES),
    written=ways,
)
@example("S3CR3T", FORMS[2], "postgresql", "as it is")
@example("P@SSWORD", FORMS[0], "postgresql", "as it is")
@example("AB&CDEFGH", FORMS[15], "mysql", "as it is")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=250)
def test_the_password_of_a_database_is_not_shown(
    looked_up: list[str], caplog: pytest.LogCaptureFixture, password: str, form: str, scheme: str, written: str
) -> None:
    check(lambda url: arrowsync.connect(url), looked_up, caplog, password, form, scheme, written)


@given(
    password=passwords,
    form=forms,
    scheme=st.sampled_from(SOURCES),
    written=ways,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_the_password_of_a_source_is_not_shown(
    looked_up: list[str], caplog: pytest.LogCaptureFixture, password: str, form: str, scheme: str, written: str
) -> None:
    def call(url: str) -> object:
        return arrowsync.open_source(url, format="csv").read_all()

    check(call, looked_up, caplog, password, form, scheme, written)


def check(
    call: Callable[[str], object],
    looked_up: list[str],
    caplog: pytest.LogCaptureFixture,
    password: str,
    form: str,
    scheme: str,
    written: str,
) -> None:
    caplog.set_level(logging.DEBUG)

    def output(password: str) -> str:
        caplog.clear()
        looked_up.clear()
        url = form.format(scheme=scheme, password=WRITTEN[written](password))
        text = shown(lambda: call(url))
        return "\n".join([text, *looked_up, *(record.getMessage() for record in caplog.records)])

    usual = pieces(output(PLAIN)) | pieces(form.format(scheme=scheme, password=" "))
    texts = {password, WRITTEN[written](password)}
    text = output(password)
    assert [piece for each in texts for piece in pieces(each) if piece in text and piece not in usual] == []


def test_only_the_password_is_masked() -> None:
    """The name of the user may be a word of the message."""
    with pytest.raises(arrowsync.SourceError, match="postgresql"):
        arrowsync.open_source("postgresql://postgres:Tr0ub4dor@db.invalid/x", format="csv")


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("ssl-mode=nonsense", "ssl-mode"),
        ("ssl_ca=/nowhere.pem&sslmode=prefer", "doesn't look at certificates"),
        ("sslrootcert=system&ssl-mode=verify-ca", "system"),
        ("SSL-MODE=VERIFY_CA", "which certificate authority"),
        ("sslkey=/nowhere.pem", "without ssl-cert"),
        ("unheard=1", "'unheard'"),
        ("connect_timeout=soon", "connect_timeout"),
    ],
)
def test_a_parameter_means_the_same_on_every_server(looked_up: list[str], scheme: str, said: str, problem: str) -> None:
    with pytest.raises(arrowsync.DeclarationError, match=problem):
        arrowsync.connect(f"{scheme}://joe@db.invalid/x?{said}")
    assert looked_up == []


@pytest.mark.parametrize(
    "said",
    [
        "channel_binding=prefer",
        "connect_timeout=5",
        "gssencmode=disable",
        "keepalives=1&keepalives_idle=10&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=10000",
        "load_balance_hosts=random",
        "target_session_attrs=read-write",
        "application_name=a%20b&fallback_application_name=c",
        "options=-c%20search_path%3Dapp",
        "ssl-mode=preferred",
        "sslmode=allow",
        "client_encoding=utf8",
        "passfile=/nowhere",
        "dbname=y&user=joe&password=Tr0ub4dor",
    ],
)
def test_parameters_of_libpq_are_understood(looked_up: list[str], said: str) -> None:
    with pytest.raises(arrowsync.ConnectionLost):
        arrowsync.connect(f"postgresql://db.invalid:1/x?{said}")
    assert looked_up == ["db.invalid"]


@pytest.mark.parametrize(
    "said", ["channel_binding=require", "gssencmode=require", "replication=database", "client_encoding=latin1"]
)
def test_parameters_that_cant_be_kept_are_refused(looked_up: list[str], said: str) -> None:
    with pytest.raises(arrowsync.DeclarationError, match=said.partition("=")[0]) as caught:
        arrowsync.connect(f"postgresql://db.invalid/x?{said}")
    assert "is one of" in (caught.value.hint or "")
    assert looked_up == []
