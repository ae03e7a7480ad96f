"""Files of letters -> the requests table, and the rejects: letters that can't be read, each with its reason.

Knows folders and files. What a letter looks like, `letters` knows; what a row looks like, `table`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.files import written_whole
from imr_ml.letters import LetterError, read_letter

if TYPE_CHECKING:
    import pandas as pd

LETTER_SUFFIXES = (".pdf", ".txt")
_NOT_LETTERS = ("readme.txt", "requirements.txt", "license.txt")


@dataclass(frozen=True, slots=True)
class Reject:
    """A letter that is not in the table, where reading it stopped, and why."""

    file: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ingested:
    """What reading files gave.

    Attributes
    ----------
    requests : DataFrame
        One row a request.
    letters : int
        Letters read into it.
    rejects : tuple of Reject
        The others.
    """

    requests: pd.DataFrame
    letters: int
    rejects: tuple[Reject, ...]


def letter_files(paths: Iterable[Path]) -> list[Path]:
    """PDF and text files among the paths and in their folders, in sorted order.

    Raises
    ------
    FileNotFoundError
        For a path that does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [file for file in path.rglob("*") if _may_be_letter(file)]
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return sorted(set(found))


def _may_be_letter(file: Path) -> bool:
    name = file.name.lower()
    return file.suffix.lower() in LETTER_SUFFIXES and name not in _NOT_LETTERS and not name.startswith(".")


def ingest(files: Iterable[Path], progress: Callable[[int], object] | None = None) -> Ingested:
    """Read letters into the requests table.

    Parameters
    ----------
    files : iterable of Path
        PDF or text files, one letter each.
    progress : callable, optional
        Called with 1 after each file.
    """
    letters: list[ReadLetter] = []
    rejects: list[Reject] = []
    for read in _distinct(_read_each(files, progress)):
        if isinstance(read, Reject):
            rejects.append(read)
        else:
            letters.append(read)
    return Ingested(build_requests(letters), len(letters), tuple(rejects))


def write_rejects(rejects: Iterable[Reject], path: Path) -> None:
    """Write the rejects as JSON lines, an empty file where there are none."""
    lines = [json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in rejects]
    with written_whole(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def _read_each(files: Iterable[Path], progress: Callable[[int], object] | None) -> Iterator[ReadLetter | Reject]:
    for file in files:
        yield _read(file)
        if progress:
            progress(1)


def _read(file: Path) -> ReadLetter | Reject:
    try:
        letter = read_letter(file)
        return ReadLetter(letter, file.name, hashlib.sha256(file.read_bytes()).hexdigest())
    except LetterError as error:
        return Reject(file=str(file), place=error.place, reason=error.expected)


def _distinct(reads: Iterable[ReadLetter | Reject]) -> Iterator[ReadLetter | Reject]:
    """The reads, with a letter that says the same as one before it, as its text form does, made a reject."""
    first: dict[object, str] = {}
    for read in reads:
        if isinstance(read, Reject):
            yield read
        elif (content := _content(read)) in first:
            yield Reject(file=read.file, place="", reason=f"the same letter as {first[content]}")
        else:
            first[content] = read.file
            yield read


def _content(read: ReadLetter) -> object:
    letter = read.letter
    if letter.case_number is None:
        return read.sha256
    return (letter.case_number, tuple((item.request, item.outcome, item.rationale) for item in letter.items))
