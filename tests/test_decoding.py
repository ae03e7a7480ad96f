"""The encoding of a text file is detected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.decoding import Encoding, decode_text, detect_encoding

WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
WORDS = "The worker\u2019s knee locks \u2013 twice a day, \u201cat work\u201d."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", *WIDE, "cp1252", "mac_roman"])
def test_each_encoding_is_detected(encoding):
    assert decode_text(WORDS.encode(encoding)) == WORDS


@pytest.mark.parametrize("encoding", WIDE)
def test_the_byte_order_mark_of_a_wide_text_is_removed(encoding):
    assert decode_text(f"\ufeff{WORDS}".encode(encoding)) == WORDS


def test_a_truncated_wide_text_is_decoded():
    assert decode_text(WORDS.encode("utf-16")[:-1]).startswith(WORDS[:-1])


def test_a_text_with_a_few_invalid_bytes_is_still_utf_8():
    assert decode_text(WORDS.encode() * 4 + b"\xe2 end") == WORDS * 4 + "\ufffd end"


def test_an_empty_file_is_an_empty_text():
    assert decode_text(b"") == ""


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_can_be_decoded(content, size):
    blocks = [content[start : start + size] for start in range(0, len(content), size)]

    assert isinstance(detect_encoding(blocks), Encoding)
    assert isinstance(decode_text(content), str)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=100))
def test_utf_8_round_trips(text):
    assert decode_text(text.encode()) == text.removeprefix("\ufeff")
