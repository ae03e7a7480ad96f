"""Count the terms of texts that are already tokens, and choose the ones that occur often enough.

Words become numbers, and phrases pairs of numbers, so that numpy counts them without making a string of each phrase.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise, repeat
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from sklearn.utils import gen_batches

from imr_ml.errors import ImrError

_WORDS_AT_ONCE = 4_000_000
_KEYS_AT_ONCE = 20_000_000
_CASES_AT_ONCE = 10_000
_UNKNOWN = -1


class FeatureError(ImrError):
    """Features that can't be made; the message says what to change."""


@dataclass(frozen=True, slots=True)
class NumberedTexts:
    """Texts as numbers of words.

    Attributes
    ----------
    words : (words of all texts,) int
        -1 for a word without a number.
    ends : (texts + 1,) int
        Where each text ends in `words`, after a 0.
    """

    words: NDArray[np.int32]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str], numbers: Numbers, *, grow: bool = False) -> Self:
        """Number the words of texts; `grow` gives new words the next numbers."""
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
        """Slices of neighboring texts that have about `_WORDS_AT_ONCE` words together."""
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self.ends, self.ends[start] + _WORDS_AT_ONCE, side="right")) - 1
            yield slice(start, max(stop, start + 1))
            start = max(stop, start + 1)

    def phrases(self, levels: list[NDArray[np.int64]], longest: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """For each length the text and the key of every run of that many words.

        The key of a run is the place of all but its last word among the keys of their length, times the number of
        words, plus the number of the last word.

        Parameters
        ----------
        levels : list of (keys,) int
            Sorted keys by length, the number of words first; more may be added while this runs.
        longest : int
            Words in the longest run.
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
    keys: NDArray[np.int64], sought: NDArray[np.int64], others: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Places of sought keys among sorted ones, and what stands beside them; without those that are not there."""
    if not len(keys):
        return sought[:0], others[:0]
    places = np.minimum(np.searchsorted(keys, sought), len(keys) - 1)
    known = keys[places] == sought
    return places[known], others[known]


class Numbers(dict[str, int]):
    """Words with their numbers, in the order in which they are first met."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a vocabulary, to be counted.

    Attributes
    ----------
    numbers : Numbers
    levels : list of (keys,) int
        Sorted keys of the runs of each length that are terms or begin one.
    columns : list of (keys,) int
        Column of each; -1 of one that only begins a term.
    size : int
        Number of terms.
    """

    numbers: Numbers
    levels: list[NDArray[np.int64]]
    columns: list[NDArray[np.int32]]
    size: int

    @classmethod
    def of(cls, vocabulary: Iterable[str]) -> Self:
        """From terms in the order of their columns."""
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
        """Counts of each text, shape (texts, terms)."""
        numbered = NumberedTexts.of(texts, self.numbers)
        return stacked([self._count(numbered[part], dtype) for part in numbered.parts()], self.size, dtype)

    def _count(self, texts: NumberedTexts, dtype: Any) -> csr_matrix:
        rows, columns = [], []
        phrases = texts.phrases(self.levels, len(self.levels))
        for (text_of, keys), level, column_of in zip(phrases, self.levels, self.columns, strict=True):
            places, owners = (keys, text_of) if level is self.levels[0] else _known_places(level, keys, text_of)
            column = column_of[places]
            rows.append(owners[column != _UNKNOWN])
            columns.append(column[column != _UNKNOWN])
        if len(texts) == 1:
            found, times = np.unique(np.concatenate(columns), return_counts=True)
            return csr_matrix((times.astype(dtype), found, [0, len(found)]), shape=(1, self.size))
        places_filled = np.concatenate(rows).astype(np.int32), np.concatenate(columns)
        ones = np.ones(len(places_filled[0]), dtype)
        counts = coo_matrix((ones, places_filled), shape=(len(texts), self.size)).tocsr()
        counts.sort_indices()
        return csr_matrix(counts)


def stacked(parts: list[csr_matrix], columns: int, dtype: Any) -> csr_matrix:
    """Parts one below the other; frees each array of theirs once it is copied, and empties the list.

    Parameters
    ----------
    parts : list of sparse matrix
    columns : int
        Of every part.
    dtype : type
        Of the result.
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


def frequent_terms(
    texts: list[str], times: NDArray[np.int64], cases: csr_matrix | None, longest: int, most: int | None, fewest: int
) -> list[str]:
    """The terms of texts that occur most often, in alphabetical order.

    Parameters
    ----------
    texts : list of str
    times : (texts,) int
        How often each text occurs.
    cases : (cases, texts) sparse matrix or None
        Which texts each case has; needed where `fewest` is above 1.
    longest : int
        Words in the longest term.
    most : int or None
        Terms at most.
    fewest : int
        Cases that a term occurs in at least.

    Raises
    ------
    FeatureError
        Where no term occurs in enough cases.
    """
    numbers = Numbers()
    order = np.argsort(times, kind="stable")
    numbered = NumberedTexts.of((texts[place] for place in order.tolist()), numbers, grow=True)
    levels = [np.arange(len(numbers))]
    counts = [_count_words(numbered, times[order], len(numbers))]
    for _ in range(1, longest):
        level, count = _count_phrases(numbered, times[order], levels)
        levels.append(level)
        counts.append(count)
    spelling = _Spelling(list(numbers), levels)
    enough = [np.flatnonzero(count >= fewest) for count in counts]
    if fewest > 1 and cases is not None:
        candidates = spelling.terms(enough)
        common = _count_cases(Terms.of(candidates), texts, cases) >= fewest
        ends = np.cumsum([len(each) for each in enough])[:-1]
        enough = [each[part] for each, part in zip(enough, np.split(common, ends), strict=True)]
    chosen = _most_frequent(counts, enough, most)
    if not any(map(len, chosen)):
        raise FeatureError(f"no term occurs in {fewest} cases: set min_cases lower")
    return sorted(spelling.terms(chosen))


@dataclass(frozen=True, slots=True)
class _Spelling:
    """Words by number, and the sorted keys of the phrases of each length."""

    words: list[str]
    levels: list[NDArray[np.int64]]

    def terms(self, places: list[NDArray[np.int64]]) -> list[str]:
        """The words and phrases at some places of each level."""
        return [term for level, chosen in enumerate(places) for term in self._spell(level, chosen)]

    def _spell(self, level: int, places: NDArray[np.int64]) -> list[str]:
        if level == 0:
            return [self.words[place] for place in places.tolist()]
        beginnings, last = np.divmod(self.levels[level][places], len(self.words))
        return list(map("{} {}".format, self._spell(level - 1, beginnings), self._spell(0, last)))


def _count_words(texts: NumberedTexts, times: NDArray[np.int64], words: int) -> NDArray[np.float64]:
    """How often each word occurs, shape (words,).

    Parameters
    ----------
    texts : NumberedTexts
    times : (texts,) int
        How often each text occurs.
    words : int
    """
    counts = np.zeros(words)
    for part in texts.parts():
        of_word = np.repeat(times[part], np.diff(texts.ends[part.start : part.stop + 1]))
        counts += np.bincount(texts[part].words, of_word, words)
    return counts


def _count_phrases(
    texts: NumberedTexts, times: NDArray[np.int64], levels: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sorted keys of the phrases one word longer than those of the last level, and how often each occurs.

    Parameters
    ----------
    texts : NumberedTexts
    times : (texts,) int
        How often each text occurs, in ascending order.
    levels : list of (keys,) int
    """
    keys, counts, waiting = [np.empty(0, dtype=np.int64)], list[Any]([np.empty(0)]), 0
    bounds = np.flatnonzero(np.diff(times, prepend=-1, append=-1))
    for start, stop in pairwise(bounds.tolist()):
        alike = texts[start:stop]
        for part in alike.parts():
            *_, (_, phrases) = alike[part].phrases(levels, len(levels) + 1)
            distinct, number = np.unique(phrases, return_counts=True)
            keys.append(distinct)
            counts.append(number * float(times[start]))
            waiting += len(distinct)
            if waiting > _KEYS_AT_ONCE:
                keys, counts = _summed(keys, counts)
                waiting = 0
    keys, counts = _summed(keys, counts)
    return keys[0], counts[0]


def _summed(
    keys: list[NDArray[np.int64]], counts: list[NDArray[np.float64]]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
    distinct, places = np.unique(np.concatenate(keys), return_inverse=True)
    summed: NDArray[np.float64] = np.bincount(places, np.concatenate(counts), len(distinct)).astype(np.float64)
    return [distinct], [summed]


def _count_cases(terms: Terms, texts: list[str], cases: csr_matrix) -> NDArray[np.int64]:
    """In how many cases each term occurs, shape (terms,)."""
    counts = np.zeros(terms.size, dtype=np.int64)
    for some in gen_batches(cases.shape[0], _CASES_AT_ONCE):
        part = cases[some]
        used = np.unique(part.indices)
        counts += (part[:, used] @ terms.count([texts[place] for place in used], np.float32)).getnnz(axis=0)
    return counts


def _most_frequent(
    counts: list[NDArray[np.float64]], enough: list[NDArray[np.int64]], most: int | None
) -> list[NDArray[np.int64]]:
    """Places of the terms that occur most often; of equal ones the shortest, and then those met first."""
    if most is None or sum(map(len, enough)) <= most:
        return enough
    frequent = np.concatenate([count[places] for count, places in zip(counts, enough, strict=True)])
    chosen = np.zeros(len(frequent), dtype=bool)
    chosen[np.argsort(-frequent, kind="stable")[:most]] = True
    ends = np.cumsum([len(places) for places in enough])[:-1]
    return [places[part] for places, part in zip(enough, np.split(chosen, ends), strict=True)]
