"""How the reader's outcomes and families agree with an independent reading, and how fast it reads."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2

from imr_ml import Letter, LetterError, read_letter
from imr_ml.guidelines import families_in

ROUNDS = 5


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Rows of (what, measured)."""
    expected = {row["case_number"]: row for row in map(json.loads, (folder / "outcomes.jsonl").open())}
    files = sorted(folder.glob("*.pdf"))
    letters = [letter for letter in map(_read, files) if letter and letter.case_number in expected]
    yield "letters read", f"{len(letters)} of {len(files)}"
    outcomes = families = requests = 0
    differing: list[str] = []
    for letter in letters:
        row = expected[letter.case_number or ""]
        same_number = len(letter.items) == len(row["outcomes"])
        requests += len(row["outcomes"])
        if not same_number:
            differing.append(f"{letter.case_number} (number of items)")
            continue
        for item, outcome, cited in zip(letter.items, row["outcomes"], row["families"], strict=True):
            outcomes += item.outcome == outcome
            agrees = families_in(item.imr_guideline or "") == set(cited)
            families += agrees
            if not agrees:
                differing.append(f"{letter.case_number} item {item.number}")
    yield "outcomes as read independently", f"{outcomes} of {requests}"
    yield "families as read independently", f"{families} of {requests} ({families / requests:.1%})"
    yield "differing", ", ".join(differing) or "none"
    yield from _speed([file.read_bytes() for file in files])


def _read(file: Path) -> Letter | None:
    try:
        return read_letter(file)
    except LetterError as error:
        print(error)
        return None


def _speed(contents: list[bytes]) -> Iterator[tuple[str, str]]:
    """Whole reading against pdfium's text alone, taking turns in one run."""
    read_s, bare_s = zip(
        *((_timed(read_letter, contents), _timed(_bare_text, contents)) for _ in range(ROUNDS)), strict=True
    )
    ratio = statistics.median(bare / read for bare, read in zip(bare_s, read_s, strict=True))
    yield "letters a second from PDF", f"{len(contents) / statistics.median(read_s):.0f}"
    yield "share of pdfium's bare text speed", f"{ratio:.2f} (median of {ROUNDS})"


def _timed(read: Callable[[bytes], object], contents: list[bytes]) -> float:
    start_s = time.perf_counter()
    for content in contents:
        read(content)
    return time.perf_counter() - start_s


def _bare_text(content: bytes) -> str:
    with pypdfium2.PdfDocument(content) as document:
        return "".join(page.get_textpage().get_text_bounded() for page in document)
