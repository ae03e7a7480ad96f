"""Start the MLflow UI at the saved view of training runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from imr_ml.tracking.store import connected
from imr_ml.tracking.uris import TrackingError, artifact_root, is_server, redact_uri, tracking_uri

if TYPE_CHECKING:
    import httpx

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


def serve_ui(port: int, host: str = HOST, say: Callable[[str], object] = print) -> int:
    """Serve the UI until interrupted; where an MLflow server is in use, say where its UI is.

    Parameters
    ----------
    port : int
        The next free one is taken where it is in use.
    host : str
    say : callable
        Told the address, and that the port is another one.

    Returns
    -------
    int
        Exit code: 1 where the server ended with an error, of which it has told itself.

    Raises
    ------
    TrackingError
        Where no port is free or the store can't be used.
    """
    uri = tracking_uri()
    # The server would tell at length what is wrong with a store, and wait for one that does not answer.
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
    return _run(ui_command(free, host), server, lambda: say(f"MLflow UI: {start_page(server)} (Ctrl-C ends it)"))


def start_page(server: str) -> str:
    """Address of the trainings in a running server, in the view they come with; of its list of experiments before.

    Parameters
    ----------
    server : str
        E.g. ``http://127.0.0.1:5000``.
    """
    import httpx

    from imr_ml.tracking.uris import EXPERIMENT
    from imr_ml.tracking.views import VIEW_KEY, first_view, view_tag

    answer = _get(f"{server}/api/2.0/mlflow/experiments/get-by-name", experiment_name=EXPERIMENT)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return f"{server}/#/experiments?{_WORKFLOW}"
    found = answer.raise_for_status().json()["experiment"]
    view = first_view(EXPERIMENT)
    # Who made the experiment, or took its views away, may have had others.
    has_view = any(tag["key"] == view_tag(view) for tag in found.get("tags", []))
    opened = f"&{VIEW_KEY}={view}" if has_view else ""
    return f"{server}/#/experiments/{found['experiment_id']}/runs?{_WORKFLOW}{opened}"


def free_port(port: int, host: str = HOST) -> int:
    """The port, or the next one that is free.

    Raises
    ------
    TrackingError
        Where none of the next 20 is free, or the host is not this machine.
    """
    candidates = range(port, min(port + _PORTS_TRIED, 65_536))
    for candidate in candidates:
        if _is_free(candidate, host):
            return candidate
    raise TrackingError(f"ports {port} to {candidates[-1]} on {host} can't be used; choose another: make ui PORT=8080")


def _is_free(port: int, host: str) -> bool:
    with closing(socket.socket()) as probe:
        # As the server does: a port whose last connection has just ended counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _run(command: list[str], address: str, when_it_answers: Callable[[], object]) -> int:
    environment = {**os.environ, **_SERVER_ENVIRONMENT}
    with subprocess.Popen(command, env=environment) as server:  # noqa: S603
        try:
            if _answers(address, server):
                when_it_answers()
            return 1 if server.wait() else 0
        except KeyboardInterrupt:
            return 0
        finally:
            server.terminate()


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers; whether it does, for it may end before."""
    import httpx

    while server.poll() is None:
        try:
            return _get(f"{address}/health").is_success
        except httpx.TransportError:
            time.sleep(_POLL_S)
    return False


def _get(url: str, **params: str) -> httpx.Response:
    import httpx

    # A proxy that the environment names is not for a server on this machine.
    with httpx.Client(trust_env=False) as client:
        return client.get(url, params=params)
