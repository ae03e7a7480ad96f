"""Add letters to a table on disk: each once, with every issue of a case, and the report."""

import hashlib
import json
import sqlite3
import zipfile
from datetime import date

import pandas as pd
import pytest
from factories import KNEE, NORCO, make_letter_pdf, make_letter_text, make_requests

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import SchemaError
from imr_ml.corpus.store import SCHEMA_VERSION, read_requests, schema_version, write_requests
from imr_ml.fetch.manifest import Manifest, StoredLetter
from imr_ml.fetch.types import IndexedCase, IndexedRequest, Query
from imr_ml.files import locked
from imr_ml.ingest.growing import grow_table
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import make_sources
from imr_ml.ingest.manifest import manifest_of, manifest_path
from imr_ml.ingest.report import report_json, report_lines
from imr_ml.progress import no_progress

FIRST = make_letter_text(case_number="CM16-0000001", items=(KNEE, NORCO))
SECOND = make_letter_text(case_number="CM16-0000002")
AGAIN = make_letter_text(case_number="CM16-0000001", decision_date="02/20/2017", items=(KNEE,))


@pytest.fixture
def output(tmp_path):
    return tmp_path / "requests.parquet"


@pytest.fixture
def grow(output):
    def run(*paths, **options):
        return grow_table(make_sources(paths), output, no_progress, jobs=1, **options)

    return run


@pytest.fixture
def folder(tmp_path):
    """Make a folder of two letters, one of them twice, and another file."""
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "1.txt").write_text(FIRST)
    (folder / "2.pdf").write_bytes(make_letter_pdf(FIRST))
    (folder / "3.txt").write_text(SECOND)
    (folder / "4.txt").write_text("a shopping list\n")
    return folder


def rows(output):
    table = read_requests(output)
    return list(zip(table["case_number"], table["case_version"], strict=True))


def lines(report):
    return [line.replace(f"{report.output.parent}/", "") for line in report_lines(report)]


def test_a_folder_becomes_a_table_and_its_rejects(grow, folder, output):
    report = grow(folder)

    assert read_requests(output)["file"].tolist() == ["1.txt", "1.txt", "3.txt"]
    assert lines(report) == [
        "requests.parquet: 2 letters, 3 requests, 1 overturned (33.3%)",
        "  1 not in the table: the same letter as another",
        "  1 not in the table: has no heading 'IMR ISSUES, DECISIONS AND RATIONALES'; is it a determination?",
    ]
    rejects = [json.loads(line)["reason"] for line in (output.parent / "rejects.jsonl").read_text().splitlines()]
    assert rejects[0] == "the same letter as 1.txt"


def test_the_table_does_not_depend_on_the_size_of_its_parts(grow, folder, output):
    (folder / "5.txt").write_text(AGAIN)
    expected = ingest(sorted(folder.iterdir())).requests.assign(case_version=[1.0, 1.0, 1.0, 2.0])

    grow(folder, letters_at_once=1)

    pd.testing.assert_frame_equal(
        pd.concat([read_requests(output)], ignore_index=True).astype(expected.dtypes), expected
    )


def archive_of(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"inner/{file.name}")
    return path


def texts_of(folder, path):
    frame = pd.DataFrame({"file": ["1.pdf", "3.pdf", "4.pdf"], "text": [FIRST, SECOND, "a shopping list"], "n": 1})
    match path.suffix:
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        case ".csv":
            frame.to_csv(path, index=False, sep=";", encoding="utf-16")
        case ".parquet":
            frame.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["letters.zip", "texts.jsonl", "texts.csv", "texts.parquet"])
def test_every_kind_of_source_yields_the_same_requests(grow, folder, output, tmp_path, name):
    expected = ingest(sorted(folder.iterdir())).requests
    source = (archive_of if name == "letters.zip" else texts_of)(folder, tmp_path / name)

    grow(source)

    table = read_requests(output)
    columns = ["request", "outcome", "clinical_summary", "rationale", "decision_date", "case_number"]
    assert table[columns].astype("string").equals(expected[columns].astype("string"))
    assert [name[0] for name in table["file"]] == ["1", "1", "3"]


