"""approve: what an archive run over its caps tells the person it asks, and how it is planned again.

See ``protocol.asking``.
"""

from __future__ import annotations

from datetime import UTC

from data_lifecycle.database import Connection, Row, fetch, fetch_one
from data_lifecycle.payment_archive.planning import PIPELINE, ROLE, digest_now, release
from data_lifecycle.protocol.asking import SAMPLE, Petition
from data_lifecycle.protocol.house import listed


def _numbers(connection: Connection, run: Row) -> tuple[list[str], list[str]]:
    facts = run["facts"]
    sample = fetch(connection, "payment_archive/select_sample", run_id=run["run_id"], files=SAMPLE)
    usual = fetch_one(connection, "payment_archive/read_usual", pipeline=PIPELINE)
    above = [
        f"Run {run['run_id']} would archive **{facts['rows']} records** of {facts['families']} payments in "
        f"{facts['files']} files ({listed(facts['files_by_kind'])}), and erase "
        f"**{facts['expiring_rows'] + facts['ended_hot_rows']} records**, their seven years being over: "
        f"{facts['expiring_rows']} in {facts['expiring_files']} files, {facts['ended_hot_rows']} never archived. "
        f"Due as of {run['as_of'].astimezone(UTC).isoformat(timespec='seconds')}, "
        f"policy version {run['policy_version']}.",
        f"The last {usual['runs']} runs archived a median of {usual['archived'] or 0} records and erased one of "
        f"{usual['erased'] or 0}.",
    ]
    below = [
        f"Over, and kept by a legal hold: {facts['held_hot_families']} payments. Not archived because of a bank-card "
        f"number: {facts['quarantined_families']} payments.",
        "",
        "| some of its files | would be | kind | records | their promise ends |",
        "|---|---|---|---|---|",
        *(
            f"| {row['file_id']} | {'erased' if row['erased'] else 'made'} | {row['kind']} | "
            f"{'-' if row['rows'] is None else row['rows']} | "
            f"until {row['ends'].astimezone(UTC).isoformat(timespec='minutes')} |"
            for row in sample
        ),
    ]
    return above, below


def _still_its_own(connection: Connection, run: Row) -> bool:
    return bool(fetch(connection, "payment_archive/read_turn", run_id=run["run_id"]))


PETITION = Petition(
    PIPELINE,
    "Payment archive",
    ROLE,
    numbers=_numbers,
    digest_now=digest_now,
    still_its_own=_still_its_own,
    release=release,
)
"""What the archive brings along when it asks."""
