"""Fit and evaluate a champion's settings on a challenger's data and folds, for a paired comparison."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.types import Dataset, Predictor
from imr_ml.errors import ImrError
from imr_ml.evaluation.comparison import MODEL
from imr_ml.evaluation.cross_validation import OutOfFold, out_of_fold
from imr_ml.evaluation.intervals import Estimate
from imr_ml.evaluation.splits import EvaluationSettings, fold_numbers, repeated_folds, tested_part
from imr_ml.evaluation.temporal import NoTemporalSplit, temporal_split
from imr_ml.experiments.schema import TrainingSettings
from imr_ml.progress import StartProgress
from imr_ml.tracking.comparing import RunFacts, estimate_metrics, paired_differences
from imr_ml.tracking.predictions import FILE, HeldOut, write_held_out
from imr_ml.tracking.run_facts import TERMS, count_terms, with_intervals
from imr_ml.tracking.training_inputs import read_facts, read_training_requests, settings_from_facts
from imr_ml.tracking.views import NOTE
from imr_ml.training_data import data_digest, decided_requests

if TYPE_CHECKING:
    from mlflow import MlflowClient

REFIT_OF = "promotion.refit_of"
"""Tag of a refit's run: the version whose settings were fitted."""


class RefitError(ImrError):
    """A champion can't be fitted on the challenger's data; the message states the reason."""


@dataclass(frozen=True, slots=True)
class Refit:
    """Evaluation of a champion's settings on a challenger's data and folds.

    Attributes
    ----------
    run : RunFacts
        Facts as if this training had been recorded.
    later : dict of Estimate or str
        Metric -> challenger minus champion, both trained on earlier decisions and tested on later ones; or why this
        comparison is not possible.
    """

    run: RunFacts
    held_out: HeldOut
    later: Mapping[str, Estimate] | str


@dataclass(frozen=True, slots=True)
class Contender:
    """A registered version: its recorded run and its model's folder."""

    run: RunFacts
    folder: Path


def refit(champion: Contender, challenger: Contender, start: StartProgress) -> Refit:
    """Fit the champion's settings on the challenger's data, on the same folds, and on a temporal split if dates allow.

    Parameters
    ----------
    champion, challenger : Contender
    start : callable
        Starts the progress bar of each long step.
    """
    reference = challenger.run.held_out
    if reference is None:
        raise RefitError(f"{challenger.run.name} has no out-of-fold predictions")
    try:
        decided = decided_requests(read_training_requests(challenger.folder, start))
    except (ImrError, FileNotFoundError) as error:
        raise RefitError(f"the challenger's data can't be read again: {error}") from error
    if data_digest(decided) != reference.folds.data:
        raise RefitError(
            "the challenger's data are not what it was trained on: the installed code reads them differently"
        )
    settings = settings_from_facts(read_facts(champion.folder)["settings"])
    challenger_settings = settings_from_facts(read_facts(challenger.folder)["settings"])
    dataset = challenger_data = Dataset.from_table(decided, settings.nlp, start)
    if challenger_settings.nlp != settings.nlp:
        challenger_data = Dataset.from_table(decided, challenger_settings.nlp, start, dataset.groups)
    held_out = _evaluate(dataset, settings, reference, start)
    terms = count_terms(_fit(dataset, settings))
    estimates = {name: value for name, value in estimate_metrics(held_out).items() if name in champion.run.metrics}
    run = replace(
        champion.run,
        name=f"{champion.run.name} | refitted",
        metrics=with_intervals(estimates) | ({} if terms is None else {TERMS: float(terms)}),
        held_out=held_out,
    )
    later = _compare_later((dataset, settings), (challenger_data, challenger_settings), reference)
    return Refit(run, held_out, later)


def record_refit(client: MlflowClient, refitted: Refit, version: str, challenger_run: str) -> str:
    """Record a refit as a child of the challenger's run; return its identifier.

    Parameters
    ----------
    client : MlflowClient
    refitted : Refit
    version : str
        Number of the version whose settings were fitted.
    challenger_run : str
        Identifier of the parent run.
    """
    from mlflow.entities import Metric, Param

    parent = client.get_run(challenger_run)
    tags = {name: value for name, value in parent.data.tags.items() if name.startswith(("data.", "version."))}
    note = f"The settings of version {version}, the champion, on the data and folds of the parent run."
    tags |= {"mlflow.parentRunId": challenger_run, REFIT_OF: version, NOTE: note}
    run = client.create_run(parent.info.experiment_id, tags=tags, run_name=refitted.run.name)
    run_id = str(run.info.run_id)
    data = {name: value for name, value in parent.data.params.items() if name.startswith(("data.", "evaluation."))}
    params = [Param(name, value) for name, value in {**refitted.run.params, **data}.items()]
    metrics = [
        Metric(name, value, run.info.start_time, 0)
        for name, value in refitted.run.metrics.items()
        if np.isfinite(value)
    ]
    client.log_batch(run_id, metrics, params)
    with tempfile.TemporaryDirectory() as scratch:
        write_held_out(refitted.held_out, Path(scratch) / FILE)
        client.log_artifacts(run_id, scratch)
    client.set_terminated(run_id)
    return run_id


def _evaluate(dataset: Dataset, settings: TrainingSettings, reference: HeldOut, start: StartProgress) -> HeldOut:
    """Compute out-of-fold predictions of settings on the folds of another evaluation."""
    folds = reference.folds
    evaluation = EvaluationSettings(
        folds.folds, folds.repeats, seed=folds.seed, stratify=folds.stratify, tested_folds=folds.tested_folds
    )
    repeats = repeated_folds(dataset.labels.overturned, dataset.groups, evaluation)
    fold_of = np.array([fold_numbers(splits) for splits in repeats])
    if reference.fold_of is not None and not np.array_equal(fold_of, reference.fold_of):
        raise RefitError("the installed code splits the data into other folds than those of the challenger's run")
    builders: dict[str, Callable[[], Predictor]] = {MODEL: partial(RequestModel, settings.model)}
    predicted = out_of_fold(dataset, builders, repeats, evaluation.jobs, start, "refitting the champion")[MODEL]
    tested = tested_part(dataset, repeats)
    return HeldOut(folds, tested.labels, tested.groups, predicted, fold_of)


def _fit(dataset: Dataset, settings: TrainingSettings) -> RequestModel:
    return RequestModel(settings.model).fit(dataset.frame, dataset.labels, dataset.groups)


def _compare_later(
    champion: tuple[Dataset, TrainingSettings], challenger: tuple[Dataset, TrainingSettings], reference: HeldOut
) -> dict[str, Estimate] | str:
    """Compute challenger minus champion on later decisions, both trained on earlier ones; or return why not."""
    dataset = champion[0]
    try:
        train, test = temporal_split(dataset.labels, dataset.groups)
    except NoTemporalSplit as error:
        return str(error)
    labels, cases = dataset.labels[test], np.unique(dataset.groups[test], return_inverse=True)[1]

    def predict(data: Dataset, settings: TrainingSettings) -> HeldOut:
        predicted = _fit(data[train], settings).predict(data.frame.iloc[test])
        return HeldOut(reference.folds, labels, cases, OutOfFold((predicted,)))

    return paired_differences(predict(*champion), predict(*challenger))
