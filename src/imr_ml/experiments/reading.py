"""Read experiment files: built-in ones by name, the user's by path."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ValidationError

from imr_ml.errors import ImrError
from imr_ml.experiments.schema import (
    CANDIDATE_TYPES,
    SWEEP,
    Experiment,
    TrainingSettings,
    Value,
    default_candidate,
    experiment_values,
    flat_keys,
)

DEFAULT = "default"
_FILES = resources.files(__package__) / "files"
_LADDER = resources.files(__package__) / "ladder"
_MAX_ERRORS = 3
# Length of pydantic's location of a candidate's key: task, number, classifier, key.
_CANDIDATE_KEY_LENGTH = 4
# Messages in TOML's terms, which differ from pydantic's.
_TOML_MESSAGES = {
    "model_type": "should be a table",
    "tuple_type": "should be a list",
    "bool_type": "should be true or false",
}


class ExperimentError(ImrError):
    """An invalid experiment; the message names the file, the key and the allowed values."""


@dataclass(frozen=True, slots=True)
class NamedExperiment:
    """An experiment and its file.

    Attributes
    ----------
    name : str
        Name of the file without its extension.
    values : dict
        Values that the file and the overrides set.
    sweep : dict
        The file's ``[sweep]`` table.
    """

    name: str
    experiment: Experiment
    values: Mapping[str, Any] = field(default_factory=dict)
    sweep: Mapping[str, Any] = field(default_factory=dict)


def built_in_names() -> tuple[str, ...]:
    """Return the names of the package's experiments: the default, then the ladder's in order, then the others."""
    return tuple(sorted(_built_in_files(), key=lambda name: name != DEFAULT))


def ladder_names() -> tuple[str, ...]:
    """Return the names of the ladder's experiments, from simple to complex."""
    return tuple(_list_files(_LADDER))


def _built_in_files() -> dict[str, Traversable]:
    return _list_files(_LADDER) | _list_files(_FILES)


def _list_files(folder: Traversable) -> dict[str, Traversable]:
    """Return the experiment files of a folder by name, in order; a leading number is not part of the name."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.lstrip("0123456789_").removesuffix(".toml"): file for file in files}


def read_experiment(name_or_path: str = DEFAULT, overrides: Sequence[str] = ()) -> NamedExperiment:
    """Read an experiment; keys that its file does not set have the default model's values.

    Parameters
    ----------
    name_or_path : str
        Name of a built-in experiment, or path of a TOML file.
    overrides : sequence of str
        E.g. ``"outcome.C=1.0"``; they replace values of the file.

    Raises
    ------
    ExperimentError
        For a missing file, an unknown key, a wrong value or an invalid combination of values.
    """
    name, text = _read_text(name_or_path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"{name_or_path}: is not TOML ({error})") from None
    sweep = values.pop(SWEEP, {})
    values = override_values(values, overrides)
    experiment = validate_values(values, f"{name_or_path} and --set" if overrides else name_or_path)
    return NamedExperiment(name, experiment, values, sweep)


def override_values(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the values of an experiment file with overrides such as ``"outcome.C=1.0"``."""
    merged = dict(values)
    for override in overrides:
        merged = _merge(merged, _read_override(override))
    return merged


def changed_keys(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Value | None, Value | None]]:
    """Return the keys whose values differ, with both values; None for a key that an experiment does not have.

    Both arguments are contents of experiment files with every key.
    """
    old, new = flat_keys(first), flat_keys(second)
    keys = dict.fromkeys((*old, *new))
    return {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}


def changes_from_default(settings: TrainingSettings) -> dict[str, Value]:
    """Return the keys in which a model differs from the default, with their values; evaluation keys are ignored."""
    changed = changed_keys(experiment_values(TrainingSettings()), experiment_values(settings))
    return {
        key: new
        for key, (_, new) in changed.items()
        if new is not None and not key.startswith(("evaluation.", "training.seed"))
    }


def _read_text(name_or_path: str) -> tuple[str, str]:
    if (file := _built_in_files().get(name_or_path)) is not None:
        return name_or_path, file.read_text("utf-8")
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.is_file():
        raise ExperimentError(
            f"no experiment is called {name_or_path!r}; use {', '.join(built_in_names())} or the path of a .toml file"
        )
    try:
        return path.stem, path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ExperimentError(f"{name_or_path}: is not UTF-8 text") from None
    except OSError as error:
        raise ExperimentError(
            f"{name_or_path}: can't be read ({(error.strerror or 'unknown error').lower()})"
        ) from None


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
    changes: dict[str, Any] = nested
    return changes


