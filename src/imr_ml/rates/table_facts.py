"""Summarize the requests that rates are counted from."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from imr_ml.corpus.schema import OWN_SOURCE, SAMPLE_SOURCE


@dataclass(frozen=True, slots=True)
class TableFacts:
    """Summary of a table.

    Attributes
    ----------
    first, last : str
        Dates or years of the earliest and the latest decision; empty if unknown.
    where : tuple of str
        Conditions that the requests meet.
    """

    name: str
    requests: int
    cases: int
    first: str
    last: str
    sources: tuple[str, ...]
    where: tuple[str, ...] = ()

    @property
    def is_sample(self) -> bool:
        """Whether any request is invented."""
        return SAMPLE_SOURCE in self.sources

    @property
    def kind(self) -> str:
        """Sources, with a mark for invented requests."""
        return ", ".join("SAMPLE (SYNTHETIC)" if source == SAMPLE_SOURCE else source for source in self.sources)

    def __str__(self) -> str:
        dates = f", decided {self.first} to {self.last}" if self.first else ", dates of decision unknown"
        only = f"; only {', '.join(self.where)}" if self.where else ""
        origin = "invented letters of the sample corpus" if self.is_sample else "assumed to be real decisions"
        counts = f"{self.requests:,} decided requests of {self.cases:,} cases"
        return f"{self.name}: {counts}{dates}; source: {self.kind}, {origin}{only}"


def summarize_table(requests: pd.DataFrame, name: str, cases: int) -> TableFacts:
    """Summarize a table of requests.

    Parameters
    ----------
    requests : DataFrame
    name : str
        Name of the table.
    cases : int
        Number of cases.
    """
    sources = requests["source"].astype("object").fillna(OWN_SOURCE).unique() if "source" in requests else [OWN_SOURCE]
    dates = pd.to_datetime(requests["decision_date"]).dropna() if "decision_date" in requests else pd.Series(dtype="O")
    years = requests["decision_year"].dropna() if "decision_year" in requests else pd.Series(dtype="O")
    first, last = "", ""
    if len(dates):
        first, last = (f"{day:%Y-%m-%d}" for day in (dates.min(), dates.max()))
    elif len(years):
        first, last = str(int(years.min())), str(int(years.max()))
    return TableFacts(name, len(requests), cases, first, last, tuple(sorted(map(str, sources))))
