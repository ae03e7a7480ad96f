"""Describe the limits of a model's data and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import MODEL, baselines_for
from imr_ml.reporting.card.wording import BASELINES, BETTER, format_dates, verdict

if TYPE_CHECKING:
    from imr_ml.evaluation.report import Evaluation
    from imr_ml.evaluation.slices import Slice
    from imr_ml.training import TrainedModel

FEW_OVERTURNED = 100
"""Number of overturned requests below which the card warns of imprecise outcome metrics."""
_ITEMS = "items in case"
_UNKNOWN = "unknown"
_LARGE_SHARE = 1 / 3
_COVERAGE_TOLERANCE = 0.05
_SHORT_SPAN_YEARS = 1.0


@dataclass(frozen=True, slots=True)
class CaseSize:
    """How well the number of requests in a case alone predicts the outcome.

    Attributes
    ----------
    alone : float
        ROC AUC of the outcome when requests are ranked by the number of requests in their case, fewest first.
    within : float or None
        The model's ROC AUC among requests of cases of similar size: mean over the slices that have one, weighted by
        their number of pairs of an overturned and an upheld request.
    overall : float
        The model's ROC AUC.
    """

    alone: float
    within: float | None
    overall: float

    @property
    def share(self) -> float:
        """Share of the model's lead over chance that the number of requests achieves alone."""
        lead = self.overall - 0.5
        return (self.alone - 0.5) / lead if lead > 0 else 0.0


def limits(trained: TrainedModel) -> Iterator[str]:
    """Yield each limit as a paragraph, starting with those of the data."""
    yield from _data_limits(trained)
    yield from _metric_limits(trained.evaluation)
    yield from _temporal_limits(trained.evaluation)
    yield from _coverage_limits(trained)


def case_size(evaluation: Evaluation) -> CaseSize | None:
    """Compute it from the slices by number of requests; None with fewer than two slices or without a ROC AUC."""
    sizes = [size for size in evaluation.slices if size.kind == _ITEMS and size.value != _UNKNOWN]
    overall = evaluation.estimates[MODEL]["outcome.roc_auc"].value
    # Sorted by name, which is also the order of size: 1, 2, 3 to 4, 5 or more.
    overturned = np.array([size.overturned for size in sizes], dtype=float)
    upheld = np.array([size.requests - size.overturned for size in sizes], dtype=float)
    pairs = overturned.sum() * upheld.sum()
    if len(sizes) < 2 or not pairs or not isfinite(overall):
        return None
    larger = upheld.sum() - np.cumsum(upheld)
    alone = float((overturned * (larger + upheld / 2)).sum() / pairs)
    return CaseSize(alone, _mean_auc(sizes), overall)


def _mean_auc(sizes: list[Slice]) -> float | None:
    measured = [size for size in sizes if "outcome.roc_auc" in size.estimates]
    if not measured:
        return None
    pairs = [size.overturned * (size.requests - size.overturned) for size in measured]
    return float(np.average([size.estimates["outcome.roc_auc"].value for size in measured], weights=pairs))


def _data_limits(trained: TrainedModel) -> Iterator[str]:
    data, labels = trained.data, trained.evaluation.labels
    if data.is_synthetic:
        yield "**Invented letters.** Every metric here is synthetic: it only shows that the software works."
    if data.overturned < FEW_OVERTURNED:
        measured = trained.evaluation.estimates[MODEL]["outcome.roc_auc"]
        yield (
            f"**{data.overturned} overturned requests is a small number.** The ROC AUC of the outcome is anywhere "
            f"from {measured.low:.2f} to {measured.high:.2f}; do not rely on the point estimate without its interval."
        )
    years = labels.decided_year[~np.isnan(labels.decided_year)]
    if len(years) and np.ptp(years) < _SHORT_SPAN_YEARS:
        yield (
            f"**A short period.** All decisions are from {format_dates(years)}. Guidelines, reviewers and rates "
            "change; this evaluation does not show how good the model is in other years."
        )
    if data.source == "dwc":
        yield (
            "**Settings were tuned on real letters.** The package's default settings were chosen on letters from "
            "December 2016 to February 2017; metrics on letters of that time are somewhat optimistic."
        )
    if data.source == "dmhc":
        yield "**Categories only.** The source publishes no narrative, so the model uses no clinical summary."
    elif data.is_own:
        yield (
            "**Own decisions.** The source is not published, so nobody else can check it, and its metrics can't be "
            "compared with those of models of published letters. Errors in the table are errors of the model."
        )
    else:
        yield (
            "**The reviewer wrote the model's input.** The clinical summary is written during the review. The model "
            "classifies finished letters; it does not forecast from a bare request. Expect less on other summaries."
        )
    if not labels.families_known:
        yield "**No guideline families.** The source does not report them, so the model does not predict them."


def _metric_limits(evaluation: Evaluation) -> Iterator[str]:
    size = case_size(evaluation)
    if size is not None and size.share >= _LARGE_SHARE:
        within = (
            f" Among requests of cases of similar size, the model reaches {size.within:.2f}." if size.within else ""
        )
        yield (
            "**A large part of the outcome's ROC AUC comes from the number of requests in the case.** Ranking requests "
            f"only by that number, fewest first, gives {size.alone:.2f}; the model gives {size.overall:.2f}.{within}"
        )
    for task, metric in (("outcome", "outcome.roc_auc"), ("guideline families", "family.f1_micro")):
        unproven = [
            BASELINES.get(name, name)
            for name in baselines_for(metric)
            if metric in evaluation.estimates[MODEL] and verdict(evaluation.differences[name][metric], metric) != BETTER
        ]
        if unproven:
            yield f"**The lead is not proven** for the {task} over: {', '.join(unproven)}."
    skill = evaluation.estimates[MODEL].get("outcome.brier_skill")
    if skill and not skill.low > 0:
        yield (
            "**Probabilities are not proven better than the base rate.** The Brier skill's interval "
            f"({skill.low:.2f} to {skill.high:.2f}) is not above zero: use `p_overturned` to rank requests, and do "
            "not rely on its value."
        )


def _temporal_limits(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.temporal is None:
        return
    metric, mixed = "outcome.roc_auc", evaluation.estimates[MODEL]["outcome.roc_auc"]
    later = evaluation.temporal.comparison.estimates[MODEL][metric]
    if later.value < mixed.low:
        yield (
            "**Lower on later decisions.** Trained on earlier decisions and tested on later ones, as in use, the ROC "
            f"AUC of the outcome is {later}, below {mixed} on folds that mix the years: expect the lower value."
        )
    if verdict(evaluation.temporal.comparison.differences["plain_tfidf"][metric], metric) != BETTER:
        yield "**The lead is not proven on later decisions** for the outcome over: plain TF-IDF."


def _coverage_limits(trained: TrainedModel) -> Iterator[str]:
    target, measured = trained.settings.coverage, trained.coverage
    for outcome in ("", "_overturned"):
        coverage = measured.get(f"conformal.coverage{outcome}")
        if coverage is not None and isfinite(coverage) and coverage < target - _COVERAGE_TOLERANCE:
            cases = "cases with overturned requests" if outcome else "all cases"
            yield (
                f"**Prediction sets cover less than their target.** The target is {target:.0%}; they contained the "
                f"outcome for {coverage:.0%} of {cases}."
            )
