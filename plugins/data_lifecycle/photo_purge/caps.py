"""How much one run may erase unasked (studio decision "caps"): pure decisions about the counts of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Any

from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol.caps import Judged, pair


def judge(policy: Policy, facts: Mapping[str, Any], live: int, median: int | None, runs: int) -> Judged:
    """What a plan with these counts would erase, beside what the policy allows, for every cap that applies.

    ``live`` counts recorded files that may still exist; ``median`` is what the last ``runs`` verified runs that had
    anything to do usually erased, in entries.
    """
    caps, entries = policy.caps, int(facts["erase_items"])
    found = {
        "entries": pair(entries, caps.max_objects),
        "bytes": pair(facts["erase_bytes"], caps.max_bytes),
    }
    if live >= caps.share_applies_from_objects and live:
        found["share of live files"] = pair(
            f"{facts['due_files'] / live:.6f}", caps.max_share_of_live_objects
        )
    times = caps.max_times_trailing_median
    if times is not None and median is not None and runs >= caps.median_applies_from_runs:
        allowed = max(floor(times * median), caps.median_applies_from_objects)
        found["entries beside the trailing median"] = pair(entries, allowed)
    for cap in caps.categories:
        rule = policy.rule_for_upload(cap.category).id
        found[f"entries of {cap.category}"] = pair(facts["erase_by_rule"].get(rule, 0), cap.max_objects)
    return found
