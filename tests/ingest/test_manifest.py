"""The manifest of a table, and the table rebuilt from it."""

import json
import shutil

import pandas as pd
import pytest
from factories import KNEE, NORCO, determinations_csv, make_determinations, make_letter_text, make_requests

from imr_ml.corpus.schema import SchemaError
from imr_ml.corpus.store import read_requests
from imr_ml.files import sha256_of
from imr_ml.ingest.growing import Provenance, grow_table
from imr_ml.ingest.inputs import make_sources
from imr_ml.ingest.manifest import (
    Code,
    Recipe,
    manifest_of,
    manifest_path,
    read_manifest,
    rebase_manifest,
    write_recipe,
)
from imr_ml.ingest.rebuild import rebuild_table
from imr_ml.ingest.sources import manifest_here, training_table
from imr_ml.sample.writing import write_samples

SECRET = "frobnitz"


def no_progress(_description, _total):
    return lambda _steps: None


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a folder of two letters, and a table built from them and from a table of texts."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "1.txt").write_text(make_letter_text(case_number="CM16-0000001", items=(KNEE, NORCO)))
    (folder / "2.txt").write_text(make_letter_text(case_number="CM16-0000002", summary=f"She {SECRET} a knee."))
    (folder / "4.txt").write_text("a shopping list\n")
    text = make_letter_text(case_number="CM16-0000001", decision_date="02/20/2017")
    pd.DataFrame({"file": ["3.txt"], "text": [text]}).to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    provenance = Provenance(code=Code(commit="0" * 40, dirty=True))
    for source in (folder, tmp_path / "t.jsonl"):
        grow_table(make_sources([source]), tmp_path / "data/requests.parquet", no_progress, provenance=provenance)
    return tmp_path


@pytest.fixture
def table(project):
    return project / "data/requests.parquet"


def test_a_manifest_reports_sources_counts_and_checksums(project, table):
    manifest = read_manifest(manifest_path(table))

    assert manifest.sha256 == sha256_of(table)
    assert (manifest.issues, manifest.requests, manifest.overturned) == (3, 4, 1)
    assert manifest.requests_by_source == {"dwc": 4}
    first, second = (step.sources[0] for step in manifest.steps)
    assert (first.kind, first.path, first.letters, first.requests, first.rejects) == ("folder", "../letters", 2, 3, 1)
    assert first.letter_sha256s == tuple(sha256_of(project / f"letters/{number}.txt") for number in (1, 2, 4))
    assert (second.kind, second.path, second.sha256) == ("table of texts", "../t.jsonl", sha256_of(project / "t.jsonl"))
    assert [step.code.commit for step in manifest.steps] == ["0" * 40] * 2


def test_a_manifest_contains_no_text_or_name_of_a_letter_and_no_absolute_path(project, table):
    written = manifest_path(table).read_text()

    assert not [secret for secret in (SECRET, "CM16", "1.txt", str(project)) if secret in written]


def test_a_changed_table_has_no_manifest(table):
    assert manifest_of(table) is not None

    read_requests(table).head(2).to_parquet(table)

    assert manifest_of(table) is None


@pytest.mark.parametrize("change", [{"format": 2}, {"steps": 1}, {"more": 1}])
def test_another_file_is_refused(table, change):
    path = manifest_path(table)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(SchemaError, match=r"requests\.manifest\.json: is not a table manifest"):
        read_manifest(path)


def test_paths_can_be_relative_to_another_folder(project, table):
    moved = rebase_manifest(read_manifest(manifest_path(table)), table.parent, project)

    assert moved.table == "data/requests.parquet"
    assert [source.path for source in moved.sources] == ["letters", "t.jsonl"]
    assert manifest_here(table) == moved


@pytest.fixture
def replay(project, table, tmp_path_factory):
    def run():
        return rebuild_table(manifest_here(table), project, tmp_path_factory.mktemp("anew"), no_progress)

    return run


def test_the_table_is_rebuilt_byte_for_byte(table, replay):
    assert replay().read_bytes() == table.read_bytes()


def test_new_and_renamed_letters_do_not_matter(project, table, replay):
    (project / "letters/0.txt").write_text(make_letter_text(case_number="CM16-0000009"))
    (project / "letters/2.txt").rename(project / "letters/9.txt")

    rebuilt = read_requests(replay())

    assert rebuilt["file"].tolist() == ["1.txt", "1.txt", "9.txt", "3.txt"]
    assert rebuilt.drop(columns="file").equals(read_requests(table).drop(columns="file"))


