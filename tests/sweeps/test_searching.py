"""Searches are reproducible, can resume, and prune poor trials."""

import numpy as np
import pytest

from imr_ml.sweeps.reading import read_plan
from imr_ml.sweeps.results import SweepError
from imr_ml.sweeps.searching import Search, open_storage

FACTS = {"settings": "a", "data": "b"}
TABLE = '"outcome.C" = {low = 0.01, high = 10.0, log = true}\n"features.request.ngrams" = [1, 2, 3]\n'


@pytest.fixture
def plan_of(tmp_path):
    def read(table=TABLE, settings=""):
        path = tmp_path / "mine.toml"
        path.write_text(f"{settings}\n[sweep]\n{table}", encoding="utf-8")
        return read_plan(str(path))

    return read


@pytest.fixture
def storage(tmp_path):
    with open_storage(tmp_path / "sweeps" / "mine.db") as opened:
        yield opened


def _metrics(plan, values, fold):
    """Best at C = 1; each fold has a different level."""
    quality = 1 - abs(np.log10(float(values["outcome.C"]))) / 4
    return {plan.objective: quality - fold / 10}


def _run(search, trials, killed_in=None):
    """Run until this many trials; the last can stop after its first fold, as if killed."""
    while len(search.results) < trials:
        trial, fold = search.ask(), 0
        while trial.is_open:
            if len(search.results) == killed_in:
                return
            search.report(trial, _metrics(search.plan, trial.values, fold))
            fold += 1


def _tried(search):
    return [(trial.values, trial.state, trial.value) for trial in search.results]


def test_trials_depend_on_the_seed(plan_of, storage):
    plan = plan_of()
    first, again, other = Search("1", plan, storage, FACTS), Search("2", plan, storage, FACTS), None
    other = Search("3", plan_of(settings="[training]\nseed = 1"), storage, FACTS)
    for search in (first, again, other):
        _run(search, 8)

    assert _tried(first) == _tried(again)
    assert _tried(first) != _tried(other)


@pytest.mark.parametrize("killed_in", [0, 3, 7])
def test_a_killed_search_resumes_with_the_same_trials(plan_of, storage, killed_in):
    plan = plan_of()
    whole = Search("whole", plan, storage, FACTS)
    _run(whole, 9)

    _run(Search("killed", plan, storage, FACTS), 9, killed_in=killed_in)
    resumed = Search("killed", plan, storage, FACTS)
    assert len(resumed.results) == killed_in
    _run(resumed, 9)

    assert _tried(resumed) == _tried(whole)
    assert [trial.number for trial in resumed.results] == list(range(9))


def test_the_files_own_settings_are_tried_first(plan_of, storage):
    search = Search("all", plan_of(), storage, FACTS)

    assert search.ask().values == {"outcome.C": "0.3", "features.request.ngrams": "2"}


def test_poor_trials_are_pruned_and_never_selected(plan_of, storage):
    search = Search("all", plan_of(), storage, FACTS)
    _run(search, 20)

    pruned = [trial for trial in search.results if trial.state == "pruned"]
    assert pruned
    assert all(len(trial.metrics["outcome.roc_auc"]) < 3 and trial.value is None for trial in pruned)
    best = search.best()
    assert best.value == max(trial.value for trial in search.results if trial.value is not None)
    assert 0.2 < float(best.values["outcome.C"]) < 5


def test_a_loss_is_minimized(plan_of, storage):
    search = Search("all", plan_of('objective = "outcome.log_loss"\n"outcome.C" = [0.3, 1.0, 10.0]\n'), storage, FACTS)
    _run(search, 6)

    assert float(search.best().values["outcome.C"]) == 10.0


def test_trials_are_distinct_while_new_values_remain(plan_of, storage):
    search = Search("all", plan_of('"outcome.C" = [0.1, 0.3, 1.0, 3.0]\n'), storage, FACTS)
    _run(search, 4)

    assert {trial.values["outcome.C"] for trial in search.results} == {"0.1", "0.3", "1.0", "3.0"}


def test_repeated_values_are_not_measured_again(plan_of, storage):
    search = Search("all", plan_of('"outcome.C" = [0.3, 1.0]\n'), storage, FACTS)
    _run(search, 6)

    values = {trial.values["outcome.C"]: trial.value for trial in search.results if trial.state == "complete"}
    assert {"0.3", "1.0"} == set(values)
    assert all(
        trial.value == values[trial.values["outcome.C"]] for trial in search.results if trial.state == "complete"
    )


def test_contradictory_values_are_never_selected(plan_of, storage):
    weights = ("request", "summary", "ur_guideline", "numbers", "case_size", "codes")
    settings = "[outcome.weights]\n" + "".join(f"{name} = 0.0\n" for name in weights)
    search = Search("all", plan_of('"outcome.weights.facts" = [0.2, 0.0]\n', settings), storage, FACTS)
    while {trial.state for trial in search.results} != {"complete", "impossible"}:
        trial = search.ask()
        while trial.is_open:
            search.report(trial, {"outcome.roc_auc": 0.7})

    assert {trial.values["outcome.weights.facts"] for trial in search.results if trial.state == "impossible"} == {"0.0"}
    assert search.best().values == {"outcome.weights.facts": "0.2"}


def test_a_trial_without_a_defined_metric_is_never_selected(plan_of, storage):
    search = Search("all", plan_of(), storage, FACTS)
    trial = search.ask()
    while trial.is_open:
        search.report(trial, {"outcome.roc_auc": float("nan")})

    assert search.results[0].state == "pruned"
    assert search.best() is None


@pytest.mark.parametrize("differing", ["settings", "data"])
def test_a_sweep_of_another_file_or_other_data_is_not_resumed(plan_of, storage, differing):
    Search("all", plan_of(), storage, FACTS)

    with pytest.raises(SweepError, match=f"sweeps/mine.db: belongs to a sweep with other {differing}; move it away"):
        Search("all", plan_of(), storage, FACTS | {differing: "other"})


def test_the_digest_changes_only_with_settings_that_change_trials(plan_of):
    digests = {
        plan_of(table, settings).digest
        for table, settings in [
            (TABLE, ""),
            (f"inner_folds = 4\n{TABLE}", ""),
            (f'objective = "outcome.brier"\n{TABLE}', ""),
            (TABLE.replace("10.0", "9.0"), ""),
            (TABLE, "[training]\nseed = 1"),
        ]
    }
    assert len(digests) == 5
    assert plan_of(TABLE, 'description = "Mine"').digest == plan_of().digest


def test_two_sweeps_never_share_a_store(storage, tmp_path):
    with pytest.raises(SweepError, match="another sweep is using it"), open_storage(tmp_path / "sweeps" / "mine.db"):
        pass


def test_a_file_that_is_not_a_store_is_a_one_line_error(tmp_path):
    (tmp_path / "mine.db").write_text("text" * 999)

    with pytest.raises(SweepError, match="is not the store of a sweep"), open_storage(tmp_path / "mine.db"):
        pass
