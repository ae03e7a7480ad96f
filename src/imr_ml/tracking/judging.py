"""Decide whether a challenger is better than the champion, or as good and simpler or trained on more cases.

The rule compares out-of-fold predictions of both on the same folds of the same data, by a paired bootstrap over cases:

- worse, not promoted: the interval of any of `DECIDING_METRICS` is below zero;
- better, promoted: the interval of at least one is above zero;
- as good: promoted if it was trained on more cases, or has fewer terms with a nonzero weight (`run_facts.TERMS`).

If the champion has other data or folds, its settings are first refitted on the challenger's. The challenger must then
not be worse on later decisions either, if the dates allow a temporal split. Without a champion, the challenger must
beat the base rate. Any version can be promoted by force, with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imr_ml.evaluation.intervals import Estimate
from imr_ml.tracking.comparing import RunFacts, differences_or_reason
from imr_ml.tracking.run_facts import TERMS

DECIDING_METRICS = ("outcome.roc_auc", "family.f1_micro")
"""Metrics of the rule; higher is better for both."""
_LEAD_OVER_BASE_RATE = "outcome.roc_auc.over_base_rate"
_SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of the promotion rule.

    Attributes
    ----------
    reason : str
        One line.
    differences : dict of Estimate
        Metric -> challenger minus champion; empty if they were not compared.
    later : dict of Estimate or str
        Differences on later decisions if the champion was refitted, or why there are none.
    """

    promote: bool
    reason: str
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    later: Mapping[str, Estimate] | str = ""


def judge(challenger: RunFacts, champion: RunFacts | None, later: Mapping[str, Estimate] | str = "") -> Verdict:
    """Apply the rule in this module's docstring to two recorded runs.

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
        return Verdict(beats, f"there is no champion yet and it {does} the base rate (ROC AUC difference {lead})")
    if is_sample_over_real(challenger, champion):
        return Verdict(
            False, "it was trained on the sample corpus and the champion on real letters; train on real letters"
        )
    differences = differences_or_reason(champion, challenger)
    if isinstance(differences, str):
        return Verdict(False, differences)
    promote, reason = _judge_differences(differences, later, challenger, champion)
    return Verdict(promote, reason, differences, later)


def _judge_differences(
    differences: Mapping[str, Estimate], later: Mapping[str, Estimate] | str, challenger: RunFacts, champion: RunFacts
) -> tuple[bool, str]:
    compared = {name: differences[name] for name in DECIDING_METRICS if name in differences}
    if not compared:
        return False, f"the two have none of {' and '.join(DECIDING_METRICS)} in common"
    compared_later = {} if isinstance(later, str) else {name: later[name] for name in compared if name in later}
    if any(difference.high < 0 for difference in compared.values()):
        return False, f"it is worse: {_summarize(compared)}"
    if any(difference.high < 0 for difference in compared_later.values()):
        return False, f"it is worse on later decisions: {_summarize(compared_later)}"
    if any(difference.low > 0 for difference in compared.values()):
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
    return ", ".join(f"{name} {difference.signed}" for name, difference in differences.items())


def is_sample_over_real(challenger: RunFacts, champion: RunFacts) -> bool:
    """Return whether only the challenger was trained on invented letters."""
    return challenger.tags.get("data.kind") == _SAMPLE != champion.tags.get("data.kind")
