"""Write the winner of a sweep as an experiment file, never over another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.experiments.writing import to_toml
from imr_ml.files import explain_storage_errors
from imr_ml.sweeps.searching import SweepError

if TYPE_CHECKING:
    from imr_ml.sweeps.results import Sweep


def winner_toml(sweep: Sweep) -> str:
    """Experiment file with every setting of the winner."""
    winner, plan = sweep.winner, sweep.plan
    changes = ", ".join(f"{key}={value}" for key, value in winner.values.items())
    tried = sum(one.search == winner.search for one in sweep.trials)
    values = plan.experiment(winner.values).values()
    return to_toml(values | {"description": f"Best of {tried} trials of {plan.base.name}: {changes}"})


def check_is_new(path: Path) -> None:
    """Refuse a file that exists.

    Raises
    ------
    SweepError
    """
    if path.exists():
        raise SweepError(f"{path}: exists and is not replaced; move it away, or name another with -o")


def write_new(path: Path, text: str) -> None:
    """Write a new file.

    Raises
    ------
    SweepError
        If it exists.
    """
    with explain_storage_errors(path.parent):
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            check_is_new(path)
            raise
