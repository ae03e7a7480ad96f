"""Read files into a table and rejects."""

import hashlib
import json

import pytest
from factories import KNEE, NORCO, make_letter_pdf, make_letter_text

from imr_ml.ingest.ingestion import Reject, ingest, write_rejects
from imr_ml.ingest.inputs import letter_files


@pytest.fixture
def folder(tmp_path):
    """Make a folder of two letters, one of them twice, and another file."""
    first = make_letter_text(case_number="CM16-0000001", items=(KNEE, NORCO))
    (tmp_path / "1.txt").write_text(first)
    (tmp_path / "2.pdf").write_bytes(make_letter_pdf(first))
    (tmp_path / "3.txt").write_text(make_letter_text(case_number="CM16-0000003"))
    (tmp_path / "4.txt").write_text(first.replace("MAXIMUS guideline:", "MAXIMUS:"))
    return tmp_path


def test_letters_become_rows_and_other_files_become_rejects_with_reasons(folder):
    read = ingest(letter_files([folder]))

    assert read.requests["file"].tolist() == ["1.txt", "1.txt", "3.txt"]
    assert read.letters == 2
    assert read.rejects == (
        Reject(file="2.pdf", place="", reason="the same letter as 1.txt"),
        Reject(file=str(folder / "4.txt"), place="item 1", reason="has no 'MAXIMUS guideline:' paragraph"),
    )


def test_rows_have_the_checksum_of_their_letter(folder):
    content = (folder / "3.txt").read_bytes()

    table = ingest([folder / "3.txt"]).requests

    assert table["letter_sha256"].tolist() == [hashlib.sha256(content).hexdigest()]


def test_a_case_decided_twice_has_two_letters(tmp_path):
    (tmp_path / "1.txt").write_text(make_letter_text())
    (tmp_path / "2.txt").write_text(make_letter_text(items=[NORCO]))

    assert len(ingest(letter_files([tmp_path])).requests) == 2


def test_the_same_letter_under_two_names_is_read_once(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(make_letter_text())

    read = ingest([tmp_path / "x" / "a", tmp_path / "y" / "a"])

    assert (read.letters, len(read.rejects)) == (1, 1)


def test_letters_without_a_case_number_differ_by_their_content(tmp_path):
    for name, summary in {"1": "Seen in May.", "2": "Seen in June.", "3": "Seen in May."}.items():
        (tmp_path / f"{name}.txt").write_text(make_letter_text(case_number=None, summary=summary))

    read = ingest(letter_files([tmp_path]))

    assert read.requests["file"].tolist() == ["1.txt", "2.txt"]


def test_progress_counts_files(folder):
    seen = []

    ingest(letter_files([folder]), seen.append)

    assert seen == [1, 1, 1, 1]


def test_several_processes_build_the_same_table_as_one(tmp_path):
    for number in range(220):
        (tmp_path / f"{number:03}.txt").write_text(make_letter_text(case_number=f"CM16-{number // 2:07}"))
    files = letter_files([tmp_path])
    seen = []

    sequential, parallel = ingest(files), ingest(files, seen.append, jobs=2)

    assert sequential.requests.equals(parallel.requests)
    assert sequential.rejects == parallel.rejects
    assert (parallel.letters, sum(seen)) == (110, 220)


def test_an_unreadable_file_is_a_reject(tmp_path):
    read = ingest([tmp_path / "gone.txt"])

    assert read.rejects == (Reject(str(tmp_path / "gone.txt"), "", "can't be read (No such file or directory)"),)


def test_without_letters_the_table_is_empty():
    read = ingest([])

    assert (len(read.requests), read.letters, read.rejects) == (0, 0, ())
    assert "outcome" in read.requests


def test_folders_are_searched_for_letters_only(tmp_path):
    for name in ("b.PDF", "a.txt", "README.txt", ".hidden.txt", "notes.docx", "_truth.jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.pdf").touch()

    letters = letter_files([tmp_path, tmp_path / "a.txt"])

    assert [str(file.relative_to(tmp_path)) for file in letters] == ["a.txt", "b.PDF", "deeper/c.pdf"]


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone: no such file or folder"):
        letter_files([tmp_path / "gone"])


def test_rejects_are_json_lines(tmp_path):
    write_rejects([Reject("a.txt", "item 2", "has no request")], tmp_path / "rejects.jsonl")
    write_rejects([], tmp_path / "none.jsonl")

    lines = (tmp_path / "rejects.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"file": "a.txt", "place": "item 2", "reason": "has no request"}]
    assert (tmp_path / "none.jsonl").read_text() == ""
