"""A model's folder comes back as it was saved, and is refused when it was not ours or not whole."""

import json
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


def test_the_facts_state_what_the_model_is(model_folder, trained):
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

    with pytest.raises(ModelError, match=rf"holds no model \({name} is missing\)"):
        read_model(folder)


@pytest.mark.parametrize("name", [CLASSIFIERS, PRECEDENTS])
def test_a_type_that_is_not_ours_is_refused_though_its_checksum_matches(trained, tmp_path, name):
    import fractions

    import skops.io

    folder = save_model(trained, tmp_path / "model")
    skops.io.dump({"outcome": fractions.Fraction(1, 2)}, folder / name)
    _sign(folder)

    with pytest.raises(ModelError, match="types that are not ours"):
        read_model(folder)


def test_a_model_of_another_format_is_refused(trained, tmp_path):
    folder = save_model(trained, tmp_path / "model")
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(facts | {"format": 1}))
    _sign(folder)

    with pytest.raises(ModelError, match="is a model of format 1, this is 3; train again"):
        read_model(folder)


def test_a_model_of_the_format_before_loads_without_a_profile_of_its_training_data(trained, tmp_path, prepared):
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


def test_what_the_training_data_were_like_comes_back_as_it_was(model_folder, trained):
    kept, loaded = trained.reference, read_model(model_folder).reference

    assert (len(loaded), loaded.cases, loaded.drawn_from) == (len(kept), kept.cases, kept.drawn_from) == (160, 80, 160)
    assert np.array_equal(loaded.case, kept.case)
    for values, others in ((loaded.numbers, kept.numbers), (loaded.labels, kept.labels)):
        assert list(values) == list(others)
        for name in values:
            np.testing.assert_array_equal(values[name], others[name])


def test_precedents_and_cohorts_come_back_as_they_were(model_folder, trained, prepared, prepared_requests):
    loaded = read_model(model_folder)
    asked = loaded.model.matrix(prepared.frame), Query.of(prepared_requests), Kinds.of(prepared.frame), 3

    assert loaded.neighbours.nearest(*asked) == trained.neighbours.nearest(*asked)
    assert (loaded.neighbours.decided.case_number == prepared_requests["case_number"]).all()


def test_the_precedents_hold_no_text(model_folder, prepared_requests):
    kept = read_model(model_folder).neighbours.decided.arrays()

    texts = {*prepared_requests["request"], *prepared_requests["clinical_summary"], *prepared_requests["rationale"]}
    values = {str(value) for column in kept.values() for value in column.ravel().tolist()}
    assert not [value for value in values if " " in value]
    assert not texts & values


def test_precedents_have_the_texts_of_their_requests_where_the_user_asked_for_it(
    trained, prepared, prepared_requests, tmp_path
):
    decided = DecidedRequests.of(prepared_requests, prepared, with_texts=True)
    folder = save_model(replace(trained, neighbours=replace(trained.neighbours, decided=decided)), tmp_path / "model")
    query = {"request": "MRI of the right knee", "clinical_summary": "Knee pain."}

    first = json.loads(load_model(folder).score(query)["precedents"][0])[0]

    assert first["request"] == "MRI of the left knee"
    assert read_model(folder).neighbours.decided.request == tuple(prepared_requests["request"])


@pytest.mark.parametrize(("coverage", "expected"), [(None, 0.9), (0.8, 0.8)])
def test_the_user_chooses_the_coverage_and_else_it_is_the_models(loaded, coverage, expected):
    assert loaded.sets(coverage).coverage == expected


def _sign(folder, *names):
    from imr_ml.files import sha256_of

    names = names or (CLASSIFIERS, PRECEDENTS, REFERENCE, FACTS)
    sums = [f"{sha256_of(folder / name)}  {name}\n" for name in names]
    (folder / CHECKSUMS).write_text("".join(sums))
