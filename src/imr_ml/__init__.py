"""imr_ml: outcomes and guideline families of California Independent Medical Review letters.

The public verbs on this level are `read_letter` and `load_model`; the rooms below it each have their own. Names are
loaded when first used, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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

__all__ = ["DisputedItem", "Letter", "LetterError", "Outcome", "Scorer", "__version__", "load_model", "read_letter"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("imr-ml")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"imr_ml.{_HOMES[name]}"), name)
