"""Load a model folder as an MLflow pyfunc.

MLflow calls `_load_pyfunc` by name; nothing here imports it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.corpus.dates import infer_styles
from imr_ml.corpus.schema import REQUIRED_COLUMNS, SchemaError
from imr_ml.model_files import LoadedModel, read_model
from imr_ml.score_columns import SCORE_COLUMNS, ScoreOptions
from imr_ml.scoring.frame import score_frame

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
            ``evidence``, ``precedents`` and ``coverage``, as in `ScoreOptions`; a coverage of 0 takes the model's.

        Raises
        ------
        SchemaError
            For a required column that is missing.
        ValueError
            For a coverage that is not between 0 and 1, or a negative number of precedents.
        """
        missing = [name for name in REQUIRED_COLUMNS if name not in frame]
        if missing:
            # Names of other columns may be text of a request, where a file was posted without its header.
            raise SchemaError(f"the requests lack column(s) {', '.join(missing)}")
        styles = infer_styles(frame, "requests")
        scored = score_frame(frame, self.model, _options(params or {}), styles)[list(SCORE_COLUMNS)]
        # MLflow's server writes a missing number as NaN, which is no JSON, and a missing nullable one as null.
        return scored.astype(dict.fromkeys(scored.select_dtypes("float"), "Float64"))


def _options(params: dict[str, Any]) -> ScoreOptions:
    """Options of MLflow's parameters, which can't be None."""
    default = ScoreOptions()
    return ScoreOptions(
        evidence=bool(params.get("evidence", default.evidence)),
        precedents=int(params.get("precedents", default.precedents)),
        coverage=float(params.get("coverage") or 0) or None,
    )


def _load_pyfunc(path: str) -> ServedModel:
    return ServedModel(read_model(Path(path)))
