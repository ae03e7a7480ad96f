"""Rows that are too long: rejected in one line and in bounded memory."""

import json
import resource
import subprocess
import sys

import pandas as pd
import pytest

from imr_ml.tables.formats import ROW_BYTES
from imr_ml.tables.table import CHUNK_BYTES, Table


def rows_and_rejects(path, rows=1000):
    chunks = list(Table.open(path).chunks(rows))
    rejects = {reject.line: reject.reason for chunk in chunks for reject in chunk.rejects}
    return pd.concat([chunk.frame for chunk in chunks]), rejects


LONG = "x" * (ROW_BYTES + 1)


def test_a_csv_line_that_is_too_long_is_rejected(tmp_path):
    (tmp_path / "a.csv").write_text(f"id,text\n1,y\n2,{LONG}\n3,z\n")

    frame, rejects = rows_and_rejects(tmp_path / "a.csv")

    assert frame["id"].tolist() == ["1", "3"]
    assert rejects == {3: "is longer than 16 MB"}


def test_an_unclosed_quotation_mark_uses_the_memory_of_one_row(tmp_path):
    good = "".join(f"{number},{'y' * 200}\n" for number in range(100_000))
    (tmp_path / "a.csv").write_text(f'id,text\n1,"open\n{good}')

    frame, rejects = rows_and_rejects(tmp_path / "a.csv", 50_000)

    assert len(frame) == 100_000
    assert rejects == {2: "has an unclosed quotation mark"}


def test_a_json_line_that_is_too_long_is_rejected(tmp_path):
    lines = ['{"id": 1}', json.dumps({"id": LONG}), '{"id": 3}', json.dumps({"id": LONG})]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))

    frame, rejects = rows_and_rejects(tmp_path / "a.jsonl")

    assert frame["id"].tolist() == [1, 3]
    assert rejects == {2: "is longer than 16 MB", 4: "is longer than 16 MB"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_long_rows_make_small_chunks(tmp_path, name):
    frame = pd.DataFrame({"id": range(40), "text": "x" * (ROW_BYTES // 8)})
    match name:
        case "a.csv":
            frame.to_csv(tmp_path / name, index=False)
        case "a.jsonl":
            frame.to_json(tmp_path / name, orient="records", lines=True)
        case "a.parquet":
            frame.to_parquet(tmp_path / name)

    chunks = list(Table.open(tmp_path / name).chunks(1000))

    assert sum(len(chunk.frame) for chunk in chunks) == 40
    assert max(chunk.frame["text"].str.len().sum() for chunk in chunks) <= CHUNK_BYTES + ROW_BYTES
    assert not any(chunk.rejects for chunk in chunks)


MEASURE = """
import resource, sys
from pathlib import Path
from imr_ml.tables.table import Table
import pandas, pyarrow.parquet, imr_ml.tables.csv_files, imr_ml.tables.json_files
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reasons = [line.reason for chunk in Table.open(Path(sys.argv[1])).chunks(2000) for line in chunk.rejects]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, *reasons, sep="\\n")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("a.csv", b"id,text\n1,", b"\n2,y\n"),
        ("a.csv", b'id,text\n1,"', b'"\n2,y\n'),
        ("a.jsonl", b'{"id": 1, "text": "', b'"}\n{"id": 2, "text": "y"}\n'),
    ],
)
def test_a_row_of_a_gigabyte_is_rejected_in_little_memory(tmp_path, name, begin, end):
    with (tmp_path / name).open("wb") as file:
        file.write(begin)
        for _ in range(1024):
            file.write(b"words and " * ((1 << 20) // 10))
        file.write(end)

    printed = subprocess.check_output([sys.executable, "-c", MEASURE, tmp_path / name], text=True).splitlines()

    assert printed[1:] == ["is longer than 16 MB"]
    assert int(printed[0]) < 200


def test_unclosed_marks_on_every_line_do_not_stop_the_reader(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n" + "x,y\n" * 50 + 'a"b,"\n' * 2_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime

    frame, _ = rows_and_rejects(tmp_path / "a.csv")

    assert len(frame) >= 50
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 30
