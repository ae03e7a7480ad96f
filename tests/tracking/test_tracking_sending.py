"""Records in the outbox, and sending them later: each run exactly once."""

import errno
import json
import shutil
from contextlib import ExitStack
from itertools import count

import pytest
from mlflow import MlflowClient, MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR, PERMISSION_DENIED
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from tracking.servers import end, free_port, mlflow_server

from imr_ml.tracking.records import list_unsent, lock_record, read_record, save_record
from imr_ml.tracking.registry import CHALLENGER, MODEL_NAME, fetch_model
from imr_ml.tracking.runs import record, save_training
from imr_ml.tracking.sending import SYNC, RecordedRun, UnsentError, sync
from imr_ml.tracking.uris import TrackingError

pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning"),
    pytest.mark.usefixtures("drawn_once"),
]


def _runs(client):
    experiment = client.get_experiment_by_name("imr_ml training")
    return client.search_runs([experiment.experiment_id]) if experiment else []


def _fail_once(monkeypatch, function, *, calls_before=0, answer_lost=False, error_code=INTERNAL_ERROR):
    """Let one call to MLflow fail, before or after it takes effect."""
    original, calls = getattr(MlflowClient, function), count()

    def fail(*arguments, **named):
        if next(calls) != calls_before:
            return original(*arguments, **named)
        if answer_lost:
            original(*arguments, **named)
        raise MlflowException("the line is dead", error_code)

    monkeypatch.setattr(MlflowClient, function, fail)


def _cut(function, calls_before=0, *, slow=True, **options):
    lost = ", its answer lost" if options.get("answer_lost") else ""
    return pytest.param(
        {"function": function, "calls_before": calls_before, **options},
        id=f"{function} {calls_before + 1}{lost}",
        marks=[pytest.mark.slow] if slow else [],
    )


