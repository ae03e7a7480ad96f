"""Search space of a sweep: keys of an experiment file, each with choices or a range."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from imr_ml.experiments.reading import NamedExperiment, override_values, validate_values
from imr_ml.experiments.schema import Experiment, flat_keys, format_value

if TYPE_CHECKING:
    from optuna import Trial

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
"""Pydantic settings of each table in a ``[sweep]`` table."""
ALL = "all"
"""Name of the search on all the data; its best trial is the winner."""
_DIGITS = 4


class Range(BaseModel):
    """Numbers from `low` to `high` inclusive, in steps or uniform on a linear or logarithmic scale."""

    model_config = STRICT

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"is empty: low ({self.low}) must be below high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs low above 0, and low is {self.low}")
        if self.step is not None and (self.log or not 0 < self.step <= self.high - self.low):
            raise ValueError(f"step must be above 0 and at most {self.high - self.low}, and can't be used with log")
        return self

    @property
    def last(self) -> int | float:
        """Highest number that is a whole number of steps above `low`."""
        if self.step is None:
            return self.high
        low, high, step = (Decimal(str(number)) for number in (self.low, self.high, self.step))
        return float(low + (high - low) // step * step)

    def __str__(self) -> str:
        how = " log" if self.log else f" step {self.step}" if self.step else ""
        return f"{self.low}..{self.high}{how}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A varied key.

    Attributes
    ----------
    values : tuple or Range
        The choices, or a range.
    start : object
        The file's value, where the search starts; None if it is not among `values`.
    whole : bool
        Whether the numbers of a range are whole.
    classifiers : tuple of str, optional
        Varied classifiers of the section that have the key, as TOML; trials with others omit it. None if all have it.
    """

    key: str
    values: tuple[Any, ...] | Range
    start: Any = None
    whole: bool = False
    classifiers: tuple[str, ...] | None = None

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Return whether the classifier in a trial's values has the key."""
        return self.classifiers is None or values[classifier_key(self.key)] in self.classifiers

    def suggest(self, trial: Trial) -> str:
        """Suggest the key's value in a trial, as TOML."""
        if not isinstance(self.values, Range):
            # Optuna can't store lists.
            return str(trial.suggest_categorical(self.key, [format_value(choice) for choice in self.values]))
        low, high, step, log = self.values.low, self.values.last, self.values.step, self.values.log
        if self.whole:
            return str(trial.suggest_int(self.key, int(low), int(high), step=int(step or 1), log=log))
        drawn = trial.suggest_float(self.key, low, high, step=step, log=log)
        if drawn == self.start:
            return str(drawn)
        # Rounded for readability, but within the range.
        return str(float(min(max(float(f"{drawn:.{_DIGITS}g}"), low), high)))

    def __str__(self) -> str:
        if isinstance(self.values, Range):
            return str(self.values)
        return ", ".join(map(format_value, self.values))


@dataclass(frozen=True, slots=True)
class Plan:
    """The varied keys of a sweep, its objective and its folds.

    Attributes
    ----------
    base : NamedExperiment
        The file without its ``[sweep]`` table.
    objective : str
        Metric in `OBJECTIVES` to select by.
    outer_folds, inner_folds : int
        Folds to evaluate the selected settings, and folds within each outer training part to select them.
    """

    base: NamedExperiment
    parameters: tuple[Parameter, ...]
    objective: str
    outer_folds: int
    inner_folds: int

    @property
    def searches(self) -> tuple[str, ...]:
        """Names of the searches: one on the training part of each outer fold, and one on all the data."""
        return (*(f"fold {number}" for number in range(1, self.outer_folds + 1)), ALL)

    def suggest(self, trial: Trial) -> dict[str, str]:
        """Suggest the values of a trial, as TOML: all keys that its classifiers have."""
        values: dict[str, str] = {}
        for parameter in self._classifiers_first:
            if parameter.applies(values):
                values[parameter.key] = parameter.suggest(trial)
        return {parameter.key: values[parameter.key] for parameter in self.parameters if parameter.key in values}

    @property
    def start(self) -> dict[str, Any] | None:
        """The file's values as Optuna stores them; None if one of them is not in the search space."""
        start: dict[str, Any] = {}
        for parameter in self._classifiers_first:
            if parameter.applies(start):
                if parameter.start is None:
                    return None
                start[parameter.key] = (
                    parameter.start if isinstance(parameter.values, Range) else format_value(parameter.start)
                )
        return start

    @property
    def _classifiers_first(self) -> list[Parameter]:
        return sorted(self.parameters, key=lambda parameter: parameter.key != classifier_key(parameter.key))

    def experiment(self, values: Mapping[str, str]) -> Experiment:
        """Return the file's experiment with these TOML values of the varied keys.

        Raises
        ------
        ExperimentError
            For an invalid combination of values.
        """
        changes = [f"{key}={value}" for key, value in values.items()]
        return validate_values(override_values(self.base.values, changes), self.base.name)

    @property
    def digest(self) -> str:
        """SHA-256 of everything but the data that determines the trials and their metrics."""
        facts = [flat_keys(self.base.experiment.values()), self.objective, self.outer_folds, self.inner_folds]
        varied = {parameter.key: str(parameter) for parameter in self.parameters}
        return hashlib.sha256(json.dumps([*facts, varied], default=str).encode()).hexdigest()


def classifier_key(key: str) -> str:
    """Return the key of the classifier in a key's section, e.g. ``outcome.classifier``."""
    return f"{key.partition('.')[0]}.classifier"
