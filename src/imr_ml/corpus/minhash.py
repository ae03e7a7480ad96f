"""Estimate the similarity of texts from MinHash sketches of their shingles, and find candidate pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from imr_ml.progress import Progress

SHINGLE_WORDS = 5
# With twenty bands of five, a pair with similarity 0.8 matches in some band with probability 0.9996, one with
# similarity 0.1 with 0.0002. An estimate from 100 hashes has a standard deviation of 0.04.
BANDS, BAND_HASHES = 20, 5
HASHES = BANDS * BAND_HASHES
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    r"""Split a text into lower-case words without punctuation.

    Examples
    --------
    >>> words_of("Knee pain,\nX-ray.")
    ['knee', 'pain', 'x', 'ray']
    """
    return _WORD.findall(text.lower())


def shingle_hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """Sorted distinct hashes of `SHINGLE_WORDS` consecutive words each; equal on all machines."""
    hashed = np.fromiter(map(crc32, " ".join(words).encode().split(b" ")), dtype=np.uint64, count=len(words))
    count = len(words) - SHINGLE_WORDS + 1
    shingles = np.zeros(count, dtype=np.uint64)
    for place, factor in enumerate(_constants()[0]):
        shingles += hashed[place : place + count] * factor
    shingles ^= shingles >> np.uint64(29)
    shingles.sort()
    # np.unique hashes such short arrays first and takes twice as long.
    distinct: NDArray[np.uint64] = shingles[np.append(True, shingles[1:] != shingles[:-1])]
    return distinct


def similarity(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> float:
    """Jaccard similarity of two sets of hashes.

    Examples
    --------
    >>> similarity(shingle_hashes("a b c d e f".split()), shingle_hashes("a b c d e g".split()))
    0.3333333333333333
    """
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


def sketch(shingles: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """MinHash sketch of a set of shingles: shape (`HASHES`,). The share of equal hashes estimates the similarity."""
    _, factors, offsets = _constants()
    # Multiply-shift hashing: the high half of a product modulo 2**64 is close to a random one.
    smallest = (shingles[:, None] * factors + offsets).min(axis=0)
    minima: NDArray[np.uint32] = (smallest >> np.uint64(32)).astype(np.uint32)
    return minima


def candidates(
    sketches: NDArray[np.uint32], least: float, groups: NDArray[np.int64], progress: Progress | None = None
) -> Iterator[tuple[int, int]]:
    """Pairs of probably similar texts from different groups, the earlier text first; a pair may be repeated.

    Parameters
    ----------
    sketches : (texts, `HASHES`) uint32
    least : float
        Minimum share of equal hashes.
    groups : (texts,) int
        Group of each text. The caller may merge groups between pairs, which saves comparisons.
    progress : callable, optional
        Called with 1 after each of the `BANDS`.
    """
    for start in range(0, HASHES, BAND_HASHES):
        for places in _equal_rows(sketches[:, start : start + BAND_HASHES]):
            for count, place in enumerate(places.tolist(), start=1):
                others = places[count:]
                others = others[groups[others] != groups[place]]
                shares = (sketches[others] == sketches[place]).mean(axis=1)
                for other in others[shares >= least].tolist():
                    if groups[other] != groups[place]:
                        yield place, other
        if progress:
            progress(1)


def _equal_rows(band: NDArray[np.uint32]) -> Iterator[NDArray[np.int64]]:
    """Indices of each set of two or more equal rows."""
    order = np.lexsort(band.T)
    ordered = band[order]
    borders = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
    for start, end in zip([0, *borders.tolist()], [*borders.tolist(), len(order)], strict=True):
        if end - start > 1:
            yield np.sort(order[start:end])


@cache
def _constants() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Odd factors for the words of a shingle, and factors and offsets of the hashes, equal on all machines."""
    random = np.random.Generator(np.random.PCG64(1))
    drawn = random.integers(0, 1 << 63, size=SHINGLE_WORDS + 2 * HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return drawn[:SHINGLE_WORDS], drawn[SHINGLE_WORDS:-HASHES], drawn[-HASHES:]
