"""Compare the reader's outcomes and families with an independent reading, and measure its speed."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.pdf_forms import text_of
from imr_ml import Letter, LetterError, read_letter
from imr_ml.guidelines.citations import families_in
from imr_ml.ingest.ingestion import ingest

ROUNDS = 5
COPIES = 30


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and its measured value."""
    expected = {row["case_number"]: row for row in map(json.loads, (folder / "outcomes.jsonl").open())}
    files = sorted(folder.glob("*.pdf"))
    letters = [letter for letter in map(_read, files) if letter and letter.case_number in expected]
    yield "letters read", f"{len(letters)} of {len(files)}"
    outcomes = families = requests = 0
    differences: list[str] = []
    for letter in letters:
        row = expected[letter.case_number or ""]
        same_number = len(letter.items) == len(row["outcomes"])
        requests += len(row["outcomes"])
        if not same_number:
            differences.append(f"{letter.case_number} (number of items)")
            continue
        for item, outcome, cited in zip(letter.items, row["outcomes"], row["families"], strict=True):
            outcomes += item.outcome == outcome
            agrees = families_in(item.imr_guideline or "") == set(cited)
            families += agrees
            if not agrees:
                differences.append(f"{letter.case_number} item {item.number}")
    yield "outcomes equal to the independent reading", f"{outcomes} of {requests}"
    yield "families equal to the independent reading", f"{families} of {requests} ({families / requests:.1%})"
    yield "differences", ", ".join(differences) or "none"
    yield from _speed([file.read_bytes() for file in files])
    yield from _workers(files)


def _read(file: Path) -> Letter | None:
    try:
        return read_letter(file)
    except LetterError as error:
        print(error)
        return None


def _speed(contents: list[bytes]) -> Iterator[tuple[str, str]]:
    """Compare reading with pdfium's text extraction alone, in alternating rounds."""
    texts = [text_of(content) for content in contents]
    rounds = [
        (_timed(read_letter, contents), _timed(text_of, contents), _timed(read_letter, texts)) for _ in range(ROUNDS)
    ]
    ratio = statistics.median(whole / bare for whole, bare, _ in rounds)
    read_s = statistics.median(whole for whole, _, _ in rounds)
    text_s = statistics.median(text for _, _, text in rounds)
    yield "letters per second from PDF", f"{len(contents) / read_s:.0f}"
    yield "time from PDF divided by pdfium's time for the text alone", f"{ratio:.2f} (median of {ROUNDS})"
    yield "time from text", f"{1000 * text_s / len(contents):.2f} ms per letter (median of {ROUNDS})"


def _workers(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Compare ingesting with two processes and with one, on repeated files."""
    many = files * COPIES
    times_s = {jobs: statistics.median(_ingest_s(many, jobs) for _ in range(3)) for jobs in (1, 2)}
    yield (
        f"two processes compared with one, {len(many)} files",
        f"{times_s[1] / times_s[2]:.2f} times as fast (median of 3)",
    )


def _ingest_s(files: list[Path], jobs: int) -> float:
    start_s = time.perf_counter()
    ingest(files, jobs=jobs)
    return time.perf_counter() - start_s


def _timed(read: Callable[[Any], object], contents: Iterable[object]) -> float:
    start_s = time.perf_counter()
    for content in contents:
        read(content)
    return time.perf_counter() - start_s
