"""The pictures of a run: one matplotlib figure for each question asked of the outcomes and the families.

Knows evaluations and drawing. Knows nothing of MLflow. The same thing has the same colour in every picture
(colours of Okabe and Ito, which colour-blind readers can tell apart).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from imr_ml.evaluation import MODEL
from imr_ml.evaluation.metrics import f1_by_family
from imr_ml.guidelines import FAMILIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from imr_ml.training import TrainedModel

_MODEL, _BASELINE, _UPHELD, _OVERTURNED = "#0072B2", "#707070", "#009E73", "#D55E00"
_BINS = 5
_SMALLEST_BIN = 10
_Z = 1.96


def figures(trained: TrainedModel) -> dict[str, Figure]:
    """Figure by file name, all from out-of-fold predictions."""
    drawn = {
        "precision_recall": _precision_recall,
        "roc": _roc,
        "reliability": _reliability,
        "score_histogram": _score_histogram,
        "confusion": _confusion,
        "family_f1": _family_f1,
    }
    return {f"{name}.png": draw(trained) for name, draw in drawn.items()}


def _precision_recall(trained: TrainedModel) -> Figure:
    from sklearn.metrics import precision_recall_curve

    figure, axes = _canvas(trained, "Precision and recall of 'overturned'")
    overturned = trained.evaluation.labels.overturned
    for number, repeat in enumerate(trained.evaluation.out_of_fold.repeats):
        precision, recall, _ = precision_recall_curve(overturned, repeat.p_overturned)
        label = f"model, average precision {_estimate(trained, 'outcome.average_precision')}"
        _curve(axes, recall, precision, None if number else label)
    rate = overturned.mean()
    axes.axhline(rate, color=_BASELINE, linestyle="--", label=f"base rate {rate:.3f}")
    axes.plot([], [], " ", label=f"plain TF-IDF {_baseline(trained, 'outcome.average_precision')}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper right")
    return figure


def _roc(trained: TrainedModel) -> Figure:
    from sklearn.metrics import roc_curve

    figure, axes = _canvas(trained, "ROC of 'overturned'")
    for number, repeat in enumerate(trained.evaluation.out_of_fold.repeats):
        false, true, _ = roc_curve(trained.evaluation.labels.overturned, repeat.p_overturned)
        label = f"model, area {_estimate(trained, 'outcome.roc_auc')}"
        _curve(axes, false, true, None if number else label)
    axes.plot([0, 1], [0, 1], color=_BASELINE, linestyle="--", label="chance 0.500")
    axes.plot([], [], " ", label=f"plain TF-IDF {_baseline(trained, 'outcome.roc_auc')}")
    axes.set(xlabel="upheld, called overturned", ylabel="overturned, called overturned")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return figure


def _reliability(trained: TrainedModel) -> Figure:
    """Predicted against observed rate in bins of equal size, with Wilson's interval and the count of each."""
    figure, axes = _canvas(trained, "Reliability of p_overturned")
    probability, overturned = _pooled(trained)
    bins = np.array_split(np.argsort(probability, kind="stable"), max(1, min(_BINS, len(probability) // _SMALLEST_BIN)))
    said = np.array([probability[rows].mean() for rows in bins])
    seen = np.array([overturned[rows].mean() for rows in bins])
    low, high = _wilson(seen, np.array([len(rows) for rows in bins]))
    axes.errorbar(said, seen, yerr=(seen - low, high - seen), fmt="o-", color=_MODEL, capsize=4, label="model, 95 %")
    for x, y, rows in zip(said, high, bins, strict=True):
        count = f"{int(overturned[rows].sum())} of {len(rows)}"
        # Upright, because bins may lie closer than a count is wide.
        axes.annotate(count, (x, y), (0, 4), textcoords="offset points", ha="center", rotation=90)
    top = min(1.0, 1.3 * max(float(high.max()), float(said.max())))
    axes.plot([0, top], [0, top], color=_BASELINE, linestyle="--", label="perfect calibration")
    axes.set(xlabel="mean predicted p_overturned", ylabel="share overturned", xlim=(0, top), ylim=(0, top))
    axes.legend(loc="lower right")
    return figure


def _score_histogram(trained: TrainedModel) -> Figure:
    """One panel an outcome, because there are about nine upheld for each overturned."""
    figure = _figure(trained, "Predicted probability by outcome")
    probability, overturned = _pooled(trained)
    edges = np.linspace(0, max(float(probability.max()), 0.05), 25).tolist()
    panels = figure.subplots(2, 1, sharex=True)
    for axes, rows, colour, name in (
        (panels[0], overturned, _OVERTURNED, "overturned"),
        (panels[1], ~overturned, _UPHELD, "upheld"),
    ):
        axes.hist(probability[rows], bins=edges, color=colour, label=f"{name}, {int(rows.sum())} requests")
        axes.axvline(overturned.mean(), color=_BASELINE, linestyle="--", label="base rate")
        axes.set_ylabel("requests")
        axes.legend(loc="upper right")
    panels[1].set_xlabel("p_overturned")
    return figure


def _confusion(trained: TrainedModel) -> Figure:
    figure, axes = _canvas(trained, "Outcomes, called overturned above the base rate")
    probability, overturned = _pooled(trained)
    called = probability > overturned.mean()
    counts = np.array(
        [[int((overturned == truth)[called == said].sum()) for said in (False, True)] for truth in (False, True)]
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(2, 2):
        axes.text(
            column,
            row,
            f"{counts[row, column]}\n{shares[row, column]:.0%} of row",
            ha="center",
            va="center",
            fontsize=15,
            color="white" if shares[row, column] > 0.5 else "black",
        )
    names = ("upheld", "overturned")
    axes.set(xlabel="called", ylabel="decided", xticks=(0, 1), yticks=(0, 1))
    axes.set_xticklabels(names)
    axes.set_yticklabels(names)
    return figure


def _family_f1(trained: TrainedModel) -> Figure:
    figure, axes = _canvas(trained, "F1 of each guideline family")
    truth, metric = trained.evaluation.labels.families, "family.f1_micro"
    ones = np.ones((1, len(truth)))
    repeats = trained.evaluation.out_of_fold.repeats
    scores = np.array([f1_by_family(truth, repeat.family_set, ones)[0] for repeat in repeats])
    places = np.arange(len(FAMILIES))
    axes.barh(places, scores.mean(axis=0), color=_MODEL, label="model, mean of the repeats")
    axes.plot(scores.T, np.tile(places[:, None], len(repeats)), "|", color="black", markersize=10)
    for place, mean, best in zip(places, scores.mean(axis=0), scores.max(axis=0), strict=True):
        axes.text(best + 0.015, float(place), f"{mean:.2f}", va="center")
    names = [f"{family} ({cited})" for family, cited in zip(FAMILIES, truth.sum(axis=0), strict=True)]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set(xlabel="F1; in brackets the requests that cite the family, ticks: repeats", xlim=(0, 1.1))
    estimates = trained.evaluation.estimates
    others = [
        f"plain TF-IDF {_baseline(trained, metric)}",
        f"UR's families {estimates['ur_families'][metric]}",
    ]
    axes.set_title(f"all families: model {_estimate(trained, metric)}\n{' · '.join(others)}", fontsize=10)
    return figure


def _figure(trained: TrainedModel, title: str) -> Figure:
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    mark = "SAMPLE DATA - synthetic\n" if trained.data.is_synthetic else ""
    figure.suptitle(f"{mark}{title}", fontsize=13, color=_OVERTURNED if mark else "black")
    return figure


def _canvas(trained: TrainedModel, title: str) -> tuple[Figure, Axes]:
    figure = _figure(trained, title)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _curve(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], label: str | None) -> None:
    axes.plot(x, y, color=_MODEL, alpha=0.7, linewidth=1.5, drawstyle="steps-post", label=label)


def _pooled(trained: TrainedModel) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Mean prediction of each request over the repeats, and its outcome."""
    return trained.evaluation.out_of_fold.mean_p_overturned, trained.evaluation.labels.overturned


def _estimate(trained: TrainedModel, metric: str) -> str:
    return str(trained.evaluation.estimates[MODEL][metric])


def _baseline(trained: TrainedModel, metric: str) -> str:
    return str(trained.evaluation.estimates["plain_tfidf"][metric])


def _wilson(share: NDArray[np.float64], count: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % score interval of a share (Wilson, 1927)."""
    centre = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return np.minimum(centre - half, share), np.maximum(centre + half, share)
