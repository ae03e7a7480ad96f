"""Quality: a table of requests -> what is wrong with it, each finding with its level and its places.

Knows the requests table. Knows nothing of models. Names are loaded when first used.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.corpus.quality.checking import check_requests
    from imr_ml.corpus.quality.pages import write_page
    from imr_ml.corpus.quality.settings import Settings, default_settings, read_settings
    from imr_ml.corpus.quality.types import Finding, Level, Place, QualityReport

_HOMES = {
    "Finding": "types",
    "Level": "types",
    "Place": "types",
    "QualityReport": "types",
    "Settings": "settings",
    "check_requests": "checking",
    "default_settings": "settings",
    "read_settings": "settings",
    "write_page": "pages",
}

__all__ = [
    "Finding",
    "Level",
    "Place",
    "QualityReport",
    "Settings",
    "check_requests",
    "default_settings",
    "read_settings",
    "write_page",
]

__getattr__ = names_of(__name__, _HOMES)
