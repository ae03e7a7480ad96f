"""Read the decided requests that rates are counted of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.corpus.table import complete_cases
from imr_ml.ingest.paths import Kind
from imr_ml.ingest.sources import RAW, SAMPLE, current_decisions, input_kind, training_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from imr_ml.corpus.decisions import InputOptions
    from imr_ml.progress import StartProgress


@dataclass(frozen=True, slots=True)
class DecidedTable:
    """Decided requests with their table's name and what a reader of the figures must know about it."""

    requests: pd.DataFrame
    name: str
    notes: tuple[str, ...]


def read_decided(
    data: Path | None, start: StartProgress, *, source: str | None = None, options: InputOptions
) -> DecidedTable:
    """Decided requests of a table, or of what `imr-ml train` accepts: letters, ``data/raw`` or the sample corpus.

    Parameters
    ----------
    data : Path or None
    start : callable
        Starts the progress bar of a long step.
    source : str, optional
        Take the requests of this source only; a table of several needs it.
    options : InputOptions
        How a table is read.

    Raises
    ------
    SchemaError
        As `imr_ml.ingest.sources.training_table`.
    FileNotFoundError
        For a path that does not exist.
    """
    if data is not None and input_kind(data, options) is Kind.REQUESTS:
        decisions = current_decisions(data, source, options, skip=("rationale",))
        return DecidedTable(complete_cases(decisions.requests), data.name, decisions.notes)
    table = training_table(data, start, source=source, options=options)
    requests = table.decisions.requests
    is_sample = requests["source"].eq("sample").any()
    name = str(data or (SAMPLE if is_sample else RAW))
    return DecidedTable(requests, name, (table.description.removeprefix("training on "), *table.decisions.notes))
