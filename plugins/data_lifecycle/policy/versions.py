"""Which version of a rule applies to something collected long ago (clause 10): pure, given versions and instants.

A shorter period applies to all data from the moment its version is in force, a longer one only to data collected from
then on. Together: of all versions in force at any time since the data was collected, the shortest period counts. It
follows that no new version invents a violation of the past, and none excuses one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from data_lifecycle.policy.clock import require_aware
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.retention import RetentionRule

RuleOf = Callable[[Policy], RetentionRule]


@dataclass(frozen=True, slots=True)
class Applicable:
    """The rule that applies, the version it is of, since when (UTC) it does, and why in words."""

    policy: Policy
    rule: RetentionRule
    since: datetime
    because: str


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
    in_force = [policy for policy in versions if policy.in_force_from <= moment]
    if not in_force:
        raise LookupError(f"no version of the policy is in force at {moment.isoformat()}")
    first = max(
        (n for n, policy in enumerate(in_force) if policy.in_force_from <= begun),
        default=0,
    )
    chosen = Applicable(
        in_force[first],
        rule_of(in_force[first]),
        max(begun, in_force[first].in_force_from),
        "in force when collected" if in_force[first].in_force_from <= begun else "the first version there is",
    )
    for before, policy in pairwise(in_force[first:]):
        rule = rule_of(policy)
        if shorter(rule, chosen.rule):
            chosen = Applicable(
                policy, rule, policy.in_force_from, f"shorter than in {before.version}: applies to everything"
            )
    return chosen


def length(rule: RetentionRule) -> tuple[int, float, float]:
    """Order of periods: calendar years, then elapsed seconds, then when erasing starts; smaller is shorter."""
    if rule.period.years:
        return rule.period.years, 0.0, 0.0
    return 0, rule.period.elapsed.total_seconds(), rule.start_at.total_seconds()


def shorter(new: RetentionRule, old: RetentionRule) -> bool:
    """Whether ``new`` has data erased earlier than ``old``; the same period with an earlier start counts."""
    return length(new) < length(old)
