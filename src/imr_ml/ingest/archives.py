"""Unpack the letters of a zip archive safely."""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from imr_ml.errors import SchemaError
from imr_ml.files import explain_storage_errors
from imr_ml.ingest.ingestion import Reject, is_letter_name, is_other_name

MEGABYTE = 1 << 20
MEMBER_BYTES = 64 * MEGABYTE
"""Limit of one letter; the longest have about a hundred pages and one megabyte."""
TOTAL_BYTES = 32 * 1024 * MEGABYTE
MAX_MEMBERS = 250_000
MAX_RATIO = 200
"""Limit of unpacked to packed bytes; text shrinks to about a tenth."""
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".bz2", ".xz")


class _RefusedError(ValueError):
    """Reason why a member is not unpacked."""


class LetterFiles(NamedTuple):
    """Letters in a file, folder or zip.

    Attributes
    ----------
    files : list of Path
        In the order of their names.
    rejects : list of Reject
        Letters and archives in a zip that are not unpacked, with reasons.
    other_files : list of str
        Paths of the files that are not letters, sorted, without hidden files.
    """

    files: list[Path]
    rejects: list[Reject]
    other_files: list[str]


def unpack_letters(zip_path: Path, folder: Path) -> LetterFiles:
    """Unpack the letters of a zip into a folder; a letter keeps its path in the zip.

    Raises
    ------
    SchemaError
        If the file is not a zip.
    FileNotFoundError
        If it does not exist.
    """
    if not zip_path.is_file():
        raise FileNotFoundError(f"{zip_path}: no such file")
    letters: list[Path] = []
    rejects: list[Reject] = []
    try:
        with zipfile.ZipFile(zip_path) as archive, explain_storage_errors(folder):
            files = [member for member in archive.infolist() if not member.is_dir()]
            members = sorted(filter(_may_be_letter, files), key=lambda member: member.filename)
            unpacker = _Unpacker(archive, folder, TOTAL_BYTES)
            for member in members[:MAX_MEMBERS]:
                try:
                    letters.append(unpacker.unpack(member))
                except _RefusedError as refused:
                    shown = "".join(letter if letter.isprintable() else "?" for letter in member.filename)
                    rejects.append(Reject(f"{zip_path}/{shown}", "", str(refused)))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise SchemaError(
            f"{zip_path}: can't be read as a zip ({type(error).__name__}); zip the letters again"
        ) from error
    if len(members) > MAX_MEMBERS:
        reason = f"contains {len(members)} letters; only the first {MAX_MEMBERS} are read: split the zip up"
        rejects.append(Reject(str(zip_path), "", reason))
    others = sorted(
        str(_path(member)) for member in files if not _may_be_letter(member) and is_other_name(_path(member))
    )
    return LetterFiles(letters, rejects, others)


def _may_be_letter(member: zipfile.ZipInfo) -> bool:
    path = _path(member)
    is_hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not is_hidden and (is_letter_name(path.name) or path.suffix.lower() in _ARCHIVES)


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))


@dataclass(slots=True)
class _Unpacker:
    """Writes members below a folder, up to a total size."""

    archive: zipfile.ZipFile
    folder: Path
    bytes_left: int

    def unpack(self, member: zipfile.ZipInfo) -> Path:
        """Write a member; raise `_RefusedError` if it is not a letter that can be unpacked safely."""
        _check_member(member)
        target = self.folder / _path(member)
        if target.exists():
            raise _RefusedError("occurs twice in the zip; only the first is read")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._write(member, target)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
            target.unlink(missing_ok=True)
            raise _RefusedError(f"can't be unpacked ({type(error).__name__})") from error
        except _RefusedError:
            target.unlink(missing_ok=True)
            raise
        return target

    def _write(self, member: zipfile.ZipInfo, target: Path) -> None:
        """Copy a member block by block, as the size that the zip states may be false."""
        size = 0
        with self.archive.open(member) as packed, target.open("wb") as file:
            while block := packed.read(MEGABYTE):
                size += len(block)
                self.bytes_left -= len(block)
                _check_size(member, size)
                if self.bytes_left < 0:
                    raise _RefusedError(f"comes after {TOTAL_BYTES // MEGABYTE} MB; split the zip up")
                file.write(block)


def _check_member(member: zipfile.ZipInfo) -> None:
    path = _path(member)
    if path.suffix.lower() in _ARCHIVES:
        raise _RefusedError("is an archive within the zip; unpack it and zip its letters")
    if member.flag_bits & 0x1:
        raise _RefusedError("is encrypted; zip it without a password")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise _RefusedError("is a link; zip the letter itself")
    _check_size(member, member.file_size)
    if path.is_absolute() or PureWindowsPath(member.filename).drive or ".." in path.parts or "\0" in member.filename:
        raise _RefusedError("has a path outside the zip")


def _check_size(member: zipfile.ZipInfo, size: int) -> None:
    if size > MEMBER_BYTES:
        raise _RefusedError(f"unpacks to more than {MEMBER_BYTES // MEGABYTE} MB")
    if size > MEGABYTE and size > MAX_RATIO * member.compress_size:
        raise _RefusedError(f"unpacks to more than {MAX_RATIO} times its size, unlike a letter")
