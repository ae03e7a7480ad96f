"""Promote a version by the rule in `judging` or by force, roll back, and record the reason."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imr_ml.errors import ImrError
from imr_ml.evaluation.intervals import Estimate
from imr_ml.progress import StartProgress, no_progress
from imr_ml.tracking.comparing import RunFacts, differences_or_reason, find_version, read_run
from imr_ml.tracking.descriptions import markdown_table
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
from imr_ml.tracking.store import connected, or_none, require_store
from imr_ml.tracking.uris import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_PREVIOUS = "promotion.previous_champion"
_JUDGED = "\n\n**Judged "
_MAX_REASON, _MAX_TAG = 600, 5000


@dataclass(frozen=True, slots=True)
class Promotion:
    """Result of a promotion: `previous` is the earlier champion, `refit` the run of its refit; both can be empty."""

    version: str
    previous: str
    promoted: bool
    verdict: Verdict
    refit: str = ""
    notes: tuple[str, ...] = ()


def promote(
    reference: str = CHALLENGER, *, force: bool = False, reason: str = "", start: StartProgress = no_progress
) -> Promotion:
    """Make a version the champion if the rule allows it or by force, and record the reason on the version.

    Parameters
    ----------
    reference : str
        The version; see `comparing.find_version`.
    force : bool
        Promote it regardless of the rule.
    reason : str
        Recorded on the version; required with `force`.
    start : callable, optional
        Starts the progress bar of each long step, if the champion is refitted.
    """
    if force and not reason.strip():
        raise TrackingError("promoting by force needs a reason: imr-ml promote --force --reason TEXT")
    if len(reason) > _MAX_TAG:
        raise TrackingError(f"the reason has {len(reason):,} characters; at most {_MAX_TAG:,} are allowed")
    require_store()
    with connected() as client:
        challenger, champion = _find_candidate(client, reference), version_by_alias(client, CHAMPION)
        if champion is not None and champion.version == challenger.version:
            raise TrackingError(
                f"version {champion.version} is already the champion; name another one, e.g. imr-ml promote 3"
            )
        challenger_run, champion_run = _read_run(client, challenger), _read_run(client, champion)
        check_files(client, challenger, "the challenger" if reference == CHALLENGER else "which you reference")
    if challenger_run is None:
        raise TrackingError(f"the run of version {challenger.version}, the challenger, was deleted; train another")
    verdict, refitted = _judge_versions(challenger, challenger_run, champion, champion_run, start)
    promoted, previous = verdict.promote or force, str(champion.version) if champion else ""
    outcome = "promoted" if verdict.promote else "promoted by force" if force else "not promoted"
    with connected() as client:
        _check_unchanged(client, champion)
        refit_run = record_refit(client, refitted, previous, challenger_run.run_id) if refitted else ""
        if promoted:
            _set_tags(client, challenger, {_PREVIOUS: previous})
            client.set_registered_model_alias(MODEL_NAME, CHAMPION, challenger.version)
        _record_verdict(client, challenger, verdict, {"reason": reason, "outcome": outcome, "refit_run": refit_run})
    notes = _describe_sources(challenger_run, champion_run)
    return Promotion(str(challenger.version), previous, promoted, verdict, refit_run, notes)


def rollback(reason: str = "") -> tuple[str, str]:
    """Make the previous champion the champion again; return the versions before and after."""
    import mlflow

    require_store()
    with connected() as client:
        champion = version_by_alias(client, CHAMPION)
        if champion is None:
            raise TrackingError(f"no version of {MODEL_NAME} is the champion; promote one: imr-ml promote")
        previous = champion.tags.get(_PREVIOUS, "")
        if not previous:
            raise TrackingError(f"version {champion.version} was the first champion: there is no previous one")
        try:
            version = client.get_model_version(MODEL_NAME, previous)
        except mlflow.MlflowException as error:
            raise TrackingError(
                f"version {previous}, the previous champion, was deleted; promote another: imr-ml promote"
            ) from error
        check_files(client, version, "the previous champion")
        client.set_registered_model_alias(MODEL_NAME, CHAMPION, previous)
        note = f"{_now()}: rolled back to version {previous}" + (f", {reason}" if reason else "")
        client.set_model_version_tag(MODEL_NAME, champion.version, "rollback", note)
        return str(champion.version), previous


def _check_unchanged(client: MlflowClient, compared: ModelVersion | None) -> None:
    """Raise an error if the champion is no longer the compared version, which can happen during a long refit."""
    champion = version_by_alias(client, CHAMPION)
    if (champion and champion.version) != (compared and compared.version):
        raise TrackingError("the champion has changed in the meantime; run imr-ml promote again")


def _find_candidate(client: MlflowClient, reference: str) -> ModelVersion:
    version = version_by_alias(client, CHALLENGER) if reference == CHALLENGER else find_version(client, reference)
    if version is None:
        raise TrackingError(f"no version of {MODEL_NAME} is the challenger; train one with 'imr-ml train'")
    return version


def _judge_versions(
    challenger: ModelVersion,
    challenger_run: RunFacts,
    champion: ModelVersion | None,
    champion_run: RunFacts | None,
    start: StartProgress,
) -> tuple[Verdict, Refit | None]:
    """Apply the rule, and refit the champion first if its data or folds are not the challenger's."""
    if champion is None:
        return judge(challenger_run, None), None
    if champion_run is None:
        reason = f"the run of version {champion.version}, the champion, was deleted, so the two can't be compared"
        return Verdict(False, reason), None
    can_pair = not isinstance(differences_or_reason(champion_run, challenger_run), str)
    if can_pair or is_sample_over_real(challenger_run, champion_run):
        return judge(challenger_run, champion_run), None
    try:
        folders = [fetch_model(f"{MODELS}{MODEL_NAME}/{version.version}") for version in (champion, challenger)]
        refitted = refit(Contender(champion_run, folders[0]), Contender(challenger_run, folders[1]), start)
    except ImrError as error:
        return Verdict(False, f"the champion can't be refitted on its data and folds: {error}"), None
    return judge(challenger_run, refitted.run, refitted.later), refitted


