"""What is true of sample letters, as a table: what each item was drawn with, one row an item.

Knows the facts and the columns of the table. Knows nothing of letters' text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.guidelines.types import FAMILIES
from imr_ml.sample.facts import Format
from imr_ml.sample.families import family_probabilities

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from imr_ml.sample.facts import ItemFacts, LetterFacts
    from imr_ml.sample.model import Model

_TEXTS = ("case_number", "format", "category", "treatment", "kind", "body_part", "signals", "outcome", "families")


def truth_schema() -> pa.Schema:
    """Columns of the truth and their types.

    ``p_overturned`` is the probability that the outcome was drawn with, ``p_<family>`` that the reviewer cites the
    family: both as they are for one who knows every fact that the letter states before the decision. ``signals`` are
    those present in the record.
    """
    import pyarrow as pa

    numbers = ("p_overturned", *(f"p_{family}" for family in FAMILIES))
    fields = [("case_number", pa.string()), ("item", pa.int16())]
    fields += [(name, pa.string()) for name in _TEXTS[1:]] + [(name, pa.float64()) for name in numbers]
    return pa.schema(fields)


def truth_rows(case_number: str, facts: LetterFacts, model: Model) -> Iterator[dict[str, object]]:
    """Rows of one letter, in the order of its items."""
    present = "|".join(name for name, is_present in facts.signals.items() if is_present)
    for number, item in enumerate(facts.items, start=1):
        decided = facts.items[0] if facts.format is Format.PROFESSIONAL_REVIEW else item
        row = {"case_number": case_number, "item": number, "format": facts.format.value, "signals": present}
        cited = family_probabilities(decided, facts, model.citing)
        yield row | _item_fields(item) | {f"p_{family}": round(p, 6) for family, p in zip(FAMILIES, cited, strict=True)}


def _item_fields(item: ItemFacts) -> dict[str, object]:
    return {
        "category": item.treatment.category,
        "treatment": item.treatment.name,
        "kind": item.treatment.kind,
        "body_part": item.region.name,
        "outcome": "overturned" if item.overturned else "upheld",
        "families": "|".join(family for family in FAMILIES if family in item.families),
        "p_overturned": item.p_overturned,
    }
