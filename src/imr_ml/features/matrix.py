"""Build one matrix with named, weighted blocks from a feature frame."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import PolynomialFeatures

from imr_ml.errors import ImrError
from imr_ml.features.frame import ABSENT, CASE_COLUMNS, FACT_COLUMNS, NUMBER_COLUMNS, PAIRED_COLUMNS, TOKEN_COLUMNS

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline


_STRICT = ConfigDict(extra="forbid", strict=True)


class FeatureError(ImrError):
    """Features that can't be made; the message says what to change."""


def _known_fact(name: str) -> str:
    if name not in FACT_COLUMNS:
        raise ValueError(f"{name!r} is no fact; allowed: {', '.join(FACT_COLUMNS)}")
    return name


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fact = Annotated[str, AfterValidator(_known_fact)]


@dataclass(frozen=True, slots=True, config=_STRICT)
class TermSettings:
    """What counts as a term of a section's TF-IDF.

    Attributes
    ----------
    ngrams : int
        Longest run of words that is a term.
    max_terms : int
        Most terms kept a section, by frequency.
    min_cases : int
        Fewest cases that a term occurs in; requests of a case share their summary.
    """

    ngrams: Annotated[int, Field(ge=1, le=5)] = 2
    max_terms: Annotated[int, Field(ge=1)] = 100_000
    min_cases: Annotated[int, Field(ge=1)] = 1


@dataclass(frozen=True, slots=True, config=_STRICT)
class SectionTerms:
    """What counts as a term of each section."""

    request: TermSettings = TermSettings()
    summary: TermSettings = TermSettings()
    ur_guideline: TermSettings = TermSettings()


@dataclass(frozen=True, slots=True, config=_STRICT)
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
    pairs : float
        Weight of pairs of facts, 1 or 0 each.
    codes : float
        Weight of a source's own codes, alone and together, 1 or 0 each; most sources have none.
    """

    request: Weight = 1.0
    summary: Weight = 1.0
    ur_guideline: Weight = 1.0
    facts: Weight = 0.3
    numbers: Weight = 0.1
    case_size: Weight = 0.1
    facts_used: tuple[Fact, ...] = FACT_COLUMNS
    pairs: Weight = 0.0
    codes: Weight = 0.5

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        blocks = [name for name in self.__dataclass_fields__ if name != "facts_used"]
        if not any(getattr(self, name) for name in blocks):
            raise ValueError(f"all are 0; set one of {', '.join(blocks)} above 0")
        if self.facts and not self.facts_used:
            raise ValueError("facts is above 0 and facts_used is empty; name facts or set facts = 0")
        return self

    def of(self, block: str) -> float:
        """Weight of a block of the feature matrix."""
        if block in FACT_COLUMNS:
            return self.facts * (block in self.facts_used)
        weight: float = getattr(self, block)
        return weight


def feature_matrix(
    settings: SectionTerms | None = None, *, pairs: bool = False, codes: bool = False
) -> ColumnTransformer:
    """Unfitted transformer from a feature frame to the matrix that classifiers learn from, every block with weight 1.

    Its `get_feature_names_out` names each column by block and term, e.g. ``summary__no_spasm``.

    Parameters
    ----------
    settings : SectionTerms, optional
    pairs : bool, default False
        Whether there is a block of pairs of facts.
    codes : bool, default False
        Whether there is a block of codes; see `tells_codes`.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    terms = settings or SectionTerms()
    numbers, case_size = (
        make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler())
        for _ in range(2)
    )
    sections = zip(("request", "summary", "ur_guideline"), TOKEN_COLUMNS, strict=True)
    blocks = [
        *((name, _terms(getattr(terms, name)), column) for name, column in sections),
        *((name, _facts(), name) for name in FACT_COLUMNS),
        ("numbers", numbers, list(NUMBER_COLUMNS)),
        ("case_size", case_size, list(CASE_COLUMNS)),
        *([("pairs", _fact_pairs(), list(PAIRED_COLUMNS))] if pairs else []),
        *([("codes", _facts(), "codes")] if codes else []),
    ]
    return ColumnTransformer(blocks, sparse_threshold=1.0)


def matrix_of(fitted: ColumnTransformer, frame: pd.DataFrame) -> csr_matrix:
    """What a fitted feature matrix makes of a feature frame, shape (rows, features).

    `ColumnTransformer.transform` gives the same, but looks at each block of the frame as if anybody could have made it,
    which takes a single request longer than all else.
    """
    blocks = [made.transform(frame[columns]) for _, made, columns in fitted.transformers_ if made != "drop"]
    return csr_matrix(hstack(blocks, format="csr"))


def tells_codes(frame: pd.DataFrame) -> bool:
    """Whether a feature frame's source provides codes."""
    return bool(frame["codes"].ne(ABSENT).any())


def column_weights(fitted: ColumnTransformer, weights: BlockWeights) -> NDArray[np.float64]:
    """Weight of each column of a fitted feature matrix, shape (features,)."""
    columns = np.zeros(max(place.stop for place in fitted.output_indices_.values()))
    for block, place in fitted.output_indices_.items():
        if block != "remainder":
            columns[place] = weights.of(block)
    return columns


