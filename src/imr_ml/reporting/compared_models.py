"""Name and describe the predictors that a training compares with the model: baselines or rungs of the ladder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imr_ml.evaluation.comparison import MODEL
from imr_ml.reporting.card.wording import BASELINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from imr_ml.evaluation.cross_validation import OutOfFold
    from imr_ml.evaluation.intervals import Estimate
    from imr_ml.ladder.climbing import Climb, Step
    from imr_ml.training import TrainedModel

COLORS_OF_BASELINES = {"base_rate": "#707070", "plain_tfidf": "#E69F00", "ur_families": "#CC79A7"}
"""The same in every picture and in the MLflow UI; see `figures.canvas`."""
TITLES = {MODEL: "model"} | {name: BASELINES[name] for name in COLORS_OF_BASELINES}
_MEANING = {
    "base_rate": "Always the rates of the data that is evaluated on: the best that any constant could do.",
    "plain_tfidf": "TF-IDF of the raw words and logistic regression, without the spaCy stage.",
    "ur_families": "The reviewer cites the families that the claims administrator cited.",
}


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A predictor evaluated on the same folds as the model.

    Attributes
    ----------
    key : str
        Unique in a training, e.g. ``"plain_tfidf"``.
    title : str
        For people.
    estimates : dict of Estimate
        By metric, under the names that the model's have.
    params : dict
        Its settings.
    description : str
        A sentence or two in Markdown.
    by_fold : dict of (repeats, folds) float
        Each metric in each test part.
    metrics : dict of float
        Further figures.
    """

    key: str
    title: str
    estimates: Mapping[str, Estimate]
    params: Mapping[str, object] = field(default_factory=dict)
    description: str = ""
    out_of_fold: OutOfFold | None = None
    by_fold: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def compared_baselines(trained: TrainedModel) -> tuple[ComparedModel, ...]:
    """The baselines that the model was evaluated beside."""
    evaluation = trained.evaluation
    return tuple(
        ComparedModel(
            key,
            TITLES.get(key, key),
            estimates,
            description=_MEANING.get(key, ""),
            out_of_fold=evaluation.predicted[key],
        )
        for key, estimates in evaluation.estimates.items()
        if key != MODEL
    )


def compared_rungs(climb: Climb) -> tuple[ComparedModel, ...]:
    """The rungs that were climbed; among them are the baselines."""
    return tuple(
        ComparedModel(
            key=step.rung.name,
            title=step.rung.name.replace("_", " "),
            estimates={
                **step.estimates,
                **{f"{metric}.over_champion": difference for metric, difference in step.differences.items()},
            },
            params={"rung": place, "tasks": step.rung.tasks, "against": step.against},
            description=_describe_step(step, climb),
            out_of_fold=step.out_of_fold,
            metrics={"fit_s": step.fit_s},
        )
        for place, step in enumerate(climb.steps)
    )


def _describe_step(step: Step, climb: Climb) -> str:
    won = [task for task, name in climb.champions.items() if name == step.rung.name]
    met = [f"{task}: beside {name}" for task, name in step.against.items()]
    lines = [f"{step.rung.description}. Rung {climb.steps.index(step)} of the ladder."]
    lines += [f"Champion of: {', '.join(won)}."] if won else []
    lines += [f"The differences are to the champion that it met ({'; '.join(met)})."] if met else []
    return " ".join(lines)