def test_letters_in_several_sources_are_read_once(grow, folder, output, tmp_path):
    report = grow(archive_of(folder, tmp_path / "letters.zip"), folder, texts_of(folder, tmp_path / "t.jsonl"))

    assert (report.letters, report.requests) == (2, 3)
    assert [source.letters for source in report.manifest.sources] == [2, 0, 0]


@pytest.fixture
def fetched(tmp_path):
    """Make a fetch manifest of two letters with other dates in its index."""
    folder = tmp_path / "fetched"
    manifest = Manifest(folder / "manifest.sqlite")
    listed = (IndexedRequest("Diagnostic Testing", "MRI", "Upheld"),)
    for number, text in {"CM16-0000001": FIRST, "CM16-0000002": SECOND}.items():
        (folder / f"{number}.txt").write_text(text)
        url = f"http://127.0.0.1/{number}.pdf"
        case = IndexedCase(number, url, date(2016, 12, 21), None, None, None, "Upheld", listed)
        manifest.record_search(Query(), [case])
        content = text.encode()
        summary = StoredLetter(number, url, f"{number}.txt", hashlib.sha256(content).hexdigest(), len(content), 200)
        manifest.record_letter(summary)
    manifest.close()
    return folder / "manifest.sqlite"


def test_a_fetch_manifest_adds_its_letters_and_index_fields(grow, fetched, output):
    report = grow(fetched)

    table = read_requests(output)
    assert report.letters == 2
    assert {"index_category", "index_outcome"} <= set(table.columns)
    disagreements = pd.read_csv(output.with_name("disagreements.csv"))
    assert len(disagreements) == report.disagreements > 0
    assert f"  {len(disagreements)} disagreement(s) between letters and the search's index" in lines(report)
    assert grow(fetched).disagreements == 0
    assert len(pd.read_csv(output.with_name("disagreements.csv"))) == len(disagreements)


def test_rows_without_text_and_broken_rows_are_rejects_with_their_place(grow, tmp_path):
    table = tmp_path / "texts.jsonl"
    letter = json.dumps({"file": None, "text": FIRST})
    table.write_text(f'{letter}\n{{"file": "b.txt", "text": " "}}\n{{"file": \n')

    report = grow(table)

    assert report.letters == 1
    assert [(reject.place, reject.reason) for reject in report.rejects] == [
        ("line 3", "is not JSON (column 9)"),
        ("row 2", "has no text"),
    ]
    assert read_requests(report.output)["file"].tolist() == ["texts.jsonl row 1"] * 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["file", "body"], r"lacks column\(s\) text; found: file, body; a table of letters has the columns file and"),
        (["request", "clinical_summary"], r"lacks column\(s\) file, text; .* requests table, .* --data .*t\.csv"),
    ],
)  # fmt: skip
def test_a_table_without_texts_is_reported_with_its_columns(grow, tmp_path, columns, message):
    pd.DataFrame([["x"] * len(columns)], columns=columns).to_csv(tmp_path / "t.csv", index=False)

    with pytest.raises(SchemaError, match=message):
        grow(tmp_path / "t.csv")


def test_a_second_ingest_adds_only_new_letters(grow, folder, output):
    grow(folder)
    before = output.read_bytes()
    (folder / "5.txt").write_text(make_letter_text(case_number="CM16-0000005"))

    report = grow(folder)

    assert lines(report)[0] == "requests.parquet: 1 letters, 1 requests, 0 overturned (0.0%); 2 already in the table"
    assert lines(report)[-1] == "  it now contains 3 letters, 4 requests"
    grown = output.read_bytes()
    again = grow(folder)
    assert (again.letters, again.skipped) == (0, 3)
    assert output.read_bytes() == grown != before
    assert again.manifest == report.manifest


