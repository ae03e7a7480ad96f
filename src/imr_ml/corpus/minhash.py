"""Estimate how similar texts are from MinHash sketches of their shingles, and find pairs that are probably similar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from imr_ml.progress import Progress

SHINGLE_WORDS = 5
# Twenty bands of five: a pair that shares 0.8 of its shingles meets in some band 9,996 times in 10,000, one that shares
# 0.1 of them twice. Of 100 hashes an estimate is off by 0.04 (one standard deviation).
BANDS, BAND_HASHES = 20, 5
HASHES = BANDS * BAND_HASHES
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    r"""Words in small letters, without punctuation.

    Examples
    --------
    >>> words_of("Knee pain,\nX-ray.")
    ['knee', 'pain', 'x', 'ray']
    """
    return _WORD.findall(text.lower())


def shingle_hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """Distinct hashes of each `SHINGLE_WORDS` consecutive words, at least as many, sorted; the same on any machine."""
    hashed = np.fromiter(map(crc32, " ".join(words).encode().split(b" ")), dtype=np.uint64, count=len(words))
    count = len(words) - SHINGLE_WORDS + 1
    shingles = np.zeros(count, dtype=np.uint64)
    for place, factor in enumerate(_constants()[0]):
        shingles += hashed[place : place + count] * factor
    shingles ^= shingles >> np.uint64(29)
    shingles.sort()
    # np.unique hashes such short arrays first, which takes twice as long.
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
    """MinHash of a set of shingles: shape (`HASHES`,). The share of equal hashes estimates a similarity."""
    _, factors, offsets = _constants()
    # Multiply-shift hashing: the high half of a product modulo 2**64 is close to a random one.
    smallest = (shingles[:, None] * factors + offsets).min(axis=0)
    minima: NDArray[np.uint32] = (smallest >> np.uint64(32)).astype(np.uint32)
    return minima


def candidates(
    sketches: NDArray[np.uint32], least: float, groups: NDArray[np.int64], progress: Progress | None = None
) -> Iterator[tuple[int, int]]:
    """Pairs of texts of different groups that are probably similar, the earlier first; a pair may come several times.

    Parameters
    ----------
    sketches : (texts, `HASHES`) uint32
    least : float
        Share of hashes that must be equal.
    groups : (texts,) int
        Group of each text. The caller may join groups as the pairs come, which saves comparisons.
    progress : callable, optional
        Called with 1 as each of the `BANDS` is done.
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
    """Places of rows that are equal, where there are several."""
    order = np.lexsort(band.T)
    ordered = band[order]
    borders = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
    for start, end in zip([0, *borders.tolist()], [*borders.tolist(), len(order)], strict=True):
        if end - start > 1:
            yield np.sort(order[start:end])


@cache
def _constants() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Odd factors of a shingle's words, and the factors and offsets of the hashes, the same on any machine."""
    random = np.random.Generator(np.random.PCG64(1))
    drawn = random.integers(0, 1 << 63, size=SHINGLE_WORDS + 2 * HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return drawn[:SHINGLE_WORDS], drawn[SHINGLE_WORDS:-HASHES], drawn[-HASHES:]
