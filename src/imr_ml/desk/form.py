"""Render the page, list its fields, and fill them from a letter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from imr_ml.corpus.schema import COLUMNS, Role
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.errors import ImrError
from imr_ml.features.frame import CODE_COLUMNS
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ingest.dmhc import SOURCE as DMHC
from imr_ml.reporting import names
from imr_ml.reporting.batch_page.totals import ReportFacts
from imr_ml.reporting.names import SECTION_NAMES
from imr_ml.reporting.pages import embedded_json, page_resource
from imr_ml.templates import load_template

if TYPE_CHECKING:
    from imr_ml.desk.answers import Desk
    from imr_ml.letters.types import Letter


MAX_CHARACTERS = 100_000
"""Maximum length of a field, far above that of any summary."""
TEXTS = ("request", "clinical_summary", "ur_guideline")
TEXT_LABELS = {name: SECTION_NAMES[name] for name in TEXTS}
_HIDDEN = ("case_number", "item")
# Inferred from the texts, so that they follow edits.
_INFERRED = ("ur_families", "age", "sex", "category")
_LABELS = {
    "items_in_case": "Requests in the case",
    "ur_denial_date": "Denied by UR",
    "application_received": "Application received",
    "age": "Age in years",
}
PACKAGE = "imr_ml.desk"
# Scripts of the batch page, which shows evidence, families and precedents the same way; in order of dependency.
_SHARED_SCRIPTS = ("dom.js", "places.js", "evidence.js", "panel.js")


class DeskError(ImrError):
    """Invalid input or settings of the desk; the message contains no text of the input."""


class Field(NamedTuple):
    """A column of the requests table as an input of the page; without choices, any value is allowed."""

    name: str
    label: str
    kind: str
    choices: tuple[str, ...]


def fields_for(source: str) -> list[Field]:
    """Return the fields, besides the texts, that a model trained on data of this source can use."""
    columns = (
        column for column in COLUMNS if column.role is Role.FEATURE and column.name not in (*TEXTS, "ur_families")
    )
    return [
        Field(
            column.name,
            _LABELS.get(column.name, column.name.replace("_", " ").capitalize()),
            column.kind,
            column.allowed,
        )
        for column in columns
        if source == DMHC or column.name not in CODE_COLUMNS
    ]


def check_fields(content: object, source: str) -> dict[str, str]:
    """Return the fields sent by the page that are not empty.

    Raises
    ------
    DeskError
        If the content is not a dict of texts by field name, or a text is too long.
    """
    names = (*TEXTS, *_HIDDEN, *(field.name for field in fields_for(source)))
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise DeskError("send one JSON object with text values")
    if not content.keys() <= set(names):
        raise DeskError(f"unknown field(s); use only {', '.join(names)}")
    too_long = [name for name, value in content.items() if len(value) > MAX_CHARACTERS]
    if too_long:
        raise DeskError(f"{', '.join(too_long)}: longer than {MAX_CHARACTERS:,} characters; shorten the text")
    # Replace lone surrogates, which are not characters, without moving the other characters.
    texts = {name: value.encode("utf-8", "replace").decode() for name, value in content.items()}
    return {name: text for name, text in texts.items() if text.strip()}


def letter_fields(letter: Letter, name: str) -> list[dict[str, str]]:
    """Return the fields of each request in a letter."""
    features = [column.name for column in COLUMNS if column.role is Role.FEATURE and column.name not in _INFERRED]
    requests = build_requests([ReadLetter(letter, name, "")])[[*_HIDDEN, *features]].astype("object")
    rows = requests.where(requests.notna(), None).to_dict("records")
    return [{str(column): _format(value) for column, value in row.items() if value is not None} for row in rows]


def _format(value: object) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())[:10]
    return f"{value:g}" if isinstance(value, float) else str(value)


def page_script() -> str:
    """Return the script of the page."""
    return "\n".join([*map(page_resource, _SHARED_SCRIPTS), page_resource("desk.js", PACKAGE)])


def render_page(desk: Desk, max_letter_bytes: int) -> str:
    """Return the HTML of the page, which refuses letters larger than `max_letter_bytes`."""
    from markupsafe import Markup

    facts = ReportFacts.from_model("desk", desk.model, datetime.now(UTC))
    data = {
        "base_rate": facts.base_rate,
        "coverage": facts.coverage,
        "families": FAMILIES,
        "is_sample": facts.is_sample_model,
        "max_letter_bytes": max_letter_bytes,
        "names": names.PAGE_NAMES,
    }
    return load_template(PACKAGE, "page", "desk.html.jinja").render(
        facts=facts,
        trained=desk.model.facts["data"],
        table=desk.table.facts if desk.table else None,
        texts=TEXT_LABELS,
        fields=fields_for(desk.source),
        max_characters=MAX_CHARACTERS,
        max_letter_mb=max_letter_bytes // 1_000_000,
        data=Markup(embedded_json(data)),  # noqa: S704 - contains no "<"
    )
