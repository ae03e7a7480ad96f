"""Score JSON lines from a pipe or another program as they arrive."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from imr_ml.corpus.dates import infer_styles
from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.batch import BatchSummary
from imr_ml.scoring.frame import check_columns
from imr_ml.scoring.output import json_lines
from imr_ml.scoring.working import Task, score_rows
from imr_ml.tables.json_files import frame_of_rows, parse_object

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel

_BLOCK_BYTES = 1 << 16


def score_stream(
    file_descriptor: int,
    write: Callable[[str], object],
    model: LoadedModel,
    options: ScoreOptions,
    mapping: ColumnMapping,
    *,
    replace: bool = False,
) -> BatchSummary:
    """Score the JSON lines of a stream, each batch of lines as soon as it arrives.

    For a line that is not an object, the output is an object with ``line`` and ``error``. The order of day and month is
    inferred for each batch of lines; use ISO dates to avoid ambiguity.

    Parameters
    ----------
    file_descriptor : int
        File descriptor of the input.
    write : callable
        Function that is called with one or more JSON lines.
    model : LoadedModel
    options : ScoreOptions
    mapping : ColumnMapping
    replace : bool, default False
        Whether to replace the columns of an earlier scoring.

    Raises
    ------
    SchemaError
        If rows lack a required column.
    """
    rows = errors = rejected = in_training = 0
    outcomes: dict[str, int] = {}
    for first, lines in _batches(file_descriptor):
        parsed = [(number, parse_object(line)) for number, line in enumerate(lines, first) if line.strip()]
        for number, reason in parsed:
            if isinstance(reason, str):
                rejected += 1
                write(json.dumps({"line": number, "error": reason}) + "\n")
        objects = [row for _, row in parsed if not isinstance(row, str)]
        if objects:
            if replace:
                objects = [{key: value for key, value in row.items() if key not in SCORE_COLUMNS} for row in objects]
            scored = _score(objects, model, options, mapping)
            rows += len(scored)
            errors += int(scored["error"].notna().sum())
            in_training += int(scored["in_training"].sum())
            for outcome, count in scored["outcome_pred"].value_counts().items():
                outcomes[str(outcome)] = outcomes.get(str(outcome), 0) + int(count)
            write(json_lines(scored))
    return BatchSummary(rows, errors, outcomes, rejected_lines=rejected, in_training=in_training)


def _score(
    objects: list[dict[str, object]], model: LoadedModel, options: ScoreOptions, mapping: ColumnMapping
) -> pd.DataFrame:
    frame = frame_of_rows(objects, tuple(dict.fromkeys(key for row in objects for key in row)))
    mapping = mapping.resolve(list(frame.columns))
    check_columns(list(frame.columns), "standard input", mapping.columns)
    styles = infer_styles(mapping.apply(frame), "standard input")
    task = Task(Path(), options, mapping, tuple(frame.columns), styles)
    return frame.join(score_rows(model, task, frame, [None] * len(frame))[list(SCORE_COLUMNS)])


def _batches(file_descriptor: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each batch of complete lines as it arrives, with the number of its first line."""
    rest, number = b"", 1
    while block := os.read(file_descriptor, _BLOCK_BYTES):
        rest += block
        *lines, rest = rest.split(b"\n")
        if lines:
            yield number, [line.decode("utf-8", "replace") for line in lines]
            number += len(lines)
    if rest.strip():
        yield number, [rest.decode("utf-8", "replace")]
