"""Turn a table of decided requests, in its owner's columns and words, into requests to train on.

A row without a usable decision is left out, with its reason; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.dates import describe_styles, infer_styles
from imr_ml.corpus.mapping import ColumnMapping, describe_columns, require_mapped
from imr_ml.corpus.outcomes import PARTIAL, Partial, read_outcomes
from imr_ml.corpus.schema import (
    OWN_SOURCE,
    REQUIRED_COLUMNS,
    SchemaError,
    count_warnings,
    parse_requests,
    row_errors,
)
from imr_ml.corpus.store import SCHEMA_VERSION, schema_version, upgraded
from imr_ml.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

_ROWS_AT_ONCE = 50_000
_ROWS_SAMPLED = 200
_TEXTS = ["request", "clinical_summary", "outcome"]


@dataclass(frozen=True, slots=True)
class InputOptions:
    """How an input, a table or letters, is read.

    Attributes
    ----------
    mapping : ColumnMapping
        The owner's names of columns and values.
    partial : {"overturned", "upheld", "drop"}
        What a partially overturned request counts as; ``drop`` leaves it out.
    sheet : str or None
        Sheet of a workbook.
    ocr : bool
        Whether pages of letters that are pictures are read by OCR.
    """

    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    partial: Partial = "drop"
    sheet: str | None = None
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decided requests of a table.

    Attributes
    ----------
    requests : DataFrame
        In the types of the schema.
    rejected_rows : DataFrame
        ``line`` or ``row``, ``reason`` and the row as written, or the line's ``text``.
    notes : tuple of str
        What a reader of the figures must know about the table.
    """

    requests: pd.DataFrame
    rejected_rows: pd.DataFrame
    notes: tuple[str, ...]


def read_decisions(path: Path, options: InputOptions | None = None, skip: Collection[str] = ()) -> Decisions:
    """Read the decided requests of a table.

    Parameters
    ----------
    path : Path
        A table of any format.
    options : InputOptions, optional
    skip : collection of str
        Columns of the schema that are not read, to save memory; a table of letters of an older schema is read whole.

    Raises
    ------
    SchemaError
        For what is not a table, one without a required column, dates in two orders in a column, and a table without
        any decided request.
    FileNotFoundError
        If it does not exist.
    """
    import pandas as pd

    options = options or InputOptions()
    table = Table.open(path, options.sheet)
    needed, mapping = (*REQUIRED_COLUMNS, "outcome"), options.mapping.resolve(table.columns)
    require_mapped(
        table.columns, needed, mapping.columns, str(path), lambda: next(iter(table.chunks(_ROWS_SAMPLED))).frame
    )
    version = schema_version(path)
    named = mapping.user_name
    # The upgrade of a table of letters tells issues of a case apart by all columns.
    needs_all = version < SCHEMA_VERSION and named("letter_sha256") in table.columns
    skipped = set() if needs_all else set(map(named, skip))
    chunks = list(table.chunks(_ROWS_AT_ONCE, [name for name in table.columns if name not in skipped]))
    written = pd.concat([chunk.frame for chunk in chunks])
    mapped = upgraded(mapping.apply(written), version)
    styles = infer_styles(mapped, str(path))
    parsed = parse_requests(mapped, styles)
    outcomes = _decide_partials(read_outcomes(mapped["outcome"]), options.partial)
    reasons = _rejection_reasons(parsed.table, mapped["outcome"], outcomes)
    usable = reasons.isna()
    requests = with_source(parsed.table.assign(outcome=outcomes)[usable].reset_index(drop=True))
    rejected = written[~usable].assign(reason=reasons[~usable])
    rejected.insert(0, "row", rejected.index + 1)
    lines = [line for chunk in chunks for line in chunk.rejects]
    if lines:
        rejected = pd.concat([rejected, pd.DataFrame(lines)], ignore_index=True).astype(
            {"row": "Int64", "line": "Int64"}
        )
    if requests.empty:
        counts = _count_reasons(rejected["reason"])
        raise SchemaError(
            f"{path}: has no decided request ({counts}); fill outcome, or map it with --map outcome=COLUMN"
        )
    notes = [*describe_columns(table.columns, mapping, training=True), *_describe_rejects(rejected["reason"])]
    notes += [*describe_styles(styles), *_describe_warnings(parsed.warnings)]
    return Decisions(requests, rejected, tuple(notes + _describe_cases(requests)))


def with_source(requests: pd.DataFrame) -> pd.DataFrame:
    """Requests with the source of each row, which is the user's own if the table names none."""
    import pandas as pd

    missing = pd.Series(pd.NA, index=requests.index, dtype="string")
    return requests.assign(source=requests.get("source", missing).astype("string").fillna(OWN_SOURCE))


def _decide_partials(outcomes: pd.Series, partial: Partial) -> pd.Series:
    return outcomes if partial == "drop" else outcomes.replace(PARTIAL, partial)


def _rejection_reasons(table: pd.DataFrame, written: pd.Series, outcomes: pd.Series) -> pd.Series:
    """Why each row can't be trained on; missing where it can."""
    from imr_ml.corpus.cells import parse_text

    reasons = row_errors(table)
    given = parse_text(written).notna()
    families = table["families"].notna() if "families" in table else given & ~given
    source = table["source"].fillna("") if "source" in table else given & ~given
    checks = (
        (~given, "outcome is empty"),
        (given & outcomes.isna(), "outcome is not a known decision"),
        (outcomes.eq(PARTIAL).fillna(value=False), "outcome is partial (choose with --partial)"),
        # A source without any families trains the outcome classifier alone.
        (~families & families.groupby(source).transform("any"), "families is empty, where other rows have them"),
    )
    for failed, reason in checks:
        reasons = reasons.mask(failed & reasons.isna(), reason)
    return reasons


def _describe_rejects(reasons: pd.Series) -> list[str]:
    return [f"{len(reasons)} row(s) left out: {_count_reasons(reasons)}"] if len(reasons) else []


def _count_reasons(reasons: pd.Series) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in reasons.value_counts().items())


def _describe_warnings(warnings: pd.Series) -> list[str]:
    listed = ", ".join(f"{count} x {warning}" for warning, count in count_warnings(warnings).most_common())
    return [f"cells that could not be read count as missing: {listed}"] if listed else []


def _describe_cases(requests: pd.DataFrame) -> list[str]:
    notes = []
    if not {"case_number", "letter_sha256"} & set(requests.columns):
        notes.append(
            "no case numbers, so each row counts as its own case: if a case has several rows, a fold may test on a "
            "case that it was trained on, and the intervals are too narrow; map them with --map case_number=COLUMN"
        )
    repeats = requests.groupby(_TEXTS, dropna=False).size()
    if len(repeats) and (repeats > 1).all():
        notes.append("every row is in the table at least twice; remove the repeats, as they make intervals too narrow")
    if "families" not in requests or requests["families"].isna().all():
        notes.append("no guideline families, so only the outcome classifier is trained")
    return notes
