"""Score JSON lines as they arrive, without files: for pipes and other programs."""

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
from imr_ml.scoring.parts import json_lines
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
) -> BatchSummary:
    """Score the JSON lines of a stream, each batch of lines as soon as it is there.

    A line that is not an object is answered by an object with ``line`` and ``error``. The order of day and month is
    found within one batch of lines: give ISO dates to be independent of it.

    Parameters
    ----------
    file_descriptor : int
        Of the input.
    write : callable
        Called with one or more JSON lines.
    model : LoadedModel
    options : ScoreOptions
    mapping : ColumnMapping

    Raises
    ------
    SchemaError
        For rows without a required column.
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
    written = frame_of_rows(objects, tuple(dict.fromkeys(key for row in objects for key in row)))
    check_columns(list(written.columns), "standard input", mapping.columns)
    styles = infer_styles(mapping.apply(written), "standard input")
    task = Task(Path(), options, mapping, tuple(written.columns), styles)
    return written.join(score_rows(model, task, written, [None] * len(written))[list(SCORE_COLUMNS)])


def _batches(file_descriptor: int) -> Iterator[tuple[int, list[str]]]:
    """The complete lines that are there, with the number of the first, whenever some arrive."""
    rest, number = b"", 1
    while block := os.read(file_descriptor, _BLOCK_BYTES):
        rest += block
        *lines, rest = rest.split(b"\n")
        if lines:
            yield number, [line.decode("utf-8", "replace") for line in lines]
            number += len(lines)
    if rest.strip():
        yield number, [rest.decode("utf-8", "replace")]
