"""The ladder as files: their order, the tasks of each rung, and that every rung fits and predicts."""

import numpy as np
import pytest

from imr_ml.experiments.reading import ExperimentError, built_in_names, ladder_names
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.reading import REFERENCES, read_frames, read_rungs
from imr_ml.nlp.types import NlpSettings

TRAIN, TEST = np.arange(100), np.arange(100, 160)
READ_NO_REQUEST = ("category_rate",)
COSTLY = ("gradient_boosting", "averaged", "stacked")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(rung.name, marks=[pytest.mark.slow] * (rung.name in COSTLY))
        for rung in (*REFERENCES, *read_rungs())
    ],
)
def test_a_rung_predicts_held_out_requests(name, prepared, prepared_requests):
    rung = next(rung for rung in read_rungs() if rung.name == name)
    frames = read_frames(prepared_requests, [rung], {NlpSettings(): prepared.frame})
    frame, train = frames[rung.nlp or NlpSettings()], prepared[TRAIN]
    predictions = rung.build().fit(frame.iloc[TRAIN], train.labels, train.groups).predict(frame.iloc[TEST])
    assert predictions.p_overturned.shape == (len(TEST),)
    assert predictions.family_probability.shape == predictions.family_set.shape == (len(TEST), len(FAMILIES))
    for probability in (predictions.p_overturned, predictions.family_probability):
        assert (probability >= 0).all()
        assert np.isfinite(probability).all()
    assert (predictions.p_overturned <= 1).all()
    assert predictions.family_set.any(axis=1).all()
    if name not in READ_NO_REQUEST:
        likeliest = predictions.family_probability.argmax(axis=1)
        assert prepared.labels.families[TEST, likeliest].mean() > 0.8


def test_the_ladder_is_ordered_and_contains_the_default():
    names = ladder_names()

    assert names.index("words") < names.index("logistic_regression") < names.index("default") < names.index("stacked")
    assert set(names) < set(built_in_names())


def test_rungs_have_distinct_names_and_one_line_descriptions():
    rungs = read_rungs()

    assert len({rung.name for rung in rungs}) == len(rungs)
    assert all(rung.description and "\n" not in rung.description for rung in rungs)


def test_a_rung_is_compared_in_the_tasks_in_which_it_differs():
    tasks = {rung.name: rung.tasks for rung in read_rungs()}

    assert tasks["chain"] == tasks["hierarchical"] == tasks["default"] == ("family",)
    assert tasks["nb_svm"] == ("outcome", "family")


def test_the_users_files_come_after_the_references(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("[outcome]\nC = 1.0\n")

    rungs = read_rungs(["default", str(mine)])

    assert [rung.name for rung in rungs[len(REFERENCES) :]] == ["default", "mine"]
    assert rungs[-1].tasks == ("outcome",)


def test_two_experiments_with_the_same_name_are_an_error(tmp_path):
    mine = tmp_path / "default.toml"
    mine.write_text("[outcome]\nC = 1.0\n")

    with pytest.raises(ExperimentError, match="two experiments are called 'default'; rename one of the files"):
        read_rungs(["default", str(mine)])


def test_rungs_with_equal_nlp_settings_share_a_frame(prepared_requests):
    existing = {NlpSettings(): prepared_requests}

    frames = read_frames(prepared_requests.head(4), read_rungs(["words", "default", "no_negation"]), existing)

    assert len(frames) == 3
    assert frames[NlpSettings()] is prepared_requests
