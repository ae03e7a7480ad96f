"""The vocabulary has a limited size, and forgotten words do not change views."""

import gc
import weakref

import pytest

from imr_ml.nlp import pipeline
from imr_ml.nlp.pipeline import MAX_WORDS, build_pipeline
from imr_ml.nlp.views import view_section

TEXT = "Unseenword of the left knee since 2014; denies quembolic spasm. Physical therapy 2x6 was tried."


@pytest.fixture
def full_vocabulary():
    """The string store of a pipeline, filled to its limit."""
    build_pipeline.cache_clear()
    strings = build_pipeline(True).nlp.vocab.strings
    for number in range(MAX_WORDS):
        strings.add(f"word{number}")
    yield strings
    build_pipeline.cache_clear()


def test_a_full_vocabulary_keeps_no_new_word(full_vocabulary):
    before = len(full_vocabulary)
    for number in range(50):
        view_section(f"{TEXT} another{number} and yet{number}")
    assert len(full_vocabulary) == before


def test_a_full_vocabulary_gives_the_same_view(full_vocabulary):
    view_of_full_vocabulary = view_section(TEXT)
    build_pipeline.cache_clear()
    assert view_section(TEXT) == view_of_full_vocabulary
    assert "unseenword" in view_of_full_vocabulary.tokens


def test_a_vocabulary_that_has_forgotten_many_words_is_rebuilt(full_vocabulary, monkeypatch):
    monkeypatch.setattr(pipeline, "MAX_FORGOTTEN", 30)
    first = weakref.ref(build_pipeline(True).nlp)
    views = [view_section(f"{TEXT} another{number}") for number in range(30)]
    gc.collect()
    assert first() is None
    assert build_pipeline(True).forgotten == 0
    assert {view.facts for view in views} == {view_section(TEXT).facts}
    assert [view.tokens[-5:] for view in views] == [
        view_section(f"{TEXT} another{number}").tokens[-5:] for number in range(30)
    ]


def test_a_vocabulary_with_room_is_not_rebuilt(monkeypatch):
    monkeypatch.setattr(pipeline, "MAX_FORGOTTEN", 1)
    build_pipeline.cache_clear()
    first = build_pipeline(True)
    for number in range(5):
        view_section(f"{TEXT} another{number}")
    assert build_pipeline(True) is first
