"""Figures of a run."""

from dataclasses import replace

import pytest

from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.learning import LearningPoint
from imr_ml.reporting.figures import figures
from imr_ml.reporting.figures.outcome import roc

NAMES = (
    *("by_fold", "confusion", "family_coefficients", "family_f1", "learning_curve", "outcome_coefficients"),
    "precision_recall",
    *("reliability", "roc", "score_histogram", "slices"),
)


@pytest.fixture(scope="module")
def drawn(trained):
    points = tuple(LearningPoint(n // 2, n, trained.evaluation.estimates) for n in (10, 20, 40))
    return figures(replace(trained, evaluation=replace(trained.evaluation, learning=points)))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_sample_data_is_labeled(drawn, name):
    assert drawn[name].get_suptitle().startswith("SAMPLE DATA - synthetic")


def test_figures_of_real_letters_are_not_labeled(trained):
    real = replace(trained, data=replace(trained.data, source="dwc"))
    assert not any("SAMPLE" in figure.get_suptitle() for figure in figures(real).values())


def test_a_figure_that_fails_is_logged_and_omitted(trained, caplog):
    def fail(_):
        raise ValueError("text of a request")

    drawn = figures(trained, {"broken": fail, "roc": roc})

    assert list(drawn) == ["roc"]
    assert caplog.messages == ["figure broken was not drawn (ValueError)"]


def test_the_precision_recall_figure_shows_the_base_rate(drawn, trained):
    (axes,) = drawn["precision_recall"].axes
    (line,) = [line for line in axes.lines if line.get_label().startswith("base rate")]
    assert line.get_ydata()[0] == pytest.approx(trained.evaluation.labels.overturned.mean())


def test_each_repeat_of_the_cross_validation_has_its_curve(drawn, trained):
    (axes,) = drawn["roc"].axes
    assert len(axes.collections) == 1, "the band"
    curves = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert len(curves) == len(trained.evaluation.out_of_fold.repeats)


def test_the_counts_of_reliability_and_confusion_add_up_to_the_requests(drawn, trained):
    (reliability,), (confusion,) = drawn["reliability"].axes, drawn["confusion"].axes
    in_bins = [int(text.get_text().split(" of ")[1]) for text in reliability.texts]
    in_cells = [int(text.get_text().split("\n")[0]) for text in confusion.texts]
    assert sum(in_bins) == sum(in_cells) == trained.data.requests


def test_the_histogram_counts_outcomes_separately(drawn, trained):
    overturned, upheld = drawn["score_histogram"].axes
    heights = [sum(bar.get_height() for bar in axes.patches) for axes in (overturned, upheld)]
    truth = trained.evaluation.labels.overturned
    assert heights == [truth.sum(), (~truth).sum()]


def test_outcomes_keep_their_colors(drawn):
    overturned, upheld = (axes.patches[0].get_facecolor() for axes in drawn["score_histogram"].axes)
    model = drawn["family_f1"].axes[0].patches[0].get_facecolor()
    assert len({overturned, upheld, model}) == 3


def test_the_largest_coefficients_are_shown_with_their_sign(drawn, trained):
    (axes,) = drawn["outcome_coefficients"].axes
    widths = [bar.get_width() for bar in axes.patches]
    coefficients = trained.model.outcome_.classifier.coef_
    assert widths == sorted(widths)
    assert max(widths) == coefficients.max()
    assert min(widths) == coefficients.min()
    speaks = {bar.get_facecolor() for bar in axes.patches if bar.get_width() > 0}
    assert speaks.isdisjoint({bar.get_facecolor() for bar in axes.patches if bar.get_width() < 0})


def test_only_slices_with_figures_are_drawn(drawn, trained):
    labels = [label.get_text() for label in drawn["slices"].axes[0].get_yticklabels()]
    measured = [row for row in trained.evaluation.slices if row.estimates]
    assert len(labels) == len(measured)
    assert len(measured) < len(trained.evaluation.slices)


def test_the_learning_curve_goes_from_few_requests_to_many_for_the_model_and_each_baseline(drawn, trained):
    outcome, family = drawn["learning_curve"].axes
    assert [list(line.get_xdata()) for line in outcome.lines] == [[10, 20, 40]] * 3
    assert len(family.lines) == 4
    (last,) = {line.get_ydata()[-1] for line in outcome.lines if line.get_label().startswith("model")}
    assert last == trained.evaluation.estimates[MODEL]["outcome.roc_auc"].value


def test_figures_without_data_are_omitted(trained):
    bare = replace(trained, evaluation=replace(trained.evaluation, slices=(), by_fold={}))
    assert {"slices", "by_fold", "learning_curve"}.isdisjoint(figures(bare))
