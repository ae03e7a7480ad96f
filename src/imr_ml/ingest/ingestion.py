"""Read letter files into the requests table and list rejects with their reasons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
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
_LETTERS_AT_ONCE = 25
# Starting processes takes about as long as reading two hundred letters.
_MIN_PARTS_FOR_PROCESSES = 8
_NOT_LETTERS = ("readme.txt", "requirements.txt", "license.txt")
# Files of the operating system and of this project; messages do not mention them.
_HIDDEN_PREFIXES = (".", "_", "readme")
_HIDDEN_NAMES = (*_NOT_LETTERS, "desktop.ini", "thumbs.db")


@dataclass(frozen=True, slots=True)
class Reject:
    """A letter that could not be added to the table, with the place and reason of the problem."""

    file: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class LetterSource:
    """A letter to read: a file, or the text of one.

    Attributes
    ----------
    name : str
        Path in messages; its last part is the file name in the table.
    path : Path, optional
    text : str, optional
        Text of the letter, instead of a path.
    sha256 : str, optional
        Checksum of the file or of the text as UTF-8; None if the file can't be read.
    ocr : bool
        Whether to read scanned pages by OCR.
    """

    name: str
    path: Path | None = None
    text: str | None = None
    sha256: str | None = None
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class Ingested:
    """Result of reading letters or determinations.

    Attributes
    ----------
    requests : DataFrame
        One row per request.
    letters : int
        Number of letters in the table.
    rejects : tuple of Reject
        Letters that are not in the table.
    """

    requests: pd.DataFrame
    letters: int
    rejects: tuple[Reject, ...]


def is_letter_name(name: str) -> bool:
    """Whether a file of this name in a folder may be a letter."""
    name = name.lower()
    return name.endswith(LETTER_SUFFIXES) and name not in _NOT_LETTERS and not name.startswith(".")


def is_other_name(path: PurePath) -> bool:
    """Whether a file, by its path in a folder or zip, is neither a letter nor hidden."""
    name = path.name.lower()
    is_hidden = name.startswith(_HIDDEN_PREFIXES) or name in _HIDDEN_NAMES
    return not (is_hidden or is_letter_name(name) or any(part.startswith((".", "__")) for part in path.parts))


def ingest(files: Iterable[Path], progress: Progress | None = None, *, jobs: int = 1, ocr: bool = False) -> Ingested:
    """Read letters into the requests table.

    Parameters
    ----------
    files : iterable of Path
        PDF or text files, one letter each.
    progress : callable, optional
        Called with the number of files each time some are done.
    jobs : int
        Processes; -1 uses all cores. The table is the same with any number.
    ocr : bool
        Whether to read scanned pages by OCR.
    """
    letters: list[ReadLetter] = []
    rejects: list[Reject] = []
    sources = [LetterSource(str(file), file, ocr=ocr) for file in files]
    for result in reject_repeats(read_each(sources, progress, jobs), {}):
        if isinstance(result, Reject):
            rejects.append(result)
        else:
            letters.append(result)
    return Ingested(build_requests(letters), len(letters), tuple(rejects))


def write_rejects(rejects: Iterable[Reject], path: Path) -> None:
    """Write the rejects as JSON lines; without rejects, an empty file."""
    lines = [json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in rejects]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def read_each(
    letters: Sequence[LetterSource], progress: Progress | None = None, jobs: int = 1
) -> Iterator[ReadLetter | Reject]:
    """Read letters in order; a letter that can't be read becomes a `Reject`. For the parameters see `ingest`."""
    parts = [letters[start : start + _LETTERS_AT_ONCE] for start in range(0, len(letters), _LETTERS_AT_ONCE)]
    results = map(_read_part, parts)
    if jobs != 1 and len(parts) >= _MIN_PARTS_FOR_PROCESSES:
        from joblib import Parallel, delayed

        results = Parallel(n_jobs=jobs, return_as="generator")(delayed(_read_part)(part) for part in parts)
    for result in chain.from_iterable(results):
        yield result
        if progress:
            progress(1)


def _read_part(letters: Sequence[LetterSource]) -> list[ReadLetter | Reject]:
    return [_read(letter) for letter in letters]


def _read(letter: LetterSource) -> ReadLetter | Reject:
    if letter.path is None:
        return _letter_or_reject(lambda: read_text(letter.text or "", letter.name), letter.name, letter.sha256 or "")
    try:
        return read_bytes(letter.path.read_bytes(), letter.name, ocr=letter.ocr)
    except OSError as error:
        return Reject(file=letter.name, place="", reason=f"can't be read ({error.strerror})")


def read_bytes(content: bytes, path: str, *, ocr: bool = False) -> ReadLetter | Reject:
    """Read a letter from the content of a file; `ocr` as in `read_letter`."""
    return _letter_or_reject(lambda: read_content(content, path, ocr=ocr), path, hashlib.sha256(content).hexdigest())


def _letter_or_reject(read: Callable[[], Letter], path: str, sha256: str) -> ReadLetter | Reject:
    try:
        return ReadLetter(read(), PurePath(path).name, sha256)
    except LetterError as error:
        return Reject(file=path, place=error.place, reason=error.expected)


def hash_of(file: Path) -> str | None:
    """Compute the SHA-256 of a file; return None if it can't be read."""
    try:
        return sha256_of(file)
    except OSError:
        return None


def reject_repeats(
    results: Iterable[ReadLetter | Reject], first: MutableMapping[bytes, str]
) -> Iterator[ReadLetter | Reject]:
    """Reject each letter with the content of an earlier one; `first` maps digests to files and grows."""
    for result in results:
        if isinstance(result, Reject):
            yield result
        elif (content := digest_of(content_of(result))) in first:
            yield Reject(file=result.file, place="", reason=f"{SAME_LETTER} {first[content]}")
        else:
            first[content] = result.file
            yield result


def content_of(read_letter: ReadLetter) -> object:
    """Return the content that identifies a letter, equal for its PDF and its text."""
    letter = read_letter.letter
    if letter.case_number is None:
        return read_letter.sha256
    decided = letter.decision_date.isoformat() if letter.decision_date else None
    items = tuple((item.request, item.outcome.value, item.rationale) for item in letter.items)
    return (letter.case_number, decided, letter.clinical_summary, items)
