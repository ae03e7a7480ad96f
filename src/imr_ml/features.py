"""Features: the requests table -> section tokens and facts -> one matrix with named columns.

Knows which facts matter and how they are weighed. Knows nothing of files, models or MLflow.
Only the schema's feature columns come in here: what a request's outcome, reviewer or siblings say never does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from imr_ml.corpus.schema import FAMILY_SEPARATOR, FEATURE_COLUMNS
from imr_ml.nlp import NlpSettings

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.compose import ColumnTransformer

TOKEN_COLUMNS = ("request_tokens", "summary_tokens", "ur_tokens")
FACT_COLUMNS = (
    "category",
    "treatments",
    "request_body_parts",
    "treated_body_parts",
    "summary_body_parts",
    "drug_classes",
    "diagnoses",
    "findings",
    "ur_families",
    "sex",
)
NUMBER_COLUMNS = (
    "visits",
    "weeks",
    "dose_mg",
    "count",
    "refills",
    "log_days_injury_to_denial",
    "age",
    "partial_authorisation",
    "associated_surgical_service",
    "retrospective",
    "postoperative",
    "ur_cites_nothing",
)
# A block of its own: the more requests a letter decides, the fewer are overturned, and more plainly so than any other
# number tells.
CASE_COLUMNS = ("log_items_in_case",)
# Stands where a section or a kind of fact has nothing: an absence can be learnt from, and no block is ever empty.
_ABSENT = "_absent"


@dataclass(frozen=True, slots=True)
class TermSettings:
    """What counts as a term of a section's TF-IDF.

    Attributes
    ----------
    longest_phrase : int
        Longest run of words that is a term.
    max_terms : int
        Most terms kept a section, by frequency.
    """

    longest_phrase: int = 2
    max_terms: int = 100_000


@dataclass(frozen=True, slots=True)
class BlockWeights:
    """How much each block of features weighs in a classifier; a block of weight 0 is left out.

    Attributes
    ----------
    request, summary, ur_guideline : float
        Weight of that section's TF-IDF, whose rows have length 1.
    facts : float
        Weight of the facts, 1 or 0 each.
    numbers : float
        Weight of the numbers, scaled to unit variance.
    case_size : float
        Weight of the number of requests in the case, scaled likewise.
    facts_used : tuple of str
        Kinds of facts that are not left out.
    """

    request: float = 1.0
    summary: float = 1.0
    ur_guideline: float = 1.0
    facts: float = 0.3
    numbers: float = 0.1
    case_size: float = 0.1
    facts_used: tuple[str, ...] = FACT_COLUMNS

    def of(self, block: str) -> float:
        """Weight of a block of the feature matrix."""
        if block in FACT_COLUMNS:
            return self.facts * (block in self.facts_used)
        weight: float = getattr(self, block)
        return weight


def feature_frame(
    requests: pd.DataFrame,
    settings: NlpSettings | None = None,
    progress: Callable[[int], object] | None = None,
) -> pd.DataFrame:
    """What a model may see of each request: its sections as tokens, its facts and its numbers.

    Parameters
    ----------
    requests : DataFrame
        Requests table, completed; columns that are not features are not looked at.
    settings : NlpSettings, optional
    progress : callable, optional
        Called with the number of texts read.

    Returns
    -------
    DataFrame
        Same index; the feature columns of the table, then `TOKEN_COLUMNS`, `FACT_COLUMNS`, `NUMBER_COLUMNS`
        and `CASE_COLUMNS`.
    """
    import pandas as pd

    from imr_ml.nlp.frame import section_frame

    known = requests.reindex(columns=list(FEATURE_COLUMNS))
    read = section_frame(known, settings or NlpSettings(), progress)
    days = (pd.to_datetime(known["ur_denial_date"]) - pd.to_datetime(known["date_of_injury"])).dt.days
    derived: dict[str, Any] = {
        "log_days_injury_to_denial": np.log1p(days.astype("float64").clip(lower=0)),
        "log_items_in_case": np.log1p(known["items_in_case"].astype("float64")),
        "treated_body_parts": _pairs(read["treatments"], read["request_body_parts"]),
        "ur_families": known["ur_families"].astype("object").map(_as_tokens),
        "ur_cites_nothing": known["ur_families"].eq("none").fillna(False),
        "sex": read["sex"].astype("object").where(read["sex"].notna(), ""),
        "category": read["category"].astype("object").map(_as_token),
    }
    frame = known.assign(**{name: read[name] for name in read.columns}).assign(**derived)
    texts = {name: frame[name].replace("", _ABSENT) for name in (*TOKEN_COLUMNS, *FACT_COLUMNS)}
    numbers = {name: frame[name].astype("float64") for name in (*NUMBER_COLUMNS, *CASE_COLUMNS)}
    return frame.assign(**texts, **numbers)


def feature_matrix(settings: TermSettings | None = None) -> ColumnTransformer:
    """Unfitted transformer from a feature frame to the matrix that classifiers learn from, every block with weight 1.

    Its `get_feature_names_out` names each column by block and term, e.g. ``summary__no_spasm``.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    terms = settings or TermSettings()
    numbers, case_size = (
        make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler())
        for _ in range(2)
    )
    sections = zip(("request", "summary", "ur_guideline"), TOKEN_COLUMNS, strict=True)
    blocks = [
        *((name, _terms(terms), column) for name, column in sections),
        *((name, _facts(), name) for name in FACT_COLUMNS),
        ("numbers", numbers, list(NUMBER_COLUMNS)),
        ("case_size", case_size, list(CASE_COLUMNS)),
    ]
    return ColumnTransformer(blocks, sparse_threshold=1.0)


