"""Plot a drift report."""

from __future__ import annotations

import textwrap
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from imr_ml.drift.comparing import DriftReport, Finding, Shares, Statistic
from imr_ml.reporting.figures.canvas import COLORS, OVERTURNED, marked_figure

_REFERENCE, _CURRENT, _DRIFTED = "#A0A0A0", COLORS["model"], OVERTURNED
_TITLES: dict[Statistic, str] = {"psi": "population stability index (PSI)", "ks": "Kolmogorov-Smirnov distance (KS)"}
_WIDTH, _ROW, _PANEL, _IN_ROW, _MAX_PANELS = 11.0, 0.34, 2.7, 3, 9
_LABEL_WIDTH = 18
_LOG_FROM = 0.01


def drift_figure(report: DriftReport, *, is_synthetic: bool = False) -> Figure:
    """Plot all statistics, and the distributions of up to nine drifted characteristics.

    Parameters
    ----------
    report : DriftReport
    is_synthetic : bool
        Mark the figure as sample data.
    """
    names = list(dict.fromkeys(finding.characteristic for finding in report.findings))
    shown = report.drifted[:_MAX_PANELS]
    heights = [_ROW * len(names) + 1.6, _PANEL * ceil(len(shown) / _IN_ROW)]
    summary = f"{len(report.drifted)} of {len(names)} characteristics drifted" if shown else "no drift"
    sides = f"{report.current.rows:,} requests against {report.reference.rows:,}"
    title = f"Drift of a batch: {summary} ({sides})"
    figure = marked_figure(title, sum(heights) + 0.9, is_sample=is_synthetic, width=_WIDTH)
    parts = figure.subfigures(2 if shown else 1, 1, squeeze=False, height_ratios=heights if shown else None)[:, 0]
    _plot_statistics(parts[0], report, names)
    if shown:
        _plot_distributions(parts[1], report, shown)
    return figure


def _plot_statistics(figure: SubFigure, report: DriftReport, names: list[str]) -> None:
    panels = figure.subplots(1, 2, sharey=True)
    for axes, statistic in zip(panels, _TITLES, strict=True):
        findings = [finding for finding in report.findings if finding.statistic == statistic]
        _plot_dots(axes, findings, names)
        threshold = report.settings.threshold(statistic)
        axes.axvline(threshold, color="black", linestyle="--", linewidth=1, label="threshold")
        _set_scale(axes, statistic, findings, threshold)
        axes.set_xlabel(f"{_TITLES[statistic]}; threshold {threshold:g}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    panels[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles), fontsize=9, frameon=False
    )


def _plot_dots(axes: Axes, findings: list[Finding], names: list[str]) -> None:
    for is_drifted, color, label in ((False, _CURRENT, "no drift, 95 %"), (True, _DRIFTED, "drifted, 95 %")):
        plotted = [finding for finding in findings if (finding.verdict == "drifted") is is_drifted]
        if not plotted:
            continue
        values = np.array([finding.value for finding in plotted])
        ends = np.array([[finding.value - finding.low, finding.high - finding.value] for finding in plotted]).T
        rows = [names.index(finding.characteristic) for finding in plotted]
        axes.errorbar(values, rows, xerr=ends, fmt="o", color=color, capsize=3, markersize=6, label=label)
    axes.plot(
        [finding.by_chance for finding in findings],
        [names.index(finding.characteristic) for finding in findings],
        "|",
        color="black",
        markersize=13,
        markeredgewidth=2,
        label="95th percentile by chance",
    )


def _set_scale(axes: Axes, statistic: Statistic, findings: list[Finding], threshold: float) -> None:
    largest = max(max((max(finding.high, finding.by_chance) for finding in findings), default=0), threshold)
    if statistic == "ks":
        axes.set_xlim(0, min(1.02, largest * 1.15))
        return
    # Values range from hundredths to tens: linear steps up to 0.01, powers of ten above.
    axes.set_xscale("symlog", linthresh=_LOG_FROM, linscale=0.4)
    axes.set_xlim(0, largest * 1.6)
    ticks = [tick for tick in (0, 0.01, 0.1, 1, 10) if tick <= largest * 1.6]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _plot_distributions(figure: SubFigure, report: DriftReport, names: tuple[str, ...]) -> None:
    rows = ceil(len(names) / _IN_ROW)
    panels = figure.subplots(rows, _IN_ROW, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        _plot_bars(axes, report.shares[name])
        axes.set_title(name.replace("_", " "), fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    omitted = len(report.drifted) - len(names)
    figure.suptitle("Drifted characteristics" + (f" ({omitted} more not shown)" if omitted else ""), fontsize=11)


def _plot_bars(axes: Axes, shares: Shares) -> None:
    positions = np.arange(len(shares.bins))
    axes.bar(positions - 0.2, shares.reference, 0.4, color=_REFERENCE, label="reference")
    axes.bar(positions + 0.2, shares.current, 0.4, color=_CURRENT, label="current")
    labels = [textwrap.shorten(label, _LABEL_WIDTH, placeholder="…") for label in shares.bins]
    axes.set_xticks(positions, labels, rotation=40, ha="right", rotation_mode="anchor", fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_ylabel("share of requests", fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
