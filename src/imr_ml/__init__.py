"""imr_ml: outcomes and guideline families of California Independent Medical Review letters.

The public verb on this level is `read_letter`; the rooms below it each have their own. Names are loaded
when first used, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imr_ml.letters import DisputedItem, Letter, LetterError, Outcome, read_letter

    __version__: str

__all__ = ["DisputedItem", "Letter", "LetterError", "Outcome", "__version__", "read_letter"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("imr-ml")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("imr_ml.letters"), name)
