"""Define the available classifiers by name, with their parameters."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass
from sklearn.ensemble import VotingClassifier

from imr_ml.classifiers.arranged import ArrangedFamilyClassifier, Arrangement
from imr_ml.classifiers.binary import BoostedTrees, NaiveBayes, NaiveBayesSvm, SimilarityVote, Stacked, linear_svm
from imr_ml.classifiers.calibrated import CalibratedClassifier
from imr_ml.classifiers.families import NONE, GuidelineFamilyClassifier
from imr_ml.classifiers.outcome import CalibratedLogisticClassifier, sparse_logistic_regression
from imr_ml.features.frame import FACT_COLUMNS, GUIDELINE_COLUMNS
from imr_ml.features.settings import BlockWeights

_STRICT = ConfigDict(extra="forbid", strict=True)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Base = Literal["logistic_regression", "complement_nb", "nearest_neighbors", "gradient_boosting"]


def _differ(bases: tuple[Base, ...]) -> tuple[Base, ...]:
    if len(set(bases)) < len(bases):
        raise ValueError("should differ from each other")
    return bases


Bases = Annotated[tuple[Base, ...], Field(min_length=2), AfterValidator(_differ)]
_BASES: Bases = ("logistic_regression", "nearest_neighbors")

_OUTCOME_FACTS = tuple(fact for fact in FACT_COLUMNS if fact not in ("treated_body_parts", *GUIDELINE_COLUMNS))
_OUTCOME_WEIGHTS = BlockWeights(0.5, 1.0, 0.5, 0.2, numbers=0.05, case_size=0.1, facts_used=_OUTCOME_FACTS)
_OUTCOME_COUNTS = BlockWeights(1.0, 1.0, 1.0, numbers=0.0, case_size=0.0)
_FAMILY_FACTS = tuple(fact for fact in FACT_COLUMNS if fact != "sex")
_FAMILY_WEIGHTS = BlockWeights(1.0, 0.0, 1.0, facts=1.0, numbers=0.0, case_size=0.0, facts_used=_FAMILY_FACTS)
_FAMILY_PAIRS = BlockWeights(1.0, 0.0, 1.0, facts=1.0, numbers=0.0, case_size=0.0, facts_used=_FAMILY_FACTS, pairs=0.5)
_FAMILY_WORDS = BlockWeights(1.0, 0.0, 1.0, facts=0.0, numbers=0.0, case_size=0.0, facts_used=_FAMILY_FACTS)
# Trees learn pairs of facts without extra columns.
_TREE_FACTS = tuple(fact for fact in FACT_COLUMNS if fact != "treated_body_parts")
_TREE_WEIGHTS = BlockWeights(0.0, 0.0, 0.0, facts=1.0, numbers=1.0, case_size=1.0, facts_used=_TREE_FACTS)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Candidate:
    """A classifier with its parameters and feature weights.

    Attributes
    ----------
    weights : BlockWeights
        Weights of the feature blocks. The summary is more informative about the outcome, the request and the UR
        guideline about the family.
    """

    weights: BlockWeights = _OUTCOME_WEIGHTS

    @property
    def classifier(self) -> str:
        """Name of the classifier; each subclass sets it."""
        raise NotImplementedError

    def build(self, seed: int) -> Any:
        """Return an unfitted binary classifier."""
        return self._build(seed)

    def _build(self, seed: int) -> Any:
        raise NotImplementedError

    def outcome_classifier(self, seed: int) -> CalibratedLogisticClassifier:
        """Return an unfitted outcome classifier."""
        return CalibratedClassifier(self.build(seed), random_state=seed)

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if self._needs_counts and (self.weights.numbers or self.weights.case_size):
            raise ValueError(
                f"weights.numbers and weights.case_size should be 0: {self.classifier} takes no values below 0"
            )
        return self

    @property
    def _needs_counts(self) -> bool:
        return bool({"complement_nb", "nb_svm"} & {self.classifier, *getattr(self, "bases", ())})


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class LogisticRegression(Candidate):
    """Logistic regression; `C` is the inverse strength of the penalty."""

    classifier: Literal["logistic_regression"] = "logistic_regression"
    C: Positive = 0.3

    def _build(self, seed: int) -> Any:
        return sparse_logistic_regression(self.C, seed)

    def outcome_classifier(self, seed: int) -> CalibratedLogisticClassifier:
        """Return an unfitted outcome classifier."""
        return CalibratedLogisticClassifier(self.C, random_state=seed)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class LinearSvm(Candidate):
    """Linear support vector machine; `C` is the inverse strength of the penalty."""

    classifier: Literal["linear_svm"] = "linear_svm"
    C: Positive = 0.01

    def _build(self, seed: int) -> Any:
        return linear_svm(self.C, seed)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class ComplementNb(Candidate):
    """Complement naive Bayes; `alpha` is added to every count."""

    weights: BlockWeights = _OUTCOME_COUNTS
    classifier: Literal["complement_nb"] = "complement_nb"
    alpha: Positive = 0.3

    def _build(self, seed: int) -> Any:  # noqa: ARG002
        return NaiveBayes(alpha=self.alpha)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class NbSvm(Candidate):
    """Linear support vector machine on naive Bayes weights; see `NaiveBayesSvm`."""

    weights: BlockWeights = _OUTCOME_COUNTS
    classifier: Literal["nb_svm"] = "nb_svm"
    C: Positive = 0.01
    alpha: Positive = 1.0

    def _build(self, seed: int) -> Any:
        return NaiveBayesSvm(self.C, self.alpha, random_state=seed)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class NearestNeighbors(Candidate):
    """Weighted vote of the most similar decided requests."""

    classifier: Literal["nearest_neighbors"] = "nearest_neighbors"
    n_neighbors: Count = 25

    def _build(self, seed: int) -> Any:  # noqa: ARG002
        return SimilarityVote(self.n_neighbors)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class GradientBoosting(Candidate):
    """Gradient boosted trees on the columns with the most entries; see `BoostedTrees`."""

    weights: BlockWeights = _TREE_WEIGHTS
    classifier: Literal["gradient_boosting"] = "gradient_boosting"
    max_iter: Count = 40
    max_leaf_nodes: Annotated[int, Field(ge=2)] = 3
    learning_rate: Positive = 0.1
    min_samples_leaf: Count = 5

    def _build(self, seed: int) -> Any:
        return BoostedTrees(
            max_iter=self.max_iter,
            max_leaf_nodes=self.max_leaf_nodes,
            learning_rate=self.learning_rate,
            min_samples_leaf=self.min_samples_leaf,
            early_stopping=False,
            random_state=seed,
        )


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Combined(Candidate):
    """Several base classifiers with default parameters on the same features."""

    bases: Bases = _BASES

    def _build_bases(self, seed: int) -> list[tuple[str, Any]]:
        types = FAMILY_CANDIDATE_TYPES if isinstance(self, FamilyCandidate) else OUTCOME_CANDIDATE_TYPES
        return [(name, types[name]().build(seed)) for name in self.bases]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class AveragedClassifiers(_Combined):
    """Mean probability of the base classifiers."""

    classifier: Literal["averaged"] = "averaged"

    def _build(self, seed: int) -> Any:
        return VotingClassifier(self._build_bases(seed), voting="soft")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class StackedClassifiers(_Combined):
    """Logistic regression on held-out probabilities of the base classifiers; `C` is its inverse penalty strength."""

    classifier: Literal["stacked"] = "stacked"
    C: Positive = 1.0

    def _build(self, seed: int) -> Any:
        return Stacked(self._build_bases(seed), self.C, seed)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyCandidate(Candidate):
    """A binary classifier and its arrangement for predicting guideline families."""

    weights: BlockWeights = _FAMILY_WEIGHTS
    arrangement: Arrangement = "per_family"

    def family_classifier(self, seed: int) -> GuidelineFamilyClassifier:
        """Return an unfitted family classifier."""
        return ArrangedFamilyClassifier(self.build(seed), self.arrangement, random_state=seed, exclusive=NONE)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyLogisticRegression(FamilyCandidate, LogisticRegression):
    """Logistic regression for families."""

    C: Positive = 3.0


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyLinearSvm(FamilyCandidate, LinearSvm):
    """Linear support vector machine for families."""

    weights: BlockWeights = _FAMILY_PAIRS
    C: Positive = 0.06

    def family_classifier(self, seed: int) -> GuidelineFamilyClassifier:
        """Return an unfitted family classifier."""
        if self.arrangement == "per_family":
            return GuidelineFamilyClassifier(self.C, random_state=seed, exclusive=NONE)
        return super().family_classifier(seed)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyComplementNb(FamilyCandidate, ComplementNb):
    """Complement naive Bayes for families."""

    alpha: Positive = 0.1


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyNbSvm(FamilyCandidate, NbSvm):
    """Linear support vector machine on naive Bayes weights, for families."""

    C: Positive = 0.1


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyNearestNeighbors(FamilyCandidate, NearestNeighbors):
    """Weighted vote of the most similar decided requests, for families."""

    n_neighbors: Count = 9


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyGradientBoosting(FamilyCandidate, GradientBoosting):
    """Gradient boosted trees for families."""

    weights: BlockWeights = _TREE_WEIGHTS


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyAveraged(FamilyCandidate, AveragedClassifiers):
    """Mean probability of several classifiers, for families."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class FamilyStacked(FamilyCandidate, StackedClassifiers):
    """Logistic regression on several classifiers, for families."""


AnyOutcome = Annotated[
    LogisticRegression
    | LinearSvm
    | ComplementNb
    | NbSvm
    | NearestNeighbors
    | GradientBoosting
    | AveragedClassifiers
    | StackedClassifiers,
    Field(discriminator="classifier"),
]
AnyFamily = Annotated[
    FamilyLinearSvm
    | FamilyLogisticRegression
    | FamilyComplementNb
    | FamilyNbSvm
    | FamilyNearestNeighbors
    | FamilyGradientBoosting
    | FamilyAveraged
    | FamilyStacked,
    Field(discriminator="classifier"),
]


OUTCOME_CANDIDATE_TYPES: dict[str, type[Candidate]] = {
    candidate.classifier: candidate for candidate in get_args(get_args(AnyOutcome)[0])
}
FAMILY_CANDIDATE_TYPES: dict[str, type[FamilyCandidate]] = {
    candidate.classifier: candidate for candidate in get_args(get_args(AnyFamily)[0])
}
DEFAULT_OUTCOME = (LogisticRegression(),)
DEFAULT_FAMILIES = (FamilyLinearSvm(), FamilyLinearSvm(C=0.3, weights=_FAMILY_WORDS))
