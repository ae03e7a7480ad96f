"""The ladder: which rung becomes champion, and in which tasks rungs are compared."""

from dataclasses import replace

import numpy as np
import pytest
from progress_bars import ProgressBars

from imr_ml.classifiers.types import Predictions
from imr_ml.evaluation.comparison import LOWER_IS_BETTER
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.climbing import GUARD_METRIC, PRIMARY_METRIC, climb, climb_table, is_better
from imr_ml.ladder.reading import Rung
from imr_ml.nlp.types import NlpSettings

QUICK = EvaluationSettings(folds=3, repeats=1, resamples=200, jobs=1)


class Reading:
    """Predicts the outcome from known sentences of the invented summaries, and families by their rates."""

    def fit(self, frame, labels, groups):
        self.rates = labels.families.mean(axis=0)
        return self

    def predict(self, frame):
        helped = frame["clinical_summary"].str.contains("lasting relief|Work hours rose").to_numpy()
        probability = np.tile(self.rates, (len(frame), 1))
        return Predictions(np.where(helped, 0.8, 0.1), probability, probability == self.rates.max())


class Guessing(Reading):
    """Predicts a number unrelated to the request."""

    def predict(self, frame):
        predictions = super().predict(frame)
        return replace(predictions, p_overturned=frame.index.to_numpy() % 7 / 7)


def rung(name, build, **more):
    return Rung(name, f"{name}, for a test", build, **more)


@pytest.fixture(scope="module")
def climbed(prepared):
    rungs = (
        rung("guessing", Guessing, tasks=("outcome",)),
        rung("reading", Reading, tasks=("outcome",)),
        rung("reading_again", Reading, tasks=("outcome",)),
    )
    return climb(prepared, QUICK, rungs)


def test_a_rung_that_is_clearly_better_becomes_champion(climbed):
    assert climbed.champions["outcome"] == "reading"
    assert list(climbed.champions) == ["outcome", "family"]


def test_a_rung_that_is_not_better_does_not_become_champion(climbed):
    guessing = climbed.steps[1]
    assert guessing.against == {"outcome": "base_rate"}
    assert guessing.differences["outcome.roc_auc"].low < 0


def test_the_simpler_of_two_equal_rungs_stays_champion(climbed):
    again = climbed.steps[3]
    assert again.against == {"outcome": "reading"}
    assert again.differences["outcome.roc_auc"].value == 0


def test_a_rung_is_evaluated_only_in_its_tasks(climbed):
    assert {name.split(".")[0] for name in climbed.steps[2].estimates} == {"outcome"}
    assert climbed.champions["family"] == "base_rate"


def test_each_step_has_predictions_and_the_time_to_fit(climbed, prepared):
    for step in climbed.steps:
        assert step.fit_s >= 0
        assert step.out_of_fold.mean_p_overturned.shape == (len(prepared.frame),)


def test_progress_counts_every_fit(prepared):
    rungs = (rung("reading", Reading),)
    bars = ProgressBars()
    climb(prepared, QUICK, rungs, start=bars.start)
    assert bars.done == bars.announced
    assert bars.done == {"climbing the ladder": 2 * 3, "fitting each rung on all requests": 2}


def test_families_that_a_source_does_not_report_are_not_evaluated(prepared):
    no_families = replace(prepared.labels, families=np.zeros_like(prepared.labels.families))
    rungs = (rung("reading", Reading), rung("families_only", Reading, tasks=("family",)))
    climbed = climb(replace(prepared, labels=no_families), QUICK, rungs)
    assert set(climbed.champions) == {"outcome"}
    assert [step.rung.name for step in climbed.steps] == ["base_rate", "reading"]


def test_a_rung_uses_the_frame_of_its_nlp_settings(prepared):
    class Other(Reading):
        def predict(self, frame):
            assert frame["length"].eq(1.0).all()
            return super().predict(frame)

    nlp = NlpSettings(negation=False)
    climbed = climb(
        prepared,
        QUICK,
        (rung("one", Reading), rung("other", Other, nlp=nlp)),
        {nlp: prepared.frame.assign(length=1.0)},
    )
    assert [step.rung.name for step in climbed.steps] == ["base_rate", "one", "other"]


ABOVE, AROUND, BELOW = Estimate(0.1, 0.02, 0.2), Estimate(0.0, -0.1, 0.1), Estimate(-0.1, -0.2, -0.02)


@pytest.mark.parametrize("task", PRIMARY_METRIC)
@pytest.mark.parametrize(
    ("primary", "guard", "better"),
    [
        (ABOVE, AROUND, True),
        (AROUND, AROUND, False),
        (BELOW, AROUND, False),
        (ABOVE, "better", True),
        (ABOVE, "worse", False),
    ],
)
def test_a_better_rung_is_better_beyond_chance_and_not_worse_in_the_guard_metric(task, primary, guard, better):
    turned = GUARD_METRIC[task] in LOWER_IS_BETTER
    guards = {"better": BELOW if turned else ABOVE, "worse": ABOVE if turned else BELOW}
    differences = {PRIMARY_METRIC[task]: primary, GUARD_METRIC[task]: guards.get(guard, guard)}
    assert is_better(differences, task) is better


def test_the_table_has_a_row_per_rung_and_the_champion_in_bold(climbed):
    table = climb_table(climbed, "outcome")
    assert list(table.columns[0].cells) == ["base_rate", "guessing", "reading", "reading_again"]
    assert [row.style for row in table.rows] == [None, None, "bold", None]
    family = climb_table(climbed, "family", ("family.f1_micro",))
    assert [column.header for column in family.columns][1] == "f1 micro"
    assert len(FAMILIES) == climbed.steps[0].out_of_fold.repeats[0].family_probability.shape[1]
