"""Store out-of-fold predictions with a run for later paired comparisons.

The file contains no text and no case number: cases are numbered by their first appearance in the table.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from imr_ml.classifiers.types import Labels
    from imr_ml.evaluation.cross_validation import OutOfFold

FILE = "evaluation/out_of_fold.parquet"
"""Path among a run's artifacts."""
_FACTS = b"imr_ml"


@dataclass(frozen=True, slots=True)
class Folds:
    """How the data were split; evaluations with equal folds are comparable request by request.

    Attributes
    ----------
    data : str
        SHA-256 of the data.
    tested_folds : int
        Number of folds that were held out in turn; 0 if all were.
    """

    data: str
    folds: int
    repeats: int
    seed: int
    stratify: bool
    tested_folds: int = 0

    def __str__(self) -> str:
        """Describe the folds, without the data."""
        stratified = "stratified" if self.stratify else "not stratified"
        tested = f"{self.tested_folds} of " if 0 < self.tested_folds < self.folds else ""
        return f"{tested}{self.folds} folds x {self.repeats}, seed {self.seed}, {stratified}"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Out-of-fold predictions of a model, with the labels.

    Attributes
    ----------
    groups : (requests,) int
        Case of each request, numbered from 0.
    fold_of : (repeats, requests) int, optional
        Fold in which each request was held out.
    """

    folds: Folds
    labels: Labels
    groups: NDArray[np.int64]
    predicted: OutOfFold
    fold_of: NDArray[np.int64] | None = None


def write_held_out(held_out: HeldOut, path: Path) -> None:
    """Write a Parquet file with one row per request and repeat."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(_frame(held_out), preserve_index=False)
    facts = {_FACTS: json.dumps(asdict(held_out.folds)).encode()}
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, **facts}), path, compression="zstd")


def read_held_out(path: Path) -> HeldOut:
    """Read a file that `write_held_out` wrote."""
    import pyarrow.parquet as pq

    from imr_ml.classifiers.types import Labels, Predictions
    from imr_ml.evaluation.cross_validation import OutOfFold

    def by_family(part: pd.DataFrame, prefix: str) -> NDArray[np.float64]:
        return part[[f"{prefix}_{family}" for family in FAMILIES]].to_numpy(dtype=float)

    table = pq.read_table(path)
    folds = Folds(**json.loads(table.schema.metadata[_FACTS]))
    frame = table.to_pandas().sort_values(["repeat", "request"], kind="stable")
    parts = [part for _, part in frame.groupby("repeat", sort=True)]
    first = parts[0]
    labels = Labels(
        overturned=first["overturned"].to_numpy(dtype=bool),
        families=by_family(first, "cited").astype(bool),
        decided_year=np.full(len(first), np.nan),
    )
    predicted = [
        Predictions(
            p_overturned=part["p_overturned"].to_numpy(dtype=float),
            family_probability=by_family(part, "p"),
            family_set=by_family(part, "predicted").astype(bool),
        )
        for part in parts
    ]
    fold_of = None if first["fold"].isna().any() else np.array([part["fold"].to_numpy(dtype=int) for part in parts])
    return HeldOut(folds, labels, first["case"].to_numpy(dtype=int), OutOfFold(tuple(predicted)), fold_of)


def _frame(held_out: HeldOut) -> pd.DataFrame:
    import pandas as pd

    def by_family(prefix: str, values: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
        return {f"{prefix}_{family}": values[:, place] for place, family in enumerate(FAMILIES)}

    rows, fold_of = len(held_out.groups), held_out.fold_of
    frames = [
        pd.DataFrame(
            {
                "request": np.arange(rows),
                "case": held_out.groups,
                "repeat": repeat,
                "fold": pd.array([None] * rows if fold_of is None else fold_of[repeat], dtype="Int64"),
                "overturned": held_out.labels.overturned,
                "p_overturned": predictions.p_overturned,
                **by_family("cited", held_out.labels.families),
                **by_family("p", predictions.family_probability),
                **by_family("predicted", predictions.family_set),
            }
        )
        for repeat, predictions in enumerate(held_out.predicted.repeats)
    ]
    return pd.concat(frames, ignore_index=True)
