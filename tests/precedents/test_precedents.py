"""Precedents and cohorts are similar requests of other cases that were decided earlier."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.metrics.pairwise import cosine_similarity

from imr_ml.corpus.near_duplicates import MIN_WORDS
from imr_ml.guidelines.types import FAMILIES
from imr_ml.precedents.cohorts import LEAST_REQUESTS, TIERS, Cohorts
from imr_ml.precedents.decided import DecidedRequests, Query, month_of
from imr_ml.precedents.kinds import Kinds
from imr_ml.precedents.neighbours import Neighbours, PrecedentSettings

UNKNOWN = float("nan")


def query(case="", letter="", summary="", asked_at=UNKNOWN) -> Query:
    return Query(np.array([case]), np.array([letter]), np.array([summary]), np.array([asked_at]))


def kind(category="Surgery", treatments="") -> Kinds:
    return Kinds(np.array([category]), np.array(["knee"]), np.array(["acoem"]), np.array([treatments]))


def decided(rows: int, **columns: object) -> DecidedRequests:
    """Identical requests of separate cases, all upheld in the middle of 2016."""
    values = {
        "case_number": [f"CM16-{row:07d}" for row in range(rows)],
        "letter": [""] * rows,
        "summary": [""] * rows,
        "item": np.ones(rows),
        "group": np.arange(rows),
        "overturned": np.zeros(rows, dtype=bool),
        "families": np.zeros((rows, len(FAMILIES)), dtype=bool),
        "decided_year": np.full(rows, 2016.5),
        "category": ["Surgery"] * rows,
        "body_part": ["knee"] * rows,
        "ur_families": ["acoem"] * rows,
        "treatments": [""] * rows,
    }
    return DecidedRequests(**{name: np.asarray(value) for name, value in (values | columns).items()})


def frame(category="Surgery", request_part="knee", summary_part="_absent", ur_families="acoem") -> pd.DataFrame:
    columns = ("category", "request_body_parts", "summary_body_parts", "ur_families")
    row = dict(zip(columns, (category, request_part, summary_part, ur_families), strict=True))
    return pd.DataFrame([row | {"treatments": "_absent", "drug_classes": "_absent"}])


def nearest(rows, question, stored=None, asker=None, kinds=None, most=3, **settings):
    matrix = csr_matrix(np.array(rows, dtype=float))
    stored = stored or decided(len(rows))
    neighbours = Neighbours.from_matrix(stored, matrix, np.ones(matrix.shape[1]), PrecedentSettings(**settings))
    return neighbours.nearest(csr_matrix(np.array([question], dtype=float)), asker or query(), kinds or kind(), most)[0]


def rows_of(precedents):
    return [precedent.row for precedent in precedents]


def test_the_most_similar_come_first_and_requests_without_common_terms_are_left_out():
    precedents = nearest([[0, 1, 0], [1, 1, 0], [5, 0, 0], [0, 0, 1]], [1, 0, 0])

    assert rows_of(precedents) == [2, 1]
    assert [precedent.similarity for precedent in precedents] == pytest.approx([1, 0.5**0.5])


def test_ties_are_ordered_by_row():
    assert rows_of(nearest([[1, 1]] * 6, [1, 1])) == [0, 1, 2]


@pytest.mark.parametrize(
    ("asker", "expected"),
    [
        (query(), [0, 1, 3]),
        (query(case="CM16-0000001"), [0, 3]),
        (query(letter="ffff"), [0, 1]),
        (query(summary="0123"), [1, 3]),
        (query(case="CM16-0000000"), [1, 3]),
        (query(case="CM99-0000001"), [0, 1, 3]),
        (query(asked_at=2016.25), [1, 3]),
        (query(case="CM16-0000001", asked_at=2016.25), [3]),
    ],
    ids=[
        "stranger",
        "own case",
        "own letter",
        "own summary",
        "own case and its near-duplicate",
        "other case",
        "earlier",
        "both",
    ],
)
def test_requests_of_the_same_case_and_later_ones_are_left_out(asker, expected):
    stored = decided(
        4,
        group=[7, 1, 7, 3],
        letter=["", "", "", "ffff"],
        summary=["", "", "0123", ""],
        decided_year=[2016.5, 2016.0, UNKNOWN, 2016.25],
    )

    assert sorted(rows_of(nearest([[1, 1]] * 4, [1, 1], stored, asker, most=9))) == expected


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=12), st.integers(1, 5))
def test_similarities_are_the_cosines_of_an_exhaustive_search(rows, most):
    *known, question = rows
    precedents = nearest(known, question, most=most)

    cosines = cosine_similarity([question], known)[0]
    expected = sorted((cosine for cosine in cosines if cosine > 1e-6), reverse=True)[:most]
    assert [precedent.similarity for precedent in precedents] == pytest.approx(expected, abs=1e-6)


def test_terms_are_weighted_and_only_the_largest_are_stored():
    matrix = csr_matrix([[1.0, 1.0, 1.0]])
    neighbours = Neighbours.from_matrix(decided(1), matrix, np.array([2.0, 0.0, 1.0]), PrecedentSettings(most_terms=1))

    assert neighbours.matrix.toarray().tolist() == [[1.0, 0.0, 0.0]]


def test_the_latest_requests_are_stored_and_those_of_unknown_date_dropped_first():
    years = [2015.5, UNKNOWN, 2017.5, 2016.5]
    precedents = nearest([[1, 1]] * 4, [1, 1], decided(4, decided_year=years), most_requests=2, most=9)

    assert rows_of(precedents) == [2, 3]


@pytest.mark.parametrize("most", [0, 2])
def test_no_precedents_are_an_empty_list(most):
    assert nearest([[1, 0]] if not most else [[0, 1]], [1, 0], most=most) == []


def test_only_the_most_similar_request_of_a_case_is_reported():
    precedents = nearest([[1, 1, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]], [1, 0, 0], decided(4, group=[0, 0, 1, 1]))

    assert rows_of(precedents) == [1, 3]


def test_the_same_treatment_and_category_rank_above_similarity():
    stored = decided(
        4,
        category=["Injection", "Surgery", "Injection", "Surgery"],
        treatments=["", "", "arthroscopy", "mri|arthroscopy"],
    )

    precedents = nearest([[1, 0], [2, 1], [1, 1], [1, 3]], [1, 0], stored, kinds=kind(treatments="arthroscopy"), most=4)

    assert rows_of(precedents) == [3, 1, 2, 0]
    assert [precedent.shares for precedent in precedents] == [
        ("treatment", "category"),
        ("category",),
        ("treatment",),
        (),
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "A", "B"]), st.integers(0, 4)), min_size=1, max_size=15),
    st.integers(1, 4),
)
def test_the_best_request_of_each_case_is_reported_in_order(rows, most):
    weight, categories, groups = (list(column) for column in zip(*rows, strict=True))
    stored = decided(len(rows), category=categories, group=np.unique(groups, return_inverse=True)[1])

    precedents = nearest([[1, value] for value in weight], [1, 0], stored, kinds=kind(category="A"), most=most)

    ranks = [(category == "A") + (1 + each**2) ** -0.5 for each, category in zip(weight, categories, strict=True)]
    best = sorted(max(rank for rank, case in zip(ranks, groups, strict=True) if case == group) for group in {*groups})
    assert [ranks[precedent.row] for precedent in precedents] == pytest.approx(best[::-1][:most])
    assert len({groups[precedent.row] for precedent in precedents}) == len(precedents)


@pytest.mark.parametrize(
    ("asker", "reason"),
    [
        (query(), "no decided request has a word or a fact in common with it"),
        (query(asked_at=2016.0), "no request of another case was decided by 2016-01"),
        (query(case="CM16-0000000"), "no request of another case was decided"),
    ],
)
def test_a_request_without_precedents_has_a_reason(asker, reason):
    neighbours = Neighbours.from_matrix(decided(1), csr_matrix([[1.0, 0.0]]), np.ones(2))

    assert neighbours.nearest(csr_matrix([[0.0, 1.0]]), asker, kind(), 3) == [[]]
    assert neighbours.explain_absence(asker, 0) == reason


@given(st.dates(date(1990, 1, 1), date(2030, 12, 31)))
def test_a_month_is_that_of_the_day(day):
    year = day.year + (day.timetuple().tm_yday - 1) / 365.25

    assert month_of(year) == f"{day:%Y-%m}"


def test_a_cohort_is_the_narrowest_with_twenty_requests():
    stored = decided(
        60,
        ur_families=["acoem"] * 19 + ["odg"] * 41,
        body_part=["knee"] * 30 + ["hip"] * 30,
        overturned=np.arange(60) % 10 == 0,
    )

    rates = Cohorts(stored).rates(Kinds.from_frame(frame()), query())

    assert (rates.tier, rates.requests[0], rates.rate[0]) == (["category+body_part"], 30, 0.1)
    # Wilson interval for 3 of 30, solved from the quadratic of the score test.
    assert (rates.low[0], rates.high[0]) == pytest.approx((0.0346, 0.2562), abs=1e-4)


@pytest.mark.parametrize(
    ("columns", "tier"),
    [
        ({}, "category+body_part+ur_families"),
        ({"ur_families": "odg"}, "category+body_part"),
        ({"request_part": "_absent", "summary_part": "knee hip"}, "category+body_part+ur_families"),
        ({"request_part": "hip", "summary_part": "knee"}, "category"),
        ({"request_part": "_absent"}, "category"),
    ],
)
def test_cohorts_widen_step_by_step(columns, tier):
    assert Cohorts(decided(LEAST_REQUESTS)).rates(Kinds.from_frame(frame(**columns)), query()).tier == [tier]


@pytest.mark.parametrize(
    ("columns", "asker", "reason"),
    [
        ({}, query(), "19 other request(s) of its category decided; a rate needs 20"),
        ({}, query(case="CM16-0000003"), "18 other request(s) of its category decided; a rate needs 20"),
        ({}, query(asked_at=2015.84), "0 other request(s) of its category decided by 2015-11; a rate needs 20"),
        ({"category": "Injection"}, query(), "0 other request(s) of its category decided; a rate needs 20"),
        ({"category": "_absent"}, query(), "its category is not known"),
    ],
)
def test_below_twenty_requests_there_is_a_reason_instead_of_a_rate(columns, asker, reason):
    rates = Cohorts(decided(LEAST_REQUESTS - 1)).rates(Kinds.from_frame(frame(**columns)), asker)

    assert (rates.tier, rates.reason) == ([None], [reason])
    assert np.isnan([rates.rate[0], rates.low[0], rates.high[0], rates.requests[0]]).all()


def test_a_rate_leaves_out_the_same_case_and_later_decisions():
    stored = decided(
        50,
        group=[0, 0, *range(2, 50)],
        overturned=np.arange(50) < 2,
        decided_year=[2016.0] * 30 + [2017.0] * 10 + [UNKNOWN] * 10,
    )
    cohorts = Cohorts(stored)

    sizes = [
        cohorts.rates(Kinds.from_frame(frame()), each).requests[0]
        for each in (query(), query(asked_at=2016.5), query(asked_at=2017.5))
    ]
    own = cohorts.rates(Kinds.from_frame(frame()), query(case="CM16-0000000", asked_at=2016.5))

    assert sizes == [50, 30, 40]
    assert (own.requests[0], own.rate[0]) == (28, 0.0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(2014, 2018)), min_size=1, max_size=60))
def test_counts_agree_with_a_naive_count(rows):
    overturned, group, year = map(np.array, zip(*rows, strict=True))
    stored = decided(len(rows), overturned=overturned, group=group, decided_year=year.astype(float))

    rates = Cohorts(stored).rates(Kinds.from_frame(frame()), query(case="CM16-0000000", asked_at=2016.0))

    counted = overturned[(group != group[0]) & (year <= 2016)]
    if len(counted) < LEAST_REQUESTS:
        assert rates.tier == [None]
    else:
        assert (rates.requests[0], rates.rate[0]) == (len(counted), counted.mean())


def test_a_query_is_built_from_a_table():
    table = pd.DataFrame(
        {
            "case_number": ["CM16-0000001", None, None],
            "letter_sha256": [None, "ab" * 32, None],
            "application_received": ["2016-07-01", None, None],
            "ur_denial_date": ["2015-01-01", "2015-01-01", None],
            "decision_year": [2020, 2020, 2017],
        }
    )

    query_of_table = Query.from_table(table)

    assert query_of_table.summary.tolist() == ["", "", ""]
    assert query_of_table.case_number.tolist() == ["CM16-0000001", "", ""]
    assert query_of_table.letter.tolist() == ["", "ab" * 8, ""]
    assert query_of_table.asked_at == pytest.approx([2016.498, 2015.0, 2017.5], abs=1e-3)


@pytest.mark.parametrize("cells", [[7, None], pd.array(["7", None], dtype="string"), [7, pd.NaT], ["7", float("nan")]])
def test_case_numbers_of_any_type_are_read_as_text(cells):
    query = Query.from_table(pd.DataFrame({"case_number": pd.Series(cells, dtype=getattr(cells, "dtype", object))}))

    assert query.case_number.tolist() == ["7", ""]


def test_a_query_from_a_minimal_table_has_no_time():
    query_of_table = Query.from_table(pd.DataFrame({"request": ["MRI"]}))

    assert (len(query_of_table), query_of_table.case_number.tolist(), np.isnan(query_of_table.asked_at).all()) == (
        1,
        [""],
        True,
    )


def test_decided_requests_come_from_the_table_the_labels_and_the_features(prepared, prepared_requests):
    decided = DecidedRequests.from_table(prepared_requests, prepared)

    assert len(decided) == len(prepared_requests)
    assert decided.case_number.tolist() == prepared_requests["case_number"].tolist()
    assert decided.category[0] == "Diagnostic_Testing"
    assert decided.body_part[0] == "knee"
    assert decided.ur_families[0] == "acoem"
    assert decided.treatments[:2].tolist() == ["mri", "opioid|acetaminophen"]
    assert decided.request == ()
    assert [decided.families_of(row) for row in range(3)] == [
        value.split("|") for value in prepared_requests["families"].head(3)
    ]


def test_precedents_of_a_source_without_families_have_none(prepared, prepared_requests):
    without = replace(prepared.labels, families=np.zeros_like(prepared.labels.families))

    assert DecidedRequests.from_table(prepared_requests, replace(prepared, labels=without)).families_of(0) == []


def test_a_case_is_recognized_by_its_number_or_the_words_of_its_summary(prepared):
    summary = " ".join(f"word{place}" for place in range(MIN_WORDS))
    table = pd.DataFrame(
        {"case_number": ["A", "B", "C", "D"], "clinical_summary": [summary, "Seen.", "Back pain.", None]}
    )
    rows = {name: getattr(Query.from_table(table), name) for name in ("case_number", "summary")}
    stored = replace(decided(4), **rows)

    new_requests = pd.DataFrame(
        {
            "case_number": ["B", None, "Z", None, None],
            "clinical_summary": [None, f"{summary.upper()}.", summary, "Seen.", f"{summary} more"],
        }
    )

    assert stored.contains_case(Query.from_table(new_requests)).tolist() == [True, True, True, False, False]


def test_texts_are_stored_only_if_requested(prepared, prepared_requests):
    without, texts = (
        DecidedRequests.from_table(prepared_requests, prepared, with_texts=with_texts) for with_texts in (False, True)
    )

    assert "request" not in without.arrays()
    loaded = DecidedRequests.from_arrays(texts.arrays())
    assert loaded.request == tuple(prepared_requests["request"])
    summaries = set(prepared_requests["clinical_summary"])
    assert not any(summaries & set(np.ravel(values).tolist()) for values in texts.arrays().values())


def test_a_model_without_summaries_and_treatments_is_still_read():
    older = {name: values for name, values in decided(3).arrays().items() if name not in ("summary", "treatments")}

    assert DecidedRequests.from_arrays(older).summary.tolist() == [""] * 3


def test_tiers_only_get_wider():
    shared = list(TIERS.values())

    assert all(set(wider) < set(narrow) for narrow, wider in pairwise(shared))
