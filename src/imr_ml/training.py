"""Fit and evaluate a model on the requests table, without files, tracking or printing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.conformal import HeldOutScores, OutcomeSets
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Dataset
from imr_ml.evaluation.baselines import PlainText
from imr_ml.evaluation.constant_data import constant_notes
from imr_ml.evaluation.learning import learning_curve
from imr_ml.evaluation.permutation import MaskingComparison, permutation_test
from imr_ml.evaluation.report import Evaluation, evaluate, evaluate_masking, measured_coverage
from imr_ml.experiments.schema import TrainingSettings
from imr_ml.features.frame import feature_frame
from imr_ml.ladder.climbing import Climb, climb
from imr_ml.ladder.reading import read_frames, read_rungs
from imr_ml.memory import release_memory
from imr_ml.precedents.decided import DecidedRequests
from imr_ml.precedents.neighbours import Neighbours
from imr_ml.profiles import Profile, reference_profile, sampled_rows
from imr_ml.progress import StartProgress, no_progress
from imr_ml.training_data import DataFacts, data_facts, decided_requests

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from imr_ml.features.rows import FeatureRows


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model, its evaluation and the data it was trained on.

    `notes` are lines about limits of the training data and the training method.
    """

    model: RequestModel
    held_out: HeldOutScores
    neighbours: Neighbours
    reference: Profile
    evaluation: Evaluation
    coverage: dict[str, float]
    settings: TrainingSettings
    data: DataFacts
    climb: Climb | None = None
    notes: tuple[str, ...] = ()

    @property
    def outcome_sets(self) -> OutcomeSets:
        """Prediction sets at the coverage in the settings."""
        return self.held_out.sets(self.settings.coverage)


def train(
    requests: pd.DataFrame,
    settings: TrainingSettings | None = None,
    start: StartProgress = no_progress,
    groups: NDArray[np.int64] | None = None,
) -> TrainedModel:
    """Fit both classifiers on all decided requests, and evaluate them on held-out cases.

    Parameters
    ----------
    requests : DataFrame
        Validated and completed requests table of one source.
    settings : TrainingSettings, optional
    start : callable, optional
        Starts the progress bar of each long step.
    groups : (requests,) int, optional
        Result of `near_duplicates.duplicate_groups`, if already computed.

    Raises
    ------
    TrainingError
        If the table mixes sources or has no decided request.
    SplitError
        If there are too few cases.
    """
    settings = settings or TrainingSettings()
    decided = decided_requests(requests)
    groups = groups if groups is not None and len(groups) == len(decided) else None
    release_memory()
    dataset = Dataset.from_table(decided, settings.nlp, start, groups, settings.evaluation.jobs)
    release_memory()
    frame, labels, groups = dataset.frame, dataset.labels, dataset.groups
    build = partial(RequestModel, settings.model)
    evaluation = evaluate(dataset, build, settings.evaluation, start)
    evaluation = _with_optional_parts(evaluation, decided, dataset, settings, start)
    start("fitting the model on all requests", 0)
    release_memory()
    model = build()
    matrix = model.fit_rows(frame, labels, groups)
    rows = DecidedRequests.from_table(decided, dataset, with_texts=settings.precedent_texts)
    p_overturned = evaluation.out_of_fold.mean_p_overturned
    return TrainedModel(
        model=model,
        held_out=HeldOutScores.from_predictions(p_overturned, evaluation.labels.overturned, evaluation.groups),
        neighbours=Neighbours.from_matrix(rows, matrix, model.outcome_column_weights),
        reference=_reference(model, matrix, evaluation, dataset),
        evaluation=evaluation,
        coverage=measured_coverage(evaluation, settings.coverage),
        settings=settings,
        data=data_facts(requests, decided, groups),
        climb=_climb(decided, dataset, settings, start) if settings.ladder else None,
        notes=(*constant_notes(decided, labels), *_large_table_notes(evaluation, settings.model, len(dataset))),
    )


def _large_table_notes(evaluation: Evaluation, model: ModelSettings, requests: int) -> list[str]:
    """Return notes on how training on a large table differs."""
    notes = []
    if len(evaluation.rows) < requests:
        tested = f"{len(evaluation.rows):,} requests, {evaluation.settings.tested_parts}"
        notes.append(f"large table: tested on {tested}; plain TF-IDF fitted on at most {PlainText.MOST_REQUESTS:,}")
    if requests > model.large_from:
        notes.append(f"large table: more than {model.large_from:,} requests, so fitted as docs/scale.md says")
    return notes


def _reference(model: RequestModel, matrix: FeatureRows, evaluation: Evaluation, dataset: Dataset) -> Profile:
    """Profile the evaluated requests as if they were new to the model.

    The spread of probabilities depends on the calibration, which differs between folds of a small table. The profile
    therefore uses the held-out probabilities from the model's own calibration, not those of the evaluation.
    """
    places = sampled_rows(evaluation.groups, model.settings.seed)
    rows = evaluation.rows[places]
    # A single repeat instead of the mean, because new requests are scored by a single model.
    out_of_fold = evaluation.out_of_fold.repeats[0][places]
    held_out = model.held_out_p_overturned(matrix[rows], dataset.labels.overturned, rows)
    p_overturned = np.where(np.isnan(held_out), out_of_fold.p_overturned, held_out)
    predictions = replace(out_of_fold, p_overturned=p_overturned)
    return reference_profile(dataset.frame, matrix, model.features_, predictions, dataset.groups, rows)


def _climb(decided: pd.DataFrame, dataset: Dataset, settings: TrainingSettings, start: StartProgress) -> Climb:
    rungs = read_rungs()
    frames = read_frames(decided, rungs, {settings.nlp: dataset.frame}, start)
    return climb(dataset, settings.evaluation, rungs, frames, start)


def _with_optional_parts(
    evaluation: Evaluation,
    decided: pd.DataFrame,
    dataset: Dataset,
    settings: TrainingSettings,
    start: StartProgress,
) -> Evaluation:
    if settings.evaluation.permutations:
        tested = permutation_test(dataset, settings.model, evaluation.settings, start)
        evaluation = replace(evaluation, permutation=tested)
    if settings.evaluation.learning_curve:
        build = partial(RequestModel, settings.model)
        curve = learning_curve(dataset, build, evaluation.settings, evaluation.predicted, start)
        evaluation = replace(evaluation, learning=curve)
    if settings.evaluation.compare_masking:
        evaluation = replace(evaluation, masking=_compare_masking(evaluation, decided, dataset, settings, start))
    return evaluation


def _compare_masking(
    evaluation: Evaluation,
    decided: pd.DataFrame,
    dataset: Dataset,
    settings: TrainingSettings,
    start: StartProgress,
) -> MaskingComparison:
    is_masked = settings.nlp.mask_determination
    other_frame = feature_frame(decided, replace(settings.nlp, mask_determination=not is_masked), start)
    other = replace(dataset, frame=other_frame)
    masked, unmasked = (dataset, other) if is_masked else (other, dataset)
    build = partial(RequestModel, settings.model)
    return evaluate_masking(evaluation, masked, unmasked, build, evaluated_masked=is_masked, start=start)
