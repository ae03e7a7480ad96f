"""Save a model's folder as an MLflow model and log it to a run.

No pickle: the model's own files are logged as they are, and `imr_ml.scoring.pyfunc` reads them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, FEATURE_COLUMNS
from imr_ml.score_columns import ADDED, ScoreOptions
from imr_ml.tracking.store import quiet_mlflow

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.models.signature import ModelSignature

# Omitted from the logged code: a server receives each file in a separate request.
_NOT_FOR_SCORING = (
    *("cli", "desk", "drift", "evaluation", "experiments", "fetch", "ladder", "quality", "rates", "sample", "spark"),
    *("sweeps", "tracking", "training.py", "training_data.py"),
)
_LOADER = "imr_ml.scoring.pyfunc"
# Distributions whose version changes what scoring returns; MLflow adds itself.
_REQUIREMENTS = ("negspacy", "numpy", "pandas", "pyarrow", "pydantic", "scikit-learn", "scipy", "skops", "spacy")
# They identify the rows of a case; the number of its items is a feature.
_CASE_COLUMNS = ("case_number", "letter_sha256")
_TYPES = {"text": "string", "number": "double", "count": "long", "flag": "boolean"}
_EXAMPLE = {
    "request": "Physical therapy, eight visits, left shoulder",
    "clinical_summary": (
        "A 47 year old male stock clerk hurt the left shoulder while stacking crates. He reports a dull ache when "
        "reaching overhead. The examination shows reduced abduction and no instability. Six visits of therapy helped."
    ),
    "ur_guideline": "MTUS Chronic Pain Medical Treatment Guidelines 2009, Section(s): Physical Medicine.",
    "date_of_injury": "2015-03-02",
    "ur_denial_date": "2016-01-18",
}


def save_mlflow_model(target: Path, model_folder: Path, code: Path) -> None:
    """Save a model's folder as an MLflow model, with the current code of the package.

    Parameters
    ----------
    target : Path
        Folder to create.
    model_folder : Path
        Written by `imr_ml.model_files.save_model`.
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


def find_mlflow_model(record: Path) -> Path:
    """Return the MLflow model in a record's folder; records of earlier versions are converted first."""
    model, code, converted = record / "model", record / "code", record / "converted"
    if not code.exists():
        return model
    if not (converted / "MLmodel").exists():
        shutil.rmtree(converted, ignore_errors=True)
        save_mlflow_model(converted, model, code / "imr_ml")
    return converted


def log_model(client: MlflowClient, run_id: str, folder: Path, params: Mapping[str, str]) -> str:
    """Log a saved MLflow model to a run; return the logged model's identifier.

    `mlflow.pyfunc.log_model` would also load the model and score the example, which is slow.

    Parameters
    ----------
    client : MlflowClient
    run_id : str
    folder : Path
        Written by `save_mlflow_model`.
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
    """Return the requirements of the model, pinned to the installed versions."""
    return [f"{name}=={version(name)}" for name in _REQUIREMENTS]


def signature() -> ModelSignature:
    """Return the input and output columns of the model.

    No column is required: MLflow's error about a missing column repeats the names of the others, which are request
    text if a file was posted without its header. The model checks its columns itself.

    Columns accept any type, because MLflow raises errors instead of converting: a column of type ``datetime`` would
    refuse dates from CSV or JSON, which are text; ``string`` would refuse timestamps and empty columns; and ``double``
    would refuse whole numbers. Scoring converts the values and reports the cells that it can't parse.
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
        # MLflow does not accept None: 0 means the coverage that the model was trained for.
        ParamSpec("coverage", "double", 0.0),
    ]
    outputs = [ColSpec(_TYPES[column.kind], column.name, required=False) for column in ADDED]
    return ModelSignature(inputs=Schema([*inputs]), outputs=Schema([*outputs]), params=ParamSchema(params))


def input_example() -> pd.DataFrame:
    """Return one invented request."""
    import pandas as pd

    return pd.DataFrame([_EXAMPLE])
