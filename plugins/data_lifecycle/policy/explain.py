"""Readable answers: what a version promises, what enforces it, and which dates follow from one completed order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from data_lifecycle.policy import clock, versions
from data_lifecycle.policy.duration import format_hours
from data_lifecycle.policy.loader import PolicyError, load_all, load_policy
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.parts import Promise
from data_lifecycle.policy.retention import Latest, RetentionRule

NOT_ENFORCED = "not yet enforced by a pipeline"


@dataclass(frozen=True)
class Enforcement:
    """The pipeline that keeps a promise, and the places where it looks for what must be absent."""

    pipeline: str
    places: frozenset[str] = frozenset()


_PHOTO_PURGE = Enforcement(
    "photo_purge", frozenset({"versions", "delete_markers", "unfinished_uploads", "derivatives", "backups"})
)
_TRANSFER_CHECK = Enforcement("transfer_check")
ENFORCED_BY = {
    "photos": _PHOTO_PURGE,
    "style_references": _PHOTO_PURGE,
    "abandoned_orders": Enforcement("photo_purge"),
    "orphans": Enforcement("photo_purge"),
    "caps": Enforcement("photo_purge"),
    "holds": Enforcement("legal_holds"),
    "residue": Enforcement("photo_purge"),
    "salts": Enforcement("evidence_audit"),
    "vendors_payment": _TRANSFER_CHECK,
    "vendors_email": _TRANSFER_CHECK,
    "vendors_cloud": _TRANSFER_CHECK,
    "vendors_ai": _TRANSFER_CHECK,
    "vendor_contracts": _TRANSFER_CHECK,
    "necessary_extent": _TRANSFER_CHECK,
    "transfer_protection_level": _TRANSFER_CHECK,
    "transfer_security": _TRANSFER_CHECK,
    "transfer_consent": _TRANSFER_CHECK,
    "transfer_law": _TRANSFER_CHECK,
    "vendor_suspension": _TRANSFER_CHECK,
    "vendor_inventory": Enforcement("vendor_inventory"),
    "vendor_erasure": Enforcement("vendor_erasure"),
    "payments": Enforcement("payment_archive", frozenset({"rows"})),
    "payment_archive": Enforcement("payment_archive"),
}
"""Promise id -> what enforces it today. What is missing here is shown as a gap."""


def enforced_by(promise: Promise) -> str:
    """Name of the pipeline that keeps the promise, with the places it doesn't reach yet."""
    enforcement = ENFORCED_BY.get(promise.id)
    if enforcement is None:
        return NOT_ENFORCED
    if not isinstance(promise, RetentionRule):
        return enforcement.pipeline
    missing = [place for place in promise.absent_in if place not in enforcement.places]
    return enforcement.pipeline + (f" (not yet: {', '.join(missing)})" if missing else "")


def explain(policy: Policy, rule_id: str, completed_at: datetime, timezone: str | None = None) -> list[str]:
    """Which dates a retention rule gives to a record whose clock started at `completed_at`, and why.

    `timezone` only adds a zone to read the dates in; the days are always counted in the policy's own. KeyError for
    an unknown rule, ValueError for a naive `completed_at` or an unknown zone.
    """
    anchor = clock.require_aware(completed_at, "completed_at")
    rule = policy.rule(rule_id)
    dates = rule.dates(anchor, policy.timezone)
    zone = _zone(timezone or policy.timezone)
    lines = _why(policy, rule)
    if anchor < policy.in_force_from:
        lines.append(
            f"Note: the event is older than this version, in force from {_at(policy.in_force_from, zone)}."
        )
    started: str = rule.trigger.event
    if rule.trigger.states:
        started += f" ({', '.join(rule.trigger.states)})"
    if rule.trigger.event == "order.terminal":
        started += ", the first such event; later edits don't move it"
    lines += ["", f"Clock starts   {_at(dates.anchor, zone)}  {started}"]
    lines += (
        _latest(policy, rule, dates, zone)
        if isinstance(rule.boundary, Latest)
        else _earliest(rule, dates, zone)
    )
    lines += _runs(rule, dates, zone)
    lines.append(f"Enforced by    {enforced_by(rule)}")
    return lines + _requests(policy, rule)


