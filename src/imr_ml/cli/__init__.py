"""The command line: parse arguments, call the other packages, print results.

Heavy libraries are imported only when a command runs.
"""

from imr_ml.cli import (  # noqa: F401 - each module adds its commands to the application
    check,
    desk,
    drift,
    experiments,
    fetch,
    ladder,
    letters,
    predict,
    rates,
    report,
    reproduce,
    runs,
    sample,
    score,
    sweep,
    train,
)
from imr_ml.cli.app import app

__all__ = ["app"]
