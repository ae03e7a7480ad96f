"""Files in every format and folders of letters are scored completely or not at all."""

import json
from functools import partial

import pandas as pd
import pytest
from factories import KNEE, NORCO, make_letter_text, make_requests

from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import SchemaError
from imr_ml.score_columns import SCORE_COLUMNS
from imr_ml.scoring.batch import BatchSettings, score_file
from imr_ml.scoring.frame import score_frame

FORMATS = ("csv", "jsonl", "parquet")
WRITTEN = (*FORMATS, "xlsx")
READ = {
    "csv": pd.read_csv,
    "jsonl": lambda path: pd.read_json(path, lines=True, precise_float=True),
    "parquet": pd.read_parquet,
    "xlsx": partial(pd.read_excel, engine="openpyxl"),
}


def write(frame, path):
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True, date_format="iso")
        case ".parquet":
            frame.to_parquet(path)
    return path


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("given", FORMATS)
def test_every_format_gives_the_same_scores(loaded, tmp_path, given, written):
    requests = make_requests(7)
    source, output = write(requests, tmp_path / f"in.{given}"), tmp_path / f"out.{written}"

    summary = score_file(source, output, loaded)

    expected = score_frame(requests, loaded)["p_overturned"]
    assert READ[written](output)["p_overturned"].tolist() == pytest.approx(expected.tolist(), abs=1e-15)
    assert (summary.rows, summary.errors) == (7, 0)
    assert sum(summary.by_outcome.values()) == 7


@pytest.mark.parametrize("written", WRITTEN)
def test_scores_do_not_depend_on_the_chunk_size(loaded, tmp_path, written):
    source = write(
        make_requests(9).assign(note=[None, None, None, "x", 1.5, None, "y", None, None]), tmp_path / "in.jsonl"
    )

    score_file(source, tmp_path / f"whole.{written}", loaded)
    score_file(source, tmp_path / f"parts.{written}", loaded, settings=BatchSettings(rows_at_once=2))

    whole, parts = (READ[written](tmp_path / f"{name}.{written}") for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(whole[list(SCORE_COLUMNS)], parts[list(SCORE_COLUMNS)])


def test_a_folder_of_letters_gives_a_row_a_request_and_one_for_each_letter_that_cannot_be_read(loaded, tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "a.txt").write_text(make_letter_text(items=(KNEE, NORCO)))
    (folder / "b.pdf").write_bytes(b"no PDF at all")

    summary = score_file(folder, tmp_path / "out.csv", loaded)

    scored = pd.read_csv(tmp_path / "out.csv")
    assert (summary.rows, summary.errors) == (3, 1)
    assert scored["request"].tolist()[:2] == [KNEE.request, NORCO.request]
    assert scored["p_overturned"].notna().tolist() == [True, True, False]
    assert "is not a PDF" in scored["error"][2]
    assert scored["file"][2].endswith("b.pdf")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "case_number\nCM16-0000001\n", r"lacks column\(s\) request, clinical_summary"),
        ("in.csv", "", "has no row"),
        ("in.xml", "<a/>", "is not a table"),
    ],
)
def test_an_input_that_is_not_a_requests_table_leaves_no_output(loaded, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)

    with pytest.raises(SchemaError, match=message):
        score_file(tmp_path / name, tmp_path / "out.csv", loaded)

    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_output_of_unknown_format_is_refused_before_scoring(loaded, tmp_path):
    source = write(make_requests(2), tmp_path / "in.csv")

    with pytest.raises(SchemaError, match=r"out\.xls: can't be written; end its name in"):
        score_file(source, tmp_path / "out.xls", loaded)


def test_a_line_that_is_not_a_row_is_rejected_and_the_rest_is_scored(loaded, tmp_path):
    source = write(make_requests(3), tmp_path / "in.jsonl")
    lines = source.read_text().splitlines()
    source.write_text("\n".join([lines[0], "{broken", lines[1], lines[2], "{}x"]) + "\n")

    summary = score_file(source, tmp_path / "out.jsonl", loaded, settings=BatchSettings(rows_at_once=2))

    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    rejects = [json.loads(line) for line in (tmp_path / "out.jsonl.rejects.jsonl").read_text().splitlines()]
    assert (summary.rows, summary.errors, summary.rejected_lines, summary.is_complete) == (3, 0, 2, False)
    assert all(row["p_overturned"] is not None for row in rows)
    assert [(reject["line"], reject["text"]) for reject in rejects] == [(2, "{broken"), (5, "{}x")]
    assert rejects[0]["reason"] == "is not JSON (column 2)"


def test_rejects_of_an_earlier_output_are_removed_with_it(loaded, tmp_path):
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    write(make_requests(3), source)
    score_file(source, output, loaded)
    (tmp_path / "out.csv.rejects.jsonl").write_text("old")
    score_file(source, output, loaded)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_one_bad_cell_is_missing_with_a_warning_and_the_row_is_scored(loaded, tmp_path):
    rows = make_requests(3).assign(age=["38 y/o", "41,5", "50"], sex=["F", "U", "m"])

    summary = score_file(write(rows, tmp_path / "in.csv"), tmp_path / "out.csv", loaded)

    scored = pd.read_csv(tmp_path / "out.csv")
    assert (summary.rows, summary.errors) == (3, 0)
    assert scored["warnings"].fillna("").tolist() == [
        "",
        "age: not a valid number; sex: not one of 2 known values",
        "",
    ]
    assert summary.warnings == {"age: not a valid number": 1, "sex: not one of 2 known values": 1}