class _PackedVocabulary:
    """Saves the vocabulary as one array, because skops writes a slow node for each dict entry."""

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = dict(super().__getstate__())  # type: ignore[call-overload]
        if isinstance(vocabulary := state.get("vocabulary_"), dict):
            state["vocabulary_"] = np.array(sorted(vocabulary, key=vocabulary.__getitem__), dtype=np.str_)
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        if isinstance(terms := state.get("vocabulary_"), np.ndarray):
            state = state | {"vocabulary_": {str(term): place for place, term in enumerate(terms)}}
        super().__setstate__(state)  # type: ignore[misc]


class _EachTextOnce:
    """Transforms each different text once: requests of a case share its summary, and facts repeat."""

    def transform(self, raw_documents: Any) -> Any:
        """Matrix of the texts, shape (rows, terms)."""
        documents = np.asarray(raw_documents, dtype=object)
        if len(documents) == 1:
            return super().transform(documents)  # type: ignore[misc]
        places, texts = pd.factorize(documents)
        return super().transform(texts)[places]  # type: ignore[misc]


class _KnownTermsAlone:
    """Counts the terms of a vocabulary that is known without a look at any other: most pairs of words are unknown."""

    def _count_vocab(self, raw_documents: Any, fixed_vocab: bool) -> Any:
        if not fixed_vocab:
            return super()._count_vocab(raw_documents, fixed_vocab)  # type: ignore[misc]
        place_of = self.vocabulary_.get  # type: ignore[attr-defined]
        ends, places = array("i", [0]), array("i")
        for text in raw_documents:
            places.extend(place for place in map(place_of, self._terms_of(text)) if place is not None)
            ends.append(len(places))
        shape = len(ends) - 1, len(self.vocabulary_)  # type: ignore[attr-defined]
        counts = csr_matrix((np.ones(len(places), self.dtype), np.asarray(places), np.asarray(ends)), shape)  # type: ignore[attr-defined]
        counts.sum_duplicates()
        return self.vocabulary_, counts  # type: ignore[attr-defined]

    def _terms_of(self, text: str) -> Iterator[str]:
        shortest, longest = self.ngram_range  # type: ignore[attr-defined]
        words = text.split()
        runs = (
            map(" ".join, zip(*(words[start:] for start in range(n)), strict=False))
            for n in range(shortest, longest + 1)
        )
        return chain.from_iterable(runs)


class TermVectorizer(_PackedVocabulary, _EachTextOnce, _KnownTermsAlone, TfidfVectorizer):
    """`TfidfVectorizer` that saves small, loads fast and counts a text once; `min_df` counts cases, not texts."""

    def fit_transform(self, raw_documents: Any, y: Any = None) -> Any:
        """Matrix of the texts, shape (rows, terms); `y` is the case of each text, each its own where not given.

        Raises
        ------
        FeatureError
            Where no term occurs in enough cases.
        """
        self._cases = np.arange(len(raw_documents)) if y is None else np.unique(y, return_inverse=True)[1]
        try:
            if self.min_df > self._cases.max() + 1:
                raise FeatureError(f"min_cases is {self.min_df}, and there are {self._cases.max() + 1} cases: lower it")
            return super().fit_transform(raw_documents)
        finally:
            del self._cases

    def _limit_features(self, X: Any, vocabulary: Any, high: Any = None, low: Any = None, limit: Any = None) -> Any:  # noqa: N803
        if low == 1 or not hasattr(self, "_cases"):
            return super()._limit_features(X, vocabulary, high, low, limit)
        cases = csr_matrix((np.ones(len(self._cases)), (self._cases, np.arange(len(self._cases)))))
        rare = np.flatnonzero((cases @ X).getnnz(axis=0) < low)
        X = csr_matrix(X)  # noqa: N806
        X.data[np.isin(X.indices, rare)] = 0
        X.eliminate_zeros()
        if not X.nnz:
            raise FeatureError(f"no term occurs in {low} cases: set min_cases lower")
        return super()._limit_features(X, vocabulary, high, 1, limit)


class FactVectorizer(_PackedVocabulary, _EachTextOnce, _KnownTermsAlone, CountVectorizer):
    """`CountVectorizer` that saves small, loads fast and counts a text once."""


class FactPairs(PolynomialFeatures):
    """`PolynomialFeatures` that gives the pairs alone, without the single facts that they are made of."""

    def __init__(self) -> None:
        super().__init__(degree=2, interaction_only=True, include_bias=False)

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Every product of two columns, shape (rows, columns * (columns - 1) / 2)."""
        return super().transform(X)[:, self.n_features_in_ :]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Both names of each pair, with a blank between them."""
        names: NDArray[np.object_] = super().get_feature_names_out(input_features)[self.n_features_in_ :]
        return names


def _fact_pairs() -> Pipeline:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline

    facts = [(name, _facts(), name) for name in PAIRED_COLUMNS]
    return make_pipeline(ColumnTransformer(facts, sparse_threshold=1.0), FactPairs())


def _terms(settings: TermSettings) -> TermVectorizer:
    """TF-IDF over tokens that are already made: split at white space, nothing lower-cased or dropped."""
    return TermVectorizer(
        token_pattern=r"\S+",
        lowercase=False,
        ngram_range=(1, settings.ngrams),
        max_features=settings.max_terms,
        min_df=settings.min_cases,
        sublinear_tf=True,
    )


def _facts() -> FactVectorizer:
    return FactVectorizer(token_pattern=r"\S+", lowercase=False, binary=True)
