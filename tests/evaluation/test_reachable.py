"""The best reachable metrics on sample letters."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from imr_ml.evaluation.comparison import best_reachable, true_predictions
from imr_ml.guidelines.types import FAMILIES
from imr_ml.sample.chance import open_stream
from imr_ml.sample.draw import draw_letter
from imr_ml.sample.model import default_model
from imr_ml.sample.writing import truth_rows

LETTERS = 3000


@pytest.fixture(scope="module")
def truth():
    """True probabilities of letters, without their text."""
    model = default_model()
    letters = (draw_letter(open_stream(5, index), index, model) for index in range(LETTERS))
    return pd.DataFrame([row for letter in letters for row in truth_rows(f"SM16-{letter.number:07d}", letter)])


def test_the_best_reachable_outcome_auc_is_about_three_quarters(truth):
    best = best_reachable(truth, resamples=100)

    assert best["outcome.roc_auc"].value == pytest.approx(0.75, abs=0.035)
    assert best["outcome.roc_auc"].low < 0.75 < best["outcome.roc_auc"].high + 0.02
    assert best["outcome.brier_skill"].low > 0
    assert best["outcome.expected_calibration_error"].value < 0.02


def test_the_best_reachable_micro_f1_of_families_is_about_four_fifths(truth):
    best = best_reachable(truth, resamples=100)

    assert 0.7 < best["family.f1_micro"].value < 0.9


def test_a_worse_guess_scores_below_the_truth(truth):
    blurred = truth.assign(p_overturned=truth["p_overturned"].round(1))

    assert (
        best_reachable(blurred, resamples=50)["outcome.roc_auc"].value
        < best_reachable(truth, resamples=50)["outcome.roc_auc"].value
    )


def test_true_predictions_are_those_of_the_table(truth):
    predictions = true_predictions(truth)

    assert predictions.p_overturned.tolist() == truth["p_overturned"].tolist()
    assert predictions.family_probability.shape == (len(truth), len(FAMILIES))
    assert predictions.family_set.any(axis=1).all()


@pytest.mark.parametrize("family", ["acoem", "chronic_pain", "odg", "acupuncture", "none"])
def test_true_probabilities_of_families_are_calibrated(truth, family):
    cited = truth["families"].str.split("|").map(lambda families: family in families)
    likely = truth[f"p_{family}"] > 0.5

    assert truth[f"p_{family}"].mean() == pytest.approx(cited.mean(), abs=0.015)
    assert truth.loc[likely, f"p_{family}"].mean() == pytest.approx(cited[likely].mean(), abs=0.05)


def test_interactions_leave_a_linear_model_of_the_facts_behind(truth):
    """Facts, kind of request and number of items, without interactions."""
    facts = pd.concat(
        [
            pd.get_dummies(truth["kind"]),
            truth["signals"].str.get_dummies("|"),
            truth.groupby("case_number")["item"].transform("size").clip(upper=3).rename("items"),
        ],
        axis=1,
    ).to_numpy(dtype=float)
    overturned = truth["outcome"].eq("overturned").to_numpy()
    half = len(truth) // 2

    linear = LogisticRegression(max_iter=2000).fit(facts[:half], overturned[:half]).predict_proba(facts[half:])[:, 1]

    true = np.asarray(truth["p_overturned"])[half:]
    assert roc_auc_score(overturned[half:], linear) < roc_auc_score(overturned[half:], true) - 0.015
