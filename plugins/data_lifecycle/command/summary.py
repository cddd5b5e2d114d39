"""What the pipelines did, read as the reviewer reads it: with the database role ``reviewer``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect, fetch
from data_lifecycle.embedded.house import House

_BOOKS = ("eligible", "acted", "held", "failed", "unknown")


def lines(house: House) -> Iterator[str]:
    """The latest run of each pipeline: what it planned, what became of it, where its evidence is."""
    access = DatabaseAccess(house.access()["databases"]["reviewer"])
    with connect(access, "lifecycle up") as connection:
        runs = fetch(connection, "lifecycle/select_latest_runs")
    if not runs:
        yield "No run has planned anything yet."
    for run in runs:
        yield from _run(run, house)


def _run(run: Mapping[str, Any], house: House) -> Iterator[str]:
    dry = ", dry run" if run["dry_run"] else ""
    yield f"{run['pipeline']}: {run['state']}, as of {run['as_of']:%Y-%m-%d %H:%M:%S} UTC{dry}"
    yield f"  policy version {run['policy_version']}, run {run['dag_run_id']}"
    counts, planned = run["counts"] or {}, run["planned"] or {}
    if counts and run["pipeline"] != "photo_purge":
        yield "  counted  " + ", ".join(f"{counts[name]} {name}" for name in _BOOKS if name in counts)
    elif counts:
        cases = counts.get("cases", {})
        yield (
            f"  purged   {counts.get('acted', 0)} versions and markers, {counts.get('acted_bytes', 0)} bytes, "
            f"of {cases.get('absent', 0)} orders seen to be absent; {counts.get('survivors', 0)} survived"
        )
        yield (
            f"  in all   {run['all_acted']} versions and markers of {run['all_absent']} orders, "
            f"in {run['all_runs']} runs"
        )
        kept = f"{planned.get('kept_items', 0)} kept, shared or not yet due"
        yield f"  held     {counts.get('held', 0)} under legal hold or stopped; {kept}"
        yield (
            f"  at risk  {counts.get('overdue', 0)} overdue, {counts.get('failed', 0)} failed, "
            f"{counts.get('unknown', 0)} unknown, {cases.get('open', 0)} cases open, "
            f"{counts.get('orphans', 0)} orphans, {counts.get('aged_orphans', 0)} of them aged"
        )
    elif planned:
        yield "  planned  " + _facts(planned)
    if run["evidence_id"]:
        bucket = house.settings.bucket_evidence
        where = (
            f"s3://{bucket}/{run['evidence_id']}"
            if run["stored_at"]
            else "signed, not yet in the locked bucket"
        )
        yield f"  evidence {run['outcome']}: {where} at {house.store.endpoint_url}"


def _facts(facts: Mapping[str, Any], prefix: str = "") -> str:
    """Counts on one line; what is nested is named with dots."""
    parts = []
    for name, value in facts.items():
        text = _facts(value, f"{prefix}{name}.") if isinstance(value, dict) else f"{prefix}{name} {value}"
        parts.append(text.replace("_", " "))
    return ", ".join(parts)
