"""The transfer check on real servers: the demo's violations found, each; corrections, suspension, stale lists."""

from __future__ import annotations

import json
import logging
import shutil
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import leaks

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect
from data_lifecycle.protocol.house import PromiseBroken, Refused
from data_lifecycle.sqlfiles import load as load_sql
from data_lifecycle.transfer_check.attesting import assert_check, attest_run
from data_lifecycle.transfer_check.judging import judge_run
from data_lifecycle.transfer_check.planning import guard_run, plan_run

if TYPE_CHECKING:
    from data_lifecycle.protocol.house import House

pytestmark = pytest.mark.slow
INCLUDE = Path(__file__).resolve().parents[2] / "include"


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """A copy of include/ whose lists were compared with their sources today: the real ones grow old by themselves."""
    copied = tmp_path / "include"
    shutil.copytree(INCLUDE, copied)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for file in (copied / "reference").glob("*.csv"):
        file.write_text(file.read_text("utf-8").replace(",2026-11-16,", f",{today},"), "utf-8")
    return copied


@pytest.fixture
def office(load_demo: Callable[..., Any], include: Path) -> Any:
    """A demo studio whose house reads the copied include/."""
    demo = load_demo(orders=60)
    return replace(demo, house=replace(demo.house, settings=replace(demo.house.settings, include=include)))


def check(house: House, name: str = "test", *, rejudge: bool = False, as_of: str | None = None) -> int:
    """A whole run, as the DAG does it; its number."""
    run_id = plan_run(house, name, datetime.now(UTC), as_of, False, rejudge)
    assert guard_run(house, run_id)
    judge_run(house, run_id)
    assert_check(house, run_id)
    attest_run(house, run_id, ())
    return run_id


