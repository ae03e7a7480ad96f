"""Write and read skops files, which hold estimators without pickles and name only types on a short list."""

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
        # Where models of version 0.1.0 have them.
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
"""Types that a model file may name besides plain ones."""


def write_skops(content: dict[str, Any], path: Path) -> None:
    """Write a file of estimators and arrays."""
    import skops.io

    skops.io.dump(content, path, compression=zipfile.ZIP_DEFLATED)


def read_skops(path: Path) -> dict[str, Any]:
    """Read what `write_skops` wrote.

    Raises
    ------
    ModelError
        For a type that is not one of `TRUSTED`.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        content: dict[str, Any] = skops.io.load(path, trusted=sorted(TRUSTED))
    except UntrustedTypesFoundException as error:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - TRUSTED)
        raise ModelError(f"{path.parent}: has types that are not allowed ({', '.join(unknown)}); not loaded") from error
    return content


def import_skops_quickly() -> None:
    """Import skops without its search of scikit-learn for estimators, a third of a short command's time.

    `TRUSTED` names the estimators of our models. For processes that run a command of ours only: in others, skops would
    have to be told which estimators to trust.
    """
    import sklearn.utils

    search = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = list
    try:
        import skops.io  # noqa: F401
    finally:
        sklearn.utils.all_estimators = search
