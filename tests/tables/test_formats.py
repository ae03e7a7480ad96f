"""Detect the format of a file, and write standard input to a file."""

import gzip
import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import is_table, spool_stream, table_format
from imr_ml.tables.table import Table


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"a,b\n1,2\n", "csv"),
        ("a.CSV", b"{not JSON}\n", "csv"),
        ("a.tsv", b"a\tb\n1\t2\n", "csv"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0), "csv"),
        ("a.jsonl", b'{"a": 1}\n', "json"),
        ("a.ndjson", b'{"a": 1}\n', "json"),
        ("a.json", b'[{"a": 1}]', "json"),
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}\n', mtime=0), "json"),
        ("export", b"a,b\n1,2\n", "csv"),
        ("export.txt", b"a|b\n1|2\n", "csv"),
        ("export", b'\xef\xbb\xbf {"a": 1}\n', "json"),
        ("export.out", b'[{"a": 1}]', "json"),
    ],
)
def test_the_name_decides_for_text_and_the_content_for_names_without_an_ending(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)

    assert table_format(tmp_path / name) == kind


def test_the_content_decides_for_parquet(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.csv")

    assert table_format(tmp_path / "a.csv") == "parquet"
    assert Table.open(tmp_path / "a.csv").description == "Parquet"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.xml", b"<a/>", "is not a table; name a file ending in .csv"),
        ("a.pdf", b"%PDF-1.7", "is not a table"),
        ("a.csv", b"%PDF-1.7", "is not a table"),
        ("a.zip", b"PK\x03\x04...", "is not a table"),
        ("a.parquet", b"a,b\n1,2\n", "can't be read as Parquet: its first bytes are not of this format"),
        ("a.csv.gz", b"\x1f\x8b broken", "can't be read"),
    ],
)
def test_a_path_that_is_not_a_table_is_reported_in_one_line(tmp_path, name, content, complaint):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SchemaError) as caught:
        table_format(tmp_path / name)

    assert str(caught.value).startswith(f"{tmp_path / name}: {complaint}")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.csv: no such file"):
        Table.open(tmp_path / "gone.csv")


@pytest.mark.parametrize(("name", "table"), [("a.csv", True), ("a.txt", False), ("a.pdf", False), ("a.xlsx", True)])
def test_letters_are_not_tables(tmp_path, name, table):
    (tmp_path / name).write_bytes(b"text")

    assert is_table(tmp_path / name) is table
    assert not is_table(tmp_path / "gone.csv")


def zipped(name):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"a,b\n1,2\n" * 100_000, "standard-input.csv"),
        (b'{"a": 1}\n', "standard-input.json"),
        (b'\n [{"a": 1}]', "standard-input.json"),
        ('{"a": 1}'.encode("utf-16"), "standard-input.json"),
        (b"PAR1...", "standard-input.parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...", "standard-input.xls"),
        (zipped("xl/workbook.xml"), "standard-input.xlsx"),
        (zipped("letter.txt"), "standard-input.zip"),
        (b"%PDF-1.7", "standard-input.pdf"),
        (gzip.compress(b'{"a": 1}\n', mtime=0), "standard-input.json"),
        (b"", "standard-input.csv"),
    ],
)
def test_standard_input_becomes_a_file_named_for_its_format(tmp_path, content, name):
    path = spool_stream(io.BytesIO(content), tmp_path)

    assert path.name == name
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
