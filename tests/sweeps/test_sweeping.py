"""Sweeps: selection never uses the evaluation folds, and the gain is paired on the same folds."""

import numpy as np
import pytest
from progress_bars import ProgressBars

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset
from imr_ml.errors import SchemaError
from imr_ml.evaluation.comparison import METRICS
from imr_ml.evaluation.cross_validation import out_of_fold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import grouped_folds
from imr_ml.experiments.reading import read_experiment
from imr_ml.progress import no_progress
from imr_ml.sweeps.reading import read_plan
from imr_ml.sweeps.results import FILE, OBJECTIVES, SELECTED, Sweep, SweepError, check_is_new, winner_toml, write_new
from imr_ml.sweeps.searching import TrialResult
from imr_ml.sweeps.space import ALL
from imr_ml.sweeps.sweeping import Budget, describe_cost, run_sweep

QUICK = """\
[training]
half_life_years = [inf]
[families]
alternatives = []
[evaluation]
resamples = 50
[sweep]
outer_folds = 2
inner_folds = 2
"""
PENALTIES = '"outcome.C" = [0.03, 0.3, 3.0]\n'


@pytest.fixture
def plan_of(tmp_path):
    def read(table=PENALTIES):
        path = tmp_path / "mine.toml"
        path.write_text(QUICK + table, encoding="utf-8")
        return read_plan(str(path))

    return read


@pytest.fixture
def sweep_with(plan_of, prepared_requests, tmp_path):
    def run(table=PENALTIES, trials=9, requests=prepared_requests, store="mine.db", start=no_progress, **budget):
        return run_sweep(requests, plan_of(table), tmp_path / store, Budget(trials, jobs=1, **budget), start)

    return run


