"""Write files atomically, lock them between processes, and compute checksums."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; rename it to `path` when the block ends without error.

    Raises
    ------
    OSError
        Where the folder can't be made or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(lock: Path, taken: Exception, wait_s: float = 0) -> Iterator[None]:
    """Hold a lock file, which is gone afterwards; raise `taken` where another process holds it for `wait_s` seconds.

    A process that dies lets go of it.
    """
    from filelock import FileLock, Timeout

    held = FileLock(lock, timeout=wait_s)
    try:
        held.acquire()
    except Timeout:
        raise taken from None
    try:
        yield
    finally:
        # Whoever has opened it meanwhile is told by filelock that it guards no name any more.
        lock.unlink(missing_ok=True)
        held.release()
