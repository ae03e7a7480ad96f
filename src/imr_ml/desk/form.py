"""The fields of the page: columns that a model may use, as people call them, and what a letter fills into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, Column, Role
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.errors import ImrError
from imr_ml.features.frame import CODE_COLUMNS
from imr_ml.ingest.dmhc import SOURCE as DMHC
from imr_ml.reporting.names import SECTION_NAMES

if TYPE_CHECKING:
    from imr_ml.letters.types import Letter

MAX_CHARACTERS = 100_000
"""Of one field; no summary comes near."""
TEXTS = ("request", "clinical_summary", "ur_guideline")
TEXT_LABELS = {name: SECTION_NAMES[name] for name in TEXTS}
_HIDDEN = ("case_number", "item")
# Read from the texts as they are edited, so that a letter does not fix them.
_FROM_TEXTS = ("ur_families", "age", "sex", "category")
_LABELS = {
    "items_in_case": "Requests in the case",
    "ur_denial_date": "Denied by UR",
    "application_received": "Application received",
    "age": "Age in years",
}


class DeskError(ImrError):
    """What the page was given or the desk was started with can't be used; the message says why, and holds no text."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the page.

    Attributes
    ----------
    name : str
        Column of the requests table.
    label : str
    kind : str
        ``text``, ``date`` or ``number``.
    choices : tuple of str
        Values that it may have; empty where any may stand.
    """

    name: str
    label: str
    kind: str
    choices: tuple[str, ...]


def fields_for(source: str) -> list[Field]:
    """Fields besides the texts that a model trained on a source may use."""
    others = (
        column for column in COLUMNS if column.role is Role.FEATURE and column.name not in (*TEXTS, "ur_families")
    )
    return [_field(column) for column in others if source == DMHC or column.name not in CODE_COLUMNS]


def check_fields(given: object, source: str) -> dict[str, str]:
    """Fields as a row of the requests table, without those that are empty.

    Parameters
    ----------
    given : object
        Parsed from what the page sent.
    source : str
        Of the model's training data.

    Raises
    ------
    DeskError
        For anything but texts by the names of fields, and for a text that is too long.
    """
    names = (*TEXTS, *_HIDDEN, *(field.name for field in fields_for(source)))
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise DeskError("send one JSON object of texts")
    if not given.keys() <= set(names):
        raise DeskError(f"unknown field(s); known are {', '.join(names)}")
    too_long = [name for name, value in given.items() if len(value) > MAX_CHARACTERS]
    if too_long:
        raise DeskError(f"{', '.join(too_long)}: longer than {MAX_CHARACTERS:,} characters; shorten it")
    # Half of a pair of UTF-16 is no character; one in its place leaves all others where they are.
    texts = {name: value.encode("utf-8", "replace").decode() for name, value in given.items()}
    return {name: text for name, text in texts.items() if text.strip()}


def letter_fields(letter: Letter, name: str) -> list[dict[str, str]]:
    """Fields of each request of a letter, as the page shows them."""
    wanted = [column.name for column in COLUMNS if column.role is Role.FEATURE and column.name not in _FROM_TEXTS]
    requests = build_requests([ReadLetter(letter, name, "")])[[*_HIDDEN, *wanted]].astype("object")
    rows = requests.where(requests.notna(), None).to_dict("records")
    return [{str(column): _text(value) for column, value in row.items() if value is not None} for row in rows]


def _field(column: Column) -> Field:
    label = _LABELS.get(column.name, column.name.replace("_", " ").capitalize())
    return Field(column.name, label, column.kind, column.allowed)


def _text(value: object) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())[:10]
    return f"{value:g}" if isinstance(value, float) else str(value)
