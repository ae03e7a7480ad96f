"""Test the outcome classifier against shuffled outcomes and masked text.

Outcomes are shuffled by case: each case gets all outcomes of another case in its fold. The requests of a case share
their summary and nearly always their outcome, so the data contain about as many independent outcomes as cases.
Shuffling request by request would treat every request as independent and report chance as an effect. Outcomes are
shuffled within folds, so that every test part keeps its share of overturned cases.

The test compares the AUC over pairs of requests in the same fold, because scores of different folds come from
different classifiers. Within a fold it averages 0.5 if there is nothing to learn, but the AUC over all requests would
be lower: a fold with many overturned cases is scored by a classifier that was trained on few. Calibration is omitted
because it does not change the order within a fold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from imr_ml.classifiers.binary import fit_binary, log_odds
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Dataset
from imr_ml.evaluation.cross_validation import run_parallel
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings, Split, grouped_folds
from imr_ml.features.matrix import column_weights, feature_matrix, has_codes
from imr_ml.progress import StartProgress, no_progress

_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """ROC AUC of the outcome classifier on real and on shuffled outcomes.

    Attributes
    ----------
    roc_auc : float
        Over pairs of requests in the same fold, with the real outcomes.
    shuffled_roc_auc : (permutations,) float
        With shuffled outcomes; NaN if no fold had both outcomes.
    """

    roc_auc: float
    shuffled_roc_auc: NDArray[np.float64]

    @property
    def p_value(self) -> float:
        """P value of the AUC under shuffled outcomes: (1 + shuffles that reach it) / (1 + shuffles)."""
        return float((1 + (self.shuffled_roc_auc >= self.roc_auc).sum()) / (1 + len(self.shuffled_roc_auc)))


@dataclass(frozen=True, slots=True)
class _Fold:
    train: csr_matrix
    test: csr_matrix
    split: Split
    groups: NDArray[np.int64]


def permutation_test(
    dataset: Dataset,
    model: ModelSettings,
    settings: EvaluationSettings,
    start: StartProgress = no_progress,
) -> PermutationTest:
    """Compare the first candidate of the outcome classifier with itself on shuffled outcomes.

    Each fold's features are computed once, as they do not depend on outcomes; only the classifier is fitted again.

    Parameters
    ----------
    dataset : Dataset
    model : ModelSettings
    settings : EvaluationSettings
        The folds of the first repeat, permutations, seed and jobs are used.
    start : callable, optional
        Starts a progress bar over the permutations.
    """
    overturned, groups = dataset.labels.overturned, dataset.groups
    splits = grouped_folds(overturned, groups, settings.folds, settings.seed, stratify=settings.stratify)
    folds = [_fold(dataset, split, model) for split in splits]
    shuffled = list(shuffled_outcomes(overturned, groups, splits, settings))
    progress = start("shuffling outcomes", len(shuffled))
    tasks = ((folds, truth, model) for truth in shuffled)
    # Copy on write: processes share the matrices, and scipy sorts sparse ones in place.
    aucs = run_parallel(_auc, tasks, settings.jobs, progress, mmap_mode="c", batch_size=_AT_ONCE)
    return PermutationTest(_auc(folds, overturned, model), np.array(list(aucs)))


def shuffled_outcomes(
    overturned: NDArray[np.bool_], groups: NDArray[np.int64], splits: list[Split], settings: EvaluationSettings
) -> Iterator[NDArray[np.bool_]]:
    """Yield shuffled outcomes: each case gets those of another case in its fold, repeated or cut to its size.

    Parameters
    ----------
    overturned : array of bool
        Whether each request was overturned.
    groups : array of int
        Case of each request, joined with its near-duplicates.
    splits : sequence of Split
    settings : EvaluationSettings
    """
    random = np.random.default_rng(settings.seed)
    cases_by_fold = [[np.flatnonzero(groups == group) for group in np.unique(groups[test])] for _, test in splits]
    for _ in range(settings.permutations):
        shuffled = overturned.copy()
        for cases in cases_by_fold:
            for rows, donor in zip(cases, random.permutation(len(cases)), strict=True):
                shuffled[rows] = np.resize(overturned[cases[donor]], len(rows))
        yield shuffled


def _fold(dataset: Dataset, split: Split, model: ModelSettings) -> _Fold:
    frame, groups = dataset.frame, dataset.groups[split[0]]
    features = feature_matrix(model.terms, codes=has_codes(frame)).fit(frame.iloc[split[0]], groups)
    weights = column_weights(features, model.outcome[0].weights)
    used = np.flatnonzero(weights)
    weigh = diags(weights[used])
    train, test = (csr_matrix(features.transform(frame.iloc[rows])[:, used] @ weigh) for rows in split)
    return _Fold(train, test, split, groups)


def _auc(folds: list[_Fold], truth: NDArray[np.bool_], model: ModelSettings) -> float:
    """Compute the ROC AUC over pairs of requests in the same fold."""
    from scipy.stats import rankdata

    wins = pairs = 0.0
    for fold in folds:
        train, test = (truth[rows] for rows in fold.split)
        positive = int(test.sum())
        if train.all() or not train.any() or positive in (0, len(test)):
            continue
        score = fit_binary(model.outcome[0].build(model.seed), fold.train, train, fold.groups)
        ranks = rankdata(log_odds(score, fold.test))
        wins += ranks[test].sum() - positive * (positive + 1) / 2
        pairs += positive * (len(test) - positive)
    return wins / pairs if pairs else float("nan")


@dataclass(frozen=True, slots=True)
class MaskingComparison:
    """Metrics with the sentences that state the reviewer's conclusion masked and unmasked.

    Attributes
    ----------
    requests_masked : int
        Number of requests whose tokens change with masking.
    masked, unmasked : dict
        Metric -> `Estimate`.
    difference : dict
        Metric -> `Estimate` of masked minus unmasked on the same resamples. Where higher is better, a value below 0 is
        the gain from seeing the conclusion.
    """

    requests_masked: int
    masked: dict[str, Estimate]
    unmasked: dict[str, Estimate]
    difference: dict[str, Estimate]
