"""Profile a batch of any size by sampling cases and scoring them in chunks.

A hash of the case number selects the sample, so it does not depend on how the table is split into chunks. Only numbers
and labels stay in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.corpus.dates import DateStyle
from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.table import case_keys
from imr_ml.drift.comparing import DriftError
from imr_ml.features.frame import frame_of_columns
from imr_ml.model_files import LoadedModel
from imr_ml.precedents.decided import Query
from imr_ml.profiles import MAX_ROWS, Profile, join_profiles, profile_requests, word_columns
from imr_ml.progress import Progress, StartProgress, silent
from imr_ml.scoring.frame import check_columns, predict_rows, type_rows
from imr_ml.scoring.inputs import Input, open_input, read_chunks, sample_rows, to_requests

_LARGEST_HASH = 2**64


@dataclass(frozen=True, slots=True)
class ProfiledBatch:
    """Profile of a batch.

    Attributes
    ----------
    errors : int
        Sampled rows that can't be scored.
    training_rows : int
        Rows of cases that the model was trained on. They are left out: it scores them with more confidence than new
        ones and knows all their words.
    """

    profile: Profile
    errors: int
    training_rows: int


def profile_file(
    source: Path,
    model: LoadedModel,
    mapping: ColumnMapping | None = None,
    *,
    sheet: str | None = None,
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    rows_at_once: int = 2000,
    start: StartProgress = silent,
) -> ProfiledBatch:
    """Profile a table, or a folder or zip of letters.

    Parameters
    ----------
    source : Path
        Any input that can be scored.
    model : LoadedModel
    mapping : ColumnMapping, optional
        The user's names of columns and values.
    sheet : str, optional
        Sheet of a workbook.
    max_rows : int
        Approximate number of rows or letters to sample from a larger input, by whole cases.
    seed : int
        Seed of the sample.
    rows_at_once : int
        Rows in memory.
    start : callable, optional
        Starts the progress bar.

    Raises
    ------
    SchemaError
        If the input is not a table or letters, or lacks a required column.
    FileNotFoundError
        If the input does not exist.
    DriftError
        If no row can be scored.
    """
    mapping = mapping or ColumnMapping()
    with tempfile.TemporaryDirectory() as scratch:
        opened = open_input(source, mapping, Path(scratch), sheet)
        check_columns(list(opened.columns), str(source), opened.mapping.columns, lambda: sample_rows(opened))
        step = start(f"profiling {opened.unit}", opened.total)
        share = min(1.0, max_rows / max(1, opened.total))
        sample = _gather(_sample_cases(opened, share, seed, step, rows_at_once), rows_at_once)
        batches = list(_profile_tables(sample, model, opened.styles))
    parts = [batch.profile for batch in batches if len(batch.profile)]
    errors, training_rows = sum(batch.errors for batch in batches), sum(batch.training_rows for batch in batches)
    if not parts and training_rows:
        raise DriftError(
            f"{source}: all {training_rows} row(s) that can be scored are of cases that the model was trained on; "
            "drift is measured on new requests"
        )
    if not parts:
        raise DriftError(f"{source}: none of {errors} row(s) can be scored")
    rows = sum(map(len, parts)) + errors + training_rows
    drawn_from = opened.total if opened.unit == "requests" else round(rows / share)
    return ProfiledBatch(join_profiles(parts, drawn_from), errors, training_rows)


def _sample_cases(opened: Input, share: float, seed: int, step: Progress, rows_at_once: int) -> Iterator[pd.DataFrame]:
    """Requests of the sampled cases; column ``error`` states why one can't be read."""
    by_letter = opened.unit == "letters"
    if by_letter:
        is_sampled = _is_sampled([letter.name for letter in opened.letters], share, seed)
        opened = replace(opened, letters=tuple(compress(opened.letters, is_sampled)))
    for chunk in read_chunks(opened, rows_at_once):
        rows, errors = chunk.read()
        requests = to_requests(rows, opened.mapping, errors)
        yield requests if by_letter else requests[_is_sampled(case_keys(requests), share, seed)]
        step(chunk.size)


def _is_sampled(keys: Sequence[str] | pd.Series, share: float, seed: int) -> NDArray[np.bool_]:
    if share >= 1:
        return np.ones(len(keys), dtype=bool)
    hashed = pd.util.hash_array(np.asarray(keys, dtype=object), hash_key=f"{seed:016d}"[-16:], categorize=False)
    is_sampled: NDArray[np.bool_] = hashed < np.uint64(share * _LARGEST_HASH)
    return is_sampled


def _gather(tables: Iterator[pd.DataFrame], rows_at_once: int) -> Iterator[pd.DataFrame]:
    """Join small tables, as each chunk of a large input adds only a few rows to the sample."""
    waiting: list[pd.DataFrame] = []
    for table in tables:
        if len(table):
            waiting.append(table)
        if sum(map(len, waiting)) >= rows_at_once:
            yield pd.concat(waiting)
            waiting = []
    if waiting:
        yield pd.concat(waiting)


def _profile_tables(
    tables: Iterator[pd.DataFrame], model: LoadedModel, styles: Mapping[str, DateStyle]
) -> Iterator[ProfiledBatch]:
    """Profile each table; all number cases alike."""
    known = word_columns(model.model.features_)
    cases: dict[str, int] = {}
    for requests in tables:
        rows = type_rows(requests, styles)
        usable = rows.table[rows.errors.isna()]
        in_training = model.neighbours.decided.contains_case(Query.from_table(usable))
        profile = _profile(usable[~in_training], model, known, cases)
        yield ProfiledBatch(profile, int(rows.errors.notna().sum()), int(in_training.sum()))


def _profile(usable: pd.DataFrame, model: LoadedModel, known: NDArray[np.bool_], cases: dict[str, int]) -> Profile:
    if usable.empty:
        return Profile(np.empty(0, dtype=np.int32), {}, {}, 0)
    features, matrix, predictions = predict_rows(usable, model)
    frame = frame_of_columns(features, usable.index)
    case = np.array([cases.setdefault(key, len(cases)) for key in case_keys(usable)])
    return profile_requests(frame, matrix, predictions, known, case, len(usable))
