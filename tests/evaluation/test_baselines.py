"""Baselines that a model must beat."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from imr_ml.classifiers.types import Labels
from imr_ml.evaluation.baselines import BaseRate, PlainText, UrFamilies, WordVectorizer
from imr_ml.guidelines.types import FAMILIES


def indicator(*cited: str) -> np.ndarray:
    return np.array([[family in row.split("|") for family in FAMILIES] for row in cited])


TRAIN = pd.DataFrame(
    {
        "request": ["MRI of the knee", "Norco", "MRI of the neck", "Norco and more"],
        "clinical_summary": ["Better.", "Worse.", "Better.", "Worse."],
        "ur_guideline": ["Knee Complaints", "Opioids", "Neck", "Opioids"],
        "ur_families": ["acoem", "opioids", "acoem", "opioids"],
    }
)
LABELS = Labels(
    overturned=np.array([True, False, True, False]),
    families=indicator("acoem", "opioids", "acoem", "acoem|opioids"),
    decided_year=np.full(4, np.nan),
)
GROUPS = np.arange(4)


def test_the_base_rate_is_the_rate_of_each_label():
    predictions = BaseRate(LABELS).fit(TRAIN, LABELS, GROUPS).predict(TRAIN.iloc[:2])

    assert predictions.p_overturned.tolist() == [0.5, 0.5]
    assert predictions.family_probability[0].tolist() == [0.75, 0, 0.5, 0, 0, 0, 0, 0]
    assert (predictions.family_set == indicator("acoem", "acoem")).all()


@pytest.mark.parametrize(
    ("ur_families", "families", "most_likely"),
    [
        ("opioids", "opioids", "opioids"),
        ("opioids odg", "opioids|odg", "opioids"),
        ("acoem opioids", "acoem|opioids", "acoem"),
        ("none", "none", "none"),
        ("_absent", "acoem", "acoem"),
    ],
)
def test_ur_families_predicts_the_cited_families_or_the_most_common(ur_families, families, most_likely):
    predictions = UrFamilies().fit(TRAIN, LABELS, GROUPS).predict(pd.DataFrame({"ur_families": [ur_families]}))

    assert (predictions.family_set == indicator(families)).all()
    assert FAMILIES[predictions.family_probability[0].argmax()] == most_likely
    assert predictions.family_probability.min() >= 0


def test_plain_text_learns_from_the_words():
    model = PlainText().fit(TRAIN, LABELS, GROUPS)
    frame = pd.DataFrame({"request": ["MRI", "Norco", ""], "clinical_summary": ["Better", "Worse", None]})

    predictions = model.predict(frame.assign(ur_guideline=["", "Opioids", None]))

    assert predictions.p_overturned[0] > 0.5 > predictions.p_overturned[1]
    assert FAMILIES[predictions.family_probability[0].argmax()] == "acoem"
    assert predictions.family_set.any(axis=1).all()
    assert (predictions.family_probability[:, FAMILIES.index("odg")] == 0).all()


@given(texts=st.lists(st.text("ab Ü1,'-\n", max_size=12), min_size=2, max_size=6))
def test_word_features_equal_scikit_learns_exactly(texts):
    corpus = [*texts, "MRI of the Knee", "knee, of it"]

    word_vectorizer, tfidf_vectorizer = (
        kind(sublinear_tf=True, ngram_range=(1, 2)).fit(corpus) for kind in (WordVectorizer, TfidfVectorizer)
    )

    assert word_vectorizer.get_feature_names_out().tolist() == tfidf_vectorizer.get_feature_names_out().tolist()
    for documents in (corpus, ["the knee of it"], [""]):
        actual, expected = word_vectorizer.transform(documents), tfidf_vectorizer.transform(documents)
        assert actual.indices.tolist() == expected.indices.tolist()
        assert actual.data.tolist() == expected.data.tolist()
