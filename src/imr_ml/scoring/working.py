"""Score one chunk of the input into one part of the output, in any process.

A chunk that fails as a whole is halved until only the row that fails is left.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.dates import DateStyle
from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.schema import count_warnings
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.inputs import to_requests
from imr_ml.scoring.parts import PartSummary, write_part

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.model_files import LoadedModel
    from imr_ml.scoring.inputs import InputChunk

_WATCHED_S = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What holds for every chunk of a job.

    Attributes
    ----------
    model_folder : Path
    options : ScoreOptions
    mapping : ColumnMapping
    columns : tuple of str
        The input's.
    styles : dict of str to DateStyle
        How the dates of each column are written.
    """

    model_folder: Path
    options: ScoreOptions
    mapping: ColumnMapping
    columns: tuple[str, ...]
    styles: dict[str, DateStyle] = field(default_factory=dict)


def score_part(task: Task, chunk: InputChunk, part: Path, *, parent: int) -> PartSummary:
    """Score a chunk into its part in a worker process, which ends when `parent` does.

    Parameters
    ----------
    task : Task
    chunk : InputChunk
    part : Path
        File of the part.
    parent : int
        Process without which the worker ends.
    """
    return score_chunk(_model(task.model_folder, parent), task, chunk, part)


def score_chunk(model: LoadedModel, task: Task, chunk: InputChunk, part: Path) -> PartSummary:
    """Score a chunk into its part.

    Parameters
    ----------
    model : LoadedModel
    task : Task
    chunk : InputChunk
    part : Path
        File of the part.
    """
    rows, errors = chunk.read()
    written = rows.reindex(columns=list(task.columns))
    scored = score_rows(model, task, written, errors)
    summary = PartSummary(
        size=chunk.size,
        rows=len(scored),
        errors=int(scored["error"].notna().sum()),
        by_outcome=dict(Counter(scored["outcome_pred"].dropna())),
        reasons=dict(Counter(scored["error"].dropna())),
        warnings=dict(count_warnings(scored["warnings"])),
        in_training=int(scored["in_training"].sum()),
        rejected_lines=[asdict(line) for line in chunk.rejected_lines],
    )
    write_part(part, written.join(scored), summary)
    return summary


def score_rows(model: LoadedModel, task: Task, rows: pd.DataFrame, errors: list[str | None]) -> pd.DataFrame:
    """The added columns of rows.

    Parameters
    ----------
    model : LoadedModel
    task : Task
    rows : DataFrame
        Under the user's names.
    errors : list of (str or None)
        Why a row can't be scored.
    """
    requests = to_requests(rows, task.mapping, errors)
    return _score_halves(requests, model, task)[list(SCORE_COLUMNS)]


def _score_halves(requests: pd.DataFrame, model: LoadedModel, task: Task) -> pd.DataFrame:
    import pandas as pd

    from imr_ml.scoring.frame import score_frame

    try:
        return score_frame(requests, model, task.options, task.styles)
    except Exception as error:  # noqa: BLE001, an unforeseen failure must cost one row, not a million
        if len(requests) == 1:
            # The error's own words may contain the row's.
            reason = f"can't be scored ({type(error).__name__})"
            return score_frame(requests.assign(error=reason), model, task.options, task.styles)
        halves = requests.iloc[: len(requests) // 2], requests.iloc[len(requests) // 2 :]
        return pd.concat([_score_halves(half, model, task) for half in halves])


@cache
def _model(folder: Path, parent: int) -> LoadedModel:
    from imr_ml.model_files import read_model_for_command

    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    return read_model_for_command(folder)


def _end_with(parent: int) -> None:
    """End this process when its parent was killed: nobody would fetch what it does."""
    while os.getppid() == parent:
        time.sleep(_WATCHED_S)
    os._exit(1)
