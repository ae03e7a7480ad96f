"""Scoring returns the same rows with predictions; a row that can't be scored has its reason."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from factories import make_requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imr_ml.classifiers.conformal import OutcomeSets
from imr_ml.classifiers.types import Predictions
from imr_ml.corpus.schema import SchemaError, validate_requests
from imr_ml.corpus.table import complete_requests
from imr_ml.guidelines.types import FAMILIES
from imr_ml.precedents.cohorts import TIERS
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.columns import family_columns, outcome_columns
from imr_ml.scoring.frame import check_columns, score_frame

ADDED = list(SCORE_COLUMNS)
LEFT_EMPTY = [name for name in ADDED if name != "error"]


@pytest.fixture
def requests() -> pd.DataFrame:
    return make_requests(6).assign(application_received="2016-07-01")


def test_rows_and_columns_come_back_in_order_with_the_scores_after_them(loaded, requests):
    scored = score_frame(requests, loaded)

    pd.testing.assert_frame_equal(scored[requests.columns], requests)
    assert list(scored.columns) == [*requests.columns, *ADDED]
    assert scored["p_overturned"].between(0, 1).all()
    assert scored["error"].isna().all()
    assert set(scored["model_version"]) == {loaded.version}


def test_a_row_gets_the_same_scores_alone_as_among_others(loaded, requests):
    mixed = requests.assign(age=["44", "old", None, "51 y/o", "-", "130"])
    mixed.loc[2, "request"] = None

    alone = pd.concat([score_frame(mixed.iloc[[row]], loaded) for row in range(len(mixed))])

    pd.testing.assert_frame_equal(score_frame(mixed, loaded), alone)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=st.lists(st.one_of(st.integers(0, 3), st.text(max_size=2), st.none()), min_size=6, max_size=6))
def test_scores_are_aligned_by_position_whatever_the_index(loaded, requests, labels):
    index = pd.Index(labels, dtype=object, name="case_number")

    scored = score_frame(requests.set_axis(index), loaded)

    pd.testing.assert_index_equal(scored.index, index)
    pd.testing.assert_frame_equal(scored.reset_index(drop=True), score_frame(requests, loaded))


def test_the_primary_family_is_the_most_probable_of_the_predicted_set(loaded, requests):
    for _, row in score_frame(requests, loaded).iterrows():
        predicted = row["families_pred"].split("|")

        assert row["primary_family"] == max(predicted, key=lambda family: row[f"p_{family}"])
        assert predicted == ["none"] or "none" not in predicted


def test_an_outcome_is_predicted_only_if_the_prediction_set_has_one(loaded, requests):
    scored = score_frame(requests, loaded)
    p_overturned = scored["p_overturned"].to_numpy()

    assert scored["confident"].tolist() == loaded.sets().confident(p_overturned).tolist()
    assert (scored["outcome_pred"].eq("uncertain") == ~scored["confident"]).all()


def test_the_coverage_is_the_users_choice(loaded):
    """Eighty cases are enough for a coverage of 90%, but not for 99%."""
    requests = make_requests(60, seed=3)

    scored = {
        coverage: score_frame(requests, loaded, ScoreOptions(coverage=coverage)) for coverage in (None, 0.8, 0.9, 0.99)
    }

    pd.testing.assert_frame_equal(scored[None], scored[0.9])
    for coverage in (0.8, 0.9):
        sets = loaded.held_out.sets(coverage)
        assert (
            scored[coverage]["confident"].tolist()
            == sets.confident(scored[coverage]["p_overturned"].to_numpy()).tolist()
        )
    assert scored[0.8]["confident"].tolist() != scored[0.9]["confident"].tolist()
    assert scored[0.99]["outcome_pred"].eq("uncertain").all()


@pytest.mark.parametrize("options", [{"coverage": 1.0}, {"coverage": 90}, {"precedents": -1}])
def test_invalid_options_are_refused(options):
    with pytest.raises(ValueError, match="must be"):
        ScoreOptions(**options)


def test_a_request_that_is_more_probably_upheld_is_never_predicted_overturned():
    sets = OutcomeSets(coverage=0.9, min_p_overturned=0.0, max_p_overturned=0.0)
    p = np.array([0.1, 0.49, 0.5, 0.9])

    scored = outcome_columns(
        Predictions(p, np.zeros((4, 8)), np.zeros((4, 8), dtype=bool)), sets, np.zeros(4, dtype=bool)
    )

    assert scored["outcome_pred"].tolist() == ["uncertain", "uncertain", "overturned", "overturned"]


def test_the_chapter_is_reported_where_acoem_is_expected_and_a_body_part_reports_it(loaded, requests):
    scored = score_frame(requests, loaded)

    is_knee = scored["request"].str.contains("knee")
    assert scored.loc[is_knee, "families_pred"].str.contains("acoem").all()
    assert scored.loc[is_knee, "acoem_chapter"].eq("knee").all()
    assert scored.loc[~scored["families_pred"].str.contains("acoem"), "acoem_chapter"].isna().all()


def test_family_columns_are_missing_for_a_source_without_families(prepared):
    nothing = Predictions(np.full(4, 0.2), np.full((4, 8), np.nan), np.zeros((4, 8), dtype=bool))

    scored = pd.DataFrame(family_columns(nothing, prepared.frame.head(4)), index=range(4))

    assert scored.columns.tolist() == [
        "families_pred",
        "primary_family",
        "acoem_chapter",
        *(f"p_{f}" for f in FAMILIES),
    ]
    assert scored.isna().all(axis=None)


def test_precedents_are_of_other_cases_one_of_each_and_of_the_same_treatment_first(loaded, requests):
    precedent_lists = [json.loads(row) for row in score_frame(requests, loaded)["precedents"]]

    for case_number, precedents in zip(requests["case_number"], precedent_lists, strict=True):
        assert len(precedents) == 3
        assert case_number not in {precedent["case_number"] for precedent in precedents}
        assert len({precedent["case_number"] for precedent in precedents}) == 3
        shared = [len(precedent["shares"]) for precedent in precedents]
        assert shared == sorted(shared, reverse=True)
        assert precedents[0]["shares"] == ["treatment", "category"]
        assert set(precedents[0]) == {
            "case_number", "item", "outcome", "families", "decided", "similarity", "shares", "request",
        }  # fmt: skip
        assert precedents[0]["request"] is None


def test_precedents_and_cohorts_exclude_later_decisions(loaded, requests):
    before = requests.assign(application_received="2016-05-31")
    after = requests.assign(application_received="2016-06-01")

    scored = score_frame(before, loaded)
    assert scored["precedents"].eq("[]").all()
    assert scored["precedents_reason"].eq("no request of another case was decided by 2016-05").all()
    assert scored["cohort_rate"].isna().all()
    assert scored["cohort_reason"].str.endswith("decided by 2016-05; a rate needs 20").all()
    assert score_frame(after, loaded)["precedents"].ne("[]").all()


def test_an_empty_cohort_or_precedent_list_has_a_reason(loaded):
    requests = make_requests(10).assign(application_received=["2016-05-31", "2016-07-01"] * 5)
    requests.loc[0, "request"] = "Unclear item"

    scored = score_frame(requests, loaded)

    assert (scored["cohort_rate"].isna() == scored["cohort_reason"].notna()).all()
    assert (scored["precedents"].eq("[]") == scored["precedents_reason"].notna()).all()


def test_rows_of_cases_that_the_model_was_trained_on_are_marked(loaded, prepared_requests):
    strangers = make_requests(4, seed=9).assign(case_number=["CM19-0000001"] * 2 + [None] * 2)

    assert score_frame(make_requests(4), loaded)["in_training"].tolist() == [True] * 4
    assert score_frame(strangers, loaded)["in_training"].tolist() == [False] * 4


def test_cohorts_are_reported_with_their_interval(loaded, requests):
    scored = score_frame(requests.assign(application_received="2017-01-01"), loaded)

    assert scored["cohort_requests"].ge(20).all()
    assert scored["cohort_low"].lt(scored["cohort_rate"]).all()
    assert scored["cohort_high"].gt(scored["cohort_rate"]).all()
    assert set(scored["cohort_tier"]) <= {*TIERS}


def test_evidence_and_precedents_can_be_left_out(loaded, requests):
    scored = score_frame(requests, loaded, ScoreOptions(evidence=False, precedents=0))

    assert scored[["evidence", "precedents"]].isna().all(axis=None)
    rest = [name for name in ADDED if name not in ("evidence", "precedents")]
    pd.testing.assert_frame_equal(scored[rest], score_frame(requests, loaded)[rest])


def test_columns_derived_from_texts_are_optional(loaded, requests):
    columns = ["category", "age", "sex"]
    completed = complete_requests(validate_requests(requests, "t"))

    pd.testing.assert_frame_equal(
        score_frame(completed, loaded)[ADDED], score_frame(completed.drop(columns=columns), loaded)[ADDED]
    )


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("request", None, "request is empty"),
        ("clinical_summary", "  ", "clinical_summary is empty"),
    ],
)
def test_a_bad_row_is_kept_with_its_reason_and_costs_only_itself(loaded, requests, column, value, reason):
    whole = score_frame(requests, loaded)
    broken = requests.reindex(columns=[*requests.columns, *({column} - {*requests.columns})]).astype({column: "object"})
    broken.loc[2, column] = value

    scored = score_frame(broken, loaded)

    assert scored.loc[2, "error"].startswith(reason)
    assert scored.loc[2, LEFT_EMPTY].isna().all()
    others = [0, 1, 4, 5]
    pd.testing.assert_frame_equal(scored.loc[others, ADDED], whole.loc[others, ADDED])


def test_all_rows_are_returned_if_none_can_be_scored(loaded, requests):
    scored = score_frame(requests.assign(request=None), loaded)

    assert scored["error"].notna().all()
    assert len(scored) == len(requests)


def test_columns_known_only_after_the_decision_have_no_effect(loaded, requests):
    other = requests.assign(
        outcome="overturned", families="odg", rationale="Medically necessary.", imr_guideline="ODG", decision_date=None
    )

    pd.testing.assert_frame_equal(score_frame(requests, loaded)[ADDED], score_frame(other, loaded)[ADDED])


def test_only_request_and_summary_are_needed(loaded, requests):
    scored = score_frame(requests[["request", "clinical_summary"]], loaded)

    assert scored["error"].isna().all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["request"], r"t\.csv: lacks column\(s\) clinical_summary; found: request"),
        (["request", "clinical_summary", "p_overturned"], r"t\.csv: has column\(s\) that scoring adds: p_overturned"),
        (["request", "clinical_summary", "error"], r"t\.csv: has column\(s\) that scoring adds: error"),
    ],
)
def test_columns_that_lack_or_would_be_overwritten_are_named(columns, message):
    with pytest.raises(SchemaError, match=message):
        check_columns(columns, "t.csv")


def test_a_request_with_little_text_is_uncertain_with_a_warning(loaded):
    requests = make_requests(3)
    requests["age"] = ["44", "44", "forty"]
    requests.loc[1, ["request", "clinical_summary"]] = ["qwx zjq", "The qzx jqwz zzqj xqj."]
    requests.loc[2, ["request", "clinical_summary"]] = ["MRI", "Knee."]

    scored = score_frame(requests, loaded)

    assert scored["warnings"].tolist()[0] is pd.NA
    assert re.fullmatch(r"clinical_summary: the model knows 1 of \d+ words", scored["warnings"][1])
    assert re.fullmatch(r"age: .*; clinical_summary: too short to tell", scored["warnings"][2])
    assert scored["outcome_pred"].tolist()[1:] == ["uncertain", "uncertain"]
    assert not scored["confident"][1:].any()


def test_unknown_words_alone_get_the_base_rate(loaded, prepared):
    scored = score_frame(pd.DataFrame([{"request": "asdf qwer", "clinical_summary": "lorem ipsum"}]), loaded)

    assert scored["p_overturned"][0] == pytest.approx(prepared.labels.overturned.mean(), abs=1e-9)
    assert scored["p_none"][0] == pytest.approx(prepared.labels.families[:, FAMILIES.index("none")].mean(), abs=1e-9)
