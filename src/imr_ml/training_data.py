"""Select the requests that a model can be trained on, and describe them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import (
    FEATURE_COLUMNS,
    LABEL_COLUMNS,
    OWN_SOURCE,
    require_columns,
    source_kind,
)
from imr_ml.corpus.table import case_keys
from imr_ml.errors import ImrError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 2_000


class TrainingError(ImrError):
    """A table cannot be used for training; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DataFacts:
    """Facts about the training data of a model.

    Attributes
    ----------
    source : str
        ``dwc``, ``dmhc``, ``sample`` or the name of a user's source; ``own`` if the table names none.
    sha256 : str
        Digest of the features and labels of the training rows, in order.
    requests, cases, groups, overturned, undecided : int
        Number of training rows, of their cases, and of groups of near-duplicate cases, which are never split;
        overturned rows; rows left out because they are undecided.
    """

    source: str
    sha256: str
    requests: int
    cases: int
    groups: int
    overturned: int
    undecided: int

    @property
    def is_synthetic(self) -> bool:
        """Whether the data are synthetic, so that figures do not apply to real decisions."""
        return source_kind(self.source) == "sample"

    @property
    def is_own(self) -> bool:
        """Whether the decisions come from the user instead of a published source."""
        return source_kind(self.source) == "own"


def decided_requests(requests: pd.DataFrame) -> pd.DataFrame:
    """Select the rows that a model can be trained on, in the order of the evaluation.

    These have an outcome and, if any row of the table has families, also families.

    Raises
    ------
    TrainingError
        If the table mixes sources or has no such rows.
    """
    require_columns(list(requests.columns), ("outcome",), "the requests table")
    if "families" not in requests:
        requests = requests.assign(families=None)
    decided = _select_rows(requests, requests["outcome"].notna())
    if decided.empty:
        raise TrainingError("the requests table has no decided request: fill the column outcome")
    sources = _sources(decided)
    if len(sources) > 1:
        raise TrainingError(f"the requests table mixes sources ({', '.join(sources)}): train on one source at a time")
    if decided["families"].notna().any():
        decided = _select_rows(decided, decided["families"].notna())
    return decided.reset_index(drop=True)


def _select_rows(requests: pd.DataFrame, mask: pd.Series) -> pd.DataFrame:
    """Return the selected rows, without a copy if all are selected."""
    return requests if mask.all() else requests[mask]


def _sources(requests: pd.DataFrame) -> list[str]:
    return sorted(requests["source"].dropna().unique()) if "source" in requests else []


def data_facts(requests: pd.DataFrame, decided: pd.DataFrame, groups: NDArray[np.int64]) -> DataFacts:
    """Describe the training data of a model.

    Parameters
    ----------
    requests : DataFrame
        Complete requests table.
    decided : DataFrame
        Result of `decided_requests`.
    groups : (decided,) int
        Groups of the decided requests.
    """
    return DataFacts(
        source=next(iter(_sources(decided)), OWN_SOURCE),
        sha256=data_digest(decided),
        requests=len(decided),
        cases=int(case_keys(decided).nunique()),
        groups=int(groups.max()) + 1,
        overturned=int(decided["outcome"].eq("overturned").sum()),
        undecided=len(requests) - len(decided),
    )


def data_digest(decided: pd.DataFrame) -> str:
    """Return the SHA-256 of the features and labels of decided requests, in order."""
    import pandas as pd

    columns, digest = [*FEATURE_COLUMNS, *LABEL_COLUMNS], hashlib.sha256()
    # In batches to limit memory: each column is copied as text, and Arrow releases copies late.
    for start in range(0, len(decided), _ROWS_AT_ONCE):
        part = decided.iloc[start : start + _ROWS_AT_ONCE].reindex(columns=columns).astype("string")
        digest.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
    return digest.hexdigest()
