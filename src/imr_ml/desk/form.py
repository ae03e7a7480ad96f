"""The page and its fields: the columns that a model may use, and what a letter fills into them."""

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
PACKAGE = "imr_ml.desk"
# In the order in which they need each other; the batch page shows evidence, families and precedents the same way.
_SHARED_SCRIPTS = ("dom.js", "places.js", "evidence.js", "panel.js")


class DeskError(ImrError):
    """What the page was given or the desk was started with can't be used; the message says why, and holds no text."""


class Field(NamedTuple):
    """A column of the requests table as the page shows it; without choices it may have any value."""

    name: str
    label: str
    kind: str
    choices: tuple[str, ...]


def fields_for(source: str) -> list[Field]:
    """Fields besides the texts that a model trained on a source may use."""
    others = (
        column for column in COLUMNS if column.role is Role.FEATURE and column.name not in (*TEXTS, "ur_families")
    )
    return [
        Field(
            column.name,
            _LABELS.get(column.name, column.name.replace("_", " ").capitalize()),
            column.kind,
            column.allowed,
        )
        for column in others
        if source == DMHC or column.name not in CODE_COLUMNS
    ]


def check_fields(given: object, source: str) -> dict[str, str]:
    """Fields that the page sent as a row of the requests table, without those that are empty.

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


def _in_words(column: str) -> str:
    return column.replace("_", " ").capitalize()


def _text(value: object) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())[:10]
    return f"{value:g}" if isinstance(value, float) else str(value)


def page_script() -> str:
    """The page's script."""
    return "\n".join([*map(page_resource, _SHARED_SCRIPTS), page_resource("desk.js", PACKAGE)])


def render_page(desk: Desk, max_letter_bytes: int) -> str:
    """The page's HTML; the page refuses letters above `max_letter_bytes`."""
    from markupsafe import Markup

    facts = ReportFacts.of("desk", desk.model, datetime.now(UTC))
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
        data=Markup(embedded_json(data)),  # noqa: S704 - holds no "<"
    )
