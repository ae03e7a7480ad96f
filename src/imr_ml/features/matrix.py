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
from imr_ml.features.terms import stacked
from imr_ml.features.vectorizers import FactPairs, FactVectorizer, TermVectorizer

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

_ROWS_AT_ONCE = 50_000
_PAIRS = "pairs"
_SHARED = "summary"
"""Block whose rows the requests of a case share."""


class FeatureBlocks:
    """Transformer from a feature frame to the matrix that classifiers are trained on, every block with weight 1.

    Unlike `ColumnTransformer`, it does not look at each block of the frame as if anybody could have made it, which
    takes a single request longer than all else, and it can leave rows that requests share shared.

    Parameters
    ----------
    blocks : list of (name, transformer, column or list of columns)
    dtype : type, default float64
        Of the matrix.

    Attributes
    ----------
    places : dict of slice
        The columns of each block, in the order of the blocks.
    """

    def __init__(self, blocks: list[tuple[str, Any, str | list[str]]], dtype: Any = np.float64) -> None:
        self.blocks = blocks
        self.dtype = np.dtype(dtype).name
        self.places: dict[str, slice] = {}

    @classmethod
    def of_transformer(cls, fitted: ColumnTransformer) -> Self:
        """The same as a fitted `ColumnTransformer`, which models of earlier versions have."""
        blocks = [block for block in fitted.transformers_ if block[1] != "drop"]
        # Their pairs are made from facts that are counted a second time.
        features = cls([(name, block[-1] if name == _PAIRS else block, columns) for name, block, columns in blocks])
        features.places = {name: fitted.output_indices_[name] for name, *_ in features.blocks}
        return features

    def fit(self, frame: pd.DataFrame, cases: NDArray[np.int64] | None = None) -> Self:
        """Fit every block; `cases` are the case of each row."""
        self.fit_rows(frame, cases)
        return self

    def fit_transform(self, frame: pd.DataFrame, cases: NDArray[np.int64] | None = None) -> csr_matrix:
        """Fit every block and return the matrix, shape (rows, features)."""
        return self.fit_rows(frame, cases)[:]

    def fit_rows(self, frame: pd.DataFrame, cases: NDArray[np.int64] | None = None) -> FeatureRows:
        """Fit every block and return the matrix with the summaries' rows shared.

        Parameters
        ----------
        frame : DataFrame
            Feature frame.
        cases : (rows,) int, optional
            Case of each row; each its own where not given.
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
        return FeatureRows(stacked(parts, end, self.dtype), shared, summary_of)

    def transform(self, frame: pd.DataFrame | Mapping[str, Any]) -> csr_matrix:
        """Matrix of a feature frame or its columns, shape (rows, features)."""
        return self._transform(frame, shared=True)

    def _transform(self, frame: pd.DataFrame | Mapping[str, Any], *, shared: bool) -> csr_matrix:
        """The whole matrix, or without the entries of the block that rows share."""
        blocks: dict[str, csr_matrix] = {}
        for name, fitted, columns in self.blocks:
            if name == _SHARED and not shared:
                block = csr_matrix((len(frame), self._width(name)))
            elif name == _PAIRS:
                block = fitted.transform(hstack([blocks[column] for column in columns], format="csr"))
            elif isinstance(columns, str):
                block = fitted.transform(frame[columns])
            else:
                block = csr_matrix(_scaled(fitted, np.column_stack([frame[column] for column in columns])))
            blocks[name] = block.astype(self.dtype, copy=False)
        return csr_matrix(hstack(list(blocks.values()), format="csr"))

    def _width(self, block: str) -> int:
        return len(range(self.places[block].start, self.places[block].stop))

    def get_feature_names_out(self) -> NDArray[np.object_]:
        """Name of each column by block and term, e.g. ``summary__no_spasm``."""
        return np.array([f"{name}__{term}" for name, *_ in self.blocks for term in self._names_of(name)], dtype=object)

    def _names_of(self, block: str) -> Sequence[str]:
        """Name of each column of a fitted block."""
        fitted, columns = next((fitted, columns) for name, fitted, columns in self.blocks if name == block)
        if block == _PAIRS:
            columns = [f"{column}__{term}" for column in columns for term in self._names_of(column)]
        names: Sequence[str] = fitted.get_feature_names_out(*([] if isinstance(columns, str) else [columns]))
        return names


def _scaled(pipeline: Pipeline, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a fitted imputer and scaler make of numbers, without a look at who made them."""
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
    """Unfitted transformer of feature frames.

    Parameters
    ----------
    settings : SectionTerms, optional
    pairs : bool, default False
        Whether there is a block of pairs of facts.
    codes : bool, default False
        Whether there is a block of codes; see `tells_codes`.
    dtype : type, default float64
        Of the matrix.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    terms = settings or SectionTerms()
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    # The mean becomes 0 when scaled: a case whose size is not known counts as an average one.
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


def tells_codes(frame: pd.DataFrame) -> bool:
    """Whether a feature frame's source provides codes."""
    return bool(frame["codes"].ne(ABSENT).any())


def column_weights(fitted: FeatureBlocks, weights: BlockWeights) -> NDArray[np.float64]:
    """Weight of each column of a fitted feature matrix, shape (features,)."""
    return np.concatenate(
        [np.full(place.stop - place.start, weights.of(name)) for name, place in fitted.places.items()]
    )


def is_word(term: str) -> bool:
    """Whether a term of a section is one word, and no phrase of several."""
    return " " not in term


def _terms(settings: TermSettings, dtype: Any) -> TermVectorizer:
    """TF-IDF over tokens that are already made: split at white space, nothing lower-cased or dropped."""
    return TermVectorizer(
        ngram_range=(1, settings.ngrams),
        max_features=settings.max_terms,
        min_df=settings.min_cases,
        sublinear_tf=True,
        dtype=dtype,
    )


def _facts(dtype: Any) -> FactVectorizer:
    return FactVectorizer(binary=True, dtype=dtype)