@pytest.fixture(scope="module")
def swept(prepared_requests, tmp_path_factory):
    """A sweep, to read only."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "mine.toml").write_text(QUICK + PENALTIES, encoding="utf-8")
    return run_sweep(prepared_requests, read_plan(str(folder / "mine.toml")), folder / "mine.db", Budget(9, jobs=1))


def _of(sweep, search):
    return [(trial.values, trial.state, trial.metrics) for trial in sweep.trials if trial.search == search]


def test_each_search_has_the_same_trials_and_a_winner(swept):
    assert swept.plan.searches == ("fold 1", "fold 2", ALL)
    assert [len(_of(swept, name)) for name in swept.plan.searches] == [3, 3, 3]
    assert set(swept.selected) == set(swept.plan.searches)
    assert swept.winner.value == max(
        trial.value for trial in swept.trials if trial.search == ALL and trial.value is not None
    )
    assert swept.data.requests == 160


@pytest.mark.slow
def test_the_selection_of_a_fold_never_sees_its_test_part(swept, sweep_with, prepared_requests):
    dataset = Dataset.from_table(prepared_requests)
    (_, test), _ = grouped_folds(dataset.labels.overturned, dataset.groups, 2, 0)
    changed = prepared_requests.copy()
    changed.loc[test, "request"] = "Quembolic harrowgate"

    other = sweep_with(requests=changed, store="changed.db")

    assert _of(other, "fold 1") == _of(swept, "fold 1")
    assert _of(other, "fold 2") != _of(swept, "fold 2")
    assert _of(other, ALL) != _of(swept, ALL)


def test_the_files_settings_are_evaluated_on_the_outer_folds(swept, prepared_requests):
    dataset = Dataset.from_table(prepared_requests)
    folds = grouped_folds(dataset.labels.overturned, dataset.groups, 2, 0)
    model = swept.plan.base.experiment.training_settings().model
    predicted = out_of_fold(dataset, {"file": lambda: RequestModel(model)}, [folds], 1)["file"].repeats[0]

    ones = np.ones((1, len(dataset)))
    for name, metric in METRICS.items():
        assert swept.estimates[FILE][name].value == pytest.approx(metric(dataset.labels, predicted, ones)[0])


def test_the_gain_is_the_difference_on_the_same_folds(swept):
    for name, gain in swept.differences.items():
        assert gain.value == pytest.approx(swept.estimates[SELECTED][name].value - swept.estimates[FILE][name].value)


def test_a_key_without_effect_has_no_gain(sweep_with):
    sweep = sweep_with('"outcome.C" = [0.3]\n', trials=3)

    assert {(difference.low, difference.value, difference.high) for difference in sweep.differences.values()} == {
        (0.0, 0.0, 0.0)
    }
    assert "not proven" in sweep.verdict


def test_a_sweep_that_times_out_tries_the_files_settings_and_resumes_later(sweep_with, swept):
    bars = ProgressBars()
    short = sweep_with(timeout_s=0)

    assert len(short.trials) == 3
    assert {trial.values["outcome.C"] for trial in short.trials} == {"0.3"}
    whole = sweep_with(start=bars.start)
    assert {name: bars.announced[name] for name in ("searching", "evaluating")} == {"searching": 18, "evaluating": 4}
    assert bars.done == bars.announced
    assert _of(whole, ALL) == _of(swept, ALL)
    assert _of(whole, "fold 2") == _of(swept, "fold 2")


def test_nlp_settings_can_be_varied(sweep_with):
    sweep = sweep_with('"nlp.negation" = [true, false]\n"nlp.canonical_tokens" = [true]\n', trials=6)

    assert {trial.values["nlp.negation"] for trial in sweep.trials} == {"true", "false"}


def test_a_source_without_families_is_not_selected_by_them(sweep_with, prepared_requests):
    with pytest.raises(SweepError, match="f1_micro can't be measured: this source reports no families"):
        sweep_with('"families.C" = [0.1, 1.0]\n', requests=prepared_requests.assign(families=None))


def test_another_table_is_not_resumed(sweep_with, prepared_requests):
    sweep_with(trials=3)

    with pytest.raises(SweepError, match="belongs to a sweep with other data; move it away"):
        sweep_with(trials=3, requests=prepared_requests.head(100))
    with pytest.raises(SweepError, match="belongs to a sweep with other settings"):
        sweep_with('"outcome.C" = [0.3]\n', trials=3)


def test_the_cost_is_stated_and_too_few_trials_are_refused(plan_of, sweep_with):
    assert describe_cost(plan_of(), Budget(10)) == (
        "3 searches (2 outer folds, then all the data) of 3 trials, 2 inner folds each: "
        "at most 18 fits to select and 4 to evaluate"
    )
    with pytest.raises(SweepError, match="2 trials are too few for 3 searches"):
        sweep_with(trials=2)


def test_a_table_without_outcomes_is_an_error(sweep_with, prepared_requests):
    with pytest.raises((SweepError, SchemaError, ValueError), match="outcome"):
        sweep_with(requests=prepared_requests.drop(columns="outcome"))


@pytest.mark.parametrize(
    ("objective", "interval", "verdict"),
    [
        ("outcome.roc_auc", (0.01, 0.03), "the gain is proven"),
        ("outcome.roc_auc", (-0.01, 0.03), "the gain is not proven"),
        ("outcome.roc_auc", (-0.03, -0.01), "worse than the file's"),
        ("outcome.log_loss", (-0.03, -0.01), "the gain is proven"),
        ("outcome.log_loss", (0.01, 0.03), "worse than the file's"),
    ],
)
def test_a_gain_is_proven_if_its_interval_excludes_zero(plan_of, objective, interval, verdict):
    plan = plan_of(f'objective = "{objective}"\n{PENALTIES}')

    sweep = Sweep(plan, (), {}, {}, {objective: Estimate(sum(interval) / 2, *interval)}, None, 0.0)

    assert verdict in sweep.verdict


def test_the_log_loss_is_scikit_learns(prepared):
    from sklearn.metrics import log_loss

    predictions = RequestModel().fit(prepared.frame, prepared.labels, prepared.groups).predict(prepared.frame)
    ours = OBJECTIVES["outcome.log_loss"](prepared.labels, predictions, np.ones((1, len(prepared))))[0]

    assert ours == pytest.approx(log_loss(prepared.labels.overturned, predictions.p_overturned))


def test_the_winner_is_a_valid_experiment_file(plan_of, tmp_path):
    plan = plan_of()
    winner = TrialResult(ALL, 0, {"outcome.C": "3.0"}, "complete", {}, 0.7)
    path = tmp_path / "mine.best.toml"

    write_new(path, winner_toml(Sweep(plan, (winner,), {ALL: winner}, {}, {}, None, 0.0)))

    read = read_experiment(str(path))
    assert read.experiment.training_settings() == plan.experiment({"outcome.C": "3.0"}).training_settings()
    assert read.experiment.description == "Best of 1 trials of mine: outcome.C=3.0"
    assert not read.sweep


def test_a_file_that_exists_is_never_replaced(tmp_path):
    path = tmp_path / "mine.best.toml"
    path.write_text("mine")

    for refused in (lambda: check_is_new(path), lambda: write_new(path, "other")):
        with pytest.raises(SweepError, match="already exists; move it away, or choose another file with -o"):
            refused()
    assert path.read_text() == "mine"
