"""Read the search's fields from a manifest as tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.fetch.manifest_file import reading

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd

INDEX_DATES = ("decision_date", "date_of_injury", "application_received")


@dataclass(frozen=True, slots=True)
class Index:
    """What the search listed.

    Attributes
    ----------
    cases : DataFrame
        One row a letter: ``case_number, url, case_outcome, specialty, decision_date, date_of_injury,
        application_received, is_latest``; a case reissued under another address has two, one of them the latest.
    requests : DataFrame
        One row a request: ``case_number, url, place, category, subcategory, outcome``; `place` counts from 1 as listed.
    letters : DataFrame
        One row a fetched file: ``case_number, url, letter_sha256, is_latest``; not the latest is one that was replaced
        under the same address, of which the index tells no more.
    """

    cases: pd.DataFrame
    requests: pd.DataFrame
    letters: pd.DataFrame

    def of(self, requests: pd.DataFrame) -> Index:
        """The part of it that is about the cases of a requests table, or about the files that its rows were read from.

        Joining takes time with the size of the index, which a table that grows would else spend with each part.
        """
        about = self.cases["case_number"].isin(requests["case_number"].dropna())
        if "letter_sha256" in requests:
            read = self.letters["letter_sha256"].isin(requests["letter_sha256"].dropna())
            about |= self.cases["case_number"].isin(self.letters.loc[read, "case_number"])
        cases = self.cases.loc[about, "case_number"].unique()
        parts = (self.cases, self.requests, self.letters)
        return Index(*(part[part["case_number"].isin(cases)].reset_index(drop=True) for part in parts))


_CASES = """
SELECT case_number, url, case_outcome, specialty, decision_date, date_of_injury, application_received,
    row_number() OVER newest = 1 AS is_latest
FROM cases WINDOW newest AS (PARTITION BY case_number ORDER BY decision_date DESC, listed_at DESC, rowid DESC)
ORDER BY case_number, url
"""
_REQUESTS = """
SELECT case_number, url, place, category, subcategory, outcome FROM requests ORDER BY case_number, url, place
"""
_LETTERS = """
SELECT case_number, url, sha256 AS letter_sha256,
    row_number() OVER (PARTITION BY case_number, url ORDER BY version DESC) = 1 AS is_latest
FROM letters ORDER BY case_number, version
"""
_WHOLE = {"place": "int64", "is_latest": "bool"}


def read_index(manifest: Path) -> Index:
    """The index's fields of every case and request of a manifest.

    Raises
    ------
    FetchError, FileNotFoundError
        As `letters_of_manifest`.
    """
    import pandas as pd

    with reading(manifest) as connection:
        cases, requests, letters = (_frame(connection, query) for query in (_CASES, _REQUESTS, _LETTERS))
    days = {name: pd.to_datetime(cases[name], format="%Y-%m-%d").astype("datetime64[s]") for name in INDEX_DATES}
    return Index(cases.assign(**days), requests, letters)


def _frame(connection: sqlite3.Connection, query: str) -> pd.DataFrame:
    import pandas as pd

    read = connection.execute(query)
    names = [column[0] for column in read.description]
    frame = pd.DataFrame(read.fetchall(), columns=names)
    return frame.astype({name: _WHOLE.get(name, "string") for name in names})
