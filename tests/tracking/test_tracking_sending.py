"""What is kept when a store does not take it, and how it is sent later: each run exactly once."""

import errno
from contextlib import ExitStack

import pytest
from mlflow import MlflowClient, MlflowException
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from tracking.servers import end, free_port, mlflow_server

from imr_ml.tracking import runs, sending
from imr_ml.tracking.records import list_unsent, lock_record, read_record, save_record, scratch
from imr_ml.tracking.registry import CHALLENGER, MODEL_NAME
from imr_ml.tracking.runs import record
from imr_ml.tracking.sending import RecordedRun, UnsentError, sync
from imr_ml.tracking.uris import TrackingError

pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning"),
    pytest.mark.usefixtures("drawn_once"),
]


def _runs(client):
    experiment = client.get_experiment_by_name("imr_ml training")
    return client.search_runs([experiment.experiment_id]) if experiment else []


def _breaking_at(monkeypatch, step):
    """Let a step of sending fail from now on; gives the function that mends it."""

    def fail(*_, **__):
        raise MlflowException("the line is dead")

    whole = getattr(sending, step)
    monkeypatch.setattr(sending, step, fail)
    return lambda: monkeypatch.setattr(sending, step, whole)


@pytest.mark.parametrize(
    "step",
    [
        *(pytest.param(step, marks=pytest.mark.slow) for step in ("experiment_id", "log_model", "fill")),
        *("_send_child", "register"),
    ],
)
def test_wherever_sending_is_cut_short_the_next_attempt_completes_it(trained, tracked, empty_store, monkeypatch, step):
    mend = _breaking_at(monkeypatch, step)
    with pytest.raises(UnsentError, match="the line is dead"):
        record(trained, tracked.model_folder)
    mend()

    (sent,) = sync()

    assert isinstance(sent, RecordedRun)
    client = MlflowClient(sent.tracking_uri)
    found = _runs(client)
    assert sorted(run.data.params["predictor"] for run in found) == ["base_rate", "model", "plain_tfidf", "ur_families"]
    assert {run.info.status for run in found} == {"FINISHED"}
    assert [str(one.version) for one in client.search_model_versions()] == ["1"] == [sent.model_version]
    (output,) = client.get_run(sent.run_id).outputs.model_outputs
    assert client.get_model_version(MODEL_NAME, "1").source == f"models:/{output.model_id}"
    assert len(client.get_metric_history(sent.run_id, "outcome.roc_auc")) == 1
    assert len(client.get_run(sent.run_id).inputs.dataset_inputs) == 1
    pictures = client.list_artifacts(sent.run_id, "figures")
    assert len(client.list_artifacts(sent.run_id, "images")) == 2 * len(pictures), "each whole and small"
    assert list_unsent() == []
    assert list(sync()) == []


def _failing_uploads(monkeypatch, error):
    """As if the artifact store went away in the middle of a model."""

    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(LocalArtifactRepository, "log_artifacts", fail)
        (failed,) = sync()
    return failed


@pytest.mark.slow
def test_a_model_whose_upload_failed_again_and_again_is_sent_in_the_end(trained, tracked, empty_store, monkeypatch):
    runs.keep_training(trained, tracked.model_folder)
    for _ in range(3):
        assert isinstance(_failing_uploads(monkeypatch, MlflowException("the line is dead")), UnsentError)
    (sent,) = sync()
    assert isinstance(sent, RecordedRun), sent


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ConnectionResetError(errno.ECONNRESET, "reset by peer")]
)
def test_what_the_system_refuses_is_reported_in_a_line_and_the_run_is_kept(
    trained, tracked, empty_store, monkeypatch, error
):
    folder = runs.keep_training(trained, tracked.model_folder)
    failed = _failing_uploads(monkeypatch, error)
    assert isinstance(failed, UnsentError)
    assert f"{error.strerror}; nothing is lost" in str(failed)
    assert list_unsent() == [folder]


def test_a_damaged_record_is_reported_and_keeps_no_other_from_being_sent(trained, tracked, empty_store):
    damaged = runs.keep_training(trained, tracked.model_folder)
    (damaged / "record.json").write_text('{"id": "cut sho')
    runs.keep_training(trained, tracked.model_folder)
    told, sent = sync()
    assert "record.json: is damaged (" in str(told)
    assert "put it back as it was, or move its folder away" in str(told)
    assert isinstance(sent, RecordedRun)
    assert [folder.name for folder in (empty_store / "mlruns-unsent").iterdir()] == [damaged.name]


