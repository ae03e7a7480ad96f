"""Score one chunk of the input into one part of the output, in any process.

If a chunk fails unexpectedly, it is split in halves until only the failing row remains.
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

_CHECK_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """Settings of a job that apply to all chunks.

    Attributes
    ----------
    model_folder : Path
    options : ScoreOptions
    mapping : ColumnMapping
    columns : tuple of str
        Columns of the input.
    styles : dict of str to DateStyle
        Date format of each date column.
    """

    model_folder: Path
    options: ScoreOptions
    mapping: ColumnMapping
    columns: tuple[str, ...]
    styles: dict[str, DateStyle] = field(default_factory=dict)


def score_part(task: Task, chunk: InputChunk, part: Path, *, parent: int) -> PartSummary:
    """Score a chunk in a worker process, which exits when its parent process does.

    Parameters
    ----------
    task : Task
    chunk : InputChunk
    part : Path
        File to write.
    parent : int
        Process ID of the parent.
    """
    return score_chunk(_model(task.model_folder, parent), task, chunk, part)


def score_chunk(model: LoadedModel, task: Task, chunk: InputChunk, part: Path) -> PartSummary:
    """Score a chunk and write its part.

    Parameters
    ----------
    model : LoadedModel
    task : Task
    chunk : InputChunk
    part : Path
        File to write.
    """
    rows, errors = chunk.read()
    frame = rows.reindex(columns=list(task.columns))
    scored = score_rows(model, task, frame, errors)
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
    write_part(part, frame.join(scored), summary)
    return summary


def score_rows(model: LoadedModel, task: Task, rows: pd.DataFrame, errors: list[str | None]) -> pd.DataFrame:
    """Return the added columns of input rows.

    Parameters
    ----------
    model : LoadedModel
    task : Task
    rows : DataFrame
        Rows under the user's names.
    errors : list of (str or None)
        Reason why each row cannot be scored; None if it can.
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
            # The message of the error may contain clinical text.
            reason = f"can't be scored ({type(error).__name__})"
            return score_frame(requests.assign(error=reason), model, task.options, task.styles)
        halves = requests.iloc[: len(requests) // 2], requests.iloc[len(requests) // 2 :]
        return pd.concat([_score_halves(half, model, task) for half in halves])


@cache
def _model(folder: Path, parent: int) -> LoadedModel:
    from imr_ml.model_files import read_model_for_command

    threading.Thread(target=_exit_with, args=(parent,), daemon=True).start()
    return read_model_for_command(folder)


def _exit_with(parent: int) -> None:
    """Exit when the parent process was killed, because its result is no longer needed."""
    while os.getppid() == parent:
        time.sleep(_CHECK_INTERVAL_S)
    os._exit(1)
