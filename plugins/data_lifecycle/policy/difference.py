"""What a new version changes, in words, and for whom (clause 10): `policy diff`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.parts import Promise
from data_lifecycle.policy.retention import Latest, RetentionRule
from data_lifecycle.policy.versions import shorter

# Whoever is affected must be told before the version takes effect; a rule of the studio's own promises nothing to them.
MATERIAL = ("retention", "sharing", "transfers", "rights", "minors", "information", "purposes", "breach")


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the promise or rule it is about, what is different, for whom, and whether it is material."""

    subject: str
    what: str
    whom: str
    material: bool

    def __str__(self) -> str:
        return f"{'MATERIAL' if self.material else 'minor   '}  {self.subject}: {self.what} ({self.whom})"


def changes(old: Policy, new: Policy) -> list[Change]:
    """Everything that differs between two versions, retention first; empty when they promise the same.

    ValueError when they are versions of different policies or ``new`` is not the later one.
    """
    if old.id != new.id:
        raise ValueError(f"{old.id} and {new.id} are different policies")
    if new.in_force_from <= old.in_force_from:
        raise ValueError(
            f"version {new.version} does not take effect after {old.version}: name the older first"
        )
    return [*_retention(old, new), *_promises(old, new), *_header(old, new)]


def report(old: Policy, new: Policy) -> list[str]:
    """The lines of `policy diff OLD NEW`."""
    found = changes(old, new)
    lines = [
        f"{new.id}: version {old.version} → {new.version}, in force from {new.header.effective_from} ({new.timezone}, "
        f"{new.in_force_from:%Y-%m-%d %H:%M} UTC)",
        "",
        *map(str, found),
    ]
    material = sum(change.material for change in found)
    if not found:
        lines.append("nothing changes")
    elif material:
        lines += [
            "",
            f"{material} material changes: whoever they affect must be told before they take effect (10)",
        ]
    return lines


def _retention(old: Policy, new: Policy) -> Iterator[Change]:
    before = {rule.id: rule for rule in old.retention}
    after = {rule.id: rule for rule in new.retention}
    for rule_id in sorted(before.keys() | after.keys()):
        was, now = before.get(rule_id), after.get(rule_id)
        if was is None and now is not None:
            yield Change(rule_id, f"new rule: {_period(now)}", _whom(now), True)
        elif now is None and was is not None:
            yield Change(
                rule_id, f"rule dropped: {_period(was)} was promised, nothing is now", _whom(was), True
            )
        elif was is not None and now is not None:
            yield from _rule(was, now, new)


def _rule(was: RetentionRule, now: RetentionRule, new: Policy) -> Iterator[Change]:
    spoken = f"{_period(was)} → {_period(now)}"
    if type(was.boundary) is not type(now.boundary):
        yield Change(was.id, f"{spoken}: a deadline became a floor, or the other way round", _whom(now), True)
    elif shorter(now, was):
        if now.period == was.period:
            yield Change(was.id, f"{spoken}: erasing starts earlier, the deadline stays", _whom(now), False)
        else:
            yield Change(
                was.id,
                f"{spoken}, shorter: applies to everything from {new.shortens_from:%Y-%m-%d %H:%M} UTC on"
                f"{_pause(new)}; what is older than that is due at once",
                _whom(now),
                True,
            )
    elif shorter(was, now):
        if now.period == was.period:
            yield Change(was.id, f"{spoken}: erasing starts later, the deadline stays", _whom(now), False)
        else:
            yield Change(
                was.id,
                f"{spoken}, longer: only for what is collected from {new.in_force_from:%Y-%m-%d %H:%M} UTC on; what is "
                f"there already stays under {_period(was)}",
                _whom(now),
                True,
            )
    for name, said in _fields(was, now, skip=("period", "boundary", "id")):
        yield Change(
            was.id,
            said,
            _whom(now),
            name in ("data_categories", "upload_categories", "trigger", "action", "absent_in"),
        )


def _promises(old: Policy, new: Policy) -> Iterator[Change]:
    section_of = dict(_sections(new)) | dict(_sections(old))
    before = {p.id: p for p in old.promises if not isinstance(p, RetentionRule)}
    after = {p.id: p for p in new.promises if not isinstance(p, RetentionRule)}
    for promise_id in sorted(before.keys() | after.keys()):
        was, now = before.get(promise_id), after.get(promise_id)
        material = section_of.get(promise_id) in MATERIAL and not _own(was or now)
        if was is None:
            yield Change(promise_id, "new", _affected(now), material)
        elif now is None:
            yield Change(promise_id, "dropped", _affected(was), material)
        else:
            for name, said in _fields(was, now, skip=("id",)):
                # Another reading or wording in the same place promises nothing else by itself.
                yield Change(promise_id, said, _affected(now), material and name != "reading")


def _header(old: Policy, new: Policy) -> Iterator[Change]:
    if old.timezone != new.timezone:
        yield Change(
            "policy.timezone", f"{old.timezone} → {new.timezone}: calendar days shift", "everybody", True
        )
    if old.header.source_sha256 != new.header.source_sha256:
        yield Change("policy.source", "another text", "everybody who reads it", False)


def _pause(new: Policy) -> str:
    pause = new.cooling_off
    if pause is None:
        return ""
    if pause.waived_by is not None:
        return f" (cooling-off waived by {pause.waived_by})"
    return f" (cooling-off {pause.period}; what is collected under the new version at once)"


def _fields(was: Promise, now: Promise, skip: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    old, new = was.model_dump(mode="json"), now.model_dump(mode="json")
    for name in sorted(old.keys() | new.keys()):
        if name not in skip and old.get(name) != new.get(name):
            yield name, f"{name}: {_short(old.get(name))} → {_short(new.get(name))}"


def _sections(policy: Policy) -> Iterator[tuple[str, str]]:
    for name in type(policy).model_fields:
        part = getattr(policy, name)
        for item in part if isinstance(part, tuple) else (part,):
            if isinstance(item, Promise):
                yield item.id, name
            for inner in vars(item).values() if hasattr(item, "__dict__") else ():
                for one in inner if isinstance(inner, tuple) else (inner,):
                    if isinstance(one, Promise):
                        yield one.id, name


def _own(promise: Promise | None) -> bool:
    return promise is not None and promise.basis == "studio-decision"


def _affected(promise: Promise | None) -> str:
    return "the studio's own rule" if _own(promise) else "everybody whom the policy covers"


def _whom(rule: RetentionRule) -> str:
    return f"whose {', '.join(rule.upload_categories or rule.data_categories)} the studio holds"


def _period(rule: RetentionRule) -> str:
    if isinstance(rule.boundary, Latest):
        return f"gone within {_spoken(rule)}, from day {rule.boundary.start_at.days} on"
    return f"kept {_spoken(rule)}, gone {rule.boundary.erase_within.days} days later"


def _spoken(rule: RetentionRule) -> str:
    period = rule.period
    if period.years:
        return f"{period.years} years"
    return f"{period.days} days" if not period.hours else str(period)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_short, value)) or "none"
    return (
        "none" if value is None else f"“{value}”" if isinstance(value, str) and " " in value else str(value)
    )
