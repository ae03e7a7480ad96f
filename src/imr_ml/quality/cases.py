"""Check rows against each other: repeated items, and one story in two cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING

from imr_ml.corpus.near_duplicates import BANDS, FEWEST_WORDS, HASHES, SAME_FROM, alike, sketch, words_of
from imr_ml.corpus.schema import CASE_VERSION
from imr_ml.corpus.table import case_keys
from imr_ml.progress import Progress
from imr_ml.quality.types import Flagged, Rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_ITEM = ("source", "case_number", "item")
_ISSUE = (CASE_VERSION, "letter_sha256")
_NO_STORY = -1
COMPARISONS = BANDS
"""Steps in which `Cases.flagged` tells its progress."""


@dataclass(slots=True)
class Cases:
    """Who the rows added so far are of, and what their stories are like."""

    _identities: list[pd.DataFrame] = field(default_factory=list)
    _stories: list[NDArray[np.int64]] = field(default_factory=list)
    _sketches: list[NDArray[np.uint32]] = field(default_factory=list)
    _known: dict[bytes, int] = field(default_factory=dict)

    def add(self, rows: Rows) -> None:
        """Take a chunk."""
        import numpy as np
        import pandas as pd

        identities = {name: rows.column(name) for name in (*_ITEM, *_ISSUE)}
        identities["source"] = identities["source"].astype("category")
        for name in ("item", CASE_VERSION):
            identities[name] = pd.to_numeric(identities[name]).astype("float64")
        self._identities.append(pd.DataFrame(identities, index=rows.typed.index))
        codes, texts = rows.column("clinical_summary").factorize()
        story_of = np.array([*(self._story(str(text)) for text in texts), _NO_STORY], dtype=np.int64)
        # A missing summary has the code -1, which takes the last.
        self._stories.append(story_of[codes])

    def identities(self) -> pd.DataFrame:
        """Source, case number, item, version and letter of every row."""
        import pandas as pd

        parts = [part.astype({"source": "string"}) for part in self._identities]
        return pd.concat(parts) if parts else pd.DataFrame(columns=[*_ITEM, *_ISSUE])

    def flagged(self, identities: pd.DataFrame, progress: Progress) -> Iterator[tuple[Flagged, NDArray[np.int64]]]:
        """What is found in all rows together, each with the rows that those are like."""
        yield from _twice(identities)
        unnamed = identities["case_number"].isna() & identities["letter_sha256"].isna()
        yield _alone(Flagged.where(unnamed, "case_unnamed"))
        yield self._near_duplicates(identities, progress)

    def _story(self, text: str) -> int:
        """Number of a story, the same for the same words; `_NO_STORY` for one too short to tell."""
        words = words_of(text)
        if len(words) < FEWEST_WORDS:
            return _NO_STORY
        number = self._known.setdefault(blake2b(" ".join(words).encode(), digest_size=12).digest(), len(self._known))
        if number == len(self._sketches):
            self._sketches.append(sketch(words))
        return number

    def _near_duplicates(self, identities: pd.DataFrame, progress: Progress) -> tuple[Flagged, NDArray[np.int64]]:
        """The first row of each case whose story another case tells too, and the first row of one such case."""
        import numpy as np
        import pandas as pd

        stories = np.concatenate(self._stories) if self._stories else np.zeros(0, dtype=np.int64)
        members = pd.DataFrame({"case": case_keys(identities).factorize()[0], "group": self._groups(progress)[stories]})
        members = members[stories != _NO_STORY].drop_duplicates()
        shared = members[members.groupby("group")["case"].transform("nunique") > 1].drop_duplicates("case")
        first = shared.groupby("group", sort=False)["case"].transform(lambda cases: cases.index[0])
        # The first of a group is like the second of it, all others like the first.
        second = shared.groupby("group", sort=False)["case"].transform(
            lambda cases: cases.index[min(1, len(cases) - 1)]
        )
        rows = shared.index.to_numpy()
        like = np.where(rows == first.to_numpy(), second.to_numpy(), first.to_numpy())
        # A case that tells two shared stories may be left alone in the group of the second.
        return Flagged("near_duplicates", rows, "clinical_summary"), np.where(like == rows, -1, like).astype(np.int64)

    def _groups(self, progress: Progress) -> NDArray[np.int64]:
        """Group of each story: stories that are nearly the same, or joined by a chain of such; and one for none."""
        import numpy as np
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        count = len(self._sketches)
        sketches = np.array(self._sketches, dtype=np.uint32).reshape(-1, HASHES)
        found = alike(sketches, SAME_FROM, every_pair=False, progress=progress)
        pairs = np.fromiter(chain.from_iterable(found), np.int64).reshape(-1, 2)
        edges = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
        groups = connected_components(edges, directed=False)[1] if count else np.zeros(0)
        group_of: NDArray[np.int64] = np.append(groups, _NO_STORY).astype(np.int64)
        return group_of


def _twice(identities: pd.DataFrame) -> Iterator[tuple[Flagged, NDArray[np.int64]]]:
    """Items that stand twice in one letter, and in several letters of the case."""
    import numpy as np

    named = identities.reset_index(drop=True).dropna(subset=["case_number", "item"])
    doubled = named[named.duplicated(list(_ITEM), keep=False)]
    first = doubled.reset_index().groupby(list(_ITEM), dropna=False)["index"].transform("min").to_numpy()
    within = doubled.duplicated([*_ITEM, *_ISSUE]).to_numpy()
    rows = doubled.index.to_numpy()
    later = (rows != first) & ~within
    for kind, chosen in (("item_twice", within), ("reissued", later)):
        yield Flagged(kind, rows[chosen]), first[chosen].astype(np.int64)


def _alone(flagged: Flagged) -> tuple[Flagged, NDArray[np.int64]]:
    import numpy as np

    return flagged, np.full(len(flagged.rows), -1, dtype=np.int64)
