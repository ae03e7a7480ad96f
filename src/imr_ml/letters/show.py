"""Render a letter for the terminal or as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from imr_ml.guidelines.types import Citation
from imr_ml.letters.types import DisputedItem, Letter, Outcome, read_partial

_STYLES = {Outcome.UPHELD: "bold red", Outcome.OVERTURNED: "bold green"}
_DATES = {
    "Date of injury": "date_of_injury",
    "UR denial": "ur_denial_date",
    "Application received": "application_received",
    "Assigned": "date_assigned",
    "Decision": "decision_date",
}


def letter_view(letter: Letter) -> RenderableType:
    """Render a letter with Rich: header, warnings, summary, and items with outcome, citations and rationale."""
    parts: list[RenderableType] = [_header(letter)]
    parts += [Text(f"warning: {warning}", style="yellow") for warning in letter.warnings]
    if letter.clinical_summary:
        parts += [Text("\nClinical case summary", style="bold"), Padding(Text(letter.clinical_summary), (0, 2))]
    for item in letter.items:
        parts += ["", *_item_view(item)]
    return Group(*parts)


def letter_json(letter: Letter) -> str:
    """Format the letter as one JSON object with the fields of `Letter`; dates are ISO 8601.

    Each item also has `requested`, `authorized` and `disputed`.
    """
    fields = dataclasses.asdict(letter)
    for item_fields, item in zip(fields["items"], letter.items, strict=True):
        item_fields |= read_partial(item.request)._asdict()
    return json.dumps(fields, ensure_ascii=False, indent=2, default=str)


def citation_line(citation: Citation) -> str:
    """Format a citation on one line.

    Examples
    --------
    >>> from imr_ml.guidelines.citations import find_citations
    >>> citation_line(find_citations("Decision based on MTUS ACOEM Chapter 12 Low Back Complaints Page(s): 298-9.")[0])
    'acoem: MTUS Low Back Complaints, chapter 12, p. 298-9'
    """
    where = [f"chapter {citation.chapter}"] if citation.chapter else []
    where += [str(citation.year)] if citation.year else []
    where += [f"p. {first}" if first == last else f"p. {first}-{last}" for first, last in citation.pages]
    sections = f" ({'; '.join(citation.sections)})" if citation.sections else ""
    title = f"MTUS {citation.title}" if citation.mtus else citation.title
    return f"{citation.family.value}: {', '.join([title, *where])}{sections}"


def _header(letter: Letter) -> Table:
    table = Table.grid(padding=(0, 2))
    origin = "" if letter.case_number_from == "header" else f" (from the {letter.case_number_from})"
    rows = {
        "Case": letter.case_number + origin if letter.case_number else None,
        "Layout": f"{letter.layout} letter"
        + (", SAMPLE" if letter.is_sample else "")
        + (", by OCR" if letter.text_from == "ocr" else ""),
        "Priority": letter.priority,
        **{label: str(getattr(letter, field) or "") for label, field in _DATES.items()},
        "Reviewer": "; ".join(filter(None, (", ".join(letter.specialties), ", ".join(letter.licensure)))),
    }
    for label, value in rows.items():
        if value:
            table.add_row(Text(label, style="dim"), Text(value))
    return table


def _item_view(item: DisputedItem) -> list[RenderableType]:
    heading = Text.assemble(
        (f"{item.number}. {item.disputed}: ", "bold"), (item.outcome.capitalize(), _STYLES[item.outcome])
    )
    lines = [f"of {item.requested}; authorized: {item.authorized}"] if item.authorized else []
    lines += _citation_lines("Claims administrator", item.ur_guideline, item.ur_citations)
    lines += _citation_lines("Reviewer", item.imr_guideline, item.imr_citations)
    return [heading, Padding(Text("\n".join(lines)), (0, 2)), Padding(Text(item.rationale or "", style="dim"), (0, 2))]


def _citation_lines(who: str, paragraph: str | None, citations: Sequence[Citation]) -> list[str]:
    if paragraph is None:
        return []
    return [f"{who} cites {citation_line(citation)}" for citation in citations] or [f"{who} cites nothing"]
