"""Profiles of batches of any size."""

import numpy as np
import pandas as pd
import pytest
from factories import KNEE, NORCO, make_letter_text, make_requests

from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import SchemaError
from imr_ml.drift.batches import profile_file
from imr_ml.drift.comparing import DriftError
from imr_ml.scoring.frame import score_frame


def new_requests(n, **columns):
    """Requests of cases that the model was not trained on."""
    requests = make_requests(n, **columns)
    return requests.assign(case_number="CM19-" + requests["case_number"].str[-7:])


def assert_equal(profile, expected):
    assert np.array_equal(profile.case, expected.case)
    for name, values in profile.numbers.items():
        np.testing.assert_array_equal(values, expected.numbers[name])
    for name, labels in profile.labels.items():
        assert labels.tolist() == expected.labels[name].tolist()


def test_a_profile_has_the_scores_of_the_model(loaded, tmp_path):
    requests = new_requests(9, seed=4).assign(items_in_case=2)
    requests.to_parquet(tmp_path / "in.parquet")

    profile = profile_file(tmp_path / "in.parquet", loaded).profile

    scored = score_frame(requests, loaded)
    assert profile.numbers["p_overturned"] == pytest.approx(scored["p_overturned"], abs=0.0006)
    assert profile.labels["primary_family"].tolist() == scored["primary_family"].tolist()
    assert profile.numbers["items_in_case"].tolist() == [2] * 9
    assert profile.case.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_the_profile_does_not_depend_on_the_chunk_size(loaded, tmp_path):
    new_requests(20).to_csv(tmp_path / "in.csv", index=False)
    whole = profile_file(tmp_path / "in.csv", loaded).profile

    assert_equal(profile_file(tmp_path / "in.csv", loaded, rows_at_once=3).profile, whole)


def test_a_large_table_is_sampled_by_whole_cases_with_a_seed(loaded, tmp_path, monkeypatch):
    new_requests(600).to_parquet(tmp_path / "in.parquet")

    first, repeated, other = (
        profile_file(tmp_path / "in.parquet", loaded, max_rows=200, seed=seed).profile for seed in (0, 0, 1)
    )

    assert 130 <= len(first) <= 270
    assert first.drawn_from == 600
    assert (np.bincount(first.case) == 2).all()
    assert_equal(first, repeated)
    assert not np.array_equal(first.numbers["age"], other.numbers["age"])


def test_many_letters_are_sampled(loaded, tmp_path):
    for number in range(20):
        text = make_letter_text(case_number=f"CM19-{number:07d}", items=(KNEE, NORCO))
        (tmp_path / f"{number}.txt").write_text(text)

    sample = profile_file(tmp_path, loaded, max_rows=8).profile

    assert 2 <= sample.cases <= 16
    assert len(sample) == 2 * sample.cases


def test_rows_that_cannot_be_scored_are_excluded_and_counted(loaded, tmp_path):
    requests = new_requests(6).assign(request=["MRI of the knee", None, *["Norco 10/325mg #60"] * 4])
    requests.to_csv(tmp_path / "in.csv", index=False)

    batch = profile_file(tmp_path / "in.csv", loaded)

    assert (len(batch.profile), batch.errors, batch.profile.drawn_from) == (5, 1, 6)


def test_rows_of_training_cases_are_excluded_and_counted(loaded, tmp_path):
    pd.concat([make_requests(2), new_requests(6)[2:]]).to_csv(tmp_path / "in.csv", index=False)

    batch = profile_file(tmp_path / "in.csv", loaded)

    assert (batch.training_rows, len(batch.profile), batch.profile.cases) == (2, 4, 2)


def test_a_table_with_only_training_cases_is_refused(loaded, tmp_path):
    make_requests(6).to_csv(tmp_path / "in.csv", index=False)

    with pytest.raises(DriftError, match=r"all 6 usable row\(s\) are of cases in the training data"):
        profile_file(tmp_path / "in.csv", loaded)


def test_columns_can_be_renamed(loaded, tmp_path):
    new_requests(6).to_csv(tmp_path / "ours.csv", index=False)
    new_requests(6).rename(columns={"request": "RFA_TEXT"}).to_csv(tmp_path / "theirs.csv", index=False)

    with pytest.raises(SchemaError, match="--map request=RFA_TEXT"):
        profile_file(tmp_path / "theirs.csv", loaded)
    theirs = profile_file(tmp_path / "theirs.csv", loaded, ColumnMapping(columns={"request": "RFA_TEXT"})).profile
    assert_equal(theirs, profile_file(tmp_path / "ours.csv", loaded).profile)


def test_a_table_without_usable_rows_is_refused(loaded, tmp_path):
    pd.DataFrame({"request": [None], "clinical_summary": ["x"]}).to_parquet(tmp_path / "in.parquet")

    with pytest.raises(DriftError, match=r"none of 1 row\(s\) can be scored"):
        profile_file(tmp_path / "in.parquet", loaded)
