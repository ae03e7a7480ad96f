"""State in words what a model's figures do not support."""

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
"""Overturned requests below which the card warns that the outcome's figures rest on few."""
_ITEMS = "items in case"
_UNKNOWN = "unknown"
_LARGE_PART = 1 / 3
_FAR_FROM_PROMISED = 0.05
_SHORT_SPAN_YEARS = 1.0


@dataclass(frozen=True, slots=True)
class CaseSize:
    """How far the number of requests in a case goes by itself.

    Attributes
    ----------
    alone : float
        ROC AUC of the outcome by saying: the fewer requests in a case, the likelier overturned.
    within : float or None
        The model's ROC AUC among requests of cases of like size: mean over the slices that have one, weighted by their
        pairs of an overturned and an upheld request.
    overall : float
        The model's ROC AUC.
    """

    alone: float
    within: float | None
    overall: float

    @property
    def part(self) -> float:
        """Share of the model's lead over chance that the number of requests gives alone."""
        lead = self.overall - 0.5
        return (self.alone - 0.5) / lead if lead > 0 else 0.0


def limits(trained: TrainedModel) -> Iterator[str]:
    """Each limit as a paragraph, those of the data first."""
    yield from _of_data(trained)
    yield from _of_figures(trained.evaluation)
    yield from _of_later_decisions(trained.evaluation)
    yield from _of_sets(trained)


def case_size(evaluation: Evaluation) -> CaseSize | None:
    """From the slices by number of requests; None where there are fewer than two or no ROC AUC."""
    sizes = [size for size in evaluation.slices if size.kind == _ITEMS and size.value != _UNKNOWN]
    overall = evaluation.estimates[MODEL]["outcome.roc_auc"].value
    # By name they are in the order of their size: 1, 2, 3 to 4, 5 or more.
    overturned = np.array([size.overturned for size in sizes], dtype=float)
    upheld = np.array([size.requests - size.overturned for size in sizes], dtype=float)
    pairs = overturned.sum() * upheld.sum()
    if len(sizes) < 2 or not pairs or not isfinite(overall):
        return None
    larger = upheld.sum() - np.cumsum(upheld)
    alone = float((overturned * (larger + upheld / 2)).sum() / pairs)
    return CaseSize(alone, _within(sizes), overall)


def _within(sizes: list[Slice]) -> float | None:
    measured = [
        (size.estimates["outcome.roc_auc"].value, _pairs(size)) for size in sizes if "outcome.roc_auc" in size.estimates
    ]
    values, weights = zip(*measured, strict=True) if measured else ((), ())
    return float(np.average(values, weights=weights)) if measured else None


def _pairs(size: Slice) -> int:
    return size.overturned * (size.requests - size.overturned)


def _of_data(trained: TrainedModel) -> Iterator[str]:
    data, labels = trained.data, trained.evaluation.labels
    if data.is_synthetic:
        yield "**Invented letters.** Every figure here is synthetic: it shows that the machinery works, and no more."
    if data.overturned < FEW_OVERTURNED:
        measured = trained.evaluation.estimates[MODEL]["outcome.roc_auc"]
        yield (
            f"**{data.overturned} overturned requests is a small number.** The ROC AUC of the outcome lies anywhere "
            f"from {measured.low:.2f} to {measured.high:.2f}; no single figure of it is worth more than its interval."
        )
    known = labels.decided_year[~np.isnan(labels.decided_year)]
    if len(known) and np.ptp(known) < _SHORT_SPAN_YEARS:
        yield (
            f"**A short time.** All decisions are of {format_dates(known)}. Guidelines, reviewers and rates change; "
            "nothing here says how good the model is on other years."
        )
    if data.source == "dwc":
        yield (
            "**Settings were chosen with a look at real letters.** The package's default settings were set on letters "
            "of December 2016 to February 2017; figures on letters of that time lean to the kind side."
        )
    if data.source == "dmhc":
        yield "**Categories only.** The source publishes no narrative: the model has read no clinical summary."
    elif data.is_own:
        yield (
            "**Own decisions.** The source is not published, so nobody else can check it, and its figures can't be "
            "compared with those of models of published letters. What the table says is what the model learned."
        )
    else:
        yield (
            "**The reviewer wrote what the model reads.** The clinical summary is written during the review. This is "
            "classification of finished letters, not a forecast from a bare request; expect less on other summaries."
        )
    if not labels.families_known:
        yield "**No guideline families.** The source has none, so the model predicts none."


def _of_figures(evaluation: Evaluation) -> Iterator[str]:
    size = case_size(evaluation)
    if size is not None and size.part >= _LARGE_PART:
        among = f" Among requests of cases of like size the model's is {size.within:.2f}." if size.within else ""
        yield (
            "**A large part of the outcome's ROC AUC is the number of requests in the case.** Saying only that the "
            f"fewer are in a case, the likelier they are overturned, gives {size.alone:.2f}; the model gives "
            f"{size.overall:.2f}.{among}"
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
            f"({skill.low:.2f} to {skill.high:.2f}) holds zero or less: rank requests by `p_overturned`, and do not "
            "bet on its value."
        )


def _of_later_decisions(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.temporal is None:
        return
    metric, mixed = "outcome.roc_auc", evaluation.estimates[MODEL]["outcome.roc_auc"]
    later = evaluation.temporal.comparison.estimates[MODEL][metric]
    if later.value < mixed.low:
        yield (
            "**Less on later decisions.** Trained on earlier decisions and tested on later ones, as in use, the ROC "
            f"AUC of the outcome is {later}, below the {mixed} of folds that mix the years: expect the former."
        )
    if verdict(evaluation.temporal.comparison.differences["plain_tfidf"][metric], metric) != BETTER:
        yield "**The lead is not proven on later decisions** for the outcome over: plain TF-IDF."


def _of_sets(trained: TrainedModel) -> Iterator[str]:
    wanted, measured = trained.settings.coverage, trained.coverage
    for outcome in ("", "_overturned"):
        coverage = measured.get(f"conformal.coverage{outcome}")
        if coverage is not None and isfinite(coverage) and coverage < wanted - _FAR_FROM_PROMISED:
            whose = "of the overturned requests' cases" if outcome else "of all"
            yield (
                f"**Prediction sets hold less than they promise.** Asked for {wanted:.0%}, they held the outcome "
                f"{whose} in {coverage:.0%}."
            )
