"""Format capitals, lists, numbers and dates in several styles."""

from __future__ import annotations

from calendar import month_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_UNITS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "twenty-one",
    "twenty-two",
    "twenty-three",
    "twenty-four",
)


def capital(text: str) -> str:
    """Write a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """Write a text with a small first letter, unless it opens with an abbreviation such as "MRI"."""
    return text if text[1:2].isupper() or not text[1:2].isalpha() else text[:1].lower() + text[1:]


def in_words(number: int) -> str:
    """Write a number in words up to twenty-four, in digits above."""
    return _UNITS[number] if number < len(_UNITS) else str(number)


def listed(parts: Sequence[str]) -> str:
    """Join parts by commas and "and"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def dated(day: date, style: str) -> str:
    """Write a date: dash 3-5-16, slash 3/5/2016, long_dash 03-05-2016, long_slash 03/05/2016, or in words."""
    if style == "dash":
        return f"{day.month}-{day.day}-{day.year % 100:02d}"
    if style == "slash":
        return f"{day.month}/{day.day}/{day.year}"
    if style == "long_dash":
        return f"{day.month:02d}-{day.day:02d}-{day.year}"
    if style == "words":
        return f"{month_name[day.month]} {day.day}, {day.year}"
    return f"{day.month:02d}/{day.day:02d}/{day.year}"
