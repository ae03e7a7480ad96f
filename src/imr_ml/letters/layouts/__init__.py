"""The layouts that determinations were published in since 2013, each a module of its own.

A layout knows its headings and the style of its items.
"""

from imr_ml.letters.layouts import current, earliest, letter_2013, professional_review
from imr_ml.letters.layouts.layout import Layout

LAYOUTS: tuple[Layout, ...] = (
    current.LAYOUT,
    letter_2013.LAYOUT,
    professional_review.LAYOUT,
    earliest.LAYOUT,
)

__all__ = ["LAYOUTS", "Layout"]
