"""Report columns without information: families that never vary and texts without words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    import pandas as pd

    from imr_ml.classifiers.types import Labels

_TEXTS = ("request", "clinical_summary", "ur_guideline")
_WORD = re.compile(r"[^\W\d_]{2,}")


def constant_notes(requests: pd.DataFrame, labels: Labels) -> tuple[str, ...]:
    """Return a line for each column of decided requests that is empty or constant; missing columns are ignored."""
    return (*_families_note(labels), *_texts_without_words(requests))


def _families_note(labels: Labels) -> list[str]:
    cited = labels.families[0]
    if not labels.families_known or (labels.families != cited).any():
        return []
    names = FAMILY_SEPARATOR.join(name for name, is_cited in zip(FAMILIES, cited, strict=True) if is_cited)
    return [f"every request cites {names}: the family classifier predicts nothing else"]


def _texts_without_words(requests: pd.DataFrame) -> list[str]:
    texts = {name: requests[name].dropna() for name in _TEXTS if name in requests}
    # To the first word: as a column of text, a million summaries take gigabytes.
    return [
        f"no {name} has a word: nothing is learned from it"
        for name, values in texts.items()
        if len(values) and not any(_WORD.search(str(text)) for text in values)
    ]
