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
"""Colors in every figure and in the MLflow UI; see `figures.canvas`."""
TITLES = {MODEL: "model"} | {name: BASELINES[name] for name in COLORS_OF_BASELINES}
_DESCRIPTIONS = {
    "base_rate": "Always predicts the rates of the evaluated data: the best constant prediction.",
    "plain_tfidf": "TF-IDF of the raw words and logistic regression, without the spaCy stage.",
    "ur_families": "Predicts that the reviewer cites the same families as the claims administrator.",
}


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A predictor evaluated on the same folds as the model.

    Attributes
    ----------
    key : str
        Unique in a training, e.g. ``"plain_tfidf"``.
    title : str
        Display name.
    estimates : dict of Estimate
        By metric, with the same names as the model's.
    params : dict
        Settings of the predictor.
    description : str
        One or two sentences in Markdown.
    by_fold : dict of (repeats, folds) float
        Each metric in each test part.
    metrics : dict of float
        Further metrics without intervals.
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
    """Return the baselines of the model's evaluation."""
    evaluation = trained.evaluation
    return tuple(
        ComparedModel(
            key,
            TITLES.get(key, key),
            estimates,
            description=_DESCRIPTIONS.get(key, ""),
            out_of_fold=evaluation.predicted[key],
        )
        for key, estimates in evaluation.estimates.items()
        if key != MODEL
    )


def compared_rungs(climb: Climb) -> tuple[ComparedModel, ...]:
    """Return the rungs of the ladder, which include the baselines."""
    return tuple(
        ComparedModel(
            key=step.rung.name,
            title=step.rung.name.replace("_", " "),
            estimates={
                **step.estimates,
                **{f"{metric}.over_champion": difference for metric, difference in step.differences.items()},
            },
            params={"rung": number, "tasks": step.rung.tasks, "against": step.against},
            description=_describe_step(step, climb),
            out_of_fold=step.out_of_fold,
            metrics={"fit_s": step.fit_s},
        )
        for number, step in enumerate(climb.steps)
    )


def _describe_step(step: Step, climb: Climb) -> str:
    won_tasks = [task for task, name in climb.champions.items() if name == step.rung.name]
    champions = [f"{task}: {name}" for task, name in step.against.items()]
    sentences = [f"{step.rung.description}. Rung {climb.steps.index(step)} of the ladder."]
    sentences += [f"Champion of: {', '.join(won_tasks)}."] if won_tasks else []
    sentences += [f"Compared with the champion at that rung ({'; '.join(champions)})."] if champions else []
    return " ".join(sentences)
