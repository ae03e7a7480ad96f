"""What masking determination language costs: the same model with and without it, on the same folds.

Knows out-of-fold predictions of both. Knows nothing of how texts are read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imr_ml.classifiers.types import Labels
from imr_ml.evaluation.comparison import difference_of, metric_of, metrics_of
from imr_ml.evaluation.cross_validation import OutOfFold
from imr_ml.evaluation.intervals import Estimate, estimate, resampled
from imr_ml.evaluation.settings import EvaluationSettings


@dataclass(frozen=True, slots=True)
class MaskingComparison:
    """The model on summaries with the sentences that state the reviewer's conclusion left out, and with them left in.

    Attributes
    ----------
    requests_masked : int
        Requests whose tokens masking changes.
    masked, unmasked : dict
        Metric -> `Estimate`.
    difference : dict
        Metric -> `Estimate` of masked minus unmasked over the same resamples: a value below 0 is what hindsight would
        have given, for a metric of which more is better.
    """

    requests_masked: int
    masked: dict[str, Estimate]
    unmasked: dict[str, Estimate]
    difference: dict[str, Estimate]


def compare_masking(
    masked: OutOfFold,
    unmasked: OutOfFold,
    labels: Labels,
    groups: NDArray[np.int64],
    settings: EvaluationSettings,
    changed: NDArray[np.bool_],
) -> MaskingComparison:
    """Every metric with and without masking, and the paired difference.

    Parameters
    ----------
    masked, unmasked : OutOfFold
        Predictions on the same folds.
    labels : Labels
    groups : (requests,) int
    settings : EvaluationSettings
    changed : (requests,) bool
        Requests whose tokens masking changes.
    """
    repeats, names = len(masked.repeats), metrics_of(labels)
    sides = {"masked": masked, "unmasked": unmasked}
    computed = {f"{side} {name}": metric_of(said, labels, name) for side, said in sides.items() for name in names}
    values = resampled(computed, groups, repeats, settings.resamples, settings.seed)

    def told(key: str) -> Estimate:
        return estimate(computed[key], values[key], len(groups), repeats)

    def apart(name: str) -> Estimate:
        first, second = f"masked {name}", f"unmasked {name}"
        both = difference_of(computed[first], computed[second])
        return estimate(both, values[first] - values[second], len(groups), repeats)

    return MaskingComparison(
        requests_masked=int(changed.sum()),
        masked={name: told(f"masked {name}") for name in names},
        unmasked={name: told(f"unmasked {name}") for name in names},
        difference={name: apart(name) for name in names},
    )
