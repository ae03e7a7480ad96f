"""Facts about a batch as a whole for the report page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel

SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Where a scored batch came from and what scored it.

    Attributes
    ----------
    source : str
        Name of the input, as a reader knows it.
    model_version : str
        First 12 digits of the classifiers' SHA-256.
    trained_on : str
        Source of the training data: ``dwc``, ``dmhc`` or ``sample``.
    coverage : float
        Share of cases whose prediction set shall hold their outcome, between 0 and 1.
    scored_at : datetime
    base_rate : float or None
        Share overturned among the training requests; None where not known.
    columns : mapping of str to str
        The contract's name of a column -> the user's, for those that the user calls otherwise.
    """

    source: str
    model_version: str
    trained_on: str
    coverage: float
    scored_at: datetime
    base_rate: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        source: str,
        model: LoadedModel,
        scored_at: datetime,
        coverage: float | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """What `model` says of itself; without a coverage, the one it was trained for.

        Parameters
        ----------
        source : str
            What to call the input in an error.
        model : LoadedModel
        scored_at : datetime
        coverage : float, optional
            Share of cases whose set must contain their outcome.
        columns : mapping, optional
        """
        data = model.facts["data"]
        decided = data["requests"] - data["undecided"]
        return cls(
            source=source,
            model_version=model.version,
            trained_on=data["source"],
            coverage=model.facts["settings"]["coverage"] if coverage is None else coverage,
            scored_at=scored_at,
            base_rate=data["overturned"] / decided if decided else None,
            columns=columns or {},
        )

    @property
    def is_sample_model(self) -> bool:
        """Whether the model was trained on invented letters."""
        return self.trained_on == SAMPLE

    def column(self, name: str) -> str:
        """What the user calls a column of the contract."""
        return self.columns.get(name, name)
