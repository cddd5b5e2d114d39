"""approve: what a purge over its caps tells the person it asks, and how it is planned again.

See ``protocol.asking``.
"""

from __future__ import annotations

from datetime import UTC

from data_lifecycle.database import Connection, Row, fetch, fetch_one
from data_lifecycle.photo_purge.guarding import release
from data_lifecycle.photo_purge.planning import PIPELINE, ROLE, digest_now
from data_lifecycle.protocol.asking import SAMPLE, Petition
from data_lifecycle.protocol.house import listed


def _numbers(connection: Connection, run: Row) -> tuple[list[str], list[str]]:
    facts = run["facts"]
    sample = fetch(connection, "approval/select_sample", run_id=run["run_id"], cases=SAMPLE)
    usual = fetch_one(connection, "photo_purge/trailing_median", pipeline=PIPELINE)
    above = [
        f"Run {run['run_id']} would erase **{facts['erase_items']} entries, {facts['erase_bytes']} bytes** of "
        f"{facts['cases']} orders ({listed(facts['cases_by_reason'])}), due as of "
        f"{run['as_of'].astimezone(UTC).isoformat(timespec='seconds')}, policy version {run['policy_version']}.",
        f"The last {usual['runs']} runs erased a median of {usual['median'] or 0} entries.",
    ]
    below = [
        f"Past their deadline: {facts['cases_past_deadline']}. Under legal hold, not touched: "
        f"{facts['held_items']} entries. Still needed, not touched: {facts['kept_items']} entries.",
        "",
        "| some of its cases | why | entries | bytes | to be absent by |",
        "|---|---|---|---|---|",
        *(
            f"| {row['case_id']} | {row['reason']} | {row['entries']} | {row['bytes']} | "
            f"{row['deadline_at'].astimezone(UTC).isoformat(timespec='minutes')} |"
            for row in sample
        ),
    ]
    return above, below


def _still_its_own(connection: Connection, run: Row) -> bool:
    held = fetch_one(connection, "approval/count_claims", run_id=run["run_id"])["cases"]
    return bool(held == run["facts"]["cases"])


PETITION = Petition(
    PIPELINE,
    "Photo purge",
    ROLE,
    numbers=_numbers,
    digest_now=digest_now,
    still_its_own=_still_its_own,
    release=release,
)
"""What the purge brings along when it asks."""
