"""Where the commands find a model: a folder, or a name in MLflow's registry."""

from __future__ import annotations

from pathlib import Path

LATEST = Path("models/latest")


def model_folder(model: str) -> Path:
    """Folder of a model named by its path or by an MLflow model URI."""
    if ":/" not in model:
        return Path(model)
    from imr_ml import tracking

    return tracking.fetch_model(model)
