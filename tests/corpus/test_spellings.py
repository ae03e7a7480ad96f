"""Outcomes as people write them."""

import pandas as pd
import pytest

from imr_ml.corpus.spellings import outcome_spellings, parse_outcomes, read_outcomes


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        ("Upheld", "upheld"),
        ("  UPHELD  ", "upheld"),
        ("Upheld Decision of Health Plan", "upheld"),
        ("Overturn", "overturned"),
        ("UR overturned", "overturned"),
        ("Overturned Decision of Health Plan", "overturned"),
        ("Partially Overturned", "partial"),
        ("Modified", "partial"),
        ("pending", None),
        ("", None),
        ("N/A", None),
    ],
)
def test_spellings(written, outcome):
    (found,) = read_outcomes(pd.Series([written]))

    assert (None if pd.isna(found) else found) == outcome


def test_partial_outcomes_are_missing_by_default():
    assert parse_outcomes(pd.Series(["overturned", "modified"])).isna().tolist() == [False, True]


def test_every_spelling_is_listed_once():
    assert set(outcome_spellings().values()) == {"upheld", "overturned", "partial"}
