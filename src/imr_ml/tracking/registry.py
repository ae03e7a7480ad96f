"""Register versions of the model, find them, and download their files for scoring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.model_files import CHECKSUMS, CLASSIFIERS, FACTS
from imr_ml.tracking.store import connected, first_line, or_none, require_store, retry_conflicts
from imr_ml.tracking.uris import TrackingError, file_path, redact_uri, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from imr_ml.tracking.records import ModelRecord

MODEL_NAME = "imr-ml"
CHALLENGER, CHAMPION = ALIASES = "challenger", "champion"
MODELS = "models:/"
TRAINED = "trained_ms"
"""Tag of a version: end of its training, in milliseconds since 1970."""
NOT_FOUND = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_VERSIONS_OF_LOGGED = "mlflow.modelVersions"
_DESCRIPTION = f"""\
Outcome (upheld or overturned) and cited guideline families of Independent Medical Review requests.

- `@{CHALLENGER}` is the most recently trained model, `@{CHAMPION}` the one promoted by `imr-ml promote`; the version's
  description states the reason.
- Score: `imr-ml score requests.csv --output scored.csv --model models:/{MODEL_NAME}@{CHAMPION}`
- From Python: `mlflow.pyfunc.load_model("models:/{MODEL_NAME}@{CHAMPION}").predict(frame)`
- **A version with the tag `data.kind` = `sample` is trained on invented letters: it is meaningless for real requests.**
- A version with `data.kind` = `own` is trained on the user's own decisions, one with `real` on published letters.
"""


@retry_conflicts
def register(client: MlflowClient, model_id: str, run_id: str, model: ModelRecord, trained_ms: int) -> str:
    """Register a logged model once, make it the challenger unless that was trained later, and return its version.

    Parameters
    ----------
    client : MlflowClient
    model_id, run_id : str
    model : ModelRecord
        Tags and description of the version.
    trained_ms : int
        End of the training: a model that is sent late does not replace a challenger that was trained after it.
    """
    import mlflow

    try:
        client.create_registered_model(MODEL_NAME, description=_DESCRIPTION)
    except mlflow.MlflowException:
        # The model exists, or the next line raises the actual error.
        client.get_registered_model(MODEL_NAME)
    versions = client.search_model_versions(f"name = '{MODEL_NAME}' and run_id = '{run_id}'") or [
        client.create_model_version(
            MODEL_NAME,
            f"{MODELS}{model_id}",
            run_id,
            tags={**model.tags, TRAINED: str(trained_ms)},
            description=model.description,
            model_id=model_id,
        )
    ]
    number = versions[0].version
    # Like `mlflow.register_model`, which prints: the UI's list of logged models then shows the version.
    client.set_logged_model_tags(model_id, {_VERSIONS_OF_LOGGED: json.dumps([{"name": MODEL_NAME, "version": number}])})
    challenger = version_by_alias(client, CHALLENGER)
    if challenger is None or int(challenger.tags.get(TRAINED, 0)) <= trained_ms:
        client.set_registered_model_alias(MODEL_NAME, CHALLENGER, number)
    return str(number)


def fetch_model(uri: str) -> Path:
    """Download a tracked model if it is not on this machine; return the folder for `model_files.read_model`.

    The URI is ``models:/imr-ml@challenger``, ``models:/imr-ml/3`` or ``runs:/<run id>/model``. Raises `TrackingError`
    if there is no such model (the message lists the existing ones) or imr-ml did not train it.
    """
    require_store()
    with connected() as client:
        import mlflow

        try:
            folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
        except (mlflow.MlflowException, OSError) as error:
            missing = _find_missing_folder(client, uri)
            reason = f"its files are no longer at {missing}; restore that folder" if missing else None
            raise TrackingError(f"{uri}: {reason or _explain_missing_model(client, uri, error)}") from error
        return _find_data_folder(folder, uri)


def check_run_name(name: str) -> None:
    """Raise an error for a run name that looks like a version's number, alias or URI."""
    if name.strip().isdecimal() or name.strip().removeprefix("@") in ALIASES or name.startswith((MODELS, "runs:/")):
        raise TrackingError(f"--name {name}: this refers to a version of the model; choose another name")


def version_by_uri(client: MlflowClient, uri: str) -> ModelVersion:
    """Return the version at ``models:/imr-ml@champion`` or ``models:/imr-ml/3``; MLflow raises if there is none."""
    name, _, number = uri.removeprefix(MODELS).partition("/")
    name, _, alias = name.partition("@")
    return client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)


def version_by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """Return the version of `MODEL_NAME` with the alias; None if no version has it."""
    return or_none(lambda: client.get_model_version_by_alias(MODEL_NAME, alias), absent=NOT_FOUND)


def check_files(client: MlflowClient, version: ModelVersion, role: str) -> None:
    """Raise an error if a version's files are missing.

    Parameters
    ----------
    client : MlflowClient
    version : ModelVersion
    role : str
        Role of the version in the error message, e.g. ``"the challenger"``.
    """
    import mlflow

    files = mlflow.artifacts.list_artifacts(artifact_uri=f"{MODELS}{version.name}/{version.version}")
    if not any(Path(file.path).name == "MLmodel" for file in files):
        location = client.get_model_version_download_uri(version.name, version.version)
        raise TrackingError(
            f"version {version.version}, {role}: its files are no longer at "
            f"{file_path(location) or redact_uri(location)}; restore that folder or train another"
        )


def _find_data_folder(folder: Path, uri: str) -> Path:
    from mlflow.models import Model

    if (folder / "MLmodel").is_file():
        flavors: dict[str, dict[str, str]] = Model.load(str(folder / "MLmodel")).flavors
        data = folder / flavors.get("python_function", {}).get("data", "")
        if all((data / name).is_file() for name in (CLASSIFIERS, FACTS, CHECKSUMS)):
            return data
    raise TrackingError(f"{uri}: is not a model that imr-ml trained ({CLASSIFIERS} is missing)")


def _find_missing_folder(client: MlflowClient, uri: str) -> Path | None:
    """Return the path that MLflow has stored for a version's files, if there are none at that path."""
    version = or_none(lambda: version_by_uri(client, uri), absent=NOT_FOUND)
    path = file_path(client.get_model_version_download_uri(version.name, version.version)) if version else None
    return None if path is None or path.exists() else path


def _explain_missing_model(client: MlflowClient, uri: str, error: Exception) -> str:
    if not uri.startswith(MODELS):
        return first_line(error)
    name = uri.removeprefix(MODELS).partition("/")[0].partition("@")[0]
    model = or_none(lambda: client.get_registered_model(name), absent=NOT_FOUND)
    if model is None:
        names = ", ".join(sorted(registered.name for registered in client.search_registered_models()))
        hint = f"registered models: {names}" if names else "no model is registered; train one with 'imr-ml train'"
        return f"no model {name!r} in {redact_uri(tracking_uri())}; {hint}"
    found = client.search_model_versions(f"name = '{name}'")
    numbers = sorted((int(version.version) for version in found), reverse=True)
    aliases = ", ".join(f"@{alias} ({number})" for alias, number in sorted(model.aliases.items())) or "none"
    versions = ", ".join(map(str, numbers[:10])) or "none"
    return f"{first_line(error)}; {name} has versions {versions} and aliases {aliases}"
