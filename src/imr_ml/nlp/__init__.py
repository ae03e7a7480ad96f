"""Clinical prose to features: words, facts (treatment, body part, drug, diagnosis, finding), quantities.

Knows spaCy (blank English, span rules, negation) and the rule files beside it. Knows nothing of scikit-learn,
MLflow or the other rooms.
Everything is exported lazily, so that importing this package loads neither spaCy nor a rule file.
Age and sex stand in `imr_ml.nlp.demographics`.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.nlp.frame import section_frame
    from imr_ml.nlp.types import Fact, NlpSettings, Quantity, RuleError, SectionView
    from imr_ml.nlp.views import category_of, determination_spans, view_section, view_sections

_HOMES = {
    "section_frame": "frame",
    "Fact": "types",
    "NlpSettings": "types",
    "Quantity": "types",
    "RuleError": "types",
    "SectionView": "types",
    "category_of": "views",
    "determination_spans": "views",
    "view_section": "views",
    "view_sections": "views",
}

__all__ = [
    "Fact",
    "NlpSettings",
    "Quantity",
    "RuleError",
    "SectionView",
    "category_of",
    "determination_spans",
    "section_frame",
    "view_section",
    "view_sections",
]

__getattr__ = names_of(__name__, _HOMES)
