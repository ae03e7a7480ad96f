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
_PORTS_TRIED = 20
# Without it the UI opens with its pages for language-model applications.
_WORKFLOW = "workflowType=machine_learning"
_POLL_S = 0.2
_SERVER_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # Its background workers take 250 MB each and serve language-model evaluations only.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def ui_command(port: int, host: str = HOST) -> list[str]:
    """Command that serves the UI on the store that `tracking_uri` names."""
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
    """Run a server until it ends or is interrupted; return 1 if it ended with an error, else 0.

    Parameters
    ----------
    command : list of str
    address : str
        Of the server.
    on_ready : callable
        Called when the server answers.
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
    """Serve the UI until interrupted; if an MLflow server is in use, say where its UI is.

    Parameters
    ----------
    port : int
        If it is in use, the next free one is taken.
    host : str
    say : callable
        Prints the address, and the port if it is another one.
    run : callable
        Runs the server and returns the exit code; see `run_server`.
    """
    uri = tracking_uri()
    # The server would print a traceback about a store that can't be used, and wait for one that does not answer.
    with connected():
        pass
    if is_server(uri):
        say(f"MLflow UI: {redact_uri(uri)}")
        return 0
    free = free_port(port, host)
    if free != port:
        say(f"port {port} is in use; taking {free}")
    server = f"http://{host}:{free}"
    say("the MLflow UI is starting")
    return run(ui_command(free, host), server, lambda: say(f"MLflow UI: {start_page(server)} (Ctrl-C ends it)"))


def start_page(server: str) -> str:
    """Address of the trainings' first view on a server of the store in use; before any training, of all experiments."""
    with connected() as client:
        experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return f"{server}/#/experiments?{_WORKFLOW}"
    view = first_view(EXPERIMENT)
    # An experiment may have been created by hand, and its views may have been deleted.
    opened = f"&{VIEW_KEY}={view}" if view_tag(view) in experiment.tags else ""
    return f"{server}/#/experiments/{experiment.experiment_id}/runs?{_WORKFLOW}{opened}"


def free_port(port: int, host: str = HOST) -> int:
    """The port, or the next one that is free; an error if none of 20 is, as on a host that is not this machine."""
    candidates = range(port, min(port + _PORTS_TRIED, 65_536))
    for candidate in candidates:
        with suppress(OSError):
            # As for the server, a port whose last connection has just ended counts as free.
            socket.create_server((host, candidate)).close()
            return candidate
    raise TrackingError(
        f"ports {port} to {candidates[-1]} on {host} can't be used; choose another: imr-ml ui --port 8080"
    )


def _wait_until_ready(address: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers; False if it ends before."""
    import httpx

    while server.poll() is None:
        try:
            # A proxy that the environment names is not for a server on this machine.
            return httpx.get(f"{address}/health", trust_env=False).is_success
        except httpx.TransportError:
            time.sleep(_POLL_S)
    return False
