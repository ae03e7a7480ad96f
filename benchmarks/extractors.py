"""Read letters from the text of several PDF extractors, and count the outcomes, requests and families that agree.

The reference is the package's own extraction. Extractors that are not installed are listed and skipped.
"""

import importlib.util
import io
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from imr_ml import Letter, LetterError, read_letter

HEADER_FIELDS = (
    "case_number",
    "date_of_injury",
    "decision_date",
    "date_assigned",
    "ur_denial_date",
    "application_received",
    "priority",
    "licensure",
    "specialties",
)
_SPACES = re.compile(r"[\s-]+")


def _poppler(*options: str) -> Callable[[bytes], str]:
    command = ["pdftotext", *options, "-", "-"]
    return lambda content: subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()


def _pypdf(content: bytes) -> str:
    from pypdf import PdfReader

    return "\f".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def _pdfplumber(content: bytes) -> str:
    import pdfplumber

    with pdfplumber.open(io.BytesIO(content)) as document:
        return "\f".join(page.extract_text() or "" for page in document.pages)


EXTRACTORS: dict[str, tuple[Callable[[bytes], str], Callable[[], object]]] = {
    "pdftotext": (_poppler(), lambda: shutil.which("pdftotext")),
    "pdftotext -layout": (_poppler("-layout"), lambda: shutil.which("pdftotext")),
    "pypdf": (_pypdf, lambda: importlib.util.find_spec("pypdf")),
    "pdfplumber": (_pdfplumber, lambda: importlib.util.find_spec("pdfplumber")),
}


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and its measured value."""
    contents = [file.read_bytes() for file in sorted(folder.glob("*.pdf"))]
    reference = [read_letter(content) for content in contents]
    for name, (extract, is_installed) in EXTRACTORS.items():
        if not is_installed():
            yield name, "not installed, skipped"
            continue
        agree: Counter[str] = Counter()
        for content, expected in zip(contents, reference, strict=True):
            agree.update(_count_agreements(_read(extract(content)), expected))
        items = agree["items"]
        yield (
            f"read from {name}",
            f"letters {agree['letter']} of {len(contents)}, headers {agree['header']}; of {items} items: outcomes "
            f"{agree['outcome']}, requests {agree['request']}, rationales {agree['rationale']}, "
            f"families {agree['families']}",
        )


def _read(text: str) -> Letter | None:
    try:
        return read_letter(text + "\n")
    except LetterError:
        return None


def _count_agreements(letter: Letter | None, expected: Letter) -> Counter[str]:
    agree = Counter(items=len(expected.items))
    if letter is None or len(letter.items) != len(expected.items):
        return agree
    agree["letter"] += 1
    agree["header"] += all(getattr(letter, field) == getattr(expected, field) for field in HEADER_FIELDS)
    for item, reference in zip(letter.items, expected.items, strict=True):
        agree["outcome"] += item.outcome == reference.outcome
        agree["request"] += _plain(item.request) == _plain(reference.request)
        agree["rationale"] += _plain(item.rationale) == _plain(reference.rationale)
        agree["families"] += {c.family for c in item.imr_citations} == {c.family for c in reference.imr_citations}
    return agree


def _plain(text: str | None) -> str:
    return _SPACES.sub("", text or "")
