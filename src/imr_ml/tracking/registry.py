"""Register model versions, set aliases, and fetch models for scoring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.model_files import CHECKSUMS, CLASSIFIERS, FACTS
from imr_ml.tracking.store import connected, first_line, or_none
from imr_ml.tracking.uris import TrackingError, redact_uri, sqlite_file, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from imr_ml.tracking.records import ModelRecord

MODEL_NAME = "imr-ml"
CHALLENGER, CHAMPION = "challenger", "champion"
NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
TRAINED = "trained_ms"
"""Tag of a version: when its training ended, in milliseconds since 1970."""
MODELS = "models:/"
_VERSIONS_OF_LOGGED = "mlflow.modelVersions"
_DESCRIPTION = f"""\
Outcome (upheld or overturned) and cited guideline families of Independent Medical Review requests.

- `@{CHALLENGER}` is the model trained last, `@{CHAMPION}` the one that `imr-ml promote` chose; a version tells why.
- Score: `imr-ml score requests.csv --output scored.csv --model models:/{MODEL_NAME}@{CHAMPION}`
- From Python: `mlflow.pyfunc.load_model("models:/{MODEL_NAME}@{CHAMPION}").predict(frame)`
- **A version with the tag `data.kind` = `sample` is trained on invented letters: it says nothing about real requests.**
"""


def fetch_model(uri: str) -> Path:
    """Folder of a tracked model, downloaded where it is not on this machine.

    Parameters
    ----------
    uri : str
        ``models:/imr-ml@challenger``, ``models:/imr-ml/3`` or ``runs:/<run id>/model``.

    Returns
    -------
    Path
        Folder that `imr_ml.model_files.read_model` reads.

    Raises
    ------
    TrackingError
        Where there is no such model (names those there are) or it is not one of ours.
    """
    store = tracking_uri()
    database = sqlite_file(store)
    if database and not database.exists():
        raise TrackingError(f"{uri}: no model was tracked yet in {database}; train one with 'make train'")
    with connected() as client:
        import mlflow

        try:
            found = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
        except (mlflow.MlflowException, OSError) as error:
            gone = _folder_that_is_gone(client, uri)
            missing = f"its files are not at {gone} any more; put that folder back" if gone else None
            raise TrackingError(f"{uri}: {missing or _what_there_is(client, uri, error)}") from error
        return _model_folder(found, uri)


def register(client: MlflowClient, model_id: str, run_id: str, record: ModelRecord, trained_ms: int) -> str:
    """Make a logged model a version of `MODEL_NAME`, unless it is one, and the challenger, unless that is newer.

    Parameters
    ----------
    client : MlflowClient
    model_id, run_id : str
    record : ModelRecord
        Tags and description of the version.
    trained_ms : int
        When the training ended: a model that is sent late does not replace a challenger trained after it.

    Returns
    -------
    str
        Number of the version.
    """
    import mlflow

    try:
        client.create_registered_model(MODEL_NAME, description=_DESCRIPTION)
    except mlflow.MlflowException:
        # It exists, or the next line says what is wrong.
        client.get_registered_model(MODEL_NAME)
    found = client.search_model_versions(f"name = '{MODEL_NAME}' and run_id = '{run_id}'")
    made = (
        found[0]
        if found
        else client.create_model_version(
            MODEL_NAME,
            f"models:/{model_id}",
            run_id,
            tags={**record.tags, TRAINED: str(trained_ms)},
            description=record.description,
            model_id=model_id,
        )
    )
    # As `mlflow.register_model` does, so that the list of logged models shows it; that function prints.
    told_version = json.dumps([{"name": MODEL_NAME, "version": made.version}])
    client.set_logged_model_tags(model_id, {_VERSIONS_OF_LOGGED: told_version})
    challenger = version_by_alias(client, CHALLENGER)
    if challenger is None or int(challenger.tags.get(TRAINED, 0)) <= trained_ms:
        client.set_registered_model_alias(MODEL_NAME, CHALLENGER, made.version)
    return str(made.version)


def version_of(client: MlflowClient, uri: str) -> ModelVersion:
    """Version that ``models:/imr-ml@champion`` or ``models:/imr-ml/3`` names; MLflow raises where there is none."""
    name, alias, version = _parts(uri)
    return client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, version)


def _parts(uri: str) -> tuple[str, str, str]:
    """Name, alias and version of which ``models:/name@alias`` or ``models:/name/version`` leaves one empty."""
    name, _, version = uri.removeprefix(MODELS).partition("/")
    name, _, alias = name.partition("@")
    return name, alias, version


def version_by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """Version of `MODEL_NAME` that carries the alias; None where none does."""
    return or_none(lambda: client.get_model_version_by_alias(MODEL_NAME, alias), absent=NOT_THERE)


def _model_folder(found: Path, uri: str) -> Path:
    from mlflow.models import Model

    described = found / "MLmodel"
    if described.is_file():
        flavors: dict[str, dict[str, str]] = Model.load(str(described)).flavors
        data = flavors.get("python_function", {}).get("data", "")
        folder = found / data
        if all((folder / name).is_file() for name in (CLASSIFIERS, FACTS, CHECKSUMS)):
            return folder
    raise TrackingError(f"{uri}: is not a model that imr-ml trained ({CLASSIFIERS} is missing)")


def _folder_that_is_gone(client: MlflowClient, uri: str) -> Path | None:
    """Where the store says that a version's files are, if they are not: MLflow knows them by their whole path."""
    import mlflow
    from mlflow.utils.file_utils import local_file_uri_to_path

    try:
        version = version_of(client, uri)
        place = client.get_model_version_download_uri(version.name, version.version)
    except mlflow.MlflowException:
        return None
    path = Path(local_file_uri_to_path(place))  # type: ignore[no-untyped-call]
    return None if "://" in place.replace("file://", "") or path.exists() else path


def _what_there_is(client: MlflowClient, uri: str, error: Exception) -> str:
    if not uri.startswith(MODELS):
        return first_line(error)
    import mlflow

    name, _, _ = _parts(uri)
    try:
        model = client.get_registered_model(name)
    except mlflow.MlflowException:
        known = sorted(one.name for one in client.search_registered_models())
        there = f"registered are: {', '.join(known)}" if known else "none is registered; train one with 'make train'"
        return f"no model {name!r} in {redact_uri(tracking_uri())}; {there}"
    versions = sorted((int(one.version) for one in client.search_model_versions(f"name = '{name}'")), reverse=True)
    aliases = ", ".join(f"@{alias} ({version})" for alias, version in sorted(model.aliases.items())) or "none"
    there = ", ".join(map(str, versions[:10])) or "none"
    return f"{first_line(error)}; {name} has versions {there} and aliases {aliases}"
