"""What a type cannot say: quotations, digests, overlaps, arithmetic, references between parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from data_lifecycle.policy.clock import longest_gap
from data_lifecycle.policy.duration import format_hours
from data_lifecycle.policy.model import Header, Policy
from data_lifecycle.policy.parts import Model
from data_lifecycle.policy.promises import InformationType, Purpose
from data_lifecycle.policy.retention import RetentionRule
from data_lifecycle.policy.source import PolicyText, read_text
from data_lifecycle.policy.taxonomy import lineage

_M = TypeVar("_M", bound=Model)
_STATED = re.compile(r"\b(?P<number>\d+) (?P<unit>working days|days|hours|years)\b")


@dataclass(frozen=True)
class Finding:
    """One thing wrong: dotted path in the file, the offending value, what to do about it."""

    path: str
    value: str
    fix: str


def check_raw(raw: dict[str, Any], path: Path) -> list[Finding]:
    """Checks that work part by part, so that one broken part doesn't hide what is wrong with the others."""
    findings: list[Finding] = []
    header = _valid(Header, raw.get("policy"))
    text = None
    if isinstance(raw.get("policy"), dict):
        text = _text(raw["policy"], path, findings)
    if text is not None:
        findings += _quotations(raw, "", text)
    findings += _repeated_ids(raw)
    given = raw.get("retention")
    valid = [
        (index, _valid(RetentionRule, item))
        for index, item in enumerate(given if isinstance(given, tuple) else ())
    ]
    rules = [(f"retention.{index}", rule) for index, rule in valid if rule is not None]
    findings += _overlaps(rules)
    if header is not None:
        for where, rule in rules:
            findings += _schedule(where, rule, header.timezone, header.effective_from)
    return findings


def check_policy(policy: Policy, path: Path) -> list[Finding]:
    """Checks that need the whole version: its file name, references between parts, purposes, gaps."""
    findings: list[Finding] = []
    header = policy.header
    name = f"{header.id}-{header.version}.yaml"
    if path.name != name:
        findings.append(Finding("policy.version", header.version, f"the file must be called {name}"))
    events = {right.event for right in policy.rights} | {policy.minors.deletion.event}
    rules = {rule.id for rule in policy.retention}
    for index, rule in enumerate(policy.retention):
        for key in ("also_on", "pseudonymise_on"):
            for unknown in sorted(set(getattr(rule, key)) - events):
                fix = f"no right and no minors' rule has this event (events: {', '.join(sorted(events))})"
                findings.append(Finding(f"retention.{index}.{key}", unknown, fix))
    for index, kind in enumerate(policy.information):
        for unknown in sorted(set(kind.retention) - rules):
            fix = f"no such retention rule (rules: {', '.join(sorted(rules))})"
            findings.append(Finding(f"information.{index}.retention", unknown, fix))
        findings += _gaps(policy, index, kind)
    findings += _purposes(policy)
    return findings


def _valid(model: type[_M], part: Any) -> _M | None:
    try:
        return model.model_validate(part)
    except ValidationError:
        return None  # reported by the validation of the whole file


def _text(header: dict[str, Any], path: Path, findings: list[Finding]) -> PolicyText | None:
    source = header.get("source")
    if not isinstance(source, str) or "/" in source or "\\" in source:
        return None
    try:
        text = read_text(path.with_name(source))
    except (OSError, UnicodeDecodeError) as error:
        findings.append(
            Finding(
                "policy.source", source, f"not readable ({type(error).__name__}); keep it beside the file"
            )
        )
        return None
    claimed = header.get("source_sha256")
    if claimed != text.sha256:
        fix = f"the text has sha256 {text.sha256}; read what changed before copying it here"
        findings.append(Finding("policy.source_sha256", str(claimed), fix))
    return text


def _quotations(part: Any, where: str, text: PolicyText) -> Iterator[Finding]:
    if isinstance(part, tuple):
        for index, item in enumerate(part):
            yield from _quotations(item, f"{where}.{index}", text)
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        here = f"{where}.{key}" if where else str(key)
        if key == "clause" and isinstance(value, dict):
            yield from _quotation(value, here, text)
            yield from _stated(part, value, where)
        else:
            yield from _quotations(value, here, text)


def _quotation(clause: dict[str, Any], where: str, text: PolicyText) -> Iterator[Finding]:
    section = clause.get("section")
    if isinstance(section, str) and section not in text.sections:
        yield Finding(f"{where}.section", section, "the policy text has no such section")
        return
    further = clause.get("further")
    quotes = [("quote", clause.get("quote"))]
    quotes += [
        (f"further.{n}", quote) for n, quote in enumerate(further if isinstance(further, tuple) else ())
    ]
    for key, quote in quotes:
        if not isinstance(quote, str) or not quote.strip():
            continue
        found = text.find(quote)
        if section not in found:
            elsewhere = f"; it stands in {', '.join(found)}" if found else ""
            yield Finding(
                f"{where}.{key}",
                repr(quote),
                f"not found in section {section} of the text{elsewhere}; quote it word for word",
            )


