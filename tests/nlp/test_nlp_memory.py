"""The vocabulary stops growing, and what it forgets changes no view."""

import gc
import weakref

import pytest

from imr_ml.nlp import pipeline as pipelines
from imr_ml.nlp.pipeline import MAX_WORDS, pipeline
from imr_ml.nlp.views import view_section

TEXT = "Unseenword of the left knee since 2014; denies quembolic spasm. Physical therapy 2x6 was tried."


@pytest.fixture
def full_vocabulary():
    """The pipeline's string store with as many words as it remembers."""
    pipeline.cache_clear()
    strings = pipeline(True).nlp.vocab.strings
    for number in range(MAX_WORDS):
        strings.add(f"word{number}")
    yield strings
    pipeline.cache_clear()


def test_a_full_vocabulary_remembers_no_new_word(full_vocabulary):
    before = len(full_vocabulary)
    for number in range(50):
        view_section(f"{TEXT} another{number} and yet{number}")
    assert len(full_vocabulary) == before


def test_a_view_is_the_same_from_a_full_vocabulary(full_vocabulary):
    from_a_full_one = view_section(TEXT)
    pipeline.cache_clear()
    assert view_section(TEXT) == from_a_full_one
    assert "unseenword" in from_a_full_one.tokens


def test_a_vocabulary_that_has_forgotten_many_words_is_built_anew(full_vocabulary, monkeypatch):
    monkeypatch.setattr(pipelines, "MAX_FORGOTTEN", 30)
    first = weakref.ref(pipeline(True).nlp)
    views = [view_section(f"{TEXT} another{number}") for number in range(30)]
    gc.collect()
    assert first() is None
    assert pipeline(True).forgotten == 0
    assert {view.facts for view in views} == {view_section(TEXT).facts}
    assert [view.tokens[-5:] for view in views] == [
        view_section(f"{TEXT} another{number}").tokens[-5:] for number in range(30)
    ]


def test_a_vocabulary_with_room_is_never_built_anew(monkeypatch):
    monkeypatch.setattr(pipelines, "MAX_FORGOTTEN", 1)
    pipeline.cache_clear()
    built = pipeline(True)
    for number in range(5):
        view_section(f"{TEXT} another{number}")
    assert pipeline(True) is built
