"""Tokens of a text, and their character spans."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imr_ml.nlp.types import Fact, NlpSettings, SectionView
from imr_ml.nlp.views import view_section, view_sections

WORDS = [
    "MRI of the left knee",
    "no spasm, 2-3 times a week",
    "for 6 weeks;",
    "Norco 10/325mg #60",
    "EMG/NCV",
]
WORDS += [
    "Spurling's sign",
    "denies numbness.",
    "10-13-16",
    "October 10, 2015",
    "CM16-0213037",
    "(12 sessions)",
]
WORDS += [
    "PT/OT",
    "l4-l5",
    "\u00b0",
    "\u2019",
    "Stra\u00dfe",
    "\u0130",
    "x-ray",
    "\ufb01nger",
    "doesn't",
    "times 8",
]
WORDS += ["oriented", "sessions", "refills:", "the request is", "medically necessary.", "two"]
SPACES = st.text(alphabet=" \t\n\u00a0", min_size=1, max_size=4)


def prose() -> st.SearchStrategy[str]:
    """Clinical words in any order, mixed with arbitrary characters and separated by any white space."""
    piece = st.one_of(st.sampled_from(WORDS), st.text(max_size=8))
    return st.lists(st.tuples(piece, SPACES), max_size=15).map(lambda parts: "".join(a + b for a, b in parts))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EMG/NCV of the LEFT wrist", "emg ncv of the left wrist"),
        ("X-ray, right hand.", "x ray right hand"),
        ("L4-L5 disc; C6 level", "l4 l5 disc c6 level"),
        ("Spurling\u2019s sign doesn't hurt", "spurling sign doesn't hurt"),
        ("2nd visit, 50mg", "visit mg"),
        ("follow-up.The plan", "follow up the plan"),
    ],
)
def test_words_are_lower_case_without_numbers_punctuation_or_possessives(text, words):
    view = view_section(text, NlpSettings(canonical_tokens=False))
    assert " ".join(view.tokens) == words


def test_facts_and_quantities_follow_the_words_as_canonical_tokens():
    view = view_section("Cyclobenzaprine 10mg #60 for lumbar spasm")
    words, canonical = view.tokens[:5], view.tokens[5:]
    assert words == ("cyclobenzaprine", "mg", "for", "lumbar", "spasm")
    assert set(canonical) == {
        "drug=cyclobenzaprine",
        "class=muscle_relaxant",
        "body=lumbar_spine",
        "finding=spasm",
        "dose_mg_10",
        "count_60",
    }


def test_a_fact_has_its_rule_and_its_character_span():
    text = "Plan:  MRI of the\nlow  back"
    facts = view_section(text).facts
    assert facts[0] == Fact("treatment", "mri", 7, 10, False, "treatments.toml:mri")
    assert [text[fact.start : fact.end] for fact in facts] == ["MRI", "low  back"]


def test_the_longest_phrase_of_a_kind_wins_and_kinds_may_overlap():
    facts = view_section("lumbar epidural steroid injection").facts
    assert [(fact.kind, fact.value) for fact in facts if fact.kind in ("treatment", "body")] == [
        ("treatment", "epidural_injection"),
        ("body", "lumbar_spine"),
    ]


def test_ambiguous_abbreviations_match_only_in_capitals():
    assert "treatment=physical_therapy" in view_section("PT for the neck").tokens
    assert "treatment=physical_therapy" not in view_section("The pt has neck pain").tokens


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "...", "12 34"])
def test_a_text_without_words_gives_no_tokens(text):
    assert view_section(text).tokens == ()


def test_settings_omit_offsets_and_canonical_tokens():
    view = view_section("MRI, 6 visits", NlpSettings(canonical_tokens=False, offsets=False))
    assert (view.tokens, view.offsets) == (("mri", "visits"), ())
    assert len(view.facts) == 1


@settings(deadline=None, max_examples=150)
@given(prose())
def test_the_offsets_of_each_token_are_those_of_its_text(text):
    view = view_section(text)
    assert len(view.tokens) == len(view.offsets)
    for token, (start, end) in zip(view.tokens, view.offsets, strict=True):
        assert 0 <= start < end <= len(text)
        source = "".join(low if len(low := char.lower()) == 1 else char for char in text[start:end])
        is_word = "=" not in token and "_" not in token.removeprefix("no_")
        assert not is_word or token.removeprefix("no_") == source.replace("\u2019", "'").replace("\u02bc", "'")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(WORDS), max_size=12), st.lists(SPACES, min_size=12, max_size=12))
def test_white_space_does_not_change_tokens(words, spaces):
    spaced = "".join(word + space for word, space in zip(words, spaces, strict=False))
    assert view_section(spaced).tokens == view_section(" ".join(words)).tokens


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["mri", "of", "the", "knee", "no", "spasm", "x", "ray", "pt"]), min_size=1, max_size=8))
def test_plain_words_have_the_same_tokens_and_offsets_as_with_other_characters(words):
    plain = " ".join(words)
    assert view_section(plain) == view_section(f"{plain} \u00b0")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["MRI of the knee", "no spasm", "", "Norco #60"]), max_size=20))
def test_many_texts_have_the_same_views_as_one_by_one_in_order(texts):
    assert list(view_sections(texts)) == [view_section(text) for text in texts]


def test_views_of_a_long_stream_are_in_order():
    texts = [f"MRI level l{number % 700}" for number in range(1500)]
    words = [view.tokens[2] for view in view_sections(texts)]
    assert words == [text.split()[2] for text in texts]


def test_a_stream_is_read_lazily():
    def texts():
        yield from ["MRI"] * 200
        raise RuntimeError("read too far ahead")

    assert next(view_sections(texts())) == view_section("MRI")


def test_a_view_is_empty_by_default():
    assert SectionView() == view_section("")
