"""Check single rows: schema, texts, families, ages, dates and possible identifiers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from imr_ml.corpus.cells import joined_families, parse_text
from imr_ml.corpus.dates import LAST_YEAR, DateStyle
from imr_ml.corpus.schema import CASE_VERSION, count_warnings, parse_requests, row_errors
from imr_ml.guidelines.citations import families_in
from imr_ml.guidelines.types import FAMILIES, Family
from imr_ml.nlp.demographics import find_demographics
from imr_ml.quality.report import Findings
from imr_ml.quality.settings import Identifier, Settings

ITEM = ("source", "case_number", "item")
ISSUE = (CASE_VERSION, "letter_sha256")

_DATES = ("date_of_injury", "ur_denial_date", "application_received", "decision_date")
_FAMILY_LISTS = "(?:{0})(?:[|](?:{0}))*".format("|".join(FAMILIES))
_CITES_NO_GUIDELINE = (Family.OTHER.value, Family.NONE.value)
_SOURCES_OF_LETTERS = ("dwc", "sample")
# Number of guideline paragraphs to cache, as many requests have the same one.
_GUIDELINES = 1 << 18
_DAYS_A_YEAR = 365.25
_WORD = re.compile(r"\w+", re.ASCII)
_WORDS = re.compile(r"[a-zß-ÿ'’]+")


@dataclass(frozen=True, slots=True)
class Rows:
    """A chunk of a table.

    Attributes
    ----------
    raw, typed : DataFrame
        Columns of the schema as in the table, and in their types. The index is the row number in the table, from 0.
    warnings : Series of string
        Cells of each row that could not be parsed and count as missing.
    identities : DataFrame
        Source, case number, item, version and letter of each row.
    """

    raw: pd.DataFrame
    typed: pd.DataFrame
    warnings: pd.Series
    identities: pd.DataFrame

    @classmethod
    def from_frame(cls, raw: pd.DataFrame, styles: Mapping[str, DateStyle] | None = None) -> Rows:
        """Parse a chunk whose columns have the names of the schema."""
        # Dates in the future are parsed here and reported by a check.
        parsed = parse_requests(raw, styles, LAST_YEAR)
        return cls(raw, parsed.table, parsed.warnings, _identities(parsed.table))

    @classmethod
    def from_typed(cls, requests: pd.DataFrame) -> Rows:
        """Wrap requests that already have the types of the schema."""
        return cls(requests, requests, pd.Series(pd.NA, requests.index, "string"), _identities(requests))

    def column(self, name: str) -> pd.Series:
        """Return a typed column; all values are missing if the table lacks it."""
        return _column(self.typed, name)


@dataclass(frozen=True, slots=True)
class RowChecks:
    """Checks of single rows.

    Attributes
    ----------
    today : date
        Latest valid date.
    findings : Findings
        Collects the problems.
    """

    settings: Settings
    today: date
    findings: Findings
    _families_cited: Callable[[str], str] = field(default_factory=lambda: lru_cache(_GUIDELINES)(_families_cited))

    def run(self, rows: Rows) -> None:
        """Check a chunk."""
        for check in (self._schema, self._texts, self._families, self._ages, self._dates, self._identifiers):
            check(rows)

    def _flag(
        self, rows: Rows, wrong: pd.Series, kind: str, column: str | None = None, says: str | None = None
    ) -> None:
        """Add the rows for which `wrong` is true, without missing values."""
        flagged = wrong.index[wrong.fillna(value=False).to_numpy(dtype=bool)]
        self.findings.add(kind, flagged.to_numpy(), rows.identities, column, says=says)

    def _schema(self, rows: Rows) -> None:
        """Check for unusable rows and cells that can't be parsed."""
        errors = row_errors(rows.typed)
        for reason in errors.dropna().unique():
            self._flag(rows, errors.eq(reason), "schema", reason.partition(" ")[0], says=reason)
        for warning in sorted(count_warnings(rows.warnings)):
            has_warning = rows.warnings.str.contains(warning, regex=False)
            self._flag(rows, has_warning, "unread_cell", warning.partition(":")[0], says=warning)
        for column in ("families", "ur_families"):
            if column in rows.raw:
                texts = parse_text(rows.raw[column])
                is_list = texts.str.fullmatch(_FAMILY_LISTS)
                self._flag(rows, texts.notna() & ~is_list.fillna(value=True), "family_unknown", column)
        self._flag(rows, rows.column("outcome").isna(), "undecided")

    def _texts(self, rows: Rows) -> None:
        """Check for requests and summaries that are too short or too long, and decisions without a rationale."""
        fewest, most = self.settings.thresholds.request_characters
        request = rows.column("request").astype("string")
        self._flag(rows, request.str.count(r"[^\W_]") < fewest, "no_request", "request")
        self._flag(rows, request.str.len() > most, "long_request", "request")
        is_letter = rows.column("source").isin(_SOURCES_OF_LETTERS)
        enough = self.settings.thresholds.summary_words_from
        is_short = _map_distinct(
            rows.column("clinical_summary"), lambda text: len(list(islice(_WORD.finditer(text), enough))) < enough
        )
        is_short = is_short.astype("boolean")
        self._flag(rows, is_short & is_letter, "short_summary", "clinical_summary")
        lacks_rationale = rows.column("outcome").notna() & rows.column("rationale").isna()
        self._flag(rows, lacks_rationale & is_letter, "no_rationale", "rationale")

    def _families(self, rows: Rows) -> None:
        """Check for families that are missing or differ from those in the guideline paragraph."""
        # UR families may be missing, as training and scoring read them from the guideline paragraph.
        is_missing = rows.column("families").isna() & rows.column("imr_guideline").notna()
        self._flag(rows, is_missing, "family_missing", "families")
        for column, guideline in (("families", "imr_guideline"), ("ur_families", "ur_guideline")):
            paragraphs, families = rows.column(guideline), rows.column(column)
            both = families.notna() & paragraphs.notna()
            if both.any():
                expected = _map_distinct(paragraphs[both], self._families_cited)
                # A reviewer who agrees with the administrator's guidelines has the same families.
                agrees = expected.isin(_CITES_NO_GUIDELINE) & families.eq(rows.column("ur_families"))
                self._flag(rows, families.ne(expected) & both & ~agrees, "family_differs", column)

    def _ages(self, rows: Rows) -> None:
        """Check for ages that contradict the summary, are impossible, or make the worker a child when injured."""
        age, source = pd.to_numeric(rows.column("age")), rows.column("source")
        if age.isna().all():
            return
        stated = pd.to_numeric(
            _map_distinct(rows.column("clinical_summary"), lambda text: find_demographics(text).age_years)
        )
        self._flag(rows, age.ne(stated) & age.notna() & stated.notna(), "age_differs", "age")
        limits = self.settings.thresholds.ages
        youngest, oldest = (source.map({name: ages[at] for name, ages in limits.items()}) for at in (0, 1))
        is_outside = (age < youngest.astype("float64")) | (age > oldest.astype("float64"))
        self._flag(rows, is_outside, "age_out_of_range", "age")
        self._flag(rows, age.notna() & (age % 1 != 0), "age_not_whole", "age")
        injury, decision = (pd.to_datetime(rows.column(name)) for name in ("date_of_injury", "decision_date"))
        # The worker may have had a birthday between the summary and the decision.
        is_child = age + 1 - _years(injury, decision) < self.settings.thresholds.youngest_at_injury
        self._flag(rows, is_child, "too_young_at_injury", "age")

    def _dates(self, rows: Rows) -> None:
        """Check for dates out of order, in the future or before the program; missing dates are valid."""
        injury, denial, application, decision = dates = [pd.to_datetime(rows.column(name)) for name in _DATES]
        year = pd.to_numeric(rows.column("decision_year"))
        self._flag(rows, denial < injury, "denial_before_injury", "ur_denial_date")
        self._flag(rows, application < denial, "application_before_denial", "application_received")
        is_before_application = decision < application
        self._flag(rows, is_before_application, "decision_before_application", "decision_date")
        is_before_injury = ((decision < injury) | (decision < denial)) & ~is_before_application
        self._flag(rows, is_before_injury, "decision_before_injury", "decision_date")
        for name, values in zip(_DATES, dates, strict=True):
            self._flag(rows, values > pd.Timestamp(self.today), "future_date", name)
        self._flag(rows, year > self.today.year, "future_date", "decision_year")
        differs = decision.dt.year.ne(year) & decision.notna() & year.notna()
        self._flag(rows, differs, "year_differs", "decision_year")
        first = pd.to_datetime(rows.column("source").map(self.settings.thresholds.first_decision))
        is_early = (decision < first) | (decision.isna() & (year < first.dt.year))
        column = "decision_date" if "decision_date" in rows.typed else "decision_year"
        self._flag(rows, is_early, "decision_too_early", column)
        last = decision.fillna(application).fillna(denial)
        is_old = _years(injury, last) > self.settings.thresholds.longest_since_injury_years
        self._flag(rows, is_old, "old_injury", "date_of_injury")

    def _identifiers(self, rows: Rows) -> None:
        """Check for possible identifiers in the original texts of the table."""
        for column in dict.fromkeys(name for rule in self.settings.identifier.values() for name in rule.columns):
            if column not in rows.raw:
                continue
            texts = rows.raw[column].astype("string")
            codes, unique = texts.factorize()
            distinct = pa.array([str(text) for text in unique], pa.large_string())
            for kind, rule in self.settings.identifier.items():
                spans = _spans_by_text(distinct, rule) if column in rule.columns else {}
                places = np.flatnonzero(np.isin(codes, list(spans)))
                hits = [(place, span) for place in places.tolist() for span in spans[codes[place]]]
                at = texts.index.to_numpy()[[place for place, _ in hits]] if hits else places
                self.findings.add(kind, at, rows.identities, column, spans=[span for _, span in hits])


