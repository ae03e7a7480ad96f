"""The score of a row does not depend on other rows, their order, chunks or the engine."""

import pandas as pd
import pytest
from factories import make_requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.batch import BatchSettings, score_file
from imr_ml.scoring.frame import score_frame
from imr_ml.scoring.pyfunc import ServedModel
from imr_ml.scoring.working import Task

ROWS = 14
PICKED = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=25)
ADDED = list(SCORE_COLUMNS)


@pytest.fixture(scope="module")
def pool():
    """Requests of one or several cases, some seen in training, some invalid, some with codes."""
    known, new = make_requests(4), make_requests(ROWS - 4, seed=5, items_in_case=5)
    new["case_number"] = "CM19-" + new["case_number"]
    rows = pd.concat([known, new], ignore_index=True).drop(columns=["outcome", "families"])
    rows["application_received"] = [None, "2016-07-01"] * (ROWS // 2)
    rows["items_in_case"] = [None, "5"] + [None] * (ROWS - 2)
    rows["treatment"] = ["Fusion", None] + [None] * (ROWS - 2)
    rows["age"] = ["44", "unknown"] + [None] * (ROWS - 2)
    rows.loc[5, "request"], rows.loc[6, "case_number"], rows.loc[7, "ur_guideline"] = None, None, None
    return rows


@pytest.fixture(scope="module")
def alone(pool, loaded):
    return pd.concat([score_frame(pool.iloc[[row]], loaded) for row in range(ROWS)], ignore_index=True)[ADDED]


def picked(frame, rows):
    return frame.iloc[rows].reset_index(drop=True)


def same(scored, expected):
    pd.testing.assert_frame_equal(scored[ADDED].reset_index(drop=True), expected, check_exact=True)


@settings(max_examples=40)
@given(rows=PICKED)
def test_scores_do_not_depend_on_other_rows_or_their_order(pool, alone, loaded, rows):
    same(score_frame(picked(pool, rows), loaded), picked(alone, rows))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=PICKED, rows_at_once=st.integers(1, 8))
def test_scores_do_not_depend_on_chunk_borders(pool, alone, loaded, tmp_path, rows, rows_at_once):
    source, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    picked(pool, rows).to_parquet(source)

    score_file(source, output, loaded, settings=BatchSettings(rows_at_once=rows_at_once))

    same(pd.read_parquet(output).astype(alone.dtypes), picked(alone, rows))


@settings(max_examples=10)
@given(rows=PICKED)
def test_the_served_model_gives_the_same(pool, alone, loaded, rows):
    scored = ServedModel(loaded).predict(picked(pool, rows))

    same(scored.astype(alone.dtypes), picked(alone, rows))


@settings(max_examples=10)
@given(rows=PICKED)
def test_a_batch_of_spark_gives_the_same(pool, alone, loaded, rows):
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyspark", reason="needs the extra imr-ml[spark]")
    from imr_ml.spark.rows import score_batch

    given_rows = picked(pool, rows)
    task = Task(loaded.folder, ScoreOptions(), ColumnMapping(), tuple(given_rows.columns))
    batch = pa.RecordBatch.from_pandas(
        given_rows.astype("string").assign(reason=pd.Series(dtype="string")), preserve_index=False
    )

    scored = score_batch(batch, loaded, task).to_pandas()

    same(scored.astype(alone.dtypes), picked(alone, rows))


def test_an_unknown_number_of_items_counts_as_an_average_one(prepared, prepared_requests):
    from imr_ml.classifiers.request_model import RequestModel
    from imr_ml.features.frame import feature_frame

    sized = feature_frame(prepared_requests.assign(items_in_case=[1, 2, 3, 9] * 40))
    model = RequestModel().fit(sized, prepared.labels, prepared.groups)
    place = model.features_.places["case_size"]

    unknown = model.matrix(sized.assign(log_items_in_case=float("nan")))[:, place]

    assert place.stop - place.start == 1
    assert abs(unknown).max() < 1e-12