def test_a_record_that_was_sent_but_not_forgotten_is_not_sent_again(trained, tracked, empty_store, monkeypatch):
    monkeypatch.setattr(sending, "delete_record", lambda folder: None)
    first = record(trained, tracked.model_folder)
    (again,) = sync()
    assert again == first
    assert len(_runs(MlflowClient(first.tracking_uri))) == 4


@pytest.mark.slow
def test_a_run_that_was_made_twice_because_an_answer_was_lost_is_kept_once(trained, tracked, empty_store, monkeypatch):
    mend = _breaking_at(monkeypatch, "log_model")
    with pytest.raises(UnsentError):
        record(trained, tracked.model_folder)
    mend()
    client = MlflowClient(f"sqlite:///{empty_store}/mlflow.db")
    (made,) = _runs(client)
    client.create_run(made.info.experiment_id, tags=made.data.tags)
    (sent,) = sync()
    assert len(_runs(client)) == 4
    assert sent.run_id == made.info.run_id


@pytest.mark.slow
def test_a_model_that_is_sent_late_does_not_replace_a_newer_challenger(trained, tracked, empty_store, monkeypatch):
    mend = _breaking_at(monkeypatch, "register")
    with pytest.raises(UnsentError):
        record(trained, tracked.model_folder)
    mend()
    newer = record(trained, tracked.model_folder)
    (late,) = sync()
    assert (newer.model_version, late.model_version) == ("1", "2")
    challenger = MlflowClient(late.tracking_uri).get_model_version_by_alias(MODEL_NAME, CHALLENGER)
    assert str(challenger.version) == "1"


def test_what_is_meant_for_another_store_waits_for_it(trained, tracked, empty_store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UnsentError, match="no MLflow server answers"):
        record(trained, tracked.model_folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    (waiting,) = sync()
    assert "it is meant for http://127.0.0.1" in str(waiting)
    (sent,) = sync(here=True)
    assert sent.tracking_uri.startswith("sqlite:///")


def test_a_record_that_another_process_is_sending_is_left_to_it(trained, tracked, empty_store, monkeypatch):
    folder = runs.keep_training(trained, tracked.model_folder)
    with lock_record(folder) as ours:
        assert ours
        (other,) = sync()
    assert "another process is sending it" in str(other)
    assert list_unsent() == [folder]


def test_a_record_is_read_as_it_was_written(trained, tracked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = runs.keep_training(trained, tracked.model_folder)
    written = read_record(folder)
    with scratch() as other:
        assert read_record(save_record(written.model_copy(update={"id": "another"}), other)).runs == written.runs
    assert {one.key for one in written.runs} == {"model", "base_rate", "ur_families", "plain_tfidf"}


def test_a_store_error_states_where_the_run_is_kept_in_one_line(trained, tracked, empty_store, monkeypatch):
    _breaking_at(monkeypatch, "experiment_id")
    with pytest.raises(TrackingError) as told:
        record(trained, tracked.model_folder)
    assert "\n" not in str(told.value)
    assert str(told.value).endswith(
        "is kept in " + str(list_unsent()[0].relative_to(empty_store)) + f", to send it later run: {sending.SYNC}"
    )


@pytest.mark.slow
def test_a_server_that_is_killed_while_a_run_is_sent_loses_nothing(trained, tracked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    whole = sending.fill

    with ExitStack() as stack:
        server = stack.enter_context(mlflow_server(tmp_path, port))

        def dies_with_the_second_run(client, folder, entire, run, *rest):
            if run.key != "model":
                end(server)
            whole(client, folder, entire, run, *rest)

        monkeypatch.setattr(sending, "fill", dies_with_the_second_run)
        with pytest.raises(UnsentError, match="nothing is lost"):
            record(trained, tracked.model_folder)
    monkeypatch.setattr(sending, "fill", whole)
    assert len(list_unsent()) == 1
    (still,) = sync()
    assert isinstance(still, UnsentError)

    with mlflow_server(tmp_path, port):
        (sent,) = sync()
        client = MlflowClient(f"http://127.0.0.1:{port}")
        found = _runs(client)
        assert len(found) == 4
        assert {run.info.status for run in found} == {"FINISHED"}
        assert len(client.list_artifacts(sent.run_id, "figures")) == 10
        assert len(client.search_model_versions()) == 1
        assert list(sync()) == []
    assert list_unsent() == []
