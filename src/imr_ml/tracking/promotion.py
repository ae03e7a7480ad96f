"""Promote a challenger that is better than the champion, or as good and simpler.

The rule, on out-of-fold predictions of both on the same folds of the same data, by a paired bootstrap over cases:

- worse, and not promoted, if the interval of any of `JUDGED_BY` lies below zero;
- better, and promoted, if the interval of at least one lies above zero;
- else as good, and promoted if it is simpler: if it has fewer terms with a weight (`run_facts.TERMS`).

Without a champion the challenger must beat the base rate. With a reason any version can be forced.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imr_ml.evaluation.intervals import Estimate
from imr_ml.tracking.comparing import RunFacts, differences_or_why, read_run
from imr_ml.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, check_files, version_by_alias
from imr_ml.tracking.run_facts import TERMS, markdown_table
from imr_ml.tracking.store import connected, or_none
from imr_ml.tracking.uris import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

JUDGED_BY = ("outcome.roc_auc", "family.f1_micro")
"""Metrics that decide; more is better for both."""
_LEAD_OVER_BASE_RATE = "outcome.roc_auc.over_base_rate"
_PREVIOUS = "promotion.previous_champion"
_JUDGED = "\n\n**Judged "
_LONGEST_REASON, _LONGEST_TAG = 600, 5000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says, with its reason in one line; of differences (challenger minus champion) there may be none."""

    promote: bool
    why: str
    differences: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a challenger; `previous` is the champion before, empty if there was none."""

    version: str
    previous: str
    promoted: bool
    verdict: Verdict


def promote(*, force: bool = False, reason: str = "") -> Promotion:
    """Make the challenger the champion if the rule says so or by force, and record why on its version.

    Raises
    ------
    TrackingError
        If there is no challenger, it is the champion already, its files are gone, or it is forced without a reason.
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
        verdict = _judge_versions(client, challenger, champion)
        check_files(client, challenger, "the challenger")
        promoted, previous = verdict.promote or force, str(champion.version) if champion else ""
        if promoted:
            _set_tags(client, challenger, {_PREVIOUS: previous})
            client.set_registered_model_alias(MODEL_NAME, CHAMPION, challenger.version)
        outcome = "promoted" if verdict.promote else "promoted by force" if force else "not promoted"
        _record_verdict(client, challenger, verdict, reason, outcome)
        return Promotion(str(challenger.version), previous, promoted, verdict)


def rollback(reason: str = "") -> tuple[str, str]:
    """Make the champion's predecessor the champion again; return the versions before and after."""
    import mlflow

    with connected() as client:
        champion = version_by_alias(client, CHAMPION)
        if champion is None:
            raise TrackingError(f"no version of {MODEL_NAME} is the champion; promote one: imr-ml promote")
        previous = champion.tags.get(_PREVIOUS, "")
        if not previous:
            raise TrackingError(f"version {champion.version} was the first champion: there is none to go back to")
        try:
            version = client.get_model_version(MODEL_NAME, previous)
        except mlflow.MlflowException as error:
            raise TrackingError(
                f"version {previous}, the champion before, was deleted; promote another: imr-ml promote"
            ) from error
        check_files(client, version, "the champion before")
        client.set_registered_model_alias(MODEL_NAME, CHAMPION, previous)
        note = f"{_now()}: version {previous} again" + (f", {reason}" if reason else "")
        client.set_model_version_tag(MODEL_NAME, champion.version, "rollback", note)
        return str(champion.version), previous


def judge(challenger: RunFacts, champion: RunFacts | None) -> Verdict:
    """What the rule in this module's description says of two recorded runs."""
    if champion is None:
        lead = challenger.estimate(_LEAD_OVER_BASE_RATE)
        beats = lead is not None and lead.low > 0
        why = (
            f"there is no champion yet and it {'beats' if beats else 'does not beat'} the base rate: ROC AUC by {lead}"
        )
        return Verdict(beats, why)
    if [run.tags.get("data.kind") for run in (challenger, champion)] == ["sample", "real"]:
        why = "it was trained on the sample corpus and the champion on real letters; train on real letters"
        return Verdict(False, why)
    differences = differences_or_why(champion, challenger)
    if isinstance(differences, str):
        why = f"{differences}; train the champion's settings anew on the challenger's data and folds to compare them"
        return Verdict(False, why)
    return _judge_differences(differences, challenger.metrics.get(TERMS), champion.metrics.get(TERMS))


def _judge_differences(differences: Mapping[str, Estimate], terms: float | None, champions: float | None) -> Verdict:
    compared = {name: differences[name] for name in JUDGED_BY if name in differences}
    if not compared:
        return Verdict(False, f"the two have none of {' and '.join(JUDGED_BY)} in common", differences)
    summary = ", ".join(f"{name} {one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]" for name, one in compared.items())
    if any(one.high < 0 for one in compared.values()):
        return Verdict(False, f"it is worse: {summary}", differences)
    if any(one.low > 0 for one in compared.values()):
        return Verdict(True, f"it is better: {summary}", differences)
    if terms is None or champions is None:
        return Verdict(False, f"it is as good, {summary}, and not simpler", differences)
    kind = "simpler" if terms < champions else "not simpler"
    why = f"it is as good, {summary}, and {kind} ({terms:,.0f} terms, {champions:,.0f})"
    return Verdict(terms < champions, why, differences)


def _judge_versions(client: MlflowClient, challenger: ModelVersion, champion: ModelVersion | None) -> Verdict:
    ours, theirs = _read_run(client, challenger), _read_run(client, champion) if champion else None
    if ours is None:
        raise TrackingError(f"the run of version {challenger.version}, the challenger, was deleted; train another")
    if champion is not None and theirs is None:
        why = f"the run of version {champion.version}, the champion, was deleted, so the two can't be compared"
        return Verdict(False, why)
    return judge(ours, theirs)


def _read_run(client: MlflowClient, version: ModelVersion) -> RunFacts | None:
    """None for a version whose run was deleted, or that was registered without one."""
    run = or_none(lambda: client.get_run(str(version.run_id))) if version.run_id else None
    return read_run(client, run) if run else None


def _record_verdict(client: MlflowClient, version: ModelVersion, verdict: Verdict, reason: str, outcome: str) -> None:
    tags = {"reason": reason, "outcome": outcome, "verdict": verdict.why, "at": _now()}
    _set_tags(client, version, {f"promotion.{name}": value for name, value in tags.items()})
    # An earlier verdict is replaced: a database may hold no more than 5,000 characters.
    description = (version.description or "").partition(_JUDGED)[0]
    why, given = (textwrap.shorten(text, _LONGEST_REASON, placeholder=" ...") for text in (verdict.why, reason))
    lines = [f"{description}{_JUDGED}{_now()}: {outcome}.** {why}.{f' Reason: {given}' if given else ''}"]
    if verdict.differences:
        numbers = {name: (one.value, one.low, one.high) for name, one in verdict.differences.items()}
        rows = [[name, *(f"{number:+.3f}" for number in each)] for name, each in numbers.items()]
        lines += ["", *markdown_table(["challenger minus champion", "value", "low", "high"], rows)]
    client.update_model_version(MODEL_NAME, version.version, "\n".join(lines))


def _set_tags(client: MlflowClient, version: ModelVersion, tags: Mapping[str, str]) -> None:
    """Set tags; delete those without a value, which an earlier promotion may have left."""
    for name, value in tags.items():
        if value:
            client.set_model_version_tag(MODEL_NAME, version.version, name, value)
        elif name in version.tags:
            client.delete_model_version_tag(MODEL_NAME, version.version, name)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
