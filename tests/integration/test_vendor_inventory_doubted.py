"""The vendor inventory doubted: made blind, fed hostile text, killed anywhere, asked by a person and by Airflow."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import multiprocessing
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2.errors
import pytest
from tests import leaks
from tests.dag_runs import run_dag
from tests.faults import inventory_runner
from tests.inventory_fixtures import drift, inventory, lies_locked, observe, rows, send, stated

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect
from data_lifecycle.protocol.house import PromiseBroken
from data_lifecycle.sqlfiles import load as load_sql
from data_lifecycle.vendor_inventory import documents
from data_lifecycle.vendor_inventory.attesting import assert_inventory, attest_run
from data_lifecycle.vendor_inventory.exporting import export_run, folder_of
from data_lifecycle.vendor_inventory.observing import observe_run

BLIND = {
    "a vendor left out of the comparison": ("WHERE r.vendor IS NULL", "WHERE false", "canaries_wrong = 0"),
    "half of the log": (
        "WHERE s.sent_at <= %(as_of)s",
        "WHERE s.sent_at <= %(as_of)s AND (s.canary OR s.vendor < 'g')",
        "lost = 0",
    ),
    "the canaries": (
        "WHERE s.sent_at <= %(as_of)s",
        "WHERE s.sent_at <= %(as_of)s AND NOT s.canary",
        "canaries >= 25",
    ),
    "unlisted vendors, canaries seen": (
        "WHERE r.vendor IS NULL",
        "WHERE r.vendor IS NULL AND a.canary",
        "contradicted = 0",
    ),
    "people counted twice": ("count(DISTINCT person) AS people", "2 * count(*) AS people", "unbalanced = 0"),
    "a registered vendor": (
        "FULL JOIN (SELECT canary, vendor FROM registered)",
        "FULL JOIN (SELECT canary, vendor FROM registered WHERE vendor <> 'amazon-ses')",
        "vendors_missing = 0",
    ),
}


@pytest.mark.parametrize("what", BLIND)
def test_an_inventory_that_overlooks_something_is_found_out(quiet: Any, what: str) -> None:
    old, new, assertion = BLIND[what]
    for vendor in ("fal", "unknown-labs"):
        send(quiet, vendor)
        send(quiet, vendor, person=1)
    with pytest.MonkeyPatch.context() as patch:
        from data_lifecycle import database

        def bent(name: str) -> str:
            text = load_sql(name)
            assert name != "vendor_inventory/observe_sent" or old in text
            return text.replace(old, new) if name == "vendor_inventory/observe_sent" else text

        patch.setattr(database, "load", bent)
        run_id = observe(quiet.house)
    export_run(quiet.house, run_id)
    with pytest.raises(PromiseBroken) as broken:
        assert_inventory(quiet.house, run_id)
    assert assertion in str(broken.value)
    with pytest.raises(PromiseBroken, match="is not verified"):
        attest_run(quiet.house, run_id, ("assert",))
    assert stated(quiet, run_id)["outcome"] == "failed"


def test_documents_that_were_not_stored_are_missed(quiet: Any) -> None:
    send(quiet, "fal")
    run_id = observe(quiet.house)
    with pytest.raises(PromiseBroken, match="documents_missing = 0"):
        assert_inventory(quiet.house, run_id)


def test_free_text_for_a_vendor_goes_nowhere(quiet: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    texts = [
        "ada.lovelace@example.org",
        '=HYPERLINK("http://evil.example")',
        "<script>alert(1)</script>",
        "Ada Lovelace\n\x1b[2J",
    ]
    for text in texts:
        send(quiet, text)
        send(quiet, "fal", category=text, purpose=text, subs=[text])
    run_id = inventory(quiet.house)
    needles = {"text": texts}
    with connect(DatabaseAccess(quiet.studio.admin_url), "test") as connection:
        tables = [
            t
            for t in leaks.postgres_tables(connection, "lifecycle")
            if ".inventory" in t or t.endswith("evidence")
        ]
        assert leaks.search(needles, leaks.in_database(connection, tables)) == []
    assert leaks.search(needles, [("log", caplog.text)]) == []
    assert leaks.search(needles, leaks.in_files(folder_of(quiet.house.settings, run_id))) == []
    assert drift(quiet, run_id) == {
        ("unlisted_vendor", "(no identifier)", ""),
        ("new_category", "fal", "(no key)"),
        ("purpose_outside_contract", "fal", "(no key)"),
        ("new_sub_processor", "fal", "(no identifier)"),
    }
    assert rows(
        quiet,
        "SELECT disclosures FROM lifecycle.inventory_vendor WHERE run_id = %s AND vendor = '(no identifier)'",
        run_id,
    ) == [(len(texts),)], "counted all the same"


def test_a_hostile_register_stays_text(quiet: Any, own_include: Path) -> None:
    register = own_include / "policy" / "vendors.yaml"
    hostile = "=cmd|'/c calc'!A0<script>alert(1)</script>"
    register.write_text(
        register.read_text("utf-8").replace("    name: fal\n", f'    name: "{hostile}"\n'), "utf-8"
    )
    send(quiet, "fal")
    run_id = inventory(quiet.house)
    folder = folder_of(quiet.house.settings, run_id)
    found = [
        row["d_recipient"]
        for row in csv.DictReader(io.StringIO((folder / documents.CSV).read_bytes().decode(), newline=""))
        if row["d_recipient_id"] == "fal"
    ]
    assert found == ["'" + hostile]
    assert "<script" not in (folder / documents.PAGE).read_text("utf-8")


def test_observing_and_exporting_again_changes_nothing(quiet: Any) -> None:
    send(quiet, "fal")
    run_id = inventory(quiet.house)
    tables = (
        "inventory",
        "inventory_line",
        "inventory_vendor",
        "inventory_drift",
        "inventory_document",
        "inventory_stored",
    )
    before = {table: rows(quiet, f"SELECT * FROM lifecycle.{table}") for table in tables}  # noqa: S608 — constants
    send(quiet, "unknown-labs")
    observe_run(quiet.house, run_id)
    export_run(quiet.house, run_id)
    attest_run(quiet.house, run_id, ())
    assert before == {table: rows(quiet, f"SELECT * FROM lifecycle.{table}") for table in tables}  # noqa: S608


def test_nobody_changes_an_inventory_and_each_role_does_its_own(quiet: Any) -> None:
    send(quiet, "fal")
    observe(quiet.house)
    forbidden = {
        "vendor_clerk": (
            "SELECT * FROM studio.customers",
            "SELECT vendor_ref FROM studio.disclosures",
            "SELECT * FROM studio.consents",
            "SELECT * FROM lifecycle.verdict",
            "UPDATE lifecycle.inventory_line SET people = 1",
            "DELETE FROM lifecycle.inventory_drift",
            "INSERT INTO lifecycle.inventory_stored VALUES (1, 'a', 'a', 'a', now())",
            "INSERT INTO lifecycle.inventory_canary SELECT * FROM lifecycle.inventory_canary",
            "INSERT INTO lifecycle.drift_kind VALUES ('a', '4', 'a')",
        ),
        "reviewer": (
            "SELECT people FROM lifecycle.inventory_line",
            "SELECT people FROM lifecycle.inventory_drift",
        ),
        "transfer_judge": ("INSERT INTO lifecycle.inventory_document VALUES (1, 'a.b', '', '')",),
    }
    for role, statements in forbidden.items():
        for statement in statements:
            with (
                connect(quiet.house.connections.database(role), "test") as connection,
                connection.cursor() as cursor,
                pytest.raises(psycopg2.errors.InsufficientPrivilege),
            ):
                cursor.execute(statement)
    for table in (
        "inventory",
        "inventory_line",
        "inventory_vendor",
        "inventory_drift",
        "inventory_document",
        "inventory_stored",
    ):
        with pytest.raises(psycopg2.errors.RestrictViolation):
            rows(quiet, f"DELETE FROM lifecycle.{table}")  # noqa: S608 — constants


PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.inventory_runner", "boto3", "data_lifecycle.policy.loader"])
V = "vendor_inventory."
POINTS = {
    "plan: sealed, not committed": ("plan", f"{V}planning:_tell::before:1"),
    "guard: published, not released": ("guard", "protocol.releasing:execute:run/release_run:before:1"),
    "observe: counted, not committed": ("observe", f"{V}observing:execute:{V[:-1]}/observe_sent:after:1"),
    "observe: half of the documents": ("observe", f"{V}observing:execute:{V[:-1]}/insert_document:after:2"),
    "observe: done": ("observe", "end"),
    "export: nothing put": ("export", "evidence.vault:keep::before:1"),
    "export: put, not noted": ("export", "evidence.vault:keep::after:1"),
    "export: two of four": ("export", "evidence.vault:keep::after:3"),
    "export: stored, no file": ("export", f"{V}exporting:write::before:1"),
    "export: done": ("export", "end"),
    "assert: asserted, not stated": ("assert", "protocol.concluding:assert_run::after:1"),
    "attest: stated, not committed": ("attest", f"{V}attesting:_tell::before:1"),
    "attest: committed, not published": ("attest", "protocol.ledger:publish::before:1"),
    "attest: done": ("attest", "end"),
}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_anywhere_it_goes_on_and_says_everything_once(quiet: Any) -> None:
    send(quiet, "fal")
    send(quiet, "unknown-labs")
    for what, (step, where) in POINTS.items():
        run_id = 0
        for name in inventory_runner.STEPS:
            if name == step:
                process = PROCESSES.Process(
                    target=inventory_runner.run, args=(name, run_id, where, quiet.house.settings)
                )
                process.start()
                process.join(120)
                assert process.exitcode == -signal.SIGKILL, what
            done = inventory_runner.STEPS[name](quiet.house, run_id)
            run_id = int(done) if name == "plan" else run_id
        found = rows(
            quiet,
            "SELECT outcome, count(*) FROM lifecycle.evidence WHERE run_id = %s AND stored_at IS NOT NULL GROUP BY 1",
            run_id,
        )
        assert dict(found) == {"planned": 1, "asserted": 1, "verified": 1} or (
            step == "assert" and dict(found)["verified"] == 1
        ), what
        lies_locked(quiet, stated(quiet, run_id))


@pytest.fixture
def command(sending: Any, own_include: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`./lifecycle vendors …` as a person types it."""
    monkeypatch.setenv("LIFECYCLE_INCLUDE", str(own_include))
    from data_lifecycle.command import __main__ as command_line

    def run(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["lifecycle", "vendors", *words])
        try:
            return command_line.main()
        except SystemExit as stop:
            return int(stop.code or 0)

    return run


