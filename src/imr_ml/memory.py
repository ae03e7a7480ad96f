"""Give memory that is no longer used back to the system."""

from __future__ import annotations

import ctypes
import gc


def release_memory() -> None:
    """Return what Python, Arrow and the C library hold back; where the C library has no such call, Python's alone."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
