"""The DMHC's table of determinations, in every edition."""

import json

import pandas as pd
import pytest
from factories import determinations_csv, make_determinations, make_letter_text

from imr_ml.corpus.issues import current_requests
from imr_ml.corpus.schema import SchemaError, validate_requests
from imr_ml.corpus.store import read_requests
from imr_ml.ingest.dmhc import is_determinations, read_determinations
from imr_ml.ingest.growing import grow_table
from imr_ml.ingest.inputs import make_sources
from imr_ml.ingest.sources import training_table

ROW = {
    "Reference ID": "EI06-5319",
    "Report Year": "2006",
    "Diagnosis Category": "Cardiac/Circulatory",
    "Diagnosis Sub Category": "Hypertension",
    "Treatment Category": "Durable  Medical Equipment",
    "Treatment Sub Category": "Walker",
    "Determination": "Upheld Decision of Health Plan",
    "Type": "Experimental/Investigational",
    "Age Range": "11_20",
    "Patient Gender": "Male",
}
FINDINGS = "Case Summary: A member has requested a walker. Findings: It is not medically necessary."


def no_progress(_description, _total):
    return lambda _steps: None


@pytest.fixture
def written(tmp_path):
    def write(rows, *, name="determinations.csv", separator=",", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(determinations_csv(rows, separator).encode(encoding))
        return path

    return write


def test_a_row_becomes_a_request(written):
    row = read_determinations(written([ROW])).requests.iloc[0]

    assert row.dropna().to_dict() == {
        "case_number": "EI06-5319",
        "item": 1.0,
        "case_version": 1.0,
        "source": "dmhc",
        "file": "determinations.csv",
        "request": "Durable Medical Equipment: Walker",
        "items_in_case": 1.0,
        "sex": "male",
        "category": "DMEPOS",
        "diagnosis_category": "Cardiac/Circulatory",
        "diagnosis": "Hypertension",
        "treatment_category": "Durable Medical Equipment",
        "treatment": "Walker",
        "review_type": "Experimental/Investigational",
        "age_band": "11-20",
        "outcome": "upheld",
        "decision_year": 2006.0,
    }


def renamed(row, names):
    return {names.get(name, name.replace(" ", "")): value for name, value in row.items()}


EDITIONS = [
    (ROW, ",", "utf-8"),
    (ROW, ";", "utf-8"),
    (ROW, ";", "utf-8-sig"),
    (ROW, ",", "cp1252"),
    (renamed(ROW, {}), ",", "utf-8-sig"),
    (renamed(ROW, {"Reference ID": "Reference.ID", "Report Year": "report_year"}), ",", "utf-8"),
    (renamed(ROW, {}) | {"IMRType": "Standard", "DaysToReview": "27", "Findings": ""}, ",", "utf-8"),
    ({"": "1"} | ROW, "\t", "utf-8"),
]


@pytest.mark.parametrize(("row", "separator", "encoding"), EDITIONS)
def test_every_edition_yields_the_same_request(written, row, separator, encoding):
    accented = {"Diagnosis Sub Category": "Ménière", "DiagnosisSubCategory": "Ménière"}
    row = row | {name: value for name, value in accented.items() if name in row}
    path = written([row], separator=separator, encoding=encoding)

    read = read_determinations(path)

    expected = read_determinations(written([ROW | {"Diagnosis Sub Category": "Ménière"}], name="determinations.csv"))
    pd.testing.assert_frame_equal(read.requests, expected.requests)
    assert not read.rejects


def test_the_summary_is_the_part_of_the_findings_before_the_review(written):
    read = read_determinations(written([ROW | {"Findings": FINDINGS}]))

    assert read.requests["clinical_summary"].tolist() == ["A member has requested a walker."]
    assert "necessary" not in read.requests.drop(columns="review_type").to_csv()


@pytest.mark.parametrize(
    ("changed", "column", "value"),
    [
        ({"Treatment Category": ""}, "request", "Walker"),
        ({"Treatment Sub Category": ""}, "request", "Durable Medical Equipment"),
        ({"Treatment Category": "", "Treatment Sub Category": ""}, "request", "Treatment not stated"),
        ({"Determination": "Overturned Decision of Health Plan"}, "outcome", "overturned"),
        ({"Determination": "OVERTURNED"}, "outcome", "overturned"),
        ({"Age Range": "65+"}, "age_band", "65+"),
        ({"Age Range": "0 to 10"}, "age_band", "0-10"),
        ({"Age Range": ""}, "age_band", None),
        ({"Patient Gender": "Not stated"}, "sex", None),
        ({}, "age", None),
        ({}, "families", None),
        ({}, "clinical_summary", None),
    ],
)
def test_absent_values_are_missing(written, changed, column, value):
    cell = read_determinations(written([ROW | changed])).requests[column].iloc[0]

    assert (None if pd.isna(cell) else cell) == value


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Reference ID": " "}, "has no reference ID"),
        ({"Determination": "Withdrawn"}, "determination is neither upheld nor overturned"),
        ({"Report Year": "06"}, "report year is not a year"),
        ({"Reference ID": "A-1"}, "case occurs twice, first in row 1"),
    ],
)
def test_an_unusable_row_is_a_reject_with_its_place(written, changed, reason):
    path = written([ROW | {"Reference ID": "A-1"}, ROW | {"Reference ID": "A-2"} | changed, ROW])

    read = read_determinations(path)

    assert read.requests["case_number"].tolist() == ["A-1", "EI06-5319"]
    assert [(reject.file, reject.place, reject.reason) for reject in read.rejects] == [(str(path), "row 2", reason)]


