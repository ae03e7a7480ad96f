"""Show the prediction for one request as a card in the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scipy.special import expit

from imr_ml.corpus.schema import WARNING_SEPARATOR
from imr_ml.reporting.names import FACT_NAMES, FAMILY_NAMES, SECTION_NAMES, TIER_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

_TARGETS = {"outcome": ("toward overturned", "toward upheld"), "primary_family": ("for", "against")}
_SHOWN_FAMILIES = 3


def prediction_card(row: Mapping[str, Any]) -> RenderableType:
    """Render a row of `score_frame` as a card: probability and cohort, families, evidence, nearest decisions."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    body = Table.grid(padding=(0, 2))
    for label, lines in card_lines(row).items():
        for number, line in enumerate(lines):
            body.add_row(Text("" if number else label, style="dim"), Text(line))
    return Panel(body, title=Text(str(row["request"])), title_align="left", expand=False)


def card_lines(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the card's lines by label; a request that can't be scored only has the reason."""
    if isinstance(row["error"], str):
        return {"Not scored": [row["error"]]}
    lines = {
        "Outcome": [f"{row['p_overturned']:.0%} probability that the denial is overturned ({row['outcome_pred']})"],
        "Cohort": list(_cohort_lines(row)),
        "Families": list(_family_lines(row)),
        "Evidence": list(_evidence_lines(row, "outcome")),
        "Evidence of family": list(_evidence_lines(row, "primary_family")),
        "Nearest decisions": list(_precedent_lines(row)),
        "Note": ["the model was trained on this case"] if row["in_training"] else [],
        "Warnings": row["warnings"].split(WARNING_SEPARATOR) if isinstance(row["warnings"], str) else [],
        "Model": [str(row["model_version"])],
    }
    return {label: texts for label, texts in lines.items() if texts}


def _cohort_lines(row: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(row["cohort_tier"], str):
        yield (
            f"{row['cohort_rate']:.0%} of {row['cohort_requests']} decided requests were overturned "
            f"(95 % interval {row['cohort_low']:.0%} to {row['cohort_high']:.0%}; {TIER_NAMES[row['cohort_tier']]})"
        )
    elif isinstance(row["cohort_reason"], str):
        yield f"none: {row['cohort_reason']}"


def _family_lines(row: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(row["primary_family"], str):
        return
    likeliest = sorted(FAMILY_NAMES, key=lambda family: -row[f"p_{family}"])[:_SHOWN_FAMILIES]
    yield ", ".join(f"{FAMILY_NAMES[family]} {row[f'p_{family}']:.0%}" for family in likeliest)
    if isinstance(row["acoem_chapter"], str):
        yield f"ACOEM chapter: {row['acoem_chapter']}"


def _evidence_lines(row: Mapping[str, Any], target: str) -> Iterator[str]:
    """Yield the prediction as a sum of log-odds: base rate, terms, everything else."""
    if not isinstance(row["evidence"], str):
        return
    evidence = json.loads(row["evidence"])
    if (sums := evidence["sums"].get(target)) is None:
        return
    yield f"{sums['base_rate']:+.2f} base rate, {expit(sums['base_rate']):.1%} of the training requests (log-odds)"
    toward, against = _TARGETS[target]
    for entry in evidence[target]:
        kind = FACT_NAMES.get(entry.get("fact", ""), "words")
        where = SECTION_NAMES[entry["section"]].lower()
        direction = toward if entry["weight"] > 0 else against
        yield f"{entry['weight']:+.2f} {direction}: {kind} “{entry['name']}” ({where})"
    yield f"{sums['everything_else']:+.2f} everything else"
    yield f"{sums['log_odds']:+.2f} in sum: {expit(sums['log_odds']):.1%}"


def _precedent_lines(row: Mapping[str, Any]) -> Iterator[str]:
    for nearest in json.loads(row["precedents"]) if isinstance(row["precedents"], str) else []:
        title = f"{nearest['case_number'] or 'no case number'}, item {nearest['item'] or '?'}"
        families = ", ".join(FAMILY_NAMES[family] for family in nearest["families"]) or "no families"
        decision = f"{nearest['outcome']} {nearest['decided'] or ''}".strip()
        yield f"{title}: {decision} ({families}; similarity {nearest['similarity']:.2f})"
        if nearest["request"]:
            yield f"  {nearest['request']}"
    if isinstance(row["precedents_reason"], str):
        yield f"none: {row['precedents_reason']}"
