"""Promote a version if the rule of `judging` says so or by force, roll back, and record why."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imr_ml.errors import ImrError
from imr_ml.evaluation.intervals import Estimate
from imr_ml.progress import StartProgress, silent
from imr_ml.tracking.comparing import RunFacts, differences_or_reason, find_version, read_run
from imr_ml.tracking.judging import Verdict, is_sample_over_real, judge
from imr_ml.tracking.refitting import Contender, Refit, record_refit, refit
from imr_ml.tracking.registry import (
    CHALLENGER,
    CHAMPION,
    MODEL_NAME,
    MODELS,
    check_files,
    fetch_model,
    version_by_alias,
)
from imr_ml.tracking.run_facts import markdown_table
from imr_ml.tracking.store import connected, or_none, require_store
from imr_ml.tracking.uris import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_PREVIOUS = "promotion.previous_champion"
_JUDGED = "\n\n**Judged "
_LONGEST_REASON, _LONGEST_TAG = 600, 5000


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a version: `previous` is the champion before and `refit` the run of the refitted one, or empty."""

    version: str
    previous: str
    promoted: bool
    verdict: Verdict
    refit: str = ""
    notes: tuple[str, ...] = ()


def promote(
    named: str = CHALLENGER, *, force: bool = False, reason: str = "", start: StartProgress = silent
) -> Promotion:
    """Make a version the champion if the rule says so or by force, and record why on it.

    Parameters
    ----------
    named : str
        The version; see `comparing.find_version`.
    force : bool
        Promote it whatever the rule says.
    reason : str
        Recorded on the version; needed with `force`.
    start : callable, optional
        Starts the progress bar of each long step, if the champion is refitted.
    """
    if force and not reason.strip():
        raise TrackingError("promoting by force needs a reason: imr-ml promote --force --reason TEXT")
    if len(reason) > _LONGEST_TAG:
        raise TrackingError(f"the reason has {len(reason):,} characters; say it in {_LONGEST_TAG:,} at most")
    require_store()
    with connected() as client:
        challenger, champion = _find_candidate(client, named), version_by_alias(client, CHAMPION)
        if champion is not None and champion.version == challenger.version:
            raise TrackingError(f"version {champion.version} is the champion already; name another: imr-ml promote 3")
        ours, theirs = _read_run(client, challenger), _read_run(client, champion)
        check_files(client, challenger, "the challenger" if named == CHALLENGER else "which you named")
    if ours is None:
        raise TrackingError(f"the run of version {challenger.version}, the challenger, was deleted; train another")
    verdict, refitted = _judge_versions(challenger, ours, champion, theirs, start)
    with connected() as client:
        _check_unchanged(client, champion)
        refit_run = record_refit(client, refitted, str(champion.version), ours.run_id) if refitted and champion else ""
        promoted, previous = verdict.promote or force, str(champion.version) if champion else ""
        if promoted:
            _set_tags(client, challenger, {_PREVIOUS: previous})
            client.set_registered_model_alias(MODEL_NAME, CHAMPION, challenger.version)
        outcome = "promoted" if verdict.promote else "promoted by force" if force else "not promoted"
        notes = _describe_sources(ours, theirs)
        _record_verdict(client, challenger, verdict, {"reason": reason, "outcome": outcome, "refit_run": refit_run})
        return Promotion(str(challenger.version), previous, promoted, verdict, refit_run, notes)


def rollback(reason: str = "") -> tuple[str, str]:
    """Make the champion's predecessor the champion again; return the versions before and after."""
    import mlflow

    require_store()
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


def _check_unchanged(client: MlflowClient, compared: ModelVersion | None) -> None:
    """Refuse a verdict on a version that is not the champion any more, as a refit takes its time."""
    champion = version_by_alias(client, CHAMPION)
    if (champion and champion.version) != (compared and compared.version):
        raise TrackingError("the champion has changed meanwhile; run imr-ml promote again")


