"""Files of letters -> the requests table, and the rejects: letters that can't be read, each with its reason.

Knows folders and files. What a letter looks like, `letters` knows; what a row looks like, `table`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from imr_ml.corpus.table import ReadLetter, build_requests
from imr_ml.files import sha256_of, written_whole
from imr_ml.letters import LetterError
from imr_ml.letters.reader import read_content

if TYPE_CHECKING:
    import pandas as pd

LETTER_SUFFIXES = (".pdf", ".txt")
SAME_LETTER = "the same letter as"
_SAME_AS = re.compile(rf"^{SAME_LETTER} .*")
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
    skipped : int
        Files not read, or rows left out, as what they say is in the table already.
    unit : str
        What was counted as a letter.
    """

    requests: pd.DataFrame
    letters: int
    rejects: tuple[Reject, ...]
    skipped: int = 0
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


def ingest(
    files: Iterable[Path],
    progress: Callable[[int], object] | None = None,
    *,
    jobs: int = 1,
    known: pd.DataFrame | None = None,
) -> Ingested:
    """Read letters into the requests table.

    Parameters
    ----------
    files : iterable of Path
        PDF or text files, one letter each.
    progress : callable, optional
        Called with the number of files each time some are done.
    jobs : int
        Processes to read with; -1 takes all cores. The table is the same with any number.
    known : DataFrame, optional
        A requests table whose letters are not to be read again: files with the content of one are skipped, and a letter
        that says the same as one of its letters is a reject.
    """
    given = list(files)
    hashes = set() if known is None else set(known["letter_sha256"].dropna())
    fresh = [file for file in given if not hashes or _hash_of(file) not in hashes]
    skipped = len(given) - len(fresh)
    if skipped and progress:
        progress(skipped)
    letters: list[ReadLetter] = []
    rejects: list[Reject] = []
    for read in _distinct(_read_each(fresh, progress, jobs), {} if known is None else _known_contents(known)):
        if isinstance(read, Reject):
            rejects.append(read)
        else:
            letters.append(read)
    return Ingested(build_requests(letters), len(letters), tuple(rejects), skipped)


def summary_lines(read: Ingested, table: str) -> list[str]:
    """What reading files gave, for people: letters, requests, how many were overturned, rejects by their reason."""
    overturned = int((read.requests["outcome"] == "overturned").sum())
    rate = f" ({overturned / len(read.requests):.1%})" if len(read.requests) else ""
    told = f"{table}: {read.letters} {read.unit}, {len(read.requests)} requests, {overturned} overturned{rate}"
    skipped = "file(s)" if read.unit == "letters" else read.unit
    lines = [f"{told}; {read.skipped} {skipped} already in the table" if read.skipped else told]
    reasons = Counter(_SAME_AS.sub(f"{SAME_LETTER} another", reject.reason) for reject in read.rejects)
    return lines + [f"  {count} not in the table: {reason}" for reason, count in reasons.most_common()]


def write_rejects(rejects: Iterable[Reject], path: Path) -> None:
    """Write the rejects as JSON lines, an empty file where there are none."""
    lines = [json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in rejects]
    with written_whole(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def _read_each(files: list[Path], progress: Callable[[int], object] | None, jobs: int) -> Iterator[ReadLetter | Reject]:
    """The files read, in their order."""
    chunks = [files[start : start + _FILES_AT_ONCE] for start in range(0, len(files), _FILES_AT_ONCE)]
    for reads in _read_chunks(chunks, jobs):
        for read in reads:
            yield read
            if progress:
                progress(1)


def _read_chunks(chunks: list[list[Path]], jobs: int) -> Iterator[list[ReadLetter | Reject]]:
    if jobs == 1 or len(chunks) < _CHUNKS_WORTH_A_PROCESS:
        return map(_read_files, chunks)
    from joblib import Parallel, delayed

    read: Iterator[list[ReadLetter | Reject]] = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_read_files)(chunk) for chunk in chunks
    )
    return read


def _read_files(files: list[Path]) -> list[ReadLetter | Reject]:
    return [_read(file) for file in files]


def _read(file: Path) -> ReadLetter | Reject:
    try:
        return read_bytes(file.read_bytes(), str(file))
    except OSError as error:
        return Reject(file=str(file), place="", reason=f"can't be read ({error.strerror})")


def read_bytes(content: bytes, path: str) -> ReadLetter | Reject:
    """The letter that a file holds, or why it holds none."""
    try:
        return ReadLetter(read_content(content, path), PurePath(path).name, hashlib.sha256(content).hexdigest())
    except LetterError as error:
        return Reject(file=path, place=error.place, reason=error.expected)


def _hash_of(file: Path) -> str | None:
    try:
        return sha256_of(file)
    except OSError:
        return None


def _distinct(reads: Iterable[ReadLetter | Reject], known: Mapping[object, str]) -> Iterator[ReadLetter | Reject]:
    """The reads, with a letter that says the same as one before it, as its text form does, made a reject."""
    first = dict(known)
    for read in reads:
        if isinstance(read, Reject):
            yield read
        elif (content := content_of(read)) in first:
            yield Reject(file=read.file, place="", reason=f"{SAME_LETTER} {first[content]}")
        else:
            first[content] = read.file
            yield read


def content_of(read: ReadLetter) -> object:
    """What a letter says, the same for its PDF and its text form."""
    letter = read.letter
    if letter.case_number is None:
        return read.sha256
    return (letter.case_number, tuple((item.request, item.outcome.value, item.rationale) for item in letter.items))


def _known_contents(known: pd.DataFrame) -> dict[object, str]:
    """The content of each letter of a table, as `content_of` has it, with its file."""
    contents: dict[object, str] = {}
    for _, rows in known.dropna(subset=["case_number"]).groupby(["letter_sha256"], sort=False):
        items = zip(rows["request"], rows["outcome"], rows["rationale"], strict=True)
        contents[(rows["case_number"].iloc[0], tuple(items))] = str(rows["file"].iloc[0])
    return contents
