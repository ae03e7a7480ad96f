"""Tables on disk."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
from factories import make_requests

from imr_ml.corpus import SchemaError, complete_requests, read_requests, validate_requests, write_requests
from imr_ml.corpus.schema import COLUMNS
from imr_ml.corpus.store import read_chunks


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
def test_a_table_comes_back_as_it_was_written(tmp_path, table, kind):
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


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "can't be read as CSV"),
        ("a.csv", b"request,clinical_summary\n", "holds no row"),
        ("a.csv", b'request,clinical_summary\n"MRI,x\n', "can't be read as CSV"),
        ("a.csv", b"request,clinical_summary\nMRI, left knee,Seen.\n", "can't be read as CSV"),
        ("a.csv", "request,clinical_summary\nMRI,Pe\u00f1a\n".encode("cp1252"), "is not UTF-8 text"),
        ("a.jsonl", b"", "holds no row"),
        ("a.jsonl", b"{request: 1}", "can't be read as JSONL"),
        ("a.jsonl", b"[1, 2]\n", "can't be read as JSONL"),
        ("a.parquet", b"PAR1", "can't be read as PARQUET"),
        ("a.xlsx", b"PK", "is not a table; give one that ends in .csv, .jsonl, .parquet"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SchemaError) as caught:
        read_requests(tmp_path / name)

    assert str(caught.value).startswith(f"{tmp_path / name}: {told}")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.csv: no such file"):
        read_requests(tmp_path / "gone.csv")


def test_a_csv_cell_stays_as_written(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfrequest,case_number\r\nNA,0012\r\n")

    assert read_requests(tmp_path / "a.csv").to_dict("list") == {"request": ["NA"], "case_number": ["0012"]}


def test_json_lines_may_lack_keys_and_hold_blank_lines(tmp_path):
    (tmp_path / "a.JSONL").write_text('{"request": "MRI", "case_number": "0012"}\n\n{"request": "CT"}\n')

    read = read_requests(tmp_path / "a.JSONL")

    assert read["request"].tolist() == ["MRI", "CT"]
    assert read["case_number"].tolist()[0] == "0012"


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_is_read_in_chunks_too(tmp_path, table, kind):
    path = tmp_path / f"requests.{kind}"
    WRITERS[kind](table, path)

    chunks = list(read_chunks(path, rows=3))

    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert pd.concat(chunks)["request"].tolist() == table["request"].tolist()


def test_a_broken_line_is_told_after_the_rows_before_it(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"request": "MRI"}\n{"request": "CT"}\n{"request": \n')
    chunks = read_chunks(path, rows=2)

    assert len(next(chunks)) == 2
    with pytest.raises(SchemaError, match=r"can't be read as JSONL after row 2 \(JSONDecodeError\); check the file"):
        next(chunks)