def _find_candidate(client: MlflowClient, named: str) -> ModelVersion:
    version = version_by_alias(client, CHALLENGER) if named == CHALLENGER else find_version(client, named)
    if version is None:
        raise TrackingError(f"no version of {MODEL_NAME} is the challenger; train one with 'imr-ml train'")
    return version


def _judge_versions(
    challenger: ModelVersion,
    ours: RunFacts,
    champion: ModelVersion | None,
    theirs: RunFacts | None,
    start: StartProgress,
) -> tuple[Verdict, Refit | None]:
    """The rule's verdict, with the refit of the champion if its data or folds are not the challenger's."""
    if champion is None:
        return judge(ours, None), None
    if theirs is None:
        why = f"the run of version {champion.version}, the champion, was deleted, so the two can't be compared"
        return Verdict(False, why), None
    if is_sample_over_real(ours, theirs) or not isinstance(differences_or_reason(theirs, ours), str):
        return judge(ours, theirs), None
    try:
        folders = [fetch_model(f"{MODELS}{MODEL_NAME}/{version.version}") for version in (champion, challenger)]
        refitted = refit(Contender(theirs, folders[0]), Contender(ours, folders[1]), start)
    except ImrError as error:
        return Verdict(False, f"the champion can't be refitted on its data and folds: {error}"), None
    return judge(ours, refitted.run, refitted.later), refitted


def _describe_sources(challenger: RunFacts, champion: RunFacts | None) -> tuple[str, ...]:
    """What to know if the two learned from decisions of different sources."""
    sources = [run.tags.get("data.source", "unknown") for run in (challenger, champion) if run]
    if len(set(sources)) < 2:
        return ()
    return (f"it was trained on decisions of source {sources[0]}, the champion before on those of {sources[1]}",)


def _read_run(client: MlflowClient, version: ModelVersion | None) -> RunFacts | None:
    """None for a version whose run was deleted, or that was registered without one."""
    run = or_none(lambda: client.get_run(str(version.run_id))) if version and version.run_id else None
    return read_run(client, run) if run else None


def _record_verdict(client: MlflowClient, version: ModelVersion, verdict: Verdict, given: Mapping[str, str]) -> None:
    """Write a verdict into the version's tags and description, with the outcome, reason and refit run in `given`."""
    tags = {**given, "verdict": verdict.why, "at": _now()}
    _set_tags(client, version, {f"promotion.{name}": value for name, value in tags.items()})
    # An earlier verdict is replaced: a database may hold no more than 5,000 characters.
    description = (version.description or "").partition(_JUDGED)[0]
    texts = (verdict.why, given["reason"])
    why, reason = (textwrap.shorten(text, _LONGEST_REASON, placeholder=" ...") for text in texts)
    lines = [f"{description}{_JUDGED}{_now()}: {given['outcome']}.** {why}.{f' Reason: {reason}' if reason else ''}"]
    lines += _difference_table("challenger minus champion", verdict.differences)
    lines += _difference_table("on later decisions", verdict.later)
    client.update_model_version(MODEL_NAME, version.version, "\n".join(lines))


def _difference_table(title: str, differences: Mapping[str, Estimate] | str) -> list[str]:
    """Lines of a table, or why there is none."""
    if isinstance(differences, str):
        return ["", differences] if differences else []
    rows = [[name, *(f"{value:+.3f}" for value in astuple(one))] for name, one in differences.items()]
    return ["", *markdown_table([title, "value", "low", "high"], rows)] if rows else []


def _set_tags(client: MlflowClient, version: ModelVersion, tags: Mapping[str, str]) -> None:
    """Set tags; delete those without a value, which an earlier promotion may have left."""
    for name, value in tags.items():
        if value:
            client.set_model_version_tag(MODEL_NAME, version.version, name, value)
        elif name in version.tags:
            client.delete_model_version_tag(MODEL_NAME, version.version, name)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
