"""Promote a challenger that is better than the champion, or as good and simpler.

The rule, on out-of-fold predictions of both on the same folds of the same data, by a paired bootstrap over cases:

- worse, and kept out, if the interval of any of `JUDGED_BY` lies below zero;
- better, and promoted, if the interval of at least one lies above zero;
- else as good, and promoted if it is simpler: if it has fewer terms with a weight (`run_facts.TERMS`).

Without a champion the challenger must beat the base rate. With a reason any version can be forced.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imr_ml.evaluation.intervals import Estimate
from imr_ml.tracking.comparing import RunFacts, differences_or_why, run_facts
from imr_ml.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, version_by_alias
from imr_ml.tracking.run_facts import TERMS
from imr_ml.tracking.store import connected, or_none
from imr_ml.tracking.uris import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

JUDGED_BY = ("outcome.roc_auc", "family.f1_micro")
"""Metrics that decide; more is better for both."""
_AGAINST_NOTHING = "outcome.roc_auc.over_base_rate"
_PREVIOUS = "promotion.previous_champion"
_TAGS = "promotion"
_JUDGED = "\n\n**Judged "
_LONGEST_REASON, _LONGEST_TAG = 600, 5000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says.

    Attributes
    ----------
    promote : bool
    why : str
        One line.
    differences : dict of Estimate
        Challenger minus champion; empty where there is nothing to pair.
    """

    promote: bool
    why: str
    differences: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a challenger.

    Attributes
    ----------
    version : str
    previous : str
        Champion before; empty where there was none.
    promoted : bool
    verdict : Verdict
    """

    version: str
    previous: str
    promoted: bool
    verdict: Verdict


def promote(*, force: bool = False, reason: str = "") -> Promotion:
    """Make the challenger the champion if the rule says so, and record why on its version.

    Parameters
    ----------
    force : bool, default False
        Whether to do so against the rule.
    reason : str
        Why; needed to force.

    Raises
    ------
    TrackingError
        Where there is no challenger, it is the champion already, or a reason is missing.
    """
    if force and not reason.strip():
        raise TrackingError("promoting by force needs a reason: imr-ml promote --force --reason TEXT")
    if len(reason) > _LONGEST_TAG:
        raise TrackingError(f"the reason has {len(reason):,} characters; say it in {_LONGEST_TAG:,} at most")
    with connected() as client:
        challenger, champion = version_by_alias(client, CHALLENGER), version_by_alias(client, CHAMPION)
        if challenger is None:
            raise TrackingError(f"no version of {MODEL_NAME} is the challenger; train one with 'make train'")
        if champion is not None and champion.version == challenger.version:
            raise TrackingError(f"version {challenger.version} is the challenger and the champion; train another first")
        verdict = _verdict(client, challenger, champion)
        promoted = verdict.promote or force
        previous = str(champion.version) if champion else ""
        if promoted:
            _set_tags(client, challenger, {_PREVIOUS: previous})
            client.set_registered_model_alias(MODEL_NAME, CHAMPION, challenger.version)
        _write_down(client, challenger, verdict, reason, promoted=promoted)
        return Promotion(str(challenger.version), previous, promoted, verdict)


def rollback(reason: str = "") -> tuple[str, str]:
    """Make the champion's predecessor the champion again.

    Returns
    -------
    left, again : str
        Version that was the champion, and the one that is now.

    Raises
    ------
    TrackingError
        Where there is no champion or it had no predecessor.
    """
    import mlflow

    with connected() as client:
        champion = version_by_alias(client, CHAMPION)
        if champion is None:
            raise TrackingError(f"no version of {MODEL_NAME} is the champion; promote one: imr-ml promote")
        previous = champion.tags.get(_PREVIOUS, "")
        if not previous:
            raise TrackingError(f"version {champion.version} was the first champion: there is none to go back to")
        try:
            client.get_model_version(MODEL_NAME, previous)
        except mlflow.MlflowException as error:
            raise TrackingError(
                f"version {previous}, the champion before, was deleted; promote another: imr-ml promote"
            ) from error
        client.set_registered_model_alias(MODEL_NAME, CHAMPION, previous)
        note = f"{_now()}: version {previous} again" + (f", {reason}" if reason else "")
        client.set_model_version_tag(MODEL_NAME, champion.version, "rollback", note)
        return str(champion.version), previous


def judge(challenger: RunFacts, champion: RunFacts | None) -> Verdict:
    """What the rule in this module's description says of two recorded runs."""
    if champion is None:
        return _against_base_rate(challenger)
    kinds = [run.tags.get("data.kind") for run in (challenger, champion)]
    if kinds == ["sample", "real"]:
        return Verdict(
            promote=False,
            why="it was trained on the sample corpus and the champion on real letters; train on real letters",
            differences={},
        )
    found = differences_or_why(champion, challenger)
    if isinstance(found, str):
        return Verdict(
            promote=False,
            why=f"{found}; train the champion's settings anew on the challenger's data and folds to compare them",
            differences={},
        )
    return _by_differences(found, challenger.metrics.get(TERMS), champion.metrics.get(TERMS))


