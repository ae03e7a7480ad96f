"""Check rows against each other: duplicate items, near-duplicate summaries, and shares of outcomes and families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imr_ml.corpus.near_duplicates import NO_SUMMARY, SummaryIndex, join_cases
from imr_ml.corpus.rates import wilson
from imr_ml.corpus.schema import OWN_SOURCE, families_of
from imr_ml.corpus.table import case_keys, decided_years
from imr_ml.guidelines.types import FAMILIES
from imr_ml.progress import Progress
from imr_ml.quality.report import Findings, SourceBalance, YearCount
from imr_ml.quality.row_checks import ISSUE, ITEM, Rows
from imr_ml.quality.settings import Settings

_OUTCOMES = ("upheld", "overturned")
_MANY_REPEATS = 0.2
_CONTENT = ("request", "clinical_summary", "outcome")


@dataclass(slots=True)
class Cases:
    """Cases and clinical summaries of the rows added so far."""

    summaries: SummaryIndex
    _identities: list[pd.DataFrame] = field(default_factory=list)
    _summary_numbers: list[NDArray[np.int64]] = field(default_factory=list)
    _contents: list[pd.DataFrame] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        """Add a chunk."""
        self._identities.append(rows.identities.astype({"source": "category"}))
        self._summary_numbers.append(self.summaries.add(rows.column("clinical_summary")))
        self._contents.append(_contents(rows))

    def check(self, findings: Findings, progress: Progress) -> tuple[int, NDArray[np.int64]]:
        """Check all rows together and add to `findings`; `progress` counts the compared bands of hashes.

        Returns
        -------
        cases : int
            Number of cases.
        groups : (rows,) int
            As returned by `near_duplicates.duplicate_groups`.
        """
        if not self._identities:
            return 0, np.zeros(0, dtype=np.int64)
        identities = pd.concat([part.astype({"source": "string"}) for part in self._identities])
        cases = case_keys(identities)
        _check_items(identities, findings)
        is_unnamed = (identities["case_number"].isna() & identities["letter_sha256"].isna()).to_numpy(dtype=bool)
        findings.add("case_unnamed", is_unnamed.nonzero()[0], identities)
        contents = pd.concat(self._contents)
        if is_unnamed.all() and contents["decided"].any():
            entry = findings.settings.entry("cases_unnamed")
            findings.add_for_table("cases_unnamed", entry.says)
        _check_repeats(contents.join(identities), identities, findings)
        groups = self._check_summaries(identities, cases, findings, progress)
        return int(cases.nunique()), groups

    def _check_summaries(
        self, identities: pd.DataFrame, cases: pd.Series, findings: Findings, progress: Progress
    ) -> NDArray[np.int64]:
        """Flag the first row of each case that shares a summary with another case, with the first row of its group."""
        summaries = self.summaries.groups(np.concatenate(self._summary_numbers), progress)
        groups = join_cases(cases, summaries)
        rows = pd.DataFrame({"case": cases, "summary": summaries, "group": groups})
        rows = rows[rows["summary"] != NO_SUMMARY].drop_duplicates(["case", "summary"])
        shared = rows[rows.groupby("summary")["case"].transform("size") > 1].drop_duplicates("case")
        shared = shared.rename_axis("row").reset_index()
        place = shared.groupby("group").cumcount()
        first, second = (shared[place == number].set_index("group")["row"] for number in (0, 1))
        like = shared["group"].map(first).where(place > 0, shared["group"].map(second))
        findings.add(
            "near_duplicates", shared["row"].to_numpy(), identities, "clinical_summary", like=like.to_numpy(np.int64)
        )
        return groups


def _check_items(identities: pd.DataFrame, findings: Findings) -> None:
    """Flag items that occur twice in one letter, or in several letters of their case."""
    named = identities.dropna(subset=["case_number", "item"])
    repeated = named[named.duplicated(list(ITEM), keep=False)]
    rows = repeated.index.to_numpy()
    first = repeated.assign(row=rows).groupby(list(ITEM), dropna=False)["row"].transform("min").to_numpy()
    in_one_letter = repeated.duplicated([*ITEM, *ISSUE]).to_numpy()
    for kind, flagged in (("item_twice", in_one_letter), ("reissued", (rows != first) & ~in_one_letter)):
        findings.add(kind, rows[flagged], identities, like=first[flagged])


def _contents(rows: Rows) -> pd.DataFrame:
    """Compute a hash of each row's content, and whether the row is decided and has its texts."""
    texts = pd.DataFrame({name: rows.column(name).astype("string") for name in _CONTENT})
    return pd.DataFrame(
        {
            "content": pd.util.hash_pandas_object(texts, index=False).to_numpy(),
            "decided": texts["outcome"].notna().to_numpy(),
            "has_texts": (texts["request"].notna() & texts["clinical_summary"].notna()).to_numpy(),
        },
        index=rows.typed.index,
    )