def find_spans(text: str, rule: Identifier) -> list[tuple[int, int]]:
    """Find half-open spans of characters that look like an identifier.

    Examples
    --------
    >>> from imr_ml.quality.settings import default_settings
    >>> rule = default_settings().entry("e_mail_address")
    >>> find_spans("Write to ann@example.org, please.", rule)
    [(9, 24)]
    """
    # ASCII, so that Python and RE2 agree on letters and digits.
    pattern, spans, start = re.compile(rule.pattern, re.ASCII), [], 0
    while match := pattern.search(text, start):
        # The text after one identifier may also be the text before the next one.
        start = max(match.end("found"), start + 1)
        if not rule.not_words or rule.not_words.isdisjoint(_WORDS.findall(match["found"].lower())):
            spans.append(match.span("found"))
    return spans


def _spans_by_text(texts: pa.LargeStringArray, rule: Identifier) -> dict[int, list[tuple[int, int]]]:
    """Find identifiers by position of their text; RE2, which is much faster, selects the texts to search."""
    hits = pc.match_substring_regex(texts, rule.pattern)
    spans = {place: find_spans(texts[place].as_py(), rule) for place in pc.indices_nonzero(hits).to_pylist()}
    return {place: places for place, places in spans.items() if places}


def _identities(values: pd.DataFrame) -> pd.DataFrame:
    identities = pd.DataFrame({name: _column(values, name) for name in (*ITEM, *ISSUE)}, index=values.index)
    for name in ("item", CASE_VERSION):
        identities[name] = pd.to_numeric(identities[name]).astype("float64")
    return identities


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    return table[name] if name in table else pd.Series(pd.NA, index=table.index, dtype="string")


def _families_cited(guideline: str) -> str:
    return joined_families(families_in(guideline))


def _map_distinct(texts: pd.Series, compute: Callable[[str], object]) -> pd.Series:
    """Compute a result once per distinct text; it is missing for missing texts."""
    return texts.map({text: compute(text) for text in texts.dropna().unique()})


def _years(start: pd.Series, end: pd.Series) -> pd.Series:
    return (end - start).dt.days / _DAYS_A_YEAR
