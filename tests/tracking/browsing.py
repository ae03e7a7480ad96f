"""Helpers for tests of the MLflow UI in a browser."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

PATIENCE_MS = 60_000
SETTLING_MS = 3_000
_A_TRY_MS = 10_000
_TRIES = 6


def do_until(act: Callable[[], object], is_done: Callable[[int], object]) -> None:
    """Act, and repeat the action if a busy page lost it; raise the last error.

    `is_done` waits up to the given milliseconds, and raises if the action had no effect.
    """
    for attempt in range(_TRIES):
        act()
        try:
            is_done(_A_TRY_MS if attempt < _TRIES - 1 else PATIENCE_MS)
        except (AssertionError, TimeoutError):
            if attempt == _TRIES - 1:
                raise
        else:
            return


def save_picture(page: Page, name: str) -> None:
    """Save a screenshot to the folder in the environment variable, to inspect the test."""
    if folder := os.environ.get("IMR_SCREENSHOTS"):
        page.wait_for_timeout(SETTLING_MS)
        page.screenshot(path=f"{folder}/{name}.png")
