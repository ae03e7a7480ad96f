"""A batch is scored in parts and can be resumed after an interruption with the same result."""

import os
import random
import signal
import subprocess
import sys
import time
import warnings

import pandas as pd
import pytest
from factories import make_requests

from imr_ml.score_columns import ScoreOptions
from imr_ml.scoring.batch import BatchSettings, score_file
from imr_ml.scoring.parts import JobError

SMALL = BatchSettings(rows_at_once=4)
HOLD = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""
RESUMED = BatchSettings(rows_at_once=4, resume=True)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.parquet"
    make_requests(40).to_parquet(path)
    return path


def killed_after(seconds, work):
    """Run `work` in a process and kill it; return whether it had finished before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow
def test_a_job_killed_at_50_random_moments_resumes_with_the_same_bytes(loaded, source, tmp_path):
    whole, killed = tmp_path / "whole.parquet", tmp_path / "killed.parquet"
    options = ScoreOptions(precedents=1)
    start_s = time.perf_counter()
    score_file(source, whole, loaded, options, SMALL)
    whole_s = time.perf_counter() - start_s

    chance, done = random.Random(7), 0
    for _ in range(50):
        seconds = chance.uniform(0, whole_s / 8)
        done += killed_after(seconds, lambda: score_file(source, killed, loaded, options, RESUMED))
    summary = score_file(source, killed, loaded, options, RESUMED)

    assert done < 50
    assert killed.read_bytes() == whole.read_bytes()
    assert (summary.rows, summary.errors) == (40, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.parquet", whole.name, killed.name])


def test_finished_parts_are_not_scored_again(loaded, source, tmp_path):
    output, steps = tmp_path / "out.parquet", []

    def interrupt_after_three_parts(size):
        steps.append(size)
        if sum(steps) == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(source, output, loaded, settings=SMALL, start=lambda *_: interrupt_after_three_parts)

    assert not output.exists()
    assert score_file(source, output, loaded, settings=RESUMED).resumed == 12


def test_an_unfinished_job_is_neither_overwritten_nor_mixed_with_another(loaded, source, tmp_path, monkeypatch):
    output = tmp_path / "out.csv"
    monkeypatch.setattr("imr_ml.scoring.batch.chunk_writer", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        score_file(source, output, loaded, settings=SMALL)
    monkeypatch.undo()

    with pytest.raises(
        JobError, match=r"out\.csv: an unfinished job exists; continue with --resume, or delete .*out\.csv\.parts"
    ):
        score_file(source, output, loaded, settings=SMALL)
    with pytest.raises(JobError, match="the unfinished job has other options"):
        score_file(source, output, loaded, ScoreOptions(evidence=False), RESUMED)
    make_requests(41).to_parquet(source)
    with pytest.raises(JobError, match="the unfinished job has other input"):
        score_file(source, output, loaded, settings=RESUMED)


def test_a_second_process_on_one_output_is_refused(loaded, source, tmp_path):
    output = tmp_path / "out.csv"
    parts = tmp_path / "out.csv.parts"
    parts.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, parts / "lock"], stdout=subprocess.PIPE) as other:
        try:
            other.stdout.readline()
            with pytest.raises(JobError, match=r"out\.csv: another process is writing it"):
                score_file(source, output, loaded)
        finally:
            other.kill()
    assert score_file(source, output, loaded).rows == 40


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_as_one(loaded, source, tmp_path):
    score_file(source, tmp_path / "one.parquet", loaded, settings=BatchSettings(rows_at_once=20, jobs=1))
    score_file(source, tmp_path / "two.parquet", loaded, settings=BatchSettings(rows_at_once=20, jobs=2))

    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_an_unexpected_failure_affects_only_its_row(loaded, tmp_path, monkeypatch):
    from imr_ml.scoring import frame as frame_room

    evidence_json = frame_room.evidence_json
    requests, source = make_requests(8), tmp_path / "in.parquet"
    requests.to_parquet(source)
    poisoned = requests["request"][5]

    def failing(evidence, texts, features):
        if (texts["request"] == poisoned).any():
            raise RecursionError(poisoned)
        return evidence_json(evidence, texts, features)

    monkeypatch.setattr(frame_room, "evidence_json", failing)
    summary = score_file(source, tmp_path / "out.parquet", loaded, settings=SMALL)

    scored = pd.read_parquet(tmp_path / "out.parquet")
    failed = scored["request"] == poisoned
    assert summary.errors == failed.sum()
    assert scored.loc[failed, "error"].eq("can't be scored (RecursionError)").all()
    assert scored.loc[~failed, "p_overturned"].notna().all()
