"""Training returns a fitted model and its evaluation."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import make_requests
from progress_bars import ProgressBars

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Dataset
from imr_ml.corpus.schema import FEATURE_COLUMNS, LABEL_COLUMNS, SchemaError, validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.evaluation.comparison import METRICS, MODEL, baselines_for
from imr_ml.evaluation.splits import EvaluationSettings, SplitError
from imr_ml.model_files import read_model, save_model
from imr_ml.nlp.types import NlpSettings
from imr_ml.reporting.card.rendering import write_card
from imr_ml.reporting.figures import figures
from imr_ml.training import TrainingSettings, train
from imr_ml.training_data import TrainingError, data_digest

QUICK = TrainingSettings(evaluation=EvaluationSettings(folds=2, repeats=1, resamples=20, jobs=1))


def table(**columns: object) -> pd.DataFrame:
    return complete_requests(validate_requests(make_requests(60).assign(**columns), "t"))


@pytest.fixture(scope="module")
def trained():
    return train(table(), QUICK)


def test_training_gives_every_metric_with_its_baselines(trained):
    for metric in METRICS:
        for predictor in (MODEL, *baselines_for(metric)):
            assert np.isfinite(trained.evaluation.estimates[predictor][metric].value)
    assert set(trained.coverage) == {"conformal.coverage", "conformal.coverage_overturned", "conformal.confident"}
    assert trained.outcome_sets.coverage == QUICK.coverage


def test_the_data_a_model_was_trained_on_is_described(trained):
    overturned = table()["outcome"].eq("overturned").sum()

    assert replace(trained.data, sha256="") == replace(
        trained.data, source="sample", sha256="", requests=60, cases=30, groups=30, overturned=overturned, undecided=0
    )
    assert trained.data.is_synthetic


def test_rows_that_are_not_decided_are_left_out_and_counted(trained):
    undecided = table().iloc[:10].assign(outcome=None)
    no_families = table().iloc[10:14].assign(families=None)
    requests = pd.concat([undecided, table(), no_families], ignore_index=True).astype(table().dtypes)

    model = train(requests, QUICK)

    assert (model.data.requests, model.data.undecided) == (60, 14)
    assert model.data.sha256 == trained.data.sha256
    assert model.evaluation.estimates == trained.evaluation.estimates


def test_the_models_threshold_comes_from_held_out_predictions(trained):
    labels = trained.evaluation.labels
    p = trained.evaluation.out_of_fold.mean_p_overturned

    held = trained.outcome_sets(p)[np.arange(60), labels.overturned.astype(int)]

    assert held.mean() >= QUICK.coverage - 0.05


def test_the_checksum_covers_the_training_rows(trained):
    same = train(table(rationale="Other words.", specialties=None), QUICK)
    other = train(table(clinical_summary=table()["clinical_summary"] + " Seen in May."), QUICK)

    assert same.data.sha256 == trained.data.sha256 != other.data.sha256


def test_progress_bars_count_texts_read_and_predictors_fitted():
    bars = ProgressBars()

    train(table(), QUICK, bars.start)

    sections = table()[["request", "clinical_summary", "ur_guideline"]]
    assert bars.done == bars.announced
    assert bars.done == {"reading sections": sections.nunique().sum(), "fitting held-out models": 2 * 4}


def with_copies() -> pd.DataFrame:
    """Thirty cases; each summary is repeated with one changed word by another case."""
    requests = table()
    stories = []
    for case in pd.factorize(requests["case_number"])[0]:
        words = [f"word{case % 15}_{place}" for place in range(100)]
        stories.append(" ".join([*words, "before" if case < 15 else "after"]))
    return requests.assign(clinical_summary=pd.array(stories, dtype="string"))


def test_cases_that_repeat_a_summary_are_counted_as_one_group():
    model = train(with_copies(), QUICK)

    assert (model.data.cases, model.data.groups) == (30, 15)


def test_cases_that_repeat_a_summary_stay_on_one_side(monkeypatch):
    """Folds, bootstrap, calibration and thresholds all use the groups."""
    cases_fitted = []
    fit = RequestModel.fit_rows

    def watched(self, frame, labels, groups):
        cases_fitted.append(set(frame["clinical_summary"].str.extract(r"word(\d+)_")[0]))
        return fit(self, frame, labels, groups)

    monkeypatch.setattr(RequestModel, "fit_rows", watched)
    train(with_copies(), QUICK)

    first_fold, second_fold, everything = cases_fitted
    assert first_fold.isdisjoint(second_fold)
    assert len(first_fold | second_fold) == len(everything) == 15


def test_optional_evaluations_run_if_requested(trained):
    bars = ProgressBars()
    conclusion = " In my opinion the request is medically necessary."
    requests = table()
    concluding = requests["clinical_summary"] + conclusion
    requests = requests.assign(
        clinical_summary=concluding.where(requests["outcome"] == "overturned", requests["clinical_summary"])
    )
    settings = replace(QUICK, evaluation=replace(QUICK.evaluation, permutations=5, compare_masking=True))

    trained_with_options = train(requests, settings, bars.start)

    assert trained.evaluation.permutation is None
    assert trained.evaluation.masking is None
    assert len(trained_with_options.evaluation.permutation.shuffled_roc_auc) == bars.done["shuffling outcomes"] == 5
    masking = trained_with_options.evaluation.masking
    assert masking.requests_masked == trained_with_options.data.overturned
    assert masking.masked == trained_with_options.evaluation.estimates[MODEL]
    assert masking.unmasked["outcome.roc_auc"].value > masking.masked["outcome.roc_auc"].value
    assert masking.difference["outcome.roc_auc"].value == pytest.approx(
        masking.masked["outcome.roc_auc"].value - masking.unmasked["outcome.roc_auc"].value
    )
    assert bars.done == bars.announced
    assert bars.done["comparing masking"] == 2


def test_masking_has_no_effect_without_anything_to_mask():
    bars = ProgressBars()
    settings = replace(QUICK, evaluation=replace(QUICK.evaluation, compare_masking=True))

    masking = train(table(), settings, bars.start).evaluation.masking

    assert masking.requests_masked == 0
    assert masking.masked == masking.unmasked
    assert {(estimate.value, estimate.low, estimate.high) for estimate in masking.difference.values()} == {(0, 0, 0)}
    assert bars.done["comparing masking"] == 0


def test_the_comparison_is_the_same_without_masking():
    requests = table()
    conclusion = (requests["outcome"] == "overturned").map(
        {True: " In my opinion it is medically necessary.", False: ""}
    )
    requests = requests.assign(clinical_summary=requests["clinical_summary"] + conclusion.astype("string"))
    settings = replace(QUICK, evaluation=replace(QUICK.evaluation, compare_masking=True))

    on = train(requests, settings).evaluation.masking
    off = train(requests, replace(settings, nlp=NlpSettings(mask_determination=False))).evaluation.masking

    assert on == off


def test_a_source_that_reports_no_families_is_trained_on_by_outcome():
    model = train(table(source="dmhc", families=None), QUICK)

    assert model.data.requests == 60
    assert set(model.evaluation.estimates[MODEL]) == {name for name in METRICS if name.startswith("outcome.")}


def test_sources_are_not_mixed():
    mixed = table(source=["dwc"] * 20 + ["sample"] * 40)

    with pytest.raises(TrainingError, match=r"mixes sources \(dwc, sample\): train on one source at a time"):
        train(mixed, QUICK)


def test_sources_of_rows_that_are_left_out_do_not_count():
    requests = table(source=["dwc"] * 20 + ["sample"] * 40)
    requests.loc[:19, "outcome"] = None

    assert train(requests, QUICK).data.source == "sample"


def test_a_table_without_decided_requests_is_refused():
    with pytest.raises(TrainingError, match="no decided request: fill the column outcome"):
        train(table(outcome=None), QUICK)
    with pytest.raises(SchemaError, match=r"lacks column.*outcome"):
        train(table().drop(columns="outcome"), QUICK)


@pytest.mark.parametrize("without", [lambda one: one.assign(families=None), lambda one: one.drop(columns="families")])
def test_a_table_without_families_trains_the_outcome_classifier_alone(without):
    trained = train(without(table()), QUICK)

    assert trained.model.families_ is None
    assert not any(name.startswith("family.") for name in trained.evaluation.estimates["model"])


@pytest.mark.parametrize("families", ["odg", "none", "acoem|odg"])
def test_identical_citations_are_trained_on_and_noted(families):
    model = train(table(families=families), QUICK)

    assert model.notes == (f"every request cites {families}: the family classifier predicts nothing else",)
    assert "family_coefficients" not in figures(model)
    assert set(model.evaluation.estimates[MODEL]) == set(METRICS)


WITHOUT_WORDS = {"request": "1 2 3.", "clinical_summary": "...", "ur_guideline": "7."}


def test_texts_without_words_are_trained_on_and_noted():
    model = train(table(**WITHOUT_WORDS), QUICK)

    assert model.notes == tuple(f"no {column} has a word: nothing is learned from it" for column in WITHOUT_WORDS)
    assert model.evaluation.estimates["plain_tfidf"]["outcome.roc_auc"].value == 0.5
    assert set(figures(model)) >= {"roc", "family_f1"}


@pytest.mark.slow
def test_the_ladder_runs_on_texts_without_words():
    model = train(table(**WITHOUT_WORDS), replace(QUICK, ladder=True))

    assert {"words", "nb_svm", "stacked"} <= {step.rung.name for step in model.climb.steps}


def test_an_ordinary_table_has_no_notes(trained):
    assert trained.notes == ()
    assert train(table(ur_guideline=None), QUICK).notes == ()


def test_too_few_cases_are_refused():
    with pytest.raises(SplitError, match=r"only 0 case\(s\) with a request overturned"):
        train(table(outcome="upheld"), QUICK)


def test_the_data_digest_does_not_depend_on_the_batch_size():
    decided = pd.concat([table()] * 170, ignore_index=True)
    columns = [*FEATURE_COLUMNS, *LABEL_COLUMNS]

    whole = pd.util.hash_pandas_object(decided.reindex(columns=columns).astype("string"), index=False)

    assert data_digest(decided) == hashlib.sha256(whole.to_numpy().tobytes()).hexdigest()


@pytest.fixture(scope="module")
def of_large_table():
    settings = replace(
        QUICK,
        model=ModelSettings(large_from=40),
        evaluation=replace(QUICK.evaluation, folds=4, large_from=40),
    )
    return train(table(), settings)


def test_a_large_table_is_noted(of_large_table):
    tested = len(of_large_table.evaluation.rows)

    assert 10 <= tested <= 20
    assert of_large_table.notes[-2].startswith(f"large table: tested on {tested} requests, 1 of 4 folds;")
    assert of_large_table.notes[-1].startswith("large table: more than 40 requests")
    assert of_large_table.reference.drawn_from == 60
    assert len(of_large_table.reference) == tested


def test_a_model_of_a_large_table_is_saved_and_predicts_the_same(of_large_table, tmp_path):
    frame = Dataset.from_table(table()).frame

    loaded = read_model(save_model(of_large_table, tmp_path / "model"))

    ours, theirs = (model.predict(frame) for model in (loaded.model, of_large_table.model))
    assert np.array_equal(ours.p_overturned, theirs.p_overturned)
    assert np.array_equal(ours.family_set, theirs.family_set)


def test_figures_and_card_of_a_large_table_cover_the_tested_requests(of_large_table, tmp_path):
    folder = save_model(of_large_table, tmp_path / "model")

    card = write_card(of_large_table, folder)[0].read_text("utf-8")

    assert f"{len(of_large_table.evaluation.rows)} requests were predicted" in card
    assert {"roc", "confusion", "family_f1"} <= set(figures(of_large_table))