def test_a_row_with_other_cells_than_the_header_is_a_reject(tmp_path):
    lines = determinations_csv([ROW, ROW | {"Reference ID": "A-2"}]).splitlines()
    path = tmp_path / "d.csv"
    path.write_text("\n".join([lines[0], lines[1].replace("Hypertension", "Ears, Nose"), "", lines[2]]))

    read = read_determinations(path)

    assert read.requests["case_number"].tolist() == ["A-2"]
    assert [(reject.place, reject.reason) for reject in read.rejects] == [("line 2", "has 11 cells, the header has 10")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("request,clinical_summary\nMRI,Seen.\n", "is not the DMHC's table of determinations; its header lacks"),
        (determinations_csv([ROW]).replace("Type", "Kind"), "its header lacks type$"),
        (determinations_csv([ROW]).splitlines()[0], "has no row"),
        (determinations_csv([ROW]) + '"A-2,2006\n', "can't be read: line 3 has an unclosed quotation mark"),
    ],
)
def test_a_file_that_is_not_the_table_is_refused(tmp_path, content, expected):
    path = tmp_path / "d.csv"
    path.write_text(content)

    with pytest.raises(SchemaError, match=expected):
        read_determinations(path)


def test_only_the_dmhcs_table_is_detected(written, tmp_path):
    (tmp_path / "requests.csv").write_text("request,clinical_summary\nMRI,Seen.\n")
    (tmp_path / "letter.txt").write_text(determinations_csv([ROW]))

    assert is_determinations(written([ROW]))
    assert not is_determinations(tmp_path / "requests.csv")
    assert not is_determinations(tmp_path / "letter.txt")
    assert not is_determinations(tmp_path / "gone.csv")
    assert not is_determinations(tmp_path)


def grown(output, *paths):
    return grow_table(make_sources(paths), output, no_progress)


def test_determinations_are_ingested_and_appended_to(written, tmp_path):
    output = tmp_path / "t.parquet"
    rows = make_determinations([2012], cases_a_year=3)
    grown(output, written(rows[:2]))

    growth = grown(output, written([*rows, rows[0] | {"Reference ID": ""}]))

    table = validate_requests(read_requests(output), "t")
    assert (growth.letters, growth.determinations, growth.skipped) == (0, 1, 2)
    assert table["case_number"].tolist() == [row["Reference ID"] for row in rows]
    assert [json.loads(line)["place"] for line in (tmp_path / "rejects.jsonl").read_text().splitlines()] == ["row 4"]


def test_an_edition_that_reports_more_of_a_case_is_its_second_version(written, tmp_path):
    output = tmp_path / "t.parquet"
    grown(output, written([ROW, ROW | {"Reference ID": "A-2"}]))

    growth = grown(output, written([ROW | {"Findings": FINDINGS}], name="later.csv"))

    table = validate_requests(read_requests(output), "t")
    assert [(case.case_number, case.version, case.columns) for case in growth.reissued] == [
        ("EI06-5319", 2, ("clinical_summary",))
    ]
    assert table["case_version"].tolist() == [1, 1, 2]
    assert current_requests(table)["case_number"].tolist() == ["A-2", "EI06-5319"]


def test_determinations_and_letters_may_share_a_table_but_are_not_trained_on_together(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "t.parquet"
    (tmp_path / "a.txt").write_text(make_letter_text())
    grown(output, written([ROW]), tmp_path / "a.txt")

    with pytest.raises(SchemaError, match=r"mixes sources \(dmhc, dwc\): train on one at a time, .* --source dmhc"):
        training_table(output, no_progress)

    for source in ("dmhc", "dwc"):
        assert training_table(output, no_progress, source=source).decisions.requests["source"].unique().tolist() == [
            source
        ]
    with pytest.raises(SchemaError, match="contains no request of source sample; it has: dmhc, dwc"):
        training_table(output, no_progress, source="sample")


def test_a_table_without_one_usable_row_is_refused(written, tmp_path):
    with pytest.raises(SchemaError, match="contains no usable row"):
        grown(tmp_path / "t.parquet", written([ROW | {"Report Year": ""}]))

    assert not (tmp_path / "t.parquet").exists()


def test_determinations_can_be_trained_on_directly(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written([ROW, ROW | {"Reference ID": ""}])

    table = training_table(path, no_progress)

    assert len(table.decisions.requests) == 1
    assert table.description.startswith(f"training on 1 determinations of the DMHC from {path}; 1 row(s) not used")
    assert (tmp_path / "data/processed/rejects.jsonl").is_file()


def test_only_determinations_may_lack_a_summary():
    table = pd.DataFrame({"request": ["MRI"], "clinical_summary": [None], "source": ["dmhc"]})

    assert len(validate_requests(table, "t")) == 1
    for other in (table.assign(source="dwc"), table.drop(columns="source")):
        with pytest.raises(SchemaError, match="clinical_summary is empty"):
            validate_requests(other, "t")
