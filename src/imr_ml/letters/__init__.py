"""Letters: PDF or text -> `Letter` with its `DisputedItem`s.

Knows layout, sections, dates and items. Knows nothing of spaCy, pandas or models.
"""

from imr_ml.letters.reader import read_letter
from imr_ml.letters.types import DisputedItem, Letter, LetterError, Outcome

__all__ = ["DisputedItem", "Letter", "LetterError", "Outcome", "read_letter"]
