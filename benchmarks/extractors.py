"""The same letters from the text that each extractor gives: how many items, outcomes, requests and families agree.

The package's own extraction is the reference; an extractor that is not installed is left out and said to be.
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

HEAD = (
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
    """Rows of (what, measured)."""
    contents = [file.read_bytes() for file in sorted(folder.glob("*.pdf"))]
    reference = [read_letter(content) for content in contents]
    for name, (extract, is_installed) in EXTRACTORS.items():
        if not is_installed():
            yield name, "not installed, not compared"
            continue
        agree: Counter[str] = Counter()
        for content, expected in zip(contents, reference, strict=True):
            agree.update(_agreement(_read(extract(content)), expected))
        items = agree["items"]
        yield (
            f"as read from {name}",
            f"letters {agree['letter']} of {len(contents)}, heads {agree['head']}; of {items} items: outcomes "
            f"{agree['outcome']}, requests {agree['request']}, rationales {agree['rationale']}, "
            f"families {agree['families']}",
        )


def _read(text: str) -> Letter | None:
    try:
        return read_letter(text + "\n")
    except LetterError:
        return None


def _agreement(read: Letter | None, expected: Letter) -> Counter[str]:
    agree = Counter(items=len(expected.items))
    if read is None or len(read.items) != len(expected.items):
        return agree
    agree["letter"] += 1
    agree["head"] += all(getattr(read, field) == getattr(expected, field) for field in HEAD)
    for item, wanted in zip(read.items, expected.items, strict=True):
        agree["outcome"] += item.outcome == wanted.outcome
        agree["request"] += _plain(item.request) == _plain(wanted.request)
        agree["rationale"] += _plain(item.rationale) == _plain(wanted.rationale)
        agree["families"] += {c.family for c in item.imr_citations} == {c.family for c in wanted.imr_citations}
    return agree


def _plain(text: str | None) -> str:
    return _SPACES.sub("", text or "")
