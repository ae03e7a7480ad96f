"""The figure shows all statistics, marks sample data and limits the number of panels."""

import numpy as np
import pytest
from drift.synthetic_profiles import make_profile

from imr_ml.drift.comparing import DriftSettings, compare
from imr_ml.drift.figure import drift_figure

QUICK = DriftSettings(draws=199)


@pytest.fixture(scope="module")
def report():
    return compare(make_profile(150, seed=1), make_profile(80, seed=2, age=70, shares=(0, 0, 1, 0)), QUICK)


def titles(figure):
    return [axes.get_title() for part in figure.subfigs for axes in part.axes if axes.get_title()]


def test_every_characteristic_is_a_row_and_each_drifted_one_a_panel(report):
    figure = drift_figure(report)

    rows = [label.get_text() for label in figure.subfigs[0].axes[0].get_yticklabels()]
    assert rows == ["age", "summary chars", "request chars", "p overturned", "category"]
    assert titles(figure) == ["age", "category"]
    assert "2 of 5 characteristics drifted" in figure.get_suptitle()


def test_only_figures_of_sample_data_are_marked(report):
    assert "SAMPLE DATA" in drift_figure(report, is_synthetic=True).get_suptitle()
    assert "SAMPLE DATA" not in drift_figure(report).get_suptitle()


def test_without_drift_there_are_no_panels():
    profile = make_profile(50, seed=1)
    assert titles(drift_figure(compare(profile, profile, QUICK))) == []


def test_nine_drifted_characteristics_are_drawn_and_the_others_counted():
    ours, theirs = (make_profile(150, seed=seed) for seed in (1, 2))
    for side, shift in ((ours, 0), (theirs, 50)):
        values = side.numbers["summary_chars"] + shift * 30
        side.numbers.update({f"number_{n}": values for n in range(11)})
    report = compare(ours, theirs, DriftSettings(draws=999))

    figure = drift_figure(report)

    assert len(report.drifted) == 11
    assert len(titles(figure)) == 9
    assert "2 more not shown" in figure.subfigs[1].get_suptitle()


def test_a_side_without_known_values_can_be_drawn(tmp_path):
    ours, theirs = (make_profile(60, seed=seed) for seed in (1, 2))
    theirs.numbers["age"] = np.full(len(theirs), np.nan, dtype=np.float32)

    drift_figure(compare(ours, theirs, QUICK)).savefig(tmp_path / "drift.png")

    assert (tmp_path / "drift.png").stat().st_size > 10_000