def change_a_letter(project):
    (project / "letters/2.txt").write_text("another text")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_a_letter, r"letters: 1 of 3 letters are missing or have changed \(SHA-256 [0-9a-f]{12};"),
        (lambda project: shutil.rmtree(project / "letters"), "letters: is missing"),
        (lambda project: (project / "t.jsonl").unlink(), "t.jsonl: is missing"),
        (lambda project: (project / "t.jsonl").write_text("x"), "t.jsonl: has changed"),
    ],
)
def test_missing_and_changed_sources_are_reported(project, replay, change, message):
    change(project)

    with pytest.raises(SchemaError, match=f"the table can't be rebuilt: {message}"):
        replay()


def test_every_lost_source_is_reported_at_once(project, replay):
    shutil.rmtree(project / "letters")
    (project / "t.jsonl").unlink()

    with pytest.raises(SchemaError, match=r"letters: is missing; t\.jsonl: is missing"):
        replay()


def test_a_table_without_a_manifest_can_not_be_rebuilt(project, table, replay):
    manifest_path(table).unlink()
    (project / "letters/5.txt").write_text(make_letter_text(case_number="CM16-0000005"))
    grow_table(make_sources([project / "letters"]), table, no_progress)

    with pytest.raises(SchemaError, match="its first rows come from a table without a manifest"):
        replay()


def test_missing_sample_letters_are_generated_from_their_seed(project, tmp_path_factory):
    folder, table = project / "samples", project / "samples.parquet"
    write_samples(folder, 5, 3)
    write_recipe(folder, Recipe(letters=5, seed=3))
    grow_table(make_sources([folder]), table, no_progress)
    shutil.rmtree(folder)

    rebuilt = rebuild_table(manifest_here(table), project, tmp_path_factory.mktemp("anew"), no_progress)

    assert rebuilt.read_bytes() == table.read_bytes()


def test_a_user_table_is_its_own_source(project, tmp_path_factory):
    path = project / "own.csv"
    make_requests(6).assign(source=["dwc"] * 2 + ["sample"] * 4).to_csv(path, index=False)
    manifest = manifest_here(path)

    assert (manifest.requests, manifest.requests_by_source) == (6, {"dwc": 2, "sample": 4})

    assert rebuild_table(manifest, project, tmp_path_factory.mktemp("anew"), no_progress) == path
    path.write_text(path.read_text() + "\n")
    with pytest.raises(SchemaError, match=r"own\.csv: the table that was trained on has changed since"):
        rebuild_table(manifest, project, tmp_path_factory.mktemp("again"), no_progress)


def test_training_uses_the_last_issue_of_a_case_and_reports_it(project, table):
    training = training_table(table, no_progress)

    assert training.decisions.requests["case_number"].tolist() == ["CM16-0000002", "CM16-0000001"]
    assert training.description == f"training on the requests table {table}"
    assert training.decisions.notes == ("2 request(s) left out, as their cases were reissued",)
    assert training.manifest.table == "data/requests.parquet"


def test_training_on_letters_does_not_replace_a_table_that_was_ingested(project):
    output = project / "data/processed/requests.parquet"
    first = training_table(project / "letters", no_progress)
    assert training_table(project / "letters", no_progress).decisions.requests.equals(first.decisions.requests)
    grow_table(make_sources([project / "t.jsonl"]), output, no_progress)

    with pytest.raises(SchemaError, match=r"was written by imr-ml ingest, .* train on it with --data data/processed"):
        training_table(project / "letters", no_progress)


def test_letters_in_any_source_can_be_trained_on(project):
    assert len(training_table(project / "t.jsonl", no_progress).decisions.requests) == 1
    (project / "dmhc.csv").write_text(determinations_csv(make_determinations([2012], cases_a_year=3)))

    training = training_table(project / "dmhc.csv", no_progress)

    assert training.description.startswith("training on 3 determinations of the DMHC from")
    assert [source.kind for source in training.manifest.sources] == ["determinations"]


def test_without_letters_the_sample_corpus_is_used_and_other_files_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("imr_ml.ingest.sources.SAMPLE_LETTERS", 3)
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/scan.tif").write_text("x")

    table = training_table(None, no_progress)

    assert table.description.startswith("no letters in data/raw (1 other file(s) skipped: scan.tif): using the SAMPLE")


def test_training_on_a_folder_names_its_other_files(project):
    (project / "letters/scan.tif").write_text("x")

    assert "; 1 other file(s) skipped: scan.tif" in training_table(project / "letters", no_progress).description
