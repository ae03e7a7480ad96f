"""Write files atomically, lock them, and compute checksums."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imr_ml.errors import ImrError

_STORAGE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


class StorageError(ImrError):
    """A folder is full or can't be written to."""


def is_storage_error(error: OSError) -> bool:
    """Whether the error means a full disk or a folder that can't be written to."""
    return error.errno in _STORAGE_ERRORS


def check_page_name(path: Path) -> None:
    """Raise `ImrError` if the path of an HTML page is a folder or has another extension."""
    if path.is_dir():
        raise ImrError(f"{path}: is a folder; name a file for the page")
    if path.suffix.lower() not in (".html", ".htm"):
        raise ImrError(f"{path}: the page is HTML; end its name in .html, and print it to PDF in a browser")


@contextmanager
def explain_storage_errors(folder: Path) -> Iterator[None]:
    """Convert an `OSError` for a full or read-only disk to a `StorageError` that names the folder."""
    try:
        yield
    except OSError as error:
        if not is_storage_error(error):
            raise
        reason = os.strerror(error.errno or 0).lower()
        raise StorageError(
            f"{folder}: can't be written to ({reason}); free some space or use another folder"
        ) from error


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, and rename it to `path` if the block ends without an error.

    Raises
    ------
    StorageError
        If the disk is full or the folder can't be written to; `path` is then unchanged.
    """
    with explain_storage_errors(path.parent):
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
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(lock: Path, busy: Exception, wait_s: float = 0) -> Iterator[None]:
    """Hold a lock file and remove it afterwards; if the process dies, the lock is released.

    Parameters
    ----------
    lock : Path
        Path of the lock file.
    busy : Exception
        Raised if another process holds the lock.
    wait_s : float, optional
        Seconds to wait for the lock.
    """
    from filelock import FileLock, Timeout

    file_lock = FileLock(lock, timeout=wait_s)
    try:
        file_lock.acquire()
    except Timeout:
        raise busy from None
    try:
        yield
    finally:
        # filelock retries if another process has already opened the removed file.
        lock.unlink(missing_ok=True)
        file_lock.release()
