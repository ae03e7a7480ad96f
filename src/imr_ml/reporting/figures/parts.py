"""Plot baselines, slices, folds, learning curves, family F1 and coefficients; None if the evaluation lacks the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.metrics import f1_by_family
from imr_ml.guidelines.types import FAMILIES
from imr_ml.reporting.card.wording import HEADLINES, title
from imr_ml.reporting.compared_models import TITLES
from imr_ml.reporting.figures.canvas import (
    COLORS,
    OVERTURNED,
    UPHELD,
    canvas,
    format_estimate,
    plot_estimates,
    training_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from imr_ml.evaluation.cross_validation import OutOfFold
    from imr_ml.training import TrainedModel

_SLICED = ("outcome.roc_auc", "family.f1_micro")
_ROW_INCHES = 0.24
_OUTCOME_TERMS, _FAMILY_TERMS = 12, 5
_PANELS_PER_ROW = 2
_MAX_NAME = 34


def beside_baselines(trained: TrainedModel) -> Figure:
    """Plot the most important metrics of the model and each baseline, with intervals."""
    estimates = trained.evaluation.estimates
    metrics = [metric for metric in HEADLINES if metric in estimates[MODEL]]
    names = [name for name in TITLES if name in estimates]
    figure = training_figure(trained, "Model and baselines, with 95 % intervals", height=4.5)
    panels = np.ravel(figure.subplots(-(-len(metrics) // 2), 2, sharey=True, squeeze=False))
    for axes, metric in zip(panels, metrics, strict=False):
        for row, name in enumerate(names):
            if metric in estimates[name]:
                estimate = estimates[name][metric]
                axes.errorbar(estimate.value, row, xerr=estimate.error, fmt="o", color=COLORS[name], capsize=4)
                axes.annotate(
                    f"{estimate.value:.2f}", (estimate.value, row), (0, 6), textcoords="offset points", ha="center"
                )
        axes.set_title(title(metric), fontsize=10)
        axes.set_yticks(range(len(names)), [TITLES[name] for name in names])
        axes.set_ylim(len(names) - 0.5, -0.8)
        axes.margins(x=0.08)
        axes.locator_params(axis="x", nbins=5)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(metrics) :]:
        axes.set_visible(False)
    return figure


def slices(trained: TrainedModel) -> Figure | None:
    """Plot ROC AUC and micro F1 of each slice with intervals, and those of all requests."""
    measured = [row for row in trained.evaluation.slices if row.estimates]
    metrics = [metric for metric in _SLICED if metric in trained.evaluation.estimates[MODEL]]
    if not measured or not metrics:
        return None
    figure = training_figure(trained, "Slices, with 95 % intervals", height=1.6 + _ROW_INCHES * len(measured))
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        plot_estimates(axes, [row.estimates.get(metric) for row in measured], markersize=4)
        axes.grid(axis="y", alpha=0.3)
        overall = trained.evaluation.estimates[MODEL][metric]
        axes.axvline(overall.value, color=COLORS["base_rate"], linestyle="--", label=f"all {overall.value:.2f}")
        axes.set(xlabel=metric, xlim=(0, 1))
        axes.legend(loc="lower left", fontsize=8)
    labels = [f"{row.kind}: {row.value} ({row.requests}, {row.overturned} overturned)" for row in measured]
    panels[0].set_yticks(range(len(measured)), labels, fontsize=8)
    panels[0].invert_yaxis()
    return figure


def by_fold(trained: TrainedModel) -> Figure | None:
    """Plot the model's metrics in each test part, which shows how uncertain a single split is."""
    values = trained.evaluation.by_fold
    metrics = [metric for metric in _SLICED if metric in values]
    if not metrics:
        return None
    figure, axes = canvas(trained, "Single folds and all requests")
    for column, metric in enumerate(metrics):
        scores = np.ravel(values[metric])
        scores = scores[np.isfinite(scores)]
        spread = np.linspace(-0.18, 0.18, len(scores))
        axes.plot(column + spread, scores, "o", color=COLORS[MODEL], alpha=0.6, label=None if column else "one fold")
        estimate = trained.evaluation.estimates[MODEL][metric]
        axes.errorbar(
            column + 0.3,
            estimate.value,
            yerr=estimate.error,
            fmt="s",
            color="black",
            capsize=4,
            label=None if column else "all requests, 95 %",
        )
    axes.set_xticks(range(len(metrics)), metrics)
    axes.set(ylim=(0, 1.02), xlim=(-0.5, len(metrics) - 0.3))
    axes.legend(loc="lower right")
    return figure


def learning_curve(trained: TrainedModel) -> Figure | None:
    """Plot metrics of the model and baselines by the number of training requests; None if not requested."""
    points = trained.evaluation.learning
    if not points:
        return None
    metrics = [metric for metric in _SLICED if metric in points[0].estimates[MODEL]]
    figure = training_figure(trained, "Learning curve on the same held-out cases, with 95 % intervals")
    requests = [point.requests for point in points]
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for name in (name for name in TITLES if metric in points[0].estimates.get(name, {})):
            measured = [point.estimates[name][metric] for point in points]
            values = np.array([estimate.value for estimate in measured])
            if name == MODEL:
                ends = np.array([[estimate.low, estimate.high] for estimate in measured]).T
                axes.fill_between(requests, *ends, color=COLORS[name], alpha=0.15, linewidth=0)
            style = "o-" if name in (MODEL, "plain_tfidf") else "--"
            axes.plot(requests, values, style, color=COLORS[name], label=f"{TITLES[name]} {values[-1]:.2f}")
        axes.set(xlabel=f"training requests ({points[-1].cases} cases at most)", ylabel=metric, ylim=(0, 1.02))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower right")
    return figure


