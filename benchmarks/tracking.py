"""Measure the time that tracking adds to training, and the speed of the MLflow UI with many runs."""

import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from imr_ml.ingest.sources import training_table
from imr_ml.model_files import save_model
from imr_ml.progress import no_progress
from imr_ml.tracking import sending
from imr_ml.tracking.records import list_unsent, read_record, save_record
from imr_ml.tracking.runs import record, save_training
from imr_ml.tracking.ui import free_port, start_page, ui_command
from imr_ml.training import TrainedModel, train

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_UNTRACKED = """
import sys
from contextlib import nullcontext
from pathlib import Path
from imr_ml.cli import app
from imr_ml.tracking import runs, sending, system
def untracked(*_, **__):
    raise sending.UnsentError(Path.cwd(), "not tracked")
runs.record, system.system_metrics = untracked, lambda: nullcontext([])
app(["train", "--data", sys.argv[1]])
"""
_TRACKED = "import sys; from imr_ml.cli import app; app(['train', '--data', sys.argv[1]])"
_ROUNDS = 3
_RUNS = 500
_PAGE = 100
_REPEATS = 5
_TIMEOUT_MS = 60_000
_METRIC_COLUMN = "[role=columnheader][col-id='metrics.`outcome.roc_auc`']"
_CHART = ".js-plotly-plot svg.main-svg"


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and its measured value."""
    yield from _measure_commands(folder.absolute())
    trained = train(training_table(folder, no_progress).decisions.requests)
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        model = save_model(trained, here / "model")
        for attempt in ("first run in a new store", "next run"):
            whole, logging = _record_timed(trained, model, here)
            text = f"{whole.elapsed_s - logging.elapsed_s:.1f} s ({whole.processor_s - logging.processor_s:.1f} s of "
            text += f"processor time), and {logging.elapsed_s:.1f} s to log the model"
            yield f"recording a trained model, {attempt}", text
        with contextlib.chdir(here):
            save_training(trained, model)
        _copy_runs(here)
        yield from _measure_pages(here)


def _measure_commands(folder: Path) -> Iterator[tuple[str, str]]:
    """Time whole commands in turn: without tracking, tracked in a new store, and tracked in an existing store."""
    seconds: dict[str, list[float]] = {"untracked": [], "new": [], "existing": []}
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as place:
            for store, code in (("untracked", _UNTRACKED), ("new", _TRACKED), ("existing", _TRACKED)):
                seconds[store].append(_command_s(code, folder, place))
    yield "imr-ml train without tracking", _describe(seconds["untracked"])
    for store in ("new", "existing"):
        added = [tracked - alone for tracked, alone in zip(seconds[store], seconds["untracked"], strict=True)]
        yield f"imr-ml train, {store} store", _describe(seconds[store])
        yield (
            "added by tracking and logging the model, by round",
            ", ".join(f"{difference:+.1f} s" for difference in added),
        )


def _command_s(code: str, folder: Path, place: str) -> float:
    start_s = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", code, folder], cwd=place, check=True, capture_output=True)
    return time.perf_counter() - start_s


class _Stopwatch:
    """Elapsed and processor time until it is stopped."""

    def __init__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.elapsed_s = time.perf_counter() - self._start[0]
        self.processor_s = time.process_time() - self._start[1]


def _record_timed(trained: TrainedModel, model: Path, here: Path) -> tuple[_Stopwatch, _Stopwatch]:
    log_model, watches = sending.log_model, []

    def timed(*arguments: object) -> object:
        watches.append(_Stopwatch())
        logged = log_model(*arguments)
        watches[-1].stop()
        return logged

    sending.log_model = timed
    whole = _Stopwatch()
    with contextlib.chdir(here):
        record(trained, model)
    whole.stop()
    sending.log_model = log_model
    return whole, watches[-1]


def _copy_runs(here: Path) -> None:
    """Record many copies of one training run, without its model and files."""
    with contextlib.chdir(here):
        recorded = read_record(list_unsent()[0])
        for number in range(_RUNS // len(recorded.runs)):
            times = {"started_ms": recorded.started_ms + number, "ended_ms": recorded.ended_ms + number}
            copy = recorded.model_copy(update={"id": str(number), "model": None, **times})
            sending.send_record(save_record(copy))


def _measure_pages(here: Path) -> Iterator[tuple[str, str]]:
    with contextlib.chdir(here):
        port = free_port(5100)
        command = ui_command(port)
    server_url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"{server_url}/health")
            with contextlib.chdir(here):
                page = start_page(server_url)
            body = json.dumps({"experiment_ids": [_experiment_in(page)], "max_results": _PAGE}).encode()
            request = Request(f"{server_url}/ajax-api/2.0/mlflow/runs/search", body)
            request.add_header("Content-Type", "application/json")
            seconds = [_elapsed_s(request) for _ in range(_REPEATS)]
            yield f"a page of {_PAGE} among {_RUNS} runs, with the request of the UI", _describe(seconds)
            yield from _in_browser(page)
        finally:
            server.terminate()


def _in_browser(page: str) -> Iterator[tuple[str, str]]:
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield "the runs page in a browser", "not measured: Chromium or playwright is not installed"
        return
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for label, address, selector in (
            ("the runs page, until names and metrics appear", page, _METRIC_COLUMN),
            ("its charts, until the first appears", f"{page}&compareRunsMode=CHART", _CHART),
        ):
            yield (
                f"{label}, in Chromium among {_RUNS} runs",
                _describe([_display_s(browser, address, selector) for _ in range(3)]),
            )
        browser.close()


def _display_s(browser: "Browser", address: str, selector: str) -> float:
    tab = browser.new_page(viewport={"width": 1600, "height": 1000})
    start_s = time.perf_counter()
    tab.goto(address)
    tab.locator("[role=gridcell]").filter(has_text="req").first.wait_for(timeout=_TIMEOUT_MS)
    tab.locator(selector).first.wait_for(timeout=_TIMEOUT_MS)
    elapsed_s = time.perf_counter() - start_s
    tab.close()
    return elapsed_s


def _experiment_in(page: str) -> str:
    return page.partition("/experiments/")[2].partition("/")[0]


def _describe(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s (median of {len(seconds)})"


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
