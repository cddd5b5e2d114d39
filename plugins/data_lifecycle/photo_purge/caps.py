"""How much one run may erase unasked (studio decision "caps"): pure decisions about the counts of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import floor
from typing import Any

from data_lifecycle.policy.model import Policy

Judged = Mapping[str, Mapping[str, str]]
"""Cap → {found, allowed}, each a decimal as text; sealed with the plan's facts, so that a reviewer can judge again."""


def judge(policy: Policy, facts: Mapping[str, Any], live: int, median: int | None, runs: int) -> Judged:
    """What a plan with these counts would erase, beside what the policy allows, for every cap that applies.

    ``live`` counts recorded files that may still exist; ``median`` is what the last ``runs`` verified runs that had
    anything to do usually erased, in entries.
    """
    caps, entries = policy.caps, int(facts["erase_items"])
    found = {
        "entries": _pair(entries, caps.max_objects),
        "bytes": _pair(facts["erase_bytes"], caps.max_bytes),
    }
    if live >= caps.share_applies_from_objects and live:
        found["share of live files"] = _pair(
            f"{facts['due_files'] / live:.6f}", caps.max_share_of_live_objects
        )
    times = caps.max_times_trailing_median
    if times is not None and median is not None and runs >= caps.median_applies_from_runs:
        allowed = max(floor(times * median), caps.median_applies_from_objects)
        found["entries beside the trailing median"] = _pair(entries, allowed)
    for cap in caps.categories:
        rule = policy.rule_for_upload(cap.category).id
        found[f"entries of {cap.category}"] = _pair(facts["erase_by_rule"].get(rule, 0), cap.max_objects)
    return found


def exceeded(judged: Judged) -> list[str]:
    """Names of the caps that a plan exceeds, in order."""
    return sorted(name for name, pair in judged.items() if Decimal(pair["found"]) > Decimal(pair["allowed"]))


def _pair(found: object, allowed: object) -> dict[str, str]:
    return {"found": str(found), "allowed": str(allowed)}
