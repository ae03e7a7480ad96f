"""Count rates by questions, with intervals and the number of differences expected by chance."""

import pandas as pd
import pytest
from decided_requests import MRI, NORCO, decided

from imr_ml.corpus.rates import difference_interval, wilson
from imr_ml.corpus.schema import typed
from imr_ml.corpus.table import complete_cases
from imr_ml.rates.counting import answer_requests, compare_values, count_rates, write_rates
from imr_ml.rates.questions import QUESTIONS, RatesError, answer_questions, question_named, questions_named


def rates_by(requests, *by, where=()):
    return count_rates(answer_requests(requests, by, "table", where), by)


def cell(rates, *values):
    matching = rates.cells[(rates.cells[list(rates.by)] == list(values)).all(axis=1)]
    return matching.iloc[0]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("category", "Diagnostic Testing"),
        ("treatment", "mri"),
        ("drug", "none named"),
        ("drug_class", "none named"),
        ("body_part", "knee"),
        ("diagnosis", "radiculopathy"),
        ("family", "acoem"),
        ("chapter", "knee"),
        ("ur_family", "acoem"),
        ("ur_cites_nothing", "no"),
        ("specialty", "Orthopedic Surgery|Sports Medicine"),
        ("items", "1"),
        ("age_band", "40 to 49"),
        ("sex", "female"),
        ("quarter", "2016 Q2"),
        ("year", "2016"),
    ],
)
def test_each_question_is_answered_from_text_or_table(question, answer):
    answered = answer_requests(decided((MRI, 1, 0)), [question], "table")
    assert answered.answers[question].tolist() == [answer]


def test_every_question_is_answered_for_a_table_of_texts_only():
    bare = pd.DataFrame({"request": ["unclear item"], "clinical_summary": ["No detail."], "outcome": ["upheld"]})

    answers = answer_questions(complete_cases(bare), list(QUESTIONS))

    assert answers.notna().all(axis=None)
    assert answers.loc[0, ["treatment", "family", "chapter", "year", "age_band"]].tolist() == [
        "none named",
        "unknown",
        "unknown",
        "unknown",
        "unknown",
    ]


def test_every_question_is_answered_for_empty_columns():
    requests = decided((MRI, 3, 1)).drop(columns=["age", "sex", "category", "ur_families"])
    columns = [name for name in requests if name not in ("request", "clinical_summary", "outcome")]
    requests = requests.assign(**dict.fromkeys(columns), clinical_summary="No detail.", treatment=None, age_band=None)

    answers = answer_questions(complete_cases(typed(requests)), list(QUESTIONS))

    assert answers.notna().all(axis=None)
    assert answers.loc[0, ["ur_cites_nothing", "chapter", "year", "quarter", "sex"]].tolist() == ["unknown"] * 5


def test_each_distinct_text_is_read_once():
    steps = []
    answer_questions(
        decided((MRI, 30, 0), (NORCO, 30, 0)), ["treatment", "drug"], lambda _, total: steps.append(total) or abs
    )

    assert steps == [2]


def test_a_cell_has_a_rate_with_its_interval_and_difference_from_the_others():
    rates = rates_by(decided((MRI, 100, 30), (NORCO, 50, 5)), "category")

    imaging = cell(rates, "Diagnostic Testing")
    assert (imaging["requests"], imaging["overturned"], imaging["rate"]) == (100, 30, 0.3)
    assert (imaging["low"], imaging["high"]) == wilson(30, 100)
    assert imaging["difference"] == pytest.approx(0.2)
    assert (imaging["difference_low"], imaging["difference_high"]) == difference_interval((30, 100), (5, 50))
    assert imaging["families"] == "acoem 100"
    assert rates.overall["rate"] == pytest.approx(35 / 150)


@pytest.mark.parametrize(("requests", "has_rate"), [(19, False), (20, True)])
def test_fewer_than_twenty_requests_have_a_count_but_no_rate(requests, has_rate):
    rates = rates_by(decided((MRI, requests, 5), (NORCO, 50, 5)), "category")

    imaging = cell(rates, "Diagnostic Testing")
    assert imaging["requests"] == requests
    assert imaging[["overturned", "rate", "low", "high", "difference"]].notna().all() == has_rate


