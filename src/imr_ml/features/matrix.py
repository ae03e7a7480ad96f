"""Build one matrix with named, weighted blocks from a feature frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.utils import gen_batches

from imr_ml.features.frame import ABSENT, CASE_COLUMNS, FACT_COLUMNS, NUMBER_COLUMNS, PAIRED_COLUMNS, TOKEN_COLUMNS
from imr_ml.features.rows import FeatureRows
from imr_ml.features.settings import BlockWeights, SectionTerms, TermSettings
from imr_ml.features.terms import stack_rows
from imr_ml.features.vectorizers import FactPairs, FactVectorizer, TermVectorizer

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

_ROWS_AT_ONCE = 50_000
_PAIRS = "pairs"
_SHARED = "summary"
"""Block whose rows are shared by the requests of a case."""


class FeatureBlocks:
    """Transformer from feature frames to the unweighted feature matrix of the classifiers.

    Unlike `ColumnTransformer`, it does not validate each block, which would take most of the time for a single request,
    and it can store the rows that requests of a case share only once.

    Parameters
    ----------
    blocks : list of (name, transformer, column or list of columns)
    dtype : type, default float64
        Type of the matrix.

    Attributes
    ----------
    places : dict of slice
        Columns of each block, in the order of the blocks.
    """

    def __init__(self, blocks: list[tuple[str, Any, str | list[str]]], dtype: Any = np.float64) -> None:
        self.blocks = blocks
        self.dtype = np.dtype(dtype).name
        self.places: dict[str, slice] = {}

    @classmethod
    def from_transformer(cls, fitted: ColumnTransformer) -> Self:
        """Convert a fitted `ColumnTransformer`, as saved by earlier versions."""
        blocks = [block for block in fitted.transformers_ if block[1] != "drop"]
        # Its block of pairs is a pipeline that counts the facts again before pairing them.
        features = cls([(name, block[-1] if name == _PAIRS else block, columns) for name, block, columns in blocks])
        features.places = {name: fitted.output_indices_[name] for name, *_ in features.blocks}
        return features

    def fit(self, frame: pd.DataFrame, cases: NDArray[np.int64] | None = None) -> Self:
        """Fit every block; `cases` is the case of each row."""
        self.fit_rows(frame, cases)
        return self

    def fit_transform(self, frame: pd.DataFrame, cases: NDArray[np.int64] | None = None) -> csr_matrix:
        """Fit every block and return the matrix, shape (rows, features)."""
        return self.fit_rows(frame, cases)[:]

    def fit_rows(self, frame: pd.DataFrame, cases: NDArray[np.int64] | None = None) -> FeatureRows:
        """Fit every block and return the matrix with shared rows for the summaries.

        Parameters
        ----------
        frame : DataFrame
            Feature frame.
        cases : (rows,) int, optional
            Case of each row; default: each row is a case.
        """
        shared, summary_of, end = csr_matrix((0, 0)), np.empty(0, dtype=np.int64), 0
        for name, transformer, columns in self.blocks:
            if name == _SHARED:
                shared, summary_of = transformer.fit_distinct(frame[columns], cases)
            elif name == _PAIRS:
                transformer.fit(csr_matrix((1, sum(self._width(column) for column in columns))))
            else:
                transformer.fit(frame[columns], cases)
            self.places[name] = slice(end, end := end + len(self._names_of(name)))
        parts = [self._transform(frame.iloc[rows], shared=False) for rows in gen_batches(len(frame), _ROWS_AT_ONCE)]
        columns = shared.indices + np.int32(self.places[_SHARED].start)
        shared = csr_matrix((shared.data, columns, shared.indptr), shape=(shared.shape[0], end))
        return FeatureRows(stack_rows(parts, end, self.dtype), shared, summary_of)

    def transform(self, frame: pd.DataFrame | Mapping[str, Any]) -> csr_matrix:
        """Return the matrix of a feature frame or its columns, shape (rows, features)."""
        return self._transform(frame, shared=True)

    def _transform(self, frame: pd.DataFrame | Mapping[str, Any], *, shared: bool) -> csr_matrix:
        """Return the whole matrix, or without the entries of the shared block."""
        blocks: dict[str, csr_matrix] = {}
        for name, fitted, columns in self.blocks:
            if name == _SHARED and not shared:
                block = csr_matrix((len(frame), self._width(name)))
            elif name == _PAIRS:
                block = fitted.transform(hstack([blocks[column] for column in columns], format="csr"))
            elif isinstance(columns, str):
                block = fitted.transform(frame[columns])
            else:
                block = csr_matrix(_scale(fitted, np.column_stack([frame[column] for column in columns])))
            blocks[name] = block.astype(self.dtype, copy=False)
        matrix: csr_matrix = hstack(list(blocks.values()), format="csr")
        return matrix

    def _width(self, block: str) -> int:
        return len(range(self.places[block].start, self.places[block].stop))

    def get_feature_names_out(self) -> NDArray[np.object_]:
        """Return column names, ``block__term``, e.g. ``summary__no_spasm``."""
        return np.array([f"{name}__{term}" for name, *_ in self.blocks for term in self._names_of(name)], dtype=object)

    def _names_of(self, block: str) -> Sequence[str]:
        """Return the column names of a fitted block."""
        fitted, columns = next((fitted, columns) for name, fitted, columns in self.blocks if name == block)
        if block == _PAIRS:
            columns = [f"{column}__{term}" for column in columns for term in self._names_of(column)]
        names: Sequence[str] = fitted.get_feature_names_out(*([] if isinstance(columns, str) else [columns]))
        return names


def _scale(pipeline: Pipeline, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply a fitted imputer and scaler without input validation."""
    imputer, scaler = pipeline[0], pipeline[-1]
    missing = np.isnan(numbers)
    filled = np.where(missing, imputer.statistics_, numbers)
    if imputer.indicator_ is not None:
        filled = np.hstack([filled, missing[:, imputer.indicator_.features_]])
    scaled: NDArray[np.float64] = (filled - scaler.mean_) / scaler.scale_
    return scaled


