"""Sentence vectors, where the optional package is installed."""

import numpy as np
import pandas as pd
import pytest

from imr_ml.ladder import embeddings

TEXTS = pd.DataFrame(
    {
        "request": ["MRI of the left knee", "magnetic resonance imaging, left knee", "Norco 10/325mg #60"],
        "clinical_summary": ["Twisted her knee on a ladder.", None, "Fell from a step."],
        "ur_guideline": [None, None, None],
    }
)


class Counting:
    """Stands for the model: a text's vector is its length; counts the texts it reads."""

    def __init__(self):
        self.read = 0

    def encode(self, texts, **settings):
        self.read += len(texts)
        return np.array([[len(text), 1.0] for text in texts])


def test_a_text_is_read_once_and_every_row_has_its_vector():
    model = Counting()
    frame = pd.concat([TEXTS, TEXTS], ignore_index=True)
    vectors = embeddings.section_vectors(embeddings.with_vectors(frame, model), ("request", "clinical_summary"))
    assert model.read == 3 + 3 + 1
    assert vectors[:, 0].tolist() == frame["request"].str.len().tolist()
    assert vectors.shape == (6, 4)


def test_vectors_are_computed_where_they_are_missing():
    vectors = embeddings.section_vectors(TEXTS, ("request",), Counting())
    prepared = embeddings.with_vectors(TEXTS, Counting())
    assert np.array_equal(vectors, embeddings.section_vectors(prepared, ("request",)))


@pytest.mark.slow
def test_like_requests_have_like_vectors():
    pytest.importorskip(embeddings.MODULE, reason="needs the optional package: pip install 'imr-ml[embeddings]'")
    vectors = embeddings.section_vectors(TEXTS, ("request",))
    assert vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
