"""Read the git state of the code."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class GitState:
    """Full hash of a checkout's HEAD, and whether tracked files differ from it."""

    commit: str
    dirty: bool

    @property
    def short(self) -> str:
        """First seven digits, with a star if dirty."""
        return self.commit[:7] + ("*" if self.dirty else "")


def git_state(folder: Path | None = None) -> GitState | None:
    """Return the state of the checkout that contains `folder`, by default the working directory.

    None outside of a checkout, before its first commit, or if git is not installed.
    """
    commit = git(folder, "rev-parse", "--verify", "HEAD")
    changes = git(folder, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return None
    return GitState(commit.strip(), dirty=bool(changes.strip()))


def git(folder: Path | None, *arguments: str) -> str | None:
    """Return the output of a git command; None if it fails, e.g. outside of a checkout."""
    command = shutil.which("git")
    if command is None:
        return None
    try:
        completed = subprocess.run(  # noqa: S603
            [command, *arguments], cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return completed.stdout


def has_object(name: str) -> bool:
    """Return whether the working directory's checkout has a git object, such as a commit or a file in a commit."""
    return git(None, "cat-file", "-e", name) is not None


def runs_from(commit: str) -> bool:
    """Return whether the installed code is that of a commit, unchanged, or the commit belongs to another project."""
    if not has_object(f"{commit}^{{commit}}"):
        return False
    if not has_object(f"{commit}:src/imr_ml/__init__.py"):
        return True
    state = git_state()
    if state is None or state.commit != commit or state.dirty:
        return False
    top_folder = Path((git(None, "rev-parse", "--show-toplevel") or ".").strip())
    return Path(__file__).resolve().is_relative_to(top_folder.resolve())
