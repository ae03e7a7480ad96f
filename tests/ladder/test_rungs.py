"""Every rung learns and predicts as the model does."""

from dataclasses import replace

import numpy as np
import pytest

from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.embeddings import MODULE
from imr_ml.ladder.rungs import RUNGS, available

TRAIN, TEST = np.arange(100), np.arange(100, 160)
READ_NO_REQUEST = ("category_rate",)
COSTLY = ("linear_svm", "nb_svm", "boosting", "averaged", "stacked", "embeddings")


def rung_of(name):
    rung = next(rung for rung in RUNGS if rung.name == name)
    if rung.missing:
        pytest.skip(rung.missing)
    return rung


@pytest.mark.parametrize(
    "name", [pytest.param(rung.name, marks=[pytest.mark.slow] * (rung.name in COSTLY)) for rung in RUNGS]
)
def test_a_rung_predicts_held_out_requests(name, prepared):
    rung = rung_of(name)
    dataset = replace(prepared, frame=rung.prepare(prepared.frame)) if rung.prepare else prepared
    train, test = dataset[TRAIN], dataset[TEST]
    predictions = rung.build().fit(train.frame, train.labels, train.groups).predict(test.frame)
    assert predictions.p_overturned.shape == (len(test),)
    assert predictions.family_probability.shape == predictions.family_set.shape == (len(test), len(FAMILIES))
    for probability in (predictions.p_overturned, predictions.family_probability):
        assert (probability >= 0).all()
        assert np.isfinite(probability).all()
    assert (predictions.p_overturned <= 1).all()
    assert predictions.family_set.any(axis=1).all()
    if name not in READ_NO_REQUEST:
        likeliest = predictions.family_probability.argmax(axis=1)
        assert test.labels.families[np.arange(len(test)), likeliest].mean() > 0.8


def test_rungs_have_names_of_their_own_and_one_line_each():
    names = [rung.name for rung in RUNGS]
    assert len(set(names)) == len(names)
    assert all(rung.what and "\n" not in rung.what for rung in RUNGS)


def test_what_cannot_be_climbed_here_states_what_to_install(monkeypatch):
    monkeypatch.setattr("imr_ml.ladder.rungs.find_spec", lambda name: None)
    usable, left_out = available(RUNGS)
    assert left_out.keys() == {rung.name for rung in RUNGS if rung.needs == MODULE} == {"embeddings"}
    assert "imr-ml[embeddings]" in left_out["embeddings"]
    assert len(usable) == len(RUNGS) - 1