def _why(policy: Policy, rule: RetentionRule) -> list[str]:
    lines = [f"Rule {rule.id} of {policy.id} version {policy.version} (sha256 {policy.sha256})"]
    if rule.clause is not None:
        lines.append(f'Clause {rule.clause.section}: "{rule.clause.quote}"')
    else:
        lines.append(f"A decision of the studio, not a promise of the policy; owner: {rule.owner}")
    if rule.reading:
        lines.append(f"Reading: {rule.reading}")
    uploads = f"; uploads: {', '.join(rule.upload_categories)}" if rule.upload_categories else ""
    lines.append(
        f"Covers: {', '.join(rule.data_categories)}{uploads}; absent in: {', '.join(rule.absent_in)}"
    )
    return lines


def _latest(policy: Policy, rule: RetentionRule, dates: clock.RetentionDates, zone: ZoneInfo) -> list[str]:
    elapsed = dates.anchor + rule.duration
    span = format_hours(dates.deadline - dates.anchor)
    if dates.deadline < elapsed:
        why = f"{rule.period.days} local days in {policy.timezone} take only {span} across a clock change"
    else:
        local = f"{rule.period.days} local days in {policy.timezone}"
        why = f"{span}, the earlier of {format_hours(rule.duration)} and {local}"
    return [
        f"Erasing starts {_at(dates.start, zone)}  start_at {format_hours(rule.start_at)} after that, never before",
        f"Deadline       {_at(dates.deadline, zone)}  {rule.period}: {why}; verified absent before it",
    ]


def _earliest(rule: RetentionRule, dates: clock.RetentionDates, zone: ZoneInfo) -> list[str]:
    within = "" if isinstance(rule.boundary, Latest) else str(rule.boundary.erase_within)
    return [
        f"Kept until     {_at(dates.start, zone)}  {rule.period}, calendar years rounded up: nothing is erased before",
        f"Deadline       {_at(dates.deadline, zone)}  {within} after that",
    ]


def _runs(rule: RetentionRule, dates: clock.RetentionDates, zone: ZoneInfo) -> list[str]:
    if rule.id not in ENFORCED_BY:
        return []  # a schedule that nothing runs gives no date
    first = clock.next_run(rule.schedule.cron, dates.start)
    end = first + rule.schedule.retry_budget.elapsed
    latest = _at(dates.last_scheduled_start, zone)
    return [
        f'First run      {_at(first, zone)}  cron "{rule.schedule.cron}" (UTC); whatever its phase, before {latest}',
        f"Retries end    {_at(end, zone)}  retry budget {rule.schedule.retry_budget}",
        f"Margin         {format_hours(dates.margin)} at worst, {format_hours(dates.deadline - end)} here",
    ]


def _requests(policy: Policy, rule: RetentionRule) -> list[str]:
    lines = []
    for event in rule.also_on:
        within = policy.within(event)
        limit = (
            "within the clock of clause 11"
            if within is None
            else f"verified absent within {format_hours(within)}"
        )
        lines.append(f"Sooner         on {event}: due at once, {limit}, whatever the dates above")
    lines += [f"Kept anyway    on {event}: pseudonymised, not erased" for event in rule.pseudonymise_on]
    return lines


def report(policy: Policy) -> list[str]:
    """The table of `policy check` for one version: a line per promise, then what is not enforced or not owned."""
    header = ("PROMISE", "CLAUSE", "BASIS", "DEADLINE", "ENFORCED BY")
    rows = [
        (
            promise.id,
            promise.clause.section if promise.clause else "-",
            promise.basis,
            promise.deadline_text,
            enforced_by(promise),
        )
        for promise in policy.promises
    ]
    cited = sum(promise.basis == "policy" for promise in policy.promises)
    gaps = sum(row[-1] == NOT_ENFORCED for row in rows)
    unnamed = [
        promise.id for promise in policy.promises if promise.owner and "to be filled in" in promise.owner
    ]
    lines = [
        f"{policy.id} version {policy.version}, in force from {policy.header.effective_from} ({policy.timezone})",
        f"sha256 {policy.sha256}; text {policy.header.source}, sha256 {policy.header.source_sha256}",
        "",
        *_table([header, *rows]),
        "",
        f"{cited} promises of the policy, each quoted word for word; {len(rows) - cited} decisions of the studio.",
        f"{len(rows) - gaps} enforced by a pipeline, {gaps} not yet.",
    ]
    if unnamed:
        lines.append(f"Owner still to be named: {', '.join(unnamed)}.")
    return lines


