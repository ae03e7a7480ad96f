"""Spark returns the same rows and numbers as the local engine."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
from factories import KNEE, NORCO, make_letter_text, make_requests
from typer.testing import CliRunner

from imr_ml.cli import app
from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.batch import BatchSettings, score_file

TRIES = 4
"""Attempts per task before Spark fails the job."""
NO_PYSPARK = """
import sys
import pandas as pd
from imr_ml.corpus.schema import validate_requests
validate_requests(pd.DataFrame({"request": ["MRI"], "clinical_summary": ["Knee pain."]}), "table")
sys.exit(any(name.partition(".")[0] == "pyspark" for name in sys.modules))
"""


@pytest.fixture(scope="module")
def spark():
    pytest.importorskip("pyspark", reason="needs the extra imr-ml[spark]")
    if shutil.which("java") is None:
        pytest.skip("needs Java 17")
    from imr_ml.spark.session import spark_session

    session = spark_session(f"local[2,{TRIES}]")
    yield session
    session.stop()


def in_folders(requests, folder):
    """Write a partitioned folder with the cases spread over its files."""
    requests.assign(part=[f"p{row % 3}" for row in range(len(requests))]).to_parquet(folder, partition_cols=["part"])
    return folder


def values(frame):
    """Convert cells to Python values and sort rows, to compare tables of different types."""
    frame = frame.assign(**{name: frame[name].dt.floor("s") for name in frame.select_dtypes("datetime")})
    rows = frame.astype("object").where(frame.notna(), None).sort_values(["part", "id"])
    return rows.to_dict("records")


@pytest.mark.slow
def test_a_partitioned_folder_gets_the_local_engines_numbers_bit_for_bit(spark, loaded, tmp_path):
    from imr_ml.spark.rows import score_with_spark

    requests = make_requests(40).drop(columns="items_in_case", errors="ignore")
    requests = requests.assign(id=range(40), received=pd.Timestamp("2016-04-20"), tags=[["a"]] * 40)
    requests = requests.rename(columns={"request": "RFA.text"})
    requests.loc[3, "RFA.text"], requests.loc[4, "date_of_injury"], requests.loc[5, "case_number"] = "", "soon", None
    source, mapping = in_folders(requests, tmp_path / "in"), ColumnMapping(columns={"request": "RFA.text"})

    summary = score_with_spark(source, tmp_path / "spark", loaded, mapping=mapping, session=spark)

    expected = score_file(source, tmp_path / "local.parquet", loaded, settings=BatchSettings(mapping))
    scored, local = pd.read_parquet(tmp_path / "spark"), pd.read_parquet(tmp_path / "local.parquet")
    assert summary == expected
    assert summary.reasons == {"request is empty": 1}
    assert list(scored.columns) == list(local.columns)
    assert values(scored.drop(columns="tags")) == values(local.drop(columns="tags"))
    assert len(pq.ParquetDataset(tmp_path / "spark").files) > 1


@pytest.mark.slow
def test_a_killed_worker_costs_a_repeat_and_no_row(spark, loaded, tmp_path):
    from imr_ml.spark.rows import score_with_spark

    source = in_folders(pd.concat([make_requests(400)] * 10).assign(id=range(4000)), tmp_path / "in")
    job = threading.Thread(target=score_with_spark, args=(source, tmp_path / "out", loaded), kwargs={"session": spark})
    job.start()
    failed = failed_while(job, spark)
    job.join()

    assert failed
    assert pd.read_parquet(tmp_path / "out")["p_overturned"].notna().sum() == 4000
    score_file(source, tmp_path / "local.parquet", loaded)
    assert values(pd.read_parquet(tmp_path / "out")) == values(pd.read_parquet(tmp_path / "local.parquet"))


def failed_while(job, spark):
    """Kill a worker in mid-work, again until Spark has lost a task by it; the tasks lost.

    A worker between two tasks dies without a loss, so one kill may not do; one less than a task's tries always may.
    """
    tracker, stages, kills = spark.sparkContext.statusTracker(), set(), 0
    while job.is_alive() and not lost(tracker, stages) and kills < TRIES - 1:
        stages.update(tracker.getActiveStageIds())
        kills += killed_one()
    job.join()
    deadline = time.monotonic() + 10
    while not lost(tracker, stages) and time.monotonic() < deadline:
        time.sleep(0.05)
    return lost(tracker, stages)


def lost(tracker, stages):
    """Count the failed tasks of stages, including finished ones."""
    return sum(stage.numFailedTasks for stage in filter(None, map(tracker.getStageInfo, stages)))


def killed_one(watched_s=0.2, worked_s=0.05):
    """Kill a busy worker; return the number of killed workers."""
    before = dict(workers())
    time.sleep(watched_s)
    for worker, used_s in workers():
        if used_s - before.get(worker, used_s) > worked_s:
            os.kill(worker, signal.SIGKILL)
            return 1
    return 0


def workers():
    """Return the Python worker processes of Spark with their CPU time."""
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if all("pyspark.daemon" in process.cmdline() for process in (one, one.parent())):
                yield one.pid, sum(one.cpu_times()[:2])


def test_an_unexpected_failure_affects_only_its_row(loaded, monkeypatch):
    from imr_ml.scoring import frame as frame_room
    from imr_ml.scoring.working import Task
    from imr_ml.spark.rows import score_batch

    requests = make_requests(8)
    evidence_json = frame_room.evidence_json

    def failing(evidence, texts, features):
        if (texts["clinical_summary"] == requests["clinical_summary"][5]).any():
            raise RecursionError(texts["clinical_summary"])
        return evidence_json(evidence, texts, features)

    monkeypatch.setattr(frame_room, "evidence_json", failing)
    task = Task(loaded.folder, ScoreOptions(), ColumnMapping(), tuple(requests.columns))
    scored = score_batch(batch_of(requests), loaded, task).to_pandas()

    failed = scored["clinical_summary"] == requests["clinical_summary"][5]
    assert scored.loc[failed, "error"].eq("can't be scored (RecursionError)").all()
    assert scored.loc[~failed, "p_overturned"].notna().all()


def batch_of(requests):
    import pyarrow as pa

    return pa.RecordBatch.from_pandas(requests.assign(reason=pd.Series(dtype="string")), preserve_index=False)


@pytest.mark.slow
def test_letters_are_read_as_the_local_reading_has_them(spark, loaded, tmp_path):
    from imr_ml.spark.inputs import read_letters_with_spark
    from imr_ml.spark.rows import score_with_spark

    folder = tmp_path / "letters"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "one.txt").write_text(make_letter_text(items=(KNEE, NORCO)))
    (folder / "b.TXT").write_text(make_letter_text(items=(NORCO,), case_number=None))
    (folder / "same.txt").write_text("\n" + make_letter_text(items=(KNEE, NORCO)))
    (folder / "bad.pdf").write_bytes(b"no PDF at all")
    (folder / "README.txt").write_text("not a letter")

    read = read_letters_with_spark(folder, spark).toArrow().to_pandas()

    local = ingest(letter_files([folder]))
    rows = read[read["error"].isna()].drop(columns="error").sort_values(["file", "item"]).reset_index(drop=True)
    expected = local.requests.sort_values(["file", "item"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, expected, check_dtype=False, check_column_type=False)
    refused = {(row.file, row.error) for row in read.dropna(subset="error").itertuples()}
    assert refused == {(reject.file, reject.reason) for reject in local.rejects}

    summary = score_with_spark(folder, tmp_path / "out", loaded, session=spark)
    assert summary == score_file(folder, tmp_path / "local.parquet", loaded)
    assert list(pd.read_parquet(tmp_path / "out").columns) == [*expected.columns, *SCORE_COLUMNS]


@pytest.mark.slow
def test_the_command_scores_on_spark(spark, model_folder, tmp_path):
    make_requests(6).to_parquet(tmp_path / "in.parquet")
    arguments = ["score", str(tmp_path / "in.parquet"), "-o", str(tmp_path / "out"), "--model", str(model_folder)]

    done = CliRunner().invoke(app, [*arguments, "--engine", "spark"])

    assert done.exit_code == 0, done.output
    assert "6 of 6 rows scored" in done.output
    again = CliRunner().invoke(app, [*arguments, "--engine", "spark"])
    assert (again.exit_code, "exists; name a new folder" in again.output) == (2, True)


@pytest.mark.parametrize(
    ("absent", "message"),
    [("pyspark", "Spark is not installed"), ("java", "Spark needs Java, and there is none")],
)
def test_what_is_missing_is_reported_in_one_line(model_folder, tmp_path, monkeypatch, absent, message):
    if absent == "pyspark":
        monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    else:
        pytest.importorskip("pyspark")
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        from pyspark.sql import SparkSession

        monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    make_requests(2).to_parquet(tmp_path / "in.parquet")

    done = CliRunner().invoke(
        app,
        ["score", str(tmp_path / "in.parquet"), "-o", "out", "--model", str(model_folder), "--engine", "spark"],
    )

    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert message in done.output
    assert "pip install 'imr-ml[spark]'" in done.output


def test_a_local_job_does_not_load_spark():
    pytest.importorskip("pyspark")
    assert subprocess.run([sys.executable, "-c", NO_PYSPARK], check=False).returncode == 0