def feature_matrix(
    settings: SectionTerms | None = None, *, pairs: bool = False, codes: bool = False, dtype: Any = np.float64
) -> FeatureBlocks:
    """Build an unfitted transformer of feature frames.

    Parameters
    ----------
    settings : SectionTerms, optional
    pairs : bool, default False
        Whether to add a block of pairs of facts.
    codes : bool, default False
        Whether to add a block of codes; see `has_codes`.
    dtype : type, default float64
        Type of the matrix.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    terms = settings or SectionTerms()
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    # Unknown case sizes are replaced by the mean, which is scaled to 0.
    case_size = make_pipeline(SimpleImputer(strategy="mean", keep_empty_features=True), StandardScaler())
    sections = zip(("request", "summary", "ur_guideline"), TOKEN_COLUMNS, strict=True)
    blocks: list[tuple[str, Any, str | list[str]]] = [
        *((name, _terms(getattr(terms, name), dtype), column) for name, column in sections),
        *((name, _facts(dtype), name) for name in FACT_COLUMNS),
        ("numbers", numbers, list(NUMBER_COLUMNS)),
        ("case_size", case_size, list(CASE_COLUMNS)),
        *([(_PAIRS, FactPairs(), list(PAIRED_COLUMNS))] if pairs else []),
        *([("codes", _facts(dtype), "codes")] if codes else []),
    ]
    return FeatureBlocks(blocks, dtype)


def has_codes(frame: pd.DataFrame) -> bool:
    """Return whether any row of a feature frame has codes."""
    return bool(frame["codes"].ne(ABSENT).any())


def column_weights(fitted: FeatureBlocks, weights: BlockWeights) -> NDArray[np.float64]:
    """Return the weight of each column of a fitted feature matrix, shape (features,)."""
    return np.concatenate(
        [np.full(place.stop - place.start, weights.of(name)) for name, place in fitted.places.items()]
    )


def is_word(term: str) -> bool:
    """Return whether a term is a single word instead of a phrase."""
    return " " not in term


def _terms(settings: TermSettings, dtype: Any) -> TermVectorizer:
    """Build an unfitted TF-IDF vectorizer of tokens; it does not change case or drop tokens."""
    return TermVectorizer(
        ngram_range=(1, settings.ngrams),
        max_features=settings.max_terms,
        min_df=settings.min_cases,
        sublinear_tf=True,
        dtype=dtype,
    )


def _facts(dtype: Any) -> FactVectorizer:
    return FactVectorizer(binary=True, dtype=dtype)
