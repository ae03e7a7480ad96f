"""The page itself: its HTML, its script and its style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imr_ml.desk.form import MAX_CHARACTERS, TEXT_LABELS, fields_for
from imr_ml.guidelines.types import FAMILIES
from imr_ml.reporting import names
from imr_ml.reporting.batch_page.facts import ReportFacts
from imr_ml.reporting.pages import embedded_json, page_resource
from imr_ml.templates import template

if TYPE_CHECKING:
    from imr_ml.desk.answers import Desk

_PACKAGE = "imr_ml.desk"
# In the order in which they need each other; the batch page shows evidence, families and precedents the same way.
_SHARED_SCRIPTS = ("dom.js", "places.js", "evidence.js", "panel.js")


def page_script() -> str:
    """The page's script."""
    return "\n".join([*map(page_resource, _SHARED_SCRIPTS), page_resource("desk.js", _PACKAGE)])


def page_style() -> str:
    """The page's style."""
    return page_resource("page.css") + page_resource("desk.css", _PACKAGE)


def render_page(desk: Desk, max_letter_bytes: int) -> str:
    """The page's HTML.

    Parameters
    ----------
    desk : Desk
    max_letter_bytes : int
        Size above which the page itself refuses a letter.
    """
    from datetime import UTC, datetime

    from markupsafe import Markup

    facts = ReportFacts.of("desk", desk.model, datetime.now(UTC))
    data = {
        "base_rate": facts.base_rate,
        "coverage": facts.coverage,
        "families": FAMILIES,
        "is_sample": facts.is_sample_model,
        "max_letter_bytes": max_letter_bytes,
        "names": {
            "families": names.FAMILY_NAMES,
            "tiers": names.TIER_NAMES,
            "facts": names.FACT_NAMES,
            "sections": names.SECTION_NAMES,
        },
    }
    return template(_PACKAGE, "page", "desk.html.jinja").render(
        facts=facts,
        trained=desk.model.facts["data"],
        table=desk.table.facts if desk.table else None,
        texts=TEXT_LABELS,
        fields=fields_for(desk.source),
        max_characters=MAX_CHARACTERS,
        max_letter_mb=max_letter_bytes // 1_000_000,
        data=Markup(embedded_json(data)),  # noqa: S704 - holds no "<"
    )
