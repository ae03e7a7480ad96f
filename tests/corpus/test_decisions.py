"""A table of decided requests is read in chunks, which change nothing."""

import pandas as pd
import pytest
from factories import make_requests

from imr_ml.corpus.decided_rows import NO_FAMILIES
from imr_ml.corpus.decisions import ALL_TWICE, InputOptions, read_decisions
from imr_ml.corpus.mapping import read_mapping


@pytest.fixture
def path(tmp_path):
    """Forty requests: a few without an outcome, without families or decided in part, and a date that is none."""
    table = make_requests(40).assign(notes=[f"note {row}" for row in range(40)])
    table["outcome"] = table["outcome"].astype("object")
    table.loc[[3, 30], "outcome"] = None
    table.loc[17, "outcome"] = "partially overturned"
    table.loc[[5, 26], "families"] = None
    table["date_of_injury"] = table["date_of_injury"].astype("string")
    table.loc[[8, 9], "date_of_injury"] = ["31/12/2014", "some day"]
    table.to_csv(tmp_path / "a.csv", index=False)
    return tmp_path / "a.csv"


@pytest.mark.parametrize("columns", [(), ("letter_sha256", "case_version")])
def test_chunks_yield_the_same_decisions_as_the_whole_table(path, columns):
    table = pd.read_csv(path, dtype="string")
    table.drop(columns=[name for name in columns if name in table]).to_csv(path, index=False)
    options = InputOptions(read_mapping(["diagnosis=notes"]))

    whole, parts = (read_decisions(path, options, rows_at_once=rows) for rows in (50, 7))

    pd.testing.assert_frame_equal(parts.requests, whole.requests)
    pd.testing.assert_frame_equal(parts.rejected_rows, whole.rejected_rows)
    assert (parts.notes, parts.column_notes) == (whole.notes, whole.column_notes)
    assert "date_of_injury is read day first" in parts.notes


def test_rejected_rows_are_listed_as_written_in_table_order(path):
    rejected = read_decisions(path, rows_at_once=7).rejected_rows

    assert rejected["row"].tolist() == [4, 6, 18, 27, 31]
    assert rejected["notes"].tolist() == ["note 3", "note 5", "note 17", "note 26", "note 30"]
    assert rejected["reason"].eq(NO_FAMILIES).tolist() == [False, True, False, True, False]


def test_requests_of_a_case_share_one_copy_of_their_summary(tmp_path):
    table = pd.concat([make_requests(6)] * 3)
    table.to_csv(tmp_path / "a.csv", index=False)

    decisions = read_decisions(tmp_path / "a.csv", rows_at_once=4)

    summaries = decisions.requests["clinical_summary"]
    assert summaries.dtype == "string"
    assert len({id(text) for text in summaries}) == summaries.nunique()
    assert ALL_TWICE in decisions.notes
