"""Thirty-four sample letters as PDFs, published on a replica of the decision search."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from fetch.replica import Published, Replica, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imr_ml.letters.types import Letter

FIRST_DAY = date(2016, 3, 1)
DECIDED_A_DAY = (26, 5, 3)
"""Letters per day; the first day has more than one page of results."""


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> list[Published]:
    """Generate sample letters with their entries in the search."""
    from imr_ml.letters.reader import read_letter
    from imr_ml.sample.writing import write_samples

    folder = tmp_path_factory.mktemp("sample")
    write_samples(folder, sum(DECIDED_A_DAY), seed=11, pdf=True)
    files = sorted(folder.glob("*.pdf"))
    return [_published(read_letter(file), file.read_bytes()) for file in files]


@pytest.fixture
def replica(letters: list[Published]) -> Iterator[Replica]:
    """Return the letters with decisions on three consecutive days, so that a test searches few days."""
    days = [FIRST_DAY + timedelta(days=day) for day, number in enumerate(DECIDED_A_DAY) for _ in range(number)]
    with served(Replica([replace(case, decided=day) for case, day in zip(letters, days, strict=True)])) as replica:
        yield replica


def _published(letter: Letter, pdf: bytes) -> Published:
    outcomes = {item.outcome.value.capitalize() for item in letter.items}
    categories = ("Pharmaceuticals", "Diagnostic Testing", "Therapies")
    return Published(
        case_number=letter.case_number,
        decided=letter.decision_date,
        injured=letter.date_of_injury,
        received=letter.application_received,
        specialty=letter.specialties[0],
        outcome=outcomes.pop() if len(outcomes) == 1 else "Partially Overturned",
        requests=tuple(
            (categories[place % len(categories)], item.request.split()[0], item.outcome.value.capitalize())
            for place, item in enumerate(letter.items)
        ),
        pdf=pdf,
    )
