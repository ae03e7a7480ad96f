"""Fit and evaluate a model on the requests table, without files, tracking or printing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.conformal import HeldOutScores, OutcomeSets
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset, Labels, Predictions
from imr_ml.corpus.schema import FEATURE_COLUMNS, LABEL_COLUMNS, require_columns
from imr_ml.corpus.table import case_keys
from imr_ml.errors import ImrError
from imr_ml.evaluation.constant_data import constant_notes
from imr_ml.evaluation.learning import learning_curve
from imr_ml.evaluation.permutation import MaskingComparison, permutation_test
from imr_ml.evaluation.report import Evaluation, evaluate, evaluate_masking, measured_coverage
from imr_ml.experiments.settings import TrainingSettings
from imr_ml.features.frame import feature_frame
from imr_ml.ladder.climbing import Climb, climb
from imr_ml.ladder.reading import read_frames, read_rungs
from imr_ml.precedents.decided import DecidedRequests
from imr_ml.precedents.neighbours import Neighbours
from imr_ml.profiles.profile import Profile
from imr_ml.profiles.rows import reference_profile
from imr_ml.progress import StartProgress, silent

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_SOURCE_WITHOUT_FAMILIES = "dmhc"


class TrainingError(ImrError):
    """A table that can't be trained on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a model was trained on.

    Attributes
    ----------
    source : str
        ``dwc``, ``sample`` or ``dmhc``.
    sha256 : str
        Of the features and labels of the rows used, in their order.
    requests, cases, groups, overturned, undecided : int
        Rows used; their cases; the groups that are left of these after joining those with nearly the same clinical
        summary, which are what stays on one side of every split; rows overturned; rows left out because they are not
        decided.
    """

    source: str
    sha256: str
    requests: int
    cases: int
    groups: int
    overturned: int
    undecided: int

    @property
    def is_synthetic(self) -> bool:
        """Whether the figures say nothing about real decisions."""
        return self.source == "sample"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model, its evaluation and the data it was trained on.

    `notes` are lines on what the data cannot teach.
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
        """Prediction sets at the coverage of the settings."""
        return self.held_out.sets(self.settings.coverage)


def train(
    requests: pd.DataFrame,
    settings: TrainingSettings | None = None,
    start: StartProgress = silent,
) -> TrainedModel:
    """Fit both classifiers on all decided requests, and evaluate them on held-out cases.

    Parameters
    ----------
    requests : DataFrame
        Validated and completed requests table of one source.
    settings : TrainingSettings, optional
    start : callable, optional
        Starts the progress bar of each long step.

    Raises
    ------
    TrainingError
        For a table of several sources or without decided requests.
    SplitError
        For too few cases.
    """
    settings = settings or TrainingSettings()
    decided = decided_requests(requests)
    dataset = Dataset.of(decided, settings.nlp, start)
    frame, labels, groups = dataset.frame, dataset.labels, dataset.groups
    build = partial(RequestModel, settings.model)
    evaluation = evaluate(dataset, build, settings.evaluation, start)
    evaluation = _with_optional_parts(evaluation, decided, dataset, settings, start)
    model = build().fit(frame, labels, groups)
    matrix = model.matrix(frame)
    rows = DecidedRequests.of(decided, dataset)
    held_out = _as_new(model, evaluation, labels)
    return TrainedModel(
        model=model,
        held_out=HeldOutScores.of(evaluation.out_of_fold.mean_p_overturned, labels.overturned, groups),
        neighbours=Neighbours.of(rows, matrix, model.outcome_column_weights),
        reference=reference_profile(frame, matrix, model.features_, held_out, groups, settings.model.seed),
        evaluation=evaluation,
        coverage=measured_coverage(evaluation, groups, settings.coverage),
        settings=settings,
        data=data_facts(requests, decided, groups),
        climb=_climb(decided, dataset, settings, start) if settings.ladder else None,
        notes=constant_notes(decided, labels),
    )


def _as_new(model: RequestModel, evaluation: Evaluation, labels: Labels) -> Predictions:
    """Predictions of each row as if it were new to the model.

    How far probabilities spread depends on a model's calibration, which differs from fold to fold of a small table: so
    the outcome's probabilities are those that the model itself was calibrated on, not the evaluation's.
    """
    # One repeat, not their mean: a request is scored by one model, too.
    out_of_fold = evaluation.out_of_fold.repeats[0]
    held_out = model.outcome_.classifier.held_out_proba(labels.overturned)
    p_overturned = np.where(np.isnan(held_out), out_of_fold.p_overturned, held_out)
    return replace(out_of_fold, p_overturned=p_overturned)


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


def decided_requests(requests: pd.DataFrame) -> pd.DataFrame:
    """Rows that a model can be trained on, in the order in which they are evaluated.

    Those with an outcome and, unless no row of the table has families, with families.

    Raises
    ------
    TrainingError
        For a table of several sources or without such rows.
    """
    require_columns(requests, ("outcome",), "the requests table")
    if "families" not in requests:
        requests = requests.assign(families=None)
    decided = requests[requests["outcome"].notna()]
    if decided.empty:
        raise TrainingError("the requests table has no decided request: fill outcome")
    sources = _sources(decided)
    if len(sources) > 1:
        raise TrainingError(f"the requests table mixes sources ({', '.join(sources)}): train on one at a time")
    if decided["families"].notna().any():
        decided = decided[decided["families"].notna()]
    return decided.reset_index(drop=True)


def _sources(requests: pd.DataFrame) -> list[str]:
    return sorted(requests["source"].dropna().unique()) if "source" in requests else []


def data_facts(requests: pd.DataFrame, decided: pd.DataFrame, groups: NDArray[np.int64]) -> DataFacts:
    """What a model of these requests is trained on.

    Parameters
    ----------
    requests : DataFrame
    decided : DataFrame
        Its `decided_requests`.
    groups : (requests,) int
        Of the decided ones.
    """
    return DataFacts(
        source=next(iter(_sources(decided)), "dwc"),
        sha256=_digest(decided),
        requests=len(decided),
        cases=int(case_keys(decided).nunique()),
        groups=int(groups.max()) + 1,
        overturned=int(decided["outcome"].eq("overturned").sum()),
        undecided=len(requests) - len(decided),
    )


def _digest(decided: pd.DataFrame) -> str:
    import pandas as pd

    columns = [*FEATURE_COLUMNS, *LABEL_COLUMNS]
    rows = pd.util.hash_pandas_object(decided.reindex(columns=columns).astype("string"), index=False)
    return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()
