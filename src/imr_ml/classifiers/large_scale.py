"""Fit linear classifiers on large tables in time linear in the number of requests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupKFold

from imr_ml.features.rows import FeatureRows

_MAX_ITERATIONS = 300
_TOLERANCE = 1e-5
_EPOCHS = 10
_JOBS = 2


def fit_logistic_regression(
    rows: FeatureRows,
    truth: NDArray[np.bool_],
    weights: NDArray[np.float64],
    C: float,  # noqa: N803
    start: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Return coefficients and intercept of a logistic regression, equal to those of liblinear within tolerance.

    As in liblinear, the intercept is penalized, too.

    Parameters
    ----------
    rows : FeatureRows
    truth : (rows,) bool
    weights : (rows,) float
        Row weights; rows of weight 0 are ignored.
    C : float
        Inverse strength of the penalty.
    start : (features + 1,) float, optional
        Coefficients and intercept to start from.
    """
    from scipy.optimize import minimize

    side, total = np.where(truth, np.float32(1), np.float32(-1)), C * weights.sum()

    def loss_and_gradient(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = side * (rows @ values[:-1].astype(np.float32) + np.float32(values[-1]))
        slopes = -C * weights * side * expit(-margins)
        loss = C * (weights @ np.logaddexp(0, -margins)) + values @ values / 2
        gradient = np.append(rows.transposed_product(slopes.astype(np.float32)), slopes.sum()) + values
        # The mean over rows makes the tolerance independent of their number.
        return loss / total, gradient / total

    first = np.zeros(rows.shape[1] + 1) if start is None else start
    options = {"maxiter": _MAX_ITERATIONS, "ftol": _TOLERANCE, "gtol": _TOLERANCE}
    fitted = minimize(loss_and_gradient, first, jac=True, method="L-BFGS-B", options=options).x
    return fitted[:-1], float(fitted[-1])


def fit_machines(
    X: Any,  # noqa: N803
    y: NDArray[np.bool_],
    C: float,  # noqa: N803
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coefficients and intercepts of linear support vector machines, one for each column of `y`.

    Parameters
    ----------
    X : (rows, features) sparse matrix
    y : (rows, machines) bool
        Each column has both classes.
    C : float
        Inverse strength of the penalty.
    seed : int
    """
    from joblib import Parallel, delayed

    machine = SGDClassifier(
        loss="hinge", alpha=1 / (C * len(y)), average=True, max_iter=_EPOCHS, tol=None, random_state=seed
    )
    run = Parallel(_JOBS, prefer="threads")
    fitted = run(delayed(_fit_machine)(machine, X, column) for column in y.T)
    return np.array([coefficients for coefficients, _ in fitted]), np.array([intercept for _, intercept in fitted])


def _fit_machine(machine: SGDClassifier, X: Any, truth: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:  # noqa: N803
    fitted = clone(machine).fit(X, truth)
    return fitted.coef_[0], float(fitted.intercept_[0])


def held_out_part(groups: NDArray[np.generic], folds: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into training rows and one held-out part of the groups.

    Parameters
    ----------
    groups : (rows,) array
    folds : int
        Number of parts that the groups are divided into.
    seed : int
    """
    train, test = next(GroupKFold(folds, shuffle=True, random_state=seed).split(groups, groups=groups))
    return train, test
