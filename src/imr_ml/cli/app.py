"""The Typer application, with error, warning and progress output."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from imr_ml.errors import ImrError
from imr_ml.files import is_storage_error

if TYPE_CHECKING:
    from rich.console import Console

    from imr_ml.ingest.manifest import Code
    from imr_ml.progress import StartProgress
    from imr_ml.tracking.git import GitState
    from imr_ml.tracking.sending import RecordedRun

WIDTH_WITHOUT_TERMINAL = 160
INCOMPLETE = 3
"""Exit code if input lines were rejected, no request could be scored, or the check found errors in training data."""

app = typer.Typer(
    name="imr-ml",
    help="Predict outcomes and cited guidelines of California Independent Medical Review requests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(is_requested: bool) -> None:
    if is_requested:
        from imr_ml import __version__

        typer.echo(f"imr-ml {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Predict outcomes and cited guidelines of California Independent Medical Review requests."""
    # joblib starts another worker; users cannot act on the warning.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    if threading.current_thread() is threading.main_thread():
        # Without an orderly exit, worker processes and servers keep running.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Print a user error in one line and exit with 2; any other exception keeps its traceback and exits with 1."""
    try:
        yield
    except (ImrError, FileNotFoundError, PermissionError) as error:
        warn(" ".join(str(error).split()))
        raise typer.Exit(2) from None
    except OSError as error:
        if not is_storage_error(error):
            raise
        where = error.filename or f"the output's folder or {tempfile.gettempdir()}"
        warn(f"{where} can't be written to ({os.strerror(error.errno or 0).lower()}); free some space")
        raise typer.Exit(2) from None


def warn(message: str) -> None:
    """Print a message to standard error, prefixed with the program name."""
    typer.echo(f"imr-ml: {message}", err=True)


def track_batch(record: Callable[[], RecordedRun], *, err: bool = False) -> None:
    """Record a batch and print its run; if MLflow cannot be reached, only warn that the record was saved for later."""
    from imr_ml.tracking import batches, sending

    try:
        run = record()
    except sending.UnsentError as error:
        warn(" ".join(str(error).split()))
        return
    typer.echo(f"recorded as run {run.run_id} in '{batches.SCORING}'", err=err)


def describe_code(git: GitState | None) -> Code | None:
    """Return the commit and its state for a manifest; None outside a Git checkout."""
    from imr_ml.ingest.manifest import Code

    return Code(commit=git.commit, dirty=git.dirty) if git else None


def wide_console() -> Console:
    """Return a console with the width of the terminal, or wide enough for every table if there is none."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)


@contextmanager
def progress() -> Iterator[StartProgress]:
    """Show progress bars on standard error, if it is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeLeft())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:

        def start(description: str, total: int) -> Callable[[int], object]:
            task = bars.add_task(description, total=total or None)
            return lambda steps: bars.advance(task, steps)

        yield start