def _merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the changes, merged table by table."""
    merged = dict(values)
    for name, change in changes.items():
        old = merged.get(name)
        merged[name] = _merge(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
    return merged


def validate_values(values: Mapping[str, Any], source: str) -> Experiment:
    """Return the experiment with these values and the default model's for the others; errors begin with `source`.

    Raises
    ------
    ExperimentError
        For an unknown key, a wrong value or an invalid combination of values.
    """
    defaults = experiment_values(TrainingSettings())
    merged = _merge({name: value for name, value in defaults.items() if name not in CANDIDATE_TYPES}, values)
    for task in CANDIDATE_TYPES:
        section = values.get(task, {})
        if not isinstance(section, dict):
            raise ExperimentError(f"{source}: {task}: should be a table")
        if not isinstance(section.get("alternatives", []), list):
            raise ExperimentError(f"{source}: {task}.alternatives: should be a list")
        merged[task] = _candidates(task, section, defaults[task])
    try:
        return Experiment.model_validate_json(json.dumps(merged, default=str))
    except ValidationError as error:
        lines = [_describe_error(entry["type"], entry["loc"], entry["msg"]) for entry in error.errors()]
        more = f"; and {len(lines) - _MAX_ERRORS} more" if len(lines) > _MAX_ERRORS else ""
        raise ExperimentError(f"{source}: {'; '.join(lines[:_MAX_ERRORS])}{more}") from None


def _candidates(task: str, section: Mapping[str, Any], default: Mapping[str, Any]) -> list[Any]:
    """Complete a section and its alternatives; an alternative inherits from its section, or from its classifier."""
    completed = _complete(task, section, default)
    # Default alternatives use the section's arrangement; with another classifier there are none.
    defaults = [_without(alternative, "arrangement") for alternative in default["alternatives"]]
    alternatives = section.get("alternatives", defaults if completed["classifier"] == default["classifier"] else [])
    return [
        completed,
        *(_complete(task, values, completed) if isinstance(values, dict) else values for values in alternatives),
    ]


def _complete(task: str, section: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    name = str(section.get("classifier", base["classifier"]))
    if name != base["classifier"]:
        base = default_candidate(task, name) if name in CANDIDATE_TYPES[task] else {"classifier": name}
    return _merge(_without(base, "alternatives"), _without(section, "alternatives"))


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def _describe_error(kind: str, location: tuple[int | str, ...], message: str) -> str:
    key = _format_key(location)
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        is_candidate_key = location[0] in CANDIDATE_TYPES and len(location) == _CANDIDATE_KEY_LENGTH
        owner = f" of {location[2]}" if is_candidate_key else ""
        return f"{key}: unknown key{owner}; allowed: {', '.join(_allowed_keys(location))}"
    if kind.startswith("union_tag"):
        return f"{key}.classifier: should be one of {', '.join(CANDIDATE_TYPES[str(location[0])])}"
    plain = _TOML_MESSAGES.get(kind) or message.removeprefix("Value error, ").replace("Input should", "should")
    return f"{key}: {plain}"


def _format_key(location: tuple[int | str, ...]) -> str:
    """Format pydantic's location as in the file, without the number and classifier of a candidate."""
    if location[0] not in CANDIDATE_TYPES or len(location) == 1:
        return ".".join(map(str, location))
    task, number, *rest = location
    alternative = ["alternatives", int(number) - 1] if number else []
    return ".".join(map(str, [task, *alternative, *rest[1:]]))


def _allowed_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the allowed keys in the table of a location."""
    table: Any = Experiment
    names, extra = location[:-1], []
    if location[0] in CANDIDATE_TYPES and len(location) >= _CANDIDATE_KEY_LENGTH:
        table, names = CANDIDATE_TYPES[str(location[0])][str(location[2])], location[3:-1]
        extra = [] if names or location[1] else ["alternatives"]
    for name in names:
        table = get_type_hints(table)[str(name)]
    keys = [member.name for member in fields(table)] if is_dataclass(table) else list(table.model_fields)
    return [*keys, *extra]
