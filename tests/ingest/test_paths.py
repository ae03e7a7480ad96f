"""One place decides what a path is; ingest, training and scoring agree."""

import sqlite3
import zipfile

import pandas as pd
import pytest
from factories import determinations_csv, make_letter_text

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import SchemaError
from imr_ml.ingest.inputs import Kind, input_kind, kind_of, make_sources
from imr_ml.scoring.inputs import open_input

REQUESTS = {"request": ["MRI"], "clinical_summary": ["Pain."]}
TEXTS = {"file": ["a.txt"], "text": ["A letter."]}
DETERMINATIONS = dict.fromkeys(
    (
        "ReferenceID",
        "ReportYear",
        "DiagnosisCategory",
        "DiagnosisSubCategory",
        "TreatmentCategory",
        "TreatmentSubCategory",
        "Determination",
        "Type",
        "AgeRange",
        "PatientGender",
    ),
    "x",
)


@pytest.fixture
def paths(tmp_path):
    """Make a path of each kind, by name."""
    (tmp_path / "letter.txt").write_text(make_letter_text())
    (tmp_path / "scan").write_bytes(b"%PDF-1.7")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "letter.txt").write_text(make_letter_text())
    for name in ("letters.zip", "unnamed"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("letter.txt", make_letter_text())
    with sqlite3.connect(tmp_path / "manifest") as connection:
        connection.execute("CREATE TABLE cases (url)")
    connection.close()
    (tmp_path / "dmhc.csv").write_text(determinations_csv([DETERMINATIONS]))
    pd.DataFrame(TEXTS).to_csv(tmp_path / "texts.csv", index=False)
    pd.DataFrame(REQUESTS).to_csv(tmp_path / "requests.csv", index=False)
    pd.DataFrame(REQUESTS | TEXTS).to_csv(tmp_path / "both.csv", index=False)
    parts = tmp_path / "parts"
    parts.mkdir()
    pd.DataFrame(REQUESTS).to_parquet(parts / "1.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "trained_as", "scored_as"),
    [
        ("letter.txt", Kind.LETTER, Kind.LETTER, "letters"),
        ("folder", Kind.FOLDER, Kind.FOLDER, "letters"),
        ("letters.zip", Kind.ZIP, Kind.ZIP, "letters"),
        ("unnamed", Kind.ZIP, Kind.ZIP, "letters"),
        ("dmhc.csv", Kind.DETERMINATIONS, Kind.DETERMINATIONS, "requests"),
        ("texts.csv", Kind.REQUESTS, Kind.TEXTS, "requests"),
        ("requests.csv", Kind.REQUESTS, Kind.REQUESTS, "requests"),
        ("both.csv", Kind.REQUESTS, Kind.REQUESTS, "requests"),
        ("parts", Kind.REQUESTS, Kind.REQUESTS, "requests"),
    ],
)
def test_training_and_scoring_agree_on_the_kind_of_a_path(paths, tmp_path_factory, name, kind, trained_as, scored_as):
    path = paths / name

    assert kind_of(path) is kind
    assert input_kind(path, InputOptions()) is trained_as
    assert open_input(path, ColumnMapping(), tmp_path_factory.mktemp("scratch")).unit == scored_as


@pytest.mark.parametrize("name", ["scan", "manifest"])
def test_a_file_without_an_ending_is_a_letter_or_a_manifest_by_its_first_bytes(paths, tmp_path_factory, name):
    assert kind_of(paths / name) is (Kind.FETCHED if name == "manifest" else Kind.LETTER)
    with pytest.raises(SchemaError, match=r"is not a table|can't be read as CSV"):
        open_input(paths / name, ColumnMapping(), tmp_path_factory.mktemp("scratch"))


def test_ingest_reads_a_table_of_texts_and_refuses_a_requests_table(paths):
    assert [source.kind for source in make_sources([paths / "texts.csv", paths / "both.csv"])] == [Kind.TEXTS] * 2
    with pytest.raises(SchemaError, match=r"requests.csv: lacks column\(s\) file, text; .* --data"):
        make_sources([paths / "requests.csv"])


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        kind_of(tmp_path / "gone")
