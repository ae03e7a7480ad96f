"""Deduplicate strings, return memory to the system, and pause garbage collection."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray


def release_memory() -> None:
    """Return unused memory of Python, Arrow and, if supported, the C library to the system."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def paused_garbage_collection() -> Iterator[None]:
    """Pause garbage collection in the block, and exempt all existing objects from later collections."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def shared_texts(texts: Iterable[str]) -> NDArray[np.object_]:
    """Return an array of the texts, shape (n_texts,), in which equal texts share one string."""
    distinct: dict[str, str] = {}
    rows = [distinct.setdefault(text, text) for text in texts]
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array
