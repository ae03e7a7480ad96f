"""Hold equal texts once, give memory back to the system, and keep the garbage collector off what stays."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray


def release_memory() -> None:
    """Return what Python, Arrow and the C library hold back; where the C library has no such call, Python's alone."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def loading() -> Iterator[None]:
    """Search for no garbage while code and models are loaded, nor later among what was loaded: it stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def shared_texts(texts: Iterable[str]) -> NDArray[np.object_]:
    """Array of texts that holds each distinct one once, shape (texts,)."""
    distinct: dict[str, str] = {}
    rows = [distinct.setdefault(text, text) for text in texts]
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array
