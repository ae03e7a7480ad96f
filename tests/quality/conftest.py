"""Fixtures: a table without problems, and a check of a table as a file."""

from datetime import date
from random import Random

import pandas as pd
import pytest
from factories import make_requests

from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.quality.checking import check_requests
from imr_ml.quality.settings import read_settings

FEW_ARE_ENOUGH = "thresholds.learnable_from = 5"
TODAY = date(2026, 3, 4)
WORDS = ("knee", "pain", "therapy", "relief", "sleep", "work", "brace", "gait", "strength", "range", "motion", "stairs")


@pytest.fixture(scope="session")
def clean():
    """Make 120 invented requests of 60 cases, a tenth overturned, with a different summary for each case."""
    requests = make_requests(120, noise=0.0).assign(source="dwc")
    cases = requests["case_number"].unique()
    stories = {case: f"A {30 + place % 30} year old worker. {_story(place)}" for place, case in enumerate(cases)}
    ages = {case: 30 + place % 30 for place, case in enumerate(cases)}
    overturned = set(cases[::10])
    return requests.assign(
        clinical_summary=requests["case_number"].map(stories),
        age=requests["case_number"].map(ages),
        outcome=["overturned" if case in overturned else "upheld" for case in requests["case_number"]],
    )


@pytest.fixture
def check(tmp_path):
    """Write a table and check it, with lower limits on the size of training data."""

    def checked(table, own="", rows_at_once=10_000, **columns):
        path = tmp_path / "requests.parquet"
        table.to_parquet(path, index=False)
        settings = read_settings(own or FEW_ARE_ENOUGH)
        return check_requests(
            path, settings, mapping=ColumnMapping(columns=columns or {}), today=TODAY, rows_at_once=rows_at_once
        )

    return checked


@pytest.fixture
def planted(clean):
    """Change one row of the clean table."""

    def changed(row=4, **cells):
        table = clean.copy()
        for column, value in cells.items():
            values = table[column].astype("object") if column in table else pd.Series(pd.NA, table.index, "object")
            values.iloc[row] = value
            table[column] = values
        return table

    return changed


def _story(seed):
    return " ".join(Random(seed).choices(WORDS, k=60))
