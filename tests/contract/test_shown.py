"""What leaves for a terminal, a page or a log: hostile names, values and server messages; and exit codes that follow the load."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from dataclasses import dataclass, make_dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import Check, PrimaryKey, Unique
from arrowsync.cli.main import main
from arrowsync.progress import shown_progress

HOSTILE = "x\x1b[31my\n[/red]<b>&\u202e\x9b"
HIDDEN_TABLE = re.compile("arrowsync_(draft_)?[0-9a-f]{16}")
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def hidden_in(text: str) -> list[str]:
    """The characters that a terminal or page acts upon, but for line ends."""
    return [repr(character) for character in text if character != "\n" and unicodedata.category(character) in HIDDEN]


def check_text(text: str) -> None:
    assert hidden_in(text) == []
    assert "\n[/red]" not in text, "the line break of a name begins no line"


def check_html(page: str) -> None:
    check_text(page)
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "&lt;br&gt;" not in page


def test_hostile_names_and_values(database_url: str) -> None:
    rows = pa.table({"id": [1, 2], HOSTILE: ["a", HOSTILE]})
    with arrowsync.connect(database_url) as conn:
        dry = arrowsync.sync_table(rows, HOSTILE, conn, key="id", dry_run=True)
        assert any("\x1b" in statement for statement in dry.plan.statements), "statements are those that are run"
        report = arrowsync.sync_table(rows, HOSTILE, conn, key="id")
        assert report.inserted == 2
        for shows in (dry, dry.plan, report):
            check_text(str(shows))
            check_html(shows._repr_html_())
        shorter = rows.drop_columns([HOSTILE]).append_column(f"{HOSTILE}2", [["a", "b"]])
        bad = rows.set_column(0, "id", pa.array(["1", HOSTILE]))
        failures = [
            lambda: arrowsync.sync_table(rows, HOSTILE, conn, mode="insert", key="id"),
            lambda: arrowsync.sync_table(shorter, HOSTILE, conn, key="id", schema_changes="none"),
            lambda: arrowsync.sync_table(bad, HOSTILE, conn, key="id"),
            lambda: arrowsync.read_table(f"{HOSTILE}2", conn),
            lambda: conn.execute(f"select * from {HOSTILE}"),
            lambda: conn.fetch(f"select '{HOSTILE}"),
        ]
        for failure in failures:
            with pytest.raises(arrowsync.ArrowSyncError) as caught:
                failure()
            assert hidden_in(str(caught.value)) == []
            check_text(caught.value.message)
            check_text(repr(caught.value))
        rejected = arrowsync.sync_table(bad, HOSTILE, conn, key="id", on_error="reject")
        check_text(str(rejected))
        check_html(rejected._repr_html_())


@pytest.mark.parametrize("length", [300_000])
def test_a_long_value_is_short_in_every_message(database_url: str, length: int) -> None:
    """Refused before it is sent, by the server with its own message, by a check, and by a key."""
    with arrowsync.connect(database_url) as conn:
        small = "tinytext" if database_url.startswith("mysql") else "varchar(200)"
        conn.execute(f"create table lengthy (id int primary key, x {small}, check (x <> '{'q' * 170}'))")
        arrowsync.sync_table([{"id": 1, "x": "a"}], "lengthy", conn)
        rows = [{"id": 2, "x": "é" * length}, {"id": 2, "x": "q" * 170}, {"id": "é" * length, "x": "a"}]
        for row in rows[1 if database_url.startswith(("duckdb", "sqlite")) else 0 :]:  # they have no limit
            with pytest.raises(arrowsync.ArrowSyncError) as caught:
                arrowsync.sync_table([row], "lengthy", conn)
            text = str(caught.value)
            assert len(text) < 1_000
            assert max(text.count("é"), text.count("q" * 161)) <= 160


def test_a_server_s_own_message_is_escaped(database_url: str) -> None:
    if database_url.startswith("duckdb"):
        statement = f"select error('{HOSTILE}')"
    elif database_url.startswith("sqlite"):
        statement = f"select * from `{HOSTILE}`"
    elif database_url.startswith("postgres"):
        statement = f"do $$begin raise exception '{HOSTILE}'; end$$"
    else:
        statement = f"signal sqlstate '45000' set message_text = '{HOSTILE}'"
    with arrowsync.connect(database_url) as conn, pytest.raises(arrowsync.DatabaseError) as caught:
        conn.execute(statement)
    check_text(caught.value.message)
    assert "[31my" in caught.value.message


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.csv").write_text("id,n\n1,1\n2,x\n3,3\n")
    (tmp_path / "good.csv").write_text("id,n\n1,1\n")
    return tmp_path


@pytest.mark.parametrize("name", ["[/red]", "[bold]x", HOSTILE, "été"])
def test_the_command_line_shows_names_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    command = ["load", "good.csv", "duckdb:///w.duckdb", "--table", name, "--key", "id"]
    for expected in ("1 inserted", "1 unchanged"):
        assert main(command) == 0
        output = capsys.readouterr()
        check_text(output.out)
        assert expected in output.out
        assert arrowsync.shown.printable(name) in output.out
        assert output.err == ""
    assert main([*command, "--mode", "insert"]) == 6
    check_text(capsys.readouterr().err)
    with pytest.raises(SystemExit):
        main([*command, f"--{HOSTILE}"])
    check_text(capsys.readouterr().err)


@pytest.mark.parametrize("watched", [True, None])
def test_a_progress_bar_takes_a_name_as_it_is(capsys: pytest.CaptureFixture[str], watched: bool | None) -> None:
    with shown_progress(watched, HOSTILE + "[/red]") as progress:
        if progress is not None:
            progress(10, 20)
            progress(20, 20)
    shown = capsys.readouterr().err
    assert "\x1b[31my" not in shown
    assert "\n[/red]" not in shown


def test_source_is_raw_in_a_file_and_escaped_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "strange_shop.py").write_text(
        "from dataclasses import dataclass\nfrom arrowsync import PrimaryKey\n\n\n@dataclass\nclass T:\n"
        "    id: PrimaryKey[int]\n    __table_name__ = 'a\\x1bb'\n"
    )
    command = ["ddl", "strange_shop.py", "--dialect", "ansi"]
    assert main(command) == 0
    assert 'CREATE TABLE "a\x1bb"' in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(command) == 0
    assert 'CREATE TABLE "a\\x1bb"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "redirection", "encoding"),
    [
        ("", "", None),  # nobody reads
        ("", ">&- 2>&-", None),
        ("", "> /dev/full 2> /dev/full", None),
        ("", "> out.txt", "ascii:strict"),
        ("--json", "> /dev/full", None),
        ("--quiet --rejects bad.csv", "2> /dev/full", None),
    ],
)
def test_the_exit_code_follows_the_load_and_not_its_display(
    folder: Path, options: str, redirection: str, encoding: str | None
) -> None:
    (folder / "m.csv").write_text("id,été\n1,é\n2\n3,€\n")
    (folder / "bad.csv").symlink_to("/dev/full")
    load = "load m.csv duckdb:///w.duckdb --table t --key id --on-error reject"
    script = f"exec {sys.executable} -m arrowsync {load} {options} {redirection}"
    environment = os.environ | ({"PYTHONIOENCODING": encoding} if encoding else {})
    unread, output = os.pipe()
    os.close(unread)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, stdout=output, check=False)
    os.close(output)
    assert done.returncode == 0
    assert arrowsync.read_table("t", "duckdb:///w.duckdb").num_rows == 2


def test_an_output_that_is_the_result_fails_where_it_can_not_be_written(folder: Path) -> None:
    (folder / "tiny_shop.py").write_text(
        "from dataclasses import dataclass\nfrom arrowsync import PrimaryKey\n\n\n@dataclass\nclass T:\n    id: PrimaryKey[int]\n"
    )
    script = f"{sys.executable} -m arrowsync ddl tiny_shop.py --dialect ansi > /dev/full"
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


SAVED = "id,n\n1,1\n2,x\n3\n4,4\n"


@pytest.fixture
def table(folder: Path) -> Path:
    (folder / "m.csv").write_text(SAVED)
    (folder / "shop_with_n.py").write_text(
        "from dataclasses import dataclass\nfrom arrowsync import PrimaryKey\n\n\n@dataclass\nclass T:\n"
        "    id: PrimaryKey[int]\n    n: int\n"
    )
    return folder


COMMAND = ["load", "m.csv", "duckdb:///w.duckdb", "--table", "shop_with_n:T"]


def test_rejects_are_shown_with_row_key_and_reason(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, stream in (["--on-error", "reject"], "out"), (["--on-error", "reject", "--quiet"], "err"):
        assert main([*COMMAND, *arguments]) == 0
        text = getattr(capsys.readouterr(), stream)
        assert "row 1 (line 3 of 'm.csv'), key {\"id\": \"2\"}: column 'n': 'x': " in text
        assert "row 2 (line 4 of 'm.csv'): '3': " in text


def test_only_some_of_many_rejects_are_shown(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (table / "m.csv").write_text("id,n\n1,1\n" + "".join(f"{row},x\n" for row in range(2, 5_002)))
    assert main([*COMMAND, "--on-error", "reject"]) == 0
    output = capsys.readouterr()
    assert "5,000 rejected" in output.out
    assert "and 4,995 more in the rejects" in output.out
    assert len(output.out.splitlines()) < 12
    assert "--rejects FILE" in output.err


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "ndjson", "parquet", "pq", "arrow", "feather"])
def test_rejects_are_written_in_the_format_of_the_suffix(
    table: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    assert main([*COMMAND, "--rejects", f"bad.{suffix}"]) == 0
    assert capsys.readouterr().err == ""
    rows = arrowsync.open_source(f"bad.{suffix}").read_all().to_pylist()
    assert [(int(row["row"]), row["column"] or None, row["value"]) for row in rows] == [(1, "n", "x"), (2, None, "3")]
    assert json.loads(rows[0]["key"]) == {"id": "2"}
    assert json.loads(rows[0]["record"]) == {"id": "2", "n": "x"}
    assert not rows[1]["key"]


def test_a_suffix_that_says_no_format_is_refused_before_the_load(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bad.xlsx", "bad"):
        assert main([*COMMAND, "--rejects", name]) == 3
        assert "*.csv" in capsys.readouterr().err
    assert not (table / "w.duckdb").exists()


def test_a_server_s_rejects_have_key_and_record(database_url: str) -> None:
    with arrowsync.connect(database_url) as conn:
        conn.execute("create table checked (id int primary key, n int, check (n > 0))")
        report = arrowsync.sync_table([{"id": 1, "n": 1}, {"id": 2, "n": -2}], "checked", conn, on_error="reject")
    assert report.rejects is not None
    reject = report.rejects.to_pylist()[0]
    assert json.loads(reject["key"]) == {"id": "2"}
    assert json.loads(reject["record"]) == {"id": "2", "n": "-2"}
    assert 'key {"id": "2"}' in str(report)


def test_errors_are_json_where_json_is_asked_for(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--json", "--mode", "insert", "--columns", "id"]) == 4
    assert main([*COMMAND, "--json"]) in (3, 4)
    output = capsys.readouterr()
    assert output.out == ""
    for line in output.err.splitlines():
        error = json.loads(line)
        assert error["error"] in ("SourceError", "ConversionError")
        assert error["message"]
        assert "hint" in error


def test_python_m_and_the_command_alone_name_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "arrowsync"], capture_output=True, text=True, check=False)
    assert main([]) == 2
    for text in (done.stderr, capsys.readouterr().err):
        for command in ("load", "plan", "migrate", "ddl", "discover"):
            assert f"\n    {command} " in text
    assert done.returncode == 2


def test_a_hidden_table_is_never_named(database_url: str) -> None:
    """New tables are filled under another name on MySQL and MariaDB, and by several connections everywhere."""

    @dataclass
    class Visible:
        id: PrimaryKey[int]
        n: Annotated[int, Check("{n} > 0", name="positive")]
        m: Unique[int]

    rows = [(1, 1, 1), (2, -2, 2), (3, 3, 1), (1, 5, 5)]
    with arrowsync.connect(database_url) as conn:
        for parallel in (1,) if database_url.startswith("duckdb") else (1, 2):
            for bad in (rows[:2], [rows[0], rows[2]]):
                with pytest.raises(arrowsync.ArrowSyncError) as caught:
                    arrowsync.sync_table(bad, Visible, conn, parallel=parallel)
                assert not HIDDEN_TABLE.search(str(caught.value))
                assert not HIDDEN_TABLE.search(repr({**vars(caught.value), "statement": None}))
            with pytest.raises(arrowsync.ArrowSyncError) as caught:
                arrowsync.sync_table([rows[0], rows[3]], Visible, conn, mode="insert", parallel=parallel)
            assert not HIDDEN_TABLE.search(str(caught.value))
        report = arrowsync.sync_table(rows[:3], Visible, conn, on_error="reject")
    assert report.rejected == 2
    assert report.rejects is not None
    assert not HIDDEN_TABLE.search(str(report.rejects.to_pylist()))


def test_a_change_of_an_enum_names_its_labels(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("never: SQLite's enums are checks, and those of a live table aren't compared")

    def person(*labels: str) -> type:
        color = Enum("Color", {label: label for label in labels})  # type: ignore[misc]
        return make_dataclass("Person", [("id", PrimaryKey[int]), ("color", color)])

    with arrowsync.connect(database_url) as conn:
        arrowsync.migrate(person("red", "green"), conn)
        try:
            shown = str(arrowsync.plan(person("red", "blue"), conn, schema_changes="safe"))
        except arrowsync.MigrationError as refused:
            shown = refused.message
            assert "green" in shown
    assert "blue" in shown


def test_a_discovered_catalog_knows_its_dialect_and_gives_public_imports(database_url: str) -> None:
    with arrowsync.connect(database_url) as conn:
        arrowsync.sync_table(pa.table({"id": [1], "order id": [2]}), "strange names", conn, key="id")
        source = arrowsync.to_source(arrowsync.discover(conn))
    assert "ColumnName" in source
    assert "from arrowsync." not in source
    module: dict[str, object] = {"__name__": "found"}
    exec(compile(source, "found", "exec", dont_inherit=True), module)
