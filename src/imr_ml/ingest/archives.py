"""Extract the letters of a zip archive safely."""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from imr_ml.errors import SchemaError
from imr_ml.files import explain_storage_errors
from imr_ml.ingest.ingestion import LETTER_SUFFIXES, Reject, describe_other_files, is_letter_name, is_other_name

MEGABYTE = 1 << 20
MEMBER_BYTES = 64 * MEGABYTE
"""The longest letters have some hundred pages, and a megabyte."""
TOTAL_BYTES = 32 * 1024 * MEGABYTE
MOST_MEMBERS = 250_000
MOST_RATIO = 200
"""Unpacked to packed bytes; text that a person wrote packs to a tenth."""
_RATIO_COUNTS_FROM = MEGABYTE
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".bz2", ".xz")
_BLOCK_BYTES = MEGABYTE


@dataclass(slots=True)
class _Budget:
    """Bytes that may still be unpacked."""

    left: int


class _RefusedError(ValueError):
    """Why a member is not unpacked."""


def letters_of(zip_path: Path, folder: Path) -> tuple[list[Path], list[Reject]]:
    """Unpack the letters of a zip into a folder.

    Parameters
    ----------
    zip_path : Path
    folder : Path
        Where to; a letter keeps its path in the zip below it.

    Returns
    -------
    list of Path
        The letters, in the order of their names.
    list of Reject
        Letters and archives that were not unpacked, each with its reason. For other files see `other_members`.

    Raises
    ------
    SchemaError
        For a file that is no zip, or a zip without letters.
    FileNotFoundError
        Where there is no such file.
    """
    if not zip_path.is_file():
        raise FileNotFoundError(f"{zip_path}: no such file")
    letters: list[Path] = []
    rejects: list[Reject] = []
    budget = _Budget(TOTAL_BYTES)
    try:
        with zipfile.ZipFile(zip_path) as archive, explain_storage_errors(folder):
            members = sorted(filter(_may_hold_letter, archive.infolist()), key=lambda member: member.filename)
            for member in members[:MOST_MEMBERS]:
                try:
                    letters.append(_unpacked(archive, member, folder, budget))
                except _RefusedError as refused:
                    rejects.append(Reject(f"{zip_path}/{_shown(member)}", "", str(refused)))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise SchemaError(
            f"{zip_path}: can't be read as a zip ({type(error).__name__}); pack the letters anew"
        ) from error
    if len(members) > MOST_MEMBERS:
        reason = f"holds {len(members)} letters; only the first {MOST_MEMBERS} are read, split it up"
        rejects.append(Reject(str(zip_path), "", reason))
    if not members:
        others = other_members(zip_path)
        note = f"; {describe_other_files(others)}" if others else ""
        raise SchemaError(f"{zip_path}: holds no letter ({' or '.join(LETTER_SUFFIXES)}){note}")
    return letters, rejects


def other_members(zip_path: Path) -> list[str]:
    """Paths in a zip of the files that are neither letters nor archives, in sorted order, without hidden files."""
    with zipfile.ZipFile(zip_path) as archive:
        members = [member for member in archive.infolist() if not (member.is_dir() or _may_hold_letter(member))]
    return sorted(str(_path(member)) for member in members if is_other_name(_path(member)))


def _may_hold_letter(member: zipfile.ZipInfo) -> bool:
    path = _path(member)
    if member.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
        return False
    return is_letter_name(path.name) or path.suffix.lower() in _ARCHIVES


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, budget: _Budget) -> Path:
    """Write a member below the folder.

    Raises
    ------
    _RefusedError
        Where it is not a letter to be unpacked.
    """
    _check(member)
    target = folder.joinpath(*_parts(member))
    if target.exists():
        raise _RefusedError("stands twice in the zip; only the first is read")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(archive, member, target, budget)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        target.unlink(missing_ok=True)
        raise _RefusedError(f"can't be unpacked ({type(error).__name__})") from error
    except _RefusedError:
        target.unlink(missing_ok=True)
        raise
    return target


def _check(member: zipfile.ZipInfo) -> None:
    if _path(member).suffix.lower() in _ARCHIVES:
        raise _RefusedError("is an archive within the zip; unpack it and pack its letters themselves")
    if member.flag_bits & 0x1:
        raise _RefusedError("is encrypted; pack it without a password")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise _RefusedError("is a link; pack the letter itself")
    _check_sizes(member, member.file_size)


def _check_sizes(member: zipfile.ZipInfo, size: int) -> None:
    if size > MEMBER_BYTES:
        raise _RefusedError(f"unpacks to more than {MEMBER_BYTES // MEGABYTE} MB")
    if size > _RATIO_COUNTS_FROM and size > MOST_RATIO * member.compress_size:
        raise _RefusedError(f"unpacks to more than {MOST_RATIO} times its size, as no letter does")


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """Parts of a path that leads downwards only."""
    path, name = _path(member), member.filename
    if path.is_absolute() or PureWindowsPath(name).drive or ".." in path.parts or "\0" in name:
        raise _RefusedError("has a path that leads out of the zip")
    return path.parts


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, budget: _Budget) -> None:
    """Copy a member block by block, as what the zip says of its size need not be true."""
    size = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while block := packed.read(_BLOCK_BYTES):
            size += len(block)
            budget.left -= len(block)
            _check_sizes(member, size)
            if budget.left < 0:
                raise _RefusedError(f"comes after {TOTAL_BYTES // MEGABYTE} MB; split the zip up")
            file.write(block)


def _shown(member: zipfile.ZipInfo) -> str:
    return "".join(character if character.isprintable() else "?" for character in member.filename)
