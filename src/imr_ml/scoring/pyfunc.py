"""The model as MLflow loads it: a folder in, an object with `predict` out.

Knows the scored columns. MLflow calls `_load_pyfunc` by name; nothing here imports it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.model_files import LoadedModel, load_model
from imr_ml.scoring.frame import SCORE_COLUMNS, score_frame

if TYPE_CHECKING:
    import pandas as pd


class ServedModel:
    """Scores data frames.

    Parameters
    ----------
    model : LoadedModel
    """

    def __init__(self, model: LoadedModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The scored columns of each row, in order.

        Parameters
        ----------
        frame : DataFrame
            Requests.
        params : dict, optional
            ``evidence``: whether to tell what moved each prediction; True where not given.
        """
        evidence = bool((params or {}).get("evidence", True))
        return score_frame(frame, self.model, evidence=evidence)[list(SCORE_COLUMNS)]


def _load_pyfunc(path: str) -> ServedModel:
    return ServedModel(load_model(Path(path)))
