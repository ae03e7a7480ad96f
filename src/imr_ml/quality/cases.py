"""Check rows against each other: repeated items, and one story in two cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imr_ml.corpus.minhash import BANDS
from imr_ml.corpus.near_duplicates import NO_SUMMARY, SummaryIndex, join_cases
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
COMPARISONS = BANDS
"""Steps in which `Cases.flagged` tells its progress."""


@dataclass(slots=True)
class Cases:
    """Cases and clinical summaries of the rows added so far."""

    summaries: SummaryIndex
    _identities: list[pd.DataFrame] = field(default_factory=list)
    _numbers: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        """Take a chunk."""
        import pandas as pd

        identities = {name: rows.column(name) for name in (*_ITEM, *_ISSUE)}
        identities["source"] = identities["source"].astype("category")
        for name in ("item", CASE_VERSION):
            identities[name] = pd.to_numeric(identities[name]).astype("float64")
        self._identities.append(pd.DataFrame(identities, index=rows.typed.index))
        self._numbers.append(self.summaries.add(rows.column("clinical_summary")))

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

    def _near_duplicates(self, identities: pd.DataFrame, progress: Progress) -> tuple[Flagged, NDArray[np.int64]]:
        """The first row of each case whose summary another case has too, and the first such row of its group."""
        import numpy as np
        import pandas as pd

        numbers = np.concatenate(self._numbers) if self._numbers else np.zeros(0, dtype=np.int64)
        cases, summaries = case_keys(identities), self.summaries.groups(numbers, progress)
        rows = pd.DataFrame(
            {"row": range(len(cases)), "case": cases, "summary": summaries, "group": join_cases(cases, summaries)}
        )
        rows = rows[rows["summary"] != NO_SUMMARY].drop_duplicates(["case", "summary"])
        shared = rows[rows.groupby("summary")["case"].transform("size") > 1].drop_duplicates("case")
        place = shared.groupby("group").cumcount()
        first, second = (shared[place == number].set_index("group")["row"] for number in (0, 1))
        like = shared["group"].map(first).where(place > 0, shared["group"].map(second))
        return Flagged("near_duplicates", shared["row"].to_numpy(), "clinical_summary"), like.to_numpy(dtype=np.int64)


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
