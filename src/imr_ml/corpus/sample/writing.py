"""Sample letters -> files: ``SM16-0000123.txt`` or ``.pdf``, and on request the truth beside them.

Knows file names and order. Knows nothing of how letters are made.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from imr_ml.corpus.sample.layout import lay_out
from imr_ml.corpus.sample.letters import SampleLetter, make_parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRUTH_FILE = "_truth.jsonl"
"""Name of the truth file; the leading underscore tells readers of letter folders to pass it by."""


def write_samples(
    directory: Path,
    n: int,
    seed: int,
    pdf: bool = False,
    progress: Callable[[int], object] | None = None,
    write_truth: bool = False,
) -> int:
    """Write ``n`` sample letters into a folder, made where missing; files of the same name are replaced.

    Parameters
    ----------
    directory : Path
        Folder for the letters.
    n, seed : int
        The letters (seed, 0) to (seed, n - 1).
    pdf : bool
        Write PDF files in place of text files.
    progress : callable, optional
        Called with the number of letters written so far, after each.
    write_truth : bool
        Also write ``_truth.jsonl``, one letter a line.

    Returns
    -------
    int
        Number of letters written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    truth: list[str] = []
    for index in range(n):
        letter = _write_one(directory, seed, index, pdf)
        if write_truth:
            truth.append(_truth_line(letter))
        if progress:
            progress(index + 1)
    if write_truth:
        (directory / TRUTH_FILE).write_text("".join(truth), encoding="utf-8", newline="\n")
    return n


def _write_one(directory: Path, seed: int, index: int, pdf: bool) -> SampleLetter:
    parts, truth = make_parts(seed, index)
    letter = SampleLetter(parts.case_number, lay_out(parts), truth)
    if pdf:
        from imr_ml.corpus.sample.pdf import render_pdf

        (directory / f"{letter.case_number}.pdf").write_bytes(render_pdf(parts))
    else:
        (directory / f"{letter.case_number}.txt").write_text(letter.text, encoding="utf-8", newline="\n")
    return letter


def _truth_line(letter: SampleLetter) -> str:
    items = [asdict(item) for item in letter.truth]
    return json.dumps({"case_number": letter.case_number, "items": items}) + "\n"