def _against_base_rate(challenger: RunFacts) -> Verdict:
    lead = challenger.estimate(_AGAINST_NOTHING)
    better = lead is not None and lead.low > 0
    why = f"there is no champion yet and it {'beats' if better else 'does not beat'} the base rate: ROC AUC by {lead}"
    return Verdict(better, why, {})


def _by_differences(differences: Mapping[str, Estimate], terms: float | None, champions_terms: float | None) -> Verdict:
    compared = {name: differences[name] for name in JUDGED_BY if name in differences}
    if not compared:
        return Verdict(False, f"the two have none of {' and '.join(JUDGED_BY)} in common", differences)
    summary = ", ".join(f"{name} {one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]" for name, one in compared.items())
    if any(one.high < 0 for one in compared.values()):
        return Verdict(False, f"it is worse: {summary}", differences)
    if any(one.low > 0 for one in compared.values()):
        return Verdict(True, f"it is better: {summary}", differences)
    sizes = "" if terms is None or champions_terms is None else f" ({terms:,.0f} terms, {champions_terms:,.0f})"
    simpler = terms is not None and champions_terms is not None and terms < champions_terms
    kind = "simpler" if simpler else "not simpler"
    return Verdict(simpler, f"it is as good, {summary}, and {kind}{sizes}", differences)


def _verdict(client: MlflowClient, challenger: ModelVersion, champion: ModelVersion | None) -> Verdict:
    ours, theirs = _facts(client, challenger), _facts(client, champion) if champion else None
    if ours is None:
        raise TrackingError(f"the run of version {challenger.version}, the challenger, was deleted; train another")
    if champion is not None and theirs is None:
        why = f"the run of version {champion.version}, the champion, was deleted, so the two can't be compared"
        return Verdict(promote=False, why=why, differences={})
    return judge(ours, theirs)


def _facts(client: MlflowClient, version: ModelVersion) -> RunFacts | None:
    """None for a version whose run was deleted, or that was registered without one."""
    run = or_none(lambda: client.get_run(str(version.run_id))) if version.run_id else None
    return run_facts(client, run) if run else None


def _write_down(client: MlflowClient, version: ModelVersion, verdict: Verdict, reason: str, *, promoted: bool) -> None:
    forced = promoted and not verdict.promote
    outcome = ("promoted by force" if forced else "promoted") if promoted else "not promoted"
    tags = {"reason": reason, "outcome": outcome, "verdict": verdict.why, "at": _now()}
    _set_tags(client, version, {f"{_TAGS}.{name}": value for name, value in tags.items()})
    # Of an earlier judgement nothing is kept: a database may hold no more than 5,000 characters.
    about = (version.description or "").partition(_JUDGED)[0]
    given = f" Reason: {textwrap.shorten(reason, _LONGEST_REASON, placeholder=' ...')}" if reason else ""
    told_in_short = textwrap.shorten(verdict.why, _LONGEST_REASON, placeholder=" ...")
    lines = [f"{about}{_JUDGED}{_now()}: {outcome}.** {told_in_short}.{given}", *_table(verdict.differences)]
    client.update_model_version(MODEL_NAME, version.version, "\n".join(lines))


def _set_tags(client: MlflowClient, version: ModelVersion, tags: Mapping[str, str]) -> None:
    """Set tags; one that is empty is taken away, for what an earlier promotion left would be told of this one."""
    for name, value in tags.items():
        if value:
            client.set_model_version_tag(MODEL_NAME, version.version, name, value)
        elif name in version.tags:
            client.delete_model_version_tag(MODEL_NAME, version.version, name)


def _table(differences: Mapping[str, Estimate]) -> list[str]:
    if not differences:
        return []
    rows = [f"| {name} | {one.value:+.3f} | {one.low:+.3f} | {one.high:+.3f} |" for name, one in differences.items()]
    return ["", "| challenger minus champion | value | low | high |", "|---|---|---|---|", *rows]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
