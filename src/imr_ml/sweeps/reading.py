"""Read a [sweep] table: the keys of an experiment file to vary, over which values, and what to select by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from imr_ml.experiments.reading import (
    SWEEP,
    ExperimentError,
    NamedExperiment,
    override_values,
    read_experiment,
    validate_values,
)
from imr_ml.experiments.schema import flat_keys, format_value
from imr_ml.sweeps.results import OBJECTIVES
from imr_ml.sweeps.space import STRICT, Parameter, Plan, Range, classifier_key

_Model = TypeVar("_Model", bound=BaseModel)
_NOT_OF_THE_MODEL = ("evaluation.", "training.seed", "training.coverage", "description")
_FORMS = "write choices, as in [1, 2, 3], or a range, as in {low = 0.1, high = 10.0, log = true}"


class _Options(BaseModel):
    model_config = STRICT

    objective: str | None = None
    outer_folds: int = Field(3, ge=2)
    inner_folds: int = Field(3, ge=2)


def read_plan(named: str, overrides: Sequence[str] = ()) -> Plan:
    """Read an experiment file with a ``[sweep]`` table.

    Parameters
    ----------
    named : str
        Path of a TOML file.
    overrides : sequence of str
        As ``"outcome.C=1.0"``; they replace what the file sets.

    Raises
    ------
    ExperimentError
        For a file without such a table, an unknown key, an empty range or a value that the key cannot have.
    """
    base = read_experiment(named, overrides)
    if not isinstance(base.sweep, dict) or not base.sweep:
        example = '"outcome.C" = [0.1, 1.0]'
        raise ExperimentError(f"{named}: has no [{SWEEP}] table; add one with keys to vary, as in {example}")
    options = {key: value for key, value in base.sweep.items() if key in _Options.model_fields}
    keys = flat_keys(base.experiment.values())
    varied = dict(_join_keys({key: value for key, value in base.sweep.items() if key not in options}, keys))
    given = _validated(_Options, options, f"{named}: {SWEEP}")
    if not varied:
        raise ExperimentError(f"{named}: {SWEEP}: names no key to vary; {_FORMS}")
    parameters = tuple(_read_parameter(base, key, varied, f'{named}: {SWEEP}."{key}"') for key in varied)
    of_families = all(key.startswith("families.") for key in varied)
    objective = given.objective or ("family.f1_micro" if of_families else "outcome.roc_auc")
    if objective not in OBJECTIVES:
        raise ExperimentError(f"{named}: {SWEEP}.objective: {objective!r} is none; allowed: {', '.join(OBJECTIVES)}")
    return Plan(base, parameters, objective, given.outer_folds, given.inner_folds)


def _join_keys(table: Mapping[str, Any], keys: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Keys of the table as they are flat: TOML makes a table of a dotted key without quotes."""
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and any(known.startswith(f"{key}.") for known in keys):
            yield from _join_keys(value, keys, f"{key}.")
        else:
            yield key, value


def _read_parameter(base: NamedExperiment, key: str, varied: Mapping[str, Any], place: str) -> Parameter:
    value = varied[key]
    if key.startswith(_NOT_OF_THE_MODEL):
        raise ExperimentError(f"{place}: can't be varied: it changes how a model is evaluated, not the model")
    start = flat_keys(base.experiment.values()).get(key)
    if isinstance(value, dict):
        limits = _validated(Range, value, place)
        whole = _is_whole(limits, start, place)
        ends = {f"{place}.{end}": getattr(limits, end) for end in ("low", "high")}
        classifiers = _classifiers_with(base, key, ends, varied)
        return Parameter(key, limits, start if _is_within(limits, start) else None, whole, classifiers)
    if not isinstance(value, list) or not value:
        raise ExperimentError(f"{place}: has no values; {_FORMS}")
    choices = {f"{place}[{number}]": choice for number, choice in enumerate(value)}
    classifiers = _classifiers_with(base, key, choices, varied)
    if len({format_value(choice) for choice in value}) < len(value):
        raise ExperimentError(f"{place}: names a value twice")
    own = next((choice for choice in value if choice == start), None)
    return Parameter(key, tuple(value), own, classifiers=classifiers)


def _classifiers_with(
    base: NamedExperiment, key: str, values: Mapping[str, Any], varied: Mapping[str, Any]
) -> tuple[str, ...] | None:
    """Varied classifiers of the section that have a key and can have its values; None if the classifier stays."""
    of_section = classifier_key(key)
    choices = varied.get(of_section) if key != of_section else None
    if not isinstance(choices, list) or not choices:
        for place, value in values.items():
            _check_value(base, key, value, place)
        return None
    fitting, errors = [], []
    for choice in map(format_value, choices):
        try:
            for place, value in values.items():
                _check_value(base, key, value, place, [f"{of_section}={choice}"])
            fitting.append(choice)
        except ExperimentError as error:
            errors.append(error)
    if not fitting:
        raise errors[0]
    return tuple(fitting)


def _check_value(base: NamedExperiment, key: str, value: Any, place: str, changes: Sequence[str] = ()) -> None:
    """Refuse a value that the key cannot have; combinations of keys are checked per trial.

    Errors name the `place` of the value; `changes` are of other keys, as ``"outcome.C=1.0"``.
    """
    shown = format_value(value)
    try:
        validate_values(override_values(base.stated, [*changes, f"{key}={shown}"]), place)
    except ExperimentError as error:
        reason = str(error).removeprefix(f"{place}: ")
        table, _, message = reason.partition(": ")
        if key.startswith(f"{table}.") and not message.startswith(("unknown key", "should be")):
            return
        raise ExperimentError(f"{place} = {shown}: {reason}") from None


def _is_whole(limits: Range, start: Any, place: str) -> bool:
    numbers = [number for number in (limits.low, limits.high, limits.step) if number is not None]
    all_whole = all(isinstance(number, int) for number in numbers)
    if isinstance(start, int) and not isinstance(start, bool) and not all_whole:
        raise ExperimentError(f"{place}: takes whole numbers; low, high and step must be such")
    return all_whole and not isinstance(start, float)


def _is_within(limits: Range, start: Any) -> bool:
    if not isinstance(start, int | float) or not limits.low <= start <= limits.high:
        return False
    steps = (start - limits.low) / limits.step if limits.step else 0
    return abs(steps - round(steps)) < 1e-9


def _validated(model: type[_Model], values: Mapping[str, Any], place: str) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        key = ".".join([place, *(str(one) for one in first["loc"] if one not in ("int", "float"))])
        if first["type"] == "extra_forbidden":
            raise ExperimentError(f"{key}: unknown key; allowed: {', '.join(model.model_fields)}") from None
        message = first["msg"].removeprefix("Value error, ").replace("Input should", "should")
        raise ExperimentError(f"{key}: {message}") from None
