"""Read experiment files: a built-in one by its name, or the user's by its path."""

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
    Experiment,
    TrainingSettings,
    Value,
    default_candidate,
    flat_keys,
    values_of,
)

DEFAULT = "default"
SWEEP = "sweep"
"""Table of a file that names what `imr-ml sweep` varies; not part of the experiment."""
_FILES = resources.files(__package__) / "files"
_LADDER = resources.files(__package__) / "ladder"
_MAX_ERRORS = 3
# Where pydantic names a candidate's own key: task, number, classifier, key.
_OWN_KEY = 4
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
    """Names of the experiments that come with the package: the default, the ladder's in order, then the others."""
    return tuple(sorted(_built_in_files(), key=lambda name: name != DEFAULT))


def ladder_names() -> tuple[str, ...]:
    """Names of the ladder's experiments, from simple to complex."""
    return tuple(_numbered(_LADDER))


def _built_in_files() -> dict[str, Traversable]:
    return _numbered(_LADDER) | _numbered(_FILES)


def _numbered(folder: Traversable) -> dict[str, Traversable]:
    """Name of each experiment of a folder -> its file, in their order; a number in front is no part of the name."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.lstrip("0123456789_").removesuffix(".toml"): file for file in files}


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


def changes_of(settings: TrainingSettings) -> dict[str, Value]:
    """Keys in which a model differs from the default, with their values; how it is evaluated does not count."""
    changed = changed_keys(values_of(TrainingSettings()), values_of(settings))
    return {
        key: new
        for key, (_, new) in changed.items()
        if new is not None and not key.startswith(("evaluation.", "training.seed"))
    }


def json_schema() -> dict[str, Any]:
    """JSON schema of experiment files, for editors: every key may be left out."""
    schema: dict[str, Any] = _editor_schema(Experiment.model_json_schema())
    for task in CANDIDATE_TYPES:
        candidates = schema["properties"][task]
        schema["properties"][task] = candidates["items"]
        for candidate in candidates["items"]["anyOf"]:
            schema["$defs"][candidate["$ref"].rpartition("/")[2]]["properties"]["alternatives"] = candidates
    schema["properties"][SWEEP] = {"type": "object", "description": "Keys to vary with `imr-ml sweep`"}
    return schema


def _read_text(named: str) -> tuple[str, str]:
    if (file := _built_in_files().get(named)) is not None:
        return named, file.read_text("utf-8")
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
    """The experiment with these values; what they do not set is as in the default model. Errors begin with `source`.

    Raises
    ------
    ExperimentError
        For an unknown key, a wrong value or an impossible combination.
    """
    defaults = values_of(TrainingSettings())
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
        lines = [_describe(entry["type"], entry["loc"], entry["msg"]) for entry in error.errors()]
        more = f"; and {len(lines) - _MAX_ERRORS} more" if len(lines) > _MAX_ERRORS else ""
        raise ExperimentError(f"{source}: {'; '.join(lines[:_MAX_ERRORS])}{more}") from None


def _candidates(task: str, section: Mapping[str, Any], default: Mapping[str, Any]) -> list[Any]:
    """A section, then its alternatives: what one does not set is as in its section, or as its own classifier has it."""
    whole = _complete(task, section, default)
    # Of the default's alternatives an arrangement is the section's, and with another classifier there are none.
    usual = [_without(other, "arrangement") for other in default["alternatives"]]
    others = section.get("alternatives", usual if whole["classifier"] == default["classifier"] else [])
    return [
        whole,
        *(_complete(task, other, whole) if isinstance(other, dict) else other for other in others),
    ]


def _complete(task: str, section: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    name = str(section.get("classifier", base["classifier"]))
    if name != base["classifier"]:
        base = default_candidate(task, name) if name in CANDIDATE_TYPES[task] else {"classifier": name}
    return _merge(_without(base, "alternatives"), _without(section, "alternatives"))


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def _describe(kind: str, place: tuple[int | str, ...], message: str) -> str:
    key = _key_of(place)
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        of_classifier = f" of {place[2]}" if place[0] in CANDIDATE_TYPES and len(place) == _OWN_KEY else ""
        return f"{key}: unknown key{of_classifier}; allowed: {', '.join(_keys_beside(place))}"
    if kind.startswith("union_tag"):
        return f"{key}.classifier: should be one of {', '.join(CANDIDATE_TYPES[str(place[0])])}"
    return f"{key}: {_PLAIN.get(kind) or message.removeprefix('Value error, ').replace('Input should', 'should')}"


def _key_of(place: tuple[int | str, ...]) -> str:
    """A key as the file has it: candidates have their number and their classifier's name in their place."""
    if place[0] not in CANDIDATE_TYPES or len(place) == 1:
        return ".".join(map(str, place))
    task, number, *rest = place
    alternative = ["alternatives", int(number) - 1] if number else []
    return ".".join(map(str, [task, *alternative, *rest[1:]]))


def _keys_beside(place: tuple[int | str, ...]) -> list[str]:
    """Keys that the table of a key has."""
    table: Any = Experiment
    names, own = place[:-1], []
    if place[0] in CANDIDATE_TYPES and len(place) >= _OWN_KEY:
        table, names = CANDIDATE_TYPES[str(place[0])][str(place[2])], place[3:-1]
        own = [] if names or place[1] else ["alternatives"]
    for name in names:
        table = get_type_hints(table)[str(name)]
    keys = [member.name for member in fields(table)] if is_dataclass(table) else list(table.model_fields)
    return [*keys, *own]


def _editor_schema(schema: Any) -> Any:
    """Without required keys; of a section's classifiers any may match, as a file need not name its own."""
    if isinstance(schema, dict):
        return {
            name.replace("oneOf", "anyOf"): _editor_schema(part)
            for name, part in schema.items()
            if name not in ("required", "discriminator")
        }
    return [_editor_schema(part) for part in schema] if isinstance(schema, list) else schema
