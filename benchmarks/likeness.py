"""Measure how similar sample letters are to real ones: a classifier that separates them, its words, shared vocabulary.

Works on requests tables. Prints figures and single words that occur in many letters, never text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline

from imr_ml.evaluation.intervals import Bootstrap, Estimate
from imr_ml.evaluation.metrics import Values, Weights, roc_auc

SECTIONS = ("request", "ur_guideline", "clinical_summary")
_WORD = re.compile(r"[a-z][a-z'/-]+")
_FOLDS, _RESAMPLES, _SEED = 5, 1000, 0
_MAX_WORDS, _MIN_SHARE = 12, 0.05


def likeness(samples: pd.DataFrame, real: pd.DataFrame) -> Iterator[Table]:
    """Yield tables of how well each section separates real from sample letters, by which words, and of shared words."""
    separation = Table("section", "AUC", "words of real letters", "words of samples", title="real or sample?")
    headings = ("words of real letters", "also in samples", "of running words", "mean length", "of samples")
    shared = Table("section", *headings, title="vocabulary")
    for section in SECTIONS:
        texts = [_texts(requests, section) for requests in (real, samples)]
        words = (", ".join(group) for group in separating_words(*texts))
        separation.add_row(section, str(separation_auc(*texts)), *words)
        shared.add_row(section, *_vocabulary(*texts))
    yield separation
    yield shared


def separation_auc(real: list[str], samples: list[str]) -> Estimate:
    """Return the cross-validated ROC AUC of a classifier of words; 0.5 means that it cannot separate the two."""
    is_real = np.repeat([True, False], [len(real), len(samples)])
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    score = cross_val_predict(_classifier(), real + samples, is_real, cv=folds, method="predict_proba")[:, 1]

    def auc(_: int, weights: Weights) -> Values:
        return roc_auc(is_real, score, weights)

    return Bootstrap.over_cases({"auc": auc}, np.arange(len(is_real)), 1, _RESAMPLES, _SEED).estimate("auc")


def separating_words(real: list[str], samples: list[str]) -> tuple[list[str], list[str]]:
    """Return the words with the largest weights for real and for sample letters, among frequent words."""
    is_real = np.repeat([True, False], [len(real), len(samples)])
    words, regression = _classifier().fit(real + samples, is_real)
    shares = [np.asarray((words.transform(texts) > 0).mean(axis=0)).ravel() for texts in (real, samples)]
    frequent = np.flatnonzero(np.maximum(*shares) >= _MIN_SHARE)
    ordered = words.get_feature_names_out()[frequent[np.argsort(regression.coef_[0][frequent])]]
    return list(ordered[::-1][:_MAX_WORDS]), list(ordered[:_MAX_WORDS])


def _classifier() -> Pipeline:
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=_WORD.pattern)
    return make_pipeline(words, LogisticRegression(C=10.0, max_iter=1000))


def _vocabulary(real: list[str], samples: list[str]) -> Iterable[str]:
    running = Counter(word for text in real for word in _WORD.findall(text.lower()))
    sample_words = {word for text in samples for word in _WORD.findall(text.lower())}
    shared = {word: count for word, count in running.items() if word in sample_words}
    yield f"{len(running):,}"
    yield f"{len(shared) / len(running):.0%}"
    yield f"{sum(shared.values()) / running.total():.1%}"
    yield from (f"{np.mean([len(text.split()) for text in texts]):.0f}" for texts in (real, samples))


def _texts(requests: pd.DataFrame, section: str) -> list[str]:
    """Return a section of each request, or of each case if its requests share it."""
    rows = requests.drop_duplicates("case_number") if section == "clinical_summary" else requests
    return [str(text) for text in rows[section].dropna()]
