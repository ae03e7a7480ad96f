"""Score a chunk of requests in memory; a row that cannot be scored is kept, with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imr_ml.classifiers.reliability import TOO_LITTLE
from imr_ml.corpus.dates import DateStyle
from imr_ml.corpus.mapping import require_mapped
from imr_ml.corpus.schema import REQUIRED_COLUMNS, WARNING_SEPARATOR, SchemaError, parse_requests, row_errors
from imr_ml.corpus.table import ur_families
from imr_ml.features.frame import feature_columns
from imr_ml.precedents.decided import Query
from imr_ml.precedents.kinds import Kinds
from imr_ml.score_columns import ADDED, PANDAS_TYPES, SCORE_COLUMNS, Kind, ScoreOptions
from imr_ml.scoring.columns import (
    Columns,
    cohort_columns,
    family_columns,
    outcome_columns,
    precedent_columns,
    text_warnings,
)
from imr_ml.scoring.evidence import evidence_json

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from imr_ml.classifiers.types import Predictions
    from imr_ml.model_files import LoadedModel

EVIDENCE_TERMS = 5


def check_columns(
    columns: list[str],
    source: str,
    mapped: Mapping[str, str] | None = None,
    read_sample: Callable[[], pd.DataFrame | None] | None = None,
) -> None:
    """Check that a table has the required columns and none that scoring would overwrite.

    Parameters
    ----------
    columns : list of str
        Columns of the table.
    source : str
        Name of the table in errors.
    mapped : mapping of str to str, optional
        Column of the requests table -> column of this table.
    read_sample : callable, optional
        Reads some rows, from whose contents a mapping is suggested; called only if a column is missing.

    Raises
    ------
    SchemaError
        If a required column is missing, or the table has a column that scoring adds.
    """
    require_mapped(columns, REQUIRED_COLUMNS, mapped or {}, source, read_sample)
    repeated = [name for name in SCORE_COLUMNS if name in columns]
    if repeated:
        raise SchemaError(
            f"{source}: has column(s) that scoring adds: {', '.join(repeated)}; rename them, or replace them: --replace"
        )


def score_frame(
    frame: pd.DataFrame,
    model: LoadedModel,
    options: ScoreOptions | None = None,
    styles: Mapping[str, DateStyle] | None = None,
) -> pd.DataFrame:
    """Score requests.

    Parameters
    ----------
    frame : DataFrame
        Requests; columns outside the schema pass through. A row whose ``error`` is already set, such as an unreadable
        letter, keeps that error and is not scored.
    model : LoadedModel
    options : ScoreOptions, optional
    styles : mapping of str to DateStyle, optional
        Format of each date column; default: month first.

    Returns
    -------
    DataFrame
        The same rows, columns and index, plus `SCORE_COLUMNS`. A row that can't be scored has the reason in ``error``;
        its other added columns except ``warnings`` are missing.

    Raises
    ------
    ValueError
        If the coverage is not between 0 and 1.
    """
    index, frame = frame.index, frame.reset_index(drop=True)
    rows = type_rows(frame, styles)
    usable = rows.errors.isna().to_numpy()
    columns: Columns = {}
    if usable.any():
        selected = slice(None) if usable.all() else usable
        columns = _scored(frame[selected], rows.table[selected], model, options or ScoreOptions())
    # Fixed types, so that all chunks of a file have the same ones.
    scored = {column.name: _typed_column(columns.get(column.name), usable, column.kind) for column in ADDED}
    scored |= {"error": rows.errors.array, "warnings": _join_warnings(rows.warnings, scored["warnings"])}
    written: dict[Any, Any] = {name: values.array for name, values in frame.items() if name != "error"}
    return pd.DataFrame({**written, **scored}, index=index)


def _typed_column(values: object, usable: NDArray[np.bool_], kind: Kind) -> Any:
    """Array of a kind's type with values (or a scalar) in the usable rows; missing in all others."""
    if kind == "number":
        numbers = np.full(len(usable), np.nan)
        numbers[usable] = np.nan if values is None else values
        return numbers
    cells: Any = np.full(len(usable), None, dtype=object)
    cells[usable] = values
    return pd.array(cells, PANDAS_TYPES[kind])


@dataclass(frozen=True, slots=True)
class TypedRows:
    """Rows converted to their types.

    Attributes
    ----------
    table : DataFrame
    errors : Series of string
        Why each row can't be scored: the ``error`` in the input, or else the one found here; missing if it can.
    warnings : Series of string
        Cells of each row that could not be parsed; missing if there are none.
    """

    table: pd.DataFrame
    errors: pd.Series
    warnings: pd.Series


def type_rows(frame: pd.DataFrame, styles: Mapping[str, DateStyle] | None = None) -> TypedRows:
    """Convert rows to their types; see `score_frame`."""
    parsed = parse_requests(frame, styles)
    errors = row_errors(parsed.table)
    if "error" in frame:
        errors = frame["error"].astype("string").fillna(errors)
    return TypedRows(parsed.table, errors, parsed.warnings)


def predict_rows(
    table: pd.DataFrame, model: LoadedModel, *, views: bool = False
) -> tuple[dict[str, Any], csr_matrix, Predictions]:
    """Compute the features of typed rows, as columns and as the model's matrix, and the predictions.

    Parameters
    ----------
    table : DataFrame
    model : LoadedModel
    views : bool
        Whether to keep the offsets of each term in the text.
    """
    features = feature_columns(table.assign(ur_families=ur_families(table)), model.nlp, views=views)
    matrix = model.model.matrix(features)
    return features, matrix, model.model.predict_matrix(matrix)


def _scored(written: pd.DataFrame, table: pd.DataFrame, model: LoadedModel, options: ScoreOptions) -> Columns:
    features, matrix, predictions = predict_rows(table, model, views=options.evidence)
    query, kinds = Query.from_table(table), Kinds.from_frame(features)
    little_known = model.model.reliability(matrix) < TOO_LITTLE
    columns: Columns = {
        **outcome_columns(predictions, model.sets(options.coverage), little_known),
        **family_columns(predictions, features),
        **cohort_columns(model.cohorts.rates(kinds, query)),
        "in_training": model.neighbours.decided.contains_case(query),
        "model_version": model.version,
        "warnings": text_warnings(features, matrix, model, little_known),
    }
    if options.evidence:
        contributions = model.model.explain(matrix, predictions, EVIDENCE_TERMS)
        columns["evidence"] = evidence_json(contributions, written, features)
    if options.precedents:
        nearest = model.neighbours.nearest(matrix, query, kinds, options.precedents)
        columns |= precedent_columns(nearest, model.neighbours, query)
    return columns


def _join_warnings(*columns: Iterable[object]) -> Any:
    """Join the warnings of each row that are not missing."""
    rows = zip(*columns, strict=True)
    joined = [WARNING_SEPARATOR.join(warning for warning in row if isinstance(warning, str)) or None for row in rows]
    return pd.array(joined, "string")
