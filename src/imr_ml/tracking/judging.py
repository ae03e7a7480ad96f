"""Judge whether a challenger is better than the champion, or as good and simpler or trained on more cases.

The rule, on out-of-fold predictions of both on the same folds of the same data, by a paired bootstrap over cases:

- worse, and not promoted, if the interval of any of `DECIDING_METRICS` lies below zero;
- better, and promoted, if the interval of at least one lies above zero;
- else as good, and promoted if it was trained on more cases, or has fewer terms with a weight (`run_facts.TERMS`).

A champion of other data or folds is first refitted: its settings on the challenger's data and folds. Then the
challenger must not be worse on later decisions either, where dates allow a temporal split. Without a champion the
challenger must beat the base rate. With a reason any version can be forced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imr_ml.evaluation.intervals import Estimate
from imr_ml.tracking.comparing import RunFacts, differences_or_reason
from imr_ml.tracking.run_facts import TERMS

DECIDING_METRICS = ("outcome.roc_auc", "family.f1_micro")
"""Metrics that decide; more is better for both."""
_LEAD_OVER_BASE_RATE = "outcome.roc_auc.over_base_rate"
_SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of the promotion rule, and the reason in one line.

    `differences` are metric -> challenger minus champion, empty if they were not compared; `later` the same on later
    decisions, if the champion was refitted, or why there are none.
    """

    promote: bool
    why: str
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    later: Mapping[str, Estimate] | str = ""


def judge(challenger: RunFacts, champion: RunFacts | None, later: Mapping[str, Estimate] | str = "") -> Verdict:
    """Apply the rule in this module's description to two recorded runs.

    Parameters
    ----------
    challenger : RunFacts
    champion : RunFacts or None
    later : dict of Estimate or str
        Metric -> challenger minus champion on later decisions, or why there is none.
    """
    if champion is None:
        lead = challenger.estimate(_LEAD_OVER_BASE_RATE)
        beats = lead is not None and lead.low > 0
        does = "beats" if beats else "does not beat"
        return Verdict(beats, f"there is no champion yet and it {does} the base rate: ROC AUC by {lead}")
    if is_sample_over_real(challenger, champion):
        return Verdict(
            False, "it was trained on the sample corpus and the champion on real letters; train on real letters"
        )
    differences = differences_or_reason(champion, challenger)
    if isinstance(differences, str):
        return Verdict(False, differences)
    promoted, why = _judge_differences(differences, later, challenger, champion)
    return Verdict(promoted, why, differences, later)


def _judge_differences(
    differences: Mapping[str, Estimate], later: Mapping[str, Estimate] | str, challenger: RunFacts, champion: RunFacts
) -> tuple[bool, str]:
    compared = {name: differences[name] for name in DECIDING_METRICS if name in differences}
    if not compared:
        return False, f"the two have none of {' and '.join(DECIDING_METRICS)} in common"
    dated = {} if isinstance(later, str) else {name: later[name] for name in compared if name in later}
    if any(one.high < 0 for one in compared.values()):
        return False, f"it is worse: {_summarize(compared)}"
    if any(one.high < 0 for one in dated.values()):
        return False, f"it is worse on later decisions: {_summarize(dated)}"
    if any(one.low > 0 for one in compared.values()):
        return True, f"it is better: {_summarize(compared)}"
    as_good = f"it is as good, {_summarize(compared)}, and"
    cases, champions_cases = (int(run.params.get("data.cases", 0)) for run in (challenger, champion))
    if cases > champions_cases:
        return True, f"{as_good} trained on more cases ({cases:,}, {champions_cases:,})"
    terms, champions_terms = challenger.metrics.get(TERMS), champion.metrics.get(TERMS)
    if terms is None or champions_terms is None:
        return False, f"{as_good} not simpler"
    simpler = "simpler" if terms < champions_terms else "not simpler"
    return terms < champions_terms, f"{as_good} {simpler} ({terms:,.0f} terms, {champions_terms:,.0f})"


def _summarize(differences: Mapping[str, Estimate]) -> str:
    return ", ".join(f"{name} {one.signed}" for name, one in differences.items())


def is_sample_over_real(challenger: RunFacts, champion: RunFacts) -> bool:
    """Whether a challenger of invented letters meets a champion of real ones."""
    return challenger.tags.get("data.kind") == _SAMPLE != champion.tags.get("data.kind")
