"""Lines, compressed lines, the table and the ground truth have the same letters."""

import gzip
import json

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from imr_ml.corpus.store import read_requests
from imr_ml.errors import ImrError
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.sample.letters import generate_letter
from imr_ml.sample.rendering import render_text
from imr_ml.sample.writing import truth_path, write_output

N = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    letters = tmp_path_factory.mktemp("many") / "letters"
    write_output(letters, N, seed=7)
    return letters


@pytest.fixture(scope="module")
def truth(folder):
    return pd.read_parquet(truth_path(folder))


def test_each_line_has_a_letter_and_its_file_name(tmp_path):
    write_output(tmp_path / "letters.jsonl", 3, seed=7)

    rows = [json.loads(line) for line in (tmp_path / "letters.jsonl").read_text(encoding="utf-8").splitlines()]

    letters = [generate_letter(7, index) for index in range(3)]
    assert rows == [{"file": f"{letter.case_number}.txt", "text": render_text(letter)} for letter in letters]


def test_compressed_lines_equal_the_lines(tmp_path):
    for name in ("letters.jsonl", "packed.jsonl.gz"):
        write_output(tmp_path / name, 260, seed=7)

    assert gzip.decompress((tmp_path / "packed.jsonl.gz").read_bytes()) == (tmp_path / "letters.jsonl").read_bytes()


def test_several_processes_write_the_same_as_one(tmp_path):
    for name, jobs in (("one", 1), ("two", 2)):
        write_output(tmp_path / f"{name}.jsonl", 42, seed=7, jobs=jobs, chunk_size=5)

    sequential, parallel = ((tmp_path / f"{name}.jsonl").read_bytes() for name in ("one", "two"))
    assert sequential == parallel
    assert sequential.count(b"\n") == 42
    assert_frame_equal(*(pd.read_parquet(tmp_path / f"{name}.truth.parquet") for name in ("one", "two")))


def test_the_table_equals_that_of_ingesting_the_letters(tmp_path, folder):
    write_output(tmp_path / "requests.parquet", N, seed=7)

    straight = read_requests(tmp_path / "requests.parquet").sort_values(["file", "item"], ignore_index=True)

    read = ingest(letter_files([folder])).requests.sort_values(["file", "item"], ignore_index=True)
    assert_frame_equal(straight, read, check_dtype=False)


def test_the_truth_is_beside_the_letters_and_not_among_them(folder, truth):
    assert truth_path(folder) == folder.with_name("letters.truth.parquet")
    assert len(list(folder.iterdir())) == N
    assert truth["case_number"].nunique() == N


def test_the_truth_matches_the_letters(truth):
    letters = [generate_letter(7, index) for index in range(N)]
    items = [(letter.case_number, item) for letter in letters for item in letter.facts.items]

    assert truth["case_number"].tolist() == [case for case, _ in items]
    assert truth["outcome"].tolist() == [item.outcome for _, item in items]
    assert truth["families"].tolist() == ["|".join(f for f in FAMILIES if f in item.families) for _, item in items]
    assert truth["p_overturned"].tolist() == [item.p_overturned for _, item in items]
    assert truth["category"].tolist() == [item.treatment.category for _, item in items]


def test_every_item_has_a_family_or_none(truth):
    total = truth[[f"p_{family}" for family in FAMILIES]].sum(axis=1)

    assert (total > 0.99).all()


def test_progress_adds_up_to_the_letters(tmp_path):
    seen = []

    write_output(tmp_path / "letters.jsonl", 12, seed=7, progress=seen.append, chunk_size=5)

    assert seen == [5, 5, 2]


@pytest.mark.parametrize(
    ("name", "pdf", "complaint"),
    [
        ("letters.zip", False, "name a new folder, or a file ending in .jsonl, .jsonl.gz or .parquet"),
        ("letters.jsonl", True, "PDF files need a folder"),
        ("full", False, "exists and is not an empty folder"),
        ("full.parquet", False, "is a folder; name a file"),
    ],
)
def test_an_impossible_output_is_refused_before_writing(tmp_path, name, pdf, complaint):
    for full in ("full", "full.parquet"):
        (tmp_path / full).mkdir()
        (tmp_path / full / "kept.txt").touch()
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ImrError, match=complaint):
        write_output(tmp_path / name, 1, seed=7, pdf=pdf)

    assert sorted(tmp_path.rglob("*")) == before
