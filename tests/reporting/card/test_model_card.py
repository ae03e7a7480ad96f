"""The model card states metrics and limits, and contains no text of requests."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import make_requests

from imr_ml.corpus.schema import validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.evaluation.comparison import METRICS, MODEL
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.slices import Slice
from imr_ml.evaluation.splits import EvaluationSettings
from imr_ml.ladder.climbing import climb
from imr_ml.ladder.reading import REFERENCES
from imr_ml.model_files import save_model
from imr_ml.nlp.types import NlpSettings
from imr_ml.reporting.card.limits import case_size, limits
from imr_ml.reporting.card.rendering import Origin, model_card, write_card
from imr_ml.reporting.card.wording import format_dates, verdict
from imr_ml.training import TrainingSettings, train

QUICK = EvaluationSettings(folds=2, repeats=1, resamples=20, jobs=1)


def trained_on(evaluation=QUICK, n=60, **columns):
    table = make_requests(n).assign(**columns)
    return train(complete_requests(validate_requests(table, "t")), TrainingSettings(evaluation=evaluation))


@pytest.fixture(scope="module")
def card(trained):
    return model_card(trained, Origin("latest", "0123456789ab", commit="abc123"))


@pytest.fixture(scope="module")
def of_dmhc():
    return trained_on(source="dmhc", families=None, decision_date=None, decision_year=[2012.0, 2012.0, 2013.0] * 20)


@pytest.fixture(scope="module")
def proven():
    dates = pd.date_range("2016-01-01", periods=30).repeat(2).strftime("%Y-%m-%d")
    conclusion = np.where(np.arange(60) % 4 < 2, " In my opinion it is medically necessary.", "")
    spoken = make_requests(60)["clinical_summary"] + conclusion
    return trained_on(
        replace(QUICK, permutations=5, compare_masking=True), decision_date=dates, clinical_summary=spoken
    )


def with_data(trained, **facts):
    return replace(trained, data=replace(trained.data, **facts))


def with_slices(trained, *slices):
    return replace(trained, evaluation=replace(trained.evaluation, slices=slices))


def of_size(value, requests, overturned, auc=None):
    estimates = {} if auc is None else {"outcome.roc_auc": Estimate(auc, auc, auc)}
    return Slice("items in case", value, requests, requests, overturned, estimates)


def test_sample_data_is_stated_in_the_first_line(trained, card):
    assert card.splitlines()[0].startswith("**SAMPLE, SYNTHETIC")
    assert "SAMPLE" not in model_card(with_data(trained, source="dwc"))


def test_the_card_states_what_it_is_not_for(card):
    assert "Not for deciding anyone's care" in card


def test_every_metric_has_its_interval_and_its_baselines(trained, card):
    for estimates in trained.evaluation.estimates.values():
        for metric in METRICS:
            if metric in estimates:
                assert str(estimates[metric]) in card


@pytest.mark.parametrize(
    ("metric", "low", "high", "expected"),
    [
        ("outcome.roc_auc", 0.01, 0.2, "better"),
        ("outcome.roc_auc", -0.01, 0.2, "not proven"),
        ("outcome.roc_auc", -0.2, -0.1, "worse"),
        ("outcome.brier", -0.2, -0.1, "better"),
        ("outcome.brier", 0.1, 0.2, "worse"),
        ("family.f1_micro", 0.0, 0.2, "not proven"),
        ("family.f1_micro", float("nan"), float("nan"), "not proven"),
    ],
)
def test_a_difference_is_proven_only_where_its_interval_excludes_zero(metric, low, high, expected):
    assert verdict(Estimate((low + high) / 2, low, high), metric) == expected


def test_the_verdict_is_at_the_top(trained):
    differences = {
        name: {metric: Estimate(0.1, -0.1, 0.3) for metric in table}
        for name, table in trained.evaluation.differences.items()
    }
    doubtful = replace(trained, evaluation=replace(trained.evaluation, differences=differences))

    assert "**not** proven better than base rate, plain TF-IDF." in model_card(doubtful)
    assert "**The lead is not proven** for the outcome over: base rate, plain TF-IDF." in list(limits(doubtful))


def test_a_small_slice_has_a_count_and_no_metric(trained):
    figures = {metric: Estimate(0.987, 0.9, 1.0) for metric in METRICS}
    few = Slice("sex", "female", 19, 12, 3, figures)
    enough = Slice("sex", "male", 20, 12, 3, figures)

    rows = {
        line.split(" | ")[1]: line
        for line in model_card(with_slices(trained, few, enough)).splitlines()
        if "sex" in line
    }

    assert "| 19 | 12 | 3 | under 20 |" in rows["female"]
    assert "0.99" not in rows["female"]
    assert "0.99" in rows["male"]


def test_a_rarely_cited_family_has_no_metric(card):
    assert "| postsurgical | 0 | under 20 |" in card


@pytest.mark.parametrize(("overturned", "is_limit"), [(26, True), (2600, False)])
def test_few_overturned_requests_are_a_limit(trained, overturned, is_limit):
    warns = any("is a small number" in limit for limit in limits(with_data(trained, overturned=overturned)))

    assert warns == is_limit


def test_the_auc_of_the_number_of_requests_is_computed_from_the_slices(trained):
    from sklearn.metrics import roc_auc_score

    counts = {"1": (30, 12), "2": (40, 8), "3 to 4": (50, 5), "5 or more": (10, 0)}
    slices = [of_size(value, *count) for value, count in counts.items()]
    overturned = np.concatenate([np.arange(requests) < won for requests, won in counts.values()])
    fewer = -np.repeat(np.arange(4), [requests for requests, _ in counts.values()])

    size = case_size(with_slices(trained, *slices).evaluation)

    assert size.alone == pytest.approx(roc_auc_score(overturned, fewer))
    assert size.within is None


def test_the_auc_within_cases_of_similar_size_is_weighted_by_pairs(trained):
    slices = (of_size("1", 30, 10, auc=0.8), of_size("2", 40, 4, auc=0.6), of_size("3 to 4", 9, 1))

    within = case_size(with_slices(trained, *slices).evaluation).within

    assert within == pytest.approx((0.8 * 200 + 0.6 * 144) / 344)


@pytest.mark.parametrize(("single", "pairs", "is_limit"), [(20, 1, True), (8, 8, False)])
def test_the_number_of_requests_is_a_limit_if_it_explains_the_auc(trained, single, pairs, is_limit):
    sized = with_slices(trained, of_size("1", 40, single, auc=0.7), of_size("2", 40, pairs, auc=0.7))

    assert any("number of requests in the case" in limit for limit in limits(sized)) == is_limit


def test_coverage_below_the_target_is_a_limit(trained):
    below_target = replace(trained, coverage={**trained.coverage, "conformal.coverage_overturned": 0.73})

    assert any(
        "contained the outcome for 73% of cases with overturned requests" in limit for limit in limits(below_target)
    )


def test_a_source_without_families_has_a_card_without_them(of_dmhc):
    card = model_card(of_dmhc)

    assert "families:" not in card
    assert "UR's families" not in card
    assert "decided | 2012 to 2013 |" in card
    assert "Categories only" in card


def test_optional_tests_are_reported_if_they_were_run(proven, card):
    text = model_card(proven, Origin(commit="abc123"))

    assert "outcomes shuffled 5 times" in text
    assert "p = " in text
    assert "masked minus not masked" in text
    assert "--coverage 0.9 --proof" in text
    assert "The permutation test was not run" in card
    assert "The effect was not measured" in card


def test_the_temporal_split_is_reported_or_why_there_is_none(trained, card, proven):
    assert trained.evaluation.no_temporal in card
    assert proven.evaluation.temporal is None
    assert "Trained on" not in card


@pytest.fixture(scope="module")
def spanning():
    return trained_on(n=120, decision_date=pd.date_range("2014-01-01", periods=120, freq="9D").strftime("%Y-%m-%d"))


def test_metrics_on_later_decisions_are_reported(spanning):
    later = spanning.evaluation.temporal

    text = model_card(spanning)

    assert f"Trained on {later.train_requests} requests decided before {later.cutoff_date}" in text
    assert str(later.comparison.estimates[MODEL]["outcome.roc_auc"]) in text


@pytest.mark.parametrize(("auc", "is_limit"), [(0.7, True), (0.84, False)])
def test_a_lower_auc_on_later_decisions_is_a_limit(spanning, auc, is_limit):
    def with_auc(part, estimate):
        estimates = {**part.estimates, MODEL: {**part.estimates[MODEL], "outcome.roc_auc": estimate}}
        return replace(part, estimates=estimates)

    temporal = spanning.evaluation.temporal
    later = replace(temporal, comparison=with_auc(temporal.comparison, Estimate(auc, auc - 0.1, auc + 0.1)))
    evaluation = replace(with_auc(spanning.evaluation, Estimate(0.85, 0.8, 0.9)), temporal=later)

    assert (
        any("Lower on later decisions" in limit for limit in limits(replace(spanning, evaluation=evaluation)))
        == is_limit
    )


def test_the_ladder_is_reported_if_it_was_run(trained, card, prepared):
    rungs = [rung for rung in REFERENCES if rung.name in ("ur_families", "category_rate")]
    climbed = climb(prepared, QUICK, rungs)

    text = model_card(replace(trained, climb=climbed), Origin(commit="abc123"))

    champion = climbed.champions["family"]
    (step,) = [step for step in climbed.steps if step.rung.name == champion]
    assert f"| **{champion}** | {step.estimates['family.f1_micro']} |" in text
    assert "--ladder" in text
    assert "Is it worth its complexity?" not in card


def test_the_card_states_how_to_reproduce_the_model(trained, card):
    assert trained.data.sha256 in card
    assert "git checkout abc123" in card
    assert "--folds 3 --seed 0 --coverage 0.9\n" in card
    assert "differed from that commit" not in card
    assert "differed from that commit" in model_card(trained, Origin(commit="abc123", dirty=True))
    assert "commit is unknown" in model_card(trained)
    assert "--experiment" not in card
    other = replace(trained, settings=replace(trained.settings, nlp=NlpSettings(negation=False)))
    assert "--data DATA --experiment experiment.toml --folds 3" in model_card(other, Origin(commit="abc123"))


def test_the_card_contains_no_text_of_requests(trained, card, prepared_requests):
    words = " ".join(card.lower().split())

    for column in ("request", "clinical_summary", "ur_guideline", "imr_guideline", "rationale"):
        for text in prepared_requests[column].unique():
            assert not [part for part in text.lower().split(". ") if len(part.split()) > 2 and part in words]
    assert not [case for case in prepared_requests["case_number"] if case in card]


def test_the_card_is_deterministic(trained, card):
    assert model_card(trained, Origin("latest", "0123456789ab", commit="abc123")) == card


@pytest.mark.parametrize("which", ["trained", "of_dmhc", "proven"])
def test_table_rows_have_as_many_cells_as_the_header(which, request):
    lines = model_card(request.getfixturevalue(which)).splitlines()
    cells = [line.replace("\\|", "").count("|") if line.startswith("|") else 0 for line in lines]

    assert sum(count > 0 for count in cells) > 20
    assert not [
        line
        for line, count, before in zip(lines[1:], cells[1:], cells, strict=False)
        if count and before and count != before
    ]


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ([2016.95, 2017.1], "2016-12 to 2017-02"),
        ([2013.5, 2015.5], "2013 to 2015"),
        ([2014.5, np.nan], "2014 (1 without a date)"),
        ([np.nan], "dates unknown"),
    ],
)
def test_dates_are_as_precise_as_the_source(years, expected):
    assert format_dates(np.array(years)) == expected


def test_the_card_is_written_into_the_models_folder_and_listed_in_its_parent(trained, tmp_path):
    folder = save_model(trained, tmp_path / "models" / "latest")
    alone = save_model(trained, tmp_path / "elsewhere" / "mine")

    card, model_list = write_card(trained, folder, "abc123")
    (only,) = write_card(trained, alone)

    assert (card, model_list) == (folder / "README.md", tmp_path / "models" / "README.md")
    other = save_model(trained, tmp_path / "models" / "other")
    write_card(trained, other)
    assert "[latest](latest/README.md)" in model_list.read_text()
    assert "[other](other/README.md)" in model_list.read_text(), "the last model does not replace the others"
    assert "imr_ml, `latest`" in card.read_text()
    assert only == alone / "README.md"


def test_the_card_contains_the_model_version_of_scored_rows(trained, tmp_path):
    from imr_ml.model_files import read_model

    folder = save_model(trained, tmp_path / "model")

    (path,) = write_card(trained, folder)

    assert f"`{read_model(folder).version}`" in path.read_text()
