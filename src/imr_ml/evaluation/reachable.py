"""Compute the best reachable metrics on sample letters, whose true probabilities are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.families import family_sets
from imr_ml.classifiers.types import Labels, Predictions, labels_of
from imr_ml.evaluation.comparison import METRICS, metric_of
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Bootstrap, Estimate
from imr_ml.evaluation.metrics import f1_micro
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    import pandas as pd

_THRESHOLDS = np.linspace(0.2, 0.6, 41)


def best_reachable(truth: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Metrics of the probabilities that the letters were drawn with, with 95 % intervals over cases.

    One who says these knows every fact that a letter states before the decision and how each counts; neither chance nor
    the reviewer's liking for a guideline. A model that does better on so many letters was lucky, or saw the decision.

    Parameters
    ----------
    truth : DataFrame
        One row per item, as `imr-ml sample` writes it beside the letters: ``case_number``, ``outcome``, ``families``,
        ``p_overturned`` and ``p_<family>``.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    dict of Estimate
        By the names of `METRICS`. Sets of families are cut at the threshold that gives the best micro F1 here.
    """
    labels, predictions = labels_of(truth), true_predictions(truth)
    computed = {name: metric_of(OutOfFold((predictions,)), labels, name) for name in METRICS}
    groups = truth["case_number"].factorize()[0].astype(np.int64)
    bootstrap = Bootstrap.over_cases(computed, groups, 1, resamples, seed)
    return {name: bootstrap.estimate(name) for name in METRICS}


def true_predictions(truth: pd.DataFrame) -> Predictions:
    """The probabilities that items were drawn with, as predictions."""
    cited = truth[[f"p_{family}" for family in FAMILIES]].to_numpy(dtype=float)
    return Predictions(truth["p_overturned"].to_numpy(dtype=float), cited, _best_sets(cited, labels_of(truth)))


def _best_sets(probability: NDArray[np.float64], labels: Labels) -> NDArray[np.bool_]:
    ones = np.ones((1, len(probability)))
    sets = (family_sets(probability, float(threshold)) for threshold in _THRESHOLDS)
    return max(sets, key=lambda one: float(f1_micro(labels.families, one, ones)[0]))
