"""The command line: parse arguments, call, print.

Everything else is in the rooms. Nothing heavy is imported before a command runs.
"""

from imr_ml.cli import (
    check,
    drift,
    experiments,
    fetch,
    ladder,
    letters,
    predict,
    rates,
    reproduce,
    runs,
    sample,
    score,
    sweep,
    train,
)
from imr_ml.cli.app import app

__all__ = [
    "app",
    "check",
    "drift",
    "experiments",
    "fetch",
    "ladder",
    "letters",
    "predict",
    "rates",
    "reproduce",
    "runs",
    "sample",
    "score",
    "sweep",
    "train",
]
