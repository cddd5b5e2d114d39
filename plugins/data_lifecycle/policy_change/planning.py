"""plan: load the proposal, measure what it would change, seal that. guard: publish it. Nothing is ever erased."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data_lifecycle.database import Connection, Row, copy_rows, fetch, fetch_one
from data_lifecycle.photo_purge.clock import CATEGORIES, Order, PhotoClock
from data_lifecycle.policy.loader import load_proposal
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.versions import in_force
from data_lifecycle.policy_change import document, picture
from data_lifecycle.policy_change.impact import SIDES, Amount, Holding, Impact, measure
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, Refused, log
from data_lifecycle.protocol.moments import judge_as_of
from data_lifecycle.protocol.releasing import publish_and_release
from data_lifecycle.protocol.sealing import in_snapshot, insert_run
from data_lifecycle.settings import Settings

PIPELINE = "policy_change"
ROLE = "studio_reader"
CLAUSES = ("3.2", "10")


@dataclass(frozen=True, slots=True)
class Measured:
    """An impact with its document, the canonical bytes of it, and their SHA-256 (hex): the manifest."""

    impact: Impact
    told: dict[str, Any]
    data: bytes
    manifest: str


def proposal(settings: Settings, name: str) -> Path:
    """The file of this name in the folder of proposals, or among the versions; Refused if there is none."""
    if not name.endswith(".yaml") or Path(name).name != name:
        raise Refused(
            "policy_file is the name of a file, as in xmanart-privacy-2026-01-01.yaml, without a folder"
        )
    for folder in (settings.home / "proposals", settings.policy_dir):
        if (folder / name).is_file():
            return folder / name
    raise Refused("policy_file: no such file in include/policy, nor in proposals below the house's folder")


def measured(
    connection: Connection, there: tuple[Policy, ...], proposed: Policy, as_of: datetime
) -> Measured:
    """Measure a proposed version against those there are, as of a moment (UTC); reads only."""
    old, new = PhotoClock(*there), PhotoClock(*there, proposed)
    found = measure(old, new, _holdings(connection, as_of), as_of)
    told = document.build(old, new, found, _around(connection, old.policy, proposed, found))
    data = document.canonical(told)
    return Measured(found, told, data, document.digest(data))


def plan_run(house: House, dag_run_id: str, run_after: datetime, policy_file: str) -> int:
    """Measure and seal; the number of the run. The files lie below the house's folder afterwards.

    Raises Refused for a file that there is not, PolicyError for one that must not be used.
    """
    there, proposed = load_proposal(house.settings.policy_dir, proposal(house.settings, policy_file))
    made: list[Measured] = []

    def seal(connection: Connection) -> int:
        as_of = judge_as_of(None, run_after, fetch_one(connection, "run/read_clock")["now"])
        made.append(measured(connection, there, proposed, as_of))
        return _seal(connection, dag_run_id, in_force(there, as_of)[-1], made[-1])

    run_id = in_snapshot(house.connections.database(ROLE), "policy_change plan", seal)
    folder = write(folder_of(house.settings, run_id), made[-1])
    for line in document.text(made[-1].told, made[-1].manifest):
        log.info("%s", line)
    log.info("files below the house's folder: policy-impact/%s", folder.name)
    return run_id


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what the run plans to measure. The caller commits."""
    return ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["files"], [])


def guard_run(house: House, run_id: int) -> None:
    """Publish the sealed measure and let it be counted again. PromiseBroken when it cannot be published."""
    publish_and_release(house, run_id, PIPELINE, state_plan, ROLE)
    log.info("published; there is nothing to erase in this pipeline")


def folder_of(settings: Settings, run_id: int) -> Path:
    """Where the files of a run lie."""
    return settings.home / "policy-impact" / f"run-{run_id:08d}"


def write(folder: Path, made: Measured) -> Path:
    """Write impact.json, impact.svg and impact.txt, each whole or not at all, readable by the owner alone."""
    new = made.told["new"]["version"]
    title = f"{made.told['policy']}: files due, {made.told['old'][-1]['version']} → {new}"
    parts = {
        document.JSON: made.data,
        picture.NAME: picture.draw(document.series(made.told), title).encode(),
        "impact.txt": ("\n".join(document.text(made.told, made.manifest)) + "\n").encode(),
    }
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, data in parts.items():
        fresh = folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        fresh.replace(folder / name)
    return folder


def _holdings(connection: Connection, as_of: datetime) -> list[Holding]:
    rows = fetch(connection, "policy_change/select_holdings", as_of=as_of)
    wanted = sorted({order_id for row in rows for order_id in row["order_ids"]})
    orders = {
        row["order_id"]: Order(
            row["order_id"],
            row["terminal_at"],
            row["last_activity_at"],
            row["erase_requested_at"],
            row["created_at"],
        )
        for row in fetch(connection, "policy_change/select_orders", order_ids=wanted)
    }
    return [
        Holding(
            row["upload_id"],
            row["category"],
            row["bytes"],
            row["collected_at"],
            row["held"],
            tuple(orders[order_id] for order_id in sorted(row["order_ids"])),
        )
        for row in rows
    ]


def _around(connection: Connection, before: Policy, proposed: Policy, found: Impact) -> document.Around:
    people = fetch_one(connection, "policy_change/count_people")
    shorter_by = _payment_years(before) - _payment_years(proposed)
    archive = fetch_one(connection, "policy_change/count_archives", shorter_by=max(shorter_by, 0))
    vendors = fetch(connection, "policy_change/count_vendors", upload_ids=list(found.moved))
    return document.Around(
        vendors={row["vendor"]: row["files"] for row in vendors},
        archives={"files": archive["files"], "outlasting": archive["outlasting"]},
        payments={"hot": people["payments"], "archived": archive["payments"]},
        people={
            "all": people["everybody"],
            "with_files": people["with_files"],
            "with_payments": people["with_payments"],
        },
    )


def _payment_years(policy: Policy) -> int:
    return sum(rule.period.years for rule in policy.retention if rule.trigger.event == "payment.final")


def _seal(connection: Connection, dag_run_id: str, policy: Policy, made: Measured) -> int:
    as_of, dry_run = made.impact.as_of, False
    run_id = insert_run(connection, PIPELINE, dag_run_id, as_of, dry_run, policy, made.manifest, _facts(made))
    copy_rows(connection, "policy_change/copy_impact", _rows(run_id, made.impact))
    return run_id


def _facts(made: Measured) -> dict[str, Any]:
    tallies = made.impact.tallies.values()
    total = sum((sides["new"].total for sides in tallies), Amount())
    counts: dict[str, Any] = {"files": total.objects, "bytes": total.size}
    for name in ("at_once", "impossible", "held"):
        for side in SIDES:
            counts[f"{name}_{side}"] = sum(getattr(sides[side], name).objects for sides in tallies)
    for name, ways in (("sooner", made.impact.sooner), ("later", made.impact.later)):
        counts[name] = sum(amount.objects for amount in ways.values())
    new: Mapping[str, str] = made.told["new"]
    return {**counts, "proposed_version": new["version"], "proposed_sha256": new["sha256"]}


def _rows(run_id: int, found: Impact) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for kind in CATEGORIES:
        for side in SIDES:
            tally = found.tallies[kind][side]
            dated = sum(tally.days.values(), Amount())
            undated = Amount(tally.total.objects - dated.objects, tally.total.size - dated.size)
            days = [*tally.days.items(), (None, undated)]
            rows += [(run_id, kind, side, day, amount.objects, amount.size) for day, amount in days]
    return rows