def run_check(paths: Iterable[Path]) -> tuple[list[str], bool]:
    """`policy check`: report every file, or every version in a directory; False when anything must not be used."""
    lines: list[str] = []
    ok = True
    for path in paths:
        try:
            policies = load_all(path) if path.is_dir() else (load_policy(path),)
        except PolicyError as error:
            ok = False
            lines += [f"REFUSED {path}: {len(error.problems)} problem(s)", *map(str, error.problems), ""]
            continue
        for policy in policies:
            lines += [*report(policy), ""]
    return (lines, ok) if lines else (["no policy file given"], False)


def run_explain(
    directory: Path,
    rule_id: str,
    completed_at: str,
    timezone: str | None = None,
    collected_at: str | None = None,
    as_of: str | None = None,
) -> tuple[list[str], bool]:
    """`policy explain RULE --completed-at …`: which versions reach the record, and the dates by the one that applies.

    All moments are ISO 8601 with an offset; ``collected_at`` is when the record was given (else when its clock
    started), ``as_of`` when it is judged (else now, or then if that is later). False, with one line that says why, for
    input that cannot be used.
    """
    try:
        policies = load_all(directory)
        completed = clock.require_aware(datetime.fromisoformat(completed_at), "completed_at")
        collected = completed
        if collected_at is not None:
            collected = clock.require_aware(datetime.fromisoformat(collected_at), "collected_at")
        moment = max(datetime.now(UTC), completed, collected)
        if as_of is not None:
            moment = clock.require_aware(datetime.fromisoformat(as_of), "as_of")
        if moment < collected:
            raise ValueError("as_of is before collected_at: data that is not there has no rule")
        reach, policy = explain_versions(policies, rule_id, collected, completed, moment, timezone)
        return [*explain(policy, rule_id, completed, timezone), "", *reach], True
    except PolicyError as error:
        return [str(problem) for problem in error.problems], False
    except KeyError as error:
        return [str(error.args[0])], False
    except ValueError as error:
        return [str(error)], False


def explain_versions(
    policies: Sequence[Policy],
    rule_id: str,
    collected: datetime,
    completed: datetime,
    as_of: datetime,
    timezone: str | None = None,
) -> tuple[list[str], Policy]:
    """Which versions have a say in a record collected then, since when and why, and the version that applies ``as_of``.

    A record older than the policy falls under its first version. KeyError when a version has no such rule.
    """
    zone = _zone(timezone or policies[0].timezone)
    known = [policy for policy in policies if policy.in_force_from <= as_of] or policies[:1]
    first = versions.era(known, collected)
    found = versions.reaching(known, lambda policy: policy.rule(rule_id), first)
    reached = [one for one in found if not one.shortens or one.since <= as_of]
    lines = [f"Collected      {_at(collected, zone)}", f"Judged         {_at(as_of, zone)}"]
    for one in found:
        because = one.because
        if not one.shortens and collected < one.since:
            because = "the first version there is"
        began = "" if one in reached else ", not yet: the rule before still runs"
        lines.append(
            f"Version        {one.policy.version}: {one.rule.deadline_text}; {because}; "
            f"since {_at(one.since, zone)}{began}"
        )
    for policy in policies:
        if policy.in_force_from > as_of:
            lines.append(f"To come        {policy.version}, in force from {_at(policy.in_force_from, zone)}")
    start, deadline = versions.window(reached, completed)
    lines += [
        f"Applies        version {reached[-1].policy.version}",
        f"Start          {_at(start, zone)}  the earliest that these versions give",
        f"Deadline       {_at(deadline, zone)}  the earliest that these versions give",
    ]
    return lines, reached[-1].policy


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name}") from error


def _at(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}Z = {local:%Y-%m-%d %H:%M:%S%z} {zone.key}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
