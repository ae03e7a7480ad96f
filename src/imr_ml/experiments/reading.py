"""Read experiment files: a built-in one by its name, or the user's by its path."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imr_ml.errors import ImrError
from imr_ml.experiments.schema import Alternative, Experiment, Value, flat_keys, values_of
from imr_ml.training import TrainingSettings

DEFAULT = "default"
SWEEP = "sweep"
"""Table of a file that names what `imr-ml sweep` varies; not part of the experiment."""
_FILES = resources.files(__package__) / "files"
_MAX_ERRORS = 3
# TOML's words for what pydantic calls otherwise.
_PLAIN = {"model_type": "should be a table", "tuple_type": "should be a list", "bool_type": "should be true or false"}


class ExperimentError(ImrError):
    """An experiment that can't be used; the message names the file, the key and what is allowed."""


@dataclass(frozen=True, slots=True)
class NamedExperiment:
    """An experiment with the name of its file, what that file and the overrides set, and its ``[sweep]`` table."""

    name: str
    experiment: Experiment
    stated: Mapping[str, Any] = field(default_factory=dict)
    sweep: Mapping[str, Any] = field(default_factory=dict)


def built_in() -> tuple[str, ...]:
    """Names of the experiments that come with the package, the default first."""
    names = (one.name.removesuffix(".toml") for one in _FILES.iterdir() if one.name.endswith(".toml"))
    return tuple(sorted(names, key=lambda name: (name != DEFAULT, name)))


def read_experiment(named: str = DEFAULT, overrides: Sequence[str] = ()) -> NamedExperiment:
    """Read an experiment; what its file does not set is as in the default model.

    Parameters
    ----------
    named : str
        Name of a built-in experiment, or path of a TOML file.
    overrides : sequence of str
        As ``"outcome.C=1.0"``; they replace what the file sets.

    Raises
    ------
    ExperimentError
        For a file that is not there, an unknown key, a wrong value or an impossible combination.
    """
    name, text = _read_text(named)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"{named}: is not TOML ({error})") from None
    sweep = values.pop(SWEEP, {})
    values = override_values(values, overrides)
    experiment = validate_values(values, " and --set".join((named, "")) if overrides else named)
    return NamedExperiment(name, experiment, values, sweep)


def override_values(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Values of an experiment file with overrides, as ``"outcome.C=1.0"``."""
    changed = dict(values)
    for override in overrides:
        changed = _merge(changed, _read_override(override))
    return changed


def changed_keys(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Value | None, Value | None]]:
    """Keys whose values differ, with both values; None for one that an experiment does not have.

    Both are contents of experiment files with every key.
    """
    one, other = flat_keys(first), flat_keys(second)
    keys = dict.fromkeys((*one, *other))
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def json_schema() -> dict[str, Any]:
    """JSON schema of experiment files, for editors: every key may be left out."""
    schema: dict[str, Any] = _without_required(Experiment.model_json_schema())
    schema["properties"][SWEEP] = {"type": "object", "description": "Keys to vary with `imr-ml sweep`"}
    return schema


def _read_text(named: str) -> tuple[str, str]:
    if named in built_in():
        return named, (_FILES / f"{named}.toml").read_text("utf-8")
    path = Path(named)
    if path.suffix != ".toml" and not path.is_file():
        raise ExperimentError(
            f"no experiment is called {named!r}; built in are {', '.join(built_in())}, or name a .toml file"
        )
    try:
        return path.stem, path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ExperimentError(f"{named}: is not UTF-8 text") from None
    except OSError as error:
        raise ExperimentError(f"{named}: can't be read ({(error.strerror or 'unknown error').lower()})") from None


def _read_override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    names = [name.strip() for name in key.split(".")]
    if not equals or not all(names):
        raise ExperimentError(f"--set {text!r}: write KEY=VALUE, as in outcome.C=1.0")
    try:
        nested: Any = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        nested = value.strip()
    for name in reversed(names):
        nested = {name: nested}
    changed: dict[str, Any] = nested
    return changed


def _merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Values with the changes, table by table."""
    merged = dict(values)
    for name, change in changes.items():
        old = merged.get(name)
        merged[name] = _merge(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
    return merged


def validate_values(values: Mapping[str, Any], source: str) -> Experiment:
    """The experiment with these values; what they do not set is as in the default model. Errors begin with `source`."""
    merged = _merge(values_of(TrainingSettings()), values)
    for task in ("outcome", "families"):
        if isinstance(merged[task], dict):
            merged[task] = _complete_alternatives(merged[task])
    try:
        return Experiment.model_validate_json(json.dumps(merged, default=str))
    except ValidationError as error:
        lines = [_describe(one["type"], one["loc"], one["msg"]) for one in error.errors()]
        more = f"; and {len(lines) - _MAX_ERRORS} more" if len(lines) > _MAX_ERRORS else ""
        raise ExperimentError(f"{source}: {'; '.join(lines[:_MAX_ERRORS])}{more}") from None


def _complete_alternatives(section: dict[str, Any]) -> dict[str, Any]:
    """What an alternative does not set is as in its section."""
    alternatives = section["alternatives"]
    if not isinstance(alternatives, list):
        return section
    base = {name: section[name] for name in ("C", "weights")}
    return section | {"alternatives": [_merge(base, one) if isinstance(one, dict) else one for one in alternatives]}


def _describe(kind: str, place: tuple[int | str, ...], message: str) -> str:
    key = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return f"{key}: unknown key; allowed: {', '.join(_keys_beside(place))}"
    return f"{key}: {_PLAIN.get(kind) or message.removeprefix('Value error, ').replace('Input should', 'should')}"


def _keys_beside(place: tuple[int | str, ...]) -> Iterator[str]:
    """Keys that the table of a key has."""
    table: Any = Experiment
    for name in place[:-1]:
        if name == "alternatives":
            table = Alternative
        elif isinstance(name, str):
            table = table.model_fields[name].annotation
    yield from table.model_fields


def _without_required(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_required(one) for name, one in schema.items() if name != "required"}
    return [_without_required(one) for one in schema] if isinstance(schema, list) else schema
