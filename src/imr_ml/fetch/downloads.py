"""Download letters, check that they are complete and belong to their case, and store them in files."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from itertools import count
from pathlib import Path

from imr_ml.fetch.client import Answer, PoliteClient
from imr_ml.fetch.manifest import PendingLetter, StoredLetter
from imr_ml.fetch.types import AnswerError, FetchError
from imr_ml.letters.header import read_header
from imr_ml.letters.lines import tidy_lines
from imr_ml.letters.pdf import pdf_text
from imr_ml.letters.reader import read_content
from imr_ml.letters.types import LetterError

LETTERS = "letters"
PARTIAL = ".partial.pdf"
_START, _START_WITHIN = b"%PDF-", 1024
_END, _END_WITHIN = b"%%EOF", 2048
_PREFIX = len("CM16")


def download_letter(client: PoliteClient, letter: PendingLetter, folder: Path) -> StoredLetter:
    """Download a letter, check it and write it to a new file, e.g. ``letters/CM16/CM16-0213037.pdf``.

    A reissue with other content becomes ``CM16-0213037.2.pdf``. A valid file of a killed call is reused if the manifest
    has no version of the letter.
    """
    path = _path(folder, letter.case_number, 1)
    if not letter.versions and path.is_file():
        with suppress(AnswerError):
            return _store_letter(Answer(str(path), None, "a file", path.read_bytes()), letter, folder)
    return _store_letter(client.request(letter.url), letter, folder)


def _store_letter(answer: Answer, letter: PendingLetter, folder: Path) -> StoredLetter:
    note = _check_letter(answer, letter.case_number)
    sha256 = hashlib.sha256(answer.content).hexdigest()
    path, is_new = _find_path(folder, letter.case_number, sha256)
    if is_new and sha256 not in letter.versions:
        _write(path, answer.content, folder)
    file = path.relative_to(folder).as_posix()
    return StoredLetter(letter.case_number, letter.url, file, sha256, len(answer.content), answer.http_status, note)


def _check_letter(answer: Answer, case_number: str) -> str | None:
    """Return why the letter can't be read completely, or None; raise `AnswerError` if it is not this case's letter."""
    content, status = answer.content, answer.http_status
    if _START not in content[:_START_WITHIN]:
        raise AnswerError(f"{answer.url}: expected a PDF; found {answer.content_type} without a %PDF- mark", status)
    if _END not in content[-_END_WITHIN:]:
        raise AnswerError(f"{answer.url}: is a truncated PDF ({len(content):,} bytes)", status)
    try:
        actual, note = _read_case_number(content, case_number)
    except LetterError as error:
        raise AnswerError(f"{answer.url}: {error.expected}", status) from error
    if actual != case_number:
        problem = f"is the letter of another case ({actual}, not {case_number})" if actual else "has no case number"
        raise AnswerError(f"{answer.url}: {problem}", status)
    return note


def _read_case_number(content: bytes, name: str) -> tuple[str | None, str | None]:
    """Return the case number of a letter, from its header if the body can't be read, and the reason why it can't."""
    try:
        return read_content(content, name).case_number, None
    except LetterError as error:
        head, _ = read_header("\n".join(tidy_lines(pdf_text(content, name))))
        return head["case_number"], str(error)


def _find_path(folder: Path, case_number: str, sha256: str) -> tuple[Path, bool]:
    """Return the path of the file with this content, or the first free path, and whether it is free."""
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
    """Write atomically; a killed call leaves at most one partial file with a fixed name, as the folder is locked."""
    partial = folder / PARTIAL
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.rename(path)
    except OSError as error:
        raise FetchError(
            f"{path}: can't be written ({error.strerror}); fix this and run the same command again"
        ) from error
