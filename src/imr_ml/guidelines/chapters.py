"""Which ACOEM chapter a request belongs to: the one about the body part it names, else the one that UR cites.

Knows the taxonomy and citations. Knows nothing of how body parts are found in text.
"""

from __future__ import annotations

from collections.abc import Iterable

from imr_ml.guidelines.citations import find_citations
from imr_ml.guidelines.taxonomy import Taxonomy, default_taxonomy
from imr_ml.guidelines.types import Family


def acoem_chapter(body_parts: Iterable[str], ur_guideline: str | None, taxonomy: Taxonomy | None = None) -> str | None:
    """Identifier of the chapter, where a reviewer who cites ACOEM cites it; None where nothing tells.

    A rule rather than a classifier: chapters are divided by body part, and a table of those is right more often than
    what the few letters that cite a chapter can teach.

    Parameters
    ----------
    body_parts : iterable of str
        Names of the body parts that the request itself names, in its order. Those of the clinical summary tell of all
        complaints of the worker and are wrong nearly as often as right.
    ur_guideline : str or None
        What the claims administrator cites.
    taxonomy : Taxonomy, optional

    Examples
    --------
    >>> acoem_chapter(["lumbar_spine", "knee"], None)
    'low_back'
    >>> acoem_chapter([], "Decision based on MTUS Knee Complaints 2004.")
    'knee'
    """
    taxonomy = taxonomy or default_taxonomy()
    chapters = {part: entry.id for entry in taxonomy.guideline for part in entry.body_parts}
    named = (chapters[part] for part in body_parts if part in chapters)
    return next(named, None) or _cited(ur_guideline, taxonomy)


def _cited(ur_guideline: str | None, taxonomy: Taxonomy) -> str | None:
    ids = {entry.id for entry in taxonomy.guideline}
    cited = find_citations(ur_guideline, taxonomy) if ur_guideline else []
    return next((one.guideline for one in cited if one.family is Family.ACOEM and one.guideline in ids), None)
