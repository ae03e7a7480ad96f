"""Training: the requests table -> a fitted model and its evaluation, as one pure function.

Knows what is fitted on what. No files, no MLflow, no printing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from imr_ml.classifiers import ModelSettings, OutcomeSets, RequestModel, labels_of, outcome_sets
from imr_ml.corpus import case_keys, require_columns
from imr_ml.corpus.schema import FEATURE_COLUMNS, LABEL_COLUMNS
from imr_ml.errors import ImrError
from imr_ml.evaluation import Evaluation, EvaluationSettings, evaluate, measured_coverage
from imr_ml.features import feature_frame
from imr_ml.nlp import NlpSettings

if TYPE_CHECKING:
    import pandas as pd


class TrainingError(ImrError):
    """A table that can't be trained on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """All settings of a training.

    Attributes
    ----------
    coverage : float
        Share of requests of each outcome whose prediction set shall hold their outcome.
    """

    nlp: NlpSettings = field(default_factory=NlpSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    coverage: float = 0.9


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a model was trained on.

    Attributes
    ----------
    source : str
        ``dwc``, ``sample`` or ``dmhc``.
    sha256 : str
        Of the features and labels of the rows used, in their order.
    requests, cases, overturned, undecided : int
        Rows used, their cases, those overturned, and rows left out because they are not decided.
    """

    source: str
    sha256: str
    requests: int
    cases: int
    overturned: int
    undecided: int

    @property
    def is_synthetic(self) -> bool:
        """Whether the figures say nothing about real decisions."""
        return self.source == "sample"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model with all that is known of it."""

    model: RequestModel
    outcome_sets: OutcomeSets
    evaluation: Evaluation
    coverage: dict[str, float]
    settings: TrainingSettings
    data: DataFacts


def train(
    requests: pd.DataFrame,
    settings: TrainingSettings | None = None,
    on_read: Callable[[int], object] | None = None,
    on_fit: Callable[[int], object] | None = None,
) -> TrainedModel:
    """Fit both classifiers on all decided requests, and evaluate them on held-out cases.

    Parameters
    ----------
    requests : DataFrame
        Validated and completed requests table of one source.
    settings : TrainingSettings, optional
    on_read, on_fit : callable, optional
        Called with the number of texts read and of predictors fitted.

    Raises
    ------
    TrainingError
        For a table of several sources or without decided requests.
    SplitError
        For too few cases.
    """
    settings = settings or TrainingSettings()
    decided, facts = _decided(requests)
    frame = feature_frame(decided, settings.nlp, on_read)
    labels = labels_of(decided)
    groups = case_keys(decided).factorize()[0]
    build = partial(RequestModel, settings.model)
    evaluation = evaluate(frame, labels, groups, build, settings.evaluation, on_fit)
    return TrainedModel(
        model=build().fit(frame, labels, groups),
        outcome_sets=outcome_sets(
            evaluation.out_of_fold.mean_p_overturned, labels.overturned, groups, settings.coverage
        ),
        evaluation=evaluation,
        coverage=measured_coverage(evaluation, groups, settings.coverage),
        settings=settings,
        data=facts,
    )


def _decided(requests: pd.DataFrame) -> tuple[pd.DataFrame, DataFacts]:
    require_columns(requests, LABEL_COLUMNS, "the requests table")
    is_decided = requests["outcome"].notna() & requests["families"].notna()
    decided = requests[is_decided].reset_index(drop=True)
    if decided.empty:
        raise TrainingError("the requests table holds no decided request: fill outcome and families")
    sources = sorted(decided["source"].dropna().unique()) if "source" in decided else []
    if len(sources) > 1:
        raise TrainingError(f"the requests table mixes sources ({', '.join(sources)}): train on one at a time")
    facts = DataFacts(
        source=sources[0] if sources else "dwc",
        sha256=_digest(decided),
        requests=len(decided),
        cases=int(case_keys(decided).nunique()),
        overturned=int(decided["outcome"].eq("overturned").sum()),
        undecided=len(requests) - len(decided),
    )
    return decided, facts


def _digest(decided: pd.DataFrame) -> str:
    import pandas as pd

    columns = [*FEATURE_COLUMNS, *LABEL_COLUMNS]
    rows = pd.util.hash_pandas_object(decided.reindex(columns=columns).astype("string"), index=False)
    return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()