def _check_repeats(rows: pd.DataFrame, identities: pd.DataFrame, findings: Findings) -> None:
    """Flag rows that repeat another of their case, if item numbers do not distinguish them."""
    loose = rows[rows["has_texts"] & (rows["case_number"].isna() | rows["item"].isna())]
    keys = ["content", "source", "case_number", "item", *ISSUE]
    repeated = loose[loose.duplicated(keys)]
    first = loose.assign(row=loose.index).groupby(keys, dropna=False)["row"].transform("min")
    findings.add("row_twice", repeated.index.to_numpy(), identities, like=first[repeated.index].to_numpy())
    if len(repeated) >= _MANY_REPEATS * len(rows):
        says = f"{len(repeated):,} of {len(rows):,} rows are duplicates: metrics and intervals would be too optimistic"
        findings.add_for_table("rows_repeated", says)


@dataclass(slots=True)
class Balance:
    """Counts over the rows added so far.

    Attributes
    ----------
    requests : Counter of str
        Rows by source.
    outcomes : Counter of (str, str)
        Decided rows by source and outcome.
    years : Counter of (int, str)
        Decided rows by year and outcome.
    families : Counter of str
        Decided rows by cited family.
    """

    requests: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    years: Counter[tuple[int, str]] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Rows) -> None:
        """Count the rows of a chunk."""
        source, outcome = rows.column("source"), rows.column("outcome")
        source = source.astype("object").where(source.notna(), OWN_SOURCE)
        decided = outcome.isin(_OUTCOMES)
        self.requests.update(source.tolist())
        self.outcomes.update(zip(source[decided].tolist(), outcome[decided].tolist(), strict=True))
        years = decided_years(rows.typed)
        dated = decided.to_numpy(dtype=bool) & np.isfinite(years)
        self.years.update(zip(years[dated].astype(int).tolist(), outcome[dated].tolist(), strict=True))
        for cell, count in rows.column("families")[decided].value_counts().items():
            self.families.update(dict.fromkeys(families_of(cell), int(count)))

    def by_source(self, settings: Settings) -> tuple[SourceBalance, ...]:
        """Return the share overturned of each source, the largest source first."""
        return tuple(self._source(name, count, settings) for name, count in self.requests.most_common())

    def by_year(self) -> tuple[YearCount, ...]:
        """Return decided requests of each year from the first to the last; empty if no row has a year."""
        years = {year for year, _ in self.years}
        span = range(min(years), max(years) + 1) if years else range(0)
        return tuple(YearCount(year, self.years[year, "upheld"], self.years[year, "overturned"]) for year in span)

    def check(self, settings: Settings, findings: Findings, cases: int) -> None:
        """Add findings about the whole table.

        Parameters
        ----------
        settings : Settings
        findings : Findings
        cases : int
            Number of cases in the table.
        """
        fewest = settings.thresholds.learnable_from
        decided, enough = sum(self.outcomes.values()), settings.thresholds.trainable_from
        if decided and cases < enough:
            says = (
                f"{decided:,} decided request(s) of {cases:,} case(s): too few to train on, which needs {enough} cases"
            )
            findings.add_for_table("too_few", says)
        if len(self.requests) > 1:
            details = ", ".join(f"{count:,} of {name}" for name, count in self.requests.most_common())
            findings.add_for_table("sources_mixed", f"the table mixes sources: {details}")
        for kind, says in self._outcome_problems(fewest):
            findings.add_for_table(kind, says)
        rare = [f"{family} ({self.families[family]})" for family in FAMILIES if 0 < self.families[family] < fewest]
        if rare:
            findings.add_for_table("rare_family", f"fewer than {fewest} decided requests cite {', '.join(rare)}")
        for source in self.by_source(settings):
            if source.share is not None and source.published and not _overlaps(source):
                low, high = source.published
                share = f"{source.share:.1%} of {source.source} are overturned"
                findings.add_for_table("unusual_balance", f"{share}; published yearly rates: {low:.0%} to {high:.0%}")

    def _outcome_problems(self, fewest: int) -> Iterator[tuple[str, str]]:
        counts = {outcome: sum(self.outcomes[name, outcome] for name in self.requests) for outcome in _OUTCOMES}
        total = sum(counts.values())
        rarer, commoner = sorted(counts, key=lambda outcome: counts[outcome])
        if total and not counts[rarer]:
            yield "one_outcome", f"all {total:,} decided requests are {commoner}: there is nothing to learn"
        elif total and counts[rarer] < fewest:
            yield "rare_outcome", f"{counts[rarer]} of {total:,} decided requests are {rarer}, fewer than {fewest}"

    def _source(self, name: str, requests: int, settings: Settings) -> SourceBalance:
        upheld, overturned = (self.outcomes[name, outcome] for outcome in _OUTCOMES)
        decided, published = upheld + overturned, settings.published.get(name)
        if not decided:
            return SourceBalance(name, requests, 0, 0, published=published)
        interval = wilson(overturned, decided)
        return SourceBalance(name, requests, decided, overturned, overturned / decided, *interval, published)


def _overlaps(balance: SourceBalance) -> bool:
    """Whether the interval of a share overlaps the published range."""
    lowest, highest = balance.published or (0.0, 1.0)
    return (balance.high or 0.0) >= lowest and (balance.low or 0.0) <= highest
