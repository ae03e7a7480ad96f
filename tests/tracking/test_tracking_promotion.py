"""Comparison of recorded runs, and promotion to champion."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from imr_ml.classifiers.types import Predictions
from imr_ml.cli import app
from imr_ml.evaluation.comparison import METRICS
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.tracking import judging
from imr_ml.tracking.comparing import RunFacts, compare_runs, differences_or_reason, paired_differences
from imr_ml.tracking.judging import judge
from imr_ml.tracking.predictions import Folds, HeldOut
from imr_ml.tracking.promotion import promote, rollback
from imr_ml.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME
from imr_ml.tracking.runs import record
from imr_ml.tracking.uris import TrackingError

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")

FOLDS = Folds("a" * 64, folds=3, repeats=2, seed=0, stratify=True)


@pytest.fixture
def make_run(trained):
    """Builds a run's facts from predictions; less noise makes them better."""
    labels, groups = trained.evaluation.labels, trained.neighbours.decided.group

    def make(noise, *, terms=100.0, folds=FOLDS, kind="sample", **metrics):
        random = np.random.default_rng(5)
        repeats = []
        for _ in range(folds.repeats):
            score = labels.overturned + noise * random.normal(size=len(groups))
            probability = 1 / (1 + np.exp(-score))
            repeats.append(Predictions(probability, labels.families.astype(float), labels.families))
        held_out = HeldOut(folds, labels, groups, OutOfFold(tuple(repeats)))
        metrics = {"model.terms": terms, **dict.fromkeys(METRICS, 0.5)} | metrics
        return RunFacts(f"run{noise}", f"noise {noise}", metrics, {"noise": str(noise)}, {"data.kind": kind}, held_out)

    return make


def test_a_model_does_not_differ_from_itself(make_run):
    run = make_run(1.0)
    for difference in paired_differences(run.held_out, run.held_out).values():
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_a_paired_difference_excludes_zero_and_is_antisymmetric(make_run):
    weaker, better = make_run(2.0), make_run(0.5)
    paired = paired_differences(weaker.held_out, better.held_out)["outcome.roc_auc"]
    assert paired.low > 0
    assert paired.value == pytest.approx(-paired_differences(better.held_out, weaker.held_out)["outcome.roc_auc"].value)


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"data": "b" * 64}, "different data"), ({"seed": 1}, "different folds"), ({"folds": 5}, "different folds")],
)
def test_predictions_on_different_data_or_folds_are_not_paired(make_run, changed, why):
    assert why in differences_or_reason(make_run(1.0), make_run(1.0, folds=replace(FOLDS, **changed)))


@pytest.mark.parametrize(
    ("challenger", "champion", "promoted", "why"),
    [
        pytest.param({"noise": 0.4}, {"noise": 3.0}, True, "it is better", id="better"),
        pytest.param({"noise": 3.0, "terms": 1}, {"noise": 0.4}, False, "it is worse", id="worse, though simpler"),
        pytest.param({"noise": 1.0, "terms": 99}, {"noise": 1.0}, True, "as good.*and simpler", id="as good, simpler"),
        pytest.param({"noise": 1.0}, {"noise": 1.0}, False, "as good.*not simpler", id="as good, as simple"),
        pytest.param({"noise": 1.0, "terms": 101}, {"noise": 1.0}, False, "not simpler", id="as good, less simple"),
        pytest.param(
            {"noise": 0.1},
            {"noise": 9.0, "kind": "real"},
            False,
            "sample corpus",
            id="never a sample over real letters",
        ),
        pytest.param(
            {"noise": 0.1, "folds": replace(FOLDS, data="c" * 64)},
            {"noise": 9.0},
            False,
            "different data",
            id="different data",
        ),
    ],
)
def test_the_promotion_rule(make_run, challenger, champion, promoted, why):
    verdict = judge(make_run(**challenger), make_run(**champion))
    assert verdict.promote is promoted
    assert re.search(why, verdict.reason), verdict.reason


def test_a_simpler_run_without_a_common_metric_is_not_promoted(make_run):
    champion, challenger = make_run(1.0), make_run(1.0, terms=1.0)
    bare = replace(challenger, metrics={"model.terms": 1.0})
    assert judge(bare, champion).promote is False
    assert "in common" in judge(bare, champion).reason