def _describe_sources(challenger: RunFacts, champion: RunFacts | None) -> tuple[str, ...]:
    """Return a note if the two were trained on decisions from different sources."""
    sources = [run.tags.get("data.source", "unknown") for run in (challenger, champion) if run]
    if len(set(sources)) < 2:
        return ()
    return (f"it was trained on decisions from source {sources[0]}, the previous champion on those from {sources[1]}",)


def _read_run(client: MlflowClient, version: ModelVersion | None) -> RunFacts | None:
    """Read the run of a version; None if it was deleted or the version has no run."""
    run = or_none(lambda: client.get_run(str(version.run_id))) if version and version.run_id else None
    return read_run(client, run) if run else None


def _record_verdict(client: MlflowClient, version: ModelVersion, verdict: Verdict, facts: Mapping[str, str]) -> None:
    """Write a verdict to the version's tags and description; `facts` are the outcome, user's reason and refit run."""
    tags = {**facts, "verdict": verdict.reason, "at": _now()}
    _set_tags(client, version, {f"promotion.{name}": value for name, value in tags.items()})
    # Replace an earlier verdict: some databases limit the description to 5,000 characters.
    description = (version.description or "").partition(_JUDGED)[0]
    rule_reason, user_reason = (
        textwrap.shorten(text, _MAX_REASON, placeholder=" ...") for text in (verdict.reason, facts["reason"])
    )
    lines = [f"{description}{_JUDGED}{_now()}: {facts['outcome']}.** {rule_reason}."]
    lines[0] += f" Reason: {user_reason}" if user_reason else ""
    lines += _difference_table("challenger minus champion", verdict.differences)
    lines += _difference_table("on later decisions", verdict.later)
    client.update_model_version(MODEL_NAME, version.version, "\n".join(lines))


def _difference_table(title: str, differences: Mapping[str, Estimate] | str) -> list[str]:
    """Return the lines of a table, or the reason for its absence."""
    if isinstance(differences, str):
        return ["", differences] if differences else []
    rows = [[name, *(f"{value:+.3f}" for value in astuple(difference))] for name, difference in differences.items()]
    return ["", *markdown_table([title, "value", "low", "high"], rows)] if rows else []


def _set_tags(client: MlflowClient, version: ModelVersion, tags: Mapping[str, str]) -> None:
    """Set tags; delete empty ones, which may exist from an earlier promotion."""
    for name, value in tags.items():
        if value:
            client.set_model_version_tag(MODEL_NAME, version.version, name, value)
        elif name in version.tags:
            client.delete_model_version_tag(MODEL_NAME, version.version, name)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
