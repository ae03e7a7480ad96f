"""Read damaged letters and other files; each must give a correct Letter or a LetterError, within limits.

Run as `python -m benchmarks.fuzzing LETTERS [NUMBER]`, with a folder of real letters (PDF) to damage and the number of
inputs. The same folder and number give the same inputs. They are read in a separate process, to notice crashes.
"""

import io
import multiprocessing
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
from fpdf import FPDF

from benchmarks import pdf_forms
from imr_ml import Letter, LetterError, read_letter

LIMIT_S = 2.0
LIMIT_MB = 500
SEED = 11
PDF_SHARE = 0.1
CUT_EACH_BYTE_FROM = 50_000


class TooSlowError(Exception):
    """Reading an input took longer than the limit."""


Damage = Callable[[bytes, random.Random], bytes]


def cut_off(content: bytes, rng: random.Random) -> bytes:
    """Keep the beginning."""
    return content[: rng.randrange(len(content))]


def flip_bits(content: bytes, rng: random.Random) -> bytes:
    """Flip up to ten bits."""
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 10)):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut_out(content: bytes, rng: random.Random) -> bytes:
    """Remove a section."""
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.randint(1, 3000) :]


def add_noise(content: bytes, rng: random.Random) -> bytes:
    """Insert random bytes in one place."""
    start = rng.randrange(len(content))
    noise = bytes(rng.randrange(256) for _ in range(rng.randint(1, 300)))
    return content[:start] + noise + content[start:]


def repeat(content: bytes, rng: random.Random) -> bytes:
    """Repeat a section several times."""
    start = rng.randrange(len(content))
    return content[:start] + content[start : start + rng.randint(1, 500)] * rng.randint(2, 20) + content[start:]


def rotate_page(content: bytes, rng: random.Random) -> bytes:
    """Rotate the content and /Rotate of a PDF page; leave text unchanged."""
    if not content.startswith(b"%PDF-"):
        return content
    page = rng.randrange(pdf_forms.pages_of(content))
    return pdf_forms.turned(content, page, by=rng.randrange(0, 360, 90), rotate=rng.randrange(0, 360, 90))


def stamp_pages(content: bytes, rng: random.Random) -> bytes:
    """Stamp words into the margin of each PDF page, at some angle; leave text unchanged."""
    if not content.startswith(b"%PDF-"):
        return content
    y, angle = rng.choice((20, 40, 760, 780)), rng.choice((0, 0, 90, 270, 45))
    return pdf_forms.stamped(content, "Received {page} of {pages}", x=rng.randrange(40, 300), y=y, angle=angle)


# Allowed outcomes of the damaged letter: the same, the first ones, a subsequence, or any.
DAMAGES: dict[str, tuple[Damage, str]] = {
    "cut off": (cut_off, "first"),
    "bits flipped": (flip_bits, "same"),
    "section removed": (cut_out, "subsequence"),
    "noise inserted": (add_noise, "same"),
    "section repeated": (repeat, "any"),
    "page rotated": (rotate_page, "same"),
    "pages stamped": (stamp_pages, "same"),
}


def measure(folder: Path, number: int = 2000) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and its measured value."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_fuzz, args=(folder, number, results))
    process.start()
    rows: list[tuple[str, str]] | None = None
    while rows is None and (process.is_alive() or not results.empty()):
        if not results.empty():
            rows = results.get()
        time.sleep(0.2)
    process.join()
    yield from rows or [("crashed", f"exit code {process.exitcode}")]


def _fuzz(folder: Path, number: int, results: "multiprocessing.Queue[list[tuple[str, str]]]") -> None:
    signal.signal(signal.SIGALRM, _too_slow)
    rng = random.Random(SEED)
    files = [file.read_bytes() for file in sorted(folder.glob("*.pdf"))]
    letters = [read_letter(content) for content in files]
    outcomes = [[item.outcome.value for item in letter.items] for letter in letters]
    texts = [
        [pdf_forms.text_of(content).encode(), *_in_older_layouts(letter)]
        for content, letter in zip(files, letters, strict=True)
    ]
    counts: Counter[str] = Counter()
    slowest_s = 0.0
    for name, content in _edge_cases():
        slowest_s = max(slowest_s, _read(content, None, "any", counts, name))
    shortest = min(range(len(texts)), key=lambda index: len(texts[index][0]))
    for text in texts[shortest] if number > CUT_EACH_BYTE_FROM else []:
        for end in range(len(text)):
            slowest_s = max(slowest_s, _read(text[:end], outcomes[shortest], "first", counts, "cut at each byte"))
    for _ in range(number - sum(counts.values())):
        index = rng.randrange(len(files))
        name, (damage, allowed) = rng.choice(list(DAMAGES.items()))
        is_pdf = rng.random() < PDF_SHARE
        content = damage(files[index] if is_pdf else rng.choice(texts[index]), rng)
        # Damage to a compressed page can lose any part of it.
        is_broken = is_pdf and allowed != "any" and damage not in (rotate_page, stamp_pages)
        expected = "subsequence" if is_broken else allowed
        slowest_s = max(slowest_s, _read(content, outcomes[index], expected, counts, name))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wrong = {result: count for result, count in counts.items() if count and result not in ("read", "LetterError")}
    results.put(
        [
            ("damaged or random inputs", f"{sum(counts.values()):,}"),
            ("read correctly, refused with a reason", f"{counts['read']:,}, {counts['LetterError']:,}"),
            (
                "wrong outcome, other error, too slow",
                ", ".join(f"{result}: {count}" for result, count in wrong.items()) or "none",
            ),
            ("slowest input", f"{slowest_s:.2f} s (limit {LIMIT_S})"),
            ("peak memory", f"{peak_mb:.0f} MB (limit {LIMIT_MB})"),
        ]
    )