def test_both_versions_of_a_reissued_case_are_stored_and_reported(grow, folder, output):
    grow(folder)
    (folder / "5.txt").write_text(AGAIN)

    report = grow(folder)

    assert rows(output) == [("CM16-0000001", 1), ("CM16-0000001", 1), ("CM16-0000002", 1), ("CM16-0000001", 2)]
    assert lines(report)[1:3] == [
        "  1 case(s) reissued, both versions added; changed: items_in_case 1, decision_date 1, decision_year 1",
        "    CM16-0000001, version 2: items_in_case, decision_date, decision_year",
    ]


def test_an_earlier_issue_that_is_read_later_comes_first(grow, folder, output):
    (folder / "1.txt").write_text(AGAIN)
    (folder / "2.pdf").unlink()
    grow(folder)
    (folder / "5.txt").write_text(FIRST)

    grow(folder)

    assert rows(output) == [("CM16-0000001", 2), ("CM16-0000002", 1), ("CM16-0000001", 1), ("CM16-0000001", 1)]


def test_a_fresh_table_replaces_the_old_one(grow, folder, output, tmp_path):
    grow(folder)
    (tmp_path / "only.txt").write_text(SECOND)

    grow(tmp_path / "only.txt", fresh=True)

    assert rows(output) == [("CM16-0000002", 1)]
    assert [source.kind for source in manifest_of(output).sources] == ["letter"]


def test_extra_columns_remain(grow, folder, output):
    grow(folder)
    table = read_requests(output)
    write_requests(table.assign(note=["a", None, "c"], score=[1, 2, 3]), output)
    (folder / "5.txt").write_text(AGAIN)

    grow(folder)

    table = read_requests(output)
    assert table["note"].fillna("-").tolist() == ["a", "-", "c", "-"]
    assert table["score"].fillna(0).tolist() == [1, 2, 3, 0]


