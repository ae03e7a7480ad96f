"""Plot the outcome classifier's discrimination and calibration on out-of-fold predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.corpus.rates import wilson
from imr_ml.evaluation.comparison import MODEL
from imr_ml.reporting.figures.canvas import COLORS, OVERTURNED, UPHELD, canvas, format_estimate, training_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from imr_ml.training import TrainedModel

_BINS = 5
_SMALLEST_BIN = 10
_RESAMPLES = 200


def precision_recall(trained: TrainedModel) -> Figure:
    """Plot precision and recall of each repeat, with the base rate."""
    from sklearn.metrics import precision_recall_curve

    figure, axes = canvas(trained, "Precision and recall of 'overturned'")
    overturned = trained.evaluation.labels.overturned
    for number, repeat in enumerate(trained.evaluation.out_of_fold.repeats):
        precision, recall, _ = precision_recall_curve(overturned, repeat.p_overturned)
        label = f"model, average precision {format_estimate(trained, 'outcome.average_precision')}"
        _curve(axes, recall, precision, None if number else label)
    rate = overturned.mean()
    axes.axhline(rate, color=COLORS["base_rate"], linestyle="--", label=f"base rate {rate:.3f}")
    _add_legend_note(axes, f"plain TF-IDF {format_estimate(trained, 'outcome.average_precision', 'plain_tfidf')}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper right")
    return figure


def roc(trained: TrainedModel) -> Figure:
    """Plot the ROC of each repeat, with a band that contains 95 % of the curves of resampled cases."""
    from sklearn.metrics import roc_curve

    figure, axes = canvas(trained, "ROC of 'overturned'")
    false_rates = np.linspace(0, 1, 101)
    band = _roc_band(trained, false_rates)
    axes.fill_between(false_rates, *band, color=COLORS[MODEL], alpha=0.15, linewidth=0, label="95 % of resampled cases")
    for number, repeat in enumerate(trained.evaluation.out_of_fold.repeats):
        false, true, _ = roc_curve(trained.evaluation.labels.overturned, repeat.p_overturned)
        _curve(axes, false, true, None if number else f"model, area {format_estimate(trained, 'outcome.roc_auc')}")
    axes.plot([0, 1], [0, 1], color=COLORS["base_rate"], linestyle="--", label="chance 0.500")
    _add_legend_note(axes, f"plain TF-IDF {format_estimate(trained, 'outcome.roc_auc', 'plain_tfidf')}")
    axes.set(xlabel="share of upheld predicted overturned", ylabel="share of overturned predicted overturned")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return figure


def reliability(trained: TrainedModel) -> Figure:
    """Plot predicted against observed rate in bins of equal size, with Wilson's interval and the count of each."""
    figure, axes = canvas(trained, "Reliability of p_overturned")
    probability, overturned = _pooled(trained)
    bins = np.array_split(np.argsort(probability, kind="stable"), max(1, min(_BINS, len(probability) // _SMALLEST_BIN)))
    predicted_share = np.array([probability[rows].mean() for rows in bins])
    observed_share = np.array([overturned[rows].mean() for rows in bins])
    low, high = np.array([wilson(int(overturned[rows].sum()), len(rows)) for rows in bins]).T
    axes.errorbar(
        predicted_share,
        observed_share,
        yerr=np.maximum(0, (observed_share - low, high - observed_share)),
        fmt="o-",
        color=COLORS[MODEL],
        capsize=4,
        label="model, 95 %",
    )
    for x, y, rows in zip(predicted_share, high, bins, strict=True):
        count = f"{int(overturned[rows].sum())} of {len(rows)}"
        # Rotated, because bins can be closer together than a count is wide.
        axes.annotate(count, (x, y), (0, 4), textcoords="offset points", ha="center", rotation=90)
    top = min(1.0, 1.3 * max(float(high.max()), float(predicted_share.max())))
    axes.plot([0, top], [0, top], color=COLORS["base_rate"], linestyle="--", label="perfect calibration")
    axes.set(xlabel="mean predicted p_overturned", ylabel="share overturned", xlim=(0, top), ylim=(0, top))
    axes.legend(loc="lower right")
    return figure


def score_histogram(trained: TrainedModel) -> Figure:
    """Plot probabilities with a panel per outcome, because upheld requests are about nine times as many."""
    figure = training_figure(trained, "Predicted probability by outcome")
    probability, overturned = _pooled(trained)
    edges = np.linspace(0, max(float(probability.max()), 0.05), 25).tolist()
    panels = figure.subplots(2, 1, sharex=True)
    for axes, rows, color, name in (
        (panels[0], overturned, OVERTURNED, "overturned"),
        (panels[1], ~overturned, UPHELD, "upheld"),
    ):
        axes.hist(probability[rows], bins=edges, color=color, label=f"{name}, {int(rows.sum())} requests")
        axes.axvline(overturned.mean(), color=COLORS["base_rate"], linestyle="--", label="base rate")
        axes.set_ylabel("requests")
        axes.legend(loc="upper right")
    panels[1].set_xlabel("p_overturned")
    return figure


def confusion(trained: TrainedModel) -> Figure:
    """Plot decided and predicted outcomes; a probability above the base rate predicts overturned."""
    figure, axes = canvas(trained, "Outcomes, predicted overturned above the base rate")
    probability, overturned = _pooled(trained)
    is_predicted = probability > overturned.mean()
    counts = np.array(
        [
            [int((overturned == truth)[is_predicted == predicted].sum()) for predicted in (False, True)]
            for truth in (False, True)
        ]
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
    axes.set(xlabel="predicted", ylabel="decided", xticks=(0, 1), yticks=(0, 1))
    axes.set_xticklabels(("upheld", "overturned"))
    axes.set_yticklabels(("upheld", "overturned"))
    return figure


def _roc_band(trained: TrainedModel, false_rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 2.5th and 97.5th percentile of the ROC over resampled cases, each with one repeat's predictions."""
    overturned, groups = trained.evaluation.labels.overturned, trained.evaluation.groups
    repeats = trained.evaluation.out_of_fold.repeats
    random = np.random.default_rng(trained.evaluation.settings.seed)
    cases = int(groups.max()) + 1
    curves = []
    for number in range(_RESAMPLES):
        weights = np.bincount(random.integers(0, cases, cases), minlength=cases)[groups].astype(float)
        order = np.argsort(-repeats[number % len(repeats)].p_overturned, kind="stable")
        true, false = np.cumsum((weights * overturned)[order]), np.cumsum((weights * ~overturned)[order])
        if true[-1] and false[-1]:
            curves.append(np.interp(false_rates, [0, *false / false[-1]], [0, *true / true[-1]]))
    band: NDArray[np.float64] = np.percentile(curves, [2.5, 97.5], axis=0)
    return band


def _curve(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], label: str | None) -> None:
    axes.plot(x, y, color=COLORS[MODEL], alpha=0.7, linewidth=1.5, drawstyle="steps-post", label=label)


def _add_legend_note(axes: Axes, text: str) -> None:
    axes.plot([], [], " ", label=text)


def _pooled(trained: TrainedModel) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the mean prediction of each request over the repeats, and its outcome."""
    return trained.evaluation.out_of_fold.mean_p_overturned, trained.evaluation.labels.overturned
