"""Read decided requests, and answer questions about them to count rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imr_ml.corpus.decisions import needs_all_columns, open_decisions
from imr_ml.corpus.store import ROWS_AT_ONCE, schema_version
from imr_ml.corpus.table import complete_cases
from imr_ml.ingest.inputs import Kind, input_kind
from imr_ml.ingest.sources import RAW, SAMPLE, current_decisions, training_table
from imr_ml.rates.chunks import ChunkedReading
from imr_ml.rates.counting import AnsweredRequests, answer_requests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from imr_ml.corpus.decisions import InputOptions
    from imr_ml.progress import StartProgress


@dataclass(frozen=True, slots=True)
class DecidedTable:
    """Decided requests, with the name of their table and notes on it."""

    requests: pd.DataFrame
    name: str
    notes: tuple[str, ...]


def read_decided(
    data: Path | None, start: StartProgress, *, source: str | None = None, options: InputOptions
) -> DecidedTable:
    """Read decided requests from a table or any other input of `imr-ml train`.

    Parameters
    ----------
    data : Path or None
        A table or letters; default: ``data/raw``, else the sample corpus.
    start : callable
        Starts the progress bar of a long step.
    source : str, optional
        Use the requests of this source only; required for a table with several sources.
    options : InputOptions
        How to read a table.

    Raises
    ------
    SchemaError
        See `imr_ml.ingest.sources.training_table`.
    FileNotFoundError
        If the path does not exist.
    """
    if data is not None and input_kind(data, options) is Kind.REQUESTS:
        decisions = current_decisions(data, source, options, skip=("rationale",))
        return DecidedTable(complete_cases(decisions.requests), data.name, decisions.notes)
    table = training_table(data, start, source=source, options=options)
    requests = table.decisions.requests
    is_sample = requests["source"].eq("sample").any()
    name = str(data or (SAMPLE if is_sample else RAW))
    return DecidedTable(requests, name, (table.description.removeprefix("training on "), *table.decisions.notes))


def read_answers(
    data: Path | None,
    questions: Sequence[str],
    start: StartProgress,
    *,
    where: Sequence[str] = (),
    source: str | None = None,
    options: InputOptions,
    rows_at_once: int = ROWS_AT_ONCE,
) -> tuple[AnsweredRequests, tuple[str, ...]]:
    """Answer questions about the requests of a table or letters; return the answers, and notes on the table.

    A table is read in chunks of rows, so that only the answers of all requests are in memory.

    Parameters
    ----------
    data : Path or None
        See `read_decided`.
    questions : sequence of str
        Names in `QUESTIONS`.
    start : callable
        Starts the progress bar of a long step.
    where : sequence of str
        Conditions; see `answer_requests`.
    source : str, optional
        Use the requests of this source only; required for a table with several sources.
    options : InputOptions
        How to read a table.
    rows_at_once : int, optional
        Number of rows in memory.

    Raises
    ------
    SchemaError, FileNotFoundError
        See `read_decided`.
    RatesError
        For an invalid condition, or one that no request meets.
    """
    if data is not None and input_kind(data, options) is Kind.REQUESTS:
        table, mapping = open_decisions(data, options)
        if not needs_all_columns(table, mapping, schema_version(data)):
            wanted, resolved = tuple(dict.fromkeys([*questions, "family"])), replace(options, mapping=mapping)
            reading = ChunkedReading(data, table, wanted, tuple(where), source, resolved, rows_at_once)
            progress = start(f"reading {data.name}", 0)
            for rows in reading.read():
                progress(rows)
            return reading.answer(), reading.notes
    decided = read_decided(data, start, source=source, options=options)
    return answer_requests(decided.requests, questions, decided.name, where, start), decided.notes