def test_a_table_of_an_older_schema_is_upgraded_and_reported(grow, folder, output):
    ingest(sorted(folder.iterdir())).requests.drop(columns="case_version").to_parquet(output, index=False)
    (folder / "5.txt").write_text(AGAIN)

    report = grow(folder)

    assert f"  its schema was upgraded from version 1 to {SCHEMA_VERSION}" in lines(report)
    assert schema_version(output) == SCHEMA_VERSION
    assert [version for _, version in rows(output)] == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (lambda path: make_requests(4).to_parquet(path), r"lacks column\(s\) letter_sha256"),
        (lambda path: path.write_text("no table"), "can't be read as Parquet"),
    ],
)
def test_ingest_refuses_to_add_to_another_table(grow, folder, output, table, message):
    table(output)
    before = output.read_bytes()

    with pytest.raises(SchemaError, match=message):
        grow(folder)

    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "message"),
    [("empty", r"empty: contains no letter \(.pdf or .txt\)"), ("bad.txt", "none of 1 file.s. is a letter")],
)
def test_a_source_without_letters_writes_no_table(grow, output, tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.txt").write_text("a shopping list")

    with pytest.raises(SchemaError, match=message):
        grow(tmp_path / name)

    assert not output.exists()
    assert not manifest_path(output).exists()


def test_the_table_must_be_named_parquet(folder, tmp_path):
    with pytest.raises(SchemaError, match=r"t\.csv: the table is written as Parquet; name it t\.parquet"):
        grow_table(make_sources([folder]), tmp_path / "t.csv", no_progress)


def test_no_temporary_file_remains(grow, folder, output):
    grow(folder)

    left = {path.name for path in output.parent.iterdir()}
    assert left == {"letters", "requests.parquet", "requests.manifest.json", "rejects.jsonl"}


def test_a_missing_path_and_another_database_are_reported(grow, tmp_path):
    with pytest.raises(FileNotFoundError, match="gone: no such file or folder"):
        grow(tmp_path / "gone")
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("create table t (x)")
    with pytest.raises(ValueError, match=r"a\.sqlite"):
        grow(tmp_path / "a.sqlite")


def test_two_ingests_into_one_table_at_once_are_refused(tmp_path):
    table = tmp_path / "requests.parquet"

    with (
        locked(tmp_path / ".requests.parquet.lock", AssertionError()),
        pytest.raises(SchemaError, match=r"requests\.parquet: another process is adding to it"),
    ):
        grow_table([], table, lambda *_: lambda _: None)

    assert not table.exists()


@pytest.fixture
def mixed_folder(folder):
    """Make a folder with letters, other files and hidden files."""
    (folder / "deeper").mkdir()
    for name in ("scan.tif", "deeper/notes.docx", "page.html", "README.md", "_truth.jsonl", ".hidden.doc", "Thumbs.db"):
        (folder / name).write_text("x")
    return folder


def test_files_that_are_not_letters_are_counted_and_named(grow, mixed_folder):
    report = grow(mixed_folder)

    assert "  3 other file(s) skipped: deeper/notes.docx, page.html, scan.tif" in lines(report)
    assert json.loads(report_json(report))["other_files"] == {
        "total": 3,
        "first": ["deeper/notes.docx", "page.html", "scan.tif"],
    }


def test_the_first_of_many_other_files_are_named(grow, folder):
    for number in range(30):
        (folder / f"page{number:02}.html").write_text("x")

    report = grow(folder)

    assert "  30 other file(s) skipped: page00.html, page01.html, page02.html, page03.html, page04.html, ..." in lines(
        report
    )
    assert len(json.loads(report_json(report))["other_files"]["first"]) == 10


def test_other_files_in_a_zip_are_counted_and_named(grow, mixed_folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        for file in sorted(mixed_folder.rglob("*")):
            archive.write(file, f"inner/{file.relative_to(mixed_folder)}")
        archive.writestr("__MACOSX/page.html", "x")

    report = grow(tmp_path / "letters.zip")

    assert report.other_files == ("inner/deeper/notes.docx", "inner/page.html", "inner/scan.tif")


@pytest.mark.parametrize("is_zip", [False, True])
def test_a_source_with_other_files_only_is_refused_and_names_them(grow, tmp_path, is_zip):
    source = tmp_path / "scans"
    source.mkdir()
    (source / "a.tif").write_text("x")
    if is_zip:
        source = archive_of(source, tmp_path / "scans.zip")

    with pytest.raises(SchemaError, match=r"contains no letter \(.*\); 1 other file\(s\) skipped: (inner/)?a\.tif"):
        grow(source)


def test_control_characters_in_a_file_name_are_not_printed(grow, folder):
    (folder / "a\x1b[31m.tif").write_text("x")

    assert "  1 other file(s) skipped: a?[31m.tif" in lines(grow(folder))


def test_the_report_as_json_has_the_counts_and_rejects(grow, folder, output):
    grow(folder)
    (folder / "5.txt").write_text(AGAIN)

    report = json.loads(report_json(grow(folder)))

    assert (report["letters"], report["requests"], report["already_in_table"]) == (1, 1, 2)
    assert report["rejects"][0]["reason"] == "the same letter as 1.txt"
    assert report["reissued"] == [
        {"case_number": "CM16-0000001", "version": 2, "columns": ["items_in_case", "decision_date", "decision_year"]}
    ]
    assert report["in_table"]["requests"] == 4


def test_a_table_of_texts_may_have_columns_of_other_names(grow, tmp_path):
    table = tmp_path / "texts.jsonl"
    table.write_text(json.dumps({"Doc": "a.txt", "Body": FIRST}) + "\n")
    options = InputOptions(ColumnMapping(columns={"file": "Doc", "text": "Body"}))

    report = grow_table(make_sources([table], options), tmp_path / "t.parquet", no_progress)

    assert report.letters == 1
    assert read_requests(report.output)["file"].unique().tolist() == ["a.txt"]
    with pytest.raises(SchemaError, match=r"lacks column.*file, text; found: Doc, Body"):
        make_sources([table])


def test_the_table_records_ocr_and_warnings(grow, tmp_path):
    (tmp_path / "a.txt").write_text(FIRST)

    table = read_requests(grow(tmp_path / "a.txt").output)

    assert table["text_from"].tolist() == ["text"] * 2
    assert table["letter_warnings"].isna().all()
