"""Write and read skops files, which store estimators without pickle and are limited to a list of trusted types."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from imr_ml.errors import ModelError

_OURS = (
    "arranged.ArrangedFamilyClassifier",
    "arranged.Chain",
    "arranged.Hierarchical",
    "arranged.PerFamily",
    "binary.BoostedTrees",
    "binary.NaiveBayes",
    "binary.NaiveBayesSvm",
    "binary.SimilarityVote",
    "binary.Stacked",
    "calibrated.CalibratedClassifier",
    "families.GuidelineFamilyClassifier",
    "outcome.CalibratedLogisticClassifier",
)
_VECTORIZERS = ("FactPairs", "FactVectorizer", "TermVectorizer")
_ESTIMATORS = (
    "compose._column_transformer.ColumnTransformer",
    "ensemble._stacking.StackingClassifier",
    "ensemble._voting.VotingClassifier",
    "feature_extraction.text.TfidfTransformer",
    "impute._base.MissingIndicator",
    "impute._base.SimpleImputer",
    "linear_model._logistic.LogisticRegression",
    "neighbors._unsupervised.NearestNeighbors",
    "pipeline.Pipeline",
    "preprocessing._data.StandardScaler",
    "preprocessing._label.LabelEncoder",
    "svm._classes.LinearSVC",
)
TRUSTED = frozenset(
    {
        "numpy.dtype",
        *(f"imr_ml.classifiers.{name}" for name in _OURS),
        "imr_ml.features.matrix.FeatureBlocks",
        # The module of these classes in models of version 0.1.0.
        *(f"imr_ml.features.matrix.{name}" for name in _VECTORIZERS),
        *(f"imr_ml.features.vectorizers.{name}" for name in _VECTORIZERS),
        *(f"sklearn.{name}" for name in _ESTIMATORS),
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.utils._bunch.Bunch",
    }
)
"""Types that a model file may contain besides built-in ones."""


def write_skops(content: dict[str, Any], path: Path) -> None:
    """Write estimators and arrays to a file."""
    import skops.io

    skops.io.dump(content, path, compression=zipfile.ZIP_DEFLATED)


def read_skops(path: Path) -> dict[str, Any]:
    """Read a file that `write_skops` wrote.

    Raises
    ------
    ModelError
        If the file contains a type that is not in `TRUSTED`.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        content: dict[str, Any] = skops.io.load(path, trusted=sorted(TRUSTED))
    except UntrustedTypesFoundException as error:
        types = sorted(set(skops.io.get_untrusted_types(file=path)) - TRUSTED)
        raise ModelError(
            f"{path.parent}: contains types that are not allowed ({', '.join(types)}); not loaded"
        ) from error
    return content


def import_skops_quickly() -> None:
    """Import skops without its search for all scikit-learn estimators, which takes a third of a short command's time.

    Use this only in processes that run an `imr-ml` command. Other code in the process could no longer rely on the
    estimators that skops trusts by default; our model files rely on `TRUSTED`.
    """
    import sklearn.utils

    search = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = list
    try:
        import skops.io  # noqa: F401
    finally:
        sklearn.utils.all_estimators = search
