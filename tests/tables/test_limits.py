"""What is too long, told in one line and read in bounded memory."""

import json
import resource
import subprocess
import sys

import pandas as pd
import pytest

from imr_ml.tables import types
from imr_ml.tables.reading import read_chunks
from imr_ml.tables.types import CHUNK_BYTES, ROW_BYTES


def rows_and_reasons(path, rows=1000):
    chunks = list(read_chunks(path, rows))
    return pd.concat([chunk.frame for chunk in chunks]), {
        place: why for chunk in chunks for place, why in chunk.reasons.items()
    }


LONG = "x" * (ROW_BYTES + 1)


def test_a_csv_line_that_is_too_long_is_one_bad_row(tmp_path):
    (tmp_path / "a.csv").write_text(f"id,text\n1,y\n2,{LONG}\n3,z\n")

    frame, reasons = rows_and_reasons(tmp_path / "a.csv")

    assert frame["id"].tolist() == ["1", "2", "3"]
    assert frame["text"].isna().tolist() == [False, True, False]
    assert reasons == {1: "line 3 is longer than 16 MB"}


def test_a_quotation_mark_that_nothing_closes_takes_up_no_more_than_a_row(tmp_path):
    good = "".join(f"{number},{'y' * 200}\n" for number in range(100_000))
    (tmp_path / "a.csv").write_text(f'id,text\n1,"open\n{good}')

    chunks = list(read_chunks(tmp_path / "a.csv", 50_000, ["id"]))

    assert sum(len(chunk.frame) for chunk in chunks) == 100_001
    assert [chunk.reasons for chunk in chunks if chunk.reasons] == [
        {0: "line 2 opens a quotation mark that nothing closes"}
    ]


def test_a_json_line_that_is_too_long_is_one_bad_row(tmp_path):
    lines = ['{"id": 1}', json.dumps({"id": LONG}), '{"id": 3}', json.dumps({"id": LONG})]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))

    frame, reasons = rows_and_reasons(tmp_path / "a.jsonl")

    assert frame["id"].tolist() == [1, None, 3, None]
    assert reasons == {1: "line 2 is longer than 16 MB", 3: "line 4 is longer than 16 MB"}


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

    chunks = list(read_chunks(tmp_path / name, 1000))

    assert sum(len(chunk.frame) for chunk in chunks) == 40
    assert max(chunk.frame["text"].str.len().sum() for chunk in chunks) <= CHUNK_BYTES + ROW_BYTES
    assert not any(chunk.reasons for chunk in chunks)


MEASURE = """
import resource, sys
from pathlib import Path
from imr_ml.tables.reading import read_chunks
import pandas, pyarrow.parquet, imr_ml.tables.orderly, imr_ml.tables.json_lines
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reasons = [why for chunk in read_chunks(Path(sys.argv[1]), 2000) for why in chunk.reasons.values()]
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
def test_a_row_of_a_gigabyte_is_one_bad_row_in_little_memory(tmp_path, name, begin, end):
    with (tmp_path / name).open("wb") as file:
        file.write(begin)
        for _ in range(1024):
            file.write(b"words and " * (types.MEGABYTE // 10))
        file.write(end)

    told = subprocess.check_output([sys.executable, "-c", MEASURE, tmp_path / name], text=True).splitlines()

    assert [reason.partition(" is ")[2] for reason in told[1:]] == ["longer than 16 MB"]
    assert int(told[0]) < 200


def test_text_that_opens_quotation_marks_on_every_line_does_not_stop_the_reader(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n" + "x,y\n" * 50 + 'a"b,"\n' * 2_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime

    frame, reasons = rows_and_reasons(tmp_path / "a.csv")

    assert (len(frame), len(reasons)) == (2_050, 2_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 30
