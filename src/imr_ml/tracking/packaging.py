"""Package a model folder as an MLflow model.

No pickle: the model's own files are carried as they are, and `imr_ml.scoring.pyfunc` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, FEATURE_COLUMNS, REQUIRED_COLUMNS
from imr_ml.score_columns import ADDED, ScoreOptions

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models.model import ModelInfo
    from mlflow.models.signature import ModelSignature

LOADER = "imr_ml.scoring.pyfunc"
REQUIREMENTS = (
    "negspacy",
    "numpy",
    "pandas",
    "pydantic",
    "scikit-learn",
    "scipy",
    "skops",
    "spacy",
)
"""Distributions whose version decides what scoring gives; MLflow adds itself."""
# What tells that two rows are of one case; the number of its items is a feature.
_CASE_COLUMNS = ("case_number", "letter_sha256")


def log_model(model_folder: Path, code: Path, requirements: Sequence[str], params: Mapping[str, object]) -> ModelInfo:
    """Log a model's folder to the active run.

    Parameters
    ----------
    model_folder : Path
        As `imr_ml.model_files.save_model` writes it.
    code : Path
        Folder that holds the package ``imr_ml`` as it was when the model was trained.
    requirements : sequence of str
        Pinned.
    params : mapping
        Settings that the logged model carries.
    """
    import mlflow

    logged: ModelInfo = mlflow.pyfunc.log_model(
        name="model",
        loader_module=LOADER,
        data_path=str(model_folder),
        code_paths=[str(code / "imr_ml")],
        pip_requirements=list(requirements),
        signature=signature(),
        input_example=input_example(),
        params=dict(params),
    )
    return logged


def pip_requirements() -> list[str]:
    """What the model needs, pinned to what it was trained with."""
    return [f"{name}=={version(name)}" for name in REQUIREMENTS]


def signature() -> ModelSignature:
    """Columns in and out.

    Optional columns take any type, because MLflow refuses rather than converts: a date column of type
    ``datetime`` would not take dates from CSV or JSON, which come as text, one of type ``string`` would take
    neither timestamps nor a column that is empty throughout, and ``double`` would not take whole numbers.
    Scoring converts them and says which row it could not read.
    """
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    optional = [
        column.name for column in COLUMNS if column.name in (*_CASE_COLUMNS, *FEATURE_COLUMNS) and not column.required
    ]
    default = ScoreOptions()
    anything = AnyType()  # type: ignore[no-untyped-call]
    inputs = [
        *(ColSpec("string", name) for name in REQUIRED_COLUMNS),
        *(ColSpec(anything, name, required=False) for name in optional),
    ]
    return ModelSignature(
        inputs=Schema([*inputs]),
        outputs=Schema([ColSpec(_TYPES[column.kind], column.name, required=False) for column in ADDED]),
        params=ParamSchema(
            [
                ParamSpec("evidence", "boolean", default.evidence),
                ParamSpec("precedents", "long", default.precedents),
                # MLflow takes no None: 0 stands for the coverage that the model was trained for.
                ParamSpec("coverage", "double", 0.0),
            ]
        ),
    )


def input_example() -> pd.DataFrame:
    """One invented request."""
    import pandas as pd

    return pd.DataFrame([_EXAMPLE])


_TYPES = {"text": "string", "number": "double", "count": "long", "flag": "boolean"}
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