def test_one_order_of_day_and_month_holds_for_the_whole_file(loaded, tmp_path):
    dates = ["12/06/2015", "01/02/2015", "13/06/2016"]
    source = write(make_requests(3).assign(date_of_injury=dates), tmp_path / "in.csv")

    summary = score_file(source, tmp_path / "out.parquet", loaded, settings=BatchSettings(rows_at_once=1))

    iso = make_requests(3).assign(date_of_injury=["2015-06-12", "2015-02-01", "2016-06-13"])
    assert summary.notes[0] == "date_of_injury is read day first"
    scored = pd.read_parquet(tmp_path / "out.parquet")
    assert scored["p_overturned"].tolist() == score_frame(iso, loaded)["p_overturned"].tolist()


def test_formulas_get_an_apostrophe_only_in_csv(loaded, tmp_path):
    notes = ["=1+1", "+SUM(A1)", "-2.5", "@cmd", "plain"]
    source = write(make_requests(5).assign(note=notes), tmp_path / "in.csv")

    for suffix in FORMATS:
        score_file(source, tmp_path / f"out.{suffix}", loaded)

    assert pd.read_csv(tmp_path / "out.csv", dtype="string")["note"].tolist() == [
        "'=1+1",
        "'+SUM(A1)",
        "-2.5",
        "'@cmd",
        "plain",
    ]
    assert pd.read_parquet(tmp_path / "out.parquet")["note"].tolist() == notes


def test_json_lines_keep_every_value_as_it_was_given(loaded, tmp_path):
    given = [1, "1", 0.1 + 0.2, None, True]
    rows = make_requests(5)[["request", "clinical_summary"]].to_dict("records")
    (tmp_path / "in.jsonl").write_text(
        "".join(json.dumps(row | {"note": note}) + "\n" for row, note in zip(rows, given, strict=True))
    )

    score_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", loaded, settings=BatchSettings(rows_at_once=2))

    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["note"] for row in written] == given
    scored = score_frame(pd.DataFrame(rows), loaded)["p_overturned"]
    assert [row["p_overturned"] for row in written] == scored.tolist()


def test_columns_of_other_names_are_mapped_and_keep_their_names(loaded, tmp_path):
    requests = make_requests(4)
    source = write(requests.rename(columns={"request": "RFA_TEXT"}), tmp_path / "in.csv")
    output = tmp_path / "out.parquet"

    with pytest.raises(SchemaError, match=r"lacks column\(s\) request; found: .*RFA_TEXT.*--map request=RFA_TEXT"):
        score_file(source, output, loaded)
    score_file(source, output, loaded, settings=BatchSettings(ColumnMapping(columns={"request": "RFA_TEXT"})))

    scored = pd.read_parquet(output)
    assert scored["RFA_TEXT"].tolist() == requests["request"].tolist()
    assert scored["p_overturned"].tolist() == score_frame(requests, loaded)["p_overturned"].tolist()


def test_files_beside_the_letters_are_counted_and_named(loaded, tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "a.txt").write_text(make_letter_text())
    for name in ("scan.tif", "memo.docx", ".hidden"):
        (folder / name).touch()

    summary = score_file(folder, tmp_path / "out.csv", loaded)

    assert summary.notes == ("2 other file(s) skipped: memo.docx, scan.tif",)


def test_a_workbook_stores_text_as_text_and_dates_as_dates(loaded, tmp_path):
    rows = make_requests(2).assign(note=["=1+1", "bell\x07" + "x" * 40_000], when=pd.to_datetime(["2016-03-04"] * 2))

    score_file(write(rows, tmp_path / "in.parquet"), tmp_path / "out.xlsx", loaded)

    scored = READ["xlsx"](tmp_path / "out.xlsx")
    assert scored["note"][0] == "=1+1"
    assert scored["note"][1] == "bell" + "x" * (32_767 - 4), "Excel allows no more and no control characters"
    assert scored["when"].tolist() == rows["when"].tolist()
    assert list(scored.columns) == [*rows.columns, *SCORE_COLUMNS]


def test_a_scored_file_is_scored_anew_if_its_scores_may_be_replaced(loaded, tmp_path):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    score_file(write(make_requests(4).assign(note="x"), tmp_path / "in.csv"), first, loaded)

    with pytest.raises(SchemaError, match=r"scoring adds: .*; rename them, or replace them: --replace"):
        score_file(first, second, loaded)
    summary = score_file(first, second, loaded, settings=BatchSettings(replace=True))

    assert second.read_text() == first.read_text()
    assert f"{len(SCORE_COLUMNS)} column(s) of an earlier scoring replaced" in summary.notes


def test_columns_are_found_in_any_case_and_listed_as_used_ignored_or_passed_through(loaded, tmp_path):
    rows = make_requests(3)[["request", "clinical_summary", "rationale"]]
    named = rows.rename(columns={"request": "REQUEST", "clinical_summary": "Clinical Summary"}).assign(ID="x")

    summary = score_file(write(named, tmp_path / "in.csv"), tmp_path / "out.csv", loaded)

    scored = pd.read_csv(tmp_path / "out.csv")
    assert list(scored.columns[:4]) == list(named.columns)
    assert scored["p_overturned"].tolist() == pytest.approx(score_frame(rows, loaded)["p_overturned"].tolist())
    assert summary.notes == (
        "columns used: request (REQUEST), clinical_summary (Clinical Summary); ignored: rationale; passed through: ID",
    )
