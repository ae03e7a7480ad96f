"""Load a model folder as an MLflow pyfunc.

MLflow calls `_load_pyfunc` by name; this module does not import MLflow.
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
    """Model that MLflow serves.

    Parameters
    ----------
    model : LoadedModel
    """

    def __init__(self, model: LoadedModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return the score columns of each row, in order.

        Parameters
        ----------
        frame : DataFrame
            Requests.
        params : dict, optional
            ``evidence``, ``precedents`` and ``coverage``, as in `ScoreOptions`; a coverage of 0 stands for the model's.

        Raises
        ------
        SchemaError
            If a required column is missing.
        ValueError
            If the coverage is not between 0 and 1, or the number of precedents is negative.
        """
        missing = [name for name in REQUIRED_COLUMNS if name not in frame]
        if missing:
            # Other column names are not shown: if a file was posted without its header, they may be clinical text.
            raise SchemaError(f"the requests lack column(s) {', '.join(missing)}")
        styles = infer_styles(frame, "requests")
        scored = score_frame(frame, self.model, _options(params or {}), styles)[list(SCORE_COLUMNS)]
        # MLflow's server writes NaN, which is not valid JSON, for missing floats, and null for missing nullable floats.
        return scored.astype(dict.fromkeys(scored.select_dtypes("float"), "Float64"))


def _options(params: dict[str, Any]) -> ScoreOptions:
    """Convert MLflow parameters, which cannot be None, to options."""
    default = ScoreOptions()
    return ScoreOptions(
        evidence=bool(params.get("evidence", default.evidence)),
        precedents=int(params.get("precedents", default.precedents)),
        coverage=float(params.get("coverage") or 0) or None,
    )


def _load_pyfunc(path: str) -> ServedModel:
    return ServedModel(read_model(Path(path)))
