"""Real MLflow servers for tests, started on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def mlflow_server(
    folder: Path, port: int, *options: str, store: str | None = None, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server with its artifacts in `folder`, and its runs too unless another store is passed."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store or f"sqlite:///{folder}/server.db"]
    command += ["--artifacts-destination", str(folder / "served"), "--uvicorn-opts", "--log-level warning", *options]
    log = (folder / "server.log").open("ab")
    inherited = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    with (
        log,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, **QUIET, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server)
            yield server
        finally:
            end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """Kill a server and its child processes."""
    if server.poll() is None:
        os.killpg(server.pid, 9)
        server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 240) -> None:
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at and server.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.3)
    raise TimeoutError(url)
