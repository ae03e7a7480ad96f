"""imr_ml: outcomes and guideline families of California Independent Medical Review letters.

The public verbs on this level are `read_letter` and `load_model`; the rooms below it each have their own. Names are
loaded when first used, so that importing the package costs next to nothing.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.letters import DisputedItem, Letter, LetterError, Outcome, read_letter
    from imr_ml.scoring import Scorer, load_model

    __version__: str

_HOMES = {
    "DisputedItem": "letters",
    "Letter": "letters",
    "LetterError": "letters",
    "Outcome": "letters",
    "Scorer": "scoring",
    "load_model": "scoring",
    "read_letter": "letters",
}

_attribute = names_of(__name__, _HOMES)

__all__ = ["DisputedItem", "Letter", "LetterError", "Outcome", "Scorer", "__version__", "load_model", "read_letter"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("imr-ml")
    return _attribute(name)
