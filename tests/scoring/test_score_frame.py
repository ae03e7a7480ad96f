"""Requests in, the same rows out with predictions; a row that can't be scored keeps its place and gets its reason."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import make_requests

from imr_ml.classifiers import OutcomeSets
from imr_ml.corpus import SchemaError
from imr_ml.features import column_weights
from imr_ml.guidelines import FAMILIES
from imr_ml.scoring import SCORE_COLUMNS, score_frame
from imr_ml.scoring.frame import check_columns

ADDED = list(SCORE_COLUMNS)
LEFT_EMPTY = [name for name in ADDED if name != "error"]


@pytest.fixture
def requests() -> pd.DataFrame:
    return make_requests(6)


def test_rows_and_columns_come_back_in_order_with_the_scores_after_them(loaded, requests):
    scored = score_frame(requests, loaded)

    pd.testing.assert_frame_equal(scored[requests.columns], requests)
    assert list(scored.columns) == [*requests.columns, *ADDED]
    assert scored["p_overturned"].between(0, 1).all()
    assert scored["error"].isna().all()
    assert set(scored["model_version"]) == {loaded.version}


def test_the_likeliest_family_is_in_the_predicted_set_and_has_the_largest_probability(loaded, requests):
    scored = score_frame(requests, loaded)

    columns = [f"p_{family}" for family in FAMILIES]
    assert (scored[columns].idxmax(axis=1) == "p_" + scored["primary_family"]).all()
    assert all(row.primary_family in row.families_pred.split("|") for row in scored.itertuples())


def test_an_outcome_is_only_said_where_the_prediction_set_holds_one(loaded, requests):
    scored = score_frame(requests, loaded)
    p_overturned = scored["p_overturned"].to_numpy()

    assert scored["confident"].tolist() == loaded.outcome_sets.confident(p_overturned).tolist()
    assert (scored["outcome_pred"].eq("uncertain") == ~scored["confident"]).all()


def test_no_request_is_called_overturned_that_is_more_likely_upheld(loaded, requests):
    sets = OutcomeSets(coverage=0.9, least_p_overturned=0.0, most_p_overturned=0.0)

    scored = score_frame(requests, replace(loaded, outcome_sets=sets))

    likely = scored["p_overturned"] >= 0.5
    assert scored["outcome_pred"].tolist() == np.where(likely, "overturned", "uncertain").tolist()


def test_evidence_adds_up_to_the_score_where_all_of_it_is_told(loaded, prepared):
    frame = prepared.frame.head(4)
    _, evidence = loaded.model.predict_with_evidence(frame, most=10**6)

    score = loaded.model.outcome_.classifier
    told = [sum(contribution.weight for contribution in row.outcome) for row in evidence]
    matrix = loaded.model.features_.transform(frame)
    weights = column_weights(loaded.model.features_, loaded.model.outcome_.candidate.weights)
    assert np.allclose(told, matrix @ (weights * score.coef_), atol=1e-4)


def test_evidence_names_section_term_and_weight_largest_first(loaded, requests):
    told = json.loads(score_frame(requests, loaded)["evidence"][0])

    assert set(told) == {"outcome", "primary_family"}
    weights = [abs(entry["weight"]) for entry in told["outcome"]]
    assert weights == sorted(weights, reverse=True)
    assert set(told["outcome"][0]) == {"section", "term", "weight"}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("request", None, "request is empty"),
        ("clinical_summary", "  ", "clinical_summary is empty"),
        ("date_of_injury", "the third of May", "date_of_injury is not a date"),
        ("age", "forty", "age is not a number"),
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


def test_all_rows_bad_gives_all_rows_back(loaded, requests):
    scored = score_frame(requests.assign(request=None), loaded)

    assert scored["error"].notna().all()
    assert len(scored) == len(requests)


def test_what_is_known_only_after_the_decision_does_not_move_a_score(loaded, requests):
    other = requests.assign(
        outcome="overturned", families="odg", rationale="Medically necessary.", imr_guideline="ODG", decision_date=None
    )

    pd.testing.assert_frame_equal(score_frame(requests, loaded)[ADDED], score_frame(other, loaded)[ADDED])


def test_only_request_and_summary_are_needed(loaded, requests):
    scored = score_frame(requests[["request", "clinical_summary"]], loaded)

    assert scored["error"].isna().all()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["request"], r"t\.csv: lacks column\(s\) clinical_summary; found: request"),
        (["request", "clinical_summary", "p_overturned"], r"t\.csv: has column\(s\) that scoring adds: p_overturned"),
        (["request", "clinical_summary", "error"], r"t\.csv: has column\(s\) that scoring adds: error"),
    ],
)
def test_columns_that_lack_or_would_be_overwritten_are_named(columns, told):
    with pytest.raises(SchemaError, match=told):
        check_columns(columns, "t.csv")
