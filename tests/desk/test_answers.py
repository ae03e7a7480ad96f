"""An answer has the numbers of scoring, and the rates behind them."""

import pandas as pd
import pytest
from decided_requests import MRI, NORCO, decided

from imr_ml.desk.answers import RATE_QUESTIONS, Desk, TableRates
from imr_ml.desk.form import MAX_CHARACTERS, DeskError, check_fields, fields_for
from imr_ml.guidelines.types import FAMILIES
from imr_ml.rates.counting import answer_requests
from imr_ml.scoring.frame import score_frame

REQUEST = {
    "request": "MRI of the left knee",
    "clinical_summary": "A 45 year old male. Therapy gave lasting relief and better sleep.",
    "ur_guideline": "Decision based on MTUS Knee Complaints 2004.",
}


@pytest.fixture(scope="module")
def desk(loaded):
    return Desk(loaded)


def test_an_answer_has_the_numbers_of_scoring(desk, loaded):
    row = desk.answer(REQUEST)["row"]

    expected = score_frame(pd.DataFrame([REQUEST]), loaded).iloc[0]
    for name in ("p_overturned", "outcome_pred", "families_pred", "cohort_rate", "cohort_requests", "cohort_tier"):
        assert row[name] == expected[name]
    assert row["p_families"] == [expected[f"p_{family}"] for family in FAMILIES]
    assert row["evidence"]["outcome"]
    assert row["precedents"]
    assert not REQUEST.keys() & row.keys()


def test_rates_are_those_of_every_cohort_that_the_request_belongs_to_the_narrowest_first(desk):
    answer = desk.answer(REQUEST)

    (training,) = answer["rates"]
    sizes = [rate["requests"] for rate in training["rows"]]
    cohort = next(rate for rate in training["rows"] if rate["tier"] == answer["row"]["cohort_tier"])
    assert training["rows"][-1]["name"] == "all decided requests"
    assert sizes == sorted(sizes)
    assert cohort["rate"] == answer["row"]["cohort_rate"]
    assert all((rate["rate"] is None) == (rate["requests"] < 20) for rate in training["rows"])


def test_a_table_adds_the_rates_of_what_the_request_names(loaded):
    table = decided((MRI, 60, 20), (NORCO, 40, 2), source="sample")
    rates = TableRates(answer_requests(table, RATE_QUESTIONS, "table.csv"))

    _, added = Desk(loaded, rates).answer(REQUEST)["rates"]

    named = {rate["name"]: (rate["requests"], rate["overturned"]) for rate in added["rows"]}
    assert "SAMPLE (SYNTHETIC)" in added["source"]
    assert named["Treatment: mri"] == (60, 20)
    assert not any("none named" in name or "unknown" in name for name in named)


def test_a_request_that_cannot_be_scored_has_its_reason(desk):
    answer = desk.answer({"request": "MRI", "clinical_summary": " "})

    assert answer["row"]["error"] == "clinical_summary is empty"
    assert answer["rates"] == []


def test_a_field_that_cannot_be_read_is_named_and_costs_only_itself(desk):
    row = desk.answer(REQUEST | {"age": "old", "date_of_injury": "2015-02-03"})["row"]

    assert row["error"] is None
    assert "age: not a valid number" in row["warnings"]


def test_the_own_case_is_no_precedent(desk):
    first = desk.answer(REQUEST)["row"]["precedents"][0]["case_number"]

    others = desk.answer(REQUEST | {"case_number": first})["row"]["precedents"]

    assert first not in [one["case_number"] for one in others]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["a"], "send one JSON object"),
        ({"request": 3}, "send one JSON object"),
        ({"outcome": "upheld"}, "unknown field"),
        ({"request": "x" * (MAX_CHARACTERS + 1)}, "request: longer than"),
    ],
)
def test_anything_but_texts_of_known_fields_is_refused_without_a_word_of_it(given, reason):
    with pytest.raises(DeskError, match=reason):
        check_fields(given, "dwc")


@pytest.mark.parametrize(
    "text", ["\x00 \ud800", "é" * 3000, "<script>alert(1)</script>", "knee " * 10_000, "🦴 knee\u2028pain"]
)
def test_strange_texts_are_scored(desk, text):
    assert desk.answer(REQUEST | {"clinical_summary": text})["row"]["error"] is None


def test_fields_are_those_that_a_model_of_the_source_may_use():
    names = {field.name for field in fields_for("dwc")}

    assert {"age", "sex", "category", "date_of_injury", "items_in_case"} <= names
    assert "diagnosis" not in names
    assert "diagnosis" in {field.name for field in fields_for("dmhc")}
    assert not names & {"outcome", "families", "decision_date", "rationale"}