def family_f1(trained: TrainedModel) -> Figure | None:
    """Plot F1 of each family for the model and baselines; None if the source has no families."""
    truth = trained.evaluation.labels.families
    if not trained.evaluation.labels.families_known:
        return None
    figure, axes = canvas(trained, "F1 of each guideline family")
    predicted = trained.evaluation.predicted
    scores = {name: _f1(truth, predicted[name]) for name in (MODEL, "plain_tfidf", "ur_families") if name in predicted}
    height = 0.8 / len(scores)
    rows = np.arange(len(FAMILIES))
    for number, (name, values) in enumerate(scores.items()):
        offset = (number - (len(scores) - 1) / 2) * height
        axes.barh(rows + offset, values.mean(axis=0), height, color=COLORS.get(name), label=TITLES.get(name, name))
        if name == MODEL:
            axes.plot(values.T, np.tile((rows + offset)[:, None], len(values)), "|", color="black", markersize=9)
            for row, mean, best in zip(rows, values.mean(axis=0), values.max(axis=0), strict=True):
                axes.text(best + 0.015, float(row) + offset, f"{mean:.2f}", va="center")
    names = [f"{family} ({cited})" for family, cited in zip(FAMILIES, truth.sum(axis=0), strict=True)]
    axes.set_yticks(rows, names)
    axes.invert_yaxis()
    axes.set(xlabel="F1; in brackets the requests that cite the family, ticks: repeats", xlim=(0, 1.1))
    if len(scores) > 1:
        # Below the axes, because bars can cover any part of them.
        figure.legend(loc="outside lower center", ncols=len(scores))
    axes.set_title(_title(trained), fontsize=10)
    return figure


def _f1(truth: NDArray[np.bool_], predicted: OutOfFold) -> NDArray[np.float64]:
    ones = np.ones((1, len(truth)))
    return np.array([f1_by_family(truth, repeat.family_set, ones)[0] for repeat in predicted.repeats])


def _title(trained: TrainedModel) -> str:
    metric = "family.f1_micro"
    baselines = [
        f"{TITLES[name]} {format_estimate(trained, metric, name)}"
        for name in ("plain_tfidf", "ur_families")
        if name in trained.evaluation.estimates
    ]
    return f"all families: model {format_estimate(trained, metric)}\n{' · '.join(baselines)}"


def outcome_coefficients(trained: TrainedModel) -> Figure | None:
    """Plot the terms with the largest weights for 'overturned' and 'upheld'; None if the classifier is not linear."""
    coefficients = getattr(trained.model.outcome_.classifier, "coef_", None)
    if coefficients is None:
        return None
    figure, axes = canvas(trained, "Terms for 'overturned' (right) and 'upheld' (left)", height=7)
    values, names = np.ravel(coefficients), _names(trained)
    order = np.argsort(values, kind="stable")
    shown = np.concatenate([order[:_OUTCOME_TERMS], order[-_OUTCOME_TERMS:]])
    shown = np.unique(shown[values[shown] != 0])
    shown = shown[np.argsort(values[shown], kind="stable")]
    colors = [OVERTURNED if value > 0 else UPHELD for value in values[shown]]
    _bars(axes, values[shown], names[shown], colors)
    axes.set_xlabel("coefficient of the feature, in log-odds before calibration")
    return figure


def family_coefficients(trained: TrainedModel) -> Figure | None:
    """Plot the terms with the largest weights for each family; None if not linear or if all weights are zero."""
    fitted = trained.model.families_
    coefficients = None if fitted is None else getattr(fitted.classifier, "coef_", None)
    shown = [] if coefficients is None else [index for index, row in enumerate(coefficients) if np.any(row)]
    if coefficients is None or not shown:
        return None
    names = _names(trained)
    rows = -(-len(shown) // _PANELS_PER_ROW)
    figure = training_figure(trained, "Terms for each guideline family", height=1.2 + 1.7 * rows)
    panels = np.ravel(figure.subplots(rows, _PANELS_PER_ROW, squeeze=False))
    for axes, index in zip(panels, shown, strict=False):
        values = coefficients[index]
        top = np.argsort(values, kind="stable")[-_FAMILY_TERMS:]
        _bars(axes, values[top], names[top], [COLORS["model"]] * len(top))
        axes.set_title(FAMILIES[index], fontsize=10)
        axes.locator_params(axis="x", nbins=4)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    return figure


def _bars(axes: Axes, values: NDArray[np.float64], names: NDArray[np.str_], colors: list[str]) -> None:
    axes.barh(np.arange(len(values)), values, color=colors)
    axes.set_yticks(np.arange(len(values)), [_shorten(str(name)) for name in names], fontsize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _names(trained: TrainedModel) -> NDArray[np.str_]:
    names: NDArray[np.str_] = np.char.replace(trained.model.feature_names.astype(str), "__", ": ")
    return names


def _shorten(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"
