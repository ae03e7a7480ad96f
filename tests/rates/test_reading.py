"""Reading a table in chunks yields the same results as reading it at once."""

import numpy as np
import pandas as pd
import pytest
from decided_requests import MRI, NORCO, decided

from imr_ml.corpus.decisions import InputOptions
from imr_ml.corpus.schema import SchemaError
from imr_ml.progress import no_progress
from imr_ml.rates.counting import answer_requests, count_rates
from imr_ml.rates.questions import QUESTIONS, RatesError
from imr_ml.rates.reading import read_answers, read_decided

ROWS = 25
COMPUTED = ["ur_families", "items_in_case", "age", "sex", "category"]


@pytest.fixture(scope="module")
def requests():
    """Make cases across chunks, some reissued, rows without families, outcome or date, and repeated texts."""
    table = decided((MRI, 60, 20), (NORCO, 40, 2), ("MRI of the neck and the lumbar spine", 30, 3)).drop(
        columns=COMPUTED
    )
    place = np.arange(len(table))
    table["case_number"] = [f"CM16-{number // 3:07d}" if number % 11 else None for number in place]
    table["case_version"] = np.where(place % 13 == 0, 2, 1)
    table["decision_date"] = pd.Timestamp("2015-01-31") + pd.to_timedelta(place * 5, "D")
    table.loc[place % 17 == 0, "families"] = None
    table.loc[place % 19 == 0, "outcome"] = "pending"
    table.loc[place % 23 == 0, "decision_date"] = pd.NaT
    table["clinical_summary"] = [f"A {20 + number // 3} year old male. Neck pain." for number in place]
    return table.assign(source="dwc")


@pytest.fixture(params=["csv", "parquet"])
def table(request, requests, tmp_path):
    path = tmp_path / f"requests.{request.param}"
    requests.to_csv(path, index=False) if request.param == "csv" else requests.to_parquet(path)
    return path


def read_both(table, questions, where=(), **options):
    chunked, notes = read_answers(
        table, questions, no_progress, where=where, options=InputOptions(**options), rows_at_once=ROWS
    )
    whole = read_decided(table, no_progress, options=InputOptions(**options))
    return chunked, answer_requests(whole.requests, questions, whole.name, where), (notes, whole.notes)


@pytest.mark.parametrize("where", [(), ("body_part=neck",), ("treatment=mri", "year=2016"), ("items=2",)])
def test_chunks_yield_the_rates_facts_and_notes_of_the_whole_table(table, where):
    chunked, whole, (notes, expected) = read_both(table, list(QUESTIONS), where)

    assert str(chunked.facts) == str(whole.facts)
    assert sorted(notes) == sorted(expected)
    for question in QUESTIONS:
        ours, theirs = (count_rates(answered, [question]) for answered in (chunked, whole))
        pd.testing.assert_frame_equal(ours.cells, theirs.cells)
        assert ours.overall == theirs.overall


def test_listed_rows_are_read_again_in_order(table):
    chunked, whole, _ = read_both(table, ["treatment"], ("body_part=lumbar_spine",))
    columns = ["request", "imr_guideline", "case_number", "specialties"]

    ours, theirs = (
        answered.read_rows(np.array([5, 0, 3]), columns).reset_index(drop=True) for answered in (chunked, whole)
    )
    pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.parametrize(
    ("where", "message"),
    [(("body_part=foot",), "no request has it; values are: "), (("year=2016", "year=2015"), "no request")],
)
def test_conditions_that_no_request_meets_are_refused(table, where, message):
    with pytest.raises(RatesError, match=message):
        read_both(table, ["treatment"], where)


def test_several_sources_are_refused_unless_one_is_selected(requests, tmp_path):
    path = tmp_path / "two.parquet"
    pd.concat([requests, requests.assign(source="sample")]).to_parquet(path)

    sample, notes = read_answers(
        path, ["year"], no_progress, source="sample", options=InputOptions(), rows_at_once=ROWS
    )
    assert sample.facts.is_sample
    assert "sample only" in notes
    with pytest.raises(SchemaError, match="mixes sources"):
        read_answers(path, ["year"], no_progress, options=InputOptions(), rows_at_once=ROWS)


def test_a_table_without_a_decision_is_refused(requests, tmp_path):
    path = tmp_path / "undecided.csv"
    requests.assign(outcome="pending").to_csv(path, index=False)

    with pytest.raises(SchemaError, match=r"has no decided request \(130 x outcome is not a known decision\)"):
        read_answers(path, ["year"], no_progress, options=InputOptions(), rows_at_once=ROWS)
