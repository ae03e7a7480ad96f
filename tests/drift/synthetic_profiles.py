"""Synthetic profiles."""

from __future__ import annotations

import numpy as np

from imr_ml.profiles import Profile

CATEGORIES = ("Pharmaceuticals", "Therapies", "Surgery", "Injection")


def make_profile(cases: int, seed: int, *, age: float = 45.0, shares: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1)):
    """Profile with one to four requests per case, which share age and summary but not request and category."""
    random = np.random.default_rng(seed)
    case = np.repeat(np.arange(cases), random.integers(1, 5, cases))
    rows = len(case)
    numbers = {
        "age": random.normal(age, 12, cases).round()[case],
        "summary_chars": random.lognormal(7, 0.5, cases).round(-1)[case],
        "request_chars": random.lognormal(4, 0.4, rows).round(),
        "p_overturned": random.beta(1, 8, rows).round(3),
    }
    numbers["age"][random.random(cases)[case] < 0.1] = np.nan
    labels = {"category": random.choice(CATEGORIES, rows, p=shares)}
    return Profile(case, {name: values.astype(np.float32) for name, values in numbers.items()}, labels, rows)


def select_cases(profile: Profile, cases: np.ndarray) -> Profile:
    """Return the part of a profile with these cases."""
    rows = np.isin(profile.case, cases)
    case = np.unique(profile.case[rows], return_inverse=True)[1]
    numbers = {name: values[rows] for name, values in profile.numbers.items()}
    return Profile(case, numbers, {name: values[rows] for name, values in profile.labels.items()}, int(rows.sum()))
