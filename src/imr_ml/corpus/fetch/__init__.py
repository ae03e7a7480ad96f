"""Getting published letters: the decision search -> PDFs in a folder and a manifest of them.

Knows the public decision search of the California Division of Workers' Compensation. Knows nothing of models. Names
are loaded when first used.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.corpus.fetch.cross_check import disagreements, indexed, with_index
    from imr_ml.corpus.fetch.index import Index, read_index
    from imr_ml.corpus.fetch.manifest_file import letters_of_manifest
    from imr_ml.corpus.fetch.running import Fetched, fetch_letters
    from imr_ml.corpus.fetch.settings import FetchSettings, Manners
    from imr_ml.corpus.fetch.types import FetchError

_HOMES = {
    "FetchError": "types",
    "FetchSettings": "settings",
    "Fetched": "running",
    "Index": "index",
    "Manners": "settings",
    "disagreements": "cross_check",
    "fetch_letters": "running",
    "indexed": "cross_check",
    "letters_of_manifest": "manifest_file",
    "read_index": "index",
    "with_index": "cross_check",
}

__all__ = [
    "FetchError",
    "FetchSettings",
    "Fetched",
    "Index",
    "Manners",
    "disagreements",
    "fetch_letters",
    "indexed",
    "letters_of_manifest",
    "read_index",
    "with_index",
]

__getattr__ = names_of(__name__, _HOMES)
