"""What several rooms' tests share: one small table, read once, and a real browser."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from factories import make_requests
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from imr_ml.classifiers.types import Dataset
    from imr_ml.model_files import LoadedModel
    from imr_ml.training import TrainedModel

# The machine that runs the tests may be busy: an example that takes long is no failure.
settings.register_profile("imr_ml", deadline=None)
settings.load_profile("imr_ml")


@pytest.fixture(scope="session")
def prepared_requests() -> pd.DataFrame:
    """Eighty invented cases of two requests; see `make_requests` for what tells what."""
    from imr_ml.corpus.schema import validate_requests
    from imr_ml.corpus.table import complete_requests

    return complete_requests(validate_requests(make_requests(160), "factory"))


@pytest.fixture(scope="session")
def prepared(prepared_requests: pd.DataFrame) -> Dataset:
    """Those requests as predictors take them."""
    from imr_ml.classifiers.types import Dataset

    return Dataset.from_table(prepared_requests)


@pytest.fixture(scope="session")
def trained(prepared_requests: pd.DataFrame) -> TrainedModel:
    """A model trained on those requests."""
    from imr_ml.evaluation.splits import EvaluationSettings
    from imr_ml.training import TrainingSettings, train

    evaluation = EvaluationSettings(folds=3, repeats=1, resamples=50, jobs=1)
    return train(prepared_requests, TrainingSettings(evaluation=evaluation))


@pytest.fixture(scope="session")
def model_folder(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model on disk."""
    from imr_ml.model_files import save_model

    return save_model(trained, tmp_path_factory.mktemp("models") / "latest", commit="abc123")


@pytest.fixture(scope="session")
def loaded(model_folder: Path) -> LoadedModel:
    """That model, loaded."""
    from imr_ml.model_files import read_model

    return read_model(model_folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window; what needs it is skipped where there is none."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()
