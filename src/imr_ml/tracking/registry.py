"""Log a model to MLflow, register its version, and fetch it for scoring.

No pickle: the model's own files are logged as they are, and `imr_ml.scoring.pyfunc` reads them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, FEATURE_COLUMNS
from imr_ml.model_files import CHECKSUMS, CLASSIFIERS, FACTS
from imr_ml.score_columns import ADDED, ScoreOptions
from imr_ml.tracking.relocation import file_path
from imr_ml.tracking.store import connected, first_line, or_none, quiet_mlflow, require_store
from imr_ml.tracking.uris import TrackingError, redact_uri, tracking_uri

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models.signature import ModelSignature

    from imr_ml.tracking.records import ModelRecord

MODEL_NAME = "imr-ml"
CHALLENGER, CHAMPION = ALIASES = "challenger", "champion"
MODELS = "models:/"
TRAINED = "trained_ms"
"""Tag of a version: when its training ended, in milliseconds since 1970."""
NOT_FOUND = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
# A server takes each file in a request of its own.
_NOT_FOR_SCORING = (
    *("cli", "desk", "drift", "evaluation", "experiments", "fetch", "ladder", "quality", "rates", "sample", "spark"),
    *("sweeps", "tracking", "training.py"),
)
_LOADER = "imr_ml.scoring.pyfunc"
# Distributions whose version changes what scoring returns; MLflow adds itself.
_REQUIREMENTS = ("negspacy", "numpy", "pandas", "pydantic", "scikit-learn", "scipy", "skops", "spacy")
# They say which rows are of one case; the number of its items is a feature.
_CASE_COLUMNS = ("case_number", "letter_sha256")
_TYPES = {"text": "string", "number": "double", "count": "long", "flag": "boolean"}
_VERSIONS_OF_LOGGED = "mlflow.modelVersions"
_DESCRIPTION = f"""\
Outcome (upheld or overturned) and cited guideline families of Independent Medical Review requests.

- `@{CHALLENGER}` is the model trained last, `@{CHAMPION}` the one that `imr-ml promote` chose; a version tells why.
- Score: `imr-ml score requests.csv --output scored.csv --model models:/{MODEL_NAME}@{CHAMPION}`
- From Python: `mlflow.pyfunc.load_model("models:/{MODEL_NAME}@{CHAMPION}").predict(frame)`
- **A version with the tag `data.kind` = `sample` is trained on invented letters: it says nothing about real requests.**
- A version with `data.kind` = `own` is trained on the user's own decisions, one with `real` on published letters.
"""
_EXAMPLE = {
    "request": "Physical therapy, 2 times a week for 4 weeks, left shoulder",
    "clinical_summary": (
        "The injured worker is a 47 year old male who hurt the left shoulder while stacking crates. He "
        "reports a dull ache when reaching overhead. The examination shows reduced abduction and no "
        "instability. Six visits of therapy helped."
    ),
    "ur_guideline": "MTUS Chronic Pain Medical Treatment Guidelines 2009, Section(s): Physical Medicine.",
    "date_of_injury": "2015-03-02",
    "ur_denial_date": "2016-01-18",
}


def save_mlflow_model(target: Path, model_folder: Path, code: Path) -> None:
    """Save a model's folder as an MLflow model, with the package's code as it is now.

    Parameters
    ----------
    target : Path
        Folder to create.
    model_folder : Path
        As `imr_ml.model_files.save_model` writes it.
    code : Path
        Folder of the package.
    """
    with quiet_mlflow(), tempfile.TemporaryDirectory() as scratch:
        import mlflow

        ignored = shutil.ignore_patterns("__pycache__", *_NOT_FOR_SCORING)
        mlflow.pyfunc.save_model(
            str(target),
            loader_module=_LOADER,
            data_path=str(model_folder),
            code_paths=[str(shutil.copytree(code, Path(scratch) / code.name, ignore=ignored))],
            pip_requirements=pip_requirements(),
            signature=signature(),
            input_example=input_example(),
        )


def log_model(client: MlflowClient, run_id: str, folder: Path, params: Mapping[str, str]) -> str:
    """Log a saved MLflow model to a run; return the logged model's identifier.

    `mlflow.pyfunc.log_model` would also load the model and score the example, which takes longer than all else.

    Parameters
    ----------
    client : MlflowClient
    run_id : str
    folder : Path
        As `save_mlflow_model` wrote it.
    params : mapping of str
        Settings to log with the model.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    experiment = client.get_run(run_id).info.experiment_id
    logged = client.create_logged_model(experiment, "model", run_id, params=dict(params))
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    saved = Model.load(str(folder)).to_dict()
    names = {"model_id": logged.model_id, "model_uuid": logged.model_id, "artifact_path": logged.artifact_location}
    Model.from_dict({**saved, **names, "run_id": run_id}).save(str(folder / "MLmodel"))
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return str(logged.model_id)


def pip_requirements() -> list[str]:
    """What the model needs, pinned to the installed versions."""
    return [f"{name}=={version(name)}" for name in _REQUIREMENTS]


