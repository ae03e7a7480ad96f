"""The MLflow UI on the tracked runs.

Knows how MLflow's server is started. Knows nothing of what is in the store.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from imr_ml.tracking.store import TrackingError, artifact_root, check_store, is_server, shown, tracking_uri

HOST = "127.0.0.1"
_PORTS_TRIED = 20
# Without it the UI opens with its pages for language-model applications.
_VIEW = "workflowType=machine_learning"
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
    if is_server(uri):
        say(f"MLflow UI: {shown(uri)}")
        return 0
    check_store(uri)
    free = free_port(port, host)
    if free != port:
        say(f"port {port} is in use; taking {free}")
    say(f"MLflow UI: http://{host}:{free}/#/experiments?{_VIEW} (Ctrl-C ends it)")
    return _run(ui_command(free, host))


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


def _run(command: list[str]) -> int:
    environment = {**os.environ, **_SERVER_ENVIRONMENT}
    with subprocess.Popen(command, env=environment) as server, _ended_with_us(server):  # noqa: S603
        try:
            return 1 if server.wait() else 0
        except KeyboardInterrupt:
            return 0


@contextmanager
def _ended_with_us(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the server with the block, also where we are told to terminate; it would stay behind otherwise."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        server.terminate()
