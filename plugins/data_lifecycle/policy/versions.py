"""Which version of a rule applies to something collected long ago (clause 10): pure, given versions and instants.

A shorter period applies to all data, a longer one only to data collected from the first moment of its version on. What
was there before a version that shortens is left to the rule before until its cooling-off has passed; when a longer rule
takes effect meanwhile, the shortening never reaches it. What is collected under a version was promised its rule from
the first moment. Of the rules that have reached something each gives a deadline, and the earliest counts; but a
shortening asks for nothing before it took hold: from then on it leaves the time that its rule leaves between start and
deadline. It follows that no new version invents a violation of the past, and none excuses one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from data_lifecycle.policy.clock import require_aware
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.retention import RetentionRule

RuleOf = Callable[[Policy], RetentionRule]
IdleOf = Callable[[Policy], timedelta]


def no_idle(policy: Policy) -> timedelta:  # noqa: ARG001 - one of two ways to count, called alike
    """The clock starts with an event: no version has a say in when."""
    return timedelta(0)


@dataclass(frozen=True, slots=True)
class Applicable:
    """The rule that applies, the version it is of, since when (UTC) it does, and why in words.

    ``shortens``: it reached data that was there before, so that it asks for nothing before ``since``.
    """

    policy: Policy = field(repr=False)
    rule: RetentionRule = field(repr=False)
    since: datetime
    because: str
    shortens: bool = False

    def window(self, anchor: datetime) -> tuple[datetime, datetime]:
        """When (UTC) erasing starts and when absence must be verified, by this rule alone, for a clock that started
        at ``anchor``.
        """
        dates = self.rule.dates(anchor, self.policy.timezone)
        if not self.shortens:
            return dates.start, dates.deadline
        return max(dates.start, self.since), max(dates.deadline, self.since + self.rule.slack)


def in_force(versions: Sequence[Policy], at: datetime) -> tuple[Policy, ...]:
    """The versions that have begun at ``at``, oldest first; LookupError when none has."""
    moment = require_aware(at, "at")
    begun = tuple(policy for policy in versions if policy.in_force_from <= moment)
    if not begun:
        raise LookupError(f"no version of the policy is in force at {moment.isoformat()}")
    return begun


def as_if_begun(policy: Policy, at: datetime) -> Policy:
    """The version as if it had begun on the day of ``at``, its cooling-off over: to see what it would do."""
    day = require_aware(at, "at").astimezone(ZoneInfo(policy.timezone)).date()
    header = policy.header.model_copy(update={"effective_from": day})
    return policy.model_copy(update={"header": header, "cooling_off": None})


def era(versions: Sequence[Policy], collected_at: datetime | None) -> int:
    """Index of the version under which something was collected: the first one for what is older, or of unknown age."""
    if collected_at is None:
        return 0
    return max((n for n, policy in enumerate(versions) if policy.in_force_from <= collected_at), default=0)


def reaching(
    versions: Sequence[Policy], rule_of: RuleOf, first: int, idle_of: IdleOf = no_idle
) -> tuple[Applicable, ...]:
    """Every rule that ever reaches what was collected under version ``first``, that one's first.

    ``versions`` oldest first; ``since`` of the first is when its version began. ``idle_of`` is time that a version lets
    pass before the clock starts, which counts as part of its period.
    """
    base = versions[first]
    found = [Applicable(base, rule_of(base), base.in_force_from, "in force when collected")]
    for number in range(first + 1, len(versions)):
        policy, current = versions[number], found[-1]
        rule, idle = rule_of(policy), idle_of(policy)
        if not shorter(rule, current.rule, idle, idle_of(current.policy)):
            continue
        if any(
            later.in_force_from <= policy.shortens_from
            and shorter(rule, rule_of(later), idle, idle_of(later))
            for later in versions[number + 1 :]
        ):
            continue  # taken back within its cooling-off
        why = f"shorter than in {current.policy.version}: applies to everything"
        if policy.shortens_from > policy.in_force_from:
            why += f", after a cooling-off of {policy.shortens_from - policy.in_force_from}"
        found.append(Applicable(policy, rule, policy.shortens_from, why, shortens=True))
    return tuple(found)


def applicable(
    versions: Sequence[Policy], rule_of: RuleOf, collected_at: datetime, at: datetime
) -> Applicable:
    """The rule for data collected at ``collected_at``, judged at ``at``.

    ``versions`` oldest first, as ``loader.load_all`` returns them; ``rule_of`` picks the rule of a version, for example
    ``lambda policy: policy.rule_for_upload("personal_photo")``. Data older than the first version falls under that one.
    Raises LookupError before the first version, ValueError for a naive instant or when ``at`` is before collection.
    """
    moment = require_aware(at, "at")
    begun = require_aware(collected_at, "collected_at")
    if moment < begun:
        raise ValueError("at is before collected_at: data that is not there has no rule")
    versions = in_force(versions, moment)
    found = reaching(versions, rule_of, era(versions, begun))
    reached = [one for one in found if one.since <= moment or not one.shortens]
    chosen = reached[0]
    for one in reached[1:]:
        if shorter(one.rule, chosen.rule):
            chosen = one
    if chosen.shortens:
        return chosen
    if begun < chosen.since:
        return Applicable(chosen.policy, chosen.rule, chosen.since, "the first version there is")
    return Applicable(chosen.policy, chosen.rule, begun, chosen.because)


def window(reached: Sequence[Applicable], anchor: datetime) -> tuple[datetime, datetime]:
    """Start and deadline (UTC) by all rules that have reached something whose clock started at ``anchor``."""
    windows = [one.window(anchor) for one in reached]
    return min(start for start, _ in windows), min(deadline for _, deadline in windows)


def length(rule: RetentionRule, idle: timedelta = timedelta(0)) -> tuple[int, float, float]:
    """Order of periods: calendar years, then elapsed seconds, then when erasing starts; smaller is shorter."""
    if rule.period.years:
        return rule.period.years, idle.total_seconds(), 0.0
    return 0, (rule.period.elapsed + idle).total_seconds(), (rule.start_at + idle).total_seconds()


def shorter(
    new: RetentionRule,
    old: RetentionRule,
    new_idle: timedelta = timedelta(0),
    old_idle: timedelta = timedelta(0),
) -> bool:
    """Whether ``new`` has data erased earlier than ``old``; the same period with an earlier start counts."""
    return length(new, new_idle) < length(old, old_idle)
