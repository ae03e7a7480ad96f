"""Start the MLflow UI at the saved view of training runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from imr_ml.tracking.store import connected
from imr_ml.tracking.uris import TrackingError, artifact_root, is_server, redact_uri, tracking_uri
from imr_ml.tracking.views import EXPERIMENT, VIEW_KEY, first_view, view_tag

HOST = "127.0.0.1"
_MAX_PORTS = 20
# Without it the UI opens the pages for language-model applications.
_WORKFLOW = "workflowType=machine_learning"
_POLL_S = 0.2
_SERVER_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # The background workers use 250 MB each and are only needed to evaluate language models.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def ui_command(port: int, host: str = HOST) -> list[str]:
    """Return the command that serves the UI for the store at `tracking_uri`."""
    uri = tracking_uri()
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", uri),
        *("--registry-store-uri", uri),
        *("--default-artifact-root", artifact_root(uri).as_uri()),
        *("--host", host),
        *("--port", str(port)),
        *("--workers", "1"),
        *("--uvicorn-opts", "--log-level warning"),
    ]


def run_server(command: list[str], address: str, on_ready: Callable[[], object]) -> int:
    """Run a server until it exits or is interrupted; return 1 if it failed, else 0.

    Parameters
    ----------
    command : list of str
    address : str
        Address of the server.
    on_ready : callable
        Called when the server is ready.
    """
    with subprocess.Popen(command, env={**os.environ, **_SERVER_ENVIRONMENT}) as server:  # noqa: S603
        try:
            if _wait_until_ready(address, server):
                on_ready()
            return 1 if server.wait() else 0
        except KeyboardInterrupt:
            return 0
        finally:
            server.terminate()


def serve_ui(
    port: int,
    host: str = HOST,
    say: Callable[[str], object] = print,
    run: Callable[[list[str], str, Callable[[], object]], int] = run_server,
) -> int:
    """Serve the UI until interrupted; if the store is an MLflow server, only print the address of its UI.

    Parameters
    ----------
    port : int
        The next free port is used if this one is in use.
    host : str
    say : callable
        Prints a message.
    run : callable
        Runs the server and returns the exit code; see `run_server`.
    """
    uri = tracking_uri()
    # Check the store first: the server would print a traceback for a bad one, and wait for one that is down.
    with connected():
        pass
    if is_server(uri):
        say(f"MLflow UI: {redact_uri(uri)}")
        return 0
    free = free_port(port, host)
    if free != port:
        say(f"port {port} is in use; using {free}")
    server = f"http://{host}:{free}"
    say("starting the MLflow UI")
    return run(ui_command(free, host), server, lambda: say(f"MLflow UI: {start_page(server)} (Ctrl-C to stop)"))


def start_page(server: str) -> str:
    """Return the address of the first view of training runs on a server; before any training, of all experiments."""
    with connected() as client:
        experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return f"{server}/#/experiments?{_WORKFLOW}"
    view = first_view(EXPERIMENT)
    # The view is missing if the experiment was created by hand or the view was deleted.
    view_query = f"&{VIEW_KEY}={view}" if view_tag(view) in experiment.tags else ""
    return f"{server}/#/experiments/{experiment.experiment_id}/runs?{_WORKFLOW}{view_query}"


def free_port(port: int, host: str = HOST) -> int:
    """Return the first free port of 20; raise an error if there is none, e.g. if the host is another machine."""
    candidates = range(port, min(port + _MAX_PORTS, 65_536))
    for candidate in candidates:
        with suppress(OSError):
            # Like the server, this accepts a port whose last connection has just closed.
            socket.create_server((host, candidate)).close()
            return candidate
    raise TrackingError(
        f"ports {port} to {candidates[-1]} on {host} can't be used; choose another: imr-ml ui --port 8080"
    )


def _wait_until_ready(address: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers; return False if it exits first."""
    import httpx

    while server.poll() is None:
        try:
            # The server is on this machine: ignore a proxy in the environment.
            return httpx.get(f"{address}/health", trust_env=False).is_success
        except httpx.TransportError:
            time.sleep(_POLL_S)
    return False
