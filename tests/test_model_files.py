"""A model's folder comes back as it was saved, and is refused when it was not ours or not whole."""

import json

import numpy as np
import pytest

from imr_ml.model_files import CHECKSUMS, CLASSIFIERS, FACTS, ModelError, load_model, save_model


def test_a_loaded_model_predicts_the_same_bit_for_bit(model_folder, trained, prepared):
    loaded = load_model(model_folder)

    before, after = trained.model.predict(prepared.frame), loaded.model.predict(prepared.frame)

    assert np.array_equal(before.p_overturned, after.p_overturned)
    assert np.array_equal(before.family_probability, after.family_probability)
    assert np.array_equal(before.family_set, after.family_set)
    assert loaded.outcome_sets == trained.outcome_sets
    assert loaded.nlp == trained.settings.nlp
    assert loaded.model.settings == trained.settings.model


def test_the_facts_say_what_the_model_is(model_folder, trained):
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

    assert sorted(path.name for path in folder.iterdir()) == sorted([CLASSIFIERS, FACTS, CHECKSUMS])
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("name", [CLASSIFIERS, FACTS])
def test_a_changed_file_is_refused(trained, tmp_path, name):
    folder = save_model(trained, tmp_path / "model")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(ModelError, match=f"{name} does not match its checksum"):
        load_model(folder)


@pytest.mark.parametrize("name", [CLASSIFIERS, FACTS, CHECKSUMS])
def test_a_missing_file_is_named(trained, tmp_path, name):
    folder = save_model(trained, tmp_path / "model")
    (folder / name).unlink()

    with pytest.raises(ModelError, match=rf"holds no model \({name} is missing\)"):
        load_model(folder)


def test_a_type_that_is_not_ours_is_refused_though_its_checksum_matches(trained, tmp_path):
    import fractions

    import skops.io

    from imr_ml.files import sha256_of

    folder = save_model(trained, tmp_path / "model")
    skops.io.dump({"outcome": fractions.Fraction(1, 2)}, folder / CLASSIFIERS)
    sums = [f"{sha256_of(folder / name)}  {name}\n" for name in (CLASSIFIERS, FACTS)]
    (folder / CHECKSUMS).write_text("".join(sums))

    with pytest.raises(ModelError, match="types that are not ours"):
        load_model(folder)