def test_a_request_counts_once_for_each_of_its_values():
    rates = rates_by(decided(("MRI of the knee and the lumbar spine", 25, 5)), "body_part", "specialty")

    counts = rates.cells.set_index(["body_part", "specialty"])["requests"]
    assert counts.to_dict() == {
        (part, name): 25 for part in ("knee", "lumbar_spine") for name in ("Orthopedic Surgery", "Sports Medicine")
    }


@pytest.mark.parametrize("value", ["lumbar_spine", "low_back", "Low back", "LUMBAR SPINE"])
def test_a_condition_is_interpreted_by_the_text_stage(value):
    requests = decided(("MRI of the lower back", 30, 3), (MRI, 30, 9))

    assert rates_by(requests, "treatment", where=[f"body_part={value}"]).overall["overturned"] == 3


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("body_part", "write it as NAME=VALUE"),
        ("body_part=", "write it as NAME=VALUE"),
        ("limb=knee", "no question 'limb'; choose from category, "),
        ("body_part=moon", "no request has it; values are: knee"),
        ("year=1066", "no request has it; values are: 2016"),
    ],
)
def test_an_invalid_condition_is_refused(where, message):
    with pytest.raises(RatesError, match=message):
        rates_by(decided((MRI, 30, 3)), "year", where=[where])


@pytest.mark.parametrize("names", [[], ["year", "year"], ["year", "sex", "drug"], ["moon"]])
def test_one_or_two_different_questions_are_required(names):
    with pytest.raises(RatesError):
        questions_named(names)


def test_a_question_may_be_written_in_several_ways():
    assert question_named("Drug-Class").name == question_named("drug class").name == "drug_class"


def test_values_are_compared_for_requests_with_only_one_of_them():
    requests = decided((MRI, 40, 20), ("MRI of the neck", 40, 4), ("MRI of the knee and the neck", 10, 10))

    line = compare_values(answer_requests(requests, ["body_part"], "table"), "body_part", ("knee", "neck"))

    low, high = (100 * bound for bound in difference_interval((20, 40), (4, 40)))
    assert line == (
        f"knee 50.0% of 40 minus cervical_spine 10.0% of 40: +40.0 points [{low:+.1f}, {high:+.1f}]; "
        "10 request(s) with both left out"
    )


def test_a_comparison_with_too_few_requests_is_refused():
    requests = decided((MRI, 40, 20), ("MRI of the neck", 19, 4))

    with pytest.raises(RatesError, match=r"fewer than 20 requests have only cervical_spine \(19\)"):
        compare_values(answer_requests(requests, ["body_part"], "table"), "body_part", ("knee", "neck"))


def test_the_number_of_chance_differences_is_stated():
    groups = [(f"{request} {place}", 50, 5) for place in range(20) for request in (MRI,)]
    requests = decided(*groups, (NORCO, 50, 40)).assign(specialties=lambda rows: rows["request"])

    assert rates_by(requests, "specialty").chance.startswith(
        "1 of 21 cells differ from the other requests by their 95 % interval; about 1.1 would by chance alone"
    )


def test_the_written_table_marks_sample_requests_in_each_row(tmp_path):
    rates = rates_by(decided((MRI, 30, 3), (NORCO, 19, 3), source="sample"), "category")
    write_rates(rates, tmp_path / "rates.csv")

    written = pd.read_csv(tmp_path / "rates.csv")
    assert written["source"].tolist() == ["SAMPLE (SYNTHETIC)"] * 2
    assert written["overturned"].isna().tolist() == [False, True]
    assert "SAMPLE (SYNTHETIC)" in str(rates.facts)


def test_written_rates_contain_no_letter_text(tmp_path):
    requests = decided((MRI, 30, 3), specialties="A long sentence of a summary. " * 9)
    for question in QUESTIONS:
        for row in rates_by(requests, question).cells.to_dict("records"):
            assert all(len(str(value)) <= 80 for value in row.values())
            assert MRI not in row.values()


def test_the_interval_of_a_difference_matches_the_published_example():
    # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10.
    assert difference_interval((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert difference_interval((9, 10), (3, 10)) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert difference_interval((0, 20), (0, 10)) == pytest.approx((-0.2775, 0.1611), abs=5e-5)
