"""Score a file or a folder of letters into a file, chunk by chunk.

Knows the way from input to output. What a prediction holds, `frame` knows; what a file looks like, `tables`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.scoring.frame import check_columns, score_frame
from imr_ml.scoring.tables import chunk_writer, count_case_rows, read_input

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.model_files import LoadedModel
    from imr_ml.scoring.contract import ScoreOptions


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What scoring a batch gave: rows in all, rows with an error, rows by predicted outcome."""

    rows: int
    errors: int
    by_outcome: dict[str, int]


def score_file(
    source: Path,
    output: Path,
    model: LoadedModel,
    options: ScoreOptions | None = None,
    *,
    rows_at_once: int = 2000,
    progress: Callable[[int], object] | None = None,
) -> BatchSummary:
    """Score every row of `source` into `output`, which appears when all is done.

    Raises
    ------
    SchemaError
        For an input or output that is no known table, or one that lacks a required column.
    FileNotFoundError
        For an input that does not exist.
    """
    # A case may straddle two chunks, so its rows are counted before; a folder's letters are read whole.
    own = {"error"} if source.is_dir() else set()
    case_rows = None if source.is_dir() else count_case_rows(source)
    rows, errors, by_outcome = 0, 0, Counter[str]()
    with chunk_writer(output) as write:
        for chunk in read_input(source, rows_at_once):
            check_columns([name for name in chunk.columns if name not in own], str(source))
            scored = score_frame(_with_case_rows(chunk, case_rows), model, options)
            write(scored if "items_in_case" in chunk else scored.drop(columns="items_in_case", errors="ignore"))
            rows += len(scored)
            errors += int(scored["error"].notna().sum())
            by_outcome.update(scored["outcome_pred"].dropna())
            if progress:
                progress(len(scored))
    return BatchSummary(rows, errors, dict(by_outcome))


def _with_case_rows(chunk: pd.DataFrame, case_rows: pd.Series | None) -> pd.DataFrame:
    if case_rows is None:
        return chunk
    return chunk.assign(items_in_case=chunk["case_number"].astype("string").map(case_rows))
