"""Map treatments, drug classes and body parts to the guideline sections that cover them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache, cached_property
from importlib import resources

from pydantic import BaseModel, ConfigDict

from imr_ml.guidelines.citations import find_citations
from imr_ml.guidelines.taxonomy import default_taxonomy
from imr_ml.guidelines.types import Family

UNMAPPED = "unmapped"
NOTHING_NAMED = "nothing_named"


class Coverage(BaseModel):
    """Treatments and drug classes that each topic covers, and body parts with an ACOEM chapter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    acoem_regions: tuple[str, ...]
    topics: dict[str, tuple[str, ...]]

    def topics_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the topics that cover treatments and drug classes, in a fixed order.

        A name without a topic yields ``unmapped``, no name at all ``nothing_named``.

        Examples
        --------
        >>> default_coverage().topics_of(["epidural_injection"])
        ('acoem_injections', 'chronic_pain_injections')
        """
        topics = {topic for name in names for topic in self._topics_by_name.get(name, (UNMAPPED,))}
        return tuple(topic for topic in (*self.topics, UNMAPPED) if topic in topics) or (NOTHING_NAMED,)

    def regions_of(self, body_parts: Iterable[str]) -> tuple[str, ...]:
        """Whether body parts have an ACOEM chapter: ``acoem_region``, ``other_region``, both or ``no_region``."""
        kinds = {"acoem_region" if part in self.acoem_regions else "other_region" for part in body_parts}
        return tuple(sorted(kinds)) or ("no_region",)

    @cached_property
    def _topics_by_name(self) -> dict[str, tuple[str, ...]]:
        names = {name for covered in self.topics.values() for name in covered}
        return {name: tuple(topic for topic, covered in self.topics.items() if name in covered) for name in names}


@cache
def default_coverage() -> Coverage:
    """Load the coverage table of the package, once."""
    text = resources.files(__package__).joinpath("coverage.toml").read_text("utf-8")
    return Coverage.model_validate(tomllib.loads(text))


def acoem_chapter(body_parts: Iterable[str], ur_guideline: str | None) -> str | None:
    """Return the identifier of the ACOEM chapter that the reviewer will cite, if ACOEM at all; None if unknown.

    This is a rule and not a classifier: chapters are divided by body part, and too few letters cite a chapter to learn
    from.

    Parameters
    ----------
    body_parts : iterable of str
        Body parts that the request names, in its order. Those in the clinical summary include all complaints of the
        worker and are wrong nearly as often as right.
    ur_guideline : str or None
        Guideline paragraph of the claims administrator, used if no body part has a chapter.

    Examples
    --------
    >>> acoem_chapter(["lumbar_spine", "knee"], None)
    'low_back'
    >>> acoem_chapter([], "Decision based on MTUS Knee Complaints 2004.")
    'knee'
    """
    taxonomy = default_taxonomy()
    chapters = {part: entry.id for entry in taxonomy.guideline for part in entry.body_parts}
    chapter = next((chapters[part] for part in body_parts if part in chapters), None)
    if chapter or not ur_guideline:
        return chapter
    ids = {entry.id for entry in taxonomy.guideline}
    cited = (citation.guideline for citation in find_citations(ur_guideline) if citation.family is Family.ACOEM)
    return next((guideline for guideline in cited if guideline in ids), None)
