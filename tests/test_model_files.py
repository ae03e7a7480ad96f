"""A saved model loads unchanged; damaged and foreign folders are refused."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from imr_ml.model_files import CHECKSUMS, CLASSIFIERS, FACTS, PRECEDENTS, REFERENCE, ModelError, read_model, save_model
from imr_ml.precedents.decided import DecidedRequests, Query
from imr_ml.precedents.kinds import Kinds
from imr_ml.scoring.scorer import load_model


def test_a_loaded_model_predicts_the_same_bit_for_bit(model_folder, trained, prepared):
    loaded = read_model(model_folder)

    before, after = trained.model.predict(prepared.frame), loaded.model.predict(prepared.frame)

    assert np.array_equal(before.p_overturned, after.p_overturned)
    assert np.array_equal(before.family_probability, after.family_probability)
    assert np.array_equal(before.family_set, after.family_set)
    assert loaded.held_out == trained.held_out
    assert loaded.sets() == trained.outcome_sets
    assert loaded.nlp == trained.settings.nlp
    assert loaded.model.settings == trained.settings.model


def test_a_command_loads_a_model_without_a_search_for_estimators(model_folder):
    code = """
import sys
from pathlib import Path
from imr_ml.model_files import read_model_for_command
read_model_for_command(Path(sys.argv[1]))
assert "sklearn.utils._testing" not in sys.modules
from sklearn.utils import all_estimators
assert all_estimators()
"""
    subprocess.run([sys.executable, "-c", code, model_folder], check=True)


def test_the_facts_describe_the_model(model_folder, trained):
    facts = json.loads((model_folder / FACTS).read_text())

    assert facts["data"]["requests"] == trained.data.requests
    assert facts["data"]["sha256"] == trained.data.sha256
    assert facts["git_commit"] == "abc123"
    assert facts["libraries"]["scikit-learn"]
    assert facts["metrics"]["model"]["outcome.roc_auc"]["low"] <= facts["metrics"]["model"]["outcome.roc_auc"]["value"]


def test_saving_again_replaces_the_folder_and_leaves_nothing_beside_it(trained, tmp_path):
    folder = tmp_path / "models" / "latest"
    save_model(trained, folder)
    (folder / "stale").touch()
    save_model(trained, folder)

    assert {path.name for path in folder.iterdir()} == {CLASSIFIERS, PRECEDENTS, REFERENCE, FACTS, CHECKSUMS}
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("name", [CLASSIFIERS, PRECEDENTS, REFERENCE, FACTS])
def test_a_changed_file_is_refused(trained, tmp_path, name):
    folder = save_model(trained, tmp_path / "model")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(ModelError, match=f"{name} does not match its checksum"):
        read_model(folder)


@pytest.mark.parametrize("name", [CLASSIFIERS, PRECEDENTS, REFERENCE, FACTS, CHECKSUMS])
def test_a_missing_file_is_named(trained, tmp_path, name):
    folder = save_model(trained, tmp_path / "model")
    (folder / name).unlink()

    with pytest.raises(ModelError, match=rf"contains no model \({name} is missing\)"):
        read_model(folder)


@pytest.mark.parametrize("name", [CLASSIFIERS, PRECEDENTS])
def test_a_foreign_type_is_refused_even_with_a_valid_checksum(trained, tmp_path, name):
    import fractions

    import skops.io

    folder = save_model(trained, tmp_path / "model")
    skops.io.dump({"outcome": fractions.Fraction(1, 2)}, folder / name)
    _sign(folder)

    with pytest.raises(ModelError, match="types that are not allowed"):
        read_model(folder)


def test_a_model_of_another_format_is_refused(trained, tmp_path):
    folder = save_model(trained, tmp_path / "model")
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(facts | {"format": 1}))
    _sign(folder)

    with pytest.raises(ModelError, match="has model format 1, but this version reads up to 4; train again"):
        read_model(folder)


def test_a_model_of_format_2_loads_without_a_reference(trained, tmp_path, prepared):
    folder = save_model(trained, tmp_path / "model")
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(facts | {"format": 2}))
    (folder / REFERENCE).unlink()
    _sign(folder, CLASSIFIERS, PRECEDENTS, FACTS)

    loaded = read_model(folder)

    assert loaded.reference is None
    before = trained.model.predict(prepared.frame).p_overturned
    assert np.array_equal(loaded.model.predict(prepared.frame).p_overturned, before)


def test_an_array_of_objects_is_not_unpickled(trained, tmp_path):
    folder = save_model(trained, tmp_path / "model")
    np.savez(folder / REFERENCE, case=np.array([{"a": 1}], dtype=object), drawn_from=np.array(1))
    _sign(folder)

    with pytest.raises(ModelError, match=r"reference.npz can't be read"):
        read_model(folder)


def test_the_reference_profile_loads_unchanged(model_folder, trained):
    saved, loaded = trained.reference, read_model(model_folder).reference

    assert (
        (len(loaded), loaded.cases, loaded.drawn_from) == (len(saved), saved.cases, saved.drawn_from) == (160, 80, 160)
    )
    assert np.array_equal(loaded.case, saved.case)
    for values, others in ((loaded.numbers, saved.numbers), (loaded.labels, saved.labels)):
        assert list(values) == list(others)
        for name in values:
            np.testing.assert_array_equal(values[name], others[name])


def test_precedents_and_cohorts_load_unchanged(model_folder, trained, prepared, prepared_requests):
    loaded = read_model(model_folder)
    arguments = (
        loaded.model.matrix(prepared.frame),
        Query.from_table(prepared_requests),
        Kinds.from_frame(prepared.frame),
        3,
    )

    assert loaded.neighbours.nearest(*arguments) == trained.neighbours.nearest(*arguments)
    assert (loaded.neighbours.decided.case_number == prepared_requests["case_number"]).all()


def test_the_precedents_contain_no_text(model_folder, prepared_requests):
    arrays = read_model(model_folder).neighbours.decided.arrays()

    texts = {*prepared_requests["request"], *prepared_requests["clinical_summary"], *prepared_requests["rationale"]}
    values = {str(value) for column in arrays.values() for value in column.ravel().tolist()}
    assert not [value for value in values if " " in value]
    assert not texts & values


def test_precedents_contain_request_texts_if_requested(trained, prepared, prepared_requests, tmp_path):
    decided = DecidedRequests.from_table(prepared_requests, prepared, with_texts=True)
    folder = save_model(replace(trained, neighbours=replace(trained.neighbours, decided=decided)), tmp_path / "model")
    query = {"request": "MRI of the right knee", "clinical_summary": "Knee pain."}

    first = json.loads(load_model(folder).score(query)["precedents"][0])[0]

    assert first["request"] == "MRI of the left knee"
    assert read_model(folder).neighbours.decided.request == tuple(prepared_requests["request"])


@pytest.mark.parametrize(("coverage", "expected"), [(None, 0.9), (0.8, 0.8)])
def test_the_default_coverage_is_that_of_the_model(loaded, coverage, expected):
    assert loaded.sets(coverage).coverage == expected


def _sign(folder, *names):
    from imr_ml.files import sha256_of

    names = names or (CLASSIFIERS, PRECEDENTS, REFERENCE, FACTS)
    sums = [f"{sha256_of(folder / name)}  {name}\n" for name in names]
    (folder / CHECKSUMS).write_text("".join(sums))
