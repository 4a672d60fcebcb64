"""Headers as people's files have them: refused with a hint that reads the file, or understood."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import arrowsync
from arrowsync import CsvOptions, DeclarationError, SourceError, open_source

# The header, how many fields each record below has, and what is said of it.
BAD_HEADERS = {
    "pandas' index": (",name,score", 3, "column 1: the column has no name"),
    "an unnamed column in the middle": ("id,,score", 3, "column 2: the column has no name"),
    "a trailing delimiter": ("id,name,", 3, "column 3: the column has no name"),
    "no names at all": (",,", 3, "column 1: the column has no name"),
    "a repeated name": ("id,name,id", 3, "column 3: a second column is named 'id'"),
    "a name three times": ("id,id,id", 3, "column 2: a second column is named 'id'"),
    "a repeated name whose number is there": ("id,id_2,id", 3, "column 3: a second column is named 'id'"),
}
ROWS = (("1", "ann", "1.5"), ("2", "bob", "2.5"))


def written(kind: str, header: str, rows: tuple[tuple[str, ...], ...] = ROWS, *, trailing: bool = False) -> bytes:
    lines = [header, *(",".join(row) + "," * trailing for row in rows)]
    text = "".join(f"{line}\n" for line in lines)
    return text.replace(",", "\t" if kind == "tsv" else ",").encode()


def read(data: bytes, kind: str, **how: object) -> list[dict[str, object]]:
    with open_source(data, format=kind, **how) as stream:  # type: ignore[arg-type]
        return stream.read_all().to_pylist()


def proposed(hint: str | None) -> dict[str, list[str | None]]:
    """The options that a hint writes out."""
    found = re.findall(r"(field_names|columns)=(\[[^]]*\])", hint or "")
    return {option: ast.literal_eval(value) for option, value in found}


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("case", BAD_HEADERS)
def test_a_bad_header_is_refused_with_options_that_read_the_file(kind: str, case: str) -> None:
    header, count, message = BAD_HEADERS[case]
    data = written(kind, header)
    with pytest.raises(SourceError, match=re.escape(f"line 1, {message}")) as caught:
        read(data, kind)
    options = proposed(caught.value.hint)
    names = options["field_names"]
    assert len(names) == count
    kept = [(name, [row[index] for row in ROWS]) for index, name in enumerate(names) if name]
    assert len({name for name, _ in kept}) == len(kept)
    if kept:
        assert read(data, kind, field_names=names) == [{name: values[row] for name, values in kept} for row in (0, 1)]
    if "columns" in options:
        assert [list(row) for row in read(data, kind, columns=options["columns"])] == [options["columns"]] * 2
    else:
        assert not set(header.split(",")) - {"", "id"}


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("case", BAD_HEADERS)
def test_what_takes_the_place_of_a_header_goes_before_what_is_wrong_with_it(kind: str, case: str) -> None:
    data = written(kind, BAD_HEADERS[case][0])
    whole = [{"a": row[0], "b": row[2]} for row in ROWS]
    assert read(data, kind, field_names=["a", None, "b"]) == whole
    assert read(data, kind, field_names=["a", "", "b"]) == whole
    assert read(data, kind, field_names=["a", "c", "b"], columns=["a", "b"]) == whole
    typed = read(data, kind, field_names=["a", None, "b"], field_types=[int, str, float])
    assert typed == [{"a": 1, "b": 1.5}, {"a": 2, "b": 2.5}]
    without = data.split(b"\n", 1)[1]
    assert read(without, kind, field_names=["a", None, "b"], has_header=False) == whole


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_columns_that_are_wanted_are_there_once(kind: str) -> None:
    data = written(kind, "id,name,id")
    assert read(data, kind, columns=["name"]) == [{"name": "ann"}, {"name": "bob"}]
    with pytest.raises(SourceError, match="a second column is named 'id'"):
        read(data, kind, columns=["id"])
    with pytest.raises(SourceError, match="columns has 'x'"):
        read(data, kind, columns=["x"])


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_records_that_end_with_a_delimiter_that_the_header_lacks(kind: str) -> None:
    data = written(kind, "id,name,score", trailing=True)
    with pytest.raises(SourceError, match="line 2: it has 4 fields, not 3") as caught:
        read(data, kind)
    assert "field_names" in (caught.value.hint or "")
    names = ["id", "name", "score"]
    assert read(data, kind, field_names=[*names, None]) == [dict(zip(names, row, strict=True)) for row in ROWS]
    for wrong in (names[:2], [*names, "x"], [*names, "x", None]):
        with pytest.raises(SourceError, match=f"3 columns in its header, but {len(wrong)} field_names"):
            read(data, kind, field_names=wrong)


@pytest.mark.parametrize("count", [9, 200, 20_000])
def test_the_hint_of_a_long_header_is_short(count: int) -> None:
    data = written("csv", ",".join(["", *(f"c{number}" for number in range(1, count))]), ())
    with pytest.raises(SourceError, match="column 1: the column has no name") as caught:
        read(data, "csv")
    assert len(caught.value.hint or "") < 300
    assert "field_names" in (caught.value.hint or "")


SEPARATORS = [
    (b"sep=;\n", ";"),
    (b"sep=;\r\n", ";"),
    (b'"sep=;"\r\n', ";"),
    (b"\xef\xbb\xbfsep=;\n", ";"),
    (b"sep=,\n", ","),
    (b"sep=\t\n", "\t"),
    (b"sep=|\n", "|"),
]


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 20])
@pytest.mark.parametrize(("line", "delimiter"), SEPARATORS)
def test_excels_line_that_says_the_delimiter_is_understood(line: bytes, delimiter: str, block_bytes: int) -> None:
    import io

    from arrowsync.sources.files.csv import open_csv

    body = f'id{delimiter}name\r\n1{delimiter}ann\r\n2{delimiter}b"b\r\n'.encode()
    with (
        pytest.raises(SourceError, match=r"line 4, column 'name': a quote"),
        open_csv(io.BytesIO(line + body), name="x.csv", block_bytes=block_bytes) as stream,
    ):
        stream.read_all()
    rows = [{"id": "1", "name": "ann"}]
    assert read(line + body[:-7], "csv") == rows
    assert read(line + body[:-7], "csv", csv=CsvOptions(delimiter=delimiter)) == rows
    first = body.index(b"\n") + 1
    assert read(line + body[first:-7], "csv", has_header=False, field_names=["id", "name"]) == rows


def test_a_delimiter_that_is_not_the_one_that_the_file_says() -> None:
    with pytest.raises(SourceError, match=r"line 1: it says that the delimiter is ';', not '\|'") as caught:
        read(b"sep=;\nid;name\n1;ann\n", "csv", csv=CsvOptions(delimiter="|"))
    assert "leave the delimiter out" in (caught.value.hint or "")
    with pytest.raises(SourceError, match="line 1: it says the delimiter of a CSV file") as caught:
        read(b"sep=;\nid;name\n1;ann\n", "tsv")
    assert caught.value.hint == 'format="csv" reads it'
    assert read(b"sep=;\nid;name\n1;ann\n", "csv") == [{"id": "1", "name": "ann"}]


def test_a_header_that_only_begins_like_one() -> None:
    assert read(b"sep=\n1\n", "csv") == [{"sep=": "1"}]
    assert read(b"sep=ab\n1\n", "csv") == [{"sep=ab": "1"}]
    assert read(b"sep=ab,c\n1,2\n", "csv") == [{"sep=ab": "1", "c": "2"}]


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"\n\n\n", b"\r\n\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_blank_lines_before_the_header(blank: bytes, mark: bytes) -> None:
    data = mark + blank + b"id,name\r\n1,ann\r\n2,b,c\r\n"
    with pytest.raises(SourceError, match=f"line {blank.count(bytes([10])) + 3}: it has 3 fields"):
        read(data, "csv")
    assert read(data[:-7], "csv") == [{"id": "1", "name": "ann"}]
    with pytest.raises(SourceError, match="line 1: it is empty") as caught:
        read(mark + blank + b"id\tname\n", "tsv")
    assert "remove empty lines" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_nothing_but_a_header_and_nothing_at_all(kind: str, mark: bytes) -> None:
    assert read(mark + written(kind, "id,name", ()), kind) == []
    assert read(mark + written(kind, "id,name", ())[:-1], kind) == []
    with pytest.raises(SourceError, match="is empty") as caught:
        read(mark, kind)
    assert caught.value.hint
    assert read(mark, kind, has_header=False, field_names=["a"]) == []


def test_a_file_of_blank_lines() -> None:
    with pytest.raises(SourceError, match="is empty but for blank lines"):
        read(b"\n\r\n\n", "csv")


# ---- carriage returns ---------------------------------------------------------------------------------------------------


def test_lines_that_end_with_a_bare_carriage_return() -> None:
    data = b'id,note\r1,"a\nb"\r2,"c\rd"\r3,\r'
    with pytest.raises(SourceError, match="a bare carriage return") as caught:
        read(data, "csv")
    assert r'csv=CsvOptions(line_end="\r")' in (caught.value.hint or "")
    rows = read(data, "csv", csv=CsvOptions(line_end="\r"))
    assert rows == [{"id": "1", "note": "a\nb"}, {"id": "2", "note": "c\rd"}, {"id": "3", "note": None}]


def test_faults_of_lines_that_end_with_a_bare_carriage_return() -> None:
    old = CsvOptions(line_end="\r")
    for data, message in (
        (b"id,note\r1,a\n\r", "line 2: it ends with LF and CR, earlier lines with CR"),
        (b"id,note\r1,a\r\n", "line 3"),
        (b"id,note\r1,a\r2\r", "line 3: it has 1 field, not 2"),
    ):
        with pytest.raises(SourceError, match=message):
            read(data, "csv", csv=old)
    with pytest.raises(DeclarationError, match="line_end"):
        CsvOptions(line_end="\n\n")  # type: ignore[arg-type]


# ---- the command line ---------------------------------------------------------------------------------------------------


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "arrowsync.cli", *arguments]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "order",
    [
        ["{files}", "{target}", "--table", "t"],
        ["--table", "t", "{files}", "{target}"],
        ["{files}", "--table", "t", "{target}"],
        ["a.csv", "--table", "t", "b.csv", "{target}"],
        ["a.csv", "--table", "t", "b.csv", "--mode", "insert", "{target}"],
    ],
)
def test_several_files_as_a_shell_expands_them(order: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,name\n1,ann\n")
    (tmp_path / "b.csv").write_bytes(b"id,name\n2,bob\n")
    words = [word for each in order for word in (["a.csv", "b.csv"] if each == "{files}" else [each])]
    target = f"duckdb:///{tmp_path}/x.duckdb"
    done = command("load", *(target if word == "{target}" else word for word in words), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(row["name"] for row in arrowsync.read_table("t", target).to_pylist()) == ["ann", "bob"]


def test_words_too_many_and_too_few(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,name\n1,ann\n")
    for words in (["a.csv"], ["a.csv", "duckdb:///x.duckdb", "--no-such-option"]):
        done = command("load", *words, "--table", "t", folder=tmp_path)
        assert done.returncode == 2
        assert "usage:" in done.stderr
    assert command("discover", "a.csv", "b.csv", folder=tmp_path).returncode == 2


def test_names_in_the_place_of_a_header_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b",name,score\n0,ann,1.5\n")
    target = f"duckdb:///{tmp_path}/x.duckdb"
    for option in (["--field-names", ",name,score"], ["--columns", "name,score"]):
        done = command("load", "a.csv", target, "--table", "t", "--mode", "replace", *option, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert [row["name"] for row in arrowsync.read_table("t", target).to_pylist()] == ["ann"]
    (tmp_path / "b.csv").write_bytes(b"name,score\rann,1.5\r")
    done = command("load", "b.csv", target, "--table", "u", "--line-end", "cr", folder=tmp_path)
    assert done.returncode == 0, done.stderr