def column_weights(fitted: ColumnTransformer, weights: BlockWeights) -> NDArray[np.float64]:
    """Weight of each column of a fitted feature matrix, shape (features,)."""
    columns = np.zeros(len(fitted.get_feature_names_out()))
    for block, place in fitted.output_indices_.items():
        if block != "remainder":
            columns[place] = weights.of(block)
    return columns


class _PackedVocabulary:
    """Saves the vocabulary as one array: skops writes a node for each entry of a dict, which loads slowly."""

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = dict(super().__getstate__())  # type: ignore[call-overload]
        if isinstance(vocabulary := state.get("vocabulary_"), dict):
            state["vocabulary_"] = np.array(sorted(vocabulary, key=vocabulary.__getitem__), dtype=np.str_)
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        if isinstance(terms := state.get("vocabulary_"), np.ndarray):
            state = state | {"vocabulary_": {str(term): place for place, term in enumerate(terms)}}
        super().__setstate__(state)  # type: ignore[misc]


class TermVectorizer(_PackedVocabulary, TfidfVectorizer):
    """`TfidfVectorizer` that saves small and loads fast."""


class FactVectorizer(_PackedVocabulary, CountVectorizer):
    """`CountVectorizer` that saves small and loads fast."""


def _terms(settings: TermSettings) -> TermVectorizer:
    """TF-IDF over tokens that are already made: split at white space, nothing lower-cased or dropped."""
    return TermVectorizer(
        token_pattern=r"\S+",
        lowercase=False,
        ngram_range=(1, settings.longest_phrase),
        max_features=settings.max_terms,
        sublinear_tf=True,
    )


def _facts() -> FactVectorizer:
    return FactVectorizer(token_pattern=r"\S+", lowercase=False, binary=True)


def _pairs(firsts: pd.Series, seconds: pd.Series) -> list[str]:
    """Every fact of one column with every fact of the other, e.g. ``"mri@knee"``: guidelines are per body part."""
    return [
        " ".join(f"{one}@{other}" for one in first.split() for other in second.split())
        for first, second in zip(firsts, seconds, strict=True)
    ]


def _as_token(value: object) -> str:
    """A category as one token, e.g. ``"Evaluation_&_Management"``."""
    return value.replace(" ", "_") if isinstance(value, str) else ""


def _as_tokens(value: object) -> str:
    return value.replace(FAMILY_SEPARATOR, " ") if isinstance(value, str) else ""
