"""Group requests of one case or with nearly the same clinical summary.

A worker who is reviewed twice leaves two cases with one story. Were one of them used for training and the other for
testing, a model that memorizes would look like one that generalizes.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from imr_ml.corpus.minhash import HASHES, candidates, shingle_hashes, similarity, sketch, words_of
from imr_ml.corpus.table import case_keys
from imr_ml.progress import Progress

MIN_SIMILARITY = 0.8
"""Jaccard similarity from which two summaries count as nearly the same."""
MIN_WORDS = 30
"""A shorter summary is a category or a stock phrase, which unrelated cases share."""
NO_SUMMARY = -1
"""Stands for a summary that is missing or shorter than `MIN_WORDS`."""
# Four standard deviations of an estimate below: such a pair need not be compared exactly.
_MIN_ESTIMATE = MIN_SIMILARITY - 0.16
_MEMORY_BYTES = 64 << 20
_DIGEST_BYTES = 12


def duplicate_groups(requests: pd.DataFrame) -> NDArray[np.int64]:
    """Group of each request: its case, joined with every case whose clinical summary is nearly the same.

    Summaries are nearly the same where their sets of five-word shingles have a Jaccard similarity of `MIN_SIMILARITY`
    or more. The relation is passed on: the first and the last of a chain are in one group. A missing summary, or one of
    fewer than `MIN_WORDS` words, joins nothing.

    Returns
    -------
    (rows,) int
        Counted from 0 in the order of the rows.
    """
    with SummaryIndex() as index:
        numbers = index.add(requests["clinical_summary"])
        return join_cases(case_keys(requests), index.groups(numbers))


def join_cases(cases: pd.Series, summary_groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups of cases that share a summary, or are joined by a chain of such cases.

    Parameters
    ----------
    cases : (rows,) Series
        Key of each row's case.
    summary_groups : (rows,) int
        Group of each row's summary, `NO_SUMMARY` for none; see `SummaryIndex.groups`.

    Returns
    -------
    (rows,) int
        Counted from 0 in the order of the rows.
    """
    codes, unique = cases.factorize()
    has_summary = summary_groups != NO_SUMMARY
    # Cases and groups of summaries are the nodes of one graph, in which each row is an edge.
    edges = codes[has_summary], len(unique) + summary_groups[has_summary]
    nodes = len(unique) + int(summary_groups.max(initial=NO_SUMMARY)) + 1
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(nodes, nodes))
    components = connected_components(graph, directed=False)[1] if nodes else codes
    groups: NDArray[np.int64] = pd.factorize(components[codes])[0]
    return groups


def summary_digest(text: str) -> bytes | None:
    """Digest of a summary's words; None of fewer than `MIN_WORDS`."""
    return _digest(words_of(text))


def _digest(words: list[str]) -> bytes | None:
    if len(words) < MIN_WORDS:
        return None
    return blake2b(" ".join(words).encode(), digest_size=_DIGEST_BYTES).digest()


class SummaryIndex:
    """Distinct clinical summaries, with hashes in place of the texts.

    A summary takes about 600 bytes of memory. Its shingle hashes, eight bytes a word, are in a temporary file as soon
    as those of all summaries take more than 64 MB. Use it in a ``with`` statement, which removes that file.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._sketches = bytearray()
        self._ends = array("Q", [0])
        self._shingles = SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shingles.close()

    def add(self, summaries: pd.Series) -> NDArray[np.int64]:
        """Add summaries.

        Returns
        -------
        (rows,) int
            Number of each row's summary, the same for the same words; `NO_SUMMARY` for one that is missing or short.
        """
        codes, texts = summaries.factorize()
        # A missing summary has the code -1, which takes the last number.
        numbers: NDArray[np.int64] = np.array([*map(self._number, texts), NO_SUMMARY], dtype=np.int64)[codes]
        return numbers

    def groups(self, numbers: NDArray[np.int64], progress: Progress | None = None) -> NDArray[np.int64]:
        """Groups of summaries that are nearly the same, or joined by a chain of such.

        Parameters
        ----------
        numbers : (rows,) int
            What `add` returned.
        progress : callable, optional
            Called with 1 as each of the `BANDS` is done.

        Returns
        -------
        (rows,) int
            `NO_SUMMARY` stays what it is.
        """
        sketches = np.frombuffer(self._sketches, np.uint32).reshape(-1, HASHES)
        groups = _Groups(np.arange(len(sketches)))
        for first, second in candidates(sketches, _MIN_ESTIMATE, groups.of, progress):
            if similarity(self._shingles_of(first), self._shingles_of(second)) >= MIN_SIMILARITY:
                groups.join(first, second)
        grouped: NDArray[np.int64] = np.append(groups.of, NO_SUMMARY)[numbers]
        return grouped

    def _number(self, text: str) -> int:
        words = words_of(text)
        digest = _digest(words)
        if digest is None:
            return NO_SUMMARY
        known = len(self._numbers)
        number = self._numbers.setdefault(digest, known)
        if number == known:
            shingles = shingle_hashes(words)
            self._sketches += sketch(shingles).tobytes()
            self._shingles.write(shingles.tobytes())
            self._ends.append(self._ends[-1] + shingles.nbytes)
        return number

    def _shingles_of(self, number: int) -> NDArray[np.uint64]:
        start, end = self._ends[number], self._ends[number + 1]
        self._shingles.seek(start)
        return np.frombuffer(self._shingles.read(end - start), np.uint64)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Groups that are joined two by two; `of` has the group of each summary."""

    of: NDArray[np.int64]
    _members: dict[int, list[int]] = field(default_factory=dict)

    def join(self, first: int, second: int) -> None:
        """Make first group of the groups of two summaries."""
        both = [self._members.pop(group, [group]) for group in self.of[[first, second]].tolist()]
        smaller, larger = sorted(both, key=len)
        self.of[smaller] = group = int(self.of[larger[0]])
        larger += smaller
        self._members[group] = larger
