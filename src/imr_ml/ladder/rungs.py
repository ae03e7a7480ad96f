"""The table of rungs: name, builder, tasks and requirements.

A later rung is more complex than an earlier one: it costs more to fit, to run or to explain, and must be better to be
worth it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer
from sklearn.svm import LinearSVC

from imr_ml.classifiers.outcome import sparse_logistic_regression
from imr_ml.classifiers.request_model import RequestModel
from imr_ml.classifiers.settings import ModelSettings
from imr_ml.classifiers.types import Labels, Predictor
from imr_ml.evaluation.baselines import BaseRate, PlainText, UrFamilies
from imr_ml.features.frame import FACT_COLUMNS, GUIDELINE_COLUMNS
from imr_ml.features.matrix import BlockWeights
from imr_ml.ladder.embeddings import MODULE, section_vectors, with_vectors
from imr_ml.ladder.family_models import Chained, FamilyModel, Hierarchical, SideBySide
from imr_ml.ladder.learned import Learned, Recipe
from imr_ml.ladder.rates import CategoryRate, LogCountRatio, raw_words, sections, words_and_characters
from imr_ml.ladder.stacked import Averaged, Stacked

TASKS = ("outcome", "family")


@dataclass(frozen=True, slots=True)
class Rung:
    """One predictor of the ladder.

    Attributes
    ----------
    name : str
    what : str
        One line for people.
    build : callable
        Makes an unfitted predictor.
    tasks : tuple of {"outcome", "family"}
        What it predicts by means of its own; elsewhere it is not judged.
    needs : str or None
        Module of an optional package.
    prepare : callable or None
        Adds to the feature frame what does not depend on the rows that are fitted on.
    """

    name: str
    what: str
    build: Callable[[], Predictor]
    tasks: tuple[str, ...] = TASKS
    needs: str | None = None
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    @property
    def missing(self) -> str | None:
        """Why the rung cannot be climbed here; None where it can."""
        if self.needs is None or find_spec(self.needs):
            return None
        return f"the package {self.needs.replace('_', '-')} is not installed: pip install 'imr-ml[embeddings]'"


def base_rung(labels: Labels) -> Rung:
    """The lowest rung: the rates of the requests that are judged, the best that any constant could do."""
    return Rung("base_rate", "the same rates for every request", partial(BaseRate, labels))


def available(rungs: tuple[Rung, ...]) -> tuple[tuple[Rung, ...], dict[str, str]]:
    """Rungs that can be climbed here, and why the others cannot."""
    return tuple(rung for rung in rungs if rung.missing is None), {
        rung.name: rung.missing for rung in rungs if rung.missing is not None
    }


_SETTINGS = ModelSettings()
_OUTCOME_WEIGHTS = _SETTINGS.outcome[0].weights
_COVERED_WEIGHTS = replace(_SETTINGS.family[0].weights, pairs=0.0)
_UNCOVERED = tuple(fact for fact in _COVERED_WEIGHTS.facts_used if fact not in GUIDELINE_COLUMNS)
_FAMILY_WEIGHTS = replace(_COVERED_WEIGHTS, facts_used=_UNCOVERED)
_OUTCOME_TOKENS = BlockWeights(request=0.5, summary=1.0, ur_guideline=0.5, facts=0.0, numbers=0.0, case_size=0.0)
_FAMILY_TOKENS = BlockWeights(request=1.0, summary=0.0, ur_guideline=1.0, facts=0.0, numbers=0.0, case_size=0.0)
_OUTCOME_COUNTS = BlockWeights(request=1.0, summary=1.0, ur_guideline=1.0, facts=0.3, numbers=0.0, case_size=0.0)
_FAMILY_COUNTS = BlockWeights(request=1.0, summary=0.0, ur_guideline=1.0, facts=1.0, numbers=0.0, case_size=0.0)
_FACTS = BlockWeights(
    request=0.0,
    summary=0.0,
    ur_guideline=0.0,
    facts=1.0,
    numbers=1.0,
    case_size=1.0,
    # A tree finds pairs by itself.
    facts_used=tuple(fact for fact in FACT_COLUMNS if fact != "treated_body_parts"),
)


def _regression(C: float) -> Any:  # noqa: N803
    return sparse_logistic_regression(C, seed=0)


def _svm(C: float) -> LinearSVC:  # noqa: N803
    return LinearSVC(C=C, random_state=0)


def _nb_svm(C: float) -> Pipeline:  # noqa: N803
    return make_pipeline(LogCountRatio(), Normalizer(), LinearSVC(C=C, random_state=0))


def _neighbours(n_neighbors: int) -> KNeighborsClassifier:
    return KNeighborsClassifier(n_neighbors, weights="distance", metric="cosine")


def _boosting(max_leaf_nodes: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=max_leaf_nodes, min_samples_leaf=5, early_stopping=False, random_state=0
    )


def _beside_vectors(texts: tuple[str, ...], weights: BlockWeights) -> ColumnTransformer:
    beside = sections(weights)
    vectors = FunctionTransformer(section_vectors, kw_args={"sections": texts})
    return beside.set_params(transformers=[*beside.transformers, ("vectors", vectors, slice(None))])


Features = Callable[[], Any]
Grid = Mapping[str, tuple[Any, ...]]
_RAW = partial(raw_words, ["request", "clinical_summary"]), partial(raw_words, ["request", "ur_guideline"])
_CHARACTERS = (
    partial(words_and_characters, ["request", "clinical_summary"]),
    partial(words_and_characters, ["request", "ur_guideline"]),
)
_TOKENS = partial(sections, _OUTCOME_TOKENS), partial(sections, _FAMILY_TOKENS)
_SECTIONS = partial(sections, _OUTCOME_WEIGHTS), partial(sections, _FAMILY_WEIGHTS)
_COVERED = partial(sections, _OUTCOME_WEIGHTS), partial(sections, _COVERED_WEIGHTS)
_COUNTS = partial(sections, _OUTCOME_COUNTS), partial(sections, _FAMILY_COUNTS)
_DENSE = partial(sections, _FACTS, dense=True), partial(sections, _FACTS, dense=True)
_VECTORS = (
    partial(_beside_vectors, ("request", "clinical_summary"), _OUTCOME_WEIGHTS),
    partial(_beside_vectors, ("request", "ur_guideline"), _COVERED_WEIGHTS),
)

_PENALTIES: Grid = {"C": (0.1, 0.3, 1.0, 3.0, 10.0)}
_SVM_PENALTIES: Grid = {"C": (0.01, 0.03, 0.1)}
_NB_SVM_PENALTIES: Grid = {"C": (0.3, 1.0)}
_CALIBRATED = partial(SideBySide, calibrated=True)


def _learned(
    features: tuple[Features, Features],
    classifier: Callable[..., Any],
    grid: Grid,
    families: Callable[..., FamilyModel] = SideBySide,
) -> Callable[[], Predictor]:
    """One classifier and grid for both tasks, on the features of either."""
    outcome, family = features
    return partial(Learned, Recipe(outcome, classifier, grid), Recipe(family, classifier, grid, families))


def _arranged(families: Callable[..., FamilyModel]) -> Callable[[], Predictor]:
    return partial(Learned, None, Recipe(_COVERED[1], _regression, _PENALTIES, families))


_BASES: dict[str, Callable[[], Predictor]] = {
    "model": RequestModel,
    "naive_bayes": _learned(_COUNTS, ComplementNB, {"alpha": (0.3,)}),
    "neighbours": _learned(_COVERED, _neighbours, {"n_neighbors": (9,)}),
}

RUNGS = (
    Rung("ur_families", "the families that the claims administrator cited", UrFamilies, tasks=("family",)),
    Rung("category_rate", "smoothed rates of the request's category", CategoryRate),
    Rung("plain_tfidf", "TF-IDF of raw words, logistic regression", PlainText),
    Rung("tuned_tfidf", "the same, penalty tuned, sections apart", _learned(_RAW, _regression, _PENALTIES)),
    Rung("tokens", "spaCy tokens with negation, logistic regression", _learned(_TOKENS, _regression, _PENALTIES)),
    Rung("sections", "tokens, facts and numbers, each section weighed", _learned(_SECTIONS, _regression, _PENALTIES)),
    Rung("coverage", "and what each guideline has a section on", _arranged(SideBySide), tasks=("family",)),
    Rung(
        "naive_bayes",
        "complement naive Bayes on tokens and facts",
        _learned(_COUNTS, ComplementNB, {"alpha": (0.1, 0.3, 1.0)}),
    ),
    Rung(
        "linear_svm",
        "linear SVM on the section features, calibrated",
        _learned(_COVERED, _svm, _SVM_PENALTIES, _CALIBRATED),
    ),
    Rung("request_model", "the model: weights set, families by SVM on pairs of facts", RequestModel),
    Rung("nb_svm", "linear SVM on naive Bayes weights", _learned(_COUNTS, _nb_svm, _NB_SVM_PENALTIES, _CALIBRATED)),
    Rung(
        "neighbours",
        "the nearest decided requests by section features",
        _learned(_COVERED, _neighbours, {"n_neighbors": (5, 9, 15)}),
    ),
    Rung("words_characters", "TF-IDF of raw words and characters", _learned(_CHARACTERS, _regression, _PENALTIES)),
    Rung("hierarchy", "MTUS or not, then the family", _arranged(Hierarchical), tasks=("family",)),
    Rung("chain", "each family told of the families before it", _arranged(Chained), tasks=("family",)),
    Rung(
        "boosting",
        "gradient boosted trees on facts and numbers",
        _learned(_DENSE, _boosting, {"max_leaf_nodes": (3, 8)}),
    ),
    Rung("averaged", f"mean of {', '.join(_BASES)}", partial(Averaged, _BASES)),
    Rung("stacked", f"regression on {', '.join(_BASES)}", partial(Stacked, _BASES)),
    Rung(
        "embeddings",
        "sentence vectors beside the section features",
        _learned(_VECTORS, _regression, _PENALTIES),
        needs=MODULE,
        prepare=with_vectors,
    ),
)
"""From simple to complex, above the base rate."""