@pytest.mark.parametrize(
    "cut",
    [
        _cut("create_experiment"),
        _cut("create_run"),
        _cut("create_run", answer_lost=True),
        _cut("create_logged_model", answer_lost=True),
        _cut("log_outputs"),
        _cut("log_model_artifacts"),
        _cut("finalize_logged_model"),
        _cut("finalize_logged_model", answer_lost=True),
        _cut("log_inputs", answer_lost=True),
        _cut("log_artifacts"),
        _cut("log_image", 3, answer_lost=True),
        _cut("log_batch", slow=False, answer_lost=True),
        _cut("create_run", 1, answer_lost=True),
        _cut("log_batch", 2, slow=False),
        _cut("set_terminated", 1),
        _cut("create_model_version", slow=False),
        _cut("create_model_version", answer_lost=True),
        _cut("set_registered_model_alias", answer_lost=True),
        _cut("set_terminated", 4, answer_lost=True),
    ],
)
def test_an_interrupted_send_is_completed_by_the_next_attempt(trained, tracked, empty_store, monkeypatch, cut):
    _fail_once(monkeypatch, **cut)
    with pytest.raises(UnsentError, match="the line is dead"):
        record(trained, tracked.model_folder)

    (sent,) = sync()

    assert isinstance(sent, RecordedRun)
    client = MlflowClient(sent.tracking_uri)
    runs = _runs(client)
    assert sorted(run.data.params["predictor"] for run in runs) == ["base_rate", "model", "plain_tfidf", "ur_families"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert [str(version.version) for version in client.search_model_versions()] == ["1"] == [sent.model_version]
    (logged,) = client.search_logged_models([runs[0].info.experiment_id])
    assert logged.model_id in {output.model_id for output in client.get_run(sent.run_id).outputs.model_outputs}
    assert {metric.key for metric in logged.metrics} == set(client.get_run(sent.run_id).data.metrics)
    assert client.get_model_version(MODEL_NAME, "1").source == f"models:/{logged.model_id}"
    assert len(client.get_metric_history(sent.run_id, "outcome.roc_auc")) == 1
    assert len(client.get_run(sent.run_id).inputs.dataset_inputs) == 1
    pictures = client.list_artifacts(sent.run_id, "figures")
    assert len(client.list_artifacts(sent.run_id, "images")) == 2 * len(pictures), "each in full size and small"
    assert list_unsent() == []
    assert list(sync()) == []


def _failing_uploads(monkeypatch, error):
    """Simulate an artifact store that fails in the middle of a model."""

    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(LocalArtifactRepository, "log_artifacts", fail)
        (failed,) = sync()
    return failed


@pytest.mark.slow
@pytest.mark.parametrize("function", ["log_inputs", "set_registered_model_alias"])
def test_a_conflict_with_another_process_is_retried(trained, tracked, empty_store, monkeypatch, function):
    _fail_once(monkeypatch, function, error_code=BAD_REQUEST)

    sent = record(trained, tracked.model_folder)

    assert not list_unsent()
    assert MlflowClient().get_run(sent.run_id).inputs.dataset_inputs
    assert str(MlflowClient().get_model_version_by_alias(MODEL_NAME, CHALLENGER).version) == sent.model_version


def test_a_model_is_sent_after_several_failed_uploads(trained, tracked, empty_store, monkeypatch):
    save_training(trained, tracked.model_folder)
    for _ in range(3):
        assert isinstance(_failing_uploads(monkeypatch, MlflowException("the line is dead")), UnsentError)
    (sent,) = sync()
    assert isinstance(sent, RecordedRun), sent


@pytest.mark.slow
def test_an_incomplete_model_without_delete_permission_does_not_block_sending(
    trained, tracked, empty_store, monkeypatch
):
    """Members of a team can add runs to an experiment, but only its owner can delete them."""

    def deny(*_):
        raise MlflowException("Permission denied", PERMISSION_DENIED)

    save_training(trained, tracked.model_folder)
    assert isinstance(_failing_uploads(monkeypatch, MlflowException("the line is dead")), UnsentError)
    monkeypatch.setattr(MlflowClient, "delete_logged_model", deny)
    (sent,) = sync()
    assert isinstance(sent, RecordedRun), sent


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ConnectionResetError(errno.ECONNRESET, "reset by peer")]
)
def test_a_system_error_is_one_line_and_the_run_stays_in_the_outbox(trained, tracked, empty_store, monkeypatch, error):
    folder = save_training(trained, tracked.model_folder)
    failed = _failing_uploads(monkeypatch, error)
    assert isinstance(failed, UnsentError)
    assert f"{error.strerror}; nothing is lost" in str(failed)
    assert list_unsent() == [folder]


def test_a_record_of_an_earlier_version_is_sent(trained, tracked, empty_store):
    folder = save_training(trained, tracked.model_folder)
    facts = json.loads((folder / "record.json").read_text())
    facts["model"]["requirements"] = ["numpy==2.4.6"]
    (folder / "record.json").write_text(json.dumps(facts))
    shutil.move(folder / "model" / "code", folder / "code")
    shutil.rmtree(folder / "model")
    shutil.copytree(tracked.model_folder, folder / "model")

    (sent,) = sync()

    assert isinstance(sent, RecordedRun), sent
    assert (fetch_model(f"models:/{MODEL_NAME}/{sent.model_version}") / "model.skops").is_file()


def test_a_damaged_record_is_an_error_and_does_not_block_others(trained, tracked, empty_store):
    damaged = save_training(trained, tracked.model_folder)
    (damaged / "record.json").write_text('{"id": "cut sho')
    save_training(trained, tracked.model_folder)
    error, sent = sync()
    assert "record.json: is damaged (" in str(error)
    assert str(error).endswith("restore it, or move its folder away")
    assert isinstance(sent, RecordedRun)
    assert [folder.name for folder in (empty_store / "mlruns-unsent").iterdir()] == [damaged.name]


def test_a_sent_record_that_was_not_deleted_is_not_sent_again(trained, tracked, empty_store, monkeypatch):
    monkeypatch.setattr("imr_ml.tracking.sending.delete_record", lambda folder: None)
    first = record(trained, tracked.model_folder)
    (again,) = sync()
    assert again == first
    assert len(_runs(MlflowClient(first.tracking_uri))) == 4


