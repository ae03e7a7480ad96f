"""Types of progress callbacks."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int], object]
"""Callback that receives the number of steps completed since the last call."""
StartProgress = Callable[[str, int], Progress]
"""Starts a progress bar from a description and the total number of steps."""


def no_progress(_description: str, _steps: int) -> Progress:
    """Report no progress."""
    return lambda _: None
