"""How like real letters samples are: a classifier that tells them apart, what it uses, and the words both know.

Knows requests tables. Gives figures and single words that many letters hold, never text.
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
_WORDS_TOLD, _LETTERS_WITH_A_WORD = 12, 0.05


def likeness(samples: pd.DataFrame, real: pd.DataFrame) -> Iterator[Table]:
    """How well each section tells a sample from a real letter, by which words, and how many words both know."""
    apart = Table("section", "AUC", "words that say real", "words that say sample", title="real or sample?")
    headings = ("words of real letters", "known to samples", "of running words", "mean length", "of samples")
    shared = Table("section", *headings, title="vocabulary")
    for section in SECTIONS:
        texts = [_texts(one, section) for one in (real, samples)]
        apart.add_row(section, str(told_apart(*texts)), *(", ".join(words) for words in telling_words(*texts)))
        shared.add_row(section, *_vocabulary(*texts))
    yield apart
    yield shared


def told_apart(real: list[str], samples: list[str]) -> Estimate:
    """Cross-validated area under the ROC curve of a classifier of words; 0.5 where nothing tells them apart."""
    is_real = np.repeat([True, False], [len(real), len(samples)])
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    score = cross_val_predict(_classifier(), real + samples, is_real, cv=folds, method="predict_proba")[:, 1]

    def auc(_: int, weights: Weights) -> Values:
        return roc_auc(is_real, score, weights)

    return Bootstrap.over_cases({"auc": auc}, np.arange(len(is_real)), 1, _RESAMPLES, _SEED).estimate("auc")


def telling_words(real: list[str], samples: list[str]) -> tuple[list[str], list[str]]:
    """Words that weigh most for real and for sample, of those that many letters hold."""
    is_real = np.repeat([True, False], [len(real), len(samples)])
    words, regression = _classifier().fit(real + samples, is_real)
    shares = [np.asarray((words.transform(texts) > 0).mean(axis=0)).ravel() for texts in (real, samples)]
    frequent = np.flatnonzero(np.maximum(*shares) >= _LETTERS_WITH_A_WORD)
    ordered = words.get_feature_names_out()[frequent[np.argsort(regression.coef_[0][frequent])]]
    return list(ordered[::-1][:_WORDS_TOLD]), list(ordered[:_WORDS_TOLD])


def _classifier() -> Pipeline:
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=_WORD.pattern)
    return make_pipeline(words, LogisticRegression(C=10.0, max_iter=1000))


def _vocabulary(real: list[str], samples: list[str]) -> Iterable[str]:
    running = Counter(word for text in real for word in _WORD.findall(text.lower()))
    known = {word for text in samples for word in _WORD.findall(text.lower())}
    kept = {word: count for word, count in running.items() if word in known}
    yield f"{len(running):,}"
    yield f"{len(kept) / len(running):.0%}"
    yield f"{sum(kept.values()) / running.total():.1%}"
    yield from (f"{np.mean([len(text.split()) for text in texts]):.0f}" for texts in (real, samples))


def _texts(requests: pd.DataFrame, section: str) -> list[str]:
    """A section of each request, or once a case where its requests share it."""
    rows = requests.drop_duplicates("case_number") if section == "clinical_summary" else requests
    return [str(text) for text in rows[section].dropna()]
