"""Score a chunk of requests in memory; a row that cannot be scored is kept, with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imr_ml.classifiers.conformal import EVEN
from imr_ml.classifiers.reliability import TOO_LITTLE
from imr_ml.corpus.dates import DateStyle
from imr_ml.corpus.mapping import require_mapped
from imr_ml.corpus.schema import (
    FAMILY_SEPARATOR,
    REQUIRED_COLUMNS,
    WARNING_SEPARATOR,
    SchemaError,
    parse_requests,
    row_errors,
)
from imr_ml.corpus.table import ur_families
from imr_ml.features.frame import ABSENT, feature_columns
from imr_ml.guidelines.coverage import acoem_chapter
from imr_ml.guidelines.types import FAMILIES
from imr_ml.precedents.decided import Query
from imr_ml.precedents.kinds import Kinds
from imr_ml.score_columns import ADDED, PANDAS_TYPES, SCORE_COLUMNS, UNCERTAIN, Kind, ScoreOptions
from imr_ml.scoring.evidence import evidence_json

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from imr_ml.classifiers.conformal import OutcomeSets
    from imr_ml.classifiers.types import Predictions
    from imr_ml.model_files import LoadedModel
    from imr_ml.precedents.cohorts import CohortRates
    from imr_ml.precedents.decided import DecidedRequests
    from imr_ml.precedents.neighbours import Neighbours, Precedent


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
        columns = _scored(frame[usable], rows.table[usable], model, options or ScoreOptions())
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
    query, kinds = Query.of(table), Kinds.of(features)
    little_known = model.model.reliability(matrix) < TOO_LITTLE
    columns: Columns = {
        **outcome_columns(predictions, model.sets(options.coverage), little_known),
        **family_columns(predictions, features),
        **cohort_columns(model.cohorts.rates(kinds, query)),
        "in_training": model.neighbours.decided.has_case_of(query),
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


Columns = dict[str, object]
_ACOEM = FAMILIES.index("acoem")
_DIGITS = 4
_SUMMARY = "clinical_summary"
TOO_SHORT = f"{_SUMMARY}: too short to tell"


def outcome_columns(predictions: Predictions, sets: OutcomeSets, little_known: NDArray[np.bool_]) -> Columns:
    """Predict an outcome if the prediction set contains only the likelier one and enough of the text is known.

    Parameters
    ----------
    predictions : Predictions
    sets : OutcomeSets
    little_known : (rows,) bool
        Rows of which the model knows too little text.
    """
    confident = sets.confident(predictions.p_overturned) & ~little_known
    likelier = np.where(predictions.p_overturned >= EVEN, "overturned", "upheld")
    return {
        "p_overturned": predictions.p_overturned,
        "outcome_pred": np.where(confident, likelier, UNCERTAIN),
        "confident": confident,
    }


def text_warnings(
    features: Mapping[str, Any], matrix: csr_matrix, model: LoadedModel, little_known: NDArray[np.bool_]
) -> list[str | None]:
    """Warn about requests whose outcome is uncertain because the model knows too little of their text; else None.

    Parameters
    ----------
    features : mapping of str to array
        Columns of the feature frame.
    matrix : (rows, features) sparse matrix
    model : LoadedModel
    little_known : (rows,) bool
        Rows of which the model knows too little text.
    """
    warnings: list[str | None] = [None] * len(little_known)
    baseline, places = model.model.baseline_, np.flatnonzero(little_known)
    if baseline is None or not len(places):
        return warnings
    for place, known in zip(places.tolist(), baseline.outcome.count(matrix[places]).tolist(), strict=True):
        texts = (features[name][place] for name in ("request_tokens", "summary_tokens"))
        words = sum(len(set(text.split()) - {ABSENT}) for text in texts)
        warnings[place] = TOO_SHORT if 2 * known >= words else f"{_SUMMARY}: the model knows {known} of {words} words"
    return warnings


def _join_warnings(*columns: Iterable[object]) -> Any:
    """Join the warnings of each row that are not missing."""
    rows = zip(*columns, strict=True)
    joined = [WARNING_SEPARATOR.join(warning for warning in row if isinstance(warning, str)) or None for row in rows]
    return pd.array(joined, "string")


def family_columns(predictions: Predictions, features: pd.DataFrame | Mapping[str, Any]) -> Columns:
    """Families with their probabilities; missing if the model was trained without families."""
    names = np.array(FAMILIES)
    probability = predictions.family_probability
    if np.isnan(probability).all():
        nothing = dict.fromkeys(("families_pred", "primary_family", "acoem_chapter"))
        return nothing | {f"p_{name}": np.nan for name in FAMILIES}
    columns: Columns = {
        "families_pred": [FAMILY_SEPARATOR.join(names[row]) for row in predictions.family_set],
        "primary_family": names[predictions.primary_family],
        "acoem_chapter": _chapters(predictions.family_set[:, _ACOEM].tolist(), features),
    }
    return columns | {f"p_{name}": probability[:, place] for place, name in enumerate(FAMILIES)}


def precedent_columns(precedents: list[list[Precedent]], neighbours: Neighbours, query: Query) -> Columns:
    """Precedents of each request as JSON; an empty list, with the reason, if no earlier decided request is similar.

    Parameters
    ----------
    precedents : list of list of Precedent
    neighbours : Neighbours
        The index that found them.
    query : Query
        Query of the same rows.
    """
    records = [[_precedent_record(one, neighbours.decided) for one in row] for row in precedents]
    return {
        "precedents": [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in records],
        "precedents_reason": [
            None if row else neighbours.reason_for_none(query, place) for place, row in enumerate(precedents)
        ],
    }


def cohort_columns(rates: CohortRates) -> Columns:
    """Overturn rate of each request's cohort, with its interval."""
    return {
        "cohort_rate": rates.rate,
        "cohort_low": rates.low,
        "cohort_high": rates.high,
        "cohort_requests": [None if np.isnan(size) else int(size) for size in rates.requests],
        "cohort_tier": rates.tier,
        "cohort_reason": rates.reason,
    }


def _chapters(is_acoem: list[bool], features: pd.DataFrame | Mapping[str, Any]) -> list[str | None]:
    rows = zip(is_acoem, features["request_body_parts"], features["ur_guideline"], strict=True)
    known: dict[tuple[str, str | None], str | None] = {}
    chapters = []
    for acoem, parts, cited in rows:
        key = parts.replace(ABSENT, ""), cited if isinstance(cited, str) else None
        if acoem and key not in known:
            known[key] = acoem_chapter(key[0].split(), key[1])
        chapters.append(known[key] if acoem else None)
    return chapters


def _precedent_record(precedent: Precedent, decided: DecidedRequests) -> dict[str, object]:
    row = precedent.row
    item, year = decided.item[row], decided.decided_year[row]
    return {
        "case_number": str(decided.case_number[row]) or None,
        "item": None if np.isnan(item) else int(item),
        "outcome": "overturned" if decided.overturned[row] else "upheld",
        "families": decided.families_of(row),
        "decided": None if np.isnan(year) else int(year),
        "similarity": round(precedent.similarity, _DIGITS),
        "shares": precedent.shares,
        "request": decided.request[row] if decided.request else None,
    }
