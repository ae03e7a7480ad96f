"""What tracking adds to a training, and how the MLflow UI's own requests fare with many runs."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

from imr_ml.corpus.sources import training_table
from imr_ml.model_files import save_model
from imr_ml.tracking import EXPERIMENT, record, sending
from imr_ml.tracking.store import connected
from imr_ml.tracking.ui import free_port, ui_command
from imr_ml.training import train

_RUNS = 500
_PAGE = 100


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Rows of (what, measured)."""
    trained = train(training_table(folder, lambda *_: lambda _: None).requests)
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        model = save_model(trained, here / "model")
        for attempt in ("first run in a new store", "next run"):
            whole_s, model_s = _recorded(trained, model, here)
            told = f"{whole_s - model_s:.1f} s of processor time, and {model_s:.1f} s to log the model"
            yield f"recording, {attempt}", told
        _many_runs(here)
        yield from _asked(here)


def _recorded(trained: object, model: Path, here: Path) -> tuple[float, float]:
    log_model, model_s = sending.log_model, 0.0

    def timed(*arguments: object) -> object:
        nonlocal model_s
        start_s = time.process_time()
        logged = log_model(*arguments)
        model_s = time.process_time() - start_s
        return logged

    sending.log_model = timed
    start_s = time.process_time()
    with contextlib.chdir(here):
        record(trained, model)
    sending.log_model = log_model
    return time.process_time() - start_s, model_s


def _many_runs(here: Path) -> None:
    """As if many had trained: copies of what was recorded, of each training its model's run and three others."""
    with contextlib.chdir(here), connected() as client:
        from mlflow.entities import Metric, Param

        experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
        recorded = client.search_runs([experiment])
        for number in range(len(recorded), _RUNS):
            like = recorded[number % len(recorded)].data
            tags = {name: value for name, value in like.tags.items() if name not in ("mlflow.runName", "imr_ml.record")}
            run = client.create_run(experiment, tags=tags, run_name=f"run {number}").info.run_id
            metrics = [Metric(name, value, 1, 0) for name, value in like.metrics.items()]
            client.log_batch(run, metrics, [Param(*one) for one in like.params.items()])
            client.set_terminated(run)


def _asked(here: Path) -> Iterator[tuple[str, str]]:
    with contextlib.chdir(here):
        port = free_port(5100)
        command = ui_command(port)
        with connected() as client:
            experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    with subprocess.Popen(command, cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/health")
            body = json.dumps({"experiment_ids": [experiment], "max_results": _PAGE}).encode()
            url = f"http://127.0.0.1:{port}/ajax-api/2.0/mlflow/runs/search"
            for what, request in (
                (f"a page of {_PAGE} among {_RUNS} runs, by the UI's own request", Request(url, body)),
                ("the UI's first page", Request(f"http://127.0.0.1:{port}/")),
            ):
                request.add_header("Content-Type", "application/json")
                seconds = [_elapsed_s(request) for _ in range(3)]
                yield what, f"{min(seconds):.2f} s (best of 3)"
        finally:
            server.terminate()


def _elapsed_s(request: Request) -> float:
    start_s = time.perf_counter()
    with urlopen(request, timeout=120) as response:
        response.read()
    return time.perf_counter() - start_s


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


if __name__ == "__main__":
    for row in measure(Path(sys.argv[1])):
        print(*row, sep=": ")
