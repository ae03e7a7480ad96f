"""Build the profile of a batch of any size by sampling cases and scoring them in chunks.

Of a large batch, cases are drawn by a hash of what they are called: whichever way a table is cut into pieces, the
same ones, and none is kept in memory but as numbers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.mapping import ColumnMapping
from imr_ml.corpus.table import case_keys
from imr_ml.drift.types import DriftError
from imr_ml.precedents.decided import Query
from imr_ml.profiles.profile import MOST_ROWS, Profile, joined
from imr_ml.profiles.rows import profile_of
from imr_ml.profiles.vocabulary import word_columns
from imr_ml.progress import silent
from imr_ml.scoring.frame import check_columns, predict_rows, type_rows
from imr_ml.scoring.inputs import open_input, read_chunks, sample_rows, to_requests

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from imr_ml.corpus.dates import DateStyle
    from imr_ml.model_files import LoadedModel
    from imr_ml.progress import Progress, StartProgress
    from imr_ml.scoring.inputs import Input

_LARGEST_HASH = 2**64


@dataclass(frozen=True, slots=True)
class ProfiledBatch:
    """A batch's profile, and what it leaves out.

    Attributes
    ----------
    profile : Profile
    errors : int
        Rows drawn that can't be scored.
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
    most_rows: int = MOST_ROWS,
    seed: int = 0,
    rows_at_once: int = 2000,
    start: StartProgress = silent,
) -> ProfiledBatch:
    """The profile of a table, or of a folder or zip file of letters.

    Parameters
    ----------
    source : Path
        Whatever can be scored.
    model : LoadedModel
    mapping : ColumnMapping, optional
        The user's names of columns and values.
    sheet : str, optional
        Sheet of a workbook.
    most_rows : int
        Of an input with more rows or letters, so many are drawn, about, by whole cases.
    seed : int
    rows_at_once : int
        Rows in memory.
    start : callable, optional
        Starts the progress bar.

    Raises
    ------
    SchemaError
        For an input that is no known table, or one that lacks a required column.
    FileNotFoundError
        For an input that does not exist.
    DriftError
        For an input of which no row can be scored.
    """
    mapping = mapping or ColumnMapping()
    with tempfile.TemporaryDirectory() as scratch:
        opened = open_input(source, mapping, Path(scratch), sheet)
        check_columns(list(opened.columns), str(source), mapping.columns, lambda: sample_rows(opened))
        step = start(f"profiling {opened.unit}", opened.total)
        share = min(1.0, most_rows / max(1, opened.total))
        drawn = list(
            _profiled(_gathered(_drawn(opened, share, seed, step, rows_at_once), rows_at_once), model, opened.styles)
        )
    parts = [one.profile for one in drawn if len(one.profile)]
    errors, training_rows = sum(one.errors for one in drawn), sum(one.training_rows for one in drawn)
    if not parts and training_rows:
        raise DriftError(
            f"{source}: all {training_rows} row(s) that can be scored are of cases that the model was trained on; "
            "drift is measured on new requests"
        )
    if not parts:
        raise DriftError(f"{source}: none of {errors} row(s) can be scored")
    rows = sum(map(len, parts)) + errors + training_rows
    drawn_from = opened.total if opened.unit == "requests" else round(rows / share)
    return ProfiledBatch(
        profile=joined(parts, drawn_from),
        errors=errors,
        training_rows=training_rows,
    )


def _drawn(opened: Input, share: float, seed: int, step: Progress, rows_at_once: int) -> Iterator[pd.DataFrame]:
    """Requests of the cases drawn, with the reason in ``error`` where one can't be read."""
    by_letter = opened.unit == "letters"
    if by_letter:
        is_drawn = _is_drawn([letter.name for letter in opened.letters], share, seed)
        opened = replace(opened, letters=tuple(compress(opened.letters, is_drawn)))
    for chunk in read_chunks(opened, rows_at_once):
        rows, errors = chunk.read()
        requests = to_requests(rows, opened.mapping, errors)
        yield requests if by_letter else requests[_is_drawn(case_keys(requests), share, seed)]
        step(chunk.size)


def _is_drawn(keys: Sequence[str] | pd.Series, share: float, seed: int) -> NDArray[np.bool_]:
    import numpy as np
    import pandas as pd

    if share >= 1:
        return np.ones(len(keys), dtype=bool)
    hashed = pd.util.hash_array(np.asarray(keys, dtype=object), hash_key=f"{seed:016d}"[-16:], categorize=False)
    drawn: NDArray[np.bool_] = hashed < np.uint64(share * _LARGEST_HASH)
    return drawn


def _gathered(tables: Iterator[pd.DataFrame], rows_at_once: int) -> Iterator[pd.DataFrame]:
    """The same rows in tables that are worth scoring: a large input leaves few rows of each piece."""
    import pandas as pd

    waiting: list[pd.DataFrame] = []
    for table in tables:
        if len(table):
            waiting.append(table)
        if sum(map(len, waiting)) >= rows_at_once:
            yield pd.concat(waiting)
            waiting = []
    if waiting:
        yield pd.concat(waiting)


def _profiled(
    tables: Iterator[pd.DataFrame], model: LoadedModel, styles: Mapping[str, DateStyle]
) -> Iterator[ProfiledBatch]:
    """A profile of each table, whose cases are numbered alike."""
    known = word_columns(model.model.features_)
    cases: dict[str, int] = {}
    for requests in tables:
        rows = type_rows(requests, styles)
        usable = rows.table[rows.errors.isna()]
        in_training = model.neighbours.decided.has_case_of(Query.of(usable))
        profile = _profile(usable[~in_training], model, known, cases)
        yield ProfiledBatch(profile, int(rows.errors.notna().sum()), int(in_training.sum()))


def _profile(usable: pd.DataFrame, model: LoadedModel, known: NDArray[np.bool_], cases: dict[str, int]) -> Profile:
    import numpy as np

    if usable.empty:
        return Profile(np.empty(0, dtype=np.int32), {}, {}, 0)
    frame, matrix, predictions = predict_rows(usable, model)
    case = np.array([cases.setdefault(key, len(cases)) for key in case_keys(usable)])
    return profile_of(frame, matrix, predictions, known, case, len(usable))
