"""Tables on disk."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
from factories import make_requests

from imr_ml.corpus.schema import COLUMNS, SchemaError, validate_requests
from imr_ml.corpus.store import read_requests, write_requests
from imr_ml.corpus.table import complete_requests


@pytest.fixture(scope="module")
def table():
    requests = make_requests(7).assign(note=["007", "a,b", 'say "x"', "two\nlines", None, "Pe\u00f1a", "NA"])
    requests.loc[3, ["outcome", "families", "date_of_injury"]] = None
    return complete_requests(validate_requests(requests, "t"))


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True, date_format="iso"),
    "parquet": lambda frame, path: write_requests(frame, path),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_survives_writing_and_reading(tmp_path, table, kind):
    path = tmp_path / f"requests.{kind}"
    WRITERS[kind](table, path)

    read = validate_requests(read_requests(path), str(path))

    known = [column.name for column in COLUMNS if column.name in table]
    pd.testing.assert_frame_equal(read[known], table[known])
    assert [None if pd.isna(note) else note for note in read["note"]] == [
        None if pd.isna(note) else note for note in table["note"]
    ]


def test_parquet_fields_are_marked_with_their_roles(tmp_path, table):
    write_requests(table, tmp_path / "requests.parquet")

    schema = pq.read_schema(tmp_path / "requests.parquet")
    roles = {field.name: field.metadata[b"role"].decode() for field in schema}

    expected = {column.name: column.role.value for column in COLUMNS if column.name in table} | {"note": "rest"}
    assert roles == expected


def test_a_table_that_cannot_be_written_leaves_nothing_behind(tmp_path, table):
    with pytest.raises(TypeError):
        write_requests(table.assign(note=["a", 1, {}, [], None, 2.0, "b"]), tmp_path / "requests.parquet")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_a_table_is_named(tmp_path):
    (tmp_path / "a.xml").write_bytes(b"<a/>")

    with pytest.raises(SchemaError, match=r"a\.xml: is not a table; name a file ending in \.csv"):
        read_requests(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", 'request,age\n"MRI,4\nCT,5\n', "1 line(s) are not rows: line 2 has an unclosed quotation mark"),
        ("a.csv", "request,age\nCT,5\nMRI, left,4\n", "1 line(s) are not rows: line 3 has 3 cells"),
        ("a.jsonl", '{"request": "CT"}\n{"request": \n', "1 line(s) are not rows: line 2 is not JSON"),
    ],
)
def test_a_table_with_bad_rows_is_refused_without_quoting_them(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)

    with pytest.raises(SchemaError) as caught:
        read_requests(tmp_path / name)

    assert str(caught.value).startswith(f"{tmp_path / name}: {message}")
    assert "MRI" not in str(caught.value)


def test_five_rejected_lines_and_their_total_are_reported(tmp_path):
    (tmp_path / "a.csv").write_text("request,age\n" + "CT,5\n" * 20 + "MRI\n" * 9)

    with pytest.raises(
        SchemaError, match=r"9 line\(s\) are not rows: line 22 .*; line 26 [^;]*; \.\.\.; fix or remove"
    ):
        read_requests(tmp_path / "a.csv")


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.csv: no such file"):
        read_requests(tmp_path / "gone.csv")


def test_a_csv_cell_is_kept_as_written(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfrequest,case_number\r\nNA,0012\r\n")

    assert read_requests(tmp_path / "a.csv").to_dict("list") == {"request": ["NA"], "case_number": ["0012"]}


def test_json_lines_can_lack_keys_and_contain_blank_lines(tmp_path):
    (tmp_path / "a.JSONL").write_text('{"request": "MRI", "case_number": "0012"}\n\n{"request": "CT"}\n')

    read = read_requests(tmp_path / "a.JSONL")

    assert read["request"].tolist() == ["MRI", "CT"]
    assert read["case_number"].tolist()[0] == "0012"
