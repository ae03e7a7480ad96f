"""The command line: read arguments, call, print.

Knows what the commands are called and how their results are shown; one module a group of commands. Everything else is
in the rooms. Nothing heavy is imported before a command runs.
"""

from imr_ml.cli import check, drift, fetch, letters, reproduce, runs, sample, score, train
from imr_ml.cli.app import app

__all__ = ["app", "check", "drift", "fetch", "letters", "reproduce", "runs", "sample", "score", "train"]