def test_the_command_tells_and_writes_what_was_stated(
    quiet: Any, command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("inventory") == 2
    assert "no inventory yet" in capsys.readouterr().err
    send(quiet, "fal")
    send(quiet, "unknown-labs")
    run_id = inventory(quiet.house)
    assert command("inventory", "--out", str(tmp_path / "out")) == 3
    text = capsys.readouterr().out
    assert "unlisted_vendor" in text
    assert "fal: <5 people" in text
    for document in stated(quiet, run_id)["documents"]:
        path = tmp_path / "out" / Path(document["name"]).name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == document["sha256"]
        assert document["sha256"] in text
    assert command("show", "unknown-labs") == 3
    assert "DIFFERS unlisted_vendor" in capsys.readouterr().out
    assert command("show", "fal") == 0
    text = capsys.readouterr().out
    assert "contract dpa-fal: 2024-08-01 to 2031-08-01, in force" in text
    assert "TIA-fal-scc" in text
    assert command("show", "nobody") == 2
    assert "no such vendor" in capsys.readouterr().err


@pytest.mark.slow
def test_the_dag_runs_and_an_empty_studio_fails_it(
    quiet: Any,
    airflow_connections: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    failed = run_dag("vendor_inventory", {}, caplog, capfd)
    assert failed.states["plan"] == ["failed"]
    assert "no disclosure was recorded" in failed.log
    refused = run_dag("vendor_inventory", {"asof": "x"}, caplog, capfd)
    assert "is unknown; this pipeline takes as_of, dry_run" in refused.log
    send(quiet, "unknown-labs")
    dry = run_dag("vendor_inventory", {"dry_run": True}, caplog, capfd)
    assert (dry.state, dry.states["observe"]) == ("success", ["skipped"])
    ran = run_dag("vendor_inventory", {}, caplog, capfd)
    assert ran.state == "success", ran.log
    assert "drift unlisted_vendor, vendor unknown-labs" in ran.log
    assert "outcome of run" in ran.log
