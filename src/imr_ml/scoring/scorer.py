"""Score data frames and single requests from Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.score_columns import ScoreOptions

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.model_files import LoadedModel


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model that scores requests.

    Attributes
    ----------
    model : LoadedModel
    """

    model: LoadedModel

    def score(
        self,
        requests: pd.DataFrame | Mapping[str, Any],
        *,
        evidence: bool = True,
        precedents: int = 3,
        coverage: float | None = None,
    ) -> pd.DataFrame:
        """Score requests.

        Parameters
        ----------
        requests : DataFrame or mapping
            Requests with at least ``request`` and ``clinical_summary``, or one request as a mapping of column to value.
        evidence : bool, default True
            Whether to include feature contributions.
        precedents : int, default 3
            Number of similar decided requests per row; 0 for none.
        coverage : float, optional
            Share of cases whose prediction set must contain their outcome; default: the model's.

        Returns
        -------
        DataFrame
            The same rows and columns, followed by `SCORE_COLUMNS`. For rows that cannot be scored, ``error`` contains
            the reason.

        Raises
        ------
        SchemaError
            If a required column is missing or a column that scoring adds already exists.
        ValueError
            If the coverage is not between 0 and 1, or the number of precedents is negative.

        Examples
        --------
        >>> import imr_ml
        >>> model = imr_ml.load_model("models/latest")  # doctest: +SKIP
        >>> request = {"request": "MRI of the left knee", "clinical_summary": "Knee pain, no locking."}
        >>> model.score(request)["p_overturned"]  # doctest: +SKIP
        """
        import pandas as pd

        from imr_ml.corpus.dates import infer_styles
        from imr_ml.scoring.frame import check_columns, score_frame

        frame = requests if isinstance(requests, pd.DataFrame) else pd.DataFrame([dict(requests)])
        check_columns(list(frame.columns), "requests")
        styles = infer_styles(frame, "requests")
        return score_frame(frame, self.model, ScoreOptions(evidence, precedents, coverage), styles)


def load_model(folder: Path | str = Path("models/latest")) -> Scorer:
    """Load a model from the folder that training wrote.

    Raises
    ------
    ModelError
        If a file is missing, or its checksum, format or types are wrong.
    """
    from imr_ml import model_files

    return Scorer(model_files.read_model(Path(folder)))
