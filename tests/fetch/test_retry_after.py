"""Parse the ``Retry-After`` header."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.fetch.client import retry_after_s

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@given(st.integers(min_value=0, max_value=10**9))
def test_seconds_are_parsed(seconds):
    assert retry_after_s(f" {seconds} ", NOON) == seconds


@given(st.integers(min_value=-(10**8), max_value=10**8))
def test_dates_are_parsed(seconds):
    moment = format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)

    assert retry_after_s(moment, NOON) == max(0, seconds)


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "Mon, 99 Jan 2026 12:00:00 GMT", "١٢"])
def test_other_text_is_none(value):
    assert retry_after_s(value, NOON) is None


@given(st.text(max_size=60))
def test_no_header_raises_an_error(value):
    waited = retry_after_s(value, NOON)

    assert waited is None or waited >= 0