def test_a_metric_that_a_run_lacks_is_not_compared(in_tracked):
    """The claims administrator's families do not predict the outcome."""
    model, baseline = compare_runs([in_tracked.run.run_id, "UR's families | 60 req | 0123456*"]).runs
    assert "outcome.roc_auc" not in baseline.metrics
    differences = differences_or_reason(model, baseline)
    assert "family.f1_micro" in differences
    assert not any(metric.startswith("outcome.") for metric in differences)


@pytest.mark.parametrize(("low", "promoted"), [(0.01, True), (-0.01, False)])
def test_without_a_champion_the_challenger_must_beat_the_base_rate(make_run, low, promoted):
    lead = "outcome.roc_auc.over_base_rate"
    challenger = make_run(1.0, **{lead: 0.2, f"{lead}.low": low, f"{lead}.high": 0.4})
    assert judge(challenger, None).promote is promoted


@pytest.fixture(scope="module")
def two_versions(trained, tracked, migrated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two versions")
    shutil.copy(migrated, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for _ in range(2):
            record(trained, tracked.model_folder)
    return folder / "mlflow.db"


@pytest.fixture
def store(two_versions, empty_store):
    """Two versions of the same model; the second is the challenger."""
    shutil.copy(two_versions, empty_store / "mlflow.db")
    return MlflowClient(f"sqlite:///{empty_store}/mlflow.db")


def test_from_the_first_champion_to_a_rollback(store, monkeypatch):
    store.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")
    runner = CliRunner()

    refused = runner.invoke(app, ["promote"])
    assert refused.exit_code == 2
    assert "version 2 is not promoted: it is as good" in refused.output
    assert "--force --reason TEXT" in refused.output
    tags = store.get_model_version(MODEL_NAME, "2").tags
    assert tags["promotion.outcome"] == "not promoted"
    assert "promotion.reason" not in tags, "no reason was given"

    assert "needs a reason" in runner.invoke(app, ["promote", "--force"]).output
    forced = runner.invoke(app, ["promote", "--force", "--reason", "the team likes it"])
    assert forced.exit_code == 0
    assert "@champion is version 2 (before: version 1" in forced.output
    version = store.get_model_version(MODEL_NAME, "2")
    assert version.tags["promotion.outcome"] == "promoted by force"
    assert version.tags["promotion.reason"] == "the team likes it"
    assert version.tags["promotion.previous_champion"] == "1"
    assert "| outcome.roc_auc | +0.000 |" in version.description
    assert "version 2 is already the champion" in runner.invoke(app, ["promote"]).output

    undone = runner.invoke(app, ["rollback", "--reason", "it was too slow"])
    assert undone.exit_code == 0
    assert str(store.get_model_version_by_alias(MODEL_NAME, CHAMPION).version) == "1"
    assert "it was too slow" in store.get_model_version(MODEL_NAME, "2").tags["rollback"]
    assert "was the first champion" in runner.invoke(app, ["rollback"]).output


def test_a_better_challenger_is_promoted_and_the_comparison_is_recorded(store, monkeypatch):
    store.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")
    better = Estimate(0.2, 0.1, 0.3)
    monkeypatch.setattr(judging, "differences_or_reason", lambda *_: {"outcome.roc_auc": better})
    result = promote()
    assert result.promoted
    assert result.verdict.reason == "it is better: outcome.roc_auc +0.200 [+0.100, +0.300]"
    version = store.get_model_version_by_alias(MODEL_NAME, CHAMPION)
    assert str(version.version) == "2"
    assert result.verdict.reason in version.tags["promotion.verdict"]


def test_repeated_verdicts_with_long_reasons_fit_into_any_database(store):
    store.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")
    about = store.get_model_version(MODEL_NAME, "2").description
    for _ in range(3):
        assert not promote().promoted
    promote(force=True, reason="because\n" * 600)
    version = store.get_model_version(MODEL_NAME, "2")
    assert version.tags["promotion.reason"] == "because\n" * 600
    assert len(version.description) < 5000, "PostgreSQL takes no more"
    assert version.description.startswith(about)
    assert version.description.count("Judged") == 1
    with pytest.raises(TrackingError, match="the reason has 9,000 characters; at most 5,000 are allowed"):
        promote(force=True, reason="because, " * 1000)


def test_a_champion_whose_run_was_deleted_is_replaced_by_force_only(store):
    store.set_registered_model_alias(MODEL_NAME, CHAMPION, "1")
    _purge(store, store.get_model_version(MODEL_NAME, "1").run_id)
    result = promote()
    assert not result.promoted
    assert result.verdict.reason == "the run of version 1, the champion, was deleted, so the two can't be compared"
    assert promote(force=True, reason="its run is gone").promoted


def test_a_challenger_whose_run_was_deleted_is_reported(store):
    _purge(store, store.get_model_version(MODEL_NAME, "2").run_id)
    with pytest.raises(TrackingError, match="the run of version 2, the challenger, was deleted; train another"):
        promote(force=True, reason="all the same")


def _purge(client, run_id):
    """Delete permanently, like `mlflow gc`."""
    client.delete_run(run_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)
        command = [sys.executable, "-m", "mlflow", "gc", "--run-ids", run_id]
        subprocess.run([*command, "--backend-store-uri", client.tracking_uri], check=True, capture_output=True)


def test_without_any_model_there_is_nothing_to_promote_or_to_roll_back(empty_store):
    with pytest.raises(TrackingError, match="no version of imr-ml is the challenger; train one with 'imr-ml train'"):
        promote()
    with pytest.raises(TrackingError, match="no version of imr-ml is the champion"):
        rollback()


def test_runs_are_found_by_identifier_beginning_name_or_alias(in_tracked):
    run = in_tracked.run
    names = [
        run.run_id,
        run.run_id[:9].upper(),
        run.name,
        f"runs:/{run.run_id}/model",
        f"models:/{MODEL_NAME}@{CHALLENGER}",
        f"models:/{MODEL_NAME}/1",
    ]
    comparison = compare_runs(names)
    assert {run_facts.run_id for run_facts in comparison.runs} == {run.run_id}
    assert comparison.params == {}


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("no such run", "no run has the name or identifier 'no such run'.*the newest are: "),
        ("models:/imr-ml@nobody", "models:/imr-ml@nobody: "),
    ],
)
def test_a_missing_run_is_an_error(in_tracked, named, why):
    with pytest.raises(TrackingError, match=why):
        compare_runs([in_tracked.run.run_id, named])


