"""Profile a batch of any size by sampling cases and scoring them in chunks.

A hash of the case number selects the sample, so the sample does not depend on the chunk size. Only numbers and labels
stay in memory.
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
from imr_ml.progress import Progress, StartProgress, no_progress
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
        Rows of cases in the training data. They are excluded, because the model knows all their words and scores
        them with more confidence than new requests.
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
    start: StartProgress = no_progress,
) -> ProfiledBatch:
    """Profile a table, or a folder or zip of letters.

    Parameters
    ----------
    source : Path
        Any input that `score_file` reads.
    model : LoadedModel
    mapping : ColumnMapping, optional
        Names of columns and values in the input.
    sheet : str, optional
        Sheet of a workbook.
    max_rows : int
        Approximate number of rows or letters to sample from a larger input; cases are sampled as a whole.
    seed : int
        Seed of the sample.
    rows_at_once : int
        Number of rows in memory.
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
            f"{source}: all {training_rows} usable row(s) are of cases in the training data of the model; "
            "drift is measured on new requests"
        )
    if not parts:
        raise DriftError(f"{source}: none of {errors} row(s) can be scored")
    rows = sum(map(len, parts)) + errors + training_rows
    drawn_from = opened.total if opened.unit == "requests" else round(rows / share)
    return ProfiledBatch(join_profiles(parts, drawn_from), errors, training_rows)


def _sample_cases(opened: Input, share: float, seed: int, step: Progress, rows_at_once: int) -> Iterator[pd.DataFrame]:
    """Yield the requests of the sampled cases; the column ``error`` has the reason why a row can't be read."""
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
    """Join small tables, because a chunk of a large input adds only a few rows to the sample."""
    parts: list[pd.DataFrame] = []
    for table in tables:
        if len(table):
            parts.append(table)
        if sum(map(len, parts)) >= rows_at_once:
            yield pd.concat(parts)
            parts = []
    if parts:
        yield pd.concat(parts)


def _profile_tables(
    tables: Iterator[pd.DataFrame], model: LoadedModel, styles: Mapping[str, DateStyle]
) -> Iterator[ProfiledBatch]:
    """Profile each table, with case numbers that are consistent over all tables."""
    word_features = word_columns(model.model.features_)
    cases: dict[str, int] = {}
    for requests in tables:
        rows = type_rows(requests, styles)
        usable = rows.table[rows.errors.isna()]
        in_training = model.neighbours.decided.contains_case(Query.from_table(usable))
        profile = _profile(usable[~in_training], model, word_features, cases)
        yield ProfiledBatch(profile, int(rows.errors.notna().sum()), int(in_training.sum()))


def _profile(
    usable: pd.DataFrame, model: LoadedModel, word_features: NDArray[np.bool_], cases: dict[str, int]
) -> Profile:
    if usable.empty:
        return Profile(np.empty(0, dtype=np.int32), {}, {}, 0)
    features, matrix, predictions = predict_rows(usable, model)
    frame = frame_of_columns(features, usable.index)
    case = np.array([cases.setdefault(key, len(cases)) for key in case_keys(usable)])
    return profile_requests(frame, matrix, predictions, word_features, case, len(usable))
