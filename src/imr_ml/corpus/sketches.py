"""Sketches of texts: how alike two are, told from 400 bytes of each.

Knows words, MinHash (Broder 1997, over shingles of five words) and its bands. Knows nothing of tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

from imr_ml.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHINGLE_WORDS = 5
# Twenty bands of five: a pair that shares 0.8 of its shingles meets in some band 9,996 times in 10,000, one that shares
# 0.1 of them twice. Of 100 hashes an estimate is off by 0.04 (one standard deviation).
BANDS, BAND_HASHES = 20, 5
HASHES = BANDS * BAND_HASHES
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    r"""Words in small letters; breaks and punctuation are none.

    Examples
    --------
    >>> words_of("Knee pain,\nX-ray.")
    ['knee', 'pain', 'x', 'ray']
    """
    return _WORD.findall(text.lower())


def sketch(words: Sequence[str]) -> NDArray[np.uint32]:
    """MinHash of a text's shingles: shape (`HASHES`,); the same on any machine.

    Parameters
    ----------
    words : sequence of str
        At least `SHINGLE_WORDS` of them.
    """
    import numpy as np

    places, factors, offsets = _constants()
    hashed = np.fromiter(map(crc32, map(str.encode, words)), dtype=np.uint64, count=len(words))
    shingles = np.lib.stride_tricks.sliding_window_view(hashed, SHINGLE_WORDS) @ places
    shingles ^= shingles >> np.uint64(29)
    # Multiply-shift hashing: the high half of a product modulo 2**64 is close to a random one.
    smallest = (shingles[:, None] * factors + offsets).min(axis=0)
    found: NDArray[np.uint32] = (smallest >> np.uint64(32)).astype(np.uint32)
    return found


def alike(
    sketches: NDArray[np.uint32],
    least: float,
    *,
    every_pair: bool = True,
    progress: Progress | None = None,
) -> Iterator[tuple[int, int]]:
    """Pairs of places, the earlier first, of which probably a share of `least` of their shingles is common.

    A pair may come several times.

    Parameters
    ----------
    sketches : (texts, `HASHES`) uint32
    least : float
        Share of hashes that must be the same.
    every_pair : bool, default True
        False compares each text of a band only with the one before it and the first of them: enough to learn which
        texts have a like, in a time that grows with the texts and not with their pairs.
    progress : callable, optional
        Called with 1 as each of the `BANDS` is done.
    """
    import numpy as np

    for start in range(0, HASHES, BAND_HASHES):
        for places in _together(sketches[:, start : start + BAND_HASHES]):
            for count, place in enumerate(places.tolist()):
                others = places[count + 1 :] if every_pair else places[[0, count - 1]] if count else places[:0]
                shares = (sketches[others] == sketches[place]).mean(axis=1)
                for other in np.unique(others[shares >= least]).tolist():
                    yield min(place, other), max(place, other)
        if progress:
            progress(1)


def _together(band: NDArray[np.uint32]) -> Iterator[NDArray[np.int64]]:
    """Places of rows that are the same, where there are several."""
    import numpy as np

    order = np.lexsort(band.T)
    ordered = band[order]
    borders = np.flatnonzero((ordered[1:] != ordered[:-1]).any(axis=1)) + 1
    for start, end in zip([0, *borders.tolist()], [*borders.tolist(), len(order)], strict=True):
        if end - start > 1:
            yield np.sort(order[start:end])


@cache
def _constants() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Odd factors of a shingle's words, and the factors and offsets of the hashes, the same on any machine."""
    import numpy as np

    random = np.random.Generator(np.random.PCG64(1))
    drawn = random.integers(0, 1 << 63, size=SHINGLE_WORDS + 2 * HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return drawn[:SHINGLE_WORDS], drawn[SHINGLE_WORDS:-HASHES], drawn[-HASHES:]
