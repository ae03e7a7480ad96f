"""Download a letter, check it and store it without overwriting."""

from __future__ import annotations

import hashlib
from itertools import count
from pathlib import Path

from imr_ml.fetch.client import Answer, PoliteClient
from imr_ml.fetch.manifest import StoredLetter, Wanted
from imr_ml.fetch.types import AnswerError, FetchError
from imr_ml.letters.types import LetterError

LETTERS = "letters"
PARTIAL = ".partial.pdf"
_MARK, _MARK_WITHIN = b"%PDF-", 1024
_END, _END_WITHIN = b"%%EOF", 2048
_PREFIX = len("CM16")


def get_letter(client: PoliteClient, wanted: Wanted, folder: Path) -> StoredLetter:
    """Get a case's letter, check it and write it to a file of its own.

    A good letter that stands there already, from a call that was killed, is taken as it is, if none was had before.

    Parameters
    ----------
    folder : Path
        Where the manifest is; the file goes to ``letters/CM16/CM16-0213037.pdf`` there, a reissued one with other
        content beside it as ``CM16-0213037.2.pdf``.

    Raises
    ------
    AnswerError
        For a letter that can't be got or is not what it should be.
    FetchError
        Where nothing more may be fetched.
    """
    if not wanted.versions and (kept := _there_already(wanted, folder)):
        return kept
    answer = client.get(wanted.url)
    note = check_letter(answer, wanted.case_number)
    sha256 = hashlib.sha256(answer.content).hexdigest()
    path, is_new = _place(folder, wanted.case_number, sha256)
    if is_new and sha256 not in wanted.versions:
        _write(path, answer.content, folder)
    file = path.relative_to(folder).as_posix()
    return StoredLetter(wanted.case_number, wanted.url, file, sha256, len(answer.content), answer.http_status, note)


def check_letter(answer: Answer, case_number: str) -> str | None:
    """See that an answer is the whole PDF of this case.

    Returns
    -------
    str or None
        Why a letter that is kept can't be read whole; None where it can.

    Raises
    ------
    AnswerError
        Saying what it is instead.
    """
    content, status = answer.content, answer.http_status
    if _MARK not in content[:_MARK_WITHIN]:
        raise AnswerError(f"{answer.url}: expected a PDF; found {answer.content_type} without a %PDF- mark", status)
    if _END not in content[-_END_WITHIN:]:
        raise AnswerError(f"{answer.url}: is a PDF that is cut short ({len(content):,} bytes)", status)
    try:
        found, note = _case_of(content, case_number)
    except LetterError as error:
        raise AnswerError(f"{answer.url}: {error.expected}", status) from error
    if found != case_number:
        named = f"is the letter of another case ({found}, not {case_number})" if found else "has no case number"
        raise AnswerError(f"{answer.url}: {named}", status)
    return note


def _case_of(content: bytes, case_number: str) -> tuple[str | None, str | None]:
    """The letter's case number, from its head alone where its body can't be read, and why it can't."""
    from imr_ml.letters.header import read_header
    from imr_ml.letters.lines import tidy_lines
    from imr_ml.letters.pdf import pdf_text
    from imr_ml.letters.reader import read_content

    try:
        return read_content(content, case_number).case_number, None
    except LetterError as error:
        head, _ = read_header("\n".join(tidy_lines(pdf_text(content, case_number))))
        return head["case_number"], str(error)


def _there_already(wanted: Wanted, folder: Path) -> StoredLetter | None:
    path = _path(folder, wanted.case_number, 1)
    if not path.is_file():
        return None
    content = path.read_bytes()
    try:
        note = check_letter(Answer(str(path), 200, "a file", content), wanted.case_number)
    except AnswerError:
        return None
    sha256 = hashlib.sha256(content).hexdigest()
    file = path.relative_to(folder).as_posix()
    return StoredLetter(wanted.case_number, wanted.url, file, sha256, len(content), None, note)


def _place(folder: Path, case_number: str, sha256: str) -> tuple[Path, bool]:
    """The first free file for a letter, or the one that holds it, and whether it is free."""
    for version in count(1):
        path = _path(folder, case_number, version)
        if not path.exists():
            return path, True
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path, False
    raise AssertionError


def _path(folder: Path, case_number: str, version: int) -> Path:
    suffix = ".pdf" if version == 1 else f".{version}.pdf"
    return folder / LETTERS / case_number[:_PREFIX] / f"{case_number}{suffix}"


def _write(path: Path, content: bytes, folder: Path) -> None:
    """Whole or not at all. One call at a time writes to a folder, so a kill leaves one file behind, of a known name."""
    partial = folder / PARTIAL
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.rename(path)
    except OSError as error:
        raise FetchError(f"{path}: can't be written ({error.strerror}); run the same command again then") from error