@pytest.mark.slow
def test_a_run_created_twice_after_a_lost_response_is_deleted_once(trained, tracked, empty_store, monkeypatch):
    _fail_once(monkeypatch, "log_model_artifacts")
    with pytest.raises(UnsentError):
        record(trained, tracked.model_folder)
    client = MlflowClient(f"sqlite:///{empty_store}/mlflow.db")
    (created,) = _runs(client)
    client.create_run(created.info.experiment_id, tags=created.data.tags)
    (sent,) = sync()
    assert len(_runs(client)) == 4
    assert sent.run_id == created.info.run_id


@pytest.mark.slow
def test_a_model_that_is_sent_late_does_not_replace_a_newer_challenger(trained, tracked, empty_store, monkeypatch):
    _fail_once(monkeypatch, "create_model_version")
    with pytest.raises(UnsentError):
        record(trained, tracked.model_folder)
    newer = record(trained, tracked.model_folder)
    (late,) = sync()
    assert (newer.model_version, late.model_version) == ("1", "2")
    challenger = MlflowClient(late.tracking_uri).get_model_version_by_alias(MODEL_NAME, CHALLENGER)
    assert str(challenger.version) == "1"


def test_a_record_for_another_store_is_not_sent(trained, tracked, empty_store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UnsentError, match="no MLflow server answers"):
        record(trained, tracked.model_folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    (waiting,) = sync()
    assert "it is meant for http://127.0.0.1" in str(waiting)
    (sent,) = sync(here=True)
    assert sent.tracking_uri.startswith("sqlite:///")


def test_a_record_that_another_process_sends_is_skipped(trained, tracked, empty_store, monkeypatch):
    folder = save_training(trained, tracked.model_folder)
    with lock_record(folder):
        (other,) = sync()
    assert "another process is sending it" in str(other)
    assert list_unsent() == [folder]


def test_a_record_survives_a_round_trip(trained, tracked, empty_store):
    folder = save_training(trained, tracked.model_folder)
    written = read_record(folder)
    assert read_record(save_record(written.model_copy(update={"id": "another"}))).runs == written.runs
    assert {run.key for run in written.runs} == {"model", "base_rate", "ur_families", "plain_tfidf"}


def test_a_store_error_is_one_line_with_the_folder_of_the_record(trained, tracked, empty_store, monkeypatch):
    _fail_once(monkeypatch, "create_experiment", answer_lost=False)
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", lambda *_: None)
    with pytest.raises(TrackingError) as error:
        record(trained, tracked.model_folder)
    assert "\n" not in str(error.value)
    (folder,) = list_unsent()
    assert str(error.value).endswith(f"is saved in {folder.relative_to(empty_store)}, to send it later run: {SYNC}")


@pytest.mark.slow
def test_killing_the_server_while_sending_loses_nothing(trained, tracked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    log_inputs, calls = MlflowClient.log_inputs, count()

    with ExitStack() as stack:
        server = stack.enter_context(mlflow_server(tmp_path, port))

        def die_with_the_second_run(*arguments, **named):
            if next(calls):
                end(server)
            return log_inputs(*arguments, **named)

        monkeypatch.setattr(MlflowClient, "log_inputs", die_with_the_second_run)
        with pytest.raises(UnsentError, match="nothing is lost"):
            record(trained, tracked.model_folder)
    monkeypatch.setattr(MlflowClient, "log_inputs", log_inputs)
    assert len(list_unsent()) == 1
    (still,) = sync()
    assert isinstance(still, UnsentError)

    with mlflow_server(tmp_path, port):
        (sent,) = sync()
        client = MlflowClient(f"http://127.0.0.1:{port}")
        runs = _runs(client)
        assert len(runs) == 4
        assert {run.info.status for run in runs} == {"FINISHED"}
        assert len(client.list_artifacts(sent.run_id, "figures")) == 11
        assert len(client.search_model_versions()) == 1
        assert list(sync()) == []
    assert list_unsent() == []