def test_an_ambiguous_name_is_an_error_with_the_identifiers(store):
    with pytest.raises(TrackingError, match=r"2 runs match .*, newest first: \w{8}, \w{8}"):
        compare_runs(["tfidf+facts C=0.3 | 60 req"])


def test_the_terminal_shows_intervals_pairs_and_params_side_by_side(in_tracked):
    result = CliRunner().invoke(app, ["compare", in_tracked.run.run_id, "plain TF-IDF | 60 req | 0123456*"])
    assert result.exit_code == 0, result.output
    assert "SYNTHETIC sample data" in result.output
    assert "not paired" not in result.output
    auc = next(line for line in result.output.splitlines() if "outcome.roc_auc" in line)
    assert auc.count("[") == 3
    assert "predictor" in result.output


def test_in_a_narrow_terminal_names_and_values_are_folded_rather_than_cut(in_tracked, monkeypatch):
    monkeypatch.setattr(sys.modules["imr_ml.cli.app"], "WIDTH_WITHOUT_TERMINAL", 80)
    named = [in_tracked.run.run_id, "plain TF-IDF | 60 req | 0123456*"]
    result = CliRunner().invoke(app, ["compare", *named])
    assert "…" not in result.output


@pytest.mark.parametrize("named", ["", "  "])
def test_a_run_without_a_name_is_reported(in_tracked, named):
    with pytest.raises(TrackingError, match="name a run by its identifier"):
        compare_runs([in_tracked.run.run_id, named])


def test_one_run_is_not_compared(in_tracked):
    result = CliRunner().invoke(app, ["compare", in_tracked.run.run_id])
    assert result.exit_code == 2
    assert "at least two runs" in result.output