def _stated(part: dict[str, Any], clause: dict[str, Any], where: str) -> Iterator[Finding]:
    """A period must be the one that its quotation states: "within 7 days" is not P8D."""
    quote = clause.get("quote")
    match = _STATED.search(quote) if isinstance(quote, str) else None
    if match is None:
        return
    number = int(match["number"])
    expected = {
        "days": f"P{number}D",
        "hours": f"PT{number}H",
        "years": f"P{number}Y",
        "working days": number,
    }[match["unit"]]
    for key in ("duration", "within", "working_days"):
        if key in part and part[key] != expected:
            yield Finding(
                f"{where}.{key}", str(part[key]), f'the quotation says "{match[0]}": write {expected}'
            )


def _repeated_ids(raw: dict[str, Any]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for where, name in _ids({key: value for key, value in raw.items() if key != "policy"}, ""):
        if name in seen:
            yield Finding(where, name, f"id already used at {seen[name]}; ids are unique in a file")
        seen.setdefault(name, where)


def _ids(part: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(part, tuple):
        for index, item in enumerate(part):
            yield from _ids(item, f"{where}.{index}")
    elif isinstance(part, dict):
        for key, value in part.items():
            here = f"{where}.{key}" if where else str(key)
            if key == "id" and isinstance(value, str):
                yield here, value
            else:
                yield from _ids(value, here)


def _overlaps(rules: Iterable[tuple[str, RetentionRule]]) -> Iterator[Finding]:
    """The same category in two rules is refused; a narrower one takes precedence and is no overlap."""
    owners: dict[str, str] = {}
    for where, rule in rules:
        for key, categories in (
            ("data_categories", rule.data_categories),
            ("upload_categories", rule.upload_categories),
        ):
            for category in categories:
                if category in owners:
                    fix = f"already covered by rule {owners[category]}; a category has one retention rule"
                    yield Finding(f"{where}.{key}", category, fix)
                owners.setdefault(category, rule.id)


def _schedule(where: str, rule: RetentionRule, timezone: str, from_date: date) -> Iterator[Finding]:
    error = rule.arithmetic_error(timezone, from_date)
    if error is not None:
        fix = f"{error}: start earlier, run more often or retry for less long"
        yield Finding(f"{where}.duration", str(rule.period), fix)
    period = rule.schedule.period
    try:
        gap = longest_gap(rule.schedule.cron, period.elapsed, from_date)
    except ValueError as problem:
        yield Finding(f"{where}.schedule.cron", rule.schedule.cron, str(problem))
        return
    if gap > period.elapsed:
        limit = format_hours(period.elapsed)
        fix = f"pauses for {format_hours(gap)}, longer than the period {period} ({limit})"
        yield Finding(f"{where}.schedule.cron", rule.schedule.cron, fix)


def _gaps(policy: Policy, index: int, kind: InformationType) -> Iterator[Finding]:
    for category in kind.data_categories:
        rule = policy.rule_for_category(category)
        if rule is None:
            fix = "collected, but no retention rule gives it a period; add one"
            yield Finding(f"information.{index}.data_categories", category, fix)
        elif rule.id not in kind.retention:
            fix = f"covered by retention rule {rule.id}, which `retention` doesn't name"
            yield Finding(f"information.{index}.data_categories", category, fix)


def _purposes(policy: Policy) -> Iterator[Finding]:
    """Uses of 1.1, 4.3 and 5.1 must lie within the closed list of 2.1; nothing on it may be refused."""
    allowed = {use for purpose in policy.purposes for use in purpose.data_uses}
    refused = set(policy.purpose_limit.refused_uses)
    groups: dict[str, tuple[InformationType | Purpose, ...]] = {
        "purposes": policy.purposes,
        "information": policy.information,
        "sharing.vendor_kinds": policy.sharing.vendor_kinds,
        "cookies.uses": policy.cookies.uses,
    }
    for where, group in groups.items():
        for index, item in enumerate(group):
            for use in item.data_uses:
                if refused.intersection(lineage(use)):
                    yield Finding(f"{where}.{index}.data_uses", use, "is a refused use of purpose_limit")
                elif not allowed.intersection(lineage(use)):
                    yield Finding(
                        f"{where}.{index}.data_uses", use, "is not one of the purposes of clause 2.1"
                    )
