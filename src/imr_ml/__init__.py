"""Predict outcomes and guideline families of California Independent Medical Review requests.

Public names are imported on first use, so that importing the package is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imr_ml.letters.reader import read_letter
    from imr_ml.letters.types import DisputedItem, Letter, LetterError, Outcome
    from imr_ml.scoring.scorer import Scorer, load_model

    __version__: str

_MODULES = {
    "DisputedItem": "letters.types",
    "Letter": "letters.types",
    "LetterError": "letters.types",
    "Outcome": "letters.types",
    "Scorer": "scoring.scorer",
    "load_model": "scoring.scorer",
    "read_letter": "letters.reader",
}

__all__ = ["DisputedItem", "Letter", "LetterError", "Outcome", "Scorer", "__version__", "load_model", "read_letter"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("imr-ml")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
