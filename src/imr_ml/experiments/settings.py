"""All settings of a training."""

from __future__ import annotations

from dataclasses import dataclass, field

from imr_ml.classifiers.settings import ModelSettings
from imr_ml.evaluation.settings import EvaluationSettings
from imr_ml.nlp.types import NlpSettings


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """All settings of a training.

    Attributes
    ----------
    nlp : NlpSettings
    model : ModelSettings
    evaluation : EvaluationSettings
    coverage : float
        Share of requests of each outcome whose prediction set shall hold their outcome.
    ladder : bool
        Whether to evaluate the ladder of simpler and more complex predictors too.
    """

    nlp: NlpSettings = field(default_factory=NlpSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    coverage: float = 0.9
    ladder: bool = False
