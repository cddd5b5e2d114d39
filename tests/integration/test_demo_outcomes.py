"""What a purge does to a whole studio, seen with a plain S3 client and told beforehand by the studio's scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import psycopg2
import psycopg2.extras
import pytest
from botocore.config import Config
from cryptography.hazmat.primitives import serialization

from data_lifecycle.evidence import keys, statement
from data_lifecycle.photo_purge.acting import act_batch, settle_run
from data_lifecycle.photo_purge.attesting import attest_run
from data_lifecycle.photo_purge.guarding import guard_run
from data_lifecycle.photo_purge.observing import observe_run, sweep_run
from data_lifecycle.photo_purge.planning import plan_run
from data_lifecycle.protocol.house import PromiseBroken
from data_lifecycle.studio.demo.scenarios import SCENARIOS

if TYPE_CHECKING:
    from tests.purge_fixtures import Demo

Entry = tuple[str, str, str, str]
"""Bucket, key, kind, version or upload id."""
STAYING_OPEN = ("held", "copied_away", "vendor_unreachable")
"""Scenarios of which a hold keeps something, or a vendor has a copy that nobody has looked for yet."""


def plain_client(demo: Demo, identity: str = "object_admin") -> Any:
    """Somebody else's client: boto3 and nothing of ours."""
    access = demo.store.store_access(identity)
    return boto3.client(
        "s3",
        endpoint_url=access.endpoint_url,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        region_name=access.region,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


def everything(demo: Demo) -> dict[Entry, tuple[str, int]]:
    """Every version, delete marker and unfinished upload of both buckets, with digest and size."""
    s3 = plain_client(demo)
    found: dict[Entry, tuple[str, int]] = {}
    for bucket in demo.store.settings.photo_buckets:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in page.get("Versions", []):
                found[bucket, entry["Key"], "version", entry["VersionId"]] = (entry["ETag"], entry["Size"])
            for entry in page.get("DeleteMarkers", []):
                found[bucket, entry["Key"], "marker", entry["VersionId"]] = ("", 0)
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for entry in page.get("Uploads", []):
                found[bucket, entry["Key"], "multipart", entry["UploadId"]] = ("", 0)
    return found


def contents(demo: Demo, entries: dict[Entry, tuple[str, int]]) -> dict[Entry, bytes]:
    """The bytes of every version, read by its id."""
    s3 = plain_client(demo)
    return {
        entry: s3.get_object(Bucket=entry[0], Key=entry[1], VersionId=entry[3])["Body"].read()
        for entry in entries
        if entry[2] == "version"
    }


def fates(demo: Demo) -> dict[tuple[str, str], str | None]:
    """What must happen to each (bucket, key), by the studio's scenarios."""
    names = {"uploads": demo.store.settings.bucket_uploads, "backup": demo.store.settings.bucket_backup}
    return {(names[history.place], history.key): history.fate for history in demo.report.contents}


def rows(demo: Demo, query: str, *values: object) -> list[Any]:
    connection = psycopg2.connect(demo.studio.admin_url, cursor_factory=psycopg2.extras.NamedTupleCursor)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def folder_of(entry: Entry) -> str:
    return entry[1].split("/")[1] if entry[1].startswith("orders/") else ""


@pytest.fixture
def evidence_of(buckets: dict[str, str]) -> Callable[[Demo, int], list[dict[str, Any]]]:
    """The statements about a run, fetched from the locked bucket and verified with the public key alone."""

    def read(demo: Demo, run_id: int) -> list[dict[str, Any]]:
        public = serialization.load_pem_public_key(
            (demo.house.settings.attester_key.parent / keys.PUBLIC_NAME).read_bytes()
        )
        s3 = plain_client(demo)
        names = [
            r.evidence_id
            for r in rows(
                demo, "SELECT evidence_id FROM lifecycle.evidence WHERE run_id = %s ORDER BY sequence", run_id
            )
        ]
        assert names
        return [
            statement.open_envelope(
                s3.get_object(Bucket=buckets["evidence"], Key=name)["Body"].read(),
                {keys.key_id(public): public},  # type: ignore[arg-type, dict-item]
            )
            for name in names
        ]

    return read


def test_a_purge_does_to_each_entry_what_its_scenario_says_and_never_again(
    load_demo: Callable[..., Demo],
    purge: Callable[..., int],
    evidence_of: Callable[[Demo, int], list[dict[str, Any]]],
) -> None:
    demo = load_demo(orders=80)
    before = everything(demo)
    bytes_before = contents(demo, before)
    expected = fates(demo)
    canaries = {entry for entry in before if entry[1].startswith("canary/")}
    assert {entry[:2] for entry in before} == set(expected) | {entry[:2] for entry in canaries}
    due = {entry for entry in before if expected.get(entry[:2]) == "erase"}
    kinds = Counter(entry[2] for entry in due)
    assert min(kinds["version"], kinds["marker"], kinds["multipart"]) > 0, "the studio shows every kind"

    # A week ago: only what was due then may go.
    week_ago = datetime.now(UTC) - timedelta(days=7)
    purge(demo.house, "a week ago", week_ago.isoformat())
    between = everything(demo)
    early = set(before) - set(between)
    long_due = {
        r.order_id
        for r in rows(
            demo,
            "SELECT order_id FROM studio.orders "
            "WHERE terminal_at <= %s OR (terminal_at IS NULL AND last_activity_at <= %s)",
            week_ago - timedelta(days=5),
            week_ago - timedelta(days=35),
        )
    }
    assert early <= due
    assert {folder_of(entry) for entry in early} <= long_due

    run_id = purge(demo.house, "today")
    after = everything(demo)
    assert set(before) - set(after) == due
    assert set(after) <= set(before)
    assert {entry: after[entry] for entry in after} == {entry: before[entry] for entry in after}
    assert contents(demo, after) == {entry: bytes_before[entry] for entry in after if entry[2] == "version"}
    check_scenarios(demo, before, after)
    check_orders(demo, run_id)
    check_evidence(demo, run_id, evidence_of(demo, run_id), due - early)

    # Once more: there is nothing left to do, and a week ago even less.
    again = purge(demo.house, "again")
    assert everything(demo) == after
    backfill = plan_run(demo.house, "backfill", datetime.now(UTC), week_ago.isoformat(), dry_run=False)
    undone = "SELECT 1 FROM lifecycle.item WHERE run_id = %s AND disposition = 'erase' AND kind <> 'nothing'"
    assert [rows(demo, undone, run) for run in (again, backfill)] == [[], []]
    assert evidence_of(demo, again)[-1]["predicate"]["outcome"] == "verified"
    touched = (
        "SELECT bucket, object_key, kind, version_id FROM lifecycle.item "
        "WHERE state = 'accepted' AND kind <> 'nothing'"
    )
    deletions = [tuple(r) for r in rows(demo, touched)]
    assert len(deletions) == len(set(deletions)), "nothing was deleted twice"
    assert set(deletions) == due


def check_scenarios(demo: Demo, before: dict[Entry, Any], after: dict[Entry, Any]) -> None:
    """Scenario by scenario: what is left in the folders of its orders."""
    left = Counter(folder_of(entry) for entry in after)
    there = Counter(folder_of(entry) for entry in before)
    some_left = {"held", "shared_with_open"}
    for name, orders in demo.report.scenarios.items():
        for order_id in orders:
            fate = SCENARIOS[name].fate
            if fate == "keep":
                assert left[order_id] == there[order_id] > 0, name
            elif name in some_left:
                assert 0 < left[order_id] < there[order_id], name
            elif fate == "erase":
                assert left[order_id] == 0, name
    # Neighbours: an id that is the beginning of another one, and one that looks alike to LIKE.
    for short, longer, alike in zip(
        *(demo.report.scenarios[f"neighbour_{n}"] for n in ("due", "longer", "alike")), strict=True
    ):
        assert longer.startswith(short)
        assert (left[short], left[longer], left[alike]) == (0, there[longer], there[alike])
    strangers = {e for e in before if fates(demo).get(e[:2], "x") is None or e[1].startswith("canary/")}
    assert strangers <= set(after)


def check_orders(demo: Demo, run_id: int) -> None:
    """Rows: what is done with, what is still needed, and why a case stays open."""
    states = {
        r.order_id: r.photo_state for r in rows(demo, "SELECT order_id, photo_state FROM studio.orders")
    }
    cases = {
        r.order_id: r
        for r in rows(
            demo, "SELECT order_id, state, reason, closed_at, deadline_at FROM lifecycle.erasure_case"
        )
    }
    for name, orders in demo.report.scenarios.items():
        for order_id in orders:
            if name == "archived":
                assert (states[order_id], order_id in cases) == ("none", False), name
            elif name in STAYING_OPEN:
                assert (states[order_id], cases[order_id].state) == ("present", "open"), name
            elif order_id in cases:
                assert (states[order_id], cases[order_id].state) == ("absent", "absent"), name
                late = cases[order_id].closed_at > cases[order_id].deadline_at
                assert late is (name in ("due_late", "hold_released")), name
            else:
                assert states[order_id] == "present", name
    scenarios = demo.report.scenarios
    assert {cases[o].reason for o in scenarios["abandoned"]} == {"inactivity"}
    assert {cases[o].reason for o in scenarios["erase_requested"]} == {"request"}
    gone = rows(demo, "SELECT upload_id, object_key FROM studio.uploads WHERE absent_at IS NOT NULL")
    fate = fates(demo)
    bucket = demo.store.settings.bucket_uploads
    assert {fate.get((bucket, r.object_key), "erase") for r in gone} == {"erase"}
    # Files are marked when their whole case is proven, which that of a held file, or one at a vendor, is not yet.
    there = rows(
        demo,
        "SELECT object_key FROM studio.uploads JOIN studio.order_uploads USING (upload_id) "
        "WHERE absent_at IS NULL AND order_id <> ALL (%s)",
        [order_id for name in STAYING_OPEN for order_id in scenarios[name]],
    )
    assert "erase" not in {fate.get((bucket, r.object_key), "erase") for r in there}
    assert rows(demo, "SELECT 1 FROM lifecycle.run WHERE run_id = %s AND state = 'verified'", run_id)


def check_evidence(demo: Demo, run_id: int, found: list[dict[str, Any]], erased: set[Entry]) -> None:
    """The signed statement says what was seen here, and names nobody."""
    plan, asserted, told = (one["predicate"] for one in found)
    assert {item["case"] for item in plan["items"]} == {item["case"] for item in told["items"]}
    assert asserted["assertions"] == told["assertions"]
    told = found[-1]
    predicate = told["predicate"]
    assert predicate["outcome"] == "verified"
    assert predicate["unfinished_steps"] == []
    counts = predicate["counts"]
    (run,) = rows(demo, "SELECT manifest_sha256 FROM lifecycle.run WHERE run_id = %s", run_id)
    assert told["subject"] == [
        {"name": f"photo_purge/run-{run_id}", "digest": {"sha256": run.manifest_sha256}}
    ]
    nothing = rows(
        demo,
        "SELECT 1 FROM lifecycle.item WHERE run_id = %s AND kind = 'nothing' AND disposition = 'erase'",
        run_id,
    )
    assert counts["acted"] == len(erased) + len(nothing)
    assert counts["eligible"] == counts["acted"] + counts["held"]
    assert counts["held"] > 0
    assert (counts["survivors"], counts["unknown"], counts["failed"], counts["touched_undue"]) == (0, 0, 0, 0)
    assert counts["canaries"] == 8
    assert counts["orphans"] == sum(history.fate is None for history in demo.report.contents)
    assert all(assertion["success"] for assertion in predicate["assertions"])
    assert counts["cases"]["open"] == sum(len(demo.report.scenarios[name]) for name in STAYING_OPEN)
    text = repr(told)
    for order_id in (o for orders in demo.report.scenarios.values() for o in orders):
        assert order_id not in text


def without_assertions(demo: Demo, name: str) -> int:
    """All steps but the suite, which is what takes long; attest then says so, after closing what is proven."""
    run_id = plan_run(demo.house, name, datetime.now(UTC), None, dry_run=False)
    for batch in guard_run(demo.house, run_id):
        act_batch(demo.house, run_id, batch)
    observe_run(demo.house, run_id)
    if settle_run(demo.house, run_id):
        observe_run(demo.house, run_id)
    sweep_run(demo.house, run_id)
    with pytest.raises(PromiseBroken):
        attest_run(demo.house, run_id, ("assert",))
    return run_id


def test_what_nobody_could_know_of_is_found_and_what_nobody_can_see_is_never_called_absent(
    load_demo: Callable[..., Demo],
) -> None:
    demo = load_demo(orders=40)
    purged, elsewhere = demo.report.scenarios["due"][0], demo.report.scenarios["many_versions"][0]
    archived = demo.report.scenarios["archived"][0]
    key = f"orders/{elsewhere}/in-another-bucket.jpg"
    rows(
        demo,
        "INSERT INTO studio.uploads VALUES "
        "('00000000-0000-4000-8000-000000000001', 'personal_photo', 'front', 'studio-archive', %s, sha256(''), 1, "
        "'image/jpeg', NULL, now())",
        key,
    )
    rows(
        demo,
        "INSERT INTO studio.order_uploads VALUES (%s, '00000000-0000-4000-8000-000000000001')",
        elsewhere,
    )
    first = without_assertions(demo, "first")

    # A row names a bucket that nobody looks into: what can be seen goes, the rest is unknown and keeps the case open.
    seen = "SELECT outcome, code FROM lifecycle.observation WHERE run_id = %s AND object_key = %s"
    assert {tuple(r) for r in rows(demo, seen, first, key)} == {("unknown", "bucket-not-covered")}
    (case,) = rows(demo, "SELECT state FROM lifecycle.erasure_case WHERE order_id = %s", elsewhere)
    assert case.state == "open"
    assert [e for e in everything(demo) if folder_of(e) == elsewhere] == []

    # An upload by an old signed address, after the purge; and one into the folder of an order that had no files.
    app, bucket = plain_client(demo, "object_app"), demo.store.settings.bucket_uploads
    for order_id in (purged, archived):
        app.put_object(Bucket=bucket, Key=f"orders/{order_id}/late.jpg", Body=b"late")
    live = demo.report.scenarios["in_production"][0]
    app.put_object(Bucket=bucket, Key=f"orders/{live}/not-yet-recorded.jpg", Body=b"new")
    before = everything(demo)
    second = without_assertions(demo, "second")
    assert everything(demo) == before, "the plan of that run could not know"
    found = {
        r.order_id for r in rows(demo, "SELECT order_id FROM lifecycle.resurfaced WHERE run_id = %s", second)
    }
    assert found == {purged, archived}
    without_assertions(demo, "third")
    assert {e[1] for e in set(before) - set(everything(demo))} == {f"orders/{o}/late.jpg" for o in found}
