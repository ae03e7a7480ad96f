"""Score one chunk of the input into one part of the output, in any process.

A piece that fails as a whole is taken apart until only the row that fails is left.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.inputs import requests_of
from imr_ml.scoring.parts import PartSummary, write_part
from imr_ml.tables.types import Chunk

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.model_files import LoadedModel
    from imr_ml.scoring.inputs import Piece

_WATCHED_S = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What holds for every piece of a job.

    Attributes
    ----------
    model_folder : Path
    options : ScoreOptions
    columns : dict of str to str
        The contract's name of a column -> the user's.
    names : tuple of str
        The input's columns.
    """

    model_folder: Path
    options: ScoreOptions
    columns: dict[str, str]
    names: tuple[str, ...]


def score_part(task: Task, piece: Piece, case_rows: pd.Series | None, part: Path, *, parent: int) -> PartSummary:
    """Score a piece into its part; `parent` is the process without which there is nothing to work for."""
    model = _model(task.model_folder, parent)
    return score_piece(model, task, piece, case_rows, part)


def score_piece(model: LoadedModel, task: Task, piece: Piece, case_rows: pd.Series | None, part: Path) -> PartSummary:
    """Score a piece into its part.

    Parameters
    ----------
    case_rows : Series or None
        Rows of each case in the whole input, shape (rows,), in the order of the piece's.
    """
    chunk = piece.read()
    written = chunk.frame.reindex(columns=list(task.names))
    scored = score_chunk(model, task, Chunk(written, chunk.reasons), case_rows)
    summary = _summary(piece.size, scored)
    write_part(part, written.join(scored), summary)
    return summary


def score_chunk(model: LoadedModel, task: Task, chunk: Chunk, case_rows: pd.Series | None) -> pd.DataFrame:
    """The added columns of a chunk's rows; see `score_piece`."""
    requests = requests_of(chunk, task.columns, case_rows)
    return _scored(requests, model, task.options)[list(SCORE_COLUMNS)]


def _scored(requests: pd.DataFrame, model: LoadedModel, options: ScoreOptions) -> pd.DataFrame:
    import pandas as pd

    from imr_ml.scoring.frame import score_frame

    try:
        return score_frame(requests, model, options)
    except Exception as error:  # noqa: BLE001, what no check foresaw shall cost one row, not a million
        if len(requests) == 1:
            # The error's own words may hold the row's.
            reason = f"can't be scored ({type(error).__name__})"
            return score_frame(requests.assign(error=reason), model, options)
        halves = requests.iloc[: len(requests) // 2], requests.iloc[len(requests) // 2 :]
        return pd.concat([_scored(half, model, options) for half in halves])


def _summary(size: int, scored: pd.DataFrame) -> PartSummary:
    return PartSummary(
        size=size,
        rows=len(scored),
        errors=int(scored["error"].notna().sum()),
        by_outcome=dict(Counter(scored["outcome_pred"].dropna())),
        reasons=dict(Counter(scored["error"].dropna())),
    )


@cache
def _model(folder: Path, parent: int) -> LoadedModel:
    from imr_ml.model_files import read_model

    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    model = read_model(folder)
    # What is loaded stays as long as the process: looking through it for garbage again and again would take time.
    gc.freeze()
    return model


def _leave_with(parent: int) -> None:
    """End this process when its parent was killed: nobody would fetch what it does."""
    while os.getppid() == parent:
        time.sleep(_WATCHED_S)
    os._exit(1)
