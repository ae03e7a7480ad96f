"""Read letter files into the requests table and list rejects with their reasons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from imr_ml.corpus.issues import digest_of
from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.files import atomic_write, sha256_of
from imr_ml.letters.reader import read_content, read_text
from imr_ml.letters.types import Letter, LetterError
from imr_ml.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

LETTER_SUFFIXES = (".pdf", ".txt")
SAME_LETTER = "the same letter as"
_FILES_AT_ONCE = 25
# Starting processes takes about as long as reading a hundred letters.
_CHUNKS_WORTH_A_PROCESS = 8
_NOT_LETTERS = ("readme.txt", "requirements.txt", "license.txt")


@dataclass(frozen=True, slots=True)
class Reject:
    """A letter that is not in the table, where reading it stopped, and why."""

    file: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class LetterSource:
    """A letter to be read: a file, or the text that was extracted from one.

    Attributes
    ----------
    name : str
        Path as it is told; its last part names the letter in the table.
    path : Path, optional
    text : str, optional
        In place of a path.
    sha256 : str, optional
        Of the file or of the text's UTF-8; missing where the file can't be read or was not looked at yet.
    """

    name: str
    path: Path | None = None
    text: str | None = None
    sha256: str | None = None


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
    unit : str
        What was counted as a letter.
    """

    requests: pd.DataFrame
    letters: int
    rejects: tuple[Reject, ...]
    unit: str = "letters"


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
            found += [file for file in path.rglob("*") if is_letter_name(file.name)]
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    return sorted(set(found))


def is_letter_name(name: str) -> bool:
    """Whether a file of this name in a folder may be a letter."""
    name = name.lower()
    return name.endswith(LETTER_SUFFIXES) and name not in _NOT_LETTERS and not name.startswith(".")


def ingest(files: Iterable[Path], progress: Progress | None = None, *, jobs: int = 1) -> Ingested:
    """Read letters into the requests table.

    Parameters
    ----------
    files : iterable of Path
        PDF or text files, one letter each.
    progress : callable, optional
        Called with the number of files each time some are done.
    jobs : int
        Processes to read with; -1 takes all cores. The table is the same with any number.
    """
    given = [LetterSource(str(file), file) for file in files]
    letters: list[ReadLetter] = []
    rejects: list[Reject] = []
    for read in distinct(read_each(given, progress, jobs), {}):
        if isinstance(read, Reject):
            rejects.append(read)
        else:
            letters.append(read)
    return Ingested(build_requests(letters), len(letters), tuple(rejects))


def write_rejects(rejects: Iterable[Reject], path: Path) -> None:
    """Write the rejects as JSON lines, an empty file where there are none."""
    lines = [json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in rejects]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def read_each(
    units: Sequence[LetterSource], progress: Progress | None = None, jobs: int = 1
) -> Iterator[ReadLetter | Reject]:
    """The letters read, in their order; see `ingest` for `progress` and `jobs`."""
    chunks = [units[start : start + _FILES_AT_ONCE] for start in range(0, len(units), _FILES_AT_ONCE)]
    for reads in _read_chunks(chunks, jobs):
        for read in reads:
            yield read
            if progress:
                progress(1)


def _read_chunks(chunks: list[Sequence[LetterSource]], jobs: int) -> Iterator[list[ReadLetter | Reject]]:
    if jobs == 1 or len(chunks) < _CHUNKS_WORTH_A_PROCESS:
        return map(_read_units, chunks)
    from joblib import Parallel, delayed

    read: Iterator[list[ReadLetter | Reject]] = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_read_units)(chunk) for chunk in chunks
    )
    return read


def _read_units(units: Sequence[LetterSource]) -> list[ReadLetter | Reject]:
    return [_read(unit) for unit in units]


def _read(unit: LetterSource) -> ReadLetter | Reject:
    if unit.path is None:
        return _letter_or_why(lambda: read_text(unit.text or "", unit.name), unit.name, unit.sha256 or "")
    try:
        return read_bytes(unit.path.read_bytes(), unit.name)
    except OSError as error:
        return Reject(file=unit.name, place="", reason=f"can't be read ({error.strerror})")


def read_bytes(content: bytes, path: str) -> ReadLetter | Reject:
    """The letter that a file holds, or why it holds none."""
    return _letter_or_why(lambda: read_content(content, path), path, hashlib.sha256(content).hexdigest())


def _letter_or_why(read: Callable[[], Letter], path: str, sha256: str) -> ReadLetter | Reject:
    try:
        return ReadLetter(read(), PurePath(path).name, sha256)
    except LetterError as error:
        return Reject(file=path, place=error.place, reason=error.expected)


def hash_of(file: Path) -> str | None:
    """SHA-256 of a file; None where it can't be read."""
    try:
        return sha256_of(file)
    except OSError:
        return None


def distinct(reads: Iterable[ReadLetter | Reject], first: MutableMapping[bytes, str]) -> Iterator[ReadLetter | Reject]:
    """The reads, with a letter that says the same as one before it, as its text form does, made a reject.

    Parameters
    ----------
    reads : iterable
    first : mapping of bytes to str
        Digest of a letter's content -> its file, of the letters before; those read are put into it.
    """
    for read in reads:
        if isinstance(read, Reject):
            yield read
        elif (content := digest_of(content_of(read))) in first:
            yield Reject(file=read.file, place="", reason=f"{SAME_LETTER} {first[content]}")
        else:
            first[content] = read.file
            yield read


def content_of(read: ReadLetter) -> object:
    """What a letter says, the same for its PDF and its text form."""
    letter = read.letter
    if letter.case_number is None:
        return read.sha256
    decided = letter.decision_date.isoformat() if letter.decision_date else None
    items = tuple((item.request, item.outcome.value, item.rationale) for item in letter.items)
    return (letter.case_number, decided, letter.clinical_summary, items)
