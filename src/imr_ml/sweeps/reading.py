"""Read a [sweep] table: the keys of an experiment file to vary, their values, and the objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from imr_ml.experiments.reading import (
    ExperimentError,
    NamedExperiment,
    override_values,
    read_experiment,
    validate_values,
)
from imr_ml.experiments.schema import SWEEP, flat_keys, format_value
from imr_ml.sweeps.results import OBJECTIVES
from imr_ml.sweeps.space import STRICT, Parameter, Plan, Range, classifier_key

_Model = TypeVar("_Model", bound=BaseModel)
_EVALUATION_KEYS = ("evaluation.", "training.seed", "training.coverage", "description")
_SYNTAX = "write choices, such as [1, 2, 3], or a range, such as {low = 0.1, high = 10.0, log = true}"


class _Options(BaseModel):
    model_config = STRICT

    objective: str | None = None
    outer_folds: int = Field(3, ge=2)
    inner_folds: int = Field(3, ge=2)


def read_plan(path: str, overrides: Sequence[str] = ()) -> Plan:
    """Read an experiment file with a ``[sweep]`` table.

    Parameters
    ----------
    path : str
        Path of a TOML file.
    overrides : sequence of str
        E.g. ``"outcome.C=1.0"``; they replace values of the file.

    Raises
    ------
    ExperimentError
        For a file without such a table, an unknown key, an empty range or an invalid value.
    """
    base = read_experiment(path, overrides)
    if not isinstance(base.sweep, dict) or not base.sweep:
        example = '"outcome.C" = [0.1, 1.0]'
        raise ExperimentError(f"{path}: has no [{SWEEP}] table; add one with keys to vary, such as {example}")
    options = {key: value for key, value in base.sweep.items() if key in _Options.model_fields}
    keys = flat_keys(base.experiment.values())
    varied = dict(_flatten_table({key: value for key, value in base.sweep.items() if key not in options}, keys))
    valid_options = _validate(_Options, options, f"{path}: {SWEEP}")
    if not varied:
        raise ExperimentError(f"{path}: {SWEEP}: names no key to vary; {_SYNTAX}")
    parameters = tuple(_read_parameter(base, key, varied, f'{path}: {SWEEP}."{key}"') for key in varied)
    only_families = all(key.startswith("families.") for key in varied)
    objective = valid_options.objective or ("family.f1_micro" if only_families else "outcome.roc_auc")
    if objective not in OBJECTIVES:
        raise ExperimentError(
            f"{path}: {SWEEP}.objective: {objective!r} is not an objective; allowed: {', '.join(OBJECTIVES)}"
        )
    return Plan(base, parameters, objective, valid_options.outer_folds, valid_options.inner_folds)


def _flatten_table(table: Mapping[str, Any], keys: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the table's keys as dotted keys: TOML parses an unquoted dotted key as a nested table."""
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and any(experiment_key.startswith(f"{key}.") for experiment_key in keys):
            yield from _flatten_table(value, keys, f"{key}.")
        else:
            yield key, value


def _read_parameter(base: NamedExperiment, key: str, varied: Mapping[str, Any], location: str) -> Parameter:
    value = varied[key]
    if key.startswith(_EVALUATION_KEYS):
        raise ExperimentError(f"{location}: can't be varied: it changes how a model is evaluated, not the model")
    start = flat_keys(base.experiment.values()).get(key)
    if isinstance(value, dict):
        limits = _validate(Range, value, location)
        whole = _is_whole(limits, start, location)
        ends = {f"{location}.{end}": getattr(limits, end) for end in ("low", "high")}
        classifiers = _matching_classifiers(base, key, ends, varied)
        return Parameter(key, limits, start if _is_within(limits, start) else None, whole, classifiers)
    if not isinstance(value, list) or not value:
        raise ExperimentError(f"{location}: has no values; {_SYNTAX}")
    choices = {f"{location}[{number}]": choice for number, choice in enumerate(value)}
    classifiers = _matching_classifiers(base, key, choices, varied)
    if len({format_value(choice) for choice in value}) < len(value):
        raise ExperimentError(f"{location}: contains a value twice")
    start_choice = next((choice for choice in value if choice == start), None)
    return Parameter(key, tuple(value), start_choice, classifiers=classifiers)


def _matching_classifiers(
    base: NamedExperiment, key: str, values: Mapping[str, Any], varied: Mapping[str, Any]
) -> tuple[str, ...] | None:
    """Return the varied classifiers of the section that accept the key's values; None if no classifier is varied."""
    section_classifier = classifier_key(key)
    choices = varied.get(section_classifier) if key != section_classifier else None
    if not isinstance(choices, list) or not choices:
        for location, value in values.items():
            _check_value(base, key, value, location)
        return None
    matching, errors = [], []
    for choice in map(format_value, choices):
        try:
            for location, value in values.items():
                _check_value(base, key, value, location, [f"{section_classifier}={choice}"])
            matching.append(choice)
        except ExperimentError as error:
            errors.append(error)
    if not matching:
        raise errors[0]
    return tuple(matching)


def _check_value(base: NamedExperiment, key: str, value: Any, location: str, changes: Sequence[str] = ()) -> None:
    """Raise an error for a value that the key can't have; combinations of keys are checked per trial.

    The error names the value's `location`; `changes` override other keys, e.g. ``"outcome.C=1.0"``.
    """
    formatted = format_value(value)
    try:
        validate_values(override_values(base.values, [*changes, f"{key}={formatted}"]), location)
    except ExperimentError as error:
        reason = str(error).removeprefix(f"{location}: ")
        table, _, message = reason.partition(": ")
        if key.startswith(f"{table}.") and not message.startswith(("unknown key", "should be")):
            return
        raise ExperimentError(f"{location} = {formatted}: {reason}") from None


def _is_whole(limits: Range, start: Any, location: str) -> bool:
    numbers = [number for number in (limits.low, limits.high, limits.step) if number is not None]
    all_whole = all(isinstance(number, int) for number in numbers)
    if isinstance(start, int) and not isinstance(start, bool) and not all_whole:
        raise ExperimentError(f"{location}: low, high and step must be whole numbers")
    return all_whole and not isinstance(start, float)


def _is_within(limits: Range, start: Any) -> bool:
    if not isinstance(start, int | float) or not limits.low <= start <= limits.high:
        return False
    steps = (start - limits.low) / limits.step if limits.step else 0
    return abs(steps - round(steps)) < 1e-9


def _validate(model: type[_Model], values: Mapping[str, Any], location: str) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda entry: entry["type"] != "extra_forbidden")
        key = ".".join([location, *(str(part) for part in first["loc"] if part not in ("int", "float"))])
        if first["type"] == "extra_forbidden":
            raise ExperimentError(f"{key}: unknown key; allowed: {', '.join(model.model_fields)}") from None
        message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
        raise ExperimentError(f"{key}: {message}") from None
