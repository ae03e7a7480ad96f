"""Guidelines: citation text -> citations and families, against a taxonomy held as data.

Knows nothing of letters' layout or of models.
"""

from imr_ml.guidelines.chapters import acoem_chapter
from imr_ml.guidelines.citations import families_in, find_citations
from imr_ml.guidelines.taxonomy import Taxonomy, default_taxonomy, read_taxonomy
from imr_ml.guidelines.types import FAMILIES, Citation, Family, TaxonomyError

__all__ = [
    "FAMILIES",
    "Citation",
    "Family",
    "Taxonomy",
    "TaxonomyError",
    "acoem_chapter",
    "default_taxonomy",
    "families_in",
    "find_citations",
    "read_taxonomy",
]
