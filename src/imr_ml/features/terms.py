"""Count the terms of a vocabulary in tokenized texts.

Words are encoded as numbers and phrases as pairs of numbers, so that numpy counts phrases without building strings.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from imr_ml.errors import ImrError

_WORDS_AT_ONCE = 4_000_000
_UNKNOWN = -1


class FeatureError(ImrError):
    """Features cannot be computed; the message says what to change."""


@dataclass(frozen=True, slots=True)
class NumberedTexts:
    """Texts encoded as word numbers.

    Attributes
    ----------
    words : (words of all texts,) int
        Word numbers; -1 for unknown words.
    ends : (texts + 1,) int
        0, then the end of each text in `words`.
    """

    words: NDArray[np.int32]
    ends: NDArray[np.int64]

    @classmethod
    def from_texts(cls, texts: Iterable[str], numbers: Numbers, *, grow: bool = False) -> Self:
        """Encode texts; with `grow`, new words are added to `numbers`."""
        words, ends = array("i"), array("q", [0])
        for text in texts:
            split = text.split()
            words.extend(map(numbers.__getitem__, split) if grow else map(numbers.get, split, repeat(_UNKNOWN)))
            ends.append(len(words))
        return cls(np.frombuffer(words, dtype=np.int32), np.frombuffer(ends, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, texts: slice) -> NumberedTexts:
        ends = self.ends[texts.start : texts.stop + 1]
        return NumberedTexts(self.words[ends[0] : ends[-1]], ends - ends[0])

    def parts(self) -> Iterator[slice]:
        """Yield slices of consecutive texts with about `_WORDS_AT_ONCE` words each."""
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self.ends, self.ends[start] + _WORDS_AT_ONCE, side="right")) - 1
            yield slice(start, max(stop, start + 1))
            start = max(stop, start + 1)

    def phrases(self, levels: list[NDArray[np.int64]], longest: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Yield for each length the text number and the key of every phrase of that many words.

        The key of a phrase is ``prefix * words + last``: the place of the phrase without its last word among the keys
        of that length, the vocabulary size, and the number of the last word.

        Parameters
        ----------
        levels : list of (keys,) int
            Sorted keys by length, word numbers first; levels may be appended during iteration.
        longest : int
            Number of words in the longest phrase.
        """
        text_of = np.repeat(np.arange(len(self)), np.diff(self.ends))
        starts = np.flatnonzero(self.words != _UNKNOWN)
        places = self.words[starts].astype(np.int64)
        yield text_of[starts], places
        for length in range(2, longest + 1):
            if length > 2:
                places, starts = _known_places(levels[length - 2], places, starts)
            last = starts + length - 1
            inside = last < len(self.words)
            starts, places, last = starts[inside], places[inside], last[inside]
            whole = (text_of[starts] == text_of[last]) & (self.words[last] != _UNKNOWN)
            starts, places = starts[whole], places[whole] * len(levels[0]) + self.words[last[whole]]
            yield text_of[starts], places


def _known_places(
    keys: NDArray[np.int64], queries: NDArray[np.int64], values: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the places of queries in sorted keys and their values; queries that are not in the keys are dropped."""
    if not len(keys):
        return queries[:0], values[:0]
    places = np.minimum(np.searchsorted(keys, queries), len(keys) - 1)
    is_known = keys[places] == queries
    return places[is_known], values[is_known]


class Numbers(dict[str, int]):
    """Numbers of words, in order of first occurrence."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


@dataclass(frozen=True, slots=True)
class Terms:
    """Index of a vocabulary for counting its terms.

    Attributes
    ----------
    numbers : Numbers
    levels : list of (keys,) int
        Sorted keys of the phrases of each length that are terms or prefixes of terms.
    columns : list of (keys,) int
        Column of each key; -1 for keys that are only prefixes.
    size : int
        Number of terms.
    """

    numbers: Numbers
    levels: list[NDArray[np.int64]]
    columns: list[NDArray[np.int32]]
    size: int

    @classmethod
    def from_vocabulary(cls, vocabulary: Iterable[str]) -> Self:
        """Build from terms in the order of their columns."""
        numbers = Numbers()
        split = [term.split() for term in vocabulary]
        lengths = np.array([len(words) for words in split], dtype=np.int64)
        words = np.full((len(split), int(lengths.max(initial=1))), _UNKNOWN, dtype=np.int64)
        words[np.arange(words.shape[1]) < lengths[:, None]] = list(map(numbers.__getitem__, chain.from_iterable(split)))
        places, levels, columns = words[:, 0].copy(), [np.arange(len(numbers))], []
        for length in range(1, words.shape[1] + 1):
            if length > 1:
                longer = lengths >= length
                keys = places[longer] * len(numbers) + words[longer, length - 1]
                level, places[longer] = np.unique(keys, return_inverse=True)
                levels.append(level)
            ending = np.flatnonzero(lengths == length)
            columns.append(np.full(len(levels[-1]), _UNKNOWN, dtype=np.int32))
            columns[-1][places[ending]] = ending
        return cls(numbers, levels, columns, len(split))

    def count(self, texts: Iterable[str], dtype: Any) -> csr_matrix:
        """Count the terms of each text, shape (texts, terms)."""
        numbered = NumberedTexts.from_texts(texts, self.numbers)
        return stack_rows([self._count(numbered[part], dtype) for part in numbered.parts()], self.size, dtype)

    def _count(self, texts: NumberedTexts, dtype: Any) -> csr_matrix:
        rows, columns = [], []
        phrases = texts.phrases(self.levels, len(self.levels))
        for (text_of, keys), level, column_of in zip(phrases, self.levels, self.columns, strict=True):
            places, owners = (keys, text_of) if level is self.levels[0] else _known_places(level, keys, text_of)
            column = column_of[places]
            rows.append(owners[column != _UNKNOWN])
            columns.append(column[column != _UNKNOWN])
        if len(texts) == 1:
            present, counts = np.unique(np.concatenate(columns), return_counts=True)
            return csr_matrix((counts.astype(dtype), present, [0, len(present)]), shape=(1, self.size))
        places_filled = np.concatenate(rows).astype(np.int32), np.concatenate(columns)
        ones = np.ones(len(places_filled[0]), dtype)
        counts = coo_matrix((ones, places_filled), shape=(len(texts), self.size)).tocsr()
        counts.sort_indices()
        return csr_matrix(counts)


def stack_rows(parts: list[csr_matrix], columns: int, dtype: Any) -> csr_matrix:
    """Stack sparse matrices vertically. To save memory, the list is emptied and arrays are freed after copying.

    Parameters
    ----------
    parts : list of sparse matrix
    columns : int
        Number of columns of each matrix.
    dtype : type
        Type of the result.
    """
    if len(parts) == 1:
        return parts.pop()
    ends = [np.zeros(1, dtype=np.int32), *(part.indptr[1:] for part in parts)]
    firsts = np.cumsum([0, *(part.nnz for part in parts)])
    indptr = np.concatenate([end + first for end, first in zip(ends, [0, *firsts], strict=False)])
    data, indices = [part.data for part in parts], [part.indices for part in parts]
    parts.clear()
    values = np.concatenate([*data, np.empty(0, dtype)])
    data.clear()
    places = np.concatenate([*indices, np.empty(0, np.int32)])
    return csr_matrix((values, places, indptr), shape=(len(indptr) - 1, columns))
