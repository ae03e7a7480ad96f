"""What a sweep varies: keys of an experiment file, each with choices or a range."""

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
"""Of each table in a ``[sweep]`` table."""
ALL = "all"
"""Name of the search on all the data, whose best is the winner."""
_DIGITS = 4


class Range(BaseModel):
    """Numbers from `low` to `high`, both included: in steps, or evenly on a logarithmic scale."""

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
            raise ValueError(f"step must be above 0 and at most {self.high - self.low}, and never together with log")
        return self

    @property
    def last(self) -> int | float:
        """The highest number that is a whole number of steps above `low`."""
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
        The file's own value, where the search begins; None if it is not among `values`.
    whole : bool
        Whether the numbers of a range are whole.
    classifiers : tuple of str, optional
        Varied classifiers of the section that have the key, as TOML; others are tried without it. None: all have it.
    """

    key: str
    values: tuple[Any, ...] | Range
    start: Any = None
    whole: bool = False
    classifiers: tuple[str, ...] | None = None

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether the key goes with the values of a trial."""
        return self.classifiers is None or values[classifier_key(self.key)] in self.classifiers

    def suggest(self, trial: Trial) -> str:
        """The key's value in a trial, as TOML."""
        if not isinstance(self.values, Range):
            # Optuna stores no lists.
            return str(trial.suggest_categorical(self.key, [format_value(parameter) for parameter in self.values]))
        low, high, step, log = self.values.low, self.values.last, self.values.step, self.values.log
        if self.whole:
            return str(trial.suggest_int(self.key, int(low), int(high), step=int(step or 1), log=log))
        drawn = trial.suggest_float(self.key, low, high, step=step, log=log)
        if drawn == self.start:
            return str(drawn)
        # Legible, and never beyond an end.
        return str(float(min(max(float(f"{drawn:.{_DIGITS}g}"), low), high)))

    def __str__(self) -> str:
        if isinstance(self.values, Range):
            return str(self.values)
        return ", ".join(map(format_value, self.values))


@dataclass(frozen=True, slots=True)
class Plan:
    """The varied keys of a sweep and its objective.

    Attributes
    ----------
    base : NamedExperiment
        The file without its ``[sweep]`` table.
    objective : str
        Metric of `OBJECTIVES` that selects.
    outer_folds, inner_folds : int
        Folds that what was selected is evaluated on, and folds of their training parts that select.
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
        """Values of a trial, as TOML: all keys that go with its classifiers."""
        values: dict[str, str] = {}
        for parameter in self._classifiers_first:
            if parameter.applies(values):
                values[parameter.key] = parameter.suggest(trial)
        return {parameter.key: values[parameter.key] for parameter in self.parameters if parameter.key in values}

    @property
    def start(self) -> dict[str, Any] | None:
        """The file's own values as Optuna stores them; None if one is not among those to try."""
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
        """The file's experiment with other values of the varied keys, which are TOML.

        Raises
        ------
        ExperimentError
            For an impossible combination.
        """
        changes = [f"{key}={value}" for key, value in values.items()]
        return validate_values(override_values(self.base.stated, changes), self.base.name)

    @property
    def digest(self) -> str:
        """Of all that decides what is tried and how it is measured, the data apart."""
        facts = [flat_keys(self.base.experiment.values()), self.objective, self.outer_folds, self.inner_folds]
        varied = {parameter.key: str(parameter) for parameter in self.parameters}
        return hashlib.sha256(json.dumps([*facts, varied], default=str).encode()).hexdigest()


def classifier_key(key: str) -> str:
    """Key of the classifier in a key's section, e.g. ``outcome.classifier``."""
    return f"{key.partition('.')[0]}.classifier"
