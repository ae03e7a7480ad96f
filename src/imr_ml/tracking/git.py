"""Which code a model was trained by.

Knows the git command. Knows nothing of MLflow.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class GitState:
    """State of a checkout.

    Attributes
    ----------
    commit : str
        Full hash of HEAD.
    dirty : bool
        Whether a tracked file differs from it.
    """

    commit: str
    dirty: bool

    @property
    def short(self) -> str:
        """First seven digits, with a star where dirty."""
        return self.commit[:7] + ("*" if self.dirty else "")


def git_state(folder: Path | None = None) -> GitState | None:
    """State of the checkout that holds `folder`, by default the working directory.

    None outside of a checkout, before its first commit and without git.
    """
    commit = git(folder, "rev-parse", "--verify", "HEAD")
    changes = git(folder, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return None
    return GitState(commit.strip(), dirty=bool(changes.strip()))


def git(folder: Path | None, *arguments: str) -> str | None:
    """What git says; None where it fails, as outside of a checkout."""
    command = shutil.which("git")
    if command is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [command, *arguments], cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return done.stdout