def _read(content: bytes, outcomes: list[str] | None, allowed: str, counts: Counter[str], name: str) -> float:
    start_s = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        read_outcomes = [item.outcome.value for item in read_letter(content).items]
        counts[
            "read" if outcomes is None or _is_allowed(read_outcomes, outcomes, allowed) else f"wrong outcome ({name})"
        ] += 1
    except LetterError:
        counts["LetterError"] += 1
    except TooSlowError:
        pass
    except Exception as error:  # noqa: BLE001 - any other exception is a finding
        counts[f"{type(error).__name__} ({name})"] += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    elapsed_s = time.perf_counter() - start_s
    counts[f"too slow ({name})"] += elapsed_s > LIMIT_S
    return elapsed_s


def _is_allowed(read_outcomes: list[str], outcomes: list[str], allowed: str) -> bool:
    if allowed == "same":
        return read_outcomes == outcomes
    if allowed == "first":
        return read_outcomes == outcomes[: len(read_outcomes)]
    rest = iter(outcomes)
    return allowed == "any" or all(outcome in rest for outcome in read_outcomes)


def _edge_cases() -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of extreme inputs."""
    for character in (b"a", b"\n", b" ", b"(", b":", b"-\n", b"1. x\n", b": Upheld\n", b"\x02", b"\xff", b"%PDF-"):
        yield f"50 MB of {character!r}", character * (50_000_000 // len(character))
        yield f"1 MB of {character!r}", character * (1_000_000 // len(character))
    labels = b"IMR ISSUES, DECISIONS AND RATIONALES\n", b"IMR DECISION(S) AND RATIONALE(S)\n", b"ISSUE AT DISPUTE: x\n"
    bodies = (
        b"x: Upheld\nClaims Administrator guideline: y\nMAXIMUS guideline: z\nDecision rationale: w.\n",
        b"1. Decision for x is not medically necessary and appropriate. The Claims Administrator based\n",
        b"1) MAXIMUS Federal Services, Inc. has determined the request for x\n",
        b"1) Regarding the request for x: ",
        b"Decision based on MTUS Low Back Complaints 2004, Section(s): (((, and ",
        b"was the original request. ",
    )
    for label in labels:
        for body in bodies:
            head = b"CLINICAL CASE SUMMARY\nx\n" + label
            yield f"{body[:30]!r} under {label[:12]!r}", head + body * (990_000 // len(body))
    yield "random bytes", random.Random(SEED).randbytes(1_000_000)
    yield "no bytes", b""
    yield "PDF without pages", _without_pages()
    yield "PDF nested deeply", _pdf_of(b"<< /A " * 100_000 + b">>" * 100_000)
    yield "PDF of arrays", _pdf_of(b"[" * 200_000)
    yield "PDF whose pages are their own kids", _pdf_of(b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>")
    yield "PDF of images", _image_only()
    yield "PDF encrypted", _encrypted()


def _pdf_of(pages: bytes) -> bytes:
    return b"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj " + pages + (
        b" endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
    )  # fmt: skip


def _without_pages() -> bytes:
    content = io.BytesIO()
    with pypdfium2.PdfDocument.new() as document:
        document.save(content)
    return content.getvalue()


def _encrypted() -> bytes:
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user")
    pdf.add_page()
    return bytes(pdf.output())


def _image_only() -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.rect(20, 20, 100, 40, style="F")
    return bytes(pdf.output())


def _in_older_layouts(letter: Letter) -> list[bytes]:
    """Return the items of a letter in two layouts of 2013: numbered decisions, and the earliest."""
    words = {
        "upheld": "is not medically necessary and appropriate",
        "overturned": "is medically necessary and appropriate",
    }
    reviewer = "The Physician Reviewer based his/her decision on the Official Disability Guidelines (ODG)."
    cited = f"The Claims Administrator based its decision on the MTUS.\n{reviewer}\n"
    numbered, decisions, parts = "", "", ""
    for item in letter.items:
        stated = f"{item.request} {words[item.outcome]}"
        rationale = " ".join((item.rationale or "").split())
        numbered += (
            f"{item.number}. Decision for {stated}.\n{cited}The Physician Reviewer's decision rationale: {rationale}\n"
        )
        decisions += f"{item.number}) MAXIMUS Federal Services, Inc. has determined the request for {stated}.\n"
        parts += f"{item.number}) Regarding the request for it:\n{cited}Rationale for the Decision:\n{rationale}\n"
    summary = letter.clinical_summary
    return [
        f"CLINICAL CASE SUMMARY\n{summary}\nIMR DECISION(S) AND RATIONALE(S)\n{numbered}".encode(),
        f"Independent Medical Review\n{decisions}Case Summary:\n{summary}\n{parts}".encode(),
    ]


def _too_slow(*_: object) -> None:
    raise TooSlowError


if __name__ == "__main__":
    for label, value in measure(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000):
        print(f"{label}: {value}")