def rows(office: Any, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with (
        connect(DatabaseAccess(office.studio.admin_url), "test") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)
        found = cursor.fetchall() if cursor.description else []
        connection.commit()
        return found


def stated(office: Any, run_id: int) -> dict[str, Any]:
    """The result of a run."""
    ((envelope,),) = rows(
        office,
        "SELECT envelope FROM lifecycle.evidence WHERE run_id = %s AND outcome IN ('verified', 'failed')"
        " ORDER BY sequence DESC LIMIT 1",
        run_id,
    )
    predicate: dict[str, Any] = json.loads(b64decode(json.loads(bytes(envelope))["payload"]))["predicate"]
    return predicate


def wanted(seed: int, orders: int, now: datetime) -> dict[str, list[str]]:
    """The verdict that each disclosure of the demo must get."""
    from data_lifecycle.studio.demo.build import build

    return {str(d.disclosure_id): sorted(d.broken) for d in build(seed, orders, now).disclosures}


def current(office: Any) -> dict[str, list[str]]:
    return dict(rows(office, "SELECT disclosure_id::text, broken FROM lifecycle.current_verdict"))


def test_every_seeded_violation_is_found_and_nothing_else(
    office: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run_id = check(office.house)
    expected = wanted(1, 60, office.report.now)
    assert current(office) == expected
    assert {rule for broken in expected.values() for rule in broken} == {f"T{n:02d}" for n in range(1, 12)}
    result = stated(office, run_id)
    counts = Counter(rule for broken in expected.values() for rule in broken)
    assert result["outcome"] == "verified"
    assert result["counts"]["broken"] == {f"T{n:02d}": counts[f"T{n:02d}"] for n in range(1, 12)}
    assert result["claims"]["DENIED"] == {"disclosures": sum(bool(b) for b in expected.values())}
    for version in ("reference", "register"):
        assert len(result[version]["sha256"]) == 64
    incidents = rows(
        office, "SELECT vendor, rule, disclosures FROM lifecycle.incident WHERE closed_at IS NULL"
    )
    vendors = dict(rows(office, "SELECT disclosure_id::text, vendor FROM studio.disclosures"))
    found = Counter((vendors[name], rule) for name, broken in expected.items() for rule in broken)
    assert {(vendor, rule): n for vendor, rule, n in incidents} == found
    assert rows(office, "SELECT * FROM studio.vendor_suspension") == []
    # The same again finds nothing new, opens nothing, and is verified too.
    again = check(office.house, "again")
    assert stated(office, again)["counts"]["planned"] == 0
    assert incidents == rows(
        office, "SELECT vendor, rule, disclosures FROM lifecycle.incident WHERE closed_at IS NULL"
    )
    _names_nobody(office, caplog.text)


def _names_nobody(office: Any, text: str) -> None:
    with connect(DatabaseAccess(office.studio.admin_url), "test") as connection:
        needles = leaks.people(connection)
        needles["disclosure"] = [
            row[0] for row in rows(office, "SELECT disclosure_id::text FROM studio.disclosures")
        ]
        assert leaks.search(needles, [("log", text)]) == []
        del needles["disclosure"]
        tables = (
            "lifecycle.situation",
            "lifecycle.incident",
            "lifecycle.run",
            "lifecycle.evidence",
            "lifecycle.assertion",
        )
        assert leaks.search(needles, leaks.in_database(connection, tables)) == []


def test_a_corrected_list_makes_a_new_verdict_and_leaves_the_old_one(office: Any, include: Path) -> None:
    first = check(office.house)
    before = rows(office, "SELECT * FROM lifecycle.verdict ORDER BY verdict_id")
    brushworks = (
        "SELECT verdict_id, supersedes, broken FROM lifecycle.current_verdict WHERE vendor = 'brushworks'"
    )
    ((old, none, broken),) = rows(office, brushworks)
    assert (none, broken) == (None, ["T05"])
    dpf = include / "reference" / "dpf.csv"
    dpf.write_text(dpf.read_text("utf-8").replace(",2025-01-31,", ",2031-01-31,"), "utf-8")
    # Without being asked, nothing is judged again.
    check(office.house, "plain")
    assert rows(office, brushworks) == [(old, None, ["T05"])]
    second = check(office.house, "asked", rejudge=True)
    ((new, link, broken),) = rows(office, brushworks)
    assert (link, broken) == (old, [])
    assert new > old
    assert (
        rows(office, "SELECT * FROM lifecycle.verdict WHERE supersedes IS NULL ORDER BY verdict_id") == before
    )
    results = [stated(office, run)["reference"]["sha256"] for run in (first, second)]
    assert results[0] != results[1]
    assert stated(office, second)["planned"]["judged_again"] == len(before)
    # An incident is closed by a person, not by a later list.
    assert rows(
        office, "SELECT count(*) FROM lifecycle.incident WHERE vendor = 'brushworks' AND closed_at IS NULL"
    ) == [(1,)]
    # A third time, everything is judged by the versions of today.
    third = check(office.house, "third", rejudge=True)
    assert stated(office, third)["counts"]["planned"] == 0


def test_a_stale_list_fails_the_run_after_judging(office: Any, include: Path) -> None:
    lists = include / "reference" / "eea.csv"
    lists.write_text(
        lists.read_text("utf-8").replace(f",{datetime.now(UTC):%Y-%m-%d},", ",2024-01-01,"), "utf-8"
    )
    run_id = plan_run(office.house, "test", datetime.now(UTC), None, False, False)
    guard_run(office.house, run_id)
    judge_run(office.house, run_id)
    with pytest.raises(PromiseBroken, match="stale_lists = 0"):
        assert_check(office.house, run_id)
    with pytest.raises(PromiseBroken, match="is not verified"):
        attest_run(office.house, run_id, ("assert",))
    result = stated(office, run_id)
    assert (result["outcome"], result["counts"]["stale_lists"], result["planned"]["stale_lists"]) == (
        "failed",
        1,
        ["eea"],
    )
    assert current(office) == wanted(1, 60, office.report.now), "judged all the same"


def test_the_switch_suspends_and_the_application_lifts(office: Any, include: Path) -> None:
    for file in (include / "policy").glob("xmanart-*.yaml"):
        text = file.read_text("utf-8")
        assert text.count("enabled: false") == 1
        file.write_text(text.replace("enabled: false", "enabled: true"), "utf-8")
    check(office.house)
    suspended = {row[0] for row in rows(office, "SELECT vendor FROM studio.vendor_suspension")}
    vendors = dict(rows(office, "SELECT disclosure_id::text, vendor FROM studio.disclosures"))
    expected = wanted(1, 60, office.report.now)
    assert suspended == {
        vendors[name] for name, broken in expected.items() if {"T02", "T03", "T10", "T11"} & set(broken)
    }
    check(office.house, "again")
    assert len(rows(office, "SELECT * FROM studio.vendor_suspension")) == len(suspended)
    with connect(office.house.connections.database("studio_app"), "test") as app, app, app.cursor() as cursor:
        cursor.execute(
            "UPDATE studio.vendor_suspension SET lifted_at = clock_timestamp(), lifted_by = 'privacy office'"
            " WHERE vendor = 'sketchfast'"
        )
        assert cursor.rowcount == 1


def test_a_studio_that_sent_nothing_is_an_error_not_a_zero(house: House) -> None:
    with pytest.raises(PromiseBroken, match="no disclosure was ever recorded"):
        plan_run(house, "test", datetime.now(UTC), None, False, False)


def test_what_must_not_go_on_as_asked(office: Any) -> None:
    for stated_moment in ("yesterday", "2999-01-01T00:00:00+00:00"):
        with pytest.raises(Refused):
            plan_run(office.house, "test", datetime.now(UTC), stated_moment, False, False)
    run_id = plan_run(office.house, "dry", datetime.now(UTC), None, True, False)
    assert not guard_run(office.house, run_id)
    with pytest.raises(PromiseBroken, match="not released"):
        judge_run(office.house, run_id)
    assert rows(office, "SELECT count(*) FROM lifecycle.verdict") == [(0,)]


def test_a_wrong_canary_voids_the_run(office: Any) -> None:
    """A judge that lets a minor's data pass is found out, although the books are in order."""
    run_id = plan_run(office.house, "test", datetime.now(UTC), None, False, False)
    guard_run(office.house, run_id)
    with pytest.MonkeyPatch.context() as patch:
        from data_lifecycle import database

        def bent(name: str) -> str:
            text = load_sql(name)
            return text.replace("NOT w.minor", "true") if name == "transfer_check/judge_situations" else text

        patch.setattr(database, "load", bent)
        judge_run(office.house, run_id)
    with pytest.raises(PromiseBroken, match="canaries_wrong = 0"):
        assert_check(office.house, run_id)


def test_judging_again_changes_nothing(office: Any) -> None:
    run_id = plan_run(office.house, "test", datetime.now(UTC), None, False, False)
    guard_run(office.house, run_id)
    judge_run(office.house, run_id)
    before = rows(office, "SELECT * FROM lifecycle.verdict ORDER BY verdict_id")
    judge_run(office.house, run_id)
    assert rows(office, "SELECT * FROM lifecycle.verdict ORDER BY verdict_id") == before
    # A run planned at the same time finds everything judged, and is complete.
    assert before


def test_two_runs_that_planned_the_same_give_one_verdict_each(office: Any) -> None:
    """And one incident counts each disclosure once."""
    both = [plan_run(office.house, name, datetime.now(UTC), None, False, False) for name in ("one", "two")]
    for run_id in both:
        guard_run(office.house, run_id)
        judge_run(office.house, run_id)
        assert_check(office.house, run_id)
    assert rows(office, "SELECT count(*), count(DISTINCT disclosure_id) FROM lifecycle.verdict") == rows(
        office, "SELECT count(*), count(*) FROM studio.disclosures"
    )
    broken = Counter(rule for rules in current(office).values() for rule in rules)
    assert (
        dict(rows(office, "SELECT rule, sum(disclosures)::integer FROM lifecycle.incident GROUP BY rule"))
        == broken
    )


@pytest.fixture
def command(office: Any, include: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`./lifecycle transfers …` as a person types it."""
    monkeypatch.setenv("LIFECYCLE_INCLUDE", str(include))
    from data_lifecycle.command import __main__ as command_line

    def run(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["lifecycle", "transfers", *words])
        try:
            return command_line.main()
        except SystemExit as stop:
            return int(stop.code or 0)

    return run


def test_explain_says_rule_by_rule_why(
    office: Any, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    check(office.house)
    expected = wanted(1, 60, office.report.now)
    for name, broken in expected.items():
        if broken:
            assert command("explain", "--disclosure", name) == 3
            text = capsys.readouterr().out
            assert f"DENIED by {', '.join(broken)}" in text
            for rule in broken:
                assert f"{rule} BROKEN" in text
    allowed = rows(
        office,
        "SELECT disclosure_id::text FROM lifecycle.current_verdict"
        " WHERE allowed AND cross_border AND vendor = 'aws-s3' LIMIT 1",
    )[0][0]
    capsys.readouterr()
    assert command("explain", "--disclosure", allowed) == 0
    text = capsys.readouterr().out
    assert "T02 kept" in text
    assert "dpa-aws-s3" in text
    assert "2031-08-01" in text
    assert "stood at sending" in text
    assert command("explain", "--disclosure", "00000000-0000-4000-8000-000000000000") == 2
    assert command("explain", "--disclosure", "nonsense") == 2


def test_may_i_answers_before_sending(
    office: Any, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    customer, vendor = rows(
        office,
        "SELECT v.customer_id::text, v.vendor FROM lifecycle.transfer_subject v"
        " JOIN studio.consents c ON c.pii_principal_id = v.customer_id AND c.recipient_third_party = v.vendor"
        " WHERE v.vendor IN ('replicate', 'fal', 'openai') AND v.origin_country = 'CN' AND NOT v.is_minor"
        "   AND v.data_category = 'user.content.self_image' AND c.pii_type = v.data_category"
        "   AND c.purpose = 'essential.service' AND NOT v.canary LIMIT 1",
    )[0]
    about = ["--category", "user.content.self_image", "--customer", customer]
    assert command("may-i", "--vendor", vendor, *about) == 0
    assert "allowed" in capsys.readouterr().out
    assert command("may-i", "--vendor", vendor, *about, "--purpose", "train_ai_system") == 3
    assert "T03" in capsys.readouterr().out
    assert command("may-i", "--vendor", "amazon-ses", *about) == 3
    assert command("may-i", "--vendor", "sketchfast", *about) == 3
    assert command("may-i", "--vendor", "sendgrid", *about, "--at", "2025-12-31T23:59:59Z") == 3
    assert command("may-i", "--vendor", vendor, *about, "--at", "2999-01-01T00:00:00Z") == 2
    assert command("may-i", "--vendor", vendor, *about, "--at", "2026-01-01") == 2
    stranger = ["--category", about[1], "--customer", "00000000-0000-4000-8000-000000000000"]
    assert command("may-i", "--vendor", vendor, *stranger) == 2
    assert command("may-i", "--vendor", vendor) == 2
    rows(office, "INSERT INTO studio.vendor_suspension (vendor, reason) VALUES (%s, 'a test')", vendor)
    capsys.readouterr()
    assert command("may-i", "--vendor", vendor, *about) == 3
    assert "suspended" in capsys.readouterr().out
    assert rows(
        office, "SELECT count(*) FROM lifecycle.register_version WHERE register_sha256 <> 'canary'"
    ) == [(0,)]
