"""The whole way of the DMHC's determinations: file, table, model without families, scores."""

import json

import numpy as np
import pandas as pd
import pytest
from factories import determinations_csv, make_determinations

from imr_ml.corpus.schema import COLUMNS, Role
from imr_ml.desk.answers import Desk
from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.features.frame import feature_frame
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ingest.dmhc import read_determinations
from imr_ml.model_files import read_model, save_model
from imr_ml.scoring.frame import score_frame
from imr_ml.training import TrainingSettings, train
from imr_ml.training_data import TrainingError

QUICK = TrainingSettings(evaluation=EvaluationSettings(folds=2, repeats=1, resamples=20, jobs=1))
NOT_FEATURES = [column.name for column in COLUMNS if column.role is not Role.FEATURE]


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    path = tmp_path_factory.mktemp("dmhc") / "determinations.csv"
    path.write_text(determinations_csv(make_determinations(range(2003, 2013), cases_a_year=120)))
    return read_determinations(path).requests


@pytest.fixture(scope="module")
def trained(requests):
    return train(requests, QUICK)


@pytest.fixture(scope="module")
def loaded(trained, tmp_path_factory):
    return read_model(save_model(trained, tmp_path_factory.mktemp("models") / "dmhc"))


def test_a_model_without_families_has_metrics_of_the_outcome_alone(trained):
    assert trained.data.source == "dmhc"
    assert {metric.split(".")[0] for metric in trained.evaluation.estimates[MODEL]} == {"outcome"}
    assert trained.model.families_ is None


def test_the_half_life_that_was_chosen_is_reported_and_kept(trained, loaded):
    assert trained.model.outcome_.half_life_years in (1.0, 2.0)
    assert loaded.model.outcome_.half_life_years == trained.model.outcome_.half_life_years
    assert loaded.facts["chosen"]["half_life_years"] == trained.model.outcome_.half_life_years
    assert loaded.model.settings == trained.settings.model


def test_a_loaded_model_scores_new_requests_of_its_source(requests, trained, loaded):
    new = requests.head(20).drop(columns=["outcome", "families", "decision_year"])

    scored = score_frame(new, loaded)

    assert scored["error"].isna().all()
    assert (scored["p_overturned"].to_numpy() == trained.model.predict(feature_frame(new)).p_overturned).all()
    assert scored[["families_pred", "primary_family", *(f"p_{family}" for family in FAMILIES)]].isna().all(axis=None)
    assert "codes" in {entry.get("fact") for row in scored["evidence"] for entry in json.loads(row)["outcome"]}


def test_the_desk_needs_no_summary_for_a_model_of_determinations(loaded, requests):
    given = requests.iloc[-1]
    fields = {name: given[name] for name in ("request", "diagnosis_category", "diagnosis", "treatment_category")}

    answer = Desk(loaded).answer(fields)

    assert answer["row"]["error"] is None
    assert answer["row"]["primary_family"] is None
    assert answer["rates"][0]["rows"][-1]["name"] == "all decided requests"


@pytest.mark.parametrize("column", [name for name in NOT_FEATURES if name not in ("case_number", "source")])
def test_a_column_that_is_no_feature_moves_no_probability(requests, trained, column):
    before = trained.model.predict(feature_frame(requests)).p_overturned
    changed = requests.assign(**{column: 1.0 if requests[column].dtype.kind == "f" else "overturned"})

    assert (trained.model.predict(feature_frame(changed)).p_overturned == before).all()


def test_determinations_are_not_mixed_with_letters(requests):
    mixed = pd.concat([requests, requests.head(9).assign(source="dwc", families="odg")], ignore_index=True)

    with pytest.raises(TrainingError, match=r"mixes sources \(dmhc, dwc\)"):
        train(mixed, QUICK)


def test_the_model_finds_what_the_latest_years_show(trained, requests):
    said = trained.model.predict(feature_frame(requests)).p_overturned
    hormones = requests["treatment"].eq("Hormones").fillna(False).to_numpy(dtype=bool)

    assert np.mean(said[hormones]) < 0.35
    assert np.mean(said[~hormones]) > 0.65
