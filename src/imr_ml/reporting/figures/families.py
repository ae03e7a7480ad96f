"""Pictures of the guideline families.

Knows evaluations and drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.metrics import f1_by_family
from imr_ml.guidelines.types import FAMILIES
from imr_ml.reporting.figures.canvas import COLOURS, canvas, estimate_of
from imr_ml.reporting.rivals import TITLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from imr_ml.evaluation.cross_validation import OutOfFold
    from imr_ml.training import TrainedModel


def family_f1(trained: TrainedModel) -> Figure | None:
    """F1 of each family, the baselines' beside where their predictions are kept; None where no families are known."""
    truth = trained.evaluation.labels.families
    if not trained.evaluation.labels.families_known:
        return None
    figure, axes = canvas(trained, "F1 of each guideline family")
    told = _predicted(trained)
    scores = {name: _f1(truth, predicted) for name, predicted in told.items()}
    height = 0.8 / len(scores)
    places = np.arange(len(FAMILIES))
    for number, (name, values) in enumerate(scores.items()):
        offset = (number - (len(scores) - 1) / 2) * height
        axes.barh(places + offset, values.mean(axis=0), height, color=COLOURS.get(name), label=TITLES.get(name, name))
        if name == MODEL:
            axes.plot(values.T, np.tile((places + offset)[:, None], len(values)), "|", color="black", markersize=9)
            for place, mean, best in zip(places, values.mean(axis=0), values.max(axis=0), strict=True):
                axes.text(best + 0.015, float(place) + offset, f"{mean:.2f}", va="center")
    names = [f"{family} ({cited})" for family, cited in zip(FAMILIES, truth.sum(axis=0), strict=True)]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set(xlabel="F1; in brackets the requests that cite the family, ticks: repeats", xlim=(0, 1.1))
    if len(scores) > 1:
        # Beneath the axes: bars may reach anywhere within.
        figure.legend(loc="outside lower center", ncols=len(scores))
    axes.set_title(_title(trained), fontsize=10)
    return figure


def _predicted(trained: TrainedModel) -> dict[str, OutOfFold]:
    predicted = trained.evaluation.predicted
    return {name: predicted[name] for name in (MODEL, "plain_tfidf", "ur_families") if name in predicted}


def _f1(truth: NDArray[np.bool_], predicted: OutOfFold) -> NDArray[np.float64]:
    ones = np.ones((1, len(truth)))
    return np.array([f1_by_family(truth, repeat.family_set, ones)[0] for repeat in predicted.repeats])


def _title(trained: TrainedModel) -> str:
    metric = "family.f1_micro"
    others = [
        f"{TITLES[name]} {estimate_of(trained, metric, name)}"
        for name in ("plain_tfidf", "ur_families")
        if name in trained.evaluation.estimates
    ]
    return f"all families: model {estimate_of(trained, metric)}\n{' · '.join(others)}"
