"""Turn the requests table into columns of tokens, facts and quantities, one row per request."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from imr_ml.nlp.demographics import find_demographics
from imr_ml.nlp.types import Fact, Kind, NlpSettings, SectionView, Unit
from imr_ml.nlp.views import DEFAULT_SETTINGS, category_of_view, view_sections
from imr_ml.progress import Progress, StartProgress, no_progress

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_RowOf = Callable[[str, SectionView], tuple[object, ...]]
MANY_TEXTS = 10_000
"""Number of distinct texts of a section from which several processes share the work."""
_TEXTS_AT_ONCE = 500
VIEW_COLUMNS = ("request_view", "summary_view", "ur_view")

_PARTIAL = re.compile(
    r"\boriginal\s+request\b|\bauthorized\s+by\s+the\s+claims|\bclaims\s+administrator\s+authorized", re.I
)
# A partly authorized item lists what was requested, what was authorized, then what is in dispute.
_BEFORE_DISPUTED = re.compile(r"\bimr[\s-]+eligible\b.*?\boriginal\s+request\b", re.I | re.S)
_SURGICAL_SERVICE = re.compile(r"\bassociated\s+surgical\s+service", re.I)
_RETROSPECTIVE = re.compile(r"\bretro(?:spective(?:ly)?)?\b|\bDOS\b|\bdates?\s+of\s+service\b", re.I)
_POSTOPERATIVE = re.compile(r"\bpost[\s-]*(?:op\b|operative|surg)", re.I)


class _RequestColumns(NamedTuple):
    request_view: SectionView | None
    request_tokens: str
    category: str
    treatments: str
    request_body_parts: str
    drugs: str
    drug_classes: str
    visits: float
    weeks: float
    dose_mg: float
    count: float  # type: ignore[assignment]
    refills: float
    partial_authorisation: bool
    associated_surgical_service: bool
    retrospective: bool
    postoperative: bool


class _SummaryColumns(NamedTuple):
    summary_view: SectionView | None
    summary_tokens: str
    summary_body_parts: str
    diagnoses: str
    findings: str
    age: float
    sex: str | None


class _GuidelineColumns(NamedTuple):
    ur_view: SectionView | None
    ur_tokens: str


def section_columns(
    requests: "pd.DataFrame",
    settings: NlpSettings = DEFAULT_SETTINGS,
    start: StartProgress = no_progress,
    *,
    views: bool = False,
    jobs: int = 1,
) -> "dict[str, NDArray[Any]]":
    """Build columns of tokens, facts and quantities by name, each an array of shape (n_requests,).

    Each distinct request, summary and guideline paragraph is read once.

    Parameters
    ----------
    requests : pandas.DataFrame, shape (n_requests, any)
        Columns ``request, clinical_summary, ur_guideline, category, age, sex`` are used; a missing column or value
        counts as empty.
    settings : NlpSettings
    start : callable, optional
        Starts a progress bar over the distinct texts.
    views : bool, default False
        Whether to include each section's `SectionView`, which has the offsets of its tokens.
    jobs : int, default 1
        Number of processes if a section has `MANY_TEXTS` distinct texts or more; -1 uses all cores.

    Returns
    -------
    dict of array
        23 columns, or 26 with views:
        ``request_tokens, summary_tokens, ur_tokens``: tokens joined by spaces.
        ``category``: from the table, or else inferred from the request.
        ``treatments, drugs, drug_classes`` of the request, ``diagnoses, findings`` of the summary,
        ``request_body_parts, summary_body_parts`` and both in ``body_parts``: canonical names joined by
        spaces, ``no_`` before a denied one.
        ``visits, weeks, dose_mg, count, refills``: disputed quantities, NaN if the request names none.
        ``partial_authorisation, associated_surgical_service, retrospective, postoperative``: bool.
        ``age``: years, NaN if unknown. ``sex``: ``"male"``, ``"female"`` or None.
        ``request_view, summary_view, ur_view``: `SectionView`, if requested; None for a text without tokens.
    """
    settings = replace(settings, offsets=views)
    texts = {column: _texts(requests, column) for column, _, _ in _SECTIONS}
    progress = start("reading sections", sum(len(set(each)) for each in texts.values()))
    read: dict[str, list[Any]] = {}
    for column, schema, row_of in _SECTIONS:
        rows = _rows(texts[column], row_of, settings, progress, jobs)
        read |= zip(schema._fields, map(list, zip(*rows, strict=True)) if rows else _empty(schema), strict=True)
    read["body_parts"] = list(map(_union, read["request_body_parts"], read["summary_body_parts"]))
    for column in ("category", "age", "sex"):
        if column in requests:
            read[column] = _fill_missing(requests[column], read[column])
    return {
        name: np.fromiter(values, dtype=_DTYPES.get(name, "object"), count=len(values))
        for name, values in read.items()
        if views or name not in VIEW_COLUMNS
    }


def _texts(requests: "pd.DataFrame", column: str) -> list[str]:
    if column not in requests:
        return [""] * len(requests)
    values = requests[column]
    return ["" if absent else str(value) for value, absent in zip(values, values.isna(), strict=True)]


def _fill_missing(column: "pd.Series", read: list[object]) -> list[object]:
    """Use the value in the table, or the one read from the text if it is missing."""
    return [text if missing else cell for missing, cell, text in zip(column.isna(), column, read, strict=True)]


def _rows(
    texts: list[str],
    row_of: _RowOf,
    settings: NlpSettings,
    progress: Progress,
    jobs: int,
) -> list[tuple[object, ...]]:
    """Read each distinct text once, and return one row per text."""
    unique = list(dict.fromkeys(texts))
    if len(unique) < MANY_TEXTS or jobs == 1:
        read = _read_rows(unique, row_of, settings)
    else:
        read = _read_in_parallel(unique, row_of, settings, jobs)
    rows: dict[str, tuple[object, ...]] = {}
    for text, row in zip(unique, read, strict=True):
        rows[text] = row
        progress(1)
    return [rows[text] for text in texts]


def _read_rows(texts: list[str], row_of: _RowOf, settings: NlpSettings) -> Iterator[tuple[object, ...]]:
    return map(row_of, texts, view_sections(texts, settings))


def _read_in_parallel(
    texts: list[str], row_of: _RowOf, settings: NlpSettings, jobs: int
) -> Iterator[tuple[object, ...]]:
    """Read texts in several processes, in order, and end the processes after the last text."""
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    parts = (texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE))
    for rows in Parallel(jobs, return_as="generator")(delayed(_read_part)(part, row_of, settings) for part in parts):
        yield from rows
    get_reusable_executor().shutdown(wait=True)


def _read_part(texts: list[str], row_of: _RowOf, settings: NlpSettings) -> list[tuple[object, ...]]:
    return list(_read_rows(texts, row_of, settings))


def _empty(schema: type[NamedTuple]) -> list[list[object]]:
    return [[] for _ in schema._fields]


def _request_columns(text: str, view: SectionView) -> _RequestColumns:
    before = _BEFORE_DISPUTED.search(text)
    start = before.end() if before else 0
    return _RequestColumns(
        request_view=_with_places(view),
        request_tokens=" ".join(view.tokens),
        category=category_of_view(view),
        treatments=_names(view.facts, "treatment"),
        request_body_parts=_names(view.facts, "body"),
        drugs=_names(view.facts, "drug"),
        drug_classes=_names(view.facts, "class"),
        visits=_largest(view, "visits", start),
        weeks=_largest(view, "weeks", start),
        dose_mg=_largest(view, "dose_mg", start),
        count=_largest(view, "count", start),
        refills=_largest(view, "refills", start),
        partial_authorisation=_PARTIAL.search(text) is not None,
        associated_surgical_service=_SURGICAL_SERVICE.search(text) is not None,
        retrospective=_RETROSPECTIVE.search(text) is not None,
        postoperative=_POSTOPERATIVE.search(text) is not None,
    )


def _summary_columns(text: str, view: SectionView) -> _SummaryColumns:
    worker = find_demographics(text)
    return _SummaryColumns(
        summary_view=_with_places(view),
        summary_tokens=" ".join(view.tokens),
        summary_body_parts=_names(view.facts, "body"),
        diagnoses=_names(view.facts, "diagnosis"),
        findings=_names(view.facts, "finding"),
        age=math.nan if worker.age_years is None else float(worker.age_years),
        sex=worker.sex,
    )


def _guideline_columns(_text: str, view: SectionView) -> _GuidelineColumns:
    return _GuidelineColumns(ur_view=_with_places(view), ur_tokens=" ".join(view.tokens))


def _with_places(view: SectionView) -> SectionView | None:
    """Drop views without offsets to save memory."""
    return view if view.offsets else None


def _names(facts: Iterable[Fact], kind: Kind) -> str:
    names = (f"no_{fact.value}" if fact.negated else fact.value for fact in facts if fact.kind == kind)
    return " ".join(dict.fromkeys(names))


def _largest(view: SectionView, unit: Unit, start: int) -> float:
    """Find a unit's largest quantity after a character; a total often repeats its schedule."""
    values = (quantity.value for quantity in view.quantities if quantity.unit == unit and quantity.start >= start)
    return max(values, default=math.nan)


def _union(*names: str) -> str:
    return " ".join(dict.fromkeys(" ".join(names).split()))


_SECTIONS: tuple[tuple[str, type[NamedTuple], Callable[[str, SectionView], tuple[object, ...]]], ...] = (
    ("request", _RequestColumns, _request_columns),
    ("clinical_summary", _SummaryColumns, _summary_columns),
    ("ur_guideline", _GuidelineColumns, _guideline_columns),
)
_DTYPES = {
    name: kind.__name__
    for _, schema, _ in _SECTIONS
    for name, kind in schema.__annotations__.items()
    if kind in (float, bool)
}