def signature() -> ModelSignature:
    """Columns in and out.

    No column is required here: MLflow's own error about a missing one repeats the names of the others, which are text
    of a request where a file was posted without its header. The model checks its columns itself.

    Columns take any type, because MLflow refuses rather than converts: a date column of type ``datetime`` would not
    take dates from CSV or JSON, which come as text, one of type ``string`` would take neither timestamps nor a column
    that is empty throughout, and ``double`` would not take whole numbers. Scoring converts them and says which cells it
    could not read.
    """
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    accepted = {*_CASE_COLUMNS, *FEATURE_COLUMNS}
    anything, default = AnyType(), ScoreOptions()  # type: ignore[no-untyped-call]
    inputs = [ColSpec(anything, column.name, required=False) for column in COLUMNS if column.name in accepted]
    params = [
        ParamSpec("evidence", "boolean", default.evidence),
        ParamSpec("precedents", "long", default.precedents),
        # MLflow takes no None: 0 stands for the coverage that the model was trained for.
        ParamSpec("coverage", "double", 0.0),
    ]
    outputs = [ColSpec(_TYPES[column.kind], column.name, required=False) for column in ADDED]
    return ModelSignature(inputs=Schema([*inputs]), outputs=Schema([*outputs]), params=ParamSchema(params))


def input_example() -> pd.DataFrame:
    """One invented request."""
    import pandas as pd

    return pd.DataFrame([_EXAMPLE])


def register(client: MlflowClient, model_id: str, run_id: str, model: ModelRecord, trained_ms: int) -> str:
    """Register a logged model, unless that was done, and make it the challenger, unless that is newer.

    Parameters
    ----------
    client : MlflowClient
    model_id, run_id : str
    model : ModelRecord
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
    # As `mlflow.register_model` does, so that the list of logged models shows it; that function prints.
    client.set_logged_model_tags(model_id, {_VERSIONS_OF_LOGGED: json.dumps([{"name": MODEL_NAME, "version": number}])})
    challenger = version_by_alias(client, CHALLENGER)
    if challenger is None or int(challenger.tags.get(TRAINED, 0)) <= trained_ms:
        client.set_registered_model_alias(MODEL_NAME, CHALLENGER, number)
    return str(number)


def fetch_model(uri: str) -> Path:
    """Download a tracked model if it is not on this machine; return the folder that `model_files.read_model` reads.

    Parameters
    ----------
    uri : str
        ``models:/imr-ml@challenger``, ``models:/imr-ml/3`` or ``runs:/<run id>/model``.

    Raises
    ------
    TrackingError
        If there is no such model (lists the existing ones) or imr-ml did not train it.
    """
    require_store()
    with connected() as client:
        import mlflow

        try:
            folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
        except (mlflow.MlflowException, OSError) as error:
            missing = _find_missing_folder(client, uri)
            reason = f"its files are not at {missing} any more; put that folder back" if missing else None
            raise TrackingError(f"{uri}: {reason or _explain_missing_model(client, uri, error)}") from error
        return _find_data_folder(folder, uri)


def check_run_name(name: str) -> None:
    """Refuse a name for a run that would be taken for a version's number, alias or address."""
    if name.strip().isdecimal() or name.strip().removeprefix("@") in ALIASES or name.startswith((MODELS, "runs:/")):
        raise TrackingError(f"--name {name}: this names a version of the model; choose another name")


def version_of(client: MlflowClient, uri: str) -> ModelVersion:
    """Version that ``models:/imr-ml@champion`` or ``models:/imr-ml/3`` names; MLflow raises if there is none."""
    name, _, number = uri.removeprefix(MODELS).partition("/")
    name, _, alias = name.partition("@")
    return client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)


def version_by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """Version of `MODEL_NAME` that carries the alias; None if none does."""
    return or_none(lambda: client.get_model_version_by_alias(MODEL_NAME, alias), absent=NOT_FOUND)


def check_files(client: MlflowClient, version: ModelVersion, role: str) -> None:
    """Raise an error for a version whose files are gone.

    Parameters
    ----------
    client : MlflowClient
    version : ModelVersion
    role : str
        What the version is, for the error, e.g. ``"the challenger"``.
    """
    import mlflow

    files = mlflow.artifacts.list_artifacts(artifact_uri=f"{MODELS}{version.name}/{version.version}")
    if not any(Path(one.path).name == "MLmodel" for one in files):
        where = client.get_model_version_download_uri(version.name, version.version)
        raise TrackingError(
            f"version {version.version}, {role}, has no files any more at {file_path(where) or redact_uri(where)}; "
            f"put that folder back or train another"
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
    """Where the store says that a version's files are, if they are not: MLflow knows them by their whole path."""
    import mlflow

    try:
        model = version_of(client, uri)
        path = file_path(client.get_model_version_download_uri(model.name, model.version))
    except mlflow.MlflowException:
        return None
    return None if path is None or path.exists() else path


def _explain_missing_model(client: MlflowClient, uri: str, error: Exception) -> str:
    if not uri.startswith(MODELS):
        return first_line(error)
    import mlflow

    name = uri.removeprefix(MODELS).partition("/")[0].partition("@")[0]
    try:
        model = client.get_registered_model(name)
    except mlflow.MlflowException:
        known = ", ".join(sorted(one.name for one in client.search_registered_models()))
        registered = f"registered are: {known}" if known else "none is registered; train one with 'imr-ml train'"
        return f"no model {name!r} in {redact_uri(tracking_uri())}; {registered}"
    numbers = sorted((int(one.version) for one in client.search_model_versions(f"name = '{name}'")), reverse=True)
    aliases = ", ".join(f"@{alias} ({number})" for alias, number in sorted(model.aliases.items())) or "none"
    versions = ", ".join(map(str, numbers[:10])) or "none"
    return f"{first_line(error)}; {name} has versions {versions} and aliases {aliases}"
