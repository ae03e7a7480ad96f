"""Check how outcomes and families are distributed by source, by year and against published rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from imr_ml.corpus.rates import wilson
from imr_ml.corpus.schema import COLUMNS, families_of
from imr_ml.corpus.table import decided_years
from imr_ml.guidelines.types import FAMILIES
from imr_ml.quality.settings import Settings
from imr_ml.quality.types import Rows, SourceBalance, YearCount

UNNAMED = "no known source"
"""Stands for whatever else the column holds: that is not shown."""
_SOURCES = next(column.allowed for column in COLUMNS if column.name == "source")
_OUTCOMES = ("upheld", "overturned")


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
        Decided rows by family that they cite.
    """

    requests: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    years: Counter[tuple[int, str]] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Rows) -> None:
        """Count the rows of a chunk."""
        import numpy as np

        named = rows.column("source")
        source = named.astype("object").where(named.isin(_SOURCES), UNNAMED)
        outcome = rows.column("outcome")
        decided = outcome.isin(_OUTCOMES)
        self.requests.update(source.tolist())
        self.outcomes.update(zip(source[decided].tolist(), outcome[decided].tolist(), strict=True))
        years = decided_years(rows.typed)
        dated = decided.to_numpy(dtype=bool) & np.isfinite(years)
        self.years.update(zip(years[dated].astype(int).tolist(), outcome[dated].tolist(), strict=True))
        for cell, count in rows.column("families")[decided].value_counts().items():
            self.families.update(dict.fromkeys(families_of(cell), int(count)))

    def sources(self, settings: Settings) -> tuple[SourceBalance, ...]:
        """Each source's share overturned, the largest source first."""
        return tuple(self._source(name, count, settings) for name, count in self.requests.most_common())

    def by_year(self) -> tuple[YearCount, ...]:
        """Decided requests of each year, those between without any too; empty where no row tells its year."""
        years = {year for year, _ in self.years}
        span = range(min(years), max(years) + 1) if years else range(0)
        return tuple(YearCount(year, self.years[year, "upheld"], self.years[year, "overturned"]) for year in span)

    def findings(self, settings: Settings) -> Iterator[tuple[str, str]]:
        """What is found in the counts: kind, and what it says."""
        fewest = settings.thresholds.learnable_from
        if len(self.requests) > 1:
            details = ", ".join(f"{count:,} of {name}" for name, count in self.requests.most_common())
            yield "sources_mixed", f"the table mixes sources: {details}"
        totals = [sum(self.outcomes[name, outcome] for name in self.requests) for outcome in _OUTCOMES]
        if sum(totals) and not min(totals):
            only = _OUTCOMES[totals.index(max(totals))]
            yield "one_outcome", f"all {sum(totals):,} decided requests are {only}: there is nothing to learn"
        elif sum(totals) and min(totals) < fewest:
            rarer = _OUTCOMES[totals.index(min(totals))]
            yield "rare_outcome", f"{min(totals)} of {sum(totals):,} decided requests are {rarer}, fewer than {fewest}"
        rare = [family for family in FAMILIES if 0 < self.families[family] < fewest]
        if rare:
            details = ", ".join(f"{family} ({self.families[family]})" for family in rare)
            yield "rare_family", f"fewer than {fewest} decided requests cite {details}"
        for each in self.sources(settings):
            if each.share is not None and each.published and not _touches(each):
                low, high = each.published
                yield (
                    "unusual_balance",
                    f"{each.share:.1%} of {each.source} are overturned; published years have {low:.0%} to {high:.0%}",
                )

    def _source(self, name: str, requests: int, settings: Settings) -> SourceBalance:
        upheld, overturned = (self.outcomes[name, outcome] for outcome in _OUTCOMES)
        decided, published = upheld + overturned, settings.published.get(name)
        if not decided:
            return SourceBalance(name, requests, 0, 0, published=published)
        return SourceBalance(
            name, requests, decided, overturned, overturned / decided, *wilson(overturned, decided), published
        )


def _touches(balance: SourceBalance) -> bool:
    """Whether the interval of a share and the published range have something in common."""
    lowest, highest = balance.published or (0.0, 1.0)
    return (balance.high or 0.0) >= lowest and (balance.low or 0.0) <= highest
