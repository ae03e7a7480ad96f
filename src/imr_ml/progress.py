"""Report the progress of long work."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int], object]
"""Called with the number of steps each time some are done."""
StartProgress = Callable[[str, int], Progress]
"""Starts a bar: (what is done, how many steps) -> its `Progress`."""


def silent(_doing: str, _steps: int) -> Progress:
    """Start no bar."""
    return lambda _: None
